//! ObGD: gradient descent that is bound not to overshoot.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::Hyperparameter::{Number, Switch};
use thalweg_nn::optim::{Ages, Groups, Optimizer, Sweep, Visit, flushed};
use thalweg_tensor::{Real, kernels};

use super::{BELOW_ONE, Example, FROM_ZERO, Informed, Needs, over_touched, require, total};

/// Overshooting-bounded gradient descent: the rate is as large as it may be.
///
/// ```text
/// z ← γλ z + ∂ŷ/∂θ                     a trace; without one z = ∂ŷ/∂θ
/// M = α κ max(|δ|, 1) ‖z‖₁              over all parameters
/// θ ← θ + α/max(M, 1) · δ z
/// ```
///
/// A step moves ŷ by about `α/M δ ‖z‖₂² ≤ δ ‖z‖₂² / (κ ‖z‖₁)`: with slopes of at most 1, which is what standardised inputs
/// and normalised layers are for, by at most `δ/κ`. Of a linear model with |x| ≤ 1 it never overshoots.
///
/// The adaptive form divides z, in M and in the step, by `√(v̂ + ε)`:
///
/// ```text
/// v ← β₂ v + (1 − β₂) (δz)²             v̂ = v / (1 − β₂ᵗ)
/// ```
///
/// Its steps are all of one size, so the bound is one on their sum: `‖Δθ‖₁ ≤ 1/κ`.
///
/// What belongs to it: units that hear few inputs, and sums of one size, by layer normalisation without parameters. The network
/// `sparse_mlp:64,64` of [`NetworkSpec`](thalweg_nn::NetworkSpec) has both; inputs and targets of a learner are standardised by
/// default.
///
/// Traces are those of temporal differences, where an error belongs to the predictions before it, too. Examples of a stream
/// have each its own error, so there is none by default.
///
/// Source: Elsayed, Vasan & Mahmood 2024, "Streaming deep reinforcement learning finally works", algorithm 3 and its
/// adaptive variant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct ObGd<T: Real = f32> {
    /// α, the largest rate.
    pub learning_rate: f64,
    /// κ: how far within the bound a step is.
    pub kappa: f64,
    /// γλ, per step. 0: no trace.
    pub trace: f64,
    /// Whether each element is divided by the root mean square of its steps.
    pub adaptive: bool,
    /// β₂, per step.
    pub beta2: f64,
    /// ε.
    pub eps: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    traces: Flat<T>,
    squares: Flat<T>,
    ages: Ages,
    /// What a step is a multiple of: means nothing in between.
    #[serde(skip)]
    direction: Flat<T>,
}

impl<T: Real> ObGd<T> {
    /// α as given (1 is usual), κ = 2, no trace, not adaptive; β₂ = 0.999, ε = 10⁻⁸.
    pub fn new(learning_rate: f64) -> Self {
        ObGd {
            learning_rate,
            kappa: 2.0,
            trace: 0.0,
            adaptive: false,
            beta2: 0.999,
            eps: 1e-8,
            groups: Groups::default(),
            traces: Flat::default(),
            squares: Flat::default(),
            ages: Ages::default(),
            direction: Flat::default(),
        }
    }

    /// The adaptive form.
    pub fn adaptive(learning_rate: f64) -> Self {
        ObGd { adaptive: true, ..Self::new(learning_rate) }
    }

    /// By what the step is divided: `max(M, 1)`, where `norm` is `α‖z‖₁`.
    fn bound(&self, error: f64, norm: f64) -> f64 {
        let m = self.kappa * error.abs().max(1.0) * norm;
        if m > 1.0 { m } else { 1.0 }
    }

