//! A cell over a sequence.

use thalweg_autograd::Var;
use thalweg_tensor::Real;

use super::Cell;

/// Runs a cell over a sequence, time first: `[t, in]` → outputs `[t, hidden]` and the last state; for a batch
/// `[t, n, in]` → `[t, n, hidden]`.
///
/// The result is that of `t` single steps, so a sequence may be cut anywhere and carried on.
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
/// let (outputs, last) = unroll(&gru, x, gru.enter(&pass, &gru.zero_state(&params)));
/// assert_eq!(outputs.shape().dims(), [5, 8]);
/// assert_eq!(outputs.row(4).to_tensor(), last.to_tensor());
/// ```
///
/// # Panics
/// If the sequence is empty, or the shapes do not fit the cell.
#[track_caller]
pub fn unroll<'p, C: Cell, T: Real>(
    cell: &C,
    x: Var<'p, T>,
    mut state: C::State<'p, T>,
) -> (Var<'p, T>, C::State<'p, T>) {
    let steps = x.shape().dims()[0];
    let mut outputs = Vec::with_capacity(steps);
    for t in 0..steps {
        let (output, next) = cell.step(x.row(t), state);
        outputs.push(output);
        state = next;
    }
    (Var::stack(&outputs), state)
}

/// The end of [`unroll`], without the outputs before it.
#[track_caller]
pub(super) fn unroll_last<'p, C: Cell, T: Real>(
    cell: &C,
    x: Var<'p, T>,
    state: C::State<'p, T>,
) -> (Var<'p, T>, C::State<'p, T>) {
    let (mut output, mut state) = cell.step(x.row(0), state);
    for t in 1..x.shape().dims()[0] {
        (output, state) = cell.step(x.row(t), state);
    }
    (output, state)
}

/// The outputs of all steps, and the last of them, which is the state.
pub(super) fn with_last<'p, T: Real>(outputs: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
    (outputs, outputs.row(outputs.shape().dims()[0] - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gru;
    use thalweg_autograd::{Params, Tape};
    use thalweg_tensor::Rng;

    #[test]
    #[should_panic(expected = "at least one part expected")]
    fn an_empty_sequence_panics() {
        let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
        let gru = Gru::new(&mut params, "gru", 3, 8, &mut Rng::new(1));
        let pass = tape.pass(&params);
        unroll(&gru, pass.zeros([0, 3]), gru.enter(&pass, &gru.zero_state(&params)));
    }
}
