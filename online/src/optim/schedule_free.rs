//! Schedule-Free: steps that need no schedule, for what predicts is their average.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::Hyperparameter::{Number, Switch};
use thalweg_nn::optim::{Ages, At, Groups, Optimizer, Sweep, Visit, flushed};
use thalweg_tensor::Real;

use super::{BELOW_ONE, FROM_ZERO, require};

/// Schedule-Free gradient descent, or AdamW.
///
/// ```text
/// y = (1 − β) z + β x                    where the gradient is taken: θ
/// z ← z − η g(y)
/// x ← (1 − c) x + c z                    c = max(1/t, φ): what predicts
/// ```
///
/// In AdamW's form g is divided by `√v̂ + ε`, with v the mean of g² as in Adam, and `z ← z − ηλy` besides.
///
/// With c = 1/t, the published rule, x is the mean of all z there ever were, and moves the less the longer it has learned. A
/// stream that drifts needs a floor φ, `forgetting`: x is then the mean of about the last 1/φ.
///
/// t counts the updates of the element. θ holds y; [`swap`](ScheduleFree::swap) puts x in its place for a while.
///
/// Source: Defazio et al. 2024, "The road less scheduled", equations 3 to 5 and algorithm 1, with a constant rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct ScheduleFree<T: Real = f32> {
    /// η, per step.
    pub learning_rate: f64,
    /// β.
    pub beta: f64,
    /// φ, per step: the least c.
    pub forgetting: f64,
    /// Whether gradients are divided as in Adam.
    pub adaptive: bool,
    /// β₂ of v, per step.
    pub beta2: f64,
    /// ε.
    pub eps: f64,
    /// λ. 0: none.
    pub weight_decay: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    /// z.
    fast: Flat<T>,
    /// x.
    mean: Flat<T>,
    /// v.
    squares: Flat<T>,
    ages: Ages,
}

impl<T: Real> ScheduleFree<T> {
    /// Gradient descent with this rate, which may be much higher than without an average; β = 0.9, φ = 0.001.
    pub fn sgd(learning_rate: f64) -> Self {
        ScheduleFree {
            learning_rate,
            beta: 0.9,
            forgetting: 0.001,
            adaptive: false,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
            groups: Groups::default(),
            fast: Flat::default(),
            mean: Flat::default(),
            squares: Flat::default(),
            ages: Ages::default(),
        }
    }

    /// AdamW with this rate; β₂ = 0.999, ε = 10⁻⁸, no weight decay.
    pub fn adamw(learning_rate: f64) -> Self {
        ScheduleFree { adaptive: true, ..Self::sgd(learning_rate) }
    }

    /// Follows θ where it has grown, before a step does.
    ///
    /// # Panics
    /// If it was made for other parameters.
    #[track_caller]
    pub fn align(&mut self, params: &Params<T>) {
        self.mean.align(params.layout());
        self.ages.align(params.layout());
    }

    /// Exchanges θ and x, but for what no step has moved yet. Twice is nothing; between the two, θ is to predict and not to be changed.
    ///
    /// # Panics
    /// If it was made for other parameters.
    #[track_caller]
    pub fn swap(&mut self, params: &mut Params<T>) {
        let layout = Arc::clone(params.layout());
        self.align(params);
        let (theta, mean) = (params.theta_mut().as_mut_slice(), self.mean.as_mut_slice());
        self.ages.for_each(&layout, |range, t| {
            if t > 0 {
                theta[range.clone()].swap_with_slice(&mut mean[range]);
            }
        });
    }
}

/// The numbers of one update of elements of one age.
struct Update<T> {
    rate: T,
    beta: T,
    /// c.
    share: T,
    beta2: T,
    corrected: T,
    eps: T,
    decay: T,
    is_first: bool,
}

impl<T: Real> Update<T> {
    fn at(at: At, beta: f64, forgetting: f64, beta2: f64, eps: f64) -> Self {
        let [rate, beta, share, beta2, corrected, eps, decay] =
            [at.rate, beta, at.t.recip().max(forgetting), beta2, (1.0 - beta2.powf(at.t)).recip(), eps, at.decay]
                .map(T::from_f64);
        Update { rate, beta, share, beta2, corrected, eps, decay, is_first: at.t == 1.0 }
    }

    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], fast: &mut [T], mean: &mut [T], squares: Option<&mut [T]>) {
        if self.is_first {
            fast.copy_from_slice(theta);
            mean.copy_from_slice(theta);
        }
        let elements = theta.iter_mut().zip(gradient).zip(fast).zip(mean);
        match squares {
            None => elements.for_each(|(((y, &g), z), x)| self.follow(y, g, z, x)),
            Some(squares) => {
                for ((((y, &g), z), x), v) in elements.zip(squares) {
                    *v = flushed(self.beta2 * *v + (T::ONE - self.beta2) * (g * g));
                    self.follow(y, g / ((*v * self.corrected).sqrt() + self.eps), z, x);
                }
            }
        }
    }

    /// One element: y moves by what the three equations move it by, so that others may move it, too.
    #[inline(always)]
    fn follow(&self, y: &mut T, direction: T, z: &mut T, x: &mut T) {
        let by = self.rate * (direction + self.decay * *y);
        let was = *z + self.beta * (*x - *z);
        *z = flushed(*z - by);
        *x = flushed(*x + self.share * (*z - *x));
        *y += *z + self.beta * (*x - *z) - was;
    }
}

