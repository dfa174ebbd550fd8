//! Inner products and their kin: `a · b`, `y += α x`, `y += x`.

use super::dispatch::{InstructionSet, instruction_sets};
use super::lanes::{LANES, Lanes, multiply_add};
use crate::Real;
use std::hint::black_box;

/// The inner product `Σⱼ aⱼ bⱼ` of two vectors of the same length.
///
/// See [growth](super#growth) for the order of addition.
///
/// # Panics
///
/// When the lengths differ.
#[track_caller]
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    assert!(a.len() == b.len(), "dot: lengths differ: [{}] · [{}]", a.len(), b.len());
    dot_on(InstructionSet::best(), a, b)
}

/// `y += α x`.
///
/// # Panics
///
/// When the lengths differ.
#[track_caller]
pub fn axpy<T: Real>(alpha: T, x: &[T], y: &mut [T]) {
    assert!(x.len() == y.len(), "axpy: lengths differ: [{}] += α [{}]", y.len(), x.len());
    axpy_on(InstructionSet::best(), alpha, x, y);
}

/// `y += x`.
///
/// # Panics
///
/// When the lengths differ.
#[track_caller]
pub fn add_assign<T: Real>(x: &[T], y: &mut [T]) {
    assert!(x.len() == y.len(), "add_assign: lengths differ: [{}] += [{}]", y.len(), x.len());
    add_assign_on(InstructionSet::best(), x, y);
}

instruction_sets! { dot_on(a: &[T], b: &[T]) -> T = dot_body }
instruction_sets! { axpy_on(alpha: T, x: &[T], y: &mut [T]) = axpy_body }
instruction_sets! { add_assign_on(x: &[T], y: &mut [T]) = add_assign_body }

#[inline(always)]
fn dot_body<T: Real, L: Lanes<T>, const BLOCK: usize>(a: &[T], b: &[T]) -> T {
    let [[product]] = dot_rows::<T, L, 1, 1>(a, b, b.len());
    product
}

#[inline(always)]
pub(super) fn axpy_body<T: Real, L: Lanes<T>, const BLOCK: usize>(alpha: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = multiply_add::<T, L>(alpha, x, *y);
    }
}

