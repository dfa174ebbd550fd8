//! Forecasts: `--horizon`.

use super::support::{Folder, timeless};

#[test]
fn each_row_is_asked_for_a_later_target() {
    let folder = Folder::new();
    // A season of 12 rows; the row itself says nothing.
    let rows: String = (0..1500).map(|row| format!("1,{}\n", [0, 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5][row % 12])).collect();
    folder.write("s.csv", format!("x,y\n{rows}"));
    let run = "run s.csv --task regress --horizon 5 --features lags=12 --model mlp:32 --metrics mae@200";
    let result = folder.json(run);
    assert_eq!((&result["horizon"], &result["unlabelled"], &result["rows"]), (&5.into(), &5.into(), &1500.into()));
    let error = |result: &serde_json::Value| result["mae@200"].as_f64().expect("it was asked for");
    assert!(error(&result["metrics"]) < 0.5, "{}", result["metrics"]);
    assert!(error(&result["baselines"]["last_value"]) > 2.0, "{}", result["baselines"]);
    folder.json(&format!("{run} --checkpoint c --limit 700"));
    assert_eq!(timeless(folder.json("run --resume c --horizon 5")), timeless(result));
    assert!(folder.refusal("run --resume c --horizon 6").starts_with("c: expected a run with --horizon 5, as it was"));
    assert!(folder.text("inspect c").contains("the target of 5 rows later"));
    let text = folder.text(run);
    assert!(text.contains("Every row was asked for the target 5 rows later first and learned after."), "{text}");
    assert!(text.contains(" · rows whose answer, a later target, never came, predicted and not learned: 5"), "{text}");
    let learned = folder.text(&format!("learn {} --checkpoint m", &run[4..]));
    assert!(learned.contains(" rows/s, 5 waiting for an answer); "), "{learned}");
    let refusal = folder.refusal("run s.csv --horizon x");
    assert!(refusal.ends_with("expected a number of rows from 0 to 1048576, found \"x\""), "{refusal}");
}

#[test]
fn models_are_compared_by_their_forecasts() {
    let folder = Folder::new();
    let result = folder.json("compare co2 --model linear --model mlp:16 --horizon 4 --features lags=8");
    let stream = &result["streams"][0];
    assert_eq!((&stream["horizon"], &stream["models"][1]["test"]["name"]), (&4.into(), &"diebold_mariano".into()));
    assert_eq!(stream["models"][1]["test"]["lag"], 7, "the rule of thumb asks for more than 4 rows");
    let late = folder.json("compare co2 --model linear --model mlp:16 --horizon 4 --delay 9");
    assert_eq!(late["streams"][0]["models"][1]["test"]["lag"], 13, "as many were out at once");
    // 2284 rows, of which 59 have no target: neither for themselves nor as an answer.
    assert!(stream["models"][0]["scored"].as_u64().is_some_and(|scored| scored > 2200 && scored < 2225), "{stream}");
    assert!(folder.text("compare co2 --model linear --horizon 4").contains(", seed 42, horizon 4"));
}

#[test]
fn a_class_to_come_is_learned_into_a_checkpoint() {
    let folder = Folder::new();
    let rows: String = (0..900).map(|row| format!("{},{}\n", row % 4, ["a", "b", "c", "d"][(row + 2) % 4])).collect();
    folder.write("s.csv", format!("x,y\n{rows}"));
    folder.text("learn s.csv --checkpoint m --horizon 1 --categorical x");
    // After x = 0, which has the class c, comes d.
    let text = folder.text("predict m s.csv --limit 4");
    let said: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(said, ["d", "a", "b", "c"], "{text}");
}
