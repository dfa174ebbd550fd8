//! `thalweg anomalies`: one line for each row, scored before it is learned.

use serde_json::Value;
use thalweg_online::anomaly::{Autoencoder, Config};
use thalweg_online::metrics::exact_auc;
use thalweg_online::{Record, StreamOptions, stream as streams};

use super::support::{Done, Folder};

/// Three numbers that go together; every fiftieth row breaks that, and says so.
fn folder() -> Folder {
    let folder = Folder::new();
    let row = |k: u32| {
        let (t, odd) = (f64::from(k * 7 % 19), k % 50 == 49);
        let b = if odd { 18.0 - t } else { t };
        format!("r{k},{t},{},{},{}\n", 2.0 * b + 0.1, 5.0 - t, if odd { "TRUE" } else { "0" })
    };
    folder.write("s.csv", "name,a,b,c,odd\n".to_owned() + &(0..1500).map(row).collect::<String>());
    folder
}

const RUN: &str = "anomalies s.csv --model linear:1 --target odd --id name";

#[test]
fn it_says_what_the_library_says_and_how_good_that_is() {
    let folder = folder();
    let done = folder.run(RUN);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let options = StreamOptions { target: Some("odd".into()), id: Some("name".into()), ..StreamOptions::default() };
    let mut rows = streams::open(folder.path("s.csv"), &options).expect("it opens");
    let model = thalweg_online::Model::parse("linear:1").expect("there is such a model");
    let mut detector = Autoencoder::new(Config { model, ..Config::default() }).expect("it fits");
    let (mut record, mut lines, mut scores) = (Record::new(), done.out.lines(), Vec::new());
    assert_eq!(lines.next(), Some("id,score,rank"));
    while rows.read(&mut record).expect("the row is good") {
        let score = detector.score_one(&record).expect("the row is good");
        let line = format!("{},{score},{}", record.id().expect("a name"), detector.rank(score));
        assert_eq!(lines.next(), Some(line.as_str()));
        scores.push((score, record.target_text() == Some("TRUE"), 1.0));
        detector.learn_one(&record).expect("the row is good");
    }
    assert_eq!(lines.next(), None);
    let said = done.err.strip_prefix("ROC AUC ").and_then(|text| text.split_once(' ')).expect("it says how good");
    let (auc, exact): (f64, f64) = (said.0.parse().expect("a number"), exact_auc(&mut scores));
    assert!((auc - exact).abs() < 0.01 && auc > 0.8, "{auc} {exact}");
    assert_eq!(said.1, "over 1,500 rows, 30 of them anomalies\n");
}

#[test]
fn a_stop_changes_nothing() {
    let folder = folder();
    for more in ["", "--optimizer adam --spare 0.95 --fading 0.02 --json"] {
        let json = if more.ends_with("--json") { "--json" } else { "" };
        let whole = folder.run(&format!("{RUN} {more}"));
        let first = folder.text(&format!("{RUN} {more} --checkpoint c --limit 700"));
        let second = folder.text(&format!("anomalies --resume c --checkpoint c --limit 901 {json}"));
        let third = folder.run(&format!("anomalies --resume c {json}"));
        assert_eq!(first + &second + &third.out, whole.out, "{more}");
        assert_eq!(third.err, whole.err, "{more}");
        folder.remove("c");
    }
}

/// A bad row is no dead end: what was learned before it is kept, and goes on without it as if that had been said at first.
#[test]
fn what_stopped_at_a_bad_row_goes_on_without_it() {
    let folder = folder();
    let text = String::from_utf8(folder.read("s.csv")).expect("it is text");
    let mut lines: Vec<&str> = text.lines().collect();
    (lines[701], lines[900]) = ("r700,tall,1,2,0", "r899,1,1,2,perhaps");
    folder.write("s.csv", lines.join("\n"));
    let whole = folder.run(&format!("{RUN} --on-bad-row skip"));
    let stopped = folder.run(&format!("{RUN} --checkpoint c"));
    assert_eq!((whole.code, stopped.code), (Some(0), Some(2)));
    assert!(stopped.err.contains("note: c holds what was learned from the first 700 rows"), "{}", stopped.err);
    let again = folder.run("anomalies --resume c --checkpoint c");
    assert_eq!((again.code, again.out.as_str()), (Some(2), ""), "nothing new is said");
    let rest = folder.run("anomalies --resume c --checkpoint c --on-bad-row skip");
    assert_eq!(stopped.out + &rest.out, whole.out);
    assert_eq!(rest.err, whole.err);
    let refusal = folder.refusal("anomalies --resume c --on-bad-row stop");
    assert!(refusal.contains("with --on-bad-row skip, as it was begun, found --on-bad-row stop"), "{refusal}");
    assert_eq!(folder.run("anomalies --resume c --scale none").code, Some(2), "all else stays as it was");
}

