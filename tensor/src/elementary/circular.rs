//! Sine and cosine.
//!
//! An angle is turned into quarter turns: `x · 2/π = n + r` with an integer `n` and `|r| ≤ ½`. Of a
//! large angle hardly anything is left after whole turns are taken off, so `2/π` must be known to
//! many digits; but the leading ones, whose product with `x` is a multiple of four, need not be
//! multiplied at all (Payne and Hanek, 1983). A table holds the 29 bits of `2/π` that come next,
//! whose product with the 24 bits of `x` is exact in double precision, and those that follow. So
//! the whole range takes the same few instructions.

use super::polynomial;

/// The first 256 bits of `2/π`, behind the point.
const TWO_OVER_PI: [u64; 4] =
    [0xa2f9_836e_4e44_1529, 0xfc27_57d1_f534_ddc0, 0xdb62_9599_3c43_9041, 0xfe51_63ab_debb_c561];

/// The exponent field of the smallest numbers (2²⁵ and up) that bits of `2/π` are left out for.
const FIRST: u32 = 127 + 25;

/// For each exponent field from [`FIRST`] on: what is left of `2/π`, its first 29 bits and the rest.
static PARTS: [[f64; 2]; 128] = {
    let mut parts = [[0.0; 2]; 128];
    let mut left_out = 0;
    while left_out <= (255 - FIRST) as usize {
        parts[left_out] = [bits(left_out, 29), bits(left_out + 29, 60)];
        left_out += 1;
    }
    parts
};

/// The value of bits `first..first + count` of `2/π`, the first bit being worth ½.
const fn bits(first: usize, count: usize) -> f64 {
    let (mut value, mut i) = (0_u64, first);
    while i < first + count {
        value = value << 1 | TWO_OVER_PI[i / 64] >> (63 - i % 64) & 1;
        i += 1;
    }
    value as f64 * f64::from_bits((1023 - (first + count) as u64) << 52)
}

/// `|x| · 2/π` as the last bits of its nearest integer and the rest, which is NaN for ∞ and NaN.
#[inline(always)]
fn quarter_turns(x: f32) -> (u32, f64) {
    /// 1.5 · 2⁵²: adding it rounds to an integer, held in the low bits of the sum.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let exponent = x.to_bits() >> 23 & 0xff;
    let [high, low] = PARTS[(exponent.max(FIRST) - FIRST) as usize & 127];
    let size = f64::from(x.abs());
    let (high, low) = (size * high, size * low);
    let shifted = (high + low) + ROUND;
    (shifted.to_bits() as u32, (high - (shifted - ROUND)) + low)
}

/// The sine of `quarters + r` quarter turns, with the sign bit flipped where `sign` has it.
#[inline(always)]
fn sine(quarters: u32, r: f64, sign: u32) -> f32 {
    let square = r * r;
    let odd = r * polynomial!(
        square,
        [
            1.570_796_326_788_086_2,
            -0.645_964_096_144_624_2,
            7.969_258_267_354_878e-2,
            -4.681_265_867_999_628e-3,
            1.582_054_153_418_526e-4
        ]
    );
    let even = polynomial!(
        square,
        [
            1.0,
            -1.233_700_550_135_277_1,
            0.253_669_507_722_561_97,
            -2.086_347_505_204_581_5e-2,
            9.191_962_833_415_267e-4,
            -2.490_911_221_992_309_7e-5
        ]
    );
    let value = if quarters & 1 == 0 { odd } else { even };
    f32::from_bits((value as f32).to_bits() ^ (quarters << 30 & 0x8000_0000) ^ sign)
}

/// `sin x`, `x` in radians, over the whole range; NaN of ±∞.
#[inline(always)]
pub(crate) fn sin(x: f32) -> f32 {
    let (quarters, r) = quarter_turns(x);
    sine(quarters, r, x.to_bits() & 0x8000_0000)
}

/// `cos x`, `x` in radians, over the whole range; NaN of ±∞.
#[inline(always)]
pub(crate) fn cos(x: f32) -> f32 {
    let (quarters, r) = quarter_turns(x);
    sine(quarters.wrapping_add(1), r, 0)
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{check, check_everywhere};
    use super::*;

    #[test]
    fn sine_is_accurate() {
        check(0.52, 7.0, sin, f64::sin);
        check(0.52, 1e5, sin, f64::sin);
    }

    #[test]
    fn cosine_is_accurate() {
        check(0.52, 7.0, cos, f64::cos);
        check(0.52, 1e5, cos, f64::cos);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn sine_is_accurate_everywhere() {
        check_everywhere(0.52, sin, f64::sin);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn cosine_is_accurate_everywhere() {
        check_everywhere(0.52, cos, f64::cos);
    }

    #[test]
    fn special_values() {
        assert_eq!([sin(0.0), cos(0.0), cos(-0.0)], [0.0, 1.0, 1.0]);
        assert_eq!(sin(f32::from_bits(1)), f32::from_bits(1));
        assert!([f32::INFINITY, -f32::INFINITY, f32::NAN].iter().all(|&x| sin(x).is_nan() && cos(x).is_nan()));
    }
}
