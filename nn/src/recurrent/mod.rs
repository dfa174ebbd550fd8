//! Recurrent cells: one step, `(x, state) → (output, state)`, written as their equations.
//!
//! All three work on one example, `x: [in]`, or on a batch, `x: [n, in]`; the state has the same leading axis. What a
//! cell carries lives outside of any pass as a [`State`], a plain value: clone it, save it, carry it on, cut it.

mod gru;
mod lstm;
mod rnn;
mod sequence;
mod state;
mod weights;

pub use gru::{Gru, GruForm, Reset, Update};
pub use lstm::{Lstm, LstmState};
pub use rnn::Rnn;
pub use sequence::unroll;
pub use state::State;

use thalweg_autograd::{Params, Pass, Var};
use thalweg_tensor::Real;

/// What recurrent cells have in common.
pub trait Cell {
    /// What is carried from step to step, as variables of a pass: `h`, or `(h, c)`.
    type State<'p, T: Real>: Copy;

    /// One step: the output `h'` and the state to carry on.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn step<'p, T: Real>(&self, x: Var<'p, T>, state: Self::State<'p, T>) -> (Var<'p, T>, Self::State<'p, T>);

    /// A whole sequence, time first: `[t, in]` → outputs `[t, hidden]`, or `[t, n, in]` → `[t, n, hidden]`, and the state
    /// to carry on. What `t` single steps give ([`unroll`]), as one fused node where there is one for the cell: tanh
    /// RNN, LSTM, and GRU in PyTorch's form.
    ///
    /// # Panics
    /// If the sequence is empty, or the shapes do not fit.
    fn sequence<'p, T: Real>(&self, x: Var<'p, T>, state: Self::State<'p, T>) -> (Var<'p, T>, Self::State<'p, T>);

    /// [`sequence`](Cell::sequence) when only its end is of interest: the last output and the state to carry on. Allocates
    /// nothing once the tape has its size.
    ///
    /// # Panics
    /// As [`sequence`](Cell::sequence).
    fn last<'p, T: Real>(&self, x: Var<'p, T>, state: Self::State<'p, T>) -> (Var<'p, T>, Self::State<'p, T>);

    /// The carried state as data of a pass. No gradient flows behind it: this is where history is cut.
    fn enter<'p, T: Real>(&self, pass: &'p Pass<'p, T>, state: &State<T>) -> Self::State<'p, T>;

    /// Copies the state out of a pass, to carry it on.
    ///
    /// # Panics
    /// If `into` has another shape.
    fn leave<T: Real>(&self, state: Self::State<'_, T>, into: &mut State<T>);

    /// Zeros: the state before the first step of one example.
    fn zero_state<T: Real>(&self, params: &Params<T>) -> State<T>;

    /// Zeros for a batch of `n` examples.
    fn zero_states<T: Real>(&self, params: &Params<T>, n: usize) -> State<T> {
        self.zero_state(params).batch_of(n)
    }

    /// Adds inputs, with weights of zero: no output changes by a bit, whatever the new inputs are.
    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize);
}
