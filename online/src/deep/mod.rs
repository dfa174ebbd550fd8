//! Deep models that learn from every example: features, network, optimizer and memory in one value.

mod config;
mod model;
mod network;
mod recurrent;

pub use config::Config;
pub use model::{MemorySpec, Model};
pub use network::Network;
pub use thalweg_nn::OptimizerSpec;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Adam, AnyOptimizer, Mode, Optimizer, State, Step};
use thalweg_tensor::{Rng, View, kernels};
use xxhash_rust::xxh3::Xxh3;

use crate::error::Error;
use crate::features::Features;
use crate::labels::Labels;
use crate::learn::{Learner, Prediction, Target, Task};
use crate::memory::Reservoir;
use crate::moments::Moments;
use crate::row::Row;
use recurrent::{Lesson, Recurrent, Truth, WithLast};

/// A deep model that learns from every example.
///
/// One row goes: cells → [`Features`] → a pass of the network → loss → gradient → θ; then the same for the rows that the
/// memory replays. New features, categories and classes may come with any row: the network grows by inputs and outputs
/// whose weights are zero, so nothing it says about what it knew changes by a bit, and the optimizer keeps its moments.
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
pub struct Deep {
    config: Config,
    features: Features,
    classes: Labels,
    target: Moments,
    params: Params<f32>,
    network: Option<Network>,
    optimizer: AnyOptimizer,
    memory: Reservoir<Lesson>,
    recurrent: Option<Recurrent>,
    mode: Mode,
    rng: Rng,
    rows: u64,
    steps: u64,
    refused: u64,
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
    output: Vec<f32>,
    probabilities: Vec<f32>,
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
        Deep {
            features: Features::with(config.features.clone()),
            classes: Labels::new(),
            target: Moments::default(),
            params: Params::new(),
            network: None,
            optimizer: config.optimizer.build(),
            memory: Reservoir::new(config.memory.size),
            recurrent: config.model.is_recurrent().then(|| Recurrent::new(&config.model)),
            mode: Mode::train(Rng::new(config.seed).fork()),
            rng: Rng::new(config.seed),
            rows: 0,
            steps: 0,
            refused: 0,
            scratch: Scratch::default(),
            config,
        }
    }

    /// How it was made.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// θ.
    #[must_use]
    pub fn params(&self) -> &Params<f32> {
        &self.params
    }

    /// The network: handles into θ. `None` before the first row.
    #[must_use]
    pub fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    /// m and v, laid out like θ, if the optimizer is Adam.
    #[must_use]
    pub fn moments(&self) -> Option<[&thalweg_autograd::Flat<f32>; 2]> {
        self.optimizer.as_adam().map(Adam::moments)
    }

    /// The features seen so far.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The classes seen so far, in order of arrival.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.classes.as_slice()
    }

    /// How many examples it has learned from (replays not counted).
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many steps θ has taken: one for each example, and one for each that was replayed.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many steps were refused because a gradient was not finite.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How many examples the memory holds.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.memory.items().len()
    }

    /// A hash of θ: of the names, the shapes and the bits of every parameter. Equal fingerprints mean an equal θ; what
    /// stands around it (scaling, labels, recurrent state) is not in it.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Xxh3::new();
        for (param, entry) in self.params.layout().iter() {
            hash.update(entry.name().as_bytes());
            entry.shape().dims().iter().for_each(|&size| hash.update(&(size as u64).to_le_bytes()));
            self.params.of(param).iter().for_each(|value| hash.update(&value.to_bits().to_le_bytes()));
        }
        hash.digest()
    }

    /// Forgets the recurrent state and the last answers (not what was learned): a new sequence begins.
    pub fn reset_state(&mut self) {
        self.recurrent.iter_mut().for_each(Recurrent::reset);
        self.features.new_sequence();
    }

    /// The network's raw output for a row: a logit for each class, or the standardised number. Empty before the first row.
    ///
    /// # Errors
    ///
    /// If the row cannot be used.
    pub fn logits_one(&mut self, x: &dyn Row) -> Result<&[f32], Error> {
        let Scratch { tape, raw, x: input, output, .. } = &mut self.scratch;
        output.clear();
        let Some(network) = &self.network else { return Ok(output) };
        self.features.read(&with_last(x, &self.recurrent, &self.classes), raw)?;
        self.features.scale(raw, input);
        let pass = tape.pass(&self.params);
        let input = pass.input(View::new([1, input.len()], input));
        let logits = match &self.recurrent {
            Some(recurrent) => network.forward(input, recurrent.carried(), None, &mut Mode::Eval),
            None => network.forward(input, &State::default(), None, &mut Mode::Eval),
        };
        logits.with(|logits| output.extend_from_slice(logits));
        Ok(output)
    }

    /// Takes in what is new in a row and its target, and grows the network to fit.
    fn grow(&mut self, x: &dyn Row, y: Target<'_>) -> Result<Truth, Error> {
        self.features.observe(&with_last(x, &self.recurrent, &self.classes))?;
        let truth = match y {
            Target::Class(label) => Truth::Class(self.classes.insert(label)),
            Target::Value(value) => {
                self.target.update(value);
                Truth::Value(value)
            }
        };
        let (inputs, outputs) = (self.features.width(), self.classes.len().max(1));
        match &mut self.network {
            Some(network) => network.grow(&mut self.params, inputs, outputs)?,
            None => {
                let spec = &self.config.model.layers;
                let network = Network::new(&mut self.params, spec, inputs, outputs, &mut self.rng)?;
                self.recurrent.iter_mut().for_each(|r| r.begin(network.zero_state(&self.params)));
                self.network = Some(network);
            }
        }
        Ok(truth)
    }

    /// One gradient step on the lesson in `scratch`; returns the loss before it. For a new lesson, not a replayed one, the
    /// recurrent state moves on.
    fn step(&mut self, replayed: Option<usize>) -> f64 {
        let Scratch { tape, grads, lesson, x, .. } = &mut self.scratch;
        let lesson = replayed.map_or(&*lesson, |index| &self.memory.items()[index]);
        let Some(network) = &self.network else { return 0.0 };
        let width = self.features.width();
        x.clear();
        x.resize(lesson.rows.len() * width, 0.0);
        for (raw, x) in lesson.rows.iter().zip(x.chunks_exact_mut(width.max(1))) {
            self.features.scale_into(raw, x);
        }
        let pass = tape.pass(&self.params);
        let input = pass.input(View::new([lesson.rows.len(), width], x));
        let carry = self.recurrent.as_mut().filter(|_| replayed.is_none());
        let logits = network.forward(input, &lesson.state, carry, &mut self.mode);
        let loss = match lesson.truth {
            Truth::Class(class) => logits.cross_entropy(&[class]),
            Truth::Value(value) => {
                let z = self.target.standardise(value).unwrap_or(0.0);
                logits.mse(pass.input(&[z as f32]))
            }
        };
        let value = f64::from(loss.item());
        loss.backward(grads);
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
}

