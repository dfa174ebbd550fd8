//! What a file held of what a model needs.

use std::collections::BTreeMap;
use std::fmt;

/// What became of every tensor of a file and of θ. Printed, it is a table:
///
/// ```text
/// loaded      1
/// missing     head.bias
/// unexpected  fc.weight
/// misshaped   head.weight: expected [2, 3], found [5, 3]
/// ```
///
/// What θ has is in the order of its layout, what it has not in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What fitted, by its name in θ.
    pub loaded: Vec<String>,
    /// What θ has and the file has not.
    pub missing: Vec<String>,
    /// What the file has and θ has not, by its name in the file.
    pub unexpected: Vec<String>,
    /// What both have, in different shapes.
    pub misshaped: Vec<Misshaped>,
    /// What the file has and was [left out](super::Loading::rename), by its name in the file.
    pub left_out: Vec<String>,
    /// The texts that the file holds beside the tensors.
    pub metadata: BTreeMap<String, String>,
}

/// A tensor that has one shape in θ and another in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshaped {
    /// Its name in θ.
    pub name: String,
    /// Its shape in θ.
    pub expected: Vec<usize>,
    /// Its shape in the file.
    pub found: Vec<usize>,
}

impl Report {
    /// Whether the file held θ, all of it and nothing else.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshaped.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loaded      {}", self.loaded.len())?;
        let named = [("missing", &self.missing), ("unexpected", &self.unexpected), ("left out", &self.left_out)];
        for (what, names) in named {
            names.iter().try_for_each(|name| write!(f, "\n{what:<12}{}", name.escape_debug()))?;
        }
        self.misshaped.iter().try_for_each(|Misshaped { name, expected, found }| {
            write!(f, "\n{:<12}{}: expected {expected:?}, found {found:?}", "misshaped", name.escape_debug())
        })
    }
}
