//! Means of what each row costs, and R².

use serde::{Deserialize, Serialize};

use super::window::Sums;

/// A weighted mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    /// Takes in one value.
    pub fn update(&mut self, value: f64, weight: f64) {
        self.sum += weight * value;
        self.weight += weight;
    }

    /// The mean so far; NaN of nothing.
    #[must_use]
    pub fn get(&self) -> f64 {
        self.sum / self.weight
    }
}

impl Sums for Mean {
    type Row = f64;

    fn add(&mut self, &value: &f64, weight: f64) {
        self.update(value, weight);
    }

    fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.weight += other.weight;
    }

    fn scale(&mut self, factor: f64) {
        self.sum *= factor;
        self.weight *= factor;
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What a predicted number `ŷ` costs where `y` came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// `|y − ŷ|`.
    Absolute,
    /// `(y − ŷ)²`.
    Square,
    /// `(ln(1 + y) − ln(1 + ŷ))²`; NaN below −1.
    SquareLog,
    /// `100 |y − ŷ| / |y|`; 0 where `y` is 0, as in River.
    Percentage,
    /// `200 |y − ŷ| / (|y| + |ŷ|)`; 0 where both are 0.
    SymmetricPercentage,
    /// `ŷ − y`: above 0 where too much was predicted.
    Bias,
    /// `max(q (y − ŷ), (q − 1) (y − ŷ))` with `q` in `(0, 1)`: least for the `q`-quantile (Koenker & Bassett, 1978).
    Pinball(f64),
}

impl Loss {
    /// What `predicted` costs where `truth` came.
    #[must_use]
    pub fn of(self, truth: f64, predicted: f64) -> f64 {
        let error = truth - predicted;
        match self {
            Loss::Absolute => error.abs(),
            Loss::Square => error * error,
            Loss::SquareLog => (truth.ln_1p() - predicted.ln_1p()).powi(2),
            Loss::Percentage if truth == 0.0 => 0.0,
            Loss::Percentage => 100.0 * (error / truth).abs(),
            Loss::SymmetricPercentage if truth == 0.0 && predicted == 0.0 => 0.0,
            Loss::SymmetricPercentage => 200.0 * error.abs() / (truth.abs() + predicted.abs()),
            Loss::Bias => 0.0 - error, // and not `−`, which makes −0 of 0
            Loss::Pinball(q) => (q * error).max((q - 1.0) * error),
        }
    }
}

/// The mean of a [`Loss`].
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::{Loss, MeanLoss};
///
/// let mut mae = MeanLoss::new(Loss::Absolute);
/// mae.update(3.0, 2.0, 1.0);
/// mae.update(5.0, 5.0, 3.0); // counts three times
/// assert_eq!(mae.get(), 0.25);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanLoss {
    loss: Loss,
    mean: Mean,
}

impl MeanLoss {
    /// Over no rows yet.
    #[must_use]
    pub fn new(loss: Loss) -> Self {
        MeanLoss { loss, mean: Mean::default() }
    }

    /// What is averaged.
    #[must_use]
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// Takes in one row.
    pub fn update(&mut self, truth: f64, predicted: f64, weight: f64) {
        self.mean.update(self.loss.of(truth, predicted), weight);
    }

    /// The mean so far; NaN of nothing.
    #[must_use]
    pub fn get(&self) -> f64 {
        self.mean.get()
    }
}

impl Sums for MeanLoss {
    /// The number that came, and the predicted one.
    type Row = (f64, f64);

    fn add(&mut self, &(truth, predicted): &(f64, f64), weight: f64) {
        self.update(truth, predicted, weight);
    }

    fn merge(&mut self, other: &Self) {
        self.mean.merge(&other.mean);
    }

    fn scale(&mut self, factor: f64) {
        self.mean.scale(factor);
    }

    fn clear(&mut self) {
        self.mean.clear();
    }
}

/// The share of the targets' variance that the predictions explain: `R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²`.
///
/// 1 is perfect, 0 is as good as the mean of all rows (known only in hindsight), below 0 is worse. The second sum is kept
/// by Welford's recurrence (1962) with weights, `δ = y − ȳ`: `ȳ ← ȳ + w δ / W`, `Σ ← Σ + w δ (y − ȳ_new)`, and two of them
/// are merged by Chan, Golub & LeVeque's (1979). Where the targets have not varied yet, R² is 0 by convention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RSquared {
    squared_errors: f64,
    mean: f64,
    squared_deviations: f64,
    weight: f64,
}

impl RSquared {
    /// Takes in one row.
    pub fn update(&mut self, truth: f64, predicted: f64, weight: f64) {
        if weight == 0.0 {
            return;
        }
        self.weight += weight;
        self.squared_errors += weight * (truth - predicted).powi(2);
        let deviation = truth - self.mean;
        self.mean += weight * deviation / self.weight;
        self.squared_deviations += weight * deviation * (truth - self.mean);
    }

