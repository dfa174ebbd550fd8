//! `thalweg predict`: one line for each row, as soon as it is read.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::Value;
use thalweg_online::{Learner, Record, Session, StreamOptions, stream as streams};

use super::support::{Done, Folder, THALWEG, stream};

/// Rows of two numbers and a class, in several spellings, with and without the class.
fn folder() -> Folder {
    let folder = Folder::new();
    let rows = |line: &dyn Fn(i32, f64, &str) -> String| -> String {
        (0..300)
            .map(|row| line(row * 7 % 11, f64::from(row * 13 % 17) / 4.0, if row * 7 % 11 > 5 { "UP" } else { "DOWN" }))
            .collect()
    };
    let number = |y: &str| if y == "UP" { 1 } else { 0 };
    folder.write("t.csv", "a,b,y\n".to_owned() + &rows(&|a, b, y| format!("{a},{b},{y}\n")));
    folder.write("bare.csv", "b,a\n".to_owned() + &rows(&|a, b, _| format!("{b},{a}\n")));
    folder.write("t.jsonl", rows(&|a, b, y| format!("{{\"y\":\"{y}\",\"a\":{a},\"b\":{b}}}\n")));
    folder.write("bare.jsonl", rows(&|a, b, _| format!("{{\"a\":{a},\"more\":\"x\",\"b\":{b}}}\n")));
    folder.write("bare.vw", rows(&|a, b, _| format!("| a:{a} b:{b}\n")));
    folder.write("t.vw", rows(&|a, b, y| format!("{} | b:{b} a:{a}\n", number(y))));
    folder.write("one.csv", "1,2,y\n".to_owned() + &rows(&|a, b, y| format!("{a},{b},{y}\n")));
    folder.write("t.libsvm", rows(&|a, b, y| format!("{} 1:{a} 2:{b}\n", number(y))));
    folder.write("bare.libsvm", rows(&|a, b, _| format!("1:{a} 2:{b}\n")));
    folder
}

fn predictions(folder: &Folder, arguments: &str) -> String {
    let done = folder.run(&format!("predict {arguments}"));
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{arguments}");
    done.out
}

/// What a learner says in this process, row by row.
fn by_hand(folder: &Folder, checkpoint: &str, rows: &str) -> Vec<String> {
    let session = Session::load(folder.path(checkpoint)).expect("the checkpoint is good");
    let mut rows = streams::open(folder.path(rows), &StreamOptions::default()).expect("it opens");
    let (mut learner, mut record, mut said) = (session.into_learner(), Record::new(), Vec::new());
    while rows.read(&mut record).expect("the row is good") {
        let prediction = learner.predict_one(&record).expect("the row is good");
        let label = prediction.label().expect("the learner knows classes");
        said.push(format!("{},{label},{}", record.row(), prediction.probability(label) as f32));
        learner.pass_one(&record).expect("the row is good");
    }
    said
}

#[test]
fn every_format_is_predicted_alike() {
    let folder = folder();
    for model in ["mlp:8", "lstm:6"] {
        folder.text(&format!("learn t.csv --target y --checkpoint m --model {model}"));
        let (held, expected) = (folder.read("m"), predictions(&folder, "m t.csv"));
        assert!(expected.starts_with("id,prediction,probability\n1,") && expected.lines().count() == 301);
        assert_eq!(expected.lines().skip(1).collect::<Vec<_>>(), by_hand(&folder, "m", "t.csv"), "{model}");
        for rows in ["bare.csv", "t.jsonl", "bare.jsonl", "bare.vw", "t.vw"] {
            assert_eq!(predictions(&folder, &format!("m {rows}")), expected, "{model} {rows}");
        }
        assert_eq!(folder.read("m"), held, "the checkpoint stays as it is");
        folder.remove("m");
        folder.text(&format!("learn one.csv --header yes --target y --checkpoint m --model {model}"));
        let expected = predictions(&folder, "m one.csv --header yes");
        for rows in ["t.libsvm", "bare.libsvm"] {
            assert_eq!(predictions(&folder, &format!("m {rows}")), expected, "{model} {rows}");
        }
        folder.remove("m");
    }
}

