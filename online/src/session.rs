//! A learner on its way through a stream: everything that a stop must not lose.

#[cfg(feature = "checkpoint")]
use std::path::Path;

use serde::{Deserialize, Serialize};

#[cfg(feature = "checkpoint")]
use crate::checkpoint;
use crate::deep::{Config, Deep};
use crate::delay::Delay;
use crate::error::{Error, ErrorKind};
use crate::evaluate::{Arrival, Prequential};
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
    learner: Deep,
    evaluation: Prequential,
    place: Place,
    earlier: Earlier,
}

/// The streams before this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// How many there were.
    pub streams: u64,
    /// How many rows were read from them.
    pub rows: u64,
}

/// Where in the stream a session is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Place {
    /// Rows read, those without a target included.
    rows: u64,
    /// Rows that could not be read or used and were left out, and what was wrong with the first.
    skipped: u64,
    first_skipped: Option<String>,
    /// NaN and infinite cells met before this stream was opened, and since.
    non_finite: [u64; 2],
    /// Hashes of the header and of all rows read: a stream that has others is another stream.
    header_hash: u64,
    rows_hash: u64,
}

impl Session {
    /// At the beginning of a stream. Its name and options are kept, to be shown and to open it again.
    #[must_use]
    pub fn new(config: Config, stream: impl Into<String>, options: StreamOptions) -> Self {
        let evaluation = Prequential::with(config.task, &config.metrics(&Metrics::default()));
        let evaluation = evaluation.unwrap_or_else(|_| Prequential::new(config.task));
        let (target, place, earlier) = (String::new(), Place::default(), Earlier::default());
        Session { stream: stream.into(), options, target, learner: Deep::new(config), evaluation, place, earlier }
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
        let evaluation = Prequential::with(config.task, &config.metrics(metrics))?;
        Ok(Session { evaluation, ..Self::new(config, stream, options) })
    }

    /// The same, as if every label came later than its row: see [`evaluate`](crate::evaluate).
    ///
    /// # Panics
    ///
    /// If rows have been read already.
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

    /// The errors of all rows are kept from now on: see [`Prequential::keep_errors`].
    pub fn keep_errors(&mut self) {
        self.evaluation.keep_errors();
    }

    /// Reads a row, learns the labels that have come meanwhile if they are [delayed](Session::delayed), predicts the row,
    /// scores the prediction, learns. A row without a target is predicted, not learned, and counted: a recurrent state does
    /// not see its features. One that cannot be read or used is left out and counted, if the options say
    /// [so](BadRows::Skip). `false` at the end of the stream.
    ///
    /// # Errors
    ///
    /// If the row cannot be read or used: the error says which it is and what is wrong with it. Learner, evaluation and
    /// place are as they were before the row; labels that had come by then may have been learned. A row that cannot be
    /// learned when its label comes is let go; the error names it.
    pub fn advance(&mut self, stream: &mut dyn Stream, record: &mut Record) -> Result<bool, Error> {
        self.note_target(stream);
        match self.step(stream, record) {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(error) => self.skip_or_stop(error)?,
        }
        self.place.rows = stream.row();
        self.place.non_finite[1] = stream.non_finite();
        (self.place.header_hash, self.place.rows_hash) = (stream.header_hash(), stream.rows_hash());
        Ok(true)
    }

    fn step(&mut self, stream: &mut dyn Stream, record: &mut Record) -> Result<bool, Error> {
        if !stream.read(record)? {
            return Ok(false);
        }
        let (row, time, known) = (record.row(), record.time(), record.known());
        let y = record.target(self.learner.config().task);
        let answer = y.as_ref().copied().unwrap_or_default();
        let arrival = Arrival { x: record, y: answer, row, time, known };
        while let Err(error) = self.evaluation.learn_due(&mut self.learner, &arrival) {
            self.skip_or_stop(error.in_file(&self.stream))?;
        }
        let here = |error: Error| error.at_row(record.row()).in_file(&self.stream);
        y.map_err(here)?;
        self.evaluation.arrive(&mut self.learner, arrival).map_err(here)?;
        Ok(true)
    }

    /// The stream is over: learns and scores the rows that still wait for their labels, if these are
    /// [delayed](Session::delayed). A session that is to go on later is saved before that.
    ///
    /// # Errors
    ///
    /// If a row cannot be learned: it is let go, and the error names it.
    pub fn finish(&mut self) -> Result<(), Error> {
        while let Err(error) = self.evaluation.finish(&mut self.learner) {
            self.skip_or_stop(error.in_file(&self.stream))?;
        }
        Ok(())
    }

