//! Several numbers a row, predicted together.

use allocation_counter::measure;
use serde::{Deserialize, Serialize};
use thalweg_online::{
    Config, Deep, Delay, Error, ErrorKind, Learner, Prediction, Record, Row, Session, Stream, StreamOptions, Target,
    Task, checkpoint, conformance, stream,
};

use crate::deep::support::{self, config, elements, everything};

/// A number, and another that is known in two of three rows.
fn pair(value: f64) -> [f64; 2] {
    [value, if value.to_bits().is_multiple_of(3) { f64::NAN } else { 1.0 - value / 3.0 }]
}

/// Learns pairs where it is told one number.
#[derive(Clone, Serialize, Deserialize)]
struct Pairs<L>(L);

impl<L: Learner> Learner for Pairs<L> {
    fn task(&self) -> Task {
        self.0.task()
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        self.0.predict_one(x)
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        match y {
            Target::Value(value) => self.0.learn_one(x, Target::Values(&pair(value))),
            other => self.0.learn_one(x, other),
        }
    }
}

#[test]
fn pairs_obey_the_laws() {
    for model in ["linear", "mlp:5", "lstm:3,window=3"] {
        for memory in ["none", "reservoir:6,replays=2"] {
            let new = || Pairs(Deep::new(config(Task::Regress, model, "adam:0.01", memory)));
            assert_eq!(conformance::check(new), Ok(()), "{model} {memory}");
        }
    }
    assert_eq!(conformance::check(|| Pairs(thalweg_online::baseline::LastValue::new())), Ok(()));
    assert_eq!(conformance::check(|| Pairs(thalweg_online::baseline::RunningMean::new())), Ok(()));
}

#[test]
fn learning_and_predicting_allocate_nothing_after_the_first_rows() {
    for model in ["mlp:5", "gru:3,window=3"] {
        let mut learner = Pairs(Deep::new(config(Task::Regress, model, "sgd:0.01", "reservoir:4,replays=1")));
        for row in everything().iter().chain(&support::stream(1, 600)) {
            assert!(learner.predict_one(&row.x).is_ok_and(|said| said.is_finite()));
            learner.learn_one(&row.x, Target::Value(row.value)).expect("the row is good");
        }
        let rows = support::stream(2, 150);
        let used = measure(|| {
            for row in &rows[50..] {
                assert!(learner.predict_one(&row.x).is_ok_and(|said| said.numbers().len() == 2 && said.is_finite()));
                assert!(learner.learn_one(&row.x, Target::Value(row.value)).is_ok_and(f64::is_finite));
            }
        });
        assert_eq!(used.count_total, 0, "{model}");
    }
}

/// Without hidden layers two outputs have nothing in common: whatever the second is told, the first learns the same.
#[test]
fn outputs_of_a_linear_model_do_not_see_each_other() {
    let numbers = |other: f64| {
        let mut learner = Deep::new(config(Task::Regress, "linear", "sgd:0.03", "none"));
        let mut said = Vec::new();
        for row in support::stream(3, 60) {
            said.extend(learner.predict_one(&row.x).expect("the row is good").numbers().first().map(|y| y.to_bits()));
            learner.learn_one(&row.x, Target::Values(&[row.value, other * row.value])).expect("the row is good");
        }
        said
    };
    assert_eq!(numbers(1.0), numbers(-70.0));
    assert_eq!(numbers(1.0), numbers(f64::NAN));
}

#[test]
fn what_is_never_known_is_never_learned() {
    let rows = support::stream(4, 40);
    let mut learner = Deep::new(config(Task::Regress, "linear", "sgd:0.03", "none"));
    support::learn(&mut Deep::new(config(Task::Regress, "linear", "sgd:0.03", "none")), &rows);
    let second = |learner: &Deep| {
        let elements = elements(learner.params()).into_iter();
        elements
            .filter(|(name, [row, column], _)| name == "head.weight" && [*row, *column] == [1, 0])
            .collect::<Vec<_>>()
    };
    let mut before = Vec::new();
    for row in &rows {
        learner.learn_one(&row.x, Target::Values(&[row.value, f64::NAN])).expect("one of the two is known");
        if before.is_empty() {
            before = second(&learner);
        }
    }
    assert_eq!((second(&learner), before.len()), (before, 1));
    assert_eq!(learner.predict_one(&rows[0].x).expect("the row is good").numbers()[1], 0.0);
}

