//! Optimizers that need little or no tuning on a stream.
//!
//! | rule | memory | time | needs | tuned by | source |
//! |---|---|---|---|---|---|
//! | [`ObGd`]: the largest rate that does not overshoot | – | 1.4 | δ | κ, hardly | Elsayed, Vasan & Mahmood 2024 |
//! | adaptive `ObGd`, or with a trace | 3P | 2 | δ | κ, hardly | the same |
//! | [`Idbd`]: a rate for each element, learned | 2P | 3 | δ, ∂ŷ/∂θ | α₀, and ϑ, in the units of the problem | Sutton 1992 |
//! | [`Autostep`]: the same, normalised; never overshoots | 4P | 4.4 | δ, ∂ŷ/∂θ | α₀ and μ, hardly | Mahmood et al. 2012, but M is of one step |
//! | [`Vw`]: features of any scale, weights of any size; never overshoots | 2P | 4 | δ | η, hardly | Karampatziakis & Langford 2011; Ross, Mineiro & Langford 2013 |
//! | [`Ftrl`]: Adagrad's rates, and weights of exactly zero | 2P | 2.6 | – | α, λ₁ | McMahan et al. 2013 |
//! | [`Hypergradient`]: one rate, which follows its gradient | P | 1.8 | – | η₀, κ | Baydin et al. 2018 |
//! | [`ScheduleFree`] gradient descent | 2P | 2.2 | – | η, and φ where the world drifts | Defazio et al. 2024 |
//! | [`ScheduleFree`] AdamW | 3P | 2.3 | – | the same | the same |
//! | [`Cocob`]: no learning rate | 4P | 2.8 | – | φ where the world drifts | Orabona & Tommasi 2017 |
//! | `bound=` around any but COCOB and Schedule-Free: a step moves its prediction by at most so much of its error | 2P | + 1.5 | δ | the bound | Javed, Sharifnassab & Sutton 2024 |
//! | [`hedge`]: several of any, weighed; of seven rates of gradient descent | k × | 6 | what each needs | – | Herbster & Warmuth 1998 |
//! | `halving`: several, in the end one | k × at first | 1.8 | what each needs | – | Jamieson & Talwalkar 2016 |
//!
//! Time: of a row, in units of what it takes by `sgd` (4.3 µs on one slow core; by `adam` 1.7), give or take a fifth: read,
//! predicted by and learned by two layers of 64 on ten inputs, 30 000 rows of `hyperplane`. What needs ∂ŷ/∂θ goes back through
//! the network twice.
//!
//! P: as much as θ. They are [`Optimizer`]s of [`nn`](thalweg_nn::optim), and keep what is promised there: growth, groups,
//! sparse rows, refusal, no denormal numbers. Where a rule looks at all of θ at once (‖z‖₁, Σ α x²), what is touched is all.
//!
//! The gradient alone does not say how large an error was, or how far the outputs will move. What does is a second door:
//! [`Informed::step_with`] takes an [`Example`], the error δ and the slopes ∂ŷ/∂θ. [`Deep`](crate::Deep) tells each rule what
//! it [`Needs`]; whoever drives one by its gradient alone gets what it does for δ = 1.
//!
//! [`OptimizerSpec`] reads any of them, and `nn`'s, from a line of text.
//!
//! ```
//! use thalweg_autograd::{Grads, Params, Tape};
//! use thalweg_online::optim::{Example, Informed, ObGd};
//!
//! let mut params = Params::<f64>::new();
//! let w = params.add("w", [2], |_| 0.0);
//! let (mut tape, mut grads, mut obgd) = (Tape::new(), Grads::like(&params), ObGd::new(1.0));
//! for (x, y) in [([0.5, -1.0], 300.0), ([1.0, 0.2], 100.0)].into_iter().cycle().take(2000) {
//!     let pass = tape.pass(&params);
//!     let (target, output) = (pass.input(&[y]), (pass.param(w) * pass.input(&x)).sum());
//!     let error = y - output.item();
//!     (output.mse(target.reshape([])) * 0.5).backward(&mut grads);
//!     obgd.step_with(&mut params, &mut grads, Example::new(error)); // whatever the numbers are, it cannot overshoot
//! }
//! assert!((0.5 * params.of(w)[0] - params.of(w)[1] - 300.0).abs() < 1.0);
//! ```

