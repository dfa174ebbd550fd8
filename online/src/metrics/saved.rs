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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{Prediction, Target};
    use crate::metrics::reading::Reading;
    use crate::metrics::{Auc, Resolution};
    use crate::saved::testing::refuses;

    fn scores() -> Scores {
        let metrics = Metrics::parse("auc@3,mutual_info@3").expect("metrics");
        let mut scores = Scores::with(Task::Classify, &metrics).expect("they fit");
        let labels = ["a", "b"].map(String::from);
        for label in ["a", "b", "a", "b", "b"] {
            let said = Prediction::Classes { labels: &labels, probabilities: &[0.3, 0.7] };
            scores.update(&Target::Class(label), &said, 1.0);
        }
        scores
    }

    #[test]
    fn sums_and_rows_are_those_of_the_metrics_and_labels() {
        refuses(
            &scores(),
            &[
                ("rows of labels that are not known", |scores| scores.labels = Labels::new()),
                ("one label too few", |scores| scores.labels.truncate(1)),
                ("numbers of a class", |scores| scores.outputs.push(scores.clone())),
                ("other sums", |scores| drop(scores.windows.pop())),
                ("a count that cannot go on", |scores| scores.scored = u64::MAX),
            ],
        );
        let mut numbers = Scores::new(Task::Regress);
        numbers.update(&Target::Values(&[1.0, 2.0]), &Prediction::Values(&[1.5, 2.5]), 1.0);
        refuses(
            &numbers,
            &[
                ("labels of a number", |scores| scores.outputs[1] = Scores::new(Task::Classify)),
                ("numbers of a number", |scores| {
                    let inner = scores.outputs[1].clone();
                    scores.outputs[1].outputs.push(inner);
                }),
            ],
        );
    }

    #[test]
    fn what_may_stand_within_its_kind_does_not_do_so_for_ever() {
        let mut reading = Reading::default();
        for _ in 0..17 {
            reading = Reading { outputs: vec![reading], ..Reading::default() };
        }
        refuses(&Reading::default(), &[]);
        let bytes = bincode::serialize(&reading).expect("it can be written");
        assert!(bincode::deserialize::<Reading>(&bytes).is_err());
    }

    #[test]
    fn thresholds_are_as_few_as_can_be_asked_for() {
        let read = |resolution| {
            let bytes = bincode::serialize(&resolution).expect("it can be written");
            bincode::deserialize::<Resolution>(&bytes).is_ok()
        };
        assert!(read(Resolution::LogOdds) && read(Resolution::Thresholds(1_000_000)));
        assert!(!read(Resolution::Thresholds(1_000_001)));
        refuses(&Auc::new(Resolution::Thresholds(3)), &[]);
    }
}
