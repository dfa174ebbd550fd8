//! How much a row counts.

use thalweg_online::{Deep, Learner, MemorySpec, Row, Target, Task, Weighted};

use crate::deep::support::{
    MEMORIES, MODELS, OPTIMIZERS, TASKS, bits, config, elements, every_learner, everything, learn, stream,
};

fn weigh(learner: &mut Deep, x: &dyn Row, weight: f64, target: Target<'_>) -> f64 {
    learner.learn_one(&Weighted(x, weight), target).expect("the row is good")
}

/// To the bit: a factor of 2 or ¼ rounds nothing, wherever it stands.
#[test]
fn with_plain_sgd_a_weight_is_a_factor_of_the_learning_rate() {
    let rows = stream(1, 50);
    for task in TASKS {
        for model in MODELS {
            for memory in MEMORIES {
                for (weight, rate) in [(2.0, "sgd:0.03125"), (0.25, "sgd:0.00390625")] {
                    let mut weighted = Deep::new(config(task, model, "sgd:0.015625", memory));
                    let mut faster = Deep::new(config(task, model, rate, memory));
                    for row in &rows {
                        let y = row.target(task);
                        let loss = faster.learn_one(&row.x, y).expect("the row is good");
                        assert_eq!(weigh(&mut weighted, &row.x, weight, y), loss, "{task} {model}: the loss is the row's");
                    }
                    assert_eq!(elements(weighted.params()), elements(faster.params()), "{task} {model} {memory} {weight}");
                }
            }
        }
    }
}

#[test]
fn a_row_without_weight_leaves_theta_and_the_memory() {
    let rows = stream(2, 40);
    every_learner(&OPTIMIZERS, |mut learner, name| {
        learn(&mut learner, &everything());
        learn(&mut learner, &rows[..20]);
        let state = |learner: &Deep| {
            let moments = learner.moments().map(|moments| moments.map(|moment| bits(moment.as_slice())));
            (bits(learner.params().as_slice()), moments, learner.steps(), learner.remembered())
        };
        let before = state(&learner);
        for row in &rows[20..] {
            let y = row.target(learner.task());
            assert!(weigh(&mut learner, &row.x, 0.0, y).is_finite());
        }
        assert_eq!(state(&learner), before, "{name}");
    });
}

/// What it shows is seen nevertheless: features, classes; but its number is not among those that are standardised.
#[test]
fn a_row_without_weight_is_observed() {
    let mut learner = Deep::new(config(Task::Classify, "mlp:4", "sgd", "none"));
    weigh(&mut learner, &[("a", 1.0)], 0.0, Target::Class("x"));
    weigh(&mut learner, &[("b", 1.0)], 0.0, Target::Class("y"));
    assert_eq!((learner.classes(), learner.features().len()), (&["x", "y"].map(str::to_owned)[..], 2));
    assert_eq!((learner.rows(), learner.steps()), (2, 0));
    let mut learner = Deep::new(config(Task::Regress, "linear", "sgd:0", "none"));
    for (weight, y) in [(0.0, -1e9), (1.0, 4.0), (0.0, 1e9), (2.0, 4.0)] {
        weigh(&mut learner, &[("a", 1.0)], weight, Target::Value(y));
    }
    assert_eq!(learner.predict_one(&[("a", 1.0)]).expect("the row is good").value(), Some(4.0));
}

/// A memory of one example: at the second row, the first is replayed, and weighs what it weighed.
#[test]
fn a_lesson_keeps_its_weight() {
    for optimizer in ["sgd:0.1", "adam:0.1"] {
        let [mut replaying, mut plain] = ["reservoir:1,replays=1", "none"].map(|memory| {
            let memory = MemorySpec::parse(memory).expect("there is such a memory");
            Deep::new(thalweg_online::Config { memory, ..config(Task::Classify, "mlp:6", optimizer, "none") })
        });
        let (first, second) = ([("sky", "clear")], [("sky", "rain")]);
        for learner in [&mut replaying, &mut plain] {
            weigh(learner, &first, 3.0, Target::Class("dry"));
            weigh(learner, &second, 0.5, Target::Class("wet"));
        }
        weigh(&mut plain, &first, 3.0, Target::Class("dry"));
        assert_eq!(elements(replaying.params()), elements(plain.params()), "{optimizer}");
    }
}
