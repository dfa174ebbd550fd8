//! The size of a tensor along each of its axes.

use crate::ShapeError;
use std::fmt;

/// The largest number of axes a [`Shape`] can have.
pub const MAX_RANK: usize = 6;

/// The size of a tensor along each axis, slowest-varying axis first; a small `Copy` value.
///
/// ```
/// use thalweg_tensor::Shape;
///
/// let column = Shape::new(&[3, 1]);
/// let row = Shape::new(&[4]);
/// assert_eq!(column.broadcast(row), Some(Shape::new(&[3, 4])));
/// assert_eq!(column.to_string(), "[3, 1]");
/// ```
// Equality, written out below, is what a derived one would be.
#[allow(clippy::derived_hash_with_manual_eq)]
#[derive(Clone, Copy, Eq, Hash)]
pub struct Shape {
    rank: u8,
    /// Sizes beyond `rank` are 1, so that equality and the product need no rank.
    sizes: [usize; MAX_RANK],
}

impl Shape {
    /// The shape with these sizes.
    ///
    /// # Panics
    ///
    /// Above [`MAX_RANK`] axes, or when the number of elements overflows `usize`.
    #[inline]
    #[track_caller]
    pub fn new(dims: &[usize]) -> Shape {
        match Shape::try_new(dims) {
            Ok(shape) => shape,
            Err(error) => panic!("shape: {error}"),
        }
    }

    /// The shape with these sizes, for sizes that come from outside the program.
    ///
    /// # Errors
    ///
    /// [`ShapeError::TooManyAxes`] above [`MAX_RANK`] axes, [`ShapeError::TooLarge`] when the
    /// product of the sizes (a size of 0 counted as 1) overflows `usize`.
    #[inline]
    pub fn try_new(dims: &[usize]) -> Result<Shape, ShapeError> {
        if dims.len() > MAX_RANK {
            return Err(ShapeError::TooManyAxes { rank: dims.len() });
        }
        let mut sizes = [1; MAX_RANK];
        sizes[..dims.len()].copy_from_slice(dims);
        let product = dims.iter().try_fold(1_usize, |product, &size| product.checked_mul(size.max(1)));
        match product {
            Some(_) => Ok(Shape { rank: dims.len() as u8, sizes }),
            None => Err(ShapeError::TooLarge),
        }
    }

    /// The shape of a single number: no axes, one element.
    pub fn scalar() -> Shape {
        Shape { rank: 0, sizes: [1; MAX_RANK] }
    }

