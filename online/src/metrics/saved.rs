//! Scores in a checkpoint.

use serde::{Deserialize, Serialize};

use super::list::Metrics;
use super::scored::{Before, Scored};
use super::scores::Scores;
use super::tally::Tallies;
use super::window::{Window, Windowed};
use crate::error::Error;
use crate::labels::Labels;
use crate::learn::Task;
use crate::saved::ensure;

/// What cannot be made again from the list of metrics.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    task: Task,
    metrics: Metrics,
    windows: Vec<Windowed<Tallies>>,
    labels: Labels,
    before: Before,
    #[serde(deserialize_with = "crate::saved::count")]
    scored: u64,
    #[serde(deserialize_with = "crate::saved::count")]
    unscored: u64,
    #[serde(deserialize_with = "thalweg_nn::nested::read")]
    outputs: Vec<Scores>,
}

impl From<Scores> for Saved {
    fn from(scores: Scores) -> Self {
        let metrics = scores.asked();
        let Scores { task, windows, labels, before, scored, unscored, outputs, .. } = scores;
        Saved { task, metrics, windows, labels, before, scored, unscored, outputs }
    }
}

impl TryFrom<Saved> for Scores {
    type Error = Error;

    fn try_from(saved: Saved) -> Result<Self, Error> {
        let Saved { task, metrics, windows, labels, before, scored, unscored, outputs } = saved;
        let mut scores = Scores::with(task, &metrics)?;
        let known = |row: &Scored| row.is_of(labels.len());
        let sound = windows.iter().all(|window| window.rolling().is_none_or(|w| w.rows().all(|(row, _)| known(row))));
        ensure(sound && before.is_of(labels.len()), "rows of the labels that are known")?;
        let kinds = |windows: &[Windowed<Tallies>]| -> Vec<(Window, Tallies)> {
            windows.iter().map(|window| (window.window(), window.sums().kinds())).collect()
        };
        let blocks = |window: &Windowed<Tallies>| {
            let empty = window.sums().kinds();
            window.rolling().is_none_or(|rolling| rolling.blocks().iter().all(|block| block.kinds() == empty))
        };
        let alike = |other: &Scores| other.task == task && other.asked() == metrics && other.outputs.is_empty();
        let expected = format!("the sums of {metrics}");
        ensure(kinds(&windows) == kinds(&scores.windows) && windows.iter().all(blocks), &expected)?;
        ensure(outputs.iter().all(alike) && (outputs.is_empty() || task == Task::Regress), &expected)?;
        (scores.windows, scores.labels, scores.before) = (windows, labels, before);
        (scores.scored, scores.unscored, scores.outputs) = (scored, unscored, outputs);
        Ok(scores)
    }
}
