//! Baselines of sets of labels.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::labels::Labels;
use crate::learn::{LabelSet, Learner, Prediction, Target, Task};
use crate::metrics::log_loss;
use crate::row::{Row, weight_of};
use crate::saved::{Checked, checked, ensure};

/// Predicts each label with the frequency it has had so far, whatever the others: `p(l) = n(l) / n`. So the labels that
/// more than half of the rows had are predicted.
///
/// ```
/// use thalweg_online::{Learner, Target, baseline::MajorityLabels};
///
/// let mut majority = MajorityLabels::new();
/// let x = [("any", 1.0)];
/// for labels in [&["wind", "rain"][..], &["wind"], &[]] {
///     majority.learn_one(&x, Target::of_labels(labels))?;
/// }
/// let prediction = majority.predict_one(&x)?;
/// assert_eq!(prediction.labels().collect::<Vec<_>>(), ["wind"]);
/// assert!((prediction.probability("rain") - 1.0 / 3.0).abs() < 1e-7);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct MajorityLabels {
    labels: Labels,
    counts: Vec<f64>,
    /// What all rows weigh.
    total: f64,
    #[serde(skip)]
    scratch: Scratch,
}

/// Predicts the last set of labels again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LastLabels {
    labels: Labels,
    /// 1 for the labels of the last set, 0 for the others.
    last: Vec<f64>,
    knows_any: bool,
    #[serde(skip)]
    scratch: Scratch,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    probabilities: Vec<f32>,
    came: Vec<bool>,
}

impl Scratch {
    /// Which of all labels stand in a set.
    fn mark(&mut self, labels: &mut Labels, set: LabelSet<'_>) {
        self.came.clear();
        for label in set.iter() {
            let number = labels.insert(label);
            self.came.resize(labels.len(), false);
            self.came[number] = true;
        }
        self.came.resize(labels.len(), false);
    }

    fn predict<'a>(&'a mut self, labels: &'a Labels, probabilities: impl Iterator<Item = f64>) -> Prediction<'a> {
        self.probabilities.clear();
        self.probabilities.extend(probabilities.map(|p| p as f32));
        Prediction::Labels { labels: labels.as_slice(), probabilities: &self.probabilities }
    }

    /// The sum of `−ln p` over the labels that came and of `−ln (1 − p)` over the others.
    fn loss(&self, probabilities: impl Iterator<Item = f64>) -> f64 {
        self.came.iter().zip(probabilities).map(|(&came, p)| log_loss(if came { p } else { 1.0 - p })).sum()
    }
}

checked!(MajorityLabels);

impl Checked for MajorityLabels {
    fn check(&self) -> Result<(), Error> {
        ensure(self.counts.len() == self.labels.len(), "a count for each label")
    }
}

impl MajorityLabels {
    /// Knows no label yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

checked!(LastLabels);

impl Checked for LastLabels {
    fn check(&self) -> Result<(), Error> {
        ensure(self.last.len() == self.labels.len(), "whether each label came last")
    }
}

impl LastLabels {
    /// Knows no label yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Learner for MajorityLabels {
    fn task(&self) -> Task {
        Task::MultiLabel
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        if self.total == 0.0 {
            return Ok(Prediction::Unknown);
        }
        Ok(self.scratch.predict(&self.labels, self.counts.iter().map(|count| count / self.total)))
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        let (weight, set) = (weight_of(x)?, y.labels()?);
        let MajorityLabels { labels, counts, total, scratch } = self;
        scratch.mark(labels, set);
        counts.resize(labels.len(), 0.0);
        let loss = scratch.loss(counts.iter().map(|count| if *total > 0.0 { count / *total } else { 0.0 }));
        *total += weight;
        counts.iter_mut().zip(&scratch.came).filter(|(_, came)| **came).for_each(|(count, _)| *count += weight);
        Ok(loss)
    }
}

impl Learner for LastLabels {
    fn task(&self) -> Task {
        Task::MultiLabel
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        Ok(match self.knows_any {
            true => self.scratch.predict(&self.labels, self.last.iter().copied()),
            false => Prediction::Unknown,
        })
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        weight_of(x)?;
        let set = y.labels()?;
        self.scratch.mark(&mut self.labels, set);
        self.last.resize(self.labels.len(), 0.0);
        let loss = self.scratch.loss(self.last.iter().copied());
        self.last.iter_mut().zip(&self.scratch.came).for_each(|(last, &came)| *last = f64::from(u8::from(came)));
        self.knows_any = true;
        Ok(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved::testing::refuses;

    #[test]
    fn what_is_known_of_labels_is_known_of_each() {
        refuses(&MajorityLabels::new(), &[("a count of none", |majority| majority.counts.push(1.0))]);
        refuses(&LastLabels::new(), &[("a last label of none", |last| last.last.push(1.0))]);
    }
}
