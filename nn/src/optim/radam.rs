//! RAdam.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::Real;

use super::ages::Ages;
use super::hyperparameters::Hyperparameter::{Number, Switch};
use super::hyperparameters::{BELOW_ONE, FROM_ZERO, Visit, require};
use super::sweep::{Sweep, flushed};
use super::{Groups, Optimizer, Step};

/// RAdam, PyTorch's `optim.RAdam`: [Adam](super::Adam), rectified for how little the first gradients say of their variance; it
/// needs no warm-up.
///
/// ```text
/// g ← g + λθ   or, decoupled,   θ ← θ − ηλθ
/// m ← β₁ m + (1 − β₁) g                 m̂ = m / (1 − β₁ᵗ)
/// v ← β₂ v + (1 − β₂) g²
/// θ ← θ − η m̂ r √(1 − β₂ᵗ) / (√v + ε)   if ρ > 5, else   θ ← θ − η m̂
///
/// ρ∞ = 2/(1 − β₂) − 1       ρ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ)       r² = (ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ)
/// ```
///
/// t counts the updates of the element. With β₂ = 0.999 the first five are steps of plain momentum, whose length is that of the
/// gradient.
///
/// Source: Liu et al. 2020, algorithm 2, with PyTorch's threshold of 5.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct RAdam<T: Real = f32> {
    /// η, per step.
    pub learning_rate: f64,
    /// β₁ and β₂, per step.
    pub betas: [f64; 2],
    /// ε.
    pub eps: f64,
    /// λ. 0: none.
    pub weight_decay: f64,
    /// Whether the weight decay acts on θ directly, as AdamW's, and not through the gradient.
    pub decoupled: bool,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    first: Flat<T>,
    second: Flat<T>,
    ages: Ages,
}

impl<T: Real> RAdam<T> {
    /// β = (0.9, 0.999), ε = 10⁻⁸, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        RAdam {
            learning_rate,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            groups: Groups::default(),
            first: Flat::default(),
            second: Flat::default(),
            ages: Ages::default(),
        }
    }
}

/// `r √(1 − β₂ᵗ)`, if there have been gradients enough to tell their variance.
fn rectification(beta2: f64, t: f64) -> Option<f64> {
    let (limit, power) = (2.0 / (1.0 - beta2) - 1.0, beta2.powf(t));
    let rho = limit - 2.0 * t * power / (1.0 - power);
    let squared = (rho - 4.0) * (rho - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * rho);
    (rho > 5.0).then(|| (squared * (1.0 - power)).sqrt())
}

/// The numbers of one update of elements of one age: `θ ← θ − rate · m / (√v · second_scale + eps)`, where a scale of 0 and
/// an ε of 1 leave v out.
struct Update<T> {
    rate: T,
    beta1: T,
    beta2: T,
    second_scale: T,
    eps: T,
    coupled_decay: T,
    decoupled_decay: T,
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        for (((theta, &g), m), v) in theta.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = g + self.coupled_decay * *theta;
            *m = flushed(self.beta1 * *m + (T::ONE - self.beta1) * g);
            *v = flushed(self.beta2 * *v + (T::ONE - self.beta2) * (g * g));
            *theta = *theta * self.decoupled_decay - self.rate * *m / (v.sqrt() * self.second_scale + self.eps);
        }
    }
}

impl<T: Real> Optimizer<T> for RAdam<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self.check());
        let ([beta1, beta2], eps, decoupled) = (self.betas, self.eps, self.decoupled);
        let RAdam { groups, ages, first, second, .. } = self;
        Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay }.run(
            [first, second],
            |at| {
                let rate = at.rate / (1.0 - beta1.powf(at.t));
                let (rate, second_scale, eps) = match rectification(beta2, at.t) {
                    Some(factor) => (rate * factor, 1.0, eps),
                    None => (rate, 0.0, 1.0),
                };
                let [coupled_decay, decoupled_decay] = at.decays(decoupled);
                Update {
                    rate: T::from_f64(rate),
                    beta1: T::from_f64(beta1),
                    beta2: T::from_f64(beta2),
                    second_scale: T::from_f64(second_scale),
                    eps: T::from_f64(eps),
                    coupled_decay,
                    decoupled_decay,
                }
            },
            #[inline(always)]
            |update, theta, g, [m, v]| update.apply(theta, g, m, v),
        )
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("beta1", Number(&mut self.betas[0], BELOW_ONE));
        visit("beta2", Number(&mut self.betas[1], BELOW_ONE));
        visit("eps", Number(&mut self.eps, FROM_ZERO));
        visit("decoupled", Switch(&mut self.decoupled));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(first, second);
}
