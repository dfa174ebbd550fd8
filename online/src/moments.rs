//! Running mean and deviation.

use serde::{Deserialize, Serialize};

/// Count, mean and sum of squared differences from it, in one pass (Welford 1962):
///
/// ```text
/// n ← n + 1    δ = x − μ    μ ← μ + δ/n    S ← S + δ (x − μ)
/// ```
///
/// ```
/// use thalweg_online::Moments;
///
/// let mut moments = Moments::default();
/// [2.0, 4.0].into_iter().for_each(|x| moments.update(x));
/// assert_eq!((moments.mean(), moments.deviation()), (3.0, 1.0));
/// assert_eq!(moments.standardise(5.0), Some(2.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Takes in one value.
    pub fn update(&mut self, x: f64) {
        self.count += 1;
        let difference = x - self.mean;
        self.mean += difference / self.count as f64;
        self.squares += difference * (x - self.mean);
    }

    /// How many values were taken in.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; 0 of no values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The deviation of the population, √(S/n); 0 of no values.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() }
    }

    /// `(x − mean) / deviation`; `None` if `x` is NaN. While all values have been equal nothing is known of their scale,
    /// and the result is 0.
    #[must_use]
    pub fn standardise(&self, x: f64) -> Option<f64> {
        let deviation = self.deviation();
        let z = if deviation > 0.0 { (x - self.mean) / deviation } else { 0.0 };
        (!x.is_nan()).then_some(z)
    }
}
