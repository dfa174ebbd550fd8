//! Adagrad.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::Real;

use super::ages::Ages;
use super::hyperparameters::Hyperparameter::Number;
use super::hyperparameters::{FROM_ZERO, Visit, require};
use super::sweep::{Sweep, flushed};
use super::{Groups, Optimizer, Step};

/// Adagrad, PyTorch's `optim.Adagrad`: each element's rate falls with the squares of its own gradients.
///
/// ```text
/// g ← g + λθ
/// s ← s + g²                            s begins at a given value
/// θ ← θ − ηₜ g / (√s + ε)               ηₜ = η / (1 + (t − 1) κ)      κ: the rate's decay
/// ```
///
/// t counts the updates of the element. An untouched row would not move under the dense rule either: with λ = κ = 0 the lazy
/// rule is the dense one.
///
/// Source: Duchi, Hazan & Singer 2011, figure 1 with a diagonal matrix.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Adagrad<T: Real = f32> {
    /// η, per step.
    pub learning_rate: f64,
    /// κ, per step. 0: the rate itself does not fall.
    pub learning_rate_decay: f64,
    /// What s begins with, for what grows later too.
    pub initial_accumulator: f64,
    /// ε.
    pub eps: f64,
    /// λ. 0: none.
    pub weight_decay: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    /// s without what it begins with.
    squares: Flat<T>,
    ages: Ages,
}

impl<T: Real> Adagrad<T> {
    /// s begins at 0, ε = 10⁻¹⁰, κ = 0, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Adagrad {
            learning_rate,
            learning_rate_decay: 0.0,
            initial_accumulator: 0.0,
            eps: 1e-10,
            weight_decay: 0.0,
            groups: Groups::default(),
            squares: Flat::default(),
            ages: Ages::default(),
        }
    }
}

/// The numbers of one update of elements of one age.
struct Update<T> {
    rate: T,
    initial: T,
    eps: T,
    decay: T,
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], squares: &mut [T]) {
        for ((theta, &g), s) in theta.iter_mut().zip(gradient).zip(squares) {
            let g = g + self.decay * *theta;
            *s = flushed(*s + g * g);
            *theta -= self.rate * g / ((*s + self.initial).sqrt() + self.eps);
        }
    }
}

impl<T: Real> Optimizer<T> for Adagrad<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self.check());
        let (rate_decay, initial, eps) = (self.learning_rate_decay, self.initial_accumulator, self.eps);
        let Adagrad { groups, ages, squares, .. } = self;
        Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay }.run(
            [squares],
            |at| Update {
                rate: T::from_f64(at.rate / (1.0 + (at.t - 1.0) * rate_decay)),
                initial: T::from_f64(initial),
                eps: T::from_f64(eps),
                decay: T::from_f64(at.decay),
            },
            #[inline(always)]
            |update, theta, g, [s]| update.apply(theta, g, s),
        )
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("learning_rate_decay", Number(&mut self.learning_rate_decay, FROM_ZERO));
        visit("initial_accumulator", Number(&mut self.initial_accumulator, FROM_ZERO));
        visit("eps", Number(&mut self.eps, FROM_ZERO));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(squares);
}
