//! Scores in a checkpoint.

use serde::{Deserialize, Serialize};

use super::list::Metrics;
use super::scored::Before;
use super::scores::Scores;
use super::tally::Tallies;
use super::window::{Window, Windowed};
use crate::error::{Error, ErrorKind};
use crate::labels::Labels;
use crate::learn::Task;

/// What cannot be made again from the list of metrics.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    task: Task,
    metrics: Metrics,
    windows: Vec<Windowed<Tallies>>,
    labels: Labels,
    before: Before,
    scored: u64,
    unscored: u64,
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
        let kinds = |windows: &[Windowed<Tallies>]| -> Vec<(Window, Tallies)> {
            let kind = |window: &Windowed<Tallies>| {
                let mut sums = window.sums().into_owned();
                sums.0.iter_mut().for_each(|tally| *tally = tally.kind());
                (window.window(), sums)
            };
            windows.iter().map(kind).collect()
        };
        let alike = |other: &Scores| kinds(&other.windows) == kinds(&scores.windows);
        if kinds(&windows) != kinds(&scores.windows) || !outputs.iter().all(alike) {
            return Err(Error::new(ErrorKind::Checkpoint, format!("expected the sums of {metrics}, found others")));
        }
        (scores.windows, scores.labels, scores.before) = (windows, labels, before);
        (scores.scored, scores.unscored, scores.outputs) = (scored, unscored, outputs);
        Ok(scores)
    }
}