#[test]
fn as_many_numbers_as_before() {
    let mut learner = Deep::new(config(Task::Regress, "linear", "sgd", "none"));
    let x = [("x", 1.0)];
    let mut refuses = |values: &[f64]| learner.learn_one(&x, Target::Values(values)).err().map(|error| error.kind());
    assert_eq!([refuses(&[1.0, 2.0]), refuses(&[1.0])], [None, Some(ErrorKind::Value)]);
    assert_eq!([refuses(&[f64::NAN; 2]), refuses(&[1.0; 3])], [Some(ErrorKind::Value); 2]);
    let one = |learner: &mut Deep, y: Target<'_>| learner.learn_one(&x, y).expect("the row is good").to_bits();
    let [mut value, mut values] = [(); 2].map(|()| Deep::new(config(Task::Regress, "mlp:3", "sgd", "none")));
    for y in [1.0, -2.0, 0.5] {
        assert_eq!(one(&mut value, Target::Value(y)), one(&mut values, Target::Values(&[y])), "one number is a number");
    }
    for features in ["lags=2", "category=target"] {
        let features = thalweg_online::FeatureSpec::parse(features).expect("there are such features");
        let mut learner = Deep::new(Config { features, ..Config::new(Task::Regress) });
        let error = learner.learn_one(&x, Target::Values(&[1.0, 2.0])).expect_err("which of the two?");
        assert_eq!(error.kind(), ErrorKind::Spec);
    }
    let loss = thalweg_online::LossSpec::parse("quantile:0.5").expect("there is such a loss");
    let mut learner = Deep::new(Config { loss, ..Config::new(Task::Regress) });
    assert!(learner.learn_one(&x, Target::Values(&[1.0, 2.0])).is_err());
}

fn options() -> StreamOptions {
    let more_targets = vec!["low".to_owned()];
    StreamOptions { target: Some("high".to_owned()), more_targets, ..StreamOptions::default() }
}

/// Rows with two targets, of which some are missing.
fn text() -> String {
    let mut text = "wind,high,low,sky\n".to_owned();
    for row in 0..200_u32 {
        let wind = f64::from(row * 7919 % 83);
        let high = if row % 11 == 3 { String::new() } else { (2.0 * wind).to_string() };
        let low = if row % 5 == 3 || row % 11 == 3 { String::new() } else { (5.0 - wind).to_string() };
        text += &format!("{wind},{high},{low},{}\n", ["grey", "blue"][(row % 2) as usize]);
    }
    text
}

fn open(text: String) -> Box<dyn Stream> {
    stream::from_reader("f.csv", std::io::Cursor::new(text), &options()).expect("the header is good")
}

fn session(model: &str, delay: u32) -> Session {
    let config = config(Task::Regress, model, "sgd:0.03", "reservoir:9,replays=1");
    Session::new(config, "f.csv", options()).delayed(Delay::Rows(delay))
}

#[test]
fn several_columns_are_predicted_and_measured_each_by_itself() -> Result<(), Error> {
    assert_eq!(open(text()).infer_task()?, Task::Regress);
    for delay in [0, 3] {
        let (mut session, mut rows, mut record) = (session("mlp:6", delay), open(text()), Record::new());
        assert_eq!(rows.target(), "high,low");
        assert!(session.advance(&mut *rows, &mut record)?);
        assert_eq!((record.len(), record.target_text()), (2, None));
        assert_eq!(record.target(Task::Regress)?, Some(Target::Values(&[0.0, 5.0])));
        while session.advance(&mut *rows, &mut record)? {}
        session.finish()?;
        let scores = session.evaluation().scores();
        // Where both are missing, in every 11th row, there is nothing to learn.
        assert_eq!((session.unlabelled(), session.evaluation().rows()), (18, 182));
        let counts: Vec<u64> = scores.outputs().iter().map(thalweg_online::Scores::count).collect();
        assert!(
            scores.count() >= 182 - u64::from(delay.max(1)) && counts[0] == scores.count() && counts[1] < counts[0]
        );
        for name in ["mae", "rmse", "r2"] {
            let each: Vec<f64> = scores.outputs().iter().filter_map(|output| output.get(name)).collect();
            assert_eq!((scores.get(name), each.len()), (Some((each[0] + each[1]) / 2.0), 2), "{name}");
        }
        let [(_, mean), (_, last)] = session.evaluation().baselines();
        assert!(scores.get("mae") < mean.get("mae") && mean.get("mae") < last.get("mae"), "{scores:?}");
    }
    let error = open("x,high,low\n1,2,warm\n".to_owned()).read(&mut Record::new()).expect_err("it is no number");
    assert!(error.to_string().contains(r#"column "low": expected a number"#), "{error}");
    Ok(())
}

#[test]
fn a_stop_changes_nothing() -> Result<(), Error> {
    for (model, delay) in [("mlp:4", 0), ("lstm:3,window=4", 7)] {
        let run = |stop: u64| -> Result<Vec<u8>, Error> {
            let (mut session, mut rows, mut record) = (session(model, delay), open(text()), Record::new());
            while session.rows() < stop && session.advance(&mut *rows, &mut record)? {}
            let mut session: Session = checkpoint::decode(&checkpoint::encode(&session)?)?;
            let mut rows = open(text());
            session.follow(&mut *rows)?;
            while session.advance(&mut *rows, &mut record)? {}
            session.finish()?;
            checkpoint::encode(&session)
        };
        assert!(run(0)? == run(1)? && run(1)? == run(77)?, "{model} {delay}");
    }
    Ok(())
}
