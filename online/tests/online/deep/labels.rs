//! Any number of labels a row.

use proptest::prelude::*;
use thalweg_online::metrics::Metrics;
use thalweg_online::{
    Deep, Delay, Error, LabelSet, Learner, Prediction, Record, Scores, Session, StreamOptions, Target, Task,
    checkpoint, stream,
};

use crate::deep::support::{self, config};

/// Labels that depend on the row, and labels that appear late.
#[test]
fn it_learns_labels_that_nobody_announced() -> Result<(), Error> {
    let mut learner = Deep::new(config(Task::MultiLabel, "mlp:16", "sgd:0.1", "none"));
    let (mut right, mut rng) = (0, thalweg_tensor::Rng::new(1));
    for row in 0..4000 {
        let (a, b) = (rng.normal(), rng.normal());
        let late = row > 1000 && a * b > 0.0;
        let labels: Vec<&str> = [(a > 0.0, "a"), (b > 0.5, "b"), (late, "late")]
            .iter()
            .filter(|(is, _)| *is)
            .map(|&(_, label)| label)
            .collect();
        let x = [("a", a), ("b", b)];
        if row >= 3500 {
            let said: Vec<&str> = learner.predict_one(&x)?.labels().collect();
            right += usize::from(labels.iter().all(|label| said.contains(label)) && said.len() == labels.len());
        }
        learner.learn_one(&x, Target::of_labels(&labels))?;
    }
    assert!(right > 400, "{right} of 500 sets are right");
    assert_eq!(learner.classes().len(), 3);
    Ok(())
}

#[test]
fn before_the_first_label_there_is_none_to_predict() -> Result<(), Error> {
    for optimizer in ["sgd", "adam"] {
        let mut learner = Deep::new(config(Task::MultiLabel, "mlp:4", optimizer, "reservoir:3,replays=1"));
        let x = [("x", 1.0)];
        assert_eq!(learner.learn_one(&x, Target::of_labels(&[]))?, 0.0);
        assert!(matches!(learner.predict_one(&x)?, Prediction::Labels { labels: [], probabilities: [] }));
        let twice = learner.learn_one(&x, Target::of_labels(&["a", "", "a"]))?;
        let mut once = Deep::new(config(Task::MultiLabel, "mlp:4", optimizer, "reservoir:3,replays=1"));
        once.learn_one(&x, Target::of_labels(&[]))?;
        assert_eq!(once.learn_one(&x, Target::of_labels(&["a"]))?, twice);
        assert_eq!((learner.fingerprint(), learner.classes()), (once.fingerprint(), &["a".to_owned()][..]));
    }
    Ok(())
}

/// A new label costs the others nothing: its weights begin at zero, and it is not predicted.
#[test]
fn a_new_label_changes_no_logit() {
    for model in ["linear", "mlp:7,5", "lstm:4,window=3"] {
        let mut learner = Deep::new(config(Task::MultiLabel, model, "sgd:0", "none"));
        support::learn(&mut learner, &support::stream(1, 40));
        let known = learner.classes().len();
        let empty: [(&str, f64); 0] = [];
        learner.reset_state();
        let before = learner.logits_one(&empty).expect("the row is good").to_vec();
        learner.learn_one(&empty, Target::of_labels(&["new"])).expect("a label may be new");
        learner.reset_state();
        assert_eq!(learner.logits_one(&empty).expect("the row is good"), [&before[..], &[0.0]].concat());
        assert_eq!(learner.predict_one(&empty).expect("the row is good").labels().filter(|l| *l == "new").count(), 0);
        assert_eq!(learner.classes().len(), known + 1);
    }
}

/// As many logistic regressions as there are labels: the first does not know of the others.
#[test]
fn labels_of_a_linear_model_do_not_see_each_other() -> Result<(), Error> {
    let [mut alone, mut among] = [(); 2].map(|()| Deep::new(config(Task::MultiLabel, "linear", "sgd:0.05", "none")));
    // The first label has the weights that the network began with, the others begin at zero.
    for learner in [&mut alone, &mut among] {
        learner.learn_one(&[("number 0", 1.0)], Target::of_labels(&["a"]))?;
    }
    for row in support::stream(5, 80) {
        let [one, other] =
            [&mut alone, &mut among].map(|learner| learner.predict_one(&row.x).map(|p| p.probability("a")));
        assert!((one? - other?).abs() < 1e-5);
        let is_a = row.value > 0.0;
        alone.learn_one(&row.x, Target::of_labels(if is_a { &["a"] } else { &[] }))?;
        let more = if is_a { format!("a|{}", row.labels) } else { row.labels.clone() };
        among.learn_one(&row.x, Target::Labels(LabelSet::joined(&more, '|')))?;
    }
    assert!(among.classes().len() > 3);
    Ok(())
}

