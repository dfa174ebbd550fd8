//! Activations beyond `tanh`, `sigmoid` and `relu`, elementwise.

use std::f64::consts::FRAC_2_PI;

use thalweg_tensor::Real;

use super::unary::each;
use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// The rectifier with a leak (Maas, Hannun & Ng, 2013), elementwise, any shape. The derivative at 0 is taken to be
    /// the slope.
    ///
    /// Forward `y = x` where `x > 0`, else `slope·x`; backward `x̄ += ȳ`, or `slope·ȳ`.
    pub fn leaky_relu(self, slope: T) -> Self {
        self.map(
            Op::new("leaky_relu").scalar(slope.to_f64()),
            |x, y| each(x, y, |x| if x > T::ZERO { x } else { slope * x }),
            |g| {
                let slope = g.scalar();
                g.each(|x, _y| if x > T::ZERO { T::ONE } else { slope });
            },
        )
    }

    /// The exponential linear unit (Clevert, Unterthiner & Hochreiter, 2016), elementwise, any shape.
    ///
    /// Forward `y = x` where `x > 0`, else `eˣ − 1`; backward `x̄ += ȳ`, or `ȳ ⊙ (y + 1)`.
    pub fn elu(self) -> Self {
        self.map(
            "elu",
            |x, y| each(x, y, |x| if x > T::ZERO { x } else { x.exp_m1() }),
            |g| g.each(|x, y| if x > T::ZERO { T::ONE } else { y + T::ONE }),
        )
    }

    /// The smooth rectifier, elementwise, any shape; neither over- nor underflows on the way.
    ///
    /// Forward `y = ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)`; backward `x̄ += ȳ ⊙ σ(x)`.
    pub fn softplus(self) -> Self {
        self.map(
            "softplus",
            |x, y| each(x, y, |x| x.maximum(T::ZERO) + (-x.abs()).exp().ln_1p()),
            |g| g.each(|x, _y| x.sigmoid()),
        )
    }

    /// The sigmoid-weighted linear unit, `x σ(x)` (Elfwing, Uchibe & Doya, 2018), elementwise, any shape.
    #[track_caller]
    pub fn silu(self) -> Self {
        self * self.sigmoid()
    }

    /// The Gaussian error linear unit in its tanh form (Hendrycks & Gimpel, 2016), elementwise, any shape.
    ///
    /// Forward `y = ½ x (1 + tanh u) = x σ(2u)` with `u = √(2/π) (x + 0.044715 x³)`.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    /// let y = tape.pass(&params).input(&[1.0]).gelu().item();
    /// assert!((y - 0.841_191_990_6).abs() < 1e-10);
    /// ```
    #[track_caller]
    pub fn gelu(self) -> Self {
        let two_u = (self + self.powi(3) * T::from_f64(0.044715)) * T::from_f64(2.0 * FRAC_2_PI.sqrt());
        self * two_u.sigmoid()
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::any_tensor;
    use crate::{Params, Tape, Var, gradcheck};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn leaky_relu_gradient(x in any_tensor(0.01, 3.0), slope in -1.0..1.0f64) {
            gradcheck([x], |[x]| Var::stack(&[x, -x]).leaky_relu(slope))?;
        }
        #[test]
        fn elu_gradient(x in any_tensor(0.01, 3.0)) { gradcheck([x], |[x]| Var::stack(&[x, -x]).elu())?; }
        #[test]
        fn softplus_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.softplus())?; }
        #[test]
        fn silu_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.silu())?; }
        #[test]
        fn gelu_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.gelu())?; }

        #[test]
        fn gelu_is_its_tanh_form(x in any_tensor(-6.0, 6.0)) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let x = pass.input(&x);
            let u = (x + x * x * x * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
            let difference = x.gelu() - x * 0.5 * (u.tanh() + 1.0);
            prop_assert!(difference.with(|d| d.iter().all(|d| d.abs() < 1e-14)));
        }
    }

    #[test]
    fn activations_are_stable_far_out() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let x = tape.pass(&params);
        let x = x.input(&[-1e4, 1e4]);
        assert_eq!(x.softplus().to_tensor().as_slice(), [0.0, 1e4]);
        assert_eq!(x.elu().to_tensor().as_slice(), [-1.0, 1e4]);
        assert_eq!(x.leaky_relu(0.01).to_tensor().as_slice(), [-100.0, 1e4]);
        assert_eq!(x.silu().to_tensor().as_slice(), [0.0, 1e4]);
        assert_eq!(x.gelu().to_tensor().as_slice(), [0.0, 1e4]);
    }
}
