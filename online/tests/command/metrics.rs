//! The figures of a result, by name: those that are asked for, of several columns, of sets of labels.

use serde_json::Value;

use super::support::{Folder, keys};

#[test]
fn metrics_that_are_asked_for_stand_behind_the_usual_ones() {
    let folder = Folder::new();
    let run = "run phishing --model linear --metrics f1,kappa,auc@200,accuracy@0.99,precision:of=never";
    let result = folder.json(run);
    let usual = ["accuracy", "log_loss", "kappa", "kappa_temporal"];
    let asked = ["f1:macro", "auc@200", "accuracy@0.99", "precision:of=never"];
    assert_eq!(keys(&result["metrics"]), [&usual[..], &asked].concat());
    assert_eq!(keys(&result["baselines"]["majority_class"]), keys(&result["metrics"]));
    let figure = |name: &str| result["metrics"][name].as_f64().unwrap_or(f64::NAN);
    assert!(asked[..3].iter().all(|name| (0.5..1.0).contains(&figure(name))), "{result}");
    assert_eq!(figure("precision:of=never"), 0.0);
    let usually = folder.json("run phishing --model linear");
    assert!(usual.iter().all(|name| result["metrics"][name] == usually["metrics"][name]), "{usually}");
    let text = folder.text(run);
    assert!(asked.iter().all(|name| text.contains(name)), "{text}");
}

#[test]
fn metrics_that_cannot_be_are_refused() {
    let folder = Folder::new();
    let said = folder.run("run phishing --metrics acuracy").err;
    assert!(said.contains(r#"unknown metric "acuracy"; did you mean "accuracy"?"#), "{said}");
    let said = folder.refusal("run phishing --metrics f1,mae@9");
    assert_eq!(said, "expected metrics to classify, found mae@9, which is one to regress");
}

#[test]
fn several_columns_are_reported_by_name() {
    let folder = Folder::new();
    let rows: Vec<String> = (0..300).map(|row| format!("{},{},{}", row % 17, 3 * (row % 17), 5 - row % 17)).collect();
    folder.write("s.csv", format!("x,up,down\n{}\n", rows.join("\n")));
    let run = "run s.csv --target up,down --model mlp:8 --print-every 0";
    let result = folder.json(&format!("{run} --checkpoint c"));
    assert_eq!((result["task"].as_str(), keys(&result["outputs"])), (Some("regress"), vec!["up", "down"]));
    let mae = |outputs: &Value| outputs["mae"].as_f64().expect("a number");
    let each = ["up", "down"].map(|name| mae(&result["outputs"][name]));
    assert_eq!(mae(&result["metrics"]), (each[0] + each[1]) / 2.0);
    let text = folder.text(run);
    assert!(["  up ", "  down "].iter().all(|name| text.contains(name)), "{text}");
    assert_eq!(folder.json("run --resume c --target up,down")["fingerprint"], result["fingerprint"]);
    assert!(folder.refusal("run --resume c --target up").contains("with --target up,down"));
    // What no row could be learned with is refused before the first.
    for option in ["--loss quantile:0.5", "--features lags=2"] {
        for begin in [run, "compare s.csv --target up,down --model mlp:8"] {
            let refusal = folder.refusal(&format!("{begin} --on-bad-row skip {option}"));
            assert!(refusal.starts_with("expected one target for --"), "{refusal}");
        }
    }
    let quantiles = folder.json("run s.csv --target up --task regress --model mlp:8 --loss quantile:0.1,0.9");
    assert_eq!(keys(&quantiles["metrics"])[3..], ["pinball:0.1", "pinball:0.9", "coverage"]);
    assert!(
        folder.refusal("run s.csv --target up,down --loss quantile:0.5").contains("expected one target for --loss")
    );
    assert!(folder.refusal("run phishing --loss mae").contains("expected no loss of numbers to classify"));
}

#[test]
fn sets_of_labels_are_measured_as_sets() {
    let folder = Folder::new();
    let rows: Vec<String> = (0..300).map(|row| format!("{},{}", row % 7, ["a|b", "|", "b", "a"][row % 4])).collect();
    folder.write("s.csv", format!("x,y\n{}\n", rows.join("\n")));
    let run = "run s.csv --task multilabel --model mlp:8 --metrics recall:of=b";
    let result = folder.json(&format!("{run} --checkpoint c"));
    let names = ["exact_match", "hamming_loss", "jaccard_samples", "f1:micro", "f1:macro", "recall:of=b"];
    assert_eq!(keys(&result["metrics"]), names);
    assert_eq!(keys(&result["baselines"]), ["majority_labels", "last_labels"]);
    assert_eq!((&result["task"], result["classes"].as_array().map(Vec::len)), (&"multilabel".into(), Some(2)));
    assert!(folder.text(run).contains("2 labels"));
    assert!(folder.text("inspect c").contains("a, b"));
    assert_eq!(folder.json("run --resume c")["fingerprint"], result["fingerprint"]);
    let compared = folder.text("compare s.csv --task multilabel --model linear --model mlp:4");
    assert!(compared.contains("exact match") && compared.contains("McNemar"), "{compared}");
    let said = folder.refusal("run s.csv --task multilabel --features lags=2");
    assert!(said.contains("expected one answer a row"), "{said}");
}
