//! The owned tensor.

use crate::{Real, Rng, Shape, ShapeError, View};
use std::fmt;

/// An owned tensor: a [`Shape`] and its elements in row-major order.
///
/// ```
/// use thalweg_tensor::Tensor;
///
/// let matrix = Tensor::new([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(matrix.view().transpose().at(&[2, 0]), 3.0);
/// ```
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tensor<T = f32> {
    shape: Shape,
    data: Vec<T>,
}

impl<T: Real> Tensor<T> {
    /// The tensor of this shape with these elements in row-major order.
    ///
    /// # Panics
    ///
    /// When the shape holds another number of elements than `data`.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>, data: Vec<T>) -> Self {
        match Self::try_new(shape, data) {
            Ok(tensor) => tensor,
            Err(error) => panic!("tensor: {error}"),
        }
    }

    /// The same as [`Tensor::new`], for data that comes from outside the program.
    ///
    /// # Errors
    ///
    /// [`ShapeError::Length`] when the shape holds another number of elements than `data`.
    pub fn try_new(shape: impl Into<Shape>, data: Vec<T>) -> Result<Self, ShapeError> {
        let shape = shape.into();
        if shape.len() == data.len() {
            Ok(Tensor { shape, data })
        } else {
            Err(ShapeError::Length { shape, length: data.len() })
        }
    }

    /// All zeros.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Self::full(shape, T::ZERO)
    }

    /// All ones.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>) -> Self {
        Self::full(shape, T::ONE)
    }

    /// Every element the same.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: T) -> Self {
        let shape = shape.into();
        Tensor { shape, data: vec![value; shape.len()] }
    }

    /// One axis with a copy of these elements.
    pub fn from_slice(data: &[T]) -> Self {
        Tensor { shape: Shape::new(&[data.len()]), data: data.to_vec() }
    }

    /// A single number: no axes.
    pub fn scalar(value: T) -> Self {
        Tensor { shape: Shape::scalar(), data: vec![value] }
    }

    /// Elements drawn uniformly between `low` and `high`.
    #[track_caller]
    pub fn uniform(shape: impl Into<Shape>, low: f64, high: f64, rng: &mut Rng) -> Self {
        Self::from_fn(shape, |_| T::from_f64(rng.range(low, high)))
    }

    /// Elements drawn from the normal distribution of this mean and standard deviation.
    #[track_caller]
    pub fn normal(shape: impl Into<Shape>, mean: f64, std: f64, rng: &mut Rng) -> Self {
        Self::from_fn(shape, |_| T::from_f64(mean + std * rng.normal()))
    }

    /// Each element computed from its flat index, in order.
    #[track_caller]
    pub fn from_fn(shape: impl Into<Shape>, element: impl FnMut(usize) -> T) -> Self {
        let shape = shape.into();
        Tensor { shape, data: (0..shape.len()).map(element).collect() }
    }

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

impl<T: fmt::Debug> fmt::Debug for Tensor<T> {
    /// The shape and the elements; of a long tensor only the first few.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        write!(formatter, "Tensor {} ", self.shape)?;
        let mut list = formatter.debug_list();
        list.entries(self.data.iter().take(SHOWN));
        if self.data.len() > SHOWN { list.finish_non_exhaustive() } else { list.finish() }
    }
}

#[cfg(feature = "serde")]
impl<'de, T: Real + serde::Deserialize<'de>> serde::Deserialize<'de> for Tensor<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "Tensor")]
        struct Unchecked<T> {
            shape: Shape,
            data: Vec<T>,
        }
        let Unchecked { shape, data } = Unchecked::deserialize(deserializer)?;
        Tensor::try_new(shape, data).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_abbreviates_long_tensors() {
        assert_eq!(format!("{:?}", Tensor::new([2], vec![1.0_f32, 2.0])), "Tensor [2] [1.0, 2.0]");
        assert!(format!("{:?}", Tensor::<f32>::zeros([100])).ends_with("0.0, ..]"));
    }

    #[test]
    fn a_wrong_length_is_an_error() {
        let error = Tensor::try_new([2, 3], vec![0.0_f32; 5]).map_err(|error| error.to_string());
        assert_eq!(error, Err("[2, 3] holds 6 elements, but 5 came".to_string()));
    }

    #[test]
    fn random_tensors_have_the_moments_asked_for() {
        let mut rng = Rng::new(3);
        let (n, tensor) = (10_000.0, Tensor::<f64>::normal([100, 100], 2.0, 0.5, &mut rng));
        let mean = tensor.as_slice().iter().sum::<f64>() / n;
        let variance = tensor.as_slice().iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        assert!((mean - 2.0).abs() < 0.02 && (variance - 0.25).abs() < 0.015);
        let uniform = Tensor::<f32>::uniform([1000], -1.0, 3.0, &mut rng);
        assert!(uniform.as_slice().iter().all(|x| (-1.0..=3.0).contains(x)));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn loading_checks_the_length() -> Result<(), serde_json::Error> {
        let tensor = Tensor::new([2, 1], vec![1.5_f32, -2.0]);
        let text = serde_json::to_string(&tensor)?;
        assert_eq!(text, r#"{"shape":[2,1],"data":[1.5,-2.0]}"#);
        assert_eq!(serde_json::from_str::<Tensor>(&text)?, tensor);
        assert!(serde_json::from_str::<Tensor>(r#"{"shape":[3],"data":[1.5]}"#).is_err());
        Ok(())
    }
}
