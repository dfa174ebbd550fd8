//! The iterator over the elements of a view.

use crate::strides::{Axes, Offsets};
use crate::{Real, View};
use std::fmt;

/// The elements of a [`View`] in row-major order.
#[derive(Clone)]
pub struct Elements<'a, T> {
    offsets: Offsets<1>,
    data: &'a [T],
}

impl<'a, T: Real> Elements<'a, T> {
    /// All elements of a view.
    pub(crate) fn new(view: View<'a, T>) -> Self {
        Elements { offsets: Axes::new(view.shape, [view.strides]).offsets(), data: view.data }
    }
}

impl<T: Real> Iterator for Elements<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.offsets.next().map(|[offset]| self.data[offset])
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offsets.size_hint()
    }
}

impl<T: Real> ExactSizeIterator for Elements<'_, T> {}

impl<T> fmt::Debug for Elements<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Elements ({} left)", self.offsets.len())
    }
}
