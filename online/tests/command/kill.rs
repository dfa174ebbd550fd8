//! `kill -9` at any moment: the checkpoint is whole or not there yet, and the run that goes on ends as if nothing had been.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::support::{Folder, THALWEG, stream, timeless};

/// Begins, or goes on from `c` if that is there.
fn start(folder: &Folder, run: &str, every: u32) -> Child {
    let begin = if folder.path("c").exists() { "run --resume c" } else { run };
    let arguments = format!("{begin} --checkpoint c --checkpoint-every {every} --print-every 0");
    Command::new(THALWEG)
        .args(arguments.split_whitespace())
        .current_dir(folder.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts")
}

/// How often it is killed: more often if `THALWEG_KILLS` says so.
fn times(few: u32) -> u32 {
    std::env::var("THALWEG_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(few)
}

/// Kills it after a while; whether it was still at work.
fn kill_after(mut child: Child, time: Duration) -> bool {
    std::thread::sleep(time);
    let at_work = child.try_wait().expect("it is our child").is_none();
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    at_work
}

/// A part of `most`, another one each time.
fn any_part_of(most: Duration) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    most.mul_f64(f64::from(now.subsec_nanos() % 9973) / 9973.0)
}

/// With everything on that a checkpoint has to hold.
#[test]
fn a_killed_run_goes_on_as_if_nothing_had_been() {
    let (folder, killings) = (Folder::new(), times(6));
    folder.write("s.csv", stream(1000 * killings as usize));
    let run = "run s.csv --model lstm:16 --optimizer adam:0.003,clip=1,warmup=100 --memory reservoir:50,replays=2 \
               --delay 30 --metrics auc@100,f1:macro,kappa@0.99 --features scale=robust;missing=last --on-bad-row skip";
    let clock = Instant::now();
    let unbroken = timeless(folder.json(run));
    let share = clock.elapsed() / killings;
    let mut kills = 0;
    for _ in 0..killings {
        kills += usize::from(kill_after(start(&folder, run, 500), any_part_of(share) + share / 2));
        if folder.path("c").exists() {
            let held = folder.json("inspect c");
            let rows = held["rows"].as_u64().expect("a number");
            assert!(rows.is_multiple_of(500), "a checkpoint of {rows} rows");
        }
    }
    println!("{kills} kills");
    assert!(kills > 0, "the run is long enough to be killed");
    assert!(folder.temporary_files() <= kills, "a kill leaves one temporary file at most");
    let begin = if folder.path("c").exists() { "run --resume c" } else { run };
    assert_eq!(timeless(folder.json(begin)), unbroken);
}

/// A checkpoint after every row: most of the time one is being written, and most kills hit the middle of it.
#[test]
fn a_kill_in_the_middle_of_saving_leaves_a_whole_checkpoint() {
    let folder = Folder::new();
    folder.write("s.csv", stream(3000));
    let run = "run s.csv --model mlp:64,64 --optimizer adam";
    let (mut kills, mut rows) = (0, 0);
    for _ in 0..times(12) {
        kills += usize::from(kill_after(start(&folder, run, 1), any_part_of(Duration::from_millis(300))));
        if folder.path("c").exists() {
            let now = folder.json("inspect c")["rows"].as_u64().expect("a number");
            assert!(now >= rows, "{now} rows after {rows}");
            rows = now;
        }
    }
    assert!(rows > 0 && kills > 0, "{rows} rows, {kills} kills");
    assert!(folder.temporary_files() <= kills, "a kill leaves one temporary file at most");
    assert_eq!(timeless(folder.json("run --resume c")), timeless(folder.json(run)));
}

#[test]
fn what_a_kill_left_is_swept_away_by_a_later_run() {
    let folder = Folder::new();
    for (name, minutes) in [(".thalweg-dead.tmp", 60), (".thalweg-alive.tmp", 0)] {
        let file = std::fs::File::create(folder.path(name)).expect("the folder takes a file");
        file.set_modified(SystemTime::now() - Duration::from_secs(60 * minutes)).expect("it can be made older");
    }
    folder.json("run phishing --model linear --checkpoint c");
    assert!(!folder.path(".thalweg-dead.tmp").exists());
    assert!(folder.path(".thalweg-alive.tmp").exists(), "another run may be writing it");
}
