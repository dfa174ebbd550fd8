//! What a context has taught is held in the next: by the learner, whatever learns, and to the bit when it is saved.

use allocation_counter::measure;
use thalweg_online::stream::from_reader;
use thalweg_online::{
    Config, ConsolidationSpec, Deep, FeatureSpec, Learner, Record, Session, StreamOptions, Target, Task, checkpoint,
};

use crate::deep::support::{Example, TASKS, config, learn, stream, whole};

const ALL: [&str; 8] = [
    "ewc:10,rows=20",
    "ewc:10,gamma=0.9,rows=20,fisher=empirical",
    "ewc:10,rows=20,fisher=sampled,gradient=true",
    "si:0.1",
    "mas:0.1,rows=20",
    "l2:0.01",
    "l2:0.01,anchor=last",
    "lwf:1",
];

fn holding(task: Task, model: &str, optimizer: &str, consolidation: &str) -> Deep {
    let consolidation = ConsolidationSpec::parse(consolidation).expect("there is such a method");
    let features = FeatureSpec::parse("category=embed:2").expect("there are such features");
    Deep::new(Config { consolidation, features, ..config(task, model, optimizer, "reservoir:6,replays=1") })
}

#[test]
fn what_is_held_goes_on_when_it_is_saved() {
    let (rows, later) = (stream(5, 70), stream(6, 60));
    for task in TASKS {
        for model in ["mlp:5", "gru:3,window=3"] {
            for consolidation in ALL {
                let name = format!("{task} {model} {consolidation}");
                let mut learner = holding(task, model, "adam:0.01", &format!("{consolidation},every=25"));
                learn(&mut learner, &rows);
                assert_eq!((learner.held().contexts, learner.held().rows), (2, 20), "{name}");
                let bytes = checkpoint::encode(&learner).expect("it is small");
                let mut read: Deep = checkpoint::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
                [&mut learner, &mut read].into_iter().for_each(|learner| learn(learner, &later));
                assert!(whole(&learner) == whole(&read), "{name}");
                assert_eq!(learner.refused(), 0, "{name}");
            }
        }
    }
}

#[test]
fn a_strength_of_zero_is_none_to_the_bit() {
    let rows = stream(5, 60);
    for task in TASKS {
        let fingerprint = |consolidation: &str| {
            let mut learner = holding(task, "mlp:5", "sgd:0.03", consolidation);
            learn(&mut learner, &rows);
            learner.fingerprint()
        };
        for consolidation in ["ewc:0,every=20", "si:0,every=20", "lwf:0,every=20"] {
            assert_eq!(fingerprint(consolidation), fingerprint("none"), "{task} {consolidation}");
        }
        assert_ne!(fingerprint("ewc:10,every=20"), fingerprint("none"), "{task}");
    }
}

#[test]
fn within_a_context_nothing_is_allocated() {
    let (warm_up, rows) = (stream(1, 600), stream(2, 150));
    for consolidation in ALL {
        let mut learner = holding(Task::Classify, "mlp:9", "adam", consolidation);
        learn(&mut learner, &warm_up);
        assert!(learner.end_context(), "{consolidation}");
        learn(&mut learner, &warm_up);
        let mut learn_one = |row: &Example| {
            assert!(learner.learn_one(&row.x, row.target(Task::Classify)).is_ok_and(f64::is_finite));
        };
        let used = measure(|| rows[50..].iter().for_each(&mut learn_one)).count_total;
        assert_eq!(used, 0, "{consolidation}");
    }
}

/// Two contexts that ask other things of the same hidden units: what is left of the first.
#[test]
fn every_method_holds_what_the_first_context_taught() {
    let accuracy = |consolidation: &str| {
        let consolidation = ConsolidationSpec::parse(consolidation).expect("there is such a method");
        let plain = config(Task::Classify, "mlp:32", "sgd:0.05", "none");
        let mut learner = Deep::new(Config { consolidation, ..plain });
        let row = |k: usize, context: usize| {
            let place = |i: usize| (k * (i + 3) * 37 % 101) as f64 / 50.0 - 1.0;
            let x = [("a", place(0)), ("b", place(1)), ("c", if context == 0 { 0.0 } else { 1.0 })];
            let right = if context == 0 { place(0) > 0.0 } else { place(1) > 0.0 };
            (x, if right { "yes" } else { "no" })
        };
        for context in [0, 1] {
            for k in 0..1500 {
                let (x, label) = row(k, context);
                learner.learn_one(&x, Target::Class(label)).expect("the row is good");
            }
            learner.end_context();
        }
        let right = (0..300).filter(|&k| {
            let (x, label) = row(k, 0);
            learner.predict_one(&x).expect("the row is good").label() == Some(label)
        });
        right.count() as f64 / 300.0
    };
    let none = accuracy("none");
    for method in ["ewc:100", "ewc:100,gamma=0.9", "si:1", "mas:1", "l2:0.1,anchor=last", "lwf:3"] {
        let held = accuracy(method);
        assert!(held > none + 0.05, "{method}: {held}, and {none} without");
    }
}

/// A column says which context a row belongs to; it is no feature. Where it changes, a context ends.
#[test]
fn a_column_says_where_a_context_ends() {
    let mut text = "month,x,y\n".to_owned();
    for (k, month) in ["may", "may", "june", "", "june", "may", "july"].into_iter().enumerate() {
        text += &format!("{month},{k},{}\n", ["up", "down"][k % 2]);
    }
    let options = StreamOptions { context: Some("month".into()), ..StreamOptions::default() };
    let mut stream = from_reader("months.csv", std::io::Cursor::new(text), &options).expect("the header is good");
    let consolidation = ConsolidationSpec::parse("ewc:10").expect("there is such a method");
    let mut session =
        Session::new(Config { consolidation, ..Config::new(Task::Classify) }, "months.csv", options.clone());
    let (mut record, mut contexts) = (Record::new(), Vec::new());
    while session.advance(&mut *stream, &mut record).expect("the row is good") {
        contexts.push(session.learner().as_deep().expect("all of it learns").held().contexts);
    }
    assert_eq!(contexts, [0, 0, 1, 1, 1, 2, 3]);
    assert_eq!(session.learner().features().columns().collect::<Vec<_>>(), ["x"]);
    session.turn_to("later.csv", options).expect("nothing waits");
    assert_eq!(session.learner().as_deep().expect("all of it learns").held().contexts, 4, "a new stream is a new one");
}

#[test]
fn nothing_learned_is_nothing_held() {
    let mut learner = holding(Task::Regress, "mlp:4", "sgd:0.01", "ewc:10");
    assert!(!learner.end_context());
    learn(&mut learner, &stream(3, 10));
    assert!(learner.end_context() && !learner.end_context());
    let mut free = holding(Task::Regress, "mlp:4", "sgd:0.01", "none");
    learn(&mut free, &stream(3, 10));
    assert!(!free.end_context(), "nothing was to be held");
}
