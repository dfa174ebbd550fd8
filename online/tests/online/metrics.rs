//! The metrics against River 0.26.1. The fixture holds its inputs and River's results after 1, 2, 10 and 100 rows.

use serde_json::Value;
use thalweg_online::metrics::{Accuracy, Kappa, LogLoss, MeanAbsoluteError, RSquared, RootMeanSquareError};

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/metrics.json")).expect("the fixture is JSON")
}

fn numbers(values: &Value) -> Vec<f64> {
    let values = values.as_array().expect("the fixture holds a list");
    values.iter().map(|value| value.as_f64().expect("the fixture holds numbers")).collect()
}

/// Runs `metric` over the rows, and compares it wherever River's result is known.
fn compare<M: Default>(
    part: &Value,
    name: &str,
    rows: &[(f64, f64)],
    update: impl Fn(&mut M, f64, f64),
    get: impl Fn(&M) -> f64,
) {
    let expected = part["expected"][name].as_object().expect("the fixture has the metric");
    let mut metric = M::default();
    let mut compared = 0;
    for (row, &(truth, predicted)) in rows.iter().enumerate() {
        update(&mut metric, truth, predicted);
        if let Some(expected) = expected.get(&(row + 1).to_string()).and_then(Value::as_f64) {
            let found = get(&metric);
            assert!((found - expected).abs() < 1e-9, "{name} after row {}: {found}, River: {expected}", row + 1);
            compared += 1;
        }
    }
    assert_eq!(compared, 4, "{name} is compared in four places");
}

fn pairs(part: &Value, second: &str) -> Vec<(f64, f64)> {
    let rows: Vec<_> = numbers(&part["truth"]).into_iter().zip(numbers(&part[second])).collect();
    assert_eq!(rows.len(), 100);
    rows
}

fn label(class: f64) -> String {
    class.to_string()
}

#[test]
fn labels_are_scored_as_by_river() {
    let fixture = fixture();
    let classes = &fixture["classes"];
    let rows = pairs(classes, "predicted");
    compare::<Accuracy>(classes, "accuracy", &rows, |m, y, p| m.update(&label(y), &label(p)), Accuracy::get);
    compare::<Kappa>(classes, "kappa", &rows, |m, y, p| m.update(&label(y), &label(p)), Kappa::get);
    let binary = &fixture["binary"];
    let decided: Vec<_> = pairs(binary, "probability_of_1").into_iter().map(|(y, p)| (y, f64::from(p > 0.5))).collect();
    compare::<Accuracy>(binary, "accuracy", &decided, |m, y, p| m.update(&label(y), &label(p)), Accuracy::get);
    compare::<Kappa>(binary, "kappa", &decided, |m, y, p| m.update(&label(y), &label(p)), Kappa::get);
}

/// River clips probabilities to [10⁻¹⁵, 1 − 10⁻¹⁵], we to [10⁻¹⁵, 1]: the difference stays below 1.2 · 10⁻¹⁵ a row.
#[test]
fn probabilities_are_scored_as_by_river_but_for_the_upper_clip() {
    let fixture = fixture();
    let binary = &fixture["binary"];
    let given = |truth: f64, p: f64| if truth == 1.0 { p } else { 1.0 - p };
    compare::<LogLoss>(
        binary,
        "log_loss",
        &pairs(binary, "probability_of_1"),
        |m, y, p| m.update(given(y, p)),
        LogLoss::get,
    );
}

#[test]
fn numbers_are_scored_as_by_river() {
    let fixture = fixture();
    let part = &fixture["numbers"];
    let rows = pairs(part, "predicted");
    compare::<MeanAbsoluteError>(part, "mae", &rows, MeanAbsoluteError::update, MeanAbsoluteError::get);
    compare::<RootMeanSquareError>(part, "rmse", &rows, RootMeanSquareError::update, RootMeanSquareError::get);
    compare::<RSquared>(part, "r2", &rows, RSquared::update, RSquared::get);
}
