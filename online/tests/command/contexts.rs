//! Contexts: what is kept of those that have ended, and how well they are still known.

use serde_json::{Value, json};
use thalweg_online::{Config, Deep, Learner, Model, Record, StreamOptions, Target, Task, stream as streams};

use super::support::{Done, Folder, timeless};

/// Three contexts, in which x means something else each time; the first comes back at the end.
fn folder() -> Folder {
    let folder = Folder::new();
    let row = |k: usize| {
        let (context, x, z) = (["north", "south", "west", "north"][k / 300], k * 7 % 11, k * 5 % 13);
        let up = match context {
            "north" => x > 5,
            "south" => x + z > 11,
            _ => x <= 5,
        };
        format!("{context},{x},{z},{}\n", if up { "up" } else { "down" })
    };
    folder.write("s.csv", "place,x,z,class\n".to_owned() + &(0..1200).map(row).collect::<String>());
    folder
}

const RUN: &str = "run s.csv --context place --model mlp:8 --optimizer sgd:0.1 --print-every 500";

#[test]
fn what_is_kept_is_said_in_the_same_words_everywhere() {
    let folder = folder();
    let arguments = format!("{RUN} --memory er:50 --consolidate ewc:10 --checkpoint c");
    let done = Done::new(&mut folder.command(&arguments));
    let lines: Vec<&str> = done.err.lines().collect();
    assert!(lines[0].starts_with("[500] Accuracy: ") && lines[0].contains("; memory 50 (") && lines.len() == 2);
    assert!(lines[0].contains("; held 1 context, importance ") && lines[1].contains("; held 3 contexts, importance "));

    let result = folder.json("run --resume c");
    let (held, counts) = (&result["held"], result["remembered_by_class"].as_array().expect("a list"));
    assert_eq!((&held["contexts"], &result["remembered"]), (&3.into(), &50.into()));
    assert_eq!(counts.iter().map(|count| count.as_u64().expect("a count")).sum::<u64>(), 50);
    assert!(held["penalty"].as_f64() > Some(0.0) && held["importance"].as_f64() > Some(0.0), "{held}");
    let inspected = folder.json("inspect c");
    for name in ["held", "remembered", "remembered_by_class"] {
        assert_eq!(inspected[name], result[name], "{name}");
    }
    let memory = format!("50 (down {}, up {})", counts[0], counts[1]);
    let text = done.succeeded(&arguments);
    assert!(text.contains(&format!(" · memory {memory} · held 3 contexts, importance ")), "{text}");
    let inspected = folder.text("inspect c");
    assert!(inspected.contains(&memory) && inspected.contains("3 contexts, importance "), "{inspected}");

    let plain = Done::new(&mut folder.command(RUN));
    assert!(!plain.err.contains("memory") && !plain.err.contains("held"), "{}", plain.err);
    assert_eq!(folder.json(RUN)["held"], Value::Null);
}

#[test]
fn the_matrix_is_that_of_rows_kept_and_asked_by_hand() {
    let folder = folder();
    let result = folder.json(&format!("{RUN} --hold-out 5,most=40"));
    let options = StreamOptions { context: Some("place".into()), ..StreamOptions::default() };
    let mut rows = streams::open(folder.path("s.csv"), &options).expect("it opens");
    let optimizer = "sgd:0.1".parse().expect("an optimizer");
    let model = Model::parse("mlp:8").expect("a model");
    let mut learner = Deep::new(Config { model, optimizer, ..Config::new(Task::Classify) });
    // Of each context every fifth row of its first time, at most 40.
    let (mut kept, mut before, mut phases) = ([vec![], vec![], vec![]], [0.0; 3], vec![]);
    for (phase, context) in [0, 1, 2, 0].into_iter().enumerate() {
        let mut copy = learner.clone();
        for row in 0..300 {
            let mut record = Record::new();
            assert!(rows.read(&mut record).expect("the row is good"));
            if phase < 3 && row % 5 == 0 && row < 200 {
                kept[context].push(record);
                continue;
            }
            let class = record.target_text().expect("a class").to_owned();
            learner.learn_one(&record, Target::Class(&class)).expect("the row is good");
        }
        if phase < 3 {
            before[context] = accuracy(&mut copy, &kept[context]);
        }
        phases
            .push((context, kept[..=phase.min(2)].iter().map(|rows| accuracy(&mut learner, rows)).collect::<Vec<_>>()));
    }
    let contexts = &result["contexts"];
    assert_eq!((&result["rows"], &result["scored"], result["hold_out"].is_null()), (&1200.into(), &1079.into(), true));
    assert_eq!(result["fingerprint"], format!("{:016x}", learner.fingerprint()));
    for (index, (name, before)) in ["north", "south", "west"].into_iter().zip(before).enumerate() {
        assert_eq!(contexts["contexts"][index], json!({"name": name, "held_out": 40, "before": before}));
    }
    for (found, (context, accuracies)) in contexts["phases"].as_array().expect("a list").iter().zip(&phases) {
        let name = ["north", "south", "west"][*context];
        assert_eq!(*found, json!({"context": name, "accuracies": accuracies}));
    }
    let [first, second, third, last] = [0, 1, 2, 3].map(|phase: usize| &phases[phase].1);
    let close = |name: &str, expected: f64| {
        let found = contexts[name].as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-12, "{name}: {found} {expected}");
    };
    let mean = |row: &[f64]| row.iter().sum::<f64>() / row.len() as f64;
    close("average_accuracy", mean(last));
    close("anytime_accuracy", (first[0] + mean(second) + mean(third) + mean(last)) / 4.0);
    // The last phase is again in the first context: the others are old.
    close("backward_transfer", (last[1] - second[1] + last[2] - third[2]) / 2.0);
    close("forward_transfer", (before[1] + before[2]) / 2.0);
    let best = [before[1].max(second[1]).max(third[1]), before[2].max(third[2])];
    close("forgetting", (best[0] - last[1] + best[1] - last[2]) / 2.0);
    assert!(first[0] > 0.9 && third[2] > 0.9 && third[0] < 0.5, "each is known when it ends: {phases:?}");
}

