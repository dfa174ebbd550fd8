//! The elementary functions in single precision, and `erf`, which the standard library lacks.
//!
//! They are written without branches, so that a loop over a slice becomes vector instructions, and
//! without fused multiply-adds, so that every processor gives the same bits. The polynomials
//! interpolate the functions at Chebyshev nodes; the reductions are those of Cody and Waite (1980),
//! for the circular functions that of Payne and Hanek (1983).
//!
//! | function | largest error seen, units in the last place | held by a test |
//! |---|---|---|
//! | `exp` | 0.95 | 1.0 |
//! | `exp_m1` | 1.06 | 1.25 |
//! | `tanh` | 1.29 | 1.5 |
//! | `sigmoid` | 2.29 | 2.5 |
//! | `ln` | 0.83 | 1.0 |
//! | `ln_1p` | 1.10 | 1.25 |
//! | `erf` | 1.37 | 1.5 |
//! | `sin`, `cos` | 0.501 | 0.52 |
//! | `erf` of an `f64` | 1.20 | 1.5, at known values |
//!
//! The tests look at one number in a thousand of all 2³² and at four million more of moderate size;
//! the ignored ones, named `…_everywhere`, at every number. The power function is that of double
//! precision, rounded.

mod circular;
mod erf;
mod exp;
mod ln;

pub(crate) use circular::{cos, sin};
pub(crate) use erf::{erf, erf_f64};
pub(crate) use exp::{exp, exp_m1, sigmoid, tanh};
pub(crate) use ln::{ln, ln_1p};

/// ln 2 in two parts: the high part has so few bits that an exponent times it is exact.
const LN_2_HIGH: f32 = 22_713.0 / 32_768.0;
const LN_2_LOW: f32 = 1.428_606_8e-6;

/// `c₀ + c₁ x + c₂ x² + …` by Horner's rule. A macro, since it serves both precisions.
macro_rules! polynomial {
    ($x:expr, [$first:expr $(,)?]) => { $first };
    ($x:expr, [$first:expr, $($rest:expr),+ $(,)?]) => { $first + $x * polynomial!($x, [$($rest),+]) };
}
use polynomial;

/// `2ⁿ` for `n` in −126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// How the tests measure errors.
#[cfg(test)]
mod accuracy {
    /// The distance between `value` and the true result, in units of the last place of the latter.
    fn ulps(value: f32, exact: f64) -> f64 {
        let nearest = exact as f32;
        if (value.is_nan() && exact.is_nan()) || (value == nearest && nearest.is_infinite()) {
            return 0.0; // also where both overflow to ∞
        }
        let exponent = ((exact.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(-126);
        let unit = f64::from_bits(((exponent - 23 + 1023) as u64) << 52);
        (f64::from(value) - exact).abs() / unit
    }

    /// The largest error over these numbers, and where it is.
    fn largest(numbers: impl Iterator<Item = f32>, function: fn(f32) -> f32, exact: fn(f64) -> f64) -> (f64, f32) {
        numbers.fold((0.0, 0.0), |worst, x| {
            let error = ulps(function(x), exact(f64::from(x)));
            if error > worst.0 || error.is_nan() { (error, x) } else { worst }
        })
    }

    #[track_caller]
    fn check_all(bound: f64, numbers: impl Iterator<Item = f32>, function: fn(f32) -> f32, exact: fn(f64) -> f64) {
        let (error, x) = largest(numbers, function, exact);
        println!("{error:.4} ulp at {x:e}");
        assert!(error <= bound, "{error} ulp at {x:e}: {:e}", function(x));
    }

    /// Every 1021st bit pattern (4.2 million numbers, ∞ and NaN among them), and 4 million numbers from −`range` to
    /// `range`.
    #[track_caller]
    pub fn check(bound: f64, range: f32, function: fn(f32) -> f32, exact: fn(f64) -> f64) {
        check_all(bound, (0..=u32::MAX).step_by(1021).map(f32::from_bits), function, exact);
        let within = (-2_000_000..=2_000_000).map(|step| range * (step as f32 / 2e6));
        check_all(bound, within.chain([f32::NAN, f32::INFINITY, f32::NEG_INFINITY]), function, exact);
    }

    /// Every bit pattern: a minute or two.
    #[track_caller]
    pub fn check_everywhere(bound: f64, function: fn(f32) -> f32, exact: fn(f64) -> f64) {
        check_all(bound, (0..=u32::MAX).map(f32::from_bits), function, exact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rise_up_to_rounding() {
        for function in [exp, exp_m1, tanh, sigmoid, erf] {
            let values = (-400_000..400_000).map(|step| function(step as f32 * 2e-4));
            values.reduce(|before, now| {
                assert!(now >= before * (1.0 - 3.0 * f32::EPSILON * before.signum()));
                now
            });
        }
    }

    #[test]
    fn odd_functions_are_odd_and_keep_the_sign_of_zero() {
        for function in [tanh, erf, sin] {
            for x in (0..=u32::MAX / 2).step_by(4093).map(f32::from_bits).filter(|x| x.is_finite()) {
                assert_eq!(function(-x).to_bits(), (-function(x)).to_bits(), "at {x}");
                assert!(function(x) <= 1.0);
            }
        }
        for function in [tanh, erf, sin, exp_m1, ln_1p] {
            assert_eq!([0.0, -0.0].map(|x| function(x).to_bits()), [0.0_f32, -0.0].map(f32::to_bits));
        }
    }
}
