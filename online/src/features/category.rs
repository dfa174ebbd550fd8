//! Categories as columns: see [`Encoding`].

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::answers::{Answer, Answers, Tally};
use super::encoder::{Column, push};
use super::scaler::Scale;
use super::setting::Encoding;
use crate::labels::Labels;
use crate::row::{LONGEST_NAME, Value};

/// A feature whose values are words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Category {
    OneHot { most: usize, labels: Labels, columns: Vec<usize>, other: Option<usize> },
    Hash { first: usize, columns: usize },
    Target(TargetMeans),
    Embed { width: usize, most: usize, labels: Labels, other: bool, column: usize },
}

/// Where the numbers of a feature's categories stand, and which table they are looked up in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Embedded {
    pub column: usize,
    /// One for each category, one for all others if there are, and row 0 for none.
    pub rows: usize,
    pub width: usize,
}

/// Means of the target by category.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TargetMeans {
    pub smoothing: f64,
    pub most: usize,
    pub scale: Scale,
    pub labels: Labels,
    /// One for each category.
    pub tallies: Vec<Tally>,
    /// Of all further ones.
    other: Tally,
    /// One for each part of a tally: for the mean, or for the share of each class.
    pub columns: Vec<usize>,
}

impl Category {
    /// One of which nothing is known. Columns that are there from the beginning are appended.
    pub fn new(encoding: Encoding, scale: Scale, all: &mut Vec<Column>) -> Self {
        match encoding {
            Encoding::OneHot { most } => {
                Category::OneHot { most, labels: Labels::new(), columns: Vec::new(), other: None }
            }
            Encoding::Hash { columns } => {
                let first = all.len();
                (0..columns).for_each(|_| all.push(Column::Flag));
                Category::Hash { first, columns }
            }
            Encoding::Target { smoothing, most } => Category::Target(TargetMeans {
                smoothing,
                most,
                scale,
                labels: Labels::new(),
                tallies: Vec::new(),
                other: Tally::default(),
                columns: Vec::new(),
            }),
            Encoding::Embed { width, most } => {
                let column = push(all, Column::Flag);
                Category::Embed { width, most, labels: Labels::new(), other: false, column }
            }
        }
    }

    /// Appends the columns that a value asks for, as long as there are fewer than `limit`, and takes in how large they are.
    pub fn observe(&mut self, value: Value<'_>, all: &mut Vec<Column>, limit: usize, answers: &Answers) {
        match self {
            Category::OneHot { most, labels, columns, other } => {
                value.with_text(|label| match labels.position(label) {
                    Some(_) => {}
                    None if all.len() >= limit => {}
                    None if is_kept(label, labels, *most) => {
                        labels.insert(label);
                        columns.push(push(all, Column::Flag));
                    }
                    None => {
                        other.get_or_insert_with(|| push(all, Column::Flag));
                    }
                });
            }
            Category::Hash { .. } => {}
            Category::Embed { most, labels, other, .. } => {
                value.with_text(|label| match labels.position(label) {
                    Some(_) => {}
                    None if is_kept(label, labels, *most) => {
                        labels.insert(label);
                    }
                    // Until then a category too long to be kept is none: the row behind the last is not theirs yet.
                    None => *other |= labels.len() == *most,
                });
            }
            Category::Target(means) => {
                while means.columns.len() < answers.all.parts() && all.len() < limit {
                    means.columns.push(push(all, Column::Mean(means.scale.build())));
                }
                value.with_text(|label| {
                    means.each(label, answers, |column, mean| {
                        if let Column::Mean(scaler) = &mut all[column] {
                            scaler.update(mean);
                        }
                    });
                });
            }
        }
    }

    /// Writes a value into its columns.
    pub fn read(&self, value: Value<'_>, raw: &mut [f64], answers: &Answers) {
        value.with_text(|label| match self {
            Category::OneHot { labels, columns, other, .. } => {
                let column = labels.position(label).map(|position| columns[position]).or(*other);
                column.into_iter().for_each(|column| raw[column] = 1.0);
            }
            Category::Hash { first, columns } => {
                let hash = xxh3_64(label.as_bytes());
                let column = first + (hash % *columns as u64) as usize;
                raw[column] += if hash >> 63 == 0 { 1.0 } else { -1.0 };
            }
            Category::Target(means) => means.each(label, answers, |column, mean| raw[column] = mean),
            Category::Embed { labels, other, column, .. } => {
                let row = labels.position(label).map(|position| position + 1);
                raw[*column] = row.or(other.then(|| labels.len() + 1)).unwrap_or(0) as f64;
            }
        });
    }

    /// The answer to a row with this value is known.
    pub fn told(&mut self, value: Value<'_>, answer: Answer) {
        if let Category::Target(means) = self {
            value.with_text(|label| means.tally(label).update(answer));
        }
    }

    /// Its table, if it has one.
    pub fn embedded(&self) -> Option<Embedded> {
        match *self {
            Category::Embed { width, ref labels, other, column, .. } => {
                Some(Embedded { column, rows: 1 + labels.len() + usize::from(other), width })
            }
            _ => None,
        }
    }

    /// What its columns mean.
    pub fn name(&self, name: &str, classes: &Labels, names: &mut [String]) {
        match self {
            Category::OneHot { labels, columns, other, .. } => {
                for (label, &column) in labels.as_slice().iter().zip(columns) {
                    names[column] = format!("{name}={label}");
                }
                other.iter().for_each(|&column| names[column] = format!("{name}=other"));
            }
            Category::Hash { first, columns } => {
                (0..*columns).for_each(|index| names[first + index] = format!("{name}#{index}"));
            }
            Category::Embed { column, .. } => names[*column] = format!("{name} category"),
            Category::Target(TargetMeans { columns, .. }) => {
                for (part, &column) in columns.iter().enumerate() {
                    names[column] = match classes.as_slice().get(part) {
                        Some(class) => format!("{name} share of {class}"),
                        None => format!("{name} mean"),
                    };
                }
            }
        }
    }
}

/// Whether a new category is kept apart from others.
fn is_kept(label: &str, labels: &Labels, most: usize) -> bool {
    labels.len() < most && label.len() <= LONGEST_NAME
}

impl TargetMeans {
    /// The mean in each column.
    fn each(&self, label: &str, answers: &Answers, mut write: impl FnMut(usize, f64)) {
        let tally = match self.labels.position(label) {
            Some(position) => &self.tallies[position],
            None => &self.other,
        };
        for (part, &column) in self.columns.iter().enumerate() {
            write(column, tally.smoothed_mean(part, self.smoothing, &answers.all));
        }
    }

    fn tally(&mut self, label: &str) -> &mut Tally {
        match self.labels.position(label) {
            Some(position) => &mut self.tallies[position],
            None if is_kept(label, &self.labels, self.most) => {
                let position = self.labels.insert(label);
                self.tallies.push(Tally::default());
                &mut self.tallies[position]
            }
            None => &mut self.other,
        }
    }
}
