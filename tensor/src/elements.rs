//! The iterator over the elements of a view.

use crate::strides::{Axes, Offsets};
use crate::{Real, View};
use std::fmt;

/// The elements of a [`View`] in row-major order.
#[derive(Clone)]
pub struct Elements<'a, T> {
    /// Where the rows that are still to come begin.
    rows: Offsets<1>,
    length: usize,
    step: usize,
    /// Where the next element of this row lies, and how many there are.
    offset: usize,
    left: usize,
    data: &'a [T],
}

impl<'a, T: Real> Elements<'a, T> {
    /// All elements of a view.
    pub(crate) fn new(view: View<'a, T>) -> Self {
        let (rows, length, [step]) = Axes::new(view.shape, [view.strides]).split_last();
        Elements { rows: rows.offsets(), length, step, offset: 0, left: 0, data: view.data }
    }
}

impl<T: Real> Iterator for Elements<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.left == 0 {
            [self.offset] = self.rows.next()?;
            self.left = self.length;
        }
        // The only row of nothing has none.
        self.left = self.left.checked_sub(1)?;
        let value = self.data[self.offset];
        self.offset += self.step;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.left + self.rows.len() * self.length;
        (left, Some(left))
    }
}

impl<T: Real> ExactSizeIterator for Elements<'_, T> {}

impl<T> fmt::Debug for Elements<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.left + self.rows.len() * self.length;
        write!(formatter, "Elements ({left} left)")
    }
}
