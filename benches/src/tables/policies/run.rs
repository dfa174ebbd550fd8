//! One learner, one stream: test, then learn.

use thalweg_online::adapt::{Adaptive, PolicySpec};
use thalweg_online::synth::Example;
use thalweg_online::{Config, Deep, DetectorSpec, Error, Learner, Model, Prediction, Task};
use xxhash_rust::xxh3::Xxh3;

use super::stream::{CONCEPTS, Stream};

/// A learner of the table: its network and its optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub model: &'static str,
    pub optimizer: &'static str,
}

/// What became of a learner on a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Whether each row was right before it was learned.
    pub right: Vec<bool>,
    /// The rows at which a drift was declared, counted from 0.
    pub drifts: Vec<u64>,
    /// Of all that was said, to the bit.
    pub said: u64,
}

impl Run {
    /// Of all rows, in per cent.
    pub fn accuracy(&self) -> f64 {
        let right = self.right.iter().filter(|&&right| right).count();
        100.0 * right as f64 / self.right.len() as f64
    }
}

/// A learner on a stream of so many rows a concept, with a policy or alone.
pub fn run(
    named: Named,
    policy: Option<(&DetectorSpec, &PolicySpec)>,
    stream: &Stream,
    every: usize,
    seed: u64,
) -> Result<Run, Error> {
    let deep = Deep::new(Config {
        model: Model::parse(named.model)?,
        optimizer: named.optimizer.parse()?,
        seed,
        ..Config::new(Task::Classify)
    });
    match policy {
        None => go(deep, stream, every, seed, |_| 0),
        Some((detector, policy)) => {
            let learner = Adaptive::new(deep, *detector, policy.clone())?;
            go(learner, stream, every, seed, |learner| learner.history().drifts())
        }
    }
}

fn go<L: Learner>(
    mut learner: L,
    stream: &Stream,
    every: usize,
    seed: u64,
    drifts: impl Fn(&L) -> u64,
) -> Result<Run, Error> {
    let (mut rows, mut row) = (stream.start(every, seed)?, Example::new());
    let mut run = Run { right: Vec::new(), drifts: Vec::new(), said: 0 };
    let mut said = Xxh3::new();
    for k in 0..(CONCEPTS * every) as u64 {
        rows.next_row(&mut row);
        let target = row.target();
        let prediction = learner.predict_one(&row)?;
        run.right.push(prediction.label().is_some_and(|label| target.class().is_ok_and(|class| class == label)));
        if let Prediction::Classes { labels, probabilities } = prediction {
            for (label, p) in labels.iter().zip(probabilities) {
                said.update(label.as_bytes());
                said.update(&p.to_bits().to_le_bytes());
            }
        }
        let before = drifts(&learner);
        learner.learn_one(&row, target)?;
        if drifts(&learner) > before {
            run.drifts.push(k);
        }
    }
    run.said = said.digest();
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::super::stream::STREAMS;
    use super::*;

    #[test]
    fn a_run_sees_where_a_stream_changes() {
        let sine = STREAMS.iter().find(|stream| stream.name == "Sine").expect("it is there");
        let named = Named { model: "mlp:8", optimizer: "sgd:0.1" };
        let [report, rate] = ["report", "rate:10"].map(|policy| PolicySpec::parse(policy).expect("it is a policy"));
        let of = |policy| run(named, policy, sine, 1000, 1).expect("it learns");
        let detector = DetectorSpec::default();
        let [none, report, rate] = [of(None), of(Some((&detector, &report))), of(Some((&detector, &rate)))];
        assert!(none.drifts.is_empty() && (60.0..100.0).contains(&none.accuracy()), "{}", none.accuracy());
        assert!(report.drifts.iter().any(|row| (1000..1200).contains(row)), "{:?}", report.drifts);
        assert_eq!(Run { drifts: Vec::new(), ..report }, none);
        assert!(rate.said != none.said && rate.right[..1000] == none.right[..1000]);
    }
}
