//! Random inputs for the table: small shapes, and numbers away from where an op is not smooth.

use thalweg_tensor::{Rng, Shape, Tensor};

use crate::Activation;

/// Three sizes of 1 to 4.
pub fn sizes(rng: &mut Rng) -> [usize; 3] {
    std::array::from_fn(|_| 1 + rng.below(4))
}

/// Three lengths of 0 to 4, one in eight of them 0.
pub fn lengths(rng: &mut Rng) -> [usize; 3] {
    sizes(rng).map(|size| if rng.below(8) == 0 { 0 } else { size })
}

/// A shape of up to three axes, at least as many as asked for, of 0 to 4.
fn shape(rng: &mut Rng, at_least: usize) -> Shape {
    let rank = at_least + rng.below(4 - at_least);
    Shape::from(&lengths(rng)[..rank])
}

/// A tensor of this shape with elements in −2..2.
pub fn of(rng: &mut Rng, dims: &[usize]) -> Tensor<f64> {
    Tensor::uniform(dims, -2.0, 2.0, rng)
}

/// A tensor of any shape.
pub fn any(rng: &mut Rng, low: f64, high: f64) -> Tensor<f64> {
    Tensor::uniform(shape(rng, 0), low, high, rng)
}

/// A tensor of any shape, of both signs, away from 0.
pub fn off_zero(rng: &mut Rng) -> Tensor<f64> {
    let x = any(rng, -2.0, 2.0);
    Tensor::from_fn(x.shape(), |i| x.as_slice()[i] + x.as_slice()[i].signum() * 0.1)
}

/// A tensor of any shape of at least one axis, whose elements are different tenths, 0 to 6.3.
pub fn distinct(rng: &mut Rng) -> Tensor<f64> {
    let shape = shape(rng, 1);
    tenths(rng, shape, 0.0)
}

/// Such a tensor, and one of its axes.
pub fn along(rng: &mut Rng) -> (Tensor<f64>, usize) {
    let x = distinct(rng);
    let axis = rng.below(x.shape().rank());
    (x, axis)
}

/// Draws until the tensor has elements: for ops that are not defined without.
pub fn filled(rng: &mut Rng, draw: impl Fn(&mut Rng) -> Tensor<f64>) -> Tensor<f64> {
    let x = draw(rng);
    if x.shape().is_empty() { filled(rng, draw) } else { x }
}

/// A tensor as [`distinct`] draws it that has elements, and one of its axes.
pub fn filled_along(rng: &mut Rng) -> (Tensor<f64>, usize) {
    let x = filled(rng, distinct);
    let axis = rng.below(x.shape().rank());
    (x, axis)
}

/// Two tensors that broadcast.
pub fn pair(rng: &mut Rng, low: f64, high: f64) -> [Tensor<f64>; 2] {
    shapes(rng).map(|shape| Tensor::uniform(shape, low, high, rng))
}

/// Two tensors that broadcast, with no element of the one near one of the other.
pub fn apart(rng: &mut Rng) -> [Tensor<f64>; 2] {
    let [a, b] = shapes(rng);
    [tenths(rng, a, 0.05), tenths(rng, b, 0.0)]
}

/// This many indices below `end`.
pub fn indices(rng: &mut Rng, count: usize, end: usize) -> Vec<usize> {
    (0..count).map(|_| rng.below(end)).collect()
}

/// Any activation.
pub fn activation(rng: &mut Rng) -> Activation {
    [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid][rng.below(4)]
}

/// Such an activation, but for the one with a kink.
pub fn smooth_activation(rng: &mut Rng) -> Activation {
    [Activation::Identity, Activation::Tanh, Activation::Sigmoid][rng.below(3)]
}

/// Inputs of a few steps, a state, and the weights of a recurrent cell with this many gates; the lengths of the
/// sequences of a batch, or none for a single one.
pub fn cell(rng: &mut Rng, gates: usize) -> ([Tensor<f64>; 6], Vec<usize>) {
    let ([steps, ..], [inputs, hidden, _], batch) = (sizes(rng), lengths(rng), 1 + rng.below(3));
    let lengths: Vec<usize> = (0..batch * rng.below(2)).map(|_| rng.below(steps + 1)).collect();
    let (rows, from) = (gates * hidden, usize::from(lengths.is_empty()));
    let (x, h) = ([steps, batch, inputs], [batch, hidden]);
    let x = if from == 1 { vec![steps, inputs] } else { x.to_vec() };
    let shapes: [&[usize]; 6] = [&x, &h[from..], &[rows, inputs], &[rows, hidden], &[rows], &[rows]];
    (shapes.map(|dims| of(rng, dims)), lengths)
}

/// Different tenths in random order, moved by `offset`.
fn tenths(rng: &mut Rng, shape: Shape, offset: f64) -> Tensor<f64> {
    let order = rng.permutation(shape.len());
    Tensor::from_fn(shape, |i| order[i] as f64 / 10.0 + offset)
}

/// Two shapes that broadcast: some sizes of each are 1, and some leading axes are missing.
fn shapes(rng: &mut Rng) -> [Shape; 2] {
    let whole = lengths(rng);
    [(); 2].map(|()| {
        let dims = whole.map(|size| if rng.below(3) == 0 { 1 } else { size });
        Shape::from(&dims[rng.below(4)..])
    })
}
