//! Measures of predicted labels and probabilities.

use serde::{Deserialize, Serialize};

use crate::labels::Labels;

/// `−ln p` of the probability given to the class that came, with `p` clipped to `[10⁻¹⁵, 1]`; NaN counts as 0.
#[must_use]
pub fn log_loss(probability: f64) -> f64 {
    // NaN is not greater than anything. `0 −` and not `−`: the loss of a certain, right answer is 0, not −0.
    0.0 - if probability > 1e-15 { probability.min(1.0).ln() } else { 1e-15_f64.ln() }
}

/// `part / whole`; NaN while nothing has been counted.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// How much better than `chance` the share `p` of right answers is: `(p − chance) / (1 − chance)`.
///
/// Where chance is always right nothing can be better, and the result is 0 by convention.
fn beyond(chance: f64, p: f64) -> f64 {
    if chance == 1.0 { 0.0 } else { (p - chance) / (1.0 - chance) }
}

/// The share of right labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    right: u64,
    rows: u64,
}

impl Accuracy {
    /// Takes in one row.
    pub fn update(&mut self, truth: &str, predicted: &str) {
        self.right += u64::from(truth == predicted);
        self.rows += 1;
    }

    /// The accuracy so far, in `[0, 1]`.
    #[must_use]
    pub fn get(&self) -> f64 {
        share(self.right, self.rows)
    }
}

/// The mean of `−ln p` over the probabilities given to the classes that came; see [`log_loss`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogLoss {
    sum: f64,
    rows: u64,
}

impl LogLoss {
    /// Takes in the probability that was given to the class that came.
    pub fn update(&mut self, probability: f64) {
        self.sum += log_loss(probability);
        self.rows += 1;
    }

    /// The mean so far, in nats.
    #[must_use]
    pub fn get(&self) -> f64 {
        self.sum / self.rows as f64
    }
}

/// Agreement beyond what two independent raters with these frequencies would reach by chance (Cohen, 1960).
///
/// `κ = (pₒ − pₑ) / (1 − pₑ)` with `pₒ` the accuracy and `pₑ = Σ_c n_true(c) · n_predicted(c) / n²`. 0 is chance, 1 is
/// perfect; where `pₑ = 1` (a single class in both) it is 0 by convention.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kappa {
    accuracy: Accuracy,
    labels: Labels,
    /// For each label: how often it came, and how often it was predicted.
    counts: Vec<[u64; 2]>,
}

impl Kappa {
    /// Takes in one row.
    pub fn update(&mut self, truth: &str, predicted: &str) {
        let (came, said) = (self.labels.insert(truth), self.labels.insert(predicted));
        self.counts.resize(self.labels.len(), [0, 0]);
        self.counts[came][0] += 1;
        self.counts[said][1] += 1;
        self.accuracy.update(truth, predicted);
    }

    /// κ so far, at most 1.
    #[must_use]
    pub fn get(&self) -> f64 {
        let rows = self.accuracy.rows;
        if rows == 0 {
            return f64::NAN;
        }
        let chance = self.counts.iter().map(|&[came, said]| share(came, rows) * share(said, rows)).sum();
        beyond(chance, self.accuracy.get())
    }
}

/// How much better than *the same label as last time* the predictions are, over the same rows.
///
/// `κ_temporal = (p − p_last) / (1 − p_last)` (Žliobaitė, Bifet, Read, Pfahringer & Holmes, 2015). 0 is as good as
/// repeating the last label, below 0 is worse, 1 is perfect; where the last label is always right it is 0 by
/// convention. The first row of a stream has no last label, so repeating is wrong there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KappaTemporal {
    accuracy: Accuracy,
    repeats: u64,
    last: Option<String>,
}

impl KappaTemporal {
    /// Takes in one row.
    pub fn update(&mut self, truth: &str, predicted: &str) {
        self.accuracy.update(truth, predicted);
        self.repeats += u64::from(self.last.as_deref() == Some(truth));
        self.observe(truth);
    }

    /// Remembers the label of a row that is not scored: for the next row it is the last one.
    pub fn observe(&mut self, truth: &str) {
        let last = self.last.get_or_insert_default();
        last.clear();
        last.push_str(truth);
    }

    /// κ_temporal so far, at most 1.
    #[must_use]
    pub fn get(&self) -> f64 {
        beyond(share(self.repeats, self.accuracy.rows), self.accuracy.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_log_loss_is_clipped_at_both_ends() {
        assert_eq!(log_loss(1.0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(log_loss(1.0 + 1e-7), 0.0);
        for hopeless in [0.0, -1.0, 1e-20, f64::NAN] {
            assert_eq!(log_loss(hopeless), -(1e-15_f64.ln()));
        }
    }

    #[test]
    fn kappa_temporal_of_a_worked_example() {
        // Right on 3 of 4 rows; the last label repeats on 1 of 4.
        let mut kappa = KappaTemporal::default();
        for (truth, predicted) in [("a", "a"), ("a", "b"), ("b", "b"), ("c", "c")] {
            kappa.update(truth, predicted);
        }
        assert_eq!(kappa.get(), (0.75 - 0.25) / (1.0 - 0.25));
    }

    #[test]
    fn chance_that_is_always_right_leaves_nothing_to_gain() {
        let (mut kappa, mut temporal) = (Kappa::default(), KappaTemporal::default());
        temporal.observe("a");
        for _ in 0..3 {
            kappa.update("a", "a");
            temporal.update("a", "a");
        }
        assert_eq!((kappa.get(), temporal.get()), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn kappa_does_not_depend_on_the_order_of_the_rows(rows in prop::collection::vec((0..4_u8, 0..4_u8), 1..80)) {
            let label = |class: u8| ["a", "b", "c", "d"][usize::from(class)];
            let (mut forward, mut backward) = (Kappa::default(), Kappa::default());
            rows.iter().for_each(|&(truth, said)| forward.update(label(truth), label(said)));
            rows.iter().rev().for_each(|&(truth, said)| backward.update(label(truth), label(said)));
            prop_assert!((forward.get() - backward.get()).abs() < 1e-12);
            prop_assert!(forward.get() <= 1.0 + 1e-12);
        }

        #[test]
        fn repeating_the_last_label_has_a_kappa_temporal_of_zero(truths in prop::collection::vec("[abc]", 2..60)) {
            let mut kappa = KappaTemporal::default();
            kappa.observe(&truths[0]);
            for pair in truths.windows(2) {
                kappa.update(&pair[1], &pair[0]);
            }
            prop_assert_eq!(kappa.get(), 0.0);
        }
    }
}
