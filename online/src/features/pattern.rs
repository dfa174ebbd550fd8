//! Names of features by a pattern.

/// Whether a name follows a pattern, in which `*` stands for any text.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = name.strip_prefix(head).and_then(|inner| inner.strip_suffix(tail));
    // The first place at which a piece fits leaves most to those behind it: no other need be tried.
    let mut pieces = middle.split('*');
    inner.is_some_and(|inner| pieces.try_fold(inner, |rest, piece| Some(rest.split_once(piece)?.1)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in
            [("*", "", true), ("a*b*", "axbé", true), ("a*b", "axbé", false), ("é*", "é", true), ("*ab", "aab", true)]
        {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
