//! Sequences of different lengths in one batch, from their beginning or from their end.

use thalweg_autograd::{Op, Var};
use thalweg_tensor::{Real, kernels};

/// Zeros behind the end of each sequence, time first: `[t, …] → [t, …]`. Without lengths all are whole.
///
/// Forward `y_t = x_t` for `t < length`, else 0; backward `x̄_t += ȳ_t` for `t < length`. What lies behind the end has no
/// influence, not even as NaN.
#[track_caller]
pub(super) fn within<'p, T: Real>(x: Var<'p, T>, lengths: &[usize]) -> Var<'p, T> {
    if lengths.is_empty() { x } else { arranged("within", x, lengths, false) }
}

/// Each sequence from its end to its beginning, and zeros behind: `[t, …] → [t, …]`. Without lengths all are whole.
///
/// Forward `y_t = x_{length − 1 − t}` for `t < length`, else 0; backward `x̄_{length − 1 − t} += ȳ_t`.
#[track_caller]
pub(super) fn reversed<'p, T: Real>(x: Var<'p, T>, lengths: &[usize]) -> Var<'p, T> {
    arranged("reversed", x, lengths, true)
}

#[track_caller]
fn arranged<'p, T: Real>(op: &'static str, x: Var<'p, T>, lengths: &[usize], reverse: bool) -> Var<'p, T> {
    let shape = x.shape();
    let (steps, batch) = match *shape.dims() {
        [steps, _] => (steps, 1),
        [steps, batch, _] => (steps, batch),
        _ => panic!("{op}: a sequence [t, in] or [t, n, in] expected, found {shape}"),
    };
    let fit = (lengths.is_empty() || lengths.len() == batch) && lengths.iter().all(|&length| length <= steps);
    assert!(fit, "{op}: {batch} lengths of at most {steps} steps expected for {shape}, found {lengths:?}");
    let sizes = [steps, batch, usize::from(reverse)];
    x.pass().record(
        Op::new(op).attributes(sizes).indices(lengths),
        [x],
        shape,
        |[x], y| {
            let width = x.len() / (steps * batch).max(1);
            for_each_row(sizes, lengths, |from, to| {
                y[to * width..][..width].copy_from_slice(&x[from * width..][..width])
            });
        },
        |g| {
            let (sizes, lengths, dy) = (g.attributes(), g.indices(), g.dy());
            let width = dy.len() / (sizes[0] * sizes[1]).max(1);
            let dx = g.dx(0);
            for_each_row(sizes, lengths, |to, from| {
                kernels::add_assign(&dy[from * width..][..width], &mut dx[to * width..][..width]);
            });
        },
    )
}

/// Where each row comes from, and where it goes: `f(from, to)`.
fn for_each_row([steps, batch, reverse]: [usize; 3], lengths: &[usize], mut f: impl FnMut(usize, usize)) {
    for row in 0..batch {
        let length = lengths.get(row).copied().unwrap_or(steps);
        for t in 0..length {
            let from = if reverse == 1 { length - 1 - t } else { t };
            f(from * batch + row, t * batch + row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_autograd::{Params, Tape, gradcheck};
    use thalweg_tensor::{Rng, Tensor};

    proptest! {
        #[test]
        fn gradients(steps in 1usize..5, batch in 0usize..4, width in 1usize..4, seed in any::<u64>()) {
            let mut rng = Rng::new(seed);
            let x = Tensor::<f64>::uniform([steps, batch, width], -2.0, 2.0, &mut rng);
            let lengths: Vec<usize> = (0..batch).map(|_| rng.below(steps + 1)).collect();
            for lengths in [&lengths[..], &[]] {
                gradcheck([x.clone()], |[x]| within(x, lengths))?;
                gradcheck([x.clone()], |[x]| reversed(x, lengths))?;
            }
        }
    }

    #[test]
    fn reversal_is_an_involution_and_forgets_what_lies_behind_the_end() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.input(&Tensor::new([3, 2, 1], vec![1.0, 4.0, 2.0, 5.0, 3.0, f64::NAN]));
        let once = reversed(x, &[3, 2]);
        assert_eq!(once.to_tensor().as_slice(), [3.0, 5.0, 2.0, 4.0, 1.0, 0.0]);
        assert_eq!(reversed(once, &[3, 2]).to_tensor(), within(x, &[3, 2]).to_tensor());
        assert_eq!(reversed(once, &[]).to_tensor().as_slice(), [1.0, 0.0, 2.0, 4.0, 3.0, 5.0]);
    }

    #[test]
    #[should_panic(expected = "within: 2 lengths of at most 3 steps expected for [3, 2, 1], found [3]")]
    fn each_sequence_has_its_length() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        within(tape.pass(&params).zeros([3, 2, 1]), &[3]);
    }
}
