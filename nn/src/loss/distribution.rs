//! Losses of predicted distributions: negative log-likelihoods, and how far one distribution is from another.

use std::f64::consts::PI;

use thalweg_autograd::Var;
use thalweg_tensor::Real;

use super::{Losses, Reduction, same_shape};

/// Kullback and Leibler's divergence `KL(t ‖ x)` (1951) of log-probabilities `x`: any shape, one loss for each element.
///
/// ```text
/// ℓ = t (ln t − x)        0 at t = 0
/// ℓ = eᵗ (t − x)          if the targets are logarithms too
/// ```
///
/// The divergence itself is the sum over a distribution, so of a batch `[n, C]` the mean divergence is
/// [`Reduction::BatchMean`]; [`Reduction::Mean`], the default here as in PyTorch, divides it by C once more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KlDivLoss {
    /// Whether the targets are logarithms of probabilities.
    pub log_target: bool,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl KlDivLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, log_probability: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(log_probability, target).reduce(self.reduction)
    }

    /// `t (ln t − x)`, or `eᵗ (t − x)`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, log_probability: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("kl_div", log_probability, target);
        if self.log_target {
            return Losses::new(target.exp() * (target - log_probability));
        }
        // The logarithm is taken of 1 instead of 0: what it is multiplied by is 0 there.
        let (zero, one) = (target.pass().zeros([]), target.pass().zeros([]) + T::ONE);
        let logarithm = target.where_(target.ne(zero), one).ln();
        Losses::new(target * (logarithm - log_probability))
    }
}

/// Negative log-likelihood of counts under Poisson's distribution: any shape, one loss for each element.
///
/// ```text
/// ℓ = eˣ − t x              x is the logarithm of the rate
/// ℓ = x − t ln(x + ε)       x is the rate
/// ```
///
/// plus, if `full`, what does not depend on `x`: Stirling's `ln t! ≈ t ln t − t + ½ ln(2πt)` where `t > 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PoissonNllLoss {
    /// Whether the prediction is the logarithm of the rate; so it is at first.
    pub log_input: bool,
    /// Whether the constant is added.
    pub full: bool,
    /// `ε`, which keeps the logarithm of a rate of 0 finite; 10⁻⁸ at first.
    pub eps: f64,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl Default for PoissonNllLoss {
    fn default() -> Self {
        PoissonNllLoss { log_input: true, full: false, eps: 1e-8, reduction: Reduction::Mean }
    }
}

impl PoissonNllLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(prediction, target).reduce(self.reduction)
    }

    /// `eˣ − t x`, or `x − t ln(x + ε)`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("poisson_nll", prediction, target);
        let (x, t) = (prediction, target);
        let each = if self.log_input { x.exp() - t * x } else { x - t * (x + T::from_f64(self.eps)).ln() };
        Losses::new(if self.full { each + stirling(t) } else { each })
    }
}

