//! Views of the same elements along other axes.

use crate::{MAX_RANK, Real, Shape, View};

impl<T: Real> View<'_, T> {
    /// The axes in reverse order; for a matrix, the transpose.
    pub fn transpose(self) -> Self {
        let mut axes: [usize; MAX_RANK] = std::array::from_fn(|axis| axis);
        let axes = &mut axes[..self.shape.rank()];
        axes.reverse();
        self.permute(axes)
    }

    /// With axes `a` and `b` exchanged: `[…, m, …, n, …] → […, n, …, m, …]`.
    ///
    /// # Panics
    ///
    /// When there is no such axis.
    #[track_caller]
    pub fn swap_axes(self, a: usize, b: usize) -> Self {
        let rank = self.shape.rank();
        assert!(a < rank && b < rank, "swap_axes: {} has no axis {}", self.shape, a.max(b));
        let mut axes: [usize; MAX_RANK] = std::array::from_fn(|axis| axis);
        axes.swap(a, b);
        self.permute(&axes[..rank])
    }

    /// The axes in another order: new axis `i` is old axis `axes[i]`.
    ///
    /// # Panics
    ///
    /// When `axes` does not name every axis once.
    #[track_caller]
    pub fn permute(self, axes: &[usize]) -> Self {
        let rank = self.shape.rank();
        let complete = axes.len() == rank && (0..rank).all(|axis| axes.contains(&axis));
        assert!(complete, "permute: {axes:?} does not name every axis of {} once", self.shape);
        let mut sizes = [0; MAX_RANK];
        let mut strides = [0; MAX_RANK];
        for (new, &old) in axes.iter().enumerate() {
            sizes[new] = self.shape.dims()[old];
            strides[new] = self.strides[old];
        }
        View { shape: Shape::new(&sizes[..rank]), strides, data: self.data }
    }

    /// The view stretched to `shape` by NumPy's rule (see [`Shape::broadcast`]).
    ///
    /// # Panics
    ///
    /// When this shape does not stretch to that one.
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let Some(strides) = self.shape.stretched(&self.strides, shape) else {
            panic!("broadcast_to: {} does not stretch to {shape}", self.shape)
        };
        View { shape, strides, data: self.data }
    }

    /// The same elements under another shape; `None` when they do not lie in row-major order without gaps, so that a
    /// copy would be needed: [`to_tensor`](View::to_tensor) and [`Tensor::reshape`](crate::Tensor::reshape).
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Option<Self> {
        let shape = shape.into();
        assert!(shape.len() == self.shape.len(), "reshape: lengths differ: {} to {shape}", self.shape);
        self.as_slice().map(|data| View::new(shape, data))
    }

    /// Without an axis of size 1: `[…, 1, …] → […, …]`.
    ///
    /// # Panics
    ///
    /// When there is no such axis, or its size is not 1.
    #[track_caller]
    pub fn squeeze(self, axis: usize) -> Self {
        assert!(axis < self.shape.rank(), "squeeze: {} has no axis {axis}", self.shape);
        assert!(self.shape.dims()[axis] == 1, "squeeze: axis {axis} of {} is not of size 1", self.shape);
        self.without(axis)
    }

    /// With a new axis of size 1 before `axis`, after all when `axis` is the rank: `[…, …] → […, 1, …]`.
    ///
    /// # Panics
    ///
    /// When `axis` is beyond the rank, or there are as many axes already as a shape can have.
    #[track_caller]
    pub fn unsqueeze(self, axis: usize) -> Self {
        let rank = self.shape.rank();
        assert!(axis <= rank, "unsqueeze: axis {axis} is beyond the rank of {}", self.shape);
        assert!(rank < MAX_RANK, "unsqueeze: {} has {MAX_RANK} axes already", self.shape);
        let mut strides = self.strides;
        strides.copy_within(axis..rank, axis + 1);
        strides[axis] = 0;
        View { shape: self.shape.inserted(axis, 1), strides, data: self.data }
    }

    /// Without an axis that is no longer stepped along.
    pub(crate) fn without(self, axis: usize) -> Self {
        let mut strides = self.strides;
        strides.copy_within(axis + 1.., axis);
        View { shape: self.shape.without(axis), strides, data: self.data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::testing::{tensor, with_axis};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn transpose_is_an_involution(x in tensor()) {
            prop_assert_eq!(x.view().transpose().transpose().to_tensor(), x);
        }

        #[test]
        fn swapping_is_an_involution_and_moves_indices((x, a) in with_axis(), b in 0_usize..4) {
            let b = b % x.shape().rank();
            let swapped = x.view().swap_axes(a, b);
            prop_assert_eq!(swapped.swap_axes(a, b).to_tensor(), x.clone());
            let expected = Tensor::from_index(swapped.shape(), |index| {
                let mut index = index.to_vec();
                index.swap(a, b);
                x.view().at(&index)
            });
            prop_assert_eq!(swapped.to_tensor(), expected);
        }

        #[test]
        fn a_new_axis_can_be_squeezed_out(x in tensor(), place in 0_usize..5) {
            let axis = place.min(x.shape().rank());
            let longer = x.view().transpose().unsqueeze(axis);
            prop_assert_eq!(longer.shape().dims()[axis], 1);
            prop_assert_eq!(longer.to_tensor().into_vec(), x.transpose().to_tensor().into_vec());
            prop_assert_eq!(longer.squeeze(axis).to_tensor(), x.view().transpose().to_tensor());
        }
    }

    #[test]
    fn stretching_repeats() {
        let column = View::new([2, 1], &[1.0_f32, 2.0]).broadcast_to([2, 2, 3]);
        let expected = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0].repeat(2);
        assert_eq!(column.to_tensor().as_slice(), expected);
        assert!(column.as_slice().is_none() && column.reshape([12]).is_none());
    }

    #[test]
    fn reshaping_needs_row_major_order() {
        let data = [1.0_f32, 2.0, 3.0, 4.0];
        let square = View::new([2, 2], &data);
        assert_eq!(square.reshape([4]).and_then(|view| view.as_slice()), Some(&data[..]));
        assert!(square.transpose().reshape([4]).is_none());
        assert_eq!(square.slice(0, 1..2).as_slice(), Some(&data[2..]));
    }

    #[test]
    #[should_panic(expected = "squeeze: axis 1 of [2, 2] is not of size 1")]
    fn only_axes_of_size_1_are_squeezed() {
        View::new([2, 2], &[0.0_f32; 4]).squeeze(1);
    }
}
