//! Losses: what a prediction is worth, as plain structs of options with PyTorch's names, formulas and defaults.
//!
//! `x` is the prediction, `t` the target, `ℓ` the loss of one element or example:
//!
//! | loss | ℓ | for |
//! |---|---|---|
//! | [`MseLoss`] | `(x − t)²` | numbers |
//! | [`L1Loss`] | `\|x − t\|` | numbers, the median |
//! | [`HuberLoss`], [`SmoothL1Loss`] | a parabola that goes on as a line | numbers with outliers |
//! | [`QuantileLoss`] | `max(τ (t − x), (τ − 1)(t − x))` | quantiles |
//! | [`CrossEntropyLoss`] | `−ln softmax(x)[class]` | logits of classes |
//! | [`NllLoss`] | `−x[class]` | log-probabilities of classes |
//! | [`MultiMarginLoss`] | `1/C Σ max(0, margin − x[class] + xₖ)` | scores of classes |
//! | [`BceLoss`], [`BceWithLogitsLoss`] | `−t ln p − (1 − t) ln(1 − p)` | yes or no |
//! | [`HingeLoss`] | `max(0, 1 − t x)` | ±1 |
//! | [`KlDivLoss`] | `t (ln t − x)` | distributions |
//! | [`PoissonNllLoss`] | `eˣ − t x` | counts |
//! | [`GaussianNllLoss`] | `½ (ln σ² + (x − t)² / σ²)` | numbers and how sure they are |
//! | [`HingeEmbeddingLoss`], [`CosineEmbeddingLoss`] | near if alike, far if not | distances, pairs of vectors |
//! | [`NegativeSamplingLoss`] | `−ln σ(⟨c, o⟩) − Σ ln σ(−⟨c, nₖ⟩)` | word vectors |
//! | [`CtcLoss`] | `−ln Σ` over alignments | sequences of labels without times |
//!
//! Each has `forward`, which gives what its field `reduction` asks for, and `each`, which gives the [`Losses`] before
//! they are reduced: the place for sample weights. A learner that wants one number for each example and the gradient of
//! their mean asks for both:
//!
//! ```
//! use thalweg_autograd::{Grads, Params, Tape};
//! use thalweg_nn::loss::{HuberLoss, Reduction};
//!
//! let (params, mut tape) = (Params::<f64>::new(), Tape::new());
//! let pass = tape.pass(&params);
//! let (x, t) = (pass.leaf(&[0.0, 5.0]), pass.input(&[1.0, 1.0]));
//! let huber = HuberLoss { delta: 2.0, ..Default::default() };
//! let losses = huber.each(x, t);
//! assert_eq!(losses.var().to_tensor().as_slice(), [0.5, 6.0]);
//! assert_eq!(huber.forward(x, t).item(), 3.25);
//!
//! // The first example counts three times.
//! let mean = losses.weighted(pass.input(&[3.0, 1.0])).reduce(Reduction::Mean);
//! assert_eq!(mean.item(), (3.0 * 0.5 + 6.0) / 4.0);
//! mean.backward(&mut Grads::like(&params));
//! let mut slope = [0.0; 2];
//! x.grad_to(&mut slope);
//! assert_eq!(slope, [-0.75, 0.5]);
//! ```
//!
//! # Laws
//!
//! * `Sum` is the sum of `None`; `Mean` is the sum divided by what the loss's docs say, else by the number of losses.
//! * A sample of weight `w` counts as `w` samples.
//! * Losses of logits are finite, and so are their gradients, however large the logits are.
//! * A NaN in a prediction or target makes the loss NaN, unless an option says that its row is left out.
//! * Shapes do not broadcast silently: prediction and target have the same one, or the docs say which.

mod binary;
mod classification;
mod ctc;
mod distribution;
mod embedding;
mod reduction;
mod regression;
mod rows;

pub use binary::{BceLoss, BceWithLogitsLoss, HingeLoss};
pub use classification::{CrossEntropyLoss, MultiMarginLoss, NllLoss};
pub use ctc::CtcLoss;
pub use distribution::{GaussianNllLoss, KlDivLoss, PoissonNllLoss};
pub use embedding::{CosineEmbeddingLoss, HingeEmbeddingLoss, NegativeSamplingLoss};
pub use reduction::{Losses, Reduction};
pub use regression::{HuberLoss, L1Loss, MseLoss, QuantileLoss, SmoothL1Loss};
pub use rows::{ClassError, check_classes};

use thalweg_autograd::{Pass, Var};
use thalweg_tensor::Real;

/// Panics unless a prediction and its target have the same shape.
#[track_caller]
fn same_shape<T: Real>(loss: &str, x: Var<'_, T>, t: Var<'_, T>) {
    let (x, t) = (x.shape(), t.shape());
    assert!(x == t, "{loss}: shapes differ: {x} and target {t}");
}

/// Numbers of the options, as data of the pass: `[n]`.
fn numbers<'p, T: Real>(pass: &'p Pass<'p, T>, numbers: &[f64]) -> Var<'p, T> {
    let fill = |[]: [&[T]; 0], y: &mut [T]| y.iter_mut().zip(numbers).for_each(|(y, &n)| *y = T::from_f64(n));
    pass.record("numbers", [], [numbers.len()], fill, |_| {})
}
