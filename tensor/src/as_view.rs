//! Whatever can stand for a tensor in an operation.

use crate::{Real, Shape, Tensor, View};

/// What reads as a tensor: tensors, views, slices, arrays and vectors (of one axis), and numbers (of none).
///
/// Every operation of two takes any of these as its second operand, and stretches it as NumPy does:
///
/// ```
/// use thalweg_tensor::Tensor;
///
/// let x = Tensor::new([2, 2], vec![1.0_f32, 2.0, 3.0, 4.0]);
/// assert_eq!((&x * 10.0 + [1.0, 2.0]).as_slice(), [11.0, 22.0, 31.0, 42.0]);
/// assert_eq!(x.maximum(2.5).as_slice(), [2.5, 2.5, 3.0, 4.0]);
/// ```
pub trait AsView<T: Real> {
    /// The view of it.
    fn as_view(&self) -> View<'_, T>;
}

impl<T: Real> AsView<T> for Tensor<T> {
    fn as_view(&self) -> View<'_, T> {
        self.view()
    }
}

impl<T: Real> AsView<T> for View<'_, T> {
    fn as_view(&self) -> View<'_, T> {
        *self
    }
}

impl<T: Real, V: AsView<T> + ?Sized> AsView<T> for &V {
    fn as_view(&self) -> View<'_, T> {
        (**self).as_view()
    }
}

impl<T: Real> AsView<T> for [T] {
    fn as_view(&self) -> View<'_, T> {
        View::from(self)
    }
}

impl<T: Real, const N: usize> AsView<T> for [T; N] {
    fn as_view(&self) -> View<'_, T> {
        View::from(self)
    }
}

impl<T: Real> AsView<T> for Vec<T> {
    fn as_view(&self) -> View<'_, T> {
        View::from(self)
    }
}

macro_rules! number {
    ($type:ident) => {
        impl AsView<$type> for $type {
            fn as_view(&self) -> View<'_, $type> {
                View::new(Shape::scalar(), std::slice::from_ref(self))
            }
        }
    };
}

number!(f32);
number!(f64);
