//! Recurrent cells over a whole sequence, fused: one node, whatever the length.
//!
//! What fusing saves: a step written from primitives is some twenty nodes, and the gradient of its weights is a product of
//! vectors for each step. Fused, a sequence is one node; the inputs of all steps go through their weights together, and the
//! gradient of the weights is one sum of outer products over time, for which each matrix is read and written once.
//!
//! A single step, fused, is a sequence of length one.
//!
//! The sequences of a batch may differ in length: each op takes `lengths`, one for each example, or none where all are
//! whole. A sequence that is over keeps its state, `h' = h`, and gives its gradient back, `h̄ = h̄'`; what the input holds
//! behind its end has no influence unless it is not finite. One of length 0 is over from the beginning: its last state is
//! the one that was given.
//!
//! The readable form of each cell, from primitives, is in `thalweg-nn`; a property test there holds the two equal.

mod gru;
mod lstm;
mod rnn;

use thalweg_tensor::kernels::{self, FEW, Matrix, gemm};
use thalweg_tensor::{Real, Shape};

use super::affine::{add_rows, rows_times, rows_times_transposed, transposed_times};
use crate::{Back, Inputs, Var};

/// The parameters of a recurrent cell with `k` gates, PyTorch's: `weight_ih: [k·hidden, in]`,
/// `weight_hh: [k·hidden, hidden]`, and the biases `bias_ih`, `bias_hh: [k·hidden]`, both or none.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentWeights<'p, T: Real = f32> {
    /// From the input.
    pub weight_ih: Var<'p, T>,
    /// From the state.
    pub weight_hh: Var<'p, T>,
    /// `bias_ih` and `bias_hh`.
    pub bias: Option<[Var<'p, T>; 2]>,
}

/// The sizes of a sequence: `t` steps of `n` examples each. One example without an axis of its own counts as a batch of 1.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    steps: usize,
    batch: usize,
    hidden: usize,
    gates: usize,
}

