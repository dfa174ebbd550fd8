//! `+ − * /`, between variables (broadcasting as NumPy does) and with numbers.

use std::ops::{Add, Div, Mul, Neg, Sub};

use thalweg_tensor::{Real, kernels, walk};

use super::unary::each;
use crate::{Back, Op, Var};

/// Forward `y = a + b`; backward `ā += ȳ`, `b̄ += ȳ`, each summed over the axes that were broadcast.
impl<T: Real> Add for Var<'_, T> {
    type Output = Self;
    #[track_caller]
    fn add(self, b: Self) -> Self {
        self.zip("add", b, |a, b| a + b, |g| g.each2(|_a, _b, _y| [T::ONE, T::ONE]))
    }
}

/// Forward `y = a − b`; backward `ā += ȳ`, `b̄ −= ȳ`.
impl<T: Real> Sub for Var<'_, T> {
    type Output = Self;
    #[track_caller]
    fn sub(self, b: Self) -> Self {
        self.zip("sub", b, |a, b| a - b, |g| g.each2(|_a, _b, _y| [T::ONE, -T::ONE]))
    }
}

/// Forward `y = a ⊙ b`; backward `ā += ȳ ⊙ b`, `b̄ += ȳ ⊙ a`.
impl<T: Real> Mul for Var<'_, T> {
    type Output = Self;
    #[track_caller]
    fn mul(self, b: Self) -> Self {
        self.zip("mul", b, |a, b| a * b, |g| g.each2(|a, b, _y| [b, a]))
    }
}

/// Forward `y = a / b`; backward `ā += ȳ / b`, `b̄ −= ȳ ⊙ y / b`.
impl<T: Real> Div for Var<'_, T> {
    type Output = Self;
    #[track_caller]
    fn div(self, b: Self) -> Self {
        self.zip("div", b, |a, b| a / b, |g| g.each2(|_a, b, y| [T::ONE / b, -y / b]))
    }
}

/// `−x`, as `(−1)·x`.
impl<T: Real> Neg for Var<'_, T> {
    type Output = Self;
    fn neg(self) -> Self {
        self.times_number(-T::ONE)
    }
}

impl<T: Real> Add<T> for Var<'_, T> {
    type Output = Self;
    fn add(self, a: T) -> Self {
        self.plus_number(a)
    }
}

impl<T: Real> Sub<T> for Var<'_, T> {
    type Output = Self;
    fn sub(self, a: T) -> Self {
        self.plus_number(-a)
    }
}

impl<T: Real> Mul<T> for Var<'_, T> {
    type Output = Self;
    fn mul(self, a: T) -> Self {
        self.times_number(a)
    }
}

/// Forward `y = x / a`; backward `x̄ += ȳ / a`.
impl<T: Real> Div<T> for Var<'_, T> {
    type Output = Self;
    fn div(self, a: T) -> Self {
        self.map(
            Op::new("quotient").scalar(a.to_f64()),
            |x, y| each(x, y, |x| x / a),
            |g| {
                let (a, dy) = (g.scalar(), g.dy());
                kernels::axpy(T::ONE / a, dy, g.dx(0));
            },
        )
    }
}

impl<T: Real> Var<'_, T> {
    /// An elementwise op of two variables whose shapes broadcast.
    #[track_caller]
    pub(super) fn zip(self, op: &'static str, b: Self, f: impl Fn(T, T) -> T, backward: fn(&mut Back<'_, T>)) -> Self {
        let shapes = [self.shape(), b.shape()];
        let Some(shape) = shapes[0].broadcast(shapes[1]) else {
            panic!("{op}: shapes do not broadcast: {} and {}", shapes[0], shapes[1])
        };
        let forward = |[a, b]: [&[T]; 2], y: &mut [T]| {
            if shapes[0] == shapes[1] {
                kernels::vectorize(
                    #[inline(always)]
                    || y.iter_mut().zip(a).zip(b).for_each(|((y, &a), &b)| *y = f(a, b)),
                );
            } else {
                walk(shapes, shape, |[i, j], k| y[k] = f(a[i], b[j]));
            }
        };
        self.pass.record(op, [self, b], shape, forward, backward)
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::broadcast_pair;
    use crate::{Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    proptest! {
        #[test]
        fn add_gradient(ab in broadcast_pair(-2.0, 2.0)) { gradcheck(ab, |[a, b]| a + b)?; }
        #[test]
        fn sub_gradient(ab in broadcast_pair(-2.0, 2.0)) { gradcheck(ab, |[a, b]| a - b)?; }
        #[test]
        fn mul_gradient(ab in broadcast_pair(-2.0, 2.0)) { gradcheck(ab, |[a, b]| a * b)?; }
        #[test]
        fn div_gradient(ab in broadcast_pair(0.4, 2.0)) { gradcheck(ab, |[a, b]| a / -b)?; }
        #[test]
        fn a_variable_used_twice_gets_both_gradients(x in super::super::strategies::any_tensor(0.4, 2.0)) {
            gradcheck([x], |[x]| x * x + x / x - x)?;
        }
    }

    /// And not a product with the reciprocal, which is rounded twice and overflows early.
    #[test]
    fn a_quotient_is_rounded_once() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let pass = tape.pass(&params);
        let numbers: Vec<f32> = (1..1000_u16).map(f32::from).collect();
        let thirds = pass.input(&numbers) / 3.0;
        thirds.with(|y| assert!(y.iter().zip(&numbers).all(|(&y, &x)| y == x / 3.0)));
        assert_eq!((pass.input(&[1e-39_f32]) / 1e-39).item(), 1.0);
    }

    #[test]
    fn broadcasting_follows_numpy() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let column = Tensor::new([2, 1], vec![1.0, 2.0]);
        let y = pass.input(&column) + pass.input(&[10.0, 20.0, 30.0]);
        assert_eq!(y.to_tensor(), Tensor::new([2, 3], vec![11.0, 21.0, 31.0, 12.0, 22.0, 32.0]));
    }

    #[test]
    #[should_panic(expected = "add: shapes do not broadcast: [2] and [3]")]
    fn add_panics_on_shapes_that_do_not_broadcast() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let _ = pass.zeros([2]) + pass.zeros([3]);
    }
}
