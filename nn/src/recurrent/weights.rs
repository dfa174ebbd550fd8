//! The parameters that recurrent cells share: two affine maps whose results are added, for `k` gates stacked.

use thalweg_autograd::{Param, Params, Pass, RecurrentWeights, Var};
use thalweg_tensor::{Real, Rng};

use super::CellOptions;
use crate::init;

/// The parameters of an [`Rnn`](super::Rnn), a [`Gru`](super::Gru) or an [`Lstm`](super::Lstm), for whoever computes with them by himself.
///
/// PyTorch's four tensors: `weight_ih: [k·hidden, in]`, `weight_hh: [k·hidden, hidden]`, `bias_ih` and `bias_hh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Weights {
    /// `[k·hidden, in]`.
    pub weight_ih: Param,
    /// `[k·hidden, hidden]`.
    pub weight_hh: Param,
    /// `bias_ih` and `bias_hh`, `[k·hidden]`.
    pub bias: Option<[Param; 2]>,
}

impl Weights {
    /// In the order in which they were added to θ.
    pub fn params(&self) -> impl Iterator<Item = Param> + use<> {
        [self.weight_ih, self.weight_hh].into_iter().chain(self.bias.into_iter().flatten())
    }

    /// All uniform in ±1/√hidden; names `name.weight_ih_place` and so on.
    #[track_caller]
    pub(crate) fn new<F, T: Real>(
        params: &mut Params<T>,
        [name, place]: [&str; 2],
        gates: usize,
        options: &CellOptions<F>,
        rng: &mut Rng,
    ) -> Self {
        let CellOptions { inputs, hidden, bias, .. } = *options;
        let bound = init::default_bound(hidden);
        let mut add = |part: &str, dims: &[usize]| {
            params.add_stacked(&format!("{name}.{part}_{place}"), gates, dims, init::uniform(bound, rng))
        };
        let rows = gates * hidden;
        let (weight_ih, weight_hh) = (add("weight_ih", &[rows, inputs]), add("weight_hh", &[rows, hidden]));
        Weights { weight_ih, weight_hh, bias: bias.then(|| [add("bias_ih", &[rows]), add("bias_hh", &[rows])]) }
    }

    /// `W_ih x + b_ih`.
    #[track_caller]
    pub(crate) fn of_input<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        affine(x, self.weight_ih, self.bias.map(|[b, _]| b))
    }

    /// `W_hh h + b_hh`.
    #[track_caller]
    pub(crate) fn of_hidden<'p, T: Real>(&self, h: Var<'p, T>) -> Var<'p, T> {
        affine(h, self.weight_hh, self.bias.map(|[_, b]| b))
    }

    /// The parameters as variables of a pass, for the fused ops.
    pub(crate) fn vars<'p, T: Real>(&self, pass: &'p Pass<'p, T>) -> RecurrentWeights<'p, T> {
        RecurrentWeights {
            weight_ih: pass.param(self.weight_ih),
            weight_hh: pass.param(self.weight_hh),
            bias: self.bias.map(|biases| biases.map(|bias| pass.param(bias))),
        }
    }

    /// The number of hidden units.
    pub(crate) fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        params.layout().entry(self.weight_hh).shape().dims()[1]
    }

    pub(crate) fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        params.grow(self.weight_ih, 1, by, init::zeros());
    }

    /// Adds units that hear everything, at random, and that no old unit hears.
    pub(crate) fn grow_hidden<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        let (old, new) = (self.hidden(params), self.hidden(params) + by);
        let bound = init::default_bound(new);
        params.grow(self.weight_ih, 0, by, init::uniform(bound, rng));
        params.grow(self.weight_hh, 0, by, init::uniform(bound, rng));
        for bias in self.bias.into_iter().flatten() {
            params.grow(bias, 0, by, init::uniform(bound, rng));
        }
        let mut drawn = init::uniform(bound, rng);
        let is_old = |index: usize| index / by % new < old; // of each row of each gate, `by` elements are new
        params.grow(self.weight_hh, 1, by, |index| if is_old(index) { T::ZERO } else { drawn(index) });
    }

    /// Sets the bias of a gate, `b_ih + b_hh`, of the units from `first` on.
    ///
    /// # Panics
    /// If there are no biases.
    #[track_caller]
    pub(crate) fn set_bias<T: Real>(&self, params: &mut Params<T>, gate: usize, first: usize, value: f64) {
        let Some(biases) = self.bias else { panic!("recurrent: a bias of {value} asked for of a cell without biases") };
        let hidden = self.hidden(params);
        for (bias, value) in biases.into_iter().zip([value, 0.0]) {
            params.of_mut(bias)[gate * hidden..][first..hidden].fill(T::from_f64(value));
        }
    }
}

#[track_caller]
fn affine<'p, T: Real>(x: Var<'p, T>, weight: Param, bias: Option<Param>) -> Var<'p, T> {
    let weight = x.pass().param(weight);
    match bias {
        Some(bias) => x.affine(weight, x.pass().param(bias)),
        None => x.linear(weight),
    }
}
