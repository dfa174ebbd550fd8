//! SnAp-1: every unit remembers what its own weights did to it.

mod gru;
mod local;
mod lstm;
mod rnn;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params};
use thalweg_tensor::{Real, kernels};

pub use self::local::{Linear, Local};
pub(super) use self::local::{advance, slope};
use super::trace::Trace;
use super::{Traced, assert_units};

/// SnAp-1, the sparse 1-step approximation of RTRL (Menick et al. 2021), of an [`Rnn`](thalweg_nn::Rnn), [leaky](thalweg_nn::LeakyRnn) or not, a
/// [`Gru`](thalweg_nn::Gru) or an [`Lstm`](thalweg_nn::Lstm); or e-prop. Time and memory as those of the weights.
///
/// Of the influence matrix `M = ∂s/∂θ` it keeps what can be reached in a single step: unit k's own weights, in the rows k
/// of every gate. One number for each weight is left. With u the input that a weight meets (x, h₋ or 1), e the gain of its
/// gate's sum, and κ the derivative of a unit's state by its own last state,
///
/// ```text
///   T_kj ← κ_k T_kj + e_k u_j                      ∇L_kj += ∂L/∂h_k · T_kj                            (1)
///
///   RNN    κ = φ' W_kk                             e = φ'                                            (2)
///
///   GRU    κ = ∂h'/∂h + e_r W^r_kk + e_z W^z_kk + e_n r W^n_kk                                       (3)
///          e_z = ∂h'/∂z z(1 − z)    e_n = ∂h'/∂n (1 − n²)    e_r = e_n (W_hn h + b_hn) r(1 − r)
///          of W_hn and b_hn the gain is e_n r
///
///   LSTM   keeps S = ∂c/∂θ and R = ∂h/∂θ:                                                            (4)
///          S' = f S + (e_i W^i_kk + e_f W^f_kk + e_g W^g_kk) R + e u      e = 0 for the output gate
///          R' = e_o W^o_kk R + o (1 − tanh²c') S' + e_o u                 e_o u for the output gate only
///          e_i = g i(1 − i)    e_f = c f(1 − f)    e_g = i (1 − g²)    e_o = tanh c' o(1 − o)
/// ```
///
/// Where `W_hh` is diagonal no other path exists, and the gradient is the whole one. Of a GRU whose
/// [reset](thalweg_nn::Reset) acts on the state, what a reset gate does to *other* units' candidates is dropped, too.
///
/// **e-prop** (Bellec et al. 2020), [`Snap1::eprop`], drops one thing more, the unit's explicit recurrent weight: every
/// `W_kk` above is 0, and only the cell's inner memory carries on (`z` of a GRU, `f` of an LSTM; of an RNN nothing is left,
/// see [`Rflo`](super::Rflo)).
///
/// ```
/// use thalweg_nn::{Grads, Gru, Params, Rng};
/// use thalweg_online::recurrent::{Snap1, Traced};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let gru = Gru::new(&mut params, "gru", 2, 8, &mut rng);
/// let mut layer = Snap1::new(gru, &params);
/// let (mut grads, mut dx) = (Grads::like(&params), [0.0; 2]);
/// layer.step(&params, &[0.5, -1.0]);
/// layer.learn(&params, &[1.0; 8], &mut grads, &mut dx);
/// assert!(grads.norm() > 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "C: Serialize, T: Real + Serialize",
    deserialize = "C: Deserialize<'de>, T: Real + Deserialize<'de>"
))]
pub struct Snap1<C, T: Real = f32> {
    cell: C,
    /// Whether `W_kk` counts.
    recurrent: bool,
    linear: Linear<T>,
    /// T; or S and R.
    traces: Vec<Trace<T>>,
}

impl<C: Local, T: Real> Snap1<C, T> {
    /// From a state of zeros, with the cell's parameters in θ.
    #[track_caller]
    pub fn new(cell: C, params: &Params<T>) -> Self {
        Self::with(cell, params, true)
    }

    /// e-prop: without the explicit recurrent path.
    #[track_caller]
    pub fn eprop(cell: C, params: &Params<T>) -> Self {
        Self::with(cell, params, false)
    }

    #[track_caller]
    fn with(cell: C, params: &Params<T>, recurrent: bool) -> Self {
        let trace = Trace::new(cell.weights().params().collect(), params);
        let traces = vec![trace; C::TRACES];
        let mut layer = Snap1 { cell, recurrent, linear: Linear::default(), traces };
        layer.follow(params);
        layer
    }

    /// Whether it is the same rule of the same parameters, whatever has come of it.
    pub(super) fn is_like(&self, other: &Self) -> bool
    where
        C: PartialEq,
    {
        (&self.cell, self.recurrent) == (&other.cell, other.recurrent)
    }

    /// Follows θ where it has grown. More hidden units are another layer: it begins anew.
    #[track_caller]
    fn follow(&mut self, params: &Params<T>) {
        let weights = self.cell.weights();
        let hidden = params.layout().entry(weights.weight_hh).shape().dims()[1];
        let are_its_own = self.traces.len() == C::TRACES && self.traces.iter().all(|t| t.is_of(weights.params()));
        if !are_its_own || self.linear.h.len() != hidden {
            self.traces = vec![Trace::new(weights.params().collect(), params); C::TRACES];
            self.linear = Linear::default();
        }
        self.traces.iter_mut().for_each(|trace| trace.follow(params));
        self.linear.resize(hidden, C::GATES);
    }
}

impl<C: Local, T: Real> Traced<T> for Snap1<C, T> {
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        self.follow(params);
        let Snap1 { cell, recurrent, linear, traces } = self;
        std::mem::swap(&mut linear.h, &mut linear.h_before);
        std::mem::swap(&mut linear.c, &mut linear.c_before);
        cell.linearise(params, x, if *recurrent { T::ONE } else { T::ZERO }, linear);
        // What W_ih, W_hh, b_ih and b_hh meet.
        let inputs = [x, &linear.h_before, &[T::ONE], &[T::ONE]];
        for (part, u) in inputs.into_iter().enumerate().take(traces[0].params().len()) {
            C::advance(linear, part, u, traces);
        }
        &self.linear.h
    }

    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        let Snap1 { cell, linear, traces, .. } = self;
        assert_units(dh, linear.h.len());
        grads.align(params.layout());
        if let Some(influence) = traces.last() {
            influence.add_units_to(dh, grads);
        }
        cell.sums(params, dh, linear);
        dx.fill(T::ZERO);
        kernels::matvec_transposed_add(params.of(cell.weights().weight_ih), &linear.sums, dx);
    }

    fn state(&self) -> [&[T]; 2] {
        [&self.linear.h, &self.linear.c]
    }

    fn forget(&mut self) {
        self.traces.iter_mut().for_each(Trace::reset);
    }

    fn reset(&mut self) {
        self.linear.h.fill(T::ZERO);
        self.linear.c.fill(T::ZERO);
        self.forget();
    }

    fn bytes(&self) -> usize {
        self.linear.bytes() + self.traces.iter().map(Trace::bytes).sum::<usize>()
    }
}
