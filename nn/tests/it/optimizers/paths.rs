//! Where optimizers go: PyTorch's own paths (2.15, float64), and down to the minimum.

use std::collections::BTreeMap;

use serde::Deserialize;
use thalweg_autograd::{Grads, Param, Params, Pass, Tape, Var};
use thalweg_nn::{Adadelta, Adagrad, Adam, Adamax, NAdam, Optimizer, RAdam, RmsProp, Sgd, Step};
use thalweg_tensor::Tensor;

use super::with;
use crate::support::assert_close;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Path>,
}

/// Where an optimizer stands after some steps over given gradients.
#[derive(Deserialize)]
struct Path {
    optimizer: String,
    attrs: Attributes,
    start: Tensor<f64>,
    /// `[steps, …]`.
    gradients: Tensor<f64>,
    /// By number of steps.
    after: BTreeMap<usize, Tensor<f64>>,
}

/// What the cases set beside PyTorch's defaults; anything else is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    lr: f64,
    momentum: Option<f64>,
    nesterov: Option<bool>,
    dampening: Option<f64>,
    weight_decay: Option<f64>,
    lr_decay: Option<f64>,
    centered: Option<bool>,
    amsgrad: Option<bool>,
}

impl Attributes {
    /// The optimizer of this name with these settings; each setting must have a place.
    fn optimizer(&self, name: &str) -> Box<dyn Optimizer<f64>> {
        let &Attributes { lr, momentum, nesterov, dampening, weight_decay, lr_decay, centered, amsgrad } = self;
        let set = |place: &mut f64, value: Option<f64>| *place = value.unwrap_or(*place);
        let of_others =
            (lr_decay.is_some(), centered.is_some(), amsgrad.is_some(), nesterov.is_some(), dampening.is_some());
        match (name, of_others) {
            ("SGD", (false, false, false, ..)) => Box::new(with(Sgd::new(lr), |o| {
                set(&mut o.momentum, momentum);
                set(&mut o.dampening, dampening);
                set(&mut o.weight_decay, weight_decay);
                o.nesterov = nesterov.unwrap_or(false);
            })),
            ("Adagrad", (_, false, false, false, false)) => Box::new(with(Adagrad::new(lr), |o| {
                set(&mut o.learning_rate_decay, lr_decay);
                set(&mut o.weight_decay, weight_decay);
            })),
            ("RMSprop", (false, _, false, false, false)) => Box::new(with(RmsProp::new(lr), |o| {
                set(&mut o.momentum, momentum);
                set(&mut o.weight_decay, weight_decay);
                o.centered = centered.unwrap_or(false);
            })),
            ("Adam" | "AdamW", (false, false, _, false, false)) => {
                let adam = if name == "Adam" { Adam::new(lr) } else { Adam::adamw(lr) };
                Box::new(with(adam, |o| {
                    set(&mut o.weight_decay, weight_decay);
                    o.amsgrad = amsgrad.unwrap_or(false);
                }))
            }
            (_, (false, false, false, false, false)) if weight_decay.is_none() => match name {
                "Adadelta" => Box::new(Adadelta::new(lr)),
                "Adamax" => Box::new(Adamax::new(lr)),
                "NAdam" => Box::new(NAdam::new(lr)),
                "RAdam" => Box::new(RAdam::new(lr)),
                _ => panic!("the fixture has an optimizer {name}"),
            },
            _ => panic!("{name} has settings that it does not know: {self:?}"),
        }
    }
}

#[test]
fn optimizers_walk_pytorchs_paths() {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../../fixtures/optimizers.json")).expect("the fixture is well formed");
    assert_eq!(fixture.cases.len(), 16);
    for Path { optimizer, attrs, start, gradients, after } in fixture.cases {
        let mut stepper = attrs.optimizer(&optimizer);
        let mut params = Params::<f64>::new();
        let w = params.add("w", start.shape(), |i| start.as_slice()[i]);
        let mut grads = Grads::like(&params);
        let mut compared = 0;
        for (step, gradient) in (1..).zip(gradients.as_slice().chunks_exact(start.shape().len())) {
            grads.of_mut(w).copy_from_slice(gradient);
            assert_eq!(stepper.step(&mut params, &mut grads), Step::Taken);
            if let Some(expected) = after.get(&step) {
                let what = format!("{optimizer} {attrs:?} after {step} steps");
                assert_close(&what, params.of(w), expected.as_slice(), 1e-10);
                compared += 1;
            }
        }
        assert_eq!(compared, after.len());
    }
}

