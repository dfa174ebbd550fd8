//! Recurrent layers that take a gradient at every step, in memory that does not grow with time.
//!
//! A recurrent layer is `s_t = f(x_t, s_{t−1}, θ)`. Its loss at step t depends on θ along every path through the past,
//!
//! ```text
//!   ∂L_t/∂θ = Σ_{k≤t} ∂L_t/∂s_t (∂s_t/∂s_{t−1}) … (∂s_{k+1}/∂s_k) (∂s_k/∂θ)_k                              (1)
//! ```
//!
//! with `(∂s_k/∂θ)_k` what θ does in step k alone. Read from the left, (1) is backpropagation through time: it needs all
//! steps again, so that one keeps a window of them ([`Tbptt`](thalweg_nn::Tbptt)). Read from the right, it is a sum that can
//! be carried along, the *influence matrix* `M_t = ∂s_t/∂θ` (Williams & Zipser 1989):
//!
//! ```text
//!   M_t = J_t M_{t−1} + I_t             J_t = ∂s_t/∂s_{t−1}      I_t = (∂s_t/∂θ)_t                          (2)
//!   ∂L_t/∂θ = ∂L_t/∂s_t M_t                                                                                (3)
//! ```
//!
//! Nothing of the past is kept but M. It has n rows of P numbers, for n units and P weights, and that is the trouble: the
//! rules of this module are different answers to the question what to keep of it.
//!
//! ```text
//!             θ, unit by unit
//!          w₁w₁w₁  w₂w₂w₂  w₃w₃w₃
//!        ┌───────┬───────┬───────┐      RTRL               all of M
//!     s₁ │ ■ ■ ■ │ · · · │ · · · │      SnAp-1, e-prop     the ■: what unit k's own weights did to unit k
//!     s₂ │ · · · │ ■ ■ ■ │ · · · │      UORO, KF-RTRL      a product of two that are small, at random: right on the average
//!     s₃ │ · · · │ · · · │ ■ ■ ■ │      LRU, RTU, eLSTM    the ■: there the · are 0, for no unit hears another
//!        └───────┴───────┴───────┘
//!                    M
//! ```
//!
//! | rule | of | memory | time per step | exact? |
//! |---|---|---|---|---|
//! | [`Rtrl`] | any cell, with n numbers of state (an LSTM or an LRU has two a unit) | 2·n·P | n²·P | yes |
//! | [`Snap1`] | [`Rnn`], [`LeakyRnn`], [`Gru`], [`Lstm`] | P; LSTM 2·P | P | where `W_hh` is diagonal |
//! | [`Snap1::eprop`] | the same | the same | P | where `W_hh` is 0 |
//! | [`Rflo`]: e-prop, by another name | [`LeakyRnn`] | P | P | where `W_hh` is 0 |
//! | [`Uoro`] | any cell | 2·P | P | on the average, noisy |
//! | [`KfRtrl`] | [`Rnn`] | 2·n² | n³ | on the average |
//! | [`TracedLru`] | [`Lru`] | P, of B | P | yes |
//! | [`TracedRtu`] | [`Rtu`] | 2·P | P | yes |
//! | [`TracedElstm`] | [`Elstm`] | P | P | yes |
//! | [`Tbptt`](thalweg_nn::Tbptt), for comparison | any | k steps | k·P | up to k steps back |
//!
//! All are [`Traced`], over the same weights: one may learn with a rule today and with backpropagation tomorrow. A layer is a
//! plain value, a state and its traces; clone it, save it, carry it on. What is random comes from a seed that is saved. After
//! the first steps, neither [`step`](Traced::step) nor [`learn`](Traced::learn) allocates.
//!
//! # Which one
//!
//! Begin with an LRU or an RTU, or an eLSTM: exact, and as cheap as it gets. If it must be a GRU or an LSTM, SnAp-1. RTRL is
//! for small layers, and to measure the others by; UORO and KF-RTRL are for those who must not have a bias, and can
//! take small steps: of an LRU or an RTU, whose traces are as cheap and exact, UORO's noise is so large that plain `sgd:0.03`
//! diverges (with `clip=1`, by `adam` or `cocob` it does not).
//!
//! What a row costs with 128 units and 16 inputs, on one core: a forward step of an LSTM 4 µs, a step by SnAp-1 and its
//! gradient 31 µs, those of a GRU 16 µs, of an LRU 15 µs, of an eLSTM 8 µs, of an RTU 7 µs; TBPTT of the LSTM through the newest
//! row alone 10 µs, through 16 rows 120 to 150 µs; what predicts and what optimises comes on top. Traces are read and written once for
//! each row: it is the memory that takes the time.
//!
//! [`TracedNetwork`] does it for a whole [`Network`](thalweg_nn::Network), by a [word](GradientSpec); a learner, for
//! [`Config::gradient`](crate::Config::gradient), which the command calls `--gradient`.
//!
//! # An example
//!
//! A GRU by SnAp-1, a linear head on a tape, a step of the optimizer at every row. The target is the input of two rows ago:
//! what was not remembered cannot be said.
//!
//! ```
//! use thalweg_nn::{Grads, Gru, Linear, Optimizer, OptimizerSpec, Params, Rng, Tape};
//! use thalweg_online::recurrent::{Snap1, Traced};
//!
//! let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
//! let gru = Gru::new(&mut params, "gru", 1, 16, &mut rng);
//! let head = Linear::new(&mut params, "head", 16, 1, &mut rng);
//! let mut layer = Snap1::new(gru, &params);
//! let mut optimizer = "adam:0.003".parse::<OptimizerSpec>()?.build();
//! let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
//! let (mut past, mut dh, mut dx) = ([0.0; 3], [0.0; 16], [0.0]);
//!
//! let mut losses = Vec::new();
//! for _ in 0..4000 {
//!     past.rotate_right(1);
//!     past[0] = if rng.uniform() < 0.5 { 1.0 } else { -1.0 };
//!
//!     let h = layer.step(&params, &past[..1]);                          // h_t; state and traces move on
//!     let pass = tape.pass(&params);
//!     let h = pass.leaf(h);
//!     let loss = head.forward(h).mse(pass.input(&past[2..]));
//!     losses.push(loss.item());
//!     loss.backward(&mut grads);                                        // the head's gradient, and ∂L/∂h
//!     h.grad_to(&mut dh);
//!     layer.learn(&params, &dh, &mut grads, &mut dx);                   // the GRU's, through its past
//!     optimizer.step(&mut params, &mut grads);                          // θ ← θ − η ∇L(θ)
//! }
//! let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
//! assert!(mean(&losses[..100]) > 0.8 && mean(&losses[3900..]) < 0.1);
//! # Ok::<(), thalweg_nn::spec::SpecError>(())
//! ```
//!
//! This program with other layers of 16 units and other lags, the mean squared error of its last 500 rows (1 is what a coin
//! gets; one run each, of one seed, so that only large differences mean something):
//!
//! | lag | RTRL, GRU | SnAp-1, GRU | e-prop, GRU | UORO, GRU | SnAp-1, LSTM | LRU | RTU | eLSTM |
//! |---|---|---|---|---|---|---|---|---|
//! | 2 | 0.0003 | 0.008 | 0.015 | 0.040 | 0.017 | 0.004 | 0.0002 | 0.34 |
//! | 3 | 0.0008 | 0.35 | 0.38 | 0.50 | 0.44 | 0.005 | 0.002 | 0.82 |
//! | 5 | 0.063 | 0.63 | 0.70 | 0.96 | 0.73 | 0.019 | 0.040 | 0.90 |
//!
//! Units that turn as they remember, LRU and RTU, are made for lags; those of an eLSTM only fade.
//!
//! # Stacks of layers: what is exact and what is not
//!
//! What a layer gives for its inputs, `dx`, is ∂L_t/∂x_t of the newest step alone. So of two layers, one on the other,
//!
//! ```text
//!   upper.learn(…, dh, …, &mut dx);   lower.learn(…, &dx, …)
//! ```
//!
//! the upper one's gradient is as exact as its rule; the lower one is credited for what it gives *now*, through all of its own
//! past, and not for what the upper one made of its earlier outputs and still remembers. The whole gradient would need the
//! influence of the lower layer's θ on the upper one's state, which is a matrix again. The only rules that keep something of
//! it see the stack as one cell: [`Rtrl`] and [`Uoro`] of a [`Recurrent`](thalweg_nn::Recurrent) network. (Zucchet et al.
//! 2023 found that stacks of LRUs learn well all the same.) The same is true of whatever else lies below a recurrent layer, vectors
//! of categories for example: it learns from what it gives now.
//!
//! # Weights that move while traces are kept
//!
//! (2) is the gradient of a θ that has been the same all along. Who takes a step after every row adds, in M, what older and
//! older θ did: exact for η → 0, and as good as the learning rate is small against the time for which a state remembers. The
//! same is true of a carried state. So two rules that are exact may differ while θ moves, as RTRL and the traces of an LRU do,
//! which are of λ, and not of its logarithms. All laws of this module are tests with θ at rest.
//!
//! `learn` must be given the θ of its `step`: first learn, then take the step of the optimizer. Inputs that θ has grown are
//! noticed at the next step, old traces in place. If *hidden* units have grown, state and traces begin anew.

