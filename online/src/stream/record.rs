//! One row of a stream.

use std::sync::Arc;

use super::names::Names;
use crate::error::{Error, ErrorKind};
use crate::learn::{LabelSet, SEPARATOR, Target, Task};
use crate::row::{Row, Value, weight_of};

/// One row of a [`Stream`](super::Stream): features and target, and perhaps a weight, a name and a time.
///
/// Give the same record to every [`read`](super::Stream::read): its memory is used again, and after the first rows reading
/// allocates nothing. Cells are parsed once, when the row is read. Their names are shared with the stream; while several
/// records of a stream are kept, a *new* name costs a copy of all names.
#[derive(Clone, Debug)]
pub struct Record {
    /// Of the stream that filled the record; `None` in a new one.
    pub(super) names: Option<Arc<Names>>,
    pub(super) row: u64,
    pub(super) cells: Vec<(u32, Cell)>,
    /// What is text, one after the other.
    pub(super) text: String,
    pub(super) target: Cell,
    /// The target as it was spelt.
    pub(super) target_text: Span,
    /// What stands between labels, if the target is a set of them.
    pub(super) separator: char,
    /// Several targets, NaN where one is missing; empty if there is one.
    pub(super) values: Vec<f64>,
    pub(super) weight: f64,
    pub(super) id: Option<Span>,
    pub(super) time: Option<i64>,
    pub(super) known: Option<i64>,
    pub(super) context: Option<Span>,
    pub(super) absent_is_zero: bool,
}

/// A part of a record's text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What a field turned out to be. Its text stays in the record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    Text(Span),
    #[default]
    Missing,
}

impl Default for Record {
    fn default() -> Self {
        Record {
            names: None,
            row: 0,
            cells: Vec::new(),
            text: String::new(),
            target: Cell::Missing,
            target_text: Span::default(),
            separator: SEPARATOR,
            values: Vec::new(),
            weight: 1.0,
            id: None,
            time: None,
            known: None,
            context: None,
            absent_is_zero: false,
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

    /// The text of the target, trimmed; `None` where it is missing, or where there are several.
    #[must_use]
    pub fn target_text(&self) -> Option<&str> {
        (self.target != Cell::Missing).then(|| self.span(self.target_text))
    }

    /// The target: the text as a label, as a set of labels, or the number; several numbers, if there are
    /// [several columns](super::StreamOptions::more_targets) to predict. `None` where it, or all of them, are missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Type`], with file, row and column, if the task is regression and the target is text, or if it is another and there are
    /// several numbers.
    pub fn target(&self, task: Task) -> Result<Option<Target<'_>>, Error> {
        if !self.values.is_empty() {
            let target = Target::Values(&self.values);
            return match target.check(task) {
                Err(error) if error.kind() == ErrorKind::Type => Err(error.at_row(self.row)),
                checked => Ok(checked.is_ok().then_some(target)),
            };
        }
        let Some(text) = self.target_text() else { return Ok(None) };
        match (task, self.target) {
            (Task::Classify, _) => Ok(Some(Target::Class(text))),
            (Task::MultiLabel, _) => Ok(Some(Target::Labels(LabelSet::joined(text, self.separator)))),
            (Task::Regress, Cell::Number(number)) => Ok(Some(Target::Value(number))),
            (Task::Regress, _) => {
                let error = Error::expected(ErrorKind::Type, "a number", text).at_row(self.row);
                Err(match &self.names {
                    Some(names) => error.in_column(&names.target).in_file(&names.file),
                    None => error,
                })
            }
        }
    }

    /// How much the row counts: 1 where nothing is said. Finite, and not negative.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// The name of the row, where it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.map(|id| self.span(id))
    }

