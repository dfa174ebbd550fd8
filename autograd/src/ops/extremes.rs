//! The largest and the smallest along an axis, and the smooth largest.

use thalweg_tensor::{Real, View, kernels, walk};

use super::reduce::spread;
use crate::{Back, Op, Var};

impl<T: Real> Var<'_, T> {
    /// The largest over some axes: shapes as for [`sum_axes`](Var::sum_axes); NaN if there is a NaN. The gradient goes to
    /// the first of equals in row-major order (or to the first NaN).
    ///
    /// Forward `y = max x` over the axes; backward `x̄ᵢ* += ȳ`, where `i*` is the first with `xᵢ* = y`.
    ///
    /// # Panics
    /// If there is no such axis, one is named twice, or one has size 0.
    #[track_caller]
    pub fn max_axes(self, axes: &[usize], keep_dims: bool) -> Self {
        self.extreme("max_axes", axes, keep_dims, |x, axes, y| x.max_axes_to(axes, y))
    }

    /// The smallest over some axes: shapes as for [`sum_axes`](Var::sum_axes); NaN if there is a NaN. The gradient goes
    /// to the first of equals in row-major order (or to the first NaN).
    ///
    /// Forward `y = min x` over the axes; backward `x̄ᵢ* += ȳ`, where `i*` is the first with `xᵢ* = y`.
    ///
    /// # Panics
    /// If there is no such axis, one is named twice, or one has size 0.
    #[track_caller]
    pub fn min_axes(self, axes: &[usize], keep_dims: bool) -> Self {
        self.extreme("min_axes", axes, keep_dims, |x, axes, y| x.min_axes_to(axes, y))
    }

    /// [`max_axes`](Var::max_axes) over one axis, which is dropped from the shape.
    ///
    /// # Panics
    /// If there is no such axis, or it has size 0.
    #[track_caller]
    pub fn max_axis(self, axis: usize) -> Self {
        self.max_axes(&[axis], false)
    }

    /// [`min_axes`](Var::min_axes) over one axis, which is dropped from the shape.
    ///
    /// # Panics
    /// If there is no such axis, or it has size 0.
    #[track_caller]
    pub fn min_axis(self, axis: usize) -> Self {
        self.min_axes(&[axis], false)
    }

    /// The logarithm of the sum of exponentials over some axes, without overflow: shapes as for
    /// [`sum_axes`](Var::sum_axes). −∞ over nothing, and over nothing but −∞, where the gradient is 0.
    ///
    /// Forward `y = ln Σᵢ e^xᵢ` over the axes; backward `x̄ᵢ += ȳ e^(xᵢ − y)`.
    ///
    /// # Panics
    /// If there is no such axis, or one is named twice.
    #[track_caller]
    pub fn log_sum_exp_axes(self, axes: &[usize], keep_dims: bool) -> Self {
        let shape = self.shape();
        self.pass.record(
            Op::new("log_sum_exp_axes").indices(axes),
            [self],
            shape.reduced("log_sum_exp_axes", axes, keep_dims),
            |[x], y| View::new(shape, x).log_sum_exp_axes_to(axes, y),
            |g| {
                let (x, y, dy) = (g.x(0), g.y(), g.dy());
                // Where all is −∞, −∞ − (−∞) would be NaN.
                let shift = |y: T| if y == T::NEG_INFINITY { T::ZERO } else { y };
                let last = g.shape(0).rank().checked_sub(1);
                if let (&[axis], Some(last)) = (g.indices(), last)
                    && axis == last
                {
                    // The hot case, whole rows: the compiler makes vectors of it.
                    let n = g.shape(0).dims()[last].max(1);
                    let rows = g.dx(0).chunks_exact_mut(n).zip(x.chunks_exact(n));
                    for ((dx, x), (&y, &dy)) in rows.zip(y.iter().zip(dy)) {
                        let y = shift(y);
                        kernels::vectorize(
                            #[inline(always)]
                            || dx.iter_mut().zip(x).for_each(|(dx, &x)| *dx += dy * (x - y).exp()),
                        );
                    }
                    return;
                }
                spread(g, |dx, i, k| *dx += dy[k] * (x[i] - shift(y[k])).exp());
            },
        )
    }

    /// [`log_sum_exp_axes`](Var::log_sum_exp_axes) over the last axis, which is dropped: `[…, n] → […]`.
    ///
    /// # Panics
    /// If there is no axis.
    #[track_caller]
    pub fn log_sum_exp(self) -> Self {
        let shape = self.shape();
        assert!(shape.rank() > 0, "log_sum_exp: at least one axis expected, the shape is {shape}");
        self.log_sum_exp_axes(&[shape.rank() - 1], false)
    }

    #[track_caller]
    fn extreme(
        self,
        op: &'static str,
        axes: &[usize],
        keep_dims: bool,
        forward: fn(View<'_, T>, &[usize], &mut [T]),
    ) -> Self {
        let shape = self.shape();
        let result = shape.reduced(op, axes, keep_dims);
        for &axis in axes {
            assert!(shape.dims()[axis] > 0, "{op}: axis {axis} of {shape} is empty");
        }
        self.pass.record(
            Op::new(op).indices(axes).saving(result.len()),
            [self],
            result,
            |[x], y| forward(View::new(shape, x), axes, &mut y[..result.len()]),
            extreme_backward,
        )
    }
}

