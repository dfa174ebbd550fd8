//! Places and ranges along an axis, with negative ones counted from its end.

use std::fmt::Debug;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// A place along an axis: `usize`, or a signed number of which −1 is the last element.
pub trait AxisIndex: Copy + Debug {
    /// The place on an axis of this size; `None` before its start. It may lie beyond its end.
    fn place(self, size: usize) -> Option<usize>;
}

impl AxisIndex for usize {
    fn place(self, _: usize) -> Option<usize> {
        Some(self)
    }
}

impl AxisIndex for isize {
    fn place(self, size: usize) -> Option<usize> {
        if self < 0 { size.checked_add_signed(self) } else { usize::try_from(self).ok() }
    }
}

/// What a literal is when nothing else says: `x.row(-1)`.
impl AxisIndex for i32 {
    fn place(self, size: usize) -> Option<usize> {
        isize::try_from(self).ok()?.place(size)
    }
}

/// A range along an axis, of any kind that Rust has, whose ends are [`AxisIndex`]es.
pub trait AxisRange: Debug {
    /// The range on an axis of this size; `None` when it leaves the axis or ends before it starts.
    fn within(&self, size: usize) -> Option<Range<usize>>;
}

/// `start..end`, if that is a range inside an axis of this size.
fn inside(start: Option<usize>, end: Option<usize>, size: usize) -> Option<Range<usize>> {
    let (start, end) = (start?, end?);
    (start <= end && end <= size).then_some(start..end)
}

/// The place after this one.
fn after(index: impl AxisIndex, size: usize) -> Option<usize> {
    index.place(size)?.checked_add(1)
}

impl<I: AxisIndex> AxisRange for Range<I> {
    fn within(&self, size: usize) -> Option<Range<usize>> {
        inside(self.start.place(size), self.end.place(size), size)
    }
}

impl<I: AxisIndex> AxisRange for RangeFrom<I> {
    fn within(&self, size: usize) -> Option<Range<usize>> {
        inside(self.start.place(size), Some(size), size)
    }
}

impl<I: AxisIndex> AxisRange for RangeTo<I> {
    fn within(&self, size: usize) -> Option<Range<usize>> {
        inside(Some(0), self.end.place(size), size)
    }
}

impl<I: AxisIndex> AxisRange for RangeInclusive<I> {
    fn within(&self, size: usize) -> Option<Range<usize>> {
        inside(self.start().place(size), after(*self.end(), size), size)
    }
}

impl<I: AxisIndex> AxisRange for RangeToInclusive<I> {
    fn within(&self, size: usize) -> Option<Range<usize>> {
        inside(Some(0), after(self.end, size), size)
    }
}

impl AxisRange for RangeFull {
    fn within(&self, size: usize) -> Option<Range<usize>> {
        Some(0..size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Clippy reads them as ranges to iterate over.
    #[allow(clippy::reversed_empty_ranges)]
    #[test]
    fn every_kind_of_range_finds_its_place() {
        assert_eq!((1..3_usize).within(5), Some(1..3));
        assert_eq!((-3..-1).within(5), Some(2..4));
        assert_eq!((-2_isize..).within(5), Some(3..5));
        assert_eq!((..-1).within(5), Some(0..4));
        assert_eq!((1..=-1).within(5), Some(1..5));
        assert_eq!((..=0).within(5), Some(0..1));
        assert_eq!((..).within(5), Some(0..5));
    }

    #[allow(clippy::reversed_empty_ranges)]
    #[test]
    fn ranges_that_leave_the_axis_have_no_place() {
        assert_eq!((0..6).within(5), None);
        assert_eq!((-6..).within(5), None);
        assert_eq!((3..2_usize).within(5), None);
        assert_eq!((..=usize::MAX).within(5), None);
        assert_eq!((5..5).within(5), Some(5..5));
        assert_eq!((-1..).within(0), None);
    }
}
