//! Adadelta.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::Real;

use super::ages::Ages;
use super::hyperparameters::Hyperparameter::Number;
use super::hyperparameters::{BELOW_ONE, FROM_ZERO, Visit, require};
use super::sweep::{Sweep, flushed};
use super::{Groups, Optimizer, Step};

/// Adadelta, PyTorch's `optim.Adadelta`: the size of a step is that of the steps before, so that no rate need be chosen.
///
/// ```text
/// g ← g + λθ
/// s ← ρ s + (1 − ρ) g²
/// Δ = g √(d + ε) / √(s + ε)
/// d ← ρ d + (1 − ρ) Δ²
/// θ ← θ − η Δ
/// ```
///
/// Source: Zeiler 2012, algorithm 1 (there η = 1).
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Adadelta<T: Real = f32> {
    /// η, per step; PyTorch's default is 1.
    pub learning_rate: f64,
    /// ρ, per step.
    pub rho: f64,
    /// ε.
    pub eps: f64,
    /// λ. 0: none.
    pub weight_decay: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    squares: Flat<T>,
    steps: Flat<T>,
    ages: Ages,
}

impl<T: Real> Adadelta<T> {
    /// ρ = 0.9, ε = 10⁻⁶, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Adadelta {
            learning_rate,
            rho: 0.9,
            eps: 1e-6,
            weight_decay: 0.0,
            groups: Groups::default(),
            squares: Flat::default(),
            steps: Flat::default(),
            ages: Ages::default(),
        }
    }
}

/// The numbers of one update.
struct Update<T> {
    rate: T,
    rho: T,
    eps: T,
    decay: T,
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], squares: &mut [T], steps: &mut [T]) {
        for (((theta, &g), s), d) in theta.iter_mut().zip(gradient).zip(squares).zip(steps) {
            let g = g + self.decay * *theta;
            *s = flushed(self.rho * *s + (T::ONE - self.rho) * (g * g));
            let step = g * (*d + self.eps).sqrt() / (*s + self.eps).sqrt();
            *d = flushed(self.rho * *d + (T::ONE - self.rho) * (step * step));
            *theta -= self.rate * step;
        }
    }
}

impl<T: Real> Optimizer<T> for Adadelta<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self.check());
        let (rho, eps) = (T::from_f64(self.rho), T::from_f64(self.eps));
        let Adadelta { groups, ages, squares, steps, .. } = self;
        Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay }.run(
            [squares, steps],
            |at| Update { rate: T::from_f64(at.rate), rho, eps, decay: T::from_f64(at.decay) },
            #[inline(always)]
            |update, theta, g, [s, d]| update.apply(theta, g, s, d),
        )
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("rho", Number(&mut self.rho, BELOW_ONE));
        visit("eps", Number(&mut self.eps, FROM_ZERO));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(squares, steps);
}
