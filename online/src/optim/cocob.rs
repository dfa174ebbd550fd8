//! COCOB: a learning rate is a bet, and the coins that were won pay for it.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::Hyperparameter::Number;
use thalweg_nn::optim::{Ages, Groups, Optimizer, Sweep, Visit, flushed};
use thalweg_tensor::Real;

use super::{BELOW_ONE, FROM_ZERO, require};

/// Continuous coin betting (COCOB-Backprop): no learning rate.
///
/// ```text
/// L ← max(L, |g|)                        the largest stake
/// R ← max(R − g b, 0)                    what was won
/// Θ ← Θ − g                              all coins
/// S ← S + |g|
/// b = Θ (L + R) / (L max(S + L, αL))     the bet
/// w = w₀ + b
/// ```
///
/// The longer an element has learned, the larger S, and the longer it takes to unlearn: after a drift, coins of the other side
/// must be won first; and one gradient that was far larger than the rest makes each later bet small. So L, Θ, S and R lose a
/// share φ, `forgetting`, of what they are in each step in which g is not 0: what fades in step leaves the bet where it is, and
/// what is seen next counts for more. It costs a pull towards w₀ where gradients are noise: S is made of them, and Θ is not. With
/// φ = 0 it is the published rule. Here w moves by what b does, which is the same, needs no w₀, and lets others move w, too. R is
/// at most 10⁶ L: who always wins would own more than a number can be.
///
/// Source: Orabona & Tommasi 2017, "Training deep networks without learning rates through coin betting", algorithm 2.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Cocob<T: Real = f32> {
    /// What a change of the bet is multiplied by before w moves by it; 1 is the rule.
    pub learning_rate: f64,
    /// α: the first bets are a 1/α of the stake.
    pub alpha: f64,
    /// φ, per step with a gradient that is not 0.
    pub forgetting: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    largest: Flat<T>,
    won: Flat<T>,
    coins: Flat<T>,
    sizes: Flat<T>,
    ages: Ages,
}

/// The largest R, in units of L.
const MOST: f64 = 1e6;

impl<T: Real> Cocob<T> {
    /// α = 100, φ = 0.001.
    pub fn new() -> Self {
        Cocob {
            learning_rate: 1.0,
            alpha: 100.0,
            forgetting: 0.001,
            groups: Groups::default(),
            largest: Flat::default(),
            won: Flat::default(),
            coins: Flat::default(),
            sizes: Flat::default(),
            ages: Ages::default(),
        }
    }
}

impl<T: Real> Default for Cocob<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The numbers of one update.
struct Update<T> {
    rate: T,
    alpha: T,
    keeps: T,
    most: T,
}

/// What an element has staked and won.
#[derive(Clone, Copy)]
struct Wealth<T> {
    largest: T,
    won: T,
    coins: T,
    sizes: T,
}

impl<T: Real> Wealth<T> {
    /// b.
    #[inline(always)]
    fn bet(&self, alpha: T) -> T {
        let stake = self.largest;
        // (Θ / S) (L + R) / L: each factor is of modest size, where their products need not be.
        (self.coins / (self.sizes + stake).maximum(alpha * stake)) * ((stake + self.won) / stake)
    }
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], [largest, won, coins, sizes]: [&mut [T]; 4]) {
        let elements = theta.iter_mut().zip(gradient).zip(largest).zip(won).zip(coins).zip(sizes);
        for (((((w, &g), largest), won), coins), sizes) in elements {
            let then = Wealth { largest: *largest, won: *won, coins: *coins, sizes: *sizes };
            // What has met no gradient has made no bet.
            let before = if then.largest == T::ZERO { T::ZERO } else { then.bet(self.alpha) };
            let stake = flushed((self.keeps * then.largest).maximum(g.abs()));
            let kept = flushed(self.keeps * then.won - g * before).maximum(T::ZERO);
            let next = Wealth {
                largest: stake,
                won: kept.minimum(self.most * stake),
                coins: flushed(self.keeps * then.coins - g),
                sizes: flushed(self.keeps * then.sizes + g.abs()),
            };
            let moved = *w + self.rate * (next.bet(self.alpha) - before);
            let plays = g != T::ZERO && stake != T::ZERO;
            *w = if plays { moved } else { *w };
            let wealth = if plays { next } else { then };
            Wealth { largest: *largest, won: *won, coins: *coins, sizes: *sizes } = wealth;
        }
    }
}

