//! Sums and maxima, of a slice and of columns side by side.

use super::dispatch::{InstructionSet, instruction_sets};
use super::lanes::{LANES, Lanes};
use crate::Real;
use std::hint::black_box;

/// The number of elements that are folded before the pairwise tree begins.
pub(crate) const CHUNK: usize = 1024;
/// The number of partial results within a chunk.
const WIDTH: usize = 64;
/// The number of columns that [`fold_columns`] works on at a time.
pub(crate) const TILE: usize = 16;

/// The sum of the elements, 0 for none.
///
/// Blocks of 1024 elements, each summed in 64 lanes, are added in pairs (Higham, 1993): the error
/// is at most `(22 + log₂(n / 1024)) · ε/2 · Σ |xᵢ|` to first order, instead of the `n · ε/2 · Σ
/// |xᵢ|` of a plain loop. Every instruction set gives the same bits, and so does a slice with zeros
/// appended.
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
    let join = |a, b| a + b;
    if x.len() <= CHUNK {
        return fold_chunk(x, T::ZERO, term, join);
    }
    let mut totals = Pairwise::new(T::ZERO);
    for chunk in x.chunks(CHUNK) {
        totals.push(fold_chunk(chunk, T::ZERO, &term, join), join);
    }
    totals.fold(T::ZERO, join)
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

/// Results of chunks, joined in pairs of equal size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairwise<V> {
    /// `partial[level]` is the result of `2^level` chunks, for each bit set in their number: a
    /// chunk carries as adding one in binary does.
    partial: [V; LEVELS],
    chunks: usize,
}

/// More chunks than `2^LEVELS` elements of any type do not fit memory.
const LEVELS: usize = (usize::BITS - CHUNK.ilog2()) as usize;

impl<V: Copy> Pairwise<V> {
    #[inline(always)]
    pub(crate) fn new(identity: V) -> Self {
        Pairwise { partial: [identity; LEVELS], chunks: 0 }
    }

    /// Takes in the next chunk.
    #[inline(always)]
    pub(crate) fn push(&mut self, chunk: V, join: impl Fn(V, V) -> V) {
        let (mut total, mut level) = (chunk, 0);
        while (self.chunks >> level) & 1 == 1 {
            total = join(self.partial[level], total);
            level += 1;
        }
        self.partial[level] = total;
        self.chunks += 1;
    }

    /// The result of all chunks, joined from the latest to the earliest.
    #[inline(always)]
    pub(crate) fn fold(&self, identity: V, join: impl Fn(V, V) -> V) -> V {
        let (mut total, mut left) = (identity, self.chunks);
        while left > 0 {
            total = join(self.partial[left.trailing_zeros() as usize], total);
            left &= left - 1;
        }
        total
    }
}

/// `term(x)` of the elements of one chunk, joined: element `j` goes to lane `j mod 64`, and the
/// lanes are joined in the tree 64 → 32 → … → 1, lane `i` meeting lane `i + half`.
#[inline(always)]
pub(crate) fn fold_chunk<T: Real>(
    chunk: &[T],
    identity: T,
    term: impl Fn(T) -> T,
    join: impl Fn(T, T) -> T + Copy,
) -> T {
    let mut folded = [identity; LANES];
    if chunk.len() <= LANES {
        for (lane, &x) in folded.iter_mut().zip(chunk) {
            *lane = join(identity, term(x));
        }
    } else {
        let lanes = lanes_of(chunk, identity, term, join);
        for i in 0..LANES {
            folded[i] = join(join(lanes[i], lanes[i + 32]), join(lanes[i + 16], lanes[i + 48]));
        }
    }
    // Each stage rests in memory, as in `lanes::fold`.
    let l = black_box(&folded);
    let mut q = [identity; 4];
    for i in 0..4 {
        q[i] = join(join(l[i], l[i + 8]), join(l[i + 4], l[i + 12]));
    }
    let q = black_box(&q);
    join(join(join(q[0], q[2]), join(q[1], q[3])), identity)
}

/// The lanes of [`fold_chunk`] before they are joined.
#[inline(always)]
fn lanes_of<T: Real>(chunk: &[T], identity: T, term: impl Fn(T) -> T, join: impl Fn(T, T) -> T) -> [T; WIDTH] {
    let (parts, tail) = chunk.as_chunks::<WIDTH>();
    let mut sums = [identity; WIDTH];
    for part in parts {
        for lane in 0..WIDTH {
            sums[lane] = join(sums[lane], term(part[lane]));
        }
    }
    let mut lanes = sums;
    if !tail.is_empty() {
        // In memory from here on, or the partial chunk would tear `sums` out of its registers.
        let lanes = black_box(&mut lanes);
        for (lane, &x) in lanes.iter_mut().zip(tail) {
            *lane = join(*lane, term(x));
        }
    }
    lanes
}

