//! How what is remembered is learned again beside a new lesson: see [`MemorySpec`](crate::MemorySpec).

use serde::{Deserialize, Serialize};
use thalweg_autograd::Var;

use super::learn::Look;
use super::objective::{Objective, Truth};
use super::recurrent::Moves;
use super::{Deep, Scratch};
use crate::memory::{MemorySpec, Replay, Ring, project};

/// The rule, and what it knows of the last rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rehearsal {
    spec: MemorySpec,
    /// The classes of the last rows, where the rule asks for them.
    recent: Ring<usize>,
}

/// The logit of a class that a new lesson is not to push down.
const MASKED: f32 = -1e9;

impl Rehearsal {
    pub fn new(spec: &MemorySpec) -> Self {
        let window = if let Replay::ErAce { window } = spec.replay { window } else { 0 };
        Rehearsal { spec: spec.clone(), recent: Ring::new(window) }
    }

    /// Whether it is that of this memory, and of so many classes.
    pub fn fits(&self, spec: &MemorySpec, classes: usize) -> bool {
        let size = Rehearsal::new(spec).recent.size();
        self.spec == *spec && self.recent.size() == size && self.recent.items().iter().all(|&class| class < classes)
    }

    /// The class of a new lesson.
    fn note(&mut self, truth: &Truth) {
        for &class in &truth.classes {
            self.recent.offer().into_iter().for_each(|place| *place = class);
        }
    }

    /// What a new lesson is learned by; `loss` is its own. `mask` is scratch memory.
    pub fn of_new<'p>(
        &self,
        output: Var<'p>,
        loss: Var<'p>,
        objective: &Objective,
        truth: &Truth,
        mask: &mut Vec<f32>,
    ) -> Var<'p> {
        if !matches!(self.spec.replay, Replay::ErAce { .. }) {
            return loss;
        }
        // Asymmetric cross entropy: among the classes of the last rows (Caccia et al. 2022, equation 3).
        mask.clear();
        mask.resize(output.shape().len(), MASKED);
        self.recent.items().iter().for_each(|&class| mask[class] = 0.0);
        let among_recent = output + output.pass().input(&mask[..]);
        objective.loss(among_recent, truth, mask)
    }

    /// What a remembered lesson is learned by; `loss` is its own, `said` the output when it was kept. `then` is scratch memory.
    pub fn of_old<'p>(&self, output: Var<'p>, loss: Var<'p>, said: &[f32], then: &mut Vec<f32>) -> Var<'p> {
        let Replay::Der { alpha, beta } = self.spec.replay else { return loss };
        // Outputs that came later began with weights of zero: that is what they would have said.
        then.clear();
        then.extend_from_slice(said);
        then.resize(output.shape().len(), 0.0);
        let apart = output.mse(output.pass().input(&then[..])) * alpha as f32;
        if beta == 0.0 { apart } else { apart + loss * beta as f32 }
    }
}

impl Deep {
    /// θ moves for the new lesson and for what is remembered, which is drawn; returns the loss of the new one before.
    pub(super) fn rehearse(&mut self, moves: Moves) -> f64 {
        self.expert.replay.note(&self.scratch.lesson.truth);
        match self.config.memory.replay {
            Replay::AGem => self.step_without_harm(moves),
            Replay::Mir { candidates } => self.step_and_retrieve(candidates, moves),
            Replay::Er | Replay::ErAce { .. } | Replay::Der { .. } => {
                let loss = self.step(Look::New(moves));
                for _ in 0..self.config.memory.replays {
                    if let Some(index) = self.expert.memory.draw(&mut self.expert.rng) {
                        self.step(Look::Again(index));
                    }
                }
                loss
            }
        }
    }

    /// A-GEM: the new gradient, turned so that it does not point against that of what is drawn.
    fn step_without_harm(&mut self, moves: Moves) -> f64 {
        let (loss, _) = self.look(Look::New(moves));
        std::mem::swap(&mut self.scratch.grads, &mut self.scratch.aside);
        let mut remembers = false;
        for _ in 0..self.config.memory.replays {
            if let Some(index) = self.expert.memory.draw(&mut self.expert.rng) {
                remembers |= self.look(Look::Again(index)).1;
            }
        }
        let Scratch { grads, aside, .. } = &mut self.scratch;
        std::mem::swap(grads, aside);
        if remembers {
            project(grads, aside);
        }
        self.descend(true);
        loss
    }