impl<T: Real> Optimizer<T> for ScheduleFree<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self);
        let [beta, forgetting, beta2, eps] = [self.beta, self.forgetting, self.beta2, self.eps];
        let ScheduleFree { groups, ages, fast, mean, squares, .. } = self;
        let sweep = Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.weight_decay };
        let numbers = |at| Update::at(at, beta, forgetting, beta2, eps);
        if self.adaptive {
            sweep.run(
                [fast, mean, squares],
                numbers,
                #[inline(always)]
                |update, theta, g, [z, x, v]| update.apply(theta, g, z, x, Some(v)),
            )
        } else {
            sweep.run(
                [fast, mean],
                numbers,
                #[inline(always)]
                |update, theta, g, [z, x]| update.apply(theta, g, z, x, None),
            )
        }
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("beta", Number(&mut self.beta, BELOW_ONE));
        visit("forgetting", Number(&mut self.forgetting, BELOW_ONE));
        visit("adaptive", Switch(&mut self.adaptive));
        visit("beta2", Number(&mut self.beta2, BELOW_ONE));
        visit("eps", Number(&mut self.eps, FROM_ZERO));
        visit("weight_decay", Number(&mut self.weight_decay, FROM_ZERO));
    }

    super::what_is_a_field!(fast, mean, squares; ages);
}

#[cfg(test)]
mod tests {
    use super::super::drift::is_followed_in_time;
    use super::*;

    fn one(at: f64) -> (Params<f64>, thalweg_autograd::Param, Grads<f64>) {
        let mut params = Params::new();
        let w = params.add("w", [1], |_| at);
        let grads = Grads::like(&params);
        (params, w, grads)
    }

    /// η = 0.5, β = 0.75, φ = 0.
    #[test]
    fn known_steps() {
        let ((mut params, w, mut grads), mut rule) =
            (one(1.0), ScheduleFree { beta: 0.75, forgetting: 0.0, ..ScheduleFree::sgd(0.5) });
        // z = 1 − 0.5 · 2 = x = y; then z = −0.5 · 4, x = z/2, y = 0.25 z + 0.75 x
        for (gradient, z, x) in [(2.0, 0.0, 0.0), (4.0, -2.0, -1.0), (-6.0, 1.0, -1.0 / 3.0)] {
            grads.of_mut(w)[0] = gradient;
            rule.step(&mut params, &mut grads);
            let y = 0.25 * z + 0.75 * x;
            assert!((params.of(w)[0] - y).abs() < 1e-15, "{:?} {y}", params.of(w));
            rule.swap(&mut params);
            assert!((params.of(w)[0] - x).abs() < 1e-15, "{:?} {x}", params.of(w));
            rule.swap(&mut params);
        }
        // AdamW's first step is one of length η, and its decay is of y.
        let ((mut params, w, mut grads), mut rule) =
            (one(1.0), ScheduleFree { weight_decay: 0.1, eps: 0.0, ..ScheduleFree::adamw(0.5) });
        grads.of_mut(w)[0] = 7.0;
        rule.step(&mut params, &mut grads);
        assert!((params.of(w)[0] - (1.0 - 0.5 * (1.0 + 0.1))).abs() < 1e-12);
    }

    /// With β = 0 θ is where gradient descent is, and x is the mean of where it has been.
    #[test]
    fn the_mean_is_one() {
        let ((mut params, w, mut grads), mut rule) =
            (one(2.0), ScheduleFree { beta: 0.0, forgetting: 0.0, ..ScheduleFree::sgd(0.25) });
        let (mut z, mut sum) = (2.0, 0.0);
        for k in 0..30 {
            let gradient = f64::from(k * 7 % 5) - 1.5;
            grads.of_mut(w)[0] = gradient;
            rule.step(&mut params, &mut grads);
            z -= 0.25 * gradient;
            sum += z;
            assert!((params.of(w)[0] - z).abs() < 1e-12);
        }
        rule.swap(&mut params);
        assert!((params.of(w)[0] - sum / 30.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_swapped_twice_is_as_it_was_and_what_is_new_stays() {
        let ((mut params, w, mut grads), mut rule) = (one(2.0), ScheduleFree::sgd(0.25));
        rule.swap(&mut params);
        assert_eq!(params.of(w), [2.0], "no step has been taken");
        for gradient in [1.0, 5.0] {
            grads.of_mut(w)[0] = gradient;
            rule.step(&mut params, &mut grads);
        }
        params.grow(w, 0, 1, |_| 9.0);
        let before = params.clone();
        rule.swap(&mut params);
        assert!(params.of(w)[0] != before.of(w)[0] && params.of(w)[1] == 9.0);
        rule.swap(&mut params);
        assert_eq!(params, before);
    }

    #[test]
    fn a_floor_on_forgetting_follows_a_drift_in_time() {
        is_followed_in_time(|forgetting| ScheduleFree { forgetting, ..ScheduleFree::sgd(0.1) }, ScheduleFree::swap);
    }
}
