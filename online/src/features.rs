//! From rows to the inputs of a network: features by name, standardised and encoded as they come.
//!
//! | a feature whose first value is | becomes | a missing value becomes |
//! |---|---|---|
//! | a number | one column: `z = (x − mean) / deviation`, mean and deviation running (Welford 1962), z clipped | z = 0, and 1 in a second column `… missing`, which comes with the first missing value |
//! | text | one column of 0 or 1 for each category, as categories come | zeros |
//!
//! Columns are only ever appended, in order of arrival, so a network grows by inputs at its end and no weight changes its
//! meaning. A feature that is absent from a row counts as missing, but raises no flag; except in rows where
//! [absent means zero](Row::absent_is_zero), as those of sparse formats: there an absent number is 0, in the mean and the
//! deviation too, from the first such row on. So a table learned sparsely gives what it gives with its zeros written out.
//!
//! **One name twice.** A row that names a feature twice gives two readings of it, and both are learned from. Of two numbers
//! the later one is read; of two categories both are 1. A number and then text is an error, as it is between rows.
//!
//! **Clipping.** A feature may stand still for a year and then move: its deviation is then tiny and its standardised
//! values are huge, and a network that has never seen them breaks. So z is limited to ±4, which for anything like a normal
//! distribution is no limit at all.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::labels::Labels;
use crate::moments::Moments;
use crate::row::{Row, Value};

/// Standardised values are limited to ± this many deviations.
pub const CLIP: f64 = 4.0;

/// A feature keeps this many categories apart; later ones share a last column, `…=other`. So memory stays bounded when a
/// column turns out to be an identifier.
pub const MOST_CATEGORIES: usize = 256;

/// The features of a stream, as they are known so far.
///
/// ```
/// use thalweg_online::{Features, Value};
///
/// let mut features = Features::new();
/// features.observe(&[("wind", Value::Number(3.0)), ("sky", Value::Text("clear"))])?;
/// features.observe(&[("wind", Value::Number(5.0)), ("sky", Value::Text("rain"))])?;
/// let names: Vec<String> = features.columns().collect();
/// assert_eq!(names, ["wind", "sky=clear", "sky=rain"]);
///
/// let (mut raw, mut x) = (Vec::new(), Vec::new());
/// features.read(&[("wind", Value::Number(6.0)), ("sky", Value::Text("rain"))], &mut raw)?;
/// features.scale(&raw, &mut x);
/// assert_eq!(x, [2.0, 0.0, 1.0]); // the winds have mean 4 and deviation 1
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Features {
    names: Labels,
    features: Vec<Feature>,
    columns: Vec<Column>,
    /// Rows in which absent numbers were zeros.
    sparse_rows: u64,
    /// Scratch: which features the row names.
    #[serde(skip)]
    named: Vec<bool>,
}

/// A feature: where its columns are.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Feature {
    Number { column: usize, missing: Option<usize> },
    Category { labels: Labels, columns: Vec<usize>, other: Option<usize> },
}

/// A column: what to do with its raw values.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Column {
    /// Standardise. Raw values that are missing are NaN.
    Number(Moments),
    /// Nothing: 0 or 1.
    Flag,
}

impl Features {
    /// No features yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many columns there are: the inputs of a network.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// How many features there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether no feature has been seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// What each column means: `wind`, `wind missing`, `sky=rain`.
    pub fn columns(&self) -> impl Iterator<Item = String> {
        let mut names = vec![String::new(); self.width()];
        for (name, feature) in self.names.as_slice().iter().zip(&self.features) {
            match feature {
                Feature::Number { column, missing } => {
                    names[*column].clone_from(name);
                    missing.iter().for_each(|&flag| names[flag] = format!("{name} missing"));
                }
                Feature::Category { labels, columns, other } => {
                    for (label, &column) in labels.as_slice().iter().zip(columns) {
                        names[column] = format!("{name}={label}");
                    }
                    other.iter().for_each(|&column| names[column] = format!("{name}=other"));
                }
            }
        }
        names.into_iter()
    }

