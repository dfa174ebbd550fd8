//! Several tasks on one trunk: what one of them learns about the features, the others know.
//!
//! ```text
//!                                        ┌─▶ W_a z + b_a    "rain tomorrow?"     classes
//! row ─▶ Features ─▶ f_θ ─▶ z ───────────┼─▶ W_b z + b_b    "how warm?"          a number
//!                    shared              └─▶ W_c z + b_c    a task of today      one head each
//! ```
//!
//! Hard parameter sharing (Caruana, "Multitask learning", 1997). A row has the answers of one task, or of several at once:
//!
//! ```text
//! L = w Σ v_τ L_τ  over the tasks τ that the row answers        θ ← θ − η ∇L
//! ```
//!
//! with the weight w of the [row](crate::Row::weight) and that of the class in its task, v, which are mostly 1.
//!
//! The trunk is moved by all of them, a head by its own task alone: heads that a row does not speak of are not visited, and
//! neither are their moments in the optimizer. Tasks are known by name and come at any time.
//!
//! **What is gained.** Of the first 1 000 bundled digits, which digit it is is told of each, and whether it has a closed loop
//! of every twentieth. Of the other 797, this model says rightly of 82.3 % whether they have a loop; a [`Deep`](crate::Deep)
//! that learns from the fifty answers alone, of 60.4 %. Tasks that want other features than each other get in each other's
//! way instead: measure.

mod head;
mod learn;
mod one;
mod saved;
#[cfg(test)]
mod tests;

pub use one::OneTask;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::{Mode, Network, State};
use thalweg_tensor::Rng;

use crate::deep::{Config, Said, takes_rows_alone};
use crate::error::{Error, ErrorKind};
use crate::features::Features;
use crate::labels::Labels;
use crate::learn::{Prediction, Task};
use crate::memory::{Buffer, BufferKind, Replay};
use crate::optim::{AnyOptimizer, Needs};
use crate::row::Row;
use head::{Answer, TaskHead, of_task};

/// A deep model of several tasks: one trunk, and a head for each.
///
/// With one task it is the [`Deep`](crate::Deep) of the same [`Config`], to the bit. A task that comes later gets a new head
/// behind all others in θ: nothing that is said of another task changes by a bit. Features, categories and classes come as
/// they do there. The memory remembers rows with the answers that they had.
///
/// What is left out: recurrent layers, and features that are made of the last answers (lags, means of the target), for it
/// would have to be said whose; categories as learned vectors; memories that ask for one class or for outputs; and
/// [consolidation](crate::consolidate) and [plasticity](crate::plasticity).
///
/// ```
/// use thalweg_online::{Config, MultiTask, Target, Task};
///
/// let mut model = MultiTask::new(Config::new(Task::Classify))?;
/// for k in 0..2000 {
///     let (a, b) = (f64::from(k % 7) - 3.0, f64::from(k % 5) - 2.0);
///     let x = [("a", a), ("b", b)];
///     model.learn_one("sign", &x, Target::Class(if a * b > 0.0 { "same" } else { "other" }))?;
///     model.learn_tasks(&x, &[("product", Target::Value(a * b)), ("larger", Target::Class(if a > b { "a" } else { "b" }))])?;
/// }
/// let x = [("a", -2.0), ("b", -1.0)];
/// assert_eq!(model.predict_one("sign", &x)?.label(), Some("same"));
/// assert_eq!(model.predict_one("larger", &x)?.label(), Some("b"));
/// let product = model.predict_one("product", &x)?.value().unwrap_or(0.0);
/// assert!((product - 2.0).abs() < 1.0, "{product}");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct MultiTask {
    config: Config,
    features: Features,
    params: Params<f32>,
    trunk: Option<Network>,
    names: Labels,
    heads: Vec<TaskHead>,
    optimizer: AnyOptimizer,
    memory: Buffer<Lesson>,
    mode: Mode,
    rng: Rng,
    #[serde(deserialize_with = "crate::saved::count")]
    rows: u64,
    #[serde(deserialize_with = "crate::saved::count")]
    steps: u64,
    #[serde(deserialize_with = "crate::saved::count")]
    refused: u64,
    #[serde(skip)]
    scratch: Scratch,
}

/// What can be learned from once: a row, what it weighs, and its answers by the places of the tasks.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Lesson {
    raw: Vec<f64>,
    weight: f64,
    answers: Vec<Answer>,
}

/// Copying into an old lesson uses its memory again.
impl Clone for Lesson {
    fn clone(&self) -> Self {
        Lesson { raw: self.raw.clone(), weight: self.weight, answers: self.answers.clone() }
    }

    fn clone_from(&mut self, other: &Self) {
        self.raw.clone_from(&other.raw);
        self.weight = other.weight;
        self.answers.clone_from(&other.answers);
    }
}

/// Memory that is used again from row to row and means nothing in between.
#[derive(Debug, Default)]
struct Scratch {
    tape: Tape<f32>,
    grads: Grads<f32>,
    lesson: Lesson,
    x: Vec<f32>,
    /// Standardised targets.
    z: Vec<f32>,
    output: Vec<f32>,
    said: Said,
}

