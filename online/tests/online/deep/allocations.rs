//! Once everything has been seen and every place of the memory was used, nothing asks for memory.

use allocation_counter::measure;
use thalweg_online::{Deep, Learner, Task};

use crate::deep::support::{ALL_MEMORIES, Cell, Example, TASKS, config, everything, learn, stream};

/// Checks a law of what predicting and learning [`ROWS`] rows allocates, for every optimizer, memory and task.
fn after_the_first_rows(model: &str, optimizers: &[&str], memories: &[&str], law: impl Fn([u64; 2], &str)) {
    let warm_up: Vec<Example> = everything().into_iter().chain(stream(1, 600)).collect();
    let rows: Vec<Example> = stream(2, 50 + ROWS).into_iter().skip(50).collect();
    for task in TASKS {
        for optimizer in optimizers {
            for memory in memories.iter().filter(|memory| task == Task::Classify || !memory.starts_with("er-ace")) {
                let name = format!("{task} {model} {optimizer} {memory}");
                let mut learner = Deep::new(config(task, model, optimizer, memory));
                let first = measure(|| learn(&mut learner, &warm_up[..1])).count_total;
                assert!(first > 10, "{name}: the first row pays for the network: {first}");
                learn(&mut learner, &warm_up[1..]);
                let refused = learner.refused();
                let mut each = |use_row: &dyn Fn(&mut Deep, &Example) -> bool| {
                    measure(|| rows.iter().for_each(|row| assert!(use_row(&mut learner, row), "{name}"))).count_total
                };
                assert!(each(&|l, row| l.pass_one(&row.x).is_ok()) <= 8, "{name}: two states beside its own");
                let predicting = each(&|l, row| {
                    l.predict_one(&row.x).is_ok_and(|said| said.is_finite()) && l.pass_one(&row.x).is_ok()
                });
                let learning = each(&|l, row| l.learn_one(&row.x, row.target(task)).is_ok_and(f64::is_finite));
                law([predicting, learning], &name);
                assert_eq!(learner.refused(), refused, "{name}: all steps were taken");
                let mut new = rows[0].clone();
                new.x.push(("new".into(), Cell::Text("new".into())));
                assert!(measure(|| learn(&mut learner, &[new])).count_total > 0, "{name}: growth costs memory");
            }
        }
    }
}

const ROWS: usize = 100;

#[test]
fn learning_and_predicting_allocate_nothing_after_the_first_rows() {
    let gru = "gru:5,window=8,form=chung"; // has no fused sequence
    let optimizers = ["sgd", "sgd:0.01,momentum=0.9", "adam", "adamw:0.001,clip=1"];
    for model in ["linear", "mlp:9,9", "rnn:5,window=3", "lstm:5,window=3", "gru:5,window=3", "lstm:5,window=8", gru] {
        after_the_first_rows(model, &optimizers, &["none", "reservoir:4,replays=2"], |allocations, name| {
            assert_eq!(allocations, [0, 0], "{name}")
        });
    }
}

#[test]
fn no_memory_allocates_after_the_first_rows() {
    for model in ["mlp:9", "gru:5,window=3"] {
        after_the_first_rows(model, &["adam"], &ALL_MEMORIES, |allocations, name| {
            assert_eq!(allocations, [0, 0], "{name}")
        });
    }
}
