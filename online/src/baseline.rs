//! The simplest learners: what any other must beat to be worth its cost.
//!
//! On a stream whose neighbouring rows resemble each other, *the same as last time* ([`LastLabel`], [`LastValue`]) is
//! hard to beat; on one with rare classes, *the most frequent class* ([`Majority`]) is (Žliobaitė, Bifet, Read,
//! Pfahringer & Holmes, "Evaluation methods and decision theory for classification of streaming data with temporal
//! dependence", 2015). None of them looks at the features.
//!
//! A row counts as often as its [weight](Row::weight) says; for what came last it does not matter.
//!
//! `learn_one` returns `−ln p` of the class that came ([`log_loss`], so a class never seen costs `−ln 10⁻¹⁵`), or the
//! squared error `(y − ŷ)²` of the number that came (with `ŷ = 0` while there is no prediction).

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::labels::Labels;
use crate::learn::{Learner, Prediction, Target, Task};
use crate::metrics::log_loss;
use crate::row::{Row, weight_of};

/// Predicts each class with the frequency it has had so far: `p(c) = n(c) / n`.
///
/// # Example
///
/// ```
/// use thalweg_online::{Learner, Target, baseline::Majority};
///
/// let mut majority = Majority::new();
/// let x = [("any", 1.0)];
/// for label in ["dry", "rain", "dry", "dry"] {
///     majority.learn_one(&x, Target::Class(label))?;
/// }
/// let prediction = majority.predict_one(&x)?;
/// assert_eq!((prediction.label(), prediction.probability("dry")), (Some("dry"), 0.75));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Majority {
    labels: Labels,
    counts: Vec<f64>,
    /// What all rows weigh.
    total: f64,
    /// Scratch for the prediction.
    #[serde(skip)]
    probabilities: Vec<f32>,
}

impl Majority {
    /// Knows no class yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Learner for Majority {
    fn task(&self) -> Task {
        Task::Classify
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        if self.total == 0.0 {
            return Ok(Prediction::Unknown);
        }
        self.probabilities.clear();
        self.probabilities.extend(self.counts.iter().map(|&count| (count / self.total) as f32));
        Ok(Prediction::Classes { labels: self.labels.as_slice(), probabilities: &self.probabilities })
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        let (weight, label) = (weight_of(x)?, y.class()?);
        let class = self.labels.insert(label);
        self.counts.resize(self.labels.len(), 0.0);
        let share = if self.total > 0.0 { self.counts[class] / self.total } else { 0.0 };
        self.counts[class] += weight;
        self.total += weight;
        Ok(log_loss(share))
    }
}

/// Predicts the last label again, with probability 1.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LastLabel {
    labels: Labels,
    /// 1 for the last label, 0 for the others.
    probabilities: Vec<f32>,
    last: usize,
}

impl LastLabel {
    /// Knows no label yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Learner for LastLabel {
    fn task(&self) -> Task {
        Task::Classify
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        if self.labels.is_empty() {
            return Ok(Prediction::Unknown);
        }
        Ok(Prediction::Classes { labels: self.labels.as_slice(), probabilities: &self.probabilities })
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        weight_of(x)?;
        let class = self.labels.insert(y.class()?);
        self.probabilities.resize(self.labels.len(), 0.0);
        let loss = log_loss(f64::from(self.probabilities[class]));
        self.probabilities[self.last] = 0.0;
        self.probabilities[class] = 1.0;
        self.last = class;
        Ok(loss)
    }
}

/// Predicts the mean of all targets so far: `μ ← μ + w (y − μ) / Σw`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunningMean {
    mean: f64,
    /// What all rows weigh.
    total: f64,
}

impl RunningMean {
    /// Has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Learner for RunningMean {
    fn task(&self) -> Task {
        Task::Regress
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        Ok(if self.total == 0.0 { Prediction::Unknown } else { Prediction::Value(self.mean) })
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        let (weight, deviation) = (weight_of(x)?, y.number()? - self.mean);
        if weight > 0.0 {
            self.total += weight;
            self.mean += weight * deviation / self.total;
        }
        Ok(deviation * deviation)
    }
}

/// Predicts the last target again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LastValue {
    last: Option<f64>,
}

impl LastValue {
    /// Has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Learner for LastValue {
    fn task(&self) -> Task {
        Task::Regress
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        Ok(self.last.map_or(Prediction::Unknown, Prediction::Value))
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        weight_of(x)?;
        let value = y.number()?;
        let error = value - self.last.unwrap_or(0.0);
        self.last = Some(value);
        Ok(error * error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [(&str, f64); 1] = [("x", 0.0)];

    #[test]
    fn before_anything_is_learned_nothing_is_predicted() {
        let learners: [&mut dyn Learner; 4] =
            [&mut Majority::new(), &mut LastLabel::new(), &mut RunningMean::new(), &mut LastValue::new()];
        for learner in learners {
            assert!(matches!(learner.predict_one(&X), Ok(Prediction::Unknown)));
        }
    }

    #[test]
    fn labels_stay_in_order_of_arrival() -> Result<(), Error> {
        let (mut majority, mut last) = (Majority::new(), LastLabel::new());
        for label in ["z", "a", "m", "a", "z"] {
            majority.learn_one(&X, Target::Class(label))?;
            last.learn_one(&X, Target::Class(label))?;
        }
        let Prediction::Classes { labels, probabilities } = majority.predict_one(&X)? else { panic!("no classes") };
        assert_eq!((labels, probabilities), (&["z", "a", "m"].map(String::from)[..], &[0.4, 0.4, 0.2][..]));
        assert_eq!(majority.predict_one(&X)?.label(), Some("z"), "the first of two equally frequent ones");
        let Prediction::Classes { probabilities, .. } = last.predict_one(&X)? else { panic!("no classes") };
        assert_eq!(probabilities, [1.0, 0.0, 0.0]);
        Ok(())
    }

    #[test]
    fn the_loss_is_that_before_the_update() -> Result<(), Error> {
        let mut majority = Majority::new();
        assert_eq!(majority.learn_one(&X, Target::Class("a"))?, -1e-15_f64.ln());
        assert_eq!(majority.learn_one(&X, Target::Class("a"))?, 0.0);
        assert_eq!(majority.learn_one(&X, Target::Class("b"))?, -1e-15_f64.ln());
        assert_eq!(majority.learn_one(&X, Target::Class("b"))?, -(1.0_f64 / 3.0).ln());
        let (mut mean, mut last) = (RunningMean::new(), LastValue::new());
        let losses =
            [3.0, 5.0, 10.0].map(|y| (mean.learn_one(&X, Target::Value(y)), last.learn_one(&X, Target::Value(y))));
        let [first, second, third] = losses.map(|(mean, last)| (mean.ok(), last.ok()));
        assert_eq!(first, (Some(9.0), Some(9.0)));
        assert_eq!(second, (Some(4.0), Some(4.0)));
        assert_eq!(third, (Some(36.0), Some(25.0)));
        Ok(())
    }

    #[test]
    fn a_target_of_the_wrong_type_changes_nothing() -> Result<(), Error> {
        let mut mean = RunningMean::new();
        mean.learn_one(&X, Target::Value(2.0))?;
        assert!(mean.learn_one(&X, Target::Class("two")).is_err());
        assert!(mean.learn_one(&X, Target::Value(f64::NAN)).is_err());
        assert_eq!(mean.predict_one(&X)?.value(), Some(2.0));
        assert!(LastLabel::new().learn_one(&X, Target::Value(1.0)).is_err());
        Ok(())
    }
}
