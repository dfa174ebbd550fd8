//! Products with Jacobians and Hessians, exact and without forming them.
//!
//! For a function `y = f(θ)` of parameters, `J = ∂y/∂θ`:
//!
//! | product | what | how | cost |
//! |---|---|---|---|
//! | [`vjp`] | `Jᵀu` | reverse mode | a forward and a backward |
//! | [`jvp`] | `J v` | forward mode (Wengert, 1964): `f` over [`Dual`] numbers `θ + ε v` | a forward over dual numbers |
//! | [`jacobian`] | `J` | a [`vjp`] for each row | a forward, and a backward for each row |
//! | [`hvp`] | `H v`, `H = ∂²y/∂θ²` | forward over reverse (Pearlmutter, 1994) | a forward and a backward over dual numbers |
//!
//! Nothing here knows of any op: a pass over dual numbers runs every op and every layer as it is, backward too, and each
//! number carries its derivative along `v`. So the gradient `∇f(θ + ε v) = ∇f(θ) + ε H v` comes with the product. Data
//! that does not depend on θ goes in as constants, `pass.input(&[1.0, 2.0].map(Dual::from))`; the derivative along a
//! direction of the data is that of an input with tangents. Parameters in single precision are
//! [cast](crate::Params::cast) first.
//!
//! Rules: what is frozen or [detached](crate::Var::detach) is constant, and a direction's part there is not looked at.
//! A number that was read out of the pass and given to an op (`x * loss.item()`) is constant for reverse mode but not for
//! forward mode: detach instead. At kinks the slopes are those that each op states, in both modes, and second derivatives
//! do not see the jump between them; only where several elements are exactly the largest, `max_axes`, `min_axes` and
//! the max pools give the gradient to the first in reverse mode, and a mean of the slopes forward. What is not finite shows in the product.

use thalweg_tensor::{Dual, Real, Tensor};

use crate::{Flat, Grads, Params, Pass, Tape, Var};

/// The value of `f`, of any shape, and the vector-Jacobian product `Jᵀu`, laid out like θ.
///
/// ```
/// use thalweg_autograd::{Params, vjp};
///
/// let mut params = Params::<f64>::new();
/// let x = params.add("x", [2], |i| [3.0, 5.0][i]);
/// let (y, product) = vjp(&params, &[1.0, 10.0], |pass| pass.param(x).square());
/// assert_eq!((y.as_slice(), product.of(x)), (&[9.0, 25.0][..], &[6.0, 100.0][..]));
/// ```
///
/// # Panics
/// If the cotangent `u` has another length than `f(θ)`.
#[track_caller]
pub fn vjp<T: Real>(
    params: &Params<T>,
    cotangent: &[T],
    f: impl for<'p> FnOnce(&'p Pass<'p, T>) -> Var<'p, T>,
) -> (Tensor<T>, Flat<T>) {
    let (mut tape, mut grads) = (Tape::new(), Grads::like(params));
    let pass = tape.pass(params);
    let y = f(&pass);
    let (shape, found) = (y.shape(), cotangent.len());
    assert!(shape.len() == found, "vjp: the shape is {shape}, the cotangent has length {found}");
    y.backward_from(cotangent, &mut grads);
    (y.to_tensor(), Flat::clone(&grads.dense()))
}

/// The value of `f`, of any shape, and the Jacobian-vector product `J v` of the same shape: the derivative along `v`.
///
/// ```
/// use thalweg_autograd::{Flat, Params, jvp};
///
/// let mut params = Params::<f64>::new();
/// let x = params.add("x", [2], |i| [3.0, 5.0][i]);
/// let mut direction = Flat::like(&params);
/// direction.of_mut(x).copy_from_slice(&[1.0, 10.0]);
/// let (y, product) = jvp(&params, &direction, |pass| pass.param(x).square().sum());
/// assert_eq!((y.item(), product.item()), (34.0, 106.0));
/// ```
///
/// # Panics
/// If the direction is not laid out like the parameters.
#[track_caller]
pub fn jvp(
    params: &Params<f64>,
    direction: &Flat<f64>,
    f: impl for<'p> FnOnce(&'p Pass<'p, Dual>) -> Var<'p, Dual>,
) -> (Tensor<f64>, Tensor<f64>) {
    let params = along("jvp", params, direction);
    let mut tape = Tape::new();
    let pass = tape.pass(&params);
    let y = f(&pass).to_tensor();
    let part = |of: fn(&Dual) -> f64| Tensor::new(y.shape(), y.as_slice().iter().map(of).collect());
    (part(|y| y.value), part(|y| y.tangent))
}

