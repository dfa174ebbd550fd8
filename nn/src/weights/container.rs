//! The container: any serde value in a file that notices damage.

use std::io;
use std::path::Path;

use bincode::Options;
use serde::{Serialize, de::DeserializeOwned};
use xxhash_rust::xxh3::xxh3_64;

use super::{Error, file};

/// Magic, version and length.
const HEAD: usize = 8 + 4 + 8;
const CHECKSUM: usize = 8;
/// The largest payload: 4 GiB. A damaged length must not make us ask for all the memory there is.
const LIMIT: u64 = 4 << 30;

/// A kind of file that holds one value of any serde type: what it begins with, and the version of what is in it.
///
/// | bytes | what |
/// |---|---|
/// | 8 | the magic: which kind of file this is |
/// | 4 | the version of what is in it |
/// | 8 | length of the payload |
/// | … | the payload: the value in bincode, with integers of fixed size |
/// | 8 | XXH3-64 of everything before |
///
/// All numbers are little-endian; floats keep their bits. Raise the version whenever the type of the value changes:
/// bincode writes no names, and cannot tell.
///
/// ```
/// use thalweg_nn::weights::Container;
///
/// const OLD: Container = Container::new(*b"GARDEN\0\0", 1, "garden");
/// const GARDEN: Container = Container::new(*b"GARDEN\0\0", 2, "garden");
/// let bytes = GARDEN.to_bytes(&(7_u64, vec![0.1_f32, -0.0]))?;
/// let (day, moisture): (u64, Vec<f32>) = GARDEN.from_bytes(&bytes)?;
/// assert_eq!((day, moisture[1].to_bits()), (7, (-0.0_f32).to_bits()));
///
/// let error = GARDEN.from_bytes::<u64>(&OLD.to_bytes(&7_u64)?).unwrap_err();
/// assert_eq!(error.to_string(), "of another version: expected format 2, found format 1");
/// # Ok::<(), thalweg_nn::weights::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container {
    magic: [u8; 8],
    version: u32,
    name: &'static str,
}

impl Container {
    /// The kind of file that begins with `magic`; messages call it `name`. `version` is written, and no other is read.
    pub const fn new(magic: [u8; 8], version: u32, name: &'static str) -> Self {
        Container { magic, version, name }
    }

    /// The version that is written, and the only one that is read.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The bytes of a file that holds `value`.
    ///
    /// # Errors
    ///
    /// [`Error::Unwritable`] if the value cannot be serialised, [`Error::TooLarge`] if it needs more than 4 GiB.
    pub fn to_bytes<V: Serialize>(&self, value: &V) -> Result<Vec<u8>, Error> {
        let refused = |cause: bincode::Error| match *cause {
            bincode::ErrorKind::SizeLimit => Error::TooLarge { limit: LIMIT, found: None },
            _ => Error::Unwritable(cause),
        };
        let length = format().serialized_size(value).map_err(refused)?;
        let mut bytes = Vec::with_capacity(HEAD + length as usize + CHECKSUM);
        bytes.extend(self.magic);
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        format().with_no_limit().serialize_into(&mut bytes, value).map_err(refused)?;
        let checksum = xxh3_64(&bytes);
        bytes.extend(checksum.to_le_bytes());
        Ok(bytes)
    }

    /// The value in the bytes of a file.
    ///
    /// # Errors
    ///
    /// One for each case: [something else](Error::NotA), another [version](Error::Version),
    /// [too large](Error::TooLarge), [cut short](Error::CutShort), [bytes after the end](Error::Trailing),
    /// [damaged](Error::Damaged), and a whole file whose [payload](Error::Payload) is not a `V`.
    pub fn from_bytes<V: DeserializeOwned>(&self, bytes: &[u8]) -> Result<V, Error> {
        let found = bytes.len() as u64;
        if !bytes.starts_with(&self.magic[..bytes.len().min(8)]) || bytes.is_empty() {
            return Err(Error::NotA { expected: self.name });
        }
        let (Some(version), Some(length)) = (array(bytes, 8), array(bytes, 12)) else {
            return Err(Error::CutShort { expected: (HEAD + CHECKSUM) as u64, found });
        };
        let (version, length) = (u32::from_le_bytes(version), u64::from_le_bytes(length));
        if version != self.version {
            return Err(Error::Version { expected: self.version, found: version });
        }
        if length > LIMIT {
            return Err(Error::TooLarge { limit: LIMIT, found: Some(length) });
        }
        let expected = (HEAD + CHECKSUM) as u64 + length;
        if found < expected {
            return Err(Error::CutShort { expected, found });
        }
        if found > expected {
            return Err(Error::Trailing { expected, found });
        }
        let (checked, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
        if checksum != xxh3_64(checked).to_le_bytes() {
            return Err(Error::Damaged);
        }
        format().deserialize(&checked[HEAD..]).map_err(|cause| Error::Payload(cause))
    }

    /// Writes `value` to the file at `path`: under a temporary name in the same folder, synced, and renamed over the old
    /// file. Whenever the machine stops, the old or the new file is there, whole. A process that is killed meanwhile
    /// leaves its temporary file behind; [`sweep`](super::sweep) removes such files.
    ///
    /// # Errors
    ///
    /// As [`to_bytes`](Container::to_bytes), and if the file cannot be written. A file that was there before is then
    /// untouched, unless only the very last step failed, syncing the folder: the new file is in place by then.
    pub fn save<V: Serialize>(&self, path: impl AsRef<Path>, value: &V) -> Result<(), Error> {
        let path = path.as_ref();
        self.to_bytes(value).and_then(|bytes| file::replace(path, &bytes)).map_err(|error| error.in_file(path))
    }

    /// Reads the value in the file at `path`.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Container::from_bytes), and if the file cannot be read.
    pub fn load<V: DeserializeOwned>(&self, path: impl AsRef<Path>) -> Result<V, Error> {
        let path = path.as_ref();
        // One byte more than the largest file: enough to see that there is too much.
        let most = LIMIT + (HEAD + CHECKSUM) as u64 + 1;
        file::read(path, most).and_then(|bytes| self.from_bytes(&bytes)).map_err(|error| error.in_file(path))
    }

    /// Finds out early whether a file can be saved at `path`. Leaves everything as it is. `Ok(false)`: there is a file of
    /// another kind, or a device, which a slip of the keyboard must not replace.
    ///
    /// # Errors
    ///
    /// If no file can be made in the folder, or `path` is a folder itself.
    pub fn may_save(&self, path: impl AsRef<Path>) -> Result<bool, Error> {
        let path = path.as_ref();
        let may = match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => Ok(false),
            // An empty file may be replaced, and one that was cut short.
            Ok(_) => file::begin::<8>(path).map(|begin| self.magic.starts_with(&begin)),
            Err(_) => Ok(true),
        };
        let tried = may.and_then(|may| if may { file::try_beside(path).map(|()| true) } else { Ok(false) });
        tried.map_err(|cause| Error::Io { action: "write", cause }.in_file(path))
    }
}

