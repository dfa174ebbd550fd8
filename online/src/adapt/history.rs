//! What has happened so far.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::saved::{ensure, is_count};

/// So many of the last drifts are remembered by their rows.
pub const LAST_DRIFTS: usize = 100;

/// How many rows, warnings and drifts there were, and where the last drifts were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    rows: u64,
    warnings: u64,
    drifts: u64,
    dropped: u64,
    last: VecDeque<u64>,
    /// Whether the last word was a warning.
    is_warned: bool,
}

impl History {
    /// How many rows were learned.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How often a warning began.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.warnings
    }

    /// How many drifts there were.
    #[must_use]
    pub fn drifts(&self) -> u64 {
        self.drifts
    }

    /// How many models began in the background and never took over.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The rows at which the last [drifts](History::drifts) were found, at most [`LAST_DRIFTS`], in order. Learned rows are
    /// counted, from 1: those without a target are not among them.
    pub fn last(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator {
        self.last.iter().copied()
    }

    pub(super) fn row(&mut self) {
        self.rows += 1;
    }

    pub(super) fn note_warning(&mut self, is_warned: bool) {
        self.warnings += u64::from(is_warned && !self.is_warned);
        self.is_warned = is_warned;
    }

    pub(super) fn note_drift(&mut self) {
        self.drifts += 1;
        if self.last.len() == LAST_DRIFTS {
            self.last.pop_front();
        }
        self.last.push_back(self.rows);
    }

    pub(super) fn note_dropped(&mut self) {
        self.dropped += 1;
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let History { rows, warnings, drifts, dropped, last, .. } = self;
        let counts = [rows, warnings, drifts, dropped].into_iter().all(|&count| is_count(count));
        let ascend = last.iter().zip(last.iter().skip(1)).all(|(before, after)| before < after);
        let within = last.back().is_none_or(|newest| newest <= rows) && last.front() != Some(&0);
        let as_many = last.len() as u64 == (*drifts).min(LAST_DRIFTS as u64);
        ensure(counts && ascend && within && as_many, "a history of drifts that rows can lead to")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_drifts_are_remembered() {
        let mut history = History::default();
        for row in 1..=300 {
            history.row();
            if row % 2 == 0 {
                history.note_drift();
            }
        }
        assert_eq!((history.drifts(), history.last().len()), (150, LAST_DRIFTS));
        assert_eq!((history.last().next(), history.last().next_back()), (Some(102), Some(300)));
        assert!(history.check().is_ok());
        history.rows = 299;
        assert!(history.check().is_err());
    }

    #[test]
    fn a_warning_counts_once_however_long_it_lasts() {
        let mut history = History::default();
        [true, true, false, true].into_iter().for_each(|is_warned| history.note_warning(is_warned));
        assert_eq!(history.warnings(), 2);
    }
}
