//! A stream over bytes: what all formats have in common.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::arff::Arff;
use super::cells::Cells;
use super::csv::Csv;
use super::json::Json;
use super::libsvm::LibSvm;
use super::schema::Schema;
use super::source::{Source, failure};
use super::vw::VowpalWabbit;
use super::{Format, Record, Stream, StreamOptions, sniff};
use crate::error::{Error, ErrorKind};

/// The part that knows a format.
pub(super) trait Parser: fmt::Debug + Send {
    /// Goes to the next row, good or bad; `false` at the end. An error ends the stream.
    fn advance(&mut self) -> io::Result<bool>;

    /// A hash of the row's bytes; that of what was before is the seed.
    fn hash(&self, before: u64) -> u64;

    /// Reads the row's cells. An error concerns this row alone.
    fn parse(&mut self, cells: &mut Cells<'_>) -> Result<(), Error>;
}

/// What is known of a stream once it is open.
pub(super) struct Opened {
    pub(super) parser: Box<dyn Parser>,
    pub(super) schema: Schema,
    /// 0 where there is no header.
    pub(super) header_hash: u64,
    /// The parser stands at the first row already.
    pub(super) at_row: bool,
}

/// The stream.
#[derive(Debug)]
struct FileStream {
    parser: Box<dyn Parser>,
    schema: Schema,
    compressed: bool,
    at_row: bool,
    row: u64,
    non_finite: u64,
    header_hash: u64,
    rows_hash: u64,
    /// Reading has failed or come to the end.
    over: bool,
}

/// Opens a file, or the standard input, which is called `-`, and looks at its beginning.
///
/// # Errors
///
/// If the file cannot be opened, is empty, is not of its format, or does not have the columns that `options` ask for.
pub fn open(name: impl AsRef<Path>, options: &StreamOptions) -> Result<Box<dyn Stream>, Error> {
    match name.as_ref() {
        name if name == Path::new("-") => from_reader(name, io::stdin(), options),
        name => open_through(name, options, |file| file),
    }
}

/// [`open`] for files, reading through something that wraps the file: to show progress, to limit the rate.
///
/// # Errors
///
/// As for [`open`].
pub fn open_through<R: Read + Send + 'static>(
    path: impl AsRef<Path>,
    options: &StreamOptions,
    through: impl FnOnce(File) -> R,
) -> Result<Box<dyn Stream>, Error> {
    let path = path.as_ref();
    let file = File::open(path);
    let file = file.map_err(|cause| Error::caused_by(ErrorKind::Io, "cannot be opened", cause).in_file(path))?;
    from_reader(path, through(file), options)
}

/// The same from any reader; `name` stands for the file in errors, and its extension for the format.
///
/// # Errors
///
/// As for [`open`].
///
/// # Example
///
/// ```
/// use thalweg_online::{Record, Row, StreamOptions, Target, Task, Value, stream};
///
/// let text = "height;city;rain\n3.5;Oslo;yes\n?;Bergen;no\n";
/// let mut stream = stream::from_reader("rain.csv", text.as_bytes(), &StreamOptions::default())?;
/// assert_eq!(stream.target(), "rain");
///
/// let mut record = Record::new();
/// assert!(stream.read(&mut record)?);
/// assert_eq!([record.cell(0), record.cell(1)], [("height", Value::Number(3.5)), ("city", Value::Text("Oslo"))]);
/// assert_eq!(record.target(Task::Classify)?, Some(Target::Class("yes")));
/// assert!(stream.read(&mut record)?);
/// assert_eq!(record.cell(0), ("height", Value::Missing));
/// assert!(!stream.read(&mut record)?);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
pub fn from_reader(
    name: impl Into<PathBuf>,
    reader: impl Read + Send + 'static,
    options: &StreamOptions,
) -> Result<Box<dyn Stream>, Error> {
    let name = name.into();
    start(&name, reader, options).map_err(|error| error.in_file(name))
}

fn start(name: &Path, reader: impl Read + Send + 'static, options: &StreamOptions) -> Result<Box<dyn Stream>, Error> {
    let mut source = Source::new(reader).map_err(|error| failure(error, false, 0))?;
    let compressed = source.is_compressed();
    let line = source.peek_line().map_err(|error| failure(error, compressed, 0))?;
    let format = options.format.or_else(|| sniff::by_name(name));
    // Who speaks of a delimiter or a header means CSV.
    let is_csv = options.delimiter.is_some() || options.header != super::Header::Auto;
    let format = format.unwrap_or_else(|| if is_csv { Format::Csv } else { sniff::by_content(&line) });
    options.check(format)?;
    if line.trim_ascii().is_empty() {
        return Err(Error::new(ErrorKind::Format, "expected a header or a row, found an empty file"));
    }
    let mut options = StreamOptions { format: Some(format), ..options.clone() };
    if format.has_place_for_target() {
        (options.target, options.more_targets) = (None, Vec::new());
    }
    let opened = match format {
        Format::Csv | Format::Tsv => Csv::open(name, source, &line, &options),
        Format::JsonLines => Json::open(name, source, &options),
        Format::Arff => Arff::open(name, source, &options),
        Format::LibSvm => Ok(LibSvm::open(name, source, &options)),
        Format::VowpalWabbit => Ok(VowpalWabbit::open(name, source, &options)),
    };
    let Opened { parser, schema, header_hash, at_row } = opened?;
    Ok(Box::new(FileStream {
        parser,
        schema,
        compressed,
        at_row,
        row: 0,
        non_finite: 0,
        header_hash,
        rows_hash: 0,
        over: false,
    }))
}

impl FileStream {
    /// Goes to the next row, counts and hashes it.
    fn advance(&mut self) -> Result<bool, Error> {
        if self.over {
            return Ok(false);
        }
        let found = if std::mem::take(&mut self.at_row) { Ok(true) } else { self.parser.advance() };
        match found {
            Ok(true) => {
                self.row += 1;
                self.rows_hash = self.parser.hash(self.rows_hash);
                Ok(true)
            }
            Ok(false) => {
                self.over = true;
                match self.row {
                    0 => Err(Error::new(ErrorKind::Format, "expected at least one row after the header, found none")),
                    _ => Ok(false),
                }
            }
            Err(error) => {
                self.over = true;
                Err(failure(error, self.compressed, self.row))
            }
        }
    }

    fn parse(&mut self, record: &mut Record) -> Result<(), Error> {
        let mut cells = Cells::begin(&mut self.schema, record, self.row);
        self.parser.parse(&mut cells)?;
        self.non_finite += cells.end();
        Ok(())
    }
}

impl Stream for FileStream {
    fn target(&self) -> &str {
        &self.schema.names.target
    }

    fn row(&self) -> u64 {
        self.row
    }

    fn non_finite(&self) -> u64 {
        self.non_finite
    }

    fn header_hash(&self) -> u64 {
        self.header_hash
    }

    fn rows_hash(&self) -> u64 {
        self.rows_hash
    }

    fn read(&mut self, record: &mut Record) -> Result<bool, Error> {
        let result = match self.advance() {
            Ok(true) => self.parse(record).map(|()| true).map_err(|error| error.at_row(self.row)),
            other => other,
        };
        if !matches!(result, Ok(true)) {
            record.clear();
            record.row = self.row;
        }
        result.map_err(|error| error.in_file(&self.schema.names.file))
    }

    fn skip(&mut self, rows: u64) -> Result<u64, Error> {
        let start = self.row;
        while self.row - start < rows && self.advance().map_err(|error| error.in_file(&self.schema.names.file))? {}
        Ok(self.row - start)
    }
}
