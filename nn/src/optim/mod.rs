//! Optimizers: θ ← θ − …, over flat vectors, in order of increasing complexity.
//!
//! What they have in common:
//!
//! * A step uses the gradient up: afterwards it is zero.
//! * **Refusal.** A gradient whose norm is not finite, or beyond about 10¹⁵ in `f32` and 10¹⁵⁰ in `f64`, is thrown away;
//!   θ and the optimizer stay as they were ([`Step::Refused`]). So θ never overflows: with a learning rate of at most 10⁶,
//!   a momentum of at most 0.999 and ηλ ≤ 1 no step is longer than 10²⁵, and a number near the end of `f32`, 10³⁸, does not
//!   feel such a step.
//! * **Growth.** Their vectors follow θ's layout. Old elements keep their moments; new ones begin at zero, with a step
//!   count of their own.
//! * **Sparse gradients, the lazy rule.** Rows that a pass did not touch are not visited: their moments neither decay nor
//!   move them, weight decay does not act on them, and their step count stands still.

mod adam;
mod ages;
mod clip;
mod sgd;

pub use adam::Adam;
pub use clip::{clip_norm, clip_value};
pub use sgd::Sgd;

use thalweg_autograd::{Grads, Params};
use thalweg_tensor::Real;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// θ has moved.
    Taken,
    /// The gradient was not finite, or absurdly large: nothing has changed, and the gradient is thrown away.
    Refused,
}

/// Whether an optimizer takes this gradient: its square must be far from overflow.
fn is_acceptable<T: Real>(grads: &Grads<T>) -> bool {
    grads.norm() <= 1e-4 / T::MIN_POSITIVE.to_f64().sqrt()
}

/// θ ← θ − something made of ∇L(θ).
pub trait Optimizer<T: Real> {
    /// One step; the gradient is zero afterwards.
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step;

    /// η, per step.
    fn learning_rate(&self) -> f64;

    /// Sets η, for schedules.
    fn set_learning_rate(&mut self, learning_rate: f64);
}
