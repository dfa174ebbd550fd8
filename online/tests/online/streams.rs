//! CSV as it comes: compressed, quoted, damaged.

use std::io::{Read, Write};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use thalweg_online::{Error, ErrorKind, Record, Row, Stream, StreamOptions, Target, Task, Value, stream as streams};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written to")
}

fn open(bytes: &[u8], options: &StreamOptions) -> Result<Box<dyn Stream>, Error> {
    streams::from_reader("f.csv", std::io::Cursor::new(bytes.to_vec()), options)
}

/// All that a stream says: each row's cells, target and hash, or the error.
fn all(bytes: &[u8], options: &StreamOptions) -> Vec<String> {
    let mut stream = match open(bytes, options) {
        Ok(stream) => stream,
        Err(error) => return vec![error.to_string()],
    };
    let mut record = Record::new();
    let mut said = vec![stream.target().to_owned()];
    loop {
        match stream.read(&mut record) {
            Ok(true) => {
                let cells: Vec<_> = (0..record.len()).map(|index| record.cell(index)).collect();
                said.push(format!("{cells:?} {:?} {}", record.target_text(), stream.rows_hash()));
            }
            Ok(false) => return said,
            Err(error) => {
                assert!(record.is_empty(), "a failed row leaves no cells behind");
                said.push(error.to_string());
            }
        }
    }
}

fn last(bytes: &[u8]) -> String {
    all(bytes, &StreamOptions::default()).pop().unwrap_or_default()
}

#[test]
fn each_error_says_where_and_what() {
    assert_eq!(last(b""), "f.csv: expected a header or a row, found an empty file");
    assert_eq!(last(b"\n  \n"), "f.csv: expected a header or a row, found an empty file");
    assert_eq!(last(b"a,b\n"), "f.csv: expected at least one row after the header, found none");
    assert_eq!(last(b"a|b\n1|2\n"), "f.csv: expected at least two columns, found one; is \",\" the delimiter?");
    assert_eq!(last(b"a,b,a\n1,2,3\n"), "f.csv: column \"a\": expected each column name once, found it twice");
    assert_eq!(last(b"a,b\n1,2\n1,2,3\n"), "f.csv: row 2: expected 2 fields between \",\", found 3");
    assert_eq!(last(b"a,b\n1,2\n\xff,2\n"), "f.csv: row 2, column \"a\": expected UTF-8, found other bytes");
    assert_eq!(last(b"\xff,b\n1,2\n"), "f.csv: expected UTF-8 in the first line, found other bytes");
    let missing = streams::open("no/such.csv", &StreamOptions::default()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Io);
    assert!(missing.to_string().starts_with("no/such.csv: cannot be opened: "), "{missing}");
    let options = StreamOptions { delimiter: Some(b'"'), ..StreamOptions::default() };
    assert_eq!(open(b"a,b\n", &options).unwrap_err().kind(), ErrorKind::Spec);
}

#[test]
fn a_bad_row_does_not_end_the_stream() -> Result<(), Error> {
    let mut stream = open(b"a,b\n1,2\n1\n\xff,3\n4,5\n", &StreamOptions::default())?;
    let mut record = Record::new();
    assert!(stream.read(&mut record)?);
    for row in [2, 3] {
        assert_eq!(stream.read(&mut record).unwrap_err().row(), Some(row));
    }
    assert!(stream.read(&mut record)?);
    assert_eq!(
        (record.row(), record.cell(0).1, record.target(Task::Regress)?),
        (4, Value::Number(4.0), Some(Target::Value(5.0)))
    );
    assert!(!stream.read(&mut record)?);
    let mut skipped = open(b"a,b\n1,2\n1\n\xff,3\n4,5\n", &StreamOptions::default())?;
    assert_eq!((skipped.skip(9)?, skipped.rows_hash()), (4, stream.rows_hash()));
    Ok(())
}

