//! One table, many files: the same rows, the same learner, bit for bit.

use thalweg_online::{Config, Record, Session, StreamOptions, Task, checkpoint};

use super::{gzip, in_every_format, open, said, table, zstd};

/// Learns the stream, stopping and going on at each of `stops`; the state at the end, as far as the format does not show.
fn learn(name: &str, bytes: &[u8], stops: &[u64]) -> (u64, String) {
    let options = StreamOptions::default();
    let mut config = Config::new(Task::Classify);
    config.model = thalweg_online::Model::parse("gru:6").expect("a model");
    config.memory = thalweg_online::MemorySpec::parse("reservoir:30,replays=1").expect("a memory");
    let mut session = Session::new(config, name, options.clone());
    let mut record = Record::new();
    for &stop in stops.iter().chain(&[u64::MAX]) {
        let mut stream = open(name, bytes, &options).expect("it opens");
        session.follow(&mut *stream).expect("it is the same stream");
        while session.rows() < stop && session.advance(&mut *stream, &mut record).expect("the row is good") {}
        let bytes = checkpoint::encode(&session).expect("the state is small");
        session = checkpoint::decode(&bytes).expect("the state is good");
    }
    (session.learner().fingerprint(), format!("{:?}", session.evaluation()))
}

#[test]
fn one_table_in_every_format_teaches_the_same() {
    let files = in_every_format(&table(300));
    let expected = learn(files[0].0, files[0].1.as_bytes(), &[]);
    for (name, text) in &files {
        for packed in [text.as_bytes().to_vec(), gzip(text.as_bytes()), zstd(text.as_bytes())] {
            assert!(learn(name, &packed, &[]) == expected, "{name}");
        }
    }
}

#[test]
fn a_run_over_any_format_can_be_stopped() {
    for (name, text) in in_every_format(&table(120)) {
        let unbroken = learn(name, text.as_bytes(), &[]);
        assert!(learn(name, &zstd(text.as_bytes()), &[1, 50, 119, 120]) == unbroken, "{name}");
    }
}

#[test]
fn compression_changes_no_row_and_no_hash() {
    for (name, text) in in_every_format(&table(40)) {
        let hashes = |bytes: &[u8]| {
            let mut stream = open(name, bytes, &StreamOptions::default()).expect("it opens");
            assert_eq!(stream.skip(u64::MAX).expect("the rows are good"), 40);
            (stream.header_hash(), stream.rows_hash())
        };
        let plain = text.as_bytes();
        let (head, tail) = plain.split_at(plain.len() / 3);
        let rows = said(name, plain, &StreamOptions::default());
        assert_eq!(rows.len(), 40);
        for packed in [gzip(plain), zstd(plain), [gzip(head), gzip(tail)].concat(), [zstd(head), zstd(tail)].concat()] {
            assert_eq!(said(name, &packed, &StreamOptions::default()), rows, "{name}");
            assert_eq!(hashes(&packed), hashes(plain), "{name}");
        }
        let dos = text.replace('\n', "\r\n");
        assert_eq!(said(name, format!("\u{feff}{dos}\r\n"), &StreamOptions::default()), rows, "{name}");
    }
}

/// Writes a row: its class, and places and values of what is not zero.
type Line<'a> = &'a dyn Fn(i32, &[(usize, f64)]) -> String;

/// A table with zeros: the first row has none, so that features come in the same order.
fn zeros(rows: usize) -> Vec<([f64; 3], i32)> {
    let mut table = table(rows);
    for (row, (x, _)) in table.iter_mut().enumerate().skip(1) {
        x[row % 3] = 0.0;
        x[(row / 3) % 3] = 0.0;
    }
    table
}

#[test]
fn what_a_sparse_row_does_not_name_is_zero() {
    let rows = zeros(300);
    let [(name, dense), ..] = in_every_format(&rows);
    let sparse = |name: &str, line: Line<'_>| {
        let text: String = rows
            .iter()
            .map(|(x, y)| {
                let there: Vec<(usize, f64)> = x.iter().copied().enumerate().filter(|(_, x)| *x != 0.0).collect();
                line(*y, &there) + "\n"
            })
            .collect();
        learn(name, text.as_bytes(), &[100])
    };
    let pairs = |sign: &str, there: &[(usize, f64)], first: usize| -> String {
        there.iter().map(|(index, x)| format!(" {}{sign}{x}", index + first)).collect()
    };
    let expected = learn(name, dense.as_bytes(), &[]);
    assert_eq!(sparse("t.svm", &|y, there| format!("{y}{}", pairs(":", there, 1))), expected, "LIBSVM");
    assert!(sparse("t.vw", &|y, there| format!("{y} |{}", pairs(":", there, 1))) == expected, "VW");
    let mut header =
        "@relation t\n@attribute a real\n@attribute b real\n@attribute c real\n@attribute y {1,-1}\n@data\n".to_owned();
    for (x, y) in &rows {
        let there: Vec<String> =
            x.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(index, x)| format!("{index} {x},")).collect();
        header += &format!("{{{} 3 {y}}}\n", there.join(" "));
    }
    assert!(learn("t.arff", header.as_bytes(), &[]) == expected, "ARFF");
    let missing = dense.replace(",0,", ",,").replace("\n0,", "\n,").replace(",0,", ",,");
    assert!(learn(name, missing.as_bytes(), &[]) != expected, "missing is something else");
}