    /// R² so far, at most 1; NaN of nothing.
    #[must_use]
    pub fn get(&self) -> f64 {
        if self.weight == 0.0 {
            f64::NAN
        } else if self.squared_deviations == 0.0 {
            0.0
        } else {
            1.0 - self.squared_errors / self.squared_deviations
        }
    }
}

impl Sums for RSquared {
    /// The number that came, and the predicted one.
    type Row = (f64, f64);

    fn add(&mut self, &(truth, predicted): &(f64, f64), weight: f64) {
        self.update(truth, predicted, weight);
    }

    fn merge(&mut self, other: &Self) {
        if other.weight == 0.0 {
            return;
        }
        let weight = self.weight + other.weight;
        let share = other.weight / weight;
        let deviation = other.mean - self.mean;
        self.squared_errors += other.squared_errors;
        self.squared_deviations += other.squared_deviations + deviation * deviation * self.weight * share;
        self.mean += deviation * share;
        self.weight = weight;
    }

    fn scale(&mut self, factor: f64) {
        self.squared_errors *= factor;
        self.squared_deviations *= factor;
        self.weight *= factor;
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn losses_by_hand() {
        let q = 0.9;
        for (loss, truth, predicted, expected) in [
            (Loss::Absolute, 3.0, 5.0, 2.0),
            (Loss::Square, 3.0, 5.0, 4.0),
            (Loss::SquareLog, 0.0, 1_f64.exp() - 1.0, 1.0),
            (Loss::Percentage, -4.0, -5.0, 25.0),
            (Loss::Percentage, 0.0, 5.0, 0.0),
            (Loss::SymmetricPercentage, 1.0, 3.0, 100.0),
            (Loss::SymmetricPercentage, 0.0, 0.0, 0.0),
            (Loss::SymmetricPercentage, 0.0, 2.0, 200.0),
            (Loss::Bias, 3.0, 5.0, 2.0),
            (Loss::Pinball(q), 3.0, 5.0, (1.0 - q) * 2.0),
            (Loss::Pinball(q), 5.0, 3.0, q * 2.0),
        ] {
            assert!((loss.of(truth, predicted) - expected).abs() < 1e-15, "{loss:?}");
        }
        assert!(Loss::SquareLog.of(-2.0, 1.0).is_nan());
    }

    #[test]
    fn targets_that_do_not_vary_have_no_variance_to_explain() {
        let mut r2 = RSquared::default();
        [4.0, 5.0].into_iter().for_each(|predicted| r2.update(4.0, predicted, 1.0));
        assert_eq!(r2.get(), 0.0);
        assert!(RSquared::default().get().is_nan() && Mean::default().get().is_nan());
    }

    /// The weighted case of River's own tests.
    #[test]
    fn a_weight_counts_as_many_times() {
        let mut mae = MeanLoss::new(Loss::Absolute);
        [(1.0, 2.0, 1.0), (1.0, 11.0, 89.0 / 9.0)].into_iter().for_each(|(y, p, w)| mae.update(y, p, w));
        let expected = (1.0 + 890.0 / 9.0) / (1.0 + 89.0 / 9.0);
        assert!((mae.get() - expected).abs() < 1e-14);
    }

    proptest! {
        #[test]
        fn running_sums_and_merged_ones_are_what_the_definitions_say(
            rows in prop::collection::vec((-1e3..1e3_f64, -1e3..1e3_f64, 0.1..3.0_f64), 2..50),
            cut in 0..50_usize,
        ) {
            let sums = |rows: &[(f64, f64, f64)]| {
                let (mut mae, mut r2) = (MeanLoss::new(Loss::Absolute), RSquared::default());
                rows.iter().for_each(|&(y, p, w)| { mae.update(y, p, w); r2.update(y, p, w); });
                (mae, r2)
            };
            let n: f64 = rows.iter().map(|row| row.2).sum();
            let mean = rows.iter().map(|row| row.2 * row.0).sum::<f64>() / n;
            let absolute: f64 = rows.iter().map(|row| row.2 * (row.0 - row.1).abs()).sum();
            let squared: f64 = rows.iter().map(|row| row.2 * (row.0 - row.1).powi(2)).sum();
            let deviations: f64 = rows.iter().map(|row| row.2 * (row.0 - mean).powi(2)).sum();
            let (head, tail) = rows.split_at(cut.min(rows.len()));
            let mut merged = sums(head);
            merged.0.merge(&sums(tail).0);
            merged.1.merge(&sums(tail).1);
            for (mae, r2) in [sums(&rows), merged] {
                let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
                prop_assert!(close(mae.get(), absolute / n));
                prop_assume!(deviations > 1.0);
                prop_assert!(close(r2.get(), 1.0 - squared / deviations));
            }
        }
    }
}
