//! One example's features: names and cells.
//!
//! A learner reads its examples through [`Row`], which arrays, vectors, maps and the records of a
//! [stream](crate::stream) implement. Features are known by *name*: their order may change from row to row, and they
//! may come and go.

use std::collections::BTreeMap;
use std::io::Write;

use crate::error::{Error, ErrorKind};

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number. One that is NaN or infinite counts as missing: see [`Value::number`].
    Number(f64),
    /// A category, a word, anything that is not a number.
    Text(&'a str),
    /// Nothing was measured.
    Missing,
}

impl Value<'_> {
    /// The finite number in this cell, if it is one.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Value::Number(number) if number.is_finite() => Some(number),
            _ => None,
        }
    }

    /// The cell as a word, if there is anything in it: a number among words, as `7` among `7A` and `12`, is a word too.
    pub fn with_text<R>(self, use_text: impl FnOnce(&str) -> R) -> Option<R> {
        match self {
            Value::Text(text) => Some(use_text(text)),
            value => value.number().map(|number| {
                let mut digits = [0; LONGEST_NUMBER];
                let mut rest = &mut digits[..];
                // Cannot fail: there is room enough. And no allocation: cells are read for every row.
                let written = write!(rest, "{number}").map(|()| LONGEST_NUMBER - rest.len());
                use_text(std::str::from_utf8(&digits[..written.unwrap_or(0)]).unwrap_or_default())
            }),
        }
    }

    /// Whether there is nothing to learn from: missing, NaN or infinite.
    #[must_use]
    pub fn is_missing(self) -> bool {
        match self {
            Value::Number(number) => !number.is_finite(),
            Value::Text(_) => false,
            Value::Missing => true,
        }
    }
}

/// A feature's name has at most so many bytes, and so has a category that is kept apart from others.
pub(crate) const LONGEST_NAME: usize = 4 << 10;

/// Whether the name of a feature is short enough. Names that are put together from parts are checked before they grow.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if name.len() <= LONGEST_NAME {
        return Ok(());
    }
    let message = format!("expected a name of at most {LONGEST_NAME} bytes, found {}", name.len());
    Err(Error::new(ErrorKind::Value, message).in_column(name))
}

/// The digits of the longest `f64`, which is the smallest, `-0.000…` with 1074 places; and some room.
const LONGEST_NUMBER: usize = 1100;

/// One example's features, by name.
///
/// Implemented for arrays, slices and vectors of pairs `(name, value)` and for a `BTreeMap` from names to values,
/// where a value is anything that is [`AsValue`]: numbers, text, options of them, or [`Value`] itself. Reading a cell
/// allocates nothing.
///
/// # Example
///
/// ```
/// use thalweg_online::{Row, Value};
///
/// let numbers = [("height", 1.80), ("weight", 81.0)];
/// let mixed = vec![("city", Value::Text("Oslo")), ("wind", Value::Number(3.5)), ("rain", Value::Missing)];
/// let rows: [&dyn Row; 2] = [&numbers, &mixed];
/// assert_eq!(rows[0].cell(1), ("weight", Value::Number(81.0)));
/// assert_eq!(rows[1].len(), 3);
/// ```
pub trait Row {
    /// The number of features.
    fn len(&self) -> usize;

    /// Name and value of the feature at `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not less than [`len`](Row::len).
    fn cell(&self, index: usize) -> (&str, Value<'_>);

    /// Whether a number that the row does not name is 0 rather than missing, as in rows of sparse formats.
    fn absent_is_zero(&self) -> bool {
        false
    }

    /// How much the row counts: 0 or more, and 1 where nothing is said. See [`Learner`](crate::Learner).
    fn weight(&self) -> f64 {
        1.0
    }

    /// How many of its last cells are what a learner has put beside the row when it [kept](crate::Learner::keep) it: lags
    /// and other answers that were known then. `None` for any other row: a learner puts beside it what is known now.
    fn beside(&self) -> Option<usize> {
        None
    }

    /// Whether there are no features.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How much a row counts.
///
/// # Errors
///
/// If its [weight](Row::weight) is negative or not finite ([`ErrorKind::Value`]).
pub fn weight_of(row: &dyn Row) -> Result<f64, Error> {
    match row.weight() {
        weight if weight >= 0.0 && weight.is_finite() => Ok(weight),
        weight => Err(Error::new(ErrorKind::Value, format!("expected a weight of 0 or more, found {weight}"))),
    }
}

/// A row that counts so many times.
///
/// ```
/// use thalweg_online::{Config, Deep, Learner, Row, Target, Task, Weighted};
///
/// let rare = Weighted([("wind", 19.0)], 5.0);
/// assert_eq!((rare.len(), rare.weight()), (1, 5.0));
/// let mut learner = Deep::new(Config::new(Task::Classify));
/// learner.learn_one(&rare, Target::Class("storm"))?; // a gradient five times as long
/// let error = learner.learn_one(&Weighted([("wind", 3.0)], -1.0), Target::Class("calm")).unwrap_err();
/// assert_eq!(error.to_string(), "expected a weight of 0 or more, found -1");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted<R>(pub R, pub f64);

impl<R: Row> Row for Weighted<R> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        self.0.cell(index)
    }