    /// MIR: of the candidates that are drawn, those are learned again whose loss the new lesson has raised most.
    fn step_and_retrieve(&mut self, candidates: usize, moves: Moves) -> f64 {
        let mut drawn = std::mem::take(&mut self.scratch.candidates);
        drawn.clear();
        drawn.extend(
            (0..candidates).filter_map(|_| self.expert.memory.draw(&mut self.expert.rng)).map(|index| (index, 0.0)),
        );
        drawn.sort_unstable_by_key(|&(index, _)| index);
        drawn.dedup_by_key(|&mut (index, _)| index);
        drawn.iter_mut().for_each(|(index, raised)| *raised -= self.look(Look::Only(*index)).0);
        let loss = self.step(Look::New(moves));
        drawn.iter_mut().for_each(|(index, raised)| *raised += self.look(Look::Only(*index)).0);
        drawn.sort_unstable_by(|(i, a), (j, b)| b.total_cmp(a).then(i.cmp(j)));
        drawn.iter().take(self.config.memory.replays).for_each(|&(index, _)| {
            self.step(Look::Again(index));
        });
        self.scratch.candidates = drawn;
        loss
    }

    /// Offers the new lesson to the memory.
    pub(super) fn remember(&mut self) {
        let Scratch { lesson, said_now, .. } = &self.scratch;
        let class = lesson.truth.classes.first().copied().unwrap_or(0);
        if let Some(place) = self.expert.memory.offer(class, &mut self.expert.rng) {
            place.clone_from(lesson);
            place.said.clear();
            if matches!(self.config.memory.replay, Replay::Der { .. }) {
                place.said.extend_from_slice(said_now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, FeatureSpec, Learner, Model, Target, Task};

    /// A learner that has seen three classes, each around a corner.
    fn learner(memory: &str) -> Deep {
        let mut learner = Deep::new(Config {
            model: Model::parse("mlp:8").expect("there is such a model"),
            memory: MemorySpec::parse(memory).expect("there is such a memory"),
            // Scales move with every row, and losses with them.
            features: FeatureSpec::parse("scale=none").expect("there are such features"),
            ..Config::new(Task::Classify)
        });
        (0..60).for_each(|k| learn(&mut learner, k, k as usize % 3));
        learner
    }

    fn learn(learner: &mut Deep, k: u32, class: usize) {
        let noise = f64::from(k * 7 % 11) / 11.0;
        let x = [("a", [0.0, 4.0, 0.0][class] + noise), ("b", [0.0, 0.0, 4.0][class] - noise)];
        learner.learn_one(&x, Target::Class(["p", "q", "r"][class])).expect("the row is good");
    }

    /// Of what is remembered no trace is kept: one of its steps that is refused costs none.
    #[test]
    fn only_the_new_row_can_cost_the_traces() {
        let mut learner = Deep::new(Config {
            model: Model::parse("linear:4 > residual(gru:4)").expect("there is such a model"),
            gradient: "snap1".parse().expect("there is such a rule"),
            memory: MemorySpec::parse("er:5").expect("there is such a memory"),
            features: FeatureSpec::parse("scale=none").expect("there are such features"),
            ..Config::new(Task::Regress)
        });
        let learn = |learner: &mut Deep, x: f64| {
            learner.learn_one(&[("x", x)], Target::Value(1.0)).expect("the row is good");
        };
        (0..9_u8).for_each(|k| learn(&mut learner, f64::from(k % 3)));
        let traced = learner.expert.traced.clone();
        let lesson = learner.expert.memory.items_mut().first_mut().expect("something is remembered");
        lesson.rows.iter_mut().flatten().for_each(|x| *x = 1e38);
        learner.step(Look::Again(0));
        assert_eq!((learner.refused(), &learner.expert.traced), (1, &traced));
        learn(&mut learner, 1e38);
        let mut forgotten = learner.expert.traced.clone();
        forgotten.iter_mut().for_each(crate::recurrent::TracedNetwork::forget);
        assert_eq!((learner.refused() > 1, &learner.expert.traced), (true, &forgotten));
    }

    /// The losses of all that is remembered.
    fn losses(learner: &mut Deep) -> Vec<f64> {
        (0..learner.remembered()).map(|index| learner.look(Look::Only(index)).0).collect()
    }

    #[test]
    fn mir_learns_again_what_the_new_example_has_harmed_most() {
        let mut one_by_one = learner("mir:9,replays=2,candidates=200"); // more than enough to draw all
        let mut learner = one_by_one.clone();
        learn(&mut learner, 99, 1);
        learner.expert.rng = one_by_one.expert.rng.clone();

        let before = losses(&mut one_by_one);
        one_by_one.config.memory.replays = 0;
        one_by_one.expert.memory = crate::memory::BufferKind::Ring.build(0);
        learn(&mut one_by_one, 99, 1);
        one_by_one.expert.memory = learner.expert.memory.clone(); // the new example, if it was kept, is not the one looked for
        let after = losses(&mut one_by_one);
        let mut raised: Vec<usize> = (0..before.len()).collect();
        raised.sort_by(|&i, &j| (after[j] - before[j]).total_cmp(&(after[i] - before[i])));
        for &index in &raised[..2] {
            one_by_one.step(Look::Again(index));
        }
        assert_eq!(one_by_one.fingerprint(), learner.fingerprint());
    }

    /// A small step raises the loss of what is remembered only where nobody looks at it.
    #[test]
    fn a_gem_does_not_raise_the_loss_of_what_it_looks_at() {
        let harm = |replays: usize, label: &str| {
            let mut learner = learner("a-gem:1,replays=1");
            learner.config.memory.replays = replays;
            learner.expert.optimizer = "sgd:0.0001".parse::<crate::OptimizerSpec>().expect("it is one").build();
            let (before, kept) = (losses(&mut learner)[0], learner.expert.memory.clone());
            learner.learn_one(&[("a", 2.0), ("b", 2.0)], Target::Class(label)).expect("the row is good");
            learner.expert.memory = kept;
            losses(&mut learner)[0] - before
        };
        let labels = ["p", "q", "r"];
        assert!(labels.iter().any(|label| harm(0, label) > 1e-5), "{:?}", labels.map(|label| harm(0, label)));
        for label in labels {
            let [free, held] = [0, 1].map(|replays| harm(replays, label));
            if free > 0.0 {
                assert!(held < free / 10.0, "{label}: {held}, and {free} without");
            } else {
                assert_eq!(held, free, "{label}");
            }
        }
    }

    #[test]
    fn er_ace_pushes_down_no_class_but_those_of_the_last_rows() {
        let bias = |learner: &Deep| {
            let head = learner.params().find("head.bias").expect("there is a head");
            learner.params().of(head).to_vec()
        };
        for window in [1, 2] {
            let mut learner = learner(&format!("er-ace:9,replays=0,window={window}"));
            let before = bias(&learner);
            learn(&mut learner, 60, 0); // behind it class 0 is the last
            let after_first = bias(&learner);
            if window == 1 {
                assert_eq!(after_first, before, "alone among itself a class has nothing to learn");
            }
            learn(&mut learner, 61, 1);
            let after = bias(&learner);
            let found: Vec<bool> = (0..3).map(|class| after[class] != after_first[class]).collect();
            let expected = if window == 1 { [false; 3] } else { [true, true, false] };
            assert_eq!(found, expected, "window {window}");
        }
    }

    #[test]
    fn der_holds_on_to_what_was_said() {
        let p_after = |memory: &str, rows: u32| {
            let mut learner = learner(memory);
            let x = [("a", 0.5), ("b", -0.5)];
            for _ in 0..rows {
                learner.learn_one(&x, Target::Class("r")).expect("the row is good");
            }
            learner.predict_one(&x).expect("the row is good").probability("p")
        };
        let (before, free) = (p_after("none", 0), p_after("none", 30));
        assert!(free < before - 0.2, "it unlearns: {before} {free}");
        assert_eq!(free, p_after("der:60,replays=0", 30), "who replays nothing holds nothing");
        let held = p_after("der:60,replays=4,alpha=1", 30);
        assert!(held > (before + free) / 2.0, "{before} {held} {free}");
    }

    #[test]
    fn der_without_outputs_is_er() {
        let [mut der, mut er] = ["der:9,replays=2,alpha=0,beta=1", "er:9,replays=2"].map(learner);
        let x = [("a", 1.0), ("b", 2.0)];
        let [der, er] = [&mut der, &mut er].map(|learner| learner.logits_one(&x).expect("the row is good").to_vec());
        der.iter().zip(&er).for_each(|(der, er)| assert!((der - er).abs() < 1e-5, "{der} {er}"));
    }
}