fn accuracy(learner: &mut Deep, rows: &[Record]) -> f64 {
    let right = |row: &&Record| learner.predict_one(*row).expect("the row is good").label() == row.target_text();
    rows.iter().filter(right).count() as f64 / rows.len() as f64
}

/// Wherever the stop is: before a context ends, behind that, with rows that wait, and with a model in the background.
#[test]
fn a_stop_changes_no_accuracy() {
    let folder = folder();
    for more in
        ["--memory er:30", "--model gru:4 --delay 20 --features lags=2", "--consolidate ewc:10 --policy background"]
    {
        let run = format!("{} {more} --hold-out 4", RUN.replace("--model mlp:8", ""));
        let whole = folder.json(&run);
        assert_eq!(whole["contexts"]["phases"].as_array().map(Vec::len), Some(4), "{more}");
        folder.text(&format!("{run} --checkpoint c --limit 299"));
        for limit in [300, 301, 650, 1000] {
            folder.text(&format!("run --resume c --checkpoint c --limit {limit}"));
        }
        assert_eq!(timeless(folder.json("run --resume c")), timeless(whole), "{more}");
    }
}

#[test]
fn rows_that_are_held_out_are_as_if_they_were_not_there() {
    let folder = folder();
    let text = String::from_utf8(folder.read("s.csv")).expect("it is text");
    let mut lines: Vec<&str> = text.lines().collect();
    let is_learned = |index: usize| index == 0 || index > 900 || !((index - 1) % 300).is_multiple_of(5);
    lines = lines.into_iter().enumerate().filter(|(index, _)| is_learned(*index)).map(|(_, line)| line).collect();
    folder.write("t.csv", lines.join("\n"));
    for model in ["mlp:8 --memory er:30 --consolidate mas:1", "lstm:4 --features lags=3;missing=last"] {
        let held_out = folder.json(&format!("{RUN} --hold-out 5").replace("mlp:8", model));
        let gone = folder.json(&RUN.replace("s.csv", "t.csv").replace("mlp:8", model));
        for name in ["fingerprint", "metrics", "baselines", "scored", "remembered_by_class"] {
            assert_eq!(held_out[name], gone[name], "{name}");
        }
    }
}

#[test]
fn the_matrix_is_shown_written_and_agreed_on() {
    let folder = folder();
    let text = folder.text(&format!("{RUN} --hold-out 5 --checkpoint c --write-config f.toml"));
    for part in [
        "one of 5 of each context, 200 at most; 180 of 3 contexts so far.",
        "north   south    west",
        "before it",
        "after west",
        "average accuracy 0.",
        "backward transfer ",
        "forgetting ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.matches("after north").count(), 2, "{text}");
    assert_eq!(folder.text("run --config f.toml").lines().nth(2), text.lines().nth(2));
    assert_eq!(folder.json("inspect c")["contexts"]["hold_out"], "5,most=200");
    assert!(folder.text("inspect c").contains("180 rows of 3 contexts"));
    let refusal = folder.refusal("run --resume c --hold-out 4");
    assert!(refusal.contains("with --hold-out 5,most=200, as it was begun, found --hold-out 4,most=200"), "{refusal}");
    assert!(folder.refusal("run s.csv --hold-out 5").contains("expected a column of contexts where rows"));
    assert!(folder.refusal(&format!("{RUN} --target x --hold-out 5 --task regress")).contains("the task classify"));
    assert!(folder.refusal(&format!("{RUN} --horizon 2 --hold-out 5")).contains("a horizon of 0"));
    let refusal = folder.refusal("run s.csv --context x --hold-out 5 --print-every 0");
    assert!(refusal.contains("at most 1000 phases") && refusal.contains("found another one, in"), "{refusal}");
}

/// What a row that stops a run has begun is not begun again.
#[test]
fn a_bad_row_is_left_out_on_resume_as_from_the_beginning() {
    let folder = folder();
    let mut lines: Vec<String> = folder.read("s.csv").split(|&byte| byte == b'\n').map(line).collect();
    lines[301] = "south,oops,3,up".to_owned(); // the first of its context
    lines[633] = "west,oops,3,up".to_owned();
    folder.write("s.csv", lines.join("\n"));
    let run = format!("{RUN} --hold-out 5");
    let skipped = timeless(folder.json(&format!("{run} --on-bad-row skip")));
    assert_eq!(skipped["skipped"], 2);
    assert_eq!(folder.run(&format!("{run} --checkpoint c")).code, Some(2));
    assert_eq!(timeless(folder.json("run --resume c --on-bad-row skip")), skipped);
}

fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