/// The Jacobian of `f`, of any shape: for each element of the value, row-major, its gradient, laid out like θ.
///
/// ```
/// use thalweg_autograd::{Params, jacobian};
///
/// let mut params = Params::<f64>::new();
/// let x = params.add("x", [2], |i| [3.0, 5.0][i]);
/// let rows = jacobian(&params, |pass| pass.param(x) * pass.param(x).row(0));
/// assert_eq!(rows[0].of(x), [6.0, 0.0]); // ∂x₀²/∂x
/// assert_eq!(rows[1].of(x), [5.0, 3.0]); // ∂x₀x₁/∂x
/// ```
pub fn jacobian<T: Real>(params: &Params<T>, f: impl for<'p> FnOnce(&'p Pass<'p, T>) -> Var<'p, T>) -> Vec<Flat<T>> {
    let (mut tape, mut grads) = (Tape::new(), Grads::like(params));
    let pass = tape.pass(params);
    let y = f(&pass);
    let mut unit = vec![T::ZERO; y.shape().len()];
    let row = |i: usize| {
        grads.zero();
        unit[i] = T::ONE;
        y.backward_from(&unit, &mut grads);
        unit[i] = T::ZERO;
        Flat::clone(&grads.dense())
    };
    (0..y.shape().len()).map(row).collect()
}

/// The value of `f`, a single number, and the Hessian-vector product `H v`, laid out like θ.
///
/// ```
/// use thalweg_autograd::{Flat, Params, hvp};
///
/// let mut params = Params::<f64>::new();
/// let x = params.add("x", [2], |i| [3.0, 5.0][i]);
/// let mut direction = Flat::like(&params);
/// direction.of_mut(x).copy_from_slice(&[1.0, 0.0]);
/// let (y, product) = hvp(&params, &direction, |pass| (pass.param(x).row(0).powi(2) * pass.param(x).row(1)).sum());
/// assert_eq!((y, product.of(x)), (45.0, &[10.0, 6.0][..])); // of x₀² x₁: the first column of its Hessian
/// ```
///
/// # Panics
/// If the direction is not laid out like the parameters, or the value is not a single number.
#[track_caller]
pub fn hvp(
    params: &Params<f64>,
    direction: &Flat<f64>,
    f: impl for<'p> FnOnce(&'p Pass<'p, Dual>) -> Var<'p, Dual>,
) -> (f64, Flat<f64>) {
    let params = along("hvp", params, direction);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let pass = tape.pass(&params);
    let y = f(&pass);
    let shape = y.shape();
    assert!(shape.len() == 1, "hvp: a single number expected, the shape is {shape}");
    y.backward(&mut grads);
    (y.item().value, grads.dense().map(|g| g.tangent))
}

/// `θ + ε v`, where `v` is the direction; what is frozen is constant.
#[track_caller]
fn along(name: &str, params: &Params<f64>, direction: &Flat<f64>) -> Params<Dual> {
    let (layout, found) = (params.layout(), direction.layout());
    let (expected, length) = (layout.len(), found.len());
    assert!(
        layout == found,
        "{name}: the direction is not laid out like the parameters: lengths {length} and {expected}"
    );
    let mut dual = params.cast::<Dual>();
    for (param, _) in layout.iter().filter(|(_, entry)| entry.trainable()) {
        dual.of_mut(param).iter_mut().zip(direction.of(param)).for_each(|(x, &v)| x.tangent = v);
    }
    dual
}

#[cfg(test)]
mod tests;
