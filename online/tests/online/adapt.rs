//! What each policy does at a drift, and what none of them may change.

use allocation_counter::measure;
use thalweg_online::adapt::{Adapt, Adaptive, PolicySpec};
use thalweg_online::checkpoint::{decode, encode};
use thalweg_online::synth::{Example, Seed, Synth};
use thalweg_online::{
    AnyLearner, Config, Deep, Delay, DetectorSpec, FeatureSpec, Learner, MemorySpec, Metrics, Model, Prediction,
    Session, StreamOptions, Target, Task, conformance,
};

const POLICIES: [&str; 5] = ["report", "optimizer", "head", "rate:10,rows=500", "background:warmup=50"];

fn config(task: Task, model: &str, optimizer: &str) -> Config {
    let model = Model::parse(model).expect("a model");
    Config { model, optimizer: optimizer.parse().expect("an optimizer"), ..Config::new(task) }
}

fn adaptive(config: Config, drift: &str, policy: &str) -> Adaptive<Deep> {
    let (drift, policy) = (drift.parse().expect("a detector"), PolicySpec::parse(policy).expect("a policy"));
    Adaptive::new(Deep::new(config), drift, policy).expect("a network can do anything")
}

/// Rows of a stream, the first of them 1.
fn rows(stream: &str, seed: u64, count: u64, mut each: impl FnMut(u64, &Example)) {
    let mut stream = Synth::parse(stream, Seed::new(seed)).expect("a stream");
    let mut row = Example::new();
    for number in 1..=count {
        stream.next_row(&mut row);
        each(number, &row);
    }
}

fn learn(learner: &mut impl Learner, row: &Example) -> u64 {
    learner.learn_one(row, row.target()).expect("the row is good").to_bits()
}

const FLIP: &str = "drift(stagger > stagger:function=2; at=1000)";

#[test]
fn every_policy_obeys_the_laws() {
    for policy in POLICIES.into_iter().chain(["background:warmup=3,patience=9"]) {
        // All of them find many drifts where there is little to learn.
        for (drift, task, model) in [
            ("cusum:warm_start=4,threshold=1", Task::Classify, "mlp:4"),
            ("page-hinkley:min_instances=3,threshold=0.5", Task::Classify, "gru:3,window=3"),
            ("cusum:warm_start=4,threshold=1", Task::Regress, "lstm:3,window=2"),
            ("ddm:warm_start=4,warning_threshold=0.5,drift_threshold=1", Task::MultiLabel, "mlp:4"),
        ] {
            let features = FeatureSpec::parse(if task == Task::Regress { "lags=2" } else { "" }).expect("features");
            let memory = MemorySpec::parse("reservoir:3").expect("a memory");
            let config = Config { features, memory, ..config(task, model, "adam:0.01") };
            let broken = conformance::check(|| adaptive(config.clone(), drift, policy)).err();
            // A model in the background may be there at the end and not before, and it meets the features anew.
            const BEGINS_ANEW: [&str; 2] = ["memory is bounded", "the order of known features does not matter"];
            let may_break = |law: &str| policy.starts_with("background") && BEGINS_ANEW.contains(&law);
            let broken: Vec<_> =
                broken.into_iter().flat_map(|broken| broken.laws).filter(|(law, _)| !may_break(law)).collect();
            assert!(broken.is_empty(), "{policy} {drift} {task} {model}: {broken:?}");
        }
    }
}

#[test]
fn what_only_reports_is_the_plain_learner() {
    for model in ["mlp:8", "gru:4"] {
        let mut plain = Deep::new(config(Task::Classify, model, "sgd:0.03"));
        let mut watched = adaptive(plain.config().clone(), "adwin", "report");
        rows(FLIP, 1, 2000, |_, row| assert_eq!(learn(&mut plain, row), learn(&mut watched, row)));
        assert_eq!(encode(&plain).unwrap(), encode(watched.learner()).unwrap(), "{model}");
        let history = watched.history();
        assert!(history.last().any(|row| (1000..1200).contains(&row)), "{history:?}");
        assert_eq!(history.rows(), 2000);
    }
}

