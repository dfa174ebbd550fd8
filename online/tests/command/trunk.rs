//! `--trunk`: the network of a checkpoint stands still, and a head learns on it.

use thalweg_online::{AnyLearner, Extractor, Frozen, HeadSpec, Learner, Record, Session, StreamOptions, Task};

use super::support::{Folder, stream, timeless};

/// The layers of `mlp:16,8`, one by one.
const TRUNK: &str = "linear:16 > relu > linear:8 > relu";
const HEADS: [&str; 4] = ["ncm", "ncm:normalised", "slda", "softmax:adam:0.01"];

/// Two classes in `early.csv`, learned by `t`; a third, a category and a column come in `s.csv`.
fn folder() -> Folder {
    let folder = Folder::new();
    let text = stream(1200);
    folder.write("early.csv", text.split_inclusive('\n').take(401).collect::<String>());
    folder.write("s.csv", text);
    folder.text("learn early.csv --checkpoint t --model mlp:16,8 --target class");
    folder
}

#[test]
fn the_trunk_is_that_of_the_checkpoint_and_stands_still() {
    let folder = folder();
    let held = folder.read("t");
    for head in HEADS {
        let result = folder.json(&format!("run s.csv --trunk t --head {head}"));
        let full = HeadSpec::parse(head).expect("there is such a head").to_string();
        assert_eq!((&result["head"], &result["trunk"]), (&full.as_str().into(), &TRUNK.into()));
        assert_eq!(result["model"], format!("{TRUNK} > {full}"));
        assert_eq!(result["fingerprint"], folder.json("inspect t")["fingerprint"], "{head}");
        assert_eq!((&result["rows"], &result["scored"]), (&1200.into(), &1187.into()));
        assert_eq!(result["classes"].as_array().map(Vec::len), Some(3), "the late class too");
        assert!(result.get("optimizer").is_none() && result.get("seed").is_none());
    }
    assert!(folder.read("t") == held, "the checkpoint stays as it is");
    let text = folder.text("run s.csv --trunk t");
    assert!(text.starts_with("s.csv: classify, on a trunk that stands still. Every row was predicted first"), "{text}");
    assert!(text.contains(&format!("\n {TRUNK} > ncm ")), "{text}");
}

/// The figures are those of the library, row by row.
#[test]
fn it_learns_as_by_hand() {
    let folder = folder();
    folder.text("learn s.csv --trunk t --head slda --checkpoint m");
    let session = Session::load(folder.path("t")).expect("the checkpoint is good");
    let deep = session.learner().as_deep().expect("it learned");
    let extractor = Extractor::of(deep).expect("it has seen rows");
    let mut learner = Frozen::new(extractor, &HeadSpec::parse("slda").expect("there is such a head"));
    let options = StreamOptions { target: Some("class".to_owned()), ..StreamOptions::default() };
    let mut rows = thalweg_online::stream::open(folder.path("s.csv"), &options).expect("it opens");
    let (mut record, mut right, mut asked) = (Record::new(), 0, 0);
    while rows.read(&mut record).expect("the row is good") {
        let Some(y) = record.target(Task::Classify).expect("it is a label") else { continue };
        // A learner without classes says nothing, and nothing is scored.
        if let Some(label) = learner.predict_one(&record).expect("the row is good").label() {
            asked += 1;
            right += u32::from(Some(label) == record.target_text());
        }
        learner.learn_one(&record, y).expect("the row is good");
    }
    let by_command = Session::load(folder.path("m")).expect("the checkpoint is good");
    let accuracy = by_command.evaluation().scores().get("accuracy").expect("it is measured");
    assert!((accuracy - f64::from(right) / f64::from(asked)).abs() < 1e-12, "{accuracy}: {right} of {asked}");
    let encode = |learner: &AnyLearner| thalweg_online::checkpoint::encode(learner).expect("it is small");
    assert!(encode(by_command.learner()) == encode(&AnyLearner::from(learner)));
}

