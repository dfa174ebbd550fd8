//! Long short-term memory over a sequence.

use thalweg_tensor::{Real, kernels};

use super::super::affine::rows_times;
use super::{RecurrentWeights, Sizes, StateWeight, gates_of_inputs, inputs_backward, states_backward, with_inputs};
use super::{keep, keep_backward, over};
use crate::{Back, Inputs, Op, Var};

/// Inputs of the node: x, h₀, c₀, then the weights.
const WEIGHTS: usize = 3;

impl<'p, T: Real> Var<'p, T> {
    /// LSTM over a sequence, time first: `[t, in]` with states `[hidden]`, or `[t, n, in]` with states `[n, hidden]` →
    /// the outputs of all steps `[t, …, hidden]`, and the last `[h, c]`. The sequences have these
    /// [lengths](crate::ops::recurrent), or all are whole.
    ///
    /// Forward, for each step:
    ///
    /// ```text
    /// [i f g o] = W_ih x + b_ih + W_hh h + b_hh      i, f, o ← σ(·)    g ← tanh(·)
    /// c' = f ⊙ c + i ⊙ g                             h' = o ⊙ tanh(c')
    /// ```
    ///
    /// Backward, from the last step to the first, with h̄' and c̄' summed over their uses:
    ///
    /// ```text
    /// c̄' += h̄' ⊙ o ⊙ (1 − tanh²c')
    /// ī = c̄' ⊙ g ⊙ i(1 − i)     f̄ = c̄' ⊙ c ⊙ f(1 − f)     ḡ = c̄' ⊙ i ⊙ (1 − g²)     ō = h̄' ⊙ tanh c' ⊙ o(1 − o)
    /// c̄ += c̄' ⊙ f                h̄ += W_hhᵀ [ī f̄ ḡ ō]
    /// W̄_ih += Σₜ [ī f̄ ḡ ō] xᵀ   W̄_hh += Σₜ [ī f̄ ḡ ō] hᵀ   x̄ += W_ihᵀ [ī f̄ ḡ ō]
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit, or there is no step.
    #[track_caller]
    pub fn lstm(self, [h, c]: [Self; 2], weights: RecurrentWeights<'p, T>, lengths: &[usize]) -> (Self, [Self; 2]) {
        let sizes = Sizes::of("lstm", self, &[h, c], &weights, 4, lengths);
        let room = sizes.rows() * sizes.hidden * SAVED + sizes.room();
        let op = Op::new("lstm").attributes(sizes.attributes()).indices(lengths).saving(room);
        let shape = sizes.outputs(h.shape()).inserted(0, 2);
        let forward = |inputs: Inputs<'_, T>, y: &mut [T]| forward(sizes, lengths, inputs, y);
        let record = |inputs: &[Self]| self.pass.record_all(op, inputs, shape, forward, backward);
        let states = with_inputs([self, h, c], &weights, record);
        let (hs, cs, last) = (states.row(0), states.row(1), sizes.steps - 1);
        (hs, [hs.row(last), cs.row(last)])
    }
}

/// For each hidden unit of each step: four gates and tanh c' are kept; a sixth number is room for backward.
const SAVED: usize = 6;

/// The output is all h', then all c'; behind it the gates after their activation, and tanh c'.
fn forward<T: Real>(sizes: Sizes, lengths: &[usize], inputs: Inputs<'_, T>, y: &mut [T]) {
    let (state, gate) = sizes.step();
    let (hs, rest) = y.split_at_mut(sizes.steps * state);
    let (cs, rest) = rest.split_at_mut(sizes.steps * state);
    let (gates, rest) = rest.split_at_mut(sizes.steps * gate);
    let (tanh_c, rest) = rest.split_at_mut(2 * sizes.steps * state); // the second half is room for backward
    let w_hh = StateWeight::new(inputs.get(WEIGHTS + 1), sizes, rest);
    gates_of_inputs(inputs, WEIGHTS, sizes, true, gates);
    let (mut h, mut c) = (inputs.get(1), inputs.get(2));
    let steps = hs.chunks_exact_mut(state.max(1)).zip(cs.chunks_exact_mut(state.max(1)));
    let kept = gates.chunks_exact_mut(gate.max(1)).zip(tanh_c.chunks_exact_mut(state.max(1)));
    for (t, ((h_next, c_next), (gates, tanh_c))) in steps.zip(kept).enumerate() {
        w_hh.multiply_add(h, sizes, gates);
        for row in 0..sizes.batch {
            let at = row * sizes.hidden..(row + 1) * sizes.hidden;
            let gates = &mut gates[4 * at.start..4 * at.end];
            let (c, at) = (&c[at.clone()], || at.clone());
            kernels::vectorize(
                #[inline(always)]
                || step(gates, c, &mut h_next[at()], &mut c_next[at()], &mut tanh_c[at()]),
            );
        }
        keep(lengths, t, h, h_next);
        keep(lengths, t, c, c_next);
        (h, c) = (h_next, c_next);
    }
}

