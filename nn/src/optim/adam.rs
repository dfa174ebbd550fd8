//! Adam and AdamW.

use std::sync::Arc;

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::{Real, kernels};

use super::ages::Ages;
use super::{Optimizer, Step, is_acceptable};

/// Adam, PyTorch's `optim.Adam`, and AdamW:
///
/// ```text
/// g ← g + λθ   (Adam)   or   θ ← θ − ηλθ   (AdamW)
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// θ ← θ − η m̂ / (√v̂ + ε)       m̂ = m / (1 − β₁ᵗ)    v̂ = v / (1 − β₂ᵗ)
/// ```
///
/// t counts the updates *of the element*: what grew later, and rows whose gradient is sparse, are corrected for their own
/// age (the [module's](crate::optim) lazy rule).
///
/// Moments that decay into denormal numbers are set to zero: arithmetic on those is many times slower, and the moments of
/// a dead unit get there within a thousand steps.
///
/// Source: Kingma & Ba 2015, algorithm 1; decoupled decay: Loshchilov & Hutter 2019, algorithm 2.
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
    pub epsilon: f64,
    /// λ. 0: none.
    pub weight_decay: f64,
    /// Whether the decay acts on θ directly (AdamW) and not through the gradient.
    pub decoupled: bool,
    first: Flat<T>,
    second: Flat<T>,
    ages: Ages,
}

impl<T: Real> Adam<T> {
    /// β = (0.9, 0.999), ε = 10⁻⁸, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Adam {
            learning_rate,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            first: Flat::default(),
            second: Flat::default(),
            ages: Ages::default(),
        }
    }

    /// AdamW: decoupled weight decay λ = 0.01.
    pub fn adamw(learning_rate: f64) -> Self {
        Adam { weight_decay: 1e-2, decoupled: true, ..Self::new(learning_rate) }
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
    epsilon: T,
    coupled_decay: T,
    decoupled_decay: T,
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        for (((theta, &g), m), v) in theta.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = g + self.coupled_decay * *theta;
            let m_new = self.beta1 * *m + (T::ONE - self.beta1) * g;
            let v_new = self.beta2 * *v + (T::ONE - self.beta2) * (g * g);
            *m = if m_new.abs() < T::MIN_POSITIVE { T::ZERO } else { m_new };
            *v = if v_new < T::MIN_POSITIVE { T::ZERO } else { v_new };
            *theta = *theta * self.decoupled_decay - self.rate * *m / (v.sqrt() * self.second_scale + self.epsilon);
        }
    }
}

impl<T: Real> Optimizer<T> for Adam<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        grads.align(params.layout());
        if !is_acceptable(grads) {
            grads.zero();
            return Step::Refused;
        }
        let layout = Arc::clone(params.layout());
        self.first.align(&layout);
        self.second.align(&layout);
        self.ages.align(&layout);
        let [beta1, beta2] = self.betas;
        let (coupled, decoupled) = if self.decoupled { (0.0, self.weight_decay) } else { (self.weight_decay, 0.0) };
        let mut update = Update {
            rate: T::ZERO,
            beta1: T::from_f64(beta1),
            beta2: T::from_f64(beta2),
            second_scale: T::ZERO,
            epsilon: T::from_f64(self.epsilon),
            coupled_decay: T::from_f64(coupled),
            decoupled_decay: T::from_f64(1.0 - self.learning_rate * decoupled),
        };
        let theta = params.theta_mut().as_mut_slice();
        let (first, second) = (self.first.as_mut_slice(), self.second.as_mut_slice());
        let gradient = grads.dense();
        let g = gradient.as_slice();
        let mut corrected_for = 0;
        for (param, entry) in layout.iter().filter(|(_, entry)| entry.trainable()) {
            self.ages.update(param.index(), entry, gradient.touched(param), |range, t| {
                if t != corrected_for {
                    corrected_for = t;
                    update.rate = T::from_f64(self.learning_rate / (1.0 - beta1.powf(f64::from(t))));
                    update.second_scale = T::from_f64((1.0 - beta2.powf(f64::from(t))).sqrt().recip());
                }
                let (theta, g) = (&mut theta[range.clone()], &g[range.clone()]);
                let (first, second) = (&mut first[range.clone()], &mut second[range]);
                kernels::vectorize(
                    #[inline(always)]
                    || update.apply(theta, g, first, second),
                );
            });
        }
        grads.zero();
        Step::Taken
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }
}
