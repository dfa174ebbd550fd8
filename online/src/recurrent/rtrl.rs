//! Real-time recurrent learning: the whole gradient, forward in time.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params};
use thalweg_nn::Cell;
use thalweg_tensor::{Real, kernels};

use super::Traced;
use super::taped::Taped;
use super::trace::Trace;

/// Real-time recurrent learning (Williams & Zipser 1989) of any [`Cell`], a [network](thalweg_nn::Recurrent) of several
/// layers too: exact.
///
/// ```text
///   M  ← (∂s/∂s₋) M₋ + ∂s/∂θ                 the influence of θ on the state, [state, θ]        (1)
///   ∇L += ∂L/∂θ + (∂L/∂s₋) M₋                 with ∂L/∂θ, ∂L/∂s₋ of the newest step alone        (2)
/// ```
///
/// (1) takes a backward pass through one step for each number of the state, and as many sums of vectors as long as θ: time
/// n²·P and memory 2·n·P for n numbers of state (of an LSTM h and c) and P parameters of the cell. This is the measure for
/// all others, and practical for small n. (2) is written so that an output need not be a part of the state.
///
/// ```
/// use thalweg_nn::{Grads, Lstm, Params, Rng};
/// use thalweg_online::recurrent::{Rtrl, Traced};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let lstm = Lstm::new(&mut params, "lstm", 2, 3, &mut rng);
/// let mut rtrl = Rtrl::new(lstm, &params);
/// let (mut grads, mut dx) = (Grads::like(&params), [0.0; 2]);
/// for t in 0..100 {
///     let h = rtrl.step(&params, &[(t as f32).sin(), 1.0]);
///     let dh = [h[0] - 0.5, 0.0, 0.0]; // L = ½ (h₀ − ½)²
///     rtrl.learn(&params, &dh, &mut grads, &mut dx);
/// }
/// assert!(grads.norm() > 0.0); // of a hundred losses, each through all of its past
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    bound(
        serialize = "C: Serialize, T: Real + Serialize",
        deserialize = "C: Cell + Deserialize<'de>, T: Real + Deserialize<'de>"
    ),
    try_from = "Read<C, T>"
)]
pub struct Rtrl<C, T: Real = f32> {
    taped: Taped<C, T>,
    /// M₋ and M: before the newest step and after it, a row for each number of the state.
    before: Vec<Trace<T>>,
    after: Vec<Trace<T>>,
}

/// A layer as it is read.
#[derive(Deserialize)]
#[serde(rename = "Rtrl", bound = "C: Deserialize<'de>, T: Real + Deserialize<'de>")]
struct Read<C, T: Real> {
    taped: Taped<C, T>,
    before: Vec<Trace<T>>,
    after: Vec<Trace<T>>,
}

/// The rows are of the cell's own parameters.
impl<C: Cell, T: Real> TryFrom<Read<C, T>> for Rtrl<C, T> {
    type Error = &'static str;

    fn try_from(Read { taped, before, after }: Read<C, T>) -> Result<Self, &'static str> {
        let params = taped.cell.params();
        let fit = before.iter().chain(&after).all(|row| row.is_of(params.iter().copied()));
        if fit { Ok(Rtrl { taped, before, after }) } else { Err("an influence of parameters that are not the cell's") }
    }
}

impl<C: Cell, T: Real> Rtrl<C, T> {
    /// From a state of zeros, with the cell's parameters in θ.
    #[track_caller]
    pub fn new(cell: C, params: &Params<T>) -> Self {
        let row = Trace::new(cell.params(), params);
        let taped = Taped::new(cell, params);
        let rows = vec![row; taped.size()];
        Rtrl { taped, before: rows.clone(), after: rows }
    }

    /// Whether it is the same rule of the same parameters, whatever has come of it.
    pub(super) fn is_like(&self, other: &Self) -> bool
    where
        C: PartialEq,
    {
        self.taped.cell == other.taped.cell
    }

    /// Follows θ where it has grown.
    #[track_caller]
    fn follow(&mut self, params: &Params<T>) {
        self.taped.begin(params);
        let size = self.taped.size();
        for rows in [&mut self.before, &mut self.after] {
            if rows.len() != size {
                *rows = vec![Trace::new(self.taped.cell.params(), params); size];
            }
            rows.iter_mut().for_each(|row| row.follow(params));
        }
    }
}

impl<C: Cell, T: Real> Traced<T> for Rtrl<C, T> {
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        self.follow(params);
        let Rtrl { taped, before, after } = self;
        std::mem::swap(before, after);
        taped.step(params, x, |linear, aside| {
            linear.rows(aside, |k, jacobian, grads| {
                let row = &mut after[k];
                row.reset();
                for (before, &j) in before.iter().zip(jacobian) {
                    kernels::axpy(j, before.all(), row.all_mut());
                }
                row.absorb(grads);
            });
        });
        &taped.output
    }

    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        let dstate = self.taped.back(params, dh, grads, dx);
        for (row, &d) in self.before.iter().zip(dstate) {
            row.add_to(d, grads);
        }
    }

    fn state(&self) -> [&[T]; 2] {
        self.taped.state()
    }

    fn forget(&mut self) {
        self.after.iter_mut().for_each(Trace::reset);
    }

    fn reset(&mut self) {
        self.taped.reset();
        self.forget();
    }

    fn bytes(&self) -> usize {
        self.taped.bytes() + self.before.iter().chain(&self.after).map(Trace::bytes).sum::<usize>()
    }
}

