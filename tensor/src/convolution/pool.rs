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
                    self.runs(size, |run| {
                        gather(&x[run.first..], step, &mut y[run.row * width..][run.columns], f);
                    });
                }
            },
        );
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
