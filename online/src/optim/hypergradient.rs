//! Hypergradient descent: one rate, which follows its own gradient.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::Hyperparameter::{Number, Switch};
use thalweg_nn::optim::{Ages, Groups, Optimizer, Visit, flushed, forget, is_accepted};
use thalweg_tensor::Real;

use super::{FROM_ZERO, over_touched, require, total};

/// Gradient descent whose rate rises while gradients agree with those before them, and falls while they do not.
///
/// ```text
/// η ← η + κ g·g₋                                       additive
/// η ← η (1 + κ g·g₋ / ‖g‖‖g₋‖)                         multiplicative
/// θ ← θ − η g
/// ```
///
/// g₋ is the gradient of the step before, where g is not 0; of a row that a step did not touch, the last that it had. η stays within 0 to
/// 10⁶ times what it is set to; where it changes by factors, within 10⁻⁶ to 10⁶, for from 0 no factor leads back.
///
/// Source: Baydin et al. 2018, "Online learning rate adaptation with hypergradient descent", algorithm 4 and section 4.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Hypergradient<T: Real = f32> {
    /// Where η begins. What is changed later multiplies it.
    pub learning_rate: f64,
    /// κ, per step.
    pub meta_rate: f64,
    /// Whether η changes by factors.
    pub multiplicative: bool,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    /// η in units of the rate that it is set to, less 1.
    #[serde(deserialize_with = "a_factor")]
    gained: f64,
    last: Flat<T>,
}

/// The largest η, in units of the rate that it is set to.
const MOST: f64 = 1e6;

fn a_factor<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let gained = f64::deserialize(from)?;
    let sound = (-1.0..=MOST).contains(&gained);
    if sound { Ok(gained) } else { Err(serde::de::Error::custom("a rate out of its bounds")) }
}

impl<T: Real> Hypergradient<T> {
    /// The rate to begin with, and κ: additive.
    pub fn new(learning_rate: f64, meta_rate: f64) -> Self {
        Hypergradient {
            learning_rate,
            meta_rate,
            multiplicative: false,
            groups: Groups::default(),
            gained: 0.0,
            last: Flat::default(),
        }
    }

    /// The rate to begin with, and κ: multiplicative.
    pub fn multiplicative(learning_rate: f64, meta_rate: f64) -> Self {
        Hypergradient { multiplicative: true, ..Self::new(learning_rate, meta_rate) }
    }

    /// η, as it is now.
    pub fn rate(&self) -> f64 {
        self.learning_rate * (1.0 + self.gained)
    }
}

impl<T: Real> Optimizer<T> for Hypergradient<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self);
        let Hypergradient { learning_rate, meta_rate, multiplicative, groups, gained, last } = self;
        if !is_accepted(params, grads, groups) {
            return Step::Refused;
        }
        last.align(params.layout());
        let [mut product, mut squares, mut squares_before] = [0.0; 3];
        let (gradient, before) = (grads.dense(), last.as_slice());
        over_touched(
            gradient,
            groups,
            #[inline(always)]
            |range, _| {
                let (g, last) = (&gradient.as_slice()[range.clone()], &before[range]);
                product += total([g, last], |[g, last]| g.to_f64() * last.to_f64());
                squares += total([g], |[g]| g.to_f64() * g.to_f64());
                squares_before +=
                    total([g, last], |[g, last]| if g == T::ZERO { 0.0 } else { last.to_f64() * last.to_f64() });
            },
        );
        let factor = 1.0 + *gained;
        let norms = squares.sqrt() * squares_before.sqrt();
        let next = match *multiplicative {
            true if norms > 0.0 => factor * (1.0 + *meta_rate * product / norms),
            true => factor,
            false if *learning_rate > 0.0 => factor + *meta_rate * product / *learning_rate,
            false => factor,
        };
        let least = if *multiplicative { MOST.recip() } else { 0.0 };
        *gained = next.clamp(least, MOST) - 1.0;
        let (theta, last) = (params.theta_mut().as_mut_slice(), last.as_mut_slice());
        let rate = *learning_rate * (1.0 + *gained);
        over_touched(
            gradient,
            groups,
            #[inline(always)]
            |range, group| {
                let (rate, g) = (T::from_f64(rate * group), &gradient.as_slice()[range.clone()]);
                for ((theta, last), &g) in theta[range.clone()].iter_mut().zip(&mut last[range]).zip(g) {
                    *theta -= rate * g;
                    *last = flushed(g);
                }
            },
        );
        grads.zero();
        Step::Taken
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("meta_rate", Number(&mut self.meta_rate, FROM_ZERO));
        visit("multiplicative", Switch(&mut self.multiplicative));
    }

    fn forget(&mut self, param: Param, axis: usize, index: usize) {
        forget([&mut self.last], &mut Ages::default(), param, axis, index);
    }

    super::what_is_a_field!(last);
}

