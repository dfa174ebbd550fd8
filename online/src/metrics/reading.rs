//! What is kept of a prediction until it is recorded.

use serde::{Deserialize, Serialize};

use super::scored::{Facts, Scored};

/// A row that was read and not yet recorded: scratch, or part of what waits for its label.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(super) row: Scored,
    pub(super) scored: bool,
    pub(super) class: Option<usize>,
    /// How many labels there were before.
    pub(super) labels: usize,
    /// Of each of several numbers.
    #[serde(deserialize_with = "thalweg_nn::nested::read")]
    pub(super) outputs: Vec<Reading>,
}

impl Reading {
    /// How wrong the prediction was: 1 or 0 for a class or a set of labels, truth less prediction for a number, the mean of
    /// their sizes for several. `None` if it is not scored.
    pub(crate) fn error(&self) -> Option<f64> {
        if !self.outputs.is_empty() {
            let sizes = self.outputs.iter().filter_map(Reading::error).map(f64::abs);
            let (sum, count) = sizes.fold((0.0, 0), |(sum, count), size| (sum + size, count + 1));
            return (count > 0).then(|| sum / f64::from(count));
        }
        self.scored.then_some(match self.row.facts {
            Facts::Class(facts) => f64::from(u8::from(facts.truth != facts.said)),
            Facts::Value(truth, said) => truth - said,
            Facts::Labels => f64::from(u8::from(self.row.came != self.row.said)),
        })
    }
}

impl PartialEq for Reading {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
