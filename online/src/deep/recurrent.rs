//! Truncated backpropagation over a stream: what a recurrent learner keeps between rows.
//!
//! TBPTT(1, k) (Williams & Peng 1990): after *every* row the gradient of that row's loss goes back through the last k
//! rows.
//!
//! ```text
//!   rows        …  t−k │ t−k+1  …  t−1   t
//!   states            s₀ ──▶ s₁ ──▶ … ──▶ sₖ
//!                     │                    │
//!              start: no gradient     carried: what the next row is predicted from
//!              flows behind it
//! ```
//!
//! The window of k rows is run again from `start` for each update, by today's weights. When it is full it slides:
//! `start` becomes s₁, computed by the weights of that moment.
//!
//! Where a [rule](crate::recurrent) keeps traces of the past instead, there is one row in the window: its state before, which
//! a lesson that is replayed begins from, and its state after.
//!
//! **Rows whose targets are out.** While labels are late, the window ends at the last row that was *learned*, and the
//! carried state stands behind the last row that *came*, further on:
//!
//! ```text
//!   rows      …  t−N−k+1  …  t−N │ t−N+1  …  t−1   t
//!               └──── window ────┘                 │
//!                                 └── passed ──▶ carried
//! ```
//!
//! Each row passes once, by the weights of the moment at which it came: the carried state is of older weights by up to
//! as many steps as rows have come since the sequence began, most of it by few, for a state forgets. `start` is no
//! different. When a row is learned behind which none has come, both states meet again.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use thalweg_nn::State;
use thalweg_tensor::kernels;

use super::Config;
use super::objective::Truth;
use crate::features::{LAST_TARGET, last_target};
use crate::labels::Labels;
use crate::row::Value;

/// What can be learned from once: rows in order, the state before them, the target of the last, and how much it counts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Lesson {
    pub rows: Vec<Vec<f64>>,
    pub state: State,
    pub truth: Truth,
    pub weight: f64,
    /// What the network said of it when it was kept, where that is asked for.
    pub said: Vec<f32>,
}

/// Copying into an old lesson uses its memory again.
impl Clone for Lesson {
    fn clone(&self) -> Self {
        let Lesson { rows, state, truth, weight, said } = self;
        let (rows, state, truth, said) = (rows.clone(), state.clone(), truth.clone(), said.clone());
        Lesson { rows, state, truth, weight: *weight, said }
    }

    fn clone_from(&mut self, other: &Self) {
        self.rows.clone_from(&other.rows);
        self.state.clone_from(&other.state);
        self.truth.clone_from(&other.truth);
        self.weight = other.weight;
        self.said.clone_from(&other.said);
    }
}

impl Lesson {
    /// A lesson of one row.
    pub fn set_row(&mut self, raw: &[f64]) {
        self.rows.resize_with(1, Vec::new);
        self.rows[0].clear();
        self.rows[0].extend_from_slice(raw);
    }
}

/// What a recurrent learner keeps between rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Recurrent {
    pub window: NonZeroUsize,
    pub sees_last: bool,
    /// The rows of the window, oldest first, as raw values.
    pub rows: Vec<Vec<f64>>,
    /// s₀, s₁ and sₖ.
    pub start: State,
    pub after_first: State,
    pub carried: State,
    last: Option<Truth>,
    /// Of the columns of the last target.
    names: Vec<String>,
    /// Scratch: where a state goes that is not wanted, and a copy of the carried one.
    #[serde(skip)]
    aside: [State; 2],
}

/// What moves on when rows go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moves {
    /// The window and the carried state: the newest row is learned.
    Both,
    /// The window alone: a row is learned behind which others have come.
    Window,
    /// The carried state alone: a row comes that is not learned now.
    Carried,
}

impl Recurrent {
    pub fn new(config: &Config) -> Self {
        let [start, after_first, carried] = [(); 3].map(|()| State::default());
        Recurrent {
            window: config.window(),
            sees_last: config.model.last,
            rows: Vec::new(),
            start,
            after_first,
            carried,
            last: None,
            names: vec![LAST_TARGET.to_owned()],
            aside: Default::default(),
        }
    }

