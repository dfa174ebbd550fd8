//! The one odometer: the order in which operands that lie at strides are read side by side.

use crate::{MAX_RANK, Real, Shape};

/// Axes of `N` operands of one shape that lie at strides of their own, with axes of size 1 left out, and neighbours that
/// one step can cross in every operand merged to one.
///
/// So operands in row-major order have one long axis whatever their shape, and a number stretched over a tensor does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes<const N: usize> {
    rank: usize,
    sizes: [usize; MAX_RANK],
    strides: [[usize; MAX_RANK]; N],
}

impl<const N: usize> Axes<N> {
    /// All axes of `shape`.
    pub(crate) fn new(shape: Shape, strides: [[usize; MAX_RANK]; N]) -> Self {
        Axes::of(shape, strides, |_| true)
    }

    /// The axes of `shape` for which `chosen` holds.
    pub(crate) fn of(shape: Shape, strides: [[usize; MAX_RANK]; N], chosen: impl Fn(usize) -> bool) -> Self {
        let mut axes = Axes { rank: 0, sizes: [1; MAX_RANK], strides: [[1; MAX_RANK]; N] };
        for (axis, &size) in shape.dims().iter().enumerate() {
            // An axis of size 1 is never stepped along.
            if size == 1 || !chosen(axis) {
                continue;
            }
            if size == 0 {
                // Nothing is visited, so one axis without elements says it all.
                return Axes { rank: 1, sizes: [0; MAX_RANK], strides: [[1; MAX_RANK]; N] };
            }
            let before = axes.rank.checked_sub(1);
            let merged = before.filter(|&last| (0..N).all(|k| axes.strides[k][last] == strides[k][axis] * size));
            let place = merged.unwrap_or(axes.rank);
            axes.sizes[place] *= size;
            for (own, strides) in axes.strides.iter_mut().zip(&strides) {
                own[place] = strides[axis];
            }
            axes.rank = place + 1;
        }
        axes
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.sizes[..self.rank].iter().product()
    }

    /// The axes without the last, and its size and strides: the rows and what a row is. A single element is a row of one
    /// that lies side by side.
    pub(crate) fn split_last(mut self) -> (Self, usize, [usize; N]) {
        match self.rank.checked_sub(1) {
            Some(last) => {
                self.rank = last;
                (self, self.sizes[last], self.strides.map(|strides| strides[last]))
            }
            None => (self, 1, [1; N]),
        }
    }

    /// Where every element lies in each operand, in row-major order.
    pub(crate) fn offsets(&self) -> Offsets<N> {
        Offsets { axes: *self, position: [0; MAX_RANK], offsets: [0; N], left: self.len() }
    }
}

/// Copies elements that lie `step` apart.
pub(crate) fn copy<T: Real>(from: &[T], step: usize, to: &mut [T]) {
    match step {
        0 => to.fill(from[0]),
        1 => to.copy_from_slice(&from[..to.len()]),
        _ => {
            // Four at a time, which are stored together.
            let (fours, rest) = to.as_chunks_mut::<4>();
            let mut from = from;
            for four in fours {
                let near = &from[..3 * step + 1];
                *four = [near[0], near[step], near[2 * step], near[3 * step]];
                from = from.get(4 * step..).unwrap_or_default();
            }
            rest.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| *to = from);
        }
    }
}

/// Counts through [`Axes`] as an odometer does, moving every operand along.
#[derive(Clone, Debug)]
pub(crate) struct Offsets<const N: usize> {
    axes: Axes<N>,
    position: [usize; MAX_RANK],
    offsets: [usize; N],
    left: usize,
}

impl<const N: usize> Iterator for Offsets<N> {
    type Item = [usize; N];

    #[inline]
    fn next(&mut self) -> Option<[usize; N]> {
        self.left = self.left.checked_sub(1)?;
        let found = self.offsets;
        for axis in (0..self.axes.rank).rev() {
            self.position[axis] += 1;
            for (offset, strides) in self.offsets.iter_mut().zip(&self.axes.strides) {
                *offset += strides[axis];
            }
            if self.position[axis] < self.axes.sizes[axis] {
                break;
            }
            for (offset, strides) in self.offsets.iter_mut().zip(&self.axes.strides) {
                *offset -= strides[axis] * self.position[axis];
            }
            self.position[axis] = 0;
        }
        Some(found)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<const N: usize> ExactSizeIterator for Offsets<N> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{each_index, strided};
    use proptest::prelude::*;

    /// The length of a row, the steps along it, and the number of rows.
    fn rows_of<const N: usize>(sizes: &[usize], strides: [[usize; MAX_RANK]; N]) -> (usize, [usize; N], usize) {
        let (rows, length, steps) = Axes::new(Shape::new(sizes), strides).split_last();
        (length, steps, rows.offsets().len())
    }

    proptest! {
        #[test]
        fn every_element_is_visited_in_row_major_order(x in strided()) {
            let (x, mut expected) = (x.view(), Vec::new());
            let along = |index: &[usize]| index.iter().zip(x.strides()).map(|(i, stride)| i * stride).sum::<usize>();
            each_index(x.shape(), |index| expected.push([along(index), expected.len()]));
            let offsets = Axes::new(x.shape(), [x.strides, x.shape().strides()]).offsets();
            prop_assert_eq!(offsets.len(), expected.len());
            prop_assert_eq!(offsets.collect::<Vec<_>>(), expected);
        }
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
        assert_eq!(rows_of(&[], [[0; MAX_RANK]]), (1, [1], 1));
        assert_eq!(rows_of(&[1, 1], [[7, 7, 0, 0, 0, 0]]), (1, [1], 1));
        assert_eq!(rows_of(&[3, 0, 2], [[0; MAX_RANK]]), (0, [1], 1));
    }
}
