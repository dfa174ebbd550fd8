//! Reading a CSV stream.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::csv::{Reader, ReaderBuilder, StringRecord};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::columns::{Columns, CsvOptions, has_header};
use super::record::Record;
use super::source::{Source, delimiter_of, failure, read_record};
use crate::error::{Error, ErrorKind, quoted};

/// A stream of rows from CSV, plain or gzip; the rules are in the [module](super).
///
/// # Example
///
/// ```
/// use thalweg_online::{CsvOptions, CsvStream, Record, Row, Target, Task, Value};
///
/// let text = "height;city;rain\n3.5;Oslo;yes\n?;Bergen;no\n";
/// let mut stream = CsvStream::from_reader("rain.csv", text.as_bytes(), &CsvOptions::default())?;
/// assert_eq!((stream.columns(), stream.target()), (&["height".to_string(), "city".to_string()][..], "rain"));
///
/// let mut record = Record::new();
/// assert!(stream.read(&mut record)?);
/// assert_eq!(record.cell(0), ("height", Value::Number(3.5)));
/// assert_eq!(record.target(Task::Classify)?, Some(Target::Class("yes")));
/// assert!(stream.read(&mut record)?);
/// assert_eq!(record.cell(0), ("height", Value::Missing));
/// assert!(!stream.read(&mut record)?);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
pub struct CsvStream {
    reader: Reader<Source>,
    columns: Arc<Columns>,
    delimiter: u8,
    /// The first line, where it is a row and has not been given out yet.
    first: Option<StringRecord>,
    row: u64,
    non_finite: u64,
    header_hash: u64,
    rows_hash: u64,
    /// Reading has failed or come to the end.
    over: bool,
}

