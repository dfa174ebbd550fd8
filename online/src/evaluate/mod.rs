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
//! * A recurrent state [passes](Learner::pass_one) each row that is not learned at once, when it comes and once for all: what is
//!   predicted next, is predicted from behind it. It is [learned](Learner::learn_late) behind the rows that were learned before
//!   it. When a row is learned behind which none has come and none waits, both states meet: that after the rows that were
//!   learned is what the next one is predicted from.
//! * By [a column](Delay::Column), labels come in the order of their own times.
//! * Time never goes back: for a row that is earlier than one before it, labels that have come have come. Its own label is
//!   due by its own time.
//! * A row whose turn comes and that cannot be learned is let go; the error names it. At most
//!   [`MOST_WAITING`] rows wait: one more is an error.
//!
//! # Forecasts
//!
//! [`Prequential::forecasting`] asks each row for the target of the row H rows later:
//!
//! ```text
//!   row t comes with its target yₜ:   yₜ is the answer to row t − H, which is learned and scored;
//!                                     then row t is asked for yₜ₊ₕ, by what is known now, yₜ included
//! ```
//!
//! * So the targets behind lags, and the last known target that a recurrent network sees, are those up to yₜ. They are
//!   kept with the row and learned as they were then: a lag means the same when a row is learned as when it was predicted.
//! * The baselines forecast, too: `last_value` and `last_label` say that in H rows it will be as it is now. The metrics
//!   compare with the last label that was known when the forecast was made.
//! * The targets of the first H rows are nobody's answer. A forecast whose row does not come, is left out, or has no target,
//!   is never learned, and [counted](Prequential::unlabelled). H counts the rows of the stream.
//! * With a [delay](Prequential::delayed), yₜ is known so much later. Without, H = 1 lets a learner know what it knows at
//!   H = 0, the targets up to yₜ₋₁ when yₜ is asked for; but at H = 0 it sees the features of row t.
//! * A recurrent state passes the rows since the last one that was learned, as where labels are late.

mod arrival;
mod baselines;
mod facts;
mod forecast;
mod saved;
mod waiting;

use serde::{Deserialize, Serialize};

use self::baselines::Baselines;
use self::forecast::Forecasts;
use self::waiting::Waiting;
use crate::delay::{Delay, MOST_WAITING};
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Target, Task};
use crate::metrics::{Metrics, Scores};
use crate::row::{Row, weight_of};

pub use arrival::Arrival;

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
#[serde(remote = "Self")]
pub struct Prequential {
    #[serde(deserialize_with = "crate::saved::count")]
    rows: u64,
    scores: Scores,
    baselines: Baselines,
    baseline_scores: [Scores; 2],
    waiting: Waiting,
    forecasts: Forecasts,
    #[serde(deserialize_with = "crate::saved::count")]
    unlabelled: u64,
    /// The number of the row that was predicted last.
    newest: u64,
    most_waiting: usize,
    #[serde(skip)]
    errors: Option<Vec<(u64, f64)>>,
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
    /// If rows have come already, or the delay is of more than [`MOST_WAITING`] rows or of less than no time.
    #[track_caller]
    #[must_use]
    pub fn delayed(mut self, delay: Delay) -> Self {
        assert!(delay.can_be(), "delayed: expected at most {MOST_WAITING} rows or a time from 0, found {delay:?}");
        assert!(self.rows + self.unlabelled + self.waiting() as u64 == 0, "delayed: expected no row yet, found some");
        self.waiting = Waiting::new(delay);
        self
    }

    fn over(task: Task, scores: Scores) -> Self {
        let baseline_scores = [scores.clone(), scores.clone()];
        let (baselines, waiting) = (Baselines::new(task), Waiting::new(Delay::default()));
        let forecasts = Forecasts::default();
        Prequential {
            rows: 0,
            scores,
            baselines,
            baseline_scores,
            waiting,
            forecasts,
            unlabelled: 0,
            newest: 0,
            most_waiting: 0,
            errors: None,
        }
    }

    /// Predicts, learns, scores: one row. Returns the learner's loss before it learned; `None` if the label comes later.
    ///
    /// # Errors
    ///
    /// Those of [`arrive`](Self::arrive).
    pub fn step(&mut self, learner: &mut dyn Learner, x: &dyn Row, y: Target<'_>) -> Result<Option<f64>, Error> {
        let row = self.rows + self.unlabelled + self.waiting() as u64 + 1;
        let row = row.max(self.forecasts.next_row());
        self.arrive(learner, Arrival { x, y: Some(y), row, time: None, known: None })
    }

