//! Learning at every step, driven by a learner: recurrent rules, and what keeps a network able to learn. They learn, grow,
//! resume, take labels that come late, and ask for no memory.

use allocation_counter::measure;
use thalweg_online::plasticity::Health;
use thalweg_online::recurrent::GradientSpec;
use thalweg_online::{
    Config, ConsolidationSpec, Deep, Learner, MemorySpec, Model, MultiTask, PlasticitySpec, Prediction, Target, Task,
    Value, checkpoint, conformance,
};

/// Every rule, and every cell.
const RULES: [(&str, &str); 12] = [
    ("exact", "lru:6"),
    ("exact", "rtu:8,form=tanh"),
    ("exact", "elstm:6"),
    ("exact", "gru:4"),
    ("rtrl", "carry:last=true > lstm:3x2 > linear:4 > tanh"),
    ("rtrl", "layer_norm_lstm:4"),
    ("snap1", "lstm:6"),
    ("snap1", "carry:last=true > linear:4 > tanh > gru:5 > residual(rnn:5)"),
    ("eprop", "gru:6,form=chung"),
    ("rflo", "leaky_rnn:6x2,alpha=0.3"),
    ("uoro", "gru:4"),
    ("kf-rtrl", "rnn:5"),
];

fn by_rule(task: Task, gradient: &str, model: &str) -> Config {
    Config {
        model: Model::parse(model).expect("a model"),
        gradient: GradientSpec::parse(gradient).expect("a gradient"),
        optimizer: "adam:0.01".parse().expect("an optimizer"),
        ..Config::new(task)
    }
}

fn kept_able(rule: &str, model: &str) -> Config {
    Config {
        model: Model::parse(model).expect("a model"),
        plasticity: PlasticitySpec::parse(rule).expect("a rule"),
        optimizer: "adam:0.01".parse().expect("an optimizer"),
        probe: 20,
        ..Config::new(Task::Classify)
    }
}

const PLASTICITIES: [&str; 5] =
    ["cbp:rate=0.05,maturity=4", "redo:threshold=0.5,every=7", "upgd", "shrink-perturb:every=3", "clip:kappa=0.5"];

/// All that there is to drive.
fn all() -> Vec<Config> {
    let rules = RULES.into_iter().map(|(gradient, model)| by_rule(Task::Classify, gradient, model));
    let plasticities =
        PLASTICITIES.into_iter().flat_map(|rule| ["mlp:6,5", "gru:4 > mlp:5"].map(|it| kept_able(rule, it)));
    rules.chain(plasticities).collect()
}

fn name(config: &Config) -> String {
    format!("{} of {}, {}", config.gradient, config.model, config.plasticity)
}

