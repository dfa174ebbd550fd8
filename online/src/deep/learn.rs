//! How the deep learner learns: a row becomes a lesson, a lesson becomes a step.

use thalweg_autograd::{Grads, Params};
use thalweg_nn::{Mode, Optimizer, Step};
use thalweg_tensor::View;

use super::depth::Exits;
use super::expert::Expert;
use super::recurrent::{Lesson, Moves};
use super::{Deep, Scratch, with_last};
use crate::delay::KeptRow;
use crate::error::{Error, ErrorKind};
use crate::features::Features;
use crate::learn::{Learner, Prediction, Target, Task};
use crate::memory::Replay;
use crate::optim::{Informed, Needs};
use crate::recurrent::TracedNetwork;
use crate::row::{Row, weight_of};

impl Deep {
    /// Takes in what is new in a row and its target, and grows the network to fit. The answer is that of the lesson in
    /// `scratch` now.
    pub(super) fn grow(&mut self, x: &dyn Row, y: Target<'_>, weight: f64) -> Result<(), Error> {
        let Deep { config, features, objective, expert, panel, scratch, .. } = self;
        features.observe(&with_last(x, panel.who_knows_the_last(expert), objective.classes()))?;
        objective.observe(y, weight, &mut scratch.lesson.truth);
        scratch.lesson.weight = weight;
        expert.grow(config, features, objective.outputs())?;
        panel.others.iter_mut().try_for_each(|seat| seat.expert.grow(config, features, objective.outputs()))
    }

    /// One gradient step on a lesson; returns the loss before it. Of a lesson without weight none is taken.
    pub(super) fn step(&mut self, look: Look) -> f64 {
        let (loss, learns) = self.look(look);
        if learns {
            self.descend(look.moves().is_some());
        }
        loss
    }

    /// Runs the network over a lesson. Returns its loss, and whether a gradient was added for it: not for one without weight,
    /// its class's included. For the new lesson the recurrent state moves on.
    pub(super) fn look(&mut self, look: Look) -> (f64, bool) {
        let Deep { config, features, objective, expert, scratch, .. } = self;
        let Expert {
            params,
            network,
            optimizer,
            depth,
            memory,
            replay,
            context,
            recurrent,
            traced,
            plasticity,
            probe,
            mode,
            steps,
            ..
        } = expert;
        let Scratch { tape, grads, lesson, x, indices, z, said_now, heard, .. } = scratch;
        let lesson = look.remembered().map_or(&*lesson, |index| &memory.items()[index]);
        let Some(network) = network else { return (0.0, false) };
        scale(features, lesson, x);
        let rows = View::new([lesson.rows.len(), features.width()], x);
        let pass = tape.pass(params);
        let input = network.inputs().forward(pass.input(rows), indices);
        let carry = look.moves().and_then(|moves| Some((recurrent.as_mut()?, moves)));
        let by = if matches!(look, Look::Only(_)) { &mut Mode::Eval } else { &mut *mode };
        let learns = !matches!(look, Look::Only(_)) && lesson.weight * objective.class_weight(&lesson.truth) != 0.0;
        let mut exits = depth.as_ref().map(|_| Exits::new(network, input.row(0)));
        let see = &mut |place, h| {
            if learns {
                plasticity.see(place, h);
                probe.iter_mut().filter(|_| look.remembered().is_none()).for_each(|probe| probe.see(place, h));
            }
            exits.iter_mut().for_each(|exits| exits.see(network, place, h));
        };
        let (output, mut cuts) = match (carry, traced.as_mut()) {
            (Some(carry), Some(traced)) => {
                let (output, cuts) = network.step(input.row(0), traced, carry, by, see);
                (output, Some((traced, cuts)))
            }
            (carry, _) => (network.forward(input, &lesson.state, carry, by, see), None),
        };
        let weight = lesson.weight * objective.class_weight(&lesson.truth);
        if let (Some(depth), Some(exits)) = (depth, exits) {
            let (value, loss) =
                depth.loss(&exits, output, (objective, &lesson.truth), z, |output, loss, z| match look {
                    Look::New(_) => replay.of_new(output, loss, objective, &lesson.truth, z),
                    _ => loss,
                });
            if let Look::New(_) = look {
                said_now.clear();
                said_now.extend_from_slice(depth.mixed());
            }
            match learns {
                true => if weight == 1.0 { loss } else { loss * weight as f32 }.backward(grads),
                false => mode.discard(),
            }
            if let (true, Look::New(_)) = (learns, look) {
                depth.follow(weight);
                heard.listen(Needs::Gradient, output, weight, objective.curvature());
            }
            return (value, learns);
        }
        let loss = objective.loss(output, &lesson.truth, z);
        let value = f64::from(loss.item());
        if let Look::New(_) = look {
            said_now.clear();
            output.with(|output| said_now.extend_from_slice(output));
        }
        if !learns {
            mode.discard();
            return (value, false);
        }
        let loss = match look {
            Look::New(_) => {
                let loss = replay.of_new(output, loss, objective, &lesson.truth, z);
                let said = context.held.distil(config.task, objective.known(output), rows, |then, x| {
                    then.say(then.inputs().forward(x, indices), &lesson.state)
                });
                said.map_or(loss, |said| loss + said)
            }
            _ => replay.of_old(output, loss, &lesson.said, z),
        };
        if weight == 1.0 { loss } else { loss * weight as f32 }.backward(grads);
        if config.memory.replay == Replay::AGem && look.remembered().is_some() {
            return (value, true); // the step is that of the new lesson
        }
        let needs = optimizer.needs();
        heard.listen(needs, output, weight, objective.curvature());
        let mut add_the_past = |grads: &mut Grads<f32>| {
            if let Some((traced, cuts)) = &mut cuts {
                traced.learn(cuts, params, grads);
            }
        };
        add_the_past(grads);
        if needs == Needs::Slopes {
            add_the_past(heard.listen_again(output, config.seed.wrapping_add(*steps)));
        }
        (value, true)
    }

