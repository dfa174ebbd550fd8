//! Choosing between two values, elementwise.

use thalweg_tensor::{Real, walk};

use crate::Var;

impl<T: Real> Var<'_, T> {
    /// The larger of two, elementwise; shapes broadcast. NaN where either is NaN. Of equals each gets half the gradient.
    ///
    /// Forward `y = max(a, b)`; backward `ā += ȳ ⊙ [a > b]`, `b̄ += ȳ ⊙ [b > a]`, and half to each where `a = b`.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn maximum(self, b: Self) -> Self {
        self.zip("maximum", b, T::maximum, |g| g.each2(|a, b, _y| shares(a, b)))
    }

    /// The smaller of two, elementwise; shapes broadcast. NaN where either is NaN. Of equals each gets half the gradient.
    ///
    /// Forward `y = min(a, b)`; backward `ā += ȳ ⊙ [a < b]`, `b̄ += ȳ ⊙ [b < a]`, and half to each where `a = b`.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn minimum(self, b: Self) -> Self {
        self.zip("minimum", b, T::minimum, |g| g.each2(|a, b, _y| shares(b, a)))
    }

    /// `self` where the mask is not 0, `other` where it is; the three shapes broadcast. What is not chosen has no
    /// influence, not even as NaN. No gradient goes to the mask.
    ///
    /// Forward `y = a` where `mask ≠ 0`, else `b`; backward `ā += ȳ ⊙ [mask ≠ 0]`, `b̄ += ȳ ⊙ [mask = 0]`, each summed
    /// over the axes along which it was broadcast.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let y = pass.input(&[1.0, 2.0]).where_(pass.input(&[1.0, 0.0]), pass.input(&[f32::NAN, 5.0]));
    /// assert_eq!(y.to_tensor().as_slice(), [1.0, 5.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn where_(self, mask: Self, other: Self) -> Self {
        let shapes @ [a, b, m] = [self, other, mask].map(Var::shape);
        let Some(shape) = a.broadcast(b).and_then(|both| both.broadcast(m)) else {
            panic!("where_: shapes do not broadcast: {a}, {b} and mask {m}")
        };
        self.pass.record(
            "where",
            [self, other, mask],
            shape,
            |[a, b, mask], y| walk(shapes, shape, |[i, j, m], k| y[k] = if mask[m] != T::ZERO { a[i] } else { b[j] }),
            |g| {
                let (mask, dy, shape) = (g.x(2), g.dy(), g.y_shape());
                for i in [0, 1] {
                    if g.wants(i) {
                        let shapes = [g.shape(i), g.shape(2)];
                        let dx = g.dx(i);
                        walk(shapes, shape, |[at, m], k| {
                            if (mask[m] != T::ZERO) == (i == 0) {
                                dx[at] += dy[k];
                            }
                        });
                    }
                }
            },
        )
    }
}

/// The share of the gradient that goes to each of two, the larger of which was chosen.
fn shares<T: Real>(a: T, b: T) -> [T; 2] {
    if a > b {
        [T::ONE, T::ZERO]
    } else if b > a {
        [T::ZERO, T::ONE]
    } else {
        [T::from_f64(0.5); 2]
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::broadcast_pair;
    use crate::{Grads, Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// Moves both away from each other's values: `a` to even tenths, `b` to odd ones.
    fn apart([a, b]: [Tensor<f64>; 2]) -> [Tensor<f64>; 2] {
        let rounded =
            |t: Tensor<f64>, to: f64| Tensor::from_fn(t.shape(), |i| (t.as_slice()[i] * 5.0).round() / 5.0 + to);
        [rounded(a, 0.0), rounded(b, 0.1)]
    }

    proptest! {
        #[test]
        fn maximum_gradient(ab in broadcast_pair(-2.0, 2.0)) { gradcheck(apart(ab), |[a, b]| a.maximum(b))?; }
        #[test]
        fn minimum_gradient(ab in broadcast_pair(-2.0, 2.0)) { gradcheck(apart(ab), |[a, b]| a.minimum(b))?; }
        #[test]
        fn where_gradient(ab in broadcast_pair(-2.0, 2.0), bits in any::<u64>()) {
            let mask = ab[0].shape();
            gradcheck(ab, |[a, b]| {
                let mask = Tensor::from_fn(mask, |i| (bits >> (i % 64) & 1) as f64);
                (a * a).where_(a.pass().input(&mask), b * 3.0)
            })?;
        }

        #[test]
        fn the_larger_and_the_smaller_add_up_to_both(ab in broadcast_pair(-2.0, 2.0)) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let [a, b] = ab.each_ref().map(|t| pass.input(t));
            prop_assert_eq!((a.maximum(b) + a.minimum(b)).to_tensor(), (a + b).to_tensor());
        }
    }

    #[test]
    fn equals_share_the_gradient() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let (a, b) = (pass.leaf(&[1.0, 2.0]), pass.leaf(&[1.0]));
        (a.maximum(b) + a.minimum(b) * 10.0).sum().backward(&mut Grads::like(&params));
        let (mut da, mut db) = ([0.0; 2], [0.0]);
        a.grad_to(&mut da);
        b.grad_to(&mut db);
        assert_eq!((da, db), ([5.5, 1.0], [15.5]));
    }

    #[test]
    #[should_panic(expected = "where_: shapes do not broadcast: [2], [2] and mask [3]")]
    fn where_panics_on_shapes_that_do_not_broadcast() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let _ = pass.zeros([2]).where_(pass.zeros([3]), pass.zeros([2]));
    }
}