#[inline(always)]
fn add_assign_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// The inner product of each row of `w [ROWS, columns]` with each row of `x [COUNT, columns]`, by
/// rows of `x`; each part of a row is loaded once for all rows of the other.
///
/// Element `j` goes to lane `j mod 16`, so a product depends neither on how many rows there are nor
/// on zeros beyond its end.
#[inline(always)]
pub(super) fn dot_rows<T: Real, L: Lanes<T>, const ROWS: usize, const COUNT: usize>(
    w: &[T],
    x: &[T],
    columns: usize,
) -> [[T; ROWS]; COUNT] {
    let whole = columns / LANES;
    let mut w_rows: [(&[[T; LANES]], &[T]); ROWS] = [(&[], &[]); ROWS];
    let mut x_rows: [(&[[T; LANES]], &[T]); COUNT] = [(&[], &[]); COUNT];
    for i in 0..ROWS {
        let (chunks, tail) = w[i * columns..][..columns].as_chunks();
        w_rows[i] = (&chunks[..whole], tail);
    }
    for j in 0..COUNT {
        let (chunks, tail) = x[j * columns..][..columns].as_chunks();
        x_rows[j] = (&chunks[..whole], tail);
    }
    let mut sums = [[L::splat(T::ZERO); ROWS]; COUNT];
    let mut x_lanes = [L::splat(T::ZERO); COUNT];
    for chunk in 0..whole {
        for j in 0..COUNT {
            x_lanes[j] = L::load(&x_rows[j].0[chunk]);
        }
        for i in 0..ROWS {
            let w = L::load(&w_rows[i].0[chunk]);
            for j in 0..COUNT {
                sums[j][i] = w.multiply_add(x_lanes[j], sums[j][i]);
            }
        }
    }
    if !columns.is_multiple_of(LANES) {
        if !L::MASKED {
            // In memory from here on, or the partial chunk would tear the sums out of their registers.
            sums = black_box(sums);
        }
        for j in 0..COUNT {
            x_lanes[j] = L::load_first(x_rows[j].1);
        }
        for i in 0..ROWS {
            for j in 0..COUNT {
                sums[j][i] = x_lanes[j].multiply_add_first(w_rows[i].1, sums[j][i]);
            }
        }
    }
    let mut products = [[T::ZERO; ROWS]; COUNT];
    for j in 0..COUNT {
        products[j] = L::fold(sums[j]);
    }
    products
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, bits, normal};
    use super::*;
    use crate::Rng;
    use proptest::prelude::*;

    /// `Σⱼ aⱼ bⱼ` from left to right in double precision.
    fn dot_naive(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    #[test]
    fn dot_matches_the_naive_sum() {
        let mut rng = Rng::new(1);
        for length in LENGTHS {
            let (a, b) = (normal(length, &mut rng), normal(length, &mut rng));
            let size: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a * b).abs()).sum();
            // Each lane adds length / 16 products, and the tree four more.
            let bound = f64::from(f32::EPSILON) * size * (length as f64 / 16.0 + 6.0);
            for set in InstructionSet::all() {
                let difference = f64::from(dot_on(set, &a, &b)) - dot_naive(&a, &b);
                assert!(difference.abs() <= bound, "{set:?}, length {length}: {difference}");
            }
            let exact = dot_on::<f64>(InstructionSet::best(), &[0.5; 33], &[2.0; 33]);
            assert_eq!(exact, 33.0);
        }
    }

    #[test]
    fn axpy_and_add_assign_match_plain_loops() {
        let mut rng = Rng::new(2);
        for length in LENGTHS {
            let (x, y) = (normal(length, &mut rng), normal(length, &mut rng));
            for set in InstructionSet::all() {
                let (mut scaled, mut added) = (y.clone(), y.clone());
                axpy_on(set, 0.75, &x, &mut scaled);
                add_assign_on(set, &x, &mut added);
                for j in 0..length {
                    assert!((scaled[j] - (y[j] + 0.75 * x[j])).abs() < 1e-6);
                    assert_eq!(added[j], y[j] + x[j]);
                }
            }
        }
    }

    #[test]
    fn wide_instruction_sets_give_the_same_bits() {
        let mut rng = Rng::new(3);
        for length in LENGTHS {
            let (a, b) = (normal(length, &mut rng), normal(length, &mut rng));
            let wide = InstructionSet::all().into_iter().skip(1);
            let results: Vec<f32> = wide.map(|set| dot_on(set, &a, &b)).collect();
            assert!(bits(&results).windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    proptest! {
        #[test]
        fn appending_zeros_keeps_the_bits(seed: u64, length in 0_usize..200, zeros in 0_usize..100) {
            let mut rng = Rng::new(seed);
            let (mut a, mut b) = (normal(length, &mut rng), normal(length, &mut rng));
            for set in InstructionSet::all() {
                let before = dot_on(set, &a[..length], &b[..length]);
                a.resize(length + zeros, 0.0);
                b.resize(length + zeros, 0.0);
                prop_assert_eq!(before.to_bits(), dot_on(set, &a, &b).to_bits());
            }
        }
    }

    #[test]
    fn sums_that_vanish_are_positive_zeros() {
        // Each product underflows to −0, which a lane of zeros would turn into +0.
        let (a, b) = ([1e-30_f32; 16], [-1e-30_f32; 16]);
        assert_eq!(dot(&a, &b).to_bits(), 0.0_f32.to_bits());
    }

    #[test]
    #[should_panic(expected = "dot: lengths differ: [2] · [3]")]
    fn different_lengths_panic() {
        dot(&[1.0_f32; 2], &[1.0; 3]);
    }
}
