//! Norms over any axes.

use super::ALL;
use super::fold::{fold, named};
use crate::{MAX_RANK, Real, Tensor, View};

/// How the size of a vector is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Norm {
    /// `Σᵢ |xᵢ|`.
    One,
    /// `√Σᵢ xᵢ²`, the Euclidean norm.
    Two,
    /// `maxᵢ |xᵢ|`.
    Infinity,
}

impl<T: Real> View<'_, T> {
    /// The Euclidean norm of all elements, `√Σᵢ xᵢ²`: any shape → a number.
    pub fn norm(self) -> T {
        let mut y = [T::ZERO];
        self.norm_over(ALL, Norm::Two, &mut y);
        y[0]
    }

    /// The norm over some axes: shapes as for [`sum_axes`](View::sum_axes).
    ///
    /// The Euclidean norm is infinite when the square of an element overflows.
    ///
    /// ```
    /// use thalweg_tensor::{Norm, Tensor};
    ///
    /// let x = Tensor::new([2, 2], vec![3.0_f32, -4.0, 0.0, -1.0]);
    /// assert_eq!(x.norm_axes(Norm::One, &[1], false).as_slice(), [7.0, 1.0]);
    /// assert_eq!(x.norm_axes(Norm::Two, &[1], false).as_slice(), [5.0, 1.0]);
    /// assert_eq!(x.norm_axes(Norm::Infinity, &[1], false).as_slice(), [4.0, 1.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or one is named twice.
    #[track_caller]
    pub fn norm_axes(self, norm: Norm, axes: &[usize], keep_dims: bool) -> Tensor<T> {
        let mut y = Tensor::zeros(self.shape().reduced("norm_axes", axes, keep_dims));
        self.norm_over(named("norm_axes", self.shape(), axes), norm, y.as_mut_slice());
        y
    }

    /// [`norm_axes`](View::norm_axes) into a slice, which it fills; allocates nothing.
    ///
    /// # Panics
    ///
    /// As [`norm_axes`](View::norm_axes), and when the slice has another length than the result.
    #[track_caller]
    pub fn norm_axes_to(self, norm: Norm, axes: &[usize], output: &mut [T]) {
        self.check_output("norm_axes_to", axes, output);
        self.norm_over(named("norm_axes_to", self.shape(), axes), norm, output);
    }

    fn norm_over(self, axes: [bool; MAX_RANK], norm: Norm, y: &mut [T]) {
        match norm {
            Norm::One => fold(self, axes, y, T::ZERO, |x, _| x.abs(), |a, b| a + b, |total, _| total),
            Norm::Two => {
                y.fill(T::ZERO);
                self.squares_over(axes, y);
                y.iter_mut().for_each(|y| *y = y.sqrt());
            }
            Norm::Infinity => fold(self, axes, y, T::ZERO, |x, _| x.abs(), T::maximum, |max, _| max),
        }
    }
}
