//! Normalisation.
//!
//! Each gives `x̂ = (x − μ) / √(σ² + ε)` and then `w ⊙ x̂ + b`. They differ in what μ and σ² are taken over:
//!
//! | layer | takes | over |
//! |---|---|---|
//! | [`LayerNorm`] | `[…, features…]` | the features of one example |
//! | [`RmsNorm`] | `[…, features…]` | the same, without μ and b |
//! | [`GroupNorm`] | `[n, c, …]` | a group of channels of one example, and all places |
//! | [`BatchNorm`] | `[n, c, …]` or `[c]` | one channel, in all examples and places; or what ran before |
//!
//! A batch of one is no special case to the first three: examples are independent of each other. [`BatchNorm`] has a rule
//! for streams.

mod batch_norm;
mod group_norm;
mod layer_norm;
mod rms_norm;

pub use batch_norm::{BatchNorm, BatchNormOptions};
pub use group_norm::GroupNorm;
pub use layer_norm::{LayerNorm, LayerNormOptions};
pub use rms_norm::RmsNorm;

use thalweg_autograd::Var;
use thalweg_tensor::{Real, Shape};

/// `[…, features…]` as rows, `[rows, n]`.
#[track_caller]
fn rows_of<'p, T: Real>(layer: &str, x: Var<'p, T>, features: Shape) -> Var<'p, T> {
    let shape = x.shape();
    assert!(shape.dims().ends_with(features.dims()), "{layer}: the last axes must be {features}, the shape is {shape}");
    let rows = shape.dims()[..shape.rank() - features.rank()].iter().product();
    x.reshape([rows, features.len()])
}
