//! Who reads what is printed may stop.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::support::THALWEG;

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    for arguments in [&["streams"][..], &["--model", "linear"], &["run", "phishing", "--json"], &["run", "--help"]] {
        let mut child = Command::new(THALWEG)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !err.contains("panicked"), "{arguments:?}: {err}");
    }
}

#[test]
fn nobody_need_read_the_progress() {
    let mut child = Command::new(THALWEG)
        .args(["run", "phishing", "--json", "--print-every", "10"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stderr.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let result: Value = serde_json::from_slice(&output.stdout).expect("the result is there");
    assert_eq!(result["rows"], 1250);
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_printed_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has /dev/full");
    let output = Command::new(THALWEG).arg("streams").stdout(full).output().expect("the command starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: the result cannot be printed: "));
}
