//! Exponentials, logarithms, the functions made of them, and the rectifier, elementwise.

use std::f64::consts::FRAC_2_SQRT_PI;

use thalweg_tensor::{Real, kernels};

use crate::{Back, Op, Var};

impl<T: Real> Var<'_, T> {
    /// `eˣ`, elementwise, any shape.
    ///
    /// Forward `y = eˣ`; backward `x̄ += ȳ ⊙ y`.
    pub fn exp(self) -> Self {
        self.map("exp", kernels::exp, |g| g.each(|_x, y| y))
    }

    /// Natural logarithm, elementwise, any shape; `−∞` at 0, NaN below.
    ///
    /// Forward `y = ln x`; backward `x̄ += ȳ / x`.
    pub fn ln(self) -> Self {
        self.map("ln", kernels::ln, |g| g.each(|x, _y| T::ONE / x))
    }

    /// `eˣ − 1`, elementwise, any shape, accurate near 0.
    ///
    /// Forward `y = eˣ − 1`; backward `x̄ += ȳ ⊙ (y + 1)`.
    pub fn exp_m1(self) -> Self {
        self.map("exp_m1", kernels::exp_m1, |g| g.each(|_x, y| y + T::ONE))
    }

    /// `ln(1 + x)`, elementwise, any shape, accurate near 0; `−∞` at −1, NaN below.
    ///
    /// Forward `y = ln(1 + x)`; backward `x̄ += ȳ / (1 + x)`.
    pub fn ln_1p(self) -> Self {
        self.map("ln_1p", kernels::ln_1p, |g| g.each(|x, _y| T::ONE / (T::ONE + x)))
    }

    /// The error function, elementwise, any shape.
    ///
    /// Forward `y = erf x = 2/√π ∫₀ˣ e^−t² dt`; backward `x̄ += ȳ ⊙ 2/√π e^−x²`.
    pub fn erf(self) -> Self {
        self.map("erf", kernels::erf, |g| {
            let factor = T::from_f64(FRAC_2_SQRT_PI);
            g.each(
                #[inline(always)]
                |x, _y| factor * (-(x * x)).exp(),
            );
        })
    }

    /// Hyperbolic tangent, elementwise, any shape.
    ///
    /// Forward `y = tanh x`; backward `x̄ += ȳ ⊙ (1 − y²)`.
    pub fn tanh(self) -> Self {
        self.map("tanh", kernels::tanh, |g| g.each(|_x, y| T::ONE - y * y))
    }

    /// The logistic function, elementwise, any shape.
    ///
    /// Forward `y = σ(x) = 1 / (1 + e⁻ˣ)`; backward `x̄ += ȳ ⊙ y(1 − y)`.
    pub fn sigmoid(self) -> Self {
        self.map("sigmoid", kernels::sigmoid, |g| g.each(|_x, y| y * (T::ONE - y)))
    }

    /// Rectified linear unit, elementwise, any shape. The derivative at 0 is taken to be 0.
    ///
    /// Forward `y = max(x, 0)`; backward `x̄ += ȳ ⊙ [x > 0]`.
    pub fn relu(self) -> Self {
        let positive = |x: T| if x <= T::ZERO { T::ZERO } else { x }; // NaN stays NaN: it must not vanish here
        self.map("relu", |x, y| each(x, y, positive), |g| g.each(|x, _y| if x > T::ZERO { T::ONE } else { T::ZERO }))
    }

    /// An elementwise op of one variable: the shape stays.
    pub(super) fn map(
        self,
        op: impl Into<Op<'static>>,
        f: impl FnOnce(&[T], &mut [T]),
        backward: fn(&mut Back<'_, T>),
    ) -> Self {
        self.pass.record(op, [self], self.shape(), |[x], y| f(x, y), backward)
    }

    /// `a·x`, for a number `a`.
    ///
    /// Forward `y = a x`; backward `x̄ += a ȳ`.
    pub(crate) fn times_number(self, a: T) -> Self {
        self.map(
            Op::new("scale").scalar(a.to_f64()),
            |x, y| each(x, y, |x| a * x),
            |g| {
                let (a, dy) = (g.scalar(), g.dy());
                kernels::axpy(a, dy, g.dx(0));
            },
        )
    }

    /// `x + a`, for a number `a`.
    ///
    /// Forward `y = x + a`; backward `x̄ += ȳ`.
    pub(crate) fn plus_number(self, a: T) -> Self {
        self.map(
            "shift",
            |x, y| each(x, y, |x| x + a),
            |g| {
                let dy = g.dy();
                kernels::add_assign(dy, g.dx(0));
            },
        )
    }
}

/// `yᵢ = f(xᵢ)`.
pub(super) fn each<T: Real>(x: &[T], y: &mut [T], f: impl Fn(T) -> T) {
    kernels::vectorize(
        #[inline(always)]
        || y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x)),
    );
}

#[cfg(test)]
mod tests {
    use super::super::strategies::any_tensor;
    use crate::{Params, Tape, gradcheck};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exp_gradient(x in any_tensor(-3.0, 3.0)) { gradcheck([x], |[x]| x.exp())?; }
        #[test]
        fn ln_gradient(x in any_tensor(0.1, 4.0)) { gradcheck([x], |[x]| x.ln())?; }
        #[test]
        fn exp_m1_gradient(x in any_tensor(-3.0, 3.0)) { gradcheck([x], |[x]| x.exp_m1())?; }
        #[test]
        fn ln_1p_gradient(x in any_tensor(-0.9, 4.0)) { gradcheck([x], |[x]| x.ln_1p())?; }
        #[test]
        fn erf_gradient(x in any_tensor(-3.0, 3.0)) { gradcheck([x], |[x]| x.erf())?; }
        #[test]
        fn tanh_gradient(x in any_tensor(-3.0, 3.0)) { gradcheck([x], |[x]| x.tanh())?; }
        #[test]
        fn sigmoid_gradient(x in any_tensor(-5.0, 5.0)) { gradcheck([x], |[x]| x.sigmoid())?; }
        #[test]
        fn relu_gradient_above_the_kink(x in any_tensor(0.01, 3.0)) { gradcheck([x], |[x]| x.relu())?; }
        #[test]
        fn relu_gradient_below_the_kink(x in any_tensor(-3.0, -0.01)) { gradcheck([x], |[x]| x.relu())?; }
        #[test]
        fn number_gradients(x in any_tensor(-3.0, 3.0), a in -2.0..2.0f64) { gradcheck([x], |[x]| (x * a + 0.5 - a) / 3.0)?; }
    }

    #[test]
    fn functions_of_small_numbers_keep_their_digits() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.input(&[1e-10, -1e-10]);
        assert_eq!(x.exp_m1().to_tensor().as_slice(), [1e-10, -1e-10]);
        assert_eq!(x.ln_1p().to_tensor().as_slice(), [1e-10, -1e-10]);
    }

    #[test]
    fn relu_at_zero_is_flat_and_keeps_nan() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let mut grads = crate::Grads::like(&params);
        let pass = tape.pass(&params);
        let x = pass.leaf(&[0.0, f64::NAN, f64::NEG_INFINITY]);
        let y = x.relu();
        y.backward_from(&[1.0, 0.0, 1.0], &mut grads);
        let mut dx = [9.0; 3];
        x.grad_to(&mut dx);
        assert_eq!((dx[0], dx[2]), (0.0, 0.0));
        y.with(|y| assert!(y[0] == 0.0 && y[1].is_nan() && y[2] == 0.0));
    }
}