/// What a schedule-free optimizer predicts by is not what it keeps in θ while it learns: a restart goes on from the former.
#[test]
fn a_restart_leaves_what_is_predicted() {
    for optimizer in
        ["schedule-free-sgd", "schedule-free-adamw:0.01", "adam:0.01", "hedge(schedule-free-sgd|sgd),rates=1"]
    {
        let mut learner = Deep::new(config(Task::Regress, "mlp:8", optimizer));
        learner.restart_optimizer(); // nothing was learned yet
        rows("friedman", 1, 200, |_, row| _ = learn(&mut learner, row));
        rows("friedman", 2, 5, |_, row| {
            let before = learner.predict_one(row).expect("the row is good").value();
            learner.restart_optimizer();
            assert_eq!(learner.predict_one(row).expect("the row is good").value(), before, "{optimizer}");
        });
    }
}

/// The accuracy in the 500 rows after the change.
fn recovery(config: Config, policy: &str) -> f64 {
    let mut learner = adaptive(config, "adwin", policy);
    let mut right = 0;
    rows(FLIP, 3, 1500, |number, row| {
        let Target::Class(label) = row.target() else { panic!("a class") };
        let is_right = learner.predict_one(row).expect("the row is good").label() == Some(label);
        right += u32::from(number > 1000 && is_right);
        learn(&mut learner, row);
    });
    f64::from(right) / 500.0
}

#[test]
fn what_was_learned_slowly_is_sooner_unlearned_by_every_policy() {
    let slow = || config(Task::Classify, "mlp:16", "sgd:0.01");
    let report = recovery(slow(), "report");
    for (policy, gain) in [("head", 0.1), ("rate:10,rows=500", 0.1), ("background:warmup=50", 0.05)] {
        let after = recovery(slow(), policy);
        assert!(after > report + gain, "{policy}: {after}, and {report} without");
    }
    // What has stopped moving begins to move again.
    let ended = || config(Task::Classify, "mlp:16", "sgd:0.05,exponential=0.996");
    let (report, restarted) = (recovery(ended(), "report"), recovery(ended(), "optimizer"));
    assert!(restarted > report + 0.3, "{restarted}, and {report} without");
}

#[test]
fn stopped_and_loaded_it_goes_on() {
    let drift = "ddm"; // it warns
    for policy in POLICIES {
        let new = || adaptive(config(Task::Classify, "gru:3,window=3", "adam:0.01"), drift, policy);
        let (mut unbroken, mut stopping, mut with_background) = (new(), new(), 0);
        rows(FLIP, 2, 1400, |number, row| {
            if number % 7 == 0 && !(30..=980).contains(&number) {
                with_background += u32::from(stopping.background().is_some());
                stopping = decode(&encode(&stopping).unwrap()).unwrap();
            }
            assert_eq!(learn(&mut unbroken, row), learn(&mut stopping, row), "{policy}, row {number}");
        });
        assert_eq!(encode(&unbroken).unwrap(), encode(&stopping).unwrap(), "{policy}");
        assert!(unbroken.history().drifts() > 0, "{policy}");
        assert_eq!(with_background > 0, policy.starts_with("background"), "{policy}");
    }
}

#[test]
fn a_model_that_began_in_vain_leaves_nothing_behind() {
    let mut plain = Deep::new(config(Task::Classify, "mlp:8", "sgd:0.03"));
    let mut watched = adaptive(plain.config().clone(), "page-hinkley:threshold=30", "background:patience=20");
    rows("stagger", 1, 600, |number, row| {
        // A false alarm.
        let other = if row.y() == 0.0 { Target::Class("1") } else { Target::Class("0") };
        let y = if (300..318).contains(&number) { other } else { row.target() };
        for learner in [&mut plain as &mut dyn Learner, &mut watched] {
            learner.learn_one(row, y).expect("the row is good");
        }
        if number == 317 {
            assert!(watched.background().is_some());
        }
    });
    let history = watched.history();
    assert!(history.warnings() > 0 && history.dropped() > 0 && history.drifts() == 0, "{history:?}");
    assert!(watched.background().is_none());
    assert_eq!(encode(&plain).unwrap(), encode(watched.learner()).unwrap());
}