/// Gives each `ȳ` to the first element that equals `y`; to the first NaN if `y` is NaN.
fn extreme_backward<T: Real>(g: &mut Back<'_, T>) {
    let (x, y, dy, given) = (g.x(0), g.y(), g.dy(), g.scratch());
    given.fill(T::ZERO);
    let (shape, kept) = (g.shape(0), g.shape(0).reduced("backward", g.indices(), true));
    let dx = g.dx(0);
    let is_nan = |v: T| v.partial_cmp(&v).is_none();
    walk([kept], shape, |[k], i| {
        if given[k] == T::ZERO && (x[i] == y[k] || (is_nan(y[k]) && is_nan(x[i]))) {
            given[k] = T::ONE;
            dx[i] += dy[k];
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{distinct_with_axis, tensor};
    use crate::{Grads, Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::{Rng, Tensor};

    proptest! {
        #[test]
        fn max_axis_gradient((x, axis) in distinct_with_axis()) { gradcheck([x], |[x]| x.max_axis(axis))?; }
        #[test]
        fn min_axis_gradient((x, axis) in distinct_with_axis()) { gradcheck([x], |[x]| (x * 2.0).min_axis(axis))?; }

        #[test]
        fn extremes_over_axes_gradient((x, _) in distinct_with_axis(), seed: u64, keep_dims: bool) {
            let mut rng = Rng::new(seed);
            let mut axes = rng.permutation(x.shape().rank());
            axes.truncate(rng.below(4));
            gradcheck([x.clone()], |[x]| x.max_axes(&axes, keep_dims))?;
            gradcheck([x.clone()], |[x]| (x * 2.0).min_axes(&axes, keep_dims))?;
            gradcheck([x.clone()], |[x]| x.log_sum_exp_axes(&axes, keep_dims))?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let v = pass.input(&x);
            prop_assert_eq!(v.max_axes(&axes, keep_dims).to_tensor(), x.max_axes(&axes, keep_dims));
            prop_assert_eq!(v.log_sum_exp_axes(&axes, keep_dims).to_tensor(), x.log_sum_exp_axes(&axes, keep_dims));
        }

        #[test]
        fn the_smallest_is_minus_the_largest_of_minus((x, axis) in distinct_with_axis()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let x = pass.input(&x);
            prop_assert_eq!(x.min_axis(axis).to_tensor(), (-(-x).max_axis(axis)).to_tensor());
        }

        #[test]
        fn log_sum_exp_gradient_and_definition(
            x in (0usize..4, 1usize..6).prop_flat_map(|(n, c)| tensor(if n == 0 { vec![c] } else { vec![n, c] }, -4.0, 4.0))
        ) {
            gradcheck([x.clone()], |[x]| x.log_sum_exp())?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let x = pass.input(&x);
            let difference = x.log_sum_exp() - x.exp().sum_axis(x.shape().rank() - 1).ln();
            prop_assert!(difference.with(|d| d.iter().all(|d| d.abs() < 1e-12)));
        }
    }

    #[test]
    fn the_first_of_equals_gets_the_gradient() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.leaf(&Tensor::new([2, 3], vec![1.0, 3.0, 3.0, f64::NAN, 7.0, f64::NAN]));
        let y = x.max_axis(1);
        y.backward_from(&[1.0, 2.0], &mut Grads::like(&params));
        y.with(|y| assert!(y[0] == 3.0 && y[1].is_nan()));
        let mut dx = [9.0; 6];
        x.grad_to(&mut dx);
        assert_eq!(dx, [0.0, 1.0, 0.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "max_axes: axis 1 of [2, 0] is empty")]
    fn max_axis_panics_on_an_empty_axis() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        tape.pass(&params).zeros([2, 0]).max_axis(1);
    }

    #[test]
    fn log_sum_exp_of_nothing_is_minus_infinity() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        assert_eq!(pass.zeros([2, 0]).log_sum_exp().to_tensor().as_slice(), [f64::NEG_INFINITY; 2]);
    }
}
