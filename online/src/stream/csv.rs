//! Rows of fields between commas, semicolons, tabs …

use std::io;
use std::path::Path;

use ::csv::{ByteRecord, Reader, ReaderBuilder};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::cells::{Cells, Raw, number_in};
use super::file::{Opened, Parser};
use super::names::MOST_NAMES;
use super::schema::Schema;
use super::source::{Source, failure};
use super::{Format, Header, StreamOptions};
use crate::error::{Error, ErrorKind, quoted};

/// CSV and TSV.
#[derive(Debug)]
pub(super) struct Csv {
    reader: Reader<Source>,
    delimiter: u8,
    fields: ByteRecord,
    /// The number of each column's name.
    columns: Vec<u32>,
}

impl Csv {
    /// Finds the columns in the first record; `line` is where it begins.
    pub(super) fn open(name: &Path, source: Source, line: &[u8], options: &StreamOptions) -> Result<Opened, Error> {
        let delimiter = match (options.format, options.delimiter) {
            (Some(Format::Tsv), _) => b'\t',
            (_, Some(delimiter)) => delimiter,
            (_, None) => delimiter_of(line),
        };
        let compressed = source.is_compressed();
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(1 << 16);
        let mut csv =
            Csv { reader: builder.from_reader(source), delimiter, fields: ByteRecord::new(), columns: Vec::new() };
        // The line is not blank: there is a record.
        csv.advance().map_err(|error| failure(error, compressed, 0))?;
        let delimiter = || quoted(&char::from(delimiter).to_string());
        let mut columns = Vec::new();
        for field in &csv.fields {
            let field = std::str::from_utf8(field);
            let wrong = |_| Error::new(ErrorKind::Format, "expected UTF-8 in the first line, found other bytes");
            columns.push(field.map_err(wrong)?.trim().to_owned());
        }
        if columns.len() < 2 && options.labelled {
            let message = format!("expected at least two columns, found one; is {} the delimiter?", delimiter());
            return Err(Error::new(ErrorKind::Format, message));
        }
        if columns.len() > MOST_NAMES {
            let message = format!("expected at most {MOST_NAMES} columns, found {}", columns.len());
            return Err(Error::new(ErrorKind::Schema, message));
        }
        let header = has_header(options.header, &columns);
        for (index, name) in columns.iter_mut().enumerate().filter(|(_, name)| !header || name.is_empty()) {
            *name = format!("x{index}");
        }
        let (schema, numbers) = Schema::closed(name.into(), &columns, &[], options)?;
        csv.columns = numbers;
        let header_hash = if header { csv.hash(0) } else { 0 };
        Ok(Opened { parser: Box::new(csv), schema, header_hash, at_row: !header })
    }
}

impl Parser for Csv {
    /// A line of nothing but space is blank too, although the `csv` crate takes it for a record of one field.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            self.reader.get_mut().unbroken = 0;
            let found = self.reader.read_byte_record(&mut self.fields);
            let found = found.map_err(|error| match error.into_kind() {
                ::csv::ErrorKind::Io(error) => error,
                other => io::Error::other(format!("{other:?}")),
            });
            if !found? {
                return Ok(false);
            }
            if self.fields.len() > 1 || !self.fields.iter().all(|field| field.trim_ascii().is_empty()) {
                return Ok(true);
            }
        }
    }

    /// Each field's hash is the seed of the next one's, so that moving a boundary between fields changes the result.
    fn hash(&self, before: u64) -> u64 {
        let seed = xxh3_64_with_seed(&(self.fields.len() as u64).to_le_bytes(), before);
        self.fields.iter().fold(seed, |seed, field| xxh3_64_with_seed(field, seed))
    }

    fn parse(&mut self, cells: &mut Cells<'_>) -> Result<(), Error> {
        let (expected, found) = (self.columns.len(), self.fields.len());
        if expected != found {
            let delimiter = quoted(&char::from(self.delimiter).to_string());
            let message = format!("expected {expected} fields between {delimiter}, found {found}");
            return Err(Error::new(ErrorKind::Format, message));
        }
        for (field, &column) in self.fields.iter().zip(&self.columns) {
            match std::str::from_utf8(field) {
                Ok(text) => cells.put(column, Raw::Spelt(text))?,
                Err(_) => {
                    let error = Error::new(ErrorKind::Format, "expected UTF-8, found other bytes");
                    return Err(error.in_column(cells.name(column)));
                }
            }
        }
        Ok(())
    }
}

/// Whether the first line is a header.
fn has_header(header: Header, first: &[String]) -> bool {
    match header {
        Header::Auto => !first.iter().any(|field| number_in(field).0.is_some()),
        Header::Yes => true,
        Header::No => false,
    }
}

/// The one of `,` `;` and tab that `line` has most of outside quotes; the first of them on ties.
fn delimiter_of(line: &[u8]) -> u8 {
    let mut counts = [(b',', 0_u64), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for &byte in line {
        quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += u64::from(byte == *delimiter && !quoted);
        }
    }
    // `max_by_key` takes the last of equals.
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map_or(b',', |(delimiter, _)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &'static str, options: &StreamOptions) -> Result<(String, Vec<String>), Error> {
        let mut stream = crate::stream::from_reader("f.csv", text.as_bytes(), options)?;
        let mut record = crate::stream::Record::new();
        stream.read(&mut record)?;
        let cells = 0..crate::row::Row::len(&record);
        let names = cells.map(|index| crate::row::Row::cell(&record, index).0.to_owned());
        Ok((stream.target().to_owned(), names.collect()))
    }

    #[test]
    fn a_first_line_without_numbers_is_a_header() -> Result<(), Error> {
        let yes = StreamOptions { header: Header::Yes, ..StreamOptions::default() };
        for (text, options, target, names) in [
            ("a, b ,class\n1,2,3\n", &StreamOptions::default(), "class", ["a", "b"]),
            ("a,1,up\n", &StreamOptions::default(), "x2", ["x0", "x1"]),
            ("a,1,up\nb,2,down\n", &yes, "up", ["a", "1"]),
            (",b,c\n1,2,3\n", &yes, "c", ["x0", "b"]),
        ] {
            assert_eq!(columns(text, options)?, (target.to_owned(), names.map(String::from).to_vec()), "{text}");
        }
        Ok(())
    }

    #[test]
    fn the_delimiter_is_counted_outside_quotes() {
        assert_eq!(delimiter_of(b"a,b;c,d"), b',');
        assert_eq!(delimiter_of(b"\"a,b,c\";d;e"), b';');
        assert_eq!(delimiter_of(b"a\tb"), b'\t');
        assert_eq!(delimiter_of(b"a"), b',');
    }
}