#[test]
fn a_model_that_takes_over_knows_the_classes_in_their_order() {
    let mut learner = adaptive(config(Task::Classify, "mlp:8", "sgd:0.1"), "hddm-a", "background:warmup=30");
    let (mut known, mut steps) = (Vec::new(), 0);
    for k in 0..3000_u32 {
        // The first class comes no more, and a new one after the change.
        let labels = if k < 1500 { ["z", "y", "x"] } else { ["x", "z", if k < 2500 { "y" } else { "new" }] };
        let x = [("a", f64::from(k * 7 % 3)), ("b", f64::from(k % 5))];
        learner.learn_one(&x, Target::Class(labels[(k * 7 % 3) as usize])).expect("the row is good");
        let Ok(Prediction::Classes { labels, .. }) = learner.predict_one(&x) else { panic!("classes") };
        assert!(labels.starts_with(&known), "{k}: {labels:?} after {known:?}");
        known = labels.to_vec();
        assert!(learner.learner().steps() >= steps && learner.learner().rows() == u64::from(k) + 1, "{k}");
        steps = learner.learner().steps();
    }
    assert_eq!(known, ["z", "y", "x", "new"]);
    assert!(learner.history().drifts() > 0);
    assert!(steps > learner.history().rows(), "two learned at a time");
}

#[test]
fn labels_may_come_late() {
    for policy in POLICIES {
        let learner = adaptive(config(Task::Classify, "gru:4,window=3", "sgd:0.1"), "adwin", policy);
        let mut evaluation = thalweg_online::Prequential::new(Task::Classify).delayed(Delay::Rows(20));
        let mut learner = AnyLearner::from(learner);
        rows(FLIP, 4, 2000, |_, row| {
            evaluation.step(&mut learner, row, row.target()).expect("the row is good");
        });
        evaluation.finish(&mut learner).expect("they are good");
        let history = learner.as_adaptive().expect("it is watched").history();
        assert!(history.last().any(|row| (1000..1200).contains(&row)), "{policy}: {history:?}");
        assert_eq!(learner.rows(), 2000);
        learner.reset_state();
        assert!(evaluation.scores().entries()[0].1 > 0.8, "{policy}");
    }
}

#[test]
fn watching_asks_for_no_memory() {
    for (drift, policy) in
        [("adwin", "report"), ("kswin:alpha=0.0000001", "rate"), ("hddm-a", "head"), ("ddm", "background")]
    {
        let mut learner = adaptive(config(Task::Classify, "mlp:8", "adam:0.01"), drift, policy);
        let mut used = 0;
        rows("stagger", 1, 1200, |number, row| {
            let count = measure(|| {
                learn(&mut learner, row);
            });
            used += if number > 600 { count.count_total } else { 0 };
        });
        assert_eq!((used, learner.history().last().filter(|&row| row > 600).count()), (0, 0), "{drift} {policy}");
    }
}

#[test]
fn a_session_may_be_watched() {
    let learner = adaptive(config(Task::Classify, "mlp:8", "sgd:0.03"), "hddm-w:watch=both", "rate:5");
    let options = StreamOptions::default();
    let session = Session::of(learner, "rows", options, &Metrics::default()).expect("they fit");
    let loaded: Session = decode(&encode(&session).unwrap()).unwrap();
    let settings = loaded.learner().settings();
    let said = |name| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    assert_eq!((said("drift"), said("policy")), (Some("hddm-w:watch=both"), Some("rate:5,rows=500")));
    let drift = DetectorSpec::parse("page-hinkley:watch=down").expect("a detector");
    assert!(Adaptive::new(Deep::new(Config::new(Task::Regress)), drift, PolicySpec::Report).is_err());
}