    /// One that has seen no row, but knows the last target.
    pub fn begin_anew(&self, config: &Config) -> Self {
        Recurrent { last: self.last.clone(), names: self.names.clone(), ..Recurrent::new(config) }
    }

    /// The network is there: its state before the first row.
    pub fn begin(&mut self, zero: State) {
        (self.start, self.after_first, self.carried) = (zero.clone(), zero.clone(), zero);
    }

    /// A new sequence: zero states, an empty window, no last target.
    pub fn reset(&mut self) {
        [&mut self.start, &mut self.after_first, &mut self.carried].into_iter().for_each(State::reset);
        self.rows.clear();
        self.last = None;
    }

    /// The state after the last row.
    pub fn carried(&self) -> &State {
        &self.carried
    }

    /// Adds a row to the window, which slides if it is full, and copies it into a lesson.
    pub fn push(&mut self, raw: &[f64], lesson: &mut Lesson) {
        if self.rows.len() == self.window.get() {
            self.start.clone_from(&self.after_first);
            self.rows.rotate_left(1);
        } else {
            self.rows.push(Vec::new());
        }
        if let Some(newest) = self.rows.last_mut() {
            newest.clear();
            newest.extend_from_slice(raw);
        }
        lesson.rows.clone_from(&self.rows);
        lesson.state.clone_from(&self.start);
    }

    /// Lets `write` overwrite s₁ and sₖ, as far as they move. A state that is not finite, which only diverged weights
    /// make, is not carried on: it begins anew, as do the window and the last target; for features no new sequence
    /// begins. Whether the window began anew.
    pub fn carry(&mut self, moves: Moves, write: impl FnOnce(&mut State, &mut State)) -> bool {
        let [unwanted, _] = &mut self.aside;
        if moves != Moves::Both {
            unwanted.clone_from(&self.carried);
        }
        let [first, last] = match moves {
            Moves::Both => [&mut self.after_first, &mut self.carried],
            Moves::Window => [&mut self.after_first, unwanted],
            Moves::Carried => [unwanted, &mut self.carried],
        };
        write(first, last);
        let is_finite = |state: &State| state.parts.iter().all(|part| kernels::sum(part.as_slice()).is_finite());
        let anew = !(is_finite(first) && is_finite(last));
        match moves {
            _ if !anew => {}
            Moves::Carried => self.carried.reset(),
            Moves::Both | Moves::Window => self.reset(),
        }
        anew && moves != Moves::Carried
    }

    /// A row goes by that is not learned now: `pass` runs it from the carried state.
    pub fn pass_by(&mut self, pass: impl FnOnce(&State, &mut Self)) {
        let mut state = std::mem::take(&mut self.aside[1]);
        state.clone_from(&self.carried);
        pass(&state, self);
        self.aside[1] = state;
    }

    /// Whether there is a last target.
    pub fn knows_the_last(&self) -> bool {
        self.last.is_some()
    }

    /// The target of the newest row is known now.
    pub fn told(&mut self, truth: &Truth) {
        self.last.get_or_insert_default().clone_from(truth);
        while self.names.len() < truth.values.len() {
            self.names.push(last_target(self.names.len()));
        }
    }

    /// How many cells show the last known target: none if the network does not look at it.
    pub fn cells(&self) -> usize {
        let known = self.last.as_ref().map_or(0, |last| last.classes.len().max(last.values.len()));
        if self.sees_last { known.max(1) } else { 0 }
    }

