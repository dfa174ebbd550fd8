//! A row on its way into an evaluation.

use std::fmt;

#[cfg(doc)]
use super::Prequential;
#[cfg(doc)]
use crate::delay::Delay;
use crate::learn::Target;
use crate::row::Row;

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
    /// When its label becomes known: needed where the delay is that of [a column](Delay::Column).
    pub known: Option<i64>,
}

/// Without the features, which need not be printable.
impl fmt::Debug for Arrival<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arrival { y, row, time, known, .. } = self;
        let mut arrival = f.debug_struct("Arrival");
        arrival.field("row", row).field("y", y).field("time", time).field("known", known).finish_non_exhaustive()
    }
}
