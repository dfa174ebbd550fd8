//! One learner on one stream.

use thalweg_online::synth::{Generated, Seed, Synth};
use thalweg_online::{Config, Deep, Error, Learner, Model, Record, Task, stream};

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    pub title: &'static str,
    /// A bundled stream, or a generator.
    name: &'static str,
    pub rows: usize,
}

const fn stream(title: &'static str, name: &'static str, rows: usize) -> Stream {
    Stream { title, name, rows }
}

/// Those of River, and 5 000 rows of generators with River's numbers.
pub const STREAMS: [Stream; 6] = [
    stream("Elec2", "elec2", 45_312),
    stream("Phishing", "phishing", 1250),
    stream("Bananas", "bananas", 5300),
    stream("Hyperplane", "hyperplane:river,seed=42,features=30", 5000),
    stream("LED", "led:river,seed=112,noise=0.28", 5000),
    stream("RandomRBF", "rbf:river,seed=42,classes=4,features=4,centroids=20", 5000),
];

/// The accuracy in per cent of a network by an optimizer, over the first rows of a stream, each predicted
/// before it is learned.
///
/// # Panics
///
/// If there is no such network or optimizer.
pub fn run_on(stream: Stream, model: &str, optimizer: &str, seed: u64, rows: usize) -> f64 {
    let accuracy = accuracy(stream, model, optimizer, seed, rows);
    accuracy.unwrap_or_else(|error| panic!("{optimizer} on {}: {error}", stream.title))
}

fn accuracy(stream: Stream, model: &str, optimizer: &str, seed: u64, rows: usize) -> Result<f64, Error> {
    let mut source: Box<dyn thalweg_online::Stream> = match stream::bundled::find(stream.name) {
        Some(bundled) => bundled.open()?,
        None => Box::new(Generated::new(Synth::parse(stream.name, Seed::new(seed))?)),
    };
    let (model, optimizer) = (Model::parse(model)?, optimizer.parse()?);
    let mut learner = Deep::new(Config { model, optimizer, seed, ..Config::new(Task::Classify) });
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
    use super::super::{MLP, RULES, SWEPT};
    use super::*;

    #[test]
    fn every_stream_has_its_rows_and_is_learned() {
        for stream in STREAMS.into_iter().filter(|stream| stream.title != "Elec2") {
            let [first, all] = [60, 600].map(|rows| run_on(stream, MLP, "adam:0.003", 1, rows));
            assert!(all > first.min(45.0) && all < 100.0, "{stream:?}: {first}, {all}");
        }
        let rows = |name: &str| stream::bundled::find(name).map(|bundled| bundled.rows as usize);
        for stream in STREAMS {
            assert!(rows(stream.name).is_none_or(|rows| rows == stream.rows), "{stream:?}");
        }
    }

    #[test]
    fn every_rule_is_one() {
        let swept = SWEPT.map(|(optimizer, _)| (MLP, optimizer));
        for (model, optimizer) in RULES.map(|rule| (rule.model, rule.optimizer)).into_iter().chain(swept) {
            let accuracy = run_on(STREAMS[1], model, optimizer, 1, 50);
            assert!((20.0..100.0).contains(&accuracy), "{optimizer} of {model}: {accuracy}");
        }
    }
}
