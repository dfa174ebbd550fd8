//! The scalar types that tensors are made of.

use crate::kernels::Product;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A floating-point scalar: `f32` for learning, `f64` for checking gradients, [`Dual`](crate::Dual) for
/// derivatives along a direction. Sealed.
pub trait Real:
    Product
    + Copy
    + Send
    + Sync
    + 'static
    + Default
    + PartialOrd
    + PartialEq
    + Debug
    + Display
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;
    /// −∞.
    const NEG_INFINITY: Self;
    /// +∞.
    const INFINITY: Self;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number in double precision, exact; of a dual number its value.
    fn to_f64(self) -> f64;
    /// `eˣ`.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// `ln(1 + x)`, accurate near 0.
    fn ln_1p(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Logistic function `σ(x) = 1 / (1 + e⁻ˣ)`.
    fn sigmoid(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Integer power.
    fn powi(self, exponent: i32) -> Self;
    /// Sine, of radians.
    fn sin(self) -> Self;
    /// Cosine, of radians.
    fn cos(self) -> Self;
    /// Real power.
    fn powf(self, exponent: Self) -> Self;
    /// `eˣ − 1`, accurate near 0.
    fn exp_m1(self) -> Self;
    /// 1, 0 or −1; NaN of NaN.
    fn sign(self) -> Self;
    /// The largest whole number that is not larger.
    fn floor(self) -> Self;
    /// The larger of the two; NaN when either is NaN.
    fn maximum(self, other: Self) -> Self;
    /// The smaller of the two; NaN when either is NaN.
    fn minimum(self, other: Self) -> Self;
    /// Whether the number is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// `self · a + b`, rounded once. Slow where the processor has no such instruction.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// The bit pattern; that of an `f32` is extended with zeros, that of a dual number is its value's.
    fn bits(self) -> u64;
}

/// What both types implement in the same words.
macro_rules! shared_methods {
    ($type:ident) => {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const MIN_POSITIVE: Self = $type::MIN_POSITIVE;
        const EPSILON: Self = $type::EPSILON;
        const NEG_INFINITY: Self = $type::NEG_INFINITY;
        const INFINITY: Self = $type::INFINITY;

        #[inline(always)]
        fn from_f64(value: f64) -> Self {
            value as $type
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            f64::from(self)
        }
        #[inline(always)]
        fn ln(self) -> Self {
            $type::ln(self)
        }
        #[inline(always)]
        fn ln_1p(self) -> Self {
            $type::ln_1p(self)
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            $type::sqrt(self)
        }
        #[inline(always)]
        fn abs(self) -> Self {
            $type::abs(self)
        }
        #[inline(always)]
        fn powi(self, exponent: i32) -> Self {
            $type::powi(self, exponent)
        }
        #[inline(always)]
        fn sin(self) -> Self {
            Self::from_f64(self.to_f64().sin())
        }
        #[inline(always)]
        fn cos(self) -> Self {
            Self::from_f64(self.to_f64().cos())
        }
        #[inline(always)]
        fn powf(self, exponent: Self) -> Self {
            Self::from_f64(self.to_f64().powf(exponent.to_f64()))
        }
        #[inline(always)]
        fn exp_m1(self) -> Self {
            Self::from_f64(self.to_f64().exp_m1())
        }
        #[inline(always)]
        fn sign(self) -> Self {
            let sign = if self > 0.0 { 1.0 } else { -1.0 };
            if self == 0.0 {
                0.0
            } else if self.is_nan() {
                self
            } else {
                sign
            }
        }
        #[inline(always)]
        fn floor(self) -> Self {
            $type::floor(self)
        }
        #[inline(always)]
        fn maximum(self, other: Self) -> Self {
            if self > other || self.is_nan() { self } else { other }
        }
        #[inline(always)]
        fn minimum(self, other: Self) -> Self {
            if self < other || self.is_nan() { self } else { other }
        }
        #[inline(always)]
        fn is_finite(self) -> bool {
            $type::is_finite(self)
        }
        #[inline(always)]
        fn mul_add(self, a: Self, b: Self) -> Self {
            $type::mul_add(self, a, b)
        }
        #[inline(always)]
        fn bits(self) -> u64 {
            u64::from(self.to_bits())
        }
    };
}

impl Real for f32 {
    shared_methods!(f32);

    #[inline(always)]
    fn exp(self) -> Self {
        crate::elementary::exp(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        crate::elementary::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        crate::elementary::sigmoid(self)
    }
}

impl Real for f64 {
    shared_methods!(f64);

    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let small = f64::exp(-self.abs());
        let numerator = if self < 0.0 { small } else { 1.0 };
        numerator / (1.0 + small)
    }
}
