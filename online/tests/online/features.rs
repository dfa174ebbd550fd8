//! Scalers against River 0.26.1. The fixture holds six columns of 200 rows of polls, and what River's scalers make of the
//! rows 1, 2, 10 and 200 after they learned them.

use serde_json::Value;
use thalweg_online::features::{Scale, Scaler};

const PLACES: [usize; 4] = [1, 2, 10, 200];

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/features.json")).expect("the fixture is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().expect("the fixture holds a list");
    values.iter().map(|value| value.as_f64().expect("the fixture holds numbers")).collect()
}

/// Calls `compare` with the name of each column, what this scaler makes of it, and what River makes of it.
fn each(scale: &str, river: &str, compare: impl Fn(&str, f64, f64)) {
    let fixture = fixture();
    let columns = fixture["scalers"][river].as_object().expect("River has this scaler");
    assert_eq!(columns.len(), 6);
    for (column, expected) in columns {
        let mut scaler: Scaler = Scale::parse(scale).expect("there is such a scale").build();
        let mut found = Vec::new();
        for (row, &x) in (1..).zip(&numbers(&fixture["data"][column])) {
            scaler.update(x);
            if PLACES.contains(&row) {
                found.push(scaler.transform(x));
            }
        }
        found.into_iter().zip(numbers(expected)).for_each(|(found, expected)| compare(column, found, expected));
    }
}

#[test]
fn scalers_say_what_river_says() {
    for (scale, river) in [
        ("standard", "StandardScaler"),
        ("minmax", "MinMaxScaler"),
        ("maxabs", "MaxAbsScaler"),
        ("robust", "RobustScaler"),
    ] {
        each(scale, river, |column, found, expected| {
            assert!((found - expected).abs() < 1e-12, "{scale} {column}: {found}, River: {expected}");
        });
    }
}

/// River's fading variance cancels: dates, which lie 700,000 from zero, keep four digits of it, and a column that stood
/// still has moved by 10⁻⁸.
#[test]
fn the_adaptive_scaler_says_what_river_says_but_for_cancellation() {
    each("adaptive:0.3", "AdaptiveStandardScaler(0.3)", |column, found, expected| {
        let tolerance = match column {
            "ordinal_date" => 1e-3,
            _ if found == 0.0 => 2e-8,
            _ => 1e-11,
        };
        assert!((found - expected).abs() < tolerance, "{column}: {found}, River: {expected}");
    });
    // Of two values, by hand: the second lies 0.7 δ from a mean whose variance is 0.3 · 0.7 δ².
    let mut scaler = Scale::Adaptive(0.3).build();
    [736_389.0, 736_390.0].into_iter().for_each(|x| scaler.update(x));
    assert!((scaler.transform(736_390.0) - 0.7 / 0.21_f64.sqrt()).abs() < 1e-9);
}
