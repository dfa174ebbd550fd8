//! Activation functions, elementwise. NaN stays NaN in all of them.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

use crate::combine::map_methods;

map_methods! {
    /// The rectifier `max(x, 0)`, elementwise, any shape.
    relu() = |x| if x <= T::ZERO { T::ZERO } else { x };
    /// The rectifier with a leak, `x` above 0 and `slope·x` below (Maas, Hannun & Ng, 2013), elementwise, any shape.
    leaky_relu(slope: T) = |x| if x > T::ZERO { x } else { slope * x };
    /// The exponential linear unit, `x` above 0 and `α (eˣ − 1)` below (Clevert, Unterthiner & Hochreiter, 2016),
    /// elementwise, any shape.
    elu(alpha: T) = |x| if x > T::ZERO { x } else { alpha * x.exp_m1() };
    /// The smooth rectifier `ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)`, elementwise, any shape; neither over- nor
    /// underflows on the way.
    softplus() = |x| x.maximum(T::ZERO) + (-x.abs()).exp().ln_1p();
    /// The sigmoid-weighted linear unit, `x σ(x)` (Elfwing, Uchibe & Doya, 2018), elementwise, any shape; NaN at −∞.
    silu() = |x| x * x.sigmoid();
    /// The Gaussian error linear unit in its tanh form (Hendrycks & Gimpel, 2016), elementwise, any shape; NaN at −∞.
    ///
    /// `½ x (1 + tanh u) = x σ(2u)` with `u = √(2/π) (x + 0.044715 x³)`.
    gelu_tanh() = |x| x * ((x + T::from_f64(0.044715) * (x * x * x)) * T::from_f64(2.0 * FRAC_2_PI.sqrt())).sigmoid();
    /// The Gaussian error linear unit as it is defined, `½ x (1 + erf(x/√2))` (Hendrycks & Gimpel, 2016), elementwise,
    /// any shape; NaN at −∞.
    gelu() = |x| T::from_f64(0.5) * x * (T::ONE + (x * T::from_f64(FRAC_1_SQRT_2)).erf());
}

#[cfg(test)]
mod tests {
    /// Dual numbers pass through with their slopes, at the kink that of the left side.
    #[test]
    fn slopes_are_those_of_the_functions() {
        use crate::{Dual, Tensor};
        let x = Tensor::from_slice(&[-0.5, 0.0, 2.0].map(|x| Dual::new(x, 1.0)));
        let slopes = |y: Tensor<Dual>| y.as_slice().iter().map(|y| y.tangent).collect::<Vec<_>>();
        assert_eq!(slopes(x.relu()), [0.0, 0.0, 1.0]);
        assert_eq!(slopes(x.elu(Dual::from(1.0))), [(-0.5_f64).exp(), 1.0, 1.0]);
    }

    use crate::Tensor;
    use std::f64::consts::PI;

    /// Each activation beside its definition, written plainly.
    #[test]
    fn activations_are_their_definitions() {
        let x = Tensor::<f64>::linspace(-4.0, 4.0, 81);
        let close = |y: Tensor<f64>, definition: fn(f64) -> f64| y.check_close(x.map(definition), 1e-12, 1e-14);
        assert_eq!(close(x.relu(), |x| x.max(0.0)), Ok(()));
        assert_eq!(close(x.leaky_relu(0.1), |x| x.max(0.1 * x)), Ok(()));
        assert_eq!(close(x.elu(0.7), |x| if x > 0.0 { x } else { 0.7 * (x.exp() - 1.0) }), Ok(()));
        assert_eq!(close(x.softplus(), |x| (1.0 + x.exp()).ln()), Ok(()));
        assert_eq!(close(x.silu(), |x| x / (1.0 + (-x).exp())), Ok(()));
        let gelu_tanh = |x: f64| 0.5 * x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
        assert_eq!(close(x.gelu_tanh(), gelu_tanh), Ok(()));
        assert_eq!(x.gelu().check_close(x.gelu_tanh(), 0.0, 5e-4), Ok(())); // the two forms differ by less
        assert!((x.gelu()[[50]] - 0.841_344_746_068_542_9).abs() < 1e-15); // Φ(1)
    }

    #[test]
    fn they_are_stable_far_out_and_at_infinity() {
        let (infinity, nan) = (f32::INFINITY, f32::NAN);
        let x = Tensor::from_slice(&[-infinity, -1e4, 1e4, infinity]);
        assert_eq!(x.relu().as_slice(), [0.0, 0.0, 1e4, infinity]);
        assert_eq!(x.leaky_relu(0.5).as_slice(), [-infinity, -5e3, 1e4, infinity]);
        assert_eq!(x.elu(1.0).as_slice(), [-1.0, -1.0, 1e4, infinity]);
        assert_eq!(x.softplus().as_slice(), [0.0, 0.0, 1e4, infinity]);
        for y in [x.silu(), x.gelu_tanh(), x.gelu()] {
            assert_eq!(y.slice(0, 1..).to_tensor().as_slice(), [0.0, 1e4, infinity]);
            assert!(y[[0]].is_nan());
        }
        let x = Tensor::scalar(nan);
        for y in [x.relu(), x.leaky_relu(0.5), x.elu(1.0), x.softplus(), x.silu(), x.gelu_tanh(), x.gelu()] {
            assert!(y.item().is_nan());
        }
    }
}
