//! Labels that come later than their rows.

use super::support::{Folder, stream, timeless};

#[test]
fn a_run_that_was_stopped_while_rows_wait_ends_as_the_unbroken_one() {
    let folder = Folder::new();
    folder.write("s.csv", stream(900));
    let run = "run s.csv --model lstm:4 --delay 70";
    let unbroken = timeless(folder.json(run));
    assert_eq!(
        (&unbroken["rows"], &unbroken["delay"], &unbroken["unlabelled"]),
        (&900.into(), &"70".into(), &9.into())
    );
    // The first 70 rows are predicted by a learner that knows nothing.
    assert_eq!(unbroken["scored"], 900 - 9 - 70);
    let first = folder.json(&format!("{run} --checkpoint c --limit 400"));
    assert_eq!(first["scored"], 400 - 4 - 70, "what waits counts at the end");
    assert_eq!((&folder.json("inspect c")["waiting"], &folder.json("inspect c")["delay"]), (&69.into(), &"70".into()));
    assert!(folder.text("inspect c").contains("70, 69 rows wait for their labels"));
    assert_eq!(timeless(folder.json("run --resume c --delay 70")), unbroken);
    assert_eq!(
        folder.refusal("run --resume c --delay 71"),
        "c: expected a run with --delay 70, as it was begun, found --delay 71: leave it out, or begin anew"
    );
}

#[test]
fn a_delay_is_said_and_concerns_the_baselines_too() {
    let folder = Folder::new();
    let now = folder.json("run phishing --model mlp:8");
    let later = folder.json("run phishing --model mlp:8 --delay 300");
    assert_eq!((&now["scored"], &later["scored"]), (&1249.into(), &950.into()));
    assert_eq!(now["fingerprint"], later["fingerprint"], "the same is learned in the same order");
    assert_ne!(now["metrics"], later["metrics"], "what differs is what was known when the rows came");
    assert_ne!(now["baselines"]["last_label"], later["baselines"]["last_label"]);
    let text = folder.text("run phishing --model mlp:8 --delay 300");
    assert!(text.contains("Every row was predicted first and learned after, 300 rows later."), "{text}");
}

#[test]
fn a_delay_by_time_goes_by_the_column_of_times() {
    let folder = Folder::new();
    folder.write("s.csv", "at,x,y\n0,1,a\n60,2,b\n3600,3,a\n3660,4,b\n");
    let result = folder.json("run s.csv --task classify --time at --delay 1h");
    // Rows 3 and 4 were predicted when the first label, and the first two, were known.
    assert_eq!((&result["rows"], &result["scored"], &result["delay"]), (&4.into(), &2.into(), &"1h".into()));
    for begin in ["run s.csv", "learn s.csv --checkpoint c", "compare s.csv --model linear --model mlp:4"] {
        assert_eq!(
            folder.refusal(&format!("{begin} --task classify --delay 60m")),
            "expected --time COL beside --delay 1h: which column says when a row was measured?"
        );
    }
    // Labels come an hour after their rows, of which there is one a minute.
    let rows: String = (0..600).map(|row| format!("{},{},{}\n", 60 * row, row % 7, row * row % 11)).collect();
    folder.write("t.csv", format!("at,x,y\n{rows}"));
    let compared = folder.json("compare t.csv --task regress --time at --delay 1h --model linear --model mlp:4");
    assert_eq!(compared["streams"][0]["models"][1]["test"]["lag"], 60);
    let refusal = folder.refusal("run s.csv --delay 1.5h");
    assert!(refusal.starts_with("invalid value '1.5h' for '--delay <N|TIME>': expected a number of rows such as 50, "));
}

#[test]
fn a_column_says_when_each_label_became_known() {
    let folder = Folder::new();
    let rows: String =
        (0..300).map(|row| format!("{},{},{},{}\n", 60 * row, 60 * row + 600, row % 7, row % 3)).collect();
    folder.write("s.csv", format!("at,paid_at,x,y\n{rows}"));
    let run = "run s.csv --task classify --model gru:4 --time at";
    let (by_column, by_time) = (
        folder.json(&format!("{run} --delay-until paid_at")),
        folder.json(&format!("{run} --delay 10m --ignore paid_at")),
    );
    assert_eq!(by_column["delay"], "column");
    for key in ["metrics", "baselines", "fingerprint", "features"] {
        assert_eq!(by_column[key], by_time[key], "{key}");
    }
    folder.json(&format!("{run} --delay-until paid_at --checkpoint c --limit 150"));
    assert_eq!(folder.json("inspect c")["waiting"], 10);
    assert_eq!(timeless(folder.json("run --resume c")), timeless(by_column));
    assert!(folder.refusal("run --resume c --delay 3").starts_with("c: expected a run with --delay column, as it was"));
    let text = folder.text(&format!("{run} --delay-until paid_at"));
    assert!(text.contains("predicted first and learned after, when its label became known."), "{text}");
    folder.write("s.csv", "at,paid_at,x,y\n1,2,3,a\n2,,3,b\n");
    assert_eq!(
        folder.refusal(&format!("{run} --delay-until paid_at")),
        "s.csv: row 2: expected the time at which the label became known, found none"
    );
    let done = folder.run("run s.csv --delay-until paid_at");
    assert!(done.code == Some(2) && done.err.contains("--time <COL>"), "{}", done.err);
}

#[test]
fn a_row_that_turns_out_wrong_when_its_label_comes_is_named() {
    let folder = Folder::new();
    // When row 2 is predicted nobody knows yet that x is a number.
    folder.write("s.csv", "x,y\n1,a\ntall,b\n3,a\n4,b\n5,a\n");
    let run = "run s.csv --task classify --delay 2";
    assert_eq!(
        folder.refusal(&format!("{run} --checkpoint c")),
        "s.csv: row 2, column \"x\": expected a number, as in the rows before, found \"tall\""
    );
    let result = folder.json(&format!("{run} --on-bad-row skip"));
    assert_eq!((&result["rows"], &result["skipped"], &result["scored"]), (&5.into(), &1.into(), &3.into()));
    assert_eq!(timeless(folder.json("run --resume c --on-bad-row skip")), timeless(result));
}
