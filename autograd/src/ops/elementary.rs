//! Absolute value, sign, whole numbers, bounds and the circular functions, elementwise.

use thalweg_tensor::{Real, kernels};

use super::unary::each;
use crate::Var;

impl<T: Real> Var<'_, T> {
    /// Absolute value, elementwise, any shape. The derivative at 0 is taken to be 0.
    ///
    /// Forward `y = |x|`; backward `x̄ += ȳ ⊙ sign x`.
    pub fn abs(self) -> Self {
        self.map("abs", |x, y| each(x, y, T::abs), |g| g.each(|x, _y| x.sign()))
    }

    /// The sign, elementwise, any shape: 1, 0 or −1, and NaN of NaN. Its derivative is taken to be 0.
    ///
    /// Forward `y = sign x`; backward nothing.
    pub fn sign(self) -> Self {
        self.map("sign", |x, y| each(x, y, T::sign), |_| {})
    }

    /// The largest whole number that is not above, elementwise, any shape. Its derivative is taken to be 0.
    ///
    /// Forward `y = ⌊x⌋`; backward nothing.
    pub fn floor(self) -> Self {
        self.map("floor", |x, y| each(x, y, T::floor), |_| {})
    }

    /// Sine, elementwise, any shape; radians.
    ///
    /// Forward `y = sin x`; backward `x̄ += ȳ ⊙ cos x`.
    pub fn sin(self) -> Self {
        self.map("sin", kernels::sin, |g| g.each(|x, _y| x.cos()))
    }

    /// Cosine, elementwise, any shape; radians.
    ///
    /// Forward `y = cos x`; backward `x̄ −= ȳ ⊙ sin x`.
    pub fn cos(self) -> Self {
        self.map("cos", kernels::cos, |g| g.each(|x, _y| -x.sin()))
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
            // Not by maximum and minimum, which give a dual number the mean slope at a bound.
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
    use super::super::strategies::{any_tensor, slope};
    use crate::{Params, Tape, Var, gradcheck};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn abs_gradient(x in any_tensor(0.1, 4.0)) { gradcheck([x], |[x]| x.abs() + (-x).abs() * 2.0)?; }
        #[test]
        fn sign_and_floor_gradient(x in any_tensor(0.1, 0.9)) {
            gradcheck([x], |[x]| x.sign() + (-x).sign() + (x + 3.0).floor())?;
        }
        #[test]
        fn sin_and_cos_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.sin() + x.cos() * 2.0)?; }
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

    #[test]
    fn derivatives_at_the_kinks_are_as_stated() {
        assert_eq!(slope(0.0, |x| x.abs()), 0.0);
        assert_eq!([slope(0.0, |x| x.sign()), slope(1.0, |x| x.floor())], [0.0, 0.0]);
        assert_eq!([1.0, 1.1, -1.1].map(|x| slope(x, |x| x.clamp(-1.0, 1.0))), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn signs_and_floors_keep_nan() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let x = tape.pass(&params);
        let x = x.input(&[-2.5, -0.0, 0.5, f64::INFINITY, f64::NAN]);
        assert_eq!(x.sign().to_tensor().as_slice()[..4], [-1.0, 0.0, 1.0, 1.0]);
        assert_eq!(x.floor().to_tensor().as_slice()[..4], [-3.0, 0.0, 0.0, f64::INFINITY]);
        x.sign().with(|y| assert!(y[4].is_nan()));
        x.floor().with(|y| assert!(y[4].is_nan()));
    }

    #[test]
    #[should_panic(expected = "clamp: low ≤ high expected: 2 and 1")]
    fn clamp_panics_on_bounds_in_the_wrong_order() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let _ = tape.pass(&params).zeros([2]).clamp(2.0, 1.0);
    }
}
