//! A detector of strange rows, on rows in which everything can happen.

use allocation_counter::measure;
use serde::{Deserialize, Serialize};
use thalweg_online::stream::bundled;
use thalweg_online::{
    Autoencoder, Error, Learner, Model, Prediction, Record, Row, Target, Task, anomaly::Config, conformance,
    metrics::exact_auc,
};

use crate::deep::support::{Example, everything, stream};

/// A detector, as something that predicts its score, to be run through the laws of learners. It looks at no target.
#[derive(Clone, Serialize, Deserialize)]
struct Scoring(Autoencoder);

impl Learner for Scoring {
    fn task(&self) -> Task {
        Task::Regress
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        let error = self.0.score_one(x)?;
        let rank = self.0.rank(error);
        assert!((0.0..=1.0).contains(&rank), "{rank}");
        Ok(Prediction::Value(error + rank))
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        y.number()?;
        self.0.learn_one(x)
    }
}

fn detector(model: &str, optimizer: &str, spared: Option<f64>) -> Autoencoder {
    let (model, optimizer) = (Model::parse(model).expect("a model"), optimizer.parse().expect("an optimizer"));
    Autoencoder::new(Config { model, optimizer, spared, ..Config::default() }).expect("they fit")
}

#[test]
fn it_obeys_the_laws() {
    for model in ["linear:2", "mlp:4,2", "linear:3 > layer_norm > tanh > dropout:0.1", "linear"] {
        for optimizer in ["sgd:0.03", "adam:0.01"] {
            for spared in [None, Some(0.9)] {
                let laws = conformance::check(|| Scoring(detector(model, optimizer, spared)));
                assert_eq!(laws, Ok(()), "{model} {optimizer} {spared:?}");
            }
        }
    }
}

#[test]
fn learning_and_scoring_allocate_nothing_after_the_first_rows() {
    for model in ["linear:2", "mlp:9,3"] {
        for (optimizer, spared) in [("sgd:0.01", None), ("adam", Some(0.9))] {
            let mut detector = detector(model, optimizer, spared);
            let mut run = |rows: &[Example]| {
                for row in rows {
                    assert!(detector.rank_one(&row.x).is_ok_and(f64::is_finite));
                    assert!(detector.learn_one(&row.x).is_ok_and(f64::is_finite));
                }
            };
            run(&everything());
            run(&stream(1, 60));
            let rows = stream(2, 150).split_off(50);
            assert_eq!(measure(|| run(&rows)).count_total, 0);
        }
    }
}

/// The bundled digits that show a 0 or a 1, and every seventieth of the others: the figure in the module's docs.
#[test]
fn among_zeros_and_ones_other_digits_are_strange() -> Result<(), Error> {
    let mut stream = bundled::find("digits").expect("they are bundled").open()?;
    let (mut record, mut others, mut scores) = (Record::new(), 0, Vec::new());
    let mut detector = Autoencoder::new(Config::default())?;
    while stream.read(&mut record)? {
        let is_other = !matches!(record.target_text(), Some("0" | "1"));
        others += u64::from(is_other);
        if is_other && others % 70 != 0 {
            continue;
        }
        scores.push((detector.score_one(&record)?, is_other, 1.0));
        detector.learn_one(&record)?;
    }
    let area = exact_auc(&mut scores);
    assert!(area > 0.75, "{area}");
    Ok(())
}
