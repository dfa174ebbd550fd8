//! Classification or regression? What the targets suggest.

use super::{Record, Stream};
use crate::error::Error;
use crate::learn::Task;

/// How many targets are looked at …
const TARGETS: usize = 1_000;
/// … among so many rows: of a stream that is read once, they are kept.
const ROWS: u64 = 10_000;
/// More different whole numbers than this are quantities, not classes.
const CLASSES: usize = 20;

/// What [`Stream::infer_task`] says of every stream.
pub(super) fn infer<S: Stream + ?Sized>(stream: &mut S) -> Result<Task, Error> {
    let mut record = Record::new();
    let (mut targets, mut whole, mut distinct) = (0, true, Vec::new());
    while targets < TARGETS && stream.row() < ROWS {
        match stream.read(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if error.row().is_some() => continue,
            Err(error) => return Err(error),
        }
        if record.has_several_targets() {
            return Ok(Task::Regress);
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
