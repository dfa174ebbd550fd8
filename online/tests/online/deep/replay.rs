//! Update by samples: how many steps, on which examples, by whose dice.

use thalweg_online::{Config, Deep, Learner, MemorySpec, Target, Task, checkpoint};

use crate::deep::support::{ALL_MEMORIES, MODELS, TASKS, advance, bits, config, elements, learn, stream, whole};

#[test]
fn each_row_takes_one_step_and_one_for_each_replay() {
    let rows = stream(5, 20);
    for task in TASKS {
        for model in MODELS {
            for (memory, replays) in [("none", 0), ("reservoir:3", 1), ("reservoir:3,replays=4", 4)] {
                let mut learner = Deep::new(config(task, model, "sgd:0.001", memory));
                for (row, before) in rows.iter().zip(0_u64..) {
                    let steps = learner.steps();
                    learn(&mut learner, std::slice::from_ref(row));
                    // The memory is empty at the first row: what is new is kept after the replays.
                    let expected = 1 + if before == 0 { 0 } else { replays };
                    assert_eq!(learner.steps() - steps, expected, "{task} {model} {memory}");
                    assert_eq!(learner.remembered() as u64, (before + 1).min(replays.min(1) * 3), "{memory}");
                }
            }
        }
    }
}

/// A memory of one example: after the second row, the first is replayed. Flags need no scaling, so learning the first row
/// once more is the same.
#[test]
fn a_replay_is_a_step_on_the_old_example() {
    let [first, second] = [[("sky", "clear")], [("sky", "rain")]];
    for optimizer in ["sgd:0.1", "sgd:0.1,momentum=0.9", "adam:0.1"] {
        for model in ["linear", "mlp:6"] {
            let [mut replaying, mut plain] = ["reservoir:1,replays=1", "none"]
                .map(|memory| Deep::new(config(thalweg_online::Task::Classify, model, optimizer, memory)));
            let learn = |learner: &mut Deep, x: &[(&str, &str)], class| {
                learner.learn_one(&x, Target::Class(class)).expect("the row is good")
            };
            learn(&mut replaying, &first, "dry");
            learn(&mut replaying, &second, "wet");
            learn(&mut plain, &first, "dry");
            learn(&mut plain, &second, "wet");
            assert_ne!(elements(replaying.params()), elements(plain.params()), "{model} {optimizer}");
            learn(&mut plain, &first, "dry");
            assert_eq!(elements(replaying.params()), elements(plain.params()), "{model} {optimizer}");
        }
    }
}

#[test]
fn a_memory_of_size_zero_is_no_memory() {
    let rows = stream(6, 40);
    for task in TASKS {
        for model in MODELS {
            let [a, b] = ["none", "reservoir:0,replays=7"].map(|memory| {
                let mut learner = Deep::new(config(task, model, "adam:0.01", memory));
                learn(&mut learner, &rows);
                (bits(learner.params().as_slice()), learner.remembered())
            });
            assert_eq!(a, b, "{task} {model}");
        }
    }
}

/// A replay is of the past: what a recurrent learner carries on is the state of the stream. With a learning rate of zero
/// nothing else could tell a learner that replays from one that does not.
#[test]
fn a_replay_does_not_move_the_recurrent_state() {
    let rows = stream(8, 40);
    for task in TASKS {
        for model in MODELS {
            let [mut plain, mut replaying] =
                ["none", "reservoir:5,replays=3"].map(|memory| Deep::new(config(task, model, "sgd:0", memory)));
            for row in &rows {
                assert_eq!(advance(&mut plain, row), advance(&mut replaying, row), "{task} {model}");
            }
            assert_eq!(replaying.remembered(), 5, "it did replay");
        }
    }
}

#[test]
fn the_seed_decides_everything() {
    let rows = stream(7, 40);
    for task in TASKS {
        for model in MODELS {
            let run = |seed| {
                let config = Config { seed, ..config(task, model, "adam:0.01", "reservoir:5,replays=2") };
                let mut learner = Deep::new(config);
                learn(&mut learner, &rows);
                learner
            };
            let (one, same, other) = (run(1), run(1), run(2));
            assert!(whole(&one) == whole(&same), "{task} {model}");
            assert_ne!(bits(one.params().as_slice()), bits(other.params().as_slice()), "{task} {model}");
        }
    }
}

/// Whatever is replayed, and however: a row costs at most one step and one for each replay, the memory keeps its bound, and
/// what is saved goes on to the bit.
#[test]
fn every_memory_keeps_its_budget_and_goes_on_when_saved() {
    let (rows, later) = (stream(5, 60), stream(6, 40));
    for task in TASKS {
        for memory in ALL_MEMORIES.into_iter().filter(|memory| task == Task::Classify || !memory.starts_with("er-ace"))
        {
            let mut learner = Deep::new(config(task, "gru:4,window=3", "adam:0.01", memory));
            for row in &rows {
                let steps = learner.steps();
                learn(&mut learner, std::slice::from_ref(row));
                let taken = learner.steps() - steps;
                let most = if memory.starts_with("a-gem") { 1 } else { 3 };
                assert!((1..=most).contains(&taken), "{task} {memory}: {taken} steps");
            }
            assert!((1..=6).contains(&learner.remembered()), "{task} {memory}");
            let bytes = checkpoint::encode(&learner).expect("it is small");
            let mut read: Deep = checkpoint::decode(&bytes).expect("it was saved");
            [&mut learner, &mut read].into_iter().for_each(|learner| learn(learner, &later));
            assert!(whole(&learner) == whole(&read), "{task} {memory}");
        }
    }
}

#[test]
fn a_memory_that_asks_for_classes_is_refused_without() {
    let config = Config { memory: MemorySpec::parse("er-ace:5").expect("it is one"), ..Config::new(Task::Regress) };
    let error = Deep::new(config).learn_one(&[("a", 1.0)], Target::Value(1.0)).unwrap_err();
    assert!(error.to_string().contains("a memory that can regress, without classes"), "{error}");
}

/// Two classes, then two others: what each memory leaves of the first.
#[test]
fn every_memory_remembers() {
    let accuracy = |memory: &str| {
        let mut learner = Deep::new(config(Task::Classify, "mlp:16", "sgd:0.03", memory));
        let row = |k: usize, class: usize| {
            let noise = (k * 37 % 101) as f64 / 50.0 - 1.0;
            let [a, b] = [[3.0, 0.0], [-3.0, 0.0], [0.0, 3.0], [0.0, -3.0]][class];
            [("a", a + noise), ("b", b - noise * noise)]
        };
        let labels = ["east", "west", "north", "south"];
        for (k, class) in (0..1200).map(|k| (k, if k < 600 { k % 2 } else { 2 + k % 2 })) {
            learner.learn_one(&row(k, class), Target::Class(labels[class])).expect("the row is good");
        }
        let right = (0..200).filter(|&k| {
            let said = learner.predict_one(&row(k + 5, k % 2)).expect("the row is good").label();
            said == Some(labels[k % 2])
        });
        right.count() as f64 / 200.0
    };
    let none = accuracy("none");
    assert!(none < 0.6, "something is forgotten: {none}");
    for memory in [
        "er:50",
        "balanced:50",
        "greedy:50",
        "er-ace:50",
        "der:50,alpha=0.5",
        "der:50,alpha=0.2,beta=1",
        "mir:50",
        "a-gem:50,replays=10",
    ] {
        let kept = accuracy(memory);
        assert!(kept > none + 0.2, "{memory}: {kept}, without memory {none}");
    }
}
