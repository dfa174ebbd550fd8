//! From one concept to another, and back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::kind::Kind;
use super::random::{Random, Seed};
use super::settings::{Options as _, Written, options, wrong};
use super::{Error, Generator, Synth};

options! {
    /// Options of [`Drift`].
    DriftOptions as "drift" {
        /// The middle of the change: about this many rows come before it.
        at: usize = 5_000, in ..;
        /// How many rows the change takes; 0 for a change from one row to the next.
        width: f64 = 0.0, in 0.0..;
    }
}

/// One generator, and from some row on another (Bifet, Holmes, Pfahringer, Kirkby and Gavaldà, New ensemble methods for
/// evolving data streams, KDD 2009): row `t`, counted from 1, is one of the new generator with probability
/// `P = 1 / (1 + e^(-4 (t - at) / width))`. Each goes on from where it stopped.
///
/// A specification has both between brackets: `drift(sea:variant=0 > sea:variant=2; at=5000,width=100)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    options: DriftOptions,
    seed: Seed,
    random: Random,
    concepts: Vec<Kind>,
    row: u64,
}

/// `P(new)` at a distance from the middle of a change.
fn share_of_new(distance: f64, width: f64) -> f64 {
    if width > 0.0 { 1.0 / (1.0 + (-4.0 * distance / width).exp()) } else { f64::from(u8::from(distance > 0.0)) }
}

/// At least two of one kind: the same features, and as many classes.
fn check_alike(name: &str, concepts: &[Kind]) -> Result<(), Error> {
    let shape = |kind: &Kind| (kind.columns(), kind.classes());
    let Some((first, others @ [_, ..])) = concepts.split_first() else {
        return Err(wrong(name, format!("expected two generators with > between them, found {}", concepts.len())));
    };
    if let Some(other) = others.iter().find(|other| shape(other) != shape(first)) {
        return Err(wrong(
            name,
            format!("expected generators of the same features and classes, found {first} and {other}"),
        ));
    }
    others.iter().chain([first]).try_for_each(Generator::check)
}

fn write(f: &mut fmt::Formatter<'_>, name: &str, concepts: &[Kind], settings: &Written) -> fmt::Result {
    let concepts: Vec<String> = concepts.iter().map(Kind::to_string).collect();
    write!(f, "{name}({}; {settings})", concepts.join(" > "))
}

impl Drift {
    /// From one generator to another.
    ///
    /// # Errors
    ///
    /// If an option is out of its range, or the two differ in their features or classes.
    pub fn new(before: Synth, after: Synth, options: DriftOptions, seed: Seed) -> Result<Self, Error> {
        Self::of(vec![before.into_kind(), after.into_kind()], options, seed)
    }

    pub(super) fn of(concepts: Vec<Kind>, options: DriftOptions, seed: Seed) -> Result<Self, Error> {
        let drift = Drift { options, seed, random: seed.random(), concepts, row: 0 };
        drift.check()?;
        Ok(drift)
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, "drift", &self.concepts, &Written::new(&self.options, self.seed))
    }
}

impl Generator for Drift {
    fn columns(&self) -> Vec<Column> {
        self.concepts[0].columns()
    }

    fn classes(&self) -> usize {
        self.concepts[0].classes()
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        self.row += 1;
        let distance = self.row as f64 - self.options.at as f64;
        let new = self.random.uniform() < share_of_new(distance, self.options.width);
        self.concepts[usize::from(new)].fill(x)
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()?;
        if self.concepts.len() > 2 {
            let what = format!("expected two generators, found {} (see recurring)", self.concepts.len());
            return Err(wrong("drift", what));
        }
        check_alike("drift", &self.concepts)
    }
}

options! {
    /// Options of [`Recurring`].
    RecurringOptions as "recurring" {
        /// How many rows a concept lasts.
        every: usize = 1_000, in 1..;
        /// How many rows a change takes; 0 for a change from one row to the next.
        width: f64 = 0.0, in 0.0..;
    }
}

/// Generators in turn, again and again (recurring concepts: Widmer and Kubat, Learning in the presence of concept drift and
/// hidden contexts, Machine Learning 23(1), 1996). Around each change rows are mixed as in [`Drift`]. Each generator goes on
/// from where it stopped.
///
/// A specification has all of them between brackets: `recurring(sine > sine:function=1 > sine:function=2; every=1000)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recurring {
    options: RecurringOptions,
    seed: Seed,
    random: Random,
    concepts: Vec<Kind>,
    row: u64,
}

impl Recurring {
    /// These generators in turn.
    ///
    /// # Errors
    ///
    /// If an option is out of its range, there are fewer than two, or they differ in their features or classes.
    pub fn new(
        concepts: impl IntoIterator<Item = Synth>,
        options: RecurringOptions,
        seed: Seed,
    ) -> Result<Self, Error> {
        Self::of(concepts.into_iter().map(Synth::into_kind).collect(), options, seed)
    }

    pub(super) fn of(concepts: Vec<Kind>, options: RecurringOptions, seed: Seed) -> Result<Self, Error> {
        let recurring = Recurring { options, seed, random: seed.random(), concepts, row: 0 };
        recurring.check()?;
        Ok(recurring)
    }
}

impl fmt::Display for Recurring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, "recurring", &self.concepts, &Written::new(&self.options, self.seed))
    }
}

impl Generator for Recurring {
    fn columns(&self) -> Vec<Column> {
        self.concepts[0].columns()
    }

    fn classes(&self) -> usize {
        self.concepts[0].classes()
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        self.row += 1;
        let every = self.options.every as u64;
        // The nearest change; there is none at the beginning.
        let change = self.row.saturating_add(every / 2) / every;
        let distance = self.row as f64 - (change as f64) * every as f64;
        let drawn = self.random.uniform();
        let new = change == 0 || drawn < share_of_new(distance, self.options.width);
        let turn = change - u64::from(!new);
        let count = self.concepts.len() as u64;
        self.concepts[(turn % count) as usize].fill(x)
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()?;
        check_alike("recurring", &self.concepts)
    }
}
