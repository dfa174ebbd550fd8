//! Halving: one of the experts is left, and all learn again when it has become worse.

use allocation_counter::measure;
use thalweg_online::adapt::{Adaptive, PolicySpec};
use thalweg_online::checkpoint::{decode, encode};
use thalweg_online::recurrent::GradientSpec;
use thalweg_online::{Config, Deep, Learner, Target, Task};

use crate::deep::support::{config, reloaded, whole};

/// A product of two numbers, of which the sign changes.
fn product(k: u32, sign: f64) -> ([(&'static str, f64); 2], f64) {
    let (a, b) = (f64::from(k * 7 % 13) - 6.0, f64::from(k * 5 % 11) - 5.0);
    ([("a", a), ("b", b)], sign * a * b)
}

pub fn of_products(optimizer: &str) -> Config {
    config(Task::Regress, "mlp:16", optimizer, "none")
}

/// The mean loss of rows, learned one by one.
pub fn mean_loss(learner: &mut Deep, rows: std::ops::Range<u32>, sign: f64) -> f64 {
    let count = f64::from(rows.end - rows.start);
    let learn = |k| {
        let (x, y) = product(k, sign);
        learner.learn_one(&x, Target::Value(y)).expect("the row is good").min(9.0)
    };
    rows.map(learn).sum::<f64>() / count
}

#[test]
fn halving_leaves_one_and_opens_again_after_a_change() {
    let mut learner = Deep::new(of_products("halving(sgd),every=100"));
    assert_eq!(learner.learning(), 7);
    mean_loss(&mut learner, 0..300, 1.0);
    assert_eq!(learner.learning(), 1);
    mean_loss(&mut learner, 300..3000, 1.0);
    assert_eq!(learner.learning(), 1, "nothing has changed");
    let opened = (3000..3400).find(|&k| {
        mean_loss(&mut learner, k..k + 1, -1.0);
        learner.learning() == 7
    });
    assert!(opened.is_some(), "it has become another world");
    mean_loss(&mut learner, 3400..3800, -1.0);
    assert_eq!(learner.learning(), 1);
    let after = mean_loss(&mut learner, 3800..5000, -1.0);
    assert!(after < 0.2, "{after}");
}

/// What an expert is made of is what every other begins with when all learn again: recurrent state and traces, too, or the θ that
/// a schedule-free optimizer predicts by.
#[test]
fn experts_of_any_kind_learn_again() {
    for (optimizer, model, gradient) in [
        ("halving(sgd),every=20,rates=3", "gru:8,last=false", "snap1"),
        ("halving(adam),every=20,rates=3", "carry:last=false > lru:8 > mlp:8", "exact"),
        ("halving(sgd),every=20,rates=3", "lstm:8,window=2,last=false", "tbptt"),
        ("halving(schedule-free-adamw),every=20,rates=3", "mlp:16", "tbptt"),
        ("halving(obgd|autostep),every=20,rates=1", "mlp:16", "tbptt"),
    ] {
        let gradient = GradientSpec::parse(gradient).expect("a rule");
        let mut learner = Deep::new(Config { gradient, ..config(Task::Regress, model, optimizer, "none") });
        let all = learner.learning();
        mean_loss(&mut learner, 0..2000, 1.0);
        assert_eq!(learner.learning(), 1, "{optimizer} {model}");
        let opened = (2000..3000).find(|&k| {
            mean_loss(&mut learner, k..k + 1, -1.0);
            learner.learning() == all
        });
        let opened = opened.unwrap_or_else(|| panic!("{optimizer} {model}: nobody has noticed"));
        let mut again = reloaded(&learner).unwrap_or_else(|error| panic!("{optimizer} {model}: {error}"));
        for k in opened + 1..opened + 90 {
            let losses = [&mut again, &mut learner].map(|one| mean_loss(one, k..k + 1, -1.0));
            assert!(losses[0] == losses[1] && losses[0].is_finite(), "{optimizer} {model}: {losses:?}");
        }
        assert!(whole(&again) == whole(&learner) && learner.learning() == 1, "{optimizer} {model}");
    }
}

/// Neither while several learn nor when one is left; only an opening asks for memory.
#[test]
fn who_is_left_learns_without_new_memory() {
    let mut learner = Deep::new(of_products("halving(sgd),every=100"));
    mean_loss(&mut learner, 0..50, 1.0);
    let used = measure(|| {
        mean_loss(&mut learner, 50..90, 1.0);
    });
    assert_eq!((used.count_total, learner.learning()), (0, 7));
    mean_loss(&mut learner, 90..1000, 1.0);
    let used = measure(|| {
        mean_loss(&mut learner, 1000..1100, 1.0);
    });
    assert_eq!((used.count_total, learner.learning()), (0, 1));
}

/// A policy acts on the whole panel: every expert's optimizer is restarted, every head drawn anew.
#[test]
fn panels_are_watched_by_policies_and_resume_to_the_bit() {
    for policy in ["optimizer", "head", "rate:3,rows=50", "background:warmup=20"] {
        for optimizer in ["hedge(sgd|adam),rates=1", "halving(sgd),every=40,rates=3"] {
            let drift = "page-hinkley:min_instances=30,threshold=10".parse().expect("a detector");
            let policy_spec = PolicySpec::parse(policy).expect("a policy");
            let learner = Deep::new(of_products(optimizer));
            let mut unbroken = Adaptive::new(learner, drift, policy_spec).expect("a network can do anything");
            let mut stopping = unbroken.clone();
            for k in 0..1200 {
                let (x, y) = product(k, if k < 600 { 1.0 } else { -1.0 });
                let [one, other] = [&mut unbroken, &mut stopping]
                    .map(|one| one.learn_one(&x, Target::Value(y)).expect("the row is good"));
                assert_eq!(one.to_bits(), other.to_bits(), "{policy} {optimizer}, row {k}");
                if k % 50 == 49 {
                    stopping = decode(&encode(&stopping).expect("it is small")).expect("it was just saved");
                }
            }
            assert!(unbroken.history().drifts() > 0, "{policy} {optimizer}");
            assert!(encode(&stopping).ok() == encode(&unbroken).ok(), "{policy} {optimizer}");
            let mut learner = unbroken.learner().clone();
            let after = mean_loss(&mut learner, 1200..1500, -1.0);
            assert!(after < 0.5, "{policy} {optimizer}: {after}");
        }
    }
}
