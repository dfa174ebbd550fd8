//! Checkpoints as files: replaced wholly or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::{CHECKSUM, HEAD, LIMIT, MAGIC, decode, encode, wrong};
use crate::error::{Error, ErrorKind};

/// The names of temporary files begin and end so.
const TEMPORARY: [&str; 2] = [".thalweg-", ".tmp"];
/// No save takes as long: a temporary file that is older was left by a process that was killed.
const STALE: Duration = Duration::from_secs(600);

/// Writes a checkpoint of `value` to the file at `path`.
///
/// # Errors
///
/// If the value cannot be serialised or the file cannot be written. A file that was there before is then untouched,
/// unless only the very last step failed, syncing the folder: the new file is in place by then.
pub fn save<V: Serialize>(path: impl AsRef<Path>, value: &V) -> Result<(), Error> {
    let path = path.as_ref();
    let bytes = encode(value).map_err(|error| error.in_file(path))?;
    replace(path, &bytes)
        .map_err(|cause| Error::caused_by(ErrorKind::Io, "cannot write the checkpoint", cause).in_file(path))
}

/// Finds out early whether a checkpoint can be saved at `path`. Leaves everything as it is.
///
/// # Errors
///
/// If no file can be made in the folder, or if there is something at `path` that is no checkpoint: a folder, a device, a
/// file of another kind, which a slip of the keyboard must not replace.
pub fn check_writable(path: impl AsRef<Path>) -> Result<(), Error> {
    let path = path.as_ref();
    let cannot = |cause| Error::caused_by(ErrorKind::Io, "cannot write the checkpoint", cause).in_file(path);
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(cannot(io::ErrorKind::IsADirectory.into())),
        Ok(found) if !found.is_file() || !may_be_replaced(path).map_err(cannot)? => {
            Err(wrong("expected a checkpoint or no file yet, found something else: it is not replaced").in_file(path))
        }
        Ok(_) | Err(_) => tempfile::tempfile_in(folder_of(&behind_links(path))).map(drop).map_err(cannot),
    }
}

/// Whether a file is empty or begins like a checkpoint, whole or not.
fn may_be_replaced(path: &Path) -> io::Result<bool> {
    let mut begin = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut begin)?;
    Ok(MAGIC.starts_with(&begin))
}

/// Removes the temporary files that killed processes have left in the folder of `path`: all that are older than ten
/// minutes. What cannot be removed stays.
pub fn sweep(path: impl AsRef<Path>) {
    let [begin, end] = TEMPORARY;
    let path = behind_links(path.as_ref());
    for entry in std::fs::read_dir(folder_of(&path)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(begin) && name.ends_with(end));
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        if ours && modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > STALE)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Reads the checkpoint in the file at `path`.
///
/// # Errors
///
/// If the file cannot be read, and all those of [`decode`].
pub fn load<V: DeserializeOwned>(path: impl AsRef<Path>) -> Result<V, Error> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    // One byte more than the largest checkpoint: enough to see that there is too much.
    let most = LIMIT + (HEAD + CHECKSUM) as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|cause| Error::caused_by(ErrorKind::Io, "cannot read the checkpoint", cause).in_file(path))?;
    decode(&bytes).map_err(|error| error.in_file(path))
}

/// Puts `bytes` in the place of the file at `path`, wholly or not at all.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = &behind_links(path);
    let folder = folder_of(path);
    let [begin, end] = TEMPORARY;
    let mut builder = tempfile::Builder::new();
    builder.prefix(begin).suffix(end);
    // A temporary file is private by default; a checkpoint is an ordinary file, so the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The new name is safe only once the folder is: a rename lives in the folder.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// The file that a link leads to: it is replaced, and the link stays a link.
fn behind_links(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        std::fs::write(file("cut"), &MAGIC[..4])?;
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

    #[test]
    fn what_a_killed_process_left_is_swept_away() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        for (name, minutes) in [(".thalweg-old.tmp", 11), (".thalweg-new.tmp", 9), (".other-old.tmp", 11), ("c", 11)] {
            let age = Duration::from_secs(60 * minutes);
            File::create(file(name))?.set_modified(std::time::SystemTime::now() - age)?;
        }
        sweep(file("c"));
        assert!(!file(".thalweg-old.tmp").exists());
        assert!([".thalweg-new.tmp", ".other-old.tmp", "c"].into_iter().all(|name| file(name).exists()));
        Ok(())
    }
}
