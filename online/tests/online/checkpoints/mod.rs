//! Whatever stands in a checkpoint: it is read or refused, without a panic and in little memory; and what was read can be
//! used. The checksum is made to fit, so that the damage reaches everything behind it.

mod kept;
mod pinned;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use xxhash_rust::xxh3::xxh3_64;

use kept::{Kept, everything_that_is_kept};

/// Magic, version and length stand before the payload, a checksum after it.
const HEAD: usize = 8 + 4 + 8;
const CHECKSUM: usize = 8;
/// What reading may take beside what the checkpoint itself holds: serde makes room for a mebibyte of elements at most
/// before it has seen them, in each of the lists that are open at a time.
const ROOM: u64 = 16 << 20;

/// What a few rows may take, of a session that is no longer than a few kilobytes.
const ROOM_TO_USE: u64 = 64 << 20;

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
    Add(i8),
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
        (-3..4_i8).prop_map(Change::Add),
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
            Change::Add(more) => bytes[place] = bytes[place].wrapping_add_signed(*more),
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

/// Reads it, and uses it if it was taken for good; whether it was.
fn read(kept: &Kept, bytes: &[u8]) -> bool {
    let mut good = false;
    let memory = allocation_counter::measure(|| good = (kept.read)(bytes, false));
    assert!(memory.bytes_max < ROOM + 16 * bytes.len() as u64, "{} bytes for {}", memory.bytes_max, bytes.len());
    if good {
        let memory = allocation_counter::measure(|| good = (kept.read)(bytes, true));
        assert!(memory.bytes_max < ROOM_TO_USE, "{} bytes to use {}", memory.bytes_max, bytes.len());
    }
    good
}

/// Tells which checkpoint it is that fails: the damage, byte by byte.
fn tried(kept: &Kept, bytes: &[u8]) -> bool {
    let clock = Instant::now();
    let good = catch_unwind(AssertUnwindSafe(|| read(kept, bytes)));
    let slow = clock.elapsed() > LONGEST;
    good.ok().filter(|_| !slow).unwrap_or_else(|| {
        let all = bytes.iter().zip(&kept.bytes).enumerate();
        let places = all.filter(|(_, (found, good))| found != good).map(|(place, (found, _))| (place, *found));
        let places: Vec<(usize, u8)> = places.take(40).collect();
        let (name, length, was) = (&kept.name, bytes.len(), kept.bytes.len());
        if let Ok(folder) = std::env::var("THALWEG_FUZZ_KEEP") {
            let file = format!("{folder}/{:016x}", xxh3_64(bytes));
            std::fs::write(file, bytes).expect("the folder is there");
            println!("{name}: {length} bytes, {was} before, changed {places:?}, slow: {slow}");
            return false;
        }
        panic!("{name}: {length} bytes, {was} before, changed {places:?}, slow: {slow}")
    })
}

/// What must be over by then, be the machine as busy as it is.
const LONGEST: Duration = Duration::from_secs(20);

/// Damages payloads and makes payloads up until `enough` says so; how many were read, and how many of these taken for good.
fn try_out(seed: u64, mut enough: impl FnMut(u64) -> bool) -> [u64; 2] {
    let all = everything_that_is_kept();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (mut inputs, mut taken) = (0, 0);
    let (damages, noises) = (damage(), prop::collection::vec(any::<u8>(), 0..300));
    for round in 0_u64.. {
        if enough(inputs) {
            break;
        }
        for kept in &all {
            let good = &kept.bytes;
            let payload = &good[HEAD..good.len() - CHECKSUM];
            let damage = damages.new_tree(&mut runner).expect("a value").current();
            taken += u64::from(tried(kept, &with_payload(good, &damaged(payload, &damage))));
            inputs += 1;
            // Now and then a payload of noise, and damage without a new checksum.
            if round.is_multiple_of(8) {
                let noise = noises.new_tree(&mut runner).expect("a value").current();
                for bytes in [with_payload(good, &noise), damaged(good, &damage)] {
                    taken += u64::from(tried(kept, &bytes));
                    inputs += 1;
                }
            }
        }
    }
    [inputs, taken]
}

#[test]
fn a_payload_is_wrapped_as_the_container_does() {
    for kept in everything_that_is_kept() {
        let (good, name) = (&kept.bytes, &kept.name);
        assert_eq!(with_payload(good, &good[HEAD..good.len() - CHECKSUM]), *good, "{name}");
        assert!(read(&kept, good), "{name}");
    }
}

#[test]
fn damaged_checkpoints_never_panic() {
    let [inputs, taken] = try_out(0, |inputs| inputs >= 3_000);
    assert!(0 < taken && taken < inputs, "{taken} of {inputs} were taken for good");
}

/// As long as `THALWEG_FUZZ_SECONDS` says, from `THALWEG_FUZZ_SEED` on:
/// `cargo test -p thalweg-online --test online for_long -- --nocapture`. With `THALWEG_FUZZ_KEEP`, a folder, checkpoints that
/// fail are written there, and the others are tried nonetheless.
#[test]
fn damaged_checkpoints_never_panic_for_long() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let Some(seconds) = number("THALWEG_FUZZ_SECONDS") else {
        println!("skipped: THALWEG_FUZZ_SECONDS is not set");
        return;
    };
    let (start, limit) = (Instant::now(), Duration::from_secs(seconds));
    let [inputs, taken] = try_out(number("THALWEG_FUZZ_SEED").unwrap_or(0), |_| start.elapsed() >= limit);
    println!("{inputs} checkpoints in {seconds} s; {taken} were readable");
}
