//! Adam, AdamW and AMSGrad.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::Real;

use super::ages::Ages;
use super::hyperparameters::Hyperparameter::{Number, Switch};
use super::hyperparameters::{BELOW_ONE, FROM_ZERO, Visit, require};
use super::sweep::{At, Sweep, flushed};
use super::{Groups, Optimizer, Step};

/// Adam, PyTorch's `optim.Adam`, with AdamW and AMSGrad as options:
///
/// ```text
/// g ← g + λθ   (Adam)   or   θ ← θ − ηλθ   (AdamW)
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// θ ← θ − η m̂ / (√v̂ + ε)       m̂ = m / (1 − β₁ᵗ)    v̂ = v / (1 − β₂ᵗ)
/// ```
///
/// AMSGrad takes for v in v̂ the largest that it has been.
///
/// t counts the updates *of the element*: what grew later, and rows whose gradient is sparse, are corrected for their own
/// age (the [module's](crate::optim) lazy rule).
///
/// Source: Kingma & Ba 2015, algorithm 1; decoupled decay: Loshchilov & Hutter 2019, algorithm 2; AMSGrad: Reddi, Kale &
/// Kumar 2018, in PyTorch's form.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Adam<T: Real = f32> {
    /// η, per step.
    pub learning_rate: f64,
    /// β₁ and β₂, per step.
    pub betas: [f64; 2],
    /// ε.
    pub eps: f64,
    /// λ. 0: none.
    pub weight_decay: f64,
    /// Whether the decay acts on θ directly (AdamW) and not through the gradient.
    pub decoupled: bool,
    /// Whether v̂ never falls (AMSGrad).
    pub amsgrad: bool,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    first: Flat<T>,
    second: Flat<T>,
    largest: Flat<T>,
    ages: Ages,
}

impl<T: Real> Adam<T> {
    /// β = (0.9, 0.999), ε = 10⁻⁸, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Adam {
            learning_rate,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            amsgrad: false,
            groups: Groups::default(),
            first: Flat::default(),
            second: Flat::default(),
            largest: Flat::default(),
            ages: Ages::default(),
        }
    }

    /// AdamW: decoupled weight decay λ = 0.01.
    pub fn adamw(learning_rate: f64) -> Self {
        Adam { weight_decay: 1e-2, decoupled: true, ..Self::new(learning_rate) }
    }

    /// AMSGrad: v̂ never falls.
    pub fn amsgrad(learning_rate: f64) -> Self {
        Adam { amsgrad: true, ..Self::new(learning_rate) }
    }

    /// m and v, laid out like θ.
    pub fn moments(&self) -> [&Flat<T>; 2] {
        [&self.first, &self.second]
    }
}

/// The numbers of one update of elements of one age.
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
    fn adam(&self, theta: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        for (((theta, &g), m), v) in theta.iter_mut().zip(gradient).zip(first).zip(second) {
            self.follow(*theta, g, m, v);
            *theta = self.moved(*theta, *m, *v);
        }
    }

    #[inline(always)]
    fn amsgrad(&self, theta: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T], largest: &mut [T]) {
        for ((((theta, &g), m), v), largest) in theta.iter_mut().zip(gradient).zip(first).zip(second).zip(largest) {
            self.follow(*theta, g, m, v);
            *largest = largest.maximum(*v);
            *theta = self.moved(*theta, *m, *largest);
        }
    }

    /// The moments of one element.
    #[inline(always)]
    fn follow(&self, theta: T, g: T, m: &mut T, v: &mut T) {
        let g = g + self.coupled_decay * theta;
        *m = flushed(self.beta1 * *m + (T::ONE - self.beta1) * g);
        *v = flushed(self.beta2 * *v + (T::ONE - self.beta2) * (g * g));
    }

    /// Where one element goes.
    #[inline(always)]
    fn moved(&self, theta: T, m: T, v: T) -> T {
        theta * self.decoupled_decay - self.rate * m / (v.sqrt() * self.second_scale + self.eps)
    }
}

impl<T: Real> Optimizer<T> for Adam<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self.check());
        let ([beta1, beta2], eps, decoupled) = (self.betas, self.eps, self.decoupled);
        let Adam { groups, ages, first, second, largest, .. } = self;
        let sweep = Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay };
        let numbers = |at: At| {
            let [coupled_decay, decoupled_decay] = at.decays(decoupled);
            Update {
                rate: T::from_f64(at.rate / (1.0 - beta1.powf(at.t))),
                beta1: T::from_f64(beta1),
                beta2: T::from_f64(beta2),
                second_scale: T::from_f64((1.0 - beta2.powf(at.t)).sqrt().recip()),
                eps: T::from_f64(eps),
                coupled_decay,
                decoupled_decay,
            }
        };
        if self.amsgrad {
            sweep.run(
                [first, second, largest],
                numbers,
                #[inline(always)]
                |update, theta, g, [m, v, largest]| update.amsgrad(theta, g, m, v, largest),
            )
        } else {
            sweep.run(
                [first, second],
                numbers,
                #[inline(always)]
                |update, theta, g, [m, v]| update.adam(theta, g, m, v),
            )
        }
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("beta1", Number(&mut self.betas[0], BELOW_ONE));
        visit("beta2", Number(&mut self.betas[1], BELOW_ONE));
        visit("eps", Number(&mut self.eps, FROM_ZERO));
        visit("decoupled", Switch(&mut self.decoupled));
        visit("amsgrad", Switch(&mut self.amsgrad));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(first, second, largest);
}