/// A coin, and as its label how it fell `lag` rows ago.
fn coin(k: usize, lag: usize) -> ([(&'static str, f64); 1], &'static str) {
    let fell = |k: usize| k.wrapping_mul(2_654_435_761) >> 7 & 1 == 1;
    ([("x", if fell(k) { 1.0 } else { -1.0 })], if fell(k.wrapping_sub(lag)) { "heads" } else { "tails" })
}

fn learn(learner: &mut Deep, k: usize) -> f64 {
    let (x, label) = coin(k, 2);
    learner.learn_one(&x, Target::Class(label)).expect("the row is good")
}

/// Nothing but the past says what the label is.
#[test]
fn every_rule_remembers_what_came_before() {
    for (gradient, model) in [
        ("exact", "carry:last=false > lru:16"),
        ("exact", "carry:last=false > rtu:16"),
        ("rtrl", "gru:8,last=false"),
        ("snap1", "gru:16,last=false"),
        ("snap1", "lstm:16,last=false"),
        ("eprop", "lstm:16,last=false"),
        ("uoro", "gru:8,last=false"),
        ("kf-rtrl", "rnn:16,last=false"),
    ] {
        let mut learner = Deep::new(by_rule(Task::Classify, gradient, model));
        let losses: Vec<f64> = (0..4000).map(|k| learn(&mut learner, k)).collect();
        let mean = losses[3500..].iter().sum::<f64>() / 500.0;
        assert!(mean < 0.35, "{gradient} of {model}: {mean} nats, and 0.69 of what remembers nothing");
        assert!(learner.traces() > 0);
    }
}

/// With a window of one row no rule is more than backpropagation at the first row of a sequence.
#[test]
fn the_first_row_of_a_sequence_is_that_of_tbptt() {
    for (gradient, model) in RULES {
        let config =
            Config { optimizer: "sgd:0.1".parse().expect("an optimizer"), ..by_rule(Task::Classify, gradient, model) };
        let mut plain = Config { gradient: GradientSpec::Tbptt, ..config.clone() };
        plain.model.window = std::num::NonZeroUsize::MIN;
        let [mut traced, mut plain] = [config, plain].map(Deep::new);
        for k in 0..12 {
            let losses = [&mut traced, &mut plain].map(|learner| {
                learner.reset_state();
                learn(learner, k)
            });
            assert!((losses[0] - losses[1]).abs() < 1e-4, "{gradient} of {model}, row {k}: {losses:?}");
        }
    }
}

#[test]
fn each_obeys_the_laws_of_learners() {
    for config in all() {
        assert_eq!(conformance::check(|| Deep::new(config.clone())), Ok(()), "{}", name(&config));
    }
}

/// Stopped between any two rows, saved and loaded, with rows that are learned again, new features, classes and sequences.
#[test]
fn each_resumes_to_the_bit() {
    for config in all() {
        let memory = MemorySpec::parse("reservoir:8,replays=1").expect("a memory");
        let consolidation = ConsolidationSpec::parse("si:0.1,every=9").expect("a consolidation");
        let new =
            || Deep::new(Config { memory: memory.clone(), consolidation: consolidation.clone(), ..config.clone() });
        let (mut unbroken, mut stopped) = (new(), new());
        for k in 0..40_usize {
            let ([x], _) = coin(k, 2);
            let late = [x, ("late", k as f64 % 3.0)];
            let (x, class) = (if k < 20 { &late[..1] } else { &late[..] }, ["a", "b", "c"][k % (2 + k / 20)]);
            for learner in [&mut unbroken, &mut stopped] {
                learner.predict_one(&x).expect("the row is good");
                learner.learn_one(&x, Target::Class(class)).expect("the row is good");
                if k == 30 {
                    learner.reset_state();
                }
            }
            let bytes = checkpoint::encode(&stopped).expect("it is small");
            assert_eq!(bytes, checkpoint::encode(&unbroken).expect("it is small"), "{}, row {k}", name(&config));
            stopped = checkpoint::decode(&bytes).expect("it is whole");
        }
        assert!(unbroken.steps() > 40 && unbroken.refused() == 0, "{}", name(&config));
    }
}

/// By an optimizer that has nothing to forget of a unit that begins anew: others have ages of what they forgot from then on.
#[test]
fn each_learns_without_new_memory() {
    for config in all() {
        let optimizer = "sgd:0.01".parse().expect("an optimizer");
        let mut learner = Deep::new(Config { optimizer, ..config.clone() });
        let mut step = |k| {
            learner.predict_one(&coin(k, 2).0).expect("the row is good");
            learn(&mut learner, k);
        };
        (0..300).for_each(&mut step);
        let used = measure(|| (300..500).for_each(&mut step));
        assert_eq!(used.count_total, 0, "{}", name(&config));
    }
}

/// A row is learned from the state that it came with, whether its label is known at once or later.
#[test]
fn labels_that_come_late_teach_the_same_where_no_step_is_taken_in_between() {
    for (gradient, model) in RULES {
        let still = |gradient, model| {
            Deep::new(Config { optimizer: "sgd:0".parse().expect("one"), ..by_rule(Task::Classify, gradient, model) })
        };
        let model = model.replace("last=true", "last=false");
        let model = if model.contains("last=") { model } else { format!("{model},last=false") };
        let (mut at_once, mut late) = (still(gradient, &model), still(gradient, &model));
        for k in 0..5 {
            [&mut at_once, &mut late].into_iter().for_each(|learner| _ = learn(learner, k));
        }
        let expected: Vec<f64> = (5..12).map(|k| learn(&mut at_once, k)).collect();
        for k in 5..12 {
            late.pass_one(&coin(k, 2).0).expect("the row is good");
        }
        for k in 5..12 {
            let (x, label) = coin(k, 2);
            let loss = late.learn_late(&x, Target::Class(label)).expect("the row is good");
            // Scales have seen as much as they had then: each row is observed when it is learned.
            assert!(
                (loss - expected[k - 5]).abs() < 1e-5,
                "{gradient} of {model}, row {k}: {loss} {}",
                expected[k - 5]
            );
        }
        let said = |learner: &mut Deep| match learner.predict_one(&coin(12, 2).0).expect("the row is good") {
            Prediction::Classes { probabilities, .. } => probabilities[0],
            other => panic!("expected classes, found {other:?}"),
        };
        let (one, other) = (said(&mut at_once), said(&mut late));
        assert!((one - other).abs() < 0.05, "{gradient} of {model}: {one} {other}");
    }
}

/// A row whose numbers are too large for a gradient is refused, and what comes after it is learned: as soon as by a window.
/// (A state that is linear in its inputs, as an LRU's, is too large itself until it has faded.)
#[test]
fn a_row_that_is_refused_leaves_no_trace() {
    for (gradient, model) in RULES {
        let refused = |gradient: &str| {
            let mut learner = Deep::new(Config {
                features: thalweg_online::FeatureSpec::parse("scale=none").expect("features"),
                gradient: GradientSpec::parse(gradient).expect("a gradient"),
                ..by_rule(Task::Regress, "tbptt", &model.replace("last=true", "last=true,window=1"))
            });
            for k in 0..60_u32 {
                let (x, y) = (if k == 30 { 1e38 } else { f64::from(k % 5) }, f64::from(k % 3));
                learner.learn_one(&[("x", x)], Target::Value(y)).expect("the row is good");
            }
            let Prediction::Value(said) = learner.predict_one(&[("x", 1.0)]).expect("the row is good") else {
                panic!("expected a number")
            };
            assert!(said.is_finite(), "{gradient} of {model}: {said}");
            learner.refused()
        };
        let [by_rule, by_window] = [gradient, "tbptt"].map(refused);
        assert!(by_rule <= by_window + 1, "{gradient} of {model}: {by_rule} refused, and {by_window} by a window");
    }
}

/// Nor does it come again from a memory, to be refused whenever it is drawn.
#[test]
fn a_row_that_is_refused_is_not_remembered() {
    for (gradient, memory) in [("snap1", "er:20,replays=3"), ("uoro", "er:20,replays=3"), ("snap1", "a-gem:20")] {
        let mut learner = Deep::new(Config {
            features: thalweg_online::FeatureSpec::parse("scale=none").expect("features"),
            gradient: GradientSpec::parse(gradient).expect("a gradient"),
            memory: MemorySpec::parse(memory).expect("a memory"),
            ..by_rule(Task::Regress, "tbptt", "linear:4 > residual(gru:4)")
        });
        let mut learned = 0;
        for k in 0..60_u32 {
            let x = if k == 5 { 1e38 } else { f64::from(k % 3) };
            let before = learner.refused();
            learner.learn_one(&[("x", x)], Target::Value(f64::from(k % 2))).expect("the row is good");
            assert_eq!(learner.refused() - before, u64::from(k == 5), "{gradient}, {memory}: row {k}");
            learned += usize::from(k != 5);
            assert_eq!(learner.remembered(), learned.min(20), "{gradient}, {memory}: row {k}");
        }
    }
}

#[test]
fn what_a_rule_is_not_for_is_refused_at_once() {
    for (gradient, model, expected) in [
        ("snap1", "lru:4", "expected rnn, leaky_rnn, gru, lstm for the gradient snap1"),
        ("rtrl", "mlp:4", "expected recurrent layers for the gradient rtrl"),
        ("exact", "carry:last=true > lstm:4x2,dropout=0.1", "expected no dropout between layers of an item"),
    ] {
        let config = by_rule(Task::Classify, gradient, model);
        let error = config.check().expect_err("it does not fit").to_string();
        assert!(error.starts_with(expected), "{error}");
        let refused = Deep::new(config).learn_one(&[("x", 1.0)], Target::Class("a"));
        assert!(refused.is_err_and(|error| error.to_string().starts_with(expected)));
    }
    assert!(MultiTask::new(kept_able("cbp", "mlp:4")).is_err());
    let config = Config { probe: 1_000_000, ..Config::new(Task::Classify) };
    assert!(config.check().is_err());
}

/// Units that died begin anew, and the probe sees both.
#[test]
fn dead_units_are_seen_and_replaced() {
    let health = |rule: &str| -> (Health, u64) {
        let mut learner = Deep::new(Config { optimizer: "sgd:0.5".parse().expect("one"), ..kept_able(rule, "mlp:16") });
        for k in 0..2000_u32 {
            // Steps that are much too long kill rectifiers.
            let (a, b) = (f64::from(k * 7 % 13) - 6.0, f64::from(k * 5 % 11) - 5.0);
            let class = ["p", "q", "r"][(k / 200 % 3) as usize];
            learner.learn_one(&[("a", a), ("b", b)], Target::Class(class)).expect("the row is good");
        }
        (learner.health().expect("it is probed"), learner.replaced())
    };
    let ((none, _), (cbp, replaced)) = (health("none"), health("cbp:rate=0.01,maturity=20"));
    assert!(replaced > 100, "{replaced}");
    assert!(none.layers[0].units == 16 && none.weights > 0.0 && none.gradient.is_finite());
    assert!(cbp.layers[0].dormant < none.layers[0].dormant, "{cbp}, and without {none}");
}

/// What a unit meant that begins anew holds it no longer.
#[test]
fn a_unit_that_begins_anew_is_free() {
    let importance = |rule: &str| {
        let consolidation = ConsolidationSpec::parse("mas:1").expect("a consolidation");
        let mut learner = Deep::new(Config { consolidation, ..kept_able(rule, "mlp:8") });
        (0..100).for_each(|k| _ = learn(&mut learner, k));
        assert!(learner.end_context());
        let before = learner.held().importance;
        (100..400).for_each(|k| _ = learn(&mut learner, k));
        learner.held().importance / before
    };
    assert_eq!(importance("none"), 1.0);
    assert!(importance("cbp:rate=0.1,maturity=4") < 0.9);
}

/// Missing cells, words and new columns, by a rule as by a window.
#[test]
fn any_rows_can_be_learned() {
    for (gradient, model) in RULES {
        let mut learner = Deep::new(by_rule(Task::Classify, gradient, model));
        for k in 0..60_u8 {
            let word = ["red", "green", "blue"][usize::from(k % 3)];
            let x = [("x", Value::Number(f64::from(k))), ("word", Value::Text(word)), ("gap", Value::Missing)];
            let x = &x[..1 + usize::from(k / 20)];
            let loss = learner.learn_one(&x, Target::Class(word)).expect("the row is good");
            assert!(loss.is_finite(), "{gradient} of {model}");
        }
    }
}

/// The vector of no category is nobody's to move: what is unknown is as good as missing, before and after it is known.
#[test]
fn no_rule_moves_the_vector_of_no_category() {
    for rule in ["cbp:rate=0.1,maturity=3", "redo:every=9", "upgd:sigma=0.1", "shrink-perturb:sigma=0.1", "clip"] {
        let mut learner = Deep::new(Config {
            plasticity: PlasticitySpec::parse(rule).expect("a rule"),
            features: thalweg_online::FeatureSpec::parse("category=embed:3").expect("features"),
            ..by_rule(Task::Regress, "tbptt", "mlp:6")
        });
        for k in 0..40_u32 {
            let x = [("c", Value::Text(["red", "blue"][k as usize % 2])), ("x", Value::Number(f64::from(k % 3)))];
            learner.learn_one(&x, Target::Value(f64::from(k % 5))).expect("the row is good");
        }
        let table = learner.params().find("embedding.c.weight").expect("there are categories");
        let vectors = learner.params().of(table);
        assert!(vectors[..3] == [0.0; 3] && vectors[3..].iter().any(|&v| v != 0.0), "{rule}: {vectors:?}");
        let mut said = |category: Option<&str>| {
            let c = category.map_or(Value::Missing, Value::Text);
            learner.predict_one(&[("c", c), ("x", Value::Number(1.0))]).expect("the row is good").value()
        };
        assert_eq!(said(Some("green")), said(None), "{rule}");
    }
}

/// Rules for hidden units have nothing to do where there are none, and say so before a row is read.
#[test]
fn a_rule_for_hidden_units_is_refused_where_there_are_none() {
    for rule in ["cbp", "redo"] {
        for model in ["linear", "gru:4", "mlp:6"] {
            let mut learner = Deep::new(kept_able(rule, model));
            let learned = [0, 1].map(|k| learner.learn_one(&coin(k, 2).0, Target::Class("heads")));
            for learned in learned {
                match model {
                    "mlp:6" => assert!(learned.is_ok()),
                    _ => {
                        assert!(learner.config().check().is_err() && learner.features().columns().next().is_none());
                        let error = learned.expect_err("there are no hidden units").to_string();
                        assert!(error.contains(&format!("hidden units between linear layers for {rule}")), "{error}");
                    }
                }
            }
        }
    }
}
