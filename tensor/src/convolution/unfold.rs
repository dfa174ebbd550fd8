//! An image as the matrix of what a window sees, and back.

use super::Window;
use crate::{Real, kernels};
use std::ops::Range;

impl Window<2> {
    /// Writes what the window sees as a matrix: `[channels, h, w]` → `[channels·k₁·k₂, positions]`. Row `(c, tap)` holds
    /// what the tap sees of channel `c` at each position; in the padding it sees 0.
    ///
    /// ```
    /// use thalweg_tensor::Window;
    ///
    /// let mut columns = [0.0; 6];
    /// Window::new([1, 2]).unfold(&[1.0, 2.0, 3.0, 4.0], [1, 4], &mut columns);
    /// assert_eq!(columns, [1.0, 2.0, 3.0, 2.0, 3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When the window does not fit into the image, or the lengths do not fit the sizes.
    #[track_caller]
    pub fn unfold<T: Real>(&self, image: &[T], size: [usize; 2], columns: &mut [T]) {
        let [plane, unfolded, width] = self.check("unfold", image.len(), size, columns.len());
        if plane == 0 {
            return columns.fill(T::ZERO); // nothing but padding
        }
        if self.is_flat(size) {
            for tap in 0..unfolded / plane {
                let seen = self.flat_tap(tap, size);
                for (image, columns) in image.chunks_exact(plane).zip(columns.chunks_exact_mut(unfolded)) {
                    let columns = &mut columns[tap * plane..][..plane];
                    columns[seen.positions.clone()].copy_from_slice(&image[seen.first..][..seen.positions.len()]);
                    seen.clear_padding(columns);
                }
            }
            return;
        }
        let step = self.stride[1];
        let channels = image.chunks_exact(plane).zip(columns.chunks_exact_mut(unfolded));
        kernels::vectorize(
            #[inline(always)]
            || {
                for (image, columns) in channels {
                    // Runs come in the order of the matrix.
                    let mut rows = columns.chunks_exact_mut(width);
                    self.runs(size, |run| {
                        let Some(row) = rows.next() else { return };
                        let (before, row) = row.split_at_mut(run.columns.start);
                        let (row, behind) = row.split_at_mut(run.columns.len());
                        before.fill(T::ZERO);
                        gather(&image[run.first..], step, row, |_, x| x);
                        behind.fill(T::ZERO);
                    });
                }
            },
        );
    }

    /// Adds each number of the matrix to where [`unfold`](Window::unfold) would have read it:
    /// `[channels·k₁·k₂, positions]` → `[channels, h, w]`. The adjoint of `unfold`: `⟨unfold x, y⟩ = ⟨x, fold y⟩`. What
    /// the matrix holds of the padding goes nowhere, and may be 0 afterwards.
    ///
    /// # Panics
    ///
    /// When the window does not fit into the image, or the lengths do not fit the sizes.
    #[track_caller]
    pub fn fold<T: Real>(&self, columns: &mut [T], size: [usize; 2], image: &mut [T]) {
        let [plane, unfolded, width] = self.check("fold", image.len(), size, columns.len());
        if self.is_flat(size) {
            for tap in 0..unfolded / plane {
                let seen = self.flat_tap(tap, size);
                for (image, columns) in image.chunks_exact_mut(plane).zip(columns.chunks_exact_mut(unfolded)) {
                    let columns = &mut columns[tap * plane..][..plane];
                    seen.clear_padding(columns);
                    let (columns, first) = (&columns[seen.positions.clone()], seen.first);
                    kernels::add_assign(columns, &mut image[first..first + columns.len()]);
                }
            }
            return;
        }
        let step = self.stride[1];
        let channels = image.chunks_exact_mut(plane.max(1)).zip(columns.chunks_exact(unfolded));
        kernels::vectorize(
            #[inline(always)]
            || {
                for (image, columns) in channels {
                    let mut rows = columns.chunks_exact(width);
                    self.runs(size, |run| {
                        let Some(row) = rows.next() else { return };
                        scatter(&row[run.columns], &mut image[run.first..], step, |x, y| x + y);
                    });
                }
            },
        );
    }

    /// Whether the positions lie as the numbers of the image do, row by row. Then what a tap sees is the image, shifted;
    /// at some ends of rows it is padding instead.
    fn is_flat(&self, size: [usize; 2]) -> bool {
        self.stride == [1, 1] && self.output(size) == size
    }

    /// What one tap of a flat window sees.
    fn flat_tap(&self, tap: usize, size: [usize; 2]) -> FlatTap {
        let ([rows, columns], width) = (self.inside(tap, size), size[1]);
        if rows.is_empty() || columns.is_empty() {
            return FlatTap { first: 0, positions: 0..0, columns, width };
        }
        let positions = rows.start * width + columns.start..(rows.end - 1) * width + columns.end;
        FlatTap { first: self.seen(tap, [rows.start, columns.start], size), positions, columns, width }
    }

