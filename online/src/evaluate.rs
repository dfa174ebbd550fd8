//! Test-then-train evaluation: every row is first a test, then a lesson.
//!
//! The learner predicts the row, the prediction is scored, and only then is the learner told the answer (Gama,
//! Sebastião & Rodrigues, "On evaluating stream learning algorithms", 2013). No row is ever predicted after it was
//! learned, so the figures are honest without a held-out set. The two simplest learners of the task run over the same
//! rows: a figure says little without theirs beside it.

use serde::{Deserialize, Serialize};

use crate::baseline::{LastLabel, LastValue, Majority, RunningMean};
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Target, Task};
use crate::metrics::{Metrics, Scores};
use crate::row::Row;

/// A running test-then-train evaluation, with the task's two baselines on the same rows.
///
/// # Example
///
/// ```
/// use thalweg_online::{Prequential, Target, Task, baseline::LastValue};
///
/// let mut learner = LastValue::new();
/// let mut evaluation = Prequential::new(Task::Regress);
/// for hour in 0..24 {
///     let x = [("hour", hour)];
///     evaluation.step(&mut learner, &x, Target::Value(2.0 * f64::from(hour)))?;
/// }
/// assert_eq!(evaluation.scores().get("mae"), Some(2.0));
/// let [(mean, _), (last, scores)] = evaluation.baselines();
/// assert_eq!((mean, last, scores.get("mae")), ("running_mean", "last_value", Some(2.0)));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prequential {
    rows: u64,
    scores: Scores,
    baselines: Baselines,
    baseline_scores: [Scores; 2],
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Baselines {
    Classify(Majority, LastLabel),
    Regress(RunningMean, LastValue),
}

impl Baselines {
    fn new(task: Task) -> Self {
        match task {
            Task::Classify => Baselines::Classify(Majority::new(), LastLabel::new()),
            Task::Regress => Baselines::Regress(RunningMean::new(), LastValue::new()),
        }
    }

    fn names(&self) -> [&'static str; 2] {
        match self {
            Baselines::Classify(..) => ["majority_class", "last_label"],
            Baselines::Regress(..) => ["running_mean", "last_value"],
        }
    }

    fn learners(&mut self) -> [&mut dyn Learner; 2] {
        match self {
            Baselines::Classify(majority, last) => [majority, last],
            Baselines::Regress(mean, last) => [mean, last],
        }
    }
}

impl Prequential {
    /// An evaluation over no rows yet, with the metrics that the task always has.
    #[must_use]
    pub fn new(task: Task) -> Self {
        Self::over(task, Scores::new(task))
    }

    /// An evaluation with more metrics, for the baselines too.
    ///
    /// # Errors
    ///
    /// If a metric belongs to another task.
    pub fn with(task: Task, asked: &Metrics) -> Result<Self, Error> {
        Ok(Self::over(task, Scores::with(task, asked)?))
    }

    fn over(task: Task, scores: Scores) -> Self {
        let baseline_scores = [scores.clone(), scores.clone()];
        Prequential { rows: 0, scores, baselines: Baselines::new(task), baseline_scores }
    }

    /// Predicts, learns, scores: one row. Returns the learner's loss before it learned.
    ///
    /// # Errors
    ///
    /// If the learner or the target belongs to another task, if the learner cannot use the row or the target, or if it
    /// predicts NaN or infinity. Nothing in the evaluation has changed then, so the row can be left out and the stream
    /// read on.
    pub fn step(&mut self, learner: &mut dyn Learner, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        let task = self.scores.task();
        match task {
            Task::Classify => y.class().map(drop)?,
            Task::Regress => y.number().map(drop)?,
        }
        if learner.task() != task {
            return Err(Error::expected(
                ErrorKind::Type,
                &format!("a learner that can {task}"),
                &learner.task().to_string(),
            ));
        }
        let prediction = learner.predict_one(x)?;
        if !prediction.is_finite() {
            return Err(Error::new(ErrorKind::Value, "expected a finite prediction, found NaN or infinity"));
        }
        // The prediction borrows the learner, which is about to change: the scores keep what they need of it.
        self.scores.read(&y, &prediction);
        let loss = learner.learn_one(x, y).inspect_err(|_| self.scores.forget())?;
        // From here on nothing can fail.
        self.scores.record(1.0);
        for (baseline, scores) in self.baselines.learners().into_iter().zip(&mut self.baseline_scores) {
            scores.update(&y, &baseline.predict_one(x)?, 1.0);
            baseline.learn_one(x, y)?;
        }
        self.rows += 1;
        Ok(loss)
    }

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

