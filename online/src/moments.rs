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
///
/// **Extremes.** Values are limited to ±10¹⁴⁰: the squares of what lies beyond would add up to infinity, and one such
/// value would spoil the deviation for ever. At the other end, squares of differences below 10⁻¹⁶² are zero to an `f64`:
/// values that differ by no more than that count as equal. So everything here is finite, whatever comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    #[serde(deserialize_with = "crate::saved::count")]
    count: u64,
    mean: f64,
    squares: f64,
}

/// Values are limited to ± this. 2⁶⁴ times (2 · 10¹⁴⁰)², the largest sum of squares there can be, is less than 10³⁰⁰.
const LARGEST: f64 = 1e140;

impl Moments {
    /// What so many zeros give.
    #[must_use]
    pub fn of_zeros(count: u64) -> Self {
        Moments { count, ..Moments::default() }
    }

    /// Takes in one value. NaN is none, and is passed over.
    pub fn update(&mut self, x: f64) {
        if x.is_nan() {
            return;
        }
        let x = x.clamp(-LARGEST, LARGEST);
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
    /// and the result is 0. Of a value that was taken in, it is at most √n but for
    /// rounding.
    #[must_use]
    pub fn standardise(&self, x: f64) -> Option<f64> {
        let deviation = self.deviation();
        let difference = x.clamp(-LARGEST, LARGEST) - self.mean;
        let z = if deviation > 0.0 { difference / deviation } else { 0.0 };
        (!x.is_nan()).then_some(z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taking_in(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|&x| moments.update(x));
        moments
    }

    proptest! {
        /// Against two passes, for values that lie far from zero: the case in which Σx² − n·mean² fails.
        #[test]
        fn one_pass_gives_what_two_passes_give(
            values in prop::collection::vec(-1.0..1.0, 1..200),
            shift in prop::sample::select(vec![0.0, 1e3, -1e6]),
            scale in prop::sample::select(vec![1e-3, 1.0, 1e90]),
        ) {
            let values: Vec<f64> = values.iter().map(|x: &f64| (x + shift) * scale).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
            let moments = taking_in(&values);
            let tolerance = 1e-7 * scale;
            prop_assert!((moments.mean() - mean).abs() <= tolerance, "{} {mean}", moments.mean());
            prop_assert!((moments.deviation() - deviation).abs() <= tolerance, "{} {deviation}", moments.deviation());
        }

        #[test]
        fn whatever_comes_everything_is_finite(values in prop::collection::vec(any::<f64>(), 0..60), other in any::<f64>()) {
            let extremes = [0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN, 1e300, -1e-300];
            let pick = |x: f64| if x.to_bits().is_multiple_of(3) { x } else { extremes[(x.to_bits() % 9) as usize] };
            let values: Vec<f64> = values.into_iter().map(pick).collect();
            let moments = taking_in(&values);
            prop_assert_eq!(moments.count(), values.iter().filter(|x| !x.is_nan()).count() as u64);
            prop_assert!(moments.mean().is_finite() && moments.deviation().is_finite() && moments.deviation() >= 0.0);
            prop_assert_eq!(moments.standardise(f64::NAN), None);
            prop_assert!(moments.standardise(other).is_none_or(f64::is_finite));
            for z in values.iter().filter_map(|&x| moments.standardise(x)) {
                prop_assert!(z.abs() <= 2.0 * (moments.count() as f64).sqrt(), "{z} of {values:?}");
            }
        }
    }

    #[test]
    fn equal_values_have_no_deviation() {
        let moments = taking_in(&[0.1; 1000]);
        assert_eq!((moments.mean(), moments.deviation()), (0.1, 0.0));
        assert_eq!(moments.standardise(7.0), Some(0.0));
    }
}