/// The loss after some steps from `start`.
fn descend(
    mut optimizer: Box<dyn Optimizer<f64>>,
    steps: usize,
    start: &[f64],
    loss: for<'p> fn(&'p Pass<'p, f64>, Param) -> Var<'p, f64>,
) -> f64 {
    let mut params = Params::<f64>::new();
    let x = params.add("x", [start.len()], |i| start[i]);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    for _ in 0..steps {
        loss(&tape.pass(&params), x).backward(&mut grads);
        assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
    }
    loss(&tape.pass(&params), x).item()
}

/// `½ Σ kᵢ (xᵢ − i)²`, k = 1, 5, 25.
fn quadratic<'p>(pass: &'p Pass<'p, f64>, x: Param) -> Var<'p, f64> {
    let away = pass.param(x) - pass.input(&[0.0, 1.0, 2.0]);
    (away * away * pass.input(&[0.5, 2.5, 12.5])).sum()
}

/// `(1 − x)² + 100 (y − x²)²`: down into a bent valley, and along its floor.
fn rosenbrock<'p>(pass: &'p Pass<'p, f64>, x: Param) -> Var<'p, f64> {
    let (x, y) = (pass.param(x).slice(0, 0..1), pass.param(x).slice(0, 1..2));
    let (aside, off) = (pass.input(&[1.0]) - x, y - x * x);
    (aside * aside + off * off * pass.input(&[100.0])).sum()
}

#[test]
fn every_optimizer_goes_down() {
    // With the rates for the quadratic and for the valley.
    type New = fn(f64) -> Box<dyn Optimizer<f64>>;
    let optimizers: [(&str, [f64; 2], New); 12] = [
        ("SGD", [0.05, 1e-3], |rate| Box::new(Sgd::new(rate))),
        ("momentum", [0.02, 2e-4], |rate| Box::new(Sgd::with_momentum(rate, 0.9, false))),
        ("Nesterov", [0.02, 2e-4], |rate| Box::new(Sgd::with_momentum(rate, 0.9, true))),
        ("Adagrad", [0.5, 0.5], |rate| Box::new(Adagrad::new(rate))),
        ("RMSprop", [1e-3, 2e-4], |rate| Box::new(RmsProp::new(rate))),
        ("centered RMSprop", [1e-3, 2e-4], |rate| Box::new(with(RmsProp::new(rate), |o| o.centered = true))),
        ("Adadelta", [1.0, 0.1], |rate| Box::new(Adadelta::new(rate))),
        ("Adam", [0.02, 0.02], |rate| Box::new(Adam::new(rate))),
        ("AMSGrad", [0.02, 0.02], |rate| Box::new(Adam::amsgrad(rate))),
        ("Adamax", [0.05, 0.02], |rate| Box::new(Adamax::new(rate))),
        ("NAdam", [0.02, 0.02], |rate| Box::new(NAdam::new(rate))),
        ("RAdam", [0.02, 2e-3], |rate| Box::new(RAdam::new(rate))),
    ];
    for (name, [rate, valley_rate], new) in optimizers {
        let bottom = descend(new(rate), 5_000, &[2.0, -1.0, 3.0], quadratic);
        assert!(bottom < 1e-4, "{name}: {bottom} after 5000 steps from 24.5");
        let floor = descend(new(valley_rate), 20_000, &[-1.2, 1.0], rosenbrock);
        assert!(floor < 0.05, "{name}: {floor} after 20 000 steps from 24.2");
    }
}