    /// A row that cannot be read or used is left out, if the options say so.
    fn skip_or_stop(&mut self, error: Error) -> Result<(), Error> {
        if self.options.bad_rows == BadRows::Stop || error.row().is_none() {
            return Err(error);
        }
        self.place.skipped += 1;
        self.place.first_skipped.get_or_insert_with(|| error.to_string());
        Ok(())
    }

    fn note_target(&mut self, stream: &dyn Stream) {
        if self.target != stream.target() {
            stream.target().clone_into(&mut self.target);
        }
    }

    /// Leaves this stream for the beginning of another, with the same learner. What waits for its label is
    /// [learned](Session::finish) first.
    ///
    /// * A new stream is a new sequence: recurrent states begin at zero, and the last targets that lags and recurrent
    ///   networks look at are forgotten. θ, scaling and memory are kept.
    /// * The evaluation goes on: its figures, and what the baselines know, are of all streams together. Rows, skipped rows
    ///   and odd cells are counted anew.
    /// * Time begins anew: a delayed label is never awaited from one stream to the next.
    ///
    /// # Errors
    ///
    /// As [`finish`](Session::finish), by the new options; the session has not left its stream then.
    pub fn turn_to(&mut self, stream: impl Into<String>, options: StreamOptions) -> Result<(), Error> {
        self.options = options;
        self.finish()?;
        self.learner.reset_state();
        self.evaluation.begin_stream();
        if self.place.rows > 0 {
            self.earlier.streams += 1;
            self.earlier.rows += self.place.rows;
        }
        self.stream = stream.into();
        self.place = Place::default();
        Ok(())
    }

    /// Brings a newly opened stream to where this session stands.
    ///
    /// # Errors
    ///
    /// If it is not the stream the session comes from: it has another header, other rows up to this place, or ends before.
    pub fn follow(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        let rows = self.place.rows;
        let skipped = stream.skip(rows)?;
        let wrong = |found: String| {
            let message = format!("expected the stream that the checkpoint comes from, {rows} rows in; found {found}");
            Err(Error::new(ErrorKind::Checkpoint, message).in_file(&self.stream))
        };
        if skipped < rows {
            return wrong(format!("the end after {skipped} rows"));
        }
        if rows > 0 && stream.header_hash() != self.place.header_hash {
            return wrong("another header".to_owned());
        }
        if stream.rows_hash() != self.place.rows_hash {
            return wrong("other rows".to_owned());
        }
        self.note_target(stream);
        let [before, since] = self.place.non_finite;
        self.place.non_finite = [before + since, 0];
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

    /// The learner.
    #[must_use]
    pub fn learner(&self) -> &Deep {
        &self.learner
    }

    /// The learner alone, to predict what comes next.
    #[must_use]
    pub fn into_learner(mut self) -> Deep {
        self.evaluation.pass(&mut self.learner);
        self.learner
    }

    /// Its scores so far, and the baselines'.
    #[must_use]
    pub fn evaluation(&self) -> &Prequential {
        &self.evaluation
    }

    /// The name of the stream: a path, or a bundled stream's.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The same stream lies elsewhere now.
    pub fn moved_to(&mut self, stream: impl Into<String>) {
        self.stream = stream.into();
    }

    /// How the stream is read.
    #[must_use]
    pub fn options(&self) -> &StreamOptions {
        &self.options
    }

    /// The name of the target; empty before a stream was opened.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What was read [before this stream](Session::turn_to).
    #[must_use]
    pub fn earlier(&self) -> Earlier {
        self.earlier
    }

    /// How many rows were read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.place.rows
    }

    /// How many of them had no target.
    #[must_use]
    pub fn unlabelled(&self) -> u64 {
        self.evaluation.unlabelled()
    }

    /// How many of them could not be read or used, and were left out.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.place.skipped
    }

    /// What was wrong with the first row that was left out.
    #[must_use]
    pub fn first_skipped(&self) -> Option<&str> {
        self.place.first_skipped.as_deref()
    }

    /// How many cells were NaN or infinite. They count as missing.
    #[must_use]
    pub fn non_finite(&self) -> u64 {
        self.place.non_finite.iter().sum()
    }
}
