//! What is wrong is named: file, row, column.

use thalweg_online::{ErrorKind, Header, Record, StreamOptions};

use super::{open, said};

fn last(name: &str, text: impl AsRef<[u8]>) -> String {
    said(name, text, &StreamOptions::default()).pop().unwrap_or_default()
}

#[test]
fn a_name_that_is_too_long_is_shown_by_its_beginning() {
    let long = "n".repeat(5000);
    for (name, text) in [
        ("f.vw", format!("1 | a\n1 | a {long}:2\n")),
        ("f.vw", format!("1 | a\n1 |{long} a:2\n")),
        ("f.jsonl", format!("{{\"a\":1,\"y\":2}}\n{{\"{long}\":1,\"y\":2}}\n")),
    ] {
        let expected =
            format!("{name}: row 2, column \"{}…\": expected a name of at most 4096 bytes, found ", &long[..60]);
        assert!(last(name, text).starts_with(&expected), "{name}");
    }
}

#[test]
fn each_error_of_each_format_says_where_and_what() {
    let arff = |row: &str| format!("@relation r\n@attribute a numeric\n@attribute b {{x, 'y z'}}\n@data\n1,x\n{row}\n");
    for (name, text, expected) in [
        ("f.jsonl", "[1]".to_owned(), "f.jsonl: row 1: expected one JSON object on the line: invalid type: sequence"),
        ("f.jsonl", "{\"a\":1}\n{\"a\":".into(), "f.jsonl: row 2: expected one JSON object on the line: EOF while"),
        ("f.jsonl", "{\"a\":1}\n{\"a\":1} 2".into(), "f.jsonl: row 2: expected one JSON object on the line: trailing"),
        ("f.jsonl", "{}".into(), "f.jsonl: row 1: expected cells, found none"),
        ("f.jsonl", format!("{{\"a\":1}}\n{{\"a\":{}", "[".repeat(200)), "f.jsonl: row 2: expected one JSON object on"),
        ("f.arff", "@relation r\n@attribute a numeric\n".into(), "f.arff: expected @data after the header, found the"),
        ("f.arff", "@relation r\n@atribute a numeric\n".into(), "f.arff: expected @relation, @attribute or @data, fo"),
        ("f.arff", "@attribute a number\n".into(), "f.arff: column \"a\": expected numeric, real, integer, string,"),
        (
            "f.arff",
            "@attribute a real\n@attribute a real\n@data\n".into(),
            "f.arff: column \"a\": expected each column",
        ),
        ("f.arff", "@attribute a real\n@attribute b real\n@data\n".into(), "f.arff: expected at least one row after"),
        (
            "f.arff",
            arff("tall,x"),
            "f.arff: row 2, column \"a\": expected a number, as the column is declared, found \"t",
        ),
        ("f.arff", arff("1,w"), "f.arff: row 2, column \"b\": expected one of {x, y z}, found \"w\""),
        ("f.arff", arff("1"), "f.arff: row 2: expected 2 cells between commas, found 1"),
        ("f.arff", arff("1,x,3"), "f.arff: row 2: expected the end of the row or , {weight}, found \",3\""),
        ("f.arff", arff("1,x,{-3}"), "f.arff: row 2: expected a weight of 0 or more, found -3"),
        ("f.arff", arff("{2 x}"), "f.arff: row 2: expected ascending numbers below 2, found 2"),
        ("f.arff", arff("{1 x, 0 1}"), "f.arff: row 2: expected ascending numbers below 2, found 0"),
        ("f.arff", arff("{0 1"), "f.arff: row 2: expected } at the end of the cells, found the end"),
        ("f.arff", arff("1,'x"), "f.arff: row 2: expected a quote that is closed, found \"'x\""),
        ("f.svm", "1 1:2\n1 a:2\n".into(), "f.svm: row 2: expected index:value with a whole index, found \"a:2\""),
        ("f.svm", "1 1:2\n1 2:x\n".into(), "f.svm: row 2, column \"2\": expected a number, found \"x\""),
        ("f.svm", "1 1:2\n1 2:1 2:1\n".into(), "f.svm: row 2: expected indices in ascending order, found \"2:1\""),
        ("f.svm", "1 1:2\n1 2\n".into(), "f.svm: row 2: expected index:value, found \"2\""),
        ("f.vw", "1 a b\n".into(), "f.vw: row 1: expected a | between the label and the features, found \"1 a b\""),
        (
            "f.vw",
            "1 | a\n1 -2 | a\n".into(),
            "f.vw: row 2, column \"importance\": expected a weight of 0 or more, found",
        ),
        ("f.vw", "1 | a\n1 2 3 4 | a\n".into(), "f.vw: row 2: expected a label, an importance and a 'tag, no more, fo"),
        ("f.vw", "1 | a\n1:0.5 2:1 | a\n".into(), "f.vw: row 2, column \"label\": expected a label without costs, fou"),
        ("f.vw", "1 | a\n1 | :2\n".into(), "f.vw: row 2: expected a name before the :, found \":2\""),
        ("f.vw", "1 | a\n1 |n a:\n".into(), "f.vw: row 2, column \"n^a\": expected a value behind the :, found \"a:\""),
        ("f.vw", "1 | a\n1 |n:x a\n".into(), "f.vw: row 2, column \"n\": expected a number, found \"x\""),
    ] {
        let found = last(name, &text);
        assert!(found.starts_with(expected), "{text}\n expected {expected}\n found    {found}");
    }
    for name in ["f.jsonl", "f.arff", "f.svm", "f.vw"] {
        assert_eq!(last(name, b" \n"), format!("{name}: expected a header or a row, found an empty file"));
    }
    assert_eq!(last("f.svm", b"1 1:2\n1 \xff:2\n"), "f.svm: row 2: expected UTF-8, found other bytes");
}

