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

/// How far a number is off, as a share of it: mathematical functions of another library may be.
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

/// One of each, and with every option that changes what is drawn.
const ALL: [&str; 29] = [
    "sea:variant=1,noise=0.1",
    "stagger:function=1,balance",
    "sine:function=2,balance,irrelevant",
    "mixed:function=1",
    "agrawal:function=4,perturbation=0.05,balance",
    "led:noise=0.1,irrelevant,drifting=3",
    "hyperplane:features=6,drifting=4,magnitude=0.01",
    "rbf:classes=4,features=4,centroids=20,speed=0.05,drifting=7",
    "waveform:irrelevant",
    "tree:classes=3,leaves=0.4",
    "friedman:drift=lea,first=50,second=100,third=150",
    "friedman:drift=gra,first=50,second=100",
    "friedman:drift=gsg,first=50,second=100,window=30",
    "planes:noise=0.5",
    "mv",
    "mv:noise=2,river",
    "agrawal:river,function=2,perturbation=0.2",
    "led:river,noise=0.2,irrelevant,drifting=7",
    "hyperplane:river,magnitude=0.1",
    "rbf:river,speed=0.1,drifting=3,model=9",
    "waveform:river",
    "tree:river,numbers=0,categorical=3",
    "friedman:river,drift=gsg,first=50,second=100,window=30",
    "drift(sea > sea:variant=2,noise=0.2; at=60,width=30)",
    "drift(drift(sine > sine:function=1; at=30) > sine:function=2; at=90,width=10,river)",
    "recurring(stagger > stagger:function=1 > stagger:function=2; every=40,width=10)",
    "recurring(rbf > rbf:model=3; every=20)",
    "permuted(digits; every=30)",
    "rotated(digits; every=20,step=7.5)",
];

fn stream(specification: &str) -> Synth {
    Synth::parse(specification, Seed::new(42)).unwrap_or_else(|error| panic!("{specification}: {error}"))
}

fn rows(stream: &mut Synth, count: usize) -> Vec<(Vec<f64>, f64)> {
    let mut example = Example::new();
    let next = |_| {
        stream.next_row(&mut example);
        (example.x().to_vec(), example.y())
    };
    (0..count).map(next).collect()
}

#[test]
fn a_saved_generator_goes_on_with_the_same_rows() {
    for specification in ALL {
        let mut stream = stream(specification);
        rows(&mut stream, 77);
        let bytes = bincode::serialize(&stream).expect("a generator is data");
        let mut saved: Synth = bincode::deserialize(&bytes).expect("a generator is data");
        assert_eq!(saved, stream, "{specification}");
        assert_eq!(rows(&mut saved, 700), rows(&mut stream, 700), "{specification}");
    }
}

#[test]
fn what_is_saved_stays_small() {
    for specification in ALL {
        let mut stream = stream(specification);
        let size = |stream: &Synth| serde_json::to_string(stream).expect("a generator is data").len();
        let before = size(&stream);
        rows(&mut stream, 3_000);
        assert!(size(&stream) < before + before / 2 + 200, "{specification}");
    }
}

#[test]
fn a_specification_prints_as_one_that_starts_the_same_rows() {
    for specification in ALL {
        let mut first = stream(specification);
        let printed = first.to_string();
        // Another seed: the printed one names all seeds.
        let mut second = Synth::parse(&printed, Seed::new(7)).unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert_eq!(second, first, "{printed}");
        assert_eq!(second.to_string(), printed);
        assert_eq!(rows(&mut second, 20), rows(&mut first, 20), "{printed}");
    }
}

#[test]
fn a_damaged_generator_is_refused() {
    for (specification, from, to) in [
        ("sea:variant=1", r#""variant":1"#, r#""variant":9"#),
        ("hyperplane:features=6", r#""features":6"#, r#""features":7"#),
        ("led:noise=0.1", r#""noise":0.1"#, r#""noise":3.1"#),
        ("led", "[0,1,2,3,4,5,6]", "[0,1,2,3,4,5,5]"),
        ("rbf:features=3,classes=2", r#""classes":2"#, r#""classes":1"#),
        ("drift(sea > sea:variant=2; at=3)", r#""variant":2"#, r#""variant":4"#),
        ("permuted(digits; every=30)", r#""digits""#, r#""mnist""#),
    ] {
        let text = serde_json::to_string(&stream(specification)).expect("a generator is data");
        assert!(text.contains(from), "{text}");
        assert!(serde_json::from_str::<Synth>(&text).is_ok());
        assert!(serde_json::from_str::<Synth>(&text.replace(from, to)).is_err(), "{specification}");
    }
}

#[test]
fn the_next_row_allocates_nothing() {
    for specification in ALL {
        let mut stream = stream(specification);
        let mut example = Example::new();
        stream.next_row(&mut example);
        // Labels of one digit more may come once.
        (0..20).for_each(|_| stream.next_row(&mut example));
        let used = allocation_counter::measure(|| (0..700).for_each(|_| stream.next_row(&mut example)));
        assert_eq!(used.count_total, 0, "{specification}");
    }
}

#[test]
fn brackets_do_not_go_on_for_ever() {
    let deep = format!("{}sea{}", "drift(".repeat(5_000), ")".repeat(5_000));
    assert!(Synth::parse(&deep, Seed::new(1)).is_err());
    for text in [
        "",
        "(",
        ")",
        "drift",
        "drift()",
        "drift(>)",
        "drift(sea>sea;;)",
        "drift(sea>sea;at=1)x",
        "sea>sea",
        "permuted(sea; every=1)",
    ] {
        assert!(Synth::parse(text, Seed::new(1)).is_err(), "{text}");
    }
    assert!(Synth::parse("drift(sea > stagger; at=5)", Seed::new(1)).is_err());
}
