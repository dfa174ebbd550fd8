//! Streams in which everything happens that may happen to a learner.

use thalweg_tensor::Rng;

use crate::learn::{LabelSet, Target, Task};
use crate::row::{AsValue, Value};

/// A cell that owns its text.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Number(f64),
    Text(String),
    Missing,
}

impl AsValue for Cell {
    fn as_value(&self) -> Value<'_> {
        match self {
            Cell::Number(number) => Value::Number(*number),
            Cell::Text(text) => Value::Text(text),
            Cell::Missing => Value::Missing,
        }
    }
}

/// A row's cells, by name.
pub(super) type Cells = Vec<(String, Cell)>;

/// A row and both kinds of answer to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Example {
    pub x: Cells,
    label: String,
    /// Any number of labels, joined by `|`.
    labels: String,
    value: f64,
}

impl Example {
    /// The same answers to other cells.
    pub fn with(&self, x: Cells) -> Self {
        Example { x, ..self.clone() }
    }

    pub fn target(&self, task: Task) -> Target<'_> {
        match task {
            Task::Classify => Target::Class(&self.label),
            Task::Regress => Target::Value(self.value),
            Task::MultiLabel => Target::Labels(LabelSet::joined(&self.labels, '|')),
        }
    }
}

const NUMBERS: usize = 3;
const WORDS: usize = 2;
const CATEGORIES: usize = 4;
const CLASSES: usize = 4;

/// `count` rows. Features, categories, classes and missing cells appear as time goes on; cells come and go.
pub(super) fn stream(seed: u64, count: usize) -> Vec<Example> {
    let mut rng = Rng::new(seed);
    (0..count).map(|row| example(row, &mut rng)).collect()
}

fn example(row: usize, rng: &mut Rng) -> Example {
    let mut x = Cells::new();
    for feature in (0..NUMBERS).filter(|feature| row >= 5 * feature) {
        let cell = match rng.below(8) {
            0 => continue,
            1 if row > 7 => Cell::Missing,
            _ => Cell::Number(3.0 + 2.0 * rng.normal()),
        };
        x.push((number(feature), cell));
    }
    for feature in (0..WORDS).filter(|feature| row >= 3 + 9 * feature) {
        let category = rng.below(1 + (row / 4).min(CATEGORIES - 1));
        if rng.below(5) > 0 {
            x.push(word(feature, category));
        }
    }
    let sum: f64 = x.iter().map(|(_, cell)| if let Cell::Number(number) = cell { *number } else { -2.0 }).sum();
    let class = (sum.abs() as usize) % (1 + row / 6).min(CLASSES);
    let known = (1 + row / 6).min(CLASSES);
    let labels: Vec<String> = (0..known).filter(|bit| (sum.abs() as usize) >> bit & 1 == 1).map(label).collect();
    Example { x, label: label(class), labels: labels.join("|"), value: 10.0 * sum - 3.0 }
}

/// Rows after which nothing that [`stream`] can show is new: every feature, category, class and missing cell.
pub(super) fn everything() -> Vec<Example> {
    let full = |category: usize| -> Cells {
        let numbers = (0..NUMBERS).map(|f| (number(f), Cell::Number((f * f + 3 * category) as f64)));
        numbers.chain((0..WORDS).map(|feature| word(feature, category))).collect()
    };
    let missing = (0..NUMBERS).map(|feature| (number(feature), Cell::Missing)).collect();
    let xs = (0..CATEGORIES).map(full).chain([missing, full(0)]);
    let labels = |i: usize| format!("{}|{}", label(i % CLASSES), label((i + 1) % CLASSES));
    xs.enumerate().map(|(i, x)| Example { x, label: label(i % CLASSES), labels: labels(i), value: i as f64 }).collect()
}

/// The same cells in another order.
pub(super) fn shuffled(x: &Cells, rng: &mut Rng) -> Cells {
    let mut x = x.clone();
    for last in (1..x.len()).rev() {
        x.swap(last, rng.below(last + 1));
    }
    x
}

/// What is missing spelt in another way.
pub(super) fn with_nan(x: &Cells) -> Cells {
    let nan = |cell: &Cell| if matches!(cell, Cell::Missing) { Cell::Number(f64::NAN) } else { cell.clone() };
    x.iter().map(|(name, cell)| (name.clone(), nan(cell))).collect()
}

/// Not in the order of the alphabet.
fn label(class: usize) -> String {
    format!("class {}", CLASSES - class)
}

fn number(feature: usize) -> String {
    format!("number {feature}")
}

fn word(feature: usize, category: usize) -> (String, Cell) {
    (format!("word {feature}"), Cell::Text(format!("category {category}")))
}
