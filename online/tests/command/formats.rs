//! `thalweg run` over every format, from files and from the standard input; rows left out; columns with roles.

use super::support::{Done, Folder, gzip, nameless, stream, timeless};

/// One table in four spellings: wind, pressure and a class.
fn files() -> [(&'static str, String); 4] {
    let rows: Vec<(f64, f64, i32)> =
        (0..400).map(|row| (f64::from(row * 7 % 11), f64::from(row * 13 % 17) / 3.0, row * 7 % 11 / 6)).collect();
    let lines =
        |line: &dyn Fn(f64, f64, i32) -> String| rows.iter().map(|(a, b, y)| line(*a, *b, *y)).collect::<String>();
    [
        ("t.csv", "a,b,y\n".to_owned() + &lines(&|a, b, y| format!("{a},{b},{y}\n"))),
        ("t.jsonl", lines(&|a, b, y| format!("{{\"a\":{a},\"b\":{b},\"y\":{y}}}\n"))),
        ("t.libsvm", lines(&|a, b, y| format!("{y} 1:{a} 2:{b}\n"))),
        ("t.vw", lines(&|a, b, y| format!("{y} | a:{a} b:{b}\n"))),
    ]
}

#[test]
fn every_format_gives_the_same_from_a_file_or_the_standard_input() {
    let folder = Folder::new();
    let mut expected = None;
    for (name, text) in files() {
        folder.write(name, &text);
        folder.write(&format!("{name}.gz"), gzip(&text));
        let found = nameless(folder.json(&format!("run {name} --model gru:4")));
        assert_eq!(nameless(folder.json(&format!("run {name}.gz --model gru:4"))), found, "{name}");
        let mut piped = folder.command("run - --task classify --model gru:4 --json");
        let piped = Done::new(piped.write_stdin(gzip(&text))).succeeded(name);
        assert_eq!(nameless(serde_json::from_str(&piped).expect("one JSON value")), found, "{name}");
        assert_eq!(*expected.get_or_insert_with(|| found.clone()), found, "{name}");
        folder.json(&format!("run {name} --model gru:4 --checkpoint c --limit 123"));
        assert_eq!(nameless(folder.json("run --resume c")), found, "{name}");
        folder.remove("c");
    }
}

#[test]
fn the_standard_input_tells_its_task_and_is_read_once() {
    let folder = Folder::new();
    folder.write("s.csv", stream(500));
    let piped = Done::new(folder.command("run - --json").write_stdin(stream(500))).succeeded("the pipe");
    let piped = serde_json::from_str(&piped).expect("one JSON value");
    assert_eq!(nameless(piped), nameless(folder.json("run s.csv")));
    let mut twice = folder.command("compare - --model linear --model mlp:4");
    let refusal = Done::new(twice.write_stdin("a,y\n1,2\n")).refused("two passes");
    assert_eq!(refusal, "-: can be read only once: expected a stream that each model can read, found a pipe");
}

#[test]
fn bad_rows_can_be_left_out() {
    let folder = Folder::new();
    let good = stream(900);
    let mut lines: Vec<&str> = good.split_inclusive('\n').collect();
    lines.insert(700, "fast,rain,3,1010,calm\n");
    lines.insert(300, "1,2\n");
    folder.write("good.csv", &good);
    folder.write("bad.csv", lines.concat());
    let run = "run bad.csv --model gru:4 --on-bad-row skip";
    let result = folder.json(run);
    assert_eq!((&result["rows"], &result["skipped"]), (&902.into(), &2.into()));
    assert_eq!(result["first_skipped"], "bad.csv: row 300: expected 5 fields between \",\", found 2");
    assert_eq!(result["fingerprint"], folder.json("run good.csv --model gru:4")["fingerprint"]);
    let done = folder.run(&format!("{run} --checkpoint c --limit 500 --print-every 0"));
    let expected = "warning: a row is left out, as later ones will be: bad.csv: row 300: expected 5 fields between \",\", \
                    found 2\n";
    assert_eq!(done.err, expected);
    assert!(done.out.contains(" · rows left out because they could not be read or used: 1 · "), "{}", done.out);
    assert_eq!(timeless(folder.json("run --resume c")), timeless(result));
    assert!(folder.refusal("run --resume c --on-bad-row stop").contains("expected a run with --on-bad-row skip"));

    let done = folder.run("run good.csv --limit 1 --checkpoint d");
    assert_eq!(done.code, Some(0));
    folder.write("bad.csv", lines.iter().filter(|line| **line != "1,2\n").copied().collect::<String>());
    let done = folder.run("run bad.csv --model linear");
    let note = "note: --categorical \"wind\", from the beginning, takes what stands in the column for categories; \
                --on-bad-row skip, with --resume too, leaves such rows out\n";
    assert!(done.err.contains(note), "{}", done.err);
    assert_eq!(folder.json("run bad.csv --model linear --categorical wind")["rows"], 901);
}

/// Whatever is wrong with the row, and whatever waits or is carried.
#[test]
fn a_run_that_stopped_at_a_bad_row_goes_on_without_it() {
    let folder = Folder::new();
    let good = stream(900);
    let mut lines: Vec<&str> = good.split_inclusive('\n').collect();
    lines.insert(700, "fast,rain,3,1010,calm\n");
    lines.insert(300, "1,2\n");
    folder.write("s.csv", lines.concat());
    for model in ["--model gru:4", "--model lstm:4 --delay 20 --memory reservoir:30,replays=1 --context sky"] {
        let run = format!("run s.csv {model}");
        assert!(folder.refusal(&format!("{run} --checkpoint c")).contains("row 300: expected 5 fields"));
        assert_eq!(folder.json("run --resume c --on-bad-row skip --checkpoint c --limit 600")["skipped"], 1);
        let from_the_start = timeless(folder.json(&format!("{run} --on-bad-row skip")));
        assert_eq!(from_the_start["skipped"], 2);
        assert_eq!(timeless(folder.json("run --resume c")), from_the_start, "skip is kept: {model}");
        folder.remove("c");
        folder.refusal(&format!("learn s.csv {model} --checkpoint c"));
        assert_eq!(timeless(folder.json("run --resume c --on-bad-row skip")), from_the_start, "{model}");
        folder.remove("c");
    }
}

#[test]
fn columns_have_roles_and_keep_them() {
    let folder = Folder::new();
    let row = |row: usize| format!("{row},r{row},{},2024-01-{:02},so it rains,{}\n", row % 3, row % 28 + 1, row % 2);
    let text: String = std::iter::once("t,name,w,day,note,y\n".to_owned()).chain((0..200).map(row)).collect();
    folder.write("s.csv", text);
    let roles = "--time t --id name --weight w --date day --text note --text-columns 5";
    let run = format!("run s.csv {roles} --model linear");
    let result = folder.json(&run);
    assert_eq!((&result["features"], &result["rows"]), (&12.into(), &200.into()));
    folder.json(&format!("{run} --checkpoint c --limit 80"));
    assert_eq!(folder.json(&format!("run --resume c {roles}"))["fingerprint"], result["fingerprint"]);
    assert!(folder.refusal("run --resume c --text-columns 6").contains("expected a run with --text-columns 5"));
    assert!(folder.refusal("run s.csv --weight w --ignore w").starts_with("s.csv: column \"w\": expected one of "));
}
