//! Twins: two learners that must stay equal to the bit, whatever one of them goes through that changes nothing.

use proptest::prelude::*;
use thalweg_online::{Deep, ErrorKind, Learner, Target, Task, Value};
use thalweg_tensor::Rng;

use crate::deep::support::{OPTIMIZERS, advance, every_learner, everything, learn, reloaded, stream, whole};

const ROWS: usize = 45;

fn after(mut learner: Deep, rows: &[crate::deep::support::Example]) -> Deep {
    learn(&mut learner, rows);
    learner
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn resume_equals_never_stopped(seed in any::<u64>(), stop in 0..ROWS) {
        let rows = stream(seed, ROWS);
        every_learner(&OPTIMIZERS, |learner, name| {
            let mut unbroken = after(learner, &rows[..stop]);
            let mut resumed = reloaded(&unbroken).expect("what was saved can be loaded");
            let mut clone = unbroken.clone();
            for (index, row) in rows[stop..].iter().enumerate() {
                let said = advance(&mut unbroken, row);
                assert_eq!(advance(&mut resumed, row), said, "{name}: row {index} after the stop");
                assert_eq!(advance(&mut clone, row), said, "{name}: row {index} after the clone");
            }
            assert!(whole(&resumed) == whole(&unbroken), "{name}");
            assert!(whole(&clone) == whole(&unbroken), "{name}");
        });
    }

    #[test]
    fn predicting_changes_nothing(seed in any::<u64>()) {
        let (rows, others, mut rng) = (stream(seed, ROWS), stream(seed ^ 1, ROWS), Rng::new(seed));
        every_learner(&OPTIMIZERS[1..3], |mut silent, name| {
            let mut asked = silent.clone();
            for row in &rows {
                for _ in 0..rng.below(4) {
                    let other = &others[rng.below(ROWS)];
                    asked.predict_one(&other.x).expect("the row is good");
                    asked.logits_one(&row.x).expect("the row is good");
                }
                let [a, b] = [&mut silent, &mut asked]
                    .map(|learner| learner.learn_one(&row.x, row.target(learner.task())).expect("the row is good"));
                assert_eq!(a.to_bits(), b.to_bits(), "{name}");
            }
            assert!(whole(&silent) == whole(&asked), "{name}");
        });
    }

    #[test]
    fn the_order_of_features_does_not_matter(seed in any::<u64>()) {
        let (rows, mut rng) = (stream(seed, ROWS), Rng::new(seed));
        every_learner(&OPTIMIZERS[1..3], |learner, name| {
            let mut ordered = after(learner, &everything());
            let mut shuffled = ordered.clone();
            for row in &rows {
                let mut other = row.clone();
                rng.shuffle(&mut other.x);
                assert_eq!(advance(&mut ordered, row), advance(&mut shuffled, &other), "{name}");
            }
            assert!(whole(&ordered) == whole(&shuffled), "{name}");
        });
    }

    #[test]
    fn a_bad_row_changes_nothing(seed in any::<u64>(), stop in 6..ROWS) {
        let rows = stream(seed, stop);
        every_learner(&OPTIMIZERS[1..3], |learner, name| {
            let mut learner = after(after(learner, &everything()), &rows);
            let (task, before) = (learner.task(), whole(&learner));
            let (good, wrong) = match task {
                Task::Classify => (Target::Class("class 0"), Target::Value(1.0)),
                Task::Regress => (Target::Value(1.0), Target::Class("class 0")),
                Task::MultiLabel => (Target::of_labels(&["class 0"]), Target::Class("class 0")),
            };
            let x = [("number 0", Value::Number(1.0)), ("new", Value::Number(1.0))];
            let text = [("new", Value::Number(1.0)), ("number 1", Value::Text("tall"))];
            let twice = [("new", Value::Missing), ("new", Value::Number(1.0)), ("new", Value::Text("tall"))];
            let mut fails = |x: &dyn thalweg_online::Row, y, kind| {
                let error = learner.learn_one(x, y).expect_err("the row is bad");
                assert_eq!(error.kind(), kind, "{name}: {error}");
                assert!(whole(&learner) == before, "{name}: {error}");
            };
            fails(&x, wrong, ErrorKind::Type);
            fails(&text, good, ErrorKind::Type);
            fails(&twice, good, ErrorKind::Type);
            fails(&text, wrong, ErrorKind::Type);
            if task == Task::Regress {
                for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    fails(&x, Target::Value(number), ErrorKind::Value);
                }
            }
            assert!(learner.predict_one(&text).is_err(), "{name}");
            assert!(whole(&learner) == before, "{name}");
        });
    }
}
