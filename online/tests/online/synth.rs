//! Generated rows: known answers, and what is true of all generators.

use std::path::Path;

use serde_json::Value as Json;
use thalweg_online::synth::{Example, Seed, Synth};
use thalweg_online::{Row, Target, Value};

/// The rows that River made: `{spec, skip, rows}`, where a row is its features and the target, and comes after `skip` others.
fn known_answers() -> Vec<Json> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/synth.json");
    serde_json::from_slice(&std::fs::read(file).expect("the fixture is there")).expect("the fixture is JSON")
}

/// A number; a truth value counts as 0 or 1.
fn number(json: &Json) -> Option<f64> {
    json.as_f64().or(json.as_bool().map(|truth| f64::from(u8::from(truth))))
}

/// The distance in units of the last place, as far as mathematical functions of another library may be off.
fn distance(a: f64, b: f64) -> f64 {
    (a - b).abs() / a.abs().max(1.0)
}

#[test]
fn rivers_rows_are_made_bit_for_bit() {
    let (mut same, mut near, mut worst) = (0, 0, 0.0_f64);
    for case in known_answers() {
        let spec = case["spec"].as_str().expect("a specification");
        let (text, seed) = spec.split_once('@').unwrap_or((spec, "42"));
        let seed = seed.parse().expect("a number");
        let seed = if spec.contains('@') { Seed::river(seed) } else { Seed::new(seed) };
        let mut stream = Synth::parse(text, seed).unwrap_or_else(|error| panic!("{spec}: {error}"));
        let mut example = Example::new();
        for _ in 0..case["skip"].as_u64().expect("a number") {
            stream.next_row(&mut example);
        }
        for (index, row) in case["rows"].as_array().expect("rows").iter().enumerate() {
            stream.next_row(&mut example);
            let row = row.as_array().expect("a row");
            assert_eq!(row.len(), example.len() + 1, "{spec}");
            let target = row.last().expect("a target");
            for (place, expected) in row.iter().enumerate() {
                let found = if place == example.len() { Value::Number(example.y()) } else { example.cell(place).1 };
                match (found, number(expected)) {
                    (Value::Text(word), _) => assert_eq!(Some(word), expected.as_str(), "{spec}: row {index}"),
                    (Value::Number(found), Some(expected)) if found == expected => same += 1,
                    (Value::Number(found), Some(expected)) => {
                        near += 1;
                        worst = worst.max(distance(found, expected));
                        assert!(distance(found, expected) < 1e-12, "{spec}: row {index}, {place}: {found}, {expected}");
                    }
                    _ => panic!("{spec}: row {index}, {place}: {found:?}, {expected}"),
                }
            }
            match example.target() {
                Target::Class(label) => assert_eq!(label.parse().ok(), number(target), "{spec}"),
                Target::Value(value) => assert_eq!(value, example.y()),
                other => panic!("{other:?}"),
            }
        }
    }
    println!("{same} cells are the same, {near} differ by up to {worst:e}");
    assert!(same > 10_000, "{same}");
}
