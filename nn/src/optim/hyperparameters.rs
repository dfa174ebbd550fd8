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

/// Panics over what is out of its bounds.
#[track_caller]
pub(super) fn require(sound: Result<(), HyperparameterError>) {
    sound.unwrap_or_else(|error| panic!("optim: {error}"));
}
