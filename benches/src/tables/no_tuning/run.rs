//! One learner on one stream.

use std::fmt;
use std::path::PathBuf;

use thalweg_online::synth::{Generated, Seed, Synth};
use thalweg_online::{Config, Deep, DepthSpec, Error, Learner, Model, Record, StreamOptions, Task, stream};

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    pub title: &'static str,
    /// A file, a bundled stream, or a generator.
    name: &'static str,
    pub rows: usize,
}

const fn stream(title: &'static str, name: &'static str, rows: usize) -> Stream {
    Stream { title, name, rows }
}

impl Stream {
    /// Where it is, if it is a file: in the folder that `THALWEG_DATA` names.
    fn file(&self) -> Option<PathBuf> {
        self.is_a_file().then(|| PathBuf::from(std::env::var_os("THALWEG_DATA").unwrap_or_default()).join(self.name))
    }

    fn is_a_file(&self) -> bool {
        self.name.ends_with(".gz")
    }

    /// Whether it can be read.
    pub fn is_there(&self) -> bool {
        self.file().is_none_or(|file| file.is_file())
    }
}

/// Those of River, and 5 000 rows of generators with River's numbers.
pub const STREAMS: [Stream; 6] = [
    stream("Elec2", "elec2.csv.gz", 45_312),
    stream("Phishing", "phishing", 1250),
    stream("Bananas", "bananas.csv.gz", 5300),
    stream("Hyperplane", "hyperplane:river,seed=42,features=30", 5000),
    stream("LED", "led:river,seed=112,noise=0.28", 5000),
    stream("RandomRBF", "rbf:river,seed=42,classes=4,features=4,centroids=20", 5000),
];

/// What learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    /// `mlp:64 × 20`: so many layers of the same width.
    pub model: &'a str,
    pub optimizer: &'a str,
    pub depth: &'a str,
}

/// An MLP of two layers of 64, by this optimizer.
pub const fn rule(optimizer: &str) -> Setting<'_> {
    Setting { model: MLP, optimizer, depth: "none" }
}

const MLP: &str = "mlp:64,64";

impl Setting<'_> {
    fn config(self, seed: u64) -> Result<Config, Error> {
        let model = match self.model.split_once(" × ").and_then(|(item, times)| Some((item, times.parse().ok()?))) {
            Some((item, times)) => Model::parse(&vec![item; times].join(" > "))?,
            None => Model::parse(self.model)?,
        };
        let (optimizer, depth) = (self.optimizer.parse()?, DepthSpec::parse(self.depth)?);
        Ok(Config { model, optimizer, depth, seed, ..Config::new(Task::Classify) })
    }
}

impl fmt::Display for Setting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { model, optimizer, depth } = self;
        write!(f, "`{optimizer}`")?;
        if *model != MLP {
            write!(f, " of `{model}`")?
        }
        if *depth != "none" {
            write!(f, ", depth `{depth}`")?
        }
        Ok(())
    }
}

/// The accuracy in per cent over the first rows of a stream, each predicted before it is learned.
///
/// # Panics
///
/// If there is no such network or optimizer.
pub fn run_on(stream: Stream, setting: Setting<'_>, seed: u64, rows: usize) -> f64 {
    let accuracy = setting.config(seed).and_then(|config| accuracy(stream, config, rows));
    accuracy.unwrap_or_else(|error| panic!("{setting} on {}: {error}", stream.title))
}

fn accuracy(stream: Stream, config: Config, rows: usize) -> Result<f64, Error> {
    let mut source: Box<dyn thalweg_online::Stream> = match (stream.file(), stream::bundled::find(stream.name)) {
        (Some(file), _) => stream::open(file, &StreamOptions::default())?,
        (None, Some(bundled)) => bundled.open()?,
        (None, None) => Box::new(Generated::new(Synth::parse(stream.name, Seed::new(config.seed))?)),
    };
    let mut learner = Deep::new(config);
    let (mut record, mut right, mut seen) = (Record::new(), 0_u64, 0_u64);
    for _ in 0..rows.min(stream.rows) {
        if !source.read(&mut record)? {
            break;
        }
        let Some(target) = record.target(Task::Classify)? else { continue };
        let said = learner.predict_one(&record)?;
        right += u64::from(target.class().is_ok_and(|class| said.label() == Some(class)));
        learner.learn_one(&record, target)?;
        seen += 1;
    }
    Ok(100.0 * right as f64 / seen as f64)
}

#[cfg(test)]
mod tests {
    use super::super::{DEEP, RULES, SWEPT};
    use super::*;

    #[test]
    fn every_stream_has_its_rows_and_is_learned() {
        for stream in STREAMS.into_iter().filter(Stream::is_there) {
            let [first, all] = [60, 600].map(|rows| run_on(stream, rule("adam:0.003"), 1, rows));
            assert!(all > first.min(45.0) && all < 100.0, "{stream:?}: {first}, {all}");
        }
        let rows = |name: &str| stream::bundled::find(name).map(|bundled| bundled.rows as usize);
        for stream in STREAMS {
            assert!(rows(stream.name).is_none_or(|rows| rows == stream.rows), "{stream:?}");
        }
    }

    #[test]
    fn every_rule_is_one() {
        for setting in RULES.into_iter().chain(DEEP).chain(SWEPT.map(|(name, _)| rule(name))) {
            let accuracy = run_on(STREAMS[1], setting, 1, 50);
            assert!((20.0..100.0).contains(&accuracy), "{setting}: {accuracy}");
        }
    }
}
