//! A detector of strange rows, on rows in which everything can happen.

use allocation_counter::measure;
use thalweg_online::stream::bundled;
use thalweg_online::{Autoencoder, Error, Model, Record, anomaly::Config, metrics::exact_auc};

use crate::deep::support::{Example, everything, stream};

#[test]
fn learning_and_scoring_allocate_nothing_after_the_first_rows() -> Result<(), Error> {
    for model in ["linear:2", "mlp:9,3"] {
        for (optimizer, spared) in [("sgd:0.01", None), ("adam", Some(0.9))] {
            let (model, optimizer) = (Model::parse(model)?, optimizer.parse()?);
            let mut detector = Autoencoder::new(Config { model, optimizer, spared, ..Config::default() })?;
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
    Ok(())
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