/// A clone has its own scratch memory, empty at first.
impl Clone for Scratch {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

impl MultiTask {
    /// A model that has seen nothing and knows no task. The config's own task is not asked: that of each head follows from
    /// its first target.
    ///
    /// # Errors
    ///
    /// If the network cannot take one row after the other, or carries a state; if the optimizer asks for more than the gradient; if features are made of answers, or categories are to be vectors; if weights of
    /// classes or a loss have a number that they cannot have.
    pub fn new(config: Config) -> Result<Self, Error> {
        check(&config)?;
        Ok(MultiTask {
            features: Features::with(config.features.clone()),
            params: Params::new(),
            trunk: None,
            names: Labels::new(),
            heads: Vec::new(),
            optimizer: config.optimizer.build(),
            memory: config.memory.buffer.build(config.memory.size),
            mode: Mode::train(Rng::new(config.seed).fork()),
            rng: Rng::new(config.seed),
            rows: 0,
            steps: 0,
            refused: 0,
            scratch: Scratch::default(),
            config,
        })
    }

    /// How it was made.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// θ: the trunk as `body.…`, the head of a task as `head.name.weight` and `head.name.bias`.
    #[must_use]
    pub fn params(&self) -> &Params<f32> {
        &self.params
    }

    /// The features seen so far.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The names of the tasks, in order of arrival.
    #[must_use]
    pub fn tasks(&self) -> &[String] {
        self.names.as_slice()
    }

    /// What is learned under a name, and from how many rows; `None` if there is no such task yet.
    #[must_use]
    pub fn task(&self, name: &str) -> Option<(Task, u64)> {
        self.head(name).map(|head| (head.task, head.rows))
    }

    /// How many rows it has learned from (replays not counted).
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many steps θ has taken, and how many were refused because a gradient was not finite.
    #[must_use]
    pub fn steps(&self) -> (u64, u64) {
        (self.steps, self.refused)
    }

    /// What it says about `x` under this task: [`Prediction::Unknown`] if there is no such task yet. Nothing that learning
    /// relies on changes.
    ///
    /// # Errors
    ///
    /// If `x` cannot be used.
    pub fn predict_one(&mut self, name: &str, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        let head = self.names.position(name).map(|index| &self.heads[index]);
        let Scratch { tape, lesson, x: input, output, said, .. } = &mut self.scratch;
        self.features.read(x, &mut lesson.raw)?;
        let (Some(head), Some(trunk)) = (head, &self.trunk) else { return Ok(Prediction::Unknown) };
        self.features.scale(&lesson.raw, input);
        self.optimizer.swap(&mut self.params);
        let pass = tape.pass(&self.params);
        head.forward(up(trunk, pass.input(&input[..]), &mut Mode::Eval), output);
        self.optimizer.swap(&mut self.params);
        Ok(head.prediction(output, said))
    }

    /// One of the tasks as a [`Learner`](crate::Learner), for [evaluation](crate::Prequential) and whatever else takes one.
    pub fn learner<'a>(&'a mut self, name: &'a str, task: Task) -> OneTask<'a> {
        OneTask::new(self, name, task)
    }

    fn head(&self, name: &str) -> Option<&TaskHead> {
        self.names.position(name).map(|index| &self.heads[index])
    }
}

/// Whether a model of several tasks can be made like this.
fn check(config: &Config) -> Result<(), Error> {
    takes_rows_alone(&config.model, &config.features)?;
    config.check_specifications()?;
    [Task::Classify, Task::Regress].into_iter().try_for_each(|task| of_task(config, task).check())?;
    let wrong = |expected: &str, found: String| Err(Error::expected(ErrorKind::Spec, expected, &found));
    let asks_for_classes = matches!(config.memory.buffer, BufferKind::Balanced | BufferKind::Greedy);
    if !config.consolidation.is_none() {
        return wrong("several tasks that nothing holds, none", config.consolidation.to_string());
    }
    if !config.plasticity.is_none() || config.probe > 0 {
        let found = format!("plasticity {}, probe {}", config.plasticity, config.probe);
        return wrong("several tasks without plasticity and probe", found);
    }
    if !config.depth.is_none() {
        return wrong("a network with one exit, for several tasks", format!("depth {}", config.depth));
    }
    if config.optimizer.trust().is_some() {
        return wrong("a single optimizer, for several tasks", config.optimizer.to_string());
    }
    if config.optimizer.needs() > Needs::Gradient {
        return wrong("an optimizer that asks for the gradient alone, for several tasks", config.optimizer.to_string());
    }
    if config.memory.replay != Replay::Er || asks_for_classes {
        return wrong("a memory for several tasks, er with a reservoir or a ring", config.memory.to_string());
    }
    Ok(())
}

/// Through the trunk.
fn up<'p>(trunk: &Network, x: Var<'p>, mode: &mut Mode) -> Var<'p> {
    trunk.step(x, trunk.enter(x.pass(), &State::default()), mode).0
}
