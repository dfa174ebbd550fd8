//! Forgetting at random, in training only.

use thalweg_autograd::Var;
use thalweg_tensor::{Real, Shape};

use crate::Mode;

/// Dropout, PyTorch's `nn.Dropout`: any shape → the same shape.
///
/// ```text
/// training: y = m ⊙ x / (1 − p)        m: 0 with probability p, else 1
/// use:      y = x
/// ```
///
/// The expectation of `y` is `x` in both. A NaN stays NaN even where it is dropped.
///
/// Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::{Dropout, Mode};
/// use thalweg_tensor::Rng;
///
/// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
/// let (pass, dropout) = (tape.pass(&params), Dropout::new(0.5));
/// let x = pass.input(&[1.0; 100]);
/// assert_eq!(dropout.forward(x, &mut Mode::Eval).to_tensor(), x.to_tensor());
/// let y = dropout.forward(x, &mut Mode::train(Rng::new(1))).to_tensor();
/// assert!(y.as_slice().iter().all(|&y| y == 0.0 || y == 2.0) && y.as_slice().contains(&0.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dropout {
    /// The probability of being dropped, from 0 to 1.
    pub p: f64,
}

impl Dropout {
    /// Drops with probability `p`.
    ///
    /// # Panics
    /// If `p` is not between 0 and 1.
    #[track_caller]
    pub fn new(p: f64) -> Self {
        assert!((0.0..=1.0).contains(&p), "Dropout: a probability expected, not {p}");
        Dropout { p }
    }

    /// Drops elements, each by itself.
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        self.drop(x, x.shape(), mode)
    }

    /// Drops the same elements at every index of an axis: in a sequence `[steps, …]` along axis 0 the same units at every
    /// step (Gal & Ghahramani 2016), in images `[n, c, l]` along axis 2 whole channels (PyTorch's `nn.Dropout1d`).
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn forward_along<'p, T: Real>(&self, x: Var<'p, T>, axis: usize, mode: &mut Mode<T>) -> Var<'p, T> {
        let shape = x.shape();
        assert!(axis < shape.rank(), "Dropout: there is no axis {axis} in {shape}");
        self.drop(x, shape.with(axis, 1), mode)
    }

    /// Multiplies with a mask of this shape.
    fn drop<'p, T: Real>(&self, x: Var<'p, T>, shape: Shape, mode: &mut Mode<T>) -> Var<'p, T> {
        let Mode::Train(training) = mode else { return x };
        if self.p == 0.0 {
            return x;
        }
        let kept = if self.p < 1.0 { T::from_f64((1.0 - self.p).recip()) } else { T::ZERO };
        let mut draw = || if training.rng.uniform() < self.p { T::ZERO } else { kept };
        let mask = x.pass().record("dropout", [], shape, |[], mask| mask.fill_with(&mut draw), |_| {});
        x * mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_autograd::{Grads, Params, Tape};
    use thalweg_tensor::{Rng, Tensor};

    proptest! {
        /// The gradient has the mask of the output.
        #[test]
        fn the_gradient_is_dropped_where_the_output_is(p in 0.0..1.0f64, n in 0usize..40, seed: u64) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let x = pass.leaf(&Tensor::ones([n, 3]));
            let y = Dropout::new(p).forward(x, &mut Mode::train(Rng::new(seed)));
            y.sum().backward(&mut Grads::like(&params));
            let mut gradient = vec![f64::NAN; 3 * n];
            x.grad_to(&mut gradient);
            prop_assert_eq!(y.to_tensor().into_vec(), gradient, "of x = 1 both are the mask");
        }
    }

    #[test]
    fn the_mean_is_kept() {
        let (params, mut tape, mut mode) = (Params::<f64>::new(), Tape::new(), Mode::train(Rng::new(7)));
        for p in [0.1, 0.5, 0.9] {
            let pass = tape.pass(&params);
            let x = pass.input(&Tensor::ones([100_000]));
            let mean = Dropout::new(p).forward(x, &mut mode).mean().item();
            let deviation = (p / (1.0 - p) / 1e5).sqrt();
            assert!((mean - 1.0).abs() < 4.0 * deviation, "p = {p}: {mean}");
        }
    }

    #[test]
    fn a_sequence_drops_the_same_units_at_every_step() {
        let (params, mut tape, mut mode) = (Params::<f64>::new(), Tape::new(), Mode::train(Rng::new(7)));
        let pass = tape.pass(&params);
        let y = Dropout::new(0.5).forward_along(pass.input(&Tensor::ones([6, 40])), 0, &mut mode).to_tensor();
        assert!((1..6).all(|t| y.row(t).to_tensor() == y.row(0).to_tensor()));
        assert!(y.as_slice().contains(&0.0) && y.as_slice().contains(&2.0));
    }

    #[test]
    fn all_or_nothing_and_nan() {
        let (params, mut tape, mut mode) = (Params::<f64>::new(), Tape::new(), Mode::train(Rng::new(7)));
        let pass = tape.pass(&params);
        let x = pass.input(&[1.0, -2.0, f64::NAN]);
        let [none, all] = [0.0, 1.0].map(|p| Dropout::new(p).forward(x, &mut mode).to_tensor());
        assert_eq!((&none.as_slice()[..2], &all.as_slice()[..2]), (&[1.0, -2.0][..], &[0.0, 0.0][..]));
        assert!(none.as_slice()[2].is_nan() && all.as_slice()[2].is_nan());
    }

    #[test]
    #[should_panic(expected = "Dropout: a probability expected, not 1.5")]
    fn new_panics_on_what_is_no_probability() {
        Dropout::new(1.5);
    }
}
