//! The two learners that every other must beat.

use serde::{Deserialize, Serialize};

use crate::baseline::{LastLabel, LastValue, Majority, RunningMean};
use crate::learn::{Learner, Task};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Baselines {
    Classify(Majority, LastLabel),
    Regress(RunningMean, LastValue),
}

impl Baselines {
    pub fn new(task: Task) -> Self {
        match task {
            Task::Classify => Baselines::Classify(Majority::new(), LastLabel::new()),
            Task::Regress => Baselines::Regress(RunningMean::new(), LastValue::new()),
        }
    }

    pub fn names(&self) -> [&'static str; 2] {
        match self {
            Baselines::Classify(..) => ["majority_class", "last_label"],
            Baselines::Regress(..) => ["running_mean", "last_value"],
        }
    }

    pub fn learners(&mut self) -> [&mut dyn Learner; 2] {
        match self {
            Baselines::Classify(majority, last) => [majority, last],
            Baselines::Regress(mean, last) => [mean, last],
        }
    }
}
