//! `label index:value …`, the format of LIBSVM and SVMlight.

use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::StreamOptions;
use super::cells::{Cells, Raw};
use super::file::{Opened, Parser};
use super::options::LABEL;
use super::schema::Schema;
use super::source::{Lines, Source};
use crate::error::{Error, ErrorKind};
use crate::row::Value;

/// LIBSVM.
#[derive(Debug)]
pub(super) struct LibSvm {
    lines: Lines,
}

impl LibSvm {
    pub(super) fn open(name: &Path, source: Source, options: &StreamOptions) -> Opened {
        let parser = Box::new(LibSvm { lines: Lines::new(source, Some(b'#')) });
        Opened { parser, schema: Schema::open(name.into(), LABEL.to_owned(), options), header_hash: 0, at_row: false }
    }
}

impl Parser for LibSvm {
    fn advance(&mut self) -> io::Result<bool> {
        self.lines.advance()
    }

    fn hash(&self, before: u64) -> u64 {
        xxh3_64_with_seed(self.lines.bytes(), before)
    }

    fn parse(&mut self, cells: &mut Cells<'_>) -> Result<(), Error> {
        cells.absent_is_zero();
        let line = self.lines.text()?.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace().peekable();
        if let Some(label) = words.next_if(|word| !word.contains(':')) {
            cells.target(label_of(label))?;
        }
        let mut last = None;
        for word in words {
            let Some((index, value)) = word.split_once(':') else {
                return Err(Error::expected(ErrorKind::Format, "index:value", word));
            };
            if index == "qid" {
                cells.id(value)?;
                continue;
            }
            let number: u64 = index
                .parse()
                .map_err(|_| Error::expected(ErrorKind::Format, "index:value with a whole index", word))?;
            if last.is_some_and(|last| last >= number) {
                return Err(Error::expected(ErrorKind::Format, "indices in ascending order", word));
            }
            last = Some(number);
            // Without zeros in front, so that each index has one name.
            let name = Value::Number(number as f64).with_text(|name| cells.number(name));
            let name = name.unwrap_or_else(|| cells.number(index))?;
            cells.put(name, Raw::Number(number_of(value).map_err(|error| error.in_column(index))?))?;
        }
        Ok(())
    }
}

/// A label. Numbers are spelt in one way, so that `+1` and `1` are one class.
pub(super) fn label_of(label: &str) -> Raw<'_> {
    label.parse().map_or(Raw::Spelt(label), Raw::Number)
}

/// The number behind a colon.
pub(super) fn number_of(value: &str) -> Result<f64, Error> {
    value.parse().map_err(|_| Error::expected(ErrorKind::Type, "a number", value))
}
