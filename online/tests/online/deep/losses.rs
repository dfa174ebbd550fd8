//! What is minimised where numbers are predicted.

use allocation_counter::measure;
use proptest::prelude::*;
use thalweg_online::metrics::Loss;
use thalweg_online::{Config, Deep, ErrorKind, Learner, LossSpec, Prediction, Session, Target, Task, conformance};
use thalweg_tensor::Rng;

use crate::deep::support::{config, everything, learn, stream};

const LOSSES: [&str; 5] = ["mae", "huber:0.5", "huber:2", "quantile:0.5", "quantile:0.1,0.5,0.75"];

fn learner(loss: &str, model: &str, optimizer: &str, memory: &str) -> Deep {
    let loss = LossSpec::parse(loss).expect("there is such a loss");
    Deep::new(Config { loss, ..config(Task::Regress, model, optimizer, memory) })
}

#[test]
fn every_loss_obeys_the_laws() {
    for loss in LOSSES {
        for (model, memory) in [("mlp:5", "reservoir:6,replays=2"), ("gru:3,window=3", "none")] {
            let outcome = conformance::check(|| learner(loss, model, "adam:0.003", memory));
            assert_eq!(outcome, Ok(()), "{loss} {model}");
        }
    }
}

#[test]
fn learning_and_predicting_allocate_nothing_after_the_first_rows() {
    for loss in LOSSES {
        let mut learner = learner(loss, "mlp:5", "sgd:0.01", "reservoir:4,replays=1");
        learn(&mut learner, &everything());
        learn(&mut learner, &stream(1, 600));
        let rows = stream(2, 150);
        let used = measure(|| {
            for row in &rows[50..] {
                assert!(learner.predict_one(&row.x).is_ok_and(|said| said.is_finite()));
                assert!(learner.learn_one(&row.x, row.target(Task::Regress)).is_ok_and(f64::is_finite));
            }
        });
        assert_eq!(used.count_total, 0, "{loss}");
    }
}

/// Without features there is nothing but a bias: it goes to what the loss is least for. The targets are 0, 1, … 9, and now
/// and then 1000.
#[test]
fn each_loss_has_its_own_least() -> Result<(), thalweg_online::Error> {
    let nothing: [(&str, f64); 0] = [];
    for (loss, range) in [
        ("mse", 30.0..70.0),
        ("mae", 3.5..5.5),
        ("quantile:0.5", 3.5..5.5),
        ("huber:0.01", 3.5..8.5),
        ("quantile:0.9", 8.0..10.5),
        ("quantile:0.1", -0.5..1.5),
    ] {
        let mut learner = learner(loss, "linear", "adam:0.0003", "none");
        let mut rng = Rng::new(1);
        for _ in 0..20_000 {
            let y = if rng.below(20) == 0 { 1000.0 } else { rng.below(10) as f64 };
            learner.learn_one(&nothing, Target::Value(y))?;
        }
        let value = learner.predict_one(&nothing)?.value().unwrap_or(f64::NAN);
        assert!(range.contains(&value), "{loss}: {value}");
    }
    Ok(())
}

/// The share of targets in the interval is what the quantiles say, and the pinball losses are those of the definition.
#[test]
fn the_interval_covers_what_it_says() -> Result<(), thalweg_online::Error> {
    let (mut rng, mut text) = (Rng::new(2), "x,y\n".to_owned());
    for _ in 0..6000 {
        let x = rng.range(-1.0, 1.0);
        text += &format!("{x},{}\n", 3.0 * x + (1.5 + x) * rng.normal());
    }
    let loss = LossSpec::parse("quantile:0.1,0.5,0.9")?;
    let config = Config { loss, ..Config::new(Task::Regress) };
    let options = thalweg_online::StreamOptions::default();
    let mut rows = thalweg_online::stream::from_reader("f.csv", std::io::Cursor::new(text), &options)?;
    let (mut session, mut record) = (Session::new(config, "f.csv", options), thalweg_online::Record::new());
    let [mut by_hand, mut inside] = [0.0; 2];
    let mut twin = session.learner().clone();
    while session.advance(&mut *rows, &mut record)? {
        let y = record.target(Task::Regress)?.expect("all rows have one");
        if let Prediction::Quantiles { values, .. } = twin.predict_one(&record)? {
            by_hand += Loss::Pinball(0.9).of(y.number()?, values[2]);
            inside += f64::from(u8::from((values[0]..=values[2]).contains(&y.number()?)));
        }
        twin.learn_one(&record, y)?;
    }
    let scores = session.evaluation().scores();
    let names: Vec<&str> = scores.entries().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["mae", "rmse", "r2", "pinball:0.1", "pinball:0.5", "pinball:0.9", "coverage"]);
    assert_eq!((scores.count(), scores.get("coverage")), (5999, Some(inside / 5999.0)));
    assert!((0.75..0.85).contains(&(inside / 5999.0)), "{inside}");
    assert!((scores.get("pinball:0.9").expect("it is measured") - by_hand / 5999.0).abs() < 1e-9);
    let [(_, mean), _] = session.evaluation().baselines();
    assert!(mean.get("coverage") < Some(0.01) && mean.get("pinball:0.9") > scores.get("pinball:0.9"));
    Ok(())
}

proptest! {
    /// Putting quantiles into order never costs anything.
    #[test]
    fn order_never_costs(values in prop::collection::vec(-9.0..9.0_f64, 1..6), y in -9.0..9.0_f64) {
        let cost = |values: &[f64]| -> f64 {
            let quantile = |index: usize| (index + 1) as f64 / (values.len() + 1) as f64;
            values.iter().enumerate().map(|(index, &value)| Loss::Pinball(quantile(index)).of(y, value)).sum()
        };
        let mut ordered = values.clone();
        ordered.sort_by(f64::total_cmp);
        prop_assert!(cost(&ordered) <= cost(&values) + 1e-12);
    }
}

#[test]
fn classes_have_no_loss_of_numbers() {
    let mut learner = Deep::new(Config { loss: LossSpec::Mae, ..Config::new(Task::Classify) });
    let error = learner.learn_one(&[("x", 1.0)], Target::Class("a")).expect_err("it is for numbers");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Spec, r#"expected no loss of numbers to classify, found "mae""#)
    );
}
