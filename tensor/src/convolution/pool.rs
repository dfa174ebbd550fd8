//! Pooling: what a window sees as one number.

use super::Window;
use super::unfold::{gather, scatter};
use crate::{Real, kernels};

impl Window<2> {
    /// The largest that the window sees: `[…, h, w]` → `[…, h′, w′]`; NaN if it sees a NaN. Padding counts as −∞.
    ///
    /// # Panics
    ///
    /// When the window does not fit into the image, or the lengths do not fit the sizes.
    #[track_caller]
    pub fn max_pool<T: Real>(&self, x: &[T], size: [usize; 2], y: &mut [T]) {
        y.fill(T::NEG_INFINITY);
        self.reduce("max_pool", x, size, y, |largest, x| x.maximum(largest));
    }

    /// The mean of what the window sees: `[…, h, w]` → `[…, h′, w′]`. Padding counts as 0.
    ///
    /// # Panics
    ///
    /// When the window does not fit into the image, or the lengths do not fit the sizes.
    #[track_caller]
    pub fn avg_pool<T: Real>(&self, x: &[T], size: [usize; 2], y: &mut [T]) {
        y.fill(T::ZERO);
        self.reduce("avg_pool", x, size, y, |sum, x| sum + x);
        let taps = self.taps();
        y.iter_mut().for_each(|y| *y = *y / taps);
    }

    /// Adds to each number its share of the means that it is part of, the adjoint of [`avg_pool`](Window::avg_pool):
    /// `[…, h′, w′]` → `[…, h, w]`.
    ///
    /// # Panics
    ///
    /// When the window does not fit into the image, or the lengths do not fit the sizes.
    #[track_caller]
    pub fn avg_pool_adjoint<T: Real>(&self, y: &[T], size: [usize; 2], x: &mut [T]) {
        let [plane, positions, width] = self.planes("avg_pool_adjoint", x.len(), size, y.len());
        let (taps, step) = (self.taps(), self.stride[1]);
        kernels::vectorize(
            #[inline(always)]
            || {
                for (x, y) in x.chunks_exact_mut(plane).zip(y.chunks_exact(positions)) {
                    self.runs(size, |run| {
                        let row = &y[run.row * width..][run.columns];
                        scatter(row, &mut x[run.first..], step, |x, y| x + y / taps);
                    });
                }
            },
        );
    }

    /// Adds each gradient `dy` of a maximum `y` to that of the first number `x` that the window sees and that equals it,
    /// the first NaN if it is NaN: `[…, h′, w′]` → `[…, h, w]`. Uses `dy` up: what found its place is 0.
    ///
    /// # Panics
    ///
    /// When the window does not fit into the image, or the lengths do not fit the sizes.
    #[track_caller]
    pub fn max_pool_adjoint<T: Real>(&self, x: &[T], y: &[T], dy: &mut [T], size: [usize; 2], dx: &mut [T]) {
        let [plane, positions, width] = self.planes("max_pool_adjoint", x.len(), size, y.len());
        let fits = dy.len() == y.len() && dx.len() == x.len();
        assert!(
            fits,
            "max_pool_adjoint: {} and {} numbers have gradients of {} and {}",
            x.len(),
            y.len(),
            dx.len(),
            dy.len()
        );
        let step = self.stride[1];
        let images = x.chunks_exact(plane).zip(dx.chunks_exact_mut(plane));
        let maxima = y.chunks_exact(positions).zip(dy.chunks_exact_mut(positions));
        kernels::vectorize(
            #[inline(always)]
            || {
                for ((x, dx), (y, dy)) in images.zip(maxima) {
                    if self.is_of_pairs() {
                        self.rows_of_taps(size, |row, first| {
                            let at = row * width..(row + 1) * width;
                            give_pairs(&x[first..], &mut dx[first..], &y[at.clone()], &mut dy[at]);
                        });
                        continue;
                    }
                    self.runs(size, |run| {
                        let at = run.row * width + run.columns.start..run.row * width + run.columns.end;
                        give(&x[run.first..], &mut dx[run.first..], step, &y[at.clone()], &mut dy[at]);
                    });
                }
            },
        );
    }

