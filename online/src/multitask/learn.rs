//! How a model of several tasks learns: a row becomes a lesson, a lesson becomes a step.

use thalweg_nn::{Network, Optimizer, Step};

use super::head::{Answer, Growth, TaskHead};
use super::{Lesson, MultiTask, Scratch, up};
use crate::deep::settle;
use crate::error::{Error, ErrorKind};
use crate::learn::Target;
use crate::row::{Row, weight_of};

impl MultiTask {
    /// Learns that `y` is the answer to `x` under this task, and returns the loss *before* the update: the cross entropy in
    /// nats, or the squared error of the standardised target.
    ///
    /// # Errors
    ///
    /// If `x` or `y` cannot be used, or `y` is no answer to this task; the model is then as it was before.
    pub fn learn_one(&mut self, name: &str, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        self.learn_tasks(x, &[(name, y)])
    }

    /// Learns the answers to `x` under several tasks in one step, and returns the sum of the losses before. No answers
    /// change nothing.
    ///
    /// # Errors
    ///
    /// As [`learn_one`](MultiTask::learn_one), and if a task is answered twice.
    pub fn learn_tasks(&mut self, x: &dyn Row, answers: &[(&str, Target<'_>)]) -> Result<f64, Error> {
        let weight = weight_of(x)?;
        for (index, (name, y)) in answers.iter().enumerate() {
            let checked =
                self.head(name).map_or_else(|| TaskHead::new(&self.config, y.task()).check(y), |h| h.check(y));
            checked.map_err(|error| error.in_column(*name))?;
            if answers[..index].iter().any(|(other, _)| other == name) {
                return Err(Error::expected(ErrorKind::Value, "one answer to each task", name));
            }
        }
        if answers.is_empty() {
            return Ok(0.0);
        }
        self.features.observe(x)?;
        self.scratch.lesson.weight = weight;
        self.grow(answers)?;
        self.features.read(x, &mut self.scratch.lesson.raw)?;
        let loss = self.step(None);
        self.rows += 1;
        let answers = self.heads.iter().zip(&self.scratch.lesson.answers).filter(|(_, answer)| answer.is_known);
        if answers.into_iter().all(|(head, answer)| weight * head.weight(answer) == 0.0) {
            return Ok(loss);
        }
        for _ in 0..self.config.memory.replays {
            if let Some(index) = self.memory.draw(&mut self.rng) {
                self.step(Some(index));
            }
        }
        if let Some(place) = self.memory.offer(0, &mut self.rng) {
            place.clone_from(&self.scratch.lesson);
        }
        Ok(loss)
    }

    /// Fits the trunk to the features, and the heads to the tasks and their classes.
    pub(super) fn grow(&mut self, answers: &[(&str, Target<'_>)]) -> Result<(), Error> {
        let inputs = self.features.width();
        let trunk = match &mut self.trunk {
            Some(trunk) => {
                let [known, width] = [trunk.input().len(), trunk.output().len()];
                if inputs > known && !trunk.grow_inputs(&mut self.params, inputs - known) {
                    let expected = format!("{known} inputs, as before");
                    return Err(Error::expected(ErrorKind::Spec, &expected, &inputs.to_string()));
                }
                // What passes its inputs on gives more of them.
                let more = trunk.output().len() - width;
                self.heads.iter().filter(|_| more > 0).for_each(|head| head.grow_inputs(&mut self.params, more));
                trunk
            }
            None => {
                let layers = &self.config.model.layers;
                self.trunk.insert(Network::new(&mut self.params, "body", layers, [inputs], &mut self.rng)?)
            }
        };
        let Lesson { weight, answers: kept, .. } = &mut self.scratch.lesson;
        kept.iter_mut().for_each(Answer::clear);
        for &(name, y) in answers {
            let index = self.names.insert(name);
            if index == self.heads.len() {
                self.heads.push(TaskHead::new(&self.config, y.task()));
            }
            kept.resize_with(self.heads.len(), Answer::default);
            let (width, params, rng) = (trunk.output().len(), &mut self.params, &mut self.rng);
            self.heads[index].observe(y, *weight, &mut kept[index], Growth { params, name, width, rng });
        }
        self.optimizer.align(&self.params);
        Ok(())
    }

    /// One gradient step on a lesson, that of today or one remembered; returns the losses before it, unweighted. Of a lesson
    /// without weight none is taken.
    fn step(&mut self, replayed: Option<usize>) -> f64 {
        let Scratch { tape, grads, lesson, x, z: targets, .. } = &mut self.scratch;
        let lesson = replayed.map_or(&*lesson, |index| &self.memory.items()[index]);
        let Some(trunk) = &self.trunk else { return 0.0 };
        self.features.scale(&lesson.raw, x);
        let pass = tape.pass(&self.params);
        let z = up(trunk, pass.input(&x[..]), &mut self.mode);
        let (mut value, mut sum) = (0.0, None);
        for (head, answer) in self.heads.iter().zip(&lesson.answers).filter(|(_, answer)| answer.is_known) {
            let Some(loss) = head.loss(z, answer, targets) else { continue };
            value += f64::from(loss.item());
            let loss = match lesson.weight * head.weight(answer) {
                0.0 => continue,
                1.0 => loss,
                weight => loss * weight as f32,
            };
            sum = Some(sum.map_or(loss, |sum| sum + loss));
        }
        let Some(sum) = sum else {
            self.mode.discard();
            return value;
        };
        sum.backward(grads);
        match settle(self.optimizer.step(&mut self.params, grads), &mut self.params, &mut self.mode) {
            Step::Taken => self.steps += 1,
            Step::Refused => self.refused += 1,
        }
        value
    }
}
