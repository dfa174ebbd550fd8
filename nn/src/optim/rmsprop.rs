//! RMSprop.

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::Real;

use super::ages::Ages;
use super::hyperparameters::Hyperparameter::{Number, Switch};
use super::hyperparameters::{BELOW_ONE, FROM_ZERO, Visit, require};
use super::sweep::{At, Sweep, flushed};
use super::{Groups, Optimizer, Step};

/// RMSprop, PyTorch's `optim.RMSprop`: the gradient in units of its root mean square of late.
///
/// ```text
/// g ← g + λθ
/// s ← α s + (1 − α) g²
/// ḡ ← α ḡ + (1 − α) g                   if centered, else ḡ = 0
/// b ← μ b + g / (√(s − ḡ²) + ε)         momentum
/// θ ← θ − η b
/// ```
///
/// Centered, a gradient that hardly changes for long has hardly any variance, and steps grow up to `ηg/ε`: so do PyTorch's. A
/// variance that rounding makes negative is 0 here (there it gives NaN).
///
/// Source: Tieleman & Hinton 2012, lecture 6.5; centered: Graves 2013, equations 38 to 40, with ε outside of the root.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct RmsProp<T: Real = f32> {
    /// η, per step; PyTorch's default is 0.01.
    pub learning_rate: f64,
    /// α, per step.
    pub alpha: f64,
    /// ε.
    pub eps: f64,
    /// μ, per step. 0: none.
    pub momentum: f64,
    /// Whether the mean gradient is taken off: its variance is used, not its mean square.
    pub centered: bool,
    /// λ. 0: none.
    pub weight_decay: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    squares: Flat<T>,
    means: Flat<T>,
    velocity: Flat<T>,
    ages: Ages,
}

impl<T: Real> RmsProp<T> {
    /// α = 0.99, ε = 10⁻⁸, not centered, no momentum, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        RmsProp {
            learning_rate,
            alpha: 0.99,
            eps: 1e-8,
            momentum: 0.0,
            centered: false,
            weight_decay: 0.0,
            groups: Groups::default(),
            squares: Flat::default(),
            means: Flat::default(),
            velocity: Flat::default(),
            ages: Ages::default(),
        }
    }
}

/// The numbers of one update.
struct Update<T> {
    rate: T,
    alpha: T,
    eps: T,
    momentum: T,
    decay: T,
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn plain(&self, theta: &mut [T], gradient: &[T], squares: &mut [T]) {
        for ((theta, &g), s) in theta.iter_mut().zip(gradient).zip(squares) {
            *theta -= self.rate * self.normalised(*theta, g, s, None);
        }
    }

    #[inline(always)]
    fn with_momentum(&self, theta: &mut [T], gradient: &[T], squares: &mut [T], velocity: &mut [T]) {
        for (((theta, &g), s), b) in theta.iter_mut().zip(gradient).zip(squares).zip(velocity) {
            *b = flushed(self.momentum * *b + self.normalised(*theta, g, s, None));
            *theta -= self.rate * *b;
        }
    }

    #[inline(always)]
    fn centered(&self, theta: &mut [T], gradient: &[T], squares: &mut [T], velocity: &mut [T], means: &mut [T]) {
        for ((((theta, &g), s), b), mean) in theta.iter_mut().zip(gradient).zip(squares).zip(velocity).zip(means) {
            *b = flushed(self.momentum * *b + self.normalised(*theta, g, s, Some(mean)));
            *theta -= self.rate * *b;
        }
    }

    /// The gradient of one element in units of its root mean square, or of its deviation.
    #[inline(always)]
    fn normalised(&self, theta: T, g: T, s: &mut T, mean: Option<&mut T>) -> T {
        let g = g + self.decay * theta;
        *s = flushed(self.alpha * *s + (T::ONE - self.alpha) * (g * g));
        let variance = match mean {
            None => *s,
            Some(mean) => {
                *mean = flushed(self.alpha * *mean + (T::ONE - self.alpha) * g);
                (*s - *mean * *mean).maximum(T::ZERO)
            }
        };
        g / (variance.sqrt() + self.eps)
    }
}

impl<T: Real> Optimizer<T> for RmsProp<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self.check());
        let [alpha, eps, momentum] = [self.alpha, self.eps, self.momentum].map(T::from_f64);
        let RmsProp { groups, ages, squares, means, velocity, .. } = self;
        let sweep = Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay };
        let numbers =
            |at: At| Update { rate: T::from_f64(at.rate), alpha, eps, momentum, decay: T::from_f64(at.decay) };
        if self.centered {
            sweep.run(
                [squares, velocity, means],
                numbers,
                #[inline(always)]
                |update, theta, g, [s, b, mean]| update.centered(theta, g, s, b, mean),
            )
        } else if self.momentum != 0.0 {
            sweep.run(
                [squares, velocity],
                numbers,
                #[inline(always)]
                |update, theta, g, [s, b]| update.with_momentum(theta, g, s, b),
            )
        } else {
            sweep.run(
                [squares],
                numbers,
                #[inline(always)]
                |update, theta, g, [s]| update.plain(theta, g, s),
            )
        }
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("alpha", Number(&mut self.alpha, BELOW_ONE));
        visit("eps", Number(&mut self.eps, FROM_ZERO));
        visit("momentum", Number(&mut self.momentum, FROM_ZERO));
        visit("centered", Switch(&mut self.centered));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(squares, means, velocity);
}
