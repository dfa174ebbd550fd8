//! How tensors come to be.

use crate::{Real, Rng, Shape, ShapeError, Tensor};

/// From elements. The `try_` forms are for sizes and data that come from outside the program.
impl<T: Real> Tensor<T> {
    /// The tensor of this shape with these elements in row-major order.
    ///
    /// # Panics
    ///
    /// When the shape holds another number of elements than `data`.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>, data: Vec<T>) -> Self {
        match Self::from_parts(shape.into(), data) {
            Ok(tensor) => tensor,
            Err(error) => panic!("tensor: {error}"),
        }
    }

    /// The tensor with these sizes and these elements in row-major order.
    ///
    /// # Errors
    ///
    /// What [`Shape::try_new`] says of the sizes; [`ShapeError::Length`] when they hold another number of elements than
    /// `data`.
    pub fn try_new(dims: impl AsRef<[usize]>, data: Vec<T>) -> Result<Self, ShapeError> {
        Self::from_parts(Shape::try_new(dims.as_ref())?, data)
    }

    /// The tensor with these sizes and a copy of these elements in row-major order.
    ///
    /// # Errors
    ///
    /// As of [`Tensor::try_new`].
    pub fn try_from_slice(dims: impl AsRef<[usize]>, data: &[T]) -> Result<Self, ShapeError> {
        Self::try_new(dims, data.to_vec())
    }

    /// `[n]`: a copy of these elements.
    pub fn from_slice(data: &[T]) -> Self {
        Tensor { shape: Shape::new(&[data.len()]), data: data.to_vec() }
    }

    /// A single number: no axes.
    pub fn scalar(value: T) -> Self {
        Tensor { shape: Shape::scalar(), data: vec![value] }
    }

    /// Each element computed from its place in row-major order, in that order.
    #[track_caller]
    pub fn from_fn(shape: impl Into<Shape>, element: impl FnMut(usize) -> T) -> Self {
        let shape = shape.into();
        Tensor { shape, data: (0..shape.len()).map(element).collect() }
    }

    /// Each element computed from its index, one number for each axis, in row-major order.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let distance = Tensor::from_index([2, 3], |index| (index[0] as f32 - index[1] as f32).abs());
    /// assert_eq!(distance.as_slice(), [0.0, 1.0, 2.0, 1.0, 0.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn from_index(shape: impl Into<Shape>, mut element: impl FnMut(&[usize]) -> T) -> Self {
        let shape = shape.into();
        let strides = shape.strides();
        Self::from_fn(shape, |place| {
            let index: [usize; crate::MAX_RANK] =
                std::array::from_fn(|axis| shape.dims().get(axis).map_or(0, |size| place / strides[axis] % size));
            element(&index[..shape.rank()])
        })
    }

    /// A shape and data that may not fit each other.
    pub(crate) fn from_parts(shape: Shape, data: Vec<T>) -> Result<Self, ShapeError> {
        let fits = shape.len() == data.len();
        if fits { Ok(Tensor { shape, data }) } else { Err(ShapeError::Length { shape, length: data.len() }) }
    }
}

/// Constants and sequences.
impl<T: Real> Tensor<T> {
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

    /// Every element the same, with sizes that come from outside the program.
    ///
    /// # Errors
    ///
    /// What [`Shape::try_new`] says of the sizes; [`ShapeError::TooLarge`] also when there is no memory for them.
    pub fn try_full(dims: impl AsRef<[usize]>, value: T) -> Result<Self, ShapeError> {
        let shape = Shape::try_new(dims.as_ref())?;
        let mut data = Vec::new();
        data.try_reserve_exact(shape.len()).map_err(|_| ShapeError::TooLarge)?;
        data.resize(shape.len(), value);
        Ok(Tensor { shape, data })
    }

    /// `[n, n]`: 1 on the diagonal, 0 beside it.
    #[track_caller]
    pub fn eye(n: usize) -> Self {
        Self::from_fn([n, n], |place| if place % (n + 1) == 0 { T::ONE } else { T::ZERO })
    }

    /// `[⌈(end − start) / step⌉]`: the numbers `start + i·step` before `end`; none when `step` leads away from `end`.
    ///
    /// They are computed in double precision, and rounded once; none is the sum of those before it. Where `step` is not
    /// exact, as 0.1 is not, the quotient may be rounded up to one number more: [`linspace`](Tensor::linspace) counts.
    ///
    /// # Panics
    ///
    /// When `step` is 0, or one of the three is not finite.
    #[track_caller]
    pub fn arange(start: f64, end: f64, step: f64) -> Self {
        let possible = [start, end, step].iter().all(|number| number.is_finite()) && step != 0.0;
        assert!(possible, "arange: finite numbers and a step other than 0 expected: {start}, {end}, {step}");
        // A negative number of elements becomes 0.
        let n = ((end - start) / step).ceil() as usize;
        Self::from_fn([n], |i| T::from_f64(start + i as f64 * step))
    }

    /// `[n]`: numbers from `start` to `end`, both included, at equal distances. A single one is `start`.
    ///
    /// They are computed in double precision, and rounded once; the last is `end` exactly.
    pub fn linspace(start: f64, end: f64, n: usize) -> Self {
        let step = (end - start) / n.saturating_sub(1).max(1) as f64;
        let at = |i: usize| if i > 0 && i + 1 == n { end } else { start + i as f64 * step };
        Self::from_fn([n], |i| T::from_f64(at(i)))
    }
}

