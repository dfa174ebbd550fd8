//! Stochastic gradient descent.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::Real;

use super::ages::Ages;
use super::hyperparameters::Hyperparameter::{Number, Switch};
use super::hyperparameters::{FROM_ZERO, Visit, require};
use super::sweep::{Sweep, flushed, is_accepted};
use super::{Groups, Optimizer, Step};

/// Stochastic gradient descent, PyTorch's `optim.SGD`:
///
/// ```text
/// g ← g + λθ                                weight decay
/// v ← μ v + (1 − d) g                       momentum and its dampening (v = g at first, and when μ = 0)
/// θ ← θ − η v              or, Nesterov's:  θ ← θ − η (g + μ v)
/// ```
///
/// With `μ = λ = 0` this is the formula that incremental learning starts from, `θ_new = θ_old − η ∇L(θ_old)`. The gradient of
/// a matrix that met one example then stays two vectors ([`Grads`]). And an untouched row would not move under the dense rule
/// either: without momentum and decay the lazy rule is the dense one.
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
    /// d: how much of a gradient does not enter v, but for the first of an element.
    pub dampening: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// λ, added to the gradient as λθ. 0: none.
    pub weight_decay: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    velocity: Flat<T>,
    ages: Ages,
}

impl<T: Real> Sgd<T> {
    /// Plain gradient descent with this learning rate, per step.
    pub fn new(learning_rate: f64) -> Self {
        Sgd {
            learning_rate,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            groups: Groups::default(),
            velocity: Flat::default(),
            ages: Ages::default(),
        }
    }

    /// With momentum μ, Nesterov's or Polyak's.
    pub fn with_momentum(learning_rate: f64, momentum: f64, nesterov: bool) -> Self {
        Sgd { momentum, nesterov, ..Self::new(learning_rate) }
    }

    /// v, laid out like θ; empty until momentum is used.
    pub fn velocity(&self) -> &Flat<T> {
        &self.velocity
    }

    /// Without momentum, `θ ← (1 − ηλ) θ − η g`: nothing is kept, and of a gradient that is an outer product no element is
    /// looked at.
    fn descend(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        let Sgd { learning_rate, weight_decay, groups, .. } = self;
        if !is_accepted(params, grads, groups) {
            return Step::Refused;
        }
        if groups.is_empty() && *weight_decay == 0.0 {
            grads.apply(T::from_f64(-*learning_rate), params.theta_mut());
            return Step::Taken;
        }
        let rate = |param| *learning_rate * groups.rate(param);
        let theta = params.theta_mut().as_mut_slice();
        for (param, entry) in grads.layout().iter().filter(|(_, entry)| entry.trainable()) {
            let decay = groups.decay(param).unwrap_or(*weight_decay);
            if decay != 0.0 {
                let keep = T::from_f64(1.0 - rate(param) * decay);
                grads.touched(param).ranges(entry, |range| theta[range].iter_mut().for_each(|theta| *theta *= keep));
            }
        }
        grads.apply_by(|param| T::from_f64(-rate(param)), params.theta_mut());
        Step::Taken
    }
}

/// The numbers of one update of elements of one age.
struct Update<T> {
    rate: T,
    momentum: T,
    /// `1 − d`, and 1 at first.
    fresh: T,
    nesterov: bool,
    decay: T,
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], velocity: &mut [T]) {
        for ((theta, &g), v) in theta.iter_mut().zip(gradient).zip(velocity) {
            let g = g + self.decay * *theta;
            *v = flushed(self.momentum * *v + self.fresh * g);
            *theta -= self.rate * if self.nesterov { g + self.momentum * *v } else { *v };
        }
    }
}

impl<T: Real> Optimizer<T> for Sgd<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self.check());
        if self.momentum == 0.0 {
            return self.descend(params, grads);
        }
        let (momentum, dampening, nesterov) = (self.momentum, self.dampening, self.nesterov);
        let Sgd { groups, ages, velocity, .. } = self;
        Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay }.run(
            [velocity],
            |at| Update {
                rate: T::from_f64(at.rate),
                momentum: T::from_f64(momentum),
                fresh: T::from_f64(if at.t == 1.0 { 1.0 } else { 1.0 - dampening }),
                nesterov,
                decay: T::from_f64(at.decay),
            },
            #[inline(always)]
            |update, theta, g, [v]| update.apply(theta, g, v),
        )
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("momentum", Number(&mut self.momentum, FROM_ZERO));
        visit("dampening", Number(&mut self.dampening, FROM_ZERO));
        visit("nesterov", Switch(&mut self.nesterov));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(velocity);
}
