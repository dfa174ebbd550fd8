//! How a learner is made.

use serde::{Deserialize, Serialize};

use super::{ClassWeights, LossSpec, Model, OptimizerSpec};
use crate::consolidate::ConsolidationSpec;
use crate::error::{Error, ErrorKind};
use crate::features::FeatureSpec;
use crate::learn::Task;
use crate::memory::{MemorySpec, Replay};
use crate::metrics::{Metric, Metrics};

/// How a [`Deep`](super::Deep) learner is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What is predicted: classes, numbers or sets of labels.
    pub task: Task,
    /// What becomes of a row's cells.
    pub features: FeatureSpec,
    /// The network.
    pub model: Model,
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
            class_weights: ClassWeights::None,
            loss: LossSpec::default(),
            optimizer: OptimizerSpec::default(),
            memory: MemorySpec::default(),
            consolidation: ConsolidationSpec::default(),
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

    /// Whether what is to be minimised fits the task.
    pub(super) fn check_objective(&self) -> Result<(), Error> {
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
