//! The simple recurrent cell.

use thalweg_autograd::{Activation, Params, Pass, Var};
use thalweg_tensor::{Real, Rng};

use super::sequence::{unroll, unroll_last, with_last};
use super::weights::Weights;
use super::{Cell, State};

/// Elman's recurrent cell, PyTorch's `nn.RNN`: `(x, h) → h'`.
///
/// ```text
/// h' = φ(W_ih x + b_ih + W_hh h + b_hh)        φ: tanh, relu or σ
///
/// x: [in] or [n, in]    h: [hidden] or [n, hidden]
/// W_ih: [hidden, in]    W_hh: [hidden, hidden]    b_ih, b_hh: [hidden]
/// ```
///
/// Source: Elman 1990.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rnn {
    weights: Weights,
    activation: Activation,
}

impl Rnn {
    /// Adds the cell's parameters to θ, with biases and `φ = tanh`.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, inputs, hidden, Activation::Tanh, true, rng)
    }

    /// With an activation of choice, with or without biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn with<T: Real>(
        params: &mut Params<T>,
        name: &str,
        inputs: usize,
        hidden: usize,
        activation: Activation,
        bias: bool,
        rng: &mut Rng,
    ) -> Self {
        Rnn { weights: Weights::new(params, name, (1, inputs, hidden), bias, rng), activation }
    }
}

impl Cell for Rnn {
    type State<'p, T: Real> = Var<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        let sum = self.weights.of_input(x) + self.weights.of_hidden(h);
        let h = sum.activate(self.activation);
        (h, h)
    }

    fn sequence<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        match self.activation {
            Activation::Tanh => with_last(x.rnn_tanh(h, self.weights.vars(x.pass()))),
            _ => unroll(self, x, h),
        }
    }

    fn last<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        match self.activation {
            Activation::Tanh => {
                let (_, h) = self.sequence(x, h);
                (h, h)
            }
            _ => unroll_last(self, x, h),
        }
    }

    fn enter<'p, T: Real>(&self, pass: &'p Pass<'p, T>, state: &State<T>) -> Var<'p, T> {
        pass.input(&state.parts[0])
    }

    fn leave<T: Real>(&self, h: Var<'_, T>, into: &mut State<T>) {
        h.copy_to(into.parts[0].as_mut_slice());
    }

    fn zero_state<T: Real>(&self, params: &Params<T>) -> State<T> {
        State::zeros(1, self.weights.hidden(params))
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        self.weights.grow_inputs(params, by);
    }
}
