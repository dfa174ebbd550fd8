//! From rows to columns: what each feature became when it was first seen.

use serde::{Deserialize, Serialize};

use super::CLIP;
use super::answers::{Answer, Answers, Beside, is_last_target};
use super::category::{Category, Embedded};
use super::scaler::Scaler;
use super::setting::{Missing, StandIn};
use super::spec::FeatureSpec;
use crate::error::{Error, ErrorKind};
use crate::labels::Labels;
use crate::row::{Row, Value, check_name};

/// Features by name, and their columns.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Encoder {
    pub spec: FeatureSpec,
    pub names: Labels,
    pub features: Vec<Feature>,
    pub columns: Vec<Column>,
    /// Rows in which absent numbers were zeros.
    #[serde(deserialize_with = "crate::saved::count")]
    pub sparse_rows: u64,
    /// Cells of names for which there was no room.
    #[serde(deserialize_with = "crate::saved::count")]
    ignored: u64,
    /// Scratch: which features the row names.
    #[serde(skip)]
    named: Vec<bool>,
}

/// A feature: where its columns are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Feature {
    /// `flag` is the column that says that it is missing, `last` the last number that was not; NaN before.
    Number {
        column: usize,
        missing: Missing,
        flag: Option<usize>,
        last: f64,
    },
    Category(Category),
}

/// A column: what to do with its raw values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Column {
    /// Scale. Raw values that are missing are NaN.
    Number(Scaler),
    /// The same, but never 0 because a row is sparse.
    Mean(Scaler),
    /// Nothing: 0, 1 or -1, or the number of a category.
    Flag,
}

impl Encoder {
    pub fn new(spec: FeatureSpec) -> Self {
        Encoder { spec, ..Encoder::default() }
    }

    pub fn width(&self) -> usize {
        self.columns.len()
    }

    pub fn len(&self) -> usize {
        self.features.len()
    }

    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    pub fn names(&self) -> &[String] {
        self.names.as_slice()
    }

    pub fn column_names(&self, classes: &Labels) -> Vec<String> {
        let mut names = vec![String::new(); self.width()];
        for (name, feature) in self.names.as_slice().iter().zip(&self.features) {
            match feature {
                Feature::Number { column, flag, .. } => {
                    names[*column].clone_from(name);
                    flag.iter().for_each(|&flag| names[flag] = format!("{name} missing"));
                }
                Feature::Category(category) => category.name(name, classes, &mut names),
            }
        }
        names
    }

    pub fn embedded(&self) -> impl Iterator<Item = (&str, Embedded)> {
        self.names.as_slice().iter().zip(&self.features).filter_map(|(name, feature)| match feature {
            Feature::Category(category) => Some((name.as_str(), category.embedded()?)),
            Feature::Number { .. } => None,
        })
    }