    /// How many numbers a mean is of.
    fn taps<T: Real>(&self) -> T {
        T::from_f64((self.kernel[0] * self.kernel[1]) as f64)
    }

    /// `y = f(y, x)` for each `x` that the window sees at the position of `y`, tap after tap.
    #[track_caller]
    fn reduce<T: Real>(&self, op: &str, x: &[T], size: [usize; 2], y: &mut [T], f: impl Fn(T, T) -> T + Copy) {
        let [plane, positions, width] = self.planes(op, x.len(), size, y.len());
        let step = self.stride[1];
        kernels::vectorize(
            #[inline(always)]
            || {
                for (x, y) in x.chunks_exact(plane).zip(y.chunks_exact_mut(positions)) {
                    if self.is_of_pairs() {
                        self.rows_of_taps(size, |row, first| {
                            let (pairs, y) = (x[first..].as_chunks().0, &mut y[row * width..][..width]);
                            y.iter_mut().zip(pairs).for_each(|(y, &[left, right])| *y = f(f(*y, left), right));
                        });
                        continue;
                    }
                    self.runs(size, |run| {
                        gather(&x[run.first..], step, &mut y[run.row * width..][run.columns], f);
                    });
                }
            },
        );
    }

    /// Whether pairs of taps lie side by side in a row of the image, each pair at one position: the common case, for which
    /// a row can be walked once and not once for each tap.
    fn is_of_pairs(&self) -> bool {
        [self.kernel[1], self.stride[1], self.dilation[1], self.padding[1]] == [2, 2, 1, 0]
    }

    /// Calls `visit` with each row of positions and, for each row of taps that lies in the image there, its first number.
    #[inline(always)]
    fn rows_of_taps(&self, size: [usize; 2], mut visit: impl FnMut(usize, usize)) {
        let [height, _] = self.output(size);
        for (row, tap) in (0..height).flat_map(|row| (0..self.kernel[0]).map(move |tap| (row, tap))) {
            let at = (row * self.stride[0] + tap * self.dilation[0]).checked_sub(self.padding[0]);
            if let Some(at) = at.filter(|&at| at < size[0]) {
                visit(row, at * size[1]);
            }
        }
    }

    /// `[numbers in an image, positions, positions in a row]`, the first at least 1.
    #[track_caller]
    fn planes(&self, op: &str, input: usize, size: [usize; 2], output: usize) -> [usize; 3] {
        let [height, width] = self.output_for(op, size);
        let (plane, positions) = (size[0] * size[1], height * width);
        let images = output / positions;
        let fits = images * plane == input && images * positions == output;
        assert!(fits, "{op}: {input} numbers in images of {size:?} do not give {output} by {self:?}");
        [plane.max(1), positions, width]
    }
}

/// Moves `dy[k]` to `dx[k · step]` for every `k` at which `x[k · step]` is `y[k]`.
#[inline(always)]
fn give<T: Real>(x: &[T], dx: &mut [T], step: usize, y: &[T], dy: &mut [T]) {
    let numbers = x.iter().step_by(step).zip(dx.iter_mut().step_by(step));
    numbers.zip(y.iter().zip(dy)).for_each(|((&x, dx), (&y, dy))| give_one(x, dx, y, dy));
}

/// [`give`] for windows of two taps side by side.
#[inline(always)]
fn give_pairs<T: Real>(x: &[T], dx: &mut [T], y: &[T], dy: &mut [T]) {
    let pairs = x.as_chunks().0.iter().zip(dx.as_chunks_mut().0);
    pairs.zip(y.iter().zip(dy)).for_each(|((&[left, right], [d_left, d_right]), (&y, dy))| {
        give_one(left, d_left, y, dy);
        give_one(right, d_right, y, dy);
    });
}

