//! The metrics against River 0.26.1. The fixture holds 500 rows of three kinds, and what 37 of River's metrics say after 1,
//! 2, 10, 100 and 500 of them.

use serde_json::Value;
use thalweg_online::metrics::{Auc, Mean, Metrics, Resolution, Rolling, exact_auc, log_loss};
use thalweg_online::{Prediction, Scores, Target, Task};

const PLACES: [usize; 5] = [1, 2, 10, 100, 500];

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/metrics.json")).expect("the fixture is JSON")
}

fn data(fixture: &Value, name: &str) -> Vec<f64> {
    let values = fixture["data"][name].as_array().expect("the fixture holds a list");
    values.iter().map(|value| value.as_f64().expect("the fixture holds numbers")).collect()
}

/// What River says at [`PLACES`].
fn river(fixture: &Value, name: &str) -> [f64; 5] {
    PLACES.map(|row| fixture["metrics"][name][row.to_string()].as_f64().unwrap_or_else(|| panic!("{name} at {row}")))
}

fn compare(name: &str, found: [f64; 5], expected: [f64; 5]) {
    for ((row, found), expected) in PLACES.iter().zip(found).zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{name} after row {row}: {found}, River: {expected}");
    }
}

/// What a metric says at [`PLACES`]: a label is named with certainty, a number is predicted.
fn ours(task: Task, metric: &str, truth: &[f64], predicted: &[f64]) -> [f64; 5] {
    let names = ["0", "1", "2", "3"].map(str::to_owned);
    let mut scores = Scores::with(task, &Metrics::parse(metric).expect("a metric")).expect("of this task");
    let mut found = vec![];
    for (row, (&truth, &predicted)) in truth.iter().zip(predicted).enumerate() {
        match task {
            Task::Classify => {
                let probabilities = [0.0, 1.0, 2.0, 3.0].map(|class| f32::from(u8::from(class == predicted)));
                let prediction = Prediction::Classes { labels: &names, probabilities: &probabilities };
                scores.update(&Target::Class(&names[truth as usize]), &prediction, 1.0);
            }
            _ => scores.update(&Target::Value(truth), &Prediction::Value(predicted), 1.0),
        }
        if PLACES.contains(&(row + 1)) {
            found.push(scores.get(metric).expect("it is measured"));
        }
    }
    found.try_into().expect("the fixture has 500 rows")
}

#[test]
fn labels_are_scored_as_by_river() {
    let fixture = fixture();
    let (truth, predicted) = (data(&fixture, "ym"), data(&fixture, "pm"));
    let names = [
        ("Accuracy", "accuracy"),
        ("BalancedAccuracy", "balanced_accuracy"),
        ("CohenKappa", "kappa"),
        ("MacroF1", "f1:macro"),
        ("MicroF1", "f1:micro"),
        ("WeightedF1", "f1:weighted"),
        ("MacroPrecision", "precision:macro"),
        ("MacroRecall", "recall:macro"),
        ("GeometricMean", "geometric_mean"),
        ("MacroJaccard", "jaccard:macro"),
        ("AdjustedRand", "adjusted_rand"),
        ("MutualInfo", "mutual_info"),
        ("NormalizedMutualInfo", "normalized_mutual_info"),
        ("Homogeneity", "homogeneity"),
        ("Completeness", "completeness"),
        ("FowlkesMallows", "fowlkes_mallows"),
    ];
    for (theirs, metric) in names {
        let found = ours(Task::Classify, metric, &truth, &predicted);
        compare(metric, found, river(&fixture, &format!("multi:{theirs}")));
    }
}

/// River's is that of the class `True`, which in Python equals 1, against all others. Ours is of all classes; the numbers
/// are those of its formula, `(c n − Σ t p) / √((n² − Σ t²) (n² − Σ p²))`, in integers.
#[test]
fn the_mcc_of_several_classes_is_of_all_of_them_where_river_takes_class_1_alone() {
    let fixture = fixture();
    let (truth, predicted) = (data(&fixture, "ym"), data(&fixture, "pm"));
    let all = [0.0, 1.0, 0.7606388292556648, 0.6591123958157793, 0.7037972116463119];
    compare("mcc", ours(Task::Classify, "mcc", &truth, &predicted), all);
    let is_one = |labels: &[f64]| labels.iter().map(|&label| f64::from(u8::from(label == 1.0))).collect::<Vec<_>>();
    let alone = ours(Task::Classify, "mcc", &is_one(&truth), &is_one(&predicted));
    compare("mcc of 1", alone, river(&fixture, "multi:MCC"));
}

