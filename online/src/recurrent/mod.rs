//! Recurrent layers that take a gradient at every step, in memory that does not grow with time.

mod elstm;
mod kf_rtrl;
mod lru;
mod rflo;
mod rtrl;
mod rtu;
mod scratch;
mod signs;
mod snap1;
mod taped;
#[cfg(test)]
mod testing;
mod trace;
mod uoro;

pub use elstm::TracedElstm;
pub use kf_rtrl::KfRtrl;
pub use lru::TracedLru;
pub use rflo::{Leaky, Rflo};
pub use rtrl::Rtrl;
pub use rtu::TracedRtu;
pub use snap1::Snap1;
pub use uoro::Uoro;

use thalweg_autograd::{Grads, Params};
use thalweg_tensor::Real;

/// A recurrent layer that carries, beside its state, a trace of how θ has shaped it: what a gradient needs of the past.
pub trait Traced<T: Real = f32> {
    /// `x_t → h_t`: state and traces move on by one step. Inputs that have grown in θ are expected in `x`; their traces
    /// begin at zero.
    ///
    /// # Panics
    /// If the sizes do not fit, or θ is not the one that the layer was made of.
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T];

    /// The newest step's loss, by `dh = ∂L_t/∂h_t`: adds `∂L_t/∂θ` to `grads`, through all the past as far as the rule sees
    /// it, and writes `∂L_t/∂x_t`, of this step alone, into `dx`. θ is that of the step. A step whose loss is not known is not
    /// learned; one with several losses is learned several times.
    ///
    /// # Panics
    /// If the sizes do not fit, or there was no step.
    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]);

    /// A sequence ends: state and traces are zero.
    fn reset(&mut self);

    /// How many bytes are kept between steps.
    fn bytes(&self) -> usize;
}