/// [`fold_chunk`] and [`Pairwise`] for each of up to [`TILE`] columns, to the bit: column `c` of row `r` is
/// `x[rows[r] + c]`, `term` gets it with the number that `y` holds for the column, and
/// `finish(joined, old)` replaces that number.
///
/// The lanes of all columns lie side by side, so the loops run over columns.
#[inline(always)]
pub(crate) fn fold_columns<T: Real>(
    x: &[T],
    rows: impl ExactSizeIterator<Item = usize>,
    y: &mut [T],
    identity: T,
    term: impl Fn(T, T) -> T,
    join: impl Fn(T, T) -> T + Copy,
    finish: impl Fn(T, T) -> T,
) {
    let join_tiles = |a: [T; TILE], b: [T; TILE]| std::array::from_fn(|c| join(a[c], b[c]));
    let mut old = [T::ZERO; TILE];
    old[..y.len()].copy_from_slice(y);
    let (mut left, mut rows) = (rows.len(), rows);
    let mut totals = None;
    let mut total = [identity; TILE];
    while left > 0 {
        let count = left.min(CHUNK);
        let mut lanes = [[identity; TILE]; WIDTH];
        for (row, start) in rows.by_ref().take(count).enumerate() {
            let lane = &mut lanes[row % WIDTH];
            match x[start..].first_chunk::<TILE>() {
                Some(x) if y.len() == TILE => {
                    for c in 0..TILE {
                        lane[c] = join(lane[c], term(x[c], old[c]));
                    }
                }
                _ => {
                    for ((lane, &x), &old) in lane.iter_mut().zip(&x[start..][..y.len()]).zip(&old) {
                        *lane = join(*lane, term(x, old));
                    }
                }
            }
        }
        let mut half = WIDTH / 2;
        while half > 0 {
            // Lanes beyond the last row hold nothing that would show.
            if count > half {
                for i in 0..half {
                    lanes[i] = join_tiles(lanes[i], lanes[i + half]);
                }
            }
            half /= 2;
        }
        total = join_tiles(lanes[0], [identity; TILE]);
        left -= count;
        if left > 0 || totals.is_some() {
            totals.get_or_insert_with(|| Pairwise::new([identity; TILE])).push(total, join_tiles);
        }
    }
    if let Some(totals) = totals {
        total = totals.fold([identity; TILE], join_tiles);
    }
    for (y, total) in y.iter_mut().zip(total) {
        *y = finish(total, *y);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, normal, up_to};
    use super::*;
    use crate::Rng;
    use proptest::prelude::*;

    #[test]
    fn sum_matches_double_precision() {
        let mut rng = Rng::new(1);
        for length in LENGTHS.into_iter().chain([1023, 1024, 1025, up_to(5000), up_to(100_000)]) {
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

    /// A plain loop loses the fourth digit of ten million tenths; in pairs they keep the seventh.
    #[test]
    #[cfg_attr(miri, ignore = "adds tens of millions of numbers")]
    fn millions_of_equal_numbers_sum_to_their_product() {
        for (value, length) in [(0.1_f32, 1_000_000), (0.1, 10_000_000), (1.0 / 3.0, 4_194_305), (-1e30, 2_000_003)] {
            let exact = f64::from(value) * length as f64;
            let depth = 22.0 + (length as f64 / CHUNK as f64).log2();
            let error = (f64::from(sum(&vec![value; length])) / exact - 1.0).abs();
            assert!(error <= depth * f64::from(f32::EPSILON) / 2.0, "{length} times {value}: {error}");
            assert!(error <= 2.0 * f64::from(f32::EPSILON), "{length} times {value}: {error}");
        }
        let plain = vec![0.1_f32; 10_000_000].iter().sum::<f32>();
        assert!((f64::from(plain) / 1e6 - 1.0).abs() > 1e-4, "the plain loop was not hard pressed");
    }

    proptest! {
        #[test]
        fn appending_zeros_keeps_the_bits(seed: u64, length in 0_usize..up_to(5000), zeros in 0_usize..5000) {
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