impl CsvStream {
    /// Opens a file and reads its first line.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is empty, or does not have the columns that `options` ask for.
    pub fn open(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self, Error> {
        Self::open_through(path, options, |file| file)
    }

    /// [`open`](CsvStream::open), reading through something that wraps the file: to show progress, to limit the rate.
    ///
    /// # Errors
    ///
    /// As for [`open`](CsvStream::open).
    pub fn open_through<R: Read + Send + 'static>(
        path: impl AsRef<Path>,
        options: &CsvOptions,
        through: impl FnOnce(File) -> R,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path);
        let file = file.map_err(|cause| Error::caused_by(ErrorKind::Io, "cannot be opened", cause).in_file(path))?;
        Self::from_reader(path, through(file), options)
    }

    /// The same from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    ///
    /// As for [`open`](CsvStream::open).
    pub fn from_reader(
        name: impl Into<PathBuf>,
        reader: impl Read + Send + 'static,
        options: &CsvOptions,
    ) -> Result<Self, Error> {
        let name = name.into();
        Self::start(name.clone(), reader, options).map_err(|error| error.in_file(name))
    }

    fn start(name: PathBuf, reader: impl Read + Send + 'static, options: &CsvOptions) -> Result<Self, Error> {
        let mut source = Source::new(reader).map_err(|error| failure(error, false, 0))?;
        let compressed = source.is_compressed();
        let line = source.peek_line().map_err(|error| failure(error, compressed, 0))?;
        let delimiter = options.delimiter.unwrap_or_else(|| delimiter_of(&line));
        if matches!(delimiter, b'"' | b'\r' | b'\n') {
            let delimiter = char::from(delimiter).to_string();
            return Err(Error::expected(ErrorKind::Spec, "a delimiter that is no quote or line break", &delimiter));
        }
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(1 << 16)
            .from_reader(source);
        let mut first = StringRecord::new();
        let found = read_record(&mut reader, &mut first).map_err(|error| match error.into_kind() {
            ::csv::ErrorKind::Io(error) => failure(error, compressed, 0),
            _ => Error::new(ErrorKind::Format, "expected UTF-8 in the first line, found other bytes"),
        })?;
        if !found {
            return Err(Error::new(ErrorKind::Format, "expected a header or a row, found an empty file"));
        }
        if first.len() < 2 {
            let delimiter = quoted(&char::from(delimiter).to_string());
            let message = format!("expected at least two columns, found one; is {delimiter} the delimiter?");
            return Err(Error::new(ErrorKind::Format, message));
        }
        let header = has_header(options.header, &first);
        let columns = Columns::new(name, &first, header, options)?;
        let header_hash = if header { hash(&first, 0) } else { 0 };
        Ok(CsvStream {
            reader,
            columns: Arc::new(columns),
            delimiter,
            first: (!header).then_some(first),
            row: 0,
            non_finite: 0,
            header_hash,
            rows_hash: 0,
            over: false,
        })
    }

    /// The names of the features: all columns but the target and the ignored ones.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns.names
    }

    /// The name of the target's column.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.columns.target_name
    }

    /// How many rows have been read, or skipped, so far. Rows that could not be used count.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }

    /// How many cells spelt NaN or infinity, in the rows read so far. Skipped rows are not looked at.
    #[must_use]
    pub fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// A hash (XXH3-64) of the fields of the header; 0 where there is none.
    #[must_use]
    pub fn header_hash(&self) -> u64 {
        self.header_hash
    }

    /// A hash (XXH3-64) of the fields of all rows so far, as they stand in the file; 0 before the first row. With the
    /// header's it tells whether a stream that was skipped to a place is the one that was left there.
    #[must_use]
    pub fn rows_hash(&self) -> u64 {
        self.rows_hash
    }

    /// Reads the next row into `record`; `false` at the end.
    ///
    /// # Errors
    ///
    /// A row with too many or too few fields, or one that is not UTF-8: the error names the row, `record` has no
    /// features, and the stream can be read on. A stream without any row, a compressed file that is cut short or
    /// damaged, or a failure of the system: the stream is over.
    pub fn read(&mut self, record: &mut Record) -> Result<bool, Error> {
        let result = match self.next(&mut record.text) {
            Ok(true) => self.check(&record.text).map(|()| true),
            other => other,
        };
        record.row = self.row;
        match result {
            Ok(true) => self.non_finite += record.parse(&self.columns),
            Ok(false) | Err(_) => record.clear(),
        }
        result.map_err(|error| error.in_file(&self.columns.file))
    }

    /// Passes over `rows` rows without looking at their cells; returns how many there were, fewer only at the end.
    ///
    /// # Errors
    ///
    /// Only what ends the stream: see [`read`](CsvStream::read).
    pub fn skip(&mut self, rows: u64) -> Result<u64, Error> {
        let start = self.row;
        let mut text = StringRecord::new();
        while self.row - start < rows {
            match self.next(&mut text) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.row().is_some() => {}
                Err(error) => return Err(error.in_file(&self.columns.file)),
            }
        }
        Ok(self.row - start)
    }

    /// Reads the next row's text, counts and hashes it. An error that names a row has consumed one.
    fn next(&mut self, text: &mut StringRecord) -> Result<bool, Error> {
        let found = match self.first.take() {
            _ if self.over => return Ok(false),
            Some(first) => {
                *text = first;
                Ok(true)
            }
            None => read_record(&mut self.reader, text),
        };
        match found.map_err(::csv::Error::into_kind) {
            Ok(true) => {
                self.row += 1;
                self.rows_hash = hash(text, self.rows_hash);
                Ok(true)
            }
            Ok(false) => {
                self.over = true;
                match self.row {
                    0 => Err(Error::new(ErrorKind::Format, "expected at least one row after the header, found none")),
                    _ => Ok(false),
                }
            }
            Err(::csv::ErrorKind::Utf8 { err, .. }) => {
                self.row += 1;
                self.rows_hash = xxh3_64_with_seed(&[], self.rows_hash);
                let error = Error::new(ErrorKind::Format, "expected UTF-8, found other bytes").at_row(self.row);
                Err(match self.name_of(err.field()) {
                    Some(name) => error.in_column(name),
                    None => error,
                })
            }
            Err(kind) => {
                self.over = true;
                let compressed = self.reader.get_ref().is_compressed();
                Err(match kind {
                    ::csv::ErrorKind::Io(error) => failure(error, compressed, self.row),
                    other => {
                        Error::new(ErrorKind::Format, format!("cannot be read, after row {}: {other:?}", self.row))
                    }
                })
            }
        }
    }

    fn check(&self, text: &StringRecord) -> Result<(), Error> {
        let (expected, found) = (self.columns.width, text.len());
        if expected == found {
            return Ok(());
        }
        let delimiter = quoted(&char::from(self.delimiter).to_string());
        let message = format!("expected {expected} fields between {delimiter}, found {found}");
        Err(Error::new(ErrorKind::Format, message).at_row(self.row))
    }

    /// The name of the column at a place in a record, unless it is an ignored one or there is none.
    fn name_of(&self, index: usize) -> Option<&str> {
        let columns = &self.columns;
        if columns.target.index == index {
            return Some(&columns.target_name);
        }
        columns.features.iter().position(|field| field.index == index).map(|feature| columns.names[feature].as_str())
    }
}

impl fmt::Debug for CsvStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvStream").field("columns", &self.columns).field("row", &self.row).finish_non_exhaustive()
    }
}

/// Each field's hash is the seed of the next one's, so that moving a boundary between fields changes the result; the hash
/// of what was before is the first seed.
fn hash(record: &StringRecord, before: u64) -> u64 {
    let seed = xxh3_64_with_seed(&(record.len() as u64).to_le_bytes(), before);
    record.iter().fold(seed, |seed, field| xxh3_64_with_seed(field.as_bytes(), seed))
}
