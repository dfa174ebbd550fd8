//! Powers, absolute value, bounds and the circular functions, elementwise.

use thalweg_tensor::Real;

use super::unary::each;
use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// Square root, elementwise, any shape; NaN below 0. The derivative at 0 is +∞.
    ///
    /// Forward `y = √x`; backward `x̄ += ȳ / 2y`.
    pub fn sqrt(self) -> Self {
        self.map("sqrt", |x, y| each(x, y, T::sqrt), |g| g.each(|_x, y| T::ONE / (y + y)))
    }

    /// Absolute value, elementwise, any shape. The derivative at 0 is taken to be 0.
    ///
    /// Forward `y = |x|`; backward `x̄ += ȳ ⊙ sign x`.
    pub fn abs(self) -> Self {
        self.map("abs", |x, y| each(x, y, T::abs), |g| g.each(|x, _y| x.sign()))
    }

    /// Sine, elementwise, any shape; radians.
    ///
    /// Forward `y = sin x`; backward `x̄ += ȳ ⊙ cos x`.
    pub fn sin(self) -> Self {
        self.map("sin", |x, y| each(x, y, T::sin), |g| g.each(|x, _y| x.cos()))
    }

    /// Cosine, elementwise, any shape; radians.
    ///
    /// Forward `y = cos x`; backward `x̄ −= ȳ ⊙ sin x`.
    pub fn cos(self) -> Self {
        self.map("cos", |x, y| each(x, y, T::cos), |g| g.each(|x, _y| -x.sin()))
    }

    /// A whole power, elementwise, any shape; `x⁰ = 1` everywhere, with derivative 0.
    ///
    /// Forward `y = xⁿ`; backward `x̄ += ȳ ⊙ n xⁿ⁻¹`.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// assert_eq!(pass.input(&[-2.0, 3.0]).powi(3).to_tensor().as_slice(), [-8.0, 27.0]);
    /// ```
    pub fn powi(self, n: i32) -> Self {
        self.map(
            Op::new("powi").attributes([n as usize]),
            |x, y| each(x, y, |x| x.powi(n)),
            |g| {
                let [n] = g.attributes().map(|n: usize| n as i32); // the sign survives the way there and back
                let factor = T::from_f64(f64::from(n));
                match n.checked_sub(1) {
                    _ if n == 0 => {} // 0 · x⁻¹ would be NaN at 0
                    Some(lower) => g.each(|x, _y| factor * x.powi(lower)),
                    None => g.each(|x, y| factor * y / x),
                }
            },
        )
    }

    /// A real power, elementwise, any shape; NaN below 0 unless `p` is whole. `x⁰ = 1` everywhere, with derivative 0.
    ///
    /// Forward `y = xᵖ`; backward `x̄ += ȳ ⊙ p xᵖ⁻¹`.
    pub fn powf(self, p: T) -> Self {
        self.map(
            Op::new("powf").scalar(p.to_f64()),
            |x, y| each(x, y, |x| x.powf(p)),
            |g| {
                let p = g.scalar();
                if p != T::ZERO {
                    g.each(|x, _y| p * x.powf(p - T::ONE));
                }
            },
        )
    }

    /// `x²`, elementwise, any shape.
    #[track_caller]
    pub fn square(self) -> Self {
        self * self
    }

    /// `1/x`, elementwise, any shape; infinite at 0.
    pub fn recip(self) -> Self {
        self.powi(-1)
    }

    /// The nearest number between two bounds, elementwise, any shape. NaN stays. The derivative at a bound is taken to
    /// be 1, outside it is 0.
    ///
    /// Forward `y = min(max(x, low), high)`; backward `x̄ += ȳ ⊙ [low ≤ x ≤ high]`.
    ///
    /// # Panics
    /// If not `low ≤ high`.
    #[track_caller]
    pub fn clamp(self, low: T, high: T) -> Self {
        assert!(low <= high, "clamp: low ≤ high expected: {low} and {high}");
        self.map(
            "clamp",
            |x, y| {
                each(x, y, |x| {
                    if x < low {
                        low
                    } else if x > high {
                        high
                    } else {
                        x
                    }
                })
            },
            |g| g.each(|x, y| if x == y { T::ONE } else { T::ZERO }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::any_tensor;
    use crate::{Grads, Params, Tape, Var, gradcheck};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sqrt_gradient(x in any_tensor(0.2, 4.0)) { gradcheck([x], |[x]| x.sqrt())?; }
        #[test]
        fn abs_gradient(x in any_tensor(0.1, 4.0)) { gradcheck([x], |[x]| x.abs() + (-x).abs() * 2.0)?; }
        #[test]
        fn sin_and_cos_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.sin() + x.cos() * 2.0)?; }
        #[test]
        fn powi_gradient(x in any_tensor(0.5, 1.5), n in -3i32..5) { gradcheck([x], |[x]| x.powi(n) + (-x).powi(n + 1))?; }
        #[test]
        fn powf_gradient(x in any_tensor(0.5, 2.0), p in -2.0..3.0f64) { gradcheck([x], |[x]| x.powf(p))?; }
        #[test]
        fn square_and_recip_gradient(x in any_tensor(0.5, 2.0)) { gradcheck([x], |[x]| x.square() + (-x).recip())?; }
        #[test]
        fn clamp_gradient(x in any_tensor(-1.0, 1.0)) {
            // Three copies: inside, above and below the bounds.
            gradcheck([x], |[x]| Var::stack(&[x, x + 3.0, x - 3.0]).clamp(-1.5, 1.5))?;
        }

        #[test]
        fn sine_and_cosine_lie_on_the_circle(x in any_tensor(-9.0, 9.0)) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let x = pass.input(&x);
            (x.sin().square() + x.cos().square()).with(|y| assert!(y.iter().all(|y| (y - 1.0).abs() < 1e-15)));
        }
    }

    /// The derivative of `f` at `x`, as backward says.
    fn slope(x: f64, f: impl Fn(Var<'_, f64>) -> Var<'_, f64>) -> f64 {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.leaf(&[x]);
        f(x).backward(&mut Grads::like(&params));
        let mut dx = [9.0];
        x.grad_to(&mut dx);
        dx[0]
    }

    #[test]
    fn derivatives_at_the_kinks_are_as_stated() {
        assert_eq!(slope(0.0, |x| x.abs()), 0.0);
        assert_eq!(slope(0.0, |x| x.powi(0)), 0.0);
        assert_eq!(slope(0.0, |x| x.powf(0.0)), 0.0);
        assert_eq!(slope(0.0, |x| x.sqrt()), f64::INFINITY);
        assert_eq!([1.0, 1.1, -1.1].map(|x| slope(x, |x| x.clamp(-1.0, 1.0))), [1.0, 0.0, 0.0]);
        assert_eq!(slope(1.0, |x| x.powi(i32::MIN)), f64::from(i32::MIN));
    }

    #[test]
    #[should_panic(expected = "clamp: low ≤ high expected: 2 and 1")]
    fn clamp_panics_on_bounds_in_the_wrong_order() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let _ = tape.pass(&params).zeros([2]).clamp(2.0, 1.0);
    }
}