    /// The learner's scores.
    #[must_use]
    pub fn scores(&self) -> &Scores {
        &self.scores
    }

    /// The baselines' names and scores: `majority_class` and `last_label`, or `running_mean` and `last_value`.
    #[must_use]
    pub fn baselines(&self) -> [(&'static str, &Scores); 2] {
        let [first, second] = self.baselines.names();
        [(first, &self.baseline_scores[0]), (second, &self.baseline_scores[1])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Prediction;

    const X: [(&str, f64); 1] = [("x", 0.0)];

    /// Predicts what it is told to, and refuses the targets it is told to.
    struct Puppet {
        says: f64,
        refuses: bool,
    }

    impl Learner for Puppet {
        fn task(&self) -> Task {
            Task::Regress
        }

        fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
            Ok(Prediction::Value(self.says))
        }

        fn learn_one(&mut self, _x: &dyn Row, _y: Target<'_>) -> Result<f64, Error> {
            if self.refuses { Err(Error::new(ErrorKind::Value, "refused")) } else { Ok(0.0) }
        }
    }

    fn state(evaluation: &Prequential) -> String {
        serde_json::to_string(evaluation).unwrap()
    }

    #[test]
    fn a_row_that_fails_changes_nothing() -> Result<(), Error> {
        let mut evaluation = Prequential::new(Task::Regress);
        evaluation.step(&mut Puppet { says: 1.0, refuses: false }, &X, Target::Value(2.0))?;
        let before = state(&evaluation);
        let mut fails = |learner: &mut dyn Learner, y| evaluation.step(learner, &X, y).unwrap_err().kind();
        assert_eq!(fails(&mut Puppet { says: 1.0, refuses: true }, Target::Value(2.0)), ErrorKind::Value);
        assert_eq!(fails(&mut Puppet { says: f64::NAN, refuses: false }, Target::Value(2.0)), ErrorKind::Value);
        assert_eq!(fails(&mut Puppet { says: 1.0, refuses: false }, Target::Value(f64::INFINITY)), ErrorKind::Value);
        assert_eq!(fails(&mut Puppet { says: 1.0, refuses: false }, Target::Class("a")), ErrorKind::Type);
        assert_eq!(fails(&mut Majority::new(), Target::Value(2.0)), ErrorKind::Type);
        assert_eq!(state(&evaluation), before);
        Ok(())
    }

    #[test]
    fn a_row_is_predicted_before_it_is_learned() -> Result<(), Error> {
        let mut evaluation = Prequential::new(Task::Classify);
        let mut learner = LastLabel::new();
        for label in ["a", "b", "a", "b", "b"] {
            evaluation.step(&mut learner, &X, Target::Class(label))?;
        }
        assert_eq!((evaluation.rows(), evaluation.scores().count()), (5, 4));
        assert_eq!(evaluation.scores().get("accuracy"), Some(0.25));
        assert_eq!(evaluation.scores().get("kappa_temporal"), Some(0.0));
        let [_, (name, last)] = evaluation.baselines();
        assert_eq!((name, last), ("last_label", evaluation.scores()));
        Ok(())
    }

    #[test]
    fn the_majority_class_is_that_of_the_rows_before() -> Result<(), Error> {
        let mut evaluation = Prequential::new(Task::Classify);
        for label in ["a", "a", "b", "b", "b", "b"] {
            evaluation.step(&mut LastLabel::new(), &X, Target::Class(label))?;
        }
        let [(name, majority), _] = evaluation.baselines();
        // Said a, a, a, a (a tie: the first to arrive), b about the five rows a, b, b, b, b.
        assert_eq!((name, majority.get("accuracy")), ("majority_class", Some(2.0 / 5.0)));
        assert_eq!(evaluation.scores().unscored(), 6, "a learner that is new at each row says nothing");
        Ok(())
    }
}
