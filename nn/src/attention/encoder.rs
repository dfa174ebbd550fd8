//! A block of a Transformer.

use thalweg_autograd::{Params, Var};
use thalweg_tensor::{Real, Rng};

use super::{AttentionMask, MultiheadAttention};
use crate::{Dropout, LayerNorm, Linear, Mode, Nonlinearity, init};

/// One block of a Transformer, PyTorch's `nn.TransformerEncoderLayer` (with `batch_first=True`): `[t, d]` or `[n, t, d]` →
/// the same shape.
///
/// ```text
/// norm first:  h = x + attention(norm₁(x))      y = h + network(norm₂(h))
/// norm last:   h = norm₁(x + attention(x))      y = norm₂(h + network(h))
///
/// network(x) = W₂ f(W₁ x + b₁) + b₂
/// ```
///
/// with dropout of the attention weights, within the network, and of both branches. Norm first is the default here (not in
/// PyTorch): deep stacks learn without a warm-up (Xiong et al. 2020). Causal, it is a block of a language model.
///
/// Parameters `name.self_attn.…` ([`MultiheadAttention`]), `name.linear1`, `name.linear2`, `name.norm1`, `name.norm2`.
///
/// Source: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser & Polosukhin 2017.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::{Mode, Module, SinusoidalPositions, TransformerEncoderLayer};
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let blocks = ["0", "1"].map(|name| TransformerEncoderLayer::new(&mut params, name, 8, 2, &mut rng));
/// let net = (SinusoidalPositions, blocks);
/// assert_eq!(net.forward(tape.pass(&params).zeros([3, 5, 8]), &mut Mode::Eval).dims(), [3, 5, 8]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TransformerEncoderLayer {
    /// What each position takes from the others.
    pub self_attn: MultiheadAttention,
    /// W₁ and b₁.
    pub linear1: Linear,
    /// W₂ and b₂.
    pub linear2: Linear,
    /// norm₁.
    pub norm1: LayerNorm,
    /// norm₂.
    pub norm2: LayerNorm,
    /// f.
    pub activation: Nonlinearity,
    /// Of both branches, and within the network.
    pub dropout: Dropout,
    /// Whether a branch begins with its norm, or the norm follows the sum.
    pub norm_first: bool,
    /// Whether nobody looks at the future.
    pub causal: bool,
}

/// What a [`TransformerEncoderLayer`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TransformerOptions {
    /// How many hidden units the network has; PyTorch's `dim_feedforward`. `None`: four times the width.
    pub feedforward: Option<usize>,
    /// Probability of being dropped: 0.1.
    pub dropout: f64,
    /// f: the rectifier.
    pub activation: Nonlinearity,
    /// Whether a branch begins with its norm: true.
    pub norm_first: bool,
    /// Whether nobody looks at the future: false.
    pub causal: bool,
}

impl Default for TransformerOptions {
    fn default() -> Self {
        let activation = Nonlinearity::Relu;
        TransformerOptions { feedforward: None, dropout: 0.1, activation, norm_first: true, causal: false }
    }
}

impl TransformerEncoderLayer {
    /// Adds the block's parameters to θ.
    ///
    /// # Panics
    /// If the names are taken, or `width` (PyTorch's `d_model`) cannot be cut into so many heads.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, width: usize, heads: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, width, heads, TransformerOptions::default(), rng)
    }

    /// With options of choice.
    ///
    /// # Panics
    /// As [`new`](TransformerEncoderLayer::new), or if the dropout is no probability.
    #[track_caller]
    pub fn with<T: Real>(
        params: &mut Params<T>,
        name: &str,
        width: usize,
        heads: usize,
        options: TransformerOptions,
        rng: &mut Rng,
    ) -> Self {
        let TransformerOptions { feedforward, dropout, activation, norm_first, causal } = options;
        let (hidden, dropout) = (feedforward.unwrap_or(4 * width), Dropout::new(dropout));
        let named = |part: &str| format!("{name}.{part}");
        TransformerEncoderLayer {
            self_attn: MultiheadAttention::with(params, &named("self_attn"), width, heads, dropout, true, rng),
            linear1: Linear::new(params, &named("linear1"), width, hidden, rng),
            linear2: Linear::new(params, &named("linear2"), hidden, width, rng),
            norm1: LayerNorm::new(params, &named("norm1"), width, rng),
            norm2: LayerNorm::new(params, &named("norm2"), width, rng),
            activation,
            dropout,
            norm_first,
            causal,
        }
    }

    /// The block over sequences that are all of the same length.
    ///
    /// # Panics
    /// If `x` is neither `[t, d]` nor `[n, t, d]`.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        self.run(x, None, mode)
    }

    /// The block over sequences some elements of which are padding: `key_padding` is true there, `[n, t]` or `[t]`, as in
    /// [`AttentionMask`]. No position takes anything from them; what stands at their own positions is of no use.
    ///
    /// # Panics
    /// If `x` is neither `[t, d]` nor `[n, t, d]`, or the padding has another size.
    #[track_caller]
    pub fn forward_padded<'p, T: Real>(&self, x: Var<'p, T>, key_padding: &[bool], mode: &mut Mode<T>) -> Var<'p, T> {
        self.run(x, Some(key_padding), mode)
    }

    #[track_caller]
    fn run<'p, T: Real>(&self, x: Var<'p, T>, key_padding: Option<&[bool]>, mode: &mut Mode<T>) -> Var<'p, T> {
        let mask = AttentionMask { causal: self.causal, key_padding };
        let attention = |x: Var<'p, T>, mode: &mut Mode<T>| {
            let taken = self.self_attn.self_attention(x, mask, mode);
            self.dropout.forward(taken, mode)
        };
        let network = |x: Var<'p, T>, mode: &mut Mode<T>| {
            let hidden = self.activation.forward(self.linear1.forward(x));
            let y = self.linear2.forward(self.dropout.forward(hidden, mode));
            self.dropout.forward(y, mode)
        };
        if self.norm_first {
            let h = x + attention(self.norm1.forward(x), mode);
            h + network(self.norm2.forward(h), mode)
        } else {
            let h = self.norm1.forward(x + attention(x, mode));
            self.norm2.forward(h + network(h, mode))
        }
    }

    /// Adds hidden units to the network: what goes into them begins as in [`new`](TransformerEncoderLayer::new), what
    /// comes out as zeros. So no output changes by a bit, and they learn from the first step on.
    pub fn grow_feedforward<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        let bound = init::default_bound(params.layout().entry(self.linear1.weight).shape().dims()[1]);
        params.grow(self.linear1.weight, 0, by, init::uniform(bound, rng));
        self.linear1.bias.into_iter().for_each(|bias| params.grow(bias, 0, by, init::uniform(bound, rng)));
        self.linear2.grow_inputs(params, by);
    }
}
