//! The simple recurrent cell.

use thalweg_autograd::{Activation, Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use super::sequence::fused;
use super::weights::Weights;
use super::{Cell, CellOptions, GrowHidden, Stackable};

/// Elman's recurrent cell, one layer of PyTorch's `nn.RNN`: `(x, h) → h'`.
///
/// ```text
/// h' = φ(W_ih x + b_ih + W_hh h + b_hh)        φ: tanh, relu, σ or the identity
///
/// x: [in] or [n, in]    h: [hidden] or [n, hidden]
/// W_ih: [hidden, in]    W_hh: [hidden, hidden]    b_ih, b_hh: [hidden]
/// ```
///
/// φ is tanh, PyTorch's default, unless the [form](RnnForm) says otherwise. Many texts print
/// `h' = σ(W_hh h + W_xh x + b_h)`, `y = W_hy h' + b_y`: that is φ = σ and a [`Linear`](crate::Linear) behind it,
/// `Rnn::with(params, name, CellOptions::new(inputs, hidden).form(Activation::Sigmoid), rng)`, where `b_h = b_ih + b_hh`.
///
/// Source: Elman 1990.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rnn {
    weights: Weights,
    form: RnnForm,
}

/// The form of an [`Rnn`]: φ. Made from an [`Activation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RnnForm {
    /// φ.
    pub activation: Activation,
}

/// PyTorch's: tanh.
impl Default for RnnForm {
    fn default() -> Self {
        Activation::Tanh.into()
    }
}

impl From<Activation> for RnnForm {
    fn from(activation: Activation) -> Self {
        RnnForm { activation }
    }
}

impl Rnn {
    /// Adds the cell's parameters to θ, with biases and `φ = tanh`.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, CellOptions::new(inputs, hidden), rng)
    }

    /// With an activation of choice, with or without biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn with<T: Real>(params: &mut Params<T>, name: &str, options: CellOptions<RnnForm>, rng: &mut Rng) -> Self {
        Self::layer(params, [name, "l0"], &options, rng)
    }

    /// The handles of its parameters.
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// Which equations it computes.
    pub fn form(&self) -> RnnForm {
        self.form
    }
}

impl Stackable for Rnn {
    type Form = RnnForm;

    fn layer<T: Real>(params: &mut Params<T>, names: [&str; 2], options: &CellOptions<RnnForm>, rng: &mut Rng) -> Self {
        Rnn { weights: Weights::new(params, names, 1, options, rng), form: options.form }
    }
}

impl Cell for Rnn {
    type State<'p, T: Real> = Var<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        let sum = self.weights.of_input(x) + self.weights.of_hidden(h);
        let h = sum.activate(self.form.activation);
        (h, h)
    }

    fn sequence_of<'p, T: Real>(&self, x: Var<'p, T>, lengths: &[usize], h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        fused(x, lengths, |x| x.rnn(h, self.weights.vars(x.pass()), self.form.activation, lengths))
    }

    fn params(&self) -> Vec<Param> {
        self.weights.params().collect()
    }

    fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        self.weights.hidden(params)
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        self.weights.grow_inputs(params, by);
    }
}

impl GrowHidden for Rnn {
    fn grow_hidden<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        self.weights.grow_hidden(params, by, rng);
    }
}
