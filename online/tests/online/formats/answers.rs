//! Known answers.

use thalweg_online::{Format, StreamOptions, Task};

use super::{open, said};

fn plain(name: &str, text: &str) -> Vec<String> {
    said(name, text, &StreamOptions::default())
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn json_is_flattened() {
    let text = r#"{"a": 1, "b": {"c": "x", "d": [1.5, null, {"e": true}]}, "y": "up"}

{"y": "down", "new": -3, "b": {"c": "", "d": []}, "n": 12345678901234567890}
{"a": "7", "s": "\u00e9\"", "b.c": "z", "y": 1.0}
"#;
    let expected = [
        r#"a=1 b.c="x" b.d.0=1.5 b.d.1=? b.d.2.e="true" -> up"#,
        r#"new=-3 b.c=? n=12345678901234567000 -> down"#,
        r#"a="7" s="é\"" b.c="z" -> 1"#,
    ];
    assert_eq!(plain("f.jsonl", text), expected);
    assert_eq!(plain("f.txt", text), expected, "by its first line");
    let options = StreamOptions {
        target: Some("a".into()),
        ignore: list(&["b.d.1", "y"]),
        id: Some("b.c".into()),
        ..StreamOptions::default()
    };
    assert_eq!(said("f.jsonl", text, &options)[0], r#"b.d.0=1.5 b.d.2.e="true" -> 1 #x"#);
    let digits = StreamOptions { id: Some("n".into()), ..StreamOptions::default() };
    assert_eq!(
        said("f.jsonl", "{\"n\": 12345678901234567890, \"a\": 1, \"y\": 0}", &digits),
        ["a=1 -> 0 #12345678901234567890"]
    );
}

#[test]
fn arff_says_what_its_columns_are() {
    let text = r#"% a comment
@RELATION 'the weather'
@ATTRIBUTE wind   NUMERIC
@Attribute 'sky above' {clear, "light rain", 7}
@attribute note string
@attribute day date "yyyy-MM-dd"
@attribute class {no, yes}

@DATA
% another
1.5, clear, 'it\'s fine', 1970-01-01, no
?, "light rain", NA, ?, yes, {2.5}
{0 3, 4 yes}
{ 1 7 , 2 "a, b" }, {0}
-1,'clear',	?,?,?
"#;
    let day = |years: &str| {
        format!(
            "day years={years} day season sin={0} day season cos={1} day week sin={2} day week cos={3} day day sin={0} day day cos={1}",
            "0",
            "1",
            (std::f64::consts::TAU * (3.0 / 7.0)).sin(),
            (std::f64::consts::TAU * (3.0 / 7.0)).cos()
        )
    };
    let none =
        "day years=? day season sin=? day season cos=? day week sin=? day week cos=? day day sin=? day day cos=?";
    let expected = [
        format!("wind=1.5 sky above=\"clear\" note=\"it's fine\" {} -> no", day("0")),
        format!("wind=? sky above=\"light rain\" note=\"NA\" {none} -> yes * 2.5"),
        format!("wind=3 sky above=\"clear\" note=? {none} -> yes"),
        format!("wind=0 sky above=\"7\" note=\"a, b\" {none} -> no * 0"),
        format!("wind=-1 sky above=\"clear\" note=? {none}"),
    ];
    assert_eq!(plain("f.arff", text), expected);
    assert_eq!(plain("f", text), expected, "by its first line");
    let options = StreamOptions {
        target: Some("wind".into()),
        ignore: list(&["day", "note", "class"]),
        ..StreamOptions::default()
    };
    assert_eq!(said("f.arff", text, &options)[..2], ["sky above=\"clear\" -> 1.5", "sky above=\"light rain\" * 2.5"]);
}

#[test]
fn libsvm_is_sparse() {
    let text = "# a comment\n+1 1:0.5 7:-2e1 # and one more\n-1 qid:12 003:nan\n\n1,3 2:1\n 4:1\n2.50\n";
    let expected = ["1=0.5 7=-20 -> 1", "3=? -> -1 #12", "2=1 -> 1,3", "4=1", "-> 2.5"];
    assert_eq!(plain("f.svm", text), expected);
    let text = &text[text.find('+').unwrap_or(0)..];
    assert_eq!(plain("f.dat", text), expected, "by its first line");
}

#[test]
fn vowpal_wabbit_has_namespaces() {
    let text = "1 2.0 'first|words:0.5 a b:3 a |n x:-1e3 city:oslo\n-1 |n x |\n0.5 0 second|n y:nan\n | a\n'third |a b |c b\nred tag|z q\n";
    let expected = [
        r#"words^a=1 words^b=1.5 n^x=-1000 n^city="oslo" -> 1 * 2 #first"#,
        "n^x=1 -> -1",
        "n^y=? -> 0.5 * 0 #second",
        "a=1",
        "a^b=1 c^b=1 #third",
        "z^q=1 -> red #tag",
    ];
    assert_eq!(plain("f.vw", text), expected);
    assert_eq!(plain("f.txt", text), expected, "by its first line");
}

#[test]
fn columns_have_roles() {
    let text = "t,who,w,a,when,note,y\n1.5,ann,2,1,2024-01-01,Rain rain,up\n,,,2,,,down\n2024-01-01T00:00:00+01:00,bob,0,3,?,7,up\n";
    let options = StreamOptions {
        time: Some("t".into()),
        id: Some("who".into()),
        weight: Some("w".into()),
        date: list(&["when"]),
        text: list(&["note"]),
        text_columns: 2,
        ..StreamOptions::default()
    };
    let rows = said("f.csv", text, &options);
    let of = |row: usize, part: &str| -> Option<f64> {
        let word = rows[row].split(' ').find_map(|word| word.strip_prefix(part));
        word.filter(|word| *word != "?").map(|word| word.parse().expect("a number"))
    };
    assert!(rows[0].ends_with(" -> up * 2 #ann @1500000000"), "{}", rows[0]);
    assert!(rows[0].starts_with("a=1 when years=53.9997"), "{}", rows[0]);
    // Each `rain` is itself and <ra, rai, ain, in>.
    assert_eq!(of(0, "note#0=").zip(of(0, "note#1=")).map(|(a, b)| a + b), Some(10.0));
    assert_eq!(rows[1].matches("=?").count(), 9, "{}", rows[1]);
    assert!(rows[1].starts_with("a=2 ") && rows[1].ends_with(" note#0=? note#1=? -> down"), "{}", rows[1]);
    assert_eq!(of(2, "note#0=").zip(of(2, "note#1=")).map(|(a, b)| a + b), Some(2.0), "7 and <7>");
    assert!(rows[2].ends_with(" -> up * 0 #bob @1704063600000000000"), "{}", rows[2]);
}

#[test]
fn numbers_can_be_declared() {
    let options = StreamOptions { numeric: list(&["a"]), categorical: list(&["b"]), ..StreamOptions::default() };
    let rows = said("f.csv", "a,b,y\n1,2,0\n?,3,1\ntall,4,0\ninf,5,1\n", &options);
    let wrong = "f.csv: row 3, column \"a\": expected a number, as the column is declared, found \"tall\"";
    assert_eq!(rows, ["a=1 b=\"2\" -> 0", "a=? b=\"3\" -> 1", wrong, "a=? b=\"5\" -> 1"]);
    assert_eq!(said("f.jsonl", "{\"a\": \"1\", \"b\": 2, \"y\": 0}", &options), ["a=1 b=\"2\" -> 0"]);
}

#[test]
fn the_format_asked_for_decides() {
    let as_vw = StreamOptions { format: Some(Format::VowpalWabbit), ..StreamOptions::default() };
    assert_eq!(said("f.csv", "1 | a:2", &as_vw), ["a=2 -> 1"]);
    let bar = StreamOptions { delimiter: Some(b'|'), ..StreamOptions::default() };
    assert_eq!(said("f.txt", "1 | a b\n", &bar), ["x0=1 -> a b"], "who says what the delimiter is means CSV");
}

#[test]
fn the_task_follows_from_the_targets_of_every_format() {
    for (name, text) in super::in_every_format(&super::table(50)) {
        let mut stream = open(name, &text, &StreamOptions::default()).expect("it opens");
        assert_eq!(stream.infer_task().expect("the targets are good"), Task::Classify, "{name}");
    }
    let mut lines = open("f.vw", "0.5 | a\n1 | b\n", &StreamOptions::default()).expect("it opens");
    assert_eq!(lines.infer_task().expect("the targets are good"), Task::Regress);
}
