//! Whatever learns in a session.

use serde::{Deserialize, Serialize};
use thalweg_autograd::Params;

use crate::adapt::Adaptive;
use crate::deep::Deep;
use crate::delay::KeptRow;
use crate::error::Error;
use crate::features::Features;
use crate::frozen::Frozen;
use crate::learn::{Learner, Prediction, Target, Task};
use crate::metrics::Metrics;
use crate::row::Row;

/// A network that learns, one that is watched for drift, or a head that learns on one that stands still; a checkpoint says
/// which.
///
/// ```
/// use thalweg_online::{AnyLearner, Config, Deep, Extractor, Frozen, HeadSpec, Learner, Model, Target, Task};
///
/// let mut deep = Deep::new(Config { model: Model::parse("mlp:8")?, ..Config::new(Task::Classify) });
/// deep.learn_one(&[("a", 1.0)], Target::Class("up"))?;
/// let frozen = Frozen::new(Extractor::of(&deep)?, &HeadSpec::parse("slda")?);
/// assert_eq!(AnyLearner::from(deep).model(), "mlp:8");
/// assert_eq!(AnyLearner::from(frozen).model(), "linear:8 > relu > slda:0.0001");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AnyLearner {
    /// All of the network learns.
    Deep(Box<Deep>),
    /// The head learns.
    Frozen(Box<Frozen>),
    /// All of the network learns, and something is done when its error has risen.
    Adaptive(Box<Adaptive<Deep>>),
}

/// The same of any learner.
macro_rules! each {
    ($learner:expr, $one:ident => $what:expr) => {
        match $learner {
            AnyLearner::Deep($one) => $what,
            AnyLearner::Frozen($one) => $what,
            AnyLearner::Adaptive($one) => $what,
        }
    };
}

/// The network that learns, or the trunk that stands still.
macro_rules! network {
    ($learner:expr, $one:ident => $what:expr) => {
        match $learner {
            AnyLearner::Deep($one) => $what,
            AnyLearner::Frozen(frozen) => {
                let $one = frozen.extractor();
                $what
            }
            AnyLearner::Adaptive(adaptive) => {
                let $one = adaptive.learner();
                $what
            }
        }
    };
}

impl AnyLearner {
    /// What it is, in a line of text: the layers, and behind them the head where it learns alone.
    #[must_use]
    pub fn model(&self) -> String {
        match self {
            AnyLearner::Deep(deep) => deep.config().model.to_string(),
            AnyLearner::Frozen(frozen) => format!("{} > {}", frozen.extractor().network().spec(), frozen.head_spec()),
            AnyLearner::Adaptive(adaptive) => adaptive.learner().config().model.to_string(),
        }
    }

