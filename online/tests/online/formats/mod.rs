//! Streams in every format, with answers found by hand.

mod answers;
mod damage;
mod errors;
mod same;

use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use thalweg_online::stream::from_reader;
use thalweg_online::{Error, Record, Row, Stream, StreamOptions, Value};

pub fn open(name: &str, bytes: impl AsRef<[u8]>, options: &StreamOptions) -> Result<Box<dyn Stream>, Error> {
    from_reader(name, Cursor::new(bytes.as_ref().to_vec()), options)
}

/// A row as text, `a=1 sky="rain" late=? -> target * weight #id @time`, with what is not there left out; or its error.
pub fn said(name: &str, bytes: impl AsRef<[u8]>, options: &StreamOptions) -> Vec<String> {
    let mut stream = match open(name, bytes, options) {
        Ok(stream) => stream,
        Err(error) => return vec![error.to_string()],
    };
    let (mut record, mut rows) = (Record::new(), Vec::new());
    loop {
        rows.push(match stream.read(&mut record) {
            Ok(true) => describe(&record),
            Ok(false) => return rows,
            Err(error) => {
                assert!(record.is_empty(), "a failed row leaves no cells behind");
                error.to_string()
            }
        });
    }
}

fn describe(record: &Record) -> String {
    let cell = |index| match record.cell(index) {
        (name, Value::Number(number)) => format!("{name}={number}"),
        (name, Value::Text(text)) => format!("{name}={text:?}"),
        (name, Value::Missing) => format!("{name}=?"),
    };
    let mut text: Vec<String> = (0..record.len()).map(cell).collect();
    text.extend(record.target_text().map(|target| format!("-> {target}")));
    text.extend((record.weight() != 1.0).then(|| format!("* {}", record.weight())));
    text.extend(record.id().map(|id| format!("#{id}")));
    text.extend(record.time().map(|time| format!("@{time}")));
    text.join(" ")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written to")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// Numbers without an end of digits, and a class that follows from them.
pub fn table(rows: usize) -> Vec<([f64; 3], i32)> {
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    (0..rows)
        .map(|_| {
            let x = [next() * 1e3, next(), next() * 1e-7];
            (x, if x[0] / 1e3 + x[1] > 0.1 { 1 } else { -1 })
        })
        .collect()
}

/// The same table in every format, with its extension.
pub fn in_every_format(rows: &[([f64; 3], i32)]) -> [(&'static str, String); 6] {
    let lines = |line: &dyn Fn(&[f64; 3], i32) -> String| rows.iter().map(|(x, y)| line(x, *y)).collect::<String>();
    [
        ("t.csv", "a,b,c,y\n".to_owned() + &lines(&|[a, b, c], y| format!("{a},{b},{c},{y}\n"))),
        ("t.tsv", "a\tb\tc\ty\n".to_owned() + &lines(&|[a, b, c], y| format!("{a}\t{b}\t{c}\t{y}\n"))),
        ("t.jsonl", lines(&|[a, b, c], y| format!("{{\"a\":{a:e},\"b\":{b},\"c\":{c:e},\"y\":{y}}}\n"))),
        (
            "t.arff",
            "@relation t\n@attribute a numeric\n@attribute b real\n@attribute c REAL\n@attribute y {1,-1}\n@data\n"
                .to_owned()
                + &lines(&|[a, b, c], y| format!("{a}, {b}, {c}, {y}\n")),
        ),
        ("t.svm", lines(&|[a, b, c], y| format!("{y:+} 1:{a} 2:{b} 3:{c:e}\n"))),
        ("t.vw", lines(&|[a, b, c], y| format!("{y} |n a:{a} b:{b} c:{c}\n"))),
    ]
}
