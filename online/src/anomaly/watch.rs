//! A detector on its way through a stream: everything that a stop must not lose.

#[cfg(feature = "checkpoint")]
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Autoencoder;
#[cfg(feature = "checkpoint")]
use crate::checkpoint;
use crate::error::{Error, ErrorKind};
use crate::metrics::{Auc, Resolution};
use crate::row::Row;
use crate::saved::{Checked, checked, ensure, is_count};
use crate::session::Place;
use crate::stream::{BadRows, Record, Stream, StreamOptions};
#[cfg(feature = "checkpoint")]
use thalweg_nn::weights::Container;

/// A detector and its place in a stream: each row is scored, and learned after that.
///
/// Where the options say that rows have a [target](StreamOptions::labelled), it is 1 or true of an anomaly, 0 or false of a
/// usual row, or missing; the detector never sees it. The [area](Watch::auc) under the ROC curve compares it with the scores.
///
/// ```
/// use std::io::Cursor;
/// use thalweg_online::anomaly::{Autoencoder, Config, Watch};
/// use thalweg_online::{Record, StreamOptions, stream};
///
/// // b is twice a, but for the last row.
/// let rows: String = (0..500).map(|k| format!("{},{},0\n", k % 9, k % 9 * 2)).collect();
/// let options = StreamOptions { target: Some("odd".to_owned()), ..StreamOptions::default() };
/// let mut rows = stream::from_reader("rows", Cursor::new(format!("a,b,odd\n{rows}0,16,1\n")), &options)?;
/// let mut watch = Watch::new(Autoencoder::new(Config::default())?, "rows", options);
/// let mut record = Record::new();
/// while watch.advance(&mut *rows, &mut record)? {}
/// let last = watch.verdict().expect("the row was scored");
/// assert!(last.rank > 0.99 && watch.auc() > 0.9);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Watch {
    stream: String,
    options: StreamOptions,
    detector: Autoencoder,
    place: Place,
    auc: Auc,
    /// The weights of the rows that are known to be usual, and to be anomalies.
    known: [u64; 2],
    #[serde(skip)]
    verdict: Option<Verdict>,
}

/// What a detector says of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// How strange it is: [`Autoencoder::score_one`].
    pub score: f64,
    /// Where that stands among recent rows: [`Autoencoder::rank`].
    pub rank: f64,
}

#[cfg(feature = "checkpoint")]
const CONTAINER: Container = Container::new(*b"THALWANO", checkpoint::VERSION, "checkpoint of thalweg anomalies");

checked!(Watch);

impl Checked for Watch {
    fn check(&self) -> Result<(), Error> {
        ensure(self.known.into_iter().all(is_count), "counts of rows")
    }
}

impl Watch {
    /// At the beginning of a stream. Its name and options are kept, to be shown and to open it again.
    #[must_use]
    pub fn new(detector: Autoencoder, stream: impl Into<String>, options: StreamOptions) -> Self {
        let (stream, place, auc) = (stream.into(), Place::default(), Auc::new(Resolution::LogOdds));
        Watch { stream, options, detector, place, auc, known: [0; 2], verdict: None }
    }

    /// Reads a row, scores it, learns it. One that cannot be read or used is left out and counted, if the options say
    /// [so](crate::BadRows::Skip). `false` at the end of the stream.
    ///
    /// # Errors
    ///
    /// If the row cannot be read or used, or its target is neither of the two. The detector is as it was before the row.
    pub fn advance(&mut self, stream: &mut dyn Stream, record: &mut Record) -> Result<bool, Error> {
        match self.step(stream, record) {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(error) => {
                self.verdict = None;
                self.place.skip_or_stop(error, self.options.bad_rows)?;
            }
        }
        self.place.note(stream);
        Ok(true)
    }

