//! A copy of a row.

use serde::{Deserialize, Serialize};

use crate::row::{Row, Value};

/// A copy of a row, names included, that can be saved. Its memory is used again when another row is kept in it.
///
/// ```
/// use thalweg_online::{Row, Value, delay::KeptRow};
///
/// let mut kept = KeptRow::new();
/// kept.keep(&[("sky", Value::Text("grey")), ("wind", Value::Number(3.5))]);
/// assert_eq!([kept.cell(0), kept.cell(1)], [("sky", Value::Text("grey")), ("wind", Value::Number(3.5))]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptRow {
    cells: Vec<(Span, Cell)>,
    /// All names and words, one after the other.
    text: String,
    absent_is_zero: bool,
    weight: f64,
    beside: Option<usize>,
}

/// A row without features.
impl Default for KeptRow {
    fn default() -> Self {
        KeptRow { cells: Vec::new(), text: String::new(), absent_is_zero: false, weight: 1.0, beside: None }
    }
}

/// A part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Span(usize, usize);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Cell {
    Number(f64),
    Text(Span),
    Missing,
}

impl KeptRow {
    /// A row without features.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies a row into this one.
    pub fn keep(&mut self, row: &dyn Row) {
        self.cells.clear();
        self.text.clear();
        (self.absent_is_zero, self.beside) = (row.absent_is_zero(), row.beside());
        self.weight = row.weight();
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            let name = self.push(name);
            let cell = match value {
                Value::Number(number) => Cell::Number(number),
                Value::Text(text) => Cell::Text(self.push(text)),
                Value::Missing => Cell::Missing,
            };
            self.cells.push((name, cell));
        }
    }

    /// Copies a row whose last cells are those that a learner puts beside it: they stay what they are now.
    pub(crate) fn keep_with(&mut self, row: &dyn Row, beside: usize) {
        self.keep(row);
        self.beside = Some(beside);
    }

    fn push(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span(start, self.text.len())
    }

    /// A file may hold spans of anything: those outside of the text are empty.
    fn span(&self, Span(start, end): Span) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }
}

impl Row for KeptRow {
    fn len(&self) -> usize {
        self.cells.len()
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        let (name, cell) = self.cells[index];
        let value = match cell {
            Cell::Number(number) => Value::Number(number),
            Cell::Text(span) => Value::Text(self.span(span)),
            Cell::Missing => Value::Missing,
        };
        (self.span(name), value)
    }

    fn absent_is_zero(&self) -> bool {
        self.absent_is_zero
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    /// A file may say anything: never more than there are.
    fn beside(&self) -> Option<usize> {
        self.beside.map(|beside| beside.min(self.len()))
    }
}
