//! How the deep learner learns: a row becomes a lesson, a lesson becomes a step.

use thalweg_nn::{Optimizer, Step};
use thalweg_tensor::View;

use super::recurrent::Moves;
use super::{Deep, Network, Scratch, with_last};
use crate::delay::KeptRow;
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Prediction, Target, Task};
use crate::row::{Row, weight_of};

impl Deep {
    /// Takes in what is new in a row and its target, and grows the network to fit. The answer is that of the lesson in
    /// `scratch` now.
    pub(super) fn grow(&mut self, x: &dyn Row, y: Target<'_>, weight: f64) -> Result<(), Error> {
        self.features.observe(&with_last(x, &self.recurrent, self.objective.classes()))?;
        let lesson = &mut self.scratch.lesson;
        self.objective.observe(y, weight, &mut lesson.truth);
        lesson.weight = weight;
        let (features, outputs) = (&self.features, self.objective.outputs());
        match &mut self.network {
            Some(network) => network.grow(&mut self.params, features, outputs, self.config.seed)?,
            None => {
                let spec = &self.config.model.layers;
                let network = Network::new(&mut self.params, spec, features, outputs, &mut self.rng)?;
                self.recurrent.iter_mut().for_each(|r| r.begin(network.zero_state(&self.params)));
                self.network = Some(network);
            }
        }
        Ok(())
    }

    /// One gradient step on the lesson in `scratch`, or on a replayed one; returns the loss before it. A lesson without
    /// weight, its class's included, is looked at, and no step is taken. For a new lesson the recurrent state `moves` on.
    fn step(&mut self, replayed: Option<usize>, moves: Moves) -> f64 {
        let Scratch { tape, grads, lesson, x, indices, z, .. } = &mut self.scratch;
        let lesson = replayed.map_or(&*lesson, |index| &self.memory.items()[index]);
        let Some(network) = &self.network else { return 0.0 };
        let width = self.features.width();
        x.clear();
        x.resize(lesson.rows.len() * width, 0.0);
        for (raw, x) in lesson.rows.iter().zip(x.chunks_exact_mut(width.max(1))) {
            self.features.scale_into(raw, x);
        }
        let pass = tape.pass(&self.params);
        let input = network.inputs().forward(pass.input(View::new([lesson.rows.len(), width], x)), indices);
        let carry = self.recurrent.as_mut().filter(|_| replayed.is_none()).map(|recurrent| (recurrent, moves));
        let output = network.forward(input, &lesson.state, carry, &mut self.mode);
        let loss = self.objective.loss(output, &lesson.truth, z);
        let value = f64::from(loss.item());
        match lesson.weight * self.objective.class_weight(&lesson.truth) {
            0.0 => {
                self.mode.discard();
                return value;
            }
            1.0 => loss.backward(grads),
            weight => (loss * weight as f32).backward(grads),
        }
        match self.optimizer.step(&mut self.params, grads) {
            Step::Taken => {
                self.mode.update_buffers(&mut self.params);
                self.steps += 1;
            }
            Step::Refused => {
                self.mode.discard();
                self.refused += 1;
            }
        }
        value
    }

    /// See [`learn_one`](Learner::learn_one).
    fn learn(&mut self, x: &dyn Row, y: Target<'_>, moves: Moves) -> Result<f64, Error> {
        if self.network.is_none() {
            self.config.check_objective()?;
        }
        let weight = weight_of(x)?;
        self.objective.check(&y)?;
        if (y.numbers().len() > 1 || y.task() == Task::MultiLabel) && self.features.spec().uses_answers() {
            let message = format!("expected one answer a row for features made of answers, {}", self.features.spec());
            return Err(Error::new(ErrorKind::Spec, format!("{message}; found several")));
        }
        self.grow(x, y, weight)?;
        let Scratch { raw, lesson, .. } = &mut self.scratch;
        let row = with_last(x, &self.recurrent, self.objective.classes());
        self.features.read(&row, raw)?;
        self.features.told(&row, y);
        match &mut self.recurrent {
            Some(recurrent) => {
                recurrent.push(raw, lesson);
                recurrent.told(&lesson.truth);
            }
            None => lesson.set_row(raw),
        }
        let loss = self.step(None, moves);
        self.rows += 1;
        if weight * self.objective.class_weight(&self.scratch.lesson.truth) == 0.0 {
            return Ok(loss);
        }
        for _ in 0..self.config.memory.replays {
            if let Some(index) = self.memory.draw(&mut self.rng) {
                self.step(Some(index), moves);
            }
        }
        let Scratch { lesson, .. } = &self.scratch;
        if let Some(place) = self.memory.offer(&mut self.rng) {
            place.clone_from(lesson);
        }
        Ok(loss)
    }
}

impl Learner for Deep {
    fn task(&self) -> Task {
        self.config.task
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        self.logits_one(x)?;
        let Scratch { output, said, .. } = &mut self.scratch;
        Ok(match self.network {
            Some(_) => self.objective.predict(output, said),
            None => Prediction::Unknown,
        })
    }

    fn pass_one(&mut self, x: &dyn Row) -> Result<(), Error> {
        self.pass_by(x)
    }

    fn keep(&self, x: &dyn Row, kept: &mut KeptRow) {
        self.features.keep(&with_last(x, &self.recurrent, self.objective.classes()), kept);
    }

    /// Moves θ once for the new example and once for each that is replayed. The loss is the cross entropy in nats, or that of the
    /// standardised numbers or of the labels, summed; it is not multiplied by the weight of the row or of its class.
    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        self.learn(x, y, Moves::Both)
    }

    fn learn_late(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        self.learn(x, y, Moves::Window)
    }
}
