//! Sums and maxima.

use super::dispatch::{InstructionSet, instruction_sets};
use super::lanes::{LANES, Lanes, fold};
use crate::Real;
use std::hint::black_box;

/// The number of elements that are added before the pairwise tree begins.
const CHUNK: usize = 1024;
/// The number of partial sums within a chunk.
const WIDTH: usize = 64;

/// The sum of the elements, 0 for none.
///
/// Blocks of 1024 elements, each summed in 64 lanes, are added in pairs (Higham, 1993): the error
/// is at most `(22 + log₂(n / 1024)) · ε/2 · Σ |xᵢ|` to first order, instead of the `n · ε/2 · Σ
/// |xᵢ|` of a plain loop. Every instruction set gives the same bits.
pub fn sum<T: Real>(x: &[T]) -> T {
    sum_on(InstructionSet::best(), x)
}

/// The sum of the squares of the elements, `‖x‖²`; added as [`sum`] does.
pub fn sum_of_squares<T: Real>(x: &[T]) -> T {
    sum_of_squares_on(InstructionSet::best(), x)
}

instruction_sets! { sum_on(x: &[T]) -> T = sum_body }
instruction_sets! { sum_of_squares_on(x: &[T]) -> T = sum_of_squares_body }

#[inline(always)]
fn sum_of_squares_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T]) -> T {
    sum_of(x, |x| x * x)
}

#[inline(always)]
fn sum_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T]) -> T {
    sum_of(x, |x| x)
}

/// The sum of `term(x)` over the elements.
#[inline(always)]
pub(super) fn sum_of<T: Real>(x: &[T], term: impl Fn(T) -> T) -> T {
    if x.len() <= CHUNK {
        return sum_of_chunk(x, &term);
    }
    // `partial[level]` is the sum of 2^level chunks, for each bit set in the number of chunks:
    // adding a chunk carries as adding one in binary does.
    let mut partial = [T::ZERO; usize::BITS as usize];
    let mut chunks = 0_usize;
    for chunk in x.chunks(CHUNK) {
        let mut total = sum_of_chunk(chunk, &term);
        let mut level = 0;
        while (chunks >> level) & 1 == 1 {
            total = partial[level] + total;
            level += 1;
        }
        partial[level] = total;
        chunks += 1;
    }
    let mut total = T::ZERO;
    for (level, &partial) in partial.iter().enumerate().take_while(|(level, _)| chunks >> level != 0) {
        if (chunks >> level) & 1 == 1 {
            total = partial + total;
        }
    }
    total
}

/// The sum over one chunk: element `j` goes to lane `j mod 64`, and the lanes are folded in a tree.
#[inline(always)]
fn sum_of_chunk<T: Real>(chunk: &[T], term: impl Fn(T) -> T) -> T {
    let (parts, tail) = chunk.as_chunks::<WIDTH>();
    let mut sums = [T::ZERO; WIDTH];
    for part in parts {
        for lane in 0..WIDTH {
            sums[lane] += term(part[lane]);
        }
    }
    let mut lanes = sums;
    if !tail.is_empty() {
        // In memory from here on, or the partial chunk would tear `sums` out of its registers.
        let lanes = black_box(&mut lanes);
        for (lane, &x) in lanes.iter_mut().zip(tail) {
            *lane += term(x);
        }
    }
    let mut folded = [[T::ZERO; LANES]];
    for i in 0..LANES {
        folded[0][i] = (lanes[i] + lanes[i + 32]) + (lanes[i + 16] + lanes[i + 48]);
    }
    let [total] = fold(&folded);
    total
}

/// The largest element, −∞ for none, NaN when some element is NaN.
#[inline(always)]
pub(super) fn max_of<T: Real>(x: &[T]) -> T {
    let (parts, tail) = x.as_chunks::<LANES>();
    let mut lanes = [T::NEG_INFINITY; LANES];
    for part in parts {
        for lane in 0..LANES {
            lanes[lane] = lanes[lane].maximum(part[lane]);
        }
    }
    let lanes = black_box(&lanes);
    lanes.iter().chain(tail).fold(T::NEG_INFINITY, |max, &x| max.maximum(x))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, normal};
    use super::*;
    use crate::Rng;
    use proptest::prelude::*;

    #[test]
    fn sum_matches_double_precision() {
        let mut rng = Rng::new(1);
        for length in LENGTHS.into_iter().chain([1023, 1024, 1025, 5000, 100_000]) {
            let x = normal(length, &mut rng);
            let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
            let size: f64 = x.iter().map(|&x| f64::from(x).abs()).sum();
            let depth = 22.0 + (length as f64 / 1024.0).max(1.0).log2();
            for set in InstructionSet::all() {
                let error = (f64::from(sum_on(set, &x)) - exact).abs();
                assert!(error <= depth * f64::from(f32::EPSILON) / 2.0 * size, "{length}: {error}");
            }
        }
    }

    proptest! {
        #[test]
        fn appending_zeros_keeps_the_bits(seed: u64, length in 0_usize..5000, zeros in 0_usize..5000) {
            let mut x = normal(length, &mut Rng::new(seed));
            let before = sum(&x);
            x.resize(length + zeros, 0.0);
            prop_assert_eq!(before.to_bits(), sum(&x).to_bits());
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let x = normal(3001, &mut Rng::new(2));
        let (expected, squares) = (sum(&x).to_bits(), sum_of_squares(&x).to_bits());
        for set in InstructionSet::all() {
            assert_eq!((sum_on(set, &x).to_bits(), sum_of_squares_on(set, &x).to_bits()), (expected, squares));
        }
        let exact: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        assert!((f64::from(sum_of_squares(&x)) - exact).abs() < 1e-5 * exact);
    }

    #[test]
    fn the_maximum_is_found_wherever_it_stands() {
        for length in LENGTHS {
            for place in 0..length {
                let mut x = vec![-1.0_f32; length];
                x[place] = 2.0;
                assert_eq!(max_of(&x), 2.0);
                x[place] = f32::NAN;
                assert!(max_of(&x).is_nan());
            }
        }
        assert_eq!(max_of::<f32>(&[]), f32::NEG_INFINITY);
    }
}
