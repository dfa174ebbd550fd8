//! What is printed.

use serde_json::Value;

use super::support::{Folder, keys, stream, timeless};

/// The keys of a result, in order; others may stand between them.
const KEYS: [&str; 11] = [
    "rows",
    "task",
    "model",
    "metrics",
    "baselines",
    "classes",
    "features",
    "parameters",
    "rows_per_second",
    "peak_rss_bytes",
    "fingerprint",
];

#[test]
fn a_result_is_one_object_with_the_promised_keys_in_order() {
    let folder = Folder::new();
    let done = folder.run("run phishing --model mlp:8 --json");
    assert_eq!((done.code, done.out.lines().count()), (Some(0), 1), "{}", done.err);
    let result: Value = serde_json::from_str(&done.out).expect("one JSON value");
    let promised: Vec<&str> = keys(&result).into_iter().filter(|key| KEYS.contains(key)).collect();
    assert_eq!(promised, KEYS);
    assert_eq!(
        (&result["rows"], &result["task"], &result["model"]),
        (&1250.into(), &"classify".into(), &"mlp:8".into())
    );
    assert_eq!(keys(&result["metrics"]), ["accuracy", "log_loss", "kappa", "kappa_temporal"]);
    assert_eq!(keys(&result["baselines"]), ["majority_class", "last_label"]);
    assert_eq!(keys(&result["baselines"]["last_label"]), keys(&result["metrics"]));
    assert_eq!(result["classes"].as_array().map(Vec::len), Some(2));
    assert_eq!(result["features"], 9);
    assert!(result["rows_per_second"].as_f64().is_some_and(|speed| speed > 0.0));
    let fingerprint = result["fingerprint"].as_str().expect("text");
    assert!(fingerprint.len() == 16 && u64::from_str_radix(fingerprint, 16).is_ok(), "{fingerprint}");
    // mlp:8 over the inputs: 8 (inputs + 1) + 2 (8 + 1).
    let inputs = result["inputs"].as_u64().expect("a number");
    assert_eq!(result["parameters"], 8 * (inputs + 1) + 2 * 9);
    #[cfg(target_os = "linux")]
    assert!(result["peak_rss_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20));
}

#[test]
fn numbers_are_measured_as_numbers() {
    let result = Folder::new().json("run co2 --model linear");
    assert_eq!(keys(&result["metrics"]), ["mae", "rmse", "r2"]);
    assert_eq!(keys(&result["baselines"]), ["running_mean", "last_value"]);
    assert_eq!((&result["classes"], &result["unlabelled"]), (&Value::Array(vec![]), &59.into()));
}

#[test]
fn the_same_run_gives_the_same_result_and_another_seed_another() {
    let folder = Folder::new();
    let result = |seed| timeless(folder.json(&format!("run phishing --model mlp:8 --limit 300 --seed {seed}")));
    assert_eq!(result(1), result(1));
    assert_ne!(result(1)["fingerprint"], result(2)["fingerprint"]);
}

#[test]
fn progress_is_lines_on_stderr_where_that_is_no_terminal() {
    let folder = Folder::new();
    folder.write("s.csv", stream(2500));
    let done = folder.run("run s.csv --model linear --json");
    let lines: Vec<&str> = done.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", done.err);
    for (line, begin) in lines.iter().zip(["[1,000] Accuracy: ", "[2,000] Accuracy: "]) {
        let percent = line.strip_prefix(begin).and_then(|rest| rest.strip_suffix('%')).expect("River's line");
        assert!(percent.parse::<f64>().is_ok_and(|percent| (0.0..=100.0).contains(&percent)), "{line}");
        assert_eq!(percent.split_once('.').map(|(_, digits)| digits.len()), Some(2), "{line}");
    }
    assert_eq!(folder.run("run s.csv --model linear --print-every 500").err.lines().count(), 5);
    assert_eq!(folder.run("run s.csv --model linear --print-every 0").err, "");
    assert_eq!(folder.run("run s.csv --limit 1 --print-every 1").err, "[1] nothing scored yet\n");
    assert!(folder.run("run co2 --print-every 2000").err.starts_with("[2,000] MAE: "));
}

#[test]
fn the_table_has_the_learner_and_both_baselines() {
    let folder = Folder::new();
    folder.write("s.csv", stream(600));
    // A recurrent learner has one feature more: the last label.
    let text = folder.text("run s.csv --model gru:4 --print-every 0");
    for word in ["accuracy", "log loss", "gru:4,window=16,last=true", "majority class", "last label"] {
        assert_eq!(text.matches(word).count(), 1, "{word}: {text}");
    }
    for word in [
        "600 rows ",
        "rows/s",
        "5 features in",
        "3 classes",
        "parameters",
        "rows without a target, predicted and not learned: 6",
        "NaN or infinite cells taken as missing: ",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let text = folder.text("run airline_passengers --print-every 0");
    assert!(["mae", "rmse", "r2", "running mean", "last value"].iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn what_is_bundled_is_listed() {
    let folder = Folder::new();
    let listed = folder.json("streams");
    let names: Vec<&str> = listed.as_array().expect("a list").iter().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(names, ["airline_passengers", "co2", "digits", "phishing"]);
    let text = folder.text("streams");
    for name in names {
        assert_eq!(folder.json(&format!("run {name} --limit 3 --model linear"))["rows"], 3);
        assert!(text.contains(name));
    }
}

#[test]
fn a_checkpoint_shows_what_it_holds() {
    let folder = Folder::new();
    let result =
        folder.json("run phishing --model lstm:4 --optimizer adam --memory reservoir:50 --limit 90 --checkpoint c");
    let held = folder.json("inspect c");
    for key in
        ["stream", "rows", "task", "model", "optimizer", "memory", "seed", "classes", "feature_spec", "fingerprint"]
    {
        assert_eq!(held[key], result[key], "{key}");
        assert!(!held[key].is_null(), "{key}");
    }
    assert_eq!((&held["version"], &held["remembered"]), (&thalweg_online::checkpoint::VERSION.into(), &50.into()));
    assert_eq!(held["inputs"].as_array().map(|inputs| inputs.len() as u64), result["inputs"].as_u64());
    let size = |shape: &Value| shape.as_array().expect("a shape").iter().filter_map(Value::as_u64).product::<u64>();
    let parameters = held["parameters"].as_array().expect("a list");
    assert_eq!(parameters.iter().map(|entry| size(&entry["shape"])).sum::<u64>(), result["parameters"]);
    let text = folder.text("inspect c");
    for entry in parameters {
        assert!(text.contains(entry["name"].as_str().expect("a name")), "{text}");
    }
    assert!(text.contains(result["fingerprint"].as_str().expect("text")) && text.contains("lstm:4"), "{text}");
    assert!(text.lines().all(|line| line.trim_end() == line), "no blanks at the end: {text:?}");
}

/// Which optimizers, and which depths, are trusted: on the way, in the result, and in a checkpoint.
#[test]
fn what_is_trusted_is_shown() {
    let folder = Folder::new();
    let run = "run phishing --model mlp:4,3 --limit 90";
    let panel = "--optimizer hedge(sgd|adam),rates=3 --checkpoint panel --json --print-every 50";
    let done = folder.run(&format!("{run} {panel}"));
    let result: Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!(result["optimizer"], "hedge(sgd:0.03|adam:0.001),rates=3");
    let trust = result["trust"].as_array().expect("a list");
    assert_eq!((trust.len(), &result["experts_learning"]), (6, &6.into()));
    let all: f64 = trust.iter().filter_map(|one| one["weight"].as_f64()).sum();
    assert!((all - 1.0).abs() < 1e-9 && done.err.contains("; trusted ") && done.err.contains(" of 6"));
    assert_eq!(folder.json("inspect panel")["trust"], result["trust"]);
    assert!(folder.text("inspect panel").contains("trusted"));

    let result = folder.json(&format!("{run} --depth hedge --checkpoint exits"));
    let depths: Vec<f64> = result["depths"].as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
    assert!(depths.len() == 3 && (depths.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{depths:?}");
    assert_eq!((&result["depth"], &result["trust"]), (&"hedge".into(), &Value::Array(Vec::new())));
    assert_eq!(folder.json("inspect exits")["depths"], result["depths"]);
    assert!(folder.text("inspect exits").contains("depths"));
    assert!(folder.refusal("run --resume exits --depth none").contains("--depth"));
}

#[test]
fn everything_has_its_help() {
    let folder = Folder::new();
    for (command, words) in [
        ("", &["run", "streams", "inspect", "--memory", "--json"][..]),
        (
            "run",
            &[
                "--target",
                "--task",
                "--model",
                "--optimizer",
                "--memory",
                "--metrics",
                "--seed",
                "--limit",
                "--resume",
                "last=",
            ],
        ),
        ("streams", &["--json"]),
        ("inspect", &["<FILE>", "--json"]),
    ] {
        let help = folder.text(&format!("{command} --help"));
        assert!(words.iter().all(|word| help.contains(word)), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    }
    assert!(folder.text("--version").starts_with("thalweg "));
}

#[test]
fn the_bundled_job_measures_forgetting() {
    let folder = Folder::new();
    let result = folder.json("");
    let learners = result["learners"].as_array().expect("a list");
    assert_eq!((learners.len(), &result["rows"], &result["held_out"]), (4, &1442.into(), &355.into()));
    for learner in learners {
        let rows: Vec<Vec<f64>> = serde_json::from_value(learner["accuracy_matrix"].clone()).expect("a matrix");
        assert!(rows.len() == 5 && rows.iter().all(|row| row.len() == 5), "R is 5 × 5");
        // The definitions, from R: Lopez-Paz & Ranzato 2017, Chaudhry et al. 2018.
        let last = &rows[4];
        let best = |group: usize| rows[..4].iter().map(|row| row[group]).fold(0.0, f64::max);
        let average = last.iter().sum::<f64>() / 5.0;
        let forgetting = (0..4).map(|group| best(group) - last[group]).sum::<f64>() / 4.0;
        let backward = (0..4).map(|group| last[group] - rows[group][group]).sum::<f64>() / 4.0;
        for (name, expected) in
            [("average_accuracy", average), ("forgetting", forgetting), ("backward_transfer", backward)]
        {
            let found = learner[name].as_f64().expect("a number");
            assert!((found - expected).abs() < 1e-12, "{name}: {found} is not {expected}");
        }
    }
    let figure = |learner: usize, name: &str| learners[learner][name].as_f64().expect("a number");
    let [with, without, majority, last] = [0, 1, 2, 3];
    assert!(figure(with, "forgetting") < figure(without, "forgetting") - 0.3);
    assert!(figure(with, "average_accuracy") > 0.8);
    for simpler in [without, majority, last] {
        assert!(figure(with, "average_accuracy") > figure(simpler, "average_accuracy") + 0.3);
    }
    let text = folder.text("");
    let learner = learners[with]["name"].as_str().expect("a name");
    for word in [learner, "majority class", "last label", "after 8 and 9", "backward transfer", "In plain words: "] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(text.contains("keep the old digits alive"));
    assert!(folder.text("--memory none --model linear").contains("This memory does not help."));
}

#[test]
fn a_weight_of_a_class_that_never_came_is_a_warning() {
    let folder = Folder::new();
    folder.write("s.csv", "x,y\n1,up\n2,down\n3,up\n");
    for command in ["run s.csv", "learn s.csv --checkpoint m", "compare s.csv --model linear"] {
        let says = |weights: &str| {
            let done = folder.run(&format!("{command} --class-weight {weights}"));
            assert_eq!(done.code, Some(0), "{command}: {}", done.err);
            if command.starts_with("learn") {
                folder.remove("m");
            }
            done.err
        };
        let warning =
            "warning: --class-weight gives weights to what never came: Down, out; the classes that came: up, down";
        assert!(says("up=2,Down=3,out=1").contains(warning), "{command}");
        assert!(!says("up=2,down=3").contains("warning"), "{command}");
    }
}
