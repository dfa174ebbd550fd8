//! Contexts: what a stream has taught when one of them ends is [held](crate::consolidate) in the next.

use serde::{Deserialize, Serialize};
use thalweg_tensor::{Rng, View};

use super::expert::Expert;
use super::learn::scale;
use super::recurrent::Lesson;
use super::{Deep, Network, Scratch};
use crate::consolidate::{Consolidation, ConsolidationSpec, Method, Report};
use crate::learn::Task;
use crate::memory::Reservoir;

/// What holds θ, and some rows of the context that goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Context {
    pub held: Consolidation<Network>,
    /// A uniform sample, to be looked at when it ends.
    pub rows: Reservoir<Lesson>,
    rng: Rng,
}

impl Context {
    pub fn new(spec: &ConsolidationSpec, seed: u64) -> Self {
        let held = Consolidation::new(spec.clone(), seed);
        let rows = Reservoir::new(held.rows_to_look_at());
        Context { held, rows, rng: Rng::new(seed).fork() }
    }

    /// A lesson was learned. Whether the context is to end here.
    pub fn note(&mut self, lesson: &Lesson) -> bool {
        if self.held.spec().is_none() {
            return false;
        }
        if self.rows.size() > 0
            && let Some(place) = self.rows.offer(&mut self.rng)
        {
            place.clone_from(lesson);
        }
        self.held.row()
    }
}

impl Deep {
    /// A context ends: a task, a month, a place; what comes next is another. What its rows have taught is
    /// [held](crate::ConsolidationSpec) from now on. `false` if there is nothing to hold it by: no row was learned since the
    /// last one ended, or nothing was to be held.
    ///
    /// ```
    /// use thalweg_online::{Config, ConsolidationSpec, Deep, Learner, Target, Task};
    ///
    /// let consolidation = ConsolidationSpec::parse("ewc:100")?;
    /// let mut learner = Deep::new(Config { consolidation, ..Config::new(Task::Classify) });
    /// assert!(!learner.end_context(), "nothing was learned");
    /// learner.learn_one(&[("a", 1.0)], Target::Class("up"))?;
    /// learner.learn_one(&[("a", 2.0)], Target::Class("down"))?;
    /// assert!(learner.end_context());
    /// assert!(learner.held().importance > 0.0);
    /// # Ok::<(), thalweg_online::Error>(())
    /// ```
    pub fn end_context(&mut self) -> bool {
        let mut held = false;
        self.each_expert(&mut |deep, _| held |= deep.end_own_context()); // of all of them, not only up to the first
        held
    }

    /// The same of the expert with the chair alone.
    pub(super) fn end_own_context(&mut self) -> bool {
        let Deep { config, features, objective, expert, scratch, .. } = self;
        let Expert { params, network, optimizer, context, .. } = expert;
        let Context { held, rows, .. } = context;
        // Before there is a label, a network for sets of them says nothing that could be held.
        let says_something = config.task != Task::MultiLabel || !objective.classes().as_slice().is_empty();
        let has_ended = says_something && held.rows() > 0 && !held.spec().is_none();
        let Some(network) = network.as_ref().filter(|_| has_ended) else {
            return false;
        };
        let Scratch { tape, x, indices, z, .. } = scratch;
        for lesson in rows.items() {
            scale(features, lesson, x);
            let pass = tape.pass(params);
            let input = pass.input(View::new([lesson.rows.len(), features.width()], x));
            let input = network.inputs().forward(input, indices);
            let output = objective.known(network.say(input, &lesson.state));
            objective.answer(&lesson.truth, z);
            held.look(config.task, output, z, lesson.weight);
        }
        *rows = Reservoir::new(rows.size());
        if !matches!(held.spec().method(), Method::Lwf { .. }) {
            return held.boundary(params, network, features.width());
        }
        // A teacher says what was said: by θ as it predicts.
        optimizer.swap(params);
        let has_learned = held.boundary(params, network, features.width());
        optimizer.swap(params);
        has_learned
    }

    /// What is held of contexts that have ended, and what it costs to be where θ is.
    #[must_use]
    pub fn held(&self) -> Report {
        self.expert.context.held.clone().report(&self.expert.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{Learner, Target};
    use crate::{Config, Model};

    /// By θ as it predicts; penalties hold θ as it learns.
    #[test]
    fn a_teacher_says_what_was_said() {
        for (consolidation, optimizer) in [
            ("lwf:1", "adam:0.01"),
            ("lwf:1", "schedule-free-sgd:0.1"),
            ("ewc:1,gradient=true", "schedule-free-sgd:0.1"),
        ] {
            let mut learner = Deep::new(Config {
                model: Model::parse("mlp:3").expect("a model"),
                consolidation: consolidation.parse().expect("a method"),
                optimizer: optimizer.parse().expect("an optimizer"),
                ..Config::new(Task::Regress)
            });
            for k in 0..30_u8 {
                let x = f64::from(k % 7);
                learner.learn_one(&[("x", x)], Target::Value(x * x)).expect("the row is good");
            }
            let (learns, predicts) = (learner.params().clone(), learner.params_that_predict());
            assert!(learner.end_context());
            assert_eq!(*learner.params(), learns, "{consolidation}, {optimizer}");
            let held = &learner.expert.context.held;
            match held.teacher() {
                Some(teacher) => assert_eq!(*teacher.params(), predicts, "{consolidation}, {optimizer}"),
                None => assert_eq!(learner.held().penalty, 0.0, "{consolidation}, {optimizer}"),
            }
            assert_eq!(held.teacher().is_some(), consolidation.starts_with("lwf"));
            assert_eq!(learns == predicts, optimizer.starts_with("adam"));
        }
    }
}