#[test]
fn two_labels_are_scored_as_by_river() {
    let fixture = fixture();
    let truth = data(&fixture, "yb");
    let predicted: Vec<f64> = data(&fixture, "pb").into_iter().map(|p| f64::from(u8::from(p > 0.5))).collect();
    for (theirs, metric) in [
        ("Accuracy", "accuracy"),
        ("Precision", "precision:of=1"),
        ("Recall", "recall:of=1"),
        ("F1", "f1:of=1"),
        ("MCC", "mcc"),
        ("CohenKappa", "kappa"),
        ("GeometricMean", "geometric_mean"),
        ("Jaccard", "jaccard:of=1"),
    ] {
        compare(metric, ours(Task::Classify, metric, &truth, &predicted), river(&fixture, &format!("bin:{theirs}")));
    }
}

#[test]
fn numbers_are_scored_as_by_river() {
    let fixture = fixture();
    let (truth, predicted) = (data(&fixture, "yr"), data(&fixture, "pr"));
    for (theirs, metric) in [
        ("MAE", "mae"),
        ("MSE", "mse"),
        ("RMSE", "rmse"),
        ("RMSLE", "rmsle"),
        ("MAPE", "mape"),
        ("SMAPE", "smape"),
        ("R2", "r2"),
        ("Rolling(MAE,100)", "mae@100"),
    ] {
        compare(metric, ours(Task::Regress, metric, &truth, &predicted), river(&fixture, &format!("reg:{theirs}")));
    }
}

fn probabilities(fixture: &Value) -> Vec<(bool, f64)> {
    data(fixture, "yb").into_iter().map(|y| y == 1.0).zip(data(fixture, "pb")).collect()
}

/// River clips probabilities to [10⁻¹⁵, 1 − 10⁻¹⁵], we to [10⁻¹⁵, 1]: the difference stays below 1.2 · 10⁻¹⁵ a row.
#[test]
fn probabilities_are_scored_as_by_river_but_for_the_upper_clip() {
    let fixture = fixture();
    let rows = probabilities(&fixture);
    let found = PLACES.map(|place| {
        let mut mean = Mean::default();
        rows[..place].iter().for_each(|&(y, p)| mean.update(log_loss(if y { p } else { 1.0 - p }), 1.0));
        mean.get()
    });
    compare("log_loss", found, river(&fixture, "proba:LogLoss"));
    compare("log_loss", found, river(&fixture, "proba:CrossEntropy"));
}

/// River's is 0 while rows of either kind are wanting; there is no area then, so ours is NaN.
#[test]
fn areas_are_those_of_river_but_for_rows_of_one_kind() {
    let fixture = fixture();
    let rows = probabilities(&fixture);
    let running = PLACES.map(|place| {
        let mut auc = Auc::new(Resolution::Thresholds(10));
        rows[..place].iter().for_each(|&(y, p)| auc.update(y, p, 1.0));
        auc.get()
    });
    let rolling = PLACES.map(|place| {
        let last = &rows[place.saturating_sub(100)..place];
        exact_auc(&mut last.iter().map(|&(y, p)| (p, y, 1.0)).collect::<Vec<_>>())
    });
    for (name, found) in [("proba:ROCAUC", running), ("proba:RollingROCAUC(100)", rolling)] {
        let expected = river(&fixture, name);
        assert!(found[..2].iter().all(|area| area.is_nan()) && expected[..2] == [0.0; 2], "{name}: {found:?}");
        for (found, expected) in found[2..].iter().zip(&expected[2..]) {
            assert!((found - expected).abs() < 1e-12, "{name}: {found}, River: {expected}");
        }
    }
    // In bins of log odds the running area is nearer to the exact one than with River's ten thresholds.
    let exact = exact_auc(&mut rows.iter().map(|&(y, p)| (p, y, 1.0)).collect::<Vec<_>>());
    let mut auc = Auc::new(Resolution::LogOdds);
    rows.iter().for_each(|&(y, p)| auc.update(y, p, 1.0));
    assert!(
        (auc.get() - exact).abs() < 5e-4 && (running[4] - exact).abs() > 1e-3,
        "{exact} {} {}",
        auc.get(),
        running[4]
    );
}

/// Before the first row River's metrics are 0, which is a perfect log loss and the worst accuracy. Ours are NaN.
#[test]
fn before_the_first_row_nothing_is_known_where_river_says_zero() {
    for task in [Task::Classify, Task::Regress] {
        assert!(Scores::new(task).entries().iter().all(|(_, value)| value.is_nan()));
    }
}

#[test]
fn no_metric_of_the_fixture_is_left_out() {
    assert_eq!(fixture()["metrics"].as_object().map(serde_json::Map::len), Some(16 + 1 + 8 + 8 + 4));
}

#[test]
fn a_rolling_mean_of_a_metric_of_ones_own() {
    let mut rolling = Rolling::new(3, Mean::default());
    (0..10).for_each(|i| rolling.update(&f64::from(i), 1.0));
    assert_eq!(rolling.sums().get(), 8.0);
}
