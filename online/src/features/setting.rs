//! The settings of a [`FeatureSpec`](super::FeatureSpec): encodings, stand-ins, statistics.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::spec::{Spec, unknown};

/// Longer lags and windows are a slip of the keyboard.
const LONGEST: usize = 10_000;

/// How a category becomes numbers.
///
/// | notation | columns |
/// |---|---|
/// | `onehot:256` | one of 0 or 1 for each category, as categories come; those beyond the 256th share a last one, `…=other` |
/// | `target:10` | the mean of the targets known of this category; if they are classes, the share of each. It leans to the mean of all as if 10 rows of that were known beside; `most=4096` categories are kept apart |
/// | `hash:64` | 64 columns; a category is ±1 in one of them |
/// | `embed:8` | the category's number, from 1; those beyond `most=4096` share one more, and 0 is none. A [`Deep`](crate::Deep) network looks up 8 numbers by it, a vector that is learned |
///
/// A category of more than 4 KiB is not kept apart: it is one of those beyond the last, and of `embed` none until there are such.
///
/// Of `hash:n` the column is XXH3-64 of the category mod n, and its sign is the hash's uppermost bit: positive if that is 0.
/// This is the trick of River's `FeatureHasher`, which hashes `name=category` of all features into one set of columns, by
/// MurmurHash3: here each feature has columns of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Encoding {
    /// A column for each category.
    OneHot {
        /// How many categories are kept apart.
        most: usize,
    },
    /// Means of the target.
    Target {
        /// How many rows the mean of all counts.
        smoothing: f64,
        /// How many categories are kept apart.
        most: usize,
    },
    /// The hashing trick.
    Hash {
        /// How many columns.
        columns: usize,
    },
    /// A vector that is learned with the network.
    Embed {
        /// How many numbers it has.
        width: usize,
        /// How many categories are kept apart.
        most: usize,
    },
}

impl Default for Encoding {
    fn default() -> Self {
        Encoding::OneHot { most: super::MOST_CATEGORIES }
    }
}

impl Encoding {
    /// How many columns a feature begins with, at least.
    pub(super) fn columns(self) -> usize {
        match self {
            Encoding::Hash { columns } => columns,
            Encoding::OneHot { .. } | Encoding::Target { .. } | Encoding::Embed { .. } => 1,
        }
    }

    /// Reads `onehot:256`, `target:10,most=4096`, `hash:64` or `embed:8,most=4096`.
    ///
    /// # Errors
    ///
    /// If there is no such encoding or option (with the nearest match), or a number cannot be used.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let wrong = |expected: &str| Err(Error::expected(ErrorKind::Spec, expected, text));
        let encoding = match spec.name() {
            "onehot" => Encoding::OneHot {
                most: spec.optional_arg(0, "how many categories are kept apart")?.unwrap_or(super::MOST_CATEGORIES),
            },
            "hash" => Encoding::Hash { columns: spec.optional_arg(0, "how many columns there are")?.unwrap_or(64) },
            "target" => Encoding::Target {
                smoothing: spec.optional_arg(0, "how many rows the mean of all counts")?.unwrap_or(10.0),
                most: spec.option("most")?.unwrap_or(4096),
            },
            "embed" => Encoding::Embed {
                width: spec.optional_arg(0, "how many numbers a vector has")?.unwrap_or(8),
                most: spec.option("most")?.unwrap_or(4096),
            },
            other => return Err(unknown("encoding", other, &["onehot", "target", "hash", "embed"]).into()),
        };
        spec.finish()?;
        match encoding {
            Encoding::Target { smoothing, .. } if !(0.0..=1e9).contains(&smoothing) => {
                wrong("a smoothing from 0 to 1e9")
            }
            Encoding::Embed { width, .. } if !(1..=1024).contains(&width) => wrong("vectors of 1 to 1024 numbers"),
            Encoding::OneHot { most: size }
            | Encoding::Target { most: size, .. }
            | Encoding::Embed { most: size, .. }
            | Encoding::Hash { columns: size }
                if !(1..=65_536).contains(&size) =>
            {
                wrong("a size from 1 to 65536")
            }
            encoding => Ok(encoding),
        }
    }
}