    pub fn observe(&mut self, row: &Beside<'_>, answers: &Answers) -> Result<(), Error> {
        self.check(row)?;
        self.check_within(row)?;
        self.named.clear();
        self.named.resize(self.features.len(), false);
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            let most = self.most(name, index >= row.own());
            let feature = match self.find(name, index) {
                Some(feature) => feature,
                None if value.is_missing() => continue, // its type is not known yet
                None if self.has_room_for(name, value, most) => {
                    self.add(name, value, row.absent_is_zero() && index < row.own())
                }
                None => {
                    self.ignored += 1;
                    continue;
                }
            };
            if let Some(named) = self.named.get_mut(feature) {
                *named = true;
            }
            self.observe_cell(feature, value, answers, most);
        }
        if row.absent_is_zero() {
            self.observe_zeros();
        }
        Ok(())
    }

    pub fn read(&self, row: &Beside<'_>, raw: &mut Vec<f64>, answers: &Answers) -> Result<(), Error> {
        self.check(row)?;
        raw.clear();
        raw.extend(self.columns.iter().map(|column| match column {
            Column::Number(_) if row.absent_is_zero() => 0.0,
            Column::Number(_) | Column::Mean(_) => f64::NAN,
            Column::Flag => 0.0,
        }));
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            match self.find(name, index).map(|feature| &self.features[feature]) {
                None => {}
                Some(Feature::Number { column, flag, .. }) => match value.number() {
                    Some(number) => raw[*column] = number,
                    None => {
                        flag.iter().for_each(|&flag| raw[flag] = 1.0);
                        if row.absent_is_zero() {
                            raw[*column] = f64::NAN;
                        }
                    }
                },
                Some(Feature::Category(category)) => category.read(value, raw, answers),
            }
        }
        self.stand_in(raw);
        Ok(())
    }

    /// What stands for numbers that are not there.
    fn stand_in(&self, raw: &mut [f64]) {
        for feature in &self.features {
            if let Feature::Number { column, missing, last, .. } = feature
                && raw[*column].is_nan()
            {
                raw[*column] = match missing.by {
                    StandIn::Mean => f64::NAN,
                    StandIn::Zero => 0.0,
                    StandIn::Last => *last,
                };
            }
        }
    }

    /// A new sequence begins: no number was there before.
    pub fn new_sequence(&mut self) {
        for feature in &mut self.features {
            if let Feature::Number { last, .. } = feature {
                *last = f64::NAN;
            }
        }
    }

    pub fn scale_into(&self, raw: &[f64], x: &mut [f32]) {
        for ((x, &raw), column) in x.iter_mut().zip(raw).zip(&self.columns) {
            *x = match column {
                Column::Flag => raw as f32,
                Column::Number(_) | Column::Mean(_) if raw.is_nan() => 0.0,
                Column::Number(scaler) | Column::Mean(scaler) => scaler.clipped(raw, CLIP) as f32,
            };
        }
    }

    /// The answer to a row is known.
    pub fn told(&mut self, row: &Beside<'_>, answer: Answer) {
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            if let Some(feature) = self.find(name, index)
                && let Feature::Category(category) = &mut self.features[feature]
            {
                category.told(value, answer);
            }
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

    /// What [`check`](Encoder::check) cannot see: a new feature that is a number first and text later in the same row,
    /// or whose name is too long.
    fn check_within(&self, row: &dyn Row) -> Result<(), Error> {
        for index in 0..row.len() {
            let (name, value) = row.cell(index);
            check_name(name)?;
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
                && let Column::Number(scaler) = &mut self.columns[*column]
            {
                scaler.update(0.0);
            }
        }
        self.sparse_rows += 1;
    }

    /// How many features and columns there may be with a cell. What a learner puts into rows always has room: the
    /// specification that asks for it bounds it.
    fn most(&self, name: &str, is_beside: bool) -> usize {
        if is_beside || is_last_target(name) { usize::MAX } else { self.spec.most() }
    }

    /// Whether there may be one more feature, and the columns that it begins with, where there may be `most`.
    fn has_room_for(&self, name: &str, value: Value<'_>, most: usize) -> bool {
        let columns = match value {
            Value::Text(_) => self.spec.category(name).columns(),
            _ => 1,
        };
        self.len() < most && self.width() + columns <= most
    }

    fn add(&mut self, name: &str, value: Value<'_>, absent_is_zero: bool) -> usize {
        let scale = self.spec.scale(name);
        let feature = match value {
            Value::Text(_) => Feature::Category(Category::new(self.spec.category(name), scale, &mut self.columns)),
            _ => {
                // All the rows before did not name it.
                let scaler = scale.of_zeros(if absent_is_zero { self.sparse_rows } else { 0 });
                let column = push(&mut self.columns, Column::Number(scaler));
                Feature::Number { column, missing: self.spec.missing(name), flag: None, last: f64::NAN }
            }
        };
        self.features.push(feature);
        self.names.insert(name)
    }

    fn observe_cell(&mut self, feature: usize, value: Value<'_>, answers: &Answers, most: usize) {
        match &mut self.features[feature] {
            Feature::Number { column, missing, flag, last } => match value.number() {
                Some(number) => {
                    *last = number;
                    if let Column::Number(scaler) = &mut self.columns[*column] {
                        scaler.update(number);
                    }
                }
                None if missing.flag && self.columns.len() < most => {
                    flag.get_or_insert_with(|| push(&mut self.columns, Column::Flag));
                }
                None => {}
            },
            Feature::Category(category) => category.observe(value, &mut self.columns, most, answers),
        }
    }
}

/// Appends a column, and says where it is.
pub(super) fn push(columns: &mut Vec<Column>, column: Column) -> usize {
    columns.push(column);
    columns.len() - 1
}
