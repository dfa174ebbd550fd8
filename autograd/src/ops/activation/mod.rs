//! Activations beyond `tanh`, `sigmoid` and `relu`, elementwise: here those with a backward of their own, in `composed`
//! those that are a line or two of other ops.

mod composed;

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

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

    /// The rectifier with a learned leak (He, Zhang, Ren & Sun, 2015), elementwise; shapes broadcast. The derivative at
    /// 0 is taken to be the slope. For one slope per channel of `[n, channels, …]`, give it the shape `[channels, 1, …]`.
    ///
    /// Forward `y = x` where `x > 0`, else `slope ⊙ x`; backward `x̄ += ȳ`, or `ȳ ⊙ slope`; the slope's gradient is 0,
    /// or `ȳ ⊙ x`, summed over the axes along which the slope was broadcast.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn prelu(self, slope: Self) -> Self {
        self.zip(
            "prelu",
            slope,
            |x, slope| if x > T::ZERO { x } else { slope * x },
            |g| g.each2(|x, slope, _y| if x > T::ZERO { [T::ONE, T::ZERO] } else { [slope, x] }),
        )
    }

    /// The exponential linear unit (Clevert, Unterthiner & Hochreiter, 2016), elementwise, any shape. `alpha = 1` makes
    /// it smooth at 0.
    ///
    /// Forward `y = x` where `x > 0`, else `α (eˣ − 1)`; backward `x̄ += ȳ`, or `ȳ ⊙ (y + α)`.
    pub fn elu(self, alpha: T) -> Self {
        self.map(
            Op::new("elu").scalar(alpha.to_f64()),
            |x, y| {
                each(
                    x,
                    y,
                    #[inline(always)]
                    |x| if x > T::ZERO { x } else { alpha * x.exp_m1() },
                );
            },
            |g| {
                let alpha = g.scalar();
                g.each(|x, y| if x > T::ZERO { T::ONE } else { y + alpha });
            },
        )
    }

    /// The smooth rectifier, elementwise, any shape; neither over- nor underflows on the way.
    ///
    /// Forward `y = ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)`; backward `x̄ += ȳ ⊙ σ(x)`.
    pub fn softplus(self) -> Self {
        self.map(
            "softplus",
            |x, y| {
                each(
                    x,
                    y,
                    #[inline(always)]
                    |x| x.maximum(T::ZERO) + (-x.abs()).exp().ln_1p(),
                );
            },
            |g| g.each(|x, _y| x.sigmoid()),
        )
    }

    /// The Gaussian error linear unit (Hendrycks & Gimpel, 2016), elementwise, any shape: PyTorch's default. See
    /// [`gelu_tanh`](Var::gelu_tanh) for the approximation.
    ///
    /// Forward `y = x Φ(x)` with the normal distribution `Φ(x) = ½ (1 + erf(x/√2))`; backward
    /// `x̄ += ȳ ⊙ (Φ(x) + x φ(x))` with its density `φ(x) = e^−x²/2 / √2π`.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    /// let y = tape.pass(&params).input(&[1.0]).gelu().item();
    /// assert!((y - 0.841_344_746_07).abs() < 1e-10);
    /// ```
    pub fn gelu(self) -> Self {
        self.map(
            "gelu",
            |x, y| {
                each(
                    x,
                    y,
                    #[inline(always)]
                    |x| x * normal_distribution(x),
                );
            },
            |g| {
                let density = T::from_f64(0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI); // 1/√2π
                let half = T::from_f64(0.5);
                g.each(
                    #[inline(always)]
                    |x, _y| normal_distribution(x) + x * (density * (-(half * x * x)).exp()),
                );
            },
        )
    }
}

/// `Φ(x) = ½ (1 + erf(x/√2))`.
#[inline(always)]
fn normal_distribution<T: Real>(x: T) -> T {
    let half = T::from_f64(0.5);
    half + half * (x * T::from_f64(FRAC_1_SQRT_2)).erf()
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{any_tensor, slope, tensor};
    use crate::{Params, Tape, Var, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    proptest! {
        #[test]
        fn leaky_relu_gradient(x in any_tensor(0.01, 3.0), slope in -1.0..1.0f64) {
            gradcheck([x], |[x]| Var::stack(&[x, -x]).leaky_relu(slope))?;
        }
        #[test]
        fn prelu_gradient(x in any_tensor(0.01, 3.0), slope in tensor(vec![2, 1, 1, 1], -1.0, 1.0)) {
            let slope = Tensor::new(&[2, 1, 1, 1][..=x.shape().rank()], slope.as_slice().to_vec());
            gradcheck([x, slope], |[x, slope]| Var::stack(&[x, -x]).prelu(slope))?;
        }
        #[test]
        fn elu_gradient(x in any_tensor(0.01, 3.0), alpha in -1.0..2.0f64) {
            gradcheck([x], |[x]| Var::stack(&[x, -x]).elu(alpha))?;
        }
        #[test]
        fn softplus_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.softplus())?; }
        #[test]
        fn gelu_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.gelu())?; }

        #[test]
        fn fused_gelu_matches_primitives(x in any_tensor(-6.0, 6.0)) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let x = pass.input(&x);
            let difference = x.gelu() - x * ((x * 0.5_f64.sqrt()).erf() + 1.0) * 0.5;
            prop_assert!(difference.with(|d| d.iter().all(|d| d.abs() < 1e-15)));
        }
    }

    #[test]
    fn activations_are_stable_far_out() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let x = tape.pass(&params);
        let x = x.input(&[-1e4, 1e4]);
        assert_eq!(x.softplus().to_tensor().as_slice(), [0.0, 1e4]);
        assert_eq!(x.elu(2.0).to_tensor().as_slice(), [-2.0, 1e4]);
        assert_eq!(x.leaky_relu(0.01).to_tensor().as_slice(), [-100.0, 1e4]);
        assert_eq!(x.gelu().to_tensor().as_slice(), [0.0, 1e4]);
    }

    #[test]
    fn derivatives_at_the_kinks_are_as_stated_and_nan_stays() {
        assert_eq!([slope(0.0, |x| x.leaky_relu(0.1)), slope(0.0, |x| x.elu(0.5))], [0.1, 0.5]);
        assert_eq!(slope(0.0, |x| x.prelu(x.pass().input(&[0.1]))), 0.1);
        let all: [fn(Var<'_, f64>) -> Var<'_, f64>; 5] =
            [|x| x.leaky_relu(0.1), |x| x.prelu(x), |x| x.elu(1.0), |x| x.softplus(), |x| x.gelu()];
        assert!(all.iter().all(|f| slope(f64::NAN, |x| f(x) * f(x)).is_nan()));
    }
}
