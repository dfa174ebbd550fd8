//! W8: a million numbers to a file and back, beside the bare bytes; and a process from its start to its first prediction.
//!
//! Saving a checkpoint waits until the disk has it (`sync`), as what must survive a loss of power does; the bare bytes are
//! written in both ways.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use thalweg_autograd::Params;
use thalweg_nn::Linear;
use thalweg_online::{Config, Deep, Learner, Target, Task, checkpoint};
use thalweg_tensor::Rng;
use xxhash_rust::xxh3::xxh3_64;

use crate::data::DATA_SEED;
use crate::timing::{Timer, Unit};

/// Four matrices of 500 × 500 and four vectors of 500.
const NUMBERS: usize = 4 * (500 * 500 + 500);

/// Microseconds.
///
/// # Panics
///
/// If there is no folder for temporary files that takes 16 MB, or the program cannot start itself.
pub fn measure(timer: &Timer) {
    files(timer).unwrap_or_else(|error| panic!("W8: {error}"));
    let program = std::env::current_exe().expect("a program knows where it is");
    let start = || Command::new(&program).arg("--first-prediction").output().expect("it starts");
    let peak = String::from_utf8_lossy(&start().stdout).trim().to_owned();
    timer.report("W8", json!({"what": "start-up", "peak_memory": peak}), Unit::Microseconds, start);
}

fn files(timer: &Timer) -> io::Result<()> {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(DATA_SEED));
    for layer in ["a", "b", "c", "d"] {
        Linear::new(&mut params, layer, 500, 500, &mut rng);
    }
    let bytes: Vec<u8> = params.as_slice().iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!(params.count(), NUMBERS);
    let folder = tempfile::tempdir()?;
    let (bare, model) = (folder.path().join("bare"), folder.path().join("model"));
    let report = |peer: &str, what: &str, call: &mut dyn FnMut() -> io::Result<()>| {
        let params = json!({"what": what, "of": peer, "numbers": NUMBERS});
        timer.report("W8", params, Unit::Microseconds, || call().unwrap_or_else(|error| panic!("{what}: {error}")));
    };
    report("bytes", "save", &mut || fs::write(&bare, &bytes));
    report("bytes and sync", "save", &mut || write_and_sync(&bare, &bytes));
    report("checkpoint", "save", &mut || checkpoint::save(&model, &params).map_err(io::Error::other));
    report("bytes", "load", &mut || fs::read(&bare).map(|bytes| drop(std::hint::black_box(bytes))));
    report("bytes and checksum", "load", &mut || {
        std::hint::black_box(xxh3_64(&fs::read(&bare)?));
        Ok(())
    });
    report("checkpoint", "load", &mut || {
        let params: Params<f32> = checkpoint::load(&model).map_err(io::Error::other)?;
        std::hint::black_box(params);
        Ok(())
    });
    Ok(())
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What a process does that is started to predict: learns a row, predicts one, and says how much memory it has taken.
///
/// # Panics
///
/// If the learner refuses the row.
pub fn first_prediction() {
    let mut learner = Deep::new(Config::new(Task::Classify));
    learner.learn_one(&[("a", 1.0), ("b", 2.0)], Target::Class("yes")).expect("the row is good");
    let prediction = learner.predict_one(&[("a", 1.0), ("b", 2.0)]).expect("the row is good");
    assert_eq!(prediction.label(), Some("yes"));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim());
}
