//! The largest and the smallest over any axes, where they stand, and the smooth largest.

use super::ALL;
use super::fold::{fold, named};
use crate::{MAX_RANK, Real, Tensor, View};

impl<T: Real> View<'_, T> {
    /// The largest of all elements: any shape → a number. NaN if there is a NaN.
    ///
    /// # Panics
    ///
    /// When there are no elements.
    #[track_caller]
    pub fn max(self) -> T {
        assert!(!self.shape().is_empty(), "max: {} has no elements", self.shape());
        let mut y = [T::ZERO];
        self.max_over(ALL, &mut y);
        y[0]
    }

    /// The smallest of all elements: any shape → a number. NaN if there is a NaN.
    ///
    /// # Panics
    ///
    /// When there are no elements.
    #[track_caller]
    pub fn min(self) -> T {
        assert!(!self.shape().is_empty(), "min: {} has no elements", self.shape());
        let mut y = [T::ZERO];
        self.min_over(ALL, &mut y);
        y[0]
    }

    /// The largest over some axes: shapes as for [`sum_axes`](View::sum_axes). NaN where there is a NaN.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::new([2, 3], vec![1.0_f32, 5.0, 4.0, 9.0, 0.0, 2.0]);
    /// assert_eq!(x.max_axes(&[0], false).as_slice(), [9.0, 5.0, 4.0]);
    /// assert_eq!(x.max_axes(&[1], true), Tensor::new([2, 1], vec![5.0, 9.0]));
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, one is named twice, or one has size 0.
    #[track_caller]
    pub fn max_axes(self, axes: &[usize], keep_dims: bool) -> Tensor<T> {
        let mut y = Tensor::zeros(self.shape().reduced("max_axes", axes, keep_dims));
        self.max_over(self.filled("max_axes", axes), y.as_mut_slice());
        y
    }

    /// [`max_axes`](View::max_axes) into a slice, which it fills; allocates nothing.
    ///
    /// # Panics
    ///
    /// As [`max_axes`](View::max_axes), and when the slice has another length than the result.
    #[track_caller]
    pub fn max_axes_to(self, axes: &[usize], output: &mut [T]) {
        self.check_output("max_axes_to", axes, output);
        self.max_over(self.filled("max_axes_to", axes), output);
    }

    /// The smallest over some axes: shapes as for [`sum_axes`](View::sum_axes). NaN where there is a NaN.
    ///
    /// # Panics
    ///
    /// When there is no such axis, one is named twice, or one has size 0.
    #[track_caller]
    pub fn min_axes(self, axes: &[usize], keep_dims: bool) -> Tensor<T> {
        let mut y = Tensor::zeros(self.shape().reduced("min_axes", axes, keep_dims));
        self.min_over(self.filled("min_axes", axes), y.as_mut_slice());
        y
    }

    /// [`min_axes`](View::min_axes) into a slice, which it fills; allocates nothing.
    ///
    /// # Panics
    ///
    /// As [`min_axes`](View::min_axes), and when the slice has another length than the result.
    #[track_caller]
    pub fn min_axes_to(self, axes: &[usize], output: &mut [T]) {
        self.check_output("min_axes_to", axes, output);
        self.min_over(self.filled("min_axes_to", axes), output);
    }

    /// Where the largest along one axis stands: an index for each element of the shape without the axis, row-major. The
    /// first of equals; the first NaN, where there is one.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::new([2, 3], vec![1.0_f32, 5.0, 5.0, 9.0, f32::NAN, 2.0]);
    /// assert_eq!(x.argmax(1), [1, 1]);
    /// assert_eq!(x.argmin(0), [0, 1, 1]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or it has size 0.
    #[track_caller]
    pub fn argmax(self, axis: usize) -> Vec<usize> {
        self.filled("argmax", &[axis]);
        self.first(axis, |x, best| x > best)
    }

    /// Where the smallest along one axis stands: an index for each element of the shape without the axis, row-major. The
    /// first of equals; the first NaN, where there is one.
    ///
    /// # Panics
    ///
    /// When there is no such axis, or it has size 0.
    #[track_caller]
    pub fn argmin(self, axis: usize) -> Vec<usize> {
        self.filled("argmin", &[axis]);
        self.first(axis, |x, best| x < best)
    }

    /// `ln Σᵢ e^xᵢ` over some axes, without overflow: shapes as for [`sum_axes`](View::sum_axes).
    ///
    /// Computed as `m + ln Σᵢ e^(xᵢ − m)` with `m = max x`. NaN where there is a NaN, else +∞ where there is a +∞; −∞ over
    /// nothing, and over nothing but −∞.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let logits = Tensor::new([2, 2], vec![0.0_f64, 0.0, 1000.0, 1000.0]);
    /// let probability = (&logits - logits.log_sum_exp_axes(&[1], true)).exp();
    /// assert!(probability.allclose(Tensor::full([2, 2], 0.5), 1e-12, 0.0));
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or one is named twice.
    #[track_caller]
    pub fn log_sum_exp_axes(self, axes: &[usize], keep_dims: bool) -> Tensor<T> {
        let mut y = Tensor::zeros(self.shape().reduced("log_sum_exp_axes", axes, keep_dims));
        self.log_sum_exp_over(named("log_sum_exp_axes", self.shape(), axes), y.as_mut_slice());
        y
    }

    /// [`log_sum_exp_axes`](View::log_sum_exp_axes) into a slice, which it fills; allocates nothing.
    ///
    /// # Panics
    ///
    /// As [`log_sum_exp_axes`](View::log_sum_exp_axes), and when the slice has another length than the result.
    #[track_caller]
    pub fn log_sum_exp_axes_to(self, axes: &[usize], output: &mut [T]) {
        self.check_output("log_sum_exp_axes_to", axes, output);
        self.log_sum_exp_over(named("log_sum_exp_axes_to", self.shape(), axes), output);
    }

    fn max_over(self, axes: [bool; MAX_RANK], y: &mut [T]) {
        fold(self, axes, y, T::NEG_INFINITY, |x, _| x, T::maximum, |max, _| max);
    }

    fn min_over(self, axes: [bool; MAX_RANK], y: &mut [T]) {
        fold(self, axes, y, T::INFINITY, |x, _| x, T::minimum, |min, _| min);
    }

    fn log_sum_exp_over(self, axes: [bool; MAX_RANK], y: &mut [T]) {
        self.max_over(axes, y);
        // An infinite maximum is the answer by itself: ∞ − ∞ would make NaN of it.
        y.iter_mut().filter(|max| !max.is_finite()).for_each(|max| *max = T::ZERO);
        fold(self, axes, y, T::ZERO, |x, max| (x - max).exp(), |a, b| a + b, |total, max| max + total.ln());
    }

    /// The first element along the axis that no other is `better` than, NaN being better than any.
    fn first(self, axis: usize, better: impl Fn(T, T) -> bool) -> Vec<usize> {
        let (shape, is_nan) = (self.shape(), |x: T| x.partial_cmp(&x).is_none());
        let mut axes = [0; MAX_RANK];
        let others = (0..shape.rank()).filter(|&other| other != axis).chain([axis]);
        axes.iter_mut().zip(others).for_each(|(place, other)| *place = other);
        let mut elements = self.permute(&axes[..shape.rank()]).iter();
        let mut first = || {
            let (mut best, mut place) = (None, 0);
            for (i, x) in elements.by_ref().take(shape.dims()[axis]).enumerate() {
                if best.is_none_or(|best| better(x, best) || (is_nan(x) && !is_nan(best))) {
                    (best, place) = (Some(x), i);
                }
            }
            place
        };
        (0..shape.without(axis).len()).map(|_| first()).collect()
    }

    /// [`named`], where none of the axes may be empty.
    #[track_caller]
    fn filled(self, operation: &str, axes: &[usize]) -> [bool; MAX_RANK] {
        let (named, shape) = (named(operation, self.shape(), axes), self.shape());
        for &axis in axes {
            assert!(shape.dims()[axis] > 0, "{operation}: axis {axis} of {shape} is empty");
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::super::fold::groups;
    use super::*;
    use crate::testing::strided_with_axes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn extremes_are_their_definitions((x, axes) in strided_with_axes()) {
            let (x, groups) = (x.view(), groups(x.view(), &axes));
            let smooth = x.log_sum_exp_axes(&axes, false);
            for (found, group) in smooth.as_slice().iter().zip(&groups) {
                let exact = group.iter().map(|x| x.exp()).sum::<f64>().ln();
                prop_assert!((found - exact).abs() < 1e-10 || *found == exact);
            }
            prop_assume!(axes.iter().all(|&axis| x.shape().dims()[axis] > 0));
            let each = |f: fn(f64, f64) -> f64| groups.iter().map(|g| g.iter().copied().reduce(f)).collect::<Option<Vec<_>>>();
            prop_assert_eq!(Some(x.max_axes(&axes, false).into_vec()), each(f64::max));
            prop_assert_eq!(Some(x.min_axes(&axes, true).into_vec()), each(f64::min));
            let mut into = [(); 2].map(|()| vec![f64::NAN; groups.len()]);
            x.max_axes_to(&axes, &mut into[0]);
            x.min_axes_to(&axes, &mut into[1]);
            prop_assert_eq!(into.map(Some), [each(f64::max), each(f64::min)]);
            if let &[axis] = &axes[..] {
                let place = |g: &Vec<f64>, best: f64| g.iter().position(|&x| x == best).unwrap_or(usize::MAX);
                let largest = groups.iter().map(|g| place(g, g.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
                prop_assert_eq!(x.argmax(axis), largest.collect::<Vec<_>>());
                let smallest = groups.iter().map(|g| place(g, g.iter().copied().fold(f64::INFINITY, f64::min)));
                prop_assert_eq!(x.argmin(axis), smallest.collect::<Vec<_>>());
            }
        }

        /// Few values and many NaN: the first of equals, and a NaN before any number.
        #[test]
        fn a_nan_wins_and_of_equals_the_first(x in prop::collection::vec(0_u8..4, 1..90)) {
            let x: Vec<f64> = x.iter().map(|&x| if x == 3 { f64::NAN } else { f64::from(x) }).collect();
            let view = View::from(&x);
            let nan = x.iter().position(|x| x.is_nan());
            let first = |value: f64| x.iter().position(|&x| x == value);
            prop_assert_eq!(Some(view.argmax(0)[0]), nan.or(first(view.max())));
            prop_assert_eq!(Some(view.argmin(0)[0]), nan.or(first(view.min())));
            prop_assert_eq!((view.max().is_nan(), view.min().is_nan()), (nan.is_some(), nan.is_some()));
            let columns = view.broadcast_to([20, x.len()]).max_axes(&[1], false);
            let rows = View::new([x.len(), 1], &x).broadcast_to([x.len(), 20]).to_tensor().max_axes(&[0], false);
            for y in columns.as_slice().iter().chain(rows.as_slice()) {
                prop_assert!(*y == view.max() || nan.is_some() && y.is_nan());
            }
        }
    }

    #[test]
    fn what_is_not_finite_follows_the_rule() {
        const INFINITY: f32 = f32::INFINITY;
        let x = Tensor::new([3, 2], vec![INFINITY, 1.0, -INFINITY, -INFINITY, f32::NAN, INFINITY]);
        let y = x.log_sum_exp_axes(&[1], false);
        assert!(matches!(y.as_slice(), [a, b, c] if *a == INFINITY && *b == -INFINITY && c.is_nan()));
        assert_eq!(Tensor::<f32>::zeros([2, 0]).log_sum_exp_axes(&[1], false).as_slice(), [-INFINITY; 2]);
        assert_eq!(Tensor::new([2], vec![1000.0_f32; 2]).log_sum_exp_axes(&[0], false).item(), 1000.0 + 2.0_f32.ln());
    }

    #[test]
    #[should_panic(expected = "max_axes: axis 1 of [2, 0] is empty")]
    fn the_largest_of_nothing_panics() {
        Tensor::<f32>::zeros([2, 0]).max_axes(&[1], false);
    }

    #[test]
    #[should_panic(expected = "min: [0] has no elements")]
    fn the_smallest_of_no_elements_panics() {
        Tensor::<f32>::zeros([0]).min();
    }
}