#[test]
fn dates_times_and_weights_are_checked() {
    let options = StreamOptions {
        date: vec!["d".into()],
        time: Some("t".into()),
        weight: Some("w".into()),
        ..StreamOptions::default()
    };
    let rows = "d,t,w,a,y\nsoon,1,1,1,0\n2024-01-01,soon,1,1,0\n2024-01-01,1,-1,1,0\n2024-01-01,1,heavy,1,0\n";
    assert_eq!(
        said("f.csv", rows, &options),
        [
            "f.csv: row 1, column \"d\": expected a date such as 2024-02-29 or 2024-02-29T12:30:00, found \"soon\"",
            "f.csv: row 2, column \"t\": expected seconds since 1970 or a date such as 2024-02-29T12:30:00Z, found \"soon\"",
            "f.csv: row 3, column \"w\": expected a weight of 0 or more, found -1",
            "f.csv: row 4, column \"w\": expected a number, as the column is declared, found \"heavy\"",
        ]
    );
}

#[test]
fn what_the_options_name_must_be_there() {
    let options = StreamOptions { target: Some("z".into()), ..StreamOptions::default() };
    let fails = |name: &str, text: &str| open(name, text, &options).unwrap_err();
    let expected = "f.jsonl: row 1: unknown target column \"z\"; allowed: a, y";
    assert_eq!(fails("f.jsonl", "{\"a\":1,\"y\":2}").to_string(), expected);
    assert_eq!(fails("f.svm", "1 1:2").kind(), ErrorKind::Spec);
    assert_eq!(fails("f.vw", "1 | a").kind(), ErrorKind::Spec);
    let header = StreamOptions { header: Header::Yes, ..StreamOptions::default() };
    let error = open("f.vw", "1 | a", &header).unwrap_err().to_string();
    assert_eq!(error, "f.vw: expected nothing said of a header for vw, found yes");
    let ignored = StreamOptions { ignore: vec!["late".into()], ..StreamOptions::default() };
    assert!(open("f.jsonl", "{\"a\":1,\"y\":2}", &ignored).is_ok(), "it may come later");
}

#[test]
fn a_bad_row_does_not_end_the_stream() {
    let rows = said("f.vw", "1 | a\n1 a\n-1 | b\n", &StreamOptions::default());
    assert_eq!((rows.len(), rows[2].as_str()), (3, "b=1 -> -1"));
    let mut skipped = open("f.vw", "1 | a\n1 a\n-1 | b\n", &StreamOptions::default()).expect("it opens");
    assert_eq!(skipped.skip(9).expect("nothing ends it early"), 3);
}

#[test]
fn limits_are_kept() {
    let fails = |name: &str, text: String| {
        let mut stream = open(name, text, &StreamOptions::default())?;
        while stream.read(&mut Record::new())? {}
        Ok::<(), thalweg_online::Error>(())
    };
    let message = |name: &str, text: String| fails(name, text).unwrap_err().to_string();
    let wide = message("f.jsonl", format!("{{\"y\":0}}\n{{\"a\":[{}1]}}\n", "1,".repeat(1 << 20)));
    assert!(wide.contains("row 2") && wide.contains(": expected at most 1048576 features"), "{wide}");
    let many = message("f.jsonl", format!("{{\"a\":0,\"y\":1}}\n{{{}\"a\":1}}\n", "\"a\":1,".repeat(1 << 20)));
    assert!(many.ends_with("expected a row of at most 1048576 cells, found more"), "{many}");
    let long = "k".repeat(5000);
    let name = message("f.jsonl", format!("{{\"{long}\":[1,2]}}\n"));
    assert!(
        name.starts_with("f.jsonl: row 1, column \"kkkk") && name.ends_with("at most 4096 bytes, found 5000"),
        "{name}"
    );
    assert!(message("f.vw", format!("1 |{long} a\n")).contains("expected a name of at most 4096 bytes"));
    let bomb = super::gzip(format!("1 | a\n1 | {}\n", "b".repeat(17 << 20)).as_bytes());
    assert!(bomb.len() < 1 << 20);
    let found = said("f.vw.gz", &bomb, &StreamOptions::default()).pop().unwrap_or_default();
    assert!(found.starts_with("f.vw.gz: expected a row of at most 16777216 bytes, after row 1: "), "{found}");
}
