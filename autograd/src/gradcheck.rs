//! The tester: gradients against central differences, in `f64`.
//!
//! For a function `y = f(x)` and a fixed random cotangent `u`, reverse mode gives `Jᵀu` in one sweep. Each of its
//! elements is compared with `(⟨u, f(x + ε eᵢ)⟩ − ⟨u, f(x − ε eᵢ)⟩) / 2ε`, whose error is O(ε²): with ε = 10⁻⁵ about ten
//! digits are right, so a wrong sign or a missing factor has nowhere to hide.
//!
//! ```
//! use thalweg_autograd::gradcheck;
//! use thalweg_tensor::Tensor;
//!
//! let x = Tensor::from_slice(&[0.3, -1.2]);
//! gradcheck([x.clone()], |[x]| (x * x).tanh()).unwrap();
//!
//! // A wrong gradient is caught: d/dx x³ is not 3x.
//! let wrong = gradcheck([x], |[x]| {
//!     x.pass().record(
//!         "cube",
//!         [x],
//!         x.shape(),
//!         |[x], y| y.iter_mut().zip(x).for_each(|(y, x)| *y = x * x * x),
//!         |g| g.each(|x, _y| 3.0 * x),
//!     )
//! });
//! assert!(wrong.unwrap_err().to_string().starts_with("gradient of x0[0]"));
//! ```

use std::fmt;

use thalweg_tensor::{Rng, Tensor};

use crate::{Grads, Param, Params, Pass, Tape, Var};

/// The step of the central difference.
const STEP: f64 = 1e-5;
/// The largest relative error that passes.
const TOLERANCE: f64 = 1e-6;

/// Where a gradient is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientMismatch {
    /// The parameter's name; inputs of [`gradcheck`] are called `x0`, `x1`, ….
    pub name: String,
    /// The element, row-major.
    pub element: usize,
    /// What finite differences say.
    pub expected: f64,
    /// What backward said.
    pub found: f64,
}

impl fmt::Display for GradientMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GradientMismatch { name, element, expected, found } = self;
        write!(f, "gradient of {name}[{element}]: finite differences give {expected}, backward gives {found}")
    }
}

impl std::error::Error for GradientMismatch {}

/// Checks the gradients of `f` with respect to each of its inputs. The inputs must lie where `f` is smooth.
///
/// Each input is tried both as a parameter and as a value computed on the tape, since gradients go to different places.
///
/// # Errors
/// The first element whose gradient differs from the finite difference by more than 10⁻⁶ (relative; absolute below 1).
pub fn gradcheck<const N: usize>(
    inputs: [Tensor<f64>; N],
    f: impl for<'p> Fn([Var<'p, f64>; N]) -> Var<'p, f64>,
) -> Result<(), GradientMismatch> {
    let mut params = Params::new();
    let mut index = 0..;
    let handles: [Param; N] = inputs.map(|x| {
        let name = format!("x{}", index.next().unwrap_or_default());
        params.add(&name, x.shape(), |i| x.as_slice()[i])
    });
    gradcheck_params(&params, |pass| f(handles.map(|p| pass.param(p))))?;
    gradcheck_params(&params, |pass| f(handles.map(|p| pass.param(p) * 1.0)))
}

/// Checks the gradient of `f` with respect to every trainable parameter: for layers and whole networks.
///
/// # Errors
/// As [`gradcheck`].
pub fn gradcheck_params(
    params: &Params<f64>,
    f: impl for<'p> Fn(&'p Pass<'p, f64>) -> Var<'p, f64>,
) -> Result<(), GradientMismatch> {
    let (mut params, mut tape, mut grads) = (params.clone(), Tape::new(), Grads::like(params));
    let mut cotangent = Vec::new();
    {
        let pass = tape.pass(&params);
        let y = f(&pass);
        let mut rng = Rng::new(17);
        cotangent.extend((0..y.shape().len()).map(|_| rng.range(-1.0, 1.0)));
        y.backward_from(&cotangent, &mut grads);
    }
    let mut value = |params: &Params<f64>| {
        let pass = tape.pass(params);
        f(&pass).with(|y| y.iter().zip(&cotangent).map(|(y, u)| y * u).sum::<f64>())
    };
    let layout = params.layout().clone();
    for (param, entry) in layout.iter().filter(|(_, e)| e.trainable()) {
        for element in 0..entry.shape().len() {
            let middle = params.of(param)[element];
            let mut at = |x: f64| {
                params.of_mut(param)[element] = x;
                value(&params)
            };
            let expected = (at(middle + STEP) - at(middle - STEP)) / (2.0 * STEP);
            at(middle);
            let found = grads.of(param)[element];
            let error = (expected - found).abs() / expected.abs().max(found.abs()).max(1.0);
            if error.is_nan() || error > TOLERANCE {
                return Err(GradientMismatch { name: entry.name().to_owned(), element, expected, found });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Back;
    use proptest::prelude::*;

    /// tanh with a backward of choice.
    fn tanh_with<'p>(x: Var<'p, f64>, backward: fn(&mut Back<'_, f64>)) -> Var<'p, f64> {
        let forward = |[x]: [&[f64]; 1], y: &mut [f64]| y.iter_mut().zip(x).for_each(|(y, x)| *y = x.tanh());
        x.pass().record("tanh", [x], x.shape(), forward, backward)
    }

    proptest! {
        /// The tester is tested: small and large mistakes fail, the right gradient passes.
        #[test]
        fn gradcheck_rejects_wrong_gradients(x in prop::collection::vec(0.2..1.5f64, 1..6)) {
            let x = Tensor::from_slice(&x);
            let check = |backward| gradcheck([x.clone()], |[x]| tanh_with(x, backward));
            prop_assert!(check(|g| g.each(|_x, y| 1.0 - y * y)).is_ok());
            prop_assert!(check(|g| g.each(|_x, y| 1.0 - y)).is_err(), "a wrong formula");
            prop_assert!(check(|g| g.each(|_x, y| y * y - 1.0)).is_err(), "a wrong sign");
            prop_assert!(check(|g| g.each(|_x, y| 1.0001 - y * y)).is_err(), "wrong in the fourth digit");
            prop_assert!(check(|_| {}).is_err(), "no gradient");
            prop_assert!(check(|g| g.dx(0).fill(f64::NAN)).is_err(), "NaN");
        }
    }

    #[test]
    fn overwriting_instead_of_adding_is_caught() {
        let x = Tensor::from_slice(&[0.5, 0.7]);
        let wrong = gradcheck([x], |[x]| {
            x.exp()
                + tanh_with(x, |g| {
                    let (y, dy) = (g.y(), g.dy());
                    g.dx(0).iter_mut().zip(y).zip(dy).for_each(|((dx, y), dy)| *dx = dy * (1.0 - y * y));
                })
                + x.sigmoid()
        });
        assert!(wrong.is_err());
    }

    #[test]
    fn frozen_parameters_are_left_out() {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [2], |_| 0.5);
        params.set_trainable(w, false);
        let mut grads = Grads::like(&params);
        let mut tape = Tape::new();
        let pass = tape.pass(&params);
        pass.param(w).tanh().sum().backward(&mut grads);
        assert!(grads.of(w).iter().all(|&g| g == 0.0));
    }
}
