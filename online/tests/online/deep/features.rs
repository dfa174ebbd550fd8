//! The laws of the deep learner whatever its features are made into.

use allocation_counter::measure;
use thalweg_online::features::FeatureSpec;
use thalweg_online::{Deep, Learner, Target, Task, conformance};

use crate::deep::support::{config, everything, learn, stream};

const TASKS: [Task; 2] = [Task::Classify, Task::Regress];
/// Every scaler, encoding, stand-in and series.
const SPECS: [&str; 8] = [
    "scale=robust; category=target:2,most=3; lags=2",
    "scale=minmax; category=hash:5; missing=last",
    "scale=maxabs; category=onehot:2; missing=zero:flag=false",
    "scale=adaptive; category=target:0; rolling=mean:3,std:2,min:4,max:2",
    "scale=none; lags=2..4; category((lag*))=hash:3",
    "category=embed:3,most=2",
    "scale=minmax; category=embed:2; category(word 0)=hash:3; lags=2",
    "scale(number 0)=robust; category(word 1)=target:1; missing(number*)=last:flag=false",
];

/// Unscaled numbers ask for small steps.
fn learner(task: Task, model: &str, features: &str, memory: &str) -> Deep {
    let features = FeatureSpec::parse(features).expect("there are such features");
    Deep::new(thalweg_online::Config { features, ..config(task, model, "adam:0.003", memory) })
}

#[test]
fn every_specification_obeys_the_laws() {
    for task in TASKS {
        for features in SPECS {
            for (model, memory) in [("mlp:5", "reservoir:6,replays=2"), ("gru:3,window=3", "none")] {
                let outcome = conformance::check(|| learner(task, model, features, memory));
                assert_eq!(outcome, Ok(()), "{task} {features} {model}");
            }
        }
    }
}

#[test]
fn learning_and_predicting_allocate_nothing_after_the_first_rows() {
    for task in TASKS {
        for features in SPECS {
            let mut learner = learner(task, "mlp:5", features, "reservoir:4,replays=1");
            learn(&mut learner, &everything());
            learn(&mut learner, &stream(1, 600));
            let rows = stream(2, 150);
            let used = measure(|| {
                for row in &rows[50..] {
                    assert!(learner.predict_one(&row.x).is_ok_and(|said| said.is_finite()));
                    assert!(learner.learn_one(&row.x, row.target(task)).is_ok_and(f64::is_finite));
                }
            });
            assert_eq!(used.count_total, 0, "{task} {features}");
        }
    }
}

/// The answer of a row is the sum of the two before it: nothing else tells it.
#[test]
fn lags_make_a_series_of_rows_without_features() -> Result<(), thalweg_online::Error> {
    let mut errors = ["", "lags=2"].map(|features| (learner(Task::Regress, "linear", features, "none"), 0.0));
    let (mut known, nothing): (_, [(&str, f64); 0]) = ([1.0, 2.0], []);
    for row in 0..2000 {
        let y = known[1] - known[0]; // a wave of six rows
        known = [known[1], y];
        for (learner, error) in &mut errors {
            if row >= 1900 {
                *error += (learner.predict_one(&nothing)?.value().unwrap_or(f64::NAN) - y).abs() / 100.0;
            }
            learner.learn_one(&nothing, Target::Value(y))?;
        }
    }
    assert!(errors[0].1 > 1.0 && errors[1].1 < 0.05, "{} {}", errors[0].1, errors[1].1);
    Ok(())
}
