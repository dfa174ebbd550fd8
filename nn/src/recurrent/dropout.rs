//! Dropout between the layers of a recurrent network.

use thalweg_autograd::{Op, Var};
use thalweg_tensor::Real;

use crate::Mode;

/// In training, zeros with probability `p`, and the rest divided by `1 − p`, any shape (Srivastava et al. 2014). In use
/// nothing changes.
///
/// Forward `y = x ⊙ m` with `m ∈ {0, 1/(1 − p)}`; backward `x̄ += ȳ ⊙ m`.
pub(super) fn dropout<'p, T: Real>(x: Var<'p, T>, p: f64, mode: &mut Mode<T>) -> Var<'p, T> {
    let Mode::Train(training) = mode else { return x };
    if p == 0.0 {
        return x;
    }
    let (shape, kept) = (x.shape(), T::from_f64(if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 }));
    x.pass().record(
        Op::new("dropout").saving(shape.len()),
        [x],
        shape,
        |[x], y| {
            let (y, mask) = y.split_at_mut(x.len());
            for ((y, &x), m) in y.iter_mut().zip(x).zip(mask) {
                *m = if training.rng.uniform() < p { T::ZERO } else { kept };
                *y = x * *m;
            }
        },
        |g| {
            let (mask, dy) = (g.saved(), g.dy());
            g.dx(0).iter_mut().zip(mask).zip(dy).for_each(|((dx, &m), &dy)| *dx += m * dy);
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Grads, Params, Tape};
    use thalweg_tensor::{Rng, Tensor};

    #[test]
    fn what_is_left_makes_up_for_what_is_dropped_and_alone_gets_a_gradient() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        for (p, kept) in [(0.0, 1.0), (0.2, 1.25), (0.75, 4.0), (1.0, f64::NAN)] {
            let pass = tape.pass(&params);
            let x = pass.leaf(&Tensor::ones([10_000]));
            let y = dropout(x, p, &mut Mode::train(Rng::new(1)));
            y.sum().backward(&mut Grads::like(&params));
            let mut slope = vec![0.0; 10_000];
            x.grad_to(&mut slope);
            assert_eq!(y.to_tensor().as_slice(), slope);
            assert!(slope.iter().all(|&s| s == 0.0 || s == kept), "{p}");
            let dropped = slope.iter().filter(|&&s| s == 0.0).count() as f64 / 10_000.0;
            assert!((dropped - p).abs() < 0.02, "{dropped} of {p}");
            assert_eq!(dropout(x, p, &mut Mode::Eval).to_tensor(), x.to_tensor());
        }
    }
}
