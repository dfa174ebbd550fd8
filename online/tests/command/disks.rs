//! Disks that are full or cannot be written: the last good checkpoint survives. Needs the right to mount; is skipped, and
//! says so, where that is not given.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Folder, stream};

/// A small disk of its own in a folder, for as long as it lives.
struct Disk(PathBuf);

impl Disk {
    fn new(path: PathBuf, kilobytes: u32) -> Option<Self> {
        std::fs::create_dir(&path).expect("the folder takes another");
        let done = mount(&format!("-t tmpfs -o size={kilobytes}k tmpfs"), &path);
        if !done {
            println!("skipped: no file system can be mounted here");
        }
        done.then_some(Disk(path))
    }

    fn make_read_only(&self) {
        assert!(mount("-o remount,ro", &self.0), "what is mounted can be mounted anew");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(how: &str, path: &Path) -> bool {
    let output = Command::new("mount").args(how.split_whitespace()).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

/// The replay memory fills as rows come: the checkpoint grows until the disk cannot hold the old and the new one.
#[test]
fn on_a_full_disk_the_last_good_checkpoint_survives() {
    let folder = Folder::new();
    let Some(disk) = Disk::new(folder.path("disk"), 64) else { return };
    folder.write("s.csv", stream(3000));
    let run =
        "run s.csv --model mlp:8 --memory reservoir:2000 --checkpoint disk/c --checkpoint-every 50 --print-every 0";
    let refusal = folder.run(&format!("{run} --json")).refused("a full disk");
    assert!(refusal.starts_with("disk/c: cannot write the checkpoint: No space left on device"), "{refusal}");
    assert_eq!(std::fs::read_dir(&disk.0).expect("it is there").count(), 1, "no temporary file is left");
    let held = folder.json("inspect disk/c")["rows"].as_u64().expect("a number");
    assert!(held > 0 && held.is_multiple_of(50), "{held}");
    let unbroken = super::support::timeless(folder.json("run s.csv --model mlp:8 --memory reservoir:2000"));
    let resumed = folder.json("run --resume disk/c --checkpoint elsewhere");
    assert_eq!(super::support::timeless(resumed), unbroken);
}

#[test]
fn on_a_disk_that_cannot_be_written_the_checkpoint_is_read_and_kept() {
    let folder = Folder::new();
    let Some(disk) = Disk::new(folder.path("disk"), 1024) else { return };
    folder.write("s.csv", stream(1500));
    folder.json("run s.csv --model mlp:8 --checkpoint disk/c --limit 800");
    let good = folder.read("disk/c");
    disk.make_read_only();
    let refusal = folder.refusal("run --resume disk/c --checkpoint disk/c");
    assert!(refusal.starts_with("disk: ") || refusal.starts_with("disk/c: "), "{refusal}");
    assert!(refusal.contains("Read-only file system"), "{refusal}");
    assert!(folder.read("disk/c") == good);
    assert_eq!(folder.json("run --resume disk/c --checkpoint elsewhere")["rows"], 1500);
}
