//! The blocks of a product that the caches hold.

use super::super::dispatch::{InstructionSet, instruction_sets};
use super::super::lanes::{LANES, Lanes};
use super::pack::{PANEL, pack_panels, pack_strip};
use super::tile::tile;
use super::{Factors, Matrix, Target};
use crate::Real;

/// The most rows of a strip, and so of a tile.
const STRIP: usize = 8;
/// The most steps of `k` in a block: a strip of `A` takes 16 KiB of the first-level cache then, in single precision.
const DEPTH: usize = 512;
/// The most bytes of a packed block of `B`: they stay in the second-level cache while all strips of `A` pass.
const BLOCK_BYTES: usize = 1024 * 1024;
/// Up to so many bytes, a matrix is read where it lies: it fits the first-level cache.
const SMALL_BYTES: usize = 32 * 1024;
/// From so many columns of `B` on, `A` is packed even when it is row-major.
const WIDE: usize = 512;
/// For up to so many rows of `A`, `B` is read where it lies: it would not be read often enough to pay for the packing.
const FEW_ROWS: usize = 2 * STRIP;
/// The same for a `B` that fits the second-level cache.
const FEW_ROWS_WHEN_CLOSE: usize = 4 * STRIP;

/// `C ← α A B`, added to `C` unless fresh, on one thread.
pub(super) fn multiply<T: Real>(set: InstructionSet, factors: Factors<'_, T>, mut c: Target<'_, T>) {
    let Factors { alpha, a, b, fresh } = factors;
    debug_assert!(c.rows == a.rows && c.cols == b.cols && a.cols == b.rows);
    if set == InstructionSet::Portable {
        let ((start, stride), beta) = (c.as_mut_ptr(), if fresh { T::ZERO } else { T::ONE });
        // SAFETY: the factors lie within their data, and C has the size of their product.
        return unsafe { T::multiply(alpha, a, b, beta, start, stride) };
    }
    let plan = Plan::new(factors);
    // Taken, not borrowed: should the thread multiply anew before it is put back, it finds an empty buffer, and no panic.
    let mut room = T::room().take();
    if room.len() < plan.room() {
        room.resize(plan.room(), T::ZERO);
    }
    blocks_on(set, plan, factors, &mut c, &mut room);
    T::room().set(room);
}

/// What is packed, and into blocks of which size.
#[derive(Clone, Copy, Debug)]
struct Plan {
    packs_a: bool,
    packs_b: bool,
    depth: usize,
    width: usize,
}

impl Plan {
    fn new<T: Real>(Factors { alpha, a, b, .. }: Factors<'_, T>) -> Plan {
        let fits = |rows: usize, cols: usize, bytes: usize| rows * cols * size_of::<T>() <= bytes;
        let is_small = |rows: usize, cols: usize| fits(rows, cols, SMALL_BYTES);
        let few_rows = if fits(b.rows, b.cols, BLOCK_BYTES) { FEW_ROWS_WHEN_CLOSE } else { FEW_ROWS };
        let packs_b = b.col_stride != 1 || (a.rows > few_rows && !is_small(b.rows, b.cols));
        // Rows of A that lie where they are far apart compete for the same places in a cache: it shows with wide products.
        let a_is_awkward = a.col_stride != 1 || b.cols >= WIDE;
        let packs_a = alpha != T::ONE || (a_is_awkward && !is_small(a.rows, a.cols));
        let widest = match (packs_a, packs_b) {
            (_, true) => BLOCK_BYTES / size_of::<T>() / DEPTH,
            (false, false) if a.rows <= few_rows && !is_small(b.rows, b.cols) => PANEL,
            _ => usize::MAX,
        };
        Plan { packs_a, packs_b, depth: part(a.cols, DEPTH), width: part(b.cols, widest).next_multiple_of(PANEL) }
    }

    /// How many numbers are packed at a time: a strip of `A`, then a block of `B`.
    fn room(&self) -> usize {
        let a = if self.packs_a { STRIP * DEPTH } else { 0 };
        a + if self.packs_b { self.depth * self.width } else { 0 }
    }
}

/// The size of the parts when a length is divided evenly into as few as there can be of at most `most`.
fn part(length: usize, most: usize) -> usize {
    length.div_ceil(length.div_ceil(most))
}

instruction_sets! {
    blocks_on(plan: Plan, factors: Factors<'_, T>, c: &mut Target<'_, T>, room: &mut [T]) = blocks
}

