//! What is checked of an op, with inputs that lie in every way in which inputs can.
//!
//! # Strides
//!
//! The numbers of a node are always contiguous: an op is given slices. What would be a stride elsewhere is here one of
//! two things. A *contiguous part* of a node or of a parameter (a row, a slice of the first axis, any reshape) is a
//! view: it has no memory of its own, and its gradient is a part of the whole's. Everything else (a permutation, a
//! transpose, a slice of an inner axis) is a copy, made by an op with a backward of its own. An op has to be right on
//! both, and on parameters, whose gradients lie in [`Grads`](crate::Grads) and not on the tape. For each input one
//! [`Place`] is drawn.

use thalweg_tensor::{Dual, Real, Rng, Shape, Tensor};

use crate::{Flat, Param, Params, Pass, Tape, Var, gradcheck_params, vjp};

/// The step of the central differences of tangents, and what they may be off by, relative (absolute below 1).
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;

/// A function of `N` variables.
type Function<'f, T, const N: usize> = &'f dyn for<'p> Fn([Var<'p, T>; N]) -> Var<'p, T>;

/// Checks a function, given over both numbers: its gradient, and over dual numbers the tangents of value and gradient.
pub fn check<const N: usize>(
    rng: &mut Rng,
    inputs: [Tensor<f64>; N],
    real: Function<'_, f64, N>,
    dual: Function<'_, Dual, N>,
) -> Result<(), String> {
    let mut params = Params::<f64>::new();
    let places: [(Place, Param, Shape); N] = inputs.map(|x| {
        let place = Place::ALL[rng.below(Place::ALL.len())];
        let stored = place.store(&x);
        let name = format!("x{} ({place:?})", params.layout().entries().len());
        (place, params.add(&name, stored.shape(), |i| stored.as_slice()[i]), x.shape())
    });
    gradcheck_params(&params, |pass| real(places.map(|(place, x, shape)| place.read(pass.param(x), shape))))
        .map_err(|mismatch| mismatch.to_string())?;
    tangents(rng, &params, |pass| dual(places.map(|(place, x, shape)| place.read(pass.param(x), shape))))
}

/// Where the numbers of an input lie.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// In θ.
    Parameter,
    /// On the tape.
    Node,
    /// In the midst of a parameter.
    PartOfParameter,
    /// In the midst of a node.
    PartOfNode,
    /// In the opposite order of axes in θ, and copied to the tape in the right one.
    Permuted,
}

impl Place {
    pub const ALL: [Place; 5] =
        [Place::Parameter, Place::Node, Place::PartOfParameter, Place::PartOfNode, Place::Permuted];

    /// What to store so that [`read`](Place::read) gives `x`. What lies around a part is NaN: nothing may depend on it.
    pub fn store(self, x: &Tensor<f64>) -> Tensor<f64> {
        match self {
            Place::Parameter | Place::Node => x.clone(),
            Place::PartOfParameter | Place::PartOfNode => {
                Tensor::from_slice(&[&[f64::NAN; BEFORE], x.as_slice(), &[f64::NAN]].concat())
            }
            Place::Permuted => x.view().permute(&opposite(x.shape())).to_tensor(),
        }
    }

    /// An input of this shape, out of what was stored.
    pub fn read<'p, T: Real>(self, stored: Var<'p, T>, shape: Shape) -> Var<'p, T> {
        let part = |whole: Var<'p, T>| whole.slice(0, BEFORE..BEFORE + shape.len()).reshape(shape);
        match self {
            Place::Parameter => stored,
            Place::Node => stored * T::ONE,
            Place::PartOfParameter => part(stored),
            Place::PartOfNode => part(stored * T::ONE),
            Place::Permuted => stored.permute(&opposite(shape)),
        }
    }
}

/// How many numbers lie before a part.
const BEFORE: usize = 2;

fn opposite(shape: Shape) -> Vec<usize> {
    (0..shape.rank()).rev().collect()
}

/// With `θ(s) = θ + s v + ε v`, a cotangent `u`, and `f`: the tangent of `f` and that of `Jᵀu` at `s = 0` against the
/// differences of their values, and `⟨u, J v⟩` against `⟨Jᵀu, v⟩`. An op that lost a tangent on the way would fail
/// here.
pub fn tangents(
    rng: &mut Rng,
    params: &Params<f64>,
    f: impl for<'p> Fn(&'p Pass<'p, Dual>) -> Var<'p, Dual>,
) -> Result<(), String> {
    let mut direction = Flat::like(params);
    direction.as_mut_slice().fill_with(|| rng.range(-1.0, 1.0));
    let moved = |shift: f64| {
        let mut moved = params.cast::<Dual>();
        for (param, _) in params.layout().iter() {
            let both = moved.of_mut(param).iter_mut().zip(direction.of(param));
            both.for_each(|(x, &v)| *x = Dual::new(x.value + shift * v, v));
        }
        moved
    };
    let len = f(&Tape::new().pass(&moved(0.0))).shape().len();
    let cotangent: Vec<Dual> = (0..len).map(|_| Dual::from(rng.range(-1.0, 1.0))).collect();
    let [(y, back), (above, back_above), (below, back_below)] =
        [0.0, STEP, -STEP].map(|shift| vjp(&moved(shift), &cotangent, |pass| f(pass)));
    compare("J v", y.as_slice(), above.as_slice(), below.as_slice())?;
    compare("the derivative of Jᵀu", back.as_slice(), back_above.as_slice(), back_below.as_slice())?;
    let forward: f64 = y.as_slice().iter().zip(&cotangent).map(|(y, u)| y.tangent * u.value).sum();
    let reverse: f64 = back.as_slice().iter().zip(direction.as_slice()).map(|(g, v)| g.value * v).sum();
    let close = (forward - reverse).abs() <= 1e-11 * forward.abs().max(1.0);
    if close { Ok(()) } else { Err(format!("⟨u, J v⟩ = {forward}, ⟨Jᵀu, v⟩ = {reverse}")) }
}

/// The tangents of `middle` against the difference of the values on both sides.
fn compare(what: &str, middle: &[Dual], above: &[Dual], below: &[Dual]) -> Result<(), String> {
    for (i, ((middle, above), below)) in middle.iter().zip(above).zip(below).enumerate() {
        let (expected, found) = ((above.value - below.value) / (2.0 * STEP), middle.tangent);
        let error = (expected - found).abs() / expected.abs().max(found.abs()).max(1.0);
        if error.is_nan() || error > TOLERANCE {
            return Err(format!("{what}, element {i}: differences give {expected}, the tangent is {found}"));
        }
    }
    Ok(())
}
