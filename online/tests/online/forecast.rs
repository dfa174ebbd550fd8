//! Forecasts: each row is asked for the target of a later one.

use proptest::prelude::*;
use thalweg_online::baseline::LastValue;
use thalweg_online::{
    Arrival, Config, Deep, Delay, FeatureSpec, Learner, Metrics, Model, Prequential, Scores, Target, Task, checkpoint,
};

type Rows = Vec<([(&'static str, f64); 2], u8)>;

/// A learner and an evaluation that has many metrics.
fn begin(task: Task, model: &str) -> (Deep, Prequential) {
    let model = Model::parse(model).expect("there is such a model");
    let metrics = match task {
        Task::Classify => "auc,f1:macro@20,kappa_m,top:2",
        _ => "mape,pinball:0.9,mae@10",
    };
    let metrics = Metrics::parse(metrics).expect("there are such metrics");
    let evaluation = Prequential::with(task, &metrics).expect("they belong to the task");
    (Deep::new(Config { model, ..Config::new(task) }), evaluation)
}

/// All that is known at the end: figures, baselines' figures, learner; and how many rows were never answered.
fn end(mut learner: Deep, mut evaluation: Prequential) -> ([Vec<u8>; 4], u64) {
    evaluation.finish(&mut learner).expect("the rows are good");
    let bytes = |scores: &Scores| checkpoint::encode(scores).expect("they are small");
    let [first, second] = evaluation.baselines().map(|(_, scores)| bytes(scores));
    let learner = checkpoint::encode(&learner).expect("it is small");
    ([bytes(evaluation.scores()), first, second, learner], evaluation.unlabelled())
}

fn run(
    task: Task,
    (mut learner, mut evaluation): (Deep, Prequential),
    rows: &Rows,
    ahead: usize,
) -> ([Vec<u8>; 4], u64) {
    for (index, (x, _)) in rows.iter().enumerate() {
        let label = rows.get(index + ahead).map(|(_, y)| y.to_string());
        let y = label.as_deref().map(|label| match task {
            Task::Classify => Target::Class(label),
            _ => Target::Value(label.parse().expect("it is a number")),
        });
        let arrival = Arrival { x, y, row: index as u64 + 1, time: None, known: None };
        evaluation.arrive(&mut learner, arrival).expect("the row is good");
    }
    end(learner, evaluation)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Where the learner itself does not look at targets and carries no state, a forecast is the prediction of a shifted target that is late.
    #[test]
    fn a_forecast_is_a_delayed_label_of_a_shifted_stream(
        rows in prop::collection::vec((-3.0..3.0, -3.0..3.0, 0..4_u8), 1..60),
        horizon in 1..9_u32,
    ) {
        let rows: Rows = rows.into_iter().map(|(a, b, y)| ([("a", a), ("b", b)], y)).collect();
        for task in [Task::Classify, Task::Regress] {
            for model in ["mlp:4", "linear"] {
                let (learner, evaluation) = begin(task, model);
                let forecast = run(task, (learner.clone(), evaluation.clone().forecasting(horizon)), &rows, 0);
                let late = (learner, evaluation.delayed(Delay::Rows(horizon)));
                prop_assert!(forecast == run(task, late, &rows, horizon as usize), "{} {}", task, model);
            }
        }
    }
}

#[test]
fn a_horizon_of_nothing_is_none() {
    let rows: Rows = (0..50_u8).map(|k| ([("a", f64::from(k % 7)), ("b", f64::from(k % 3))], k % 11 % 4)).collect();
    for model in ["mlp:4", "lstm:4"] {
        let (learner, evaluation) = begin(Task::Classify, model);
        let forecast = run(Task::Classify, (learner.clone(), evaluation.clone().forecasting(0)), &rows, 0);
        assert!(forecast == run(Task::Classify, (learner, evaluation), &rows, 0), "{model}");
    }
}

#[test]
fn the_last_value_is_as_wrong_as_the_series_moves_within_the_horizon() {
    let series: Vec<f64> = (0..200).map(|t| f64::from(t * t % 37)).collect();
    for horizon in [1_usize, 5, 12] {
        let (mut learner, mut evaluation) =
            (LastValue::new(), Prequential::new(Task::Regress).forecasting(horizon as u32));
        for &y in &series {
            evaluation.step(&mut learner, &[("x", 0.0)], Target::Value(y)).expect("the row is good");
        }
        evaluation.finish(&mut learner).expect("the rows are good");
        // The first target that anybody is told is the one of row 1 + H.
        let pairs = series.iter().zip(&series[horizon..]).skip(horizon);
        let errors: Vec<f64> = pairs.map(|(now, later)| (later - now).abs()).collect();
        let expected = errors.iter().sum::<f64>() / errors.len() as f64;
        let found = evaluation.scores().get("mae").expect("it is always measured");
        assert!((found - expected).abs() < 1e-12, "{horizon}: {found} and {expected}");
        let [_, (name, last)] = evaluation.baselines();
        assert_eq!((name, last, evaluation.unlabelled()), ("last_value", evaluation.scores(), horizon as u64));
    }
}

/// The class in three rows follows from that of now, which no feature but the lag knows: if a lag meant something else when
/// it is learned, no row would be right.
#[test]
fn lags_are_learned_as_they_were_when_the_row_was_predicted() {
    let lags = [("linear", "lags=1"), ("mlp:16", "lags=2")];
    one_of_seven_follows_from_the_last_that_is_known(&lags, |evaluation| evaluation.delayed(Delay::Rows(3)));
    one_of_seven_follows_from_the_last_that_is_known(&lags, |evaluation| evaluation.forecasting(3));
    // The rows in between are in the state.
    let state = [("rnn:8", "scale=standard")];
    one_of_seven_follows_from_the_last_that_is_known(&state, |evaluation| evaluation.delayed(Delay::Rows(3)));
    one_of_seven_follows_from_the_last_that_is_known(&state, |evaluation| evaluation.forecasting(3));
}

fn one_of_seven_follows_from_the_last_that_is_known(
    learners: &[(&str, &str)],
    later: impl Fn(Prequential) -> Prequential,
) {
    for (model, features) in learners {
        let features = FeatureSpec::parse(features).expect("they can be");
        let model = Model::parse(model).expect("there is such a model");
        let mut learner = Deep::new(Config { model, features, ..Config::new(Task::Classify) });
        let metrics = Metrics::parse("accuracy@100").expect("there is such a metric");
        let evaluation = Prequential::with(Task::Classify, &metrics).expect("it belongs to the task");
        let mut evaluation = later(evaluation);
        for t in 0..2000_u32 {
            // Seven classes, in an order that is not that of their numbers.
            let label = (t * 3 % 7).to_string();
            evaluation.step(&mut learner, &[("x", 1.0)], Target::Class(&label)).expect("the row is good");
        }
        let accuracy = evaluation.scores().get("accuracy@100").expect("it was asked for");
        assert!(accuracy > 0.95, "{:?}: {accuracy}", learner.config().model);
        let [_, (_, last)] = evaluation.baselines();
        assert_eq!((last.get("accuracy@100"), last.get("kappa_temporal")), (Some(0.0), Some(0.0)));
        assert!(learner.predict_one(&[("x", 1.0)]).is_ok());
    }
}

#[test]
fn rows_come_in_the_order_of_their_numbers() {
    let (mut learner, mut evaluation) = (LastValue::new(), Prequential::new(Task::Regress).forecasting(2));
    let x = [("x", 0.0)];
    let arrival = Arrival { x: &x, y: Some(Target::Value(1.0)), row: 4, time: None, known: None };
    evaluation.arrive(&mut learner, arrival).expect("the row is good");
    let error = evaluation.arrive(&mut learner, arrival).expect_err("it came already").to_string();
    assert_eq!(error, "expected rows in their order, row 5 or a later one, found row 4");
}
