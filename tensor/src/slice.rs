//! Views of a part: ranges, steps, rows, splits.

use crate::{AxisIndex, AxisRange, Real, View};
use std::ops::Range;

impl<T: Real> View<'_, T> {
    /// The part within `range` along `axis`: `[…, n, …] → […, range, …]`.
    ///
    /// Any kind of range; negative ends count from the end of the axis, as in NumPy. Unlike there, a range that leaves
    /// the axis is an error, not cut off. What NumPy writes `1:-1` may be written `1..-1`, but Clippy takes such
    /// literals for a mistake; two slices say the same.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::<f32>::arange(0.0, 6.0, 1.0);
    /// assert_eq!(x.slice(0, 1..3).to_tensor().as_slice(), [1.0, 2.0]);
    /// assert_eq!(x.slice(0, -2..).to_tensor().as_slice(), [4.0, 5.0]);
    /// assert_eq!(x.slice(0, 1..).slice(0, ..-1).step_by(0, 2).to_tensor().as_slice(), [1.0, 3.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or the range lies outside it or ends before it starts.
    #[track_caller]
    pub fn slice(self, axis: usize, range: impl AxisRange) -> Self {
        assert!(axis < self.shape.rank(), "slice: {} has no axis {axis}", self.shape);
        match range.within(self.shape.dims()[axis]) {
            Some(range) => self.part(axis, range),
            None => panic!("slice: {range:?} lies outside axis {axis} of {}", self.shape),
        }
    }

    /// Every `step`-th element along `axis`, from the first: `[…, n, …] → […, ⌈n / step⌉, …]`.
    ///
    /// Steps are positive: strides are, so that a view never reads before its first element.
    ///
    /// # Panics
    ///
    /// When there is no such axis, or `step` is 0.
    #[track_caller]
    pub fn step_by(mut self, axis: usize, step: usize) -> Self {
        assert!(axis < self.shape.rank(), "step_by: {} has no axis {axis}", self.shape);
        assert!(step > 0, "step_by: a step of 0 leads nowhere");
        self.shape = self.shape.with(axis, self.shape.dims()[axis].div_ceil(step));
        // A step beyond the axis is never taken, and may be too large to multiply by.
        if self.shape.dims()[axis] > 1 {
            self.strides[axis] *= step;
        }
        self
    }

    /// What lies at `index` along `axis`, without the axis: `[…, n, …] → […, …]`. A negative index counts from the end.
    ///
    /// # Panics
    ///
    /// When there is no such axis, or the index lies outside it.
    #[track_caller]
    pub fn select(self, axis: usize, index: impl AxisIndex) -> Self {
        assert!(axis < self.shape.rank(), "select: {} has no axis {axis}", self.shape);
        match index.place(self.shape.dims()[axis]).filter(|&place| place < self.shape.dims()[axis]) {
            Some(place) => self.part(axis, place..place + 1).without(axis),
            None => panic!("select: {index:?} lies outside axis {axis} of {}", self.shape),
        }
    }

    /// What lies at `index` along the first axis: `[n, …] → […]`. A negative index counts from the end.
    ///
    /// # Panics
    ///
    /// When there is no axis, or the index lies outside the first.
    #[track_caller]
    pub fn row(self, index: impl AxisIndex) -> Self {
        self.select(0, index)
    }

    /// `N` equal parts of an axis: `let [i, f, g, o] = gates.split(0)`.
    ///
    /// # Panics
    ///
    /// When there is no such axis, or it cannot be cut into `N` equal parts.
    #[track_caller]
    pub fn split<const N: usize>(self, axis: usize) -> [Self; N] {
        assert!(axis < self.shape.rank(), "split: {} has no axis {axis}", self.shape);
        let size = self.shape.dims()[axis];
        assert!(size.is_multiple_of(N), "split: axis {axis} of {} cannot be cut into {N} equal parts", self.shape);
        let part = size / N.max(1);
        std::array::from_fn(|k| self.part(axis, k * part..(k + 1) * part))
    }

    /// The parts before and from `index` along `axis`: `[…, n, …] → […, index, …]` and `[…, n − index, …]`. A negative
    /// index counts from the end.
    ///
    /// # Panics
    ///
    /// When there is no such axis, or `index` lies beyond it.
    #[track_caller]
    pub fn split_at(self, axis: usize, index: impl AxisIndex) -> [Self; 2] {
        assert!(axis < self.shape.rank(), "split_at: {} has no axis {axis}", self.shape);
        let size = self.shape.dims()[axis];
        match index.place(size).filter(|&place| place <= size) {
            Some(place) => [self.part(axis, 0..place), self.part(axis, place..size)],
            None => panic!("split_at: {index:?} lies outside axis {axis} of {}", self.shape),
        }
    }

    /// The part within a range that lies inside.
    fn part(self, axis: usize, range: Range<usize>) -> Self {
        // An empty view may start beyond the last element.
        let start = (range.start.saturating_mul(self.strides[axis])).min(self.data.len());
        View { shape: self.shape.with(axis, range.len()), strides: self.strides, data: &self.data[start..] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::testing::with_axis;
    use proptest::prelude::*;

    /// The elements along `axis` at these places, found one by one.
    fn at_places(x: &Tensor<f64>, axis: usize, places: &[usize]) -> Tensor<f64> {
        Tensor::from_index(x.shape().with(axis, places.len()), |index| {
            let mut index = index.to_vec();
            index[axis] = places[index[axis]];
            x.at(&index)
        })
    }

    proptest! {
        #[test]
        fn slices_with_steps_are_the_elements_at_those_places(
            (x, axis) in with_axis(), a in 0_usize..6, b in 0_usize..6, step in 1_usize..4,
        ) {
            let size = x.shape().dims()[axis];
            let (start, end) = (a.min(b).min(size), a.max(b).min(size));
            let part = x.slice(axis, start..end).step_by(axis, step);
            let places: Vec<usize> = (start..end).step_by(step).collect();
            prop_assert_eq!(part.to_tensor(), at_places(&x, axis, &places));
            if end < size {
                let from_the_end = start as isize - size as isize..end as isize - size as isize;
                prop_assert_eq!(x.slice(axis, from_the_end).to_tensor(), x.slice(axis, start..end).to_tensor());
            }
        }

        #[test]
        fn a_selection_is_a_slice_of_one((x, axis) in with_axis(), index in 0_usize..4) {
            let size = x.shape().dims()[axis];
            prop_assume!(index < size);
            let selected = x.select(axis, index);
            prop_assert_eq!(selected.to_tensor(), x.slice(axis, index..=index).squeeze(axis).to_tensor());
            prop_assert_eq!(selected.to_tensor(), x.select(axis, index as isize - size as isize).to_tensor());
        }

        #[test]
        fn split_parts_are_slices((x, axis) in with_axis(), cut in 0_usize..5) {
            let size = x.shape().dims()[axis];
            let cut = cut.min(size);
            let [head, tail] = x.split_at(axis, cut);
            prop_assert_eq!(head.to_tensor(), x.slice(axis, ..cut).to_tensor());
            prop_assert_eq!(tail.to_tensor(), x.slice(axis, cut..).to_tensor());
            if size % 2 == 0 {
                let [low, high] = x.split(axis);
                prop_assert_eq!(low.to_tensor(), x.slice(axis, ..size / 2).to_tensor());
                prop_assert_eq!(high.to_tensor(), x.slice(axis, size / 2..).to_tensor());
            }
        }
    }

    #[test]
    fn a_step_beyond_the_axis_leaves_the_first() {
        let x = Tensor::<f32>::arange(0.0, 24.0, 1.0).reshape([2, 3, 4]);
        assert_eq!(x.step_by(1, usize::MAX).to_tensor(), x.slice(1, ..1).to_tensor());
    }

    #[allow(clippy::reversed_empty_ranges)]
    #[test]
    #[should_panic(expected = "slice: 1..-3 lies outside axis 0 of [3]")]
    fn a_range_that_ends_before_it_starts_panics() {
        View::new([3], &[0.0_f32; 3]).slice(0, 1..-3);
    }

    #[test]
    #[should_panic(expected = "select: -4 lies outside axis 0 of [3]")]
    fn an_index_before_the_start_panics() {
        View::new([3], &[0.0_f32; 3]).row(-4);
    }
}
