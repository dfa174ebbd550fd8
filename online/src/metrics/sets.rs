//! Measures of rows with any number of labels, and of rows with several numbers.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::learn::{Prediction, Target, Task};

use super::counts::Counts;
use super::list::Metrics;
use super::means::Mean;
use super::scores::Scores;
use super::window::Sums;

/// Rows with any number of labels: label `i` came if `truth[i]`, and was predicted if `predicted[i]`.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::{Average, MultiLabel};
///
/// let mut sets = MultiLabel::default();
/// sets.update(&[true, false, true], &[true, false, true], 1.0);
/// sets.update(&[true, false, false], &[true, true, false], 1.0);
/// assert_eq!((sets.exact_match(), sets.hamming_loss()), (0.5, 1.0 / 6.0));
/// assert_eq!(sets.counts().f1(Average::Micro), 2.0 * 3.0 / (3.0 + 4.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MultiLabel {
    counts: Counts,
    exact: Mean,
    /// The share of wrong labels, each label of each row counting alike.
    wrong: Mean,
    /// Jaccard's index of the two sets of each row.
    jaccard: Mean,
}

impl MultiLabel {
    /// Takes in one row. What lies beyond the end of either list did not come, or was not predicted.
    pub fn update(&mut self, truth: &[bool], predicted: &[bool], weight: f64) {
        let labels = truth.len().max(predicted.len());
        let at = |set: &[bool], label: usize| set.get(label) == Some(&true);
        let wrong = (0..labels).filter(|&label| at(truth, label) != at(predicted, label)).count();
        self.counts.update_set(truth, predicted, weight);
        let both = (0..labels).filter(|&label| at(truth, label) && at(predicted, label)).count();
        let index = if both + wrong == 0 { 1.0 } else { both as f64 / (both + wrong) as f64 };
        self.jaccard.update(index, weight);
        self.exact.update(f64::from(u8::from(wrong == 0)), weight);
        if labels > 0 {
            self.wrong.update(wrong as f64 / labels as f64, weight * labels as f64);
        }
    }

    /// The share of rows of which all labels are right.
    #[must_use]
    pub fn exact_match(&self) -> f64 {
        self.exact.get()
    }

    /// The share of wrong labels.
    #[must_use]
    pub fn hamming_loss(&self) -> f64 {
        self.wrong.get()
    }

    /// The mean over the rows of `|A ∩ B| / |A ∪ B|`, of the labels that came and the predicted ones (Godbole & Sarawagi 2004);
    /// 1 where both are empty, which is scikit-learn's `zero_division=1`.
    #[must_use]
    pub fn jaccard(&self) -> f64 {
        self.jaccard.get()
    }

    /// Precision, recall, F1 and Jaccard's index over the labels, [micro, macro, weighted, or of one](super::Average).
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Sums for MultiLabel {
    /// The labels that came, and the predicted ones.
    type Row = (Vec<bool>, Vec<bool>);

    fn add(&mut self, (truth, predicted): &Self::Row, weight: f64) {
        self.update(truth, predicted, weight);
    }

    fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.exact.merge(&other.exact);
        self.wrong.merge(&other.wrong);
        self.jaccard.merge(&other.jaccard);
    }

    fn scale(&mut self, factor: f64) {
        self.counts.scale(factor);
        self.exact.scale(factor);
        self.wrong.scale(factor);
        self.jaccard.scale(factor);
    }

    fn clear(&mut self) {
        self.counts.clear();
        self.exact.clear();
        self.wrong.clear();
        self.jaccard.clear();
    }
}

/// The scores of each of several numbers that are predicted together, and their means.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::{Metrics, PerOutput};
///
/// let mut outputs = PerOutput::new(2, &Metrics::parse("mae@100")?)?;
/// outputs.update(&[1.0, 10.0], &[2.0, 13.0], 1.0);
/// assert_eq!(outputs.each()[1].get("mae"), Some(3.0));
/// assert_eq!(outputs.mean("mae@100"), Some(2.0));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerOutput {
    each: Vec<Scores>,
}

impl PerOutput {
    /// The metrics of so many outputs, over no rows yet.
    ///
    /// # Errors
    ///
    /// If a metric is not one of numbers.
    pub fn new(outputs: usize, asked: &Metrics) -> Result<Self, Error> {
        Ok(PerOutput { each: vec![Scores::with(Task::Regress, asked)?; outputs] })
    }

    /// Takes in one row.
    ///
    /// # Panics
    ///
    /// Unless there are as many numbers, on both sides, as outputs.
    #[track_caller]
    pub fn update(&mut self, truth: &[f64], predicted: &[f64], weight: f64) {
        let (outputs, found) = (self.each.len(), (truth.len(), predicted.len()));
        assert!(found == (outputs, outputs), "update: numbers = outputs: {found:?} ≠ {outputs}");
        for (scores, (&truth, &predicted)) in self.each.iter_mut().zip(truth.iter().zip(predicted)) {
            scores.update(&Target::Value(truth), &Prediction::Value(predicted), weight);
        }
    }

    /// The scores of each output.
    #[must_use]
    pub fn each(&self) -> &[Scores] {
        &self.each
    }

    /// The mean of a metric over the outputs, if it is among those that are measured.
    #[must_use]
    pub fn mean(&self, name: &str) -> Option<f64> {
        let values: Option<Vec<f64>> = self.each.iter().map(|scores| scores.get(name)).collect();
        values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Average, Rolling};
    use super::*;

    #[test]
    fn labels_by_hand() {
        let mut sets = MultiLabel::default();
        assert!(sets.exact_match().is_nan() && sets.hamming_loss().is_nan());
        // a: came 2, said 1, hit 1. b: came 1, said 2, hit 1. c: came 0, said 1.
        for (truth, predicted) in
            [([true, true], &[true, true][..]), ([true, false], &[false, true, true]), ([false; 2], &[])]
        {
            sets.update(&truth, predicted, 1.0);
        }
        assert_eq!((sets.exact_match(), sets.hamming_loss()), (2.0 / 3.0, 3.0 / 7.0));
        assert_eq!(sets.jaccard(), (1.0 + 0.0 + 1.0) / 3.0);
        assert_eq!(sets.counts().f1(Average::Micro), 4.0 / 7.0);
        assert_eq!(sets.counts().f1(Average::Macro), (2.0 / 3.0 + 2.0 / 3.0 + 0.0) / 3.0);
        assert_eq!(sets.counts().recall(Average::Of(0)), 0.5);
    }

    #[test]
    fn sets_roll_and_merge() {
        let row = |i: usize| (vec![i.is_multiple_of(2), i.is_multiple_of(3)], vec![i.is_multiple_of(4), true]);
        let over = |rows: std::ops::Range<usize>| {
            let mut sets = MultiLabel::default();
            rows.for_each(|i| sets.add(&row(i), 1.0));
            sets
        };
        let mut rolling = Rolling::new(10, MultiLabel::default());
        (0..57).for_each(|i| rolling.update(&row(i), 1.0));
        assert_eq!(rolling.sums(), over(47..57));
        let mut merged = over(0..20);
        merged.merge(&over(20..57));
        assert_eq!(merged, over(0..57));
    }

    #[test]
    #[should_panic(expected = "update: numbers = outputs: (2, 1) ≠ 2")]
    fn a_number_for_each_output() {
        PerOutput::new(2, &Metrics::default()).unwrap().update(&[1.0, 2.0], &[1.0], 1.0);
    }
}
