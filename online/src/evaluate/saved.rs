//! An evaluation as it is read: whether its parts belong together.

use super::Prequential;
use super::waiting::Predicted;
use crate::error::Error;
use crate::metrics::Scores;
use crate::saved::{Checked, checked, ensure};

checked!(Prequential);

impl Checked for Prequential {
    fn check(&self) -> Result<(), Error> {
        let Prequential { scores, baselines, baseline_scores: [first, second], waiting, .. } = self;
        let tasks = [first.task(), second.task(), baselines.task()];
        ensure(tasks == [scores.task(); 3], "scores of one task")?;
        let can_record = |waits: &Predicted| {
            let each = [scores, first, second].into_iter().zip(&waits.readings);
            each.into_iter().all(|(scores, reading): (&Scores, _)| scores.can_record(reading))
        };
        ensure(waiting.rows().all(can_record), "what was read of rows that wait")
    }
}
