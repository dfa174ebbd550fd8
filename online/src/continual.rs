//! What is left of the old after the new: the accuracy matrix of a stream that comes in phases.
//!
//! `R[i][j]` is the accuracy on held-out examples of group j after phase i, of T (Lopez-Paz & Ranzato 2017). Libraries
//! disagree on what "forgetting" and "backward transfer" mean, so each number has a name and a definition of its own:
//!
//! | number | definition | source |
//! |---|---|---|
//! | [`average_accuracy`](AccuracyMatrix::average_accuracy) ACC | `1/T Σⱼ R[T][j]` | Lopez-Paz & Ranzato 2017 |
//! | [`anytime_accuracy`](AccuracyMatrix::anytime_accuracy) | `1/T Σᵢ 1/i Σ_{j≤i} R[i][j]` | Caccia et al. 2020 |
//! | [`backward_transfer`](AccuracyMatrix::backward_transfer) BWT | `1/(T−1) Σ_{j<T} R[T][j] − R[j][j]` | Lopez-Paz & Ranzato 2017 |
//! | [`forward_transfer`](AccuracyMatrix::forward_transfer) FWT | `1/(T−1) Σ_{j>1} R[j−1][j] − bⱼ`, b before the first phase | Lopez-Paz & Ranzato 2017 |
//! | [`forgetting`](AccuracyMatrix::forgetting) from the best | `1/(T−1) Σ_{j<T} max_{i<T} R[i][j] − R[T][j]` | Chaudhry et al. 2018 |
//! | [`intransigence`](AccuracyMatrix::intransigence) | `1/T Σⱼ a*ⱼ − R[j][j]`, a* of a model that had all phases up to j at once | Chaudhry et al. 2018 |
//!
//! Where others say "forgetting" and mean the loss since a group was learned, `R[j][j] − R[T][j]`, they mean −BWT. It is never
//! above [`forgetting`](AccuracyMatrix::forgetting), which is a difference to the best there ever was.

use serde::{Deserialize, Serialize};

/// The accuracy matrix R.
///
/// ```
/// use thalweg_online::AccuracyMatrix;
///
/// let mut r = AccuracyMatrix::default();
/// r.push(vec![0.7, 0.1, 0.1]);
/// r.push(vec![0.9, 0.8, 0.1]);
/// r.push(vec![0.95, 0.7, 0.95]);
/// let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
/// assert!(close(r.average_accuracy(), (0.95 + 0.7 + 0.95) / 3.0));
/// assert!(close(r.backward_transfer(), ((0.95 - 0.7) + (0.7 - 0.8)) / 2.0));
/// assert!(close(r.forgetting(), ((0.9 - 0.95) + (0.8 - 0.7)) / 2.0));
/// assert!(close(r.forward_transfer(&[0.2, 0.2, 0.1]), ((0.1 - 0.2) + (0.1 - 0.1)) / 2.0));
/// assert!(close(r.anytime_accuracy(), (0.7 + (0.9 + 0.8) / 2.0 + (0.95 + 0.7 + 0.95) / 3.0) / 3.0));
/// assert!(close(r.intransigence(&[0.8, 0.9, 0.95]), (0.1 + 0.1 + 0.0) / 3.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AccuracyMatrix {
    rows: Vec<Vec<f64>>,
}

impl AccuracyMatrix {
    /// Adds a row: the accuracies on all groups after one more phase.
    ///
    /// # Panics
    ///
    /// If it has another length than the rows before.
    #[track_caller]
    pub fn push(&mut self, accuracies: Vec<f64>) {
        if let Some(first) = self.rows.first() {
            let (expected, found) = (first.len(), accuracies.len());
            assert!(expected == found, "push: accuracies on {expected} groups expected, found {found}");
        }
        self.rows.push(accuracies);
    }

    /// The rows, one for each phase.
    #[must_use]
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// ACC: the mean of the last row, `1/T Σⱼ R[T][j]` (Lopez-Paz & Ranzato 2017).
    #[must_use]
    pub fn average_accuracy(&self) -> f64 {
        mean(self.rows.last().into_iter().flatten().copied())
    }

    /// BWT: how much the phases after its own have changed the accuracy on a group, `1/(T−1) Σ_{j<T} R[T][j] − R[j][j]`
    /// (Lopez-Paz & Ranzato 2017). Negative where they did harm.
    #[must_use]
    pub fn backward_transfer(&self) -> f64 {
        self.mean_over_old_groups(|last, j| last[j] - self.rows[j][j])
    }

