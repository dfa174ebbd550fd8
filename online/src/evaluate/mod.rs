//! Test-then-train evaluation: every row is first a test, then a lesson.
//!
//! The learner predicts the row, the prediction is scored, and only then is the learner told the answer (Gama,
//! Sebastião & Rodrigues, "On evaluating stream learning algorithms", 2013). No row is ever predicted after it was
//! learned, so the figures are honest without a held-out set. The two simplest learners of the task run over the same
//! rows: a figure says little without theirs beside it.
//!
//! A row counts as often as its [weight](Row::weight) says, in the scores and for the baselines. (The
//! [errors](Prequential::errors) that are kept for paired tests have none.)
//!
//! # Labels that come later
//!
//! [`Prequential::delayed`] evaluates as if every label came so much [later](Delay) than its row:
//!
//! * Labels that have come are learned, in the order in which they come, ties in the order of their rows; then the row is
//!   predicted. What is scored is that prediction, made when the row came; it is scored when the label comes. The metrics
//!   compare with the last *known* label, too.
//! * The baselines get the same delay.
//! * At the end, [`finish`](Prequential::finish) learns and scores what still waits: it counts. That is River's rule.
//! * A row without a label is predicted, never learned, and [counted](Prequential::unlabelled).
//! * Time never goes back: for a row that is earlier than one before it, labels that have come have come. Its own label is
//!   due by its own time.
//! * A row whose turn comes and that cannot be learned is let go; the error names it. At most
//!   [`MOST_WAITING`](crate::delay::MOST_WAITING) rows wait: one more is an error.

mod baselines;
mod waiting;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::baselines::Baselines;
use self::waiting::Waiting;
use crate::delay::Delay;
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Target, Task};
use crate::metrics::{Metrics, Scores};
use crate::row::{Row, weight_of};

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
    waiting: Waiting,
    unlabelled: u64,
    #[serde(skip)]
    errors: Option<Vec<(u64, f64)>>,
}

/// A row as it comes to an evaluation: see [`Prequential::arrive`].
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// The features.
    pub x: &'a dyn Row,
    /// The label, whenever it comes; `None` if it never does.
    pub y: Option<Target<'a>>,
    /// The number of the row in its stream: errors name it.
    pub row: u64,
    /// When the row was measured, in nanoseconds since 1970: needed where the delay is a time.
    pub time: Option<i64>,
}