#[cfg(test)]
mod tests {
    use super::super::{AnyOptimizer, OptimizerSpec};
    use super::*;

    fn stepped(rule: &mut Hypergradient<f64>, gradients: &[[f64; 2]]) -> Vec<f64> {
        let mut params = Params::new();
        let w = params.add("w", [2], |_| 0.0);
        let mut grads = Grads::like(&params);
        for gradient in gradients {
            grads.of_mut(w).copy_from_slice(gradient);
            assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
        }
        params.of(w).to_vec()
    }

    #[test]
    fn known_steps() {
        let mut additive = Hypergradient::new(0.5, 0.25);
        // η = 0.5, then 0.5 + 0.25 (1·3 + 2·0), then 1.25 + 0.25 (3·(−2)) below 0: 0
        let w = stepped(&mut additive, &[[1.0, 2.0], [3.0, 0.0], [-2.0, 0.0]]);
        assert_eq!((w, additive.rate()), (vec![-0.5 - 1.25 * 3.0, -1.0], 0.0));
        let mut multiplicative = Hypergradient::multiplicative(0.5, 0.25);
        // cos = 1, then −1
        let w = stepped(&mut multiplicative, &[[1.0, 0.0], [3.0, 0.0], [-2.0, 0.0]]);
        let rates = [0.5, 0.5 * 1.25, 0.5 * 1.25 * 0.75];
        assert!((multiplicative.rate() - rates[2]).abs() < 1e-15);
        assert!((w[0] + rates[0] + 3.0 * rates[1] - 2.0 * rates[2]).abs() < 1e-15, "{w:?}");
    }

    /// Whoever goes by the rate, a penalty for one, is told what has become of it.
    #[test]
    fn whichever_optimizer_it_is_knows_the_rate_it_goes_by() {
        let mut rule: AnyOptimizer<f64> = "hypergradient:0.5".parse::<OptimizerSpec>().expect("a rule").build();
        let mut params = Params::new();
        let w = params.add("w", [1], |_| 0.0);
        let mut grads = Grads::like(&params);
        for _ in 0..2 {
            grads.of_mut(w)[0] = 100.0;
            rule.step(&mut params, &mut grads);
        }
        assert_eq!((rule.rate(), rule.learning_rate()), (1.5, 0.5)); // κ = 10⁻⁴: 0.5 + κ 100²
    }

    /// The cosine between gradients is of any size of theirs: the product of both squares is not.
    #[test]
    fn gradients_of_any_size_have_a_direction() {
        for size in [1e-90, 1.0, 1e80] {
            let mut rule = Hypergradient::multiplicative(0.5, 0.25);
            stepped(&mut rule, &[[size, 0.0], [size, 0.0]]);
            assert!((rule.rate() - 0.5 * 1.25).abs() < 1e-12, "{size}: {}", rule.rate());
        }
    }

    #[test]
    fn without_a_meta_rate_it_is_gradient_descent() {
        for mut rule in [Hypergradient::new(0.5, 0.0), Hypergradient::multiplicative(0.5, 0.0)] {
            assert_eq!(stepped(&mut rule, &[[1.0, 2.0], [3.0, 0.0], [-2.0, 0.0]]), [-1.0, -1.0]);
        }
    }

    /// Gradients that turn round cannot stop it for good.
    #[test]
    fn a_rate_that_changes_by_factors_comes_back() {
        let mut rule = Hypergradient::multiplicative(0.5, 2.0);
        stepped(&mut rule, &[[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]);
        assert!((rule.rate() - 0.5e-6).abs() < 1e-12, "{}", rule.rate());
        stepped(&mut rule, &[[1.0, 0.0]; 12]);
        assert!(rule.rate() > 0.1, "{}", rule.rate());
    }

    /// From any rate to one that learns.
    #[test]
    fn a_rate_that_is_too_low_rises() {
        let mut rule = Hypergradient::multiplicative(1e-6, 0.02);
        let mut params = Params::new();
        let w = params.add("w", [1], |_| 10.0);
        let mut grads = Grads::like(&params);
        for _ in 0..2000 {
            grads.of_mut(w)[0] = params.of(w)[0]; // of w²/2
            rule.step(&mut params, &mut grads);
        }
        assert!(params.of(w)[0].abs() < 1e-3 && rule.rate() > 1e-3, "{:?} {}", params.of(w), rule.rate());
    }
}
