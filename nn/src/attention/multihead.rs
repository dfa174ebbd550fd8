//! Attention with several heads.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng, Shape};

use super::AttentionMask;
use crate::{Dropout, Linear, Mode, init};

/// Multi-head attention, PyTorch's `nn.MultiheadAttention` (with `batch_first=True`): queries `[n, t, d]`, keys and values
/// `[n, s, d]` → `[n, t, d]`; or all without `n`.
///
/// ```text
/// Q = W_q query + b_q    K = W_k key + b_k    V = W_v value + b_v        each cut into heads of d/h features
/// head = softmax(Q Kᵀ / √(d/h)) V
/// y = W_o [head₁ … head_h] + b_o
/// ```
///
/// Parameters `name.in_proj_weight: [3d, d]`, which is W_q, W_k and W_v one below the other, uniform in ±√(6/4d) (Glorot &
/// Bengio 2010), `name.in_proj_bias: [3d]`, zeros, and the linear layer `name.out_proj`, whose bias begins as zeros.
///
/// Source: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser & Polosukhin 2017.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::{AttentionMask, Mode, MultiheadAttention};
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
/// let attention = MultiheadAttention::new(&mut params, "attention", 8, 2, &mut Rng::new(1));
/// let pass = tape.pass(&params);
/// let (queries, memory) = (pass.zeros([5, 8]), pass.zeros([9, 8]));
/// let y = attention.forward(queries, memory, memory, AttentionMask::NONE, &mut Mode::Eval);
/// assert_eq!(y.dims(), [5, 8]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MultiheadAttention {
    /// W_q, W_k, W_v: `[3d, d]`.
    pub in_proj_weight: Param,
    /// b_q, b_k, b_v: `[3d]`.
    pub in_proj_bias: Option<Param>,
    /// W_o and b_o.
    pub out_proj: Linear,
    /// h.
    pub heads: usize,
    /// What is dropped of the softmax.
    pub dropout: Dropout,
}

impl MultiheadAttention {
    /// Adds the layer's parameters to θ: with biases, without dropout.
    ///
    /// # Panics
    /// If the names are taken, or `width` (PyTorch's `embed_dim`) cannot be cut into so many heads.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, width: usize, heads: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, width, heads, Dropout::new(0.0), true, rng)
    }

    /// With dropout of the attention weights, with or without biases.
    ///
    /// # Panics
    /// As [`new`](MultiheadAttention::new).
    #[track_caller]
    pub fn with<T: Real>(
        params: &mut Params<T>,
        name: &str,
        width: usize,
        heads: usize,
        dropout: Dropout,
        bias: bool,
        rng: &mut Rng,
    ) -> Self {
        let fits = heads > 0 && width.is_multiple_of(heads);
        assert!(fits, "MultiheadAttention: {width} features cannot be cut into {heads} heads");
        let bound = (6.0 / (4 * width.max(1)) as f64).sqrt();
        let weight = params.add(&format!("{name}.in_proj_weight"), [3 * width, width], init::uniform(bound, rng));
        let in_proj_bias = bias.then(|| params.add(&format!("{name}.in_proj_bias"), [3 * width], init::zeros()));
        let new = if bias { Linear::new } else { Linear::without_bias };
        let out_proj = new(params, &format!("{name}.out_proj"), width, width, rng);
        out_proj.bias.into_iter().for_each(|bias| params.of_mut(bias).fill(T::ZERO));
        MultiheadAttention { in_proj_weight: weight, in_proj_bias, out_proj, heads, dropout }
    }

    /// What `query` takes from `value`, by how it matches `key`.
    ///
    /// # Panics
    /// If the three are not all `[·, d]` or all `[n, ·, d]`, or there is not one value for each key.
    #[track_caller]
    pub fn forward<'p, T: Real>(
        &self,
        query: Var<'p, T>,
        key: Var<'p, T>,
        value: Var<'p, T>,
        mask: AttentionMask<'_>,
        mode: &mut Mode<T>,
    ) -> Var<'p, T> {
        let shape = query.shape();
        let [q, k, v] = [(0, query), (1, key), (2, value)].map(|(which, x)| {
            let ([n, t, d], pass) = (self.sizes(x), x.pass());
            let rows = which * d..(which + 1) * d;
            let weight = pass.param(self.in_proj_weight).slice(0, rows.clone());
            let bias = self.in_proj_bias.map(|bias| pass.param(bias).slice(0, rows));
            let projected = x.reshape([n * t, d]).affine_with(weight, bias, Default::default());
            projected.reshape([n, t, self.heads, d / self.heads]).permute(&[0, 2, 1, 3])
        });
        self.attend([q, k, v], shape, mask, mode)
    }

    /// What a sequence takes from itself: `forward(x, x, x)`, in one product instead of three.
    ///
    /// # Panics
    /// If `x` is neither `[t, d]` nor `[n, t, d]`.
    #[track_caller]
    pub fn self_attention<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        mask: AttentionMask<'_>,
        mode: &mut Mode<T>,
    ) -> Var<'p, T> {
        let [n, t, d] = self.sizes(x);
        let in_proj = Linear { weight: self.in_proj_weight, bias: self.in_proj_bias };
        let projected = in_proj.forward(x.reshape([n * t, d]));
        let parts = projected.reshape([n, t, 3, self.heads, d / self.heads]).permute(&[2, 0, 3, 1, 4]);
        self.attend([0, 1, 2].map(|which| parts.row(which)), x.shape(), mask, mode)
    }

    /// From Q, K and V, `[n, h, ·, d/h]`, to the outputs.
    #[track_caller]
    fn attend<'p, T: Real>(
        &self,
        [q, k, v]: [Var<'p, T>; 3],
        shape: Shape,
        mask: AttentionMask<'_>,
        mode: &mut Mode<T>,
    ) -> Var<'p, T> {
        let [[n, heads, t, size], keys, values] = [q, k, v].map(Var::dims);
        let fits = keys == values && keys[0] == n;
        assert!(fits, "MultiheadAttention: heads of queries, keys, values: {} {} {}", q.shape(), k.shape(), v.shape());
        let scale = T::from_f64((size as f64).sqrt().recip());
        let weights = mask.softmax((q * scale).matmul_transposed(k));
        let taken = self.dropout.forward(weights, mode).matmul(v);
        let joined = taken.permute(&[0, 2, 1, 3]).reshape([n * t, heads * size]);
        self.out_proj.forward(joined).reshape(shape)
    }

    /// [n, t, d] of `[t, d]` or `[n, t, d]`.
    #[track_caller]
    fn sizes<T: Real>(&self, x: Var<'_, T>) -> [usize; 3] {
        let (shape, [_, width]) = (x.shape(), x.pass().param(self.in_proj_weight).dims());
        assert!(self.heads > 0, "MultiheadAttention: {width} features cannot be cut into {} heads", self.heads);
        match *shape.dims() {
            [t, d] if d == width => [1, t, d],
            [n, t, d] if d == width => [n, t, d],
            _ => panic!("MultiheadAttention: [t, {width}] or [n, t, {width}] expected, the shape is {shape}"),
        }
    }
}
