//! Elementwise functions over slices.

use super::dispatch::{InstructionSet, instruction_sets};
use super::lanes::Lanes;
use crate::Real;

/// `y = eˣ`, elementwise.
///
/// # Panics
///
/// When the lengths differ.
#[track_caller]
pub fn exp<T: Real>(x: &[T], y: &mut [T]) {
    check("exp", x, y);
    exp_on(InstructionSet::best(), x, y);
}

/// `y = tanh x`, elementwise.
///
/// # Panics
///
/// When the lengths differ.
#[track_caller]
pub fn tanh<T: Real>(x: &[T], y: &mut [T]) {
    check("tanh", x, y);
    tanh_on(InstructionSet::best(), x, y);
}

/// `y = σ(x) = 1 / (1 + e⁻ˣ)`, elementwise.
///
/// # Panics
///
/// When the lengths differ.
#[track_caller]
pub fn sigmoid<T: Real>(x: &[T], y: &mut [T]) {
    check("sigmoid", x, y);
    sigmoid_on(InstructionSet::best(), x, y);
}

#[track_caller]
fn check<T>(operation: &str, x: &[T], y: &[T]) {
    assert!(x.len() == y.len(), "{operation}: lengths differ: [{}] into [{}]", x.len(), y.len());
}

instruction_sets! { exp_on(x: &[T], y: &mut [T]) = exp_body }
instruction_sets! { tanh_on(x: &[T], y: &mut [T]) = tanh_body }
instruction_sets! { sigmoid_on(x: &[T], y: &mut [T]) = sigmoid_body }

#[inline(always)]
fn exp_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.exp();
    }
}

#[inline(always)]
fn tanh_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.tanh();
    }
}

#[inline(always)]
fn sigmoid_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.sigmoid();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, bits, normal};
    use super::*;
    use crate::Rng;

    #[test]
    fn slices_and_scalars_agree_to_the_bit() {
        let mut rng = Rng::new(1);
        for length in LENGTHS {
            let x: Vec<f32> = normal(length, &mut rng).into_iter().map(|x| 20.0 * x).collect();
            let scalar = |f: fn(f32) -> f32| bits(&x.iter().map(|&x| f(x)).collect::<Vec<_>>());
            let mut y = x.clone();
            for set in InstructionSet::all() {
                exp_on(set, &x, &mut y);
                assert_eq!(bits(&y), scalar(Real::exp));
                tanh_on(set, &x, &mut y);
                assert_eq!(bits(&y), scalar(Real::tanh));
                sigmoid_on(set, &x, &mut y);
                assert_eq!(bits(&y), scalar(Real::sigmoid));
            }
        }
    }
}
