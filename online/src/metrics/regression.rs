//! Measures of predicted numbers.

use serde::{Deserialize, Serialize};

/// The mean absolute error, `Σ |y − ŷ| / n`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeanAbsoluteError {
    sum: f64,
    rows: u64,
}

impl MeanAbsoluteError {
    /// Takes in one row.
    pub fn update(&mut self, truth: f64, predicted: f64) {
        self.sum += (truth - predicted).abs();
        self.rows += 1;
    }

    /// The error so far, in the unit of the target.
    #[must_use]
    pub fn get(&self) -> f64 {
        self.sum / self.rows as f64
    }
}

/// The root of the mean squared error, `√(Σ (y − ŷ)² / n)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RootMeanSquareError {
    sum_of_squares: f64,
    rows: u64,
}

impl RootMeanSquareError {
    /// Takes in one row.
    pub fn update(&mut self, truth: f64, predicted: f64) {
        self.sum_of_squares += (truth - predicted).powi(2);
        self.rows += 1;
    }

    /// The error so far, in the unit of the target.
    #[must_use]
    pub fn get(&self) -> f64 {
        (self.sum_of_squares / self.rows as f64).sqrt()
    }
}

/// The share of the targets' variance that the predictions explain: `R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²`.
///
/// 1 is perfect, 0 is as good as the mean of all rows (known only in hindsight), below 0 is worse. The second sum is
/// kept by Welford's recurrence (1962), with `δ = y − ȳ`: `ȳ ← ȳ + δ / n`, `Σ ← Σ + δ · (y − ȳ_new)`. Where the
/// targets have not varied yet, R² is 0 by convention.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RSquared {
    squared_errors: f64,
    mean: f64,
    squared_deviations: f64,
    rows: u64,
}

impl RSquared {
    /// Takes in one row.
    pub fn update(&mut self, truth: f64, predicted: f64) {
        self.rows += 1;
        self.squared_errors += (truth - predicted).powi(2);
        let deviation = truth - self.mean;
        self.mean += deviation / self.rows as f64;
        self.squared_deviations += deviation * (truth - self.mean);
    }

    /// R² so far, at most 1.
    #[must_use]
    pub fn get(&self) -> f64 {
        if self.rows == 0 {
            f64::NAN
        } else if self.squared_deviations == 0.0 {
            0.0
        } else {
            1.0 - self.squared_errors / self.squared_deviations
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn targets_that_do_not_vary_have_no_variance_to_explain() {
        let mut r2 = RSquared::default();
        for predicted in [4.0, 5.0] {
            r2.update(4.0, predicted);
        }
        assert_eq!(r2.get(), 0.0);
    }

    proptest! {
        #[test]
        fn running_sums_equal_the_definitions(rows in prop::collection::vec((-1e3..1e3_f64, -1e3..1e3_f64), 2..50)) {
            let mut mae = MeanAbsoluteError::default();
            let mut rmse = RootMeanSquareError::default();
            let mut r2 = RSquared::default();
            for &(truth, predicted) in &rows {
                mae.update(truth, predicted);
                rmse.update(truth, predicted);
                r2.update(truth, predicted);
            }
            let n = rows.len() as f64;
            let mean = rows.iter().map(|row| row.0).sum::<f64>() / n;
            let absolute: f64 = rows.iter().map(|row| (row.0 - row.1).abs()).sum();
            let squared: f64 = rows.iter().map(|row| (row.0 - row.1).powi(2)).sum();
            let deviations: f64 = rows.iter().map(|row| (row.0 - mean).powi(2)).sum();
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
            prop_assert!(close(mae.get(), absolute / n));
            prop_assert!(close(rmse.get(), (squared / n).sqrt()));
            prop_assume!(deviations > 1.0);
            prop_assert!(close(r2.get(), 1.0 - squared / deviations));
        }
    }
}
