//! FTRL-Proximal: rates of their own, and weights of exactly zero.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::Hyperparameter::Number;
use thalweg_nn::optim::{Ages, Groups, Optimizer, Sweep, Visit, flushed};
use thalweg_tensor::Real;

use super::{FROM_ZERO, require};

/// Follow the regularised leader, proximally: Adagrad's rates, and weights that are exactly zero until they are worth their
/// cost.
///
/// ```text
/// σ = (√(n + g²) − √n) / α
/// z ← z + g − σ w
/// n ← n + g²
/// w = 0                                             where |z| ≤ λ₁
/// w = −(z − sgn(z) λ₁) / ((β + √n)/α + λ₂)          elsewhere
/// ```
///
/// So w follows from z, n and α. The authors begin at w = 0, and α stays. Here w may be wherever it is, because a network begins
/// there or something else has moved it, and α may change: where z does not lead to the w that is there, it becomes what does,
/// before each step.
///
/// λ₁ and λ₂ weigh against the sum of all gradients so far, not against each, as weight decay does.
///
/// Source: McMahan et al. 2013, "Ad click prediction: a view from the trenches", algorithm 1. Defaults are River's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Ftrl<T: Real = f32> {
    /// α.
    pub learning_rate: f64,
    /// β.
    pub beta: f64,
    /// λ₁.
    pub l1: f64,
    /// λ₂; the weight decay of a group takes its place.
    pub l2: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    sums: Flat<T>,
    squares: Flat<T>,
    ages: Ages,
}

impl<T: Real> Ftrl<T> {
    /// α; β = 1, λ₁ = 0, λ₂ = 1.
    pub fn new(learning_rate: f64) -> Self {
        Ftrl {
            learning_rate,
            beta: 1.0,
            l1: 0.0,
            l2: 1.0,
            groups: Groups::default(),
            sums: Flat::default(),
            squares: Flat::default(),
            ages: Ages::default(),
        }
    }
}

/// The numbers of one update of elements of one age.
struct Update<T> {
    /// 1/α, or 0 where elements are not to move.
    per_rate: T,
    beta: T,
    l1: T,
    l2: T,
}

impl<T: Real> Update<T> {
    #[inline(always)]
    fn apply(&self, theta: &mut [T], gradient: &[T], sums: &mut [T], squares: &mut [T]) {
        if self.per_rate == T::ZERO {
            return;
        }
        for (((w, &g), z), n) in theta.iter_mut().zip(gradient).zip(sums).zip(squares) {
            let within = z.maximum(-self.l1).minimum(self.l1);
            let beyond = -(*w * self.curvature(*n)) - w.sign() * self.l1;
            let derived = if *w == T::ZERO { within } else { beyond };
            *z = if self.weight(*z, *n, *w) == *w { *z } else { derived };
            let square = *n + g * g;
            let sigma = (square.sqrt() - n.sqrt()) * self.per_rate;
            *z = flushed(*z + (g - sigma * *w));
            *n = flushed(square);
            *w = self.weight(*z, *n, *w);
        }
    }

    /// w, of z and n; as it is where nothing holds it anywhere.
    #[inline(always)]
    fn weight(&self, z: T, n: T, w: T) -> T {
        let curvature = self.curvature(n);
        if curvature == T::ZERO { w } else { -(z.sign() * (z.abs() - self.l1).maximum(T::ZERO)) / curvature }
    }

    /// (β + √n)/α + λ₂.
    #[inline(always)]
    fn curvature(&self, n: T) -> T {
        (self.beta + n.sqrt()) * self.per_rate + self.l2
    }
}