    /// Forgetting: how far below its best the accuracy on a group has ended, `1/(T−1) Σ_{j<T} max_{i<T} R[i][j] − R[T][j]`
    /// (Chaudhry et al. 2018).
    #[must_use]
    pub fn forgetting(&self) -> f64 {
        let before = &self.rows[..self.rows.len().saturating_sub(1)];
        self.mean_over_old_groups(|last, j| before.iter().map(|row| row[j]).fold(f64::NEG_INFINITY, f64::max) - last[j])
    }

    /// FWT: how much the phases before its own have helped with a group, `1/(T−1) Σ_{j>1} R[j−1][j] − bⱼ`, where b are the
    /// accuracies before the first phase (Lopez-Paz & Ranzato 2017).
    ///
    /// # Panics
    ///
    /// If there is no b for each group.
    #[must_use]
    #[track_caller]
    pub fn forward_transfer(&self, before: &[f64]) -> f64 {
        self.check("forward_transfer", before);
        let later = self.rows.windows(2).enumerate().map(|(j, pair)| (j + 1, &pair[0]));
        mean(later.filter(|&(j, _)| j < before.len()).map(|(j, row)| row[j] - before[j]))
    }

    /// How good the model was on what it had seen, all the time: `1/T Σᵢ 1/i Σ_{j≤i} R[i][j]` (average anytime accuracy,
    /// Caccia et al. 2020).
    #[must_use]
    pub fn anytime_accuracy(&self) -> f64 {
        mean(self.rows.iter().enumerate().map(|(i, row)| mean(row.iter().take(i + 1).copied())))
    }

    /// How far a group falls short, when its phase is over, of what a model that learned all phases up to it at once has:
    /// `1/T Σⱼ a*ⱼ − R[j][j]` (Chaudhry et al. 2018). Negative where it is better.
    ///
    /// # Panics
    ///
    /// If there is no a* for each group.
    #[must_use]
    #[track_caller]
    pub fn intransigence(&self, reference: &[f64]) -> f64 {
        self.check("intransigence", reference);
        let phases = self.rows.len().min(reference.len());
        mean((0..phases).map(|j| reference[j] - self.rows[j][j]))
    }

    #[track_caller]
    fn check(&self, of: &str, accuracies: &[f64]) {
        let (expected, found) = (self.rows.first().map_or(accuracies.len(), Vec::len), accuracies.len());
        assert!(expected == found, "{of}: accuracies on {expected} groups expected, found {found}");
    }

    /// The mean of something over the groups of all phases but the last. NaN where there are none.
    fn mean_over_old_groups(&self, of: impl Fn(&[f64], usize) -> f64) -> f64 {
        let Some((last, before)) = self.rows.split_last() else { return f64::NAN };
        mean((0..before.len().min(last.len())).map(|j| of(last, j)))
    }
}

/// NaN of nothing.
fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers {
        sum += number;
        count += 1.0;
    }
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matrix(rows: Vec<Vec<f64>>) -> AccuracyMatrix {
        let mut matrix = AccuracyMatrix::default();
        rows.into_iter().for_each(|row| matrix.push(row));
        matrix
    }

    #[test]
    fn of_nothing_there_is_no_number() {
        for r in [matrix(vec![]), matrix(vec![vec![0.5]])] {
            assert!(r.backward_transfer().is_nan() && r.forgetting().is_nan());
        }
        assert!(matrix(vec![]).average_accuracy().is_nan() && matrix(vec![]).anytime_accuracy().is_nan());
        assert_eq!(matrix(vec![vec![0.5, 0.1]]).intransigence(&[0.75, 0.9]), 0.25);
        assert!(matrix(vec![vec![0.5, 0.1]]).forward_transfer(&[0.0, 0.0]).is_nan());
    }

    #[test]
    #[should_panic(expected = "forward_transfer: accuracies on 2 groups expected, found 1")]
    fn a_baseline_of_other_groups_is_refused() {
        let _ = matrix(vec![vec![0.5, 0.1]]).forward_transfer(&[0.1]);
    }

    proptest! {
        #[test]
        fn the_loss_since_learning_is_at_most_that_from_the_best(
            rows in (1..6_usize).prop_flat_map(|n| prop::collection::vec(prop::collection::vec(0.0..1.0, n), n))
        ) {
            let groups = rows.len();
            let r = matrix(rows);
            if groups > 1 {
                prop_assert!(-r.backward_transfer() <= r.forgetting() + 1e-12);
            }
            for number in [r.average_accuracy(), r.anytime_accuracy()] {
                prop_assert!((0.0..=1.0).contains(&number));
            }
            let own: Vec<f64> = r.rows().iter().enumerate().map(|(j, row)| row[j]).collect();
            prop_assert!(r.intransigence(&own).abs() < 1e-12);
        }
    }
}
