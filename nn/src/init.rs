//! How parameters begin: functions that [`Params::add`](thalweg_autograd::Params::add) calls for each element.

use thalweg_tensor::{Real, Rng};

/// Uniform in `[−bound, bound)`.
pub fn uniform<T: Real>(bound: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    move |_| T::from_f64(rng.range(-bound, bound))
}

/// Normal with mean 0.
pub fn normal<T: Real>(deviation: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    move |_| T::from_f64(deviation * rng.normal())
}

/// Zeros: the start of whatever is added to a network that must not change its mind.
pub fn zeros<T: Real>() -> impl FnMut(usize) -> T {
    |_| T::ZERO
}

/// The bound of PyTorch's default for affine and recurrent layers: `1/√n` with n inputs (recurrent: n hidden units).
/// It is Kaiming's uniform bound (He et al. 2015) with gain `√(1/3)`. 0 for a layer without inputs.
pub fn default_bound(n: usize) -> f64 {
    if n == 0 { 0.0 } else { (n as f64).sqrt().recip() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_fills_its_interval_and_normal_has_its_deviation() {
        let mut rng = Rng::new(1);
        let drawn: Vec<f64> = (0..10_000).map(uniform(0.25, &mut rng)).collect();
        assert!(drawn.iter().all(|x| (-0.25..=0.25).contains(x)));
        assert!(drawn.iter().any(|&x| x < -0.24) && drawn.iter().any(|&x| x > 0.24));
        let drawn: Vec<f64> = (0..10_000).map(normal(3.0, &mut rng)).collect();
        let [mean, square] = [1, 2].map(|k| drawn.iter().map(|x| x.powi(k)).sum::<f64>() / 10_000.0);
        assert!(mean.abs() < 0.1 && (square.sqrt() - 3.0).abs() < 0.1, "{mean} {square}");
    }

    #[test]
    fn the_default_bound_is_defined_without_inputs() {
        assert_eq!([0, 1, 16].map(default_bound), [0.0, 1.0, 0.25]);
    }
}
