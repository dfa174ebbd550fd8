//! What may hold others of its kind, and how deep.

use std::cell::Cell;

use serde::de::{Deserialize, Deserializer, Error};

/// How many may stand within each other.
const DEEPEST: usize = 16;

thread_local! {
    /// How many are being read within each other. Always 0 in the end: serde hands nothing down.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level, left again whatever happens.
struct Level;

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Reads a value that stands within another of its kind: for `serde(deserialize_with = …)`. A crafted file may nest millions
/// of them, which would overflow the stack.
///
/// # Errors
/// If it stands too deep, or is none.
pub fn read<'de, D: Deserializer<'de>, V: Deserialize<'de>>(from: D) -> Result<V, D::Error> {
    if DEPTH.get() == DEEPEST {
        return Err(D::Error::custom(format_args!("expected at most {DEEPEST} within each other")));
    }
    DEPTH.set(DEPTH.get() + 1);
    let _level = Level;
    V::deserialize(from)
}
