//! What a cell must say of itself: its step, and how a unit depends on its own last state and on its gates' sums.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Activation, Params};
use thalweg_nn::recurrent::Weights;
use thalweg_tensor::{Real, kernels};

use super::super::trace::Trace;

/// A cell whose own derivatives are written by hand.
pub trait Local: Clone {
    /// How many gates are stacked in its weights.
    const GATES: usize;
    /// How many numbers are kept for each weight.
    const TRACES: usize = 1;

    /// The handles of its parameters.
    fn weights(&self) -> Weights;

    /// One step, and its derivatives. `own` is 1, or 0 where the explicit recurrent path does not count.
    fn linearise<T: Real>(&self, params: &Params<T>, x: &[T], own: T, linear: &mut Linear<T>);

    /// `∂L/∂h'` → of every gate's sum, with the state before the step fixed.
    fn sums<T: Real>(&self, _: &Params<T>, dh: &[T], linear: &mut Linear<T>) {
        let Linear { gains, sums, .. } = linear;
        for (sums, gains) in sums.chunks_exact_mut(dh.len().max(1)).zip(gains.chunks_exact(dh.len().max(1))) {
            product(gains, dh, sums);
        }
    }

    /// The traces of a parameter move on, one of `W_ih`, `W_hh`, `b_ih` and `b_hh`, which meets u.
    fn advance<T: Real>(linear: &Linear<T>, part: usize, u: &[T], traces: &mut [Trace<T>]) {
        advance(&linear.carry, linear.gains_of(part), u, traces[0].part_mut(part));
    }
}

/// A step and its derivatives, unit by unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Linear<T> {
    pub h: Vec<T>,
    pub c: Vec<T>,
    pub h_before: Vec<T>,
    pub c_before: Vec<T>,
    /// The gates after their activation.
    pub gates: Vec<T>,
    /// Of a GRU: `W_hn h + b_hn`, or `r ⊙ h` where the reset gate acts on the state.
    pub candidate: Vec<T>,
    /// Whether it is `r ⊙ h`, which W_hn meets then.
    pub meets_candidate: bool,
    /// e: what a gate's sum does to the unit's state; and where it comes from the state.
    pub gains: Vec<T>,
    pub hidden_gains: Vec<T>,
    /// κ; of an LSTM f.
    pub carry: Vec<T>,
    /// Of an LSTM, in (4): S' by R; R' by R; R' by S'.
    pub mixed: [Vec<T>; 3],
    /// `∂L/∂` of the gates' sums, as the newest learning left it.
    pub sums: Vec<T>,
}

impl<T: Real> Linear<T> {
    /// To these sizes; without effect when they are the same.
    pub fn resize(&mut self, hidden: usize, gates: usize) {
        let Linear { h, c, h_before, c_before, candidate, carry, mixed, .. } = self;
        let units = [h, c, h_before, c_before, candidate, carry];
        units.into_iter().chain(mixed).for_each(|units| units.resize(hidden, T::ZERO));
        let all = [&mut self.gates, &mut self.gains, &mut self.hidden_gains, &mut self.sums];
        all.into_iter().for_each(|gate| gate.resize(gates * hidden, T::ZERO));
    }

    /// The gains that a parameter meets: W_ih and b_ih those of the inputs.
    pub fn gains_of(&self, part: usize) -> &[T] {
        if part.is_multiple_of(2) { &self.gains } else { &self.hidden_gains }
    }

    pub fn bytes(&self) -> usize {
        let units = self.h.len() + self.c.len() + self.h_before.len() + self.c_before.len();
        let more = self.candidate.len() + self.carry.len() + self.mixed.iter().map(Vec::len).sum::<usize>();
        (units + more + 4 * self.gates.len()) * T::BYTES
    }
}

/// The gates' sums, `W_ih x + b_ih + W_hh h + b_hh`, of the first `rows` of them.
#[track_caller]
pub(super) fn gate_sums<T: Real>(params: &Params<T>, weights: Weights, x: &[T], h: &[T], sums: &mut [T]) {
    of_input(params, weights, x, sums);
    let rows = sums.len();
    kernels::matvec_add(&params.of(weights.weight_hh)[..rows * h.len()], h, sums);
    if let Some([_, bias]) = weights.bias {
        kernels::add_assign(&params.of(bias)[..rows], sums);
    }
}

/// `W_ih x + b_ih`, of as many rows from the first on.
#[track_caller]
pub(super) fn of_input<T: Real>(params: &Params<T>, weights: Weights, x: &[T], sums: &mut [T]) {
    let matrix = params.of(weights.weight_ih);
    let rows = params.layout().entry(weights.weight_ih).shape().dims()[0];
    let expected = matrix.len().checked_div(rows).unwrap_or(0);
    assert!(x.len() == expected, "step: {expected} inputs expected, found {}", x.len());
    kernels::matvec(&matrix[..sums.len() * x.len()], x, sums);
    if let Some([bias, _]) = weights.bias {
        kernels::add_assign(&params.of(bias)[..sums.len()], sums);
    }
}

/// The diagonal of a gate's recurrent matrix.
pub(super) fn diagonal<'a, T: Real>(
    params: &'a Params<T>,
    weights: Weights,
    gate: usize,
) -> impl Iterator<Item = T> + 'a {
    let matrix = params.of(weights.weight_hh);
    let n = params.layout().entry(weights.weight_hh).shape().dims()[1];
    matrix[gate * n * n..].iter().step_by(n + 1).take(n).copied()
}

/// φ, and φ' by its value.
#[inline(always)]
pub(crate) fn slope<T: Real>(activation: Activation, sum: T) -> (T, T) {
    match activation {
        Activation::Identity => (sum, T::ONE),
        Activation::Relu => (sum.maximum(T::ZERO), if sum > T::ZERO { T::ONE } else { T::ZERO }),
        Activation::Tanh => (sum.tanh(), T::ONE - sum.tanh() * sum.tanh()),
        Activation::Sigmoid => (sum.sigmoid(), sum.sigmoid() * (T::ONE - sum.sigmoid())),
    }
}

/// `y = a ⊙ b`.
fn product<T: Real>(a: &[T], b: &[T], y: &mut [T]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = a * b;
    }
}

/// (1): every row of every gate, `T_kj ← κ_k T_kj + e_k u_j`.
pub(crate) fn advance<T: Real>(carry: &[T], gains: &[T], u: &[T], trace: &mut [T]) {
    let (width, gate) = (u.len(), u.len() * carry.len());
    if gate == 0 {
        return;
    }
    kernels::vectorize(
        #[inline(always)]
        || {
            for (trace, gains) in trace.chunks_exact_mut(gate).zip(gains.chunks_exact(carry.len())) {
                if let &[u] = u {
                    // Units side by side: a loop over rows of one would be a loop of loops.
                    for ((t, &gain), &carry) in trace.iter_mut().zip(gains).zip(carry) {
                        *t = carry * *t + gain * u;
                    }
                    continue;
                }
                for ((row, &gain), &carry) in trace.chunks_exact_mut(width).zip(gains).zip(carry) {
                    for (t, &u) in row.iter_mut().zip(u) {
                        *t = carry * *t + gain * u;
                    }
                }
            }
        },
    );
}
