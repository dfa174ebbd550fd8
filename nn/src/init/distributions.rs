//! Elements that do not depend on their place.

use thalweg_tensor::{Real, Rng};

/// Uniform in `[−bound, bound)`.
pub fn uniform<T: Real>(bound: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    move |_| T::from_f64(rng.range(-bound, bound))
}

/// Normal with mean 0.
pub fn normal<T: Real>(deviation: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    move |_| T::from_f64(deviation * rng.normal())
}

/// Normal, but for what lies beyond the bounds, which is drawn again: PyTorch's `trunc_normal_`. Bounds may be infinite.
///
/// The law of what is drawn is that of `x = mean + deviation · z` under `low ≤ x ≤ high`. A `z` is drawn uniformly and
/// taken with probability `e^−(z² − z₀²)/2`, where `z₀` is the likeliest one within the bounds; values of `z` whose
/// probability is below e⁻⁴⁰ times that one's are never drawn. So it is quick even where the bounds cut out a tail.
///
/// # Panics
/// If not `low < high`, or the deviation is not above 0.
#[track_caller]
pub fn truncated_normal<T: Real>(
    mean: f64,
    deviation: f64,
    low: f64,
    high: f64,
    rng: &mut Rng,
) -> impl FnMut(usize) -> T {
    assert!(low < high && deviation > 0.0, "truncated_normal: between {low} and {high}, with deviation {deviation}");
    let [low, high] = [low, high].map(|bound| (bound - mean) / deviation);
    let likeliest = 0.0_f64.clamp(low, high);
    let furthest = (likeliest * likeliest + 80.0).sqrt();
    let (low, high) = (low.max(-furthest), high.min(furthest));
    move |_| loop {
        let z = rng.range(low, high);
        if rng.uniform() < (0.5 * (likeliest * likeliest - z * z)).exp() {
            return T::from_f64(mean + deviation * z);
        }
    }
}

/// The same number everywhere.
pub fn constant<T: Real>(value: f64) -> impl FnMut(usize) -> T {
    move |_| T::from_f64(value)
}

/// Zeros: the start of whatever is added to a network that must not change its mind.
pub fn zeros<T: Real>() -> impl FnMut(usize) -> T {
    |_| T::ZERO
}

/// Ones: the start of a gain.
pub fn ones<T: Real>() -> impl FnMut(usize) -> T {
    |_| T::ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and deviation.
    fn moments(drawn: &[f64]) -> [f64; 2] {
        let n = drawn.len() as f64;
        let mean = drawn.iter().sum::<f64>() / n;
        [mean, (drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()]
    }

    #[test]
    fn uniform_fills_its_interval_and_normal_has_its_deviation() {
        let mut rng = Rng::new(1);
        let drawn: Vec<f64> = (0..10_000).map(uniform(0.25, &mut rng)).collect();
        assert!(drawn.iter().all(|x| (-0.25..=0.25).contains(x)));
        assert!(drawn.iter().any(|&x| x < -0.24) && drawn.iter().any(|&x| x > 0.24));
        let drawn: Vec<f64> = (0..10_000).map(normal(3.0, &mut rng)).collect();
        let [mean, deviation] = moments(&drawn);
        assert!(mean.abs() < 0.1 && (deviation - 3.0).abs() < 0.1, "{mean} {deviation}");
    }

    /// Bounds in units of the deviation, and the moments that follow from `φ` and `Φ` (Johnson, Kotz & Balakrishnan 1994).
    #[test]
    fn truncated_normals_have_their_bounds_and_moments() {
        let cases = [
            ([-2.0, 2.0], [0.0, 0.879_626]),
            ([-1.0, f64::INFINITY], [0.287_600, 0.793_540]),
            ([f64::NEG_INFINITY, f64::INFINITY], [0.0, 1.0]),
            ([3.0, f64::INFINITY], [3.283_098, 0.265_625]),
        ];
        for (bounds @ [low, high], [mean, deviation]) in cases {
            let mut rng = Rng::new(2);
            let (low, high) = (5.0 + 0.5 * low, 5.0 + 0.5 * high);
            let drawn: Vec<f64> = (0..20_000).map(truncated_normal(5.0, 0.5, low, high, &mut rng)).collect();
            assert!(drawn.iter().all(|&x| (low..=high).contains(&x)), "{bounds:?}");
            let found = moments(&drawn);
            let distance = [found[0] - (5.0 + 0.5 * mean), found[1] - 0.5 * deviation];
            assert!(distance.iter().all(|d| d.abs() < 0.01), "{bounds:?}: {found:?}");
        }
    }

    #[test]
    fn constants_are_constant() {
        let first: [f32; 3] = [constant(0.3)(0), zeros()(1), ones()(2)];
        assert_eq!(first, [0.3, 0.0, 1.0]);
    }
}
