//! Rows that were predicted and wait for their labels.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Arrival;
use crate::delay::{Delay, KeptRow, MOST_WAITING};
use crate::error::{Error, ErrorKind};
use crate::learn::{LabelSet, SEPARATOR, Target};
use crate::metrics::Reading;
use crate::saved::{ensure, is_count};

/// A row that was predicted, the label that will come, and what the scores keep of the predictions: the learner's and the
/// two baselines'.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Predicted {
    /// When the label comes.
    due: i64,
    pub row: u64,
    pub x: KeptRow,
    y: Label,
    pub readings: [Reading; 3],
}

/// A target that waits. Its memory is used again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Label {
    kind: Kind,
    text: String,
    numbers: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
enum Kind {
    #[default]
    Class,
    Labels,
    Numbers,
}

impl Default for Predicted {
    fn default() -> Self {
        let (x, y) = (KeptRow::new(), Label::default());
        Predicted { due: 0, row: 0, x, y, readings: Default::default() }
    }
}

impl Predicted {
    pub fn target(&self) -> Target<'_> {
        match (self.y.kind, &self.y.numbers[..]) {
            (Kind::Class, _) => Target::Class(&self.y.text),
            (Kind::Labels, _) => Target::Labels(LabelSet::joined(&self.y.text, SEPARATOR)),
            (Kind::Numbers, &[number]) => Target::Value(number),
            (Kind::Numbers, numbers) => Target::Values(numbers),
        }
    }

    pub fn expect(&mut self, y: Target<'_>) {
        self.y.text.clear();
        self.y.numbers.clear();
        self.y.kind = match y {
            Target::Class(label) => {
                self.y.text.push_str(label);
                Kind::Class
            }
            Target::Labels(labels) => {
                labels.keep(&mut self.y.text);
                Kind::Labels
            }
            Target::Value(_) | Target::Values(_) => {
                self.y.numbers.extend_from_slice(y.numbers());
                Kind::Numbers
            }
        };
    }
}

/// The rows that wait, in the order in which their labels come, and the time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Waiting {
    delay: Delay,
    /// How many rows came, or the latest time of any.
    clock: i64,
    rows: VecDeque<Predicted>,
    /// Memory to be used again.
    spare: Vec<Predicted>,
}

impl Waiting {
    pub fn new(delay: Delay) -> Self {
        let clock = if let Delay::Rows(_) = delay { 0 } else { i64::MIN };
        Waiting { delay, clock, rows: VecDeque::new(), spare: Vec::new() }
    }

    pub fn delay(&self) -> Delay {
        self.delay
    }

    pub fn rows(&self) -> impl Iterator<Item = &Predicted> {
        self.rows.iter()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// When a row comes that was measured at `time`. Time never goes back: for a row that is late it is now.
    pub fn now(&self, time: Option<i64>) -> Result<i64, Error> {
        match (self.delay, time) {
            (Delay::Rows(_), _) => Ok(self.clock),
            (Delay::Time(_) | Delay::Column, Some(time)) => Ok(time.max(self.clock)),
            (Delay::Time(_) | Delay::Column, None) => {
                Err(Error::new(ErrorKind::Value, "expected a time, as labels are late by a time, found none"))
            }
        }
    }

    /// When the label comes of a row that comes `now`.
    pub fn due(&self, now: i64, arrival: &Arrival<'_>) -> Result<i64, Error> {
        match self.delay {
            Delay::Rows(rows) => Ok(now.saturating_add(i64::from(rows))),
            Delay::Time(delay) => Ok(arrival.time.unwrap_or(now).saturating_add(delay)),
            Delay::Column => arrival.known.ok_or_else(|| {
                Error::new(ErrorKind::Value, "expected the time at which the label became known, found none")
            }),
        }
    }

    /// The row whose label comes next, if it has come by `now`.
    pub fn take_due(&mut self, now: i64) -> Option<Predicted> {
        self.rows.front().filter(|row| row.due <= now)?;
        self.rows.pop_front()
    }

    /// Gives back the memory of a row.
    pub fn recycle(&mut self, row: Predicted) {
        self.spare.push(row);
    }

    /// Whether one more row may wait.
    pub fn check_room(&self) -> Result<(), Error> {
        if self.rows.len() < MOST_WAITING {
            return Ok(());
        }
        let message = format!("expected at most {MOST_WAITING} rows to wait for their labels, found one more");
        Err(Error::new(ErrorKind::Value, message))
    }

    /// Room for a row whose label comes at `due`, in memory that is used again.
    pub fn place(&mut self, row: u64, due: i64) -> &mut Predicted {
        let spare = self.spare.pop().unwrap_or_default();
        // Behind those that are due at the same time.
        let place = self.rows.partition_point(|other| other.due <= due);
        self.rows.insert(place, Predicted { due, row, ..spare });
        &mut self.rows[place]
    }

    /// A row that came at `now` has been seen.
    pub fn pass(&mut self, now: i64) {
        self.clock = if let Delay::Rows(_) = self.delay { now + 1 } else { now };
    }
}

/// Without the spare memory.
#[derive(Serialize, Deserialize)]
struct Saved {
    delay: Delay,
    clock: i64,
    rows: VecDeque<Predicted>,
}

impl From<Waiting> for Saved {
    fn from(waiting: Waiting) -> Self {
        let Waiting { delay, clock, rows, .. } = waiting;
        Saved { delay, clock, rows }
    }
}

impl TryFrom<Saved> for Waiting {
    type Error = Error;

    fn try_from(saved: Saved) -> Result<Self, Error> {
        let Saved { delay, clock, rows } = saved;
        let in_order = rows.len() <= MOST_WAITING && rows.iter().is_sorted_by_key(|row| row.due);
        ensure(in_order, "waiting rows in the order in which their labels come")?;
        let goes_on = !matches!(delay, Delay::Rows(_)) || u64::try_from(clock).is_ok_and(is_count);
        ensure(delay.can_be() && goes_on, "a delay from 0 and a clock that goes on")?;
        Ok(Waiting { delay, clock, rows, spare: Vec::new() })
    }
}