impl<T: Real> Optimizer<T> for Ftrl<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        require(self);
        let (beta, l1) = (self.beta, self.l1);
        let Ftrl { groups, ages, sums, squares, .. } = self;
        Sweep { params, grads, groups, ages, rate: self.learning_rate, decay: self.l2 }.run(
            [sums, squares],
            |at| Update {
                per_rate: T::from_f64(if at.rate > 0.0 { at.rate.recip() } else { 0.0 }),
                beta: T::from_f64(beta),
                l1: T::from_f64(l1),
                l2: T::from_f64(at.decay),
            },
            #[inline(always)]
            |update, theta, g, [z, n]| update.apply(theta, g, z, n),
        )
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("beta", Number(&mut self.beta, FROM_ZERO));
        visit("l1", Number(&mut self.l1, FROM_ZERO));
        visit("l2", Number(&mut self.l2, FROM_ZERO));
    }

    super::what_is_a_field!(sums, squares; ages);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(rule: &mut Ftrl<f64>, params: &mut Params<f64>, gradients: &[[f64; 2]]) -> Vec<f64> {
        let mut grads = Grads::like(params);
        let w = params.find("w").expect("it is there");
        for gradient in gradients {
            grads.of_mut(w).copy_from_slice(gradient);
            assert_eq!(rule.step(params, &mut grads), Step::Taken);
        }
        params.of(w).to_vec()
    }

    fn params(at: [f64; 2]) -> Params<f64> {
        let mut params = Params::new();
        params.add("w", [2], |i| at[i]);
        params
    }

    /// α = 0.5, β = 1, λ₁ = 0.5, λ₂ = 1.
    #[test]
    fn known_steps() {
        let mut rule = Ftrl { l1: 0.5, ..Ftrl::new(0.5) };
        let mut params = params([0.0; 2]);
        // z = (2, 0.25), n = (4, 1/16): w = −(2 − 0.5) / ((1 + 2)/0.5 + 1), and 0 within λ₁
        let w = learned(&mut rule, &mut params, &[[2.0, 0.25]]);
        assert!((w[0] + 1.5 / 7.0).abs() < 1e-15 && w[1] == 0.0, "{w:?}");
        // σ = (√8 − 2)/0.5, z = 2 + 2 − σ w
        let w = learned(&mut rule, &mut params, &[[2.0, 0.25]]);
        let sigma = (8.0_f64.sqrt() - 2.0) / 0.5;
        let expected = -(4.0 + sigma * 1.5 / 7.0 - 0.5) / ((1.0 + 8.0_f64.sqrt()) / 0.5 + 1.0);
        assert!((w[0] - expected).abs() < 1e-15, "{w:?}");
    }

    /// Without a gradient it stays wherever it begins.
    #[test]
    fn it_begins_where_it_is() {
        for l1 in [0.0, 0.3] {
            let mut rule = Ftrl { l1, ..Ftrl::new(0.1) };
            let w = learned(&mut rule, &mut params([1.5, -0.25]), &[[0.0; 2]; 3]);
            assert!((w[0] - 1.5).abs() < 1e-14 && (w[1] + 0.25).abs() < 1e-14, "{w:?}");
        }
    }

    /// Nor does it move for a rate that is another, or away from where something else has put it.
    #[test]
    fn without_a_gradient_nothing_moves() {
        let mut rule = Ftrl { l1: 0.1, ..Ftrl::new(0.05) };
        let mut params = params([1.5, -0.25]);
        let w = params.find("w").expect("it is there");
        let mut at = learned(&mut rule, &mut params, &[[1.0, -0.3]; 20]);
        for (rate, put) in [(0.5, None), (0.01, None), (0.01, Some([0.0, 2.0])), (0.3, Some([-1.0, 0.0]))] {
            rule.set_learning_rate(rate);
            if let Some(put) = put {
                params.of_mut(w).copy_from_slice(&put);
                at = put.to_vec();
            }
            let now = learned(&mut rule, &mut params, &[[0.0; 2]; 3]);
            assert!(now.iter().zip(&at).all(|(now, at)| (now - at).abs() < 1e-14), "{now:?} {at:?}");
        }
        let now = learned(&mut rule, &mut params, &[[1.0; 2]]);
        assert!(now[0] < at[0] && now[1] < at[1], "{now:?} {at:?}");
    }

    /// Weights that are worth less than they cost are zero, and exactly.
    #[test]
    fn small_gradients_leave_nothing() {
        let (mut rule, mut params) = (Ftrl { l1: 1.0, ..Ftrl::new(0.5) }, params([0.0; 2]));
        let noise: Vec<[f64; 2]> = (0..100).map(|k| [-1.0, if k % 2 == 0 { 0.5 } else { -0.5 }]).collect();
        let w = learned(&mut rule, &mut params, &noise);
        assert!(w[0] > 1.0 && w[1] == 0.0, "{w:?}");
    }
}
