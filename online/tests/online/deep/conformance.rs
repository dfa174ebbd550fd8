//! What any learner must bear: no rows, empty rows, wide rows, names that stand twice, the wrong task.

use thalweg_online::{Deep, ErrorKind, Features, Learner, Prediction, Target, Task, Value, conformance};
use thalweg_tensor::Rng;

use crate::deep::support::{Cells, OPTIMIZERS, advance, config, every_learner, stream};

fn good(task: Task) -> Target<'static> {
    match task {
        Task::Classify => Target::Class("yes"),
        Task::Regress => Target::Value(2.0),
        Task::MultiLabel => Target::of_labels(&["yes"]),
    }
}

#[test]
fn every_learner_obeys_the_laws() {
    every_learner(&OPTIMIZERS[2..3], |learner, name| {
        let config = learner.config().clone();
        assert_eq!(conformance::check(|| Deep::new(config.clone())), Ok(()), "{name}");
    });
}

#[test]
fn before_the_first_row_nothing_is_known() {
    every_learner(&OPTIMIZERS[..1], |mut learner, name| {
        assert!(matches!(learner.predict_one(&[("a", 1.0)]), Ok(Prediction::Unknown)), "{name}");
        assert_eq!(learner.logits_one(&[("a", 1.0)]).map(<[f32]>::len).ok(), Some(0), "{name}");
        assert!(learner.network().is_none() && learner.rows() == 0 && learner.classes().is_empty());
        learner.reset_state();
        learner.learn_one(&[("a", 1.0)], good(learner.task())).expect("the row is good");
        assert!(!matches!(learner.predict_one(&[("a", 1.0)]), Ok(Prediction::Unknown)), "{name}");
    });
}

#[test]
fn the_wrong_task_is_an_error_before_the_first_row_too() {
    every_learner(&OPTIMIZERS[..1], |mut learner, name| {
        let wrong = good(if learner.task() == Task::Classify { Task::Regress } else { Task::Classify });
        let error = learner.learn_one(&[("a", 1.0)], wrong).expect_err("it is of the other task");
        assert_eq!(error.kind(), ErrorKind::Type, "{name}");
        assert!(learner.network().is_none() && learner.features().is_empty(), "{name}");
    });
}

#[test]
fn features_may_vanish_and_rows_may_be_empty() {
    let rows = stream(1, 40);
    every_learner(&OPTIMIZERS[1..3], |mut learner, name| {
        let empty = Cells::new();
        for row in &rows {
            advance(&mut learner, row);
            let said = learner.learn_one(&empty, good(learner.task())).expect("an empty row is a row");
            assert!(said.is_finite(), "{name}");
            assert!(learner.predict_one(&empty).expect("an empty row is a row").is_finite(), "{name}");
        }
    });
}

/// Hidden units that begin without inputs must not be dead: here the first row says nothing, and a straight line through
/// the origin cannot separate |x| > 1 from the rest.
#[test]
fn a_network_that_began_with_an_empty_row_learns() -> Result<(), thalweg_online::Error> {
    for optimizer in ["sgd:0.1", "adam:0.01"] {
        let mut learner = Deep::new(config(Task::Classify, "mlp:24", optimizer, "none"));
        learner.learn_one(&Cells::new(), Target::Class("near"))?;
        let (mut rng, mut right) = (Rng::new(3), 0);
        for row in 0..4000 {
            let x = [("x", rng.range(-2.0, 2.0))];
            let label = if x[0].1.abs() > 1.0 { "far" } else { "near" };
            right += usize::from(row >= 3000 && learner.predict_one(&x)?.label() == Some(label));
            learner.learn_one(&x, Target::Class(label))?;
        }
        assert!(right > 900, "{optimizer}: {right} of 1000");
    }
    Ok(())
}

#[test]
fn a_row_may_have_a_thousand_features() {
    let names: Vec<String> = (0..1000).map(|feature| format!("feature {feature}")).collect();
    let mut rng = Rng::new(2);
    let rows: Vec<Vec<(&str, f64)>> =
        (0..6).map(|_| names.iter().map(|name| (name.as_str(), rng.normal())).collect()).collect();
    every_learner(&OPTIMIZERS[2..3], |mut learner, name| {
        learner.learn_one(&rows[0][..1].to_vec(), good(learner.task())).expect("the row is good");
        for row in &rows {
            learner.learn_one(row, good(learner.task())).expect("the row is good");
            assert!(learner.predict_one(row).expect("the row is good").is_finite(), "{name}");
        }
        assert!(learner.features().width() >= 1000, "{name}");
    });
}

/// Both readings count for mean and deviation, the later one is read; two categories are both there.
#[test]
fn a_name_that_stands_twice_gives_two_readings() -> Result<(), thalweg_online::Error> {
    let mut features = Features::new();
    let twice =
        [("a", Value::Number(1.0)), ("k", Value::Text("x")), ("a", Value::Number(3.0)), ("k", Value::Text("y"))];
    features.observe(&twice)?;
    assert_eq!(features.columns().collect::<Vec<_>>(), ["a", "k=x", "k=y"]);
    let (mut raw, mut x) = (Vec::new(), Vec::new());
    features.read(&twice, &mut raw)?;
    features.scale(&raw, &mut x);
    assert_eq!((raw.as_slice(), x.as_slice()), (&[3.0, 1.0, 1.0][..], &[1.0, 1.0, 1.0][..]));
    let mixed = [("new", Value::Number(1.0)), ("new", Value::Text("x"))];
    let error = features.observe(&mixed).expect_err("a number and then text");
    assert_eq!(error.to_string(), r#"column "new": expected a number, as before in this row, found "x""#);
    assert_eq!(features.len(), 2, "nothing was learned");
    every_learner(&OPTIMIZERS[..1], |mut learner, _| {
        for _ in 0..5 {
            learner.learn_one(&twice, good(learner.task())).expect("a name may stand twice");
        }
    });
    Ok(())
}
