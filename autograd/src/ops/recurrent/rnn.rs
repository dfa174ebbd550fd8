//! Elman's cell over a sequence.

use thalweg_tensor::{Real, kernels};

use super::super::affine::{rows_times, rows_times_transposed};
use super::{RecurrentWeights, Sizes, gates_of_inputs, inputs_backward, states_backward, with_inputs};
use crate::{Back, Op, Var};

/// Inputs of the node: x, h₀, then the weights.
const WEIGHTS: usize = 2;

impl<'p, T: Real> Var<'p, T> {
    /// A tanh RNN over a sequence, time first: `[t, in]` with state `[hidden]`, or `[t, n, in]` with state `[n, hidden]` →
    /// the outputs of all steps `[t, …, hidden]`; the last row is the last state.
    ///
    /// Forward, for each step: `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`. Backward, from the last step to the first:
    ///
    /// ```text
    /// ā = h̄' ⊙ (1 − h'²)      h̄ += W_hhᵀ ā
    /// W̄_ih += Σₜ ā xᵀ         W̄_hh += Σₜ ā hᵀ         x̄ += W_ihᵀ ā
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit, or there is no step.
    #[track_caller]
    pub fn rnn_tanh(self, h: Self, weights: RecurrentWeights<'p, T>) -> Self {
        let sizes = Sizes::of("rnn_tanh", self, &[h], &weights, 1);
        // Nothing is kept; backward needs room for ā and for h̄.
        let op = Op::new("rnn_tanh").attributes(sizes.attributes()).saving(2 * sizes.rows() * sizes.hidden);
        let forward = |inputs: crate::Inputs<'_, T>, y: &mut [T]| {
            let (state, _) = sizes.step();
            let hs = &mut y[..sizes.steps * state];
            gates_of_inputs(inputs, WEIGHTS, sizes, true, hs);
            let (mut h, w_hh) = (inputs.get(1), inputs.get(WEIGHTS + 1));
            for h_next in hs.chunks_exact_mut(state.max(1)) {
                rows_times_transposed(h, w_hh, sizes.batch, h_next);
                kernels::vectorize(
                    #[inline(always)]
                    || h_next.iter_mut().for_each(|v| *v = v.tanh()),
                );
                h = h_next;
            }
        };
        let shape = sizes.outputs(h.shape());
        with_inputs([self, h], &weights, |inputs| self.pass.record_all(op, inputs, shape, forward, backward))
    }
}

fn backward<T: Real>(g: &mut Back<'_, T>) {
    let sizes = Sizes::from_attributes(g.attributes());
    let (state, _) = sizes.step();
    let (hs, start, w_hh, wants_start) = (g.y(), g.x(1), g.x(WEIGHTS + 1), g.wants(1));
    let (sums, dh) = g.scratch().split_at_mut(sizes.steps * state);
    dh.copy_from_slice(g.dy());
    for t in (0..sizes.steps).rev() {
        let (before, dh) = dh[..(t + 1) * state].split_at_mut(t * state);
        let (h, sums) = (&hs[t * state..][..state], &mut sums[t * state..][..state]);
        for ((sum, &dh), &h) in sums.iter_mut().zip(&*dh).zip(h) {
            *sum = dh * (T::ONE - h * h);
        }
        let before = if t == 0 { g.dx(1) } else { &mut before[(t - 1) * state..] };
        if t > 0 || wants_start {
            rows_times(sums, w_hh, sizes.batch, before);
        }
    }
    inputs_backward(g, WEIGHTS, sizes, sums);
    states_backward(g, WEIGHTS, sizes, sums, [start, hs]);
}
