//! The borrowed, strided view.

use crate::{Elements, MAX_RANK, Real, Shape, Tensor};
use std::fmt;
use std::ops::Range;

/// A borrowed tensor whose elements lie at strides in a slice: transposing, slicing and stretching
/// move no data.
///
/// ```
/// use thalweg_tensor::View;
///
/// let data = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let columns = View::new([2, 3], &data).slice(1, 1..3).transpose();
/// assert_eq!(columns.to_tensor().as_slice(), [2.0, 5.0, 3.0, 6.0]);
/// ```
#[derive(Clone, Copy)]
pub struct View<'a, T = f32> {
    shape: Shape,
    strides: [usize; MAX_RANK],
    /// Starts at the first element of the view.
    data: &'a [T],
}

impl<'a, T: Real> View<'a, T> {
    /// The view of row-major data.
    ///
    /// # Panics
    ///
    /// When the shape holds another number of elements than `data`.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>, data: &'a [T]) -> Self {
        let shape = shape.into();
        assert!(shape.len() == data.len(), "view: {shape} holds {} elements, but {} came", shape.len(), data.len());
        View { shape, strides: shape.strides(), data }
    }

    /// The sizes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The element at this index, one number for each axis.
    ///
    /// # Panics
    ///
    /// When the index has another number of axes, or lies outside.
    #[track_caller]
    pub fn at(&self, index: &[usize]) -> T {
        let inside =
            index.len() == self.shape.rank() && index.iter().zip(self.shape.dims()).all(|(index, size)| index < size);
        assert!(inside, "at: index {index:?} lies outside {}", self.shape);
        self.data[index.iter().zip(&self.strides).map(|(index, stride)| index * stride).sum::<usize>()]
    }

    /// The elements in row-major order.
    pub fn iter(&self) -> Elements<'a, T> {
        Elements::new(self.shape, self.strides, self.data)
    }

    /// The elements as a slice, when they lie in row-major order without gaps.
    pub fn as_slice(&self) -> Option<&'a [T]> {
        let dense = self.shape.strides();
        let in_order = self.shape.is_empty()
            || (0..self.shape.rank()).all(|axis| self.shape.dims()[axis] == 1 || self.strides[axis] == dense[axis]);
        in_order.then(|| &self.data[..self.shape.len()])
    }

    /// The axes in reverse order; for a matrix, the transpose.
    pub fn transpose(self) -> Self {
        let rank = self.shape.rank();
        let mut axes = [0; MAX_RANK];
        for (new, old) in (0..rank).rev().enumerate() {
            axes[new] = old;
        }
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

    /// The part of the view within `range` along `axis`.
    ///
    /// # Panics
    ///
    /// When there is no such axis, or the range lies outside it.
    #[track_caller]
    pub fn slice(self, axis: usize, range: Range<usize>) -> Self {
        assert!(axis < self.shape.rank(), "slice: {} has no axis {axis}", self.shape);
        let size = self.shape.dims()[axis];
        assert!(
            range.start <= range.end && range.end <= size,
            "slice: {range:?} lies outside axis {axis} of {}",
            self.shape
        );
        let shape = self.shape.with(axis, range.len());
        // An empty view may start beyond the last element.
        let start = (range.start * self.strides[axis]).min(self.data.len());
        View { shape, strides: self.strides, data: &self.data[start..] }
    }

    /// The view stretched to `shape` by NumPy's rule (see [`Shape::broadcast`]).
    ///
    /// # Panics
    ///
    /// When this shape does not stretch to that one.
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(self.shape.broadcast(shape) == Some(shape), "broadcast_to: {} does not stretch to {shape}", self.shape);
        let missing = shape.rank() - self.shape.rank();
        let mut strides = [0; MAX_RANK];
        for (axis, &size) in self.shape.dims().iter().enumerate() {
            if size == shape.dims()[axis + missing] {
                strides[axis + missing] = self.strides[axis];
            }
        }
        View { shape, strides, data: self.data }
    }

    /// The same elements under another shape; `None` when they do not lie in row-major order
    /// without gaps, so that a copy would be needed.
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

    /// An owned copy in row-major order.
    pub fn to_tensor(&self) -> Tensor<T> {
        let data = match self.as_slice() {
            Some(data) => data.to_vec(),
            None => self.iter().collect(),
        };
        Tensor::new(self.shape, data)
    }

    /// Copies the elements in row-major order into `output`.
    ///
    /// # Panics
    ///
    /// When `output` has another length.
    #[track_caller]
    pub fn copy_to(&self, output: &mut [T]) {
        assert!(self.shape.len() == output.len(), "copy_to: {} does not fill a slice of {}", self.shape, output.len());
        match self.as_slice() {
            Some(data) => output.copy_from_slice(data),
            None => output.iter_mut().zip(self.iter()).for_each(|(output, value)| *output = value),
        }
    }
}

impl<T: Real> fmt::Debug for View<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        write!(formatter, "View {} ", self.shape)?;
        let mut list = formatter.debug_list();
        list.entries(self.iter().take(SHOWN));
        if self.shape.len() > SHOWN { list.finish_non_exhaustive() } else { list.finish() }
    }
}

impl<'a, T: Real> From<&'a Tensor<T>> for View<'a, T> {
    fn from(tensor: &'a Tensor<T>) -> Self {
        tensor.view()
    }
}

impl<'a, T: Real> From<&'a [T]> for View<'a, T> {
    fn from(data: &'a [T]) -> Self {
        View::new([data.len()], data)
    }
}

impl<'a, T: Real> From<&'a Vec<T>> for View<'a, T> {
    fn from(data: &'a Vec<T>) -> Self {
        View::from(data.as_slice())
    }
}

impl<'a, T: Real, const N: usize> From<&'a [T; N]> for View<'a, T> {
    fn from(data: &'a [T; N]) -> Self {
        View::from(data.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tensors() -> impl Strategy<Value = Tensor<f64>> {
        prop::collection::vec(0_usize..5, 0..=4).prop_map(|dims| Tensor::from_fn(dims.as_slice(), |index| index as f64))
    }

    proptest! {
        #[test]
        fn transpose_is_an_involution(tensor in tensors()) {
            prop_assert_eq!(tensor.view().transpose().transpose().to_tensor(), tensor);
        }

        #[test]
        fn iteration_is_row_major_indexing(tensor in tensors()) {
            let view = tensor.view().transpose();
            let shape = view.shape();
            let strides = shape.strides();
            let index = |flat: usize, axis: usize| flat / strides[axis] % shape.dims()[axis];
            let at = |flat| view.at(&(0..shape.rank()).map(|axis| index(flat, axis)).collect::<Vec<_>>());
            let expected: Vec<f64> = (0..shape.len()).map(at).collect();
            let mut copy = vec![0.0; shape.len()];
            view.copy_to(&mut copy);
            prop_assert_eq!(&copy, &expected);
            prop_assert_eq!(view.iter().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn slices_join_to_the_whole(tensor in tensors(), cut in 0_usize..5) {
            prop_assume!(tensor.shape().rank() > 0);
            let size = tensor.shape().dims()[0];
            let cut = cut.min(size);
            let (head, tail) = (tensor.view().slice(0, 0..cut), tensor.view().slice(0, cut..size));
            prop_assert_eq!(head.iter().chain(tail.iter()).collect::<Vec<_>>(), tensor.into_vec());
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
    #[should_panic(expected = "at: index [0, 2] lies outside [2, 2]")]
    fn an_index_outside_panics() {
        View::new([2, 2], &[0.0_f32; 4]).at(&[0, 2]);
    }
}
