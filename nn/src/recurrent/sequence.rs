//! A cell over a sequence.

use std::ops::Range;

use thalweg_autograd::Var;
use thalweg_tensor::{Real, Shape};

use super::arrange::within;
use super::{Carried, Cell};

/// Runs a cell over a sequence, time first: `[t, in]` → outputs `[t, hidden]` and the last state; for a batch
/// `[t, n, in]` → `[t, n, hidden]`.
///
/// The result is that of `t` single steps ([`Cell::equations`]), so a sequence may be cut anywhere and carried on.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::{Cell, Gru, unroll};
/// use thalweg_tensor::{Rng, Tensor};
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let gru = Gru::new(&mut params, "gru", 3, 8, &mut rng);
/// let pass = tape.pass(&params);
/// let x = pass.input(&Tensor::uniform([5, 3], -1.0, 1.0, &mut rng));
/// let (outputs, last) = unroll(&gru, x, gru.start(&pass, None));
/// assert_eq!(outputs.shape().dims(), [5, 8]);
/// assert_eq!(outputs.row(4).to_tensor(), last.to_tensor());
/// ```
///
/// # Panics
/// If the sequence is empty, or the shapes do not fit the cell.
#[track_caller]
pub fn unroll<'p, C: Cell, T: Real>(cell: &C, x: Var<'p, T>, state: C::State<'p, T>) -> (Var<'p, T>, C::State<'p, T>) {
    unroll_of(cell, x, &[], state)
}

/// [`unroll`] for sequences of these lengths: the readable form of [`Cell::sequence_of`]. After the end of a sequence its
/// state stays as it is: that of a sequence of length 0 is the one that was given.
///
/// # Panics
/// If there is no step, or the shapes or lengths do not fit.
#[track_caller]
pub fn unroll_of<'p, C: Cell, T: Real>(
    cell: &C,
    x: Var<'p, T>,
    lengths: &[usize],
    mut state: C::State<'p, T>,
) -> (Var<'p, T>, C::State<'p, T>) {
    let (x, steps) = (within(x, lengths), x.shape().dims()[0]);
    let outputs = stacked(0..steps, &mut |t| {
        let (output, next) = cell.equations(x.row(t), state);
        state = if lengths.is_empty() { next } else { goes_on::<C, T>(x, lengths, t, next, state) };
        output
    });
    (within(outputs, lengths), state)
}

/// The outputs of these steps along a new axis: in halves, until a list of them needs no memory of its own.
#[track_caller]
fn stacked<'p, T: Real>(steps: Range<usize>, step: &mut impl FnMut(usize) -> Var<'p, T>) -> Var<'p, T> {
    const LISTED: usize = 16;
    match steps.len() {
        0 => Var::stack(&[]),
        1..=LISTED => {
            let mut outputs = [step(steps.start); LISTED];
            (1..steps.len()).for_each(|i| outputs[i] = step(steps.start + i));
            Var::stack(&outputs[..steps.len()])
        }
        more => {
            let middle = steps.start + more / 2;
            let first = stacked(steps.start..middle, step);
            Var::concat(&[first, stacked(middle..steps.end, step)], 0)
        }
    }
}

/// The state after step `t`: the next one where the sequence has this step, else the one before.
fn goes_on<'p, C: Cell, T: Real>(
    x: Var<'p, T>,
    lengths: &[usize],
    t: usize,
    next: C::State<'p, T>,
    before: C::State<'p, T>,
) -> C::State<'p, T> {
    let shape = if x.rank() == 2 { Shape::from([1]) } else { Shape::from([lengths.len(), 1]) };
    let has_it = |&length: &usize| if t < length { T::ONE } else { T::ZERO };
    let forward =
        |[]: [&[T]; 0], mask: &mut [T]| mask.iter_mut().zip(lengths).for_each(|(m, length)| *m = has_it(length));
    let mask = x.pass().record("goes_on", [], shape, forward, |_| {});
    Carried::build(|part| next.part(part).where_(mask, before.part(part)))
}

/// The end of [`unroll`], without the outputs before it.
#[track_caller]
pub(super) fn unroll_last<'p, C: Cell, T: Real>(
    cell: &C,
    x: Var<'p, T>,
    state: C::State<'p, T>,
) -> (Var<'p, T>, C::State<'p, T>) {
    let (mut output, mut state) = cell.equations(x.row(0), state);
    for t in 1..x.shape().dims()[0] {
        (output, state) = cell.equations(x.row(t), state);
    }
    (output, state)
}

/// A sequence as one node, whose outputs are the states: the outputs within the lengths, and the last state.
#[track_caller]
pub(super) fn fused<'p, T: Real>(
    x: Var<'p, T>,
    lengths: &[usize],
    run: impl FnOnce(Var<'p, T>) -> Var<'p, T>,
) -> (Var<'p, T>, Var<'p, T>) {
    let states = run(within(x, lengths));
    (within(states, lengths), states.row(states.shape().dims()[0] - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gru;
    use thalweg_autograd::{Params, Tape};
    use thalweg_tensor::{Rng, Tensor};

    /// Whatever the number of steps: their outputs are joined in pieces.
    #[test]
    fn the_outputs_of_many_steps_stand_in_order() {
        let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
        let gru = Gru::new(&mut params, "gru", 2, 3, &mut rng);
        for steps in [1, 16, 17, 33, 70] {
            let pass = tape.pass(&params);
            let x = pass.input(&Tensor::normal([steps, 2], 0.0, 1.0, &mut rng));
            let mut state = gru.enter(&pass, &gru.zero_state(&params));
            let (outputs, last) = unroll(&gru, x, state);
            assert_eq!(outputs.dims(), [steps, 3]);
            for t in 0..steps {
                state = gru.equations(x.row(t), state).1;
                assert_eq!(outputs.row(t).to_tensor(), state.to_tensor(), "step {t} of {steps}");
            }
            assert_eq!(last.to_tensor(), state.to_tensor());
        }
    }

    #[test]
    #[should_panic(expected = "at least one part expected")]
    fn an_empty_sequence_panics() {
        let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
        let gru = Gru::new(&mut params, "gru", 3, 8, &mut Rng::new(1));
        let pass = tape.pass(&params);
        unroll(&gru, pass.zeros([0, 3]), gru.enter(&pass, &gru.zero_state(&params)));
    }
}
