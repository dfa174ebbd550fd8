//! `thalweg learn`: one stream after the other into one checkpoint.

use super::support::{Done, Folder, gzip, stream, timeless};

/// `a.csv` and `b.csv`, and both of them in `all.csv`.
fn folder() -> Folder {
    let (folder, text) = (Folder::new(), stream(1200));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    folder.write("a.csv", lines[..701].concat());
    folder.write("b.csv", [lines[0], &lines[701..].concat()].concat());
    folder.write("all.csv", text);
    folder
}

fn fingerprint(folder: &Folder, checkpoint: &str) -> String {
    folder.json(&format!("inspect {checkpoint}"))["fingerprint"].to_string()
}

#[test]
fn it_is_told_in_a_line_for_each_stream() {
    let folder = folder();
    let text = folder.text("learn a.csv b.csv --checkpoint m --model mlp:8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("a.csv: 700 rows (") && lines[0].contains(" rows/s, 7 without a target); accuracy 0.")
    );
    assert!(lines[1].starts_with("b.csv: 500 rows (") && lines[1].ends_with(" over 1,187 rows"), "{text}");
    assert!(lines[1].contains(" rows/s, 5 without a target); "), "those of this stream: {text}");
    let result = folder.json("learn a.csv b.csv --checkpoint n --model mlp:8");
    assert_eq!((&result["streams"][1]["rows"], &result["learned"]), (&500.into(), &1188.into()));
    assert_eq!(result["fingerprint"].to_string(), fingerprint(&folder, "m"));
    let held = folder.json("inspect m");
    assert_eq!(
        (&held["stream"], &held["rows"], &held["earlier_rows"], &held["earlier_streams"], &held["target"]),
        (&"b.csv".into(), &500.into(), &700.into(), &1.into(), &"class".into())
    );
    assert!(folder.text("inspect m").contains("700 rows of 1 other stream"));
}

#[test]
fn learning_is_what_a_run_does() {
    let folder = folder();
    for model in ["mlp:8", "lstm:6 --memory reservoir:30,replays=1"] {
        folder.text(&format!("learn all.csv --checkpoint m --model {model}"));
        folder.json(&format!("run all.csv --checkpoint c --model {model}"));
        assert_eq!(folder.read("m"), folder.read("c"), "{model}");
        folder.remove("m");
        folder.remove("c");
    }
}

#[test]
fn streams_are_learned_at_once_or_one_by_one() {
    let folder = folder();
    for (options, whole) in [("--model mlp:8 --delay 30", true), ("--model gru:6 --delay 30", false)] {
        folder.text(&format!("learn a.csv b.csv --checkpoint m {options}"));
        folder.text(&format!("learn a.csv --checkpoint n {options}"));
        folder.text("learn b.csv --checkpoint n");
        assert_eq!(folder.read("m"), folder.read("n"), "{options}");
        // A plain network learns the parts as it learns the whole; for a recurrent one the second is a new sequence.
        folder.text(&format!("learn all.csv --checkpoint o {options}"));
        let learned = |checkpoint| folder.json(&format!("run --resume {checkpoint}"))["fingerprint"].clone();
        assert_eq!(learned("m") == learned("o"), whole, "{options}");
        ["m", "n", "o"].into_iter().for_each(|name| folder.remove(name));
    }
}

#[test]
fn what_was_broken_off_is_resumed_as_a_run() {
    let folder = folder();
    let options = "--model lstm:6 --optimizer adam --delay 20";
    folder.text(&format!("learn a.csv b.csv --checkpoint m {options}"));
    folder.text(&format!("learn a.csv --checkpoint n {options}"));
    folder.text("learn b.csv --checkpoint n --limit 333");
    assert_eq!(folder.json("inspect n")["waiting"], 20);
    let resumed = folder.json("run --resume n --checkpoint n");
    assert_eq!(timeless(resumed), timeless(folder.json("run --resume m")));
    assert_eq!(timeless(folder.json("run --resume n")), timeless(folder.json("run --resume m")));
}

