//! Rows from generators.

use std::process::Stdio;

use serde_json::Value;

use super::support::Folder;

/// The command with a specification that has spaces in it.
fn generate(specification: &str, arguments: &str) -> super::support::Done {
    let folder = Folder::new();
    let mut command = folder.command("generate");
    super::support::Done::new(command.arg(specification).args(arguments.split_whitespace()))
}

#[test]
fn rows_are_csv_with_a_header() {
    let text = generate("sea:river", "--rows 3").succeeded("generate");
    let expected = "x0,x1,x2,target\n6.394267984578837,0.25010755222666936,2.7502931836911926,0\n\
                    2.2321073814882277,7.364712141640124,6.766994874229113,1\n\
                    8.921795677048454,0.8693883262941615,4.2192181968527045,1\n";
    assert_eq!(text, expected);
    assert_eq!(generate("stagger:function=1", "").succeeded("generate").lines().count(), 1001);
    assert_eq!(generate("mv", "--rows 0").succeeded("generate"), "x1,x2,x3,x4,x5,x6,x7,x8,x9,x10,target\n");
}

#[test]
fn both_formats_say_the_same() {
    for specification in ["agrawal:perturbation=0.1", "stagger", "friedman", "permuted(digits; every=5)"] {
        let table = generate(specification, "--rows 20 --seed 3").succeeded(specification);
        let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().expect("a header");
        let objects = generate(specification, "--rows 20 --seed 3 --format jsonl").succeeded(specification);
        assert_eq!(objects.lines().count(), 20);
        for (line, object) in lines.zip(objects.lines()) {
            let object: Value = serde_json::from_str(object).expect("a JSON object on each line");
            let members = object.as_object().expect("an object");
            assert!(members.keys().eq(header.iter()), "{members:?}");
            for (cell, value) in line.iter().zip(members.values()) {
                assert_eq!(value.as_str().unwrap_or(cell), *cell);
                assert_eq!(value.as_f64(), cell.parse().ok());
            }
        }
    }
}

#[test]
fn the_seed_makes_the_rows() {
    let rows = |arguments: &str| generate("drift(rbf > rbf; at=10,width=5)", arguments).succeeded(arguments);
    assert_eq!(rows("--rows 50 --seed 1"), rows("--rows 50 --seed 1"));
    assert_ne!(rows("--rows 50 --seed 1"), rows("--rows 50 --seed 2"));
    assert!(rows("--rows 50 --seed 1").starts_with(&rows("--rows 20 --seed 1")));
}

#[test]
fn generated_rows_can_be_learned() {
    let folder = Folder::new();
    folder.write("sea.csv", generate("sea", "--rows 3000").succeeded("generate"));
    let result = folder.json("run sea.csv --model linear --print-every 0");
    assert_eq!((&result["rows"], &result["task"]), (&3000.into(), &"classify".into()));
    assert!(result["metrics"]["accuracy"].as_f64().is_some_and(|accuracy| accuracy > 0.9), "{}", result["metrics"]);
}

#[test]
fn what_cannot_be_generated_is_refused() {
    let refusal = |specification: &str| generate(specification, "").refused(specification);
    assert!(refusal("see").starts_with("unknown generator \"see\"; did you mean \"sea\"?"), "{}", refusal("see"));
    assert_eq!(refusal("sea:variant=4"), "sea: expected variant from 0 to 3, found 4");
    assert_eq!(refusal("led:noise=2"), "led: expected noise from 0 to 1, found 2");
    assert_eq!(refusal("rbf:drifting=5000"), "rbf: expected drifting of 4096 or less, found 5000");
    assert_eq!(refusal("friedman:noise=-0.5"), "friedman: expected noise of 0 or more, found -0.5");
    assert_eq!(
        refusal("sea:nose=1"),
        "unknown option of sea \"nose\"; did you mean \"noise\"? allowed: variant, noise, seed"
    );
    assert_eq!(
        refusal("led:irelevant"),
        "unknown flag of led \"irelevant\"; did you mean \"irrelevant\"? allowed: irrelevant, river"
    );
    assert_eq!(refusal("drift(sea)"), "drift: expected two generators with > between them, found 1");
    assert!(refusal("drift(sea > sea").ends_with("expected ( and ) in pairs, ) at the end"));
    let error = generate("sea", "--format xml");
    assert_eq!((error.code, error.out.as_str()), (Some(2), ""));
}

#[test]
fn a_reader_that_stops_is_no_failure() {
    let mut command = std::process::Command::new(super::support::THALWEG);
    command.args(["generate", "sea", "--rows", "1000000"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the command ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
