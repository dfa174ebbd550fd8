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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Majority;
    use crate::delay::Delay;
    use crate::evaluate::Baselines;
    use crate::evaluate::forecast::Forecasts;
    use crate::evaluate::waiting::Waiting;
    use crate::learn::{Target, Task};
    use crate::metrics::Metrics;
    use crate::saved::testing::refuses;

    fn evaluation() -> Prequential {
        let metrics = Metrics::parse("auc@3,mutual_info@3").expect("metrics");
        let mut evaluation = Prequential::with(Task::Classify, &metrics).expect("they fit").delayed(Delay::Rows(2));
        let mut learner = Majority::new();
        for label in ["a", "b", "a", "b", "b"] {
            evaluation.step(&mut learner, &[("x", 0.0)], Target::Class(label)).expect("the row is good");
        }
        evaluation
    }

    #[test]
    fn an_evaluation_whose_parts_do_not_fit_is_refused() {
        refuses(
            &evaluation(),
            &[
                ("scores of another task", |evaluation| evaluation.baseline_scores[1] = Scores::new(Task::Regress)),
                ("baselines of another task", |evaluation| evaluation.baselines = Baselines::new(Task::Regress)),
                ("readings of labels that are not known", |evaluation| evaluation.scores = Scores::new(Task::Classify)),
                ("a clock that cannot go on", |evaluation| evaluation.waiting.pass(i64::MAX - 1)),
                ("any delay", |evaluation| evaluation.waiting = Waiting::new(Delay::Rows(u32::MAX))),
                ("a delay before its time", |evaluation| evaluation.waiting = Waiting::new(Delay::Time(-1))),
                ("any horizon", |evaluation| evaluation.forecasts = Forecasts::new(u32::MAX)),
                ("a count that cannot go on", |evaluation| evaluation.unlabelled = u64::MAX),
            ],
        );
    }
}