    /// Without a trace `δz = −g/λ`, and nothing is kept.
    fn descend(&self, params: &mut Params<T>, grads: &mut Grads<T>, error: f64, curvature: f64) -> Step {
        let rate = |param| self.learning_rate * self.groups.rate(param);
        let mut norm = 0.0;
        grads.for_each(|param, _, g| {
            let sum = kernels::vectorize_over(
                g.len(),
                #[inline(always)]
                || total([&*g], |[g]| g.abs().to_f64()),
            );
            norm += rate(param) * sum;
        });
        if norm > 0.0 {
            let bound = self.bound(error, norm / (curvature * error.abs()));
            grads.apply_by(|param| T::from_f64(-rate(param) / (curvature * bound)), params.theta_mut());
        }
        grads.zero();
        Step::Taken
    }
}

impl<T: Real> Informed<T> for ObGd<T> {
    fn needs(&self) -> Needs {
        Needs::Error
    }

    fn step_with(&mut self, params: &mut Params<T>, grads: &mut Grads<T>, mut example: Example<'_, T>) -> Step {
        require(self);
        if !example.is_accepted(params, grads, &mut self.groups) {
            return Step::Refused;
        }
        example.slopes.iter_mut().for_each(|slopes| slopes.zero());
        let (error, curvature) = (example.row_error(), example.curvature);
        if self.trace == 0.0 && !self.adaptive {
            return self.descend(params, grads, error, curvature);
        }
        // z = −g / λδ; where there is no error there is no gradient.
        let per_gradient = if error.abs() < 1e-30 { 0.0 } else { -(curvature * error).recip() };
        let [per_gradient, trace, beta2, eps, delta] =
            [per_gradient, self.trace, self.beta2, self.eps, error].map(T::from_f64);
        let ObGd { learning_rate, adaptive, groups, traces, squares, ages, direction, .. } = self;
        for vector in [&mut *traces, &mut *squares, &mut *direction] {
            vector.align(params.layout());
        }
        let [z, v, d] = [traces, squares, &mut *direction].map(Flat::as_mut_slice);
        let mut norm = 0.0;
        let mut sweep = Sweep { params, grads, groups, ages, rate: *learning_rate, decay: 0.0 };
        let step = sweep.walk(
            #[inline(always)]
            |range, at, _, g| {
                let adaptive = *adaptive;
                let corrected = T::from_f64((1.0 - beta2.to_f64().powf(at.t)).recip());
                let [z, v, d] = [&mut z[range.clone()], &mut v[range.clone()], &mut d[range]];
                for (((&g, z), v), d) in g.iter().zip(z).zip(v).zip(&mut *d) {
                    let now = flushed(trace * *z + per_gradient * g);
                    let square = flushed(beta2 * *v + (T::ONE - beta2) * (delta * now) * (delta * now));
                    *z = if trace == T::ZERO { *z } else { now };
                    *v = if adaptive { square } else { *v };
                    *d = if adaptive { now / (square * corrected + eps).sqrt() } else { now };
                }
                norm += at.rate * total([d], |[d]| d.abs().to_f64());
            },
        );
        if step == Step::Taken {
            let (scale, direction) = (error / self.bound(error, norm), self.direction.as_slice());
            over_touched(
                grads.dense(),
                &self.groups,
                #[inline(always)]
                |range, factor| {
                    let rate = T::from_f64(self.learning_rate * factor * scale);
                    let theta = &mut params.theta_mut().as_mut_slice()[range.clone()];
                    theta.iter_mut().zip(&direction[range]).for_each(|(theta, &d)| *theta += rate * d);
                },
            );
        }
        grads.zero();
        step
    }
}

impl<T: Real> Optimizer<T> for ObGd<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        self.step_with(params, grads, Example::default())
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("kappa", Number(&mut self.kappa, FROM_ZERO));
        visit("trace", Number(&mut self.trace, BELOW_ONE));
        visit("adaptive", Switch(&mut self.adaptive));
        visit("beta2", Number(&mut self.beta2, BELOW_ONE));
        visit("eps", Number(&mut self.eps, FROM_ZERO));
    }

    super::what_is_a_field!(traces, squares; ages);
}

