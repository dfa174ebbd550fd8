//! The gated recurrent unit over a sequence, in PyTorch's form.

use thalweg_tensor::{Real, kernels};

use super::super::affine::rows_times;
use super::{RecurrentWeights, Sizes, StateWeight, gates_of_inputs, inputs_backward, states_backward, with_inputs};
use super::{keep, keep_backward, over};
use crate::{Back, Inputs, Op, Var};

/// Inputs of the node: x, h₀, then the weights.
const WEIGHTS: usize = 2;

impl<'p, T: Real> Var<'p, T> {
    /// GRU over a sequence, time first, in PyTorch's form: `[t, in]` with state `[hidden]`, or `[t, n, in]` with state
    /// `[n, hidden]` → the outputs of all steps `[t, …, hidden]`; the last row is the last state. The sequences have these
    /// [lengths](crate::ops::recurrent), or all are whole.
    ///
    /// Forward, for each step, with `[a_r a_z a_n] = W_ih x + b_ih` and `[u_r u_z u_n] = W_hh h + b_hh`:
    ///
    /// ```text
    /// r = σ(a_r + u_r)      z = σ(a_z + u_z)      n = tanh(a_n + r ⊙ u_n)      h' = n + z ⊙ (h − n)
    /// ```
    ///
    /// Backward, from the last step to the first:
    ///
    /// ```text
    /// n̄ = h̄' ⊙ (1 − z) ⊙ (1 − n²)      z̄ = h̄' ⊙ (h − n) ⊙ z(1 − z)      r̄ = n̄ ⊙ u_n ⊙ r(1 − r)
    /// ā = [r̄ z̄ n̄]      ū = [r̄ z̄ n̄⊙r]      h̄ += h̄' ⊙ z + W_hhᵀ ū
    /// W̄_ih += Σₜ ā xᵀ      W̄_hh += Σₜ ū hᵀ      x̄ += W_ihᵀ ā
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit, or there is no step.
    #[track_caller]
    pub fn gru(self, h: Self, weights: RecurrentWeights<'p, T>, lengths: &[usize]) -> Self {
        let sizes = Sizes::of("gru", self, &[h], &weights, 3, lengths);
        let room = sizes.rows() * sizes.hidden * SAVED + sizes.room();
        let op = Op::new("gru").attributes(sizes.attributes()).indices(lengths).saving(room);
        let shape = sizes.outputs(h.shape());
        let forward = |inputs: Inputs<'_, T>, y: &mut [T]| forward(sizes, lengths, inputs, y);
        let record = |inputs: &[Self]| self.pass.record_all(op, inputs, shape, forward, backward);
        with_inputs([self, h], &weights, record)
    }
}

/// For each hidden unit of each step three gates and u_n are kept; backward needs room for ā, ū and h̄.
const SAVED: usize = 7;

/// The output is all h'; behind it r, z, n of each step, then `[u_r u_z u_n]` of each.
fn forward<T: Real>(sizes: Sizes, lengths: &[usize], inputs: Inputs<'_, T>, y: &mut [T]) {
    let (state, gate) = sizes.step();
    let (hs, rest) = y.split_at_mut(sizes.steps * state);
    let (gates, rest) = rest.split_at_mut(sizes.steps * gate);
    let (sums, rest) = rest.split_at_mut(sizes.steps * gate);
    let w_hh = StateWeight::new(inputs.get(WEIGHTS + 1), sizes, &mut rest[sizes.steps * state..]);
    gates_of_inputs(inputs, WEIGHTS, sizes, false, gates);
    let mut h = inputs.get(1);
    let kept = gates.chunks_exact_mut(gate.max(1)).zip(sums.chunks_exact_mut(gate.max(1)));
    for (t, (h_next, (gates, sums))) in hs.chunks_exact_mut(state.max(1)).zip(kept).enumerate() {
        if inputs.len() > WEIGHTS + 2 {
            let bias = inputs.get(WEIGHTS + 3);
            sums.chunks_exact_mut(bias.len().max(1)).for_each(|row| row.copy_from_slice(bias));
        } else {
            sums.fill(T::ZERO);
        }
        w_hh.multiply_add(h, sizes, sums);
        for row in 0..sizes.batch {
            let at = row * sizes.hidden..(row + 1) * sizes.hidden;
            let three = 3 * at.start..3 * at.end;
            let (gates, sums) = (&mut gates[three.clone()], &sums[three]);
            kernels::vectorize(
                #[inline(always)]
                || step(gates, sums, &h[at.clone()], &mut h_next[at.clone()]),
            );
        }
        keep(lengths, t, h, h_next);
        h = h_next;
    }
}

