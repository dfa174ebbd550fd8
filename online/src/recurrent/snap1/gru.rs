//! Equation (3).

use thalweg_autograd::Params;
use thalweg_nn::recurrent::Weights;
use thalweg_nn::{Gru, Reset, Update};
use thalweg_tensor::{Real, kernels};

use super::super::trace::Trace;
use super::local::{Linear, Local, advance, diagonal, of_input};

impl Local for Gru {
    const GATES: usize = 3;

    fn weights(&self) -> Weights {
        Gru::weights(self)
    }

    fn linearise<T: Real>(&self, params: &Params<T>, x: &[T], own: T, linear: &mut Linear<T>) {
        let (weights, form, n) = (self.weights(), self.form(), linear.h.len());
        let Linear { h, h_before, gates, candidate, gains, hidden_gains, carry, sums, .. } = linear;
        // r and z, and n's part of the inputs.
        of_input(params, weights, x, gates);
        let of_state = |gate: usize, met: &[T], sums: &mut [T]| {
            kernels::matvec(&params.of(weights.weight_hh)[gate * n * n..][..sums.len() * n], met, sums);
            if let Some([_, bias]) = weights.bias {
                kernels::add_assign(&params.of(bias)[gate * n..][..sums.len()], sums);
            }
        };
        of_state(0, h_before, &mut sums[..2 * n]);
        kernels::add_assign(&sums[..2 * n], &mut gates[..2 * n]);
        gates[..2 * n].iter_mut().for_each(|gate| *gate = gate.sigmoid());
        let (rz, sum_n) = gates.split_at_mut(2 * n);
        let (r, z) = rz.split_at(n);
        let before = form.reset == Reset::Before;
        if before {
            (0..n).for_each(|k| candidate[k] = r[k] * h_before[k]);
            of_state(2, candidate, &mut sums[2 * n..]);
            let slopes = |j: usize| h_before[j] * r[j] * (T::ONE - r[j]);
            heard_through_others(params.of(weights.weight_hh), slopes, &mut sums[..n]);
        } else {
            of_state(2, h_before, candidate);
            (0..n).for_each(|k| sums[2 * n + k] = r[k] * candidate[k]);
        }
        let (e_r, rest) = gains.split_at_mut(n);
        let (e_z, e_n) = rest.split_at_mut(n);
        let diagonals = [0, 1, 2].map(|gate| diagonal(params, weights, gate));
        let [w_r, w_z, w_n] = diagonals;
        for (k, ((w_r, w_z), w_n)) in w_r.zip(w_z).zip(w_n).enumerate() {
            let (r, z, h_k) = (r[k], z[k], h_before[k]);
            let new = (sum_n[k] + sums[2 * n + k]).tanh();
            // h' = keep · h + take · n; ∂keep/∂z = −∂take/∂z.
            let (keep, take, by_z) = match form.update {
                Update::Keeps => (z, T::ONE - z, h_k - new),
                Update::Takes => (T::ONE - z, z, new - h_k),
            };
            h[k] = keep * h_k + take * new;
            sum_n[k] = new;
            e_z[k] = by_z * z * (T::ONE - z);
            e_n[k] = take * (T::ONE - new * new);
            e_r[k] = e_n[k] * r * (T::ONE - r) * if before { w_n * h_k } else { candidate[k] };
            let by_r = if before { e_n[k] * sums[k] } else { e_r[k] * w_r };
            carry[k] = keep + own * (by_r + e_z[k] * w_z + e_n[k] * r * w_n);
            hidden_gains[2 * n + k] = if before { e_n[k] } else { e_n[k] * r };
        }
        hidden_gains[..2 * n].copy_from_slice(&gains[..2 * n]);
        linear.meets_candidate = before;
    }

    fn advance<T: Real>(linear: &Linear<T>, part: usize, u: &[T], traces: &mut [Trace<T>]) {
        let (gains, trace, n) = (linear.gains_of(part), traces[0].part_mut(part), linear.h.len());
        let (rows, meets) =
            if part == 1 && linear.meets_candidate { (2 * n, &linear.candidate[..]) } else { (3 * n, u) };
        let (first, last) = trace.split_at_mut(rows * u.len());
        advance(&linear.carry, &gains[..rows], u, first);
        advance(&linear.carry, &gains[rows..], meets, last);
    }

    fn sums<T: Real>(&self, params: &Params<T>, dh: &[T], linear: &mut Linear<T>) {
        let n = dh.len();
        let Linear { h_before, gates, candidate, gains, sums, .. } = linear;
        (0..3 * n).for_each(|k| sums[k] = gains[k] * dh[k % n]);
        if self.form().reset == Reset::Before {
            // Through r ⊙ h a reset gate is heard by every candidate. The traces have moved on: there is room in r ⊙ h.
            let (of_r, of_n) = sums.split_at_mut(2 * n);
            candidate.fill(T::ZERO);
            kernels::matvec_transposed_add(&params.of(self.weights().weight_hh)[2 * n * n..], of_n, candidate);
            (0..n).for_each(|k| of_r[k] = candidate[k] * h_before[k] * gates[k] * (T::ONE - gates[k]));
        }
    }
}

/// How a unit hears itself through all the reset gates, where they act on the state: `Σⱼ W^n_kj (h_j r'_j) W^r_jk`.
fn heard_through_others<T: Real>(recurrent: &[T], slopes: impl Fn(usize) -> T, heard: &mut [T]) {
    let n = heard.len();
    let (of_r, of_n) = (&recurrent[..n * n], &recurrent[2 * n * n..]);
    heard.fill(T::ZERO);
    for (j, of_r) in of_r.chunks_exact(n.max(1)).enumerate() {
        let slope = slopes(j);
        let of_n = of_n[j..].iter().step_by(n);
        heard.iter_mut().zip(of_r).zip(of_n).for_each(|((heard, &w_r), &w_n)| *heard += w_n * slope * w_r);
    }
}