#[test]
fn a_target_of_the_wrong_type_is_placed() -> Result<(), Error> {
    let mut stream = open(b"a,price\n1,2\n1,abc\n1,?\n", &StreamOptions::default())?;
    let mut record = Record::new();
    stream.skip(1)?;
    assert!(stream.read(&mut record)?);
    let error = record.target(Task::Regress).unwrap_err().to_string();
    assert_eq!(error, "f.csv: row 2, column \"price\": expected a number, found \"abc\"");
    assert_eq!(record.target(Task::Classify)?, Some(Target::Class("abc")));
    assert!(stream.read(&mut record)?);
    assert_eq!((record.target(Task::Regress)?, record.target_text()), (None, None));
    Ok(())
}

#[test]
fn cells_that_are_not_finite_are_missing_and_counted() -> Result<(), Error> {
    let mut stream = open(b"a,b,y\n1,NaN,0\ninf,x,1\n,2,nan\n", &StreamOptions::default())?;
    let mut record = Record::new();
    let mut missing = 0;
    while stream.read(&mut record)? {
        missing += (0..record.len()).filter(|&index| record.cell(index).1 == Value::Missing).count();
    }
    assert_eq!((missing, stream.non_finite()), (3, 3));
    Ok(())
}

#[test]
fn a_compressed_file_that_is_cut_short_says_after_which_row() {
    let text: String =
        std::iter::once("a,b\n".into()).chain((0..40_000).map(|row| format!("{row},{}\n", row * row % 977))).collect();
    let whole = gzip(text.as_bytes());
    let cut = &whole[..whole.len() / 2];
    let said = all(cut, &StreamOptions::default());
    let rows = said.len() - 2;
    assert!((10_000..39_999).contains(&rows), "{rows}");
    let expected = format!("f.csv: the compressed file ends early, after row {rows}: ");
    assert!(said[rows + 1].starts_with(&expected), "{}", said[rows + 1]);
    assert!(last(&whole[..1000]).starts_with("f.csv: the compressed file ends early, "));
    let mut damaged = whole.clone();
    let end = damaged.len();
    damaged[end - 6] ^= 1;
    assert!(last(&damaged).starts_with("f.csv: the compressed file is damaged, after row "), "{}", last(&damaged));
}

#[test]
fn an_open_quote_does_not_swallow_an_endless_stream() -> Result<(), Error> {
    let endless = std::io::Cursor::new(b"a,b\n1,2\n\"1,".to_vec()).chain(std::io::repeat(b'x'));
    let mut stream = streams::from_reader("pipe", endless, &StreamOptions::default())?;
    let mut record = Record::new();
    assert!(stream.read(&mut record)?);
    let error = stream.read(&mut record).unwrap_err();
    assert_eq!((error.kind(), error.row()), (ErrorKind::Format, None));
    assert!(error.to_string().ends_with("after row 1: is a quote left open, or a line break missing?"), "{error}");
    assert!(!stream.read(&mut record)?, "the stream is over");
    Ok(())
}

#[test]
fn a_long_stream_of_short_rows_is_not_taken_for_an_open_quote() -> Result<(), Error> {
    const MEBIBYTE: usize = 1 << 20;
    let row = [b"1,".as_slice(), &vec![b'x'; MEBIBYTE], b"\n"].concat();
    let mut stream = open(&[b"a,b\n".as_slice(), &row.repeat(66)].concat(), &StreamOptions::default())?;
    assert_eq!(stream.skip(u64::MAX)?, 66);
    Ok(())
}