    /// θ moves against the gradient, which the new lesson is part of or not.
    pub(super) fn descend(&mut self, is_of_new: bool) {
        let Deep { expert, scratch: Scratch { grads, heard, is_refused, .. }, rate, .. } = self;
        let Expert { params, network, optimizer, context, traced, plasticity, probe, mode, steps, refused, .. } =
            expert;
        probe.iter_mut().for_each(|probe| probe.before_step(grads));
        plasticity.before_step(params, grads);
        context.held.before_step(params, grads);
        let step = optimizer.step_scaled(params, grads, heard.example(), *rate);
        if is_of_new {
            *is_refused = step == Step::Refused;
        }
        match settle(step, params, mode) {
            Step::Taken => {
                let rate = optimizer.rate() * *rate; // a schedule has set it in the step
                context.held.after_step(params, rate);
                plasticity.after_step(params, &mut |params, param, axis, index| {
                    optimizer.forget(param, axis, index);
                    context.held.begin_anew_at(params, param, axis, index);
                });
                network.iter().for_each(|network| network.inputs().keep_none(params));
                *steps += 1;
            }
            Step::Refused => {
                // A trace may be what is not finite; what is remembered has none.
                traced.iter_mut().filter(|_| is_of_new).for_each(TracedNetwork::forget);
                plasticity.discard();
                *refused += 1;
            }
        }
    }

    /// See [`learn_one`](Learner::learn_one).
    fn learn(&mut self, x: &dyn Row, y: Target<'_>, moves: Moves) -> Result<f64, Error> {
        if self.expert.network.is_none() {
            self.config.check_objective()?;
        }
        let weight = weight_of(x)?;
        self.objective.check(&y)?;
        if (y.numbers().len() > 1 || y.task() == Task::MultiLabel) && self.features.spec().uses_answers() {
            let message = format!("expected one answer a row for features made of answers, {}", self.features.spec());
            return Err(Error::new(ErrorKind::Spec, format!("{message}; found several")));
        }
        self.grow(x, y, weight)?;
        let Deep { features, objective, expert, panel, scratch, .. } = self;
        let row = with_last(x, panel.who_knows_the_last(expert), objective.classes());
        features.read(&row, &mut scratch.raw)?;
        features.told(&row, y);
        self.rows += 1;
        let weight = weight * objective.class_weight(&scratch.lesson.truth);
        let loss = self.learn_together(weight, &mut |deep| deep.learn_read(moves));
        if weight == 0.0 {
            self.scratch.said_now.clear(); // nobody has learned anything by it
        }
        Ok(loss)
    }

    /// Learns the row in `scratch`, answered and grown for. Of a panel, the expert with the chair.
    fn learn_read(&mut self, moves: Moves) -> f64 {
        let Scratch { raw, lesson, .. } = &mut self.scratch;
        match &mut self.expert.recurrent {
            Some(recurrent) => {
                recurrent.push(raw, lesson);
                recurrent.told(&lesson.truth);
            }
            None => lesson.set_row(raw),
        }
        if lesson.weight * self.objective.class_weight(&lesson.truth) == 0.0 {
            return self.step(Look::New(moves));
        }
        let loss = self.rehearse(moves);
        if self.scratch.is_refused {
            return loss; // what could not be learned is not learned again
        }
        self.remember();
        if self.expert.context.note(&self.scratch.lesson) {
            self.end_own_context();
        }
        loss
    }
}

/// What layers keep of the passes behind a step moves with θ; of a step that is refused they keep nothing.
pub(crate) fn settle(step: Step, params: &mut Params, mode: &mut Mode) -> Step {
    match step {
        Step::Taken => mode.update_buffers(params),
        Step::Refused => mode.discard(),
    }
    step
}

/// A lesson's rows as inputs, `[rows, columns]`.
pub(super) fn scale(features: &Features, lesson: &Lesson, x: &mut Vec<f32>) {
    let width = features.width();
    x.clear();
    x.resize(lesson.rows.len() * width, 0.0);
    for (raw, x) in lesson.rows.iter().zip(x.chunks_exact_mut(width.max(1))) {
        features.scale_into(raw, x);
    }
}

/// A lesson, and what it is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The new one in `scratch`, to learn it. What of the recurrent state moves on.
    New(Moves),
    /// The one at this place of the memory, to learn it again.
    Again(usize),
    /// The same, to see its loss alone.
    Only(usize),
}

impl Look {
    fn remembered(self) -> Option<usize> {
        match self {
            Look::New(_) => None,
            Look::Again(index) | Look::Only(index) => Some(index),
        }
    }

    fn moves(self) -> Option<Moves> {
        if let Look::New(moves) = self { Some(moves) } else { None }
    }
}

impl Learner for Deep {
    fn task(&self) -> Task {
        self.config.task
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        self.logits_one(x)?;
        let Scratch { output, said, .. } = &mut self.scratch;
        Ok(match self.expert.network {
            Some(_) => self.objective.predict(output, said),
            None => Prediction::Unknown,
        })
    }

    fn pass_one(&mut self, x: &dyn Row) -> Result<(), Error> {
        self.pass_by(x)
    }

    fn keep(&self, x: &dyn Row, kept: &mut KeptRow) {
        let recurrent = self.panel.who_knows_the_last(&self.expert);
        self.features.keep(&with_last(x, recurrent, self.objective.classes()), kept);
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