    /// `[numbers in a channel, numbers in what is unfolded of it, positions in a row]`.
    #[track_caller]
    fn check(&self, op: &str, image: usize, size: [usize; 2], columns: usize) -> [usize; 3] {
        let [height, width] = self.output_for(op, size);
        let (plane, unfolded) = (size[0] * size[1], self.kernel[0] * self.kernel[1] * height * width);
        // Of an image without numbers, the channels are counted by the columns alone.
        let channels = columns / unfolded;
        let fits = channels * plane == image && channels * unfolded == columns;
        assert!(fits, "{op}: an image of {image} in channels of {size:?} does not fit {columns} columns of {self:?}");
        [plane, unfolded, width]
    }
}

/// What one tap of a [flat](Window::is_flat) window sees of a channel.
#[derive(Clone, Debug)]
struct FlatTap {
    /// The flat index of the first number that it sees.
    first: usize,
    /// The positions from where it sees that to where it sees its last; at some in between it may be in the padding.
    positions: Range<usize>,
    /// The columns of positions at which it is not.
    columns: Range<usize>,
    width: usize,
}

impl FlatTap {
    /// Sets the positions to 0 at which the tap is in the padding.
    fn clear_padding<T: Real>(&self, plane: &mut [T]) {
        plane[..self.positions.start].fill(T::ZERO);
        plane[self.positions.end..].fill(T::ZERO);
        for column in (0..self.columns.start).chain(self.columns.end..self.width) {
            plane[column..].iter_mut().step_by(self.width).for_each(|number| *number = T::ZERO);
        }
    }
}

/// `to[k] = f(to[k], from[k · step])` for every `k` of `to`.
#[inline(always)]
pub(super) fn gather<T: Real>(from: &[T], step: usize, to: &mut [T], f: impl Fn(T, T) -> T) {
    if step == 1 {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = f(*to, from));
    } else {
        to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &from)| *to = f(*to, from));
    }
}

/// `to[k · step] = f(to[k · step], from[k])` for every `k` of `from`.
#[inline(always)]
pub(super) fn scatter<T: Real>(from: &[T], to: &mut [T], step: usize, f: impl Fn(T, T) -> T) {
    if step == 1 {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = f(*to, from));
    } else {
        to.iter_mut().step_by(step).zip(from).for_each(|(to, &from)| *to = f(*to, from));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{integers, windows};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn unfold_writes_what_the_window_sees((window, size) in windows(), channels in 0_usize..3) {
            let [height, width] = window.output(size);
            let (plane, [rows, columns]) = (size[0] * size[1], window.kernel);
            let x = integers(channels * plane, 1);
            let mut unfolded = vec![f64::NAN; channels * rows * columns * height * width];
            window.unfold(&x, size, &mut unfolded);
            let mut found = unfolded.iter();
            for index in 0..channels * rows * columns * height * width {
                let (position, tap) = (index % (height * width), index / (height * width) % (rows * columns));
                let channel = index / (height * width * rows * columns);
                let at = |axis: usize, position: usize, tap: usize| {
                    (position * window.stride[axis] + tap * window.dilation[axis]).checked_sub(window.padding[axis])
                        .filter(|&at| at < size[axis])
                };
                let seen = at(0, position / width, tap / columns).zip(at(1, position % width, tap % columns));
                let expected = seen.map_or(0.0, |(row, column)| x[channel * plane + row * size[1] + column]);
                prop_assert_eq!(found.next(), Some(&expected));
            }
        }

        #[test]
        fn fold_is_the_adjoint_of_unfold((window, size) in windows(), channels in 0_usize..3) {
            let [height, width] = window.output(size);
            let length = channels * window.kernel[0] * window.kernel[1] * height * width;
            let (x, y) = (integers(channels * size[0] * size[1], 1), integers(length, 2));
            let (mut unfolded, mut folded) = (vec![f64::NAN; length], integers(x.len(), 3));
            window.unfold(&x, size, &mut unfolded);
            window.fold(&mut y.clone(), size, &mut folded);
            folded.iter_mut().zip(integers(x.len(), 3)).for_each(|(folded, before)| *folded -= before);
            let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            prop_assert_eq!(product(&unfolded, &y), product(&x, &folded));
        }
    }

    #[test]
    #[should_panic(expected = "unfold: an image of 9 in channels of [3, 3] does not fit 15 columns")]
    fn a_wrong_number_of_columns_panics() {
        Window::new([2, 2]).unfold(&[0.0_f32; 9], [3, 3], &mut [0.0; 15]);
    }
}