#[test]
fn without_a_target_all_columns_are_features() {
    let folder = folder();
    let done = folder.run("anomalies s.csv --ignore odd,name --limit 100 --json");
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    let lines: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).expect("a value")).collect();
    assert_eq!((lines.len(), &lines[99]["id"], &lines[0]["score"]), (100, &100.into(), &0.0.into()));
    assert!(lines.iter().all(|line| (0.0..=1.0).contains(&line["rank"].as_f64().expect("a number"))));
    let all = folder.text("anomalies s.csv --ignore name --categorical odd --limit 100 --json");
    assert_ne!(all, done.out, "one column more");
    let mut piped = folder.command("anomalies - --ignore odd,name --limit 100 --json");
    assert_eq!(Done::new(piped.write_stdin(folder.read("s.csv"))).out, done.out);
}

#[test]
fn options_are_written_and_read() {
    let folder = folder();
    let begun = format!("{RUN} --optimizer adam --spare 0.95 --fading 0.02 --seed 3 --scale robust --on-bad-row skip");
    let whole = folder.text(&format!("{begun} --write-config f.toml"));
    assert_eq!(folder.text("anomalies --config f.toml"), whole);
    // What goes on was begun with all of that, and said nothing of it.
    let first = folder.text(&format!("{begun} --limit 700 --checkpoint c"));
    let second = folder.text("anomalies --resume c --write-config g.toml");
    assert_eq!(first.clone() + &second, whole);
    assert_eq!(folder.text("anomalies --config g.toml"), whole, "from the beginning");
    assert_eq!(folder.text("anomalies --config g.toml --resume c"), second, "what is said goes before");
}

#[test]
fn names_that_come_too_late_are_counted() {
    let folder = Folder::new();
    folder.write("s.vw", (0..90).map(|row| format!("| a:{} b:{} w{row}\n", row % 5, row % 5)).collect::<String>());
    let warning = "warning: 87 cells were left out: their names came when there were 5 features or columns already; \
                   --features most=N allows more\n";
    let done = folder.run("anomalies s.vw --features most=5");
    assert_eq!((done.code, done.out.lines().count(), done.err.as_str()), (Some(0), 91, warning));
    folder.write("s.vw", (0..90).map(|row| format!("{} | a:{} w{row}\n", row % 2, row % 5)).collect::<String>());
    let done = folder.run("run s.vw --features most=4 --print-every 0 --json --checkpoint c");
    assert_eq!((done.code, done.err.as_str()), (Some(0), warning.replace(" 5 ", " 4 ").as_str()));
    assert_eq!(folder.json("inspect c")["ignored_cells"], 87);
    assert!(folder.text("inspect c").contains("87, of names that came too late"));
}

#[test]
fn a_generator_needs_no_target() {
    let folder = Folder::new();
    let said = folder.run("anomalies led:river --limit 60 --model linear:3 --seed 9");
    assert_eq!((said.code, said.out.lines().count(), said.err.as_str()), (Some(0), 61, ""));
    folder.text("anomalies led:river --limit 40 --model linear:3 --seed 9 --checkpoint c");
    let rest: Vec<&str> = said.out.lines().skip(41).collect();
    assert_eq!(folder.text("anomalies --resume c --limit 60").lines().collect::<Vec<_>>(), rest);
    assert!(
        folder.refusal("anomalies sea --limit 5 --target y").contains("expected nothing said of formats or columns")
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = folder();
    folder.write("t.csv", "a,odd\n1,0\n2,maybe\n3,1\n");
    let refused = |arguments: &str| {
        let done = folder.run(arguments);
        assert_eq!(done.code, Some(2), "{arguments}");
        done.err
    };
    let error = refused("anomalies t.csv --target odd");
    assert!(error.contains("row 2") && error.contains("expected 1 or true for an anomaly, 0 or false"), "{error}");
    let skipped = folder.run("anomalies t.csv --target odd --on-bad-row skip");
    assert_eq!((skipped.code, skipped.out.lines().count()), (Some(0), 3), "{}", skipped.err);
    assert!(refused("anomalies s.csv --model gru:3").contains("expected layers that carry nothing from row to row"));
    assert!(refused("anomalies s.csv --spare 2").contains("expected a rank from 0.5 to 1"));
    assert!(refused("anomalies s.csv --task regress").contains("expected no --task"));
    folder.text("anomalies t.csv --target odd --on-bad-row skip --checkpoint c");
    let error = refused("inspect c");
    assert!(error.contains("c: not a checkpoint of thalweg"), "{error}");
    folder.text("learn s.csv --checkpoint m");
    assert!(refused("anomalies --resume m").contains("a checkpoint of thalweg anomalies"));
    assert!(refused("anomalies t.csv --checkpoint m").contains("it is not replaced"));
}
