//! Whichever optimizer it is.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_nn::optim::{Groups, Optimizer, Visit};
use thalweg_nn::{Adam, Step};
use thalweg_tensor::Real;

use super::bound::Bound;
use super::{Autostep, Cocob, Example, Ftrl, Hypergradient, Idbd, Informed, Needs, ObGd, ScheduleFree, Vw};

/// An optimizer that is chosen at run time, by an [`OptimizerSpec`](super::OptimizerSpec): one of this module, or of
/// [`nn`](thalweg_nn::optim).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct AnyOptimizer<T: Real = f32> {
    #[serde(deserialize_with = "within_bounds")]
    pub(super) rule: Rule<T>,
    pub(super) bound: Option<Bound<T>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub(super) enum Rule<T: Real> {
    /// One of `nn`'s, with its schedule.
    Classic(thalweg_nn::AnyOptimizer<T>),
    ObGd(ObGd<T>),
    Idbd(Idbd<T>),
    Autostep(Autostep<T>),
    Vw(Vw<T>),
    Ftrl(Ftrl<T>),
    Hypergradient(Hypergradient<T>),
    ScheduleFree(ScheduleFree<T>),
    Cocob(Cocob<T>),
}

/// The same of any optimizer.
macro_rules! each {
    ($rule:expr, $optimizer:ident => $what:expr) => {
        match $rule {
            Rule::Classic($optimizer) => $what,
            Rule::ObGd($optimizer) => $what,
            Rule::Idbd($optimizer) => $what,
            Rule::Autostep($optimizer) => $what,
            Rule::Vw($optimizer) => $what,
            Rule::Ftrl($optimizer) => $what,
            Rule::Hypergradient($optimizer) => $what,
            Rule::ScheduleFree($optimizer) => $what,
            Rule::Cocob($optimizer) => $what,
        }
    };
}

impl<T: Real> Rule<T> {
    pub const NAMES: [&'static str; 10] = [
        "obgd",
        "adaptive-obgd",
        "idbd",
        "autostep",
        "vw",
        "ftrl",
        "hypergradient",
        "schedule-free-sgd",
        "schedule-free-adamw",
        "cocob",
    ];

    /// The optimizer of this module with this name, with its defaults.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "obgd" => Rule::ObGd(ObGd::new(1.0)),
            "adaptive-obgd" => Rule::ObGd(ObGd::adaptive(1.0)),
            "idbd" => Rule::Idbd(Idbd::new(0.01, 0.001)),
            "autostep" => Rule::Autostep(Autostep::new(1.0)),
            "vw" => Rule::Vw(Vw::new(0.5)),
            "ftrl" => Rule::Ftrl(Ftrl::new(0.05)),
            "hypergradient" => Rule::Hypergradient(Hypergradient::new(0.03, 0.0001)),
            "schedule-free-sgd" => Rule::ScheduleFree(ScheduleFree::sgd(0.1)),
            "schedule-free-adamw" => Rule::ScheduleFree(ScheduleFree::adamw(0.003)),
            "cocob" => Rule::Cocob(Cocob::new()),
            _ => return None,
        })
    }

    /// Whether nothing but θ says where the next step begins, so that part of a step may be taken back.
    pub fn can_be_bound(&self) -> bool {
        !matches!(self, Rule::ScheduleFree(_) | Rule::Cocob(_))
    }

    /// Whether others may move θ between steps, too: Schedule-Free predicts by another.
    pub fn shares(&self) -> bool {
        !matches!(self, Rule::ScheduleFree(_))
    }

    /// Whether it is for linear models alone: θ that shrinks with the largest slope so far.
    pub fn is_for_features(&self) -> bool {
        matches!(self, Rule::Vw(vw) if vw.rescales)
    }

    pub fn get(&self) -> &dyn Optimizer<T> {
        each!(self, optimizer => optimizer)
    }

    pub fn get_mut(&mut self) -> &mut dyn Optimizer<T> {
        each!(self, optimizer => optimizer)
    }

    fn informed(&self) -> Option<&dyn Informed<T>> {
        match self {
            Rule::ObGd(rule) => Some(rule),
            Rule::Idbd(rule) => Some(rule),
            Rule::Autostep(rule) => Some(rule),
            Rule::Vw(rule) => Some(rule),
            _ => None,
        }
    }

    /// A step at `scale` times the rate, which itself stays what it is.
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>, example: Example<'_, T>, scale: f64) -> Step {
        if let Rule::Classic(optimizer) = self {
            return optimizer.step_scaled(params, grads, scale);
        }
        let rate = self.get().learning_rate();
        self.get_mut().set_learning_rate((rate * scale).min(f64::MAX));
        let step = match &mut *self {
            Rule::ObGd(rule) => rule.step_with(params, grads, example),
            Rule::Idbd(rule) => rule.step_with(params, grads, example),
            Rule::Autostep(rule) => rule.step_with(params, grads, example),
            Rule::Vw(rule) => rule.step_with(params, grads, example),
            rule => rule.get_mut().step(params, grads),
        };
        self.get_mut().set_learning_rate(rate);
        step
    }
}

