//! Deep models that learn from every example: features, network, optimizer and memory in one value.

mod adapt;
mod class_weights;
mod config;
mod context;
mod depth;
mod expert;
mod heard;
mod inputs;
mod learn;
mod loss;
mod mixture;
mod model;
mod network;
mod objective;
mod panel;
mod passing;
mod recurrent;
mod replay;
mod saved;
mod together;
mod with_last;

pub use crate::optim::OptimizerSpec;
pub use class_weights::ClassWeights;
pub use config::Config;
pub use depth::DepthSpec;
pub use inputs::Inputs;
pub(crate) use learn::settle;
pub use loss::LossSpec;
pub use model::Model;
pub(crate) use model::takes_rows_alone;
pub use network::Network;
pub(crate) use objective::{Objective, Said, Truth};

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::Adam;
use xxhash_rust::xxh3::Xxh3;

use crate::error::Error;
use crate::features::Features;
use crate::labels::Labels;
use crate::plasticity::Health;
use crate::recurrent::TracedNetwork;
use crate::row::Row;
use expert::Expert;
use heard::Heard;
use panel::Panel;
use recurrent::{Lesson, Recurrent};
use with_last::WithLast;

/// A deep model that learns from every example.
///
/// One row goes: cells → [`Features`] → a pass of the network → loss → gradient → θ; then the same for the rows that the
/// memory replays. New features, categories and classes may come with any row: the network grows by inputs and outputs
/// whose weights are zero (or by [vectors](Inputs) that are), so nothing it says about what it knew changes by a bit, and the optimizer keeps its moments.
///
/// **Weights.** A row of [weight](Row::weight) *w* has a gradient *w* times as long, also when it is replayed; with plain
/// SGD that is a learning rate *w* times as high (with Adam and its kin, which divide by the size of past gradients, only
/// the weights' ratios matter). What the row *shows* is observed once whatever it weighs: features, scaling, classes, the
/// last answer, the recurrent state. A row of weight 0 takes no step, is not remembered, and its number counts nothing in the
/// mean and deviation by which targets are standardised.
///
/// **Several optimizers.** An [optimizer](Config::optimizer) such as `hedge(sgd|adam)` makes a panel of experts: each has a
/// θ, an optimizer, a memory and a recurrent state of its own, and they share what is read, scaled and answered. Predictions
/// are those of their mixture, and the loss is the mixture's. Where something is asked of *the* network or its memory
/// ([`params`](Deep::params), [`steps`](Deep::steps), [`health`](Deep::health), …) it is answered of the expert that is
/// [trusted](Deep::trust) most at the moment.
///
/// Everything it is, scratch memory apart, is in its serialised form: saved, loaded and continued it is bit for bit the
/// learner that was never stopped.
///
/// ```
/// use thalweg_online::{Config, Deep, Learner, Target, Task};
///
/// let mut learner = Deep::new(Config::new(Task::Classify));
/// for k in 0..600 {
///     let (a, b) = (f64::from(k % 7) - 3.0, f64::from(k % 5) - 2.0);
///     let label = if a * b > 0.0 { "same sign" } else { "other" };
///     learner.learn_one(&[("a", a), ("b", b)], Target::Class(label))?;
/// }
/// assert_eq!(learner.predict_one(&[("a", -2.0), ("b", -1.0)])?.label(), Some("same sign"));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Deep {
    config: Config,
    features: Features,
    objective: Objective,
    /// The one that is trusted most, and those beside it.
    expert: Expert,
    panel: Panel,
    /// How many times as high the learning rate is.
    rate: f64,
    #[serde(deserialize_with = "crate::saved::count")]
    rows: u64,
    #[serde(skip)]
    scratch: Scratch,
}

/// Memory that is used again from row to row and means nothing in between.
#[derive(Debug, Default)]
struct Scratch {
    tape: Tape<f32>,
    grads: Grads<f32>,
    raw: Vec<f64>,
    lesson: Lesson,
    x: Vec<f32>,
    indices: Vec<usize>,
    z: Vec<f32>,
    output: Vec<f32>,
    said: Said,
    /// What the network said of the new lesson.
    said_now: Vec<f32>,
    /// Whether the step of the new lesson was refused.
    is_refused: bool,
    /// Another gradient.
    aside: Grads<f32>,
    /// What an optimizer is told beside the gradient, where it asks.
    heard: Heard,
    /// Places in memory, and by how much the new lesson has raised their loss.
    candidates: Vec<(usize, f64)>,
}

