//! Equation (4).

use thalweg_autograd::Params;
use thalweg_nn::Lstm;
use thalweg_nn::recurrent::Weights;
use thalweg_tensor::{Real, kernels};

use super::super::trace::Trace;
use super::local::{Linear, Local, diagonal, gate_sums};

/// Which of the gates i f g o is o.
const OUTPUT: usize = 3;

impl Local for Lstm {
    const GATES: usize = 4;
    const TRACES: usize = 2;

    fn weights(&self) -> Weights {
        Lstm::weights(self)
    }

    fn linearise<T: Real>(&self, params: &Params<T>, x: &[T], own: T, linear: &mut Linear<T>) {
        let Linear { h, c, h_before, c_before, gates, gains, hidden_gains, carry, mixed, .. } = linear;
        let n = h.len();
        gate_sums(params, self.weights(), x, h_before, gates);
        kernels::vectorize(
            #[inline(always)]
            || {
                gates[..2 * n].iter_mut().for_each(|gate| *gate = gate.sigmoid());
                gates[2 * n..3 * n].iter_mut().for_each(|gate| *gate = gate.tanh());
                gates[3 * n..].iter_mut().for_each(|gate| *gate = gate.sigmoid());
            },
        );
        let [i, f, g, o] = four(gates, n);
        (0..n).for_each(|k| c[k] = f[k] * c_before[k] + i[k] * g[k]);
        kernels::tanh(c, h);
        let [w_i, w_f, w_g, w_o] = [0, 1, 2, OUTPUT].map(|gate| diagonal(params, self.weights(), gate));
        let [by_hidden, of_hidden, of_cell] = mixed;
        for (k, (((w_i, w_f), w_g), w_o)) in w_i.zip(w_f).zip(w_g).zip(w_o).enumerate() {
            let (i, f, g, o, tanh_c) = (i[k], f[k], g[k], o[k], h[k]);
            let e_i = g * i * (T::ONE - i);
            let e_f = c_before[k] * f * (T::ONE - f);
            let e_g = i * (T::ONE - g * g);
            let e_o = tanh_c * o * (T::ONE - o);
            [gains[k], gains[n + k], gains[2 * n + k], gains[3 * n + k]] = [e_i, e_f, e_g, e_o];
            h[k] = o * tanh_c;
            carry[k] = f;
            by_hidden[k] = own * (e_i * w_i + e_f * w_f + e_g * w_g);
            of_hidden[k] = own * e_o * w_o;
            of_cell[k] = o * (T::ONE - tanh_c * tanh_c);
        }
        hidden_gains.copy_from_slice(gains);
    }

    fn sums<T: Real>(&self, _: &Params<T>, dh: &[T], linear: &mut Linear<T>) {
        let Linear { gains, mixed: [_, _, of_cell], sums, .. } = linear;
        let n = dh.len();
        for k in 0..n {
            let dc = dh[k] * of_cell[k];
            [sums[k], sums[n + k], sums[2 * n + k]] = [dc * gains[k], dc * gains[n + k], dc * gains[2 * n + k]];
            sums[3 * n + k] = dh[k] * gains[3 * n + k];
        }
    }

    fn advance<T: Real>(linear: &Linear<T>, part: usize, u: &[T], traces: &mut [Trace<T>]) {
        let (gains, width, n) = (linear.gains_of(part), u.len(), linear.h.len());
        let [of_cell, of_hidden] = traces else { return };
        if width * n > 0 {
            let (cells, hiddens) = (of_cell.part_mut(part), of_hidden.part_mut(part));
            kernels::vectorize(
                #[inline(always)]
                || advance(linear, gains, u, cells, hiddens),
            );
        }
    }
}

/// Every row of every gate.
#[inline(always)]
fn advance<T: Real>(linear: &Linear<T>, gains: &[T], u: &[T], cells: &mut [T], hiddens: &mut [T]) {
    let (width, n) = (u.len(), linear.h.len());
    let [by_hidden, of_hidden, of_cell] = &linear.mixed;
    let rows = cells.chunks_exact_mut(width).zip(hiddens.chunks_exact_mut(width));
    for (row, (cells, hiddens)) in rows.enumerate() {
        let k = row % n;
        let [to_cell, to_hidden] = if row / n == OUTPUT { [T::ZERO, gains[row]] } else { [gains[row], T::ZERO] };
        let (f, a, b, p) = (linear.carry[k], by_hidden[k], of_hidden[k], of_cell[k]);
        for ((s, r), &u) in cells.iter_mut().zip(hiddens).zip(u) {
            let cell = f * *s + a * *r + to_cell * u;
            *r = b * *r + p * cell + to_hidden * u;
            *s = cell;
        }
    }
}

/// The gates, one behind the other.
fn four<T>(gates: &[T], n: usize) -> [&[T]; 4] {
    [&gates[..n], &gates[n..2 * n], &gates[2 * n..3 * n], &gates[3 * n..]]
}
