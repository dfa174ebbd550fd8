//! A cell that takes its steps on a tape of its own: what the rules for any cell have in common.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params, Pass, Tape};
use thalweg_nn::{Carried, Cell, Portable, State};
use thalweg_tensor::Real;

use super::scratch::Scratch;

/// A cell, its state, and what its newest step began with: enough to take that step again, with a tape beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "C: Serialize, T: Real + Serialize",
    deserialize = "C: Deserialize<'de>, T: Real + Deserialize<'de>"
))]
pub(super) struct Taped<C, T: Real> {
    pub cell: C,
    /// `s`, after the newest step.
    pub state: State<T>,
    /// `s₋` and `x`, before it.
    pub before: State<T>,
    pub x: Vec<T>,
    /// `h`, what it gave.
    pub output: Vec<T>,
    #[serde(skip)]
    work: Scratch<Work<T>>,
}

/// A tape, and what is written beside it.
#[derive(Default)]
pub(super) struct Work<T: Real> {
    tape: Tape<T>,
    aside: Aside<T>,
}

/// What is written beside the tape.
#[derive(Default)]
pub(super) struct Aside<T: Real> {
    pub grads: Grads<T>,
    /// Numbers of the state, one part behind the other.
    row: Vec<T>,
    /// A cotangent.
    unit: Vec<T>,
}

impl<C: Cell, T: Real> Taped<C, T> {
    pub fn new(cell: C, params: &Params<T>) -> Self {
        let (state, before) = (cell.zero_state(params), cell.zero_state(params));
        Taped { cell, state, before, x: Vec::new(), output: Vec::new(), work: Scratch::default() }
    }

    /// How many numbers the state has.
    pub fn size(&self) -> usize {
        size_of_state(&self.state)
    }

    /// The parts of the state.
    pub fn state(&self) -> [&[T]; 2] {
        [0, 1].map(|part| self.state.parts.get(part).map_or(&[][..], |part| part.as_slice()))
    }

    /// The state becomes zero.
    pub fn reset(&mut self) {
        self.state.reset();
    }

    /// Whether the state has other shapes than the cell asks for, whose hidden units have grown: then it begins anew.
    #[track_caller]
    pub fn begin(&mut self, params: &Params<T>) -> bool {
        let hidden = self.cell.hidden(params);
        let fits = self.state.parts.iter().all(|part| part.shape().dims().last() == Some(&hidden));
        let anew = !fits || self.state.parts.len() != <C::State<'static, T>>::PARTS;
        if anew {
            self.state = self.cell.zero_state(params);
        }
        anew
    }

    /// `(h, s) = f(x, s₋, θ)`; then `linearise` sees the pass, with s₋ as leaves and s.
    #[track_caller]
    pub fn step(&mut self, params: &Params<T>, x: &[T], linearise: impl FnOnce(Linear<'_, C, T>, &mut Aside<T>)) {
        let Taped { cell, state, before, x: newest, output, work } = self;
        before.clone_from(state);
        newest.clear();
        newest.extend_from_slice(x);
        let Work { tape, aside } = &mut **work;
        let pass = tape.pass(params);
        let start = leaves::<C, T>(&pass, before);
        let (h, end) = cell.step(pass.input(x), start);
        cell.leave(end, state);
        output.resize(h.shape().len(), T::ZERO);
        h.copy_to(output);
        linearise(Linear { start, end }, aside);
    }

    /// The newest step again: adds to `grads` what θ has in it directly, `∂L/∂h ∂h/∂θ` with s₋ fixed, and gives `∂L/∂x`;
    /// returns `∂L/∂s₋`.
    #[track_caller]
    pub fn back(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) -> &[T] {
        let Taped { cell, before, x, work, .. } = self;
        let Work { tape, aside } = &mut **work;
        let pass = tape.pass(params);
        let (x, start) = (pass.leaf(&x[..]), leaves::<C, T>(&pass, before));
        cell.step(x, start).0.backward_from(dh, grads);
        x.grad_to(dx);
        gradient_of(start, &mut aside.row);
        &aside.row
    }

    pub fn bytes(&self) -> usize {
        (2 * self.size() + self.x.len() + self.output.len()) * T::BYTES
    }
}

/// A step on a tape: from which variables to which.
pub(super) struct Linear<'p, C: Cell + 'p, T: Real> {
    pub start: C::State<'p, T>,
    pub end: C::State<'p, T>,
}

impl<'p, C: Cell, T: Real> Linear<'p, C, T> {
    /// `νᵀ ∂s/∂θ`, added to the gradients there.
    pub fn product(&self, cotangent: &[T], aside: &mut Aside<T>) {
        let mut rest = cotangent;
        for part in self.end.parts() {
            let (cotangent, next) = rest.split_at(part.shape().len());
            part.backward_from(cotangent, &mut aside.grads);
            rest = next;
        }
    }

    /// For each number of s its gradient: `visit(k, ∂s_k/∂s₋, ∂s_k/∂θ)`, the last to be used up.
    pub fn rows(&self, aside: &mut Aside<T>, mut visit: impl FnMut(usize, &[T], &mut Grads<T>)) {
        let Aside { grads, row, unit } = aside;
        let mut k = 0;
        for part in self.end.parts() {
            for element in 0..part.shape().len() {
                unit.clear();
                unit.resize(part.shape().len(), T::ZERO);
                unit[element] = T::ONE;
                part.backward_from(unit, grads);
                gradient_of(self.start, row);
                visit(k, row, grads);
                k += 1;
            }
        }
    }
}

/// The parts of a state as leaves of a pass, whose gradients can be asked for.
fn leaves<'p, C: Cell, T: Real>(pass: &'p Pass<'p, T>, state: &State<T>) -> C::State<'p, T> {
    Carried::build(|part| pass.leaf(&state.parts[part]))
}

/// The gradients of a state's parts, one behind the other.
fn gradient_of<'p, T: Real>(state: impl Portable<'p, T>, into: &mut Vec<T>) {
    into.clear();
    for part in state.parts() {
        let at = into.len();
        into.resize(at + part.shape().len(), T::ZERO);
        part.grad_to(&mut into[at..]);
    }
}

pub(super) fn size_of_state<T: Real>(state: &State<T>) -> usize {
    state.parts.iter().map(|part| part.shape().len()).sum()
}