/// Without the features, which need not be printable.
impl fmt::Debug for Arrival<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arrival { y, row, time, .. } = self;
        f.debug_struct("Arrival").field("row", row).field("y", y).field("time", time).finish_non_exhaustive()
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

    /// The same, as if every label came later than its row: see the [module](self).
    ///
    /// # Panics
    ///
    /// If rows have come already.
    #[track_caller]
    #[must_use]
    pub fn delayed(mut self, delay: Delay) -> Self {
        assert!(self.rows + self.unlabelled + self.waiting() as u64 == 0, "delayed: expected no row yet, found some");
        self.waiting = Waiting::new(delay);
        self
    }

    fn over(task: Task, scores: Scores) -> Self {
        let baseline_scores = [scores.clone(), scores.clone()];
        let (baselines, waiting) = (Baselines::new(task), Waiting::new(Delay::default()));
        Prequential { rows: 0, scores, baselines, baseline_scores, waiting, unlabelled: 0, errors: None }
    }

    /// Predicts, learns, scores: one row. Returns the learner's loss before it learned; `None` if the label comes later.
    ///
    /// # Errors
    ///
    /// Those of [`arrive`](Self::arrive).
    pub fn step(&mut self, learner: &mut dyn Learner, x: &dyn Row, y: Target<'_>) -> Result<Option<f64>, Error> {
        let row = self.rows + self.unlabelled + self.waiting() as u64 + 1;
        self.arrive(learner, Arrival { x, y: Some(y), row, time: None })
    }

    /// A row comes: labels that are due are [learned](Self::learn_due), and the row is predicted. Then, or later if labels
    /// are delayed, it is learned and the prediction is scored. Returns the learner's loss before it learned, if it did.
    ///
    /// # Errors
    ///
    /// If the learner or the target belongs to another task, if the learner cannot use the row, its weight or the target, if
    /// it predicts NaN or infinity, if the delay is a time and the row has none, or if too many rows wait. Nothing in the
    /// evaluation has changed then but for the labels that were due, so the row can be left out and the stream read on. And
    /// those of [`learn_due`](Self::learn_due).
    pub fn arrive(&mut self, learner: &mut dyn Learner, arrival: Arrival<'_>) -> Result<Option<f64>, Error> {
        let Arrival { x, y, row, time } = arrival;
        y.map_or(Ok(()), |y| y.check(self.task()))?;
        let weight = weight_of(x)?;
        self.learn_due(learner, time)?;
        let now = self.waiting.now(time)?;
        if y.is_some() {
            self.waiting.check_room()?;
        }
        let prediction = learner.predict_one(x)?;
        if !prediction.is_finite() {
            return Err(Error::new(ErrorKind::Value, "expected a finite prediction, found NaN or infinity"));
        }
        let Some(y) = y else {
            self.unlabelled += 1;
            self.waiting.pass(now);
            return Ok(None);
        };
        // The prediction borrows the learner, which is about to change: the scores keep what they need of it.
        self.scores.read(&y, &prediction);
        let loss = match self.waiting.delay().is_none() {
            true => Some(learner.learn_one(x, y).inspect_err(|_| self.scores.forget())?),
            false => None,
        };
        // From here on nothing can fail.
        for (baseline, scores) in self.baselines.learners().into_iter().zip(&mut self.baseline_scores) {
            scores.read(&y, &baseline.predict_one(x)?);
            if loss.is_some() {
                scores.record(weight);
                baseline.learn_one(x, y)?;
            }
        }
        if loss.is_some() {
            self.record(row, weight);
        } else {
            let waits = self.waiting.place(row, now, time);
            waits.x.keep(x);
            waits.expect(y);
            let scores = std::iter::once(&mut self.scores).chain(&mut self.baseline_scores);
            scores.zip(&mut waits.readings).for_each(|(scores, reading)| scores.exchange(reading));
        }
        self.waiting.pass(now);
        Ok(loss)
    }

    /// Learns and scores the labels that have come when a row comes that was measured at `time` (which matters only where
    /// the delay is a time).
    ///
    /// # Errors
    ///
    /// If the learner belongs to another task. If it cannot use a row when its label comes: the error names that row,
    /// which is let go, neither learned nor scored. Call again for the others.
    pub fn learn_due(&mut self, learner: &mut dyn Learner, time: Option<i64>) -> Result<(), Error> {
        self.check_task(learner)?;
        match self.waiting.now(time) {
            Ok(now) => self.learn_until(learner, now),
            // That is an error of the row that comes, not of those that wait.
            Err(_) => Ok(()),
        }
    }

    /// The stream is over: learns and scores all that still waits for its label.
    ///
    /// # Errors
    ///
    /// Those of [`learn_due`](Self::learn_due).
    pub fn finish(&mut self, learner: &mut dyn Learner) -> Result<(), Error> {
        self.check_task(learner)?;
        self.learn_until(learner, i64::MAX)
    }

    fn learn_until(&mut self, learner: &mut dyn Learner, now: i64) -> Result<(), Error> {
        while let Some(mut waited) = self.waiting.take_due(now) {
            learner.learn_one(&waited.x, waited.target()).map_err(|error| error.at_row(waited.row))?;
            let weight = waited.x.weight();
            let [reading, of_baselines @ ..] = &mut waited.readings;
            self.scores.exchange(reading);
            self.record(waited.row, weight);
            self.scores.exchange(reading);
            for (scores, reading) in self.baseline_scores.iter_mut().zip(of_baselines) {
                scores.exchange(reading);
                scores.record(weight);
                scores.exchange(reading);
            }
            for baseline in self.baselines.learners() {
                baseline.learn_one(&waited.x, waited.target())?;
            }
            self.waiting.recycle(waited);
        }
        Ok(())
    }

    /// The label of a row is known: what the scores have read of it counts.
    fn record(&mut self, row: u64, weight: f64) {
        if let (Some(errors), Some(error)) = (&mut self.errors, self.scores.reading().error()) {
            errors.push((row, error));
        }
        self.scores.record(weight);
        self.rows += 1;
    }

    /// From now on the error of every scored row is kept, for [paired tests](crate::paired). It is not saved.
    pub fn keep_errors(&mut self) {
        self.errors.get_or_insert_default();
    }

    /// The number of each scored row, and how wrong its prediction was: 1 or 0 for a class or a set of labels, truth less
    /// prediction for a number, the mean size of that for several. In the order in which the labels came; empty unless they are [kept](Self::keep_errors).
    #[must_use]
    pub fn errors(&self) -> &[(u64, f64)] {
        self.errors.as_deref().unwrap_or_default()
    }

    fn check_task(&self, learner: &dyn Learner) -> Result<(), Error> {
        if learner.task() == self.task() {
            return Ok(());
        }
        let expected = format!("a learner that can {}", self.task());
        Err(Error::expected(ErrorKind::Type, &expected, &learner.task().to_string()))
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

    /// How many rows without a label were predicted.
    #[must_use]
    pub fn unlabelled(&self) -> u64 {
        self.unlabelled
    }

    /// How many rows were predicted and wait for their labels.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
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

#[cfg(test)]
mod tests;