/// As it is parsed.
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Encoding::OneHot { most } => write!(f, "onehot:{most}"),
            Encoding::Target { smoothing, most } => write!(f, "target:{smoothing},most={most}"),
            Encoding::Hash { columns } => write!(f, "hash:{columns}"),
            Encoding::Embed { width, most } => write!(f, "embed:{width},most={most}"),
        }
    }
}

/// What stands for a number that is missing or absent: `mean`, `zero` or `last`; `last:flag=false` without a column that says
/// that the number is missing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// The number.
    pub by: StandIn,
    /// Whether a missing number is 1 in a column of its own, `… missing`.
    pub flag: bool,
}

/// What stands for a missing number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StandIn {
    /// 0 after scaling: today's mean, or median; where the scale has no middle, its zero.
    Mean,
    /// 0 before scaling.
    Zero,
    /// The last one that was learned of and not missing in this [sequence](super::Features::new_sequence); `Mean` before the
    /// first. Rows that are not learned, or not yet, are not remembered.
    Last,
}

impl Default for Missing {
    fn default() -> Self {
        Missing { by: StandIn::Mean, flag: true }
    }
}

impl Missing {
    /// Reads `mean`, `zero` or `last`, perhaps with `flag=false`.
    ///
    /// # Errors
    ///
    /// If there is no such word or option (with the nearest match).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let by = match spec.name() {
            "mean" => StandIn::Mean,
            "zero" => StandIn::Zero,
            "last" => StandIn::Last,
            other => return Err(unknown("number for missing ones", other, &["mean", "zero", "last"]).into()),
        };
        let missing = Missing { by, flag: spec.option("flag")?.unwrap_or(true) };
        spec.finish()?;
        Ok(missing)
    }
}

/// As it is parsed.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.by {
            StandIn::Mean => "mean",
            StandIn::Zero => "zero",
            StandIn::Last => "last",
        })?;
        f.write_str(if self.flag { "" } else { ":flag=false" })
    }
}

/// A statistic of the last known targets, `mean:12`. Until there are so many, it is that of those there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolling {
    /// Which.
    pub statistic: Statistic,
    /// Over how many targets.
    pub window: usize,
}

/// What is known of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Statistic {
    /// `mean`.
    Mean,
    /// `std`: the deviation of the population.
    Std,
    /// `min`.
    Min,
    /// `max`.
    Max,
}

impl Rolling {
    /// Reads `mean:12`, `std:12`, `min:12` or `max:12`.
    ///
    /// # Errors
    ///
    /// If there is no such statistic (with the nearest match), or its window is missing, zero or too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let statistic = match spec.name() {
            "mean" => Statistic::Mean,
            "std" => Statistic::Std,
            "min" => Statistic::Min,
            "max" => Statistic::Max,
            other => return Err(unknown("statistic", other, &["mean", "std", "min", "max"]).into()),
        };
        let window = spec.arg(0, "over how many targets")?;
        spec.finish()?;
        match window {
            1..=LONGEST => Ok(Rolling { statistic, window }),
            _ => Err(Error::expected(ErrorKind::Spec, &format!("a window of 1 to {LONGEST} targets"), text)),
        }
    }
}

/// As it is parsed.
impl fmt::Display for Rolling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistic = match self.statistic {
            Statistic::Mean => "mean",
            Statistic::Std => "std",
            Statistic::Min => "min",
            Statistic::Max => "max",
        };
        write!(f, "{statistic}:{}", self.window)
    }
}

/// Reads the nearest and the farthest of the lags: `12` is `1..12`.
pub(super) fn parse_lags(text: &str) -> Result<(usize, usize), Error> {
    let (first, last) = text.split_once("..").unwrap_or(("1", text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if 1 <= first && first <= last && last <= LONGEST => Ok((first, last)),
        _ => Err(Error::expected(ErrorKind::Spec, &format!("lags such as 12 or 3..7, at most {LONGEST}"), text)),
    }
}
