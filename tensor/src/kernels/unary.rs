//! Elementwise functions over slices.

use super::dispatch::{InstructionSet, instruction_sets};
use super::lanes::Lanes;
use crate::Real;

/// A kernel for each function: the method of [`Real`] of that name, elementwise.
macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident, $on:ident, $body:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        ///
        /// When the lengths differ.
        #[track_caller]
        pub fn $name<T: Real>(x: &[T], y: &mut [T]) {
            let (from, into) = (x.len(), y.len());
            assert!(from == into, concat!(stringify!($name), ": lengths differ: [{}] into [{}]"), from, into);
            $on(InstructionSet::best(), x, y);
        }

        instruction_sets! { $on(x: &[T], y: &mut [T]) = $body }

        #[inline(always)]
        fn $body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], y: &mut [T]) {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = x.$name();
            }
        }
    )*};
}

unary! {
    /// `y = eˣ`, elementwise.
    exp, exp_on, exp_body;
    /// `y = eˣ − 1`, elementwise, accurate near 0.
    exp_m1, exp_m1_on, exp_m1_body;
    /// `y = ln x`, elementwise: −∞ at 0, NaN below.
    ln, ln_on, ln_body;
    /// `y = ln(1 + x)`, elementwise, accurate near 0: −∞ at −1, NaN below.
    ln_1p, ln_1p_on, ln_1p_body;
    /// `y = tanh x`, elementwise.
    tanh, tanh_on, tanh_body;
    /// `y = σ(x) = 1 / (1 + e⁻ˣ)`, elementwise.
    sigmoid, sigmoid_on, sigmoid_body;
    /// `y = erf x = 2/√π ∫₀ˣ e^−t² dt`, elementwise.
    erf, erf_on, erf_body;
    /// `y = sin x`, elementwise; radians.
    sin, sin_on, sin_body;
    /// `y = cos x`, elementwise; radians.
    cos, cos_on, cos_body;
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, bits, normal};
    use super::*;
    use crate::Rng;

    /// A kernel on a given instruction set, and the function of one number.
    type Pair = (fn(InstructionSet, &[f32], &mut [f32]), fn(f32) -> f32);

    #[test]
    fn slices_and_scalars_agree_to_the_bit() {
        let pairs: [Pair; 9] = [
            (exp_on, Real::exp),
            (exp_m1_on, Real::exp_m1),
            (ln_on, Real::ln),
            (ln_1p_on, Real::ln_1p),
            (tanh_on, Real::tanh),
            (sigmoid_on, Real::sigmoid),
            (erf_on, Real::erf),
            (sin_on, Real::sin),
            (cos_on, Real::cos),
        ];
        let mut rng = Rng::new(1);
        for length in LENGTHS {
            // Sizes from 20⁻⁵ to 20⁵ and all that cannot be computed with.
            let mut x: Vec<f32> = normal(length, &mut rng).into_iter().map(|x| x * 20_f32.powf(5.0 * x)).collect();
            let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1e-45, -1.0, 1e38];
            x.iter_mut().skip(2).step_by(5).zip(special).for_each(|(x, special)| *x = special);
            let mut y = x.clone();
            for (kernel, scalar) in pairs {
                let expected = bits(&x.iter().map(|&x| scalar(x)).collect::<Vec<_>>());
                for set in InstructionSet::all() {
                    kernel(set, &x, &mut y);
                    assert_eq!(bits(&y), expected);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "erf: lengths differ: [2] into [3]")]
    fn lengths_are_checked() {
        erf(&[0.0; 2], &mut [0.0; 3]);
    }
}
