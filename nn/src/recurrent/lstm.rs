//! Long short-term memory.

use thalweg_autograd::{Param, Params, Pass, Var};
use thalweg_tensor::{Real, Rng};

use super::arrange::within;
use super::weights::Weights;
use super::{Carried, Cell, CellOptions, GrowHidden, Portable, Stackable, State};

/// Long short-term memory, one layer of PyTorch's `nn.LSTM`: `(x, (h, c)) → (h', c')`.
///
/// ```text
/// [i f g o] = W_ih x + b_ih + W_hh h + b_hh
/// c' = σ(f) ⊙ c + σ(i) ⊙ tanh(g)
/// h' = σ(o) ⊙ tanh(c')
///
/// x: [in] or [n, in]      h, c: [hidden] or [n, hidden]
/// W_ih: [4·hidden, in]    W_hh: [4·hidden, hidden]    b_ih, b_hh: [4·hidden]    gates in the order i f g o
/// ```
///
/// Source: Hochreiter & Schmidhuber 1997; the forget gate f: Gers, Schmidhuber & Cummins 2000.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lstm {
    weights: Weights,
    form: LstmForm,
}

/// How an [`Lstm`], or a [`LayerNormLstm`](super::LayerNormLstm), begins.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LstmForm {
    /// What the biases of the forget gate add up to at the start. `None`: they are random, as PyTorch's.
    pub forget_bias: Option<f64>,
}

impl LstmForm {
    /// A bias of 1 for the forget gate: the cell begins by remembering, so that gradients reach far back from the start
    /// (Jozefowicz, Zaremba & Sutskever 2015).
    pub const REMEMBERING: LstmForm = LstmForm { forget_bias: Some(1.0) };
}

/// Which of the four gates is f.
pub(super) const FORGET: usize = 1;

/// The state of an [`Lstm`] within a pass.
#[derive(Clone, Copy, Debug)]
pub struct LstmState<'p, T: Real = f32> {
    /// The output, short-term memory.
    pub h: Var<'p, T>,
    /// The cell, long-term memory.
    pub c: Var<'p, T>,
}

impl<'p, T: Real> Portable<'p, T> for LstmState<'p, T> {
    #[track_caller]
    fn enter(pass: &'p Pass<'p, T>, state: &State<T>) -> Self {
        Self::input(pass, state)
    }

    fn parts(self) -> impl Iterator<Item = Var<'p, T>> {
        [self.h, self.c].into_iter()
    }
}

impl<'p, T: Real> Carried<'p, T> for LstmState<'p, T> {
    const PARTS: usize = 2;

    fn build(mut part: impl FnMut(usize) -> Var<'p, T>) -> Self {
        LstmState { h: part(0), c: part(1) }
    }

    fn part(self, index: usize) -> Var<'p, T> {
        [self.h, self.c][index]
    }
}

impl Lstm {
    /// Adds the cell's parameters to θ, with biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, CellOptions::new(inputs, hidden), rng)
    }

    /// With or without biases, and with a forget gate that begins as asked for.
    ///
    /// # Panics
    /// If the names are taken, or a forget bias is asked for without biases.
    #[track_caller]
    pub fn with<T: Real>(params: &mut Params<T>, name: &str, options: CellOptions<LstmForm>, rng: &mut Rng) -> Self {
        Self::layer(params, [name, "l0"], &options, rng)
    }

    /// The handles of its parameters.
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// How it began.
    pub fn form(&self) -> LstmForm {
        self.form
    }
}

impl Stackable for Lstm {
    type Form = LstmForm;

    fn layer<T: Real>(
        params: &mut Params<T>,
        names: [&str; 2],
        options: &CellOptions<LstmForm>,
        rng: &mut Rng,
    ) -> Self {
        let lstm = Lstm { weights: Weights::new(params, names, 4, options, rng), form: options.form };
        lstm.begin(params, 0);
        lstm
    }
}

impl Lstm {
    /// Sets the forget bias of the units from `first` on.
    fn begin<T: Real>(&self, params: &mut Params<T>, first: usize) {
        if let Some(bias) = self.form.forget_bias {
            self.weights.set_bias(params, FORGET, first, bias);
        }
    }
}

impl Cell for Lstm {
    type State<'p, T: Real> = LstmState<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, state: LstmState<'p, T>) -> (Var<'p, T>, LstmState<'p, T>) {
        self.last(x.unsqueeze(0), state)
    }

    fn equations<'p, T: Real>(&self, x: Var<'p, T>, state: LstmState<'p, T>) -> (Var<'p, T>, LstmState<'p, T>) {
        let gates = self.weights.of_input(x) + self.weights.of_hidden(state.h);
        let [i, f, g, o] = gates.split(gates.shape().rank() - 1);
        let c = f.sigmoid() * state.c + i.sigmoid() * g.tanh();
        let h = o.sigmoid() * c.tanh();
        (h, LstmState { h, c })
    }

    fn sequence_of<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        lengths: &[usize],
        state: LstmState<'p, T>,
    ) -> (Var<'p, T>, LstmState<'p, T>) {
        let weights = self.weights.vars(x.pass());
        let (outputs, [h, c]) = within(x, lengths).lstm([state.h, state.c], weights, lengths);
        (within(outputs, lengths), LstmState { h, c })
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

impl GrowHidden for Lstm {
    fn grow_hidden<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        let first = self.weights.hidden(params);
        self.weights.grow_hidden(params, by, rng);
        self.begin(params, first);
    }
}
