//! The two learners that every other must beat.

use serde::{Deserialize, Serialize};

use crate::baseline::{LastLabel, LastLabels, LastValue, Majority, MajorityLabels, RunningMean};
use crate::learn::{Learner, Task};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Baselines {
    Classify(Majority, LastLabel),
    Regress(RunningMean, LastValue),
    MultiLabel(MajorityLabels, LastLabels),
}

impl Baselines {
    pub fn new(task: Task) -> Self {
        match task {
            Task::Classify => Baselines::Classify(Majority::new(), LastLabel::new()),
            Task::Regress => Baselines::Regress(RunningMean::new(), LastValue::new()),
            Task::MultiLabel => Baselines::MultiLabel(MajorityLabels::new(), LastLabels::new()),
        }
    }

    pub fn names(&self) -> [&'static str; 2] {
        match self {
            Baselines::Classify(..) => ["majority_class", "last_label"],
            Baselines::Regress(..) => ["running_mean", "last_value"],
            Baselines::MultiLabel(..) => ["majority_labels", "last_labels"],
        }
    }

    pub fn task(&self) -> Task {
        match self {
            Baselines::Classify(..) => Task::Classify,
            Baselines::Regress(..) => Task::Regress,
            Baselines::MultiLabel(..) => Task::MultiLabel,
        }
    }

    pub fn learners(&mut self) -> [&mut dyn Learner; 2] {
        match self {
            Baselines::Classify(majority, last) => [majority, last],
            Baselines::Regress(mean, last) => [mean, last],
            Baselines::MultiLabel(majority, last) => [majority, last],
        }
    }
}
