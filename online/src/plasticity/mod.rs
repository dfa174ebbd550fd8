//! Staying able to learn: what is done against the loss of plasticity, on streams that never end.
//!
//! Networks that go on learning learn ever worse: units die or become alike, weights grow, gradients vanish (Dohare et al.
//! 2024). A rule here is told of each learning step, and keeps θ such that the next thing can be learned.
//!
//! | specification | rule | what it looks at | kept for each parameter (P) or unit (n) | a step costs |
//! |---|---|---|---|---|
//! | `none` | | | | |
//! | `cbp:rate=0.0001,maturity=100` | continual backprop (Dohare et al. 2024): the least useful units begin anew | units | 52 bytes n | O(P) |
//! | `redo:threshold=0.1,every=1000` | ReDo (Sokar et al. 2023): units that say next to nothing begin anew | units | 32 bytes n | O(n) |
//! | `upgd:beta=0.9999,sigma=0.01` | UPGD (Elsayed & Mahmood 2024): small steps where θ is useful, noise where it is not | θ, ∇L | 4 bytes P | O(P), a draw for each element |
//! | `shrink-perturb:shrink=0.9999,sigma=0.0001` | shrink and perturb (Ash & Adams 2020) | θ | | O(P), a draw for each element |
//! | `clip:kappa=2` | weight clipping (Elsayed et al. 2024) | θ | | O(P) |
//!
//! Another, L2 to where θ began (Kumar et al. 2023), is among the ways to hold θ where it is: `l2:0.01` of
//! [`consolidate`](crate::consolidate). Plain weight decay is the optimizer's: `sgd:0.01,weight_decay=0.001`.
//!
//! # Equations
//!
//! **Continual backprop**, of each unit i of a hidden layer that says hᵢ, after each step; means have the decay η and are
//! divided by 1 − η^age:
//!
//! > (1) `f ← mean of hᵢ`, `u ← mean of |hᵢ| · meanₖ |w_out,ₖᵢ|`, or, where `adaptable=true`, of
//! > `|hᵢ − fᵢ| · meanₖ |w_out,ₖᵢ| / meanⱼ |w_in,ᵢⱼ|`;
//!
//! > (2) ρ times the number of units that are older than m, added up from step to step, is how many of those of the lowest u
//! > begin anew:
//!
//! > (3) `w_in ~ U(±gain √(3 / inputs))`, `b ← 0`, `b_next ← b_next + w_out fᵢ`, `w_out ← 0`; age, f and u are 0, and the
//! > [optimizer forgets](thalweg_nn::Optimizer::forget) them.
//!
//! **ReDo**, once in `every` steps, by (3) for all units with
//!
//! > (4) `mean |hᵢ| ≤ τ meanₖ mean |hₖ|`, over all rows of steps since that were taken.
//!
//! **UPGD**, in place of the gradient g, for any optimizer; with plain gradient descent and its weight decay it is UPGD-W:
//!
//! > (5) `ū ← β ū − (1 − β) g ⊙ θ`, `s = σ(ū / max ū)`, with the maximum over all of θ;
//!
//! > (6) `g ← (g + ξ) ⊙ (1 − s)`, or where `protect=false`, `g + ξ ⊙ (1 − s)`; `ξ ~ N(0, σ²)`.
//!
//! **Shrink and perturb**, once in `every` steps, and **clipping**, after each:
//!
//! > (7) `θ ← shrink · θ + N(0, σ²)`
//!
//! > (8) `W, b ← clamp(±κ / √inputs)`, of linear layers and convolutions that have both. They begin within 1/√inputs; recurrent
//! > layers, and what makes queries, keys and values, do not, and are left alone.
//!
//! # What holds for all
//!
//! * **Growth.** New units, inputs and outputs are followed; what is new begins with an age, a mean and a utility of 0.
//! * **Frozen parameters** keep their bits; layers of which any part is frozen keep all units. Groups of an optimizer that are
//!   frozen are not known to rules that look at θ alone.
//! * **Rows that were not touched**, of embedding tables, get neither noise nor utility from UPGD; shrink and perturb does
//!   not ask. The vector of no category stays zero.
//! * **Hidden units** are those between linear layers with functions of single numbers behind: [`Hidden`](thalweg_nn::Hidden).
//!   Those of recurrent, attentive and convolutional layers are left alone.
//! * Noise is nearly normal: the sum of the eight bytes of one draw.
//! * Nothing is allocated after the first steps, but for the ages of what the optimizer forgot: where units have begun anew, each
//!   weight has an age of its own, of 8 bytes. With rules that correct for ages, Adam and its kin, a step takes about 10 ns for each
//!   of these weights (`mlp:64,64` with `cbp`: 50 µs a row instead of 8; with `sgd` the same with and without).
//!
//! # Where this deviates from the papers
//!
//! * New weights are as widely drawn as this library's layers begin, `gain=0.5774`; the papers' are Kaiming's, 1.4142 for
//!   rectifiers.
//! * ReDo keeps the function, too: the next bias takes the mean, which of units that say nothing is next to nothing.
//! * UPGD: where no element is useful, max ū ≤ 0, s = ½ everywhere; the authors' program divides by the negative number. It also
//!   corrects ū for its age, but not the maximum that it is divided by, so that its s is sharper in the first 1/(1 − β) steps.
//! * Utilities of a pass over several rows are those of their means.
//!
//! # Example
//!
//! A learner tells the rule what its hidden units say, and of each step:
//!
//! ```
//! use thalweg_autograd::{Grads, Params, Tape};
//! use thalweg_nn::{Linear, Mode, Network, Optimizer, Rng, Sgd, State, Step};
//! use thalweg_online::plasticity::Plasticity;
//!
//! let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
//! let body = Network::new(&mut params, "body", &"mlp:8".parse()?, [2], &mut rng)?;
//! let head = Linear::new(&mut params, "head", 8, 1, &mut rng);
//! let mut plasticity = Plasticity::new("cbp:rate=0.001".parse()?, &body.hidden(Some(head)), 1)?;
//! let (mut grads, mut sgd) = (Grads::like(&params), Sgd::new(0.01));
//! for k in 0..1000 {
//!     let pass = tape.pass(&params);
//!     let x = pass.input(&[(k % 7) as f32, (k % 3) as f32]);
//!     let start = body.enter(&pass, &State::default());
//!     let (h, _) = body.step_observed(x, start, &mut Mode::Eval, &mut |place, h| plasticity.see(place, h));
//!     head.forward(h).mse(pass.input(&[(k % 2) as f32])).backward(&mut grads);
//!     plasticity.before_step(&params, &mut grads);
//!     match sgd.step(&mut params, &mut grads) {
//!         Step::Taken => plasticity.after_step(&mut params, &mut |_, param, axis, index| sgd.forget(param, axis, index)),
//!         Step::Refused => plasticity.discard(),
//!     }
//! }
//! assert!((5..8).contains(&plasticity.replaced())); // of eight units, one in some 130 steps
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cbp;
mod noise;
mod probe;
mod rank;
mod redo;
mod shrink;
mod spec;
#[cfg(test)]
mod tests;
mod units;
mod upgd;

pub use cbp::{CbpOptions, ContinualBackprop};
pub use probe::{Health, LayerHealth, MOST_ROWS, Probe};
pub use rank::effective_rank;
pub use redo::{ReDo, RedoOptions};
pub use shrink::{ClipOptions, ShrinkOptions, ShrinkPerturb, WeightClipping};
pub use spec::{Plasticity, PlasticitySpec};
pub use units::Forget;
pub use upgd::{Upgd, UpgdOptions};
