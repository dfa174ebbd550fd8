//! Equality up to rounding.

use crate::{AsView, Real, Shape, View};
use std::fmt;

impl<T: Real> View<'_, T> {
    /// Whether shapes are equal and everywhere `|x − y| ≤ atol + rtol·|y|`, where `y` is the element of `expected`.
    ///
    /// Infinities of one sign are equal; NaN is close to nothing. NumPy's usual tolerances are `1e-5, 1e-8`; unlike
    /// there, nothing is stretched, since a comparison of different shapes is nearly always a mistake.
    pub fn allclose(&self, expected: impl AsView<T>, rtol: f64, atol: f64) -> bool {
        self.check_close(expected, rtol, atol).is_ok()
    }

    /// The same as [`allclose`](View::allclose), for tests: the error names the worst element.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let (x, y) = (Tensor::from_slice(&[1.0_f64, 2.5]), Tensor::from_slice(&[1.0, 2.0]));
    /// assert_eq!(x.check_close(&y, 0.1, 0.0).unwrap_err().to_string(), "\
    /// 1 of 2 elements is not close; the worst, at [1]: 2.5, expected 2, differs by 0.5, allowed is 0.2");
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotClose`] when the shapes differ, or some elements do by more than is allowed.
    pub fn check_close(&self, expected: impl AsView<T>, rtol: f64, atol: f64) -> Result<(), NotClose> {
        let (shape, expected) = (self.shape(), expected.as_view());
        if shape != expected.shape() {
            return Err(NotClose::Shapes { found: shape, expected: expected.shape() });
        }
        let mut count = 0;
        let mut worst: Option<(f64, usize, f64, f64)> = None;
        for (place, (x, y)) in self.iter().zip(expected.iter()).enumerate() {
            let (x, y) = (x.to_f64(), y.to_f64());
            let excess = excess(x, y, atol + rtol * y.abs());
            if excess > 1.0 {
                count += 1;
                if worst.is_none_or(|(most, ..)| excess > most) {
                    worst = Some((excess, place, x, y));
                }
            }
        }
        let Some((_, place, found, expected)) = worst else { return Ok(()) };
        let index = shape.dims().iter().zip(shape.strides()).map(|(size, stride)| place / stride % size).collect();
        let allowed = atol + rtol * expected.abs();
        Err(NotClose::Elements { count, of: shape.len(), index, found, expected, allowed })
    }
}

/// The difference as a multiple of what is allowed; ∞ where a NaN or one infinity is involved.
fn excess(x: f64, y: f64, allowed: f64) -> f64 {
    if x == y {
        return 0.0;
    }
    let excess = (x - y).abs() / allowed;
    if excess.is_nan() { f64::INFINITY } else { excess }
}

/// How two tensors differ that were to be close.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NotClose {
    /// Their shapes differ.
    Shapes {
        /// The shape that came.
        found: Shape,
        /// The shape that was expected.
        expected: Shape,
    },
    /// Elements differ by more than is allowed.
    Elements {
        /// How many do.
        count: usize,
        /// How many there are.
        of: usize,
        /// Where the worst is, by the ratio of difference to what is allowed; the first of equals.
        index: Vec<usize>,
        /// What came there.
        found: f64,
        /// What was expected there.
        expected: f64,
        /// The difference that is allowed there.
        allowed: f64,
    },
}

impl fmt::Display for NotClose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotClose::Shapes { found, expected } => write!(formatter, "shapes differ: {found}, expected {expected}"),
            NotClose::Elements { count, of, index, found, expected, allowed } => {
                let (are, difference) = (if *count == 1 { "is" } else { "are" }, (found - expected).abs());
                write!(formatter, "{count} of {of} elements {are} not close; the worst, at {index:?}: {found}, ")?;
                write!(formatter, "expected {expected}, differs by {difference}, allowed is {allowed}")
            }
        }
    }
}

impl std::error::Error for NotClose {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::testing::{number, tensor};
    use proptest::prelude::*;

    /// The definition, for one element.
    fn close(x: f64, y: f64, rtol: f64, atol: f64) -> bool {
        x == y || x.is_finite() && y.is_finite() && (x - y).abs() <= atol + rtol * y.abs()
    }

    proptest! {
        #[test]
        fn closeness_is_its_definition(
            pairs in prop::collection::vec((number(), number()), 0..6), rtol in 0.0..2.0, atol in 0.0..2.0,
        ) {
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
            let far = pairs.iter().filter(|&&(x, y)| !close(x, y, rtol, atol)).count();
            match View::from(&x).check_close(&y, rtol, atol) {
                Ok(()) => prop_assert_eq!(far, 0),
                Err(NotClose::Elements { count, index, .. }) => {
                    prop_assert_eq!(count, far);
                    prop_assert!(!close(x[index[0]], y[index[0]], rtol, atol));
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }

        #[test]
        fn only_the_same_is_close_without_tolerance(x in tensor()) {
            prop_assert!(x.allclose(&x, 0.0, 0.0));
            let other = &x + 1e-9;
            prop_assert_eq!(x.allclose(&other, 0.0, 0.0), x.shape().is_empty());
        }
    }

    #[test]
    fn the_worst_element_is_named() {
        let x = Tensor::from_slice(&[1.0, 2.0, f64::NAN, 4.0, 5.0, 7.0]).reshape([2, 3]);
        let y = Tensor::from_slice(&[1.5, 2.0, f64::NAN, 4.0, 5.0, 6.0]).reshape([2, 3]);
        let difference = x.check_close(&y, 0.0, 0.1).map_err(|error| error.to_string());
        let expected = "3 of 6 elements are not close; the worst, at [0, 2]: NaN, expected NaN, differs by NaN, \
                        allowed is NaN";
        assert_eq!(difference, Err(expected.to_string()));
        assert!(matches!(
            x.select(1, 0).check_close(y.select(1, 0), 0.0, 0.1),
            Err(NotClose::Elements { count: 1, index, .. }) if index == [0]
        ));
    }

    #[test]
    fn different_shapes_are_not_close() {
        let difference = Tensor::<f32>::zeros([2, 1]).check_close(Tensor::zeros([2]), 1.0, 1.0);
        assert_eq!(difference.map_err(|error| error.to_string()), Err("shapes differ: [2, 1], expected [2]".into()));
        assert!(!Tensor::<f32>::zeros([0]).allclose(Tensor::zeros([2, 0]), 1.0, 1.0));
    }
}
