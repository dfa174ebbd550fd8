//! What is left of the old after the new: the accuracy matrix of a stream that comes in phases.
//!
//! `R[i][j]` is the accuracy on held-out examples of group j after phase i (Lopez-Paz & Ranzato 2017). Libraries disagree
//! on what "forgetting" and "backward transfer" mean, so each number here has its definition beside it.

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
        self.rows.last().map_or(f64::NAN, |last| last.iter().sum::<f64>() / last.len() as f64)
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

    /// The mean of something over the groups of all phases but the last. NaN where there are none.
    fn mean_over_old_groups(&self, of: impl Fn(&[f64], usize) -> f64) -> f64 {
        let Some((last, before)) = self.rows.split_last() else { return f64::NAN };
        let old = before.len().min(last.len());
        (0..old).map(|j| of(last, j)).sum::<f64>() / old as f64
    }
}
