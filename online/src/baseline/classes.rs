//! Baselines of classes.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::labels::Labels;
use crate::learn::{Learner, Prediction, Target, Task};
use crate::metrics::log_loss;
use crate::row::{Row, weight_of};
use crate::saved::{Checked, checked, ensure};

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
#[serde(remote = "Self")]
pub struct Majority {
    labels: Labels,
    counts: Vec<f64>,
    /// What all rows weigh.
    total: f64,
    /// Scratch for the prediction.
    #[serde(skip)]
    probabilities: Vec<f32>,
}

checked!(Majority);

impl Checked for Majority {
    fn check(&self) -> Result<(), Error> {
        ensure(self.counts.len() == self.labels.len(), "a count for each label")
    }
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
#[serde(remote = "Self")]
pub struct LastLabel {
    labels: Labels,
    /// 1 for the last label, 0 for the others.
    probabilities: Vec<f32>,
    last: usize,
}

checked!(LastLabel);

impl Checked for LastLabel {
    fn check(&self) -> Result<(), Error> {
        let LastLabel { labels, probabilities, last } = self;
        let is_one = *last < labels.len().max(1); // of none, the first that will come
        ensure(is_one && probabilities.len() == labels.len(), "a probability for each label, and one that came last")
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved::testing::refuses;

    #[test]
    fn what_is_known_of_labels_is_known_of_each() {
        let (mut majority, mut last) = (Majority::new(), LastLabel::new());
        refuses(&majority, &[("a count of none", |majority| majority.counts.push(1.0))]);
        refuses(&last, &[("a last label of none", |last| last.last = 1)]);
        for label in ["a", "b"] {
            for learner in [&mut majority as &mut dyn Learner, &mut last] {
                learner.learn_one(&[("x", 0.0)], Target::Class(label)).expect("the row is good");
            }
        }
        refuses(
            &majority,
            &[("a count too few", |majority| {
                majority.counts.pop();
            })],
        );
        refuses(
            &last,
            &[
                ("a last label of none", |last| last.last = 2),
                ("a probability too few", |last| {
                    last.probabilities.pop();
                }),
            ],
        );
    }
}