/// For the tests of rules that keep a part of M.
#[cfg(test)]
impl<C: Cell> Rtrl<C, f64> {
    /// Forgets how rows of θ have shaped other units than their own.
    pub(super) fn keep_own_units(&mut self, params: &Params<f64>) {
        let hidden = self.taped.cell.hidden(params);
        for (k, row) in self.after.iter_mut().enumerate() {
            for (index, param) in self.taped.cell.params().into_iter().enumerate() {
                let (_, width) = params.layout().entry(param).table();
                let of_others = |(at, _): &(usize, &mut f64)| at / width % hidden != k % hidden;
                row.part_mut(index).iter_mut().enumerate().filter(of_others).for_each(|(_, m)| *m = 0.0);
            }
        }
    }

    /// `∇L += ∂L/∂h M`, where the output is the first part of the state.
    pub(super) fn add_influence(&self, dh: &[f64], grads: &mut Grads<f64>) {
        self.after.iter().zip(dh).for_each(|(row, &d)| row.add_to(d, grads));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, assert_near, bptt, learned};
    use super::*;
    use proptest::prelude::*;
    use thalweg_nn::{Activation, CellOptions, Gru, GruForm, LayerNormLstm, Lstm, Recurrent, RecurrentOptions, Rnn};

    /// The law: every step's loss has the gradient that backpropagation through all steps gives.
    fn is_backpropagation<C: Cell + Copy>(case: &Case, cell: impl Fn(&mut Params<f64>, &Case) -> C) {
        let mut params = Params::new();
        let cell = cell(&mut params, case);
        let found = learned(&mut Rtrl::new(cell, &params), &params, case);
        assert_near(&found.gradient, &bptt(&cell, &params, case));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn rtrl_equals_full_bptt(case in Case::any(3, 4, 7), bias: bool) {
            for activation in [Activation::Tanh, Activation::Relu] {
                is_backpropagation(&case, |params, case| {
                    Rnn::with(params, "rnn", case.options().form(activation).bias(bias), &mut case.rng())
                });
            }
            for form in [GruForm::PYTORCH, GruForm::CHUNG] {
                is_backpropagation(&case, |params, case| {
                    Gru::with(params, "gru", case.options().form(form).bias(bias), &mut case.rng())
                });
            }
            is_backpropagation(&case, |params, case| {
                Lstm::with(params, "lstm", case.options().bias(bias), &mut case.rng())
            });
        }
    }

    #[test]
    fn rtrl_is_exact_for_stacks_and_whatever_else_is_a_cell() {
        let case = Case { inputs: 2, hidden: 3, steps: 6, seed: 4 };
        is_backpropagation(&case, |params, case| LayerNormLstm::with(params, "norm", case.options(), &mut case.rng()));
        let mut params = Params::new();
        let options = RecurrentOptions::from(case.options::<GruForm>()).layers(2);
        let stack = Recurrent::<Gru>::with(&mut params, "gru", options, &mut case.rng());
        let found = learned(&mut Rtrl::new(stack.clone(), &params), &params, &case);
        assert_near(&found.gradient, &bptt(&stack, &params, &case));
    }

    #[test]
    fn a_new_sequence_has_no_past() {
        let (case, mut params) = (Case { inputs: 2, hidden: 3, steps: 5, seed: 1 }, Params::new());
        let lstm = Lstm::with(&mut params, "lstm", case.options(), &mut case.rng());
        let mut rtrl = Rtrl::new(lstm, &params);
        let first = learned(&mut rtrl, &params, &case);
        rtrl.reset();
        assert_eq!(learned(&mut rtrl, &params, &case), first);
    }

    #[test]
    fn inputs_that_grow_leave_the_past_in_place() {
        let (case, mut params) = (Case { inputs: 2, hidden: 3, steps: 5, seed: 2 }, Params::new());
        let gru = Gru::with(&mut params, "gru", CellOptions::new(2, 3), &mut case.rng());
        let mut rtrl = Rtrl::new(gru, &params);
        learned(&mut rtrl, &params, &case);
        let mut grown = rtrl.clone();
        let again = learned(&mut rtrl, &params, &case);
        params.grow(gru.weights().weight_ih, 1, 1, |_| 0.0);
        let wider = learned(&mut grown, &params, &Case { inputs: 3, ..case });
        assert_eq!(wider.outputs, again.outputs);
        let (mut old, mut new) = (again.gradient.into_iter(), wider.gradient.chunks_exact(3).take(9));
        assert!(new.all(|row| row[..2].iter().all(|g| old.next().is_some_and(|old| (g - old).abs() < 1e-12))));
    }
}