    /// A row comes: labels that are due are [learned](Self::learn_due), and the row is predicted. Then, or later if labels
    /// are delayed, it is learned and the prediction is scored. Returns the learner's loss before it learned, if it did.
    ///
    /// # Errors
    ///
    /// If the learner or the target belongs to another task, if the learner cannot use the row, its weight or the target, if
    /// it predicts NaN or infinity, if the delay needs a time that the row does not have, or if too many rows wait. Nothing
    /// in the evaluation has changed then but for the labels that were due, so the row can be left out and the stream read
    /// on. And those of [`learn_due`](Self::learn_due).
    pub fn arrive(&mut self, learner: &mut dyn Learner, arrival: Arrival<'_>) -> Result<Option<f64>, Error> {
        let Arrival { x, y, row, time, .. } = arrival;
        y.map_or(Ok(()), |y| y.check(self.task()))?;
        let weight = weight_of(x)?;
        self.learn_due(learner, &arrival)?;
        let now = self.waiting.now(time)?;
        let due = match y {
            Some(_) => self.waiting.check_room().and_then(|()| self.waiting.due(now, &arrival))?,
            None => now,
        };
        if self.horizon() > 0 {
            self.foresee(learner, &arrival)?;
            self.came(row, now);
            return Ok(None);
        }
        let prediction = learner.predict_one(x)?;
        if !prediction.is_finite() {
            return Err(Error::diverged());
        }
        let Some(y) = y else {
            learner.pass_one(x)?;
            self.unlabelled += 1;
            self.came(row, now);
            return Ok(None);
        };
        // The prediction borrows the learner, which is about to change: the scores keep what they need of it.
        self.scores.read(&y, &prediction);
        let moved = match self.waiting.delay().is_none() {
            true => learner.learn_one(x, y).map(Some),
            false => learner.pass_one(x).map(|()| None),
        };
        let loss = moved.inspect_err(|_| self.scores.forget())?;
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
            let waits = self.waiting.place(row, due);
            learner.keep(x, &mut waits.x);
            waits.expect(y);
            let scores = std::iter::once(&mut self.scores).chain(&mut self.baseline_scores);
            scores.zip(&mut waits.readings).for_each(|(scores, reading)| scores.exchange(reading));
        }
        self.came(row, now);
        Ok(loss)
    }

    /// A row that came at `now` was predicted, and a recurrent state has seen it.
    fn came(&mut self, row: u64, now: i64) {
        self.newest = row;
        self.most_waiting = self.most_waiting.max(self.waiting());
        self.waiting.pass(now);
    }

    /// Learns and scores the labels that have come when a row comes. A [forecast](self#forecasts) is answered by its target.
    ///
    /// # Errors
    ///
    /// If the learner belongs to another task. If it cannot use a row when its label comes: the error names that row,
    /// which is let go, neither learned nor scored. Call again for the others.
    pub fn learn_due(&mut self, learner: &mut dyn Learner, arrival: &Arrival<'_>) -> Result<(), Error> {
        self.check_task(learner)?;
        match self.waiting.now(arrival.time) {
            Ok(now) => {
                if self.horizon() > 0 {
                    self.answer(arrival, now);
                }
                self.learn_until(learner, now)
            }
            // That is an error of the row that comes, not of those that wait.
            Err(_) => Ok(()),
        }
    }

    /// The stream is over: learns and scores all that still waits for its label. Forecasts of rows that did not come count as
    /// [unlabelled](Self::unlabelled).
    ///
    /// # Errors
    ///
    /// Those of [`learn_due`](Self::learn_due).
    pub fn finish(&mut self, learner: &mut dyn Learner) -> Result<(), Error> {
        self.check_task(learner)?;
        self.unlabelled += self.forecasts.clear();
        self.learn_until(learner, i64::MAX)
    }

    /// Another stream begins, after this one has [finished](Self::finish): its times are its own. All else goes on.
    pub fn begin_stream(&mut self) {
        self.waiting = Waiting::new(self.waiting.delay());
    }

    fn learn_until(&mut self, learner: &mut dyn Learner, now: i64) -> Result<(), Error> {
        while let Some(mut waited) = self.waiting.take_due(now) {
            let (x, y) = (&waited.x, waited.target());
            let learned = match self.waiting() == 0 && waited.row == self.newest {
                true => learner.learn_one(x, y),
                false => learner.learn_late(x, y), // others have come since, or wait
            };
            learned.map_err(|error| error.at_row(waited.row))?;
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
}

#[cfg(test)]
mod tests;
