//! The words of ARFF, in quotes or without, and its attributes.

use super::date;
use crate::error::{Error, ErrorKind};

/// A line of the header.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) kind: AttributeKind,
}

/// What stands in an attribute's cells.
#[derive(Debug, PartialEq)]
pub(super) enum AttributeKind {
    Number,
    /// One of these.
    Nominal(Vec<String>),
    Text,
    /// By a pattern of `strptime`, or by ISO 8601.
    Date(Option<String>),
}

impl Attribute {
    /// What follows `@attribute`: a name and a type.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut name = String::new();
        let (quoted, rest) = word(text, &[' ', '\t', '{'], &mut name)?;
        if name.is_empty() && !quoted {
            return Err(Error::expected(ErrorKind::Format, "@attribute, a name and a type", text));
        }
        let rest = rest.trim();
        let wrong =
            |expected: &str, found: &str| Error::expected(ErrorKind::Format, expected, found).in_column(name.as_str());
        let (keyword, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        let kind = match keyword.to_ascii_lowercase().as_str() {
            "numeric" | "real" | "integer" => AttributeKind::Number,
            "string" => AttributeKind::Text,
            "date" => {
                let mut pattern = String::new();
                let (quoted, _) = word(after.trim(), &[], &mut pattern)?;
                let unknown = || wrong("a pattern of y M d H h m s S a E Z and 'quoted' letters", &pattern);
                match (quoted, pattern.is_empty()) {
                    (false, true) => AttributeKind::Date(None),
                    _ => AttributeKind::Date(Some(date::pattern_of_java(&pattern).ok_or_else(unknown)?)),
                }
            }
            _ if rest.starts_with('{') => AttributeKind::Nominal(values(&rest[1..]).map_err(|e| e.in_column(&name))?),
            _ => return Err(wrong("numeric, real, integer, string, date or {values}", rest)),
        };
        Ok(Attribute { name, kind })
    }
}

/// The values of a nominal attribute, up to the brace.
fn values(mut rest: &str) -> Result<Vec<String>, Error> {
    let mut values = Vec::new();
    loop {
        let mut value = String::new();
        let (quoted, after) = word(rest, &[',', '}'], &mut value)?;
        if !value.is_empty() || quoted {
            values.push(value);
        }
        if after.starts_with('}') {
            return Ok(values);
        }
        let wrong = || Error::expected(ErrorKind::Format, "values between commas, and } after the last", rest);
        rest = after.strip_prefix(',').ok_or_else(wrong)?;
    }
}

/// Reads a word into `word`, in quotes or up to one of `ends`, without the space around it. Says whether it stood in quotes,
/// and what comes after it: an end or nothing.
pub(super) fn word<'a>(text: &'a str, ends: &[char], word: &mut String) -> Result<(bool, &'a str), Error> {
    word.clear();
    let text = text.trim_start();
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) else {
        let (found, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        word.push_str(found.trim_end());
        return Ok((false, rest));
    };
    let mut characters = text[1..].char_indices();
    while let Some((place, c)) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some((_, 'n')) => word.push('\n'),
                Some((_, 't')) => word.push('\t'),
                Some((_, 'r')) => word.push('\r'),
                Some((_, other)) => word.push(other),
                None => break,
            },
            c if c == quote => {
                let rest = &text[1 + place + 1..];
                let after = rest.trim_start_matches(|c: char| c.is_whitespace() && !ends.contains(&c));
                return match after.chars().next() {
                    Some(end) if !ends.contains(&end) => {
                        Err(Error::expected(ErrorKind::Format, "an end after the quote", after))
                    }
                    _ => Ok((true, after)),
                };
            }
            c => word.push(c),
        }
    }
    Err(Error::expected(ErrorKind::Format, "a quote that is closed", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_a_quote_or_at_an_end() {
        for (text, ends, expected) in [
            (" a b , c", &[','][..], (false, "a b", ", c")),
            (" 'a, b' , c", &[','], (true, "a, b", ", c")),
            (r#""it's \"so\"\n""#, &[','], (true, "it's \"so\"\n", "")),
            ("", &[','], (false, "", "")),
            ("''", &[','], (true, "", "")),
            ("é}", &['}'], (false, "é", "}")),
        ] {
            let mut found = String::new();
            let (quoted, rest) = word(text, ends, &mut found).unwrap();
            assert_eq!((quoted, found.as_str(), rest), expected, "{text}");
        }
        for text in ["'open", "'a'b", r"'\"] {
            assert!(word(text, &[','], &mut String::new()).is_err(), "{text}");
        }
    }

    #[test]
    fn attributes_are_read_in_every_spelling() -> Result<(), Error> {
        let nominal = |values: &[&str]| AttributeKind::Nominal(values.iter().map(ToString::to_string).collect());
        for (text, name, kind) in [
            (" wind numeric", "wind", AttributeKind::Number),
            ("\t'wind speed'   REAL", "wind speed", AttributeKind::Number),
            (" sky {clear, 'light rain', \"a,b\" }", "sky", nominal(&["clear", "light rain", "a,b"])),
            (" sky{a}", "sky", nominal(&["a"])),
            (" note String", "note", AttributeKind::Text),
            (" at date", "at", AttributeKind::Date(None)),
            (" at DATE \"yyyy-MM-dd\"", "at", AttributeKind::Date(Some("%Y-%m-%d".into()))),
        ] {
            let found = Attribute::parse(text)?;
            assert_eq!((found.name.as_str(), found.kind), (name, kind), "{text}");
        }
        for text in ["", " a", " a relational", " a {b", " a date 'ww'", " a {'b}", " a {'b' c}"] {
            assert!(Attribute::parse(text).is_err(), "{text}");
        }
        Ok(())
    }
}
