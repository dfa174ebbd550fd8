//! Sums, means and what is made of them.

use thalweg_tensor::{Norm, Real, Shape, View, kernels, walk};

use crate::{Back, Op, Var};

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

    /// The sum over some axes: `[2, 3, 4]` over 0 and 2 → `[3]`, or `[1, 3, 1]` with `keep_dims`. None of the axes sums
    /// nothing.
    ///
    /// Forward `y = Σ x` over the axes; backward `x̄ += ȳ`, stretched along them.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// assert_eq!(pass.zeros([2, 3, 4]).sum_axes(&[0, 2], true).dims(), [1, 3, 1]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or one is named twice.
    #[track_caller]
    pub fn sum_axes(self, axes: &[usize], keep_dims: bool) -> Self {
        let shape = self.shape();
        self.pass.record(
            Op::new("sum_axes").indices(axes),
            [self],
            shape.reduced("sum_axes", axes, keep_dims),
            |[x], y| View::new(shape, x).sum_axes_to(axes, y),
            |g| {
                let dy = g.dy();
                spread(g, |dx, _, k| *dx += dy[k]);
            },
        )
    }

    /// The mean over some axes: shapes as for [`sum_axes`](Var::sum_axes). NaN over nothing.
    ///
    /// # Panics
    /// If there is no such axis, or one is named twice.
    #[track_caller]
    pub fn mean_axes(self, axes: &[usize], keep_dims: bool) -> Self {
        let count = self.count("mean_axes", axes);
        self.sum_axes(axes, keep_dims) * (T::ONE / T::from_f64(count))
    }

    /// The variance over some axes, `Σᵢ (xᵢ − mean)² / n`, or over `n − 1` if it is to be unbiased: shapes as for
    /// [`sum_axes`](Var::sum_axes). NaN where that divides by 0.
    ///
    /// # Panics
    /// If there is no such axis, or one is named twice.
    #[track_caller]
    pub fn var_axes(self, axes: &[usize], unbiased: bool, keep_dims: bool) -> Self {
        let count = self.count("var_axes", axes);
        let squares = (self - self.mean_axes(axes, true)).square().sum_axes(axes, keep_dims);
        squares * T::from_f64(1.0 / (count - f64::from(u8::from(unbiased))))
    }

    /// [`sum_axes`](Var::sum_axes) over one axis, which is dropped from the shape.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Self {
        self.sum_axes(&[axis], false)
    }

    /// [`mean_axes`](Var::mean_axes) over one axis, which is dropped from the shape.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Self {
        self.mean_axes(&[axis], false)
    }

    /// [`var_axes`](Var::var_axes) over one axis, which is dropped from the shape.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn var_axis(self, axis: usize, unbiased: bool) -> Self {
        self.var_axes(&[axis], unbiased, false)
    }

    /// How many elements one of the results over these axes is made of.
    #[track_caller]
    fn count(self, op: &str, axes: &[usize]) -> f64 {
        let shape = self.shape();
        shape.reduced(op, axes, false); // the axes are there, or it panics
        axes.iter().map(|&axis| shape.dims()[axis] as f64).product()
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

    /// The norm over some axes: shapes as for [`sum_axes`](Var::sum_axes). The derivative of the Euclidean norm at 0 is
    /// taken to be 0; that of the largest magnitude goes to the first of equals.
    ///
    /// Forward `y = √Σ x²`; backward `x̄ += ȳ x / y`. The others are `Σ |x|` and `max |x|`.
    ///
    /// # Panics
    /// If there is no such axis, or one is named twice; for the infinite norm also if one has size 0.
    #[track_caller]
    pub fn norm_axes(self, norm: Norm, axes: &[usize], keep_dims: bool) -> Self {
        let shape = self.shape();
        match norm {
            Norm::One => self.abs().sum_axes(axes, keep_dims),
            Norm::Infinity => self.abs().max_axes(axes, keep_dims),
            Norm::Two => self.pass.record(
                Op::new("norm_axes").indices(axes),
                [self],
                shape.reduced("norm_axes", axes, keep_dims),
                |[x], y| View::new(shape, x).norm_axes_to(Norm::Two, axes, y),
                |g| {
                    let (x, y, dy) = (g.x(0), g.y(), g.dy());
                    spread(g, |dx, i, k| {
                        if y[k] != T::ZERO {
                            *dx += dy[k] / y[k] * x[i];
                        }
                    });
                },
            ),
        }
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

/// For the backward of a reduction over the axes in [`Back::indices`]: visits each element of the input's gradient with
/// its index, and that of the result it is part of.
pub(super) fn spread<T: Real>(g: &mut Back<'_, T>, visit: impl Fn(&mut T, usize, usize)) {
    let shape = g.shape(0);
    let kept = shape.reduced("backward", g.indices(), true);
    let dx = g.dx(0);
    walk([kept], shape, |[k], i| visit(&mut dx[i], i, k));
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{any_tensor, with_axes, with_axis};
    use crate::{Grads, Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::{Norm, Tensor};

    proptest! {
        #[test]
        fn sum_gradient(x in any_tensor(-2.0, 2.0)) { gradcheck([x], |[x]| (x * x).sum())?; }
        #[test]
        fn mean_gradient(x in any_tensor(-2.0, 2.0)) { gradcheck([x], |[x]| (x * x).mean())?; }

        #[test]
        fn reductions_over_axes_gradient((x, axes) in with_axes(), keep_dims: bool) {
            gradcheck([x.clone()], |[x]| (x * x).sum_axes(&axes, keep_dims))?;
            gradcheck([x.clone()], |[x]| x.mean_axes(&axes, keep_dims))?;
            gradcheck([x.clone()], |[x]| x.var_axes(&axes, false, keep_dims))?;
            let away = Tensor::from_fn(x.shape(), |i| x.as_slice()[i] + x.as_slice()[i].signum() * 0.1);
            gradcheck([away.clone()], |[x]| x.norm_axes(Norm::Two, &axes, keep_dims))?;
            gradcheck([away], |[x]| x.norm_axes(Norm::One, &axes, keep_dims))?;
        }

        #[test]
        fn reductions_are_those_of_tensors((x, axes) in with_axes(), keep_dims: bool) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let v = pass.input(&x);
            prop_assert_eq!(v.sum_axes(&axes, keep_dims).to_tensor(), x.sum_axes(&axes, keep_dims));
            for norm in [Norm::One, Norm::Two, Norm::Infinity] {
                prop_assert_eq!(v.norm_axes(norm, &axes, keep_dims).to_tensor(), x.norm_axes(norm, &axes, keep_dims));
            }
            let var = x.var_axes(&axes, false, keep_dims);
            let difference = v.var_axes(&axes, false, keep_dims) - pass.input(&var);
            prop_assert!(difference.with(|d| d.iter().all(|d| d.abs() < 1e-12)));
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
            let difference = last - x.sum_axis(axis);
            prop_assert!(difference.with(|d| d.iter().all(|d| d.abs() < 1e-12)));
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
