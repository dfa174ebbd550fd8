//! What is done at a drift, by its specification.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::saved::saved_as_text;
use crate::spec::{Spec, unknown};

/// What a learner does when its error has risen: see the table of the [module](super).
///
/// ```
/// use thalweg_online::adapt::PolicySpec;
///
/// assert_eq!(PolicySpec::parse("rate:10")?.to_string(), "rate:10,rows=500");
/// let background = PolicySpec::parse("background:warmup=50")?;
/// assert_eq!(background.to_string(), "background:warmup=50,patience=500");
/// let error = PolicySpec::parse("raet:10").unwrap_err().to_string();
/// assert!(error.starts_with(r#"unknown policy "raet"; did you mean "rate"?"#), "{error}");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum PolicySpec {
    /// It is counted.
    #[default]
    Report,
    /// The optimizer begins anew.
    Optimizer,
    /// The head is drawn anew, and the optimizer begins anew.
    Head,
    /// The learning rate is `factor` times as high, and falls back in a straight line within `rows`.
    Rate {
        /// How many times.
        factor: f64,
        /// Within how many learned rows.
        rows: u64,
    },
    /// A new model, which learns beside since the warning, takes over.
    Background {
        /// How many rows it must have learned before it does.
        warmup: u64,
        /// How many rows after the last warning it goes, if there was no drift.
        patience: u64,
    },
}

/// More rows than this are a slip of the keyboard.
const MOST_ROWS: u64 = 1_000_000_000;

impl PolicySpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such policy or option (with the nearest match), or a number is out of bounds: a factor from 1 to 1000,
    /// and 1 to 10⁹ rows.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let policy = match spec.name() {
            "report" => PolicySpec::Report,
            "optimizer" => PolicySpec::Optimizer,
            "head" => PolicySpec::Head,
            "rate" => PolicySpec::Rate {
                factor: spec.optional_arg(0, "how many times as high the rate is")?.unwrap_or(10.0),
                rows: spec.option("rows")?.unwrap_or(500),
            },
            "background" => PolicySpec::Background {
                warmup: spec.option("warmup")?.unwrap_or(100),
                patience: spec.option("patience")?.unwrap_or(500),
            },
            other => {
                let known = ["report", "optimizer", "head", "rate:FACTOR", "background"];
                return Err(unknown("policy", other, &known).into());
            }
        };
        spec.finish()?;
        policy.check()?;
        Ok(policy)
    }

    /// Whether a model is to begin at a warning.
    pub(super) fn needs_warnings(&self) -> bool {
        matches!(self, PolicySpec::Background { .. })
    }

    /// Whether its numbers are such as it can have.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |expected: &str| Err(Error::expected(ErrorKind::Spec, expected, &self.to_string()));
        let is_rows = |rows: u64| (1..=MOST_ROWS).contains(&rows);
        match *self {
            PolicySpec::Rate { factor, .. } if !(1.0..=1000.0).contains(&factor) => wrong("a factor from 1 to 1000"),
            PolicySpec::Rate { rows, .. } if !is_rows(rows) => wrong("1 to 10⁹ rows"),
            PolicySpec::Background { warmup, patience } if !(is_rows(warmup) && is_rows(patience)) => {
                wrong("a warmup and a patience of 1 to 10⁹ rows")
            }
            _ => Ok(()),
        }
    }
}

/// As it is parsed, with defaults written out.
impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicySpec::Report => f.write_str("report"),
            PolicySpec::Optimizer => f.write_str("optimizer"),
            PolicySpec::Head => f.write_str("head"),
            PolicySpec::Rate { factor, rows } => write!(f, "rate:{factor},rows={rows}"),
            PolicySpec::Background { warmup, patience } => {
                write!(f, "background:warmup={warmup},patience={patience}")
            }
        }
    }
}

impl FromStr for PolicySpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        PolicySpec::parse(text)
    }
}

saved_as_text!(PolicySpec);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_policy_is_refused() {
        let message = |text| PolicySpec::parse(text).unwrap_err().to_string();
        assert!(message("raport").contains(r#"did you mean "report"?"#));
        assert!(message("rate:10,row=5").contains(r#"did you mean "rows"?"#));
        assert!(message("head:3").contains("expected at most 0 arguments"));
        for text in ["rate:0.5", "rate:NaN", "rate:1001", "rate:2,rows=0", "background:warmup=0"] {
            assert!(message(text).contains("expected "), "{}", message(text));
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(
            text in "\\PC{0,16}|report|optimizer|head|rate(:[0-9.]{1,4})?|(rate:|background:warmup=)[0-9]{1,3},(rows|patience)=[0-9]{1,4}"
        ) {
            if let Ok(policy) = PolicySpec::parse(&text) {
                prop_assert_eq!(PolicySpec::parse(&policy.to_string()).ok(), Some(policy));
            }
        }
    }
}
