//! The traces of an eLSTM.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Param, Params};
use thalweg_nn::{Cell, Elstm};
use thalweg_tensor::{Real, kernels};

use super::snap1::advance;
use super::trace::{Trace, wanted};
use super::{Traced, assert_units};

/// An [`Elstm`] that learns at every step, through all of its past, exactly (Irie et al. 2024).
///
/// A unit hears itself alone: one number for each weight of the gates z and f, its influence on the unit's c.
///
/// ```text
///   A = (1 − f)(1 − z²)      E = (c₋ − z) f(1 − f)      κ = f + A w_z + E w_f                  (1)
///   T_z ← κ T_z + A u        T_f ← κ T_f + E u          u: what a weight meets, x, c₋ or 1    (2)
/// ```
///
/// The output gate has no past. Time and memory as those of the weights.
///
/// ```
/// use thalweg_nn::{Elstm, Grads, Params, Rng};
/// use thalweg_online::recurrent::{Traced, TracedElstm};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let elstm = Elstm::new(&mut params, "elstm", 2, 4, &mut rng);
/// let (mut layer, mut grads) = (TracedElstm::new(elstm, &params), Grads::like(&params));
/// layer.step(&params, &[1.0, 0.0]);
/// layer.step(&params, &[0.0, 0.0]);
/// layer.learn(&params, &[1.0; 4], &mut grads, &mut [0.0; 2]);
/// assert!(grads.of(elstm.weight_ih)[..8].iter().step_by(2).all(|&g| g != 0.0), "the input came a step ago");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct TracedElstm<T: Real = f32> {
    elstm: Elstm,
    x: Vec<T>,
    units: Units<T>,
    /// Of W_ih, w and b, as far as z and f reach.
    trace: Trace<T>,
}

/// Numbers of each unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Units<T> {
    h: Vec<T>,
    c: Vec<T>,
    before: Vec<T>,
    /// z, f and o.
    gates: Vec<T>,
    /// A and E.
    gains: Vec<T>,
    carry: Vec<T>,
    /// ∂L/∂c.
    dc: Vec<T>,
    /// ∂L/∂ of the gates' sums.
    sums: Vec<T>,
}

impl<T: Real> Units<T> {
    fn resize(&mut self, n: usize) {
        let Units { h, c, before, gates, gains, carry, dc, sums } = self;
        [h, c, before, carry, dc].into_iter().for_each(|units| units.resize(n, T::ZERO));
        gains.resize(2 * n, T::ZERO);
        [gates, sums].into_iter().for_each(|gates| gates.resize(3 * n, T::ZERO));
    }
}

impl<T: Real> TracedElstm<T> {
    /// From a state of zeros, with the cell's parameters in θ.
    #[track_caller]
    pub fn new(elstm: Elstm, params: &Params<T>) -> Self {
        let trace = Trace::new(with_past(&elstm).collect(), params);
        let mut layer = TracedElstm { elstm, x: Vec::new(), units: Units::default(), trace };
        layer.follow(params);
        layer
    }

    /// Whether it is the same rule of the same parameters, whatever has come of it.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.elstm == other.elstm
    }

    /// Follows θ where it has grown.
    #[track_caller]
    fn follow(&mut self, params: &Params<T>) {
        let hidden = self.elstm.hidden(params);
        if self.units.c.len() != hidden || !self.trace.is_of(with_past(&self.elstm)) {
            self.units = Units::default();
            self.trace = Trace::new(with_past(&self.elstm).collect(), params);
        }
        self.trace.follow(params);
        self.units.resize(hidden);
    }
}

/// The parameters of z and f.
fn with_past(elstm: &Elstm) -> impl Iterator<Item = Param> + use<> {
    [elstm.weight_ih, elstm.weight_c].into_iter().chain(elstm.bias)
}

