//! Sums, means and what is made of them.

use thalweg_tensor::{Real, Shape, kernels, walk};

use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// The sum of all elements: any shape → `[]`.
    ///
    /// Forward `y = Σᵢ xᵢ`; backward `x̄ᵢ += ȳ`.
    pub fn sum(self) -> Self {
        self.pass.record(
            "sum",
            [self],
            Shape::scalar(),
            |[x], y| y[0] = kernels::sum(x),
            |g| {
                let dy = g.dy()[0];
                g.dx(0).iter_mut().for_each(|dx| *dx += dy);
            },
        )
    }

    /// The mean of all elements: any shape → `[]`. NaN if there are none.
    pub fn mean(self) -> Self {
        let n = self.shape().len();
        self.sum() * (T::ONE / T::from_f64(n as f64))
    }

    /// The sum along one axis, which is dropped from the shape.
    ///
    /// Forward `y = Σᵢ x[…, i, …]`; backward `x̄[…, i, …] += ȳ`.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "sum_axis: there is no axis {axis} in {shape}");
        self.pass.record(
            Op::new("sum_axis").attributes([axis]),
            [self],
            shape.without(axis),
            |[x], y| walk([shape.with(axis, 1)], shape, |[i], k| y[i] += x[k]),
            |g| {
                let ([axis], x, dy) = (g.attributes(), g.shape(0), g.dy());
                let dx = g.dx(0);
                walk([x.with(axis, 1)], x, |[i], k| dx[k] += dy[i]);
            },
        )
    }

    /// The mean along one axis, which is dropped from the shape.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "mean_axis: there is no axis {axis} in {shape}");
        self.sum_axis(axis) * (T::ONE / T::from_f64(shape.dims()[axis] as f64))
    }

    /// The variance along one axis, which is dropped from the shape: `Σᵢ (xᵢ − mean)² / n`, or over `n − 1` if it is to
    /// be unbiased. NaN where that divides by 0.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn var_axis(self, axis: usize, unbiased: bool) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "var_axis: there is no axis {axis} in {shape}");
        let (mean, n) = (self.mean_axis(axis), shape.dims()[axis] as f64);
        let squares = (self - mean.unsqueeze(axis)).square().sum_axis(axis);
        squares * T::from_f64(1.0 / (n - f64::from(u8::from(unbiased))))
    }

    /// The Euclidean norm of all elements: any shape → `[]`. The derivative at 0 is taken to be 0.
    ///
    /// Forward `y = √Σᵢ xᵢ²`; backward `x̄ += ȳ x / y`.
    pub fn norm(self) -> Self {
        self.pass.record(
            "norm",
            [self],
            Shape::scalar(),
            |[x], y| y[0] = kernels::sum_of_squares(x).sqrt(),
            |g| {
                let (x, y, dy) = (g.x(0), g.y()[0], g.dy()[0]);
                if y != T::ZERO {
                    kernels::axpy(dy / y, x, g.dx(0));
                }
            },
        )
    }

    /// The running sum along one axis; the shape stays.
    ///
    /// Forward `yᵢ = x₀ + … + xᵢ`; backward `x̄ᵢ += ȳᵢ + ȳᵢ₊₁ + …`.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// assert_eq!(pass.input(&[1.0, 2.0, 3.0]).cumsum(0).to_tensor().as_slice(), [1.0, 3.0, 6.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn cumsum(self, axis: usize) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "cumsum: there is no axis {axis} in {shape}");
        let [_, size, inner] = shape.around(axis);
        let block = (size * inner).max(1);
        self.pass.record(
            Op::new("cumsum").attributes([block, inner]),
            [self],
            shape,
            |[x], y| {
                y.copy_from_slice(x);
                for y in y.chunks_exact_mut(block) {
                    (inner..y.len()).for_each(|i| y[i] += y[i - inner]);
                }
            },
            |g| {
                let ([block, inner], dy) = (g.attributes(), g.dy());
                for (dx, dy) in g.dx(0).chunks_exact_mut(block).zip(dy.chunks_exact(block)) {
                    for column in 0..inner {
                        let mut rest = T::ZERO;
                        for i in (column..block).step_by(inner).rev() {
                            rest += dy[i];
                            dx[i] += rest;
                        }
                    }
                }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{any_shape, any_tensor, tensor, with_axis};
    use crate::{Grads, Params, Tape, gradcheck};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sum_gradient(x in any_tensor(-2.0, 2.0)) { gradcheck([x], |[x]| (x * x).sum())?; }
        #[test]
        fn mean_gradient(x in any_tensor(-2.0, 2.0)) { gradcheck([x], |[x]| (x * x).mean())?; }

        #[test]
        fn sum_axis_gradient(
            (x, axis) in any_shape().prop_filter("needs an axis", |s| !s.is_empty()).prop_flat_map(|dims| {
                let rank = dims.len();
                (tensor(dims, -2.0, 2.0), 0..rank)
            })
        ) {
            gradcheck([x.clone()], |[x]| (x * x).sum_axis(axis))?;
            gradcheck([x], |[x]| (x * x).mean_axis(axis).sum())?;
        }

        #[test]
        fn var_axis_gradient((x, axis) in with_axis()) {
            gradcheck([x.clone()], |[x]| x.var_axis(axis, false))?;
            if x.shape().dims()[axis] > 1 {
                gradcheck([x], |[x]| x.var_axis(axis, true))?;
            }
        }

        #[test]
        fn norm_gradient(x in any_tensor(0.1, 2.0)) { gradcheck([x], |[x]| (x - 0.05).norm())?; }
        #[test]
        fn cumsum_gradient((x, axis) in with_axis()) { gradcheck([x], |[x]| (x * x).cumsum(axis))?; }

        #[test]
        fn the_last_running_sum_is_the_sum((x, axis) in with_axis()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let x = pass.input(&x);
            let size = x.shape().dims()[axis];
            let last = x.cumsum(axis).slice(axis, size - 1..size).squeeze(axis);
            prop_assert_eq!(last.to_tensor(), x.sum_axis(axis).to_tensor());
        }
    }

    #[test]
    fn variances_have_their_textbook_values() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.input(&[1.0, 2.0, 3.0, 6.0]);
        assert_eq!((x.var_axis(0, false).item(), x.var_axis(0, true).item()), (3.5, 14.0 * (1.0 / 3.0)));
    }

    #[test]
    fn the_norm_is_flat_at_zero() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.leaf(&[0.0, 0.0]);
        x.norm().backward(&mut Grads::like(&params));
        let mut dx = [9.0; 2];
        x.grad_to(&mut dx);
        assert_eq!(dx, [0.0, 0.0]);
        assert_eq!(pass.input(&[3.0, 4.0]).norm().item(), 5.0);
    }
}
