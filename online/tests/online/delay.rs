//! Labels that come late, and a state that does not wait for them.

use proptest::prelude::*;
use thalweg_online::{
    Arrival, Config, Deep, Delay, Delayed, FeatureSpec, Learner, Metrics, Model, Prequential, Target, Task, Weighted,
    checkpoint,
};

const MODELS: [&str; 3] = ["lstm:3,window=3,last=false", "gru:4,last=false", "carry:last=false > rnn:3x2 > mlp:4"];

fn deep(task: Task, model: &str) -> Deep {
    let model = Model::parse(model).expect("there is such a model");
    let features = FeatureSpec::parse("scale=none").expect("they can be");
    let optimizer = "adam:0.01".parse().expect("there is such an optimizer");
    Deep::new(Config { model, features, optimizer, ..Config::new(task) })
}

/// A cycle of `period` classes. A row says that the last class was the first one, or that it was another.
fn accuracy(model: &str, period: usize, delay: u32) -> f64 {
    let metrics = Metrics::parse("accuracy@200").expect("there is such a metric");
    let evaluation = Prequential::with(Task::Classify, &metrics).expect("it belongs to the task");
    let mut evaluation = evaluation.delayed(Delay::Rows(delay));
    let mut learner = deep(Task::Classify, model);
    for t in 0..1800 {
        let x = [("first", f64::from(u8::from(t % period == 1)))];
        evaluation.step(&mut learner, &x, Target::Class(["a", "b", "c", "d"][t % period])).expect("the row is good");
    }
    evaluation.scores().get("accuracy@200").expect("it was asked for")
}

#[test]
fn a_cycle_is_known_by_its_rows_however_late_its_labels_are() {
    for period in [3, 4] {
        for delay in [1, 5, 50] {
            let known = accuracy("lstm:8,window=8,last=false", period, delay);
            assert!(known > 0.98, "{known} of {period}, late by {delay}");
            // A row alone tells one class from the others.
            let most = 2.0 / period as f64 + 0.05;
            let accuracy = accuracy("mlp:16", period, delay);
            assert!(accuracy < most, "{accuracy} of {period}, late by {delay}");
        }
    }
}

/// What is learned, and from what, is the same however late: the same row behind the same rows.
#[test]
fn a_delay_changes_what_is_said_and_nothing_that_is_learned() {
    for model in MODELS {
        let learned = |delay, horizon: usize| {
            let mut learner = deep(Task::Regress, model);
            let mut evaluation =
                Prequential::new(Task::Regress).delayed(Delay::Rows(delay)).forecasting(horizon as u32);
            for t in 0..120_usize {
                let y = (t >= horizon).then(|| Target::Value(((t - horizon) * 3 % 7) as f64));
                let x = [("x", (t % 5) as f64)];
                let arrival = Arrival { x: &x, y, row: t as u64 + 1, time: None, known: None };
                evaluation.arrive(&mut learner, arrival).expect("the row is good");
            }
            // The last rows are asked for targets that do not come.
            evaluation.finish(&mut learner).expect("the rows are good");
            (learner.fingerprint(), evaluation.scores().get("mae"))
        };
        let at_once = learned(0, 0);
        for delay in [2, 9, 500] {
            let late = learned(delay, 0);
            assert_eq!(late.0, at_once.0, "{model} late by {delay}");
            assert_ne!(late.1, at_once.1, "{model} late by {delay}");
        }
        assert_eq!(learned(0, 4).0, learned(30, 4).0, "{model}");
    }
}

/// A learner that has learned a little and whose θ stands still: rows weigh nothing.
fn still(model: &str) -> Deep {
    let mut learner = deep(Task::Regress, model);
    for t in 0..40_u32 {
        learner.learn_one(&row(t), Target::Value(f64::from(t * 3 % 5))).expect("the row is good");
    }
    learner
}

