//! The contract between a stream and whatever learns from it.
//!
//! A [`Learner`] is asked for a [`Prediction`] before it is told the [`Target`], and learns from every example once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::row::Row;

/// What is to be learned: a class or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// The target is one of several labels; new ones may appear at any time.
    Classify,
    /// The target is a number.
    Regress,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Task::Classify => "classify",
            Task::Regress => "regress",
        })
    }
}

/// The answer that belongs to a row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target<'a> {
    /// The label of a class.
    Class(&'a str),
    /// A finite number.
    Value(f64),
}

impl<'a> Target<'a> {
    /// The task to which this is an answer.
    #[must_use]
    pub fn task(&self) -> Task {
        match self {
            Target::Class(_) => Task::Classify,
            Target::Value(_) => Task::Regress,
        }
    }

    /// Whether it is an answer to `task` that can be learned.
    ///
    /// # Errors
    ///
    /// If it belongs to another task ([`ErrorKind::Type`]), or is not finite ([`ErrorKind::Value`]).
    pub fn check(&self, task: Task) -> Result<(), Error> {
        match task {
            Task::Classify => self.class().map(drop),
            Task::Regress => self.number().map(drop),
        }
    }

    /// The label.
    ///
    /// # Errors
    ///
    /// If the target is a number ([`ErrorKind::Type`]).
    pub fn class(&self) -> Result<&'a str, Error> {
        match *self {
            Target::Class(label) => Ok(label),
            Target::Value(value) => {
                Err(Error::new(ErrorKind::Type, format!("expected a label, found the number {value}")))
            }
        }
    }

    /// The number.
    ///
    /// # Errors
    ///
    /// If the target is a label ([`ErrorKind::Type`]) or not finite ([`ErrorKind::Value`]).
    pub fn number(&self) -> Result<f64, Error> {
        match *self {
            Target::Value(value) if value.is_finite() => Ok(value),
            Target::Value(value) => {
                Err(Error::new(ErrorKind::Value, format!("expected a finite target, found {value}")))
            }
            Target::Class(label) => Err(Error::expected(ErrorKind::Type, "a number", label)),
        }
    }
}

/// What a learner says before it is told the answer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Prediction<'a> {
    /// The learner has seen too little to say anything.
    Unknown,
    /// How probable each class is.
    Classes {
        /// The labels, in the order in which they first appeared.
        labels: &'a [String],
        /// Their probabilities, one for each label.
        probabilities: &'a [f32],
    },
    /// A number.
    Value(f64),
    /// Quantiles of a number: how probable it is that it lies below each value.
    Quantiles {
        /// Between 0 and 1, in ascending order.
        quantiles: &'a [f64],
        /// One for each quantile, never descending.
        values: &'a [f64],
    },
}

impl<'a> Prediction<'a> {
    /// The most probable label, the first of them on ties; `None` where there is none.
    ///
    /// # Example
    ///
    /// ```
    /// use thalweg_online::Prediction;
    ///
    /// let labels = ["dry".to_string(), "rain".to_string()];
    /// let prediction = Prediction::Classes { labels: &labels, probabilities: &[0.3, 0.7] };
    /// assert_eq!(prediction.label(), Some("rain"));
    /// assert_eq!(prediction.probability("snow"), 0.0);
    /// ```
    #[must_use]
    pub fn label(&self) -> Option<&'a str> {
        let Prediction::Classes { labels, probabilities } = *self else { return None };
        let mut best = None;
        let mut highest = f32::NEG_INFINITY;
        for (label, &probability) in labels.iter().zip(probabilities) {
            if probability > highest {
                highest = probability;
                best = Some(label.as_str());
            }
        }
        best
    }

    /// The probability given to `label`; zero for a label that the learner does not know.
    #[must_use]
    pub fn probability(&self, label: &str) -> f64 {
        let Prediction::Classes { labels, probabilities } = *self else { return 0.0 };
        let position = labels.iter().position(|known| known == label);
        position.and_then(|index| probabilities.get(index)).map_or(0.0, |&probability| f64::from(probability))
    }

    /// The number, if the prediction is one; of quantiles, the one nearest to the median (the lower of two).
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match *self {
            Prediction::Value(value) => Some(value),
            Prediction::Quantiles { quantiles, values } => {
                let distance = |(q, _): &(&f64, &f64)| (**q - 0.5).abs();
                let nearest = quantiles.iter().zip(values).min_by(|a, b| distance(a).total_cmp(&distance(b)));
                nearest.map(|(_, &value)| value)
            }
            _ => None,
        }
    }

    /// Whether every number in the prediction is finite. A learner that has diverged says NaN.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        match *self {
            Prediction::Unknown => true,
            Prediction::Classes { probabilities, .. } => {
                probabilities.iter().all(|probability| probability.is_finite())
            }
            Prediction::Value(value) => value.is_finite(),
            Prediction::Quantiles { values, .. } => values.iter().all(|value| value.is_finite()),
        }
    }
}

