//! Whatever the bytes are: no panic, an answer for each row, and an end.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use thalweg_online::{Format, Record, StreamOptions};

use super::{gzip, in_every_format, open, table, zstd};

/// Valid files of every format, with all that the formats have.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let mut files: Vec<(&str, Vec<u8>)> =
        in_every_format(&table(6)).into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let rich: [(&str, &str); 6] = [
        ("r.csv", "d,s,w,y\n1.5,x,1,a\n2024-01-01,\"so, \"\"fine\",1,a\n,,2,?\n2024-02-29T12:00Z,été,0.5,b\n"),
        (
            "r.jsonl",
            "{\"d\":\"2024-01-01\",\"s\":{\"t\":[1,{\"u\":null}]},\"w\":1e3,\"y\":\"\\u00e9\"}\n{\"d\":null,\"w\":2,\"y\":-1}\n",
        ),
        (
            "r.arff",
            "%\n@relation 'r'\n@attribute d date 'yyyy-MM-dd'\n@attribute s string\n@attribute w real\n@attribute y {a,'b c'}\n@data\n2024-01-01,\"x\\\"y\",1,'b c',{2}\n{1 z, 3 a}, {0.5}\n?,?,?,?\n",
        ),
        ("r.svm", "1 qid:3 1:0.5 7:2 # c\n-1,2 3:nan\n 4:1\n"),
        ("r.vw", "1 2.0 'tag|n:0.5 d:1 s w:2 |x a a city:oslo\n| w\n-1 tag|d e\n"),
        ("r.tsv", "d\ts\tw\ty\n2024-01-01\tx\t1\ta\n\t\"\t\"\t1\tb\n"),
    ];
    files.extend(rich.map(|(name, text)| (name, text.as_bytes().to_vec())));
    let packed: Vec<_> = files.iter().flat_map(|(name, bytes)| [(*name, gzip(bytes)), (*name, zstd(bytes))]).collect();
    files.extend(packed);
    files
}

/// Options that give every column a role, where the format can have them.
fn options() -> [StreamOptions; 3] {
    let list = |name: &str| vec![name.to_owned()];
    let roles = StreamOptions {
        date: list("d"),
        text: list("s"),
        text_columns: 3,
        weight: Some("w".into()),
        ..StreamOptions::default()
    };
    let others =
        StreamOptions { time: Some("d".into()), id: Some("s".into()), numeric: list("w"), ..Default::default() };
    [StreamOptions::default(), roles, others]
}

/// Reads all there is.
fn read(name: &str, bytes: &[u8], options: &StreamOptions) {
    let Ok(mut stream) = open(name, bytes, options) else { return };
    let (mut record, mut failures) = (Record::new(), 0);
    // A line has at least one byte, and what comes out of 10 kB of compressed bytes has an end, too.
    for calls in 0_u64.. {
        assert!(calls < 1 << 20, "{name}: the stream ends");
        match stream.read(&mut record) {
            Ok(true) => assert_eq!(record.row(), stream.row()),
            Ok(false) => break,
            Err(error) if error.row().is_some() => {
                failures += 1;
                assert_eq!(error.row(), Some(stream.row()), "{name}: {error}");
            }
            Err(_) => assert!(!stream.read(&mut record).unwrap_or(true), "{name}: the stream is over"),
        }
    }
    assert!(failures <= stream.row());
    if let Ok(mut again) = open(name, bytes, options) {
        let skipped = again.skip(u64::MAX);
        assert!(skipped.is_err() || (again.row(), again.rows_hash()) == (stream.row(), stream.rows_hash()), "{name}");
    }
}

type Damage = Vec<(prop::sample::Index, Change)>;

#[derive(Clone, Debug)]
enum Change {
    Set(u8),
    Insert(u8),
    Say(&'static str),
    Remove(usize),
    Copy(usize, prop::sample::Index),
}

/// Numbers and words that mean something, or too much.
const WORDS: [&str; 14] = [
    "1e300",
    "-1e300",
    "NaN",
    "inf",
    "5e-324",
    "18446744073709551616",
    "9999-12-31T23:59:60Z",
    "-009999-01-01",
    "null",
    "'\\'",
    "{3 x}",
    ", {1e308}",
    "qid:9",
    " |n:1e308 a:1e308 a:1e308 ",
];

fn damage() -> impl Strategy<Value = Damage> {
    let byte =
        prop_oneof![any::<u8>(), prop::sample::select(b"0123456789.,;:|{}[]\"'\\ \t\n\r@%#?eE+-\xff\x00".to_vec())];
    let change = prop_oneof![
        byte.clone().prop_map(Change::Set),
        byte.prop_map(Change::Insert),
        prop::sample::select(WORDS.to_vec()).prop_map(Change::Say),
        (1..30_usize).prop_map(Change::Remove),
        (1..30_usize, any::<prop::sample::Index>()).prop_map(|(length, from)| Change::Copy(length, from)),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), change), 1..8)
}

fn damaged(bytes: &[u8], damage: &Damage) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, change) in damage {
        if bytes.is_empty() {
            break;
        }
        let place = place.index(bytes.len());
        match change {
            Change::Set(byte) => bytes[place] = *byte,
            Change::Insert(byte) => bytes.insert(place, *byte),
            Change::Say(word) => drop(bytes.splice(place..place, word.bytes())),
            Change::Remove(length) => drop(bytes.drain(place..(place + length).min(bytes.len()))),
            Change::Copy(length, from) => {
                let from = from.index(bytes.len());
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                drop(bytes.splice(place..place, piece));
            }
        }
    }
    bytes
}

/// Damages files and makes files up until `enough` says so; how many were read.
fn try_out(mut enough: impl FnMut(u64) -> bool) -> u64 {
    let (files, options) = (files(), options());
    let formats = ["csv", "tsv", "jsonl", "arff", "libsvm", "vw"].map(|name| Format::parse(name).ok());
    let (mut runner, mut inputs) = (TestRunner::deterministic(), 0);
    let (damages, noises) = (damage(), prop::collection::vec(any::<u8>(), 0..200));
    while !enough(inputs) {
        for (name, bytes) in &files {
            let damage = damages.new_tree(&mut runner).expect("a value").current();
            let bytes = damaged(bytes, &damage);
            let options = &options[inputs as usize % options.len()];
            read(name, &bytes, options);
            inputs += 1;
        }
        let mut noise = noises.new_tree(&mut runner).expect("a value").current();
        let format = formats[inputs as usize % formats.len()];
        read("noise", &noise, &StreamOptions { format, ..StreamOptions::default() });
        for magic in [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0][..], &[0x28, 0xb5, 0x2f, 0xfd]] {
            noise.splice(0..0, magic.iter().copied());
            read("noise.csv", &noise, &StreamOptions::default());
            noise.drain(..magic.len());
        }
        inputs += 3;
    }
    inputs
}

#[test]
fn damaged_files_and_noise_never_panic() {
    assert!(try_out(|inputs| inputs >= 2_000) >= 2_000);
}

/// As long as `THALWEG_FUZZ_SECONDS` says: `cargo test -p thalweg-online --test online for_long -- --nocapture`.
#[test]
fn damaged_files_and_noise_never_panic_for_long() {
    let Some(seconds) = std::env::var("THALWEG_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok()) else {
        println!("skipped: THALWEG_FUZZ_SECONDS is not set");
        return;
    };
    let (start, limit) = (Instant::now(), Duration::from_secs(seconds));
    let inputs = try_out(|_| start.elapsed() >= limit);
    println!("{inputs} inputs in {seconds} s, none of which brought a panic");
}
