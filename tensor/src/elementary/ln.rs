//! Natural logarithms.

use super::{LN_2_HIGH, LN_2_LOW, polynomial, power_of_two};

/// The bits of ⅔: mantissas are taken from ⅔ to 4/3, so that the logarithm of a number near 1 is
/// not a difference of two large ones.
const TWO_THIRDS: u32 = 0x3f2a_aaab;

/// `x = 2ᵉ m` with `m` between ⅔ and 4/3, for positive normal `x`.
#[inline(always)]
fn split(x: f32) -> (i32, f32) {
    let bits = x.to_bits().wrapping_sub(TWO_THIRDS);
    (bits as i32 >> 23, f32::from_bits((bits & 0x007f_ffff).wrapping_add(TWO_THIRDS)))
}

/// `e ln 2 + ln(1 + f + c)` for `|f| ≤ ⅓` and a `c` below the last place of `f`.
///
/// `ln(1 + f) = f − ½ f² + f³ P(f)`. The two large terms are added with what their rounding loses,
/// by Dekker's (1971) two-term sum.
#[inline(always)]
fn ln_of_parts(exponent: i32, f: f32, c: f32) -> f32 {
    let exponent = exponent as f32;
    let p = polynomial!(
        f,
        [
            0.333_333_34,
            -0.249_999_45,
            0.199_999_48,
            -0.166_733_16,
            0.142_918_68,
            -0.122_887_22,
            0.109_156_55,
            -0.124_222,
            0.113_306_17
        ]
    );
    let high = exponent * LN_2_HIGH;
    let sum = high + f;
    let lost = (high - sum) + f;
    sum + (lost + (exponent * LN_2_LOW + (c + (f * f * (f * p) - 0.5 * (f * f)))))
}

/// `ln x` over the whole range: −∞ at both zeros, NaN below.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let (exponent, m) = split(if subnormal { x * 8_388_608.0 } else { x });
    let exponent = exponent.wrapping_sub(if subnormal { 23 } else { 0 });
    let value = ln_of_parts(exponent, m - 1.0, 0.0);
    let value = if x < f32::INFINITY { value } else { x }; // ∞ and NaN stay
    let value = if x == 0.0 { f32::NEG_INFINITY } else { value };
    if x < 0.0 { f32::NAN } else { value }
}

/// `ln(1 + x)`, accurate near 0, over the whole range: −∞ at −1, NaN below.
///
/// With `u = 1 + x` rounded, and what that lost, `c`: both are scaled by the exponent of `u`.
#[inline(always)]
pub(crate) fn ln_1p(x: f32) -> f32 {
    let u = 1.0 + x;
    let c = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    let (exponent, m) = split(u);
    // Where the scale would leave the range c is of no consequence.
    let (whole, part) = (m - 1.0, c * power_of_two(-exponent.min(126)));
    let f = whole + part;
    let value = ln_of_parts(exponent, f, (whole - f) + part);
    let value = if x < f32::INFINITY { value } else { x };
    let value = if x == -1.0 { f32::NEG_INFINITY } else { value };
    let value = if x < -1.0 { f32::NAN } else { value };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{check, check_everywhere};
    use super::*;

    #[test]
    fn ln_is_accurate() {
        check(1.0, 3.0, ln, f64::ln);
    }

    #[test]
    fn ln_1p_is_accurate() {
        check(1.25, 3.0, ln_1p, f64::ln_1p);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn ln_is_accurate_everywhere() {
        check_everywhere(1.0, ln, f64::ln);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn ln_1p_is_accurate_everywhere() {
        check_everywhere(1.25, ln_1p, f64::ln_1p);
    }

    #[test]
    fn special_values() {
        let (infinity, nan) = (f32::INFINITY, f32::NAN);
        assert_eq!([ln(1.0), ln(0.0), ln(-0.0), ln(infinity)], [0.0, -infinity, -infinity, infinity]);
        assert_eq!([ln_1p(0.0), ln_1p(-1.0), ln_1p(infinity)], [0.0, -infinity, infinity]);
        assert_eq!(ln_1p(f32::from_bits(1)), f32::from_bits(1));
        assert!([ln(-f32::MIN_POSITIVE), ln(-infinity), ln(nan)].iter().all(|y| y.is_nan()));
        assert!([ln_1p(-1.0 - f32::EPSILON), ln_1p(-infinity), ln_1p(nan)].iter().all(|y| y.is_nan()));
    }
}
