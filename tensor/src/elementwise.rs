//! Elementwise functions: each a line, over [`combine`](crate::combine).

use crate::combine::{combine, map_methods, zip_methods};
use crate::{AsView, Real, Tensor, View};

map_methods! {
    /// Absolute value, elementwise, any shape.
    abs() = |x| x.abs();
    /// 1 above 0, −1 below, 0 at 0, elementwise, any shape; NaN of NaN.
    sign() = |x| x.sign();
    /// Square root, elementwise, any shape; NaN below 0.
    sqrt() = |x| x.sqrt();
    /// `x²`, elementwise, any shape.
    square() = |x| x * x;
    /// `1/x`, elementwise, any shape; infinite at 0.
    recip() = |x| T::ONE / x;
    /// A whole power, elementwise, any shape; `x⁰ = 1` everywhere.
    powi(n: i32) = |x| x.powi(n);
    /// `eˣ`, elementwise, any shape.
    exp() = |x| x.exp();
    /// Natural logarithm, elementwise, any shape; −∞ at 0, NaN below.
    ln() = |x| x.ln();
    /// `ln(1 + x)`, accurate near 0, elementwise, any shape; −∞ at −1, NaN below.
    ln_1p() = |x| x.ln_1p();
    /// Sine, of radians, elementwise, any shape; NaN at infinity.
    sin() = |x| x.sin();
    /// Cosine, of radians, elementwise, any shape; NaN at infinity.
    cos() = |x| x.cos();
    /// The error function `2/√π ∫₀ˣ e^(−t²) dt`, elementwise, any shape.
    erf() = |x| x.erf();
    /// Hyperbolic tangent, elementwise, any shape.
    tanh() = |x| x.tanh();
    /// The logistic function `1 / (1 + e⁻ˣ)`, elementwise, any shape.
    sigmoid() = |x| x.sigmoid();
}

zip_methods! {
    /// `xʸ`, elementwise; shapes broadcast. NaN below 0 unless `y` is whole; `x⁰ = 1` everywhere.
    pow = |x, y| x.powf(y);
    /// The larger of two, elementwise; shapes broadcast. NaN where either is NaN.
    maximum = |x, y| x.maximum(y);
    /// The smaller of two, elementwise; shapes broadcast. NaN where either is NaN.
    minimum = |x, y| x.minimum(y);
}

impl<T: Real> View<'_, T> {
    /// The nearest number between two bounds, elementwise, any shape. NaN stays.
    ///
    /// # Panics
    ///
    /// If not `low ≤ high`.
    #[track_caller]
    pub fn clamp(&self, low: T, high: T) -> Tensor<T> {
        assert!(low <= high, "clamp: low ≤ high expected: {low} and {high}");
        self.map(
            #[inline(always)]
            |x| x.maximum(low).minimum(high),
        )
    }

    /// `self` where the mask is not 0 (NaN is not 0), `other` where it is; the three shapes broadcast. What is not
    /// chosen has no influence, not even as NaN.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::from_slice(&[-4.0_f32, 9.0]);
    /// let roots = x.sqrt().where_(x.ge(0.0), 0.0);
    /// assert_eq!(roots.as_slice(), [0.0, 3.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn where_(&self, mask: impl AsView<T>, other: impl AsView<T>) -> Tensor<T> {
        choose([*self, mask.as_view(), other.as_view()])
    }
}

