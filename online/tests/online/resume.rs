//! Stop, save, load, skip to the place: from there on everything is as if it had never stopped, bit for bit.

use proptest::prelude::*;
use thalweg_online::baseline::{Majority, RunningMean};
use thalweg_online::stream::bundled::{self, Bundled};
use thalweg_online::stream::from_reader;
use thalweg_online::{Learner, Prequential, Record, StreamOptions, Task, checkpoint};

/// Learns from the rows up to `end`, starting where `saved` left off; returns the new state.
fn run<L: Learner + serde::Serialize + serde::de::DeserializeOwned>(data: &Bundled, saved: &[u8], end: u64) -> Vec<u8> {
    let (position, row_hash, mut learner, mut evaluation): (u64, u64, L, Prequential) =
        checkpoint::decode(saved).expect("the state is good");
    let mut stream = data.open().expect("a bundled stream opens");
    assert_eq!(stream.skip(position).expect("the rows are good"), position);
    assert_eq!(stream.rows_hash(), row_hash, "it is the same stream");
    let mut record = Record::new();
    while stream.row() < end && stream.read(&mut record).expect("the row is good") {
        if let Some(y) = record.target(data.task).expect("the target is good") {
            evaluation.step(&mut learner, &record, y).expect("the learner learns");
        }
    }
    checkpoint::encode(&(stream.row(), stream.rows_hash(), learner, evaluation)).expect("the state is small")
}

fn stopping_changes_nothing<L>(name: &str, learner: L, stops: &[u64]) -> Result<(), TestCaseError>
where
    L: Learner + serde::Serialize + serde::de::DeserializeOwned,
{
    let data = bundled::find(name).expect("the stream is bundled");
    let start = (0_u64, 0_u64, learner, Prequential::new(data.task));
    let start = checkpoint::encode(&start).expect("the state is small");
    let unbroken = run::<L>(data, &start, data.rows);
    let mut state = start;
    for &stop in stops {
        state = run::<L>(data, &state, stop);
    }
    prop_assert!(run::<L>(data, &state, data.rows) == unbroken);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_run_that_was_stopped_ends_in_the_same_bytes(mut stops in prop::collection::vec(0..1_250_u64, 1..4)) {
        stops.sort_unstable();
        stopping_changes_nothing("phishing", Majority::new(), &stops)?;
        stopping_changes_nothing("co2", RunningMean::new(), &stops)?;
    }
}

#[test]
fn a_row_that_differs_anywhere_has_another_hash() {
    let hash_of = |row: &str| {
        let text = format!("a,b,c\n{row}\n").into_bytes();
        let stream = from_reader("f.csv", std::io::Cursor::new(text), &StreamOptions::default());
        let mut stream = stream.expect("the header is good");
        assert_eq!(stream.skip(1).expect("there is a row"), 1);
        stream.rows_hash()
    };
    let rows = ["1,2,3", "1,2,4", "2,1,3", "12,,3", "1,,23", ",12,3", "1,2", "1,2,3,"];
    let hashes = rows.map(hash_of);
    for (index, hash) in hashes.iter().enumerate() {
        assert_eq!(hashes.iter().position(|other| other == hash), Some(index), "{}", rows[index]);
    }
}

#[test]
fn another_stream_is_noticed() {
    let open = |name: &str| bundled::find(name).expect("the stream is bundled").open().expect("it opens");
    let (mut phishing, mut co2) = (open("phishing"), open("co2"));
    assert_ne!(phishing.header_hash(), co2.header_hash());
    for stream in [&mut phishing, &mut co2] {
        assert_eq!(stream.skip(10).expect("there are rows"), 10);
    }
    assert_ne!(phishing.rows_hash(), co2.rows_hash());
    assert_eq!(phishing.skip(u64::MAX).expect("the rows are good"), 1_240, "fewer at the end");
    assert_eq!(Task::Classify, bundled::find("phishing").expect("the stream is bundled").task);
}
