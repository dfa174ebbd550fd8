//! Stochastic gradient descent.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::{Real, kernels};

use super::{Optimizer, Step, is_acceptable};

/// Stochastic gradient descent, PyTorch's `optim.SGD`:
///
/// ```text
/// g ← g + λθ                                weight decay
/// v ← μ v + g                               momentum (v = g when μ = 0)
/// θ ← θ − η v              or, Nesterov's:  θ ← θ − η (g + μ v)
/// ```
///
/// With `μ = λ = 0` this is the formula that incremental learning starts from, `θ_new = θ_old − η ∇L(θ_old)`.
///
/// Source: Robbins & Monro 1951; Polyak 1964; Nesterov 1983 in the form of Sutskever et al. 2013.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Sgd<T: Real = f32> {
    /// η, per step.
    pub learning_rate: f64,
    /// μ, per step. 0: none.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// λ, added to the gradient as λθ. 0: none.
    pub weight_decay: f64,
    velocity: Flat<T>,
}

impl<T: Real> Sgd<T> {
    /// Plain gradient descent with this learning rate, per step.
    pub fn new(learning_rate: f64) -> Self {
        Sgd { learning_rate, momentum: 0.0, nesterov: false, weight_decay: 0.0, velocity: Flat::default() }
    }

    /// With momentum μ, Nesterov's or Polyak's.
    pub fn with_momentum(learning_rate: f64, momentum: f64, nesterov: bool) -> Self {
        Sgd { momentum, nesterov, ..Self::new(learning_rate) }
    }

    /// v, laid out like θ; empty until momentum is used.
    pub fn velocity(&self) -> &Flat<T> {
        &self.velocity
    }
}

impl<T: Real> Optimizer<T> for Sgd<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        grads.align(params.layout());
        if !is_acceptable(grads) {
            grads.zero();
            return Step::Refused;
        }
        if self.weight_decay != 0.0 {
            let (decay, theta) = (T::from_f64(self.weight_decay), params.as_slice());
            grads.for_each(|_, at, g| kernels::axpy(decay, &theta[at..][..g.len()], g));
        }
        let (rate, mu) = (T::from_f64(self.learning_rate), T::from_f64(self.momentum));
        if self.momentum == 0.0 {
            grads.apply(-rate, params.theta_mut());
            return Step::Taken;
        }
        self.velocity.align(params.layout());
        let (theta, velocity) = (params.theta_mut().as_mut_slice(), self.velocity.as_mut_slice());
        grads.consume(|_, at, g| {
            let (theta, velocity) = (&mut theta[at..][..g.len()], &mut velocity[at..][..g.len()]);
            for ((theta, v), &g) in theta.iter_mut().zip(velocity).zip(g) {
                *v = mu * *v + g;
                *theta -= rate * if self.nesterov { g + mu * *v } else { *v };
            }
        });
        Step::Taken
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }
}