/// Random numbers.
impl<T: Real> Tensor<T> {
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

    /// `[n]`: the numbers `0..n` in random order.
    ///
    /// # Panics
    ///
    /// When this type does not hold every number below `n`: above 2²⁴ in single precision, 2⁵³ in double.
    #[track_caller]
    pub fn permutation(n: usize, rng: &mut Rng) -> Self {
        assert!(n as f64 <= 2.0 / T::EPSILON.to_f64(), "permutation: numbers up to {n} are not exact in this type");
        let data: Vec<T> = rng.permutation(n).into_iter().map(|number| T::from_f64(number as f64)).collect();
        Tensor { shape: Shape::new(&[n]), data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn linspace_has_its_ends_and_equal_steps(start in -5.0..5.0, end in -5.0..5.0, n in 2_usize..50) {
            let x = Tensor::<f64>::linspace(start, end, n);
            prop_assert_eq!([x[[0]], x[[n - 1]]], [start, end]);
            let step = (end - start) / (n - 1) as f64;
            prop_assert!(x.as_slice().windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-14));
        }

        #[test]
        fn arange_stops_before_its_end(start in -9_i32..9, end in -9_i32..9, step in 1_i32..4) {
            let numbers = |start: i32, end: i32, step: i32| {
                Tensor::<f32>::arange(f64::from(start), f64::from(end), f64::from(step)).into_vec()
            };
            let expected: Vec<f32> = (start..end).step_by(step as usize).map(|x| x as f32).collect();
            prop_assert_eq!(numbers(start, end, step), &expected[..]);
            let negated: Vec<f32> = expected.iter().map(|x| -x).collect();
            prop_assert_eq!(numbers(-start, -end, -step), negated);
        }

        #[test]
        fn elements_know_their_index(dims in prop::collection::vec(0_usize..4, 0..=4)) {
            let x = Tensor::from_index(dims.as_slice(), |index| index.iter().fold(0.0, |x, &i| 10.0 * x + i as f64));
            for place in 0..x.shape().len() {
                let index: Vec<usize> = (0..dims.len())
                    .map(|axis| place / dims[axis + 1..].iter().product::<usize>() % dims[axis]).collect();
                prop_assert_eq!(x.as_slice()[place], index.iter().fold(0.0, |x, &i| 10.0 * x + i as f64));
            }
        }
    }

    #[test]
    fn short_sequences() {
        assert_eq!(Tensor::<f32>::linspace(2.0, 5.0, 0).shape(), Shape::new(&[0]));
        assert_eq!(Tensor::<f32>::linspace(2.0, 5.0, 1).as_slice(), [2.0]);
        assert_eq!(Tensor::<f32>::linspace(2.0, 5.0, 2).as_slice(), [2.0, 5.0]);
        assert_eq!(Tensor::<f32>::arange(0.0, 1.0, -1.0).shape(), Shape::new(&[0]));
        assert_eq!(Tensor::<f32>::arange(0.0, 1.0, 0.25).as_slice(), [0.0, 0.25, 0.5, 0.75]);
        assert_eq!(Tensor::<f32>::eye(2).as_slice(), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!([Tensor::<f32>::eye(0).shape(), Tensor::<f32>::eye(1).shape()], [[0, 0].into(), [1, 1].into()]);
    }

    #[test]
    #[should_panic(expected = "arange: finite numbers and a step other than 0 expected: 0, 1, 0")]
    fn a_step_of_0_panics() {
        Tensor::<f32>::arange(0.0, 1.0, 0.0);
    }

    #[test]
    fn what_comes_from_outside_is_an_error() {
        let text = |result: Result<Tensor, ShapeError>| result.map_err(|error| error.to_string()).map(|x| x.shape());
        let length = text(Tensor::try_new([2, 3], vec![0.0; 5]));
        assert_eq!(length, Err("[2, 3] holds 6 elements, but 5 came".to_string()));
        assert_eq!(text(Tensor::try_from_slice(vec![1; 7], &[0.0])), Err("7 axes, but at most 6 are supported".into()));
        assert_eq!(Tensor::<f32>::try_new([usize::MAX, 2], vec![]), Err(ShapeError::TooLarge));
        assert_eq!(Tensor::<f32>::try_full([usize::MAX], 0.0), Err(ShapeError::TooLarge));
        assert_eq!(text(Tensor::try_full([2, 0], 1.0)), Ok(Shape::new(&[2, 0])));
        assert_eq!(Tensor::try_full([2], 1.0_f32), Ok(Tensor::ones([2])));
        assert_eq!(Tensor::try_from_slice([1, 2], &[1.0_f32, 2.0]), Ok(Tensor::new([1, 2], vec![1.0, 2.0])));
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

    #[test]
    fn a_permutation_is_the_generators() {
        let order = Rng::new(4).permutation(9).into_iter().map(|number| number as f32).collect();
        assert_eq!(Tensor::permutation(9, &mut Rng::new(4)), Tensor::new([9], order));
        assert_eq!(Tensor::<f32>::permutation(0, &mut Rng::new(4)).shape(), Shape::new(&[0]));
    }
}
