//! Learning the new without forgetting the old, by parameters: what of θ matters is held where it is.
//!
//! | specification | method | what is kept for each parameter | a step costs | at a boundary | labels |
//! |---|---|---|---|---|---|
//! | `ewc:1000` | elastic weight consolidation (Kirkpatrick et al. 2017) | Ω, θ*: 8 bytes, for any number of contexts | O(P) | k backward passes for each of `rows` rows | no; `fisher=empirical` yes |
//! | `ewc:1000,gamma=0.9` | online EWC (Schwarz et al. 2018) | Ω, θ*: 8 bytes | O(P) | the same | the same |
//! | `si:0.1` | synaptic intelligence (Zenke, Poole & Ganguli 2017) | Ω, θ*, ω, θ_start, and g and θ of the step: 24 bytes | 3 O(P) | O(P) | yes, in the loss |
//! | `mas:1` | memory aware synapses (Aljundi et al. 2018) | Ω, θ*: 8 bytes | O(P) | 1 backward pass for each of `rows` rows | no |
//! | `l2:0.01` | L2 to where θ began (Kumar et al. 2023), or was (`anchor=last`) | Ω, θ*: 8 bytes | O(P) | O(P) | no |
//! | `lwf:1` | learning without forgetting (Li & Hoiem 2016) | θ of then: 4 bytes | a forward pass of then | a copy | no |
//!
//! P parameters in `f32`, k outputs. While a context's rows are looked at (EWC, MAS) another 8 bytes are in use.
//!
//! A [`Deep`](crate::Deep) learner does all of it by [`Config::consolidation`](crate::Config::consolidation), and is told where a
//! context ends: by [`Deep::end_context`](crate::Deep::end_context), in a session by a
//! [column](crate::StreamOptions::context), by the end of a stream, by a [drift](crate::adapt), or by `every=N`.
//!
//! # Equations
//!
//! Rows come in *contexts*, one after the other: a task, a month, a place. When one ends, a penalty holds what it taught:
//!
//! > (1) `L̃(θ) = L(θ) + λ (½ Σᵢ Ωᵢ (θᵢ − θ*ᵢ)² + c)`, whose gradient is `∇L + λ Ω ⊙ (θ − θ*)`.
//!
//! **EWC**: Ω is the diagonal of the Fisher information where the context ended. Its answers are those that the network itself
//! expects, each as often; the square of the gradient of the loss (`fisher=empirical`) is something else.
//!
//! > (2) `F = 1/n Σₓ E_{y ~ p(·|x,θ*)} (∂ ln p(y|x,θ) / ∂θ)²`
//!
//! The paper has a term for each past context. Their sum is one quadratic, and kept as such nothing grows with their number:
//!
//! > (3) `½ S (θ − a)² + ½ F (θ − θ*)² = ½ (S + F) (θ − a′)² + ½ S F / (S + F) (θ* − a)²`, where `a′ = a + F / (S + F) (θ* − a)`.
//!
//! Online EWC holds θ at its last place alone (Huszár 2018), and forgets by γ what mattered long ago:
//!
//! > (4) `Ω ← max(0, γ Ω + F)`, `θ* ← θ`, `c ← 0`; so do SI and MAS, with γ = 1.
//!
//! (Schwarz et al. also multiply the penalty itself by γ: their λ is this one's divided by γ.)
//!
//! **SI**: how much of the loss's decrease was each element's doing, along the way, in units of how far it went:
//!
//! > (5) `ω ← ω − g ⊙ Δθ` in each step; at a boundary `F = ω / ((θ − θ_start)² + ξ)`, and `ω ← 0`.
//!
//! **MAS**: how much the length of the outputs depends on each element, whatever is right:
//!
//! > (6) `F = 1/n Σₓ |∂‖z(x)‖² / ∂θ|`
//!
//! **LwF**: the network of then, frozen, says what it would have said of the rows of *today*:
//!
//! > (7) `L̃ = L − λ Σₖ softmax(z*/T)ₖ ln softmax(z/T)ₖ`, T = 2.
//!
//! **Proximal steps.** A gradient step on (1) overshoots where η λ Ωᵢ > 2, and what overshoots grows: with plain SGD a large λ
//! needs a small η, or θ is thrown ever farther away. So each step on L is followed by one that no λ makes unstable:
//!
//! > (8) `θ ← θ* + (θ − θ*) / (1 + η λ Ω)`
//!
//! The papers step on (1) as a whole: `gradient=true`. With Adam and its kin, whose steps are as long however large a gradient
//! is, that is stable, too.
//!
//! # Which one
//!
//! * Where rows may be kept, a memory of old rows ([`Reservoir`](crate::Reservoir)) forgets less than any of these, most of all
//!   where new classes come and all must be told apart in the end: of Split-MNIST's ten digits, two by two, EWC, SI and LwF
//!   know 20 to 22 percent after the last two, which is what a network knows that forgets everything; replay knows 89 (van de
//!   Ven, Tuytelaars & Tolias 2022).
//! * Where the question stays the same while the inputs change, LwF was the best of them there, then SI, then EWC; none came
//!   near replay.
//! * Where nothing contradicts what was learned before, all help. The bundled digits, learned three times by 64 hidden units
//!   with `sgd:0.03`, each time with their pixels in another order, each image once: held-out images of all three orders
//!   that are recognised in the end, in percent, for three draws of the orders:
//!
//! | `none` | `ewc:100` | `si:0.1` | `mas:0.1` | `lwf:1` |
//! |---|---|---|---|---|
//! | 72, 67, 71 | 85, 75, 77 | 83, 73, 74 | 80, 68, 72 | 82, 72, 76 |
//!
//! * `ewc` for few, known contexts; `gamma` below 1 where they never end, or θ freezes: Ω only grows.
//! * `mas` where answers are late or missing. `l2` as the baseline that the others must beat, and against the loss of
//!   plasticity on long streams.
//! * λ is a matter of scale: of EWC 10² to 10⁴ with proximal steps, up to 10⁹ in the literature, by gradients with Adam. A
//!   [`Report`] has the penalty, to be looked at beside the loss.
//!
//! # What holds for all
//!
//! * **Growth.** A parameter that came after the anchor has Ω = 0: it is free. Old ones keep theirs.
//! * **Frozen parameters** are neither measured nor held.
//! * **Embedding tables** are looked at as a whole in each step; rows that no context has touched have Ω = 0. With
//!   `gradient=true` all rows of a table of which any is held have a gradient, and optimizers visit them all.
//! * **Several outputs.** Numbers are taken to be normally distributed with variance 1, once standardised, whatever their loss is.
//!
//! # Where this deviates from the papers
//!
//! * Steps are proximal, unless `gradient=true`.
//! * SI: g is what the optimizer is given. That is the gradient of L, as in the authors' program; with `gradient=true` it is that
//!   of (1) as a whole, as in van de Ven's (who calls [`PathIntegral::before_step`] before [`Penalty::add_to`] has the
//!   other). The paper does not bound Ω below; the authors' program takes max(0, Ω), as (4) does: with Ω < 0 the penalty would
//!   have no minimum.
//! * MAS takes logits where the paper says outputs, as the authors' program does, but the magnitude is that of each row, as in
//!   the paper, and not of the sum over a batch.
//! * γ of SI and MAS is an addition.
//!
//! # Example
//!
//! The second context could be learned by its own column alone. But the gradient moves the column that both have, too, unless
//! that is held:
//!
//! ```
//! use thalweg_autograd::{Grads, Params, Tape};
//! use thalweg_nn::{Linear, Optimizer, Rng, Sgd};
//! use thalweg_online::consolidate::Consolidation;
//! use thalweg_online::{ConsolidationSpec, Task};
//!
//! let answer_to_the_first = |spec: &str| -> Result<f32, thalweg_online::Error> {
//!     let mut params = Params::<f32>::new();
//!     let head = Linear::new(&mut params, "head", 2, 1, &mut Rng::new(1));
//!     let (mut tape, mut grads, mut sgd) = (Tape::new(), Grads::like(&params), Sgd::new(0.05));
//!     let mut held = Consolidation::new(spec.parse()?, 1);
//!     let contexts = [([1.0, 0.0], 1.0), ([1.0, 1.0], -1.0)];
//!     for (x, y) in contexts {
//!         for _ in 0..500 {
//!             let pass = tape.pass(&params);
//!             let loss = head.forward(pass.input(&x)).mse(pass.input(&[y]));
//!             loss.backward(&mut grads);
//!             held.before_step(&params, &mut grads);
//!             sgd.step(&mut params, &mut grads);
//!             held.after_step(&mut params, 0.05);
//!         }
//!         let pass = tape.pass(&params);
//!         held.look(Task::Regress, head.forward(pass.input(&x)), &[y], 1.0);
//!         assert!(held.boundary(&params, &head, 2));
//!     }
//!     let pass = tape.pass(&params);
//!     Ok(head.forward(pass.input(&contexts[0].0)).item())
//! };
//! let [forgotten, kept] = [answer_to_the_first("none")?, answer_to_the_first("ewc:10")?];
//! assert!(forgotten < 0.0 && kept > 0.8, "{forgotten} {kept}");
//! # Ok::<(), thalweg_online::Error>(())
//! ```

mod consolidation;
pub mod importance;
mod path;
mod penalty;
mod spec;
mod teacher;
#[cfg(test)]
mod tests;

pub use consolidation::{Consolidation, Report};
pub use importance::Importance;
pub use path::PathIntegral;
pub use penalty::Penalty;
pub use spec::{ConsolidationSpec, Fisher, Method};
pub use teacher::{NewClasses, Teacher, distillation};
