//! Elman's cell over a sequence.

use thalweg_tensor::Real;

use super::super::affine::rows_times;
use super::{RecurrentWeights, Sizes, StateWeight, gates_of_inputs, inputs_backward, states_backward, with_inputs};
use super::{keep, keep_backward, over};
use crate::{Activation, Back, Inputs, Op, Var};

/// Inputs of the node: x, h₀, then the weights.
const WEIGHTS: usize = 2;

impl<'p, T: Real> Var<'p, T> {
    /// Elman's RNN over a sequence, time first: `[t, in]` with state `[hidden]`, or `[t, n, in]` with state `[n, hidden]` →
    /// the outputs of all steps `[t, …, hidden]`; the last row is the last state. The sequences have these
    /// [lengths](crate::ops::recurrent), or all are whole.
    ///
    /// Forward, for each step: `h' = φ(W_ih x + b_ih + W_hh h + b_hh)`. Backward, from the last step to the first, where
    /// `φ'` follows from `h'` (it is `1 − h'²` for tanh):
    ///
    /// ```text
    /// ā = h̄' ⊙ φ'           h̄ += W_hhᵀ ā
    /// W̄_ih += Σₜ ā xᵀ       W̄_hh += Σₜ ā hᵀ         x̄ += W_ihᵀ ā
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit, or there is no step.
    #[track_caller]
    pub fn rnn(self, h: Self, weights: RecurrentWeights<'p, T>, activation: Activation, lengths: &[usize]) -> Self {
        let sizes = Sizes::of("rnn", self, &[h], &weights, 1, lengths);
        // There is one gate. Nothing is kept; backward needs room for ā and for h̄.
        let attributes = [sizes.steps, sizes.batch, sizes.hidden, activation as usize];
        let room = 2 * sizes.rows() * sizes.hidden + sizes.room();
        let op = Op::new("rnn").attributes(attributes).indices(lengths).saving(room);
        let forward = |inputs: Inputs<'_, T>, y: &mut [T]| {
            let (state, _) = sizes.step();
            let (hs, room) = y.split_at_mut(sizes.steps * state);
            let w_hh = StateWeight::new(inputs.get(WEIGHTS + 1), sizes, &mut room[2 * sizes.steps * state..]);
            gates_of_inputs(inputs, WEIGHTS, sizes, true, hs);
            let mut h = inputs.get(1);
            for (t, h_next) in hs.chunks_exact_mut(state.max(1)).enumerate() {
                w_hh.multiply_add(h, sizes, h_next);
                activation.forward(h_next);
                keep(lengths, t, h, h_next);
                h = h_next;
            }
        };
        let shape = sizes.outputs(h.shape());
        with_inputs([self, h], &weights, |inputs| self.pass.record_all(op, inputs, shape, forward, backward))
    }
}

fn backward<T: Real>(g: &mut Back<'_, T>) {
    let ([steps, batch, hidden, code], lengths) = (g.attributes(), g.indices());
    let (sizes, activation) = (Sizes { steps, batch, hidden, gates: 1 }, Activation::ALL[code]);
    let (state, _) = sizes.step();
    let (hs, start, w_hh, wants_start) = (g.y(), g.x(1), g.x(WEIGHTS + 1), g.wants(1));
    let (sums, rest) = g.scratch().split_at_mut(steps * state);
    let dh = &mut rest[..steps * state];
    dh.copy_from_slice(g.dy());
    for t in (0..steps).rev() {
        let (before, dh) = dh[..(t + 1) * state].split_at_mut(t * state);
        let (h, sums) = (&hs[t * state..][..state], &mut sums[t * state..][..state]);
        activation.backward(h, dh, sums);
        for row in (0..batch).filter(|&row| over(lengths, row, t)) {
            sums[row * hidden..][..hidden].fill(T::ZERO);
        }
        let before = if t == 0 { g.dx(1) } else { &mut before[(t - 1) * state..] };
        if t > 0 || wants_start {
            rows_times(sums, w_hh, batch, before);
        }
        keep_backward(lengths, t, dh, before);
    }
    inputs_backward(g, WEIGHTS, sizes, sums);
    states_backward(g, WEIGHTS, sizes, sums, [start, hs]);
}