mod any;
mod autostep;
mod bound;
mod cocob;
mod curve;
mod example;
mod ftrl;
pub mod hedge;
mod hypergradient;
mod idbd;
mod obgd;
mod schedule_free;
mod spec;
mod vw;

pub use any::AnyOptimizer;
pub use autostep::Autostep;
pub use cocob::Cocob;
pub use curve::Curve;
pub use example::{Example, Informed, Needs};
pub use ftrl::Ftrl;
pub use hedge::{Change, FixedShare, Halving, Trust, TrustSpec};
pub use hypergradient::Hypergradient;
pub use idbd::Idbd;
pub use obgd::ObGd;
pub use schedule_free::ScheduleFree;
pub use spec::{OptimizerSpec, single};
pub use vw::Vw;

use std::ops::Range;

use thalweg_autograd::Dense;
use thalweg_nn::optim::{Groups, Optimizer};
use thalweg_tensor::{Real, kernels};

/// Rates, decays, ε.
const FROM_ZERO: Range<f64> = 0.0..f64::INFINITY;
/// What is remembered of one step in the next.
const BELOW_ONE: Range<f64> = 0.0..1.0;

/// Panics over what is out of its bounds.
#[track_caller]
fn require<T: Real>(optimizer: &mut dyn Optimizer<T>) {
    optimizer.check().unwrap_or_else(|error| panic!("optim: {error}"));
}

/// `Σ term(aᵢ, bᵢ, …)` over slices of one length: eight sums side by side, always in this order. Vectorised where its caller is.
#[inline(always)]
fn total<T: Real, const N: usize>(slices: [&[T]; N], term: impl Fn([T; N]) -> f64) -> f64 {
    let split = slices.map(|slice| slice.as_chunks::<8>());
    let (chunks, rest) = (split.map(|(chunks, _)| chunks), split.map(|(_, rest)| rest));
    let mut sums = [0.0; 8];
    for index in 0..chunks[0].len() {
        let chunk = chunks.map(|chunks| &chunks[index]);
        sums.iter_mut().enumerate().for_each(|(lane, sum)| *sum += term(chunk.map(|chunk| chunk[lane])));
    }
    let last = (0..rest[0].len()).map(|index| term(rest.map(|rest| rest[index])));
    sums.iter().sum::<f64>() + last.sum::<f64>()
}

/// Goes over what was touched once more: `visit(range of θ, what its group multiplies the rate by)`.
///
/// Give `visit` the attribute `#[inline(always)]`, or its loop is not vectorised.
fn over_touched<T: Real>(gradient: Dense<'_, T>, groups: &Groups, mut visit: impl FnMut(Range<usize>, f64)) {
    for (param, entry) in gradient.layout().iter().filter(|(_, entry)| entry.trainable()) {
        gradient.touched(param).ranges(entry, |range| {
            kernels::vectorize_over(
                range.len(),
                #[inline(always)]
                || visit(range, groups.rate(param)),
            );
        });
    }
}

/// The part of [`Optimizer`] that is the same for every one of them; behind a semicolon, of those that know ages.
macro_rules! what_is_a_field {
    ($($vector:ident),*; $ages:ident) => {
        super::what_is_a_field!($($vector),*);

        fn forget(&mut self, param: ::thalweg_nn::Param, axis: usize, index: usize) {
            ::thalweg_nn::optim::forget([$(&mut self.$vector),*], &mut self.$ages, param, axis, index);
        }
    };
    ($($vector:ident),*) => {
        fn learning_rate(&self) -> f64 {
            self.learning_rate
        }

        fn set_learning_rate(&mut self, learning_rate: f64) {
            self.learning_rate = learning_rate;
        }

        fn groups_mut(&mut self) -> &mut ::thalweg_nn::Groups {
            &mut self.groups
        }

        fn vectors(&self) -> Vec<&::thalweg_autograd::Flat<T>> {
            vec![$(&self.$vector),*]
        }
    };
}
use what_is_a_field;

#[cfg(test)]
mod drift;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod linear;