fn within_bounds<'de, T, D>(from: D) -> Result<Rule<T>, D::Error>
where
    T: Real + Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    let mut rule = Rule::deserialize(from)?;
    rule.get_mut().check().map_err(serde::de::Error::custom)?;
    Ok(rule)
}

impl<T: Real> AnyOptimizer<T> {
    /// The optimizer, if it is [`Adam`] (or AdamW, or AMSGrad): its moments, for instance.
    pub fn as_adam(&self) -> Option<&Adam<T>> {
        if let Rule::Classic(optimizer) = &self.rule { optimizer.as_adam() } else { None }
    }

    /// Follows θ where it has grown, if [`swap`](AnyOptimizer::swap) looks at what it keeps.
    ///
    /// # Panics
    /// If it was made for other parameters.
    #[track_caller]
    pub fn align(&mut self, params: &Params<T>) {
        if let Rule::ScheduleFree(rule) = &mut self.rule {
            rule.align(params);
        }
    }

    /// Exchanges θ and what predicts in its place, where that is another: see [`ScheduleFree::swap`]. Twice is nothing.
    ///
    /// # Panics
    /// If it was made for other parameters.
    #[track_caller]
    pub fn swap(&mut self, params: &mut Params<T>) {
        if let Rule::ScheduleFree(rule) = &mut self.rule {
            rule.swap(params);
        }
    }

    /// The rate that it goes by now, as far as one number says it: what [`Hypergradient`] has made of it; of others, the
    /// [learning rate](Optimizer::learning_rate), which those with a rate for each element, or a bound, multiply by their own.
    pub fn rate(&self) -> f64 {
        if let Rule::Hypergradient(rule) = &self.rule { rule.rate() } else { self.learning_rate() }
    }

    /// [`step_with`](Informed::step_with) at `scale` times the learning rate, which itself stays what it is.
    ///
    /// # Panics
    /// If `scale` is negative or NaN, or the optimizer was made for other parameters.
    #[track_caller]
    pub fn step_scaled(
        &mut self,
        params: &mut Params<T>,
        grads: &mut Grads<T>,
        example: Example<'_, T>,
        scale: f64,
    ) -> Step {
        assert!(scale >= 0.0, "step_scaled: scale ≥ 0: {scale}");
        let AnyOptimizer { rule, bound } = self;
        match bound {
            Some(bound) => {
                bound.around(params, grads, example, |params, grads, example| rule.step(params, grads, example, scale))
            }
            None => rule.step(params, grads, example, scale),
        }
    }
}

impl<T: Real> Informed<T> for AnyOptimizer<T> {
    fn needs(&self) -> Needs {
        let bound = if self.bound.is_some() { Needs::Error } else { Needs::Gradient };
        self.rule.informed().map_or(bound, |rule| rule.needs().max(bound))
    }

    fn step_with(&mut self, params: &mut Params<T>, grads: &mut Grads<T>, example: Example<'_, T>) -> Step {
        self.step_scaled(params, grads, example, 1.0)
    }
}

impl<T: Real> Optimizer<T> for AnyOptimizer<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        self.step_with(params, grads, Example::default())
    }

    fn learning_rate(&self) -> f64 {
        self.rule.get().learning_rate()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.rule.get_mut().set_learning_rate(learning_rate);
    }

    fn groups_mut(&mut self) -> &mut Groups {
        self.rule.get_mut().groups_mut()
    }

    fn vectors(&self) -> Vec<&Flat<T>> {
        self.rule.get().vectors()
    }

    fn forget(&mut self, param: Param, axis: usize, index: usize) {
        self.rule.get_mut().forget(param, axis, index);
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        self.rule.get_mut().hyperparameters(visit);
    }
}
