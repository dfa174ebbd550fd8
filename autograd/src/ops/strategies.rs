//! Random tensors for the property tests of ops, and the derivative at one point.

use proptest::prelude::*;
use thalweg_tensor::Tensor;

use crate::{Grads, Params, Tape, Var};

/// A tensor of this shape with elements in `low..high`, away from the kinks and poles that a domain ends at.
pub fn tensor(dims: Vec<usize>, low: f64, high: f64) -> impl Strategy<Value = Tensor<f64>> {
    let len = dims.iter().product::<usize>();
    prop::collection::vec(low..high, len).prop_map(move |data| Tensor::new(dims.as_slice(), data))
}

/// Any shape of up to three axes of 1 to 4.
pub fn any_shape() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..5, 0..4)
}

/// A tensor of any shape of up to three axes.
pub fn any_tensor(low: f64, high: f64) -> impl Strategy<Value = Tensor<f64>> {
    any_shape().prop_flat_map(move |dims| tensor(dims, low, high))
}

/// Two tensors whose shapes broadcast: each axis of either may be 1, leading axes of either may be missing.
pub fn broadcast_pair(low: f64, high: f64) -> impl Strategy<Value = [Tensor<f64>; 2]> {
    let axis = (1usize..4, 0u8..3);
    (prop::collection::vec(axis, 0..4), 0usize..3, any::<bool>()).prop_flat_map(move |(axes, missing, which)| {
        let one = |flag: u8| move |&(n, f): &(usize, u8)| if f == flag { 1 } else { n };
        let mut dims: [Vec<usize>; 2] = [axes.iter().map(one(1)).collect(), axes.iter().map(one(2)).collect()];
        let short = &mut dims[usize::from(which)];
        short.drain(..missing.min(short.len()));
        let [a, b] = dims;
        (tensor(a, low, high), tensor(b, low, high)).prop_map(|(a, b)| [a, b])
    })
}

/// A tensor of at least one axis, and one of its axes.
pub fn with_axis() -> impl Strategy<Value = (Tensor<f64>, usize)> {
    any_shape().prop_filter("needs an axis", |dims| !dims.is_empty()).prop_flat_map(|dims| {
        let rank = dims.len();
        (tensor(dims, -2.0, 2.0), 0..rank)
    })
}

/// A tensor, and some of its axes in some order.
pub fn with_axes() -> impl Strategy<Value = (Tensor<f64>, Vec<usize>)> {
    any_tensor(-2.0, 2.0).prop_flat_map(|x| {
        let axes: Vec<usize> = (0..x.shape().rank()).collect();
        let some = (Just(axes).prop_shuffle(), 0usize..4).prop_map(|(mut axes, count)| {
            axes.truncate(count);
            axes
        });
        (Just(x), some)
    })
}

/// The numbers 0, 0.1, 0.2, … in random order as a tensor of at least one axis, and one of its axes: no two elements are
/// close, so that the largest stays the largest under a small change.
pub fn distinct_with_axis() -> impl Strategy<Value = (Tensor<f64>, usize)> {
    with_axis().prop_flat_map(|(x, axis)| {
        let numbers: Vec<f64> = (0..x.shape().len()).map(|i| i as f64 / 10.0).collect();
        (Just(numbers).prop_shuffle().prop_map(move |data| Tensor::new(x.shape(), data)), Just(axis))
    })
}

/// The derivative of `f` at `x`, as backward says.
pub fn slope(x: f64, f: impl Fn(Var<'_, f64>) -> Var<'_, f64>) -> f64 {
    let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    let pass = tape.pass(&params);
    let x = pass.leaf(&[x]);
    f(x).backward(&mut Grads::like(&params));
    let mut dx = [9.0];
    x.grad_to(&mut dx);
    dx[0]
}
