//! Powers and roots, elementwise.

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

    /// A power of variables, elementwise; shapes broadcast. NaN where `a < 0` unless `b` is whole; `a⁰ = 1` everywhere.
    ///
    /// Forward `y = aᵇ`; backward `ā += ȳ ⊙ b aᵇ⁻¹`, `b̄ += ȳ ⊙ y ln a`. Where `b = 0`, `ā` gets nothing, though `a` may
    /// be 0; where `a = 0` and `b ≥ 0`, `b̄` gets nothing, though `ln a` is −∞. Below 0 a power is not a smooth function
    /// of its exponent, and `b̄` is NaN.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let y = pass.input(&[2.0, 9.0, 0.0]).pow(pass.input(&[3.0, 0.5, 0.0]));
    /// assert_eq!(y.to_tensor().as_slice(), [8.0, 3.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn pow(self, b: Self) -> Self {
        self.zip("pow", b, T::powf, |g| {
            g.each2(|a, b, y| {
                let da = if b == T::ZERO { T::ZERO } else { b * a.powf(b - T::ONE) };
                let db = if a == T::ZERO && b >= T::ZERO { T::ZERO } else { y * a.ln() };
                [da, db]
            });
        })
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
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{any_tensor, broadcast_pair, slope};
    use crate::{Params, Tape, gradcheck};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sqrt_gradient(x in any_tensor(0.2, 4.0)) { gradcheck([x], |[x]| x.sqrt())?; }
        #[test]
        fn powi_gradient(x in any_tensor(0.5, 1.5), n in -3i32..5) { gradcheck([x], |[x]| x.powi(n) + (-x).powi(n + 1))?; }
        #[test]
        fn powf_gradient(x in any_tensor(0.5, 2.0), p in -2.0..3.0f64) { gradcheck([x], |[x]| x.powf(p))?; }
        #[test]
        fn pow_gradient(ab in broadcast_pair(0.5, 2.0)) { gradcheck(ab, |[a, b]| a.pow(b) + a.pow(-b))?; }
        #[test]
        fn square_and_recip_gradient(x in any_tensor(0.5, 2.0)) { gradcheck([x], |[x]| x.square() + (-x).recip())?; }

        #[test]
        fn the_three_powers_agree(x in any_tensor(-2.0, 2.0), n in -3i32..5) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let (x, p) = (pass.input(&x), f64::from(n));
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-14 * a.abs();
            let [whole, real] = [x.powi(n), x.powf(p)].map(|y| y.to_tensor());
            prop_assert_eq!(&real, &x.pow(pass.input(&[p]).reshape([])).to_tensor());
            prop_assert!(whole.as_slice().iter().zip(real.as_slice()).all(|(&a, &b)| close(a, b)));
        }
    }

    #[test]
    fn derivatives_at_zero_are_as_stated() {
        assert_eq!(slope(0.0, |x| x.sqrt()), f64::INFINITY);
        assert_eq!(slope(0.0, |x| x.powi(0)), 0.0);
        assert_eq!(slope(0.0, |x| x.powf(0.0)), 0.0);
        assert_eq!(slope(1.0, |x| x.powi(i32::MIN)), f64::from(i32::MIN));
        let of_base = |a: f64, b: f64| slope(a, |x| x.pow(x.pass().input(&[b])));
        assert_eq!([of_base(0.0, 0.0), of_base(0.0, 1.0), of_base(0.0, 2.0)], [0.0, 1.0, 0.0]);
        assert_eq!([of_base(0.0, 0.5), of_base(-2.0, 3.0)], [f64::INFINITY, 12.0]);
        let of_exponent = |a: f64, b: f64| slope(b, |x| x.pass().input(&[a]).pow(x));
        assert_eq!([of_exponent(0.0, 0.0), of_exponent(0.0, 2.0)], [0.0, 0.0]);
        assert_eq!(of_exponent(0.0, -1.0), f64::NEG_INFINITY);
        assert!(of_exponent(-2.0, 3.0).is_nan() && of_base(f64::NAN, 2.0).is_nan());
    }

    #[test]
    #[should_panic(expected = "pow: shapes do not broadcast: [2] and [3]")]
    fn pow_panics_on_shapes_that_do_not_broadcast() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let _ = pass.zeros([2]).pow(pass.zeros([3]));
    }
}
