//! Optimizers: θ ← θ − …, over flat vectors, in order of increasing complexity.
//!
//! What they have in common:
//!
//! * A step uses the gradient up: afterwards it is zero.
//! * **Refusal.** A gradient whose norm is not finite is thrown away; θ and the optimizer stay as they were
//!   ([`Step::Refused`]).
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
    /// The gradient was not finite: nothing has changed, and the gradient is thrown away.
    Refused,
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
