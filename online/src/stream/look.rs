//! The task of a stream that can be read only once.

use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Stream, StreamOptions, from_reader};
use crate::error::{Error, ErrorKind};
use crate::learn::Task;

/// Opens a stream from a reader that gives its bytes only once, a pipe, and [infers the task](Stream::infer_task) before
/// the first row is read: the bytes that this took are kept, and read again. A stream that comes slowly is waited for until
/// the task is clear.
///
/// # Errors
///
/// As for [`from_reader`] and [`Stream::infer_task`].
///
/// ```
/// use thalweg_online::{Record, StreamOptions, Task, stream};
///
/// let rows = "wind,class\n3,storm\n4,calm\n".as_bytes();
/// let (task, mut stream) = stream::look_ahead("-", rows, &StreamOptions::default())?;
/// assert_eq!((task, stream.row()), (Task::Classify, 0));
/// assert_eq!(stream.skip(9)?, 2);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
pub fn look_ahead(
    name: impl Into<PathBuf>,
    reader: impl Read + Send + 'static,
    options: &StreamOptions,
) -> Result<(Task, Box<dyn Stream>), Error> {
    let name = name.into();
    let shared = Arc::new(Mutex::new(Keeping { reader, kept: Vec::new() }));
    // The stream that looks is dropped, and with it its share of the reader.
    let task = from_reader(&name, Shared(Arc::clone(&shared)), options)?.infer_task()?;
    let lost = || Error::new(ErrorKind::Io, "expected the rows that were looked at, found them in use").in_file(&name);
    let keeping = Arc::into_inner(shared).ok_or_else(lost)?.into_inner().unwrap_or_else(PoisonError::into_inner);
    let stream = from_reader(&name, Cursor::new(keeping.kept).chain(keeping.reader), options)?;
    Ok((task, stream))
}

/// Keeps all that is read.
struct Keeping<R> {
    reader: R,
    kept: Vec<u8>,
}

struct Shared<R>(Arc<Mutex<Keeping<R>>>);

impl<R: Read> Read for Shared<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut keeping = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = keeping.reader.read(buffer)?;
        keeping.kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Record;

    #[test]
    fn a_stream_that_was_looked_at_is_the_same_stream() -> Result<(), Error> {
        let rows: String = (0..5000).map(|row| format!("{row},{}\n", f64::from(row) / 7.0)).collect();
        let text = format!("x,y\n{rows}");
        let options = StreamOptions::default();
        let (task, mut looked) = look_ahead("-", Cursor::new(text.clone().into_bytes()), &options)?;
        let mut plain = from_reader("-", Cursor::new(text.into_bytes()), &options)?;
        let (mut one, mut other) = (Record::new(), Record::new());
        while plain.read(&mut one)? {
            assert!(looked.read(&mut other)?);
            assert_eq!(one.target_text(), other.target_text());
        }
        assert!(!looked.read(&mut other)?);
        assert_eq!((task, looked.rows_hash(), looked.row()), (Task::Regress, plain.rows_hash(), 5000));
        Ok(())
    }
}