/// One step of one example, the gates' sums given.
#[inline(always)]
fn step<T: Real>(gates: &mut [T], c: &[T], h_next: &mut [T], c_next: &mut [T], tanh_c: &mut [T]) {
    let n = c.len();
    let (input_forget, rest) = gates.split_at_mut(2 * n);
    let (cell, output) = rest.split_at_mut(n);
    input_forget.iter_mut().for_each(|v| *v = v.sigmoid());
    cell.iter_mut().for_each(|v| *v = v.tanh());
    output.iter_mut().for_each(|v| *v = v.sigmoid());
    let (i, f) = input_forget.split_at(n);
    for ((((c_next, &c), &i), &f), &g) in c_next.iter_mut().zip(c).zip(i).zip(f).zip(&*cell) {
        *c_next = f * c + i * g;
    }
    for (((h, t), &c), &o) in h_next.iter_mut().zip(tanh_c).zip(&*c_next).zip(&*output) {
        *t = c.tanh();
        *h = o * *t;
    }
}

fn backward<T: Real>(g: &mut Back<'_, T>) {
    let (sizes, lengths) = (Sizes::from_attributes(g.attributes()), g.indices());
    let (state, gate) = sizes.step();
    let (hs, cs) = g.y().split_at(sizes.steps * state);
    let (gates, tanh_c) = g.saved().split_at(sizes.steps * gate);
    let (start_h, start_c, w_hh, wants_start) = (g.x(1), g.x(2), g.x(WEIGHTS + 1), g.wants(1));
    // h̄' and c̄' begin as what the outputs' uses give them, and collect what the later steps give.
    let (dgates, rest) = g.scratch().split_at_mut(sizes.steps * gate);
    let (dh, rest) = rest.split_at_mut(sizes.steps * state);
    let dc = &mut rest[..sizes.steps * state];
    dh.copy_from_slice(&g.dy()[..sizes.steps * state]);
    dc.copy_from_slice(&g.dy()[sizes.steps * state..]);
    for t in (0..sizes.steps).rev() {
        let (dh_before, dh) = dh[..(t + 1) * state].split_at_mut(t * state);
        let (dc_before, dc) = dc[..(t + 1) * state].split_at_mut(t * state);
        let dgates = &mut dgates[t * gate..][..gate];
        let c = if t == 0 { start_c } else { &cs[(t - 1) * state..][..state] };
        let dc_before = if t == 0 { g.dx(2) } else { &mut dc_before[(t - 1) * state..] };
        for row in 0..sizes.batch {
            let at = row * sizes.hidden..(row + 1) * sizes.hidden;
            let four = 4 * at.start..4 * at.end;
            if over(lengths, row, t) {
                dgates[four].fill(T::ZERO);
                continue;
            }
            let kept = (&gates[t * gate..][four.clone()], &tanh_c[t * state..][at.clone()], &c[at.clone()]);
            let (dh, dc, dc_before) = (&dh[at.clone()], &dc[at.clone()], &mut dc_before[at]);
            kernels::vectorize(
                #[inline(always)]
                || step_backward(kept, dh, dc, dc_before, &mut dgates[four]),
            );
        }
        keep_backward(lengths, t, dc, dc_before);
        let dh_before = if t == 0 { g.dx(1) } else { &mut dh_before[(t - 1) * state..] };
        if t > 0 || wants_start {
            rows_times(dgates, w_hh, sizes.batch, dh_before);
        }
        keep_backward(lengths, t, dh, dh_before);
    }
    inputs_backward(g, WEIGHTS, sizes, dgates);
    states_backward(g, WEIGHTS, sizes, dgates, [start_h, hs]);
}

/// One step of one example. `kept`: the gates after their activation, tanh c', and c.
#[inline(always)]
fn step_backward<T: Real>(
    (gates, tanh_c, c): (&[T], &[T], &[T]),
    dh: &[T],
    dc: &[T],
    dc_before: &mut [T],
    dgates: &mut [T],
) {
    let n = c.len();
    let (i, f, g, o) = (&gates[..n], &gates[n..2 * n], &gates[2 * n..3 * n], &gates[3 * n..4 * n]);
    let (di, rest) = dgates.split_at_mut(n);
    let (df, rest) = rest.split_at_mut(n);
    let (dg, d_o) = rest.split_at_mut(n);
    let (tanh_c, dh, dc, dc_before, d_o) = (&tanh_c[..n], &dh[..n], &dc[..n], &mut dc_before[..n], &mut d_o[..n]);
    for k in 0..n {
        let through = dc[k] + dh[k] * o[k] * (T::ONE - tanh_c[k] * tanh_c[k]);
        di[k] = through * g[k] * i[k] * (T::ONE - i[k]);
        df[k] = through * c[k] * f[k] * (T::ONE - f[k]);
        dg[k] = through * i[k] * (T::ONE - g[k] * g[k]);
        d_o[k] = dh[k] * tanh_c[k] * o[k] * (T::ONE - o[k]);
        dc_before[k] += through * f[k];
    }
}
