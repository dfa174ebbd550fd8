//! The parameters that recurrent cells share: two affine maps whose results are added, for `k` gates stacked.

use thalweg_autograd::{Param, Params, Pass, RecurrentWeights, Var};
use thalweg_tensor::{Real, Rng};

use crate::init;

/// PyTorch's four tensors: `weight_ih: [k·hidden, in]`, `weight_hh: [k·hidden, hidden]`, `bias_ih` and `bias_hh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Weights {
    pub weight_ih: Param,
    pub weight_hh: Param,
    pub bias: Option<[Param; 2]>,
}

impl Weights {
    /// All uniform in ±1/√hidden; names `name.weight_ih_l0` and so on.
    #[track_caller]
    pub fn new<T: Real>(
        params: &mut Params<T>,
        name: &str,
        (gates, inputs, hidden): (usize, usize, usize),
        bias: bool,
        rng: &mut Rng,
    ) -> Self {
        let bound = init::default_bound(hidden);
        let mut add = |part: &str, dims: &[usize]| {
            params.add_stacked(&format!("{name}.{part}_l0"), gates, dims, init::uniform(bound, rng))
        };
        let rows = gates * hidden;
        let (weight_ih, weight_hh) = (add("weight_ih", &[rows, inputs]), add("weight_hh", &[rows, hidden]));
        Weights { weight_ih, weight_hh, bias: bias.then(|| [add("bias_ih", &[rows]), add("bias_hh", &[rows])]) }
    }

    /// `W_ih x + b_ih`.
    #[track_caller]
    pub fn of_input<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        affine(x, self.weight_ih, self.bias.map(|[b, _]| b))
    }

    /// `W_hh h + b_hh`.
    #[track_caller]
    pub fn of_hidden<'p, T: Real>(&self, h: Var<'p, T>) -> Var<'p, T> {
        affine(h, self.weight_hh, self.bias.map(|[_, b]| b))
    }

    /// The parameters as variables of a pass, for the fused ops.
    pub fn vars<'p, T: Real>(&self, pass: &'p Pass<'p, T>) -> RecurrentWeights<'p, T> {
        RecurrentWeights {
            weight_ih: pass.param(self.weight_ih),
            weight_hh: pass.param(self.weight_hh),
            bias: self.bias.map(|biases| biases.map(|bias| pass.param(bias))),
        }
    }

    /// The number of hidden units.
    pub fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        params.layout().entry(self.weight_hh).shape().dims()[1]
    }

    pub fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        params.grow(self.weight_ih, 1, by, init::zeros());
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
