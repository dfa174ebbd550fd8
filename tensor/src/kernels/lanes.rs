//! Sixteen numbers side by side: the unit that inner products and rank-one updates work in.

use crate::Real;
use std::hint::black_box;

/// The number of partial sums that an inner product is spread over.
pub(super) const LANES: usize = 16;

/// Sixteen numbers, held as one instruction set holds them.
///
/// Plain loops over `[T; 16]` become the right instructions in most kernels, but not where a row's
/// last, partial chunk or the fold at its end weighs as much as the rest: networks on streams have
/// few inputs, so both are written out for each instruction set.
///
/// The implementations differ in speed only: each operation gives the same bits in all of them,
/// except that [`multiply_add`](Lanes::multiply_add) rounds twice where [`FMA`](Lanes::FMA) is false.
pub trait Lanes<T>: Copy {
    /// Whether a product is added without being rounded first.
    const FMA: bool;
    /// Whether a partial chunk costs no more than a whole one.
    const MASKED: bool;
    /// How many rows and how many chunks of columns of a matrix product the registers hold, beside what is added to them.
    const TILE: [usize; 2];

    /// The same number in each lane.
    fn splat(value: T) -> Self;
    /// Sixteen numbers.
    fn load(from: &[T; LANES]) -> Self;
    /// At most sixteen numbers, then zeros. Reads nothing beyond them.
    fn load_first(from: &[T]) -> Self;
    /// Writes all lanes.
    fn store(self, to: &mut [T; LANES]);
    /// Writes as many lanes as there is room for, at most sixteen.
    fn store_first(self, to: &mut [T]);
    /// `self · b + c`.
    fn multiply_add(self, b: Self, c: Self) -> Self;
    /// `self · b + c` for at most sixteen numbers `b`; what becomes of the other lanes of `c` is open
    /// between −0 and 0.
    #[inline(always)]
    fn multiply_add_first(self, b: &[T], c: Self) -> Self {
        self.multiply_add(Self::load_first(b), c)
    }
    /// The numbers of both in turn, `[a₀ b₀ a₁ b₁ …]`: the first sixteen, and the others.
    fn interleave(self, b: Self) -> [Self; 2];

    /// The sum of each row's lanes in the tree 16 → 8 → 4 → 2 → 1, lane `i` meeting lane
    /// `i + half`, and a zero added at the end: it turns −0 into 0, so that lanes that hold nothing
    /// never show.
    fn fold<const ROWS: usize>(rows: [Self; ROWS]) -> [T; ROWS];
}

/// `a · b + c`, rounded as the lanes of `L` round it.
#[inline(always)]
pub(super) fn multiply_add<T: Real, L: Lanes<T>>(a: T, b: T, c: T) -> T {
    if L::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Lanes in an array, worked on by plain loops.
#[derive(Clone, Copy, Debug)]
pub struct Plain<T, const FMA: bool>([T; LANES]);

impl<T: Real, const FMA: bool> Lanes<T> for Plain<T, FMA> {
    const FMA: bool = FMA;
    const MASKED: bool = false;
    const TILE: [usize; 2] = [3, 1];

    #[inline(always)]
    fn splat(value: T) -> Self {
        Plain([value; LANES])
    }
    #[inline(always)]
    fn load(from: &[T; LANES]) -> Self {
        Plain(*from)
    }
    #[inline(always)]
    fn load_first(from: &[T]) -> Self {
        let mut lanes = [T::ZERO; LANES];
        lanes[..from.len()].copy_from_slice(from);
        Plain(lanes)
    }
    #[inline(always)]
    fn store(self, to: &mut [T; LANES]) {
        *to = self.0;
    }
    #[inline(always)]
    fn store_first(self, to: &mut [T]) {
        to.copy_from_slice(&self.0[..to.len()]);
    }
    #[inline(always)]
    fn multiply_add(self, b: Self, c: Self) -> Self {
        let mut lanes = c.0;
        for ((c, a), b) in lanes.iter_mut().zip(self.0).zip(b.0) {
            *c = multiply_add::<T, Self>(a, b, *c);
        }
        Plain(lanes)
    }
    #[inline(always)]
    fn multiply_add_first(self, b: &[T], c: Self) -> Self {
        let mut lanes = c.0;
        for ((c, a), &b) in lanes.iter_mut().zip(self.0).zip(b) {
            *c = multiply_add::<T, Self>(a, b, *c);
        }
        Plain(lanes)
    }
    #[inline(always)]
    fn interleave(self, b: Self) -> [Self; 2] {
        let half = LANES / 2;
        [0, half].map(|first| {
            let mut lanes = self.0;
            for (i, pair) in lanes.as_chunks_mut().0.iter_mut().enumerate() {
                *pair = [self.0[first + i], b.0[first + i]];
            }
            Plain(lanes)
        })
    }
    #[inline(always)]
    fn fold<const ROWS: usize>(rows: [Self; ROWS]) -> [T; ROWS] {
        fold(&rows.map(|row| row.0))
    }
}

/// [`Lanes::fold`] of lanes in memory.
///
/// `black_box` takes nothing and gives nothing here: it only makes each stage rest in memory.
/// Without it the compiler joins the stages of all rows into one web of shuffles, which takes
/// several times as long.
#[inline(always)]
pub(super) fn fold<T: Real, const ROWS: usize>(lanes: &[[T; LANES]; ROWS]) -> [T; ROWS] {
    let lanes = black_box(lanes);
    let mut quarters = [[T::ZERO; 4]; ROWS];
    for (quarter, l) in quarters.iter_mut().zip(lanes) {
        for i in 0..4 {
            quarter[i] = (l[i] + l[i + 8]) + (l[i + 4] + l[i + 12]);
        }
    }
    let quarters = black_box(&quarters);
    quarters.map(|q| (q[0] + q[2]) + (q[1] + q[3]) + T::ZERO)
}