#[test]
fn what_the_checkpoint_is_cannot_be_said_otherwise() {
    let folder = folder();
    folder.text("learn a.csv --checkpoint m --model mlp:8 --categorical sky");
    for (flag, held) in [
        ("--model lstm:8", "--model mlp:8"),
        ("--optimizer adam", "--optimizer sgd:0.03"),
        ("--task regress", "--task classify"),
        ("--ignore late", "without --ignore"),
        ("--scale none", "--scale standard"),
        ("--delay 3", "--delay 0"),
    ] {
        let refusal = folder.refusal(&format!("learn b.csv --checkpoint m {flag}"));
        let held = held.strip_prefix("without ").map_or(format!("with {held}"), |_| held.to_owned());
        assert!(refusal.starts_with(&format!("m: expected a run {held}, as it was begun, found ")), "{refusal}");
    }
    folder.text("learn b.csv --checkpoint m --model mlp:8 --categorical sky --seed 42");
    let done = folder.run("learn b.csv --checkpoint m --print-every 0");
    let note = "note: m has learned 500 rows of b.csv already, and learns them once more; to go on behind them: thalweg run \
                --resume m --checkpoint m\n";
    assert_eq!((done.code, done.err.as_str()), (Some(0), note));
}

#[test]
fn the_next_stream_may_be_of_another_format() {
    let folder = Folder::new();
    let rows = |line: &dyn Fn(i32, i32, i32) -> String| -> String {
        (0..300).map(|row| line(row * 7 % 11, row * 13 % 17, row * 7 % 11 / 6)).collect()
    };
    folder.write("t.csv", "a;y;b\n".to_owned() + &rows(&|a, b, y| format!("{a};{y};{b}\n")));
    folder.write("t.jsonl", rows(&|a, b, y| format!("{{\"y\":{y},\"a\":{a},\"b\":{b}}}\n")));
    folder.write("t.vw", rows(&|a, b, y| format!("{y} | a:{a} b:{b}\n")));
    folder.write("p.vw", rows(&|a, b, y| format!("{y} | a:{a} b:{b}\n")));
    let first = "learn t.csv --delimiter ; --header yes --target y --checkpoint";
    folder.text(&format!("{first} m"));
    for (checkpoint, next) in [("c", "t.csv --delimiter ;"), ("j", "t.jsonl"), ("v", "t.vw")] {
        std::fs::copy(folder.path("m"), folder.path(checkpoint)).expect("the folder takes a file");
        folder.text(&format!("learn {next} --checkpoint {checkpoint}"));
        assert_eq!(folder.json(&format!("inspect {checkpoint}"))["classes"], serde_json::json!(["0", "1"]));
    }
    assert_eq!(fingerprint(&folder, "c"), fingerprint(&folder, "j"));
    assert_eq!(fingerprint(&folder, "c"), fingerprint(&folder, "v"));
    assert_ne!(fingerprint(&folder, "c"), fingerprint(&folder, "m"));
    // Of Vowpal Wabbit's text nobody knows the target's name: a column of a table must be said.
    folder.text("learn t.vw --checkpoint w");
    assert!(folder.refusal("learn t.csv --checkpoint w").starts_with("t.csv: unknown target column \"label\""));
    folder.text("learn t.csv --target y --checkpoint w");
    assert_eq!(fingerprint(&folder, "w"), fingerprint(&folder, "c"));
}

