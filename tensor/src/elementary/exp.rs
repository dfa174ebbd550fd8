//! `eˣ` and what is made of it.

use super::{LN_2_HIGH, LN_2_LOW, polynomial, power_of_two};
use std::f32::consts::LOG2_E;

/// 1.5 · 2²³: adding it to a number below 2²² in size rounds that number to an integer, held in
/// the low bits of the sum.
const ROUND: f32 = 12_582_912.0;

/// `x = n ln 2 + r + c` with the integer nearest to `x / ln 2` as `n`, so that `|r| ≤ ½ ln 2`, and
/// what was lost in rounding `r` as `c`.
///
/// Arguments beyond −104 and 89, where the exponential is 0 or ∞, are taken to be there; NaN stays.
#[inline(always)]
fn reduce(x: f32) -> (i32, f32, f32) {
    let x = if x < -104.0 { -104.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let (high, low) = (x - n * LN_2_HIGH, n * LN_2_LOW);
    let r = high - low;
    let integer = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    (integer, r, (high - r) - low)
}

/// `(eʳ − 1 − r) / r²` for `|r| ≤ ½ ln 2`.
#[inline(always)]
fn exp_tail(r: f32) -> f32 {
    polynomial!(r, [0.5, 1.666_666_7e-1, 4.166_646e-2, 8.333_31e-3, 1.393_409e-3, 1.989_148e-4])
}

/// `eˣ` over the whole range, with subnormal results, 0 and ∞ where they belong.
///
/// `eˣ = 2ⁿ eʳ` and `eʳ = 1 + r + r² P(r)`.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let (n, r, _) = reduce(x);
    let y = 1.0 + (r + r * r * exp_tail(r));
    // 2ⁿ in two factors: n may exceed what one exponent can hold.
    let half = n >> 1;
    y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `eˣ − 1`, accurate near 0, over the whole range.
///
/// With `2ⁿ = a b`: `eˣ − 1 = b ((a − 1/b) + a r + a (r² P(r) + c))`, where the first sum is kept
/// with what its rounding loses, by Dekker's (1971) two-term sum.
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let (n, r, c) = reduce(x);
    let half = n >> 1;
    let (a, b) = (power_of_two(half), power_of_two(n.wrapping_sub(half)));
    let (whole, part) = (a - power_of_two(half.wrapping_sub(n)), a * r);
    let sum = whole + part;
    let lost = (whole - sum) + part;
    let y = b * (sum + (lost + a * (r * r * exp_tail(r) + c)));
    y.copysign(x)
}

/// `tanh x`: `z + z³ Q(z²)` for `z = |x| < 0.625`, else `1 − 2 / (e²ᶻ + 1)`, with the sign of `x`.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let p = polynomial!(
        square,
        [-3.333_333_3e-1, 1.333_330_2e-1, -5.395_893_3e-2, 2.176_627_3e-2, -8.335_324e-3, 2.283_024_4e-3]
    );
    let small = size + size * square * p;
    let large = 1.0 - 2.0 / (exp(size + size) + 1.0);
    let value = if size < 0.625 { small } else { large };
    value.copysign(x)
}

/// `σ(x) = 1 / (1 + e⁻ˣ)`, computed from `e⁻ˡˣˡ`, which cannot overflow: for negative `x` it is
/// `eˣ / (1 + eˣ)`, which keeps its relative accuracy down to the subnormal numbers.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let small = exp(-x.abs());
    let numerator = if x < 0.0 { small } else { 1.0 };
    numerator / (1.0 + small)
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{check, check_everywhere};
    use super::*;

    fn exact_sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn exp_is_accurate() {
        check(1.0, 105.0, exp, f64::exp);
    }

    #[test]
    fn exp_m1_is_accurate() {
        check(1.25, 90.0, exp_m1, f64::exp_m1);
        check(1.25, 2.0, exp_m1, f64::exp_m1);
    }

    #[test]
    fn tanh_is_accurate() {
        check(1.5, 10.0, tanh, f64::tanh);
    }

    #[test]
    fn sigmoid_is_accurate() {
        check(2.5, 105.0, sigmoid, exact_sigmoid);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn exp_is_accurate_everywhere() {
        check_everywhere(1.0, exp, f64::exp);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn exp_m1_is_accurate_everywhere() {
        check_everywhere(1.25, exp_m1, f64::exp_m1);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn tanh_is_accurate_everywhere() {
        check_everywhere(1.5, tanh, f64::tanh);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn sigmoid_is_accurate_everywhere() {
        check_everywhere(2.5, sigmoid, exact_sigmoid);
    }

    #[test]
    fn special_values() {
        let (infinity, nan) = (f32::INFINITY, f32::NAN);
        assert_eq!([exp(0.0), exp(-0.0), exp(infinity), exp(-infinity)], [1.0, 1.0, infinity, 0.0]);
        assert_eq!([exp(88.73), exp(-104.0), exp(f32::MAX), exp(f32::MIN)], [infinity, 0.0, infinity, 0.0]);
        assert_eq!(exp(-103.0), f32::from_bits(1), "the smallest subnormal number");
        assert_eq!([exp_m1(infinity), exp_m1(-infinity), exp_m1(88.73)], [infinity, -1.0, infinity]);
        assert_eq!(exp_m1(f32::from_bits(1)), f32::from_bits(1));
        assert_eq!([tanh(infinity), tanh(-infinity), tanh(0.0)], [1.0, -1.0, 0.0]);
        assert_eq!([sigmoid(infinity), sigmoid(-infinity), sigmoid(0.0)], [1.0, 0.0, 0.5]);
        assert!([exp, exp_m1, tanh, sigmoid].iter().all(|function| function(nan).is_nan()));
    }
}