    /// Learns from a row: new features and categories, means and deviations.
    ///
    /// # Errors
    ///
    /// If there is text where a feature has had numbers ([`ErrorKind::Type`]); nothing is learned then.
    pub fn observe(&mut self, row: &dyn Row) -> Result<(), Error> {
        self.check(row)?;
        self.check_within(row)?;
        self.named.clear();
        self.named.resize(self.features.len(), false);
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            let feature = match self.find(name, index) {
                Some(feature) => feature,
                None if value.is_missing() => continue, // its type is not known yet
                None => self.add(name, value, row.absent_is_zero()),
            };
            if let Some(named) = self.named.get_mut(feature) {
                *named = true;
            }
            self.observe_cell(feature, value);
        }
        if row.absent_is_zero() {
            self.observe_zeros();
        }
        Ok(())
    }

    /// A row as raw values, one for each column: numbers as they are (missing ones NaN), flags as 0 or 1. What has not
    /// been [observed](Features::observe) is left out.
    ///
    /// # Errors
    ///
    /// As [`observe`](Features::observe).
    pub fn read(&self, row: &dyn Row, raw: &mut Vec<f64>) -> Result<(), Error> {
        self.check(row)?;
        raw.clear();
        raw.extend(self.columns.iter().map(|column| match column {
            Column::Number(_) if row.absent_is_zero() => 0.0,
            Column::Number(_) => f64::NAN,
            Column::Flag => 0.0,
        }));
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            match self.find(name, index).map(|feature| &self.features[feature]) {
                None => {}
                Some(Feature::Number { column, missing }) => match (value.number(), missing) {
                    (Some(number), _) => raw[*column] = number,
                    (None, missing) => {
                        missing.iter().for_each(|&flag| raw[flag] = 1.0);
                        if row.absent_is_zero() {
                            raw[*column] = f64::NAN;
                        }
                    }
                },
                Some(Feature::Category { labels, columns, other }) => {
                    let known = value.with_text(|label| labels.position(label));
                    let column = known.map(|position| position.map(|position| columns[position]).or(*other));
                    column.flatten().into_iter().for_each(|column| raw[column] = 1.0);
                }
            }
        }
        Ok(())
    }

    /// Raw values, read now or earlier, as the inputs of a network: standardised by today's means and deviations.
    /// Columns that came after they were read are 0.
    pub fn scale(&self, raw: &[f64], x: &mut Vec<f32>) {
        x.clear();
        x.resize(self.width(), 0.0);
        self.scale_into(raw, x);
    }

    /// [`scale`](Features::scale) into a slice of [`width`](Features::width) zeros.
    pub(crate) fn scale_into(&self, raw: &[f64], x: &mut [f32]) {
        for ((x, &raw), column) in x.iter_mut().zip(raw).zip(&self.columns) {
            *x = match column {
                Column::Flag => raw as f32,
                Column::Number(moments) => moments.standardise(raw).map_or(0.0, |z| z.clamp(-CLIP, CLIP) as f32),
            };
        }
    }

    fn check(&self, row: &dyn Row) -> Result<(), Error> {
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            if let Value::Text(text) = value
                && let Some(feature) = self.find(name, index)
                && matches!(self.features[feature], Feature::Number { .. })
            {
                return Err(Error::expected(ErrorKind::Type, "a number, as in the rows before", text).in_column(name));
            }
        }
        Ok(())
    }

    /// What [`check`](Features::check) cannot see: a new feature that is a number first and text later in the same row.
    fn check_within(&self, row: &dyn Row) -> Result<(), Error> {
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            if let Value::Text(text) = value
                && self.find(name, index).is_none()
            {
                let first = (0..index).map(|earlier| row.cell(earlier)).find(|(n, v)| *n == name && !v.is_missing());
                if let Some((_, Value::Number(_))) = first {
                    return Err(
                        Error::expected(ErrorKind::Type, "a number, as before in this row", text).in_column(name)
                    );
                }
            }
        }
        Ok(())
    }

    /// The feature of a name. Rows tend to have their features in the order in which they were first seen: `hint` says
    /// where to look first.
    fn find(&self, name: &str, hint: usize) -> Option<usize> {
        match self.names.as_slice().get(hint) {
            Some(expected) if expected == name => Some(hint),
            _ => self.names.position(name),
        }
    }

    /// Numbers that were there before the row, and that it does not name.
    fn observe_zeros(&mut self) {
        for (feature, _) in self.features.iter().zip(&self.named).filter(|(_, named)| !**named) {
            if let Feature::Number { column, .. } = feature
                && let Column::Number(moments) = &mut self.columns[*column]
            {
                moments.update(0.0);
            }
        }
        self.sparse_rows += 1;
    }

    fn add(&mut self, name: &str, value: Value<'_>, absent_is_zero: bool) -> usize {
        // All the rows before did not name it.
        let moments = Moments::of_zeros(if absent_is_zero { self.sparse_rows } else { 0 });
        let feature = match value {
            Value::Text(_) => Feature::Category { labels: Labels::new(), columns: Vec::new(), other: None },
            _ => Feature::Number { column: push(&mut self.columns, Column::Number(moments)), missing: None },
        };
        self.features.push(feature);
        self.names.insert(name)
    }

    fn observe_cell(&mut self, feature: usize, value: Value<'_>) {
        match &mut self.features[feature] {
            Feature::Number { column, missing } => match value.number() {
                Some(number) => {
                    if let Column::Number(moments) = &mut self.columns[*column] {
                        moments.update(number);
                    }
                }
                None => {
                    missing.get_or_insert_with(|| push(&mut self.columns, Column::Flag));
                }
            },
            Feature::Category { labels, columns, other } => {
                value.with_text(|label| match labels.position(label) {
                    Some(_) => {}
                    None if labels.len() < MOST_CATEGORIES => {
                        labels.insert(label);
                        columns.push(push(&mut self.columns, Column::Flag));
                    }
                    None => {
                        other.get_or_insert_with(|| push(&mut self.columns, Column::Flag));
                    }
                });
            }
        }
    }
}