fn row(t: u32) -> Weighted<[(&'static str, f64); 1]> {
    Weighted([("x", f64::from(t * 7 % 11))], if t < 40 { 1.0 } else { 0.0 })
}

fn said(service: &mut Delayed<Deep>, id: &str, t: u32) -> u64 {
    let said = service.predict(id, &row(t)).expect("the row is good").value();
    said.expect("it is a number").to_bits()
}

/// What may become of a row that waits.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Waits,
    IsLearned,
    IsForgotten,
    IsRefused,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// θ standing still, what is said follows from the rows in the order in which they came, and from nothing else.
    #[test]
    fn what_becomes_of_a_label_does_not_move_the_state(
        fates in prop::collection::vec(
            (prop_oneof![Just(Fate::Waits), Just(Fate::IsLearned), Just(Fate::IsForgotten), Just(Fate::IsRefused)], 1..4_u32),
            1..25,
        ),
        capacity in 2..6_usize,
    ) {
        for model in MODELS {
            let mut service = Delayed::new(still(model), capacity);
            let mut plain = still(model);
            for (t, &(fate, age)) in (40_u32..).zip(&fates) {
                let expected = plain.predict_one(&row(t)).expect("the row is good").value().expect("it is a number");
                prop_assert_eq!(said(&mut service, &t.to_string(), t), expected.to_bits(), "{} {}", model, t);
                plain.pass_one(&row(t)).expect("the row is good");
                // The row that came last waits for a while.
                let id = (t - age).to_string();
                let waits = service.ids().any(|other| other == id);
                match fate {
                    Fate::IsLearned => prop_assert_eq!(service.learn(&id, Target::Value(1.0)).is_ok(), waits),
                    Fate::IsForgotten => prop_assert_eq!(service.forget(&id), waits),
                    Fate::IsRefused => {
                        prop_assert!(service.learn(&id, Target::Class("a")).is_err());
                        prop_assert!(service.predict("new", &[("x", "text")]).is_err());
                    }
                    Fate::Waits => {}
                }
                if t % 5 == 0 {
                    let bytes = checkpoint::encode(&service).expect("it is small");
                    service = checkpoint::decode(&bytes).expect("it is good");
                    prop_assert_eq!(checkpoint::encode(&service).expect("it is small"), bytes);
                }
            }
            let next = row(99);
            let expected = plain.predict_one(&next).expect("the row is good").value();
            prop_assert_eq!(service.into_learner().predict_one(&next).expect("the row is good").value(), expected);
        }
    }
}

#[test]
fn a_label_that_comes_before_the_next_row_is_not_late() {
    for model in MODELS {
        let (mut service, mut plain) = (Delayed::new(still(model), 10), still(model));
        for t in 40..60 {
            let y = Target::Value(f64::from(t % 3));
            let expected = plain.predict_one(&row(t)).expect("the row is good").value().map(f64::to_bits);
            assert_eq!(Some(said(&mut service, "row", t)), expected, "{model}");
            assert_eq!(service.learn("row", y).ok(), plain.learn_one(&row(t), y).ok(), "{model}");
        }
        let bytes = |learner: &Deep| checkpoint::encode(learner).expect("it is small");
        assert_eq!(bytes(service.learner()), bytes(&plain), "{model}");
    }
}

#[test]
fn a_row_without_a_label_is_what_the_next_is_predicted_behind() {
    for (model, looks_back) in [(MODELS[0], true), (MODELS[1], true), ("mlp:4", false)] {
        for delay in [0, 3] {
            let said = |unlabelled: u32| {
                let (mut learner, mut evaluation) =
                    (still(model), Prequential::new(Task::Regress).delayed(Delay::Rows(delay)));
                let x = row(unlabelled);
                let arrival = Arrival { x: &x, y: None, row: 1, time: None, known: None };
                evaluation.arrive(&mut learner, arrival).expect("the row is good");
                let text = [("x", "text")];
                assert!(evaluation.arrive(&mut learner, Arrival { x: &text, row: 2, ..arrival }).is_err());
                assert_eq!(evaluation.unlabelled(), 1);
                learner.predict_one(&row(50)).expect("the row is good").value()
            };
            assert_eq!(said(41) != said(42), looks_back, "{model}, late by {delay}");
        }
    }
}

#[test]
fn a_new_sequence_has_passed_nothing() {
    for model in MODELS {
        let (mut passed, mut fresh) = (still(model), still(model));
        for t in 40..45 {
            passed.pass_one(&row(t)).expect("the row is good");
        }
        [&mut passed, &mut fresh].into_iter().for_each(Deep::reset_state);
        let bytes = |learner: &Deep| checkpoint::encode(learner).expect("it is small");
        assert_eq!(bytes(&passed), bytes(&fresh), "{model}");
    }
}