#[test]
fn a_stop_changes_nothing() {
    let folder = folder();
    for head in HEADS {
        for more in ["", "--delay 30 --metrics f1,auc@100", "--horizon 2"] {
            let run = format!("run s.csv --trunk t --head {head} {more}");
            let unbroken = timeless(folder.json(&format!("{run} --checkpoint whole")));
            folder.json(&format!("{run} --checkpoint c --limit 500"));
            folder.json("run --resume c --checkpoint c --limit 901");
            let resumed = timeless(folder.json(&format!("run --resume c --checkpoint c --head {head}")));
            assert_eq!(resumed, unbroken, "{head} {more}");
            let [whole, parts] = ["whole", "c"].map(|name| {
                let session = Session::load(folder.path(name)).expect("the checkpoint is good");
                let both = (session.learner(), session.evaluation());
                thalweg_online::checkpoint::encode(&both).expect("it is small")
            });
            assert!(whole == parts, "{head} {more}: the same bits");
            folder.remove("c");
            folder.remove("whole");
        }
    }
}

#[test]
fn it_goes_on_with_other_streams_predicts_and_is_shown() {
    let folder = folder();
    folder.text("learn early.csv --trunk t --head slda --checkpoint m");
    folder.text("learn s.csv --checkpoint m");
    let held = folder.json("inspect m");
    assert_eq!((&held["trunk"], &held["task"]), (&TRUNK.into(), &"classify".into()));
    assert_eq!((&held["head"], &held["remembered"]), (&"slda:0.0001".into(), &0.into()));
    assert!(held["parameters"].as_array().expect("a list").iter().all(|entry| entry["trainable"] == false));
    let text = folder.text("inspect m");
    for line in ["trunk", "head", "classes", ", gale", "body.", "frozen"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(folder.json("inspect m")["earlier_rows"], 400);
    let said = folder.text("predict m s.csv");
    let truth = stream(1200);
    let right = said.lines().zip(truth.lines()).skip(1).filter(|(said, row)| {
        row.rsplit(',').next().is_some_and(|class| !class.is_empty() && said.split(',').nth(1) == Some(class))
    });
    assert!(said.starts_with("id,prediction,probability\n1,") && said.lines().count() == 1201);
    let right = right.count();
    assert!(right > 700, "it has learned something: {right}");
}

#[test]
fn options_are_written_and_read() {
    let folder = folder();
    let result = folder.json("run s.csv --trunk t --head slda --delay 5 --write-config f.toml");
    let text = String::from_utf8(folder.read("f.toml")).expect("it is text");
    assert!(
        text.contains("trunk = \"t\"\n") && text.contains("head = \"slda\"\n") && !text.contains("model"),
        "{text}"
    );
    assert_eq!(timeless(folder.json("run --config f.toml")), timeless(result));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = folder();
    folder.text("learn early.csv --trunk t --checkpoint m");
    folder.text("learn early.csv --model gru:4 --checkpoint gru");
    folder.json("run early.csv --limit 0 --checkpoint none");
    for (arguments, refusal) in [
        ("run s.csv --head slda", "expected a trunk beside --head: --trunk FILE, found \"slda:0.0001\""),
        ("run s.csv --trunk t --task regress", "expected to classify, on a trunk, found \"regress\""),
        (
            "run s.csv --trunk t --scale none",
            "t: expected a run with --scale standard, as it was begun, found --scale none",
        ),
        ("run s.csv --trunk m", "m: expected a network that learns, to take the trunk of, found \"linear:16 > relu > "),
        ("run s.csv --trunk gru", "gru: expected layers that carry nothing from row to row, found "),
        ("run s.csv --trunk none", "none: expected a learner that has seen rows, found one that has not"),
        (
            "learn s.csv --trunk t --checkpoint m",
            "m: expected a new checkpoint beside --trunk t, found one to go on from",
        ),
        (
            "learn s.csv --head slda --checkpoint m",
            "m: expected a run with --head ncm, as it was begun, found --head slda",
        ),
        (
            "learn s.csv --model linear --checkpoint m",
            "m: expected a run without --model, as it was begun, found --model",
        ),
        (
            "learn s.csv --head ncm --checkpoint t",
            "t: expected a run without --head, as it was begun, found --head ncm",
        ),
    ] {
        let found = folder.refusal(arguments);
        assert!(found.starts_with(refusal), "{arguments}: {found}");
    }
    for arguments in ["run s.csv --trunk t --model linear", "run --resume m --trunk t", "run s.csv --trunk t --seed 3"]
    {
        let done = folder.run(arguments);
        assert!(done.code == Some(2) && done.err.contains("cannot be used with"), "{arguments}: {}", done.err);
    }
}
