//! `label importance 'tag |namespace feature:value …`, Vowpal Wabbit's text format.

use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::StreamOptions;
use super::cells::{Cells, Raw};
use super::file::{Opened, Parser};
use super::libsvm::{label_of, number_of};
use super::options::LABEL;
use super::schema::Schema;
use super::source::{Lines, Source};
use crate::error::{Error, ErrorKind};
use crate::row::check_name;

/// Vowpal Wabbit's text.
#[derive(Debug)]
pub(super) struct VowpalWabbit {
    lines: Lines,
    /// `namespace^feature`.
    name: String,
}

impl VowpalWabbit {
    pub(super) fn open(name: &Path, source: Source, options: &StreamOptions) -> Opened {
        let parser = Box::new(VowpalWabbit { lines: Lines::new(source, None), name: String::new() });
        Opened { parser, schema: Schema::open(name.into(), LABEL.to_owned(), options), header_hash: 0, at_row: false }
    }
}

impl Parser for VowpalWabbit {
    fn advance(&mut self) -> io::Result<bool> {
        self.lines.advance()
    }

    fn hash(&self, before: u64) -> u64 {
        xxh3_64_with_seed(self.lines.bytes(), before)
    }

    fn parse(&mut self, cells: &mut Cells<'_>) -> Result<(), Error> {
        cells.absent_is_zero();
        let line = self.lines.text()?;
        let Some((before, features)) = line.split_once('|') else {
            return Err(Error::expected(ErrorKind::Format, "a | between the label and the features", line));
        };
        label(before, cells)?;
        for part in features.split('|') {
            namespace(part, &mut self.name, cells)?;
        }
        Ok(())
    }
}

/// `label importance 'tag`, of which each may be absent. A last word that touches the `|` is a tag, too.
fn label(text: &str, cells: &mut Cells<'_>) -> Result<(), Error> {
    let mut words = text.split_ascii_whitespace();
    let touches = !text.ends_with([' ', '\t']);
    if let Some(last) = words.clone().next_back().filter(|last| touches || last.starts_with('\'')) {
        words.next_back();
        cells.id(last.strip_prefix('\'').unwrap_or(last))?;
    }
    if let Some(label) = words.next() {
        if label.contains(':') {
            return Err(Error::expected(ErrorKind::Format, "a label without costs", label).in_column("label"));
        }
        cells.target(label_of(label))?;
    }
    if let Some(importance) = words.next() {
        let weigh = number_of(importance).and_then(|importance| cells.weight(importance));
        weigh.map_err(|error| error.in_column("importance"))?;
    }
    match words.next() {
        Some(more) => Err(Error::expected(ErrorKind::Format, "a label, an importance and a 'tag, no more", more)),
        None => Ok(()),
    }
}

/// `namespace:scale feature:value …`; it begins with a space if the namespace has no name.
fn namespace(text: &str, name: &mut String, cells: &mut Cells<'_>) -> Result<(), Error> {
    name.clear();
    let mut scale = 1.0;
    let mut words = text.split_ascii_whitespace();
    if !text.starts_with([' ', '\t'])
        && let Some(first) = words.next()
    {
        let (namespace, number) = first.split_once(':').unwrap_or((first, "1"));
        scale = number_of(number).map_err(|error| error.in_column(namespace))?;
        name.push_str(namespace);
        name.push('^');
        check_name(name)?;
    }
    let prefix = name.len();
    for word in words {
        let (feature, value) = word.split_once(':').unwrap_or((word, "1"));
        if feature.is_empty() {
            return Err(Error::expected(ErrorKind::Format, "a name before the :", word));
        }
        name.truncate(prefix);
        name.push_str(feature);
        let number = cells.number(name)?;
        match value.parse::<f64>() {
            Ok(value) => cells.add(number, scale * value)?,
            Err(_) if value.is_empty() => {
                return Err(Error::expected(ErrorKind::Format, "a value behind the :", word).in_column(name.as_str()));
            }
            Err(_) => cells.put(number, Raw::Text(value))?,
        }
    }
    Ok(())
}
