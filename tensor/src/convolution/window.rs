//! A window that slides over an image: how many positions it has, and what its taps see there.

use crate::Shape;
use std::ops::Range;

/// A window of `N` axes that slides over images: one axis or two.
///
/// ```
/// use thalweg_tensor::Window;
///
/// let window = Window::new([3, 3]).padding([1, 1]).stride([2, 2]);
/// assert_eq!(window.output([7, 8]), [4, 4]);
/// assert_eq!(Window::tiling([2]).output([7]), [3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "[usize; N]: serde::Serialize", deserialize = "[usize; N]: serde::Deserialize<'de>"))
)]
pub struct Window<const N: usize> {
    /// How many taps there are along each axis; PyTorch's `kernel_size`.
    pub kernel: [usize; N],
    /// How far apart neighbouring positions lie.
    pub stride: [usize; N],
    /// How far the window may reach beyond the image, at either end.
    pub padding: [usize; N],
    /// How far apart neighbouring taps lie.
    pub dilation: [usize; N],
}

/// What one tap sees along one row of positions.
#[derive(Clone, Debug)]
pub struct Run {
    /// The number of the tap, row-major in the window.
    pub tap: usize,
    /// The row of positions.
    pub row: usize,
    /// The positions within the row at which the tap lies in the image; at the others it lies in the padding.
    pub columns: Range<usize>,
    /// The flat index in the image of what it sees first; the next lies a stride further, and so on.
    pub first: usize,
}

impl<const N: usize> Window<N> {
    /// The window of this many taps that stops everywhere: stride 1, no padding, no dilation.
    pub const fn new(kernel: [usize; N]) -> Self {
        Window { kernel, stride: [1; N], padding: [0; N], dilation: [1; N] }
    }

    /// The window whose positions lie side by side: the stride is the kernel, as is usual for pooling.
    pub const fn tiling(kernel: [usize; N]) -> Self {
        Window { stride: kernel, ..Self::new(kernel) }
    }

    /// The same window with another stride.
    pub const fn stride(self, stride: [usize; N]) -> Self {
        Window { stride, ..self }
    }

    /// The same window with another padding.
    pub const fn padding(self, padding: [usize; N]) -> Self {
        Window { padding, ..self }
    }

    /// The same window with another dilation.
    pub const fn dilation(self, dilation: [usize; N]) -> Self {
        Window { dilation, ..self }
    }

    /// How many positions there are along each axis of an image of this size. With PyTorch,
    /// `⌊(size + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1`.
    ///
    /// # Panics
    ///
    /// When the window does not fit into the padded image, or kernel, stride or dilation is 0.
    #[track_caller]
    pub fn output(&self, size: [usize; N]) -> [usize; N] {
        self.output_for("window", size)
    }

    /// The same as [`Window::output`], for sizes that come from outside the program; `None` where that panics.
    pub fn try_output(&self, size: [usize; N]) -> Option<[usize; N]> {
        let mut output = [0; N];
        for (axis, output) in output.iter_mut().enumerate() {
            let padded = self.padding[axis].checked_mul(2)?.checked_add(size[axis])?;
            *output = padded.checked_sub(self.reach(axis)?)?.checked_div(self.stride[axis])? + 1;
        }
        Some(output)
    }

    /// The shape that pooling gives: `[…, h, w]` → `[…, h′, w′]`.
    ///
    /// # Panics
    ///
    /// With the name of the operation `op`, where [`Window::output`] panics; when there are fewer than `N` axes; when
    /// the padding is more than half of what the window spans.
    #[track_caller]
    pub fn pooled(&self, op: &str, shape: Shape) -> Shape {
        let Some(size) = shape.dims().last_chunk::<N>() else {
            panic!("{op}: at least {N} axes expected, the shape is {shape}");
        };
        let output = self.output_for(op, *size);
        for axis in 0..N {
            let half = self.reach(axis).unwrap_or(0) / 2;
            assert!(self.padding[axis] <= half, "{op}: padding is more than half the window: {self:?}");
        }
        let leading = shape.rank() - N;
        (0..N).fold(shape, |shape, axis| shape.with(leading + axis, output[axis]))
    }

    #[track_caller]
    pub(super) fn output_for(&self, op: &str, size: [usize; N]) -> [usize; N] {
        let one_or_more = |sizes: [usize; N]| sizes.iter().all(|&size| size > 0);
        let valid = one_or_more(self.kernel) && one_or_more(self.stride) && one_or_more(self.dilation);
        assert!(valid, "{op}: kernel, stride and dilation must be at least 1: {self:?}");
        match self.try_output(size) {
            Some(output) => output,
            None => panic!("{op}: the window does not fit into an image of {size:?}: {self:?}"),
        }
    }

    /// How far the window reaches from its first tap to its last, both counted.
    fn reach(&self, axis: usize) -> Option<usize> {
        self.kernel[axis].checked_sub(1)?.checked_mul(self.dilation[axis])?.checked_add(1)
    }

    /// The same window over images of two axes: one axis is a row.
    pub fn planar(&self) -> Window<2> {
        Window {
            kernel: planar(self.kernel, 1),
            stride: planar(self.stride, 1),
            padding: planar(self.padding, 0),
            dilation: planar(self.dilation, 1),
        }
    }
}

/// One axis as two, of which the first has this size; two as they are.
pub(super) fn planar<const N: usize>(sizes: [usize; N], first: usize) -> [usize; 2] {
    const { assert!(N == 1 || N == 2, "images have one axis or two") };
    [if N == 1 { first } else { sizes[0] }, sizes[N - 1]]
}

