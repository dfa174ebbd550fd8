//! Weka's attribute-relation file format.

use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::StreamOptions;
use super::arff_words::{Attribute, AttributeKind, word};
use super::cells::{Cells, Raw};
use super::file::{Opened, Parser};
use super::libsvm::number_of;
use super::schema::{Kind, Schema};
use super::source::{Lines, Source, failure};
use crate::error::{Error, ErrorKind};

/// ARFF.
#[derive(Debug)]
pub(super) struct Arff {
    lines: Lines,
    attributes: Vec<AttributeKind>,
    /// The number of each attribute's name.
    columns: Vec<u32>,
    /// A cell without its quotes.
    word: String,
}

/// A header of more bytes is none.
const LONGEST_HEADER: usize = 64 << 20;

impl Arff {
    /// Reads the header, up to `@data`.
    pub(super) fn open(name: &Path, source: Source, options: &StreamOptions) -> Result<Opened, Error> {
        let compressed = source.is_compressed();
        let mut lines = Lines::new(source, Some(b'%'));
        let (mut names, mut attributes) = (Vec::new(), Vec::new());
        let (mut header_hash, mut length) = (0, 0);
        loop {
            let wrong = |what: &str| Error::new(ErrorKind::Format, what);
            if !lines.advance().map_err(|error| failure(error, compressed, 0))? {
                return Err(wrong("expected @data after the header, found the end"));
            }
            header_hash = xxh3_64_with_seed(lines.bytes(), header_hash);
            length += lines.bytes().len();
            if length > LONGEST_HEADER {
                return Err(wrong("expected a header of at most 67108864 bytes, found more"));
            }
            let line = lines.text()?;
            let (keyword, rest) = line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()));
            match keyword.to_ascii_lowercase().as_str() {
                "@relation" => {}
                "@attribute" => {
                    let Attribute { name, kind } = Attribute::parse(rest)?;
                    names.push(name);
                    attributes.push(kind);
                }
                "@data" => break,
                _ => return Err(Error::expected(ErrorKind::Format, "@relation, @attribute or @data", line)),
            }
        }
        let mut patterns = Vec::new();
        let kinds: Vec<Kind> = attributes
            .iter()
            .map(|kind| match kind {
                AttributeKind::Number => Kind::Number,
                AttributeKind::Nominal(_) | AttributeKind::Text => Kind::Category,
                AttributeKind::Date(None) => Kind::Date(0, None),
                AttributeKind::Date(Some(pattern)) => {
                    patterns.push(pattern.clone());
                    Kind::Date(0, Some(patterns.len() - 1))
                }
            })
            .collect();
        let (mut schema, columns) = Schema::closed(name.into(), &names, &kinds, options)?;
        schema.patterns = patterns;
        let parser = Box::new(Arff { lines, attributes, columns, word: String::new() });
        Ok(Opened { parser, schema, header_hash, at_row: false })
    }
}

impl Parser for Arff {
    fn advance(&mut self) -> io::Result<bool> {
        self.lines.advance()
    }

    fn hash(&self, before: u64) -> u64 {
        xxh3_64_with_seed(self.lines.bytes(), before)
    }

    fn parse(&mut self, cells: &mut Cells<'_>) -> Result<(), Error> {
        let Arff { lines, attributes, columns, word } = self;
        let line = lines.text()?;
        let rest = match line.strip_prefix('{') {
            Some(pairs) => sparse(pairs, attributes, columns, word, cells)?,
            None => dense(line, attributes, columns, word, cells)?,
        };
        weight(rest, cells)
    }
}

/// `value, value, …`: the rest is a comma and a weight, or nothing.
fn dense<'a>(
    line: &'a str,
    attributes: &[AttributeKind],
    columns: &[u32],
    scratch: &mut String,
    cells: &mut Cells<'_>,
) -> Result<&'a str, Error> {
    let mut rest = line;
    for (index, (kind, &column)) in attributes.iter().zip(columns).enumerate() {
        if index > 0 {
            let wrong = || format!("expected {} cells between commas, found {index}", columns.len());
            rest = rest.strip_prefix(',').ok_or_else(|| Error::new(ErrorKind::Format, wrong()))?;
        }
        let quoted;
        (quoted, rest) = word(rest, &[','], scratch)?;
        put(kind, column, quoted, scratch, cells)?;
    }
    Ok(rest)
}

/// `index value, index value, …}`: numbers that are absent are 0, and categories the first of their list.
fn sparse<'a>(
    pairs: &'a str,
    attributes: &[AttributeKind],
    columns: &[u32],
    scratch: &mut String,
    cells: &mut Cells<'_>,
) -> Result<&'a str, Error> {
    let mut rest = pairs.trim_start();
    let mut next = 0;
    let zeros = |range: std::ops::Range<usize>, cells: &mut Cells<'_>| {
        attributes[range.clone()].iter().zip(&columns[range]).try_for_each(|(kind, &column)| match kind {
            AttributeKind::Number => cells.put(column, Raw::Number(0.0)),
            AttributeKind::Nominal(values) => {
                cells.put(column, values.first().map_or(Raw::Missing, |value| Raw::Text(value)))
            }
            AttributeKind::Text | AttributeKind::Date(_) => cells.put(column, Raw::Missing),
        })
    };
    loop {
        if let Some(end) = rest.strip_prefix('}') {
            zeros(next..attributes.len(), cells)?;
            return Ok(end.trim_start());
        }
        let (index, value) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let index: usize =
            index.parse().map_err(|_| Error::expected(ErrorKind::Format, "an attribute's number and a value", rest))?;
        if !(next..attributes.len()).contains(&index) {
            let message = format!("expected ascending numbers below {}, found {index}", attributes.len());
            return Err(Error::new(ErrorKind::Format, message));
        }
        zeros(next..index, cells)?;
        let (quoted, after) = word(value, &[',', '}'], scratch)?;
        put(&attributes[index], columns[index], quoted, scratch, cells)?;
        next = index + 1;
        rest = match after.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if after.starts_with('}') => after,
            None => return Err(Error::new(ErrorKind::Format, "expected } at the end of the cells, found the end")),
        };
    }
}

/// A cell of an attribute.
fn put(kind: &AttributeKind, column: u32, quoted: bool, text: &str, cells: &mut Cells<'_>) -> Result<(), Error> {
    if text == "?" && !quoted {
        return cells.put(column, Raw::Missing);
    }
    match kind {
        AttributeKind::Nominal(values) if !values.iter().any(|value| value == text) => {
            let few: Vec<&str> = values.iter().map(String::as_str).take(20).collect();
            let expected = format!("one of {{{}}}", few.join(", "));
            Err(Error::expected(ErrorKind::Type, &expected, text).in_column(cells.name(column)))
        }
        AttributeKind::Nominal(_) | AttributeKind::Text => cells.put(column, Raw::Text(text)),
        AttributeKind::Number | AttributeKind::Date(_) => cells.put(column, Raw::Spelt(text)),
    }
}

/// `, {weight}` or nothing.
fn weight(rest: &str, cells: &mut Cells<'_>) -> Result<(), Error> {
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(());
    }
    let weight = rest.strip_prefix(',').map(str::trim_start).and_then(|rest| rest.strip_prefix('{')?.strip_suffix('}'));
    match weight {
        Some(weight) => number_of(weight.trim()).and_then(|weight| cells.weight(weight)),
        None => Err(Error::expected(ErrorKind::Format, "the end of the row or , {weight}", rest)),
    }
}
