//! Networks with exits at every depth: they resume, grow, obey, and learn where a plain one of the same depth does not.

use allocation_counter::measure;
use thalweg_online::{Config, Deep, FeatureSpec, Learner, MultiTask, Target, Task, Value, Weighted, conformance};

use crate::deep::support::{TASKS, advance, config, everything, learn, reloaded, stream, whole};

fn with_exits(task: Task, model: &str, optimizer: &str, memory: &str) -> Deep {
    let depth = "hedge".parse().expect("exits");
    Deep::new(Config { depth, ..config(task, model, optimizer, memory) })
}

const MEMORIES: [&str; 4] = ["none", "reservoir:6,replays=2", "a-gem:6,replays=1", "mir:6,replays=1,candidates=3"];

#[test]
fn exits_resume_to_the_bit_and_grow() {
    for task in TASKS {
        for memory in MEMORIES.into_iter().chain((task == Task::Classify).then_some("er-ace:6,replays=2,window=3")) {
            for optimizer in ["sgd:0.03", "adam:0.01", "schedule-free-sgd"] {
                let mut unbroken = with_exits(task, "mlp:5,4,3", optimizer, memory);
                let mut stopped = unbroken.clone();
                let name = format!("{task} {memory} {optimizer}");
                for (k, row) in stream(3, 40).iter().enumerate() {
                    assert_eq!(advance(&mut stopped, row), advance(&mut unbroken, row), "{name}, row {k}");
                    stopped = reloaded(&stopped).unwrap_or_else(|error| panic!("{name}, row {k}: {error}"));
                }
                assert!(whole(&stopped) == whole(&unbroken), "{name}");
                let all: f64 = unbroken.depths().iter().sum();
                assert!(unbroken.depths().len() == 4 && (all - 1.0).abs() < 1e-9, "{name}: {all}");
            }
        }
    }
}

/// New columns and new vectors of categories, at the first exit and at the first layer.
#[test]
fn new_features_move_no_output_by_a_bit() {
    let usual = with_exits(Task::Regress, "mlp:6,5", "adam:0.01", "none").config().clone();
    for features in ["scale=none", "scale=none; category=embed:3"] {
        let features = FeatureSpec::parse(features).expect("features");
        let mut learner = Deep::new(Config { features, ..usual.clone() });
        for k in 0..50_u32 {
            let x = [("a", f64::from(k % 7)), ("b", f64::from(k % 5))];
            learner.learn_one(&x, Target::Value(f64::from(k % 7 * (k % 5)))).expect("the row is good");
        }
        let x = [("a", 3.0), ("b", 2.0)];
        let before = learner.predict_one(&x).expect("the row is good").value().expect("a number");
        let new = Weighted([("a", Value::Number(3.0)), ("b", Value::Number(2.0)), ("new", Value::Text("word"))], 0.0);
        let rows = learner.params().count();
        learner.learn_one(&new, Target::Value(1.0)).expect("the row is good");
        assert!(learner.params().count() > rows, "it has grown");
        let after = learner.predict_one(&x).expect("the row is good").value().expect("a number");
        assert_eq!(before.to_bits(), after.to_bits(), "{before} {after}");
    }
}

#[test]
fn exits_obey_the_laws_of_learners() {
    let depth = "hedge".parse().expect("exits");
    let config = Config { depth, ..config(Task::Classify, "mlp:4,3", "sgd", "none") };
    assert_eq!(conformance::check(|| Deep::new(config.clone())), Ok(()));
    let refused = MultiTask::new(config).map(drop).unwrap_err().to_string();
    assert!(refused.contains("expected a network with one exit, for several tasks"), "{refused}");
}

#[test]
fn exits_learn_without_new_memory() {
    for task in TASKS {
        for memory in MEMORIES {
            let mut learner = with_exits(task, "mlp:7,6,5", "adam", memory);
            learn(&mut learner, &everything());
            learn(&mut learner, &stream(1, 600));
            let rows = stream(2, 100);
            let used = measure(|| {
                for row in &rows[50..] {
                    learner.predict_one(&row.x).expect("the row is good");
                    learner.learn_one(&row.x, row.target(task)).expect("the row is good");
                }
            });
            assert_eq!(used.count_total, 0, "{task} {memory}");
        }
    }
}

/// The share of the last 500 of 2 000 rows that were right before they were learned: whether two numbers have one sign.
fn right(depth: &str, optimizer: &str, seed: u64) -> f64 {
    let layers = ["16"; 20].join(",");
    let usual = config(Task::Classify, &format!("mlp:{layers}"), optimizer, "none");
    let mut learner = Deep::new(Config { depth: depth.parse().expect("exits"), seed, ..usual });
    let mut rng = thalweg_tensor::Rng::new(seed);
    let mut right = 0.0;
    for k in 0..2000 {
        let x = [("a", rng.normal()), ("b", rng.normal())];
        let label = if x[0].1 * x[1].1 > 0.0 { "same" } else { "other" };
        let said = learner.predict_one(&x).expect("the row is good");
        right += f64::from(u8::from(k >= 1500 && said.label() == Some(label)));
        learner.learn_one(&x, Target::Class(label)).expect("the row is good");
    }
    right / 500.0
}

#[test]
fn twenty_layers_learn_by_their_exits_and_not_without() {
    for seed in 1..3 {
        let hedged = right("hedge", "adam:0.003", seed);
        let plain = ["adam:0.003", "sgd:0.1"].map(|optimizer| right("none", optimizer, seed));
        assert!(plain.iter().all(|plain| *plain < 0.6) && hedged > 0.85, "seed {seed}: {plain:?}, {hedged} with exits");
    }
}
