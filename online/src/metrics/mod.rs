//! Running measures of how good predictions are: updated with every row, read at any time, saved with everything else.
//!
//! Each keeps a few sums, never the rows. A measure without a row is NaN: nothing has been measured. [`Scores`] holds
//! those that belong to a task.
//!
//! A row for which the learner said nothing ([`Prediction::Unknown`]) is not scored, which is also River's rule: a
//! learner is judged by what it says. [`Scores::unscored`] tells how many rows that were.

mod classification;
mod regression;

use serde::{Deserialize, Serialize};

pub use classification::{Accuracy, Kappa, KappaTemporal, LogLoss, log_loss};
pub use regression::{MeanAbsoluteError, RSquared, RootMeanSquareError};

use crate::learn::{Prediction, Target, Task};

/// The measures of one task, over the same rows.
///
/// # Example
///
/// ```
/// use thalweg_online::{Prediction, Scores, Target, Task};
///
/// let mut scores = Scores::new(Task::Regress);
/// scores.update(&Target::Value(3.0), &Prediction::Value(2.0));
/// scores.update(&Target::Value(5.0), &Prediction::Value(5.0));
/// assert_eq!(scores.get("mae"), Some(0.5));
/// assert_eq!(scores.entries().len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    measures: Measures,
    scored: u64,
    unscored: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Measures {
    Classify { accuracy: Accuracy, log_loss: LogLoss, kappa: Kappa, kappa_temporal: KappaTemporal },
    Regress { mae: MeanAbsoluteError, rmse: RootMeanSquareError, r2: RSquared },
}

/// What the measures need of a prediction once the target is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer<'a> {
    /// The predicted label, and the probability that was given to the true one.
    Class {
        label: &'a str,
        probability: f64,
    },
    Value(f64),
}

impl<'a> Answer<'a> {
    /// `None` where nothing was said that could be scored.
    pub(crate) fn new(target: &Target<'_>, prediction: &Prediction<'a>) -> Option<Self> {
        match target {
            Target::Class(truth) => {
                let label = prediction.label()?;
                Some(Answer::Class { label, probability: prediction.probability(truth) })
            }
            Target::Value(_) => prediction.value().filter(|value| value.is_finite()).map(Answer::Value),
        }
    }
}

impl Scores {
    /// The measures of `task`, over no rows yet.
    #[must_use]
    pub fn new(task: Task) -> Self {
        let measures = match task {
            Task::Classify => Measures::Classify {
                accuracy: Accuracy::default(),
                log_loss: LogLoss::default(),
                kappa: Kappa::default(),
                kappa_temporal: KappaTemporal::default(),
            },
            Task::Regress => Measures::Regress {
                mae: MeanAbsoluteError::default(),
                rmse: RootMeanSquareError::default(),
                r2: RSquared::default(),
            },
        };
        Scores { measures, scored: 0, unscored: 0 }
    }

    /// The task that is measured.
    #[must_use]
    pub fn task(&self) -> Task {
        match self.measures {
            Measures::Classify { .. } => Task::Classify,
            Measures::Regress { .. } => Task::Regress,
        }
    }

    /// Takes in what was predicted for a row, and its target.
    ///
    /// A prediction that says nothing, or a number that is not finite, is not scored.
    ///
    /// # Panics
    ///
    /// If the target belongs to another task.
    #[track_caller]
    pub fn update(&mut self, target: &Target<'_>, prediction: &Prediction<'_>) {
        self.record(target, Answer::new(target, prediction));
    }

    #[track_caller]
    pub(crate) fn record(&mut self, target: &Target<'_>, answer: Option<Answer<'_>>) {
        match (&mut self.measures, target, answer) {
            (
                Measures::Classify { accuracy, log_loss, kappa, kappa_temporal },
                Target::Class(truth),
                Some(Answer::Class { label, probability }),
            ) => {
                accuracy.update(truth, label);
                log_loss.update(probability);
                kappa.update(truth, label);
                kappa_temporal.update(truth, label);
            }
            (Measures::Classify { kappa_temporal, .. }, Target::Class(truth), None) => kappa_temporal.observe(truth),
            (Measures::Regress { mae, rmse, r2 }, &Target::Value(truth), Some(Answer::Value(value))) => {
                mae.update(truth, value);
                rmse.update(truth, value);
                r2.update(truth, value);
            }
            (Measures::Regress { .. }, Target::Value(_), None) => {}
            (_, target, _) => {
                panic!("update: task of the scores = task of the target: {} ≠ {}", self.task(), target.task())
            }
        }
        match answer {
            Some(_) => self.scored += 1,
            None => self.unscored += 1,
        }
    }

    /// How many rows were scored.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.scored
    }

    /// How many rows were not scored, because nothing was predicted.
    #[must_use]
    pub fn unscored(&self) -> u64 {
        self.unscored
    }

    /// Name and value of each measure, always in the same order: `accuracy`, `log_loss`, `kappa`, `kappa_temporal`, or
    /// `mae`, `rmse`, `r2`. All are NaN while no row was scored.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, f64)> {
        match &self.measures {
            Measures::Classify { accuracy, log_loss, kappa, kappa_temporal } => vec![
                ("accuracy", accuracy.get()),
                ("log_loss", log_loss.get()),
                ("kappa", kappa.get()),
                ("kappa_temporal", kappa_temporal.get()),
            ],
            Measures::Regress { mae, rmse, r2 } => {
                vec![("mae", mae.get()), ("rmse", rmse.get()), ("r2", r2.get())]
            }
        }
    }

    /// The measure called `name`, if the task has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.entries().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_prediction_is_not_scored_but_remembered_as_the_last_label() {
        let labels = ["a".to_string(), "b".to_string()];
        let says_a = Prediction::Classes { labels: &labels, probabilities: &[0.75, 0.25] };
        let mut scores = Scores::new(Task::Classify);
        scores.update(&Target::Class("a"), &Prediction::Unknown);
        assert_eq!((scores.count(), scores.unscored()), (0, 1));
        assert!(scores.entries().iter().all(|(_, value)| value.is_nan()));
        scores.update(&Target::Class("a"), &says_a);
        scores.update(&Target::Class("b"), &says_a);
        assert_eq!((scores.count(), scores.unscored()), (2, 1));
        assert_eq!(scores.get("accuracy"), Some(0.5));
        assert_eq!(scores.get("log_loss"), Some(-(0.75_f64.ln() + 0.25_f64.ln()) / 2.0));
        // The last label is right for the second row too, because the first one was seen: no better than that.
        assert_eq!(scores.get("kappa_temporal"), Some(0.0));
    }

    #[test]
    fn a_number_that_is_not_finite_is_not_scored() {
        let mut scores = Scores::new(Task::Regress);
        scores.update(&Target::Value(1.0), &Prediction::Value(f64::NAN));
        scores.update(&Target::Value(1.0), &Prediction::Value(1.5));
        assert_eq!((scores.count(), scores.unscored(), scores.get("mae")), (1, 1, Some(0.5)));
    }

    #[test]
    fn the_order_of_the_entries_is_fixed() {
        let names = |task| Scores::new(task).entries().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Task::Classify), ["accuracy", "log_loss", "kappa", "kappa_temporal"]);
        assert_eq!(names(Task::Regress), ["mae", "rmse", "r2"]);
    }

    #[test]
    #[should_panic(expected = "update: task of the scores = task of the target: regress ≠ classify")]
    fn a_target_of_another_task_panics() {
        Scores::new(Task::Regress).update(&Target::Class("a"), &Prediction::Unknown);
    }
}
