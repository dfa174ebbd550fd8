//! For tests: linear models, whose slopes are their inputs.

use thalweg_autograd::{Grads, Param, Params};
use thalweg_nn::Step;

use super::{Curve, Example, Informed};

/// θ of `ŷ = w·x`, its gradient and its slopes.
#[derive(Clone)]
pub(super) struct Line {
    pub params: Params<f64>,
    pub w: Param,
    grads: Grads<f64>,
    slopes: Grads<f64>,
}

impl Line {
    pub fn new(inputs: usize) -> Self {
        let mut params = Params::new();
        let w = params.add("w", [inputs], |_| 0.0);
        Line { grads: Grads::like(&params), slopes: Grads::like(&params), params, w }
    }

    pub fn predict(&self, x: &[f64]) -> f64 {
        self.params.of(self.w).iter().zip(x).map(|(w, x)| w * x).sum()
    }

    /// Learns an example by half its squared error; returns the error before.
    pub fn learn(&mut self, rule: &mut impl Informed<f64>, x: &[f64], y: f64) -> f64 {
        let error = y - self.predict(x);
        self.step(rule, x, Example::new(error));
        error
    }

    /// Learns an example by another loss.
    pub fn learn_by(&mut self, rule: &mut impl Informed<f64>, x: &[f64], curve: Curve, weight: f64) {
        self.step(rule, x, Example { weight, ..Example::of(curve, self.predict(x)) });
    }

    fn step(&mut self, rule: &mut impl Informed<f64>, x: &[f64], example: Example<'_, f64>) {
        let pull = example.weight * example.curvature * example.error;
        self.grads.of_mut(self.w).iter_mut().zip(x).for_each(|(g, x)| *g = -pull * x);
        self.slopes.of_mut(self.w).copy_from_slice(x);
        let example = example.with_slopes(&mut self.slopes);
        assert_eq!(rule.step_with(&mut self.params, &mut self.grads, example), Step::Taken);
    }
}
