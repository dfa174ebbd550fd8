//! Bounds on the gradient.

use thalweg_autograd::Grads;
use thalweg_tensor::Real;

/// Scales the gradient so that its norm is at most `max`; returns the norm before. PyTorch's `clip_grad_norm_`.
///
/// `g ← g · min(1, max/‖g‖₂)` (Pascanu, Mikolov & Bengio 2013). A norm that is not finite is returned and nothing is
/// scaled: the optimizer will refuse the step.
///
/// What is frozen in θ does not count; what a [group](super::Groups) of an optimizer freezes does, for it is not known
/// here: an optimizer with such groups clips by its own [`Optimizer::clip_norm`](super::Optimizer::clip_norm).
///
/// # Panics
/// If `max` is negative or NaN.
#[track_caller]
pub fn clip_norm<T: Real>(grads: &mut Grads<T>, max: f64) -> f64 {
    assert!(max >= 0.0, "clip_norm: a bound of at least 0 expected, found {max}");
    let norm = grads.norm();
    if norm.is_finite() && norm > max {
        grads.scale(T::from_f64(max / norm));
    }
    norm
}

/// Limits each element of the gradient to `−max..=max`. PyTorch's `clip_grad_value_`. NaN stays NaN.
///
/// # Panics
/// If `max` is negative or NaN.
#[track_caller]
pub fn clip_value<T: Real>(grads: &mut Grads<T>, max: f64) {
    assert!(max >= 0.0, "clip_value: a bound of at least 0 expected, found {max}");
    let max = T::from_f64(max);
    grads.for_each(|_, _, g| g.iter_mut().for_each(|g| *g = (*g).maximum(-max).minimum(max)));
}
