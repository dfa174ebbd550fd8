//! The model in the background: how it begins, learns, takes over or goes.

use serde::{Deserialize, Serialize};

use super::Adaptive;
use crate::adapt::{Adapt, PolicySpec, When};
use crate::learn::Target;
use crate::row::Row;
use crate::saved::is_count;

/// A model that may take over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Background<L> {
    pub learner: L,
    /// How many it has learned.
    pub rows: u64,
    /// How many of them came since the last warning.
    pub quiet: u64,
    /// Whether it takes over as soon as it has learned enough.
    pub is_awaited: bool,
}

impl<L: Adapt> Background<L> {
    /// Whether it may take the place of this learner: asked of what is read from a file.
    pub fn is_like(&self, learner: &L) -> bool {
        learner.is_alike(&self.learner) && [self.rows, self.quiet].into_iter().all(is_count)
    }
}

impl<L: Adapt> Adaptive<L> {
    /// A model begins in the background, unless there is one.
    pub(super) fn begin_beside(&mut self, is_awaited: bool) {
        if !self.policy.needs_warnings() {
            return;
        }
        match &mut self.background {
            Some(background) => {
                background.is_awaited |= is_awaited;
                background.quiet = 0;
            }
            None => {
                let begin = |learner| Background { learner, rows: 0, quiet: 0, is_awaited };
                self.background = self.learner.fresh().map(begin);
            }
        }
    }

    /// The model in the background learns the row, too. One that cannot would not know its class: it goes.
    pub(super) fn learn_beside(&mut self, x: &dyn Row, y: Target<'_>, when: When) {
        let Some(background) = &mut self.background else { return };
        let learned = match when {
            When::Now => background.learner.learn_one(x, y),
            When::Late => background.learner.learn_late(x, y),
        };
        background.rows += 1;
        background.quiet += 1;
        if learned.is_err() {
            self.background = None;
            self.history.note_dropped();
        }
    }

    /// The model in the background takes over, stays or goes.
    pub(super) fn decide(&mut self) {
        let PolicySpec::Background { warmup, patience } = self.policy else { return };
        match self.background.take() {
            Some(background) if background.is_awaited && background.rows >= warmup => {
                self.learner.give_way_to(background.learner);
            }
            Some(background) if !background.is_awaited && background.quiet >= patience => {
                self.history.note_dropped();
            }
            background => self.background = background,
        }
    }
}
