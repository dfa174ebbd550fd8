//! The elementwise LSTM.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use super::sequence::{unroll_last, unroll_of};
use super::{Cell, CellOptions, Stackable};
use crate::init;

/// Elementwise LSTM: `(x, c) → (h, c')`, gated units that hear the input and themselves.
///
/// ```text
/// z = tanh(W_z x + w_z ⊙ c + b_z)        f = σ(W_f x + w_f ⊙ c + b_f)
/// c' = f ⊙ c + (1 − f) ⊙ z
/// h = σ(W_o x + U c' + b_o) ⊙ c'
///
/// x: [in] or [n, in]      h, c: [hidden] or [n, hidden]
/// W_ih = [W_z; W_f; W_o]: [3·hidden, in]    w = [w_z; w_f]: [2·hidden]    U: [hidden, hidden]    b: [3·hidden]
/// ```
///
/// U is no recurrence: it reads the new state. So the gradient through all the past can be kept beside the state, exactly,
/// at the price of the weights.
///
/// Source: Irie, Gopalakrishnan & Schmidhuber 2024. All weights begin uniform in ±1/√hidden, as those of an
/// [`Lstm`](super::Lstm). Parameters `weight_ih_l0`, `weight_c_l0`, `weight_co_l0`, `bias_l0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Elstm {
    /// W_z, W_f and W_o.
    pub weight_ih: Param,
    /// w_z and w_f.
    pub weight_c: Param,
    /// U.
    pub weight_co: Param,
    /// b_z, b_f and b_o.
    pub bias: Option<Param>,
}

impl Elstm {
    /// Adds the cell's parameters to θ, with biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, CellOptions::new(inputs, hidden), rng)
    }

    /// With or without biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn with<T: Real>(params: &mut Params<T>, name: &str, options: CellOptions<()>, rng: &mut Rng) -> Self {
        Self::layer(params, [name, "l0"], &options, rng)
    }
}

impl Stackable for Elstm {
    type Form = ();

    fn layer<T: Real>(
        params: &mut Params<T>,
        [name, place]: [&str; 2],
        options: &CellOptions<()>,
        rng: &mut Rng,
    ) -> Self {
        let CellOptions { inputs, hidden, bias, .. } = *options;
        let bound = init::default_bound(hidden);
        let mut add = |part: &str, blocks: usize, dims: &[usize]| {
            params.add_stacked(&format!("{name}.{part}_{place}"), blocks, dims, init::uniform(bound, rng))
        };
        let weight_ih = add("weight_ih", 3, &[3 * hidden, inputs]);
        let weight_c = add("weight_c", 2, &[2 * hidden]);
        let weight_co = add("weight_co", 1, &[hidden, hidden]);
        let bias = bias.then(|| add("bias", 3, &[3 * hidden]));
        Elstm { weight_ih, weight_c, weight_co, bias }
    }
}

impl Cell for Elstm {
    type State<'p, T: Real> = Var<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, c: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        let (pass, axis) = (x.pass(), x.rank() - 1);
        let weight = pass.param(self.weight_ih);
        let sums = self.bias.map_or_else(|| x.linear(weight), |bias| x.affine(weight, pass.param(bias)));
        let ([z, f, o], [w_z, w_f]) = (sums.split(axis), pass.param(self.weight_c).split(0));
        let (z, f) = ((z + w_z * c).tanh(), (f + w_f * c).sigmoid());
        let c = z + f * (c - z);
        let o = (o + c.linear(pass.param(self.weight_co))).sigmoid();
        (o * c, c)
    }

    fn sequence_of<'p, T: Real>(&self, x: Var<'p, T>, lengths: &[usize], c: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        unroll_of(self, x, lengths, c)
    }

    fn last<'p, T: Real>(&self, x: Var<'p, T>, c: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        unroll_last(self, x, c)
    }

    fn params(&self) -> Vec<Param> {
        [self.weight_ih, self.weight_c, self.weight_co].into_iter().chain(self.bias).collect()
    }

    fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        params.layout().entry(self.weight_co).shape().dims()[1]
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        params.grow(self.weight_ih, 1, by, init::zeros());
    }
}
