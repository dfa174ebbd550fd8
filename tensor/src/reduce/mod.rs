//! Sums over any axes, and what is made of them.
//!
//! `axes` may be any set of axes, in any order; none of them reduces nothing. The result does not
//! have them, or has them with size 1 where `keep_dims`, so that it broadcasts with what it came
//! from. Views may lie at any strides; the same elements give the same bits however they lie.
//!
//! Over an axis of size 0 a sum and a norm are 0, a mean and a variance are NaN, a
//! [`log_sum_exp`](View::log_sum_exp_axes) is −∞, and there is no largest or smallest: asking for it
//! panics. A NaN makes NaN of every result that it has a part in.

mod extremes;
mod fold;
mod norm;

use crate::{MAX_RANK, Real, Tensor, View};
use fold::{fold, named};
pub use norm::Norm;

/// Every axis, for [`fold`].
const ALL: [bool; MAX_RANK] = [true; MAX_RANK];

impl<T: Real> View<'_, T> {
    /// The sum of all elements: any shape → a number.
    ///
    /// As [`kernels::sum`](crate::kernels::sum()) adds them; the error grows with the logarithm of their number.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::new([2, 2], vec![1.0_f32, 2.0, 3.0, 6.0]);
    /// assert_eq!((x.sum(), x.mean(), x.row(1).sum()), (12.0, 3.0, 9.0));
    /// ```
    pub fn sum(self) -> T {
        let mut y = [T::ZERO];
        self.sum_over(ALL, &mut y);
        y[0]
    }

    /// The mean of all elements: any shape → a number. NaN for none.
    pub fn mean(self) -> T {
        self.sum() / T::from_f64(self.shape().len() as f64)
    }

    /// The variance of all elements, as [`var_axes`](View::var_axes): any shape → a number.
    pub fn var(self, unbiased: bool) -> T {
        let mut y = [T::ZERO];
        self.var_over(ALL, unbiased, &mut y);
        y[0]
    }

    /// The sum over some axes: `[2, 3, 4]` over 0 and 2 → `[3]`, or `[1, 3, 1]` with `keep_dims`.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::from_fn([2, 3], |i| i as f64);
    /// assert_eq!(x.sum_axes(&[0], false).as_slice(), [3.0, 5.0, 7.0]);
    /// assert_eq!(x.sum_axes(&[1], true), Tensor::new([2, 1], vec![3.0, 12.0]));
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or one is named twice.
    #[track_caller]
    pub fn sum_axes(self, axes: &[usize], keep_dims: bool) -> Tensor<T> {
        let mut y = Tensor::zeros(self.shape().reduced("sum_axes", axes, keep_dims));
        self.sum_over(named("sum_axes", self.shape(), axes), y.as_mut_slice());
        y
    }

    /// [`sum_axes`](View::sum_axes) into a slice, which it fills; allocates nothing.
    ///
    /// # Panics
    ///
    /// As [`sum_axes`](View::sum_axes), and when the slice has another length than the result.
    #[track_caller]
    pub fn sum_axes_to(self, axes: &[usize], output: &mut [T]) {
        self.check_output("sum_axes_to", axes, output);
        self.sum_over(named("sum_axes_to", self.shape(), axes), output);
    }

    /// The mean over some axes: shapes as for [`sum_axes`](View::sum_axes). NaN over none.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::new([2, 2], vec![1.0_f32, 2.0, 3.0, 6.0]);
    /// let centred = &x - x.mean_axes(&[1], true);
    /// assert_eq!(centred.as_slice(), [-0.5, 0.5, -1.5, 1.5]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or one is named twice.
    #[track_caller]
    pub fn mean_axes(self, axes: &[usize], keep_dims: bool) -> Tensor<T> {
        let mut y = Tensor::zeros(self.shape().reduced("mean_axes", axes, keep_dims));
        self.mean_over(named("mean_axes", self.shape(), axes), y.as_mut_slice());
        y
    }

    /// The variance over some axes, `Σᵢ (xᵢ − mean)² / n`, or over `n − 1` if it is to be unbiased: shapes as for
    /// [`sum_axes`](View::sum_axes). NaN where that divides 0 by 0.
    ///
    /// The mean is subtracted before the squares are summed, so nothing cancels.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::new([2, 2], vec![1.0_f32, 3.0, 2.0, 6.0]);
    /// assert_eq!(x.var_axes(&[1], false, false).as_slice(), [1.0, 4.0]);
    /// assert_eq!(x.var_axes(&[1], true, false).as_slice(), [2.0, 8.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or one is named twice.
    #[track_caller]
    pub fn var_axes(self, axes: &[usize], unbiased: bool, keep_dims: bool) -> Tensor<T> {
        let mut y = Tensor::zeros(self.shape().reduced("var_axes", axes, keep_dims));
        self.var_over(named("var_axes", self.shape(), axes), unbiased, y.as_mut_slice());
        y
    }

    /// The running sum along one axis, `yᵢ = x₀ + … + xᵢ`; the shape stays. Added from left to right.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// assert_eq!(Tensor::from_slice(&[1.0_f32, 2.0, 3.0]).cumsum(0).as_slice(), [1.0, 3.0, 6.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis.
    #[track_caller]
    pub fn cumsum(self, axis: usize) -> Tensor<T> {
        assert!(axis < self.shape().rank(), "cumsum: {} has no axis {axis}", self.shape());
        let [_, size, inner] = self.shape().around(axis);
        let mut y = self.to_tensor();
        for block in y.as_mut_slice().chunks_exact_mut((size * inner).max(1)) {
            (inner..block.len()).for_each(|i| block[i] += block[i - inner]);
        }
        y
    }

    fn sum_over(self, axes: [bool; MAX_RANK], y: &mut [T]) {
        fold(self, axes, y, T::ZERO, |x, _| x, |a, b| a + b, |total, _| total);
    }

    fn mean_over(self, axes: [bool; MAX_RANK], y: &mut [T]) {
        let n = T::from_f64(self.count(axes));
        self.sum_over(axes, y);
        y.iter_mut().for_each(|y| *y = *y / n);
    }

    fn var_over(self, axes: [bool; MAX_RANK], unbiased: bool, y: &mut [T]) {
        let count = self.count(axes);
        let n = if count > 0.0 { count - f64::from(u8::from(unbiased)) } else { f64::NAN };
        self.mean_over(axes, y);
        self.squares_over(axes, y);
        y.iter_mut().for_each(|y| *y = *y / T::from_f64(n));
    }

    /// `y = Σᵢ (xᵢ − y)²`.
    fn squares_over(self, axes: [bool; MAX_RANK], y: &mut [T]) {
        let square = |x| x * x;
        fold(self, axes, y, T::ZERO, |x, centre| square(x - centre), |a, b| a + b, |total, _| total);
    }

    /// How many elements each of the results is made of.
    fn count(self, axes: [bool; MAX_RANK]) -> f64 {
        let sizes = self.shape();
        sizes.dims().iter().zip(axes).filter(|(_, reduced)| *reduced).map(|(&size, _)| size).product::<usize>() as f64
    }

    #[track_caller]
    fn check_output(self, operation: &str, axes: &[usize], output: &[T]) {
        let shape = self.shape().reduced(operation, axes, false);
        assert!(shape.len() == output.len(), "{operation}: {shape} does not fill a slice of {}", output.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels;
    use crate::testing::{strided, strided_with_axes};
    use fold::groups;
    use proptest::prelude::*;

    /// Equal up to the rounding of a few thousand terms, NaN being equal to itself.
    fn close(found: &[f64], expected: impl IntoIterator<Item = f64>) -> bool {
        let expected: Vec<f64> = expected.into_iter().collect();
        let same = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-10 || (a.is_nan() && b.is_nan());
        found.len() == expected.len() && found.iter().zip(&expected).all(same)
    }

    fn mean_naive(x: &[f64]) -> f64 {
        x.iter().sum::<f64>() / x.len() as f64
    }

    fn var_naive(x: &[f64], correction: f64) -> f64 {
        x.iter().map(|v| (v - mean_naive(x)).powi(2)).sum::<f64>() / (x.len() as f64 - correction)
    }

    proptest! {
        #[test]
        fn reductions_are_their_definitions((x, axes) in strided_with_axes()) {
            let (x, groups) = (x.view(), groups(x.view(), &axes));
            let each = |f: &dyn Fn(&[f64]) -> f64| groups.iter().map(|g| f(g)).collect::<Vec<_>>();
            let sums = x.sum_axes(&axes, true);
            prop_assert_eq!(sums.shape(), x.shape().reduced("", &axes, true));
            prop_assert!(close(sums.as_slice(), each(&|g| g.iter().sum())));
            prop_assert!(close(x.mean_axes(&axes, false).as_slice(), each(&mean_naive)));
            prop_assert!(close(x.var_axes(&axes, false, false).as_slice(), each(&|g| var_naive(g, 0.0))));
            let unbiased = each(&|g| if g.is_empty() { f64::NAN } else { var_naive(g, 1.0) });
            prop_assert!(close(x.var_axes(&axes, true, false).as_slice(), unbiased));
            let norm = |norm| x.norm_axes(norm, &axes, false);
            prop_assert!(close(norm(Norm::One).as_slice(), each(&|g| g.iter().map(|v| v.abs()).sum())));
            prop_assert!(close(norm(Norm::Two).as_slice(), each(&|g| g.iter().map(|v| v * v).sum::<f64>().sqrt())));
            prop_assert!(close(norm(Norm::Infinity).as_slice(), each(&|g| g.iter().fold(0.0, |m, v| v.abs().max(m)))));
        }

        /// Neither strides nor the axes that are kept show in the last bit.
        #[test]
        fn a_sum_does_not_depend_on_how_its_elements_lie((x, axes) in strided_with_axes()) {
            let (x, expected) = (x.view(), groups(x.view(), &axes));
            let bits = |y: &[f64]| y.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
            let sums: Vec<f64> = expected.iter().map(|group| kernels::sum(group)).collect();
            prop_assert_eq!(bits(x.sum_axes(&axes, false).as_slice()), bits(&sums));
            let mut filled = vec![f64::NAN; sums.len()];
            x.to_tensor().view().sum_axes_to(&axes, &mut filled);
            prop_assert_eq!(bits(&filled), bits(&sums));
        }

        #[test]
        fn reducing_all_axes_is_reducing_all_elements(x in strided()) {
            let x = x.view();
            let elements = x.to_tensor().into_vec();
            let all: Vec<usize> = (0..x.shape().rank()).collect();
            prop_assert_eq!(x.sum().to_bits(), kernels::sum(&elements).to_bits());
            prop_assert!(close(&[x.mean(), x.var(false)], [mean_naive(&elements), var_naive(&elements, 0.0)]));
            prop_assert_eq!(x.norm(), x.norm_axes(Norm::Two, &all, false).item());
        }

        #[test]
        fn the_last_running_sum_is_the_sum((x, axes) in strided_with_axes()) {
            prop_assume!(!axes.is_empty());
            let (axis, x) = (axes[0], x.view());
            let (size, running) = (x.shape().dims()[axis], x.cumsum(axis));
            prop_assert_eq!(running.shape(), x.shape());
            for end in 1..=size {
                let sum = x.slice(axis, 0..end).sum_axes(&[axis], true).into_vec();
                prop_assert!(close(running.view().slice(axis, end - 1..end).to_tensor().as_slice(), sum));
                if end == 5 { break }
            }
        }
    }

    #[test]
    fn a_nan_reaches_every_result_it_has_a_part_in_and_no_other() {
        let mut x = Tensor::<f32>::ones([3, 20]);
        x.as_mut_slice()[25] = f32::NAN;
        for norm in [Norm::One, Norm::Two, Norm::Infinity] {
            let nans = |y: Tensor<f32>| y.as_slice().iter().map(|y| y.is_nan()).collect::<Vec<_>>();
            assert_eq!(nans(x.norm_axes(norm, &[1], false)), [false, true, false]);
            assert_eq!(nans(x.norm_axes(norm, &[0], false)), (0..20).map(|c| c == 5).collect::<Vec<_>>());
        }
        assert!(x.sum().is_nan() && x.mean().is_nan() && x.var(false).is_nan() && x.norm().is_nan());
    }

    #[test]
    #[should_panic(expected = "sum_axes: axis 1 of [2, 3] is named twice")]
    fn an_axis_named_twice_panics() {
        Tensor::<f32>::zeros([2, 3]).sum_axes(&[1, 0, 1], false);
    }

    #[test]
    #[should_panic(expected = "var_axes: [2, 3] has no axis 2")]
    fn an_axis_beyond_the_rank_panics() {
        Tensor::<f32>::zeros([2, 3]).var_axes(&[2], false, false);
    }
}
