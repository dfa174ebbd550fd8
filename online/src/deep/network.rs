//! The network of a learner: a body that may be recurrent, and a linear head.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Var};
use thalweg_nn::{Activation, Cell, CellOptions, Gru, GruForm, Linear, Lstm, Rnn, State};
use thalweg_tensor::Rng;

use super::model::{CellKind, Model};
use super::recurrent::Recurrent;

/// Handles into θ: a body and a head. Inputs grow at the first layer, outputs at the head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    body: Body,
    head: Linear,
    inputs: usize,
    outputs: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Body {
    Layers(Vec<Linear>),
    Rnn(Rnn),
    Lstm(Lstm),
    Gru(Gru),
}

impl Network {
    /// Adds the network's parameters to θ, initialised as PyTorch does.
    pub(super) fn new(params: &mut Params<f32>, model: &Model, inputs: usize, outputs: usize, rng: &mut Rng) -> Self {
        let (body, width) = match model {
            Model::Linear => (Body::Layers(Vec::new()), inputs),
            Model::Mlp(widths) => {
                let mut before = inputs;
                let mut layer = |(index, &width): (usize, &usize)| {
                    let layer = Linear::new(params, &format!("mlp.{index}"), before, width, rng);
                    before = width;
                    layer
                };
                let layers: Vec<Linear> = widths.iter().enumerate().map(&mut layer).collect();
                // Units without inputs and with biases of zero would be dead for ever: ReLU has no slope there.
                if let Some(bias) = layers.first().filter(|_| inputs == 0).and_then(|first| first.bias) {
                    params.of_mut(bias).iter_mut().for_each(|bias| *bias = rng.range(-1.0, 1.0) as f32);
                }
                (Body::Layers(layers), before)
            }
            &Model::Recurrent { cell, hidden, .. } => {
                let body = match cell {
                    CellKind::Rnn => Body::Rnn(Rnn::new(params, "rnn", inputs, hidden, rng)),
                    CellKind::Lstm => Body::Lstm(Lstm::new(params, "lstm", inputs, hidden, rng)),
                    CellKind::Gru => Body::Gru(Gru::new(params, "gru", inputs, hidden, rng)),
                    CellKind::GruChung => {
                        Body::Gru(Gru::with(params, "gru", CellOptions::new(inputs, hidden).form(GruForm::CHUNG), rng))
                    }
                };
                (body, hidden)
            }
        };
        Network { body, head: Linear::new(params, "head", width, outputs, rng), inputs, outputs }
    }

    /// Grows to this many inputs and outputs, with weights of zero.
    pub(super) fn grow(&mut self, params: &mut Params<f32>, inputs: usize, outputs: usize) {
        if inputs > self.inputs {
            let by = inputs - self.inputs;
            match &self.body {
                Body::Layers(layers) => layers.first().unwrap_or(&self.head).grow_inputs(params, by),
                Body::Rnn(cell) => cell.grow_inputs(params, by),
                Body::Lstm(cell) => cell.grow_inputs(params, by),
                Body::Gru(cell) => cell.grow_inputs(params, by),
            }
            self.inputs = inputs;
        }
        if outputs > self.outputs {
            self.head.grow_outputs(params, outputs - self.outputs);
            self.outputs = outputs;
        }
    }

    /// The state before the first row; empty of a network that carries none.
    pub(super) fn zero_state(&self, params: &Params<f32>) -> State {
        match &self.body {
            Body::Layers(_) => State::default(),
            Body::Rnn(cell) => cell.zero_state(params),
            Body::Lstm(cell) => cell.zero_state(params),
            Body::Gru(cell) => cell.zero_state(params),
        }
    }

    /// Rows `[t, in]` → the output after the last of them, `[out]`. A network that carries a state begins with `state`,
    /// and tells `carry` the states after the first and after the last row.
    pub(super) fn forward<'p>(&self, x: Var<'p>, state: &State, carry: Option<&mut Recurrent>) -> Var<'p> {
        let features = match &self.body {
            Body::Layers(layers) => {
                let last = x.row(x.shape().dims()[0] - 1);
                layers.iter().fold(last, |x, layer| layer.forward_with(x, Activation::Relu))
            }
            Body::Rnn(cell) => unroll(cell, x, state, carry),
            Body::Lstm(cell) => unroll(cell, x, state, carry),
            Body::Gru(cell) => unroll(cell, x, state, carry),
        };
        self.head.forward(features)
    }
}

/// Runs a cell over rows `[t, in]`, t ≥ 1; the last output.
fn unroll<'p, C: Cell>(cell: &C, x: Var<'p>, start: &State, carry: Option<&mut Recurrent>) -> Var<'p> {
    let steps = x.shape().dims()[0];
    let (mut output, first) = cell.last(x.slice(0, 0..1), cell.enter(x.pass(), start));
    let mut last = first;
    if steps > 1 {
        (output, last) = cell.last(x.slice(0, 1..steps), first);
    }
    if let Some(recurrent) = carry {
        recurrent.carry(|after_first, after_last| {
            cell.leave(first, after_first);
            cell.leave(last, after_last);
        });
    }
    output
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Deep};
    use super::*;
    use crate::{Learner, OptimizerSpec, Target, Task};
    use thalweg_autograd::Flat;

    /// The numbers of a vector laid out like θ, by the name of their tensor and their row and column.
    fn elements(vector: &Flat<f32>) -> Vec<(String, [usize; 2], u32)> {
        let mut elements = Vec::new();
        for (param, entry) in vector.layout().iter() {
            let (_, width) = entry.table();
            let at = |index| [index / width, index % width];
            let numbers = vector.of(param).iter().enumerate();
            elements.extend(numbers.map(|(index, x)| (entry.name().to_owned(), at(index), x.to_bits())));
        }
        elements
    }

    /// Growth alone, without the step that follows it: θ and Adam's moments of what is old are in place, the rest is 0.
    #[test]
    fn growth_moves_neither_theta_nor_moments() -> Result<(), crate::Error> {
        for model in ["linear", "mlp:7,5", "rnn:5", "lstm:4", "gru:4", "gru:4,form=chung"] {
            let (model, optimizer) = (Model::parse(model)?, OptimizerSpec::parse("adam:0.01")?);
            let mut learner = Deep::new(Config { model, optimizer, ..Config::new(Task::Classify) });
            for k in 0..20 {
                let x = [("a", f64::from(k % 7)), ("b", f64::from(k % 3))];
                learner.learn_one(&x, Target::Class(["low", "high"][k as usize % 2]))?;
            }
            let old = [learner.params(), learner.moments().expect("Adam has moments")[0]].map(elements);
            learner.grow(&[("b", Some(1.0)), ("a", None), ("new", Some(1.0))], Target::Class("new"))?;
            let mut first = learner.moments().expect("Adam has moments")[0].clone();
            first.align(learner.params().layout());
            for (old, new) in old.into_iter().zip([learner.params(), &first].map(elements)) {
                assert!(new.len() > old.len());
                assert!(old.iter().any(|(_, _, bits)| *bits != 0), "there is something to lose");
                let mut old = old.iter().peekable();
                for element in &new {
                    // Both are in the order of names, rows and columns.
                    assert!(old.next_if_eq(&element).is_some() || element.2 == 0, "{element:?}");
                }
                assert_eq!(old.next(), None, "all that was there is in place");
            }
        }
        Ok(())
    }
}