/// `t ln t − t + ½ ln(2πt)` where `t > 1`, else 0.
fn stirling<T: Real>(t: Var<'_, T>) -> Var<'_, T> {
    let zero = t.pass().zeros([]);
    let large = t.gt(zero + T::ONE);
    let safe = t.where_(large, zero + T::ONE);
    let approximation = safe * safe.ln() - safe + (safe * T::from_f64(2.0 * PI)).ln() * T::from_f64(0.5);
    approximation.where_(large, zero)
}

/// Negative log-likelihood under a normal distribution whose variance is predicted as well (Nix & Weigend 1994): any
/// shape, one loss for each element.
///
/// ```text
/// ℓ = ½ (ln v + (x − t)² / v)      v = max(σ², ε)
/// ```
///
/// plus, if `full`, the constant `½ ln 2π`. The slope passes through the maximum as if it were not there, so that a
/// variance that has shrunk below `ε` can grow again.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GaussianNllLoss {
    /// Whether the constant is added.
    pub full: bool,
    /// `ε`, the smallest variance; 10⁻⁶ at first.
    pub eps: f64,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl Default for GaussianNllLoss {
    fn default() -> Self {
        GaussianNllLoss { full: false, eps: 1e-6, reduction: Reduction::Mean }
    }
}

impl GaussianNllLoss {
    /// The reduced loss. (PyTorch takes the variance last.)
    ///
    /// # Panics
    /// As [`each`](GaussianNllLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, mean: Var<'p, T>, variance: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(mean, variance, target).reduce(self.reduction)
    }

    /// `½ (ln v + (x − t)² / v)`. One variance may stand for a whole last axis: `[…, n]` and `[…]` or `[…, 1]`.
    ///
    /// # Panics
    /// If the shapes of mean and target differ, or that of the variance is none of these.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, mean: Var<'p, T>, variance: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("gaussian_nll", mean, target);
        let (shape, last) = (mean.shape(), mean.rank().saturating_sub(1));
        let shared = (mean.rank() > 0).then(|| shape.with(last, 1));
        let variance = match variance.shape() {
            same if same == shape || Some(same) == shared => variance,
            fewer if Some(fewer) == shared.map(|shared| shared.without(last)) => variance.unsqueeze(last),
            other => panic!("gaussian_nll: mean {shape} and variance {other}"),
        };
        let v = variance + (-variance + T::from_f64(self.eps)).relu().detach();
        let each = (v.ln() + (mean - target).square() / v) * T::from_f64(0.5);
        Losses::new(if self.full { each + T::from_f64(0.5 * (2.0 * PI).ln()) } else { each })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Grads, Params, Tape};
    use thalweg_tensor::Tensor;

    #[test]
    fn the_divergence_of_a_distribution_from_itself_is_zero() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let logs = pass.input(&Tensor::new([2, 3], vec![0.1, -2.0, 0.4, 1.0, 0.0, -1.0])).log_softmax();
        for log_target in [false, true] {
            let loss = KlDivLoss { log_target, reduction: Reduction::BatchMean };
            let target = if log_target { logs } else { logs.exp() };
            assert!(loss.forward(logs, target).item().abs() < 1e-15);
            // Both forms agree elsewhere too.
            let other = (logs * 0.5).log_softmax();
            let target = if log_target { other } else { other.exp() };
            let expected = (other.exp() * (other - logs)).sum() / 2.0;
            assert!((loss.forward(logs, target).item() - expected.item()).abs() < 1e-15);
        }
        let certain = pass.input(&[0.0, 1.0]);
        let half = pass.input(&[0.5, 0.5]).ln();
        let bits = KlDivLoss { reduction: Reduction::Sum, ..Default::default() }.forward(half, certain).item();
        assert!((bits - 2.0_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn the_full_poisson_loss_is_nearly_a_likelihood() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let (rate, count) = (pass.input(&[4.0, 4.0, 4.0]), pass.input(&[0.0, 1.0, 20.0]));
        let full = PoissonNllLoss { log_input: false, full: true, ..Default::default() };
        let losses = full.each(rate, count).var().to_tensor();
        let log_factorial = (1..=20).map(|k| f64::from(k).ln()).sum::<f64>();
        let exact = [4.0, 4.0 - 4.0_f64.ln(), 4.0 - 20.0 * 4.0_f64.ln() + log_factorial];
        for (found, exact) in losses.as_slice().iter().zip(exact) {
            assert!((found - exact).abs() < 0.005, "{found} and {exact}"); // Stirling: 1/(12·20) too little
        }
        let by_logarithm = PoissonNllLoss { full: true, ..Default::default() }.each(rate.ln(), count).var();
        assert!(by_logarithm.with(|y| y.iter().zip(losses.as_slice()).all(|(a, b)| (a - b).abs() < 1e-6)));
    }

    #[test]
    fn a_variance_may_stand_for_a_whole_axis_and_grow_again() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let (mean, target) = (pass.zeros([2, 3]), pass.zeros([2, 3]) + 0.5);
        let loss = GaussianNllLoss::default();
        let full = loss.forward(mean, pass.zeros([2, 3]) + 2.0, target).item();
        for shape in [&[2, 1][..], &[2]] {
            assert_eq!(loss.forward(mean, pass.zeros(shape) + 2.0, target).item(), full);
        }
        let collapsed = pass.leaf(&[1e-9]);
        loss.forward(pass.input(&[0.0]), collapsed, pass.input(&[1.0])).backward(&mut Grads::like(&params));
        let mut slope = [0.0];
        collapsed.grad_to(&mut slope);
        assert!((slope[0] - 0.5 * (1e6 - 1e12)).abs() < 1.0, "{slope:?}");
    }

    #[test]
    #[should_panic(expected = "gaussian_nll: mean [2, 3] and variance [3]")]
    fn a_variance_of_another_shape_is_refused() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let pass = tape.pass(&params);
        GaussianNllLoss::default().forward(pass.zeros([2, 3]), pass.zeros([3]), pass.zeros([2, 3]));
    }
}