    fn absent_is_zero(&self) -> bool {
        self.0.absent_is_zero()
    }

    fn weight(&self) -> f64 {
        self.1
    }
}

/// Something that can stand in a cell.
pub trait AsValue {
    /// The cell.
    fn as_value(&self) -> Value<'_>;
}

impl AsValue for Value<'_> {
    fn as_value(&self) -> Value<'_> {
        *self
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl AsValue for $number {
            fn as_value(&self) -> Value<'_> {
                Value::Number(f64::from(*self))
            }
        }
    )*};
}

// The numbers that an f64 holds without loss.
numbers!(f64 f32 i32 u32);

impl AsValue for &str {
    fn as_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl AsValue for String {
    fn as_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl<V: AsValue> AsValue for Option<V> {
    fn as_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Missing, V::as_value)
    }
}

impl<N: AsRef<str>, V: AsValue> Row for [(N, V)] {
    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        let (name, value) = &self[index];
        (name.as_ref(), value.as_value())
    }
}

impl<N: AsRef<str>, V: AsValue, const LEN: usize> Row for [(N, V); LEN] {
    fn len(&self) -> usize {
        LEN
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        self.as_slice().cell(index)
    }
}

impl<N: AsRef<str>, V: AsValue> Row for Vec<(N, V)> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        self.as_slice().cell(index)
    }
}

/// In the order of the names. A cell is found by walking to it, so prefer a vector where rows are wide.
impl<N: AsRef<str>, V: AsValue> Row for BTreeMap<N, V> {
    fn len(&self) -> usize {
        BTreeMap::len(self)
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        match self.iter().nth(index) {
            Some((name, value)) => (name.as_ref(), value.as_value()),
            None => panic!("cell: index < length: {index} < {}", BTreeMap::len(self)),
        }
    }
}

impl<R: Row + ?Sized> Row for &R {
    fn len(&self) -> usize {
        R::len(self)
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        R::cell(self, index)
    }

    fn absent_is_zero(&self) -> bool {
        R::absent_is_zero(self)
    }

    fn weight(&self) -> f64 {
        R::weight(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(row: &dyn Row) -> Vec<(&str, Value<'_>)> {
        (0..row.len()).map(|index| row.cell(index)).collect()
    }

    #[test]
    fn every_kind_of_row_shows_the_same_cells() {
        let pairs = [("a", 1.0), ("b", 2.5)];
        let expected = vec![("a", Value::Number(1.0)), ("b", Value::Number(2.5))];
        let map: BTreeMap<String, f64> = pairs.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(cells(&pairs), expected);
        assert_eq!(cells(&pairs.as_slice()), expected);
        assert_eq!(cells(&pairs.to_vec()), expected);
        assert_eq!(cells(&expected), expected);
        assert_eq!(cells(&map), expected);
        assert!(Vec::<(&str, f64)>::new().is_empty());
    }

    #[test]
    fn missing_means_missing_nan_or_infinite() {
        let row = [("a", Some(1.0)), ("b", None), ("c", Some(f64::NAN)), ("d", Some(f64::INFINITY))];
        let missing: Vec<bool> = cells(&row).iter().map(|(_, value)| value.is_missing()).collect();
        assert_eq!(missing, [false, true, true, true]);
        assert_eq!(row.cell(0).1.number(), Some(1.0));
        assert_eq!(row.cell(2).1.number(), None);
        assert_eq!(Value::Text("1").number(), None);
    }

    #[test]
    fn a_row_counts_once_unless_it_says_otherwise() {
        let pairs = [("a", 1.0)];
        let row = &Weighted(&pairs, 0.5);
        assert_eq!((pairs.weight(), row.weight(), Weighted(row, 2.0).weight()), (1.0, 0.5, 2.0));
        assert_eq!(cells(&row), cells(&pairs));
        let checked = [0.0, 3.0, -0.5, f64::NAN, f64::INFINITY].map(|weight| weight_of(&Weighted(&pairs, weight)).ok());
        assert_eq!(checked, [Some(0.0), Some(3.0), None, None, None]);
    }

    #[test]
    fn every_cell_but_a_missing_one_is_a_word() {
        let word = |value: Value<'_>| value.with_text(str::to_owned);
        assert_eq!([word(Value::Text("7A")), word(Value::Number(7.0))], [Some("7A".to_owned()), Some("7".to_owned())]);
        assert_eq!([word(Value::Missing), word(Value::Number(f64::NAN))], [None, None]);
        for number in [f64::MIN_POSITIVE, -5e-324, f64::MAX, 0.1] {
            assert_eq!(word(Value::Number(number)), Some(number.to_string()));
        }
    }
}