impl Window<2> {
    /// Visits all that the window sees in one channel `[h, w]`: tap after tap, and for each, one row of positions after
    /// another.
    #[inline(always)]
    pub fn runs(&self, size: [usize; 2], mut visit: impl FnMut(Run)) {
        let [height, _] = self.output(size);
        for tap in 0..self.kernel[0] * self.kernel[1] {
            let [rows, columns] = self.inside(tap, size);
            for row in 0..height {
                let (columns, first) = if rows.contains(&row) && !columns.is_empty() {
                    (columns.clone(), self.seen(tap, [row, columns.start], size))
                } else {
                    (0..0, 0)
                };
                visit(Run { tap, row, columns, first });
            }
        }
    }

    /// The flat index in one channel `[h, w]` of the first that the window sees at one position, tap after tap, for which
    /// `is_sought` says so. Taps in the padding see nothing.
    #[inline]
    pub fn find(
        &self,
        position: [usize; 2],
        size: [usize; 2],
        mut is_sought: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let along = |axis: usize, tap: usize| {
            let at = position[axis] * self.stride[axis] + tap * self.dilation[axis];
            at.checked_sub(self.padding[axis]).filter(|&at| at < size[axis])
        };
        for i in 0..self.kernel[0] {
            let Some(row) = along(0, i) else { continue };
            for j in 0..self.kernel[1] {
                let Some(column) = along(1, j) else { continue };
                let index = row * size[1] + column;
                if is_sought(index) {
                    return Some(index);
                }
            }
        }
        None
    }

    /// The rows of positions at which a tap lies in the image, and the columns.
    pub(super) fn inside(&self, tap: usize, size: [usize; 2]) -> [Range<usize>; 2] {
        let (taps, positions) = (self.taps_of(tap), self.output(size));
        [0, 1].map(|axis| {
            let (offset, padding, stride) = (taps[axis] * self.dilation[axis], self.padding[axis], self.stride[axis]);
            let start = padding.saturating_sub(offset).div_ceil(stride).min(positions[axis]);
            let end = (size[axis] + padding).saturating_sub(offset).div_ceil(stride).min(positions[axis]);
            start..end.max(start)
        })
    }

    /// The flat index in the image of what a tap sees at a position at which it lies in the image.
    pub(super) fn seen(&self, tap: usize, position: [usize; 2], size: [usize; 2]) -> usize {
        let taps = self.taps_of(tap);
        let [row, column] = [0, 1]
            .map(|axis| position[axis] * self.stride[axis] + taps[axis] * self.dilation[axis] - self.padding[axis]);
        row * size[1] + column
    }

    /// The row and the column of a tap in the window.
    fn taps_of(&self, tap: usize) -> [usize; 2] {
        [tap / self.kernel[1], tap % self.kernel[1]]
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::windows;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_last_position_fits_and_the_next_would_not((window, size) in windows()) {
            let output = window.output(size);
            for axis in 0..2 {
                let end = |position| position * window.stride[axis] + window.dilation[axis] * (window.kernel[axis] - 1);
                let padded = size[axis] + 2 * window.padding[axis];
                prop_assert!(end(output[axis] - 1) < padded && end(output[axis]) >= padded);
            }
        }

        #[test]
        fn runs_and_positions_see_the_same((window, size) in windows()) {
            let [height, width] = window.output(size);
            let mut by_runs = vec![Vec::new(); height * width];
            window.runs(size, |run| {
                for (k, column) in run.columns.enumerate() {
                    by_runs[run.row * width + column].push(run.first + k * window.stride[1]);
                }
            });
            for (position, seen) in by_runs.iter().enumerate() {
                let at = [position / width, position % width];
                let mut found = Vec::new();
                window.find(at, size, |index| {
                    found.push(index);
                    false
                });
                prop_assert_eq!(&found, seen);
                prop_assert_eq!(window.find(at, size, |_| true), seen.first().copied());
            }
        }
    }

    #[test]
    fn sizes_that_do_not_fit_or_overflow_have_no_output() {
        assert_eq!(Window::new([3]).try_output([2]), None);
        assert_eq!(Window::new([3]).stride([9]).try_output([3]), Some([1]));
        assert_eq!(Window::new([3]).padding([usize::MAX / 2 + 1]).try_output([2]), None);
        assert_eq!(Window::new([3]).dilation([usize::MAX]).try_output([2]), None);
        assert_eq!(Window::new([1]).stride([0]).try_output([2]), None);
        assert_eq!(Window::new([0]).try_output([2]), None);
    }

    #[test]
    #[should_panic(expected = "window: the window does not fit into an image of [5, 2]")]
    fn a_window_larger_than_the_image_panics() {
        Window::new([3, 3]).output([5, 2]);
    }

    #[test]
    #[should_panic(expected = "window: kernel, stride and dilation must be at least 1")]
    fn a_stride_of_0_panics() {
        Window::new([3]).stride([0]).output([5]);
    }

    #[test]
    fn pooling_may_pad_half_of_what_the_window_spans() {
        // A kernel of 5 spans 5, of 3 with a dilation of 2 too: 2 on either side leave 6 + 4 − 4 = 6 of 6.
        for window in [Window::<1>::tiling([5]), Window::tiling([3]).dilation([2])] {
            assert_eq!(window.stride([1]).padding([2]).pooled("pool", [4, 6].into()), [4, 6].into());
        }
    }

    #[test]
    #[should_panic(expected = "max_pool2d: padding is more than half the window")]
    fn pooling_with_a_wide_padding_panics() {
        Window::new([3, 3]).padding([1, 2]).pooled("max_pool2d", Shape::new(&[5, 5]));
    }
}
