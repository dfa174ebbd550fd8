//! Numbers that carry their derivative with them.

use crate::Real;
use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A dual number `v + ε t` with `ε² = 0`: an `f64` and its derivative along one direction.
///
/// Whatever is computed with it obeys `f(v + ε t) = f(v) + ε f′(v) t` (Clifford, 1873; Wengert, 1964): start with the
/// direction as tangents, and every result carries its directional derivative, exact up to rounding.
///
/// ```
/// use thalweg_tensor::{Dual, Real};
///
/// let x = Dual::new(2.0, 1.0); // dx/dx = 1
/// let y = x * x * x + Dual::from(5.0);
/// assert_eq!((y.value, y.tangent), (13.0, 12.0)); // d/dx (x³ + 5) = 3x²
/// assert_eq!(Dual::new(0.0, 3.0).exp().tangent, 3.0);
/// ```
///
/// # Rules
///
/// * The value alone decides comparisons, equality too; the value of a result is what `f64` gives, up to the rounding of
///   sums, whose order and fused products differ.
/// * [`from_f64`](Real::from_f64) makes a constant, [`to_f64`](Real::to_f64) forgets the tangent.
/// * A tangent of 0 stays 0 under every function of one variable, even where its slope is infinite: constants stay
///   constant. Else a NaN or an infinity in the slope shows in the tangent.
/// * At kinks: `|x|` and `sign` have the slope 0 at 0, `floor` everywhere; of two equal numbers the larger and the smaller
///   have the mean of their tangents.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Dual {
    /// `v`, the number.
    pub value: f64,
    /// `t`, its derivative along the direction.
    pub tangent: f64,
}

impl Dual {
    /// `value + ε tangent`.
    #[inline(always)]
    pub const fn new(value: f64, tangent: f64) -> Self {
        Dual { value, tangent }
    }

    /// `f(self)` of a function with this value and this slope.
    #[inline(always)]
    fn chain(self, value: f64, slope: f64) -> Self {
        Dual { value, tangent: if self.tangent == 0.0 { 0.0 } else { self.tangent * slope } }
    }

    /// One of two numbers: the first or the second, or of equals the second with the mean of their tangents.
    #[inline(always)]
    fn choose(self, other: Self, first: bool) -> Self {
        let tangent = 0.5 * (self.tangent + other.tangent);
        let second = if self.value == other.value { Dual { value: other.value, tangent } } else { other };
        if first { self } else { second }
    }
}

/// A constant: the tangent is 0.
impl From<f64> for Dual {
    #[inline(always)]
    fn from(value: f64) -> Self {
        Dual { value, tangent: 0.0 }
    }
}

impl Real for Dual {
    const ZERO: Self = Dual::new(0.0, 0.0);
    const ONE: Self = Dual::new(1.0, 0.0);
    const MIN_POSITIVE: Self = Dual::new(f64::MIN_POSITIVE, 0.0);
    const EPSILON: Self = Dual::new(f64::EPSILON, 0.0);
    const NEG_INFINITY: Self = Dual::new(f64::NEG_INFINITY, 0.0);
    const INFINITY: Self = Dual::new(f64::INFINITY, 0.0);
    const BYTES: usize = 2 * f64::BYTES;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        Dual::from(value)
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.value
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let y = self.value.exp();
        self.chain(y, y)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        self.chain(self.value.ln(), 1.0 / self.value)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        self.chain(self.value.ln_1p(), 1.0 / (1.0 + self.value))
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        self.chain(self.value.exp_m1(), self.value.exp())
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        self.chain(y, 0.5 / y)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        let y = Real::tanh(self.value);
        self.chain(y, 1.0 - y * y)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let y = self.value.sigmoid();
        self.chain(y, y * (1.0 - y))
    }
    #[inline(always)]
    fn erf(self) -> Self {
        let x = self.value;
        self.chain(Real::erf(x), std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp())
    }
    #[inline(always)]
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    #[inline(always)]
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.chain(self.value.abs(), self.value.sign())
    }
    #[inline(always)]
    fn sign(self) -> Self {
        self.chain(self.value.sign(), 0.0)
    }
    #[inline(always)]
    fn floor(self) -> Self {
        self.chain(Real::floor(self.value), 0.0)
    }
    #[inline(always)]
    fn powi(self, exponent: i32) -> Self {
        let (y, n) = (self.value.powi(exponent), f64::from(exponent));
        // There is no exponent below the smallest; x⁰ is flat everywhere, though 0 · x⁻¹ is NaN at 0.
        let slope = exponent.checked_sub(1).map_or(n * y / self.value, |lower| n * self.value.powi(lower));
        self.chain(y, if exponent == 0 { 0.0 } else { slope })
    }
    #[inline(always)]
    fn powf(self, exponent: Self) -> Self {
        let (x, p) = (self.value, exponent.value);
        let y = x.powf(p);
        let along_base = self.chain(y, if p == 0.0 { 0.0 } else { p * x.powf(p - 1.0) });
        let along_exponent = exponent.chain(y, y * x.ln());
        Dual { value: y, tangent: along_base.tangent + along_exponent.tangent }
    }
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        self.choose(other, self.value > other.value || self.value.is_nan())
    }
    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        self.choose(other, self.value < other.value || self.value.is_nan())
    }
    /// Whether value and tangent are both finite.
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.value.is_finite() && self.tangent.is_finite()
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        let tangent = self.tangent * a.value + self.value * a.tangent + b.tangent;
        Dual { value: self.value.mul_add(a.value, b.value), tangent }
    }
    /// The bit pattern of the value.
    #[inline(always)]
    fn bits(self) -> u64 {
        self.value.to_bits()
    }
    #[inline(always)]
    fn write_le(self, bytes: &mut [u8]) {
        let (value, tangent) = bytes.split_at_mut(f64::BYTES);
        self.value.write_le(value);
        self.tangent.write_le(tangent);
    }
    #[inline(always)]
    fn read_le(bytes: &[u8]) -> Self {
        let (value, tangent) = bytes.split_at(f64::BYTES);
        Dual::new(f64::read_le(value), f64::read_le(tangent))
    }
}

impl PartialEq for Dual {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Dual {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl Add for Dual {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Dual { value: self.value + b.value, tangent: self.tangent + b.tangent }
    }
}

impl Sub for Dual {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Dual { value: self.value - b.value, tangent: self.tangent - b.tangent }
    }
}

/// `(a b)′ = a′ b + a b′`.
impl Mul for Dual {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Dual { value: self.value * b.value, tangent: self.tangent * b.value + self.value * b.tangent }
    }
}

/// `(a / b)′ = (a′ − (a / b) b′) / b`.
impl Div for Dual {
    type Output = Self;
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        let value = self.value / b.value;
        Dual { value, tangent: (self.tangent - value * b.tangent) / b.value }
    }
}

impl Neg for Dual {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Dual { value: -self.value, tangent: -self.tangent }
    }
}

impl AddAssign for Dual {
    #[inline(always)]
    fn add_assign(&mut self, b: Self) {
        *self = *self + b;
    }
}

impl SubAssign for Dual {
    #[inline(always)]
    fn sub_assign(&mut self, b: Self) {
        *self = *self - b;
    }
}

impl MulAssign for Dual {
    #[inline(always)]
    fn mul_assign(&mut self, b: Self) {
        *self = *self * b;
    }
}

impl Sum for Dual {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Dual::ZERO, |sum, x| sum + x)
    }
}

impl fmt::Display for Dual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + ε {}", self.value, self.tangent)
    }
}

#[cfg(test)]
mod tests;
