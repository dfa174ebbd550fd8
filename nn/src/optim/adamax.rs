//! Adamax.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::Real;

use super::ages::Ages;
use super::hyperparameters::Hyperparameter::Number;
use super::hyperparameters::{BELOW_ONE, FROM_ZERO, Visit, require};
use super::sweep::{Sweep, flushed};
use super::{Groups, Optimizer, Step};

/// Adamax, PyTorch's `optim.Adamax`: [Adam](super::Adam) with the largest gradient of late in place of its mean square.
///
/// ```text
/// g ← g + λθ
/// m ← β₁ m + (1 − β₁) g
/// u ← max(β₂ u, |g| + ε)
/// θ ← θ − η m̂ / u                       m̂ = m / (1 − β₁ᵗ)
/// ```
///
/// t counts the updates of the element.
///
/// Source: Kingma & Ba 2015, algorithm 2; ε is PyTorch's.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Adamax<T: Real = f32> {
    /// η, per step; PyTorch's default is 0.002.
    pub learning_rate: f64,
    /// β₁ and β₂, per step.
    pub betas: [f64; 2],
    /// ε.
    pub eps: f64,
    /// λ. 0: none.
    pub weight_decay: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    first: Flat<T>,
    largest: Flat<T>,
    ages: Ages,
}

impl<T: Real> Adamax<T> {
    /// β = (0.9, 0.999), ε = 10⁻⁸, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Adamax {
            learning_rate,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
            groups: Groups::default(),
            first: Flat::default(),
            largest: Flat::default(),
            ages: Ages::default(),
        }
    }
}

/// The numbers of one update of elements of one age.
struct Update<T> {
    rate: T,
    beta1: T,
    beta2: T,
    eps: T,
    decay: T,
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], first: &mut [T], largest: &mut [T]) {
        for (((theta, &g), m), u) in theta.iter_mut().zip(gradient).zip(first).zip(largest) {
            let g = g + self.decay * *theta;
            *m = flushed(self.beta1 * *m + (T::ONE - self.beta1) * g);
            *u = flushed((self.beta2 * *u).maximum(g.abs() + self.eps));
            *theta -= self.rate * *m / *u;
        }
    }
}

impl<T: Real> Optimizer<T> for Adamax<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self.check());
        let ([beta1, beta2], eps) = (self.betas, self.eps);
        let Adamax { groups, ages, first, largest, .. } = self;
        Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay }.run(
            [first, largest],
            |at| Update {
                rate: T::from_f64(at.rate / (1.0 - beta1.powf(at.t))),
                beta1: T::from_f64(beta1),
                beta2: T::from_f64(beta2),
                eps: T::from_f64(eps),
                decay: T::from_f64(at.decay),
            },
            #[inline(always)]
            |update, theta, g, [m, u]| update.apply(theta, g, m, u),
        )
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("beta1", Number(&mut self.betas[0], BELOW_ONE));
        visit("beta2", Number(&mut self.betas[1], BELOW_ONE));
        visit("eps", Number(&mut self.eps, FROM_ZERO));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(first, largest);
}