#[test]
fn a_later_stream_may_lack_weights_ids_and_times() {
    let folder = Folder::new();
    let rows = |line: &dyn Fn(i32, i32, i32) -> String| -> String {
        (0..300).map(|row| line(row, row * 7 % 11, row * 7 % 11 / 6)).collect()
    };
    let header = || "w,name,t,a,y\n".to_owned();
    folder.write("whole.csv", header() + &rows(&|row, a, y| format!("{},r{row},{row},{a},{y}\n", row % 3)));
    folder.write("ones.csv", header() + &rows(&|row, a, y| format!("1,r{row},{row},{a},{y}\n")));
    folder.write("bare.csv", "a,y\n".to_owned() + &rows(&|_, a, y| format!("{a},{y}\n")));
    folder.write("bare.jsonl", rows(&|_, a, y| format!("{{\"a\":{a},\"y\":{y}}}\n")));
    let learn = |checkpoint: &str, next: &str| {
        folder.text(&format!("learn whole.csv --weight w --id name --time t --checkpoint {checkpoint} --model mlp:8"));
        folder.text(&format!("learn {next} --checkpoint {checkpoint}"));
        fingerprint(&folder, checkpoint)
    };
    // A row without a weight counts as one of weight 1.
    let expected = learn("m", "ones.csv");
    for (checkpoint, next) in [("b", "bare.csv"), ("j", "bare.jsonl")] {
        assert_eq!(learn(checkpoint, next), expected, "{next}");
        folder.json(&format!("run --resume {checkpoint}"));
    }
    assert_eq!(folder.json("run bare.csv --trunk b")["rows"], 300);
    // Its name is its number, and the column of names where it is there.
    for (rows, line) in [("bare.csv", "\n1,"), ("whole.csv", "\nr0,")] {
        assert!(folder.text(&format!("predict b {rows} --limit 1")).contains(line), "{rows}");
    }
    // What is said of this stream must be there, and so must what its delays need.
    for (rows, flag, role) in [
        ("bare.csv", "--weight w", "weight"),
        ("bare.csv", "--id name", "id"),
        ("bare.jsonl", "--time t", "time"),
        ("sea --limit 3", "--weight w", "is a generator"),
    ] {
        let refusal = folder.refusal(&format!("learn {rows} --checkpoint b {flag}"));
        assert!(refusal.contains(role), "{refusal}");
    }
    assert!(folder.refusal("predict b bare.csv --id name").contains("unknown id column \"name\""));
    folder.text("learn whole.csv --time t --delay 9s --checkpoint d");
    let refusal = folder.refusal("learn bare.csv --checkpoint d");
    assert!(refusal.starts_with("bare.csv: unknown time column \"t\"; "), "{refusal}");
}

#[test]
fn a_pipe_tells_its_task_by_its_targets() {
    let folder = folder();
    folder.text("learn all.csv --target class --checkpoint m");
    let mut piped = folder.command("learn - --target class --checkpoint n");
    let said = Done::new(piped.write_stdin(gzip(&stream(1200)))).succeeded("the pipe");
    assert!(said.starts_with("-: 1,200 rows ("), "{said}");
    assert_eq!(fingerprint(&folder, "m"), fingerprint(&folder, "n"));
    let numbers: String = (0..2000).map(|row| format!("{row},{}\n", f64::from(row % 37) / 2.0)).collect();
    let mut piped = folder.command("learn - --checkpoint r");
    let said = Done::new(piped.write_stdin(numbers)).succeeded("the pipe");
    assert!(said.starts_with("-: 2,000 rows (") && said.contains("; mae "), "{said}");
}

#[test]
fn a_slip_of_the_keyboard_leaves_everything_as_it_was() {
    let folder = folder();
    let done = folder.run("learn a.csv");
    assert!(done.code == Some(2) && done.err.contains("--checkpoint <FILE>"), "{}", done.err);
    let refusal = folder.refusal("learn a.csv --target clas --checkpoint m");
    assert!(refusal.starts_with("a.csv: unknown target column \"clas\"; did you mean \"class\"?"), "{refusal}");
    assert!(!folder.path("m").exists());
    folder.text("learn a.csv --checkpoint m");
    let held = folder.read("m");
    folder.write("untold.csv", "wind,sky,late,pressure\n1,clear,,1000\n");
    let refusal = folder.refusal("learn untold.csv --checkpoint m");
    assert!(refusal.starts_with("untold.csv: unknown target column \"class\"; allowed: wind, "), "{refusal}");
    assert_eq!(folder.read("m"), held);
    folder.write("n", "something else");
    assert!(folder.refusal("learn a.csv --checkpoint n").starts_with("n: expected a checkpoint or no file yet"));
}
