//! Rows that are JSON objects, one on each line.

use std::fmt::{self, Write};
use std::io;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::StreamOptions;
use super::cells::{Cells, Raw};
use super::file::{Opened, Parser};
use super::record::Record;
use super::schema::Schema;
use super::source::{Lines, Source, failure};
use crate::error::{Error, ErrorKind};
use crate::learn::SEPARATOR;
use crate::row::{Row, check_name};

/// JSON Lines.
#[derive(Debug)]
pub(super) struct Json {
    lines: Lines,
    /// Where in the object we are, as `a.b.0`.
    path: String,
    /// The digits of a large whole number, or labels.
    digits: String,
    /// The name of the target, if it was asked for: an array there is a set of labels.
    target: Option<String>,
}

/// Whole numbers up to here are `f64`s.
const EXACT: u64 = 1 << 53;

impl Json {
    /// Reads the first row, whose last cell is the target unless the options say otherwise.
    pub(super) fn open(name: &Path, source: Source, options: &StreamOptions) -> Result<Opened, Error> {
        let compressed = source.is_compressed();
        let mut json = Json {
            lines: Lines::new(source, None),
            path: String::new(),
            digits: String::new(),
            target: options.target.clone(),
        };
        // The line is not blank: there is a row.
        json.lines.advance().map_err(|error| failure(error, compressed, 0))?;
        let mut look = Schema::open(name.into(), String::new(), &StreamOptions::default());
        let mut record = Record::new();
        let mut cells = Cells::begin(&mut look, &mut record, 1);
        json.parse(&mut cells).map_err(|error| error.at_row(1))?;
        cells.end();
        let names: Vec<String> = (0..record.len()).map(|index| record.cell(index).0.to_owned()).collect();
        options.check_names(&names, false).map_err(|error| error.at_row(1))?;
        let Some(last) = names.last() else {
            return Err(Error::new(ErrorKind::Schema, "expected cells, found none").at_row(1));
        };
        let target = options.labelled.then(|| options.target.clone().unwrap_or_else(|| last.clone()));
        let options = StreamOptions { target: target.clone(), ..options.clone() };
        options.check(super::Format::JsonLines)?;
        let named: Vec<&str> = options.targets().collect();
        let schema = Schema::open(name.into(), named.join(","), &options);
        Ok(Opened { parser: Box::new(json), schema, header_hash: 0, at_row: true })
    }
}

impl Parser for Json {
    fn advance(&mut self) -> io::Result<bool> {
        self.lines.advance()
    }

    fn hash(&self, before: u64) -> u64 {
        xxh3_64_with_seed(self.lines.bytes(), before)
    }

    fn parse(&mut self, cells: &mut Cells<'_>) -> Result<(), Error> {
        self.path.clear();
        let mut reader = serde_json::Deserializer::from_slice(self.lines.bytes());
        let mut refused = None;
        let Json { path, digits, target, .. } = self;
        let object = Object { cells, path, digits, target: target.as_deref(), refused: &mut refused };
        let read = reader.deserialize_map(object).and_then(|()| reader.end());
        match (refused, read) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => {
                Err(Error::caused_by(ErrorKind::Format, "expected one JSON object on the line", error))
            }
            (None, Ok(())) => Ok(()),
        }
    }
}

/// An object, the row itself or one in it.
struct Object<'a, 'c> {
    cells: &'a mut Cells<'c>,
    path: &'a mut String,
    digits: &'a mut String,
    target: Option<&'a str>,
    /// The error that our own rules gave: serde's has no place for it.
    refused: &'a mut Option<Error>,
}

impl<'c> Object<'_, 'c> {
    fn again(&mut self) -> Object<'_, 'c> {
        let Object { cells, path, digits, target, refused } = self;
        Object { cells, path, digits, target: *target, refused }
    }

    fn put<E: serde::de::Error>(self, raw: Raw<'_>) -> Result<(), E> {
        let put = self.cells.number(self.path).and_then(|name| self.cells.put(name, raw));
        put.map_err(|error| refuse(self.refused, error))
    }

    /// A whole number that is no `f64`: by its digits, for which an identifier has use.
    fn put_digits<E: serde::de::Error>(self, number: impl fmt::Display) -> Result<(), E> {
        let digits = std::mem::take(self.digits);
        let mut text = digits;
        text.clear();
        let _ = write!(text, "{number}");
        let Object { cells, path, digits, target, refused } = self;
        let put = Object { cells, path, digits: &mut String::new(), target, refused }.put(Raw::Spelt(&text));
        *digits = text;
        put
    }

    /// The labels of a set.
    fn put_labels<'de, S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        let mut text = std::mem::take(self.digits);
        text.clear();
        text.push(SEPARATOR);
        while seq.next_element_seed(Label(&mut text))?.is_some() {
            text.push(SEPARATOR);
        }
        let Object { cells, path, digits, target, refused } = self;
        cells.kept_labels();
        let put = Object { cells, path, digits: &mut String::new(), target, refused }.put(Raw::Text(&text));
        *digits = text;
        put
    }
}

fn refuse<E: serde::de::Error>(refused: &mut Option<Error>, error: Error) -> E {
    *refused = Some(error);
    E::custom("refused")
}

/// The row.
impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the cells of a row")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        let start = self.path.len();
        while map.next_key_seed(Key { path: self.path, refused: self.refused })?.is_some() {
            map.next_value_seed(Node(self.again()))?;
            self.path.truncate(start);
        }
        Ok(())
    }
}

/// A key, which is appended to the path.
struct Key<'a> {
    path: &'a mut String,
    refused: &'a mut Option<Error>,
}

impl Key<'_> {
    fn push<E: serde::de::Error>(self, part: impl fmt::Display) -> Result<(), E> {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        let _ = write!(self.path, "{part}");
        check_name(self.path).map_err(|error| refuse(self.refused, error))
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<(), E> {
        self.push(key)
    }
}

/// What stands behind a key.
struct Node<'a, 'c>(Object<'a, 'c>);

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<(), M::Error> {
        self.0.visit_map(map)
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut seq: S) -> Result<(), S::Error> {
        if self.0.target == Some(self.0.path.as_str()) {
            return self.0.put_labels(seq);
        }
        let start = self.0.path.len();
        for index in 0_usize.. {
            Key { path: self.0.path, refused: self.0.refused }.push(index)?;
            let found = seq.next_element_seed(Node(self.0.again()))?;
            self.0.path.truncate(start);
            if found.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.0.put(Raw::Text(if value { "true" } else { "false" }))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        match value.unsigned_abs() {
            0..=EXACT => self.0.put(Raw::Number(value as f64)),
            _ => self.0.put_digits(value),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        match value {
            0..=EXACT => self.0.put(Raw::Number(value as f64)),
            _ => self.0.put_digits(value),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.0.put(Raw::Number(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.0.put(Raw::Text(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.0.put(Raw::Missing)
    }
}

/// A label of a set, which is appended.
struct Label<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Label<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Label<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label")
    }

    fn visit_str<E: serde::de::Error>(self, label: &str) -> Result<(), E> {
        self.0.push_str(label);
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, label: u64) -> Result<(), E> {
        write!(self.0, "{label}").map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, label: i64) -> Result<(), E> {
        write!(self.0, "{label}").map_err(E::custom)
    }

    fn visit_f64<E: serde::de::Error>(self, label: f64) -> Result<(), E> {
        write!(self.0, "{label}").map_err(E::custom)
    }

    fn visit_bool<E: serde::de::Error>(self, label: bool) -> Result<(), E> {
        write!(self.0, "{label}").map_err(E::custom)
    }
}
