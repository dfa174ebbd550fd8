//! The borrowed, strided view.

use crate::print::debug;
use crate::{Elements, MAX_RANK, Real, Shape, Tensor};
use std::fmt;

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
    pub(crate) shape: Shape,
    pub(crate) strides: [usize; MAX_RANK],
    /// Starts at the first element of the view.
    pub(crate) data: &'a [T],
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

    /// How far apart neighbours along each axis lie in memory, in elements; 0 along a stretched axis.
    pub fn strides(&self) -> &[usize] {
        &self.strides[..self.shape.rank()]
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
        Elements::new(*self)
    }

    /// The elements as a slice, when they lie in row-major order without gaps.
    pub fn as_slice(&self) -> Option<&'a [T]> {
        let dense = self.shape.strides();
        let in_order = self.shape.is_empty()
            || (0..self.shape.rank()).all(|axis| self.shape.dims()[axis] == 1 || self.strides[axis] == dense[axis]);
        in_order.then(|| &self.data[..self.shape.len()])
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

/// Equal shapes, and equal elements at every index.
impl<T: Real> PartialEq for View<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.iter().eq(other.iter())
    }
}

impl<T: Real> fmt::Debug for View<'_, T> {
    /// On one line, as of [`Tensor`].
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("View", self.shape, self.iter(), formatter)
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
    use crate::testing::tensor;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn iteration_is_row_major_indexing(x in tensor()) {
            let view = x.view().transpose();
            let expected = Tensor::from_index(view.shape(), |index| view.at(index)).into_vec();
            let mut copy = vec![0.0; view.shape().len()];
            view.copy_to(&mut copy);
            prop_assert_eq!(&copy, &expected);
            prop_assert_eq!(view.iter().len(), expected.len());
            prop_assert_eq!(view.iter().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn views_are_equal_where_their_copies_are(x in tensor()) {
            let (view, turned) = (x.view(), x.view().transpose());
            prop_assert_eq!(view == turned, view.to_tensor() == turned.to_tensor());
            let copy = turned.to_tensor();
            prop_assert!(copy.view() == turned);
        }
    }

    #[test]
    fn strides_tell_where_neighbours_lie() {
        let x = View::new([2, 3], &[0.0_f32; 6]);
        assert_eq!(x.transpose().strides(), [1, 3]);
        assert_eq!(x.slice(0, 1..).broadcast_to([4, 3]).strides(), [0, 1]);
    }

    #[test]
    #[should_panic(expected = "at: index [0, 2] lies outside [2, 2]")]
    fn an_index_outside_panics() {
        View::new([2, 2], &[0.0_f32; 4]).at(&[0, 2]);
    }
}
