//! However much a stream names, and however long its names are: memory and time are bounded.

use super::super::*;
use super::{encode, targets};
use crate::row::Value;

#[test]
fn a_pattern_of_many_stars_is_soon_tried() {
    let spec = FeatureSpec::parse(&format!("scale({}b)=minmax", "*a".repeat(30))).unwrap();
    assert_eq!(spec.scale(&"a".repeat(60)), Scale::Standard);
    assert_eq!(spec.scale(&format!("{}b", "a".repeat(60))), Scale::MinMax);
    assert_eq!(spec.scale(&format!("{}b", "a".repeat(29))), Scale::Standard);
}

#[test]
fn categories_beyond_the_limit_share_a_column() {
    let mut features = Features::new();
    for id in 0..MOST_CATEGORIES + 50 {
        features.observe(&[("id", format!("user {id}"))]).unwrap();
    }
    assert_eq!(features.width(), MOST_CATEGORIES + 1);
    assert_eq!(features.columns().last().as_deref(), Some("id=other"));
    assert_eq!(encode(&features, &[("id", "someone new")])[MOST_CATEGORIES], 1.0);
}

#[test]
fn there_are_no_more_features_and_columns_than_are_asked_for() {
    let limited = |spec: &str| Features::with(FeatureSpec::parse(spec).expect("it is right"));
    let mut features = limited("most=5");
    features.observe(&[("a", Value::Number(1.0)), ("sky", Value::Text("clear"))]).unwrap();
    for day in 0..1000 {
        let new = format!("new {day}");
        features.observe(&[("sky", Value::Text(&new)), (&new, Value::Number(1.0)), ("a", Value::Number(2.0))]).unwrap();
    }
    // Days 0 and 1 bring a word and a number, the word of day 2 takes the last column.
    assert_eq!(features.columns().collect::<Vec<_>>(), ["a", "sky=clear", "sky=new 0", "new 0", "sky=new 1"]);
    assert_eq!((features.len(), features.width(), features.ignored()), (3, 5, 999));
    features.observe(&[("a", None::<f64>)]).unwrap();
    assert_eq!((features.width(), encode(&features, &[("new 7", 1.0)]).len()), (5, 5), "no flag for what is missing");
    for (spec, width) in [("category=hash:4", 8), ("category=embed:3", 9), ("category=target", 9)] {
        let mut features = limited(&format!("most=9; {spec}"));
        for day in 0..30 {
            let (name, new) = (format!("name {day}"), format!("new {day}"));
            let row = [(name.as_str(), Value::Text(new.as_str()))];
            features.observe(&row).unwrap();
            features.told(&row, Target::Class(&new));
        }
        assert_eq!((features.len() <= 9, features.width()), (true, width), "{spec}");
        assert!(features.ignored() > 20, "{spec}");
    }
}

#[test]
fn what_was_asked_for_has_room_in_any_case() {
    let own =
        ["a", "b", "c", "d", "e", "f", "(last target 01)", "(last target 65536)", "(last target)", "(last target 2)"];
    for (targets, beside) in [
        (
            &[Target::Class("up"), Target::Class("down")][..],
            &["(lag 1)=up", "(lag 1)=down", "(lag 2)=up", "(lag 2)=down"][..],
        ),
        (&[Target::Value(1.0), Target::Value(3.0)], &["(lag 1)", "(mean 3)", "(lag 2)"]),
    ] {
        let rolling = if matches!(targets[0], Target::Value(_)) { "; rolling=mean:3" } else { "" };
        let spec = FeatureSpec::parse(&format!("most=5; lags=2{rolling}")).expect("it is right");
        let mut features = Features::with(spec);
        let row = own.map(|name| (name, 1.0));
        for round in 0..6 {
            features.observe(&row).unwrap();
            features.told(&row, targets[round % 2]);
        }
        let columns: Vec<String> = features.columns().collect();
        assert_eq!(columns[..7], ["a", "b", "c", "d", "e", "(last target)", "(last target 2)"]);
        let mut found = columns[7..].to_vec();
        found.sort();
        let mut expected = beside.to_vec();
        expected.sort_unstable();
        assert_eq!((found, features.ignored()), (expected.iter().map(ToString::to_string).collect(), 18));
    }
}

#[test]
fn long_names_are_refused_and_long_categories_are_others() {
    let (mut features, long) = (Features::new(), "x".repeat(5000));
    features.observe(&[("sky", long.as_str())]).unwrap();
    assert_eq!(features.columns().collect::<Vec<_>>(), ["sky=other"]);
    let before = format!("{features:?}");
    let error = features.observe(&[("new", 1.0), (&long, 1.0)]).unwrap_err();
    let expected = format!("column \"{}…\": expected a name of at most 4096 bytes, found 5000", &long[..60]);
    assert_eq!((error.to_string(), format!("{features:?}")), (expected, before));
}

/// The vector of all others stands behind the last category: it is nobody's while there may be more of these.
#[test]
fn a_long_category_is_none_of_the_vectors_until_there_are_others() {
    let long = "x".repeat(5000);
    let mut features = Features::with(FeatureSpec::parse("category=embed:3,most=2").unwrap());
    let mut row_of_long = Vec::new();
    for word in [&long, "a", &long, "b", &long, "c", &long] {
        features.observe(&[("city", word)]).unwrap();
        let mut raw = Vec::new();
        features.read(&[("city", long.as_str())], &mut raw).unwrap();
        row_of_long.push(raw[0]);
    }
    assert_eq!(row_of_long, [0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0]);
}

#[test]
fn endless_categories_take_bounded_memory() {
    for text in [
        "category=onehot:9",
        "category=hash:9",
        "category=embed:2,most=9",
        "category=target:1,most=9",
        "category=target:1,most=9; lags=3",
    ] {
        let mut features = Features::with(FeatureSpec::parse(text).unwrap());
        let mut sizes = Vec::new();
        for id in 0..300 {
            let row = [("id", format!("user {}", 1000 + id))];
            features.observe(&row).unwrap();
            features.told(&row, targets(id)[0]);
            if id % 100 == 50 {
                sizes.push((features.width(), format!("{features:?}").len()));
            }
        }
        assert_eq!(sizes[1].0, sizes[2].0, "{text}");
        assert!(sizes[2].1 < sizes[1].1 + sizes[1].1 / 4, "{text}: {sizes:?}");
    }
}
