//! Attention: what each element of a sequence takes from the others.
//!
//! | part | what |
//! |---|---|
//! | [`MultiheadAttention`] | queries look at keys, and take values |
//! | [`AttentionMask`] | which keys they may look at |
//! | [`TransformerEncoderLayer`] | attention, then a network for each position, both residual |
//! | [`SinusoidalPositions`], [`LearnedPositions`] | where an element stands, which attention itself does not know |
//!
//! Sequences are `[t, d]`, or `[n, t, d]` for `n` of them: PyTorch's `batch_first=True`.

mod encoder;
mod mask;
mod multihead;
mod positions;

pub use encoder::{TransformerEncoderLayer, TransformerOptions};
pub use mask::AttentionMask;
pub use multihead::MultiheadAttention;
pub use positions::{LearnedPositions, SinusoidalPositions};
