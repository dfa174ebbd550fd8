//! The order in which several strided operands are read side by side.

use crate::{MAX_RANK, Shape};

/// The rows of `N` operands of one shape that lie at different strides.
///
/// Axes that one step can cross in every operand are merged first, so that operands in row-major order are one long row
/// whatever their shape, and a number stretched over a tensor is too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<const N: usize> {
    /// Sizes of the merged axes, the row itself last.
    sizes: [usize; MAX_RANK],
    strides: [[usize; MAX_RANK]; N],
    rank: usize,
    is_empty: bool,
}

impl<const N: usize> Rows<N> {
    /// The rows of operands that are read at these strides over `shape`.
    pub(crate) fn new(shape: Shape, strides: [[usize; MAX_RANK]; N]) -> Self {
        let mut rows = Rows { sizes: [1; MAX_RANK], strides: [[0; MAX_RANK]; N], rank: 0, is_empty: shape.is_empty() };
        // An axis of size 1 is never stepped along.
        for (axis, &size) in shape.dims().iter().enumerate().filter(|&(_, &size)| size != 1) {
            let before = rows.rank.checked_sub(1);
            let merged = before.filter(|&last| (0..N).all(|k| rows.strides[k][last] == strides[k][axis] * size));
            let place = merged.unwrap_or(rows.rank);
            rows.sizes[place] *= size;
            for (own, strides) in rows.strides.iter_mut().zip(&strides) {
                own[place] = strides[axis];
            }
            rows.rank = place + 1;
        }
        rows
    }

    /// The number of elements in a row: 1 when there is no axis to step along.
    pub(crate) fn length(&self) -> usize {
        self.sizes[self.rank.saturating_sub(1)]
    }

    /// How far a step along a row moves in each operand.
    pub(crate) fn steps(&self) -> [usize; N] {
        self.strides.map(|strides| strides[self.rank.saturating_sub(1)])
    }

    /// Visits the rows in row-major order: `visit([where the row starts in each operand], where it starts in the
    /// row-major output)`. A size of 0 visits nothing.
    #[inline(always)]
    pub(crate) fn for_each(&self, mut visit: impl FnMut([usize; N], usize)) {
        if self.is_empty {
            return;
        }
        let outer = &self.sizes[..self.rank.saturating_sub(1)];
        let mut position = [0; MAX_RANK];
        let mut starts = [0; N];
        for row in 0..outer.iter().product() {
            visit(starts, row * self.length());
            // Count up as an odometer does, moving every operand along.
            for axis in (0..outer.len()).rev() {
                position[axis] += 1;
                for (start, strides) in starts.iter_mut().zip(&self.strides) {
                    *start += strides[axis];
                }
                if position[axis] < outer[axis] {
                    break;
                }
                for (start, strides) in starts.iter_mut().zip(&self.strides) {
                    *start -= strides[axis] * position[axis];
                }
                position[axis] = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of<const N: usize>(shape: &[usize], strides: [[usize; MAX_RANK]; N]) -> (usize, [usize; N], usize) {
        let rows = Rows::new(Shape::new(shape), strides);
        let mut count = 0;
        rows.for_each(|_, _| count += 1);
        (rows.length(), rows.steps(), count)
    }

    #[test]
    fn row_major_operands_are_one_row() {
        let dense = Shape::new(&[2, 1, 3, 4]).strides();
        assert_eq!(rows_of(&[2, 1, 3, 4], [dense, dense]), (24, [1, 1], 1));
        assert_eq!(rows_of(&[2, 1, 3, 4], [dense, [0; MAX_RANK]]), (24, [1, 0], 1));
    }

    #[test]
    fn what_cannot_be_crossed_in_one_step_stays_apart() {
        let (dense, row) = (Shape::new(&[2, 3]).strides(), [0, 1, 0, 0, 0, 0]);
        assert_eq!(rows_of(&[2, 3], [dense, row]), (3, [1, 1], 2));
        assert_eq!(rows_of(&[3, 2], [[1, 3, 0, 0, 0, 0]]), (2, [3], 3));
    }

    #[test]
    fn numbers_and_nothing() {
        assert_eq!(rows_of(&[], [[0; MAX_RANK]]), (1, [0], 1));
        assert_eq!(rows_of(&[1, 1], [[1, 1, 0, 0, 0, 0]]), (1, [0], 1));
        assert_eq!(rows_of(&[3, 0], [[0; MAX_RANK]]).2, 0);
    }
}
