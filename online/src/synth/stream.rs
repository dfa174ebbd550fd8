//! A generator as a stream of rows.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::{
    Agrawal, Column, Digits, Drift, Error, Example, Friedman, Generator, Hyperplane, Led, Mixed, Mv, Permuted, Planes,
    Rbf, Recurring, Rotated, Sea, Seed, Sine, Stagger, Tree, Waveform,
};
use crate::learn::Task;

/// Any of the generators, as a stream without end.
///
/// ```
/// use thalweg_online::synth::{Example, Seed, Synth};
///
/// let mut stream = Synth::parse("sea:noise=0.1", Seed::new(42))?;
/// assert_eq!(stream.to_string(), "sea:noise=0.1,seed=42");
///
/// let (mut example, mut twin) = (Example::new(), Example::new());
/// stream.next_row(&mut example);
/// let mut copy = stream.clone();
/// stream.next_row(&mut example);
/// copy.next_row(&mut twin);
/// assert_eq!((example.x(), example.y()), (twin.x(), twin.y()));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kind", into = "Kind")]
pub struct Synth {
    kind: Kind,
    columns: Arc<[Column]>,
    is_class: bool,
}

impl Synth {
    /// Reads a specification: see the [module](super). `seed` is for what names none, and says whose rows are made unless
    /// the specification asks for `river`.
    ///
    /// # Errors
    ///
    /// If there is no such generator or option, or an option is out of its range.
    pub fn parse(specification: &str, seed: Seed) -> Result<Self, Error> {
        Kind::parse(specification, seed, 0).map(Self::of)
    }

    /// Makes the next row.
    pub fn next_row(&mut self, example: &mut Example) {
        if !example.columns.as_ref().is_some_and(|columns| Arc::ptr_eq(columns, &self.columns)) {
            example.columns = Some(Arc::clone(&self.columns));
        }
        example.x.clear();
        let y = self.kind.fill(&mut example.x);
        example.set_target(y, self.is_class);
    }

    /// The features, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The names of the features, in order.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// How many classes there are; 0 if the target is a number.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.kind.classes()
    }

    /// What is to be learned.
    #[must_use]
    pub fn task(&self) -> Task {
        self.kind.task()
    }

    pub(super) fn into_kind(self) -> Kind {
        self.kind
    }

    fn of(kind: Kind) -> Self {
        Synth { columns: kind.columns().into(), is_class: kind.classes() > 0, kind }
    }
}

/// The specification, with all seeds: parsing it gives the stream as it was before its first row.
impl fmt::Display for Synth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

/// As it was saved, if its values fit together.
impl TryFrom<Kind> for Synth {
    type Error = Error;

    fn try_from(kind: Kind) -> Result<Self, Error> {
        kind.check()?;
        Ok(Self::of(kind))
    }
}

impl From<Synth> for Kind {
    fn from(synth: Synth) -> Self {
        synth.kind
    }
}

macro_rules! streams {
    ($($generator:ty)*) => {$(
        impl From<$generator> for Synth {
            fn from(generator: $generator) -> Self {
                Synth::of(generator.into())
            }
        }
    )*};
}

streams! {
    Sea Stagger Sine Mixed Agrawal Led Hyperplane Rbf Waveform Tree Friedman Planes Mv Drift Recurring Permuted<Digits>
    Rotated<Digits>
}