impl<T: Real> Optimizer<T> for Cocob<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self);
        let [alpha, keeps, most] = [self.alpha, 1.0 - self.forgetting, MOST].map(T::from_f64);
        let Cocob { groups, ages, largest, won, coins, sizes, .. } = self;
        Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: 0.0 }.run(
            [largest, won, coins, sizes],
            |at| Update { rate: T::from_f64(at.rate), alpha, keeps, most },
            #[inline(always)]
            |update, theta, g, state| update.apply(theta, g, state),
        )
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("alpha", Number(&mut self.alpha, FROM_ZERO));
        visit("forgetting", Number(&mut self.forgetting, BELOW_ONE));
    }

    super::what_is_a_field!(largest, won, coins, sizes; ages);
}

#[cfg(test)]
mod tests {
    use super::super::drift::is_followed_in_time;
    use super::*;

    fn stepped(rule: &mut Cocob<f64>, gradients: &[f64]) -> f64 {
        let mut params = Params::new();
        let w = params.add("w", [1], |_| 3.0);
        let mut grads = Grads::like(&params);
        for &gradient in gradients {
            grads.of_mut(w)[0] = gradient;
            assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
        }
        params.of(w)[0]
    }

    /// α = 2, φ = 0, w₀ = 3.
    #[test]
    fn known_steps() {
        let rule = || Cocob { alpha: 2.0, forgetting: 0.0, ..Cocob::new() };
        // L = 2, R = 0, Θ = −2, S = 2: b = −2 · 2 / (2 · 4)
        assert!((stepped(&mut rule(), &[2.0]) - 2.5).abs() < 1e-15);
        // R = −1 · (−0.5), Θ = −3, S = 3: b = −3 · 2.5 / (2 · 5)
        assert!((stepped(&mut rule(), &[2.0, 1.0]) - 2.25).abs() < 1e-15);
        // L = 4, R = max(0, 0.5 − 4 · 0.75), Θ = 1, S = 7: b = 1 · 4 / (4 · 11)
        assert!((stepped(&mut rule(), &[2.0, 1.0, -4.0]) - (3.0 + 1.0 / 11.0)).abs() < 1e-15);
    }

    /// The unit of the loss does not matter.
    #[test]
    fn gradients_may_be_in_any_unit() {
        let gradients: Vec<f64> = (0..50).map(|k| f64::from(k * 7 % 11) - 4.0).collect();
        let scaled: Vec<f64> = gradients.iter().map(|g| 1e6 * g).collect();
        let [one, other] = [&gradients, &scaled].map(|gradients| stepped(&mut Cocob::new(), gradients));
        assert!((one - other).abs() < 1e-9, "{one} {other}");
    }

    /// One gradient far larger than the rest would make every later bet small for ever.
    #[test]
    fn one_large_gradient_fades() {
        let moved = |forgetting| {
            let gradients = |n| [[1e4].as_slice(), &vec![-1.0; n]].concat();
            let rule = || Cocob { forgetting, ..Cocob::new() };
            stepped(&mut rule(), &gradients(20_000)) - stepped(&mut rule(), &gradients(10_000))
        };
        assert!(moved(0.0) < 0.1 && moved(0.001) > 100.0, "{} {}", moved(0.0), moved(0.001));
    }

    #[test]
    fn a_floor_on_forgetting_follows_a_drift_in_time() {
        is_followed_in_time(|forgetting| Cocob { forgetting, ..Cocob::new() }, |_, _| {});
    }
}
