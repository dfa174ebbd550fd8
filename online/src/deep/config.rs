//! How a learner is made.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{ClassWeights, DepthSpec, LossSpec, Model, OptimizerSpec, together};
use crate::consolidate::ConsolidationSpec;
use crate::error::{Error, ErrorKind};
use crate::features::FeatureSpec;
use crate::learn::Task;
use crate::memory::{MemorySpec, Replay};
use crate::metrics::{Metric, Metrics};
use crate::plasticity::{MOST_ROWS, PlasticitySpec};
use crate::recurrent::GradientSpec;

/// How a [`Deep`](super::Deep) learner is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What is predicted: classes, numbers or sets of labels.
    pub task: Task,
    /// What becomes of a row's cells.
    pub features: FeatureSpec,
    /// The network.
    pub model: Model,
    /// Where it says what it says.
    pub depth: DepthSpec,
    /// How its recurrent layers come by their gradient.
    pub gradient: GradientSpec,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// What is minimised where numbers are predicted.
    pub loss: LossSpec,
    /// How θ moves.
    pub optimizer: OptimizerSpec,
    /// What is remembered, and how it is learned again.
    pub memory: MemorySpec,
    /// How what was learned is held, by parameters.
    pub consolidation: ConsolidationSpec,
    /// What is done so that it stays able to learn.
    pub plasticity: PlasticitySpec,
    /// Over how many rows its [health](crate::plasticity::Health) is looked at; 0 for not at all.
    pub probe: usize,
    /// Where every random choice begins.
    pub seed: u64,
}

impl Config {
    /// Features standardised and one-hot, `mlp:64,64`, plain SGD, no memory: the defaults of the command.
    #[must_use]
    pub fn new(task: Task) -> Self {
        Config {
            task,
            features: FeatureSpec::default(),
            model: Model::default(),
            depth: DepthSpec::default(),
            gradient: GradientSpec::default(),
            class_weights: ClassWeights::None,
            loss: LossSpec::default(),
            optimizer: OptimizerSpec::default(),
            memory: MemorySpec::default(),
            consolidation: ConsolidationSpec::default(),
            plasticity: PlasticitySpec::default(),
            probe: 0,
            seed: 42,
        }
    }

    /// Whether its parts fit one another.
    ///
    /// # Errors
    ///
    /// If something is asked for that belongs to another task, or has a number that it cannot have.
    pub fn check(&self) -> Result<(), Error> {
        self.features.check(self.task)?;
        self.check_objective()
    }

    /// Whether model and memory have the sizes that they can have: what is learned by them could not be read again else.
    pub(crate) fn check_specifications(&self) -> Result<(), Error> {
        Model::parse(&self.model.to_string())?;
        MemorySpec::parse(&self.memory.to_string())?;
        Ok(())
    }

    /// Whether what is to be minimised fits the task.
    pub(super) fn check_objective(&self) -> Result<(), Error> {
        self.check_specifications()?;
        self.gradient.check(&self.model.layers)?;
        together::check(self)?;
        self.depth.check(self)?;
        if !self.plasticity.fits(&self.model.layers) {
            let expected = format!("hidden units between linear layers for {}", self.plasticity);
            return Err(Error::expected(ErrorKind::Spec, &expected, &self.model.to_string()));
        }
        if self.probe > MOST_ROWS {
            let (expected, found) = (format!("a probe of at most {MOST_ROWS} rows"), self.probe.to_string());
            return Err(Error::expected(ErrorKind::Spec, &expected, &found));
        }
        self.class_weights.check()?;
        self.loss.check()?;
        if self.task != Task::Classify && self.class_weights != ClassWeights::None {
            let expected = format!("no weights of classes to {}", self.task);
            return Err(Error::expected(ErrorKind::Spec, &expected, &self.class_weights.to_string()));
        }
        if self.task != Task::Classify && matches!(self.memory.replay, Replay::ErAce { .. }) {
            let expected = format!("a memory that can {}, without classes", self.task);
            return Err(Error::expected(ErrorKind::Spec, &expected, &self.memory.to_string()));
        }
        if self.task != Task::Regress && self.loss != LossSpec::default() {
            let expected = format!("no loss of numbers to {}", self.task);
            return Err(Error::expected(ErrorKind::Spec, &expected, &self.loss.to_string()));
        }
        Ok(())
    }

    /// How many rows a recurrent network keeps to go back through: one, where a rule keeps traces instead.
    pub(crate) fn window(&self) -> NonZeroUsize {
        if self.gradient.is_tbptt() { self.model.window } else { NonZeroUsize::MIN }
    }

    /// `asked`, and behind them the metrics that the [loss](LossSpec::metrics) asks for.
    #[must_use]
    pub fn metrics(&self, asked: &Metrics) -> Metrics {
        let mut metrics = asked.clone();
        let is_new = |metric: &Metric| metric.task() == self.task && !asked.0.contains(metric);
        let more = self.loss.metrics().0.into_iter().filter(is_new);
        metrics.0.extend(more);
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::BufferKind;
    use crate::{Deep, Learner, MultiTask, Target};

    /// A checkpoint of such a learner could not be read: nothing may be learned by it.
    #[test]
    fn what_could_not_be_read_again_is_not_learned() {
        let memory = |size, replays| MemorySpec { size, replays, buffer: BufferKind::Ring, ..MemorySpec::default() };
        let mut model = Model::parse("lstm:3").expect("a model");
        model.window = NonZeroUsize::new(20_000).expect("it is not 0");
        let usual = Config::new(Task::Regress);
        for config in [
            Config { memory: memory(5, 20_000), ..usual.clone() },
            Config { memory: memory(200_000_000, 1), ..usual.clone() },
            Config { model, ..usual.clone() },
        ] {
            assert!(MultiTask::new(config.clone()).is_err(), "{config:?}");
            let mut learner = Deep::new(config);
            assert!(learner.learn_one(&[("x", 1.0)], Target::Value(1.0)).is_err(), "{:?}", learner.config());
            assert_eq!(learner.rows(), 0);
        }
    }
}
