//! Several experts that learn from the same rows, and which of them are trusted.
//!
//! ```text
//!                          ┌─ θ₁, optimizer, memory, state ─ z₁ ─┐
//!   row ─ features, answer ┼─ θ₂, optimizer, memory, state ─ z₂ ─┼─ Σ wᵢ … ─ prediction
//!         (read once)      └─ θₖ, optimizer, memory, state ─ zₖ ─┘
//!                               losses before learning ─▶ w
//! ```
//!
//! The learner's own expert is the one that is trusted most: it has the *chair*, and when another is trusted more the two
//! change places. Whoever learns sits in the chair while it does, so that what a learner does with one θ is written once.

use serde::{Deserialize, Serialize};
use thalweg_autograd::Tape;

use super::expert::Expert;
use super::mixture::mix;
use super::objective::Objective;
use super::recurrent::Recurrent;
use super::{Config, Deep, OptimizerSpec};
use crate::error::Error;
use crate::learn::Task;
use crate::optim::hedge::{Dispersion, bound};
use crate::optim::{Change, Trust};
use crate::saved::ensure;

/// The experts beside the learner's own, and who is trusted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Panel {
    /// The optimizer of each expert.
    pub optimizers: Vec<OptimizerSpec>,
    /// `None` if there is one alone.
    pub trust: Option<Trust>,
    /// Which of them has the chair.
    pub chair: usize,
    /// The others, as far as they learn.
    pub others: Vec<Seat>,
    dispersion: Dispersion,
    #[serde(skip)]
    heard: Heard,
}

/// An expert, and which it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Seat {
    pub number: usize,
    pub expert: Expert,
}

/// Memory that is used again: what each expert said last, and what it cost.
#[derive(Clone, Debug, Default)]
struct Heard {
    outputs: Vec<Vec<f32>>,
    losses: Vec<f64>,
    bounded: Vec<f64>,
}

impl Panel {
    /// The experts before the first row: the one with the chair, and those beside it.
    pub fn new(config: &Config) -> (Expert, Self) {
        let (optimizers, spec) = (config.optimizer.experts(), config.optimizer.trust());
        let chair = spec.as_ref().map_or(0, |spec| spec.first());
        let expert = |number: usize| Expert::new(config, &optimizers[number]);
        let others = (0..optimizers.len()).filter(|&number| number != chair);
        let others = others.map(|number| Seat { number, expert: expert(number) }).collect();
        let trust = spec.map(|spec| {
            Trust::new(&spec).unwrap_or_else(|error| unreachable!("a specification has been checked: {error}"))
        });
        let own = expert(chair);
        (own, Panel { optimizers, trust, chair, others, dispersion: Dispersion::default(), heard: Heard::default() })
    }

    /// Whether there is no other expert now.
    pub fn is_alone(&self) -> bool {
        self.others.is_empty()
    }

    /// The weight of an expert.
    fn weight(&self, number: usize) -> f64 {
        self.trust.as_ref().map_or(1.0, |trust| trust.weight(number))
    }

    /// What one expert says, and what that costs.
    fn hear(&mut self, number: usize, output: &[f32], loss: f64) {
        let (heard, experts) = (&mut self.heard, self.optimizers.len());
        heard.outputs.resize_with(experts, Vec::new);
        heard.losses.resize(experts, f64::NAN);
        heard.outputs[number].clear();
        heard.outputs[number].extend_from_slice(output);
        heard.losses[number] = loss;
    }

    /// Nobody has said anything yet.
    fn hush(&mut self) {
        self.heard.outputs.iter_mut().for_each(Vec::clear);
        self.heard.losses.fill(f64::NAN);
    }

    /// What all have said together.
    fn mix(&self, task: Task, mixed: &mut Vec<f32>) {
        mix(task, |number| self.weight(number), &self.heard.outputs, mixed);
    }

    /// What the experts say of a row of inputs. `output` is what the one with the chair has said.
    pub fn say(
        &mut self,
        task: Task,
        tape: &mut Tape<f32>,
        x: &[f32],
        indices: &mut Vec<usize>,
        output: &mut Vec<f32>,
    ) {
        if self.is_alone() || self.weight(self.chair) == 1.0 {
            return;
        }
        self.hush();
        self.hear(self.chair, output, f64::NAN);
        for place in 0..self.others.len() {
            let Seat { number, expert } = &mut self.others[place];
            expert.say(tape, x, indices, output);
            let number = *number;
            self.hear(number, output, f64::NAN);
        }
        self.mix(task, output);
    }

    /// Trust follows the losses that were heard, each as far as its row counts. What has changed.
    fn follow(&mut self, objective: &Objective, mixture: f64, weight: f64) -> Change {
        let Panel { trust, chair, dispersion, heard, .. } = self;
        let Some(trust) = trust else { return Change::None };
        let of_leader = heard.losses[*chair];
        let scale = match objective.task {
            Task::Classify | Task::MultiLabel => 1.0,
            Task::Regress => {
                dispersion.update(mixture);
                1.0 / (objective.curvature() * dispersion.mean())
            }
        };
        bound(&heard.losses, scale * weight, &mut heard.bounded);
        trust.update(&heard.bounded, of_leader)
    }

