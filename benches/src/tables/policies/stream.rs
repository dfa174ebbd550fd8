//! The streams, with their changes known by construction.

use thalweg_online::Error;
use thalweg_online::synth::{Seed, Synth};

/// How many concepts a stream has, one after the other.
pub const CONCEPTS: usize = 4;

/// How a stream changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Not at all.
    Never,
    /// From one row to the next.
    Abrupt,
    /// Rows of two concepts are mixed, for a fifth of the rows that a concept lasts.
    Gradual,
    /// With every row a little.
    Incremental,
}

/// A stream.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    pub name: &'static str,
    pub change: Change,
    /// In turn, from the first again behind the last; of what has no changes of this kind there is one.
    concepts: &'static [&'static str],
}

const fn stream(name: &'static str, change: Change, concepts: &'static [&'static str]) -> Stream {
    Stream { name, change, concepts }
}

/// The thresholds in the order of the paper.
const SEA: [&str; 4] =
    ["sea:noise=0.1", "sea:variant=1,noise=0.1", "sea:variant=2,noise=0.1", "sea:variant=3,noise=0.1"];
const STAGGER: [&str; 3] = ["stagger", "stagger:function=1", "stagger:function=2"];
const AGRAWAL: [&str; 4] = [
    "agrawal:perturbation=0.05",
    "agrawal:function=1,perturbation=0.05",
    "agrawal:function=2,perturbation=0.05",
    "agrawal:function=3,perturbation=0.05",
];
/// Each has a seed of its own: other planes, other clouds.
const PLANES: [&str; 4] = ["hyperplane"; 4];
const CLOUDS: [&str; 4] = ["rbf"; 4];
/// The same curve, and the classes swapped.
const SINE: [&str; 2] = ["sine", "sine:function=1"];

/// What learners are compared on.
pub const STREAMS: [Stream; 16] = [
    stream("SEA", Change::Never, &SEA),
    stream("STAGGER", Change::Never, &STAGGER),
    stream("Agrawal", Change::Never, &AGRAWAL),
    stream("Hyperplane", Change::Never, &PLANES),
    stream("RandomRBF", Change::Never, &CLOUDS),
    stream("SEA", Change::Abrupt, &SEA),
    stream("STAGGER", Change::Abrupt, &STAGGER),
    stream("Agrawal", Change::Abrupt, &AGRAWAL),
    stream("Hyperplane", Change::Abrupt, &PLANES),
    stream("RandomRBF", Change::Abrupt, &CLOUDS),
    stream("Sine", Change::Abrupt, &SINE),
    stream("SEA", Change::Gradual, &SEA),
    stream("STAGGER", Change::Gradual, &STAGGER),
    stream("Agrawal", Change::Gradual, &AGRAWAL),
    stream("Hyperplane", Change::Incremental, &["hyperplane:drifting=10,magnitude=0.001"]),
    stream("RandomRBF", Change::Incremental, &["rbf:speed=0.001"]),
];

impl Change {
    /// As in the table.
    pub fn name(self) -> &'static str {
        match self {
            Change::Never => "never",
            Change::Abrupt => "abrupt",
            Change::Gradual => "gradual",
            Change::Incremental => "incremental",
        }
    }

    /// How many rows are mixed at a change, where a concept lasts for `every`.
    pub fn width(self, every: usize) -> usize {
        if self == Change::Gradual { every / 5 } else { 0 }
    }
}

impl Stream {
    /// The specification, where a concept lasts for `every` rows.
    pub fn specification(&self, every: usize) -> String {
        match self.change {
            Change::Never | Change::Incremental => self.concepts[0].to_owned(),
            Change::Abrupt | Change::Gradual => {
                let width = self.change.width(every);
                format!("recurring({}; every={every},width={width})", self.concepts.join(" > "))
            }
        }
    }

    /// The stream before its first row.
    pub fn start(&self, every: usize, seed: u64) -> Result<Synth, Error> {
        Synth::parse(&self.specification(every), Seed::new(seed))
    }

    /// The first row of each new concept, counted from 0; where rows are mixed, the first that is more likely new than old.
    pub fn changes(&self, every: usize) -> Vec<usize> {
        match self.change {
            Change::Never | Change::Incremental => Vec::new(),
            Change::Abrupt | Change::Gradual => (1..CONCEPTS).map(|concept| concept * every).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_online::synth::Example;

    #[test]
    fn every_stream_can_be_made() {
        for stream in STREAMS {
            let made = stream.start(5000, 1);
            assert!(made.as_ref().is_ok_and(|made| made.classes() == 2), "{stream:?}: {made:?}");
        }
    }

    /// Sine swaps its classes: the label of a point tells the concept.
    #[test]
    fn an_abrupt_change_is_where_it_is_said_to_be() {
        let sine = STREAMS.iter().find(|stream| stream.name == "Sine").expect("it is there");
        let mut rows = sine.start(1000, 3).expect("it is a stream");
        let mut row = Example::new();
        let concepts: Vec<bool> = (0..4000)
            .map(|_| {
                rows.next_row(&mut row);
                (row.x()[1] < row.x()[0].sin()) == (row.y() == 1.0)
            })
            .collect();
        let places: Vec<usize> = (1..4000).filter(|&k| concepts[k] != concepts[k - 1]).collect();
        assert_eq!(places, sine.changes(1000));
    }
}
