//! What the tests of all rules share: sequences with a loss at every step, and their gradients by backpropagation.

use proptest::prelude::*;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Cell, CellOptions};
use thalweg_tensor::Rng;

use super::{Rtrl, Traced};

/// A sequence of random inputs and of random `∂L_t/∂h_t`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub inputs: usize,
    pub hidden: usize,
    pub steps: usize,
    pub seed: u64,
}

/// What a rule says of a case.
#[derive(Debug, PartialEq)]
pub(super) struct Learned {
    /// ∇L, parameter by parameter.
    pub gradient: Vec<f64>,
    pub outputs: Vec<Vec<f64>>,
    pub dx: Vec<Vec<f64>>,
}

impl Case {
    /// Up to these sizes, and at least 1.
    pub fn any(inputs: usize, hidden: usize, steps: usize) -> impl Strategy<Value = Case> {
        let sizes = (1..=inputs, 1..=hidden, 1..=steps, any::<u64>());
        sizes.prop_map(|(inputs, hidden, steps, seed)| Case { inputs, hidden, steps, seed })
    }

    pub fn options<F: Default>(&self) -> CellOptions<F> {
        CellOptions::new(self.inputs, self.hidden)
    }

    pub fn rng(&self) -> Rng {
        Rng::new(self.seed)
    }

    /// The input of step t, of which wider cases see more.
    pub fn x(&self, t: usize) -> Vec<f64> {
        (0..self.inputs).map(|i| Rng::new(self.seed ^ (1000 * t + i) as u64).normal()).collect()
    }

    /// `∂L_t/∂h_t`.
    pub fn dh(&self, t: usize, outputs: usize) -> Vec<f64> {
        let mut rng = Rng::new(!self.seed ^ t as u64);
        (0..outputs).map(|_| rng.normal()).collect()
    }
}

/// Runs a case, learning at every step.
pub(super) fn learned(rule: &mut impl Traced<f64>, params: &Params<f64>, case: &Case) -> Learned {
    let (mut grads, mut outputs, mut dxs) = (Grads::like(params), Vec::new(), Vec::new());
    for t in 0..case.steps {
        let h = rule.step(params, &case.x(t)).to_vec();
        let mut dx = vec![f64::NAN; case.inputs];
        rule.learn(params, &case.dh(t, h.len()), &mut grads, &mut dx);
        outputs.push(h);
        dxs.push(dx);
    }
    Learned { gradient: flat(params, &mut grads), outputs, dx: dxs }
}

/// The same gradient by backpropagation through all steps.
pub(super) fn bptt<C: Cell>(cell: &C, params: &Params<f64>, case: &Case) -> Vec<f64> {
    let (mut tape, mut grads) = (Tape::new(), Grads::like(params));
    let pass = tape.pass(params);
    let mut state = cell.enter(&pass, &cell.zero_state(params));
    let mut loss = pass.zeros([]);
    for t in 0..case.steps {
        let (h, next) = cell.equations(pass.input(&case.x(t)), state);
        loss = loss + (h * pass.input(&case.dh(t, h.shape().len()))).sum();
        state = next;
    }
    loss.backward(&mut grads);
    flat(params, &mut grads)
}

/// All numbers of a gradient, parameter by parameter.
pub(super) fn flat(params: &Params<f64>, grads: &mut Grads<f64>) -> Vec<f64> {
    params.layout().iter().flat_map(|(param, _)| grads.of(param).to_vec()).collect()
}

#[track_caller]
pub(super) fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1.0, |scale: f64, e| scale.max(e.abs()));
    for (index, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= 1e-9 * scale, "element {index}: {f} instead of {e}");
    }
}

/// The slope of the sum of all losses along each parameter, by central differences.
pub(super) fn by_differences<C: Cell>(cell: &C, params: &Params<f64>, case: &Case) -> Vec<f64> {
    let loss = |params: &Params<f64>| {
        let (mut tape, mut loss) = (Tape::new(), 0.0);
        let mut state = cell.zero_state(params);
        for t in 0..case.steps {
            let pass = tape.pass(params);
            let (h, next) = cell.step(pass.input(&case.x(t)), cell.enter(&pass, &state));
            loss += h.with(|h| h.iter().zip(case.dh(t, h.len())).map(|(h, d)| h * d).sum::<f64>());
            cell.leave(next, &mut state);
        }
        loss
    };
    let (mut slopes, mut moved, step) = (Vec::new(), params.clone(), 1e-6);
    for (param, entry) in params.layout().iter() {
        for at in 0..entry.shape().len() {
            let mut at_distance = |distance: f64| {
                moved.of_mut(param)[at] = params.of(param)[at] + distance;
                loss(&moved)
            };
            slopes.push((at_distance(step) - at_distance(-step)) / (2.0 * step));
            moved.of_mut(param)[at] = params.of(param)[at];
        }
    }
    slopes
}

/// The laws of a layer whose traces are all that there is: its gradient is that of backpropagation through all steps, of
/// RTRL and of differences; its outputs and ∂L/∂x are those of the tape; a new sequence has no past; inputs grow.
#[track_caller]
pub(super) fn is_exact<C: Cell + Copy, R: Traced<f64> + Clone + PartialEq + std::fmt::Debug>(
    case: &Case,
    cell: impl Fn(&mut Params<f64>) -> C,
    rule: impl Fn(C, &Params<f64>) -> R,
) {
    let mut params = Params::new();
    let cell = cell(&mut params);
    let mut layer = rule(cell, &params);
    let found = learned(&mut layer, &params, case);
    assert_near(&found.gradient, &bptt(&cell, &params, case));
    let exact = learned(&mut Rtrl::new(cell, &params), &params, case);
    assert_near(&found.gradient, &exact.gradient);
    found.outputs.iter().zip(&exact.outputs).for_each(|(found, exact)| assert_near(found, exact));
    found.dx.iter().zip(&exact.dx).for_each(|(found, exact)| assert_near(found, exact));
    for (found, slope) in found.gradient.iter().zip(by_differences(&cell, &params, case)) {
        assert!((found - slope).abs() < 1e-4 * (1.0 + slope.abs()), "{found} instead of about {slope}");
    }

    let mut grown = layer.clone();
    let old = learned(&mut layer, &params, case);
    layer.reset();
    assert_eq!(learned(&mut layer, &params, case), found);
    cell.grow_inputs(&mut params, 1);
    let new = learned(&mut grown, &params, &Case { inputs: case.inputs + 1, ..*case });
    let alike = new.outputs.iter().flatten().zip(old.outputs.iter().flatten());
    assert!(alike.into_iter().all(|(new, old)| new == old), "growth changes no output");
    let mut rest = new.gradient.iter();
    assert!(old.gradient.iter().all(|old| rest.any(|new| (new - old).abs() < 1e-9)), "old gradients keep their order");
}
