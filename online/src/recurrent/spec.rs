//! How recurrent layers come by their gradient, in a word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thalweg_nn::NetworkSpec;
use thalweg_nn::network::{CellName, LayerSpec};

use crate::error::{Error, ErrorKind};
use crate::saved::saved_as_text;
use crate::spec::{Spec, unknown};

/// How the recurrent layers of a network come by their gradient: the rules of this [module](super) by name.
///
/// | specification | rule | layers |
/// |---|---|---|
/// | `tbptt` | backpropagation through a window of rows: the [model](crate::Model) says of how many | all |
/// | `exact` | the cheapest that is exact for a layer: traces of `lru`, `rtu` and `elstm` (of several of them, each by itself), RTRL of the others | all |
/// | `rtrl` | [`Rtrl`](super::Rtrl), of several layers of an item together | all |
/// | `snap1` | [`Snap1`](super::Snap1) | `rnn`, `leaky_rnn`, `gru`, `lstm` |
/// | `eprop` | [`Snap1::eprop`](super::Snap1::eprop) | the same |
/// | `rflo` | [`Rflo`](super::Rflo) | `leaky_rnn` |
/// | `uoro` | [`Uoro`](super::Uoro), of several layers of an item together | all |
/// | `kf-rtrl` | [`KfRtrl`](super::KfRtrl) | `rnn` |
///
/// ```
/// use thalweg_online::recurrent::GradientSpec;
///
/// assert_eq!(GradientSpec::parse("snap1")?, GradientSpec::Snap1);
/// let error = GradientSpec::parse("snap2").unwrap_err().to_string();
/// assert!(error.starts_with(r#"unknown gradient "snap2"; did you mean "snap1"?"#), "{error}");
/// let error = GradientSpec::Snap1.check(&"lru:8".parse()?).unwrap_err().to_string();
/// assert_eq!(error, r#"expected rnn, leaky_rnn, gru, lstm for the gradient snap1, found "lru:8""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GradientSpec {
    /// Through a window of rows.
    #[default]
    Tbptt,
    /// The cheapest rule that is exact.
    Exact,
    /// Real-time recurrent learning.
    Rtrl,
    /// What a unit's own weights did to it.
    Snap1,
    /// The same without the explicit recurrent path.
    Eprop,
    /// That of units that leak.
    Rflo,
    /// A product of two vectors, right on the average.
    Uoro,
    /// A Kronecker product, right on the average.
    KfRtrl,
}

impl GradientSpec {
    const ALL: [(&'static str, GradientSpec); 8] = [
        ("tbptt", GradientSpec::Tbptt),
        ("exact", GradientSpec::Exact),
        ("rtrl", GradientSpec::Rtrl),
        ("snap1", GradientSpec::Snap1),
        ("eprop", GradientSpec::Eprop),
        ("rflo", GradientSpec::Rflo),
        ("uoro", GradientSpec::Uoro),
        ("kf-rtrl", GradientSpec::KfRtrl),
    ];

    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such rule: with the nearest one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        text.parse()
    }

    /// Whether rows are kept, and backpropagated through.
    #[must_use]
    pub fn is_tbptt(self) -> bool {
        self == GradientSpec::Tbptt
    }

    /// Whether there is such a rule for all recurrent layers of a network.
    ///
    /// # Errors
    ///
    /// If there is none for one of them, or it drops outputs between its layers, which rules do not see.
    pub fn check(self, layers: &NetworkSpec) -> Result<(), Error> {
        if self.is_tbptt() {
            return Ok(());
        }
        let wrong = |expected: String, found: &dyn ToString| {
            Err(Error::expected(ErrorKind::Spec, &format!("{expected} for the gradient {self}"), &found.to_string()))
        };
        if !layers.is_recurrent() {
            return wrong("recurrent layers".to_owned(), layers);
        }
        let drops = |layer: &LayerSpec| matches!(layer, LayerSpec::Recurrent { dropout, .. } if *dropout > 0.0);
        if let Some(layer) = layers.find(drops) {
            return wrong("no dropout between layers of an item".to_owned(), layer);
        }
        let has_none = |layer: &LayerSpec| matches!(layer, LayerSpec::Recurrent { cell, .. } if !self.is_of(*cell));
        match layers.find(has_none) {
            Some(layer) => wrong(self.cells().join(", "), layer),
            None => Ok(()),
        }
    }

    /// The names of the cells that it is for; none where it is for all.
    fn cells(self) -> &'static [&'static str] {
        match self {
            GradientSpec::Tbptt | GradientSpec::Exact | GradientSpec::Rtrl | GradientSpec::Uoro => &[],
            GradientSpec::Snap1 | GradientSpec::Eprop => &["rnn", "leaky_rnn", "gru", "lstm"],
            GradientSpec::Rflo => &["leaky_rnn"],
            GradientSpec::KfRtrl => &["rnn"],
        }
    }

    fn is_of(self, cell: CellName) -> bool {
        self.cells().is_empty() || self.cells().contains(&cell.name())
    }
}

impl FromStr for GradientSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let spec = Spec::parse(text)?;
        let names = Self::ALL.map(|(name, _)| name);
        let Some((_, gradient)) = Self::ALL.iter().find(|(name, _)| *name == spec.name()) else {
            return Err(unknown("gradient", spec.name(), &names).into());
        };
        spec.finish()?;
        Ok(*gradient)
    }
}

impl fmt::Display for GradientSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, gradient)| gradient == self).map(|(name, _)| name);
        name.map_or(Ok(()), |name| f.write_str(name))
    }
}

saved_as_text!(GradientSpec);
