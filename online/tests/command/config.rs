//! Options from a file, and into one.

use super::support::{Folder, stream, timeless};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("s.csv", stream(700));
    folder.write("t.csv", stream(400).replace(',', ";"));
    folder
}

#[test]
fn what_a_run_used_is_written_and_gives_the_same_again() {
    let folder = folder();
    for (options, line) in [
        ("", "model = \"mlp:64,64\""),
        ("--model gru:6 --optimizer adam:0.003,clip=1 --memory reservoir:30,replays=1", "seed = 42"),
        (
            "--scale robust --features category=hash:8;lags=3 --target class --ignore late --seed 7",
            "scale = \"robust\"",
        ),
        ("--delay 20 --horizon 2 --categorical sky --categorical pressure,late --metrics f1,auc@50", "delay = 20"),
        ("--on-bad-row skip --limit 333 --print-every 0 --header yes --delimiter ,", "limit = 333"),
    ] {
        let result = timeless(folder.json(&format!("run s.csv {options} --write-config f.toml")));
        let text = String::from_utf8(folder.read("f.toml")).expect("it is text");
        assert!(text.contains("task = \"classify\"\n") && text.lines().any(|written| written == line), "{text}");
        assert!(!text.contains("config") && !text.contains("json"), "{text}");
        let again = folder.json("run --config f.toml --write-config g.toml");
        assert_eq!(timeless(again), result, "{options}");
        assert_eq!(folder.read("g.toml"), text.as_bytes(), "{options}");
    }
}

#[test]
fn what_is_said_goes_before_the_file() {
    let folder = folder();
    folder.write(
        "f.toml",
        "# a comment\nstream = 's.csv'\nmodel = \"linear\"\nlimit = 100\nignore = ['late', 'sky']\ndelay = 9\n",
    );
    let result = folder.json("run --config f.toml --limit 200 --ignore late");
    assert_eq!((&result["model"], &result["rows"], &result["features"]), (&"linear".into(), &200.into(), &3.into()));
    let result = folder.json("run t.csv --config f.toml");
    assert_eq!((&result["stream"], &result["rows"], &result["delay"]), (&"t.csv".into(), &100.into(), &"9".into()));
    // A flag that excludes another goes before it.
    let by_column = "run --config f.toml --delay-until pressure --time wind --ignore late --on-bad-row skip";
    assert_eq!(folder.json(by_column)["delay"], "column");
    let result = folder.json("run --config f.toml");
    folder.write("f.toml", "stream = 's.csv'\nmodel = \"linear\"\nlimit = '100'\nignore = 'late,sky'\ndelay = '9'\n");
    assert_eq!(timeless(folder.json("run --config f.toml")), timeless(result));
}

#[test]
fn learn_and_compare_have_files_too() {
    let folder = folder();
    folder.write("l.toml", "streams = ['s.csv', 't.csv']\ncheckpoint = 'm'\nmodel = 'mlp:8'\ntarget = 'class'\n");
    assert_eq!(folder.text("learn --config l.toml --write-config k.toml").lines().count(), 2);
    folder.json("learn s.csv t.csv --checkpoint n --model mlp:8 --target class");
    assert_eq!(folder.json("inspect m")["fingerprint"], folder.json("inspect n")["fingerprint"]);
    folder.remove("m");
    folder.text("learn --config k.toml");
    assert_eq!(folder.json("inspect m")["fingerprint"], folder.json("inspect n")["fingerprint"]);

    let compared = folder.json("compare s.csv --model linear --model mlp:4 --seed 3 --write-config c.toml");
    let again = folder.json("compare --config c.toml");
    let fingerprints = |result: &serde_json::Value| {
        [0, 1].map(|model| result["streams"][0]["models"][model]["fingerprint"].to_string())
    };
    assert_eq!(fingerprints(&compared), fingerprints(&again));
    let options = "--class-weight storm=2 --horizon 3 --delay 4 --scale robust --features lags=2 --metrics f1";
    folder.json(&format!("compare s.csv --model linear {options} --write-config c.toml"));
    let text = String::from_utf8(folder.read("c.toml")).expect("it is text");
    for line in ["loss = \"mse\"", "class-weight = \"storm=2\"", "horizon = 3", "delay = 4", "metrics = \"f1\""] {
        assert!(text.lines().any(|written| written == line), "{line}: {text}");
    }
}

