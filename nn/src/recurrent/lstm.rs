//! Long short-term memory.

use thalweg_autograd::{Params, Pass, Var};
use thalweg_tensor::{Real, Rng};

use super::weights::Weights;
use super::{Cell, State};

/// Long short-term memory, PyTorch's `nn.LSTM`: `(x, (h, c)) → (h', c')`.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lstm {
    weights: Weights,
}

/// The state of an [`Lstm`] within a pass.
#[derive(Clone, Copy, Debug)]
pub struct LstmState<'p, T: Real = f32> {
    /// The output, short-term memory.
    pub h: Var<'p, T>,
    /// The cell, long-term memory.
    pub c: Var<'p, T>,
}

impl Lstm {
    /// Adds the cell's parameters to θ, with biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Lstm { weights: Weights::new(params, name, (4, inputs, hidden), true, rng) }
    }

    /// Without biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn without_bias<T: Real>(
        params: &mut Params<T>,
        name: &str,
        inputs: usize,
        hidden: usize,
        rng: &mut Rng,
    ) -> Self {
        Lstm { weights: Weights::new(params, name, (4, inputs, hidden), false, rng) }
    }
}

impl Cell for Lstm {
    type State<'p, T: Real> = LstmState<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, state: LstmState<'p, T>) -> (Var<'p, T>, LstmState<'p, T>) {
        let gates = self.weights.of_input(x) + self.weights.of_hidden(state.h);
        let [i, f, g, o] = gates.split(gates.shape().rank() - 1);
        let c = f.sigmoid() * state.c + i.sigmoid() * g.tanh();
        let h = o.sigmoid() * c.tanh();
        (h, LstmState { h, c })
    }

    fn sequence<'p, T: Real>(&self, x: Var<'p, T>, state: LstmState<'p, T>) -> (Var<'p, T>, LstmState<'p, T>) {
        let (outputs, [h, c]) = x.lstm([state.h, state.c], self.weights.vars(x.pass()));
        (outputs, LstmState { h, c })
    }

    fn last<'p, T: Real>(&self, x: Var<'p, T>, state: LstmState<'p, T>) -> (Var<'p, T>, LstmState<'p, T>) {
        let (_, state) = self.sequence(x, state);
        (state.h, state)
    }

    fn enter<'p, T: Real>(&self, pass: &'p Pass<'p, T>, state: &State<T>) -> LstmState<'p, T> {
        LstmState { h: pass.input(&state.parts[0]), c: pass.input(&state.parts[1]) }
    }

    fn leave<T: Real>(&self, state: LstmState<'_, T>, into: &mut State<T>) {
        state.h.copy_to(into.parts[0].as_mut_slice());
        state.c.copy_to(into.parts[1].as_mut_slice());
    }

    fn zero_state<T: Real>(&self, params: &Params<T>) -> State<T> {
        State::zeros(2, self.weights.hidden(params))
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        self.weights.grow_inputs(params, by);
    }
}
