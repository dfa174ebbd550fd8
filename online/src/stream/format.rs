//! The formats of streams, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::spec::unknown;

/// How rows are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Format {
    /// Fields between commas, semicolons or another character.
    Csv,
    /// CSV with tabs.
    Tsv,
    /// A JSON object on each line.
    JsonLines,
    /// Weka's attribute-relation format.
    Arff,
    /// `label index:value …`, also called SVMlight.
    LibSvm,
    /// `label importance 'tag |namespace feature:value …`.
    VowpalWabbit,
}

/// Names of formats, as the command takes them.
const FORMATS: [(&str, Format); 6] = [
    ("csv", Format::Csv),
    ("tsv", Format::Tsv),
    ("jsonl", Format::JsonLines),
    ("arff", Format::Arff),
    ("libsvm", Format::LibSvm),
    ("vw", Format::VowpalWabbit),
];

impl Format {
    /// The format that `name` stands for: `csv`, `tsv`, `jsonl`, `arff`, `libsvm` or `vw`.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let found = FORMATS.iter().find(|(known, _)| *known == name);
        found.map(|&(_, format)| format).ok_or_else(|| unknown("format", name, &FORMATS.map(|(name, _)| name)).into())
    }

    /// Whether the target has a place of its own, without a name.
    pub(super) fn has_place_for_target(self) -> bool {
        matches!(self, Format::LibSvm | Format::VowpalWabbit)
    }
}

/// As the command spells it.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(FORMATS.iter().find(|(_, format)| format == self).map_or("", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_that_is_understood() {
        for (name, format) in FORMATS {
            assert_eq!((Format::parse(name).unwrap(), format.to_string().as_str()), (format, name));
        }
        let error = Format::parse("json").unwrap_err().to_string();
        assert!(error.starts_with("unknown format \"json\"; did you mean \"jsonl\"? allowed: csv, tsv, "), "{error}");
    }
}