/// Something that learns from a stream, one example at a time.
///
/// **Weights.** A row counts as often as its [weight](Row::weight) says, 1 as a rule: its loss, its answer in a mean. What
/// "counts" means beyond that is each learner's to say. A weight that is negative or not finite is an
/// [error](crate::row::weight_of).
pub trait Learner {
    /// What it learns.
    fn task(&self) -> Task;

    /// What it says about `x` now. Nothing that learning relies on changes; `&mut` is for scratch memory only.
    ///
    /// # Errors
    ///
    /// If `x` cannot be used.
    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error>;

    /// Learns that `y` is the answer to `x`, and returns the loss *before* the update.
    ///
    /// # Errors
    ///
    /// If `x` or `y` cannot be used; the learner is then as it was before.
    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error>;

    /// Learns from several examples in their order, to the bit as [`learn_one`](Learner::learn_one) for each of them does,
    /// and returns the mean of their losses; 0 for none.
    ///
    /// # Errors
    ///
    /// At the first example that cannot be used; the error counts from 1 which [row](Error::row) it is. What stands before
    /// it was learned, nothing after it.
    fn learn_many(&mut self, examples: &[(&dyn Row, Target<'_>)]) -> Result<f64, Error> {
        let mut sum = 0.0;
        for (row, &(x, y)) in (1..).zip(examples) {
            sum += self.learn_one(x, y).map_err(|error| error.at_row(row))?;
        }
        Ok(sum / examples.len().max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_of_equally_probable_labels_wins() {
        let labels = labels(&["a", "b", "c"]);
        let prediction = Prediction::Classes { labels: &labels, probabilities: &[0.2, 0.4, 0.4] };
        assert_eq!(prediction.label(), Some("b"));
    }

    #[test]
    fn nan_is_never_the_most_probable() {
        let labels = labels(&["a", "b"]);
        let prediction = Prediction::Classes { labels: &labels, probabilities: &[f32::NAN, 0.1] };
        assert_eq!(prediction.label(), Some("b"));
        assert!(!prediction.is_finite());
    }

    #[test]
    fn a_prediction_without_classes_has_no_label() {
        assert_eq!(Prediction::Unknown.label(), None);
        assert_eq!(Prediction::Value(3.0).label(), None);
        assert_eq!(Prediction::Value(3.0).value(), Some(3.0));
        assert_eq!(Prediction::Classes { labels: &[], probabilities: &[] }.label(), None);
    }

    #[test]
    fn of_quantiles_the_number_is_nearest_to_the_median() {
        let value = |quantiles: &[f64], values: &[f64]| Prediction::Quantiles { quantiles, values }.value();
        assert_eq!(value(&[0.1, 0.5, 0.9], &[1.0, 2.0, 7.0]), Some(2.0));
        assert_eq!(value(&[0.25, 0.75], &[1.0, 3.0]), Some(1.0));
        assert_eq!((value(&[0.9], &[4.0]), value(&[], &[])), (Some(4.0), None));
    }

    #[test]
    fn a_target_of_the_wrong_type_says_what_was_found() {
        assert_eq!(Target::Class("up").number().unwrap_err().to_string(), "expected a number, found \"up\"");
        assert_eq!(Target::Value(2.5).class().unwrap_err().to_string(), "expected a label, found the number 2.5");
        assert_eq!(Target::Value(f64::NAN).number().unwrap_err().kind(), ErrorKind::Value);
    }
}
