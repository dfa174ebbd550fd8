//! Memory beside the state.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// What is written before it is read: any two are equal, a copy begins empty, and nothing of it is saved.
#[derive(Default)]
pub(super) struct Scratch<W>(W);

impl<W: Default> Clone for Scratch<W> {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

impl<W> PartialEq for Scratch<W> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<W> fmt::Debug for Scratch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

impl<W> Deref for Scratch<W> {
    type Target = W;
    fn deref(&self) -> &W {
        &self.0
    }
}

impl<W> DerefMut for Scratch<W> {
    fn deref_mut(&mut self) -> &mut W {
        &mut self.0
    }
}
