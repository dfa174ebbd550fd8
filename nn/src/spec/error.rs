//! What can be wrong with a specification.

use std::fmt;

/// A specification that cannot be understood, or built: one line that says what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError(String);

impl SpecError {
    /// With this message (line breaks become spaces).
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.contains(char::is_control) {
            message = message.replace(char::is_control, " ");
        }
        SpecError(message)
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SpecError {}

/// Outside text as it is shown in a message: in quotes, control characters escaped, cut after 60 characters.
///
/// ```
/// use thalweg_nn::spec::quoted;
///
/// assert_eq!(quoted("tab\t"), r#""tab\t""#);
/// assert_eq!(quoted(&"x".repeat(100)).chars().count(), 63);
/// ```
#[must_use]
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}", format_args!("{}…", &text[..end]).to_string()),
        None => format!("{text:?}"),
    }
}