fn push(columns: &mut Vec<Column>, column: Column) -> usize {
    columns.push(column);
    columns.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(features: &Features, row: &dyn Row) -> Vec<f32> {
        let (mut raw, mut x) = (Vec::new(), Vec::new());
        features.read(row, &mut raw).expect("a row of known types");
        features.scale(&raw, &mut x);
        x
    }

    #[test]
    fn text_where_numbers_were_is_refused_and_nothing_is_learned() {
        let mut features = Features::new();
        features.observe(&[("a", Value::Number(1.0)), ("b", Value::Number(1.0))]).unwrap();
        let before = format!("{features:?}");
        let error = features.observe(&[("a", Value::Number(9.0)), ("b", Value::Text("tall"))]).unwrap_err();
        assert_eq!(error.to_string(), r#"column "b": expected a number, as in the rows before, found "tall""#);
        assert_eq!(format!("{features:?}"), before);
    }

    #[test]
    fn missing_values_are_the_mean_with_a_flag() {
        let mut features = Features::new();
        for x in [Some(1.0), Some(3.0), None, Some(f64::NAN)] {
            features.observe(&[("a", x)]).unwrap();
        }
        assert_eq!(features.columns().collect::<Vec<_>>(), ["a", "a missing"]);
        assert_eq!(encode(&features, &[("a", None::<f64>)]), [0.0, 1.0]);
        assert_eq!(encode(&features, &[("a", Some(3.0))]), [1.0, 0.0]);
        assert_eq!(encode(&features, &[("b", Some(3.0))]), [0.0, 0.0]);
    }

    #[test]
    fn categories_beyond_the_limit_share_a_column() {
        let mut features = Features::new();
        for id in 0..MOST_CATEGORIES + 50 {
            features.observe(&[("id", format!("user {id}"))]).unwrap();
        }
        assert_eq!(features.width(), MOST_CATEGORIES + 1);
        assert_eq!(features.columns().last().as_deref(), Some("id=other"));
        assert_eq!(encode(&features, &[("id", "someone new")])[MOST_CATEGORIES], 1.0);
    }

    #[test]
    fn a_constant_feature_that_moves_is_clipped() {
        let mut features = Features::new();
        for _ in 0..1000 {
            features.observe(&[("a", 0.5)]).unwrap();
        }
        assert_eq!(encode(&features, &[("a", 0.7)]), [0.0], "no deviation yet: nothing is known of its scale");
        features.observe(&[("a", 0.6)]).unwrap();
        assert_eq!(encode(&features, &[("a", 0.7)]), [CLIP as f32]);
    }

    proptest! {
        /// Columns keep their index and meaning whatever comes, and in whatever order a row lists its features.
        #[test]
        fn columns_are_only_appended(rows in prop::collection::vec(prop::collection::vec((0usize..6, 0usize..8), 0..6), 1..20)) {
            let mut features = Features::new();
            for row in rows {
                let cell = |(feature, value): (usize, usize)| match (feature % 2, value) {
                    (_, 7) => Value::Missing,
                    (0, value) => Value::Number(value as f64),
                    (_, value) => Value::Text(&"abcdefgh"[value..=value]),
                };
                let mut row: Vec<_> = row.into_iter().map(|c| (format!("f{}", c.0), cell(c))).collect();
                row.sort_by(|a, b| a.0.cmp(&b.0));
                row.dedup_by(|a, b| a.0 == b.0);
                let before: Vec<String> = features.columns().collect();
                features.observe(&row).unwrap();
                let after: Vec<String> = features.columns().collect();
                prop_assert_eq!(&after[..before.len()], &before[..]);
                let x = encode(&features, &row);
                row.reverse();
                prop_assert_eq!(encode(&features, &row), x);
            }
        }
    }
}