#[inline(always)]
fn give_one<T: Real>(x: T, dx: &mut T, y: T, dy: &mut T) {
    let is_nan = |v: T| v.partial_cmp(&v).is_none();
    let wins = x == y || (is_nan(x) && is_nan(y));
    *dx += if wins { *dy } else { T::ZERO };
    *dy = if wins { T::ZERO } else { *dy };
}

#[cfg(test)]
mod tests {
    use super::super::testing::{integers, windows};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pools_are_the_largest_and_the_mean_of_what_is_seen((window, size) in windows(), images in 0_usize..3) {
            let [height, width] = window.output(size);
            let plane = size[0] * size[1];
            let x = integers(images * plane, 1);
            let mut largest = vec![f64::NAN; images * height * width];
            let mut mean = largest.clone();
            window.max_pool(&x, size, &mut largest);
            window.avg_pool(&x, size, &mut mean);
            for (k, (&largest, &mean)) in largest.iter().zip(&mean).enumerate() {
                let (image, position) = (k / (height * width), k % (height * width));
                let (mut expected, mut sum) = (f64::NEG_INFINITY, 0.0);
                window.find([position / width, position % width], size, |i| {
                    expected = expected.max(x[image * plane + i]);
                    sum += x[image * plane + i];
                    false
                });
                let taps = (window.kernel[0] * window.kernel[1]) as f64;
                prop_assert!(largest == expected && (mean - sum / taps).abs() < 1e-12);
            }
        }

        /// Of equal numbers, which there are many, the first that is seen.
        #[test]
        fn max_pool_adjoint_gives_to_the_first_of_the_largest((window, size) in windows(), nan in 0_usize..99) {
            let [height, width] = window.output(size);
            let plane = size[0] * size[1];
            let mut x = integers(2 * plane, 1);
            x.iter_mut().skip(nan).step_by(7).for_each(|x| *x = f64::NAN);
            let mut y = vec![0.0; 2 * height * width];
            window.max_pool(&x, size, &mut y);
            let (dy, mut dx) = (integers(y.len(), 2), integers(x.len(), 3));
            let mut expected = dx.clone();
            for (k, (&y, &dy)) in y.iter().zip(&dy).enumerate() {
                let (image, position) = (k / (height * width), k % (height * width));
                let x = &x[image * plane..][..plane];
                let wins = |i: usize| x[i] == y || (x[i].is_nan() && y.is_nan());
                if let Some(first) = window.find([position / width, position % width], size, wins) {
                    expected[image * plane + first] += dy;
                }
            }
            window.max_pool_adjoint(&x, &y, &mut dy.clone(), size, &mut dx);
            prop_assert_eq!(dx, expected);
        }

        #[test]
        fn avg_pool_adjoint_is_the_adjoint((window, size) in windows(), images in 0_usize..3) {
            let [height, width] = window.output(size);
            let (x, y) = (integers(images * size[0] * size[1], 1), integers(images * height * width, 2));
            let (mut pooled, mut back) = (vec![f64::NAN; y.len()], vec![0.0; x.len()]);
            window.avg_pool(&x, size, &mut pooled);
            window.avg_pool_adjoint(&y, size, &mut back);
            let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            prop_assert!((product(&pooled, &y) - product(&x, &back)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_nan_does_not_vanish_in_the_largest() {
        for place in 0..3 {
            let mut x = [f64::INFINITY, 1.0, 2.0];
            x[place] = f64::NAN;
            let mut y = [0.0];
            Window::new([1, 3]).max_pool(&x, [1, 3], &mut y);
            assert!(y[0].is_nan());
        }
    }

    #[test]
    #[should_panic(expected = "max_pool: 9 numbers in images of [3, 3] do not give 5")]
    fn a_wrong_length_panics() {
        Window::new([2, 2]).max_pool(&[0.0_f32; 9], [3, 3], &mut [0.0; 5]);
    }
}