const LABELS: [&str; 3] = ["a", "b", "c"];

/// Rows of labels that came and labels that were said, as scikit-learn's `multilabel_confusion_matrix` would have them.
#[test]
fn measures_by_hand() -> Result<(), Error> {
    let asked = Metrics::parse("jaccard:micro,jaccard:macro,precision:micro,recall:of=b,f1:weighted,exact_match@2")?;
    let mut scores = Scores::with(Task::MultiLabel, &asked)?;
    let labels = LABELS.map(str::to_owned);
    scores.update(&Target::of_labels(&["a"]), &Prediction::Unknown, 1.0);
    for (came, said) in [
        (&["a", "b"][..], [0.9, 0.8, 0.2]), // {a, b}: right
        (&["c"], [0.1, 0.6, 0.7]),          // {b, c}: one too many
        (&["a", "c"], [0.5, 0.1, 0.4]),     // {}: ½ is not enough
        (&[], [0.0, 0.0, 0.0]),             // {}: right
    ] {
        scores.update(&Target::of_labels(came), &Prediction::Labels { labels: &labels, probabilities: &said }, 1.0);
    }
    assert_eq!((scores.count(), scores.unscored()), (4, 1));
    // Hits, misses, false alarms of a: 1, 1, 0; of b: 1, 0, 1; of c: 1, 1, 0.
    for (name, expected) in [
        ("exact_match", 2.0 / 4.0),
        ("hamming_loss", 3.0 / 12.0),
        ("jaccard_samples", (1.0 + 0.5 + 0.0 + 1.0) / 4.0),
        ("f1:micro", 2.0 * 3.0 / (2.0 * 3.0 + 2.0 + 1.0)),
        ("f1:macro", (2.0 / 3.0 + 2.0 / 3.0 + 2.0 / 3.0) / 3.0),
        ("jaccard:micro", 3.0 / 6.0),
        ("jaccard:macro", (0.5 + 0.5 + 0.5) / 3.0),
        ("precision:micro", 3.0 / 4.0),
        ("recall:of=b", 1.0),
        ("f1:weighted", 2.0 / 3.0),
        ("exact_match@2", 1.0 / 2.0),
    ] {
        let found = scores.get(name).expect("it is measured");
        assert!((found - expected).abs() < 1e-12, "{name}: {found} is not {expected}");
    }
    assert!(Scores::with(Task::MultiLabel, &Metrics::parse("accuracy")?).is_err());
    assert!(Scores::with(Task::Classify, &Metrics::parse("exact_match")?).is_err());
    Ok(())
}

proptest! {
    /// Against the definitions of subset accuracy, Hamming loss and the two F1, over sets as sets.
    #[test]
    fn measures_are_what_the_definitions_say(rows in prop::collection::vec((0..8_u8, 0..8_u8), 1..30)) {
        let names = |set: u8| LABELS.iter().enumerate().filter(move |(bit, _)| set >> bit & 1 == 1).map(|(_, label)| *label);
        let labels = LABELS.map(str::to_owned);
        let mut scores = Scores::new(Task::MultiLabel);
        // All labels are known from the first row on: Hamming's loss is over those that are.
        let rows: Vec<(u8, u8)> = [(7, 7)].into_iter().chain(rows).collect();
        for &(came, said) in &rows {
            let came: Vec<&str> = names(came).collect();
            let probabilities = [0, 1, 2].map(|bit| f32::from(said >> bit & 1));
            let prediction = Prediction::Labels { labels: &labels, probabilities: &probabilities };
            scores.update(&Target::of_labels(&came), &prediction, 1.0);
        }
        let n = rows.len() as f64;
        let sum = |of: &dyn Fn(u8, u8) -> f64| rows.iter().map(|&(came, said)| of(came, said)).sum::<f64>();
        let ones = |set: u8| f64::from(set.count_ones());
        let f1 = |mask: u8| {
            let (hits, wrong) = (sum(&|c, s| ones(c & s & mask)), sum(&|c, s| ones((c ^ s) & mask)));
            2.0 * hits / (2.0 * hits + wrong)
        };
        let jaccard = |c: u8, s: u8| if c | s == 0 { 1.0 } else { ones(c & s) / ones(c | s) };
        for (name, expected) in [
            ("exact_match", sum(&|c, s| f64::from(u8::from(c == s))) / n),
            ("hamming_loss", sum(&|c, s| ones(c ^ s)) / (3.0 * n)),
            ("jaccard_samples", sum(&jaccard) / n),
            ("f1:micro", f1(7)),
            ("f1:macro", (f1(1) + f1(2) + f1(4)) / 3.0),
        ] {
            let found = scores.get(name).expect("it is measured");
            prop_assert!((found - expected).abs() < 1e-9, "{name}: {found} is not {expected}");
        }
    }
}

