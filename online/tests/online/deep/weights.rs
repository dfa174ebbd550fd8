//! How much a row counts.

use proptest::prelude::*;
use thalweg_online::{
    ClassWeights, Config, Deep, Delay, ErrorKind, Learner, MemorySpec, Prequential, Record, Row, Session,
    StreamOptions, Target, Task, Weighted, conformance,
};

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
                        assert_eq!(
                            weigh(&mut weighted, &row.x, weight, y),
                            loss,
                            "{task} {model}: the loss is the row's"
                        );
                    }
                    assert_eq!(
                        elements(weighted.params()),
                        elements(faster.params()),
                        "{task} {model} {memory} {weight}"
                    );
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
            Deep::new(Config { memory, ..config(Task::Classify, "mlp:6", optimizer, "none") })
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

fn of_classes(class_weights: &str, model: &str, memory: &str) -> Deep {
    let class_weights = ClassWeights::parse(class_weights).expect("there are such weights");
    Deep::new(Config { class_weights, ..config(Task::Classify, model, "sgd:0.03", memory) })
}

#[test]
fn classes_that_weigh_obey_the_laws() {
    for weights in ["balanced", "class 1=4,class 3=0"] {
        for (model, memory) in [("mlp:5", "reservoir:6,replays=2"), ("gru:3,window=3", "none")] {
            assert_eq!(conformance::check(|| of_classes(weights, model, memory)), Ok(()), "{weights} {model}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// Weights that are given for classes are weights of their rows; so are those of balance, n / (k n_c).
    #[test]
    fn the_weight_of_a_class_is_one_of_each_of_its_rows(seed in any::<u64>(), row_weight in 0.25..4.0_f64) {
        for model in ["mlp:5", "lstm:3,window=3"] {
            let mut learners = ["class 0=0.5,class 2=3", "balanced"].map(|weights| of_classes(weights, model, "none"));
            let mut by_hand = [(); 2].map(|()| of_classes("none", model, "none"));
            let mut came = std::collections::BTreeMap::new();
            for row in stream(seed, 40) {
                *came.entry(row.label.clone()).or_insert(0.0) += row_weight;
                let balance = came.values().sum::<f64>() / (came.len() as f64 * came[&row.label]);
                let given = match row.label.as_str() {
                    "class 0" => 0.5,
                    "class 2" => 3.0,
                    _ => 1.0,
                };
                for ((learner, by_hand), weight) in learners.iter_mut().zip(&mut by_hand).zip([given, balance]) {
                    weigh(learner, &row.x, row_weight, Target::Class(&row.label));
                    weigh(by_hand, &row.x, row_weight * weight, Target::Class(&row.label));
                    for (one, other) in learner.params().as_slice().iter().zip(by_hand.params().as_slice()) {
                        prop_assert!((one - other).abs() < 1e-4, "{model}: {one} {other}");
                    }
                }
            }
        }
    }
}

#[test]
fn numbers_have_no_classes_that_could_weigh() {
    let config = Config { class_weights: ClassWeights::Balanced, ..Config::new(Task::Regress) };
    let refused = Deep::new(config.clone()).learn_one(&[("x", 1.0)], Target::Value(1.0));
    let error = refused.expect_err("there are no classes");
    assert_eq!(error.kind(), ErrorKind::Spec);
    assert_eq!(config.check().expect_err("the same").to_string(), error.to_string());
}

/// A column of weights is what `Weighted` is, also where labels come late.
#[test]
fn a_column_says_how_much_a_row_counts() -> Result<(), thalweg_online::Error> {
    let rows: Vec<(f64, f64)> =
        (0..200_u32).map(|row| (f64::from(row * 37 % 23), [1.0, 0.5, 0.0, 3.0][row as usize % 4])).collect();
    let label = |x: f64| if x > 11.0 { "high" } else { "low" };
    let lines: String = rows.iter().map(|&(x, weight)| format!("{x},{weight},{}\n", label(x))).collect();
    for delay in [0, 5] {
        let options = StreamOptions { weight: Some("w".to_owned()), ..StreamOptions::default() };
        let reader = std::io::Cursor::new(format!("x,w,y\n{lines}"));
        let mut stream = thalweg_online::stream::from_reader("f.csv", reader, &options)?;
        let config = config(Task::Classify, "mlp:6", "adam:0.01", "reservoir:5,replays=1");
        let mut session = Session::new(config.clone(), "f.csv", options).delayed(Delay::Rows(delay));
        let mut record = Record::new();
        while session.advance(&mut *stream, &mut record)? {}
        session.finish()?;
        let (mut learner, mut evaluation) =
            (Deep::new(config), Prequential::new(Task::Classify).delayed(Delay::Rows(delay)));
        for &(x, weight) in &rows {
            evaluation.step(&mut learner, &Weighted([("x", x)], weight), Target::Class(label(x)))?;
        }
        evaluation.finish(&mut learner)?;
        assert_eq!(learner.fingerprint(), session.learner().fingerprint());
        assert_eq!(*evaluation.scores(), *session.evaluation().scores());
    }
    Ok(())
}
