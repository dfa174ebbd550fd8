//! How a learner is made.

use serde::{Deserialize, Serialize};

use super::{MemorySpec, Model, OptimizerSpec};
use crate::features::FeatureSpec;
use crate::learn::Task;

/// How a [`Deep`](super::Deep) learner is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Classes or numbers.
    pub task: Task,
    /// What becomes of a row's cells.
    pub features: FeatureSpec,
    /// The network.
    pub model: Model,
    /// How θ moves.
    pub optimizer: OptimizerSpec,
    /// What is replayed.
    pub memory: MemorySpec,
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
            optimizer: OptimizerSpec::default(),
            memory: MemorySpec::default(),
            seed: 42,
        }
    }
}