/// A clone has its own scratch memory, empty at first.
impl Clone for Scratch {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

impl Deep {
    /// A learner that has seen nothing. Its network is built when the first row comes.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let (expert, panel) = Panel::new(&config);
        Deep {
            features: Features::with(config.features.clone()),
            objective: Objective::new(&config),
            expert,
            panel,
            rate: 1.0,
            rows: 0,
            scratch: Scratch::default(),
            config,
        }
    }

    /// How it was made.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// θ, as it learns: [Schedule-Free](crate::optim::ScheduleFree) optimizers predict by
    /// [another](Deep::params_that_predict).
    #[must_use]
    pub fn params(&self) -> &Params<f32> {
        &self.expert.params
    }

    /// θ, as it predicts: to be used elsewhere.
    #[must_use]
    pub fn params_that_predict(&self) -> Params<f32> {
        let mut params = self.expert.params.clone();
        self.expert.optimizer.clone().swap(&mut params);
        params
    }

    /// The network: handles into θ. `None` before the first row.
    #[must_use]
    pub fn network(&self) -> Option<&Network> {
        self.expert.network.as_ref()
    }

    /// m and v, laid out like θ, if the optimizer is Adam.
    #[must_use]
    pub fn moments(&self) -> Option<[&thalweg_autograd::Flat<f32>; 2]> {
        self.expert.optimizer.as_adam().map(Adam::moments)
    }

    /// The features seen so far.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The classes seen so far, in order of arrival.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.objective.classes().as_slice()
    }

    /// How many examples it has learned from (replays not counted).
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many steps θ has taken: one for each example, and one for each that was replayed.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.expert.steps
    }

    /// How many steps were refused because a gradient was not finite.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.expert.refused
    }

    /// How many examples the memory holds.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.expert.memory.items().len()
    }

    /// How many of them there are of each class (or label): beside the [classes](Deep::classes).
    #[must_use]
    pub fn remembered_by_class(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes().len()];
        self.expert
            .memory
            .items()
            .iter()
            .flat_map(|lesson| &lesson.truth.classes)
            .for_each(|&class| counts[class] += 1);
        counts
    }

    /// A hash of θ: of the names, the shapes and the bits of every parameter. Equal fingerprints mean an equal θ; what
    /// stands around it (scaling, labels, recurrent state) is not in it.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.expert.params)
    }

    /// How well the network can still learn, where a [probe](Config::probe) was asked for. It takes a look at all that the
    /// probe keeps.
    #[must_use]
    pub fn health(&self) -> Option<Health> {
        self.expert.probe.as_ref().map(|probe| probe.report(&self.expert.params))
    }

    /// How many hidden units have begun anew, by the [plasticity](Config::plasticity) that was asked for.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.expert.plasticity.replaced()
    }

    /// How many bytes the traces take by which recurrent layers learn: none where they learn by windows of rows.
    #[must_use]
    pub fn traces(&self) -> usize {
        self.expert.traced.as_ref().map_or(0, TracedNetwork::bytes)
    }

    /// Forgets the recurrent state, the last answers, and the last numbers that stand for missing ones (not what was learned): a
    /// new sequence begins.
    pub fn reset_state(&mut self) {
        self.each_expert(&mut |deep, _| deep.expert.reset_state());
        self.features.new_sequence();
    }

    /// The network's raw output for a row: a logit for each class, or the standardised number. Empty before the first row. Of
    /// several experts it is what one network would say that means their mixture.
    ///
    /// # Errors
    ///
    /// If the row cannot be used.
    pub fn logits_one(&mut self, x: &dyn Row) -> Result<&[f32], Error> {
        let Deep { features, objective, expert, panel, scratch, .. } = self;
        let Scratch { tape, raw, x: input, indices, output, .. } = scratch;
        output.clear();
        if expert.network.is_some() {
            features.read(&with_last(x, panel.who_knows_the_last(expert), objective.classes()), raw)?;
            features.scale(raw, input);
            expert.say(tape, input, indices, output);
            panel.say(objective.task, tape, input, indices, output);
        }
        Ok(output)
    }
}

/// A hash of θ: of the names, the shapes and the bits of every parameter.
pub(crate) fn fingerprint(params: &Params<f32>) -> u64 {
    let mut hash = Xxh3::new();
    for (param, entry) in params.layout().iter() {
        hash.update(entry.name().as_bytes());
        entry.shape().dims().iter().for_each(|&size| hash.update(&(size as u64).to_le_bytes()));
        params.of(param).iter().for_each(|value| hash.update(&value.to_bits().to_le_bytes()));
    }
    hash.digest()
}

/// The row, and beside it the last known target, if there is a recurrent network that looks at it.
fn with_last<'a>(x: &'a dyn Row, recurrent: &'a Option<Recurrent>, classes: &'a Labels) -> WithLast<'a> {
    WithLast::new(x, recurrent.as_ref(), classes)
}
