//! Kind words for a misspelt name.

use super::{SpecError, quoted};

/// The one of `allowed` that `word` most likely stands for: at most a third of its letters differ, two letters swapped
/// counting as one difference. Of equally near ones the first.
///
/// ```
/// use thalweg_nn::spec::nearest;
///
/// assert_eq!(nearest("ltsm", &["linear", "lstm"]), Some("lstm"));
/// assert_eq!(nearest("forest", &["linear", "lstm"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(word: &str, allowed: &[&'a str]) -> Option<&'a str> {
    const LONGEST: usize = 64;
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let distances = allowed.iter().map(|name| (strsim::damerau_levenshtein(&word, &name.to_lowercase()), *name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= (length / 3).max(1) && distance < length.max(1)).then_some(name)
}

/// The error `unknown {kind} "{found}"; did you mean "…"? allowed: …`.
///
/// An allowed entry may show its arguments, as in `mlp:WIDTH,…`: what stands before the colon is compared.
///
/// ```
/// use thalweg_nn::spec::unknown;
///
/// let error = unknown("model", "ltsm", &["linear", "mlp:WIDTH,…", "lstm:WIDTH"]);
/// let expected = r#"unknown model "ltsm"; did you mean "lstm"? allowed: linear, mlp:WIDTH,…, lstm:WIDTH"#;
/// assert_eq!(error.to_string(), expected);
/// ```
#[must_use]
pub fn unknown(kind: &str, found: &str, allowed: &[&str]) -> SpecError {
    let names: Vec<&str> = allowed.iter().map(|entry| entry.split(':').next().unwrap_or(entry)).collect();
    SpecError::new(sentence(kind, found, nearest(found, &names), allowed))
}

/// `unknown {kind} "{found}"; did you mean "{near}"? allowed: …`; a long list is cut.
pub fn sentence(kind: &str, found: &str, near: Option<&str>, allowed: &[&str]) -> String {
    const SHOWN: usize = 20;
    let near = near.map_or(String::new(), |near| format!(" did you mean {}?", quoted(near)));
    let listed = match allowed.len() {
        0 => "nothing".to_owned(),
        1..=SHOWN => allowed.join(", "),
        more => format!("{}, … ({more} in all)", allowed[..SHOWN].join(", ")),
    };
    format!("unknown {kind} {};{near} allowed: {listed}", quoted(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_that_resembles_nothing_gets_no_suggestion() {
        assert_eq!(nearest("x", &["y", "z"]), None);
        assert_eq!(nearest("", &["a"]), None);
        assert_eq!(nearest(&"lstm".repeat(100), &["lstm"]), None);
        assert_eq!(unknown("model", "x", &["linear"]).to_string(), "unknown model \"x\"; allowed: linear");
    }

    proptest! {
        #[test]
        fn one_letter_too_many_is_forgiven(place in 0..5_usize, letter in "[a-z]") {
            let mut word = "lstm".to_owned();
            word.insert_str(place, &letter);
            prop_assert_eq!(nearest(&word, &["linear", "mlp", "lstm"]), Some("lstm"));
        }

        #[test]
        fn any_word_can_be_compared(word in "\\PC{0,80}") {
            let allowed = ["linear", "mlp:WIDTH,…", "élan"];
            prop_assert!(nearest(&word, &allowed).is_none_or(|near| allowed.contains(&near)));
        }
    }
}