/// What a stream says are the labels of its rows.
fn labels_of(name: &str, text: &str, options: &StreamOptions) -> Result<Vec<Option<Vec<String>>>, Error> {
    let mut rows = stream::from_reader(name, std::io::Cursor::new(text.to_owned().into_bytes()), options)?;
    let (mut record, mut found) = (Record::new(), Vec::new());
    while rows.read(&mut record)? {
        let target = record.target(Task::MultiLabel)?;
        found.push(target.map(|y| y.labels().map(|set| set.iter().map(str::to_owned).collect())).transpose()?);
    }
    Ok(found)
}

#[test]
fn every_format_has_a_way_to_write_sets() -> Result<(), Error> {
    let target = |name: &str| StreamOptions { target: Some(name.to_owned()), ..StreamOptions::default() };
    let set = |labels: &[&str]| Some(labels.iter().map(ToString::to_string).collect::<Vec<String>>());
    let expected = [set(&["1", "3"]), set(&["3"]), None, set(&[])];
    let json =
        "{\"y\": [\"1\", 3], \"x\": [1, 2]}\n{\"y\": \"3\", \"x\": [0, 1]}\n{\"y\": null}\n{\"y\": [], \"x\": [1]}\n";
    for (name, text, options) in [
        ("f.csv", "x,y\n1,1|3\n2,3\n3,\n4,|\n", StreamOptions::default()),
        (
            "f.csv",
            "x,y\n1,1 3\n2,3\n3,\n4,&\n",
            StreamOptions { label_separator: Some(' '), ..StreamOptions::default() },
        ),
        ("f.svm", "1,3 1:0.5\n3 1:2\n1:3\n, 1:4\n", StreamOptions::default()),
        ("f.vw", "1,3 | a\n3 | b\n| c\n, | d\n", StreamOptions::default()),
        ("f.jsonl", json, target("y")),
    ] {
        let mut found = labels_of(name, text, &options)?;
        if options.label_separator.is_some() {
            assert_eq!(found.pop(), Some(set(&["&"])), "a space alone is trimmed away");
            found.push(set(&[]));
        }
        assert_eq!(found, expected, "{name}");
    }
    let error = labels_of("f.jsonl", "{\"y\": [[1]]}\n", &target("y")).expect_err("a label is no list");
    assert!(error.to_string().contains("a label"), "{error}");
    Ok(())
}

#[test]
fn rows_that_wait_and_stops_change_nothing() -> Result<(), Error> {
    let rows = support::stream(6, 150);
    let lines =
        rows.iter().enumerate().map(|(row, example)| format!("{},{},{}|\n", example.value, row % 3, example.labels));
    let text = format!("a,b,y\n{}", lines.collect::<String>());
    let options = StreamOptions { categorical: vec!["b".to_owned()], ..StreamOptions::default() };
    let open = || stream::from_reader("f.csv", std::io::Cursor::new(text.clone()), &options);
    for (model, delay) in [("mlp:4", 0), ("lstm:3,window=4", 7)] {
        let run = |stop: u64| -> Result<(Vec<u8>, Option<f64>), Error> {
            let config = config(Task::MultiLabel, model, "sgd:0.03", "reservoir:9,replays=1");
            let mut session = Session::new(config, "f.csv", options.clone()).delayed(Delay::Rows(delay));
            let (mut rows, mut record) = (open()?, Record::new());
            while session.rows() < stop && session.advance(&mut *rows, &mut record)? {}
            let mut session: Session = checkpoint::decode(&checkpoint::encode(&session)?)?;
            let mut rows = open()?;
            session.follow(&mut *rows)?;
            while session.advance(&mut *rows, &mut record)? {}
            session.finish()?;
            let names: Vec<&str> = session.evaluation().baselines().iter().map(|(name, _)| *name).collect();
            assert_eq!((names, session.evaluation().rows()), (vec!["majority_labels", "last_labels"], 150));
            Ok((checkpoint::encode(&session)?, session.evaluation().scores().get("hamming_loss")))
        };
        assert!(run(0)? == run(1)? && run(1)? == run(77)?, "{model} {delay}");
        assert!(run(0)?.1.is_some_and(|loss| 0.0 < loss && loss < 0.5), "{model}");
    }
    Ok(())
}