mod any;
mod elstm;
mod kf_rtrl;
mod lru;
mod network;
mod rflo;
mod rtrl;
mod rtu;
mod scratch;
mod signs;
mod snap1;
mod spec;
mod taped;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trace;
mod uoro;

pub use elstm::TracedElstm;
pub use kf_rtrl::KfRtrl;
pub use lru::TracedLru;
pub use network::{Cuts, TracedNetwork};
pub use rflo::Rflo;
pub use rtrl::Rtrl;
pub use rtu::TracedRtu;
pub use snap1::Snap1;
pub use spec::GradientSpec;
pub use uoro::Uoro;

use thalweg_autograd::{Grads, Params};
#[cfg(doc)]
use thalweg_nn::{Elstm, Gru, LeakyRnn, Lru, Lstm, Rnn, Rtu};
use thalweg_tensor::Real;

/// A panic, unless ∂L/∂h is of so many units.
#[track_caller]
fn assert_units<T>(dh: &[T], units: usize) {
    assert!(dh.len() == units, "learn: ∂L/∂h of {units} units expected, found {}", dh.len());
}

/// A recurrent layer that carries, beside its state, a trace of how θ has shaped it: what a gradient needs of the past.
///
/// A layer that was saved is read with the θ that it was saved with: its handles point there.
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
    /// If the sizes do not fit; by some rules, if there was no step.
    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]);

    /// The state, as [`nn`](thalweg_nn::State) has it: `h`, of an LSTM `[h, c]`, of an LRU real and imaginary parts; of a
    /// cell with one part the second says nothing.
    fn state(&self) -> [&[T]; 2];

    /// The past counts no more: traces are zero, and the state stays. For traces that have become useless, because θ has
    /// jumped or they are not finite.
    fn forget(&mut self);

    /// A sequence ends: state and traces are zero.
    fn reset(&mut self);

    /// How many bytes are kept between steps.
    fn bytes(&self) -> usize;
}
