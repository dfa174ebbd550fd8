//! What a checkpoint is made of is pinned: whoever changes it knows that a new version is due.

use thalweg_online::recurrent::GradientSpec;
use thalweg_online::{Config, Deep, DepthSpec, Learner, MemorySpec, Model, PlasticitySpec, Task, checkpoint};
use xxhash_rust::xxh3::xxh3_64;

use crate::deep::support::{TASKS, everything};

/// Where it has changed on purpose: raise `checkpoint::VERSION`, and put the new numbers here.
const HASH: u64 = 0xdbd5_298a_0f48_3507;
const LENGTHS: [usize; 6] = [8769, 23_032, 7885, 21_633, 8657, 23_016];

fn config(task: Task, model: &str, gradient: &str, optimizer: &str, memory: &str, plasticity: &str) -> Config {
    Config {
        model: Model::parse(model).expect("a model"),
        gradient: GradientSpec::parse(gradient).expect("a gradient"),
        optimizer: optimizer.parse().expect("an optimizer"),
        memory: MemorySpec::parse(memory).expect("a memory"),
        plasticity: PlasticitySpec::parse(plasticity).expect("a rule"),
        depth: DepthSpec::parse(if model.starts_with("mlp") { "hedge" } else { "none" }).expect("a depth"),
        probe: 5,
        ..Config::new(task)
    }
}

fn all() -> Vec<Config> {
    let of = |task| {
        [
            config(task, "mlp:3,2", "tbptt", "adam:0.01", "reservoir:4", "none"),
            config(task, "lstm:3 > mlp:2", "snap1", "hedge(sgd|autostep),rates=1", "none", "redo"),
        ]
    };
    TASKS.into_iter().flat_map(of).collect()
}

fn encoded(learner: &Deep) -> Vec<u8> {
    checkpoint::encode(learner).expect("it is small")
}

#[test]
fn the_bytes_of_learners_are_pinned() {
    let bytes: Vec<u8> = all().into_iter().flat_map(|config| encoded(&Deep::new(config))[12..].to_vec()).collect();
    let mut learners: Vec<Deep> = all().into_iter().map(Deep::new).collect();
    for row in everything() {
        for learner in &mut learners {
            learner.learn_one(&row.x, row.target(learner.task())).expect("the row is good");
        }
    }
    // Of what was learned the length alone: the last bits of numbers are the machine's.
    let lengths: Vec<usize> = learners.iter().map(|learner| encoded(learner).len()).collect();
    let found = format!("{:#x}, {lengths:?}", xxh3_64(&bytes));
    assert_eq!(found, format!("{HASH:#x}, {LENGTHS:?}"), "the format has changed: a new version is due");
}
