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
