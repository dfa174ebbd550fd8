//! Several models on the same rows.

use serde_json::Value;

use super::support::{Folder, stream, timeless};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number: {value}"))
}

#[test]
fn each_model_does_what_it_does_alone() {
    let folder = Folder::new();
    folder.write("s.csv", stream(700));
    let shared = "--optimizer adam --memory reservoir:30 --delay 20 --metrics f1:macro --seed 3 --limit 600 --scale robust \
                  --class-weight balanced";
    let compared = folder.json(&format!("compare s.csv --model mlp:8 --model lstm:4 --model mlp:8 {shared}"));
    let compared = &compared["streams"][0];
    let models = compared["models"].as_array().expect("a list");
    for (model, outcome) in ["mlp:8", "lstm:4", "mlp:8"].iter().zip(models) {
        let alone = timeless(folder.json(&format!("run s.csv --model {model} {shared}")));
        for key in ["model", "metrics", "scored", "parameters", "fingerprint"] {
            assert_eq!(outcome[key], alone[key], "{model} {key}");
        }
        for key in ["stream", "rows", "task", "optimizer", "memory", "loss", "delay", "seed", "baselines"] {
            assert_eq!(compared[key], alone[key], "{model} {key}");
        }
        assert_eq!(
            (&compared["class_weight"], &compared["feature_spec"]),
            (&alone["class_weight"], &alone["feature_spec"])
        );
        assert!(number(&outcome["rows_per_second"]) > 0.0);
    }
    assert_eq!(models[0]["test"], Value::Null, "the first is what the others are tested against");
    assert!(number(&models[1]["test"]["p"]) < 1.0);
    assert_eq!(number(&models[2]["test"]["p"]), 1.0, "the same model");
}

