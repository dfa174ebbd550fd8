//! NAdam.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::Real;

use super::ages::Ages;
use super::hyperparameters::Hyperparameter::{Number, Switch};
use super::hyperparameters::{BELOW_ONE, FROM_ZERO, Visit, require};
use super::sweep::{Sweep, flushed};
use super::{Groups, Optimizer, Step};

/// NAdam, PyTorch's `optim.NAdam`: [Adam](super::Adam) with Nesterov's momentum, which warms up.
///
/// ```text
/// g ← g + λθ   or, decoupled,   θ ← θ − ηλθ
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²                              v̂ = v / (1 − β₂ᵗ)
/// m̂ = (1 − μₜ) g / (1 − Πₜ) + μₜ₊₁ m / (1 − Πₜ₊₁)     μₜ = β₁ (1 − ½ · 0.96^(tψ))    Πₜ = μ₁ μ₂ … μₜ
/// θ ← θ − η m̂ / (√v̂ + ε)
/// ```
///
/// t counts the updates of the element. Πₜ is computed anew for each t, from some `46/(1 − β₁)` factors at most: 460 by
/// default, but 46 000 for `β₁ = 0.999`, which costs more than a small network.
///
/// Source: Dozat 2016, algorithm 8.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct NAdam<T: Real = f32> {
    /// η, per step; PyTorch's default is 0.002.
    pub learning_rate: f64,
    /// β₁ and β₂, per step.
    pub betas: [f64; 2],
    /// ε.
    pub eps: f64,
    /// ψ, per step: how fast the momentum warms up from β₁/2 to β₁.
    pub momentum_decay: f64,
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

impl<T: Real> NAdam<T> {
    /// β = (0.9, 0.999), ε = 10⁻⁸, ψ = 0.004, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        NAdam {
            learning_rate,
            betas: [0.9, 0.999],
            eps: 1e-8,
            momentum_decay: 4e-3,
            weight_decay: 0.0,
            decoupled: false,
            groups: Groups::default(),
            first: Flat::default(),
            second: Flat::default(),
            ages: Ages::default(),
        }
    }
}

/// Πₜ, μₜ and μₜ₊₁. The product is below the last bit of `1 − Πₜ` after some fifty factors, or a few hundred where the momentum
/// warms up fast: the others are left out, so that no state is needed.
fn momenta(beta1: f64, psi: f64, t: f64) -> [f64; 3] {
    let momentum = |t: f64| beta1 * (1.0 - 0.5 * 0.96f64.powf(t * psi));
    let (mut product, mut s) = (1.0, 1.0);
    while s <= t && product > 1e-20 {
        product *= momentum(s);
        s += 1.0;
    }
    [product, momentum(t), momentum(t + 1.0)]
}

/// The numbers of one update of elements of one age.
struct Update<T> {
    gradient_rate: T,
    first_rate: T,
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
            let step = (self.gradient_rate * g + self.first_rate * *m) / (v.sqrt() * self.second_scale + self.eps);
            *theta = *theta * self.decoupled_decay - step;
        }
    }
}

impl<T: Real> Optimizer<T> for NAdam<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self.check());
        let ([beta1, beta2], eps, psi, decoupled) = (self.betas, self.eps, self.momentum_decay, self.decoupled);
        let NAdam { groups, ages, first, second, .. } = self;
        Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay }.run(
            [first, second],
            |at| {
                let [product, momentum, next] = momenta(beta1, psi, at.t);
                let [coupled_decay, decoupled_decay] = at.decays(decoupled);
                Update {
                    gradient_rate: T::from_f64(at.rate * (1.0 - momentum) / (1.0 - product)),
                    first_rate: T::from_f64(at.rate * next / (1.0 - product * next)),
                    beta1: T::from_f64(beta1),
                    beta2: T::from_f64(beta2),
                    second_scale: T::from_f64((1.0 - beta2.powf(at.t)).sqrt().recip()),
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
        visit("momentum_decay", Number(&mut self.momentum_decay, FROM_ZERO));
        visit("decoupled", Switch(&mut self.decoupled));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(first, second);
}