/// What goes on was begun with options that nobody says again: they are in the file none the less.
#[test]
fn what_a_continued_session_uses_is_written() {
    let folder = folder();
    let begun = "--model gru:6 --optimizer adam:0.003 --class-weight storm=3 --metrics f1,auc@50 --delay 20 --horizon 2 \
                 --target class --ignore late --categorical sky --text-columns 3 --scale robust --features lags=3 \
                 --weight pressure --header yes --delimiter , --on-bad-row skip --seed 7";
    let unbroken = timeless(folder.json(&format!("run s.csv {begun}")));
    folder.json(&format!("run s.csv {begun} --limit 300 --checkpoint c"));
    let resumed = folder.json("run --resume c --write-config f.toml");
    assert_eq!(timeless(resumed), unbroken);
    assert_eq!(timeless(folder.json("run --config f.toml")), unbroken, "it goes on from the checkpoint again");
    let text = String::from_utf8(folder.read("f.toml")).expect("it is text");
    folder.write("f.toml", text.replace("resume = \"c\"\n", ""));
    assert_eq!(timeless(folder.json("run --config f.toml")), unbroken, "from the beginning: {text}");
    // learn, from a checkpoint that is there; and from the file alone.
    let lines = |from, to| stream(700).lines().skip(from).take(to).map(|line| format!("{line}\n")).collect::<String>();
    folder.write("a.csv", lines(0, 401));
    folder.write("b.csv", lines(0, 1) + &lines(401, 300));
    folder.text(&format!("learn a.csv {begun} --checkpoint m"));
    folder.text("learn b.csv --checkpoint m --write-config l.toml");
    folder.text("learn a.csv --config l.toml --checkpoint n");
    folder.text("learn b.csv --checkpoint n");
    assert_eq!(timeless(folder.json("run --resume n")), timeless(folder.json("run --resume m")));
    // By Vowpal Wabbit's text, whose target has no name; and by times.
    folder.write("s.vw", (0..90).map(|row| format!("{} | a:{row} b:{}\n", row % 2, row % 7)).collect::<String>());
    folder
        .write("t.csv", (0..90).map(|row| format!("{row},{},{},{}\n", row + 9, row % 7, row % 2)).collect::<String>());
    for (stream, begun) in [
        ("s.vw", "--task regress --loss huber:2"),
        ("t.csv", "--time x0 --delay-until x1"),
        ("t.csv", "--time x0 --delay 5s"),
    ] {
        folder.text(&format!("learn {stream} {begun} --checkpoint o"));
        folder.text(&format!("learn {stream} --checkpoint o --write-config o.toml"));
        folder.remove("o");
        folder.text(&format!("learn {stream} --config o.toml"));
        folder.text(&format!("learn {stream} --checkpoint o --write-config p.toml"));
        assert_eq!(folder.read("p.toml"), folder.read("o.toml"), "{stream} {begun}");
        folder.remove("o");
    }
}

#[test]
fn a_slip_in_a_file_is_answered_with_what_is_allowed() {
    let folder = folder();
    let refusal = |text: &str| {
        folder.write("f.toml", text);
        folder.refusal("run s.csv --config f.toml")
    };
    let answer = refusal("modle = 'linear'");
    assert!(
        answer.starts_with("f.toml: unknown option of run \"modle\"; did you mean \"model\"? allowed: "),
        "{answer}"
    );
    assert!(refusal("config = 'g.toml'").starts_with("f.toml: unknown option of run \"config\""));
    assert_eq!(refusal("seed = true"), "f.toml: seed: expected a text or a number, found \"true\"");
    assert!(refusal("model = ['linear']").starts_with("f.toml: model: expected a text or a number, found "));
    assert!(refusal("seed = 1\nmodel = \n").starts_with("f.toml: expected TOML, found in line 2: "));
    assert_eq!(refusal("memory = 'resevoir:5'").split(':').next(), Some("invalid value 'resevoir"));
    assert!(folder.refusal("run s.csv --config none.toml").starts_with("none.toml: cannot be read: "));
    let done = folder.run("predict m s.csv --config f.toml");
    assert!(done.code == Some(2) && done.err.contains("unexpected argument '--config'"), "{}", done.err);
}

#[test]
fn only_a_file_of_options_is_replaced() {
    let folder = Folder::new();
    folder.write("s.csv", stream(50));
    let refusal = folder.run("run s.csv --model linear --write-config s.csv --json");
    assert!(refusal.err.contains("s.csv: expected a file of options or none yet"), "{}", refusal.err);
    assert_eq!(folder.read("s.csv"), stream(50).as_bytes());
}
