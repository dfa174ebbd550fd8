//! Streams that are not what they should be: one line says where and what, the exit code is 2, and nothing is lost.

use super::support::{Folder, gzip, nameless, stream, timeless};

#[test]
fn a_stream_that_is_not_there() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("folder")).expect("the folder takes a folder");
    assert_eq!(
        folder.refusal("run phising"),
        "phising: expected a file or a bundled stream, found neither; did you mean \"phishing\"? \
         bundled: airline_passengers, co2, digits, phishing"
    );
    let missing = folder.refusal("run data/elec2.csv.gz --target class");
    assert!(missing.starts_with("data/elec2.csv.gz: expected a file or a bundled stream, found neither; bundled: "));
    assert!(folder.refusal("run folder").starts_with("folder: cannot be read, before the first row: "));
    assert_eq!(
        folder.refusal("run"),
        "expected a file or a bundled stream (airline_passengers, co2, digits, phishing), found nothing"
    );
    std::fs::create_dir(folder.path("digits")).expect("the folder takes a folder");
    assert_eq!(folder.json("run digits --limit 5")["rows"], 5, "a folder of that name does not hide a bundled stream");
    folder.write("phishing", stream(7));
    assert_eq!(folder.json("run phishing")["rows"], 7, "a file does");
}

#[test]
fn streams_that_are_wrong_from_the_beginning() {
    let folder = Folder::new();
    for (text, arguments, expected) in [
        ("", "", "s.csv: expected a header or a row, found an empty file"),
        ("wind,sky,class\n", "", "s.csv: expected at least one row after the header, found none"),
        ("wind,sky,class\n", "--task classify", "s.csv: expected at least one row after the header, found none"),
        (
            "wind,sky,class\n1,a,b\n",
            "--target clas",
            "s.csv: unknown target column \"clas\"; did you mean \"class\"? allowed: wind, sky, class",
        ),
        (
            "wind,sky,class\n1,a,b\n",
            "--ignore skye",
            "s.csv: unknown ignored column \"skye\"; did you mean \"sky\"? allowed: wind, sky, class",
        ),
        ("wind,wind,class\n1,2,b\n", "", "s.csv: column \"wind\": expected each column name once, found it twice"),
        ("wind|class\n1|b\n", "", "s.csv: expected at least two columns, found one; is \",\" the delimiter?"),
    ] {
        folder.write("s.csv", text);
        assert_eq!(folder.refusal(&format!("run s.csv {arguments}")), expected);
    }
}

/// The row that is wrong, and what is said of it.
fn with_row(number: usize, row: &[u8]) -> Vec<u8> {
    let text = stream(1500);
    let mut lines: Vec<&[u8]> = text.as_bytes().split_inclusive(|&byte| byte == b'\n').collect();
    lines.insert(number, row);
    lines.concat()
}

#[test]
fn a_row_that_cannot_be_used_is_named_and_what_was_learned_before_is_kept() {
    let folder = Folder::new();
    for (row, expected) in [
        (&b"1.5,rain,3,1010\n"[..], "s.csv: row 1201: expected 5 fields between \",\", found 4"),
        (b"1.5,rain,3,1010,calm,\n", "s.csv: row 1201: expected 5 fields between \",\", found 6"),
        (b"1.5,ra\xffin,3,1010,calm\n", "s.csv: row 1201, column \"sky\": expected UTF-8, found other bytes"),
        (b"1.5,rain,3,1010,ca\xc3\n", "s.csv: row 1201, column \"class\": expected UTF-8, found other bytes"),
        (
            b"fast,rain,3,1010,calm\n",
            "s.csv: row 1201, column \"wind\": expected a number, as in the rows before, found \"fast\"",
        ),
        (
            b"1.5,rain,\"3\n4\",1010,calm\n",
            "s.csv: row 1201, column \"late\": expected a number, as in the rows before, found \"3\\n4\"",
        ),
    ] {
        folder.write("s.csv", with_row(1201, row));
        let done = folder.run("run s.csv --model gru:4 --checkpoint c --checkpoint-every 500");
        assert!(done.err.contains("\nnote: c holds what was learned from the first 1200 rows\n"), "{}", done.err);
        assert_eq!(done.refused("a bad row"), expected);
        assert_eq!(folder.json("inspect c")["rows"], 1200);
        // It is refused again, and nothing is lost by that; when it is put right the run goes on.
        let saved = folder.read("c");
        assert_eq!(folder.refusal("run --resume c --checkpoint c"), expected);
        assert!(folder.read("c") == saved);
        folder.write("s.csv", stream(1500));
        let unbroken = timeless(folder.json("run s.csv --model gru:4"));
        assert_eq!(timeless(folder.json("run --resume c --checkpoint c")), unbroken);
        folder.remove("c");
    }
}