#[test]
fn a_better_model_is_told_from_luck() {
    let folder = Folder::new();
    // The square of x, which no line follows; and which side of a circle a point lies on.
    let rows = (0..1500).map(|row| (f64::from(row * 37 % 101) / 50.0 - 1.0, f64::from(row * 53 % 89) / 44.0 - 1.0));
    let square = rows.clone().map(|(x, z)| format!("{x},{z},{}\n", x * x + 0.1 * z)).collect::<String>();
    let circle = rows.map(|(x, z)| format!("{x},{z},{}\n", if x * x + z * z < 0.6 { "in" } else { "out" }));
    folder.write("square.csv", format!("x,z,y\n{square}"));
    folder.write("circle.csv", format!("x,z,y\n{}", circle.collect::<String>()));
    let found = folder.json("compare square.csv circle.csv --model linear --model mlp:16");
    for (stream, name, metric) in [(0, "diebold_mariano", "mae"), (1, "mcnemar", "accuracy")] {
        let models = &found["streams"][stream]["models"];
        let test = &models[1]["test"];
        assert_eq!(test["name"], name);
        assert!(number(&test["p"]) < 1e-4, "{test}");
        let [linear, mlp] = [0, 1].map(|model| number(&models[model]["metrics"][metric]));
        assert_eq!(mlp < linear, metric == "mae", "{models}");
    }
    let text = folder.text("compare square.csv circle.csv --model linear --model mlp:16");
    for words in [
        "square.csv: 1,500 rows, regress, sgd:0.03, memory none, seed 42\n",
        "features scale=standard; category=onehot:256; missing=mean, loss mse\n",
        "features scale=standard; category=onehot:256; missing=mean, class weights none\n",
        "Diebold and Mariano's test of the absolute errors with lag 7\n",
        "McNemar's test\n",
        "< 0.0001",
        "running mean",
        "majority class",
        "metric",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(text.matches("circle.csv").count(), 2, "its own table, and a row in the last one: {text}");
}

#[test]
fn figures_that_were_published_stand_beside() {
    let folder = Folder::new();
    let text = folder.text("compare phishing --model mlp:8");
    assert!(text.contains("published (deep-river 0.3.4, benchmarks of August 2026), accuracy over 1,250 rows: logistic 0.849, MLP 0.553"), "{text}");
    assert!(!text.contains("by chance"), "one model is compared with none: {text}");
    let led = folder.json("compare led:noise=0.28,river,seed=112 --model linear --limit 300");
    let led = &led["streams"][0];
    assert_eq!((&led["rows"], &led["published"][0]["figures"]["LSTM"]), (&300.into(), &Value::from(0.338)));
}

#[test]
fn a_generator_is_a_stream() {
    let folder = Folder::new();
    let run = "run led:noise=0.28,river --model mlp:4 --seed 7";
    let unbroken = timeless(folder.json(&format!("{run} --limit 400")));
    assert_eq!((&unbroken["rows"], &unbroken["classes"].as_array().map(Vec::len)), (&400.into(), &Some(10)));
    // The rows are those that `generate` writes.
    folder.write("led.csv", folder.text("generate led:noise=0.28,river --seed 7 --rows 400"));
    let file = folder.json("run led.csv --model mlp:4 --seed 7 --task classify");
    assert_eq!(file["metrics"], unbroken["metrics"]);
    // Its seed is kept.
    folder.json(&format!("{run} --limit 150 --checkpoint c"));
    assert_eq!(timeless(folder.json("run --resume c --limit 400")), unbroken);
    let drift = folder.json("run drift(sea>sea:variant=2;at=50) --limit 90");
    assert_eq!(drift["rows"], 90);
    assert_eq!(folder.json("run friedman --limit 60")["task"], "regress");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = Folder::new();
    let refusal = |arguments: &str| folder.refusal(arguments);
    assert_eq!(
        refusal("compare - --model linear"),
        "-: can be read only once: expected a stream that each model can read, found a pipe"
    );
    assert_eq!(refusal("run sea"), "sea: a generator has no end: expected --limit N, found nothing");
    assert_eq!(
        refusal("run sea --limit 5 --target y"),
        "sea: is a generator: expected nothing said of formats or columns, found such options"
    );
    assert!(refusal("run led:nose=0.3 --limit 5").starts_with("led:nose=0.3: unknown option of led \"nose\"; did you"));
    assert!(refusal("compare phising --model linear").contains("did you mean \"phishing\"?"));
    assert!(refusal("compare phishing --model mlp:0").contains("expected a size from 1 to 65536"));
    // Before the first model has met the row that it cannot read.
    folder.write("t.csv", "a,y\n1,up\n2,down,3\n");
    let refused = refusal("compare t.csv --model linear --model mlp:64 --optimizer vw");
    assert!(refused.contains("expected vw with rescales=false for mlp:64"), "{refused}");
    assert!(refusal("compare t.csv --model linear --optimizer vw").contains("row 2"));
    // What is not for a model is not asked of it, unless it is asked of nobody else: a gradient, exits, units.
    let refused = refusal("compare phishing --model linear --gradient snap1");
    assert!(refused.contains("snap1"), "{refused}");
    let refused = refusal("compare phishing --model linear --model gru:4 --depth hedge");
    assert!(refused.contains("hedge"), "{refused}");
    let refused = refusal("compare phishing --model linear --plasticity cbp");
    assert!(refused.contains("expected hidden units between linear layers for cbp, found \"linear\""), "{refused}");
    let done = folder.run("compare phishing --limit 50 --model mlp:4 --model linear --plasticity cbp");
    assert!(done.code == Some(0) && done.out.contains("linear"), "{}", done.err);
    // What nobody can give is no fault of a row.
    let refused = refusal("run phishing --model linear --plasticity cbp --on-bad-row skip");
    assert!(refused.contains("expected hidden units between linear layers for cbp, found \"linear\""), "{refused}");
    let done = folder.run("compare phishing");
    assert_eq!((done.code, done.err.contains("--model <SPEC>")), (Some(2), true), "{}", done.err);
}
