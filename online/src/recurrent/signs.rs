//! Random signs, and the scales with which a sum is put into one product.

use thalweg_tensor::{Real, Rng, kernels};

/// Draws 1 or −1 for each, with equal odds.
pub(super) fn draw<T: Real>(rng: &mut Rng, signs: &mut [T]) {
    for signs in signs.chunks_mut(64) {
        let bits = rng.next_u64();
        for (at, sign) in signs.iter_mut().enumerate() {
            *sign = if bits >> at & 1 == 0 { T::ONE } else { -T::ONE };
        }
    }
}

/// `√(‖large‖ / ‖small‖)`: what makes both factors of a product equally long, so that its variance is least. 1 where one
/// of them is zero, for then any number is right.
pub(super) fn balance<T: Real>(large: &[T], small: &[T]) -> T {
    let ratio = kernels::sum_of_squares(large) / kernels::sum_of_squares(small);
    if ratio.is_finite() && ratio > T::ZERO { ratio.sqrt().sqrt() } else { T::ONE }
}

/// For the tests of rules that draw signs.
#[cfg(test)]
pub(super) mod testing {
    /// The mean over all patterns of so many signs.
    pub fn mean_of_all(signs: usize, of: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let patterns = 1_u64 << signs;
        let mut sums = Vec::new();
        for pattern in 0..patterns {
            let signs: Vec<f64> = (0..signs).map(|at| if pattern >> at & 1 == 0 { 1.0 } else { -1.0 }).collect();
            let found = of(&signs);
            sums.resize(found.len(), 0.0);
            sums.iter_mut().zip(found).for_each(|(sum, found)| *sum += found / patterns as f64);
        }
        sums
    }

    /// Draws until the mean is known well: within four standard errors of what is expected.
    #[track_caller]
    pub fn is_mean(draws: usize, expected: &[f64], mut draw: impl FnMut() -> Vec<f64>) {
        let mut moments = vec![[0.0, 0.0]; expected.len()];
        for _ in 0..draws {
            for ([sum, squares], (found, expected)) in moments.iter_mut().zip(draw().into_iter().zip(expected)) {
                *sum += (found - expected) / draws as f64;
                *squares += (found - expected) * (found - expected) / draws as f64;
            }
        }
        let spread = moments.iter().map(|[_, squares]| squares).sum::<f64>();
        assert!(spread > 0.0, "there is chance in it");
        for (index, [error, squares]) in moments.into_iter().enumerate() {
            let standard_error = ((squares - error * error) / draws as f64).sqrt();
            assert!(error.abs() <= 4.0 * standard_error + 1e-12, "element {index}: {error} ± {standard_error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_fair_and_of_a_seed() {
        let (mut signs, mut again) = ([0.0; 10_000], [0.0; 10_000]);
        draw::<f64>(&mut Rng::new(1), &mut signs);
        draw(&mut Rng::new(1), &mut again);
        assert_eq!(signs, again);
        assert!(signs.iter().all(|sign| sign.abs() == 1.0) && signs.iter().sum::<f64>().abs() < 400.0);
    }

    #[test]
    fn balanced_factors_are_equally_long() {
        let scale = balance(&[30.0, 40.0], &[0.0, 2.0]);
        assert_eq!((50.0 / scale, 2.0 * scale), (10.0, 10.0));
        assert_eq!((balance(&[0.0], &[1.0]), balance(&[1.0], &[0.0]), balance::<f64>(&[], &[])), (1.0, 1.0, 1.0));
    }
}
