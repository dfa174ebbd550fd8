//! What an evaluation says of itself.

use super::Prequential;
use crate::delay::Delay;
use crate::learn::Task;
use crate::metrics::Scores;

impl Prequential {
    /// The task that is evaluated.
    #[must_use]
    pub fn task(&self) -> Task {
        self.scores.task()
    }

    /// How many rows were learned: the scored ones, and those for which the learner had nothing to say yet.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many rows were predicted whose label never comes: rows without one, and [forecasts](super#forecasts) of what did not
    /// come.
    #[must_use]
    pub fn unlabelled(&self) -> u64 {
        self.unlabelled
    }

    /// How many rows were predicted and wait for their labels.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.forecasts.len()
    }

    /// How many rows waited for their labels at once, at most.
    #[must_use]
    pub fn most_waiting(&self) -> usize {
        self.most_waiting
    }

    /// How much later labels come than their rows.
    #[must_use]
    pub fn delay(&self) -> Delay {
        self.waiting.delay()
    }

    /// The learner's scores.
    #[must_use]
    pub fn scores(&self) -> &Scores {
        &self.scores
    }

    /// The baselines' names and scores: `majority_class` and `last_label`, `running_mean` and `last_value`, or
    /// `majority_labels` and `last_labels`.
    #[must_use]
    pub fn baselines(&self) -> [(&'static str, &Scores); 2] {
        let [first, second] = self.baselines.names();
        [(first, &self.baseline_scores[0]), (second, &self.baseline_scores[1])]
    }
}
