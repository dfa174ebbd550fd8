//! Activations that are compositions of other ops, elementwise; their gradients follow.

use std::f64::consts::FRAC_2_PI;

use thalweg_tensor::Real;

use crate::Var;

impl<T: Real> Var<'_, T> {
    /// The sigmoid-weighted linear unit, `x σ(x)` (Elfwing, Uchibe & Doya, 2018), elementwise, any shape.
    #[track_caller]
    pub fn silu(self) -> Self {
        self * self.sigmoid()
    }

    /// `x tanh(ln(1 + eˣ))` (Misra, 2019), elementwise, any shape.
    #[track_caller]
    pub fn mish(self) -> Self {
        self * self.softplus().tanh()
    }

    /// The Gaussian error linear unit in its tanh form (Hendrycks & Gimpel, 2016), elementwise, any shape; it differs
    /// from [`gelu`](Var::gelu) by less than 0.0005.
    ///
    /// `y = ½ x (1 + tanh u) = x σ(2u)` with `u = √(2/π) (x + 0.044715 x³)`.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    /// let y = tape.pass(&params).input(&[1.0]).gelu_tanh().item();
    /// assert!((y - 0.841_191_990_6).abs() < 1e-10);
    /// ```
    #[track_caller]
    pub fn gelu_tanh(self) -> Self {
        let two_u = (self + self.powi(3) * T::from_f64(0.044715)) * T::from_f64(2.0 * FRAC_2_PI.sqrt());
        self * two_u.sigmoid()
    }

    /// The scaled exponential linear unit, `λ elu(x)` (Klambauer, Unterthiner, Mayr & Hochreiter, 2017), elementwise,
    /// any shape. Its two constants keep mean 0 and variance 1 from layer to layer.
    pub fn selu(self) -> Self {
        let (alpha, lambda) = (1.673_263_242_354_377_2, 1.050_700_987_355_480_5);
        self.elu(T::from_f64(alpha)) * T::from_f64(lambda)
    }

    /// The exponential linear unit that is smooth for every `alpha` (Barron, 2017), elementwise, any shape: `x` where
    /// `x > 0`, else `α (e^(x/α) − 1)`.
    ///
    /// # Panics
    /// If `alpha` is not above 0.
    #[track_caller]
    pub fn celu(self, alpha: T) -> Self {
        assert!(alpha > T::ZERO, "celu: alpha > 0 expected: {alpha}");
        (self / alpha).elu(T::ONE) * alpha
    }

    /// `ln σ(x)`, elementwise, any shape, without underflow.
    pub fn log_sigmoid(self) -> Self {
        -(-self).softplus()
    }

    /// `x − tanh x`, elementwise, any shape.
    #[track_caller]
    pub fn tanhshrink(self) -> Self {
        self - self.tanh()
    }

    /// `x` between −1 and 1, elementwise, any shape. See [`clamp`](Var::clamp) for other bounds and the derivative at
    /// them.
    #[track_caller]
    pub fn hardtanh(self) -> Self {
        self.clamp(-T::ONE, T::ONE)
    }

    /// `x` between 0 and 6, elementwise, any shape. The derivative at a bound is taken to be 1.
    #[track_caller]
    pub fn relu6(self) -> Self {
        self.clamp(T::ZERO, T::from_f64(6.0))
    }

    /// `x/6 + ½` between 0 and 1, elementwise, any shape: a sigmoid of straight lines.
    #[track_caller]
    pub fn hardsigmoid(self) -> Self {
        (self / T::from_f64(6.0) + T::from_f64(0.5)).clamp(T::ZERO, T::ONE)
    }

    /// `x hardsigmoid(x)` (Howard et al., 2019), elementwise, any shape: [`silu`](Var::silu) of straight lines.
    #[track_caller]
    pub fn hardswish(self) -> Self {
        self * self.hardsigmoid()
    }

    /// The gated linear unit (Dauphin, Fan, Auli & Grangier, 2017): halves along an axis, `[…, 2n, …]` → `[…, n, …]`,
    /// the first times the sigmoid of the second.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let y = pass.input(&[3.0, -2.0, 0.0, 0.0]).glu(0);
    /// assert_eq!(y.to_tensor().as_slice(), [1.5, -1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or its size is odd.
    #[track_caller]
    pub fn glu(self, axis: usize) -> Self {
        let [value, gate] = self.split(axis);
        value * gate.sigmoid()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::strategies::{any_tensor, with_axis};
    use crate::{Params, Tape, Var, gradcheck};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn silu_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.silu())?; }
        #[test]
        fn mish_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.mish())?; }
        #[test]
        fn gelu_tanh_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.gelu_tanh())?; }
        #[test]
        fn selu_and_celu_gradient(x in any_tensor(0.01, 3.0), alpha in 0.5..2.0f64) {
            gradcheck([x], |[x]| x.selu() + (-x).selu() * 2.0 + x.celu(alpha) + (-x).celu(alpha) * 2.0)?;
        }
        #[test]
        fn log_sigmoid_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.log_sigmoid())?; }
        #[test]
        fn tanhshrink_gradient(x in any_tensor(-4.0, 4.0)) { gradcheck([x], |[x]| x.tanhshrink())?; }
        #[test]
        fn hard_activations_gradient(x in any_tensor(0.1, 0.9)) {
            // Copies inside, above and below all bounds.
            gradcheck([x], |[x]| {
                let x = Var::stack(&[x, x + 1.0, x + 6.0, x - 4.0]);
                Var::stack(&[x.hardtanh(), x.relu6(), x.hardsigmoid(), x.hardswish()])
            })?;
        }
        #[test]
        fn glu_gradient((x, axis) in with_axis()) { gradcheck([x], |[x]| Var::concat(&[x, x * 2.0], axis).glu(axis))?; }

        #[test]
        fn activations_are_as_defined(x in any_tensor(-8.0, 8.0)) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let v = pass.input(&x);
            let check = |y: Var<'_, f64>, f: fn(f64) -> f64| {
                y.with(|y| assert!(y.iter().zip(x.as_slice()).all(|(y, &x)| (y - f(x)).abs() < 1e-13)));
            };
            check(v.mish(), |x| x * (1.0 + x.exp()).ln().tanh());
            check(v.gelu_tanh(), |x| 0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044715 * x * x * x)).tanh()));
            check(v.selu(), |x| 1.050_700_987_355_480_5 * if x > 0.0 { x } else { 1.673_263_242_354_377_2 * x.exp_m1() });
            check(v.celu(1.5), |x| x.max(0.0) + (1.5 * (x / 1.5).exp_m1()).min(0.0));
            check(v.log_sigmoid(), |x| (1.0 / (1.0 + (-x).exp())).ln());
            check(v.hardswish(), |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0);
            (v.gelu() - v.gelu_tanh()).with(|d| assert!(d.iter().all(|d| d.abs() < 5e-4)));
        }
    }

    #[test]
    fn activations_are_stable_far_out() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let x = tape.pass(&params);
        let x = x.input(&[-1e4, 1e4]);
        assert_eq!(x.silu().to_tensor().as_slice(), [0.0, 1e4]);
        assert_eq!(x.mish().to_tensor().as_slice(), [0.0, 1e4]);
        assert_eq!(x.gelu_tanh().to_tensor().as_slice(), [0.0, 1e4]);
        assert_eq!(x.hardswish().to_tensor().as_slice(), [0.0, 1e4]);
        assert_eq!(x.log_sigmoid().to_tensor().as_slice(), [-1e4, 0.0]);
    }

    #[test]
    #[should_panic(expected = "celu: alpha > 0 expected: 0")]
    fn celu_panics_on_an_alpha_of_zero() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let _ = tape.pass(&params).zeros([2]).celu(0.0);
    }
}