#[test]
fn rows_after_those_learned_are_predicted_as_a_run_would_have() {
    let folder = Folder::new();
    let text = stream(900);
    folder.write("s.csv", &text);
    let mut lines = text.lines();
    let (header, next) = (lines.next().expect("a header"), lines.nth(800).expect("a row"));
    folder.write("next.csv", format!("{header}\n{next}\n"));
    for model in ["mlp:8", "gru:6"] {
        folder.text(&format!("learn s.csv --checkpoint m --limit 800 --model {model}"));
        let mut learner = Session::load(folder.path("m")).expect("the checkpoint is good").into_learner();
        let mut rows = streams::open(folder.path("s.csv"), &StreamOptions::default()).expect("it opens");
        let mut record = Record::new();
        rows.skip(800).and_then(|_| rows.read(&mut record)).expect("the row is good");
        let prediction = learner.predict_one(&record).expect("the row is good");
        let label = prediction.label().expect("there are classes");
        let expected = format!("id,prediction,probability\n1,{label},{}\n", prediction.probability(label) as f32);
        assert_eq!(folder.text("predict m next.csv"), expected, "{model}");
        folder.remove("m");
    }
    folder.text("learn s.csv --checkpoint m --model gru:6");
    assert_ne!(folder.text("predict m s.csv --limit 1"), folder.text("predict m s.csv --limit 1 --new-sequence"));
}

#[test]
fn json_names_all_classes() {
    let folder = folder();
    folder.text("learn t.csv --checkpoint m");
    let text = predictions(&folder, "m bare.jsonl --json");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("one value a line")).collect();
    assert_eq!(lines.len(), 300);
    for (row, line) in (1_u64..).zip(&lines) {
        let (up, down) = (&line["probabilities"]["UP"], &line["probabilities"]["DOWN"]);
        let (up, down) = (up.as_f64().expect("a number"), down.as_f64().expect("a number"));
        assert!((up + down - 1.0).abs() < 1e-6);
        assert_eq!((&line["id"], &line["prediction"]), (&row.into(), &if up > down { "UP" } else { "DOWN" }.into()));
    }
    folder.write("n.csv", "x,y\n1,2.5\n2,4.5\n3,7\n");
    folder.text("learn n.csv --checkpoint r --task regress");
    assert!(predictions(&folder, "r n.csv").starts_with("id,prediction\n1,"));
    let line: Value = serde_json::from_str(predictions(&folder, "r n.csv --json --limit 1").trim()).expect("one value");
    assert!(line["prediction"].is_f64() && line.get("probabilities").is_none(), "{line}");
    folder.json("run n.csv --task regress --limit 0 --checkpoint nothing");
    assert_eq!(predictions(&folder, "nothing n.csv --limit 2"), "id,prediction\n1,\n2,\n");
}

#[test]
fn several_answers_are_printed_side_by_side() {
    let folder = Folder::new();
    let rows: String =
        (0..60).map(|row| format!("{row},{},{},{}\n", row % 7, row % 5, ["", "a", "b|a"][row % 3])).collect();
    folder.write("s.csv", format!("x,y,z,tags\n{rows}"));
    folder.text("learn s.csv --target y,z --ignore tags --task regress --checkpoint two");
    assert!(predictions(&folder, "two s.csv").starts_with("id,y,z\n1,"));
    let line: Value =
        serde_json::from_str(predictions(&folder, "two s.csv --json --limit 1").trim()).expect("one value");
    assert_eq!(line["prediction"].as_array().map(Vec::len), Some(2));
    folder.text("learn s.csv --target y --ignore tags --task regress --loss quantile:0.1,0.5,0.9 --checkpoint q");
    assert!(predictions(&folder, "q s.csv").starts_with("id,prediction,0.1,0.5,0.9\n1,"));
    let line: Value = serde_json::from_str(predictions(&folder, "q s.csv --json --limit 1").trim()).expect("one value");
    assert_eq!(line["prediction"], line["quantiles"]["0.5"]);
    folder.text("learn s.csv --target tags --task multilabel --checkpoint sets");
    assert!(predictions(&folder, "sets s.csv").starts_with("id,prediction\n1,"));
    let line: Value =
        serde_json::from_str(predictions(&folder, "sets s.csv --json --limit 1").trim()).expect("one value");
    assert!(line["prediction"].is_array() && line["probabilities"]["a"].is_f64(), "{line}");
    // Several numbers and sets are forecast, too.
    for run in ["--target y,z --ignore tags --task regress", "--target tags --task multilabel"] {
        assert!(folder.json(&format!("run s.csv {run} --horizon 3"))["scored"].as_u64() > Some(30), "{run}");
    }
}

#[test]
fn rows_have_names_if_they_are_asked_for() {
    let folder = folder();
    folder.text("learn t.csv --checkpoint m");
    folder.write("named.csv", "who,a,b\n\"Ann, B.\",1,2\n,3,4\n");
    let text = predictions(&folder, "m named.csv --id who");
    let names: Vec<&str> = text.lines().skip(1).map(|line| line.rsplitn(3, ',').last().unwrap_or_default()).collect();
    assert_eq!(names, ["\"Ann, B.\"", "2"], "{text}");
    folder.write("named.vw", "'bob | a:1 b:2\n| a:1 b:2\n");
    let text = predictions(&folder, "m named.vw --json");
    assert!(text.starts_with("{\"id\":\"bob\",") && text.contains("\n{\"id\":2,"), "{text}");
    assert!(folder.refusal("predict m named.csv --id name").starts_with("named.csv: unknown id column \"name\""));
}

