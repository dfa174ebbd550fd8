//! One row of a stream.

use std::sync::Arc;

use ::csv::StringRecord;

use super::columns::{Columns, Field};
use crate::error::{Error, ErrorKind};
use crate::learn::{Target, Task};
use crate::row::{Row, Value};

/// One row of a [`CsvStream`](super::CsvStream): features and target.
///
/// Give the same record to every [`read`](super::CsvStream::read): its memory is used again, and after the first rows
/// reading allocates nothing. Cells are parsed once, when the row is read.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Of the stream that filled the record; `None` in a new one.
    pub(super) columns: Option<Arc<Columns>>,
    pub(super) text: StringRecord,
    pub(super) row: u64,
    cells: Vec<Cell>,
    target: Cell,
}

/// What a field turned out to be. Its text stays in the record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    Text,
    #[default]
    Missing,
}

impl Cell {
    /// What the text of a field is, and whether it spells a number that is not finite.
    pub(super) fn parse(text: &str) -> (Self, bool) {
        let text = text.trim();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => (Cell::Number(number), false),
            Ok(_) => (Cell::Missing, true),
            Err(_) => (Self::parse_text(text), false),
        }
    }

    /// The same in a column where numbers are text too.
    fn parse_text(text: &str) -> Self {
        match text {
            "" | "NA" | "NaN" | "nan" | "null" | "None" | "?" => Cell::Missing,
            _ => Cell::Text,
        }
    }
}

impl Record {
    /// A record that no stream has filled yet: it has no features.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of the row in its stream, counted from 1; 0 in a new record.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The text of the target, trimmed; `None` where it is missing.
    #[must_use]
    pub fn target_text(&self) -> Option<&str> {
        match (&self.columns, self.target) {
            (None, _) | (_, Cell::Missing) => None,
            (Some(columns), _) => self.field(columns.target),
        }
    }

    /// The target: the text as a label, or the number; `None` where it is missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Type`], with file, row and column, if the task is regression and the target is text.
    pub fn target(&self, task: Task) -> Result<Option<Target<'_>>, Error> {
        let (Some(columns), Some(text)) = (&self.columns, self.target_text()) else { return Ok(None) };
        match (task, self.target) {
            (Task::Classify, _) => Ok(Some(Target::Class(text))),
            (Task::Regress, Cell::Number(number)) => Ok(Some(Target::Value(number))),
            (Task::Regress, _) => Err(Error::expected(ErrorKind::Type, "a number", text)
                .in_column(&columns.target_name)
                .at_row(self.row)
                .in_file(&columns.file)),
        }
    }

    /// The target, if it is a number.
    pub(super) fn target_number(&self) -> Option<f64> {
        match self.target {
            Cell::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Takes the record for a row without features, after a row that could not be read.
    pub(super) fn clear(&mut self) {
        self.columns = None;
        self.cells.clear();
        self.target = Cell::Missing;
    }

    /// Parses the fields; returns how many spell a number that is not finite.
    pub(super) fn parse(&mut self, columns: &Arc<Columns>) -> u64 {
        if !self.columns.as_ref().is_some_and(|known| Arc::ptr_eq(known, columns)) {
            self.columns = Some(Arc::clone(columns));
        }
        let mut non_finite = 0;
        let text = &self.text;
        let mut parse = |field: Field| {
            let text = text.get(field.index).unwrap_or("");
            if field.categorical {
                return Cell::parse_text(text.trim());
            }
            let (cell, is_non_finite) = Cell::parse(text);
            non_finite += u64::from(is_non_finite);
            cell
        };
        self.cells.clear();
        self.cells.extend(columns.features.iter().map(|&field| parse(field)));
        self.target = parse(columns.target);
        non_finite
    }

    fn field(&self, field: Field) -> Option<&str> {
        self.text.get(field.index).map(str::trim)
    }
}

/// The features, without the target, in the order of the stream's columns.
impl Row for Record {
    fn len(&self) -> usize {
        self.cells.len()
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        let cell = self.cells[index];
        // A record with cells has columns.
        let Some(columns) = &self.columns else { return ("", Value::Missing) };
        let value = match cell {
            Cell::Number(number) => Value::Number(number),
            Cell::Text => self.field(columns.features[index]).map_or(Value::Missing, Value::Text),
            Cell::Missing => Value::Missing,
        };
        (&columns.names[index], value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_are_numbers_text_or_missing() {
        for (text, number) in [("1", 1.0), (" -2.5 ", -2.5), ("1e3", 1e3), ("+.5", 0.5), ("-0", -0.0)] {
            assert_eq!(Cell::parse(text), (Cell::Number(number), false), "{text:?}");
        }
        for text in ["", "  ", "NA", "null", "None", "?"] {
            assert_eq!(Cell::parse(text), (Cell::Missing, false), "{text:?}");
        }
        for text in ["NaN", "nan", "-NAN", "inf", "-inf", "Infinity", "1e999"] {
            assert_eq!(Cell::parse(text), (Cell::Missing, true), "{text:?}");
        }
        for text in ["abc", "1,5", "0x10", "1 000", "none at all", "NAB"] {
            assert_eq!(Cell::parse(text), (Cell::Text, false), "{text:?}");
        }
    }

    #[test]
    fn a_new_record_is_an_empty_row() {
        let record = Record::new();
        assert!(record.is_empty() && record.target_text().is_none());
        assert_eq!(record.target(Task::Regress).unwrap(), None);
    }

    proptest! {
        #[test]
        fn a_number_written_out_is_read_back_bit_for_bit(number in any::<f64>()) {
            let expected = if number.is_finite() { (Cell::Number(number), false) } else { (Cell::Missing, true) };
            prop_assert_eq!(Cell::parse(&number.to_string()), expected);
        }
    }
}
