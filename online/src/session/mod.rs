//! A learner on its way through a stream: everything that a stop must not lose.

pub mod contexts;
mod facts;
mod learner;
mod place;

pub use contexts::{ContextScores, HoldOut};
pub use learner::AnyLearner;
pub use place::Earlier;
pub(crate) use place::Place;

#[cfg(feature = "checkpoint")]
use std::path::Path;

use serde::{Deserialize, Serialize};

#[cfg(feature = "checkpoint")]
use crate::checkpoint;
use crate::deep::{Config, Deep};
use crate::delay::Delay;
use crate::error::{Error, ErrorKind};
use crate::evaluate::{Arrival, Prequential};
use crate::learn::{Learner, Task};
use crate::metrics::Metrics;
use crate::stream::{BadRows, Record, Stream, StreamOptions};

/// A learner, its evaluation, and its place in a stream: what a checkpoint holds.
///
/// **Exact resume.** Stop anywhere, [`load`](Session::load) the last checkpoint, [`follow`](Session::follow) the same
/// stream: everything later is bit for bit that of the run that was never stopped.
///
/// ```
/// use thalweg_online::{Config, Record, Session, StreamOptions, Task, stream::bundled};
///
/// let phishing = bundled::find("phishing").expect("it is bundled");
/// let (mut stream, mut record) = (phishing.open()?, Record::new());
/// let mut session = Session::new(Config::new(Task::Classify), "phishing", StreamOptions::default());
/// while session.rows() < 500 && session.advance(&mut *stream, &mut record)? {}
/// let bytes = thalweg_online::checkpoint::encode(&session)?;
///
/// // Later, elsewhere:
/// let mut resumed: Session = thalweg_online::checkpoint::decode(&bytes)?;
/// let mut again = phishing.open()?;
/// resumed.follow(&mut *again)?;
/// while resumed.advance(&mut *again, &mut record)? {}
///
/// while session.advance(&mut *stream, &mut record)? {}
/// assert_eq!(resumed.learner().fingerprint(), session.learner().fingerprint());
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    stream: String,
    options: StreamOptions,
    /// The name of the target, as the stream has it.
    target: String,
    learner: AnyLearner,
    evaluation: Prequential,
    contexts: Option<ContextScores>,
    place: Place,
    earlier: Earlier,
}

impl Session {
    /// At the beginning of a stream. Its name and options are kept, to be shown and to open it again.
    #[must_use]
    pub fn new(config: Config, stream: impl Into<String>, options: StreamOptions) -> Self {
        let task = config.task;
        let learner = AnyLearner::from(Deep::new(config));
        let evaluation = Prequential::with(task, &learner.metrics(&Metrics::default()));
        let evaluation = evaluation.unwrap_or_else(|_| Prequential::new(task));
        Self::over(learner, evaluation, stream.into(), options)
    }

    /// The same, with more metrics.
    ///
    /// # Errors
    ///
    /// If a metric belongs to another task.
    pub fn with_metrics(
        config: Config,
        stream: impl Into<String>,
        options: StreamOptions,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        Self::of(Deep::new(config), stream, options, metrics)
    }

    /// The same, of a learner that is there already: a head on a trunk that stands still, for instance.
    ///
    /// # Errors
    ///
    /// If a metric belongs to another task.
    pub fn of(
        learner: impl Into<AnyLearner>,
        stream: impl Into<String>,
        options: StreamOptions,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        let learner = learner.into();
        let evaluation = Prequential::with(learner.task(), &learner.metrics(metrics))?;
        Ok(Self::over(learner, evaluation, stream.into(), options))
    }

    fn over(learner: AnyLearner, evaluation: Prequential, stream: String, options: StreamOptions) -> Self {
        let (target, place, earlier) = (String::new(), Place::default(), Earlier::default());
        Session { stream, options, target, learner, evaluation, contexts: None, place, earlier }
    }

