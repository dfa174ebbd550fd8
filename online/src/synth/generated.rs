//! Generated rows as those of a stream.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Error, Example, Synth};
use crate::stream::{Record, Stream};

/// A generator as a [`Stream`] that never ends: what learns from files learns from it, too.
///
/// ```
/// use thalweg_online::synth::{Generated, Seed, Synth};
/// use thalweg_online::{Record, Stream, Target, Task};
///
/// let mut stream = Generated::new(Synth::parse("led:noise=0.28,river", Seed::new(42))?);
/// let mut record = Record::new();
/// assert_eq!(stream.skip(1000)?, 1000);
/// assert!(stream.read(&mut record)?);
/// assert_eq!((record.row(), stream.target()), (1001, "target"));
/// assert!(matches!(record.target(Task::Classify)?, Some(Target::Class(_))));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Generated {
    synth: Synth,
    example: Example,
    row: u64,
    header_hash: u64,
    rows_hash: u64,
}

impl Generated {
    /// The rows that come next.
    #[must_use]
    pub fn new(synth: Synth) -> Self {
        let header_hash = xxh3_64_with_seed(synth.to_string().as_bytes(), 0);
        Generated { synth, example: Example::new(), row: 0, header_hash, rows_hash: 0 }
    }

    fn advance(&mut self) {
        self.synth.next_row(&mut self.example);
        self.row += 1;
        for number in self.example.x().iter().chain([&self.example.y()]) {
            self.rows_hash = xxh3_64_with_seed(&number.to_bits().to_le_bytes(), self.rows_hash);
        }
    }
}

impl Stream for Generated {
    fn target(&self) -> &str {
        "target"
    }

    fn row(&self) -> u64 {
        self.row
    }

    fn non_finite(&self) -> u64 {
        0
    }

    /// Of the specification, with all seeds.
    fn header_hash(&self) -> u64 {
        self.header_hash
    }

    fn rows_hash(&self) -> u64 {
        self.rows_hash
    }

    fn read(&mut self, record: &mut Record) -> Result<bool, Error> {
        self.advance();
        record.fill(self.row, &self.example, Some(self.example.target()))?;
        Ok(true)
    }

    fn skip(&mut self, rows: u64) -> Result<u64, Error> {
        (0..rows).for_each(|_| self.advance());
        Ok(rows)
    }
}
