//! Growth changes nothing that was known: logits, θ, Adam's moments, all to the bit.

use proptest::prelude::*;
use thalweg_online::{Deep, Learner, Target, Task};

use crate::deep::support::{Cell, Cells, Example, OPTIMIZERS, bits, elements, every_learner, learn, stream};

const ROWS: usize = 30;

/// The logits of rows at the beginning of a sequence, for a recurrent learner too.
fn logits(learner: &Deep, rows: &[Example]) -> Vec<Vec<u32>> {
    let mut fresh = learner.clone();
    fresh.reset_state();
    rows.iter().map(|row| bits(fresh.logits_one(&row.x).expect("the row is good"))).collect()
}

/// Panics unless all that `old` holds is in `new`, bit for bit and at the same row and column.
#[track_caller]
fn assert_in_place(old: &thalweg_autograd::Flat<f32>, new: &thalweg_autograd::Flat<f32>, what: &str) -> usize {
    let (old, new) = (elements(old), elements(new));
    let mut rest = new.iter();
    for element in &old {
        // Both are in the order of names, rows and columns, and `new` has more of each.
        assert!(rest.any(|other| other == element), "{what}: {element:?} is not in place");
    }
    new.len() - old.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// A learner whose row has something new takes the step of a twin whose row lacks it: the weights of new inputs are
    /// zero, so neither output nor gradient of what is old can differ.
    #[test]
    fn new_inputs_change_nothing_it_knew(seed in any::<u64>()) {
        let rows = stream(seed, ROWS);
        let novelties: [(&str, Cell); 4] = [
            ("a new number", Cell::Number(-7.5)),
            ("word 0", Cell::Text("a new category".into())),
            ("number 0", Cell::Missing),
            ("a new word", Cell::Text("new".into())),
        ];
        // Neither clipping by the norm of the whole gradient nor absence from a row may hide anything here.
        every_learner(&OPTIMIZERS[..4], |mut learner, name| {
            let plain = |row: &Example| -> Cells {
                row.x.iter().filter(|(f, cell)| f != "word 0" && !(f == "number 0" && matches!(cell, Cell::Missing))).cloned().collect()
            };
            for row in &rows[..ROWS - 1] {
                let row = Example { x: plain(row), ..row.clone() };
                learn(&mut learner, &[row]);
            }
            let last = Example { x: vec![("number 1".into(), Cell::Number(2.0))], ..rows[ROWS - 2].clone() };
            // Twice, so that nothing about it is new later: a recurrent learner sees its answer as the last target.
            learn(&mut learner, &[last.clone(), last.clone()]);
            for novelty in &novelties {
                let (mut twin, mut grown) = (learner.clone(), learner.clone());
                let mut with_it = last.clone();
                with_it.x.push((novelty.0.into(), novelty.1.clone()));
                learn(&mut twin, std::slice::from_ref(&last));
                learn(&mut grown, &[with_it]);
                let what = format!("{name}: {novelty:?}");
                assert!(grown.features().width() > twin.features().width(), "{what} is new");
                assert!(assert_in_place(twin.params(), grown.params(), &what) > 0, "{what}");
                if let (Some(old), Some(new)) = (twin.moments(), grown.moments()) {
                    for (old, new) in old.into_iter().zip(new) {
                        assert!(assert_in_place(old, new, &what) > 0, "{what}");
                    }
                }
                let known: Vec<Example> = rows.iter().map(|row| Example { x: plain(row), ..row.clone() }).collect();
                assert_eq!(logits(&twin, &known), logits(&grown, &known), "{what}");
            }
        });
    }

    /// With a learning rate of zero, growth is all that happens to θ. The row is empty: means and deviations stay.
    #[test]
    fn a_new_class_changes_no_logit(seed in any::<u64>()) {
        let rows = stream(seed, ROWS);
        every_learner(&["sgd:0", "sgd:0,momentum=0.9", "adam:0", "adamw:0"], |mut learner, name| {
            if learner.task() != Task::Classify {
                return;
            }
            learn(&mut learner, &rows);
            let (known, before) = (learner.classes().len(), logits(&learner, &rows));
            let theta = learner.params().clone();
            learner.learn_one(&Cells::new(), Target::Class("a new class")).expect("a class may be new");
            assert_eq!(learner.classes().len(), known + 1);
            assert!(assert_in_place(&theta, learner.params(), name) > 0, "{name}");
            for (before, after) in before.iter().zip(logits(&learner, &rows)) {
                assert_eq!(before, &after[..known], "{name}");
                assert_eq!(after[known..], [0], "{name}: it is as likely as a logit of 0 is");
            }
        });
    }
}