    /// How it was made, name by name, but for its features.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let of = |name, value: &dyn ToString| (name, value.to_string());
        let of_network = |deep: &Deep| {
            let config = deep.config();
            vec![
                of("task", &config.task),
                of("model", &config.model),
                of("depth", &config.depth),
                of("gradient", &config.gradient),
                of("optimizer", &config.optimizer),
                of("memory", &config.memory),
                of("consolidate", &config.consolidation),
                of("plasticity", &config.plasticity),
                of("probe", &config.probe),
                of("loss", &config.loss),
                of("class_weight", &config.class_weights),
                of("seed", &config.seed),
            ]
        };
        match self {
            AnyLearner::Deep(deep) => of_network(deep),
            AnyLearner::Frozen(frozen) => vec![
                of("task", &frozen.task()),
                of("trunk", frozen.extractor().network().spec()),
                of("head", frozen.head_spec()),
            ],
            AnyLearner::Adaptive(adaptive) => {
                let watch = vec![of("drift", adaptive.drift()), of("policy", adaptive.policy())];
                [of_network(adaptive.learner()), watch].concat()
            }
        }
    }

    /// The learner, if all of the network learns: of one that is watched, the one that predicts.
    #[must_use]
    pub fn as_deep(&self) -> Option<&Deep> {
        match self {
            AnyLearner::Deep(deep) => Some(deep),
            AnyLearner::Frozen(_) => None,
            AnyLearner::Adaptive(adaptive) => Some(adaptive.learner()),
        }
    }

    /// The learner, if it is watched for drift.
    #[must_use]
    pub fn as_adaptive(&self) -> Option<&Adaptive<Deep>> {
        if let AnyLearner::Adaptive(adaptive) = self { Some(adaptive) } else { None }
    }

    /// The features seen so far; of a trunk that stands still, those that it was trained with.
    #[must_use]
    pub fn features(&self) -> &Features {
        network!(self, network => network.features())
    }

    /// θ of the network. A head that learns alone is no part of it.
    #[must_use]
    pub fn params(&self) -> &Params<f32> {
        network!(self, network => network.params())
    }

    /// A hash of θ, as [`Deep::fingerprint`]: of a trunk that stands still it never changes.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        network!(self, network => network.fingerprint())
    }

    /// The classes seen so far, in order of arrival.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        match self {
            AnyLearner::Deep(deep) => deep.classes(),
            AnyLearner::Frozen(frozen) => frozen.classes(),
            AnyLearner::Adaptive(adaptive) => adaptive.learner().classes(),
        }
    }

    /// How many examples it has learned from.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match self {
            AnyLearner::Deep(deep) => deep.rows(),
            AnyLearner::Frozen(frozen) => frozen.rows(),
            AnyLearner::Adaptive(adaptive) => adaptive.learner().rows(),
        }
    }

    /// How many steps or examples were refused because something in them was not finite.
    #[must_use]
    pub fn refused(&self) -> u64 {
        match self {
            AnyLearner::Deep(deep) => deep.refused(),
            AnyLearner::Frozen(frozen) => frozen.refused(),
            AnyLearner::Adaptive(adaptive) => adaptive.learner().refused(),
        }
    }

    /// A context ends: see [`Deep::end_context`]. Nothing is held of a head that learns alone.
    pub fn end_context(&mut self) -> bool {
        match self {
            AnyLearner::Deep(deep) => deep.end_context(),
            AnyLearner::Frozen(_) => false,
            AnyLearner::Adaptive(adaptive) => adaptive.end_context(),
        }
    }

    /// A new sequence begins: see [`Deep::reset_state`]. A trunk that stands still carries nothing.
    pub fn reset_state(&mut self) {
        match self {
            AnyLearner::Deep(deep) => deep.reset_state(),
            AnyLearner::Frozen(_) => {}
            AnyLearner::Adaptive(adaptive) => adaptive.reset_state(),
        }
    }

    /// `asked`, and the metrics that a learner asks for [itself](crate::Config::metrics).
    #[must_use]
    pub fn metrics(&self, asked: &Metrics) -> Metrics {
        self.as_deep().map_or_else(|| asked.clone(), |deep| deep.config().metrics(asked))
    }
}

impl Learner for AnyLearner {
    fn task(&self) -> Task {
        each!(self, learner => learner.task())
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        each!(self, learner => learner.predict_one(x))
    }

    fn pass_one(&mut self, x: &dyn Row) -> Result<(), Error> {
        each!(self, learner => learner.pass_one(x))
    }

    fn keep(&self, x: &dyn Row, kept: &mut KeptRow) {
        each!(self, learner => learner.keep(x, kept));
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        each!(self, learner => learner.learn_one(x, y))
    }

    fn learn_late(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        each!(self, learner => learner.learn_late(x, y))
    }
}

impl From<Deep> for AnyLearner {
    fn from(deep: Deep) -> Self {
        AnyLearner::Deep(Box::new(deep))
    }
}

impl From<Adaptive<Deep>> for AnyLearner {
    fn from(adaptive: Adaptive<Deep>) -> Self {
        AnyLearner::Adaptive(Box::new(adaptive))
    }
}

impl From<Frozen> for AnyLearner {
    fn from(frozen: Frozen) -> Self {
        AnyLearner::Frozen(Box::new(frozen))
    }
}
