//! Layers of cells, hidden units that grow, truncated backpropagation, layer normalisation.

mod cells;
mod growing;
mod lengths;
mod reading;
mod stacks;
mod tbptt;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::{Cell, Recurrent, RecurrentOptions, State};
use thalweg_tensor::{Rng, Tensor};

use crate::support::Testable;

type Verdict = Result<(), TestCaseError>;

/// A random network and what goes through it.
#[derive(Clone, Debug)]
struct Case {
    inputs: usize,
    hidden: usize,
    layers: usize,
    bidirectional: bool,
    bias: bool,
    batch: usize,
    steps: usize,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1usize..6, 1usize..8, 1usize..4, 1usize..5, 1usize..6);
    (sizes, any::<bool>(), any::<bool>(), any::<u64>()).prop_map(|(sizes, bidirectional, bias, seed)| {
        let (inputs, hidden, layers, batch, steps) = sizes;
        Case { inputs, hidden, layers, bidirectional, bias, batch, steps, seed }
    })
}

impl Case {
    /// What begins at the end, too, has no single steps.
    fn one_way(&self) -> Case {
        Case { bidirectional: false, ..self.clone() }
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    fn options<C: Testable>(&self, form: usize) -> RecurrentOptions<C::Form> {
        let options = RecurrentOptions::new(self.inputs, self.hidden).bias(self.bias).form(C::form(form));
        options.layers(self.layers).bidirectional(self.bidirectional)
    }

    fn network<C: Testable>(&self, form: usize, rng: &mut Rng) -> (Params<f64>, Recurrent<C>) {
        let mut params = Params::new();
        let network = Recurrent::with(&mut params, "net", self.options::<C>(form), rng);
        (params, network)
    }

    /// `[t, n, in]`.
    fn input(&self, rng: &mut Rng) -> Tensor<f64> {
        Tensor::uniform([self.steps, self.batch, self.inputs], -1.5, 1.5, rng)
    }

    /// PyTorch's state, `[layers·directions, n, hidden]`.
    fn state<C: Testable>(&self, rng: &mut Rng) -> State<f64> {
        let shape = [self.layers * self.directions(), self.batch, self.hidden];
        State { parts: (0..C::PARTS).map(|_| Tensor::uniform(shape, -1.0, 1.0, rng)).collect() }
    }
}

/// What a computation gives: its values, and the gradients of `⟨values, cotangent⟩` with respect to θ, x and the state.
struct Outcome {
    values: Vec<f64>,
    gradients: Vec<f64>,
    of_input: Vec<f64>,
}

/// Runs `f(x, state) → (outputs, state)` on leaves, with a cotangent that depends on the seed only.
fn outcome<C: Testable>(
    params: &Params<f64>,
    x: &Tensor<f64>,
    state: &State<f64>,
    seed: u64,
    f: impl for<'p> Fn(Var<'p, f64>, C::State<'p, f64>) -> (Var<'p, f64>, C::State<'p, f64>),
) -> Outcome {
    let (mut tape, mut grads) = (Tape::new(), Grads::like(params));
    let pass = tape.pass(params);
    let (x, state): (_, Vec<_>) = (pass.leaf(x), state.parts.iter().map(|part| pass.leaf(part)).collect());
    let (outputs, last) = f(x, C::join(&state));
    let all: Vec<_> = [outputs].into_iter().chain(C::parts(last)).map(|v| v.reshape([v.shape().len()])).collect();
    let all = Var::concat(&all, 0);
    let mut rng = Rng::new(seed);
    let cotangent: Vec<f64> = (0..all.shape().len()).map(|_| rng.normal()).collect();
    all.backward_from(&cotangent, &mut grads);
    let read = |leaf: Var<'_, f64>| {
        let mut gradient = vec![f64::NAN; leaf.shape().len()];
        leaf.grad_to(&mut gradient);
        gradient
    };
    let of_input = [x].into_iter().chain(state).flat_map(read).collect();
    Outcome { values: all.to_tensor().into_vec(), gradients: grads.as_slice().to_vec(), of_input }
}

/// Two ways to the same result.
#[track_caller]
fn assert_same(found: &Outcome, expected: &Outcome, tolerance: f64) {
    crate::support::assert_close("value", &found.values, &expected.values, tolerance);
    crate::support::assert_close("gradient of θ", &found.gradients, &expected.gradients, tolerance);
    crate::support::assert_close("gradient of x and state", &found.of_input, &expected.of_input, tolerance);
}

/// Copies parameters from one θ to another: `names` gives, for each name there, the one here.
fn copy(from: &Params<f64>, to: &mut Params<f64>, names: impl Fn(&str) -> String) {
    let handles: Vec<_> = to.layout().iter().map(|(param, entry)| (param, names(entry.name()))).collect();
    for (param, name) in handles {
        let source = from.find(&name).unwrap_or_else(|| panic!("there is no {name}"));
        to.of_mut(param).copy_from_slice(from.of(source));
    }
}

/// The outputs and the last state by steps, from a carried state that leaves the pass after each.
fn carried<C: Cell>(params: &Params<f64>, cell: &C, x: &Tensor<f64>, state: &mut State<f64>) -> Vec<f64> {
    let (mut tape, mut outputs) = (Tape::new(), Vec::new());
    for t in 0..x.shape().dims()[0] {
        let pass = tape.pass(params);
        let (output, next) = cell.step(pass.input(x.view().row(t)), cell.enter(&pass, state));
        output.with(|y| outputs.extend_from_slice(y));
        cell.leave(next, state);
    }
    outputs
}
