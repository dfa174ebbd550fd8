//! The iterator over the elements of a view.

use crate::{MAX_RANK, Real, Shape};
use std::fmt;

/// The elements of a [`View`](crate::View) in row-major order.
#[derive(Clone)]
pub struct Elements<'a, T> {
    shape: Shape,
    strides: [usize; MAX_RANK],
    data: &'a [T],
    position: [usize; MAX_RANK],
    offset: usize,
    left: usize,
}

impl<'a, T: Real> Elements<'a, T> {
    /// All elements of `data` at these strides.
    pub(crate) fn new(shape: Shape, strides: [usize; MAX_RANK], data: &'a [T]) -> Self {
        Elements { shape, strides, data, position: [0; MAX_RANK], offset: 0, left: shape.len() }
    }
}

impl<T: Real> Iterator for Elements<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let value = self.data[self.offset];
        // Count up as an odometer does.
        for (axis, &size) in self.shape.dims().iter().enumerate().rev() {
            self.position[axis] += 1;
            self.offset += self.strides[axis];
            if self.position[axis] < size {
                break;
            }
            self.offset -= self.strides[axis] * size;
            self.position[axis] = 0;
        }
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Real> ExactSizeIterator for Elements<'_, T> {}

impl<T> fmt::Debug for Elements<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Elements ({} left of {})", self.left, self.shape)
    }
}
