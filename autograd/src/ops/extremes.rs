//! The largest and the smallest along an axis, and the smooth largest.

use thalweg_tensor::{Real, kernels};

use crate::{Back, Op, Var};

impl<T: Real> Var<'_, T> {
    /// The largest along one axis, which is dropped from the shape; NaN if there is a NaN. The gradient goes to the first
    /// of equals.
    ///
    /// Forward `y = maxᵢ x[…, i, …]`; backward `x̄[…, i*, …] += ȳ`, where `i*` is the first with `x[…, i*, …] = y`.
    ///
    /// # Panics
    /// If there is no such axis, or it has size 0.
    #[track_caller]
    pub fn max_axis(self, axis: usize) -> Self {
        self.extreme(
            "max_axis",
            axis,
            |first, next| if next > first || only_next_is_nan(first, next) { next } else { first },
        )
    }

    /// The smallest along one axis, which is dropped from the shape; NaN if there is a NaN. The gradient goes to the
    /// first of equals.
    ///
    /// Forward `y = minᵢ x[…, i, …]`; backward `x̄[…, i*, …] += ȳ`, where `i*` is the first with `x[…, i*, …] = y`.
    ///
    /// # Panics
    /// If there is no such axis, or it has size 0.
    #[track_caller]
    pub fn min_axis(self, axis: usize) -> Self {
        self.extreme(
            "min_axis",
            axis,
            |first, next| if next < first || only_next_is_nan(first, next) { next } else { first },
        )
    }

    /// The logarithm of the sum of exponentials over the last axis, which is dropped: `[…, n] → […]`, without overflow.
    ///
    /// Forward `y = ln Σᵢ e^xᵢ`; backward `x̄ᵢ += ȳ e^(xᵢ − y)`.
    ///
    /// # Panics
    /// If there is no axis.
    #[track_caller]
    pub fn log_sum_exp(self) -> Self {
        let shape = self.shape();
        assert!(shape.rank() > 0, "log_sum_exp: at least one axis expected, the shape is {shape}");
        let n = shape.dims()[shape.rank() - 1];
        self.pass.record(
            Op::new("log_sum_exp").attributes([n]),
            [self],
            shape.without(shape.rank() - 1),
            |[x], y| y.iter_mut().enumerate().for_each(|(row, y)| *y = kernels::log_sum_exp(&x[row * n..][..n])),
            |g| {
                let ([n], x, y, dy) = (g.attributes(), g.x(0), g.y(), g.dy());
                let rows = g.dx(0).chunks_exact_mut(n.max(1)).zip(x.chunks_exact(n.max(1)));
                for ((dx, x), (&y, &dy)) in rows.zip(y.iter().zip(dy)) {
                    dx.iter_mut().zip(x).for_each(|(dx, &x)| *dx += dy * (x - y).exp());
                }
            },
        )
    }

    #[track_caller]
    fn extreme(self, op: &'static str, axis: usize, choose: fn(T, T) -> T) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "{op}: there is no axis {axis} in {shape}");
        let [_, size, inner] = shape.around(axis);
        assert!(size > 0, "{op}: axis {axis} of {shape} is empty");
        self.pass.record(
            Op::new(op).attributes([size, inner]),
            [self],
            shape.without(axis),
            |[x], y| {
                for (k, y) in y.iter_mut().enumerate() {
                    let column = column(k, size, inner);
                    *y = column.map(|i| x[i]).reduce(choose).unwrap_or(T::ZERO);
                }
            },
            extreme_backward,
        )
    }
}

fn is_nan<T: Real>(x: T) -> bool {
    x.partial_cmp(&x).is_none()
}

fn only_next_is_nan<T: Real>(first: T, next: T) -> bool {
    is_nan(next) && !is_nan(first)
}

/// Gives each `ȳ` to the first element of its column that equals `y`; to the first NaN if `y` is NaN.
fn extreme_backward<T: Real>(g: &mut Back<'_, T>) {
    let ([size, inner], x, y, dy) = (g.attributes(), g.x(0), g.y(), g.dy());
    let dx = g.dx(0);
    for (k, (&y, &dy)) in y.iter().zip(dy).enumerate() {
        let first = column(k, size, inner).find(|&i| x[i] == y || (is_nan(y) && is_nan(x[i])));
        if let Some(first) = first {
            dx[first] += dy;
        }
    }
}

/// Where the elements lie that output `k` is made of: `size` of them, `inner` apart.
fn column(k: usize, size: usize, inner: usize) -> impl Iterator<Item = usize> {
    let first = k / inner * size * inner + k % inner;
    (0..size).map(move |i| first + i * inner)
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{distinct_with_axis, tensor};
    use crate::{Grads, Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    proptest! {
        #[test]
        fn max_axis_gradient((x, axis) in distinct_with_axis()) { gradcheck([x], |[x]| x.max_axis(axis))?; }
        #[test]
        fn min_axis_gradient((x, axis) in distinct_with_axis()) { gradcheck([x], |[x]| (x * 2.0).min_axis(axis))?; }

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
    #[should_panic(expected = "max_axis: axis 1 of [2, 0] is empty")]
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
