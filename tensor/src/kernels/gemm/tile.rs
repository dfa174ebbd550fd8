//! The register tile: the innermost loop of a product, where the time goes.

use super::super::lanes::{LANES, Lanes};
use super::{Matrix, Target};
use crate::Real;

/// `C += A B` for a tile of `C`: `ROWS` rows of `CHUNKS · 16` columns or, unless `WHOLE`, of the `b.cols` columns that are
/// left. If `fresh`, `C` counts as 0 and is not read. Returns how many columns.
///
/// The tile rests in registers while `k` runs through the depth. A step adds a column of `A` times a row of `B`:
/// `ROWS + CHUNKS` loads feed `ROWS · CHUNKS` chunks of multiply-adds, and each of these waits for no other of its step.
///
/// # Safety
///
/// `a` and `b` lie within their data, `a` has `ROWS` rows, and `b` has `a.cols` rows and adjacent columns.
#[inline(always)]
pub(super) unsafe fn tile<T: Real, L: Lanes<T>, const ROWS: usize, const CHUNKS: usize, const WHOLE: bool>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    fresh: bool,
    [row, col]: [usize; 2],
    c: &mut Target<'_, T>,
) -> usize {
    debug_assert!(a.is_within_bounds() && b.is_within_bounds());
    debug_assert!(a.rows == ROWS && a.cols == b.rows && b.col_stride == 1);
    debug_assert!(if WHOLE { b.cols == CHUNKS * LANES } else { CHUNKS == 1 && b.cols < LANES });
    let width = if WHOLE { CHUNKS * LANES } else { b.cols };
    let mut sums = [[L::splat(T::ZERO); CHUNKS]; ROWS];
    if !fresh {
        for (i, sums) in sums.iter_mut().enumerate() {
            *sums = load(c.row(row + i, col, width));
        }
    }
    for k in 0..a.cols {
        // SAFETY: the caller vouches for the bounds.
        let b: [L; CHUNKS] = load(unsafe { b.data.get_unchecked(k * b.row_stride..k * b.row_stride + width) });
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: as above.
            let a = L::splat(unsafe { *a.data.get_unchecked(i * a.row_stride + k * a.col_stride) });
            for chunk in 0..CHUNKS {
                sums[chunk] = a.multiply_add(b[chunk], sums[chunk]);
            }
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        let (whole, rest) = c.row(row + i, col, width).as_chunks_mut();
        for (c, sum) in whole.iter_mut().zip(sums) {
            sum.store(c);
        }
        if !WHOLE {
            sums[0].store_first(rest);
        }
    }
    width
}

/// Whole chunks, or a part of one.
#[inline(always)]
fn load<T: Real, L: Lanes<T>, const CHUNKS: usize>(from: &[T]) -> [L; CHUNKS] {
    let (whole, rest) = from.as_chunks();
    let mut lanes = [L::splat(T::ZERO); CHUNKS];
    for (lanes, from) in lanes.iter_mut().zip(whole) {
        *lanes = L::load(from);
    }
    if !rest.is_empty() {
        lanes[CHUNKS - 1] = L::load_first(rest);
    }
    lanes
}
