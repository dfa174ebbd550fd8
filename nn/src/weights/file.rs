//! Files that are replaced wholly or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Error;

/// The names of temporary files begin and end so.
const TEMPORARY: [&str; 2] = [".thalweg-", ".tmp"];
/// No save takes as long: a temporary file that is older was left by a process that was killed.
const STALE: Duration = Duration::from_secs(600);

/// Puts `bytes` in the place of the file at `path`, wholly or not at all: they are written under a temporary name in the
/// same folder, synced, and renamed. A link stays a link, to the new file.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let path = &behind_links(path);
    let written = Temporary::new(folder_of(path)).and_then(|mut file| {
        file.file.write_all(bytes)?;
        file.file.sync_all()?;
        file.rename(path)
    });
    written.map_err(|cause| Error::Io { action: "write", cause })
}

/// The bytes of the file at `path`, or the first `most` of them.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let read = || {
        let file = File::open(path)?;
        let mut bytes = Vec::new();
        // Room for all of it at once: the length is known, but for files that are no files, such as pipes.
        let length = usize::try_from(file.metadata()?.len().min(most)).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(length)?;
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|cause| Error::Io { action: "read", cause })
}

/// The first bytes of the file at `path`, at most `N`.
#[cfg(feature = "checkpoint")]
pub(super) fn begin<const N: usize>(path: &Path) -> io::Result<Vec<u8>> {
    let mut begin = Vec::with_capacity(N);
    File::open(path)?.take(N as u64).read_to_end(&mut begin)?;
    Ok(begin)
}

/// Whether a file can be made beside `path`: it is, and is removed again.
#[cfg(feature = "checkpoint")]
pub(super) fn try_beside(path: &Path) -> io::Result<()> {
    Temporary::new(folder_of(&behind_links(path))).map(drop)
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

/// A file under a temporary name. Dropped, it is removed.
struct Temporary<'f> {
    file: File,
    folder: &'f Path,
    /// Until it has another name.
    path: Option<PathBuf>,
}

impl<'f> Temporary<'f> {
    fn new(folder: &'f Path) -> io::Result<Self> {
        let [begin, end] = TEMPORARY;
        let process = std::process::id();
        // Two threads may ask at the same instant: `create_new` lets one of them win, and the other asks again.
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let path = folder.join(format!("{begin}{process}-{now}{end}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Temporary { file, folder, path: Some(path) }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
        }
    }

    fn rename(mut self, to: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            std::fs::rename(path, to)?;
        }
        self.path = None;
        // The new name is safe only once the folder is: a rename lives in the folder.
        #[cfg(unix)]
        File::open(self.folder)?.sync_all()?;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
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

    fn names(folder: &Path) -> io::Result<Vec<String>> {
        let mut names: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    #[test]
    fn a_file_is_replaced_wholly_or_not_at_all() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("weights");
        for bytes in [&b"first"[..], b"", b"second"] {
            replace(&path, bytes).map_err(io::Error::other)?;
            assert_eq!(read(&path, 100).map_err(io::Error::other)?, bytes);
        }
        assert_eq!(read(&path, 3).map_err(io::Error::other)?, b"sec");
        // A folder cannot be replaced by a file: the rename fails after everything was written.
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken)?;
        assert!(replace(&taken, b"x").is_err_and(|error| error.to_string().starts_with("cannot write: ")));
        assert!(replace(&folder.path().join("missing/weights"), b"x").is_err());
        assert_eq!(names(folder.path())?, ["taken", "weights"], "no temporary file is left");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_the_umask_decides() -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("plain"), "")?;
        std::fs::write(file("good"), "old")?;
        std::os::unix::fs::symlink("good", file("link"))?;
        replace(&file("link"), b"new").map_err(io::Error::other)?;
        assert!(file("link").is_symlink());
        assert_eq!(std::fs::read(file("good"))?, b"new");
        let mode = |name: &str| std::fs::metadata(file(name)).map(|metadata| metadata.permissions().mode());
        assert_eq!(mode("good")?, mode("plain")?, "an ordinary file, not a private one");
        Ok(())
    }

    #[test]
    fn threads_do_not_share_a_temporary_file() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("weights");
        std::thread::scope(|scope| {
            for byte in 0..4_u8 {
                let path = &path;
                scope.spawn(move || (0..8).for_each(|_| replace(path, &[byte; 5000]).expect("it can be written")));
            }
        });
        let bytes = read(&path, 10_000).map_err(io::Error::other)?;
        assert!(bytes.len() == 5000 && bytes.iter().all(|&byte| byte == bytes[0]));
        assert_eq!(names(folder.path())?, ["weights"]);
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