    /// The same, as if every label came later than its row: see [`evaluate`](crate::evaluate).
    ///
    /// # Panics
    ///
    /// If rows have been read already, or the delay is of more than [`MOST_WAITING`](crate::delay::MOST_WAITING) rows
    /// or of less than no time.
    #[track_caller]
    #[must_use]
    pub fn delayed(self, delay: Delay) -> Self {
        Session { evaluation: self.evaluation.delayed(delay), ..self }
    }

    /// The same, but each row is asked for the target of the row `horizon` rows later: see
    /// [`evaluate`](crate::evaluate#forecasts).
    ///
    /// # Panics
    ///
    /// If rows have been read already, or the horizon is more than [`MOST_WAITING`](crate::delay::MOST_WAITING).
    #[track_caller]
    #[must_use]
    pub fn forecasting(self, horizon: u32) -> Self {
        Session { evaluation: self.evaluation.forecasting(horizon), ..self }
    }

    /// The same, but some rows of each context are not learned: how well they are known is measured where a context ends. See
    /// [`contexts`].
    ///
    /// # Errors
    ///
    /// If the task is another than to classify, the options name no [context](StreamOptions::context), or rows are asked for a
    /// [later](Session::forecasting) target.
    pub fn holding_out(self, hold_out: HoldOut) -> Result<Self, Error> {
        let (task, horizon) = (self.learner.task(), self.evaluation.horizon());
        let wrong = |expected: &str, found: String| {
            let message = format!("expected {expected} where rows of contexts are held out, found {found}");
            Err(Error::new(ErrorKind::Spec, message))
        };
        match &self.options.context {
            _ if task != Task::Classify => wrong("the task classify", task.to_string()),
            None => wrong("a column of contexts", "none".to_owned()),
            Some(_) if horizon > 0 => wrong("a horizon of 0", horizon.to_string()),
            Some(_) => Ok(Session { contexts: Some(ContextScores::new(hold_out)), ..self }),
        }
    }

    /// The errors of all rows are kept from now on: see [`Prequential::keep_errors`].
    pub fn keep_errors(&mut self) {
        self.evaluation.keep_errors();
    }

    /// Reads a row, learns the labels that have come meanwhile if they are [delayed](Session::delayed), predicts the
    /// row, scores the prediction, learns. A row without a target is predicted, not learned, and counted: a recurrent
    /// state [passes](Learner::pass_one) it. One that cannot be read or used is left out and counted, if the options
    /// say [so](crate::BadRows::Skip); so is one that is [held out](contexts), which is only predicted. `false` at the end of
    /// the stream.
    ///
    /// # Errors
    ///
    /// If the row cannot be read or used: the error says which it is and what is wrong with it. Learner, evaluation and
    /// place are as they were before the row; labels that had come by then may have been learned, and a context may
    /// have ended. A row that cannot be learned when its label comes is let go and counted as left out; the error names
    /// it.
    pub fn advance(&mut self, stream: &mut dyn Stream, record: &mut Record) -> Result<bool, Error> {
        self.note_target(stream);
        match self.step(stream, record) {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(error) => self.skip_or_stop(error)?,
        }
        self.place.note(stream);
        Ok(true)
    }

    fn step(&mut self, stream: &mut dyn Stream, record: &mut Record) -> Result<bool, Error> {
        if !stream.read(record)? {
            return Ok(false);
        }
        let (row, time, known) = (record.row(), record.time(), record.known());
        let y = record.target(self.learner.task());
        let answer = y.as_ref().copied().unwrap_or_default();
        let arrival = Arrival { x: record, y: answer, row, time, known };
        while let Err(error) = self.evaluation.learn_due(&mut self.learner, &arrival) {
            self.let_go(error)?;
        }
        if let Some(contexts) = &mut self.contexts {
            contexts.enter(record.context(), &mut self.learner).map_err(|error| error.in_file(&self.stream))?;
        }
        if self.place.note_context(record.context()) {
            self.learner.end_context();
        }
        let here = |error: Error| error.at_row(record.row()).in_file(&self.stream);
        y.map_err(here)?;
        let kept = self.contexts.as_mut().map(|contexts| contexts.keep(&mut self.learner, record, answer));
        if !kept.transpose().map_err(here)?.unwrap_or_default() {
            self.evaluation.arrive(&mut self.learner, arrival).map_err(here)?;
        }
        self.contexts.iter_mut().for_each(ContextScores::passed);
        Ok(true)
    }

