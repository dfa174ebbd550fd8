//! Labels that come later than their rows.
//!
//! | | |
//! |---|---|
//! | [`Delay`] | how much later: a number of rows, `50`, a time, `3600s`, or for each row another; for [evaluation](crate::evaluate) |
//! | [`Delayed`] | a learner whose labels come when they come, by the name of their row; for programs |
//! | [`KeptRow`] | a copy of a row, for as long as its label is awaited |
//!
//! # What a learner knows under delay
//!
//! A row is predicted when it comes, by what was learned until then, and learned when its label comes. Nothing of a row
//! is learned before its label: neither θ, nor how a feature is scaled, nor that there is such a feature.
//!
//! **A recurrent state** moves as rows come, labels or not: a row is predicted from the state after the last row that *came*,
//! beside the last target that is *known*. It is learned from the state after the last row that was *learned*. So:
//!
//! * Each row [passes](crate::Learner::pass_one) once, whatever the delay. The state from which is predicted was computed by the
//!   weights of the moments at which its rows came, as always in truncated backpropagation.
//! * Labels in the order of their rows are learned in the same sequence as without delay, and a label that comes before the
//!   next row changes nothing to the bit. When nothing is out, and the row that came last is learned, the state from which is
//!   predicted is the one after the rows that were learned.
//! * Labels in another order are learned as they come, each row behind the one that was learned before it. The state from
//!   which is predicted keeps to the order of the rows.
//! * A row whose label never comes, or that cannot be learned, is in the state from which is predicted, and in no other. A row
//!   that is refused when it comes is in neither.
//! * A new sequence ([`reset_state`](crate::Deep::reset_state)) begins with both at zero. What waits is learned before
//!   ([`Session::turn_to`](crate::Session::turn_to) does so), or belongs to the new one.
//! * Before the first label there is no network, and no state that could move.
//!
//! What a row was predicted from, it is learned from: lags, rolling statistics and the last known target are kept with it, as
//! they were when it came. Else a model would learn what yesterday's answer says, and then be asked without it.

mod kept;
mod learner;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

pub use kept::KeptRow;
pub use learner::Delayed;

/// At most so many rows wait for their labels.
pub const MOST_WAITING: usize = 1 << 20;

/// How much later than its row a label comes, in an evaluation.
///
/// River's rule: the label of a row that came at *t* is learned before the first row that comes at *t* + delay or later is
/// predicted. Rows come at 0, 1, 2, … where the delay is one of rows, so that a delay of 1 is none. A delay of 0 is none
/// in either way. Where each row says when its label became known, that is the time before which it is not learned; a row
/// that has a label and does not say so is an error.
///
/// ```
/// use thalweg_online::Delay;
///
/// assert_eq!(Delay::parse("50")?, Delay::Rows(50));
/// assert_eq!(Delay::parse("90m")?, Delay::Time(90 * 60 * 1_000_000_000));
/// assert_eq!(Delay::parse("120m")?.to_string(), "2h");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delay {
    /// So many rows, those without a target included: at most [`MOST_WAITING`].
    Rows(u32),
    /// So many nanoseconds between the [times](crate::Record::time) of the rows.
    Time(i64),
    /// Each label comes at the time that its row [says](crate::Record::known).
    Column,
}

/// What may stand behind a time, and how many nanoseconds it is.
const UNITS: [(&str, i64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// None.
impl Default for Delay {
    fn default() -> Self {
        Delay::Rows(0)
    }
}

impl Delay {
    /// Reads a delay: a whole number of rows, or of `d`, `h`, `m`, `s`, `ms`, `us` or `ns`; or `column`.
    ///
    /// # Errors
    ///
    /// If it is neither, or too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text == "column" {
            return Ok(Delay::Column);
        }
        let unit = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit);
        let wrong = || {
            let expected = "a number of rows such as 50, or a time such as 3600s, 90m, 2h or 1d";
            Error::expected(ErrorKind::Spec, expected, text)
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        if unit.is_empty() {
            let rows = u32::try_from(number).ok().filter(|&rows| rows as usize <= MOST_WAITING);
            let expected = || format!("a delay of at most {MOST_WAITING} rows");
            return rows.map(Delay::Rows).ok_or_else(|| Error::expected(ErrorKind::Spec, &expected(), text));
        }
        let (_, scale) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let time = number.checked_mul(scale);
        time.map(Delay::Time).ok_or_else(|| Error::expected(ErrorKind::Spec, "a delay of at most 292 years", text))
    }

    /// Whether labels can be awaited for so long: at most [`MOST_WAITING`] rows, or a time that is not negative.
    pub(crate) fn can_be(self) -> bool {
        match self {
            Delay::Rows(rows) => rows as usize <= MOST_WAITING,
            Delay::Time(time) => time >= 0,
            Delay::Column => true,
        }
    }

    /// Whether every label is there with its row.
    #[must_use]
    pub fn is_none(self) -> bool {
        matches!(self, Delay::Rows(0) | Delay::Time(0))
    }
}

impl FromStr for Delay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// As it is parsed, in the largest unit that makes a whole number.
impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Delay::Rows(rows) => write!(f, "{rows}"),
            Delay::Time(0) => f.write_str("0s"),
            Delay::Column => f.write_str("column"),
            Delay::Time(time) => {
                let (unit, scale) = UNITS.into_iter().find(|(_, scale)| time % scale == 0).unwrap_or(("ns", 1));
                write!(f, "{}{unit}", time / scale)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_delay_is_parsed_as_it_is_printed(rows in 0..=MOST_WAITING as u32, time in 0..i64::MAX, unit in 0..7_usize) {
            let scale = UNITS[unit].1;
            for delay in [Delay::Rows(rows), Delay::Time(time), Delay::Time(time / scale * scale), Delay::Column] {
                prop_assert_eq!(delay.to_string().parse::<Delay>().unwrap(), delay);
            }
        }
    }

    #[test]
    fn what_is_no_delay_is_refused() {
        let refusal = |text| Delay::parse(text).unwrap_err().to_string();
        for text in ["", "-3", "1.5h", "s", "soon", "3 h", "7w", "99999999999999999999"] {
            let expected = "expected a number of rows such as 50, or a time such as 3600s, 90m, 2h or 1d, found ";
            assert!(refusal(text).starts_with(expected), "{text}: {}", refusal(text));
        }
        assert_eq!(refusal("1048577"), "expected a delay of at most 1048576 rows, found \"1048577\"");
        assert_eq!(refusal("106752d"), "expected a delay of at most 292 years, found \"106752d\"");
    }
}
