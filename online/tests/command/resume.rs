//! Stopping and going on changes nothing: every figure and every bit of θ is that of the run that never stopped.

use super::support::{Folder, nameless, stream, timeless};

const ROWS: usize = 1800;

/// Models, optimizers and memories; each of them at least twice.
const CONFIGURATIONS: [&str; 10] = [
    "--model mlp:16 --scale robust --features category=target:5;lags=3;missing=last --memory reservoir:40,replays=1",
    "--model gru:8 --features scale=adaptive;scale(wind)=minmax;category(sky)=hash:8;missing=zero:flag=false",
    "--model mlp:16,16 --optimizer sgd:0.03 --memory none",
    "--model mlp:16,16 --optimizer adam:0.003 --memory reservoir:60,replays=2",
    "--model rnn:8 --optimizer sgd:0.01,momentum=0.9 --memory reservoir:60,replays=1",
    "--model rnn:8,last=false --optimizer adamw --memory none",
    "--model lstm:8 --optimizer adam --memory none",
    "--model lstm:8,window=5 --optimizer sgd --memory reservoir:40,replays=2",
    "--model gru:8 --optimizer sgd:0.03,clip=1 --memory none",
    "--model gru:8,form=chung --optimizer adam --memory reservoir:40,replays=1",
];

/// Stops at each of these rows, saving to `c`, and then runs to the end.
fn stopped(folder: &Folder, run: &str, stops: &[usize]) -> serde_json::Value {
    let mut begin = run.to_owned();
    for stop in stops {
        let result = folder.json(&format!("{begin} --checkpoint c --limit {stop}"));
        assert_eq!(result["rows"], *stop);
        begin = "run --resume c".to_owned();
    }
    folder.json(&begin)
}

#[test]
fn a_stop_changes_nothing() {
    let folder = Folder::new();
    folder.write("s.csv", stream(ROWS));
    for configuration in CONFIGURATIONS {
        let run = format!("run s.csv {configuration}");
        let unbroken = timeless(folder.json(&run));
        assert!(unbroken["non_finite_cells"].as_u64() > Some(20) && unbroken["unlabelled"].as_u64() > Some(10));
        assert_eq!(unbroken["classes"].as_array().map(Vec::len), Some(3), "one class came late");
        // Before the late column and class come, and after both.
        for stops in [&[700][..], &[1, 699, 901, 1500]] {
            assert_eq!(timeless(stopped(&folder, &run, stops)), unbroken, "{configuration} {stops:?}");
            folder.remove("c");
        }
    }
}

#[test]
fn a_stop_changes_nothing_on_bundled_streams() {
    let folder = Folder::new();
    for (run, stop) in [
        ("run phishing", 600),
        ("run phishing --model lstm:8 --memory reservoir:100,replays=2 --optimizer adam", 999),
        ("run co2 --model gru:8", 1500),
        ("run airline_passengers --model rnn:8,window=12 --memory reservoir:20", 72),
    ] {
        let unbroken = timeless(folder.json(run));
        assert_eq!(timeless(stopped(&folder, run, &[stop])), unbroken, "{run}");
        folder.remove("c");
    }
}

#[test]
fn a_checkpoint_on_the_way_changes_nothing() {
    let folder = Folder::new();
    let run = "run phishing --model gru:8 --memory reservoir:50";
    let unbroken = timeless(folder.json(run));
    assert_eq!(timeless(folder.json(&format!("{run} --checkpoint c --checkpoint-every 100"))), unbroken);
    assert_eq!(folder.json("inspect c")["rows"], 1250);
    assert_eq!(folder.temporary_files(), 0);
}

#[test]
fn a_finished_run_gives_the_same_result_again() {
    let folder = Folder::new();
    let finished = timeless(folder.json("run phishing --model lstm:4 --checkpoint c"));
    let saved = folder.read("c");
    for _ in 0..2 {
        assert_eq!(timeless(folder.json("run --resume c --checkpoint c")), finished);
        assert!(folder.read("c") == saved, "the checkpoint has the same bytes");
    }
    assert!(folder.text("run phishing --limit 9").contains(" rows/s · "));
    assert!(!folder.text("run --resume c").contains("rows/s"), "nothing was read: there is no rate");
    assert!(folder.json("run --resume c")["rows_per_second"].is_null());
}

#[test]
fn a_stream_that_was_moved_is_still_the_same() {
    let folder = Folder::new();
    let text = stream(ROWS);
    folder.write("s.csv", &text);
    let unbroken = nameless(folder.json("run s.csv"));
    folder.json("run s.csv --checkpoint c --limit 1000");
    std::fs::create_dir(folder.path("archive")).expect("the folder takes a folder");
    std::fs::rename(folder.path("s.csv"), folder.path("archive/t.csv")).expect("the file can be moved");
    assert!(folder.refusal("run --resume c").starts_with("s.csv: expected a file or a bundled stream, found neither;"));
    let result = folder.json("run archive/t.csv --resume c");
    assert_eq!(result["stream"], "archive/t.csv");
    assert_eq!(nameless(result), unbroken);
    folder.write("s.csv.gz", super::support::gzip(&text));
    assert_eq!(nameless(folder.json("run s.csv.gz --resume c")), unbroken, "compressed in the meantime");
}

#[test]
fn a_stream_that_has_grown_is_learned_to_its_new_end() {
    let folder = Folder::new();
    let text = stream(ROWS);
    let early: String = text.split_inclusive('\n').take(1001).collect();
    folder.write("s.csv", early);
    assert_eq!(folder.json("run s.csv --model rnn:8 --checkpoint c")["rows"], 1000);
    folder.write("s.csv", &text);
    let resumed = timeless(folder.json("run --resume c"));
    assert_eq!(resumed, timeless(folder.json("run s.csv --model rnn:8")));
}

/// Not part of the repository: the folder with `elec2.csv.gz` is given by `THALWEG_DATA`.
#[test]
fn elec2_resumes() {
    let Some(data) = std::env::var_os("THALWEG_DATA") else {
        println!("skipped: THALWEG_DATA is not set");
        return;
    };
    let folder = Folder::new();
    let file = std::path::Path::new(&data).join("elec2.csv.gz");
    let run = format!("run {} --target class --print-every 0", file.display());
    for model in ["mlp:64,64", "lstm:8"] {
        let run = format!("{run} --model {model}");
        let unbroken = timeless(folder.json(&run));
        assert_eq!(unbroken["rows"], 45312);
        assert_eq!(timeless(stopped(&folder, &run, &[20_000])), unbroken, "{model}");
        folder.remove("c");
    }
}

#[test]
fn a_stop_changes_no_metric() {
    let folder = Folder::new();
    folder.write("s.csv", stream(ROWS));
    let metrics = "f1:macro@300,recall:of=gale,auc,auc@100,log_loss@0.99,kappa_m,ece,top:2,mutual_info@50";
    let run = format!("run s.csv --model linear --metrics {metrics}");
    let unbroken = timeless(folder.json(&run));
    assert_eq!(timeless(stopped(&folder, &run, &[1, 250, 777, 1500])), unbroken);
    let refusal = folder.refusal("run --resume c --metrics brier");
    assert!(refusal.contains("expected a run with --metrics f1:macro@300,"), "{refusal}");
    assert_eq!(timeless(folder.json(&format!("run --resume c --metrics {metrics} --limit 1500")))["rows"], 1500);
}
