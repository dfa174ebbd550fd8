//! What an optimizer is set by, within which bounds.

use std::fmt;
use std::ops::Range;

/// A hyperparameter of an optimizer: to read, to set, to tune. See [`Optimizer::hyperparameters`](super::Optimizer).
#[derive(Debug)]
pub enum Hyperparameter<'a> {
    /// A number, and where it may lie.
    Number(&'a mut f64, Range<f64>),
    /// Whether something is so.
    Switch(&'a mut bool),
}

/// Takes in each hyperparameter with its name.
pub type Visit<'a> = &'a mut dyn FnMut(&'static str, Hyperparameter<'_>);

/// Rates, decays, ε.
pub(super) const FROM_ZERO: Range<f64> = 0.0..f64::INFINITY;
/// What is remembered of one step in the next.
pub(super) const BELOW_ONE: Range<f64> = 0.0..1.0;

/// A hyperparameter out of its bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct HyperparameterError {
    /// Its name.
    pub name: &'static str,
    /// Where it may lie.
    pub bounds: Range<f64>,
    /// What it is.
    pub found: f64,
}

impl HyperparameterError {
    /// An error unless the number is within the bounds; NaN never is.
    pub(super) fn unless_within(bounds: Range<f64>, name: &'static str, found: f64) -> Result<(), Self> {
        if bounds.contains(&found) { Ok(()) } else { Err(HyperparameterError { name, bounds, found }) }
    }
}

impl fmt::Display for HyperparameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HyperparameterError { name, bounds: Range { start, end }, found } = self;
        match end.is_finite() {
            true => write!(f, "{name}: a number from {start} to below {end} expected, found {found}"),
            false => write!(f, "{name}: a finite number of at least {start} expected, found {found}"),
        }
    }
}

impl std::error::Error for HyperparameterError {}

/// Reads a number of at least 0, or none.
#[cfg(feature = "serde")]
pub(super) fn from_zero<'de, D, V>(from: D) -> Result<V, D::Error>
where
    D: serde::Deserializer<'de>,
    V: serde::Deserialize<'de> + Copy + Into<Option<f64>>,
{
    read_within(FROM_ZERO, from)
}

/// Reads a number from 0 to below 1.
#[cfg(feature = "serde")]
pub(super) fn below_one<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    read_within(BELOW_ONE, from)
}

#[cfg(feature = "serde")]
fn read_within<'de, D, V>(bounds: Range<f64>, from: D) -> Result<V, D::Error>
where
    D: serde::Deserializer<'de>,
    V: serde::Deserialize<'de> + Copy + Into<Option<f64>>,
{
    let read = V::deserialize(from)?;
    let sound = read.into().map_or(Ok(()), |number| HyperparameterError::unless_within(bounds, "a setting", number));
    sound.map_err(serde::de::Error::custom)?;
    Ok(read)
}

/// Panics over what is out of its bounds.
#[track_caller]
pub(super) fn require(sound: Result<(), HyperparameterError>) {
    sound.unwrap_or_else(|error| panic!("optim: {error}"));
}