    /// The stream is over: learns and scores the rows that still wait for their labels, if these are
    /// [delayed](Session::delayed), and then the phase of its last [context](contexts) ends. A session that is to go on later is saved before that.
    ///
    /// # Errors
    ///
    /// If a row cannot be learned: it is let go, and the error names it.
    pub fn finish(&mut self) -> Result<(), Error> {
        while let Err(error) = self.evaluation.finish(&mut self.learner) {
            self.let_go(error)?;
        }
        self.contexts.iter_mut().for_each(|contexts| contexts.end(&mut self.learner));
        Ok(())
    }

    /// A row that cannot be read or used is left out, if the options say so.
    fn skip_or_stop(&mut self, error: Error) -> Result<(), Error> {
        self.place.skip_or_stop(error, self.options.bad_rows)
    }

    /// A row that waits no longer, as it cannot be learned: it is left out, whether that stops us or not.
    fn let_go(&mut self, error: Error) -> Result<(), Error> {
        let error = error.in_file(&self.stream);
        if self.options.bad_rows == BadRows::Stop && error.row().is_some() {
            self.place.left_out(&error);
        }
        self.skip_or_stop(error)
    }

    fn note_target(&mut self, stream: &dyn Stream) {
        if self.target != stream.target() {
            stream.target().clone_into(&mut self.target);
        }
    }

    /// Leaves this stream for the beginning of another, with the same learner. What waits for its label is
    /// [learned](Session::finish) first.
    ///
    /// * A new stream is a new [context](Deep::end_context): what was learned is held, if that was asked for.
    /// * A new stream is a new sequence: recurrent states begin at zero, and the last targets that lags and recurrent
    ///   networks look at are forgotten, as are the last numbers that stand for missing ones. θ, scaling and memory are
    ///   kept.
    /// * The evaluation goes on: its figures, and what the baselines know, are of all streams together. Rows, those
    ///   skipped or without a target, and odd cells are counted anew.
    /// * Time begins anew: a delayed label is never awaited from one stream to the next.
    ///
    /// # Errors
    ///
    /// As [`finish`](Session::finish), by the new options; the session has not left its stream then.
    pub fn turn_to(&mut self, stream: impl Into<String>, options: StreamOptions) -> Result<(), Error> {
        let left = std::mem::replace(&mut self.options, options);
        if let Err(error) = self.finish() {
            self.options = left;
            return Err(error);
        }
        self.learner.end_context();
        self.learner.reset_state();
        self.evaluation.begin_stream();
        if self.place.rows > 0 {
            self.earlier.streams += 1;
            self.earlier.rows += self.place.rows;
        }
        self.stream = stream.into();
        self.place = Place::default();
        self.place.unlabelled_earlier = self.evaluation.unlabelled();
        Ok(())
    }

    /// Brings a newly opened stream to where this session stands.
    ///
    /// # Errors
    ///
    /// If it is not the stream the session comes from: it has another header, other rows up to this place, or ends
    /// before.
    pub fn follow(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.place.follow(stream, &self.stream)?;
        self.note_target(stream);
        Ok(())
    }

    /// Writes a checkpoint: whole, or not at all.
    ///
    /// # Errors
    ///
    /// As [`checkpoint::save`].
    #[cfg(feature = "checkpoint")]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        checkpoint::save(path, self)
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// As [`checkpoint::load`].
    #[cfg(feature = "checkpoint")]
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        checkpoint::load(path)
    }
}
