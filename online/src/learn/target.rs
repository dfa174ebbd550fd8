//! Answers.

use super::{LabelSet, Task};
use crate::error::{Error, ErrorKind, quoted};

/// The answer that belongs to a row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target<'a> {
    /// The label of a class.
    Class(&'a str),
    /// A finite number.
    Value(f64),
    /// Several numbers, as many for each row and in the same order; NaN where one is not known. One alone is a
    /// [`Value`](Target::Value).
    Values(&'a [f64]),
    /// Any number of labels: see [`of_labels`](Target::of_labels).
    Labels(LabelSet<'a>),
}

impl<'a> Target<'a> {
    /// These labels.
    #[must_use]
    pub fn of_labels(labels: &'a [&'a str]) -> Self {
        Target::Labels(labels.into())
    }

    /// The task to which this is an answer.
    #[must_use]
    pub fn task(&self) -> Task {
        match self {
            Target::Class(_) => Task::Classify,
            Target::Value(_) | Target::Values(_) => Task::Regress,
            Target::Labels(_) => Task::MultiLabel,
        }
    }

    /// Whether it is an answer to `task` that can be learned.
    ///
    /// # Errors
    ///
    /// If it belongs to another task ([`ErrorKind::Type`]), if a number is not finite, or none is known
    /// ([`ErrorKind::Value`]).
    pub fn check(&self, task: Task) -> Result<(), Error> {
        match (task, self) {
            (Task::Classify, _) => self.class().map(drop),
            (Task::MultiLabel, _) => self.labels().map(drop),
            (Task::Regress, Target::Values(values)) => {
                if let Some(infinite) = values.iter().find(|value| value.is_infinite()) {
                    return Err(Error::new(ErrorKind::Value, format!("expected finite targets, found {infinite}")));
                }
                match values.iter().all(|value| value.is_nan()) {
                    true => Err(Error::new(ErrorKind::Value, "expected at least one known number, found none")),
                    false => Ok(()),
                }
            }
            (Task::Regress, _) => self.number().map(drop),
        }
    }

    /// The label.
    ///
    /// # Errors
    ///
    /// If the target is none ([`ErrorKind::Type`]).
    pub fn class(&self) -> Result<&'a str, Error> {
        match *self {
            Target::Class(label) => Ok(label),
            other => Err(Error::new(ErrorKind::Type, format!("expected a label, found {}", other.describe()))),
        }
    }

    /// The number.
    ///
    /// # Errors
    ///
    /// If the target is not one number ([`ErrorKind::Type`]), or it is not finite ([`ErrorKind::Value`]).
    pub fn number(&self) -> Result<f64, Error> {
        match *self {
            Target::Value(value) if value.is_finite() => Ok(value),
            Target::Value(value) => {
                Err(Error::new(ErrorKind::Value, format!("expected a finite target, found {value}")))
            }
            Target::Values(&[value]) => Target::Value(value).number(),
            other => Err(Error::new(ErrorKind::Type, format!("expected a number, found {}", other.describe()))),
        }
    }

    /// The labels.
    ///
    /// # Errors
    ///
    /// If the target is no set of labels ([`ErrorKind::Type`]).
    pub fn labels(&self) -> Result<LabelSet<'a>, Error> {
        match *self {
            Target::Labels(labels) => Ok(labels),
            other => Err(Error::new(ErrorKind::Type, format!("expected a set of labels, found {}", other.describe()))),
        }
    }

    /// All its numbers: none of labels.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        match self {
            Target::Value(value) => std::slice::from_ref(value),
            Target::Values(values) => values,
            Target::Class(_) | Target::Labels(_) => &[],
        }
    }

    /// What it is, for an error.
    fn describe(&self) -> String {
        match self {
            Target::Class(label) => quoted(label),
            Target::Value(value) => format!("the number {value}"),
            Target::Values(values) => format!("{} numbers", values.len()),
            Target::Labels(labels) => format!("a set of labels, {}", labels.iter().collect::<Vec<_>>().join(" and ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_the_wrong_type_says_what_was_found() {
        assert_eq!(Target::Class("up").number().unwrap_err().to_string(), "expected a number, found \"up\"");
        assert_eq!(Target::Value(2.5).class().unwrap_err().to_string(), "expected a label, found the number 2.5");
        assert_eq!(Target::Value(f64::NAN).number().unwrap_err().kind(), ErrorKind::Value);
    }

    #[test]
    fn of_several_numbers_some_may_be_missing_but_not_all() {
        let check = |values: &[f64]| Target::Values(values).check(Task::Regress).map_err(|error| error.to_string());
        assert_eq!((check(&[1.0, f64::NAN]), check(&[2.0])), (Ok(()), Ok(())));
        assert_eq!(check(&[f64::NAN; 2]), Err("expected at least one known number, found none".into()));
        assert_eq!(check(&[1.0, f64::INFINITY]), Err("expected finite targets, found inf".into()));
        let values = Target::Values(&[1.0, 2.0]);
        assert_eq!(values.number().unwrap_err().to_string(), "expected a number, found 2 numbers");
        assert_eq!(values.check(Task::Classify).unwrap_err().to_string(), "expected a label, found 2 numbers");
        assert_eq!((values.numbers(), Target::Value(3.0).numbers()), (&[1.0, 2.0][..], &[3.0][..]));
    }
}
