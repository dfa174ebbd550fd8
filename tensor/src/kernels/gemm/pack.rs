//! Packing: numbers are copied into the order in which the register tile reads them.

use super::super::lanes::{LANES, Lanes};
use super::Matrix;
use crate::Real;

/// The number of columns that lie together in a packed block of `B`: those of the widest tile.
pub(super) const PANEL: usize = 2 * LANES;

/// Packs `B` as panels of 32 columns one after the other, each row by row, so that a tile reads a panel from end to end.
/// What a last, narrower panel leaves free holds anything.
#[inline(always)]
pub(super) fn pack_panels<T: Real, L: Lanes<T>>(b: Matrix<'_, T>, room: &mut [T]) {
    let panels = room.chunks_exact_mut(PANEL * b.rows);
    for (panel, first) in panels.zip((0..b.cols).step_by(PANEL)) {
        let b = b.block([0, first], [b.rows, PANEL.min(b.cols - first)]);
        let mut k = 0;
        if b.row_stride == 1 {
            while k + LANES <= b.rows {
                for half in (0..b.cols).step_by(LANES) {
                    let block = b.block([k, half], [LANES, LANES.min(b.cols - half)]);
                    transpose::<T, L>(block, &mut panel[k * PANEL + half..]);
                }
                k += LANES;
            }
        }
        for (k, to) in panel.chunks_exact_mut(PANEL).enumerate().skip(k) {
            copy(&b.data[k * b.row_stride..], b.col_stride, &mut to[..b.cols]);
        }
    }
}

/// Packs `α A`, a strip of `ROWS` rows, column by column.
#[inline(always)]
pub(super) fn pack_strip<T: Real, const ROWS: usize>(alpha: T, a: Matrix<'_, T>, room: &mut [T]) {
    let columns = room.as_chunks_mut::<ROWS>().0;
    for (k, to) in columns[..a.cols].iter_mut().enumerate() {
        copy(&a.data[k * a.col_stride..], a.row_stride, to);
        if alpha != T::ONE {
            to.iter_mut().for_each(|a| *a = alpha * *a);
        }
    }
}

/// Numbers that lie at a stride.
#[inline(always)]
fn copy<T: Real>(from: &[T], stride: usize, to: &mut [T]) {
    match (stride, <&mut [T; PANEL]>::try_from(&mut *to)) {
        (1, Ok(to)) => to.copy_from_slice(&from[..PANEL]),
        (1, _) => to.copy_from_slice(&from[..to.len()]),
        (0, _) => to.fill(from[0]), // a stretched axis
        _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, &from)| *to = from),
    }
}

/// Copies a block of 16 rows and up to 16 columns, which are contiguous, into rows [`PANEL`] apart, each filled up to 16.
///
/// Interleaving row `i` with row `i + 8`, for all `i`, moves the first bit of each number's row to the end of its column
/// and the first bit of its column to the end of its row. Done four times, rows and columns have changed places.
#[inline(always)]
fn transpose<T: Real, L: Lanes<T>>(b: Matrix<'_, T>, to: &mut [T]) {
    let mut lanes = [L::splat(T::ZERO); LANES];
    for (j, lanes) in lanes.iter_mut().take(b.cols).enumerate() {
        if let Some(from) = b.data[j * b.col_stride..].first_chunk() {
            *lanes = L::load(from);
        }
    }
    for _ in 0..LANES.ilog2() {
        let before = lanes;
        for i in 0..LANES / 2 {
            [lanes[2 * i], lanes[2 * i + 1]] = before[i].interleave(before[i + LANES / 2]);
        }
    }
    for (lanes, to) in lanes.into_iter().zip(to.chunks_mut(PANEL)) {
        if let Some(to) = to.first_chunk_mut() {
            lanes.store(to);
        }
    }
}