#[cfg(test)]
mod tests {
    use super::super::linear::Line;
    use super::*;
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-1.0..1.0, 3)
    }

    proptest! {
        /// Of a linear model with inputs of at most 1.
        #[test]
        fn no_step_overshoots(rows in prop::collection::vec((numbers(), -1e3..1e3), 1..20), kappa in 1.0..4.0, rate in 0.1..10.0) {
            let (mut line, mut rule) = (Line::new(3), ObGd { kappa, ..ObGd::new(rate) });
            for (x, y) in rows {
                let before = line.learn(&mut rule, &x, y);
                let after = y - line.predict(&x);
                prop_assert!(after.abs() <= before.abs() && after * before >= 0.0, "{before} {after}");
            }
        }

        /// Whatever inputs, answers and settings are.
        #[test]
        fn a_step_is_at_most_one_kappath_long(
            rows in prop::collection::vec((prop::collection::vec(-1e3..1e3, 3), -1e6..1e6), 1..20),
            kappa in 0.5..4.0, rate in 0.1..1e3, trace in 0.0..0.9, adaptive: bool,
        ) {
            let (mut line, mut rule) = (Line::new(3), ObGd { kappa, trace, adaptive, ..ObGd::new(rate) });
            for (x, y) in rows {
                let before = line.params.clone();
                line.learn(&mut rule, &x, y);
                let moved: f64 = line.params.as_slice().iter().zip(before.as_slice()).map(|(a, b)| (a - b).abs()).sum();
                prop_assert!(moved <= 1.0 / kappa + 1e-9, "{moved}");
            }
        }
    }

    /// α = 1, κ = 2, γλ = 0.5.
    #[test]
    fn known_steps() {
        let mut line = Line::new(2);
        // δ = 3, ‖z‖₁ = 0.75, M = 2 · 3 · 0.75 = 4.5
        assert_eq!(line.learn(&mut ObGd::new(1.0), &[0.5, -0.25], 3.0), 3.0);
        line.params.of(line.w).iter().zip([1.0 / 3.0, -0.5 / 3.0]).for_each(|(w, by)| assert!((w - by).abs() < 1e-15));
        // δ = 0.1, ‖z‖₁ = 0.2: M = 0.4, the whole step.
        let mut line = Line::new(2);
        line.learn(&mut ObGd::new(1.0), &[0.1, 0.1], 0.1);
        line.params.of(line.w).iter().for_each(|w| assert!((w - 0.01).abs() < 1e-15));

        let (mut line, mut rule) = (Line::new(1), ObGd { trace: 0.5, ..ObGd::new(1.0) });
        line.learn(&mut rule, &[1.0], 4.0); // z = 1, M = 8, w = 4/8
        assert_eq!(line.params.of(line.w), [0.5]);
        line.learn(&mut rule, &[1.0], 2.5); // z = 1.5, δ = 2, M = 6, w = 0.5 + 2 · 1.5 / 6
        assert_eq!(line.params.of(line.w), [1.0]);

        let (mut line, mut rule) = (Line::new(2), ObGd { eps: 0.0, ..ObGd::adaptive(1.0) });
        line.learn(&mut rule, &[1.0, -0.5], 4.0); // v̂ = (δz)²: z / √v̂ = ±1/4; M = 2 · 4 · 1/2
        line.params.of(line.w).iter().zip([0.25, -0.25]).for_each(|(w, by)| assert!((w - by).abs() < 1e-12, "{w}"));
    }

    #[test]
    fn a_trace_of_nothing_is_none() {
        let (mut plain, mut traced) = (Line::new(2), Line::new(2));
        let (mut without, mut with) = (ObGd::new(0.7), ObGd { trace: f64::MIN_POSITIVE, ..ObGd::new(0.7) });
        for k in 0..20 {
            let x = [f64::from(k % 3) / 3.0, f64::from(k % 5) / 5.0 - 0.3];
            plain.learn(&mut without, &x, f64::from(k % 7));
            traced.learn(&mut with, &x, f64::from(k % 7));
        }
        let [plain, traced] = [&plain, &traced].map(|line| line.params.of(line.w).to_vec());
        plain.iter().zip(traced).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
    }
}
