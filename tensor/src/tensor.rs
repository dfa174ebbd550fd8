//! The owned tensor.

#[cfg(feature = "serde")]
use crate::kernels::bytes::with_serde;
use crate::print::debug;
use crate::{Real, Shape, View};
use std::fmt;
use std::ops::{Index, IndexMut};

/// An owned tensor: a [`Shape`] and its elements in row-major order.
///
/// ```
/// use thalweg_tensor::Tensor;
///
/// let matrix = Tensor::new([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(matrix.view().transpose().at(&[2, 0]), 3.0);
/// ```
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(bound(serialize = "T: Real + serde::Serialize")))]
pub struct Tensor<T = f32> {
    pub(crate) shape: Shape,
    #[cfg_attr(feature = "serde", serde(serialize_with = "with_serde::serialize"))]
    pub(crate) data: Vec<T>,
}

impl<T: Real> Tensor<T> {
    /// The sizes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The elements in row-major order.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// The elements in row-major order, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The elements in row-major order, without the shape.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }

    /// A borrowed view of the whole tensor.
    pub fn view(&self) -> View<'_, T> {
        View::new(self.shape, &self.data)
    }

    /// The same elements under another shape of the same length.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(shape.len() == self.shape.len(), "reshape: lengths differ: {} to {shape}", self.shape);
        Tensor { shape, data: self.data }
    }

    /// The only element.
    ///
    /// # Panics
    ///
    /// When there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> T {
        match self.data[..] {
            [value] => value,
            _ => panic!("item: {} does not hold exactly one element", self.shape),
        }
    }
}

impl<T: Real, const N: usize> Index<[usize; N]> for Tensor<T> {
    type Output = T;

    /// The element at this index, one number for each axis.
    #[track_caller]
    fn index(&self, index: [usize; N]) -> &T {
        &self.data[self.flat(&index)]
    }
}

impl<T: Real, const N: usize> IndexMut<[usize; N]> for Tensor<T> {
    #[track_caller]
    fn index_mut(&mut self, index: [usize; N]) -> &mut T {
        let flat = self.flat(&index);
        &mut self.data[flat]
    }
}

impl<T: Real> Tensor<T> {
    /// Where the element at this index lies.
    #[track_caller]
    fn flat(&self, index: &[usize]) -> usize {
        let shape = self.shape;
        let inside = index.len() == shape.rank() && index.iter().zip(shape.dims()).all(|(index, size)| index < size);
        assert!(inside, "index: {index:?} lies outside {shape}");
        index.iter().zip(shape.strides()).map(|(index, stride)| index * stride).sum()
    }
}

impl<T: fmt::Debug> fmt::Debug for Tensor<T> {
    /// Type, shape and elements on one line, every digit shown, so that it can be typed back; of a long tensor only
    /// the first few. [`Display`](fmt::Display) is for reading.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Tensor", self.shape, self.data.iter(), formatter)
    }
}

#[cfg(feature = "serde")]
impl<'de, T: Real + serde::Deserialize<'de>> serde::Deserialize<'de> for Tensor<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "Tensor", bound(deserialize = "T: Real + serde::Deserialize<'de>"))]
        struct Unchecked<T> {
            shape: Shape,
            #[serde(deserialize_with = "numbers")]
            data: Vec<T>,
        }
        fn numbers<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
        where
            T: Real + serde::Deserialize<'de>,
            D: serde::Deserializer<'de>,
        {
            with_serde::deserialize(
                deserializer,
                |bytes| bytes.chunks_exact(T::BYTES).map(T::read_le).collect(),
                |data| data,
            )
        }
        let Unchecked { shape, data } = Unchecked::deserialize(deserializer)?;
        Tensor::from_parts(shape, data).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_abbreviates_long_tensors() {
        assert_eq!(format!("{:?}", Tensor::new([2], vec![1.0_f32, 2.0])), "Tensor<f32> [2] [1.0, 2.0]");
        let x = Tensor::new([1, 2], vec![0.1_f64, f64::NAN]);
        assert_eq!(format!("{:?}", x.view().transpose()), "View<f64> [2, 1] [0.1, NaN]");
        assert!(format!("{:?}", Tensor::<f32>::zeros([100])).ends_with("0.0, ..]"));
    }

    #[test]
    fn elements_are_read_and_written_by_index() {
        let mut x = Tensor::<f32>::zeros([2, 3]);
        x[[1, 0]] = 5.0;
        assert_eq!(x.as_slice(), [0.0, 0.0, 0.0, 5.0, 0.0, 0.0]);
        assert_eq!(x[[1, 0]], 5.0);
    }

    #[test]
    #[should_panic(expected = "index: [1, 3] lies outside [2, 3]")]
    fn an_index_outside_panics() {
        let _ = Tensor::<f32>::zeros([2, 3])[[1, 3]];
    }

    #[cfg(feature = "serde")]
    #[test]
    fn what_is_saved_is_loaded() -> Result<(), serde_json::Error> {
        for tensor in [Tensor::new([2, 1], vec![1.5_f32, -2.0]), Tensor::scalar(3.0), Tensor::zeros([2, 0])] {
            assert_eq!(serde_json::from_str::<Tensor>(&serde_json::to_string(&tensor)?)?, tensor);
        }
        let text = serde_json::to_string(&Tensor::new([2, 1], vec![1.5_f32, -2.0]))?;
        assert_eq!(text, r#"{"shape":[2,1],"data":[1.5,-2.0]}"#);
        Ok(())
    }

    #[cfg(feature = "serde")]
    #[test]
    fn loading_checks_the_shape() {
        let error = |text: &str| serde_json::from_str::<Tensor>(text).expect_err("a wrong shape").to_string();
        assert!(error(r#"{"shape":[3],"data":[1.5]}"#).starts_with("[3] holds 3 elements, but 1 came"));
        assert!(error(r#"{"shape":[0],"data":[1.5]}"#).starts_with("[0] holds 0 elements, but 1 came"));
        assert!(error(r#"{"shape":[1,1,1,1,1,1,1],"data":[1.5]}"#).starts_with("7 axes, but at most 6"));
        let overflow = r#"{"shape":[4294967296,4294967296],"data":[]}"#;
        assert!(error(overflow).starts_with("more elements than there can be memory for"));
    }
}
