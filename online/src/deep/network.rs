//! The network of a learner: vectors of categories, a body that may be recurrent, and a linear head.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Var};
use thalweg_nn::{Linear, Mode, Network as Body, NetworkSpec, State};
use thalweg_tensor::Rng;

use super::depth::Exit;
use super::inputs::{self, Inputs};
use super::model::takes_rows;
use super::recurrent::{Moves, Recurrent};
use crate::error::{Error, ErrorKind};
use crate::features::Features;
use crate::recurrent::{Cuts, TracedNetwork};

/// Handles into θ: a body, a head, and the [vectors](Inputs) of categories. Inputs grow at the first layer, outputs at the
/// head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    pub(super) inputs: Inputs,
    pub(super) body: Body,
    pub(super) head: Linear,
    /// What makes outputs elsewhere, from the inputs on, where there are exits at every depth.
    pub(super) exits: Vec<Exit>,
    pub(super) outputs: usize,
}

impl Network {
    /// Adds the network's parameters to θ, initialised as PyTorch does.
    ///
    /// # Errors
    ///
    /// If the layers do not fit one another, or so many inputs, or cannot learn row by row.
    pub(super) fn new(
        params: &mut Params<f32>,
        spec: &NetworkSpec,
        features: &Features,
        outputs: usize,
        has_exits: bool,
        rng: &mut Rng,
    ) -> Result<Self, Error> {
        takes_rows(spec)?;
        let body = Body::new(params, "body", spec, [Inputs::width_of(features)], rng)?;
        let width = body.output().len();
        let head = Linear::new(params, "head", width, outputs, rng);
        let exits = if has_exits { Exit::add(params, &body, head, outputs, rng) } else { Vec::new() };
        let mut inputs = Inputs::default();
        inputs.grow(params, features); // what the weights behind them are, the body has drawn
        Ok(Network { inputs, body, head, exits, outputs })
    }

    /// What stands between the columns of features and the body.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The layers below the head.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// What makes outputs of what the body gives.
    #[must_use]
    pub fn head(&self) -> Linear {
        self.head
    }

    /// Grows to these features and this many outputs, with weights of zero; but for those [behind](Inputs) vectors, which are
    /// zero themselves.
    ///
    /// # Errors
    ///
    /// If there are new inputs, and the first layer cannot take more; then nothing has grown.
    pub(super) fn grow(
        &mut self,
        params: &mut Params<f32>,
        features: &Features,
        outputs: usize,
        seed: u64,
    ) -> Result<(), Error> {
        let (known, inputs) = (self.body.input().len(), Inputs::width_of(features));
        let before = if inputs > known { inputs::widths(params) } else { Vec::new() };
        if inputs > known {
            let width = self.body.output().len();
            if !self.body.grow_inputs(params, inputs - known) {
                let found = format!("{inputs} inputs to {}", self.body.spec());
                return Err(Error::expected(ErrorKind::Spec, &format!("{known} inputs, as before"), &found));
            }
            // What passes its inputs on gives more of them.
            self.head.grow_inputs(params, self.body.output().len() - width);
            self.exits.first().into_iter().for_each(|exit| exit.linear.grow_inputs(params, inputs - known));
        }
        if self.inputs.are_behind(features) {
            let new = self.inputs.grow(params, features);
            // Drawn by the place, and not by a generator that others draw from: what is replayed stays the same.
            inputs::draw(params, &before, known, &new, &mut Rng::new(seed.wrapping_add(inputs as u64)));
        }
        if outputs > self.outputs {
            self.heads().for_each(|head| head.grow_outputs(params, outputs - self.outputs));
            self.outputs = outputs;
        }
        Ok(())
    }

    /// The state before the first row; empty of a network that carries none.
    pub(super) fn zero_state(&self, params: &Params<f32>) -> State {
        self.body.zero_state(params)
    }

    /// A row `[in]`, as [`Inputs`] give it → the output, and where the pass was cut, for recurrent layers that keep traces.
    /// `carry` is told the state after it. A state that is not finite begins anew, with its traces.
    pub(super) fn step<'p>(
        &self,
        x: Var<'p>,
        traced: &mut TracedNetwork,
        (recurrent, moves): (&mut Recurrent, Moves),
        mode: &mut Mode,
        see: &mut dyn FnMut(usize, Var<'p>),
    ) -> (Var<'p>, Cuts<'p>) {
        let (features, cuts) = traced.step_observed(&self.body, x, mode, see);
        let began_anew = recurrent.carry(moves, |after_first, after_last| {
            [after_first, after_last].into_iter().for_each(|state| traced.leave(state));
        });
        if began_anew {
            traced.reset();
        }
        (self.head.forward(features), cuts)
    }

    /// [`forward`](Network::forward) that nobody watches.
    pub(super) fn say<'p>(&self, x: Var<'p>, state: &State) -> Var<'p> {
        self.forward(x, state, None, &mut Mode::Eval, &mut |_, _| {})
    }

    /// Rows `[t, in]`, as [`Inputs`] give them → the output after the last of them, `[out]`. A network that carries a state begins with `state`,
    /// and tells `carry` the states after the first and after the last row, and which of them move on. `see` is shown what each
    /// layer of the body gives.
    pub(super) fn forward<'p>(
        &self,
        x: Var<'p>,
        state: &State,
        carry: Option<(&mut Recurrent, Moves)>,
        mode: &mut Mode,
        see: &mut dyn FnMut(usize, Var<'p>),
    ) -> Var<'p> {
        let (steps, start) = (x.shape().dims()[0], self.body.enter(x.pass(), state));
        let features = if self.body.is_recurrent() {
            let (mut output, first) = self.body.sequence_observed(x.slice(0, 0..1), start, mode, see);
            let mut last = first;
            if steps > 1 {
                (output, last) = self.body.sequence_observed(x.slice(0, 1..steps), first, mode, see);
            }
            if let Some((recurrent, moves)) = carry {
                recurrent.carry(moves, |after_first, after_last| {
                    self.body.leave(first, after_first);
                    self.body.leave(last, after_last);
                });
            }
            output.row(output.shape().dims()[0] - 1)
        } else {
            self.body.step_observed(x.row(steps - 1), start, mode, see).0
        };
        self.head.forward(features)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Deep, Model};
    use crate::{Learner, Target, Task};
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
        for model in [
            "linear",
            "mlp:7,5",
            "rnn:5",
            "lstm:4",
            "gru:4",
            "gru:4,form=chung",
            "lru:4",
            "rtu:4,form=tanh",
            "elstm:4",
            "lstm:3x2 > mlp:4",
            "relu",
            "prelu > linear:4 > residual(gru:4)",
        ] {
            let (model, optimizer) = (Model::parse(model)?, "adam:0.01".parse()?);
            let mut learner = Deep::new(Config { model, optimizer, ..Config::new(Task::Classify) });
            for k in 0..20 {
                let x = [("a", f64::from(k % 7)), ("b", f64::from(k % 3))];
                learner.learn_one(&x, Target::Class(["low", "high"][k as usize % 2]))?;
            }
            let old = [learner.params(), learner.moments().expect("Adam has moments")[0]].map(elements);
            learner.grow(&[("b", Some(1.0)), ("a", None), ("new", Some(1.0))], Target::Class("new"), 1.0)?;
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
