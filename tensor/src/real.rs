//! The scalar types that tensors are made of.

use crate::elementary;
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
    /// How many bytes a number takes in memory and in a file.
    const BYTES: usize;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number in double precision, exact; of a dual number its value.
    fn to_f64(self) -> f64;
    /// `eˣ`.
    fn exp(self) -> Self;
    /// `eˣ − 1`, accurate near 0.
    fn exp_m1(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// `ln(1 + x)`, accurate near 0.
    fn ln_1p(self) -> Self;
    /// The error function `2/√π ∫₀ˣ e^−t² dt`.
    fn erf(self) -> Self;
    /// Sine, of radians.
    fn sin(self) -> Self;
    /// Cosine, of radians.
    fn cos(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Logistic function `σ(x) = 1 / (1 + e⁻ˣ)`.
    fn sigmoid(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// 1, 0 or −1; NaN of NaN.
    fn sign(self) -> Self;
    /// The largest whole number that is not above this one.
    fn floor(self) -> Self;
    /// Integer power.
    fn powi(self, exponent: i32) -> Self;
    /// Real power; that of an `f32` goes by way of double precision.
    fn powf(self, exponent: Self) -> Self;
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
    /// Writes every bit, little-endian, into [`BYTES`](Real::BYTES) bytes ([`bytes`](crate::kernels::bytes) has it for slices).
    fn write_le(self, bytes: &mut [u8]);
    /// The number whose bits these bytes are, little-endian.
    fn read_le(bytes: &[u8]) -> Self;
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
        const BYTES: usize = size_of::<$type>();

        #[inline(always)]
        fn from_f64(value: f64) -> Self {
            value as $type
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            f64::from(self)
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
        fn sign(self) -> Self {
            let unit = if self < 0.0 { -1.0 } else { 1.0 };
            if self == 0.0 || self.is_nan() { self } else { unit }
        }
        #[inline(always)]
        fn floor(self) -> Self {
            $type::floor(self)
        }
        #[inline(always)]
        fn powi(self, exponent: i32) -> Self {
            $type::powi(self, exponent)
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
        #[inline(always)]
        fn write_le(self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.to_le_bytes());
        }
        #[inline(always)]
        fn read_le(bytes: &[u8]) -> Self {
            let mut own = [0; Self::BYTES];
            own.copy_from_slice(bytes);
            $type::from_le_bytes(own)
        }
    };
}

/// Methods that are functions of a module under the same name.
macro_rules! functions {
    ($module:ident: $($name:ident),*) => {
        $(#[inline(always)]
        fn $name(self) -> Self {
            $module::$name(self)
        })*
    };
}

impl Real for f32 {
    shared_methods!(f32);
    functions!(elementary: exp, exp_m1, ln, ln_1p, tanh, sigmoid, erf, sin, cos);

    #[inline(always)]
    fn powf(self, exponent: Self) -> Self {
        f64::powf(f64::from(self), f64::from(exponent)) as f32
    }
}

impl Real for f64 {
    shared_methods!(f64);
    functions!(f64: exp, exp_m1, ln, ln_1p, tanh, sin, cos);

    #[inline(always)]
    fn sigmoid(self) -> Self {
        let small = f64::exp(-self.abs());
        let numerator = if self < 0.0 { small } else { 1.0 };
        numerator / (1.0 + small)
    }
    #[inline(always)]
    fn erf(self) -> Self {
        elementary::erf_f64(self)
    }
    #[inline(always)]
    fn powf(self, exponent: Self) -> Self {
        f64::powf(self, exponent)
    }
}