impl<T: Real> Traced<T> for TracedElstm<T> {
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        self.follow(params);
        let TracedElstm { elstm, x: newest, units, trace } = self;
        newest.clear();
        newest.extend_from_slice(x);
        std::mem::swap(&mut units.c, &mut units.before);
        let Units { h, c, before, gates, gains, carry, .. } = units;
        let n = h.len();
        kernels::matvec(params.of(elstm.weight_ih), x, gates);
        if let Some(bias) = elstm.bias {
            kernels::add_assign(params.of(bias), gates);
        }
        let (w_z, w_f) = params.of(elstm.weight_c).split_at(n);
        for k in 0..n {
            let z = (gates[k] + w_z[k] * before[k]).tanh();
            let f = (gates[n + k] + w_f[k] * before[k]).sigmoid();
            c[k] = z + f * (before[k] - z);
            let (a, e) = ((T::ONE - f) * (T::ONE - z * z), (before[k] - z) * f * (T::ONE - f));
            (gains[k], gains[n + k]) = (a, e);
            carry[k] = f + a * w_z[k] + e * w_f[k];
        }
        let output_gate = &mut gates[2 * n..];
        kernels::matvec_add(params.of(elstm.weight_co), c, output_gate);
        for ((h, o), &c) in h.iter_mut().zip(output_gate).zip(&*c) {
            *o = o.sigmoid();
            *h = *o * c;
        }

        // (2)
        advance(carry, gains, x, &mut trace.part_mut(0)[..2 * n * x.len()]);
        for (part, meets) in [(1, true), (2, false)].into_iter().take(trace.params().len() - 1) {
            for (row, t) in trace.part_mut(part).iter_mut().enumerate().take(2 * n) {
                *t = carry[row % n] * *t + if meets { gains[row] * before[row % n] } else { gains[row] };
            }
        }
        &self.units.h
    }

    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        grads.align(params.layout());
        let TracedElstm { elstm, x, units, trace } = self;
        let Units { c, gates, gains, dc, sums, .. } = units;
        let n = c.len();
        assert_units(dh, n);
        // The output gate; and ∂L/∂c, of which it reads, too.
        for k in 0..n {
            let o = gates[2 * n + k];
            sums[2 * n + k] = dh[k] * c[k] * o * (T::ONE - o);
            dc[k] = dh[k] * o;
        }
        kernels::matvec_transposed_add(params.of(elstm.weight_co), &sums[2 * n..], dc);
        (0..2 * n).for_each(|k| sums[k] = gains[k] * dc[k % n]);
        let of_output = &sums[2 * n..];
        if let Some(gradient) = wanted(elstm.weight_ih, grads) {
            kernels::outer_add(of_output, x, &mut gradient[2 * n * x.len()..]);
        }
        if let Some(gradient) = wanted(elstm.weight_co, grads) {
            kernels::outer_add(of_output, c, gradient);
        }
        if let Some(gradient) = elstm.bias.and_then(|bias| wanted(bias, grads)) {
            kernels::add_assign(of_output, &mut gradient[2 * n..]);
        }
        trace.add_units_to(dc, grads); // rows of the output gate are zero
        dx.fill(T::ZERO);
        kernels::matvec_transposed_add(params.of(elstm.weight_ih), sums, dx);
    }

    fn state(&self) -> [&[T]; 2] {
        [&self.units.c, &[]]
    }

    fn forget(&mut self) {
        self.trace.reset();
    }

    fn reset(&mut self) {
        self.units.c.fill(T::ZERO);
        self.forget();
    }

    fn bytes(&self) -> usize {
        (self.x.len() + 13 * self.units.c.len()) * T::BYTES + self.trace.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, is_exact};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn traces_equal_full_bptt(case in Case::any(3, 4, 8), bias: bool) {
            let elstm = |params: &mut Params<f64>| {
                Elstm::with(params, "elstm", case.options().bias(bias), &mut case.rng())
            };
            is_exact(&case, elstm, TracedElstm::new);
        }
    }
}