#[test]
fn the_task_follows_from_the_first_thousand_targets() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("f.csv");
    let task = |targets: &mut dyn Iterator<Item = String>| -> Result<Task, Box<dyn std::error::Error>> {
        let text: String =
            std::iter::once("a,y\n".into()).chain(targets.map(|target| format!("1,{target}\n"))).collect();
        std::fs::write(&path, text)?;
        Ok(streams::open(&path, &StreamOptions::default())?.infer_task()?)
    };
    assert_eq!(task(&mut (0..100).map(|row| (row % 20).to_string()))?, Task::Classify);
    assert_eq!(task(&mut (0..100).map(|row| (row % 21).to_string()))?, Task::Regress);
    assert_eq!(task(&mut ["1", "0.5", "?"].map(String::from).into_iter())?, Task::Regress);
    assert_eq!(task(&mut ["1", "0.5", "up"].map(String::from).into_iter())?, Task::Classify);
    let late = (0..1_100).map(|row| if row < 1_000 { "1" } else { "0.5" }.to_string());
    assert_eq!(task(&mut { late })?, Task::Classify);
    assert_eq!(
        task(&mut ["1,1", "2", "2.5"].map(String::from).into_iter())?,
        Task::Regress,
        "a bad row is passed over"
    );
    Ok(())
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,5}",
        any::<f64>().prop_map(|number| number.to_string()),
        "[ -~\n\t]{0,8}",
        "\\PC{0,5}",
        Just(String::new())
    ]
}

/// Tables of three columns, at least one row.
fn table() -> impl Strategy<Value = Vec<[String; 3]>> {
    prop::collection::vec([field(), field(), field()], 1..20)
}

/// Writes a table with every field in quotes.
fn write(rows: &[[String; 3]], delimiter: char) -> String {
    let quote = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
    let line = |row: &[String; 3]| format!("{}\n", row.each_ref().map(quote).join(&delimiter.to_string()));
    std::iter::once(["a", "b", "c"].map(String::from)).chain(rows.iter().cloned()).map(|row| line(&row)).collect()
}

proptest! {
    #[test]
    fn compression_changes_nothing(rows in table(), cut in any::<prop::sample::Index>()) {
        let plain = write(&rows, ',').into_bytes();
        let expected = all(&plain, &StreamOptions::default());
        prop_assert_eq!(&all(&gzip(&plain), &StreamOptions::default()), &expected);
        let (head, tail) = plain.split_at(cut.index(plain.len()));
        let two_members = [gzip(head), gzip(tail)].concat();
        prop_assert_eq!(all(&two_members, &StreamOptions::default()), expected);
    }

    #[test]
    fn the_delimiter_changes_nothing(rows in table()) {
        let expected = all(write(&rows, ',').as_bytes(), &StreamOptions::default());
        prop_assert_eq!(&all(write(&rows, ';').as_bytes(), &StreamOptions::default()), &expected);
        prop_assert_eq!(&all(write(&rows, '\t').as_bytes(), &StreamOptions::default()), &expected);
    }

    #[test]
    fn text_comes_back_trimmed_and_whole(rows in table()) {
        let options = StreamOptions { categorical: ["a", "b", "c"].map(String::from).to_vec(), ..StreamOptions::default() };
        let mut stream = open(write(&rows, ',').as_bytes(), &options).unwrap();
        let mut record = Record::new();
        let missing = ["", "NA", "NaN", "nan", "null", "None", "?"];
        for row in &rows {
            prop_assert!(stream.read(&mut record).unwrap());
            for (index, field) in row[..2].iter().enumerate() {
                let expected = if missing.contains(&field.trim()) { Value::Missing } else { Value::Text(field.trim()) };
                prop_assert_eq!(record.cell(index).1, expected);
            }
        }
        prop_assert!(!stream.read(&mut record).unwrap());
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        rows in table(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        for mut bytes in [write(&rows, ',').into_bytes(), gzip(write(&rows, ';').as_bytes())] {
            for (place, byte) in &damage {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            all(&bytes, &StreamOptions::default());
        }
    }

    #[test]
    fn skipping_ends_where_reading_does(rows in table(), skipped in 0..20_u64) {
        let bytes = write(&rows, ',').into_bytes();
        let (mut reads, mut skips) = [(); 2].map(|()| open(&bytes, &StreamOptions::default()).unwrap()).into();
        let mut record = Record::new();
        for _ in 0..skipped {
            reads.read(&mut record).unwrap();
        }
        prop_assert_eq!(skips.skip(skipped).unwrap(), skipped.min(rows.len() as u64));
        prop_assert_eq!((reads.row(), reads.rows_hash()), (skips.row(), skips.rows_hash()));
    }
}
