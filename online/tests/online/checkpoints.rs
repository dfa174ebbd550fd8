//! Whatever stands in a checkpoint: it is read or refused, without a panic and in little memory. The checksum is made to
//! fit, so that the damage reaches everything behind it.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use thalweg_online::stream::bundled;
use thalweg_online::{
    Config, Delay, FeatureSpec, MemorySpec, Metrics, Model, Record, Session, StreamOptions, checkpoint,
};
use xxhash_rust::xxh3::xxh3_64;

/// Magic, version and length stand before the payload, a checksum after it.
const HEAD: usize = 8 + 4 + 8;
const CHECKSUM: usize = 8;
/// What reading may take beside what the checkpoint itself holds: serde makes room for a mebibyte of elements at most
/// before it has seen them, in each of the lists that are open at a time.
const ROOM: u64 = 16 << 20;

/// Sessions with all that a session can hold.
fn sessions() -> Vec<(Session, &'static str)> {
    let cases = [
        ("phishing", "lstm:3", "adam:0.001,clip=1,warmup=10", "reservoir:5", "17", "missing=last; category=hash:8"),
        (
            "co2",
            "gru:3 > layer_norm > mlp:4",
            "sgd:0.01,momentum=0.9",
            "none",
            "0",
            "scale=robust; lags=3; rolling=mean:4",
        ),
        ("phishing", "mlp:4", "nadam:0.002,cosine=100", "reservoir:3,replays=2", "0", "category=target; missing=zero"),
    ];
    let session = |&(name, model, optimizer, memory, delay, features): &(&'static str, _, &str, _, _, &str)| {
        let stream = bundled::find(name).expect("it is bundled");
        let mut config = Config::new(stream.task);
        config.model = Model::parse(model).expect("a model");
        config.optimizer = optimizer.parse().expect("an optimizer");
        config.memory = MemorySpec::parse(memory).expect("a memory");
        config.features = FeatureSpec::parse(features).expect("features");
        let metrics = match stream.task {
            thalweg_online::Task::Classify => "auc@20,f1:macro,log_loss@0.9",
            _ => "rmse@20,r2,mae@0.9",
        };
        let metrics = Metrics::parse(metrics).expect("metrics");
        let session = Session::with_metrics(config, name, StreamOptions::default(), &metrics).expect("they fit");
        let mut session = session.delayed(Delay::parse(delay).expect("a delay"));
        session.keep_errors();
        let (mut rows, mut record) = (stream.open().expect("it opens"), Record::new());
        while session.rows() < 60 && session.advance(&mut *rows, &mut record).expect("the rows are good") {}
        (session, name)
    };
    cases.iter().map(session).collect()
}

/// A checkpoint with this payload and a checksum that fits.
fn with_payload(good: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let mut bytes = [&good[..HEAD - 8], &length.to_le_bytes(), payload].concat();
    bytes.extend(xxh3_64(&bytes).to_le_bytes());
    bytes
}

#[derive(Clone, Debug)]
enum Change {
    Byte(u8),
    Bit(u8),
    Word(u64),
    Remove(usize),
    Insert(Vec<u8>),
    Copy(usize, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, Change)>> {
    // Lengths, counters and numbers that mean too much.
    let words =
        vec![0, 1, 2, 255, 1 << 20, u64::from(u32::MAX), 1 << 40, i64::MAX as u64, u64::MAX, f64::NAN.to_bits()];
    let change = prop_oneof![
        any::<u8>().prop_map(Change::Byte),
        (0..8_u8).prop_map(Change::Bit),
        prop::sample::select(words).prop_map(Change::Word),
        (1..20_usize).prop_map(Change::Remove),
        prop::collection::vec(any::<u8>(), 1..20).prop_map(Change::Insert),
        (1..40_usize, any::<prop::sample::Index>()).prop_map(|(length, from)| Change::Copy(length, from)),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), change), 1..4)
}

fn damaged(bytes: &[u8], damage: &[(prop::sample::Index, Change)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, change) in damage {
        let place = place.index(bytes.len());
        let end = |length: usize| (place + length).min(bytes.len());
        match change {
            Change::Byte(byte) => bytes[place] = *byte,
            Change::Bit(bit) => bytes[place] ^= 1 << bit,
            Change::Word(word) => {
                let (end, word) = (end(8), word.to_le_bytes());
                bytes[place..end].copy_from_slice(&word[..end - place]);
            }
            Change::Remove(length) => drop(bytes.drain(place..end(*length))),
            Change::Insert(piece) => drop(bytes.splice(place..place, piece.iter().copied())),
            Change::Copy(length, from) => {
                let from = from.index(bytes.len());
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                let end = end(piece.len());
                bytes[place..end].copy_from_slice(&piece[..end - place]);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// Reads it; whether it was taken for good.
fn read(bytes: &[u8]) -> bool {
    let mut good = false;
    let memory = allocation_counter::measure(|| good = checkpoint::decode::<Session>(bytes).is_ok());
    assert!(memory.bytes_max < ROOM + 16 * bytes.len() as u64, "{} bytes for {}", memory.bytes_max, bytes.len());
    good
}

/// Damages payloads and makes payloads up until `enough` says so; how many were read, and how many of these taken for good.
fn try_out(mut enough: impl FnMut(u64) -> bool) -> [u64; 2] {
    let files: Vec<Vec<u8>> =
        sessions().iter().map(|(session, _)| checkpoint::encode(session).expect("it is small")).collect();
    let (mut runner, mut inputs, mut taken) = (TestRunner::deterministic(), 0, 0);
    let (damages, noises) = (damage(), prop::collection::vec(any::<u8>(), 0..300));
    while !enough(inputs) {
        for good in &files {
            let payload = &good[HEAD..good.len() - CHECKSUM];
            let damage = damages.new_tree(&mut runner).expect("a value").current();
            let noise = noises.new_tree(&mut runner).expect("a value").current();
            // As it is with a payload that was damaged, with one of noise, and damaged without a new checksum.
            let whole = damaged(good, &damage);
            for bytes in [with_payload(good, &damaged(payload, &damage)), with_payload(good, &noise), whole] {
                taken += u64::from(read(&bytes));
                inputs += 1;
            }
        }
    }
    [inputs, taken]
}

#[test]
fn a_payload_is_wrapped_as_the_container_does() {
    for (session, name) in sessions() {
        let good = checkpoint::encode(&session).expect("it is small");
        assert_eq!(with_payload(&good, &good[HEAD..good.len() - CHECKSUM]), good, "{name}");
        assert!(read(&good), "{name}");
    }
}

#[test]
fn damaged_checkpoints_never_panic() {
    let [inputs, taken] = try_out(|inputs| inputs >= 3_000);
    assert!(0 < taken && taken < inputs, "{taken} of {inputs} were taken for good");
}

/// As long as `THALWEG_FUZZ_SECONDS` says: `cargo test -p thalweg-online --test online for_long -- --nocapture`.
#[test]
fn damaged_checkpoints_never_panic_for_long() {
    let Some(seconds) = std::env::var("THALWEG_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok()) else {
        println!("skipped: THALWEG_FUZZ_SECONDS is not set");
        return;
    };
    let (start, limit) = (Instant::now(), Duration::from_secs(seconds));
    let [inputs, taken] = try_out(|_| start.elapsed() >= limit);
    println!("{inputs} checkpoints in {seconds} s, none of which brought a panic; {taken} were readable");
}