    /// Several numbers stand in cells of their own; several labels have one name.
    pub fn cell<'a>(&'a self, index: usize, classes: &'a Labels) -> (&'a str, Value<'a>) {
        let Some(Truth { classes: numbers, values }) = &self.last else { return (LAST_TARGET, Value::Missing) };
        let label = numbers.get(index).and_then(|&class| classes.as_slice().get(class));
        match (label, values.get(index)) {
            (Some(label), _) => (LAST_TARGET, Value::Text(label)),
            (None, Some(&value)) => (self.names.get(index).map_or(LAST_TARGET, |name| name), Value::Number(value)),
            (None, None) => (LAST_TARGET, Value::Missing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, Task};

    fn state(x: f32) -> State {
        let mut state = State::zeros(1, 2);
        state.parts[0].as_mut_slice().fill(x);
        state
    }

    fn recurrent(model: &str) -> Recurrent {
        let model = Model::parse(model).expect("there is such a model");
        let mut recurrent = Recurrent::new(&Config { model, ..Config::new(Task::Classify) });
        recurrent.begin(state(0.0));
        recurrent
    }

    /// Row t leaves the state t + 1 behind its first row and 100 t behind its last.
    #[test]
    fn a_full_window_slides_by_the_state_after_its_first_row() {
        let (mut recurrent, mut lesson) = (recurrent("rnn:2,window=3"), Lesson::default());
        let mut windows = Vec::new();
        for t in 0..6_u8 {
            recurrent.push(&[f64::from(t)], &mut lesson);
            recurrent.carry(Moves::Both, |after_first, after_last| {
                *after_first = state(f32::from(t) + 1.0);
                *after_last = state(100.0 * f32::from(t));
            });
            windows.push((lesson.rows.concat(), lesson.state.parts[0].as_slice()[0]));
        }
        let expected = [
            (vec![0.0], 0.0),
            (vec![0.0, 1.0], 0.0),
            (vec![0.0, 1.0, 2.0], 0.0),
            (vec![1.0, 2.0, 3.0], 3.0),
            (vec![2.0, 3.0, 4.0], 4.0),
            (vec![3.0, 4.0, 5.0], 5.0),
        ];
        assert_eq!(windows, expected);
        assert_eq!(*recurrent.carried(), state(500.0));
    }

    #[test]
    fn a_state_that_is_not_finite_is_not_carried_on() {
        for poison in [f32::NAN, f32::INFINITY] {
            let (mut recurrent, mut lesson) = (recurrent("rnn:2,window=3"), Lesson::default());
            recurrent.push(&[1.0], &mut lesson);
            recurrent.carry(Moves::Both, |_, after_last| *after_last = state(poison));
            assert_eq!(*recurrent.carried(), state(0.0));
            recurrent.push(&[2.0], &mut lesson);
            assert_eq!((lesson.rows.concat(), &lesson.state), (vec![2.0], &state(0.0)));
            // What only goes by does not disturb the window.
            recurrent.carry(Moves::Both, |_, after_last| *after_last = state(1.0));
            recurrent.carry(Moves::Carried, |_, after_last| *after_last = state(poison));
            assert_eq!(*recurrent.carried(), state(0.0));
            recurrent.push(&[3.0], &mut lesson);
            assert_eq!((lesson.rows.concat(), lesson.state), (vec![2.0, 3.0], state(0.0)));
        }
    }

    #[test]
    fn a_new_sequence_begins_as_the_first_did() {
        let (mut recurrent, mut lesson) = (recurrent("rnn:2,window=2"), Lesson::default());
        for t in 0..5 {
            recurrent.push(&[f64::from(t)], &mut lesson);
            recurrent.carry(Moves::Both, |first, last| [first, last].into_iter().for_each(|s| *s = state(1.0)));
            recurrent.carry(Moves::Carried, |_, last| *last = state(2.0));
            recurrent.told(&Truth { values: vec![7.0], ..Truth::default() });
        }
        recurrent.reset();
        assert_eq!(*recurrent.carried(), state(0.0));
        assert_eq!(recurrent.cell(0, &Labels::new()), (LAST_TARGET, Value::Missing));
        recurrent.push(&[9.0], &mut lesson);
        assert_eq!((lesson.rows, lesson.state), (vec![vec![9.0]], state(0.0)));
    }
}