#[test]
fn a_bad_row_stops_after_those_before_it_or_is_left_out() {
    let folder = folder();
    folder.text("learn t.csv --checkpoint m");
    folder.write("bad.csv", "a,b\n1,2\n2\n3,tall\n4,5\n");
    let done = folder.run("predict m bad.csv");
    assert_eq!((done.code, done.out.lines().count()), (Some(2), 2));
    assert_eq!(done.err, "error: bad.csv: row 2: expected 2 fields between \",\", found 1\n");
    let done = folder.run("predict m bad.csv --on-bad-row skip");
    let ids: Vec<&str> = done.out.lines().map(|line| line.split(',').next().unwrap_or_default()).collect();
    assert_eq!((done.code, ids), (Some(0), vec!["id", "1", "4"]), "{}", done.err);
    assert!(done.err.ends_with("found 1\nnote: 2 rows were left out\n"), "{}", done.err);
    folder.write("bad.csv", "a,b\n1,2\n3,tall\n");
    assert_eq!(
        folder.run("predict m bad.csv").err,
        "error: bad.csv: row 2, column \"b\": expected a number, as in the rows before, found \"tall\"\n"
    );
}

#[test]
fn columns_that_are_not_there_are_named() {
    let folder = folder();
    folder.text("learn t.csv --checkpoint m --ignore b");
    assert_eq!(folder.run("predict m bare.csv --limit 1").err, "");
    folder.write("other.csv", "c\n1\n");
    let err = folder.run("predict m other.csv").err;
    assert!(err.starts_with("warning: the first row has none of the columns that were learned, such as a\n"), "{err}");
    assert_eq!(folder.run("predict m bare.csv --limit 0").out, "");
    folder.remove("m");
    folder.text("learn t.csv --checkpoint m");
    folder.write("one.csv", "b\n1\n");
    let err = folder.run("predict m one.csv").err;
    assert_eq!(err, "note: the first row has no a: what is not there counts as missing\n");
}

#[test]
fn columns_keep_the_types_that_they_were_learned_with() {
    let folder = Folder::new();
    let row = |row: usize| {
        format!("{row},r{row},{},2024-01-{:02},so it rains {},{}\n", row % 3, row % 28 + 1, row % 5, row % 2)
    };
    let rows: String = (0..200).map(row).collect();
    folder.write("s.csv", format!("t,name,w,day,note,y\n{rows}"));
    let object = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{{\"note\":\"{}\",\"day\":\"{}\",\"name\":\"{}\"}}\n", cells[4], cells[3], cells[1])
    };
    folder.write("s.jsonl", rows.lines().map(object).collect::<String>());
    folder.text("learn s.csv --time t --id name --weight w --date day --text note --text-columns 5 --checkpoint m");
    let expected = predictions(&folder, "m s.csv");
    assert_eq!(predictions(&folder, "m s.jsonl"), expected);
    assert!(predictions(&folder, "m s.jsonl --id name --limit 1").contains("\nr0,"));
}

/// The command, with rows to be written to it one by one.
fn slow(folder: &Folder, arguments: &str) -> std::process::Child {
    Command::new(THALWEG)
        .args(arguments.split_whitespace())
        .current_dir(folder.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts")
}

#[test]
fn the_answer_to_a_row_does_not_wait_for_the_next() {
    let folder = folder();
    folder.text("learn t.csv --checkpoint m");
    let mut child = slow(&folder, "predict m -");
    let mut rows = child.stdin.take().expect("it is piped");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    rows.write_all(b"a,b\n").expect("it reads");
    for row in 1..=3 {
        rows.write_all(b"1,2\n").expect("it reads");
        if row == 1 {
            assert_eq!(line(), "id,prediction,probability");
        }
        assert!(line().starts_with(&format!("{row},")));
    }
    drop(rows);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_reader_who_has_gone_is_no_failure() {
    let folder = folder();
    folder.text("learn t.csv --checkpoint m");
    for flag in ["", "--json"] {
        let mut child = slow(&folder, &format!("predict m - {flag}"));
        drop(child.stdout.take());
        let mut rows = child.stdin.take().expect("it is piped");
        // It may have ended before all rows are written.
        let _ = rows.write_all(&folder.read("bare.csv"));
        drop(rows);
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
    }
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let folder = folder();
    assert!(folder.refusal("predict t.csv bare.csv").starts_with("t.csv: "));
    folder.text("learn t.csv --checkpoint m");
    assert!(folder.refusal("predict m nowhere.csv").starts_with("nowhere.csv: cannot be opened"));
    let mut empty = folder.command("predict m -");
    assert!(Done::new(empty.write_stdin("")).refused("nothing").contains("found an empty file"));
}
