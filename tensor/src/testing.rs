//! What the tests of several files share.

use crate::{Rng, Shape, Tensor, View};
use proptest::prelude::*;

/// Up to four axes of sizes 0 to 4, and elements that tell their place.
pub(crate) fn tensor() -> impl Strategy<Value = Tensor<f64>> {
    prop::collection::vec(0_usize..5, 0..=4).prop_map(|dims| Tensor::from_fn(dims.as_slice(), |place| place as f64))
}

/// One to four axes, and one of them.
pub(crate) fn with_axis() -> impl Strategy<Value = (Tensor<f64>, usize)> {
    let dims = prop::collection::vec(0_usize..5, 1..=4);
    (dims, 0_usize..4)
        .prop_map(|(dims, axis)| (Tensor::from_fn(dims.as_slice(), |place| place as f64), axis % dims.len()))
}

/// Numbers with every special one among them.
pub(crate) fn number() -> impl Strategy<Value = f64> {
    let special = [0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    prop_oneof![3 => -4.0..4.0, 1 => prop::sample::select(special.to_vec())]
}

/// A tensor of this shape filled with such numbers.
pub(crate) fn of_shape(shape: Shape) -> impl Strategy<Value = Tensor<f64>> {
    prop::collection::vec(number(), shape.len()).prop_map(move |data| Tensor::new(shape, data))
}

/// `N` tensors whose shapes broadcast: some leading axes gone, some sizes 1; sizes up to 4, with 0, the last up to 300
/// so that rows longer than a block occur.
pub(crate) fn broadcasting<const N: usize>() -> impl Strategy<Value = [Tensor<f64>; N]> {
    let sizes = prop::collection::vec(0_usize..5, 0..=3);
    let long = prop_oneof![3 => Just(None), 1 => (250_usize..300).prop_map(Some)];
    let thinned = prop::array::uniform::<_, N>((prop::collection::vec(any::<bool>(), 4), 0_usize..6));
    (sizes, long, thinned).prop_flat_map(|(mut sizes, long, thinned)| {
        sizes.extend(long);
        let shape_of = move |(ones, gone): (Vec<bool>, usize)| {
            let kept = sizes.iter().zip(ones).map(|(&size, one)| if one { 1 } else { size });
            Shape::new(&kept.skip(if gone < 3 { gone.min(sizes.len()) } else { 0 }).collect::<Vec<_>>())
        };
        thinned.map(shape_of).map(of_shape)
    })
}

/// Equal, or both NaN.
pub(crate) fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// The same shape, and the same element everywhere, NaN included.
#[track_caller]
pub(crate) fn assert_same(found: &Tensor<f64>, expected: &Tensor<f64>) {
    let equal = found.shape() == expected.shape() && found.iter().zip(expected.iter()).all(|(a, b)| same(a, b));
    assert!(equal, "found {found:?}\nexpected {expected:?}");
}

/// Data, and how to look at it: any shape of up to four axes of 0 to 4, its axes permuted, cut, stretched.
#[derive(Clone, Debug)]
pub(crate) struct Strided {
    pub(crate) data: Tensor<f64>,
    axes: Vec<usize>,
    cut: Option<usize>,
    stretched: bool,
}

impl Strided {
    /// The view.
    pub(crate) fn view(&self) -> View<'_, f64> {
        let mut view = self.data.view().permute(&self.axes);
        if let Some(axis) = self.cut {
            let size = view.shape().dims()[axis];
            view = view.slice(axis, size / 3..size);
        }
        if self.stretched { view.broadcast_to(view.shape().inserted(0, 2)) } else { view }
    }
}

/// Views of normal random numbers at all kinds of strides, of up to five axes.
pub(crate) fn strided() -> impl Strategy<Value = Strided> {
    let dims = prop_oneof![
        15 => prop::collection::vec(0_usize..5, 0..=4),
        1 => (1_usize..12, 1000_usize..1100).prop_map(|(a, b)| vec![a, b]),
    ];
    (dims, any::<u64>(), any::<bool>(), any::<bool>()).prop_map(|(dims, seed, cut, stretched)| {
        let mut rng = Rng::new(seed);
        let axes = rng.permutation(dims.len());
        let cut = (cut && !dims.is_empty()).then(|| rng.below(dims.len()));
        Strided { data: Tensor::normal(&dims[..], 0.0, 1.0, &mut rng), axes, cut, stretched }
    })
}

/// A view, and some of its axes.
pub(crate) fn strided_with_axes() -> impl Strategy<Value = (Strided, Vec<usize>)> {
    (strided(), any::<u64>()).prop_map(|(x, seed)| {
        let mut rng = Rng::new(seed);
        let mut axes = rng.permutation(x.view().shape().rank());
        axes.truncate(rng.below(axes.len() + 1));
        (x, axes)
    })
}

/// Calls `visit` with every index of a shape, in row-major order.
pub(crate) fn each_index(shape: Shape, mut visit: impl FnMut(&[usize])) {
    let strides = shape.strides();
    for flat in 0..shape.len() {
        let index: Vec<usize> = (0..shape.rank()).map(|a| flat / strides[a] % shape.dims()[a]).collect();
        visit(&index);
    }
}
