//! What a session says of itself.

use super::{AnyLearner, ContextScores, Earlier, Session};
use crate::evaluate::Prequential;
use crate::stream::{BadRows, StreamOptions};

impl Session {
    /// The learner.
    #[must_use]
    pub fn learner(&self) -> &AnyLearner {
        &self.learner
    }

    /// The learner alone, to predict what comes next.
    #[must_use]
    pub fn into_learner(self) -> AnyLearner {
        self.learner
    }

    /// Its scores so far, and the baselines'.
    #[must_use]
    pub fn evaluation(&self) -> &Prequential {
        &self.evaluation
    }

    /// How well each context is known, if rows of them are [held out](Session::holding_out).
    #[must_use]
    pub fn contexts(&self) -> Option<&ContextScores> {
        self.contexts.as_ref()
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

    /// From now on a row that cannot be read or used is [left out](crate::BadRows::Skip), and all is as if that had
    /// been said at the beginning.
    pub fn skip_bad_rows(&mut self) {
        self.options.bad_rows = BadRows::Skip;
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
        self.evaluation.unlabelled().saturating_sub(self.place.unlabelled_earlier)
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
        self.place.non_finite()
    }
}