#[test]
fn text_is_no_target_of_a_regression() {
    let folder = Folder::new();
    folder.write("s.csv", "a,b\n1,2\n2,3\n3,tall\n4,5\n");
    let expected = "s.csv: row 3, column \"b\": expected a number, found \"tall\"";
    assert_eq!(folder.refusal("run s.csv --task regress"), expected);
    assert_eq!(folder.json("run s.csv --task auto")["task"], "classify");
}

#[test]
fn cells_that_are_not_finite_are_missing_and_counted() {
    let folder = Folder::new();
    folder.write("s.csv", "a,b,y\n1,2,1.5\nNaN,inf,2.5\n3,-Infinity,nan\n1e999,,0.5\n2,?,3.5\n");
    let result = folder.json("run s.csv");
    assert_eq!(
        (&result["rows"], &result["non_finite_cells"], &result["unlabelled"]),
        (&5.into(), &5.into(), &1.into())
    );
    let text = folder.text("run s.csv");
    assert!(text.contains("NaN or infinite cells taken as missing: 5\n"), "{text}");
    assert!(text.contains(" · rows without a target, predicted and not learned: 1 · "), "{text}");
}

#[test]
fn a_compressed_file_cut_short_goes_on_when_it_is_whole_again() {
    let folder = Folder::new();
    let whole = gzip(&stream(6000));
    let unbroken = {
        folder.write("s.csv.gz", &whole);
        nameless(folder.json("run s.csv.gz --model mlp:8"))
    };
    folder.write("s.csv.gz", &whole[..whole.len() * 2 / 3]);
    let done = folder.run("run s.csv.gz --model mlp:8 --checkpoint c");
    assert!(done.err.contains("note: c holds what was learned from the first "), "{}", done.err);
    let rows = folder.json("inspect c")["rows"].as_u64().expect("a number");
    assert!((1000..6000).contains(&rows), "{rows}");
    let refusal = done.refused("a file cut short");
    assert!(refusal.starts_with(&format!("s.csv.gz: the compressed file ends early, after row {rows}")), "{refusal}");
    folder.write("s.csv.gz", &whole);
    assert_eq!(nameless(folder.json("run --resume c")), unbroken);

    folder.write("s.csv.gz", &whole[..20]);
    assert!(
        folder.refusal("run s.csv.gz").starts_with("s.csv.gz: the compressed file ends early, before the first row")
    );
    folder.write("s.csv.gz", [&whole[..12], &[0xff; 400]].concat());
    assert!(
        folder.refusal("run s.csv.gz").starts_with("s.csv.gz: the compressed file is damaged, before the first row")
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_and_only_once() {
    let folder = Folder::new();
    let text = stream(1200);
    folder.write("s.csv", &text);
    let piped = |arguments: &str| super::support::Done::new(folder.command(arguments).write_stdin(text.as_str()));
    for arguments in ["run /dev/stdin --json", "run /dev/stdin --task classify --json"] {
        let out = piped(arguments).succeeded("a pipe");
        let result = serde_json::from_str(&out).expect("one JSON value");
        assert_eq!(nameless(result), nameless(folder.json("run s.csv")), "{arguments}");
    }
}