/// Compiled once, whatever the operands are.
#[track_caller]
fn choose<T: Real>(operands: [View<'_, T>; 3]) -> Tensor<T> {
    combine(
        "where_",
        operands,
        #[inline(always)]
        |[x, mask, y]| if mask == T::ZERO { y } else { x },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_same, broadcasting, of_shape};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_function_is_that_of_its_elements(x in (0_usize..40).prop_flat_map(|n| of_shape([n].into()))) {
            assert_same(&x.abs(), &x.map(f64::abs));
            assert_same(&x.sqrt(), &x.map(f64::sqrt));
            assert_same(&x.square(), &x.map(|x| x * x));
            assert_same(&x.recip(), &x.map(|x| 1.0 / x));
            assert_same(&x.powi(3), &x.map(|x| x.powi(3)));
            assert_same(&x.exp(), &x.map(f64::exp));
            assert_same(&x.ln(), &x.map(f64::ln));
            assert_same(&x.ln_1p(), &x.map(f64::ln_1p));
            assert_same(&x.tanh(), &x.map(f64::tanh));
            assert_same(&x.sign(), &x.map(|x| if x == 0.0 { 0.0 } else { x.signum() }));
            assert_same(&x.sin(), &x.map(<f64 as Real>::sin));
            assert_same(&x.cos(), &x.map(<f64 as Real>::cos));
            assert_same(&x.erf(), &x.map(<f64 as Real>::erf));
            assert_same(&x.sigmoid(), &x.map(<f64 as Real>::sigmoid));
        }

        #[test]
        fn powers_are_those_of_their_elements([x, y] in broadcasting()) {
            assert_same(&x.pow(&y), &x.zip_with(&y, <f64 as Real>::powf));
        }

        #[test]
        fn extremes_keep_nan([x, y] in broadcasting()) {
            let or_nan = |f: fn(f64, f64) -> f64| move |x: f64, y: f64| if x.is_nan() || y.is_nan() { f64::NAN } else { f(x, y) };
            assert_same(&x.maximum(&y), &x.zip_with(&y, or_nan(f64::max)));
            assert_same(&x.minimum(&y), &x.zip_with(&y, or_nan(f64::min)));
            assert_same(&x.clamp(-1.0, 2.0), &x.map(|x| x.clamp(-1.0, 2.0)));
        }
    }

    #[test]
    fn known_values() {
        let close = |y: Tensor<f64>, expected: [f64; 3]| y.check_close(expected, 1e-12, 1e-12);
        let x = Tensor::from_slice(&[-0.5, 0.0, 2.0]);
        assert_eq!(close(x.erf(), [-0.520_499_877_813_046_5, 0.0, 0.995_322_265_018_952_7]), Ok(()));
        assert_eq!(close(x.sin(), [-0.479_425_538_604_203, 0.0, 0.909_297_426_825_681_7]), Ok(()));
        assert_eq!(close(x.cos(), [0.877_582_561_890_372_8, 1.0, -0.416_146_836_547_142_4]), Ok(()));
        assert_eq!(close(x.pow([2.0, 0.0, -1.0]), [0.25, 1.0, 0.5]), Ok(()));
        assert_eq!(x.sign().as_slice(), [-1.0, 0.0, 1.0]);
    }

    #[test]
    fn f32_is_vectorised_to_the_same_bits() {
        let x = Tensor::<f32>::linspace(-20.0, 20.0, 999);
        let bits = |x: &Tensor| x.iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&x.exp()), x.iter().map(|x| Real::exp(x).to_bits()).collect::<Vec<_>>());
        assert_eq!(bits(&x.tanh()), x.iter().map(|x| Real::tanh(x).to_bits()).collect::<Vec<_>>());
        assert_eq!(bits(&x.sigmoid()), x.iter().map(|x| Real::sigmoid(x).to_bits()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_chosen_has_no_influence() {
        let x = View::from(&[1.0_f32, f32::NAN, 3.0]);
        assert_eq!(x.where_([1.0, 0.0, f32::NAN], 5.0).as_slice(), [1.0, 5.0, 3.0]);
        assert!(x.where_([0.0, 1.0, 0.0], 5.0).is_nan().as_slice() == [0.0, 1.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "clamp: low ≤ high expected: 1 and 0")]
    fn bounds_stand_in_order() {
        Tensor::<f32>::zeros([0]).clamp(1.0, 0.0);
    }
}
