//! Classification or regression? What the targets suggest.

use std::path::Path;

use super::{CsvOptions, CsvStream, Record};
use crate::error::Error;
use crate::learn::Task;

/// How many targets are looked at.
const TARGETS: usize = 1_000;
/// More different whole numbers than this are quantities, not classes.
const CLASSES: usize = 20;

impl CsvStream {
    /// The task that the targets of a file suggest, by the rule in the [module](super). Rows that cannot be read are
    /// passed over.
    ///
    /// # Errors
    ///
    /// As for [`open`](CsvStream::open), and whatever ends the stream early.
    pub fn infer_task(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Task, Error> {
        let mut stream = Self::open(path, options)?;
        let mut record = Record::new();
        let (mut targets, mut whole, mut distinct) = (0, true, Vec::new());
        while targets < TARGETS {
            match stream.read(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.row().is_some() => continue,
                Err(error) => return Err(error),
            }
            if record.target_text().is_none() {
                continue;
            }
            let Some(number) = record.target_number() else { return Ok(Task::Classify) };
            targets += 1;
            whole &= number.fract() == 0.0;
            if distinct.len() <= CLASSES && !distinct.contains(&number) {
                distinct.push(number);
            }
        }
        Ok(if whole && distinct.len() <= CLASSES { Task::Classify } else { Task::Regress })
    }
}