    /// When the row was measured, where it is said: nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        self.time
    }

    /// When the target became known, where it is said: nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn known(&self) -> Option<i64> {
        self.known
    }

    /// Which context the row belongs to, where it is said.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.map(|context| self.span(context))
    }

    /// Fills the record: for a [`Stream`](super::Stream) of your own. Where rows name the same features in the same order,
    /// the later ones allocate nothing.
    ///
    /// # Errors
    ///
    /// If the features' weight is none, there are too many names, or a name or the text is too long.
    ///
    /// ```
    /// use thalweg_online::{Record, Row, Target, Task, Value};
    ///
    /// let mut record = Record::new();
    /// record.fill(1, &[("wind", 3.5)], Some(Target::Class("rain")))?;
    /// assert_eq!((record.row(), record.cell(0)), (1, ("wind", Value::Number(3.5))));
    /// assert_eq!(record.target(Task::Classify)?, Some(Target::Class("rain")));
    /// # Ok::<(), thalweg_online::Error>(())
    /// ```
    pub fn fill(&mut self, row: u64, features: &dyn Row, target: Option<Target<'_>>) -> Result<(), Error> {
        let weight = weight_of(features)?;
        let mut names = self.names.take().unwrap_or_default();
        self.clear();
        Names::forget(&mut names);
        (self.row, self.weight) = (row, weight);
        for index in 0..features.len() {
            let (name, value) = features.cell(index);
            let number = match names.find(name, index as u32) {
                Some(number) => number,
                None => {
                    let names = Arc::make_mut(&mut names);
                    let number = names.push(name)?;
                    names.keep();
                    number
                }
            };
            let cell = match value {
                Value::Text(text) => Cell::Text(self.keep(text)?),
                value => value.number().map_or(Cell::Missing, Cell::Number),
            };
            self.cells.push((number, cell));
        }
        self.target = match target {
            Some(Target::Class(label)) => {
                self.target_text = self.keep(label)?;
                Cell::Text(self.target_text)
            }
            Some(Target::Labels(labels)) => {
                let start = self.text.len();
                labels.keep(&mut self.text);
                (self.target_text, self.separator) = (self.kept_since(start)?, SEPARATOR);
                Cell::Text(self.target_text)
            }
            Some(Target::Values(values)) => {
                self.values.extend_from_slice(values);
                Cell::Missing
            }
            Some(Target::Value(number)) => {
                self.target_text = self.keep_number(number)?;
                Cell::Number(number)
            }
            None => Cell::Missing,
        };
        self.absent_is_zero = features.absent_is_zero();
        self.names = Some(names);
        Ok(())
    }

    /// Whether there are several targets.
    pub(super) fn has_several_targets(&self) -> bool {
        !self.values.is_empty()
    }

    /// The target, if it is a number.
    pub(super) fn target_number(&self) -> Option<f64> {
        match self.target {
            Cell::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Takes the record for a row without anything, and lets go of the stream's names, which may grow then.
    pub(super) fn clear(&mut self) {
        self.names = None;
        self.cells.clear();
        self.text.clear();
        self.values.clear();
        (self.target, self.weight, self.id) = (Cell::Missing, 1.0, None);
        (self.time, self.known, self.context) = (None, None, None);
        self.absent_is_zero = false;
    }

    /// Appends to the text.
    pub(super) fn keep(&mut self, text: &str) -> Result<Span, Error> {
        let start = self.text.len();
        self.text.push_str(text);
        self.kept_since(start)
    }

    /// Appends a number to the text, in the shortest way that reads back the same.
    pub(super) fn keep_number(&mut self, number: f64) -> Result<Span, Error> {
        let start = self.text.len();
        Value::Number(number).with_text(|text| self.text.push_str(text));
        self.kept_since(start)
    }

    fn kept_since(&self, start: usize) -> Result<Span, Error> {
        match u32::try_from(self.text.len()) {
            Ok(end) => Ok(Span { start: start as u32, end }),
            Err(_) => Err(Error::new(ErrorKind::Value, "expected a row of less than 4 GiB of text, found more")),
        }
    }

    fn span(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }
}

/// The features, without the target, in the order in which the row has them.
impl Row for Record {
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
        // A record with cells has names.
        (self.names.as_ref().map_or("", |names| names.get(name)), value)
    }

    fn absent_is_zero(&self) -> bool {
        self.absent_is_zero
    }

    fn weight(&self) -> f64 {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_record_is_an_empty_row() {
        let record = Record::new();
        assert!(
            record.is_empty() && record.target_text().is_none() && record.id().is_none() && record.time().is_none()
        );
        assert_eq!((record.target(Task::Regress).unwrap(), record.weight()), (None, 1.0));
    }

    #[test]
    fn a_record_can_be_filled_by_hand_and_copied() -> Result<(), Error> {
        let mut record = Record::new();
        let first = [("a", Value::Number(1.0)), ("b", Value::Text("x"))];
        record.fill(1, &first, Some(Target::Value(-0.5)))?;
        let copy = record.clone();
        record.fill(2, &[("c", 2.0), ("a", f64::NAN)], None)?;
        assert_eq!([copy.cell(0), copy.cell(1)], first);
        assert_eq!((copy.target(Task::Regress)?, copy.target_text()), (Some(Target::Value(-0.5)), Some("-0.5")));
        assert_eq!([record.cell(0), record.cell(1)], [("c", Value::Number(2.0)), ("a", Value::Missing)]);
        assert_eq!((record.row(), record.target(Task::Regress)?), (2, None));
        Ok(())
    }
}