/// Blocks of columns, within them blocks of depth, within them strips of rows.
#[inline(always)]
fn blocks<T: Real, L: Lanes<T>, const BLOCK: usize>(
    plan: Plan,
    factors: Factors<'_, T>,
    c: &mut Target<'_, T>,
    room: &mut [T],
) {
    let Factors { a, b, .. } = factors;
    let (strip_room, block_room) = room.split_at_mut(if plan.packs_a { STRIP * DEPTH } else { 0 });
    for col in (0..b.cols).step_by(plan.width) {
        for k in (0..a.cols).step_by(plan.depth) {
            let (depth, width) = (plan.depth.min(a.cols - k), plan.width.min(b.cols - col));
            let (a, mut b) = (a.block([0, k], [a.rows, depth]), b.block([k, col], [depth, width]));
            let mut apart = PANEL;
            if plan.packs_b {
                pack_panels::<T, L>(b, block_room);
                b = Matrix { data: &*block_room, row_stride: PANEL, col_stride: 1, ..b };
                apart = PANEL * depth;
            }
            let factors = Factors { a, b, fresh: factors.fresh && k == 0, ..factors };
            Block { factors, apart, packs_a: plan.packs_a, col }.strips::<L>(c, strip_room);
        }
    }
}

/// A block of `B` and what it is multiplied with.
#[derive(Clone, Copy, Debug)]
struct Block<'a, T> {
    factors: Factors<'a, T>,
    /// How far apart panels of 32 columns of `B` begin: next to each other where they lie, one after the other when packed.
    apart: usize,
    /// Whether strips of `A` are packed.
    packs_a: bool,
    /// The column of `C` that it begins with.
    col: usize,
}

impl<T: Real> Block<'_, T> {
    /// All rows of `A`, as many at a time as the tile of an instruction set has, and what is left in smaller strips.
    #[inline(always)]
    fn strips<L: Lanes<T>>(&self, c: &mut Target<'_, T>, room: &mut [T]) {
        let (rows, mut row) = (self.factors.a.rows, 0);
        while row < rows {
            row += match (L::TILE, rows - row) {
                ([8, 2], 8..) => self.strip::<L, 8, 2>(row, c, room),
                ([8, 2], 4..) => self.strip::<L, 4, 2>(row, c, room),
                ([8, 2], 2..) => self.strip::<L, 2, 2>(row, c, room),
                ([8, 2], _) => self.strip::<L, 1, 2>(row, c, room),
                ([8, 1], 8..) => self.strip::<L, 8, 1>(row, c, room),
                ([6, 1], 6..) => self.strip::<L, 6, 1>(row, c, room),
                (_, 3..) => self.strip::<L, 3, 1>(row, c, room),
                _ => self.strip::<L, 1, 1>(row, c, room),
            };
        }
    }

    /// `ROWS` rows of `A`, times all panels. Returns `ROWS`.
    #[inline(always)]
    fn strip<L: Lanes<T>, const ROWS: usize, const CHUNKS: usize>(
        &self,
        row: usize,
        c: &mut Target<'_, T>,
        room: &mut [T],
    ) -> usize {
        let Factors { alpha, a, b, fresh } = self.factors;
        let mut a = a.block([row, 0], [ROWS, a.cols]);
        if self.packs_a {
            pack_strip::<T, ROWS>(alpha, a, room);
            a = Matrix { data: room, row_stride: 1, col_stride: ROWS, ..a };
        }
        let mut col = 0;
        while col < b.cols {
            let at = [row, self.col + col];
            // SAFETY: blocks of the factors lie within their data, and so does what was packed of them.
            unsafe {
                col += match b.cols - col {
                    PANEL.. if CHUNKS == 2 => {
                        tile::<T, L, ROWS, CHUNKS, true>(a, self.columns(col, PANEL), fresh, at, c)
                    }
                    LANES.. => tile::<T, L, ROWS, 1, true>(a, self.columns(col, LANES), fresh, at, c),
                    rest => tile::<T, L, ROWS, 1, false>(a, self.columns(col, rest), fresh, at, c),
                };
            }
        }
        ROWS
    }

    /// So many columns of one panel of `B`.
    #[inline(always)]
    fn columns(&self, col: usize, width: usize) -> Matrix<'_, T> {
        let b = self.factors.b;
        Matrix { cols: width, data: &b.data[col / PANEL * self.apart + col % PANEL..], ..b }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Matrix, gemm};
    use super::*;
    use crate::kernels::testing::up_to;
    use allocation_counter::measure;

    #[test]
    fn only_a_first_product_allocates() {
        if InstructionSet::best() == InstructionSet::Portable {
            return; // matrixmultiply allocates at each call
        }
        let [m, k, n] = [70, 90, 120].map(up_to);
        let (a, b, mut c) = (vec![1.0_f32; m * k], vec![1.0; k * n], vec![0.0; m * n]);
        let mut product = || gemm(1.0, Matrix::new(k, m, &a).t(), Matrix::new(n, k, &b).t(), 0.0, &mut c);
        assert!(measure(&mut product).bytes_total > 0, "the first product packs into new memory");
        assert_eq!(measure(|| (0..3).for_each(|_| product())).bytes_total, 0);
    }

    #[test]
    fn parts_are_even() {
        assert_eq!([1, 256, 257, 300, 513].map(|length| part(length, 256)), [1, 256, 129, 150, 171]);
    }
}
