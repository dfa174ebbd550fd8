//! Laws of features, whatever they are made into.

mod bounds;

use super::*;
use crate::row::Value;
use proptest::prelude::*;

fn encode(features: &Features, row: &dyn Row) -> Vec<f32> {
    let (mut raw, mut x) = (Vec::new(), Vec::new());
    features.read(row, &mut raw).expect("a row of known types");
    features.scale(&raw, &mut x);
    x
}

#[test]
fn text_where_numbers_were_is_refused_and_nothing_is_learned() {
    let mut features = Features::new();
    features.observe(&[("a", Value::Number(1.0)), ("b", Value::Number(1.0))]).unwrap();
    let before = format!("{features:?}");
    let error = features.observe(&[("a", Value::Number(9.0)), ("b", Value::Text("tall"))]).unwrap_err();
    assert_eq!(error.to_string(), r#"column "b": expected a number, as in the rows before, found "tall""#);
    assert_eq!(format!("{features:?}"), before);
}

#[test]
fn missing_values_are_the_mean_with_a_flag() {
    let mut features = Features::new();
    for x in [Some(1.0), Some(3.0), None, Some(f64::NAN)] {
        features.observe(&[("a", x)]).unwrap();
    }
    assert_eq!(features.columns().collect::<Vec<_>>(), ["a", "a missing"]);
    assert_eq!(encode(&features, &[("a", None::<f64>)]), [0.0, 1.0]);
    assert_eq!(encode(&features, &[("a", Some(3.0))]), [1.0, 0.0]);
    assert_eq!(encode(&features, &[("b", Some(3.0))]), [0.0, 0.0]);
}

#[test]
fn a_constant_feature_that_moves_is_clipped() {
    let mut features = Features::new();
    for _ in 0..1000 {
        features.observe(&[("a", 0.5)]).unwrap();
    }
    assert_eq!(encode(&features, &[("a", 0.7)]), [0.0], "no deviation yet: nothing is known of its scale");
    features.observe(&[("a", 0.6)]).unwrap();
    assert_eq!(encode(&features, &[("a", 0.7)]), [CLIP as f32]);
}

proptest! {
    /// Columns keep their index and meaning whatever comes, and in whatever order a row lists its features.
    #[test]
    fn columns_are_only_appended(rows in prop::collection::vec(prop::collection::vec((0usize..6, 0usize..8), 0..6), 1..20)) {
        let mut features = Features::new();
        for row in rows {
            let cell = |(feature, value): (usize, usize)| match (feature % 2, value) {
                (_, 7) => Value::Missing,
                (0, value) => Value::Number(value as f64),
                (_, value) => Value::Text(&"abcdefgh"[value..=value]),
            };
            let mut row: Vec<_> = row.into_iter().map(|c| (format!("f{}", c.0), cell(c))).collect();
            row.sort_by(|a, b| a.0.cmp(&b.0));
            row.dedup_by(|a, b| a.0 == b.0);
            let before: Vec<String> = features.columns().collect();
            features.observe(&row).unwrap();
            let after: Vec<String> = features.columns().collect();
            prop_assert_eq!(&after[..before.len()], &before[..]);
            let x = encode(&features, &row);
            row.reverse();
            prop_assert_eq!(encode(&features, &row), x);
        }
    }
}

/// Every scaler, encoder, stand-in and series.
const SPECS: [&str; 9] = [
    "",
    "scale=robust; category=target:2,most=3; lags=2",
    "scale=minmax; category=hash:5; missing=last",
    "scale=maxabs; category=onehot:2; missing=zero:flag=false",
    "scale=adaptive; category=target:0; rolling=mean:3,std:2,min:4,max:2",
    "scale=none; lags=2..4; category((lag*))=hash:3",
    "scale(f0)=robust; category(f1)=target:1; missing(f2)=last:flag=false",
    "lags=3; category=target:5",
    "lags=2; category=embed:4,most=3; category(f3)=onehot:2",
];

type Cells = Vec<(String, Value<'static>)>;

/// Rows of numbers, words and missing cells, each name at most once.
fn rows() -> impl Strategy<Value = Vec<Cells>> {
    let cell = |(feature, value): (usize, usize)| {
        let cell = match (feature % 2, value) {
            (_, 7) => Value::Missing,
            (0, value) => Value::Number(value as f64),
            (_, value) => Value::Text(&"abcdefgh"[value..=value]),
        };
        (format!("f{feature}"), cell)
    };
    let row = prop::collection::vec((0usize..6, 0usize..8), 0..6).prop_map(move |row| {
        let mut row: Cells = row.into_iter().map(cell).collect();
        row.sort_by(|a, b| a.0.cmp(&b.0));
        row.dedup_by(|a, b| a.0 == b.0);
        row
    });
    prop::collection::vec(row, 1..30)
}

fn targets(row: usize) -> [Target<'static>; 2] {
    [Target::Value([3.0, -1.0, 4.0, 1.5][row % 4]), Target::Class(["up", "down", "up", "flat"][row % 4])]
}

fn bits(features: &Features, row: &dyn Row) -> Vec<u64> {
    let mut raw = Vec::new();
    features.read(row, &mut raw).expect("a row of known types");
    raw.iter().map(|x| x.to_bits()).chain(encode(features, row).iter().map(|x| u64::from(x.to_bits()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Columns keep their index and meaning, the order of cells does not matter, reading and what is refused change
    /// nothing, and everything is finite.
    #[test]
    fn the_laws_hold_for_every_specification(rows in rows(), task in 0usize..2) {
        for text in SPECS {
            let mut features = Features::with(FeatureSpec::parse(text).unwrap());
            for (index, row) in rows.iter().enumerate() {
                let before: Vec<String> = features.columns().collect();
                features.observe(row).unwrap();
                let after: Vec<String> = features.columns().collect();
                prop_assert_eq!(&after[..before.len()], &before[..], "{}", text);
                let known = format!("{features:?}");
                let mut reversed = row.clone();
                reversed.reverse();
                prop_assert_eq!(bits(&features, &reversed), bits(&features, row), "{}", text);
                prop_assert!(encode(&features, row).iter().all(|x| x.is_finite()));
                if let Some((name, _)) = row.iter().find(|(_, value)| value.number().is_some()) {
                    prop_assert!(features.observe(&[(name.as_str(), "text")]).is_err());
                }
                prop_assert_eq!(format!("{features:?}"), known, "{}", text);
                features.told(row, targets(index)[task]);
                prop_assert_eq!(features.width(), after.len(), "an answer appends nothing");
            }
        }
    }
}

#[test]
fn a_row_sees_the_answers_before_it_and_not_its_own() {
    let mut features = Features::with(FeatureSpec::parse("category=target:0; scale=none; lags=1").unwrap());
    let mut raw = Vec::new();
    for (city, y, seen) in [("a", 1.0, None), ("b", 5.0, Some(1.0)), ("a", 3.0, Some(1.0)), ("a", 0.0, Some(2.0))] {
        features.observe(&[("city", city)]).unwrap();
        features.read(&[("city", city)], &mut raw).unwrap();
        assert_eq!(raw.first().copied(), seen);
        features.told(&[("city", city)], Target::Value(y));
    }
    assert_eq!(features.columns().collect::<Vec<_>>(), ["city mean", "(lag 1)"]);
    assert_eq!(encode(&features, &[("city", "new")]), [2.25, 0.0], "the mean of all");
}

#[test]
fn classes_are_shares_and_their_lags_are_categories() {
    let mut features = Features::with(FeatureSpec::parse("category(city)=target:0; lags=1").unwrap());
    let mut raw = Vec::new();
    for (city, class) in [("a", "up"), ("a", "down"), ("b", "up"), ("a", "up")] {
        features.observe(&[("city", city)]).unwrap();
        features.told(&[("city", city)], Target::Class(class));
    }
    features.observe(&[("city", "a")]).unwrap();
    features.read(&[("city", "a")], &mut raw).unwrap();
    let columns = ["city share of up", "(lag 1)=up", "city share of down", "(lag 1)=down"];
    assert_eq!(features.columns().collect::<Vec<_>>(), columns);
    assert_eq!(raw, [2.0 / 3.0, 1.0, 1.0 / 3.0, 0.0]);
    features.new_sequence();
    features.read(&[("city", "a")], &mut raw).unwrap();
    assert_eq!(raw, [2.0 / 3.0, 0.0, 1.0 / 3.0, 0.0], "the sequence is forgotten, not what was learned");
}

#[test]
fn missing_numbers_are_what_was_asked_for() {
    for (missing, expected) in [("mean", vec![f64::NAN, 1.0]), ("zero", vec![0.0, 1.0]), ("last", vec![5.0, 1.0])] {
        for (flag, width) in [("", 2), (":flag=false", 1)] {
            let spec = format!("missing={missing}{flag}");
            let mut features = Features::with(FeatureSpec::parse(&spec).unwrap());
            for x in [Some(1.0), None, Some(5.0), None] {
                features.observe(&[("a", x)]).unwrap();
            }
            let mut raw = Vec::new();
            features.read(&[("a", None::<f64>)], &mut raw).unwrap();
            assert_eq!(raw.len(), width, "{spec}");
            let same = |raw: &[f64], expected: &[f64]| {
                raw.iter().zip(expected).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
            };
            assert!(same(&raw, &expected), "{spec}: {raw:?}");
            // In a new sequence nothing was there before; what a row shows later stands in again.
            features.new_sequence();
            features.read(&[("a", None::<f64>)], &mut raw).unwrap();
            let before = if missing == "zero" { 0.0 } else { f64::NAN };
            assert!(same(&raw, &[before, 1.0]), "{spec}: {raw:?}");
            features.observe(&[("a", Some(5.0))]).unwrap();
            features.read(&[("a", None::<f64>)], &mut raw).unwrap();
            assert!(same(&raw, &expected), "{spec}: {raw:?}");
        }
    }
}

#[test]
fn a_hashed_category_is_one_sign_in_one_of_its_columns() {
    let mut features = Features::with(FeatureSpec::parse("category=hash:7").unwrap());
    let mut met = [[false; 2]; 7];
    for id in 0..200 {
        let row = [("id", format!("user {id}"))];
        features.observe(&row).unwrap();
        let x = encode(&features, &row);
        let place = x.iter().position(|&x| x != 0.0).expect("it is somewhere");
        assert!(x.iter().map(|x| x.abs()).sum::<f32>() == 1.0 && x.len() == 7);
        met[place][usize::from(x[place] > 0.0)] = true;
    }
    assert_eq!(met, [[true; 2]; 7], "all columns are used, and both signs");
    assert_eq!(features.columns().last().as_deref(), Some("id#6"));
}

#[test]
fn an_embedded_category_is_its_number() {
    let mut features = Features::with(FeatureSpec::parse("category=embed:5,most=2").unwrap());
    let rows = ["a", "b", "a"].map(|city| [("city", Value::Text(city))]);
    rows.iter().for_each(|row| features.observe(row).unwrap());
    let read = |features: &Features, city| encode(features, &[("city", city)]);
    let numbers = |features: &Features| ["a", "b", "c", "d"].map(|city| read(features, Value::Text(city))).concat();
    assert_eq!(numbers(&features), [1.0, 2.0, 0.0, 0.0], "what is not known is none");
    features.observe(&[("city", "c")]).unwrap();
    assert_eq!(numbers(&features), [1.0, 2.0, 3.0, 3.0], "all others share one number");
    assert_eq!(read(&features, Value::Missing), [0.0]);
    let embedded: Vec<_> = features.embedded().collect();
    assert_eq!(embedded, [("city", Embedded { column: 0, rows: 4, width: 5 })]);
    assert_eq!(features.columns().collect::<Vec<_>>(), ["city category"]);
}