    /// The size of each axis, slowest-varying first.
    pub fn dims(&self) -> &[usize] {
        &self.sizes[..self.rank()]
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// The number of elements: the product of the sizes, 1 for a scalar.
    pub fn len(&self) -> usize {
        self.sizes.iter().product()
    }

    /// Whether some axis has size 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape that both stretch to, or `None` when there is none.
    ///
    /// NumPy's rule: shapes are aligned at their last axis, a missing axis counts as size 1, and
    /// along each axis the sizes are equal or one of them is 1.
    pub fn broadcast(self, other: Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let mut sizes = [1; MAX_RANK];
        for (axis, size) in sizes[..rank].iter_mut().enumerate() {
            *size = match (self.aligned(axis, rank), other.aligned(axis, rank)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Shape::try_new(&sizes[..rank]).ok()
    }

    /// The same shape with the size of one axis replaced.
    ///
    /// # Panics
    ///
    /// When there is no such axis.
    #[track_caller]
    pub fn with(self, axis: usize, size: usize) -> Shape {
        self.check_axis("with", axis);
        let mut sizes = self.sizes;
        sizes[axis] = size;
        Shape::new(&sizes[..self.rank()])
    }

    /// The same shape with one axis removed.
    ///
    /// # Panics
    ///
    /// When there is no such axis.
    #[track_caller]
    pub fn without(self, axis: usize) -> Shape {
        self.check_axis("without", axis);
        let mut sizes = self.sizes;
        sizes.copy_within(axis + 1.., axis);
        Shape::new(&sizes[..self.rank() - 1])
    }

    /// The same shape with an axis of this size inserted before `axis`; `axis = rank` appends.
    ///
    /// # Panics
    ///
    /// When `axis` is beyond the rank, or the shape has [`MAX_RANK`] axes already.
    #[track_caller]
    pub fn inserted(self, axis: usize, size: usize) -> Shape {
        let rank = self.rank();
        assert!(axis <= rank, "inserted: axis {axis} is beyond the rank of {self}");
        assert!(rank < MAX_RANK, "inserted: {self} has {MAX_RANK} axes already");
        let mut sizes = self.sizes;
        sizes.copy_within(axis..MAX_RANK - 1, axis + 1);
        sizes[axis] = size;
        Shape::new(&sizes[..=rank])
    }

    /// How far apart neighbours along each axis lie in row-major order; 0 beyond the rank.
    pub fn strides(&self) -> [usize; MAX_RANK] {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for axis in (0..self.rank()).rev() {
            strides[axis] = step;
            step *= self.sizes[axis];
        }
        strides
    }

    /// `[outer, size of axis, inner]`: the three-axis picture of a row-major tensor that axis-wise
    /// operations use. Element `(o, a, i)` of it lies at `(o · size + a) · inner + i`.
    ///
    /// # Panics
    ///
    /// When there is no such axis.
    #[track_caller]
    pub fn around(&self, axis: usize) -> [usize; 3] {
        self.check_axis("around", axis);
        let outer = self.sizes[..axis].iter().product();
        let inner = self.sizes[axis + 1..].iter().product();
        [outer, self.sizes[axis], inner]
    }

    /// The size of `axis` once the shape is padded on the left with ones up to `rank` axes.
    fn aligned(&self, axis: usize, rank: usize) -> usize {
        (axis + self.rank()).checked_sub(rank).map_or(1, |own| self.sizes[own])
    }

    /// How far a step along each axis of `output` moves through what has this shape and these strides: 0 where it is
    /// stretched; `None` when it does not broadcast to `output`.
    pub(crate) fn stretched(&self, own: &[usize; MAX_RANK], output: Shape) -> Option<[usize; MAX_RANK]> {
        let missing = output.rank().checked_sub(self.rank())?;
        let mut strides = [0; MAX_RANK];
        for axis in 0..self.rank() {
            let (size, target) = (self.sizes[axis], output.sizes[axis + missing]);
            if size == target {
                strides[axis + missing] = own[axis];
            } else if size != 1 {
                return None;
            }
        }
        Some(strides)
    }

    #[track_caller]
    fn check_axis(&self, operation: &str, axis: usize) {
        assert!(axis < self.rank(), "{operation}: {self} has no axis {axis}");
    }
}

/// Written out: six numbers are compared faster one by one than by the call that a derived comparison makes.
impl PartialEq for Shape {
    #[inline]
    fn eq(&self, other: &Shape) -> bool {
        let differs = self.sizes.iter().zip(&other.sizes).fold(0, |differs, (a, b)| differs | (a ^ b));
        self.rank == other.rank && differs == 0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.dims())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[inline]
    #[track_caller]
    fn from(dims: [usize; N]) -> Shape {
        Shape::new(&dims)
    }
}

impl From<&[usize]> for Shape {
    #[track_caller]
    fn from(dims: &[usize]) -> Shape {
        Shape::new(dims)
    }
}

impl AsRef<[usize]> for Shape {
    fn as_ref(&self) -> &[usize] {
        self.dims()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Shape {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.dims().serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Shape {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
        let dims = Vec::<usize>::deserialize(deserializer)?;
        Shape::try_new(&dims).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shapes() -> impl Strategy<Value = Shape> {
        prop::collection::vec(0_usize..4, 0..=4).prop_map(|dims| Shape::new(&dims))
    }

    proptest! {
        #[test]
        fn broadcasting_commutes(a in shapes(), b in shapes()) {
            prop_assert_eq!(a.broadcast(b), b.broadcast(a));
        }

        #[test]
        fn broadcasting_is_idempotent_and_a_scalar_is_its_identity(a in shapes()) {
            prop_assert_eq!(a.broadcast(a), Some(a));
            prop_assert_eq!(a.broadcast(Shape::scalar()), Some(a));
        }

        #[test]
        fn an_inserted_axis_can_be_removed(a in shapes(), place in 0_usize..5, size in 0_usize..4) {
            let axis = place.min(a.rank());
            let longer = a.inserted(axis, size);
            prop_assert_eq!(longer.dims()[axis], size);
            prop_assert_eq!(longer.without(axis), a);
            prop_assert_eq!(longer.with(axis, 1).len(), a.len());
            prop_assert_eq!(longer.around(axis).iter().product::<usize>(), longer.len());
        }
    }

    #[test]
    fn strides_are_row_major() {
        assert_eq!(Shape::new(&[2, 3, 4]).strides(), [12, 4, 1, 0, 0, 0]);
        assert_eq!(Shape::new(&[2, 3, 4]).around(1), [2, 3, 4]);
        assert_eq!(Shape::new(&[2, 3]).broadcast(Shape::new(&[2])), None);
    }

    #[test]
    fn sizes_from_outside_are_checked() {
        assert_eq!(Shape::try_new(&[1; 7]), Err(ShapeError::TooManyAxes { rank: 7 }));
        assert_eq!(Shape::try_new(&[usize::MAX, 0, 2]), Err(ShapeError::TooLarge));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn loading_checks_the_rank() -> Result<(), serde_json::Error> {
        let shape = Shape::new(&[2, 3]);
        assert_eq!(serde_json::to_string(&shape)?, "[2,3]");
        assert_eq!(serde_json::from_str::<Shape>("[2,3]")?, shape);
        assert!(serde_json::from_str::<Shape>("[1,1,1,1,1,1,1]").is_err());
        Ok(())
    }
}