/// One step of one example: `gates` holds a and becomes `[r z n]`, `sums` is u.
#[inline(always)]
fn step<T: Real>(gates: &mut [T], sums: &[T], h: &[T], h_next: &mut [T]) {
    let n = h.len();
    let (reset_update, new) = gates.split_at_mut(2 * n);
    let (u_gates, u_new) = sums.split_at(2 * n);
    for (gate, &u) in reset_update.iter_mut().zip(u_gates) {
        *gate = (*gate + u).sigmoid();
    }
    let (r, z) = reset_update.split_at(n);
    for ((new, &r), &u) in new.iter_mut().zip(r).zip(u_new) {
        *new = (*new + r * u).tanh();
    }
    for (((h_next, &h), &z), &new) in h_next.iter_mut().zip(h).zip(z).zip(&*new) {
        *h_next = new + z * (h - new);
    }
}

fn backward<T: Real>(g: &mut Back<'_, T>) {
    let (sizes, lengths) = (Sizes::from_attributes(g.attributes()), g.indices());
    let (state, gate) = sizes.step();
    let (hs, start, w_hh, wants_start) = (g.y(), g.x(1), g.x(WEIGHTS + 1), g.wants(1));
    let (gates, sums) = g.saved().split_at(sizes.steps * gate);
    let (da, rest) = g.scratch().split_at_mut(sizes.steps * gate);
    let (du, rest) = rest.split_at_mut(sizes.steps * gate);
    let dh = &mut rest[..sizes.steps * state];
    dh.copy_from_slice(g.dy());
    for t in (0..sizes.steps).rev() {
        let (before, dh) = dh[..(t + 1) * state].split_at_mut(t * state);
        let (da, du) = (&mut da[t * gate..][..gate], &mut du[t * gate..][..gate]);
        let h = if t == 0 { start } else { &hs[(t - 1) * state..][..state] };
        let before = if t == 0 { g.dx(1) } else { &mut before[(t - 1) * state..] };
        for row in 0..sizes.batch {
            let at = row * sizes.hidden..(row + 1) * sizes.hidden;
            let three = 3 * at.start..3 * at.end;
            if over(lengths, row, t) {
                da[three.clone()].fill(T::ZERO);
                du[three].fill(T::ZERO);
                continue;
            }
            let kept = (&gates[t * gate..][three.clone()], &sums[t * gate..][three.clone()], &h[at.clone()]);
            let (dh, before, da, du) = (&dh[at.clone()], &mut before[at], &mut da[three.clone()], &mut du[three]);
            kernels::vectorize(
                #[inline(always)]
                || step_backward(kept, dh, before, da, du),
            );
        }
        if t > 0 || wants_start {
            rows_times(du, w_hh, sizes.batch, before);
        }
        keep_backward(lengths, t, dh, before);
    }
    inputs_backward(g, WEIGHTS, sizes, da);
    states_backward(g, WEIGHTS, sizes, du, [start, hs]);
}

/// One step of one example. `kept`: `[r z n]`, u, and h.
#[inline(always)]
fn step_backward<T: Real>(
    (gates, sums, h): (&[T], &[T], &[T]),
    dh: &[T],
    before: &mut [T],
    da: &mut [T],
    du: &mut [T],
) {
    let n = h.len();
    let (r, z, new, u_new) = (&gates[..n], &gates[n..2 * n], &gates[2 * n..3 * n], &sums[2 * n..3 * n]);
    let (dr, rest) = da.split_at_mut(n);
    let (dz, dn) = rest.split_at_mut(n);
    let (dh, before, dz, dn) = (&dh[..n], &mut before[..n], &mut dz[..n], &mut dn[..n]);
    for k in 0..n {
        dn[k] = dh[k] * (T::ONE - z[k]) * (T::ONE - new[k] * new[k]);
        dz[k] = dh[k] * (h[k] - new[k]) * z[k] * (T::ONE - z[k]);
        dr[k] = dn[k] * u_new[k] * r[k] * (T::ONE - r[k]);
        before[k] += dh[k] * z[k];
    }
    du[..n].copy_from_slice(dr);
    du[n..2 * n].copy_from_slice(dz);
    for ((du, &dn), &r) in du[2 * n..].iter_mut().zip(&*dn).zip(r) {
        *du = dn * r;
    }
}