fn format() -> impl Options {
    bincode::DefaultOptions::new().with_limit(LIMIT).with_fixint_encoding().with_little_endian().reject_trailing_bytes()
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

    const CONTAINER: Container = Container::new(*b"TESTING\0", 3, "test");

    fn state() -> State {
        ("name".into(), vec![0.1, f64::NAN, -0.0], Some(3))
    }

    fn decode(bytes: &[u8]) -> Result<State, Error> {
        CONTAINER.from_bytes(bytes)
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() -> Result<(), Error> {
        let good = CONTAINER.to_bytes(&state())?;
        assert!(decode(&good).is_ok());
        for length in 0..good.len() {
            assert!(decode(&good[..length]).is_err(), "{length} bytes");
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[length] ^= 1 << bit;
                assert!(decode(&bytes).is_err(), "byte {length}, bit {bit}");
            }
        }
        assert!(matches!(decode(&[&good[..], b"\0"].concat()), Err(Error::Trailing { .. })));
        Ok(())
    }

    #[test]
    fn another_kind_another_version_another_type_are_told_apart() -> Result<(), Error> {
        let of = |magic, version| Container::new(magic, version, "other").to_bytes(&state());
        assert!(matches!(decode(&of(*b"TESTED\0\0", 3)?), Err(Error::NotA { expected: "test" })));
        assert!(matches!(decode(&of(*b"TESTING\0", 2)?), Err(Error::Version { expected: 3, found: 2 })));
        assert!(matches!(decode(&CONTAINER.to_bytes(&1_u8)?), Err(Error::Payload(_))));
        assert!(
            matches!(decode(&CONTAINER.to_bytes(&(state(), 1_u8))?), Err(Error::Payload(_))),
            "a part is left over"
        );
        Ok(())
    }

    #[test]
    fn only_a_file_of_the_same_kind_may_be_replaced() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("data.csv"), "a,b\n1,2\n")?;
        std::fs::write(file("empty"), "")?;
        std::fs::write(file("cut"), "TEST")?;
        CONTAINER.save(file("good"), &1_u8).map_err(io::Error::other)?;
        for name in ["empty", "good", "cut", "new"] {
            assert!(CONTAINER.may_save(file(name)).is_ok_and(|may| may), "{name}");
        }
        assert!(CONTAINER.may_save(file("data.csv")).is_ok_and(|may| !may));
        assert!(CONTAINER.may_save(file("missing/new")).is_err());
        assert!(CONTAINER.may_save(folder.path()).is_err());
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 4, "nothing is left behind");
        Ok(())
    }

    proptest! {
        #[test]
        fn every_bit_survives(words in prop::collection::vec(any::<u64>(), 0..20), text in "\\PC{0,20}") {
            let floats: Vec<f64> = words.iter().map(|&word| f64::from_bits(word)).collect();
            let bytes = CONTAINER.to_bytes(&(floats, &text)).unwrap();
            let (back, same): (Vec<f64>, String) = CONTAINER.from_bytes(&bytes).unwrap();
            prop_assert_eq!(back.iter().map(|float| float.to_bits()).collect::<Vec<_>>(), words);
            prop_assert_eq!(same, text);
        }

        #[test]
        fn any_payload_decodes_or_fails_without_a_panic(payload in prop::collection::vec(any::<u8>(), 0..64)) {
            let length = (payload.len() as u64).to_le_bytes();
            let mut bytes = [&CONTAINER.magic[..], &CONTAINER.version.to_le_bytes(), &length, &payload].concat();
            bytes.extend(xxh3_64(&bytes).to_le_bytes());
            let _ = decode(&bytes);
            let _ = CONTAINER.from_bytes::<thalweg_autograd::Params>(&bytes);
        }
    }
}
