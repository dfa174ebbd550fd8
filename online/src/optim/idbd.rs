//! IDBD: a rate for each element, learned by gradient descent itself.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::Hyperparameter::Number;
use thalweg_nn::optim::{Ages, Groups, Optimizer, Sweep, Visit, flushed};
use thalweg_tensor::Real;

use super::{Example, FROM_ZERO, Informed, Needs, require};

/// Incremental delta-bar-delta: each element has a rate of its own, which rises while its steps point the same way.
///
/// ```text
/// β ← β + ϑ δ x h                        ϑ: the meta rate
/// α = α₀ eᵝ
/// w ← w + α δ x
/// h ← h · max(0, 1 − α x²) + α δ x
/// ```
///
/// Of a linear model x is its input. Of any network it is ∂ŷ/∂w; of several outputs, δx is the sum over them, −∂L/∂w of half
/// the squared error, and x² is Σₖ (∂ŷₖ/∂w)²: output by output where a weight acts on one of them alone.
///
/// β begins at 0, moves by at most 2 in one step and stays within −80 to 30. Nothing keeps a step from overshooting: see
/// [`Autostep`](super::Autostep), which needs less tuning.
///
/// Source: Sutton 1992, "Adapting bias by gradient descent", figure 2.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Idbd<T: Real = f32> {
    /// α₀: where every rate begins. What is changed later multiplies all rates.
    pub learning_rate: f64,
    /// ϑ, per step.
    pub meta_rate: f64,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    /// β.
    rates: Flat<T>,
    /// h.
    memory: Flat<T>,
    ages: Ages,
}

impl<T: Real> Idbd<T> {
    /// α₀ and ϑ.
    pub fn new(learning_rate: f64, meta_rate: f64) -> Self {
        Idbd {
            learning_rate,
            meta_rate,
            groups: Groups::default(),
            rates: Flat::default(),
            memory: Flat::default(),
            ages: Ages::default(),
        }
    }

    /// The rates α of a parameter's elements, once it has met the parameter.
    ///
    /// # Panics
    /// If it has not.
    #[track_caller]
    pub fn rates(&self, param: Param) -> impl Iterator<Item = f64> {
        self.rates.of(param).iter().map(|beta| self.learning_rate * beta.to_f64().exp())
    }
}

/// β is kept within these.
pub(super) const BETAS: [f64; 2] = [-80.0, 30.0];

impl<T: Real> Informed<T> for Idbd<T> {
    fn needs(&self) -> Needs {
        Needs::Slopes
    }

    fn step_with(&mut self, params: &mut Params<T>, grads: &mut Grads<T>, mut example: Example<'_, T>) -> Step {
        require(self);
        if !example.is_accepted(params, grads, &mut self.groups) {
            return Step::Refused;
        }
        let per_gradient = T::from_f64(-example.curvature.recip());
        let squares = example.squares();
        let [meta, two] = [self.meta_rate, 2.0].map(T::from_f64);
        let [lowest, highest] = BETAS.map(T::from_f64);
        let Idbd { learning_rate, groups, rates, memory, ages, .. } = self;
        rates.align(params.layout());
        memory.align(params.layout());
        let [betas, memory] = [rates, memory].map(Flat::as_mut_slice);
        let mut sweep = Sweep { params, grads, groups, ages, rate: *learning_rate, decay: 0.0 };
        let step = sweep.walk(
            #[inline(always)]
            |range, at, w, g| {
                let ((factor, slopes), initial) = (squares.of(&range, g), T::from_f64(at.rate));
                let [betas, memory] = [&mut betas[range.clone()], &mut memory[range]];
                for ((((w, &g), &s), beta), h) in w.iter_mut().zip(g).zip(slopes).zip(betas).zip(memory) {
                    let error = per_gradient * g; // δx
                    let by = (meta * error * *h).maximum(-two).minimum(two);
                    *beta = flushed((*beta + by).maximum(lowest).minimum(highest));
                    let alpha = initial * beta.exp();
                    *w += alpha * error;
                    *h = flushed(*h * (T::ONE - alpha * factor * s * s).maximum(T::ZERO) + alpha * error);
                }
            },
        );
        grads.zero();
        example.slopes.iter_mut().for_each(|slopes| slopes.zero());
        step
    }
}

impl<T: Real> Optimizer<T> for Idbd<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        self.step_with(params, grads, Example::default())
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("meta_rate", Number(&mut self.meta_rate, FROM_ZERO));
    }

    super::what_is_a_field!(rates, memory; ages);
}

#[cfg(test)]
mod tests {
    use super::super::linear::Line;
    use super::*;

    /// α₀ = 0.1, ϑ = 0.5, one input of 2, answers 1 and 1.
    #[test]
    fn known_steps() {
        let (mut line, mut rule) = (Line::new(1), Idbd::new(0.1, 0.5));
        line.learn(&mut rule, &[2.0], 1.0); // δ = 1: w = h = 0.2
        assert!((line.params.of(line.w)[0] - 0.2).abs() < 1e-15);
        assert!((rule.memory.as_slice()[0] - 0.2).abs() < 1e-15);
        line.learn(&mut rule, &[2.0], 1.0); // δ = 0.6: β = 0.5 · 1.2 · 0.2
        let alpha = 0.1 * 0.12_f64.exp();
        assert!((rule.rates(line.w).next().unwrap() - alpha).abs() < 1e-15);
        assert!((line.params.of(line.w)[0] - (0.2 + alpha * 1.2)).abs() < 1e-15);
        assert!((rule.memory.as_slice()[0] - (0.2 * (1.0 - 4.0 * alpha) + alpha * 1.2)).abs() < 1e-15);
    }

    #[test]
    fn without_a_meta_rate_it_is_gradient_descent() {
        let (mut line, mut rule, mut w) = (Line::new(2), Idbd::new(0.05, 0.0), [0.0; 2]);
        for k in 0..50 {
            let (x, y) = ([f64::from(k % 3) - 1.0, f64::from(k % 5) - 2.0], f64::from(k % 7));
            let error = line.learn(&mut rule, &x, y);
            w.iter_mut().zip(x).for_each(|(w, x)| *w += 0.05 * error * x);
        }
        line.params.of(line.w).iter().zip(w).for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
    }

    /// Of twice the squared error, with λ = 2, and of a weight of 2 on half of it.
    #[test]
    fn the_curvature_of_the_loss_is_known() {
        let mut grads = Grads::<f64>::default();
        let mut paths = [(1.0, 1.0), (1.0, 2.0)].map(|(weight, curvature)| {
            let mut line = Line::new(1);
            let mut rule = Idbd::new(0.1, 0.5);
            for _ in 0..3 {
                grads.align(line.params.layout());
                let (error, mut slopes) = (1.0 - 2.0 * line.params.of(line.w)[0], Grads::like(&line.params));
                grads.of_mut(line.w)[0] = -weight * curvature * error * 2.0;
                slopes.of_mut(line.w)[0] = 2.0;
                let example = Example { weight, curvature, ..Example::new(error) }.with_slopes(&mut slopes);
                rule.step_with(&mut line.params, &mut grads, example);
                assert_eq!(slopes.of(line.w), [0.0]);
            }
            line.params.of(line.w)[0]
        });
        paths.sort_by(f64::total_cmp);
        assert!((paths[0] - paths[1]).abs() < 1e-15, "{paths:?}");
    }
}
