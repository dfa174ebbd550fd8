//! The one loop behind every reduction: a fold over any axes of a view at any strides.

use crate::kernels::{CHUNK, Pairwise, TILE, fold_chunk, fold_columns, vectorize};
use crate::strides::{Axes, copy};
use crate::{MAX_RANK, Real, Shape, View};

/// From this many neighbouring columns on, columns are folded side by side.
const NARROW: usize = 8;

/// For each element of `y`, in row-major order of the axes that are kept: joins `term(x, old)` over
/// the elements `x` of the reduced axes, `old` being what `y` holds, and writes `finish(joined,
/// old)`.
///
/// Elements are joined in blocks of 1024 in row-major order, and blocks in pairs, as
/// [`sum`](crate::kernels::sum()) does it. There are three ways through memory, for what is
/// contiguous: columns side by side, whole rows, or blocks that are gathered first. The bits are
/// the same for all, so no result depends on strides.
pub(super) fn fold<T: Real>(
    view: View<'_, T>,
    reduced: [bool; MAX_RANK],
    y: &mut [T],
    identity: T,
    term: impl Fn(T, T) -> T,
    join: impl Fn(T, T) -> T + Copy,
    finish: impl Fn(T, T) -> T,
) {
    let axes = |which| Axes::of(view.shape(), [view.strides], |axis| reduced[axis] == which);
    let (kept, folded) = (axes(false), axes(true));
    if view.shape().is_empty() {
        y.iter_mut().for_each(|y| *y = finish(identity, *y));
        return;
    }
    let (outer, width, [step]) = kept.split_last();
    if step == 1 && width >= NARROW {
        for ([start], y) in outer.offsets().zip(y.chunks_exact_mut(width)) {
            for (tile, y) in y.chunks_mut(TILE).enumerate() {
                let x = &view.data[start + tile * TILE..];
                vectorize(
                    #[inline(always)]
                    || fold_columns(x, folded.offsets().map(|[row]| row), y, identity, &term, join, &finish),
                );
            }
        }
        return;
    }
    let (runs, length, [stride]) = folded.split_last();
    let contiguous = stride == 1 && runs.len() == 1;
    let mut buffer = None;
    for ([start], y) in kept.offsets().zip(y) {
        let (old, x) = (*y, &view.data[start..]);
        let chunk = |x: &[T]| {
            vectorize(
                #[inline(always)]
                || fold_chunk(x, identity, |x| term(x, old), join),
            )
        };
        let total = match contiguous && length <= CHUNK {
            true => chunk(&x[..length]),
            false => fold_chunks(x, folded, &mut buffer, identity, &chunk, &join),
        };
        *y = finish(total, old);
    }
}

/// Joins what `chunk` makes of 1024 elements after the other, in pairs; chunks that do not lie side by side are gathered
/// in `buffer` first, which is made when it is first needed. Compiled once for all reductions.
fn fold_chunks<T: Real>(
    x: &[T],
    axes: Axes<1>,
    buffer: &mut Option<[T; CHUNK]>,
    identity: T,
    chunk: &dyn Fn(&[T]) -> T,
    join: &dyn Fn(T, T) -> T,
) -> T {
    let (runs, length, [stride]) = axes.split_last();
    let mut totals = Pairwise::new(identity);
    if stride == 1 && runs.len() == 1 {
        x[..length].chunks(CHUNK).for_each(|x| totals.push(chunk(x), join));
        return totals.fold(identity, join);
    }
    let (mut filled, buffer) = (0, buffer.get_or_insert([T::ZERO; CHUNK]));
    for [run] in runs.offsets() {
        let mut done = 0;
        while done < length {
            let count = (length - done).min(CHUNK - filled);
            copy(&x[run + done * stride..], stride, &mut buffer[filled..filled + count]);
            (done, filled) = (done + count, filled + count);
            if filled == CHUNK {
                totals.push(chunk(buffer), join);
                filled = 0;
            }
        }
    }
    if filled > 0 {
        totals.push(chunk(&buffer[..filled]), join);
    }
    totals.fold(identity, join)
}

/// Which axes are named, each at most once.
#[track_caller]
pub(super) fn named(operation: &str, shape: Shape, axes: &[usize]) -> [bool; MAX_RANK] {
    let mut named = [false; MAX_RANK];
    for &axis in axes {
        assert!(axis < shape.rank(), "{operation}: {shape} has no axis {axis}");
        assert!(!named[axis], "{operation}: axis {axis} of {shape} is named twice");
        named[axis] = true;
    }
    named
}

impl Shape {
    /// The shape that is left when these axes are reduced: without them, or with size 1 where
    /// `keep_dims`. `operation` is for the message of a panic.
    ///
    /// ```
    /// use thalweg_tensor::Shape;
    ///
    /// let shape = Shape::new(&[2, 3, 4]);
    /// assert_eq!(shape.reduced("sum", &[2, 0], false), Shape::new(&[3]));
    /// assert_eq!(shape.reduced("sum", &[2, 0], true), Shape::new(&[1, 3, 1]));
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or one is named twice.
    #[track_caller]
    pub fn reduced(self, operation: &str, axes: &[usize], keep_dims: bool) -> Shape {
        let named = named(operation, self, axes);
        let (mut sizes, mut rank) = ([1; MAX_RANK], 0);
        for (&size, &gone) in self.dims().iter().zip(&named) {
            if !gone || keep_dims {
                sizes[rank] = if gone { 1 } else { size };
                rank += 1;
            }
        }
        Shape::new(&sizes[..rank])
    }
}

/// A reduced view's elements by definition: for each index of the result, the elements that are reduced, in
/// row-major order.
#[cfg(test)]
pub(super) fn groups(view: View<'_, f64>, axes: &[usize]) -> Vec<Vec<f64>> {
    let kept = view.shape().reduced("groups", axes, true);
    let mut groups = vec![Vec::new(); kept.len()];
    let strides = kept.strides();
    crate::testing::each_index(view.shape(), |index| {
        let group: usize = index.iter().zip(strides).zip(kept.dims()).map(|((i, s), &n)| i.min(&(n - 1)) * s).sum();
        groups[group].push(view.at(index));
    });
    groups
}
