//! One generated row.

use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;

use crate::learn::Target;
use crate::row::{Row, Value};

/// A feature: its name, and what its values are called if they are words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The words that stand for 0, 1, 2, …; empty if the values are numbers.
    pub words: &'static [&'static str],
}

impl Column {
    pub(super) fn words(name: &str, words: &'static [&'static str]) -> Self {
        Column { name: name.to_owned(), words }
    }

    /// Numbers under these names.
    pub(super) fn numbers(names: &[&str]) -> Vec<Self> {
        names.iter().map(|name| Column::words(name, &[])).collect()
    }

    /// Numbers called `x0`, `x1`, ….
    pub(super) fn numbered(count: usize) -> Vec<Self> {
        (0..count).map(|index| Column::words(&format!("x{index}"), &[])).collect()
    }
}

/// A generated row: features and target.
///
/// Give the same one to every [`next_row`](super::Synth::next_row): its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct Example {
    pub(super) columns: Option<Arc<[Column]>>,
    pub(super) x: Vec<f64>,
    pub(super) y: f64,
    label: String,
    is_class: bool,
}

impl Example {
    /// One that no generator has filled yet: it has no features.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The features as numbers; words are counted from 0.
    #[must_use]
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// The target as a number; classes are counted from 0.
    #[must_use]
    pub fn y(&self) -> f64 {
        self.y
    }

    /// The target: the number of the class as a label, or the value.
    #[must_use]
    pub fn target(&self) -> Target<'_> {
        if self.is_class { Target::Class(&self.label) } else { Target::Value(self.y) }
    }

    pub(super) fn set_target(&mut self, y: f64, is_class: bool) {
        self.y = y;
        self.is_class = is_class;
        self.label.clear();
        if is_class {
            // Writing to a string cannot fail.
            let _ = write!(self.label, "{y}");
        }
    }
}

/// The features, without the target.
impl Row for Example {
    fn len(&self) -> usize {
        self.x.len()
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        let x = self.x[index];
        // One with features has columns.
        let Some(column) = self.columns.as_ref().and_then(|columns| columns.get(index)) else {
            return ("", Value::Missing);
        };
        let value = match column.words.get(x as usize) {
            Some(word) => Value::Text(word),
            None => Value::Number(x),
        };
        (&column.name, value)
    }
}
