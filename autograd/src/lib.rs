//! Reverse-mode automatic differentiation on a tape that is reused for ever.
//!
//! Made for models that learn one example at a time: after the first pass of a size, a pass and its gradient allocate
//! nothing, and cost little more than their arithmetic. The whole of learning is
//!
//! > `θ_new = θ_old − η ∇L(θ_old)`
//!
//! and this crate is the `∇L(θ)` in it:
//!
//! ```
//! use thalweg_autograd::{Grads, Params, Tape};
//!
//! // θ: one flat vector; `w` and `b` are handles into it.
//! let mut params = Params::<f32>::new();
//! let w = params.add("w", [1, 2], |_| 0.0);
//! let b = params.add("b", [1], |_| 0.0);
//! let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
//!
//! // The stream: y = 2 x₀ − x₁ + 1.
//! for k in 0..2000 {
//!     let x = [(k % 5) as f32 - 2.0, (k % 3) as f32 - 1.0];
//!     let y = [2.0 * x[0] - x[1] + 1.0];
//!
//!     let pass = tape.pass(&params);
//!     let guess = pass.input(&x).affine(pass.param(w), pass.param(b));
//!     let loss = guess.mse(pass.input(&y));
//!     loss.backward(&mut grads);                                        // ∇L(θ)
//!     grads.apply(-0.05, params.theta_mut());                           // θ ← θ − η ∇L(θ)
//! }
//! assert!((params.of(w)[0] - 2.0).abs() < 1e-3 && (params.of(b)[0] - 1.0).abs() < 1e-3);
//! ```
//!
//! # Where things are
//!
//! | module | what |
//! |---|---|
//! | [`tape`] | how reverse mode works, with an example by hand; [`Tape`], [`Pass`], and [`record`](Pass::record), the one door for ops |
//! | [`ops`] | every differentiable op: mathematics, forward, backward and test in one place; how to add one |
//! | `var`, `node` | [`Var`], the handle whose methods are the ops; what the tape holds of each step |
//! | `op`, `back` | what an op says of itself: [`Op`]; what its backward sees: [`Back`] |
//! | `params`, `layout`, `flat` | θ: [`Params`]; where each tensor lies in it: [`Layout`]; vectors laid out like it: [`Flat`] |
//! | `grads` | ∇L(θ), which costs what was touched: [`Grads`] |
//! | `detach` | where gradients stop: [`detach`](Var::detach) |
//! | `recompute` | less memory for more time: [`recompute`](Pass::recompute) |
//! | [`products`] | vector-Jacobian, Jacobian-vector and Hessian-vector products, exact: [`vjp`], [`jvp`], [`jacobian`], [`hvp`] |
//! | `finite` | which op gave the first NaN: [`check_finite`](Pass::check_finite), [`check_finite_gradient`](Var::check_finite_gradient) |
//! | `graph` | a pass as a table and as a drawing: [`summary`](Pass::summary), [`to_dot`](Pass::to_dot) |
//! | [`gradcheck`](mod@gradcheck) | the tester: a gradient against finite differences, in `f64` |
//!
//! # Laws
//!
//! * Nodes are only appended, so inputs lie before outputs; backward is one loop. It recurs into the segments of
//!   [`recompute`](Pass::recompute), and nowhere else.
//! * Backward functions *add* to gradients. A gradient is not itself on a tape: second derivatives come from one pass over
//!   [dual numbers](products), whose tangents every op carries, forward and backward.
//! * Growing a parameter moves no old element to another index, and leaves every old output as it was, to the bit, as
//!   long as the new elements are zero (or meet zeros).
//! * No global state, no hash maps, and no threads but for large products, with the feature `rayon`: the same program
//!   gives the same bits, on any number of threads.

#![forbid(unsafe_code)]

mod back;
mod detach;
mod finite;
mod flat;
pub mod gradcheck;
mod grads;
mod graph;
mod layout;
mod node;
mod op;
pub mod ops;
mod params;
pub mod products;
mod recompute;
pub mod tape;
mod var;

pub use back::Back;
pub use finite::NonFinite;
pub use flat::Flat;
pub use gradcheck::{gradcheck, gradcheck_params};
pub use grads::{Dense, Grads, Touched};
pub use graph::{NodeSummary, Summary};
pub use layout::{Entry, Layout, Param};
pub use node::Inputs;
pub use op::Op;
pub use ops::{Activation, RecurrentWeights};
pub use params::Params;
pub use products::{hvp, jacobian, jvp, vjp};
pub use tape::{Pass, Tape};
pub use var::Var;
