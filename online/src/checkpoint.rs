//! The file in which a learner, and everything around it, is kept.
//!
//! It is a [`Container`] that begins with `THALWEG\0`: versioned, limited in size, checksummed, replaced wholly or not at
//! all. Whenever the machine stops, the old or the new checkpoint is there, whole. A process that is killed while it saves
//! leaves its temporary file behind; [`sweep`] removes such files.
//!
//! A file is not believed because its checksum is right. What is read is refused unless its parts fit one another, so that
//! whatever is taken for good can be used: predict, learn, be saved again, without a panic. What it asks for is bounded by
//! what one may ask for in words (a memory of 10⁸ examples, 10⁴ replays a row, 2³² weights): those limits are wide, and a
//! learner that was made up to reach them is slow or large, as one that was asked for. Numbers are not judged: weights of
//! NaN are read, and their predictions are errors.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use thalweg_nn::weights::Container;

use crate::error::{Error, ErrorKind};

pub use thalweg_nn::weights::sweep;

/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 17;
const CONTAINER: Container = Container::new(*b"THALWEG\0", VERSION, "checkpoint of thalweg");

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
    Ok(CONTAINER.to_bytes(value)?)
}

/// The value in the bytes of a checkpoint.
///
/// # Errors
///
/// [`ErrorKind::Checkpoint`], with a message of its own for each case: not a checkpoint, another version of the
/// format, too large, cut short, bytes after the end, a checksum that does not match, and a payload that is not a `V`.
pub fn decode<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, Error> {
    Ok(CONTAINER.from_bytes(bytes)?)
}

/// Writes a checkpoint of `value` to the file at `path`.
///
/// # Errors
///
/// If the value cannot be serialised or the file cannot be written. A file that was there before is then untouched,
/// unless only the very last step failed, syncing the folder: the new file is in place by then.
pub fn save<V: Serialize>(path: impl AsRef<Path>, value: &V) -> Result<(), Error> {
    Ok(CONTAINER.save(path, value)?)
}

/// Reads the checkpoint in the file at `path`.
///
/// # Errors
///
/// If the file cannot be read, and all those of [`decode`].
pub fn load<V: DeserializeOwned>(path: impl AsRef<Path>) -> Result<V, Error> {
    Ok(CONTAINER.load(path)?)
}

/// Finds out early whether a checkpoint can be saved at `path`. Leaves everything as it is.
///
/// # Errors
///
/// If no file can be made in the folder, or if there is something at `path` that is no checkpoint: a folder, a device, a
/// file of another kind, which a slip of the keyboard must not replace.
pub fn check_writable(path: impl AsRef<Path>) -> Result<(), Error> {
    if CONTAINER.may_save(&path)? {
        return Ok(());
    }
    let message = "expected a checkpoint or no file yet, found something else: it is not replaced";
    Err(Error::new(ErrorKind::Checkpoint, message).in_file(path.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

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
        let other = format!("of another version: expected format {VERSION}, found format 99");
        assert_eq!(changed(8, 99), other);
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

    #[test]
    fn a_failed_save_leaves_the_old_file_and_nothing_else() -> io::Result<()> {
        struct Unwilling;
        impl Serialize for Unwilling {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("no"))
            }
        }
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("model.ckpt");
        save(&path, &1_u8).map_err(io::Error::other)?;
        assert_eq!(save(&path, &Unwilling).map_err(|error| error.kind()), Err(ErrorKind::Checkpoint));
        // A folder cannot be replaced by a file: the rename fails after everything was written.
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken)?;
        assert_eq!(save(&taken, &2_u8).map_err(|error| error.kind()), Err(ErrorKind::Io));
        assert_eq!(load::<u8>(&path).ok(), Some(1));
        save(&path, &3_u8).map_err(io::Error::other)?;
        assert_eq!(load::<u8>(&path).ok(), Some(3));
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 2, "no temporary file is left");
        let missing = load::<u8>(folder.path().join("missing.ckpt")).unwrap_err();
        assert!(missing.to_string().contains("missing.ckpt: cannot read the checkpoint: "), "{missing}");
        Ok(())
    }

    #[test]
    fn only_a_checkpoint_may_be_replaced() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        let refused = |name: &str| check_writable(file(name)).map_err(|error| error.kind()).err();
        std::fs::write(file("data.csv"), "a,b\n1,2\n")?;
        std::fs::write(file("empty"), "")?;
        save(file("good"), &1_u8).map_err(io::Error::other)?;
        std::fs::write(file("cut"), b"THAL")?;
        for name in ["empty", "good", "cut", "new"] {
            assert_eq!(refused(name), None, "{name}");
        }
        assert_eq!(refused("data.csv"), Some(ErrorKind::Checkpoint));
        assert_eq!(refused("data.csv/under"), Some(ErrorKind::Io));
        assert_eq!(refused(""), Some(ErrorKind::Io), "the folder itself");
        #[cfg(unix)]
        {
            assert_eq!(check_writable("/dev/null").map_err(|error| error.kind()), Err(ErrorKind::Checkpoint));
            std::os::unix::fs::symlink("good", file("link"))?;
            save(file("link"), &2_u8).map_err(io::Error::other)?;
            assert!(file("link").is_symlink());
            assert_eq!(load::<u8>(file("good")).ok(), Some(2));
        }
        Ok(())
    }
}
