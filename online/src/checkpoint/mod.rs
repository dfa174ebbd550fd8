//! The file in which a learner, and everything around it, is kept.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `THALWEG\0` |
//! | 4 | version of this format: 3 |
//! | 8 | length of the payload |
//! | … | the payload: any serde value, in bincode with integers of fixed size |
//! | 8 | XXH3-64 of everything before |
//!
//! All numbers are little-endian; floats keep their bits. A file is written under a temporary name in the same folder,
//! synced, and renamed over the old one: whenever the machine stops, the old or the new checkpoint is there, whole. A
//! process that is killed while it saves leaves its temporary file behind; [`sweep`] removes such files.
//!
//! bincode is unmaintained (RUSTSEC-2025-0141), and this is the only module that names it.

mod file;

use bincode::Options;
use serde::{Serialize, de::DeserializeOwned};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, ErrorKind};

pub use file::{check_writable, load, save, sweep};

const MAGIC: [u8; 8] = *b"THALWEG\0";
/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 3;
/// Magic, version and length.
const HEAD: usize = 8 + 4 + 8;
const CHECKSUM: usize = 8;
/// The largest payload: 4 GiB. A damaged length must not make us ask for all the memory there is.
const LIMIT: u64 = 4 << 30;

fn format() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_little_endian().with_limit(LIMIT).reject_trailing_bytes()
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Checkpoint, message)
}

/// The bytes of a checkpoint of `value`.
///
/// # Errors
///
/// If the value cannot be serialised or needs more than 4 GiB.
///
/// # Example
///
/// ```
/// use thalweg_online::checkpoint::{decode, encode};
///
/// let bytes = encode(&(7_u64, vec![0.1_f32, -0.0]))?;
/// let (step, weights): (u64, Vec<f32>) = decode(&bytes)?;
/// assert_eq!((step, weights[1].to_bits()), (7, (-0.0_f32).to_bits()));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
pub fn encode<V: Serialize>(value: &V) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(0_u64.to_le_bytes());
    format().serialize_into(&mut bytes, value).map_err(|cause| match *cause {
        bincode::ErrorKind::SizeLimit => wrong(format!("too large: expected at most {LIMIT} bytes")),
        _ => Error::caused_by(ErrorKind::Checkpoint, "cannot be serialised", cause),
    })?;
    let length = (bytes.len() - HEAD) as u64;
    bytes[HEAD - 8..HEAD].copy_from_slice(&length.to_le_bytes());
    let checksum = xxh3_64(&bytes);
    bytes.extend(checksum.to_le_bytes());
    Ok(bytes)
}

/// The value in the bytes of a checkpoint.
///
/// # Errors
///
/// [`ErrorKind::Checkpoint`], with a message of its own for each case: not a checkpoint, another version of the
/// format, too large, cut short, bytes after the end, a checksum that does not match, and a payload that is not a `V`.
pub fn decode<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, Error> {
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) || bytes.is_empty() {
        return Err(wrong("not a checkpoint of thalweg"));
    }
    let cut_short = |expected: u64| wrong(format!("cut short: expected {expected} bytes, found {}", bytes.len()));
    let (Some(version), Some(length)) = (array(bytes, 8), array(bytes, 12)) else {
        return Err(cut_short((HEAD + CHECKSUM) as u64));
    };
    let (version, length) = (u32::from_le_bytes(version), u64::from_le_bytes(length));
    if version != VERSION {
        return Err(wrong(format!("of another version: expected format {VERSION}, found format {version}")));
    }
    if length > LIMIT {
        return Err(wrong(format!("too large: expected at most {LIMIT} bytes, found {length}")));
    }
    let expected = (HEAD + CHECKSUM) as u64 + length;
    let found = bytes.len() as u64;
    if found < expected {
        return Err(cut_short(expected));
    }
    if found > expected {
        return Err(wrong(format!("expected {expected} bytes, found {} more after the end", found - expected)));
    }
    let (checked, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    if checksum != xxh3_64(checked).to_le_bytes() {
        return Err(wrong("damaged: the checksum does not match"));
    }
    let decoded = format().deserialize(&checked[HEAD..]);
    decoded.map_err(|cause| Error::caused_by(ErrorKind::Checkpoint, "the payload is not what was expected", cause))
}

/// The `N` bytes at `start`, if there are as many.
fn array<const N: usize>(bytes: &[u8], start: usize) -> Option<[u8; N]> {
    bytes.get(start..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type State = (String, Vec<f64>, Option<u8>);

    fn state() -> State {
        ("name".into(), vec![0.1, f64::NAN, -0.0], Some(3))
    }

    fn message(bytes: &[u8]) -> String {
        decode::<State>(bytes).map_or_else(|error| error.to_string(), |_| "no error".into())
    }

    #[test]
    fn every_way_to_be_wrong_has_its_own_message() -> Result<(), Error> {
        let good = encode(&state())?;
        let changed = |place: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[place] = byte;
            message(&bytes)
        };
        assert_eq!(message(&good), "no error");
        assert_eq!(message(b"PK\x03\x04"), "not a checkpoint of thalweg");
        assert_eq!(message(b""), "not a checkpoint of thalweg");
        assert_eq!(message(b"THAL"), "cut short: expected 28 bytes, found 4");
        assert_eq!(changed(8, 2), "of another version: expected format 3, found format 2");
        assert!(changed(19, 1).starts_with("too large: expected at most 4294967296 bytes, found "));
        assert_eq!(changed(25, 0xff), "damaged: the checksum does not match");
        let expected = format!("cut short: expected {} bytes, found {}", good.len(), good.len() - 1);
        assert_eq!(message(&good[..good.len() - 1]), expected);
        let longer = [good.as_slice(), b"\0"].concat();
        assert_eq!(message(&longer), format!("expected {} bytes, found 1 more after the end", good.len()));
        assert!(message(&encode(&1_u8)?).starts_with("the payload is not what was expected: "));
        assert!(message(&encode(&(state(), 1_u8))?).starts_with("the payload is not what was expected: "));
        Ok(())
    }

    proptest! {
        #[test]
        fn every_bit_survives(words in prop::collection::vec(any::<u64>(), 0..20), text in "\\PC{0,20}") {
            let floats: Vec<f64> = words.iter().map(|&word| f64::from_bits(word)).collect();
            let (back, same): (Vec<f64>, String) = decode(&encode(&(floats, &text)).unwrap()).unwrap();
            prop_assert_eq!(back.iter().map(|float| float.to_bits()).collect::<Vec<_>>(), words);
            prop_assert_eq!(same, text);
        }

        #[test]
        fn a_flipped_bit_is_noticed(place in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut bytes = encode(&state()).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(decode::<State>(&bytes).is_err());
        }

        #[test]
        fn a_cut_is_noticed(length in any::<prop::sample::Index>()) {
            let bytes = encode(&state()).unwrap();
            prop_assert!(decode::<State>(&bytes[..length.index(bytes.len())]).is_err());
        }

        #[test]
        fn any_payload_decodes_or_fails_without_a_panic(payload in prop::collection::vec(any::<u8>(), 0..64)) {
            let length = (payload.len() as u64).to_le_bytes();
            let mut bytes = [MAGIC.as_slice(), &VERSION.to_le_bytes(), &length, &payload].concat();
            bytes.extend(xxh3_64(&bytes).to_le_bytes());
            let _ = decode::<State>(&bytes);
        }
    }
}