impl Sizes {
    /// Checks that everything fits: input `[t, in]` or `[t, n, in]`, states `[hidden]` or `[n, hidden]`, no lengths or `n`.
    #[track_caller]
    fn of<T: Real>(
        op: &str,
        x: Var<'_, T>,
        states: &[Var<'_, T>],
        weights: &RecurrentWeights<'_, T>,
        gates: usize,
        lengths: &[usize],
    ) -> Self {
        let (input, w_ih, w_hh) = (x.shape(), weights.weight_ih.shape(), weights.weight_hh.shape());
        let (steps, batch, inputs) = match *input.dims() {
            [steps, inputs] => (steps, 1, inputs),
            [steps, batch, inputs] => (steps, batch, inputs),
            _ => panic!("{op}: input [t, in] or [t, n, in] expected, found {input}"),
        };
        let &[rows, hidden] = w_hh.dims() else {
            panic!("{op}: weight_hh [{gates}·hidden, hidden] expected, found {w_hh}")
        };
        assert!(rows == gates * hidden, "{op}: weight_hh [{gates}·hidden, hidden] expected, found {w_hh}");
        assert!(w_ih == Shape::from([rows, inputs]), "{op}: weight_ih [{rows}, {inputs}] expected, found {w_ih}");
        let state = if input.rank() == 2 { Shape::from([hidden]) } else { Shape::from([batch, hidden]) };
        for s in states {
            assert!(s.shape() == state, "{op}: state {state} expected for input {input}, found {}", s.shape());
        }
        for bias in weights.bias.iter().flatten() {
            assert!(bias.shape() == Shape::from([rows]), "{op}: bias [{rows}] expected, found {}", bias.shape());
        }
        assert!(steps > 0, "{op}: at least one step expected, the input is {input}");
        assert!(
            lengths.is_empty() || lengths.len() == batch,
            "{op}: {} lengths for {batch} sequences, the input is {input}",
            lengths.len()
        );
        if let Some(bad) = lengths.iter().find(|length| **length > steps) {
            panic!("{op}: lengths of at most {steps} steps expected, found {bad}, the input is {input}");
        }
        Sizes { steps, batch, hidden, gates }
    }

    /// Rows of all steps together.
    fn rows(&self) -> usize {
        self.steps * self.batch
    }

    /// How many numbers a step's states hold, and its gates.
    fn step(&self) -> (usize, usize) {
        (self.batch * self.hidden, self.batch * self.gates * self.hidden)
    }

    /// The shape of the states of all steps: `[t, …]`.
    fn outputs(&self, state: Shape) -> Shape {
        state.inserted(0, self.steps)
    }

    /// Room for the transpose of `W_hh`, if the steps' products are to read it instead.
    fn room(&self) -> usize {
        if self.batch > FEW && self.steps > 1 { self.gates * self.hidden * self.hidden } else { 0 }
    }

    fn attributes(&self) -> [usize; 4] {
        [self.steps, self.batch, self.hidden, self.gates]
    }

    fn from_attributes([steps, batch, hidden, gates]: [usize; 4]) -> Self {
        Sizes { steps, batch, hidden, gates }
    }
}

/// Whether the sequence of an example is over before step `t`: from there on it keeps its state.
fn over(lengths: &[usize], row: usize, t: usize) -> bool {
    lengths.get(row).is_some_and(|&length| t >= length)
}

/// The state after step `t`, of sequences that are over: the state before.
fn keep<T: Real>(lengths: &[usize], t: usize, before: &[T], after: &mut [T]) {
    let width = after.len() / lengths.len().max(1);
    for row in (0..lengths.len()).filter(|&row| over(lengths, row, t)) {
        after[row * width..][..width].copy_from_slice(&before[row * width..][..width]);
    }
}

/// The gradient of a state that was kept goes to the state before.
fn keep_backward<T: Real>(lengths: &[usize], t: usize, after: &[T], before: &mut [T]) {
    let width = after.len() / lengths.len().max(1);
    for row in (0..lengths.len()).filter(|&row| over(lengths, row, t)) {
        kernels::add_assign(&after[row * width..][..width], &mut before[row * width..][..width]);
    }
}

/// The inputs of a fused node in order: what is its own, then `weight_ih`, `weight_hh` and the biases.
fn with_inputs<'p, T: Real, const N: usize, R>(
    own: [Var<'p, T>; N],
    weights: &RecurrentWeights<'p, T>,
    then: impl FnOnce(&[Var<'p, T>]) -> R,
) -> R {
    let mut all = [own[0]; 7];
    let [bias_ih, bias_hh] = weights.bias.unwrap_or([own[0]; 2]);
    all[..N].copy_from_slice(&own);
    all[N..N + 4].copy_from_slice(&[weights.weight_ih, weights.weight_hh, bias_ih, bias_hh]);
    then(&all[..if weights.bias.is_some() { N + 4 } else { N + 2 }])
}

/// `gates[row] = W_ih x[row] + b` for every row of every step; `b` is `bias_ih`, and `bias_hh` if `both`.
/// `first` is the index of `weight_ih` among the inputs.
fn gates_of_inputs<T: Real>(inputs: Inputs<'_, T>, first: usize, sizes: Sizes, both: bool, gates: &mut [T]) {
    let (x, w, width) = (inputs.get(0), inputs.get(first), sizes.gates * sizes.hidden);
    if inputs.len() > first + 2 {
        let (one, others) = gates.split_at_mut(width.min(gates.len()));
        one.copy_from_slice(&inputs.get(first + 2)[..one.len()]);
        if both {
            kernels::add_assign(&inputs.get(first + 3)[..one.len()], one);
        }
        others.chunks_exact_mut(width.max(1)).for_each(|row| row.copy_from_slice(one));
    } else {
        gates.fill(T::ZERO);
    }
    if sizes.batch > FEW {
        kernels::linear_add(x, w, x.len() / sizes.rows(), gates);
    } else {
        rows_times_transposed(x, w, sizes.rows(), gates);
    }
}

/// How each step multiplies its states with `W_hh`. It depends on the size of the batch alone, not on where a sequence was
/// cut, nor on whether its steps were taken one by one.
#[derive(Clone, Copy)]
enum StateWeight<'a, T> {
    /// Up to [`FEW`] examples, or a single step: row by row of `W_hh`.
    Plain(&'a [T]),
    /// More: a product of blocks, which would copy `W_hh` into another order at each step. So its transpose is made once.
    Transposed(Matrix<'a, T>),
}

impl<'a, T: Real> StateWeight<'a, T> {
    /// `room`: as much as [`Sizes::room`].
    fn new(w_hh: &'a [T], sizes: Sizes, room: &'a mut [T]) -> Self {
        if room.is_empty() {
            return StateWeight::Plain(w_hh);
        }
        let (hidden, width) = (sizes.hidden, sizes.gates * sizes.hidden);
        for (unit, row) in room.chunks_exact_mut(width).enumerate() {
            row.iter_mut().zip(w_hh[unit..].iter().step_by(hidden)).for_each(|(to, &from)| *to = from);
        }
        StateWeight::Transposed(Matrix::new(hidden, width, room))
    }

    /// `gates += h W_hhᵀ` for `h: [n, hidden]`.
    fn multiply_add(self, h: &[T], sizes: Sizes, gates: &mut [T]) {
        match self {
            StateWeight::Plain(w_hh) => kernels::linear_add(h, w_hh, sizes.hidden, gates),
            StateWeight::Transposed(w) => gemm(T::ONE, Matrix::new(sizes.batch, sizes.hidden, h), w, T::ONE, gates),
        }
    }
}

/// With the gradients of all gates known: those of the input, of `W_ih` and of `b_ih`.
fn inputs_backward<T: Real>(g: &mut Back<'_, T>, first: usize, sizes: Sizes, dgates: &[T]) {
    let (x, w) = (g.x(0), g.x(first));
    if g.wants(0) {
        rows_times(dgates, w, sizes.rows(), g.dx(0));
    }
    if g.wants(first) {
        transposed_times(g, first, dgates, x, sizes.rows());
    }
    bias_backward(g, first + 2, dgates);
}

/// With the gradients of `W_hh h + b_hh` known for all steps: those of `W_hh` and `b_hh`. `start` is the state before the
/// first step, `states` those after each.
fn states_backward<T: Real>(g: &mut Back<'_, T>, first: usize, sizes: Sizes, dgates: &[T], [start, states]: [&[T]; 2]) {
    let (state, gate) = sizes.step();
    if g.wants(first + 1) {
        transposed_times(g, first + 1, &dgates[..gate], start, sizes.batch);
        let later = sizes.rows() - sizes.batch;
        transposed_times(g, first + 1, &dgates[gate..], &states[..later * sizes.hidden], later);
        debug_assert!(states.len() == sizes.steps * state);
    }
    bias_backward(g, first + 3, dgates);
}

fn bias_backward<T: Real>(g: &mut Back<'_, T>, index: usize, dgates: &[T]) {
    if index < g.len() && g.wants(index) {
        add_rows(dgates, g.dx(index));
    }
}
