//! Which rows are kept for a test.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::saved::saved_as_text;

/// Every Nth row of a context, and how many of each context at most: `5`, or `5,most=200`.
///
/// ```
/// use thalweg_online::session::HoldOut;
///
/// assert_eq!(HoldOut::parse("5")?.to_string(), "5,most=200");
/// assert!(HoldOut::parse("1").is_err(), "nothing would be learned");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HoldOut {
    every: u32,
    most: u32,
}

saved_as_text!(HoldOut);

impl HoldOut {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If N is not from 2 to 10⁶, or the most that is kept not from 1 to 10⁵.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (every, most) = text.split_once(',').unwrap_or((text, "most=200"));
        let most = most.trim().strip_prefix("most=").and_then(|most| most.parse().ok());
        match (every.trim().parse(), most) {
            (Ok(every @ 2..=1_000_000), Some(most @ 1..=100_000)) => Ok(HoldOut { every, most }),
            _ => {
                let expected = "every 2nd to 1000000th row and at most 1 to 100000 of a context, as in 5 or 5,most=200";
                Err(Error::expected(ErrorKind::Spec, expected, text))
            }
        }
    }

    /// N.
    #[must_use]
    pub fn every(&self) -> u32 {
        self.every
    }

    /// How many are kept of each context at most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most as usize
    }
}

impl fmt::Display for HoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},most={}", self.every, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_keeps_all_or_nothing_is_refused() {
        for text in ["1", "5,most=0", "5,mots=3", "5,most=3,", "", "5,", "-5", "2000000", "5,most=200000"] {
            let error = HoldOut::parse(text).unwrap_err().to_string();
            assert!(error.contains("as in 5 or 5,most=200, found"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(text in "\\PC{0,9}|[0-9]{1,8}(,most=[0-9]{1,7})?") {
            if let Ok(hold_out) = HoldOut::parse(&text) {
                prop_assert_eq!(HoldOut::parse(&hold_out.to_string()).ok(), Some(hold_out));
            }
        }
    }
}