/// The row, and beside it the last known target, if there is a recurrent network that looks at it.
fn with_last<'a>(x: &'a dyn Row, recurrent: &Option<Recurrent>, classes: &'a Labels) -> WithLast<'a> {
    WithLast::new(x, recurrent.as_ref().and_then(|recurrent| recurrent.last(classes)))
}

impl Learner for Deep {
    fn task(&self) -> Task {
        self.config.task
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        self.logits_one(x)?;
        if self.network.is_none() {
            return Ok(Prediction::Unknown);
        }
        let Scratch { output, probabilities, .. } = &mut self.scratch;
        Ok(match self.config.task {
            Task::Classify => {
                probabilities.clear();
                probabilities.resize(output.len(), 0.0);
                kernels::softmax(output, probabilities);
                Prediction::Classes { labels: self.classes.as_slice(), probabilities }
            }
            Task::Regress => {
                let z = output.first().map_or(0.0, |&z| f64::from(z));
                Prediction::Value(self.target.mean() + self.target.deviation() * z)
            }
        })
    }

    /// Moves θ once for the new example and once for each that is replayed. The loss is the cross entropy in nats, or the
    /// squared error of the standardised target.
    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        match self.config.task {
            Task::Classify => y.class().map(drop)?,
            Task::Regress => y.number().map(drop)?,
        }
        let truth = self.grow(x, y)?;
        let Scratch { raw, lesson, .. } = &mut self.scratch;
        let row = with_last(x, &self.recurrent, &self.classes);
        self.features.read(&row, raw)?;
        self.features.told(&row, y);
        match &mut self.recurrent {
            Some(recurrent) => {
                recurrent.push(raw, lesson);
                recurrent.told(truth);
            }
            None => lesson.set_row(raw),
        }
        lesson.truth = truth;
        let loss = self.step(None);
        for _ in 0..self.config.memory.replays {
            if let Some(index) = self.memory.draw(&mut self.rng) {
                self.step(Some(index));
            }
        }
        let Scratch { lesson, .. } = &self.scratch;
        if let Some(place) = self.memory.offer(&mut self.rng) {
            place.clone_from(lesson);
        }
        self.rows += 1;
        Ok(loss)
    }
}