    fn step(&mut self, stream: &mut dyn Stream, record: &mut Record) -> Result<bool, Error> {
        if !stream.read(record)? {
            return Ok(false);
        }
        let here = |error: Error| error.at_row(record.row()).in_file(&self.stream);
        let target = record.target_text().filter(|_| self.options.labelled);
        let answer = target.map(is_anomaly).transpose();
        let answer = answer.map_err(|error| here(error.in_column(stream.target())))?;
        let score = self.detector.score_one(record).map_err(here)?;
        if !score.is_finite() {
            return Err(here(Error::new(ErrorKind::Value, "expected a finite score, found NaN or infinity")));
        }
        let rank = self.detector.rank(score);
        self.detector.learn_one(record).map_err(here)?;
        if let Some(anomaly) = answer {
            // The log odds of this are ln e.
            self.auc.update(anomaly, score / (1.0 + score), Row::weight(record));
            self.known[usize::from(anomaly)] += 1;
        }
        self.verdict = Some(Verdict { score, rank });
        Ok(true)
    }

    /// What was said of the last row, before it was learned; `None` if it was left out.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// The area under the ROC curve of the scores, over the rows of which it is known what they are: how likely an anomaly is
    /// stranger than a usual row. Scores that differ by less than 3 % count as tied. NaN while rows of either kind are wanting.
    #[must_use]
    pub fn auc(&self) -> f64 {
        self.auc.get()
    }

    /// How many rows are known to be anomalies.
    #[must_use]
    pub fn anomalies(&self) -> u64 {
        self.known[1]
    }

    /// From now on a row that cannot be read or used is [left out](crate::BadRows::Skip), as [`Session::skip_bad_rows`]
    /// does it.
    ///
    /// [`Session::skip_bad_rows`]: crate::Session::skip_bad_rows
    pub fn skip_bad_rows(&mut self) {
        self.options.bad_rows = BadRows::Skip;
    }

    /// Brings a newly opened stream to where this one stands.
    ///
    /// # Errors
    ///
    /// As [`Session::follow`](crate::Session::follow).
    pub fn follow(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.place.follow(stream, &self.stream)
    }

    /// Writes a checkpoint: whole, or not at all. It is of another kind than a session's.
    ///
    /// # Errors
    ///
    /// As [`checkpoint::save`].
    #[cfg(feature = "checkpoint")]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        Ok(CONTAINER.save(path, self)?)
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// As [`checkpoint::load`].
    #[cfg(feature = "checkpoint")]
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(CONTAINER.load(path)?)
    }

    /// Finds out early whether a checkpoint can be saved at `path`.
    ///
    /// # Errors
    ///
    /// As [`checkpoint::check_writable`].
    #[cfg(feature = "checkpoint")]
    pub fn check_writable(path: impl AsRef<Path>) -> Result<(), Error> {
        if CONTAINER.may_save(&path)? {
            return Ok(());
        }
        let message = "expected a checkpoint of anomalies or no file yet, found something else: it is not replaced";
        Err(Error::new(ErrorKind::Checkpoint, message).in_file(path.as_ref()))
    }

    /// The detector.
    #[must_use]
    pub fn detector(&self) -> &Autoencoder {
        &self.detector
    }

    /// The name of the stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// How the stream is read.
    #[must_use]
    pub fn options(&self) -> &StreamOptions {
        &self.options
    }

    /// How many rows were read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.place.rows
    }

    /// How many of them were left out, and what was wrong with the first.
    #[must_use]
    pub fn skipped(&self) -> (u64, Option<&str>) {
        (self.place.skipped, self.place.first_skipped.as_deref())
    }
}

/// 1 or true; not 0 or false.
fn is_anomaly(text: &str) -> Result<bool, Error> {
    match text.parse::<f64>() {
        Ok(1.0) => Ok(true),
        Ok(0.0) => Ok(false),
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Error::expected(ErrorKind::Type, "1 or true for an anomaly, 0 or false for a usual row", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved::testing::refuses;

    #[test]
    fn a_count_that_cannot_go_on_is_refused() -> Result<(), Error> {
        let watch = Watch::new(Autoencoder::new(Default::default())?, "rows", StreamOptions::default());
        refuses(&watch, &[("anomalies", |watch| watch.known[1] = u64::MAX)]);
        Ok(())
    }
}
