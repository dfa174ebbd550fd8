//! Softmax of one row, and its logarithm.
//!
//! Every exponent is shifted by the row's maximum, so nothing overflows. What is not finite:
//!
//! * an element of −∞ has probability 0 and log-probability −∞, if another is finite;
//! * a NaN, a +∞, or nothing but −∞ makes every element of the result NaN: such a row has no
//!   distribution;
//! * [`log_sum_exp`] is NaN for a NaN, else +∞ for a +∞, and −∞ for nothing but −∞;
//! * an empty row has an empty softmax, and −∞ as its [`log_sum_exp`].

use super::dispatch::{InstructionSet, instruction_sets};
use super::lanes::Lanes;
use super::reduce::{max_of, sum_of};
use crate::Real;

/// `yᵢ = e^(xᵢ − m) / Σⱼ e^(xⱼ − m)` with `m = max x`.
///
/// # Panics
///
/// When the lengths differ.
#[track_caller]
pub fn softmax<T: Real>(x: &[T], y: &mut [T]) {
    assert!(x.len() == y.len(), "softmax: lengths differ: [{}] into [{}]", x.len(), y.len());
    softmax_on(InstructionSet::best(), x, y);
}

/// `yᵢ = (xᵢ − m) − ln Σⱼ e^(xⱼ − m)` with `m = max x`.
///
/// # Panics
///
/// When the lengths differ.
#[track_caller]
pub fn log_softmax<T: Real>(x: &[T], y: &mut [T]) {
    assert!(x.len() == y.len(), "log_softmax: lengths differ: [{}] into [{}]", x.len(), y.len());
    log_softmax_on(InstructionSet::best(), x, y);
}

/// `ln Σⱼ e^xⱼ = m + ln Σⱼ e^(xⱼ − m)` with `m = max x`.
pub fn log_sum_exp<T: Real>(x: &[T]) -> T {
    log_sum_exp_on(InstructionSet::best(), x)
}

instruction_sets! { softmax_on(x: &[T], y: &mut [T]) = softmax_body }
instruction_sets! { log_softmax_on(x: &[T], y: &mut [T]) = log_softmax_body }
instruction_sets! { log_sum_exp_on(x: &[T]) -> T = log_sum_exp_body }

#[inline(always)]
fn softmax_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], y: &mut [T]) {
    let max = max_of(x);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - max).exp();
    }
    let total = sum_of(y, |y| y);
    for y in y {
        *y = *y / total;
    }
}

#[inline(always)]
fn log_softmax_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], y: &mut [T]) {
    let max = max_of(x);
    let log_total = sum_of(x, |x| (x - max).exp()).ln();
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - max) - log_total;
    }
}

#[inline(always)]
fn log_sum_exp_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T]) -> T {
    let max = max_of(x);
    // An infinite maximum is the answer by itself: ∞ − ∞ would make NaN of it.
    let shift = if max.is_finite() { max } else { T::ZERO };
    shift + sum_of(x, |x| (x - shift).exp()).ln()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, normal};
    use super::*;
    use crate::Rng;

    /// `ln Σⱼ e^xⱼ` in double precision.
    fn log_sum_exp_naive(x: &[f32]) -> f64 {
        x.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln()
    }

    #[test]
    fn results_match_the_definition() {
        let mut rng = Rng::new(1);
        for length in LENGTHS.into_iter().filter(|&length| length > 0) {
            let x = normal(length, &mut rng);
            let total = log_sum_exp_naive(&x);
            let (mut p, mut log_p) = (x.clone(), x.clone());
            for set in InstructionSet::all() {
                softmax_on(set, &x, &mut p);
                log_softmax_on(set, &x, &mut log_p);
                assert!((f64::from(log_sum_exp_on(set, &x)) - total).abs() < 1e-6);
                for i in 0..length {
                    let exact = f64::from(x[i]) - total;
                    assert!((f64::from(p[i]) / exact.exp() - 1.0).abs() < 2e-6);
                    assert!((f64::from(log_p[i]) - exact).abs() < 2e-6);
                }
            }
        }
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let mut p = [0.0_f32; 3];
        softmax(&[1000.0, 1000.0, -1000.0], &mut p);
        assert_eq!(p, [0.5, 0.5, 0.0]);
        assert_eq!(log_sum_exp(&[-1000.0_f32]), -1000.0);
        log_softmax(&[1000.0, 0.0, 0.0], &mut p);
        assert_eq!(p, [0.0, -1000.0, -1000.0]);
    }

    #[test]
    fn the_rule_for_what_is_not_finite_holds() {
        const MINUS: f32 = f32::NEG_INFINITY;
        let mut p = [0.0_f32; 2];
        softmax(&[MINUS, 3.0], &mut p);
        assert_eq!(p, [0.0, 1.0]);
        log_softmax(&[MINUS, 3.0], &mut p);
        assert_eq!(p, [MINUS, 0.0]);
        for x in [[MINUS, MINUS], [f32::INFINITY, 0.0], [f32::NAN, 0.0]] {
            softmax(&x, &mut p);
            assert!(p.iter().all(|p| p.is_nan()), "{x:?}");
            log_softmax(&x, &mut p);
            assert!(p.iter().all(|p| p.is_nan()), "{x:?}");
        }
        assert_eq!(log_sum_exp(&[MINUS, MINUS]), MINUS);
        assert_eq!(log_sum_exp(&[f32::INFINITY, 0.0]), f32::INFINITY);
        assert!(log_sum_exp(&[f32::INFINITY, f32::NAN]).is_nan());
        assert_eq!(log_sum_exp::<f32>(&[]), MINUS);
        softmax::<f32>(&[], &mut []);
    }
}