    /// Who is trusted most takes the chair; who no longer learns goes; who learns again begins where the one with the chair is.
    fn reseat(&mut self, own: &mut Expert, change: Change) {
        let Panel { optimizers, trust: Some(trust), chair, others, .. } = self else { return };
        let next = trust.leader(optimizers.len(), *chair);
        if let Some(seat) = others.iter_mut().find(|seat| seat.number == next) {
            std::mem::swap(own, &mut seat.expert);
            seat.number = std::mem::replace(chair, next);
        }
        match change {
            Change::None => {}
            Change::Halved => others.retain(|seat| trust.is_learning(seat.number)),
            Change::Reopened => {
                let back = (0..optimizers.len()).filter(|number| number != chair);
                others.extend(back.map(|number| Seat { number, expert: own.begin_with(&optimizers[number]) }));
            }
        }
    }

    /// The state of one that knows the last target, if any does: what has diverged has forgotten it.
    pub fn who_knows_the_last<'a>(&'a self, own: &'a Expert) -> &'a Option<Recurrent> {
        let knows = |recurrent: &&Option<Recurrent>| recurrent.as_ref().is_some_and(Recurrent::knows_the_last);
        let others = self.others.iter().map(|seat| &seat.expert.recurrent);
        std::iter::once(&own.recurrent).chain(others).find(knows).unwrap_or(&own.recurrent)
    }

    /// Whether it is that of a learner that is made like this; the experts are looked at one by one.
    pub fn check_read(&self, config: &Config) -> Result<(), Error> {
        let Panel { optimizers, trust, chair, others, dispersion, .. } = self;
        let learns = |number: usize| trust.as_ref().is_none_or(|trust| trust.is_learning(number));
        match (trust, config.optimizer.trust()) {
            (Some(trust), Some(spec)) => trust.check_read(&spec)?,
            (trust, spec) => ensure(trust.is_none() && spec.is_none(), "experts as they were asked for")?,
        }
        let all = *optimizers == config.optimizer.experts() && dispersion.is_sound();
        let mut seated: Vec<usize> = others.iter().map(|seat| seat.number).chain([*chair]).collect();
        seated.sort_unstable();
        ensure(all && seated.into_iter().eq((0..optimizers.len()).filter(|&number| learns(number))), "these experts")
    }
}

impl Deep {
    /// The optimizers that learn side by side, and how much each is trusted: from 0 to 1, 1 all together. A single optimizer
    /// is trusted alone.
    ///
    /// ```
    /// use thalweg_online::{Config, Deep, Learner, Target, Task};
    ///
    /// let mut learner = Deep::new(Config { optimizer: "hedge(sgd)".parse()?, ..Config::new(Task::Regress) });
    /// for k in 0..500_u32 {
    ///     let x = f64::from(k * 7 % 11);
    ///     learner.learn_one(&[("x", x)], Target::Value((x - 5.0).powi(2)))?;
    /// }
    /// let trusted = learner.trust().max_by(|(_, a), (_, b)| a.total_cmp(b));
    /// let (optimizer, weight) = trusted.expect("there are seven");
    /// assert!(weight > 0.3, "{optimizer} {weight}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trust(&self) -> impl Iterator<Item = (&OptimizerSpec, f64)> {
        self.panel.optimizers.iter().enumerate().map(|(number, optimizer)| (optimizer, self.panel.weight(number)))
    }

    /// How many experts learn now.
    #[must_use]
    pub fn learning(&self) -> usize {
        self.panel.others.len() + 1
    }

    /// Lets each expert do something, in the chair.
    pub(super) fn each_expert(&mut self, act: &mut dyn FnMut(&mut Deep, usize)) {
        act(self, self.panel.chair);
        for place in 0..self.panel.others.len() {
            let number = self.panel.others[place].number;
            std::mem::swap(&mut self.expert, &mut self.panel.others[place].expert);
            act(self, number);
            std::mem::swap(&mut self.expert, &mut self.panel.others[place].expert);
        }
    }

    /// Each expert learns the lesson in `scratch` by `learn`, which returns its loss before; then trust follows. Returns the loss of
    /// what they said together. `weight` is how much the lesson counts.
    pub(super) fn learn_together(&mut self, weight: f64, learn: &mut dyn FnMut(&mut Deep) -> f64) -> f64 {
        if self.panel.trust.is_none() {
            return learn(self);
        }
        self.panel.hush();
        self.each_expert(&mut |deep, number| {
            let loss = learn(deep);
            deep.panel.hear(number, &deep.scratch.said_now, loss);
        });
        let Deep { panel, objective, expert, scratch, .. } = self;
        let mut loss = panel.heard.losses[panel.chair];
        if panel.is_alone() || panel.weight(panel.chair) == 1.0 {
            scratch.said_now.clone_from(&panel.heard.outputs[panel.chair]);
        } else {
            panel.mix(objective.task, &mut scratch.said_now);
            let pass = scratch.tape.pass(&expert.params);
            loss = f64::from(
                objective.loss(pass.input(&scratch.said_now[..]), &scratch.lesson.truth, &mut scratch.z).item(),
            );
        }
        if weight > 0.0 {
            let change = panel.follow(objective, loss, weight);
            panel.reseat(expert, change);
        }
        loss
    }
}
