//! `--drift` and `--policy`.

use super::support::{Done, Folder, timeless};

/// Another concept from row 1000 on.
const STREAM: &str = "drift(stagger>stagger:function=2;at=1000)";

#[test]
fn drifts_are_shown_on_the_way_and_in_the_end() {
    let folder = Folder::new();
    let arguments = format!("run {STREAM} --limit 1600 --model mlp:8 --print-every 400 --drift hddm-a --policy rate:5");
    let done = Done::new(&mut folder.command(&format!("{arguments} --checkpoint m --json")));
    let shown = done.err.lines().find(|line| line.contains("drift")).expect("it is shown").to_owned();
    let result: serde_json::Value = serde_json::from_str(&done.succeeded(&arguments)).expect("it is JSON");
    assert_eq!((&result["drift"], &result["policy"]), (&"hddm-a".into(), &"rate:5,rows=500".into()));
    let drifts = &result["drifts"];
    let row = drifts["rows"][0].as_u64().expect("there was a drift");
    assert!((1000..1100).contains(&row) && drifts["count"] == 1, "{drifts}");
    let at = format!("drift at learned row 1,0{:02}", row % 100);
    assert!(shown.starts_with("[1,200] Accuracy: ") && shown.ends_with(&at), "{shown}");

    let text = folder.text(&arguments);
    assert!(
        text.contains("at a drift by hddm-a rate:5,rows=500.") && text.contains("1 drift, at learned row 1,0"),
        "{text}"
    );
    assert_eq!(folder.json("inspect m")["drifts"], *drifts);
    assert!(folder.text("inspect m").contains("1 drift, at learned row"));
    assert_eq!(folder.json("run phishing --limit 50")["drifts"], serde_json::Value::Null);
}

#[test]
fn a_run_that_was_stopped_goes_on() {
    let folder = Folder::new();
    let arguments = format!("run {STREAM} --model mlp:8 --policy background:warmup=40");
    let whole = timeless(folder.json(&format!("{arguments} --limit 1500")));
    folder.text(&format!("{arguments} --limit 1030 --checkpoint m"));
    let again = "run --resume m --limit 1500 --drift adwin --write-config f.toml";
    assert_eq!(timeless(folder.json(again)), whole);
    assert_eq!(whole["drift"], "adwin");
    let written = String::from_utf8(folder.read("f.toml")).expect("it is text");
    assert!(written.contains("policy = \"background:warmup=40,patience=500\""), "{written}");
    let refusal = folder.refusal("run --resume m --drift ddm");
    assert!(refusal.contains("with --drift adwin") && refusal.contains("found --drift ddm"), "{refusal}");
}

#[test]
fn learn_and_compare_watch_too() {
    let folder = Folder::new();
    folder.text(&format!("learn {STREAM} --limit 1200 --model mlp:8 --drift ddm --checkpoint m"));
    let held = folder.json("inspect m");
    assert_eq!((&held["drift"], &held["policy"]), (&"ddm".into(), &"report".into()));
    let compared = folder.json(&format!("compare {STREAM} --limit 1300 --model mlp:8 --model linear --policy head"));
    let compared = &compared["streams"][0];
    assert_eq!((&compared["drift"], &compared["policy"]), (&"adwin".into(), &"head".into()));
    assert!(compared["models"][0]["drifts"]["count"].as_u64() >= Some(1), "{compared}");
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = Folder::new();
    assert!(folder.refusal("run phishing --drift adwn").contains(r#"did you mean "adwin"?"#));
    assert!(folder.refusal("run phishing --policy haed").contains(r#"did you mean "head"?"#));
    assert!(folder.refusal("run phishing --drift cusum:watch=down").contains("a detector of errors that rise"));
}
