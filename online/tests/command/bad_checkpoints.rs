//! Checkpoints that cannot be read, do not belong, or cannot be written.

use thalweg_online::checkpoint::VERSION;

use super::support::{Folder, stream};

/// A folder with a stream `s.csv` and a checkpoint `c` of its first 800 rows.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("s.csv", stream(1500));
    folder.json("run s.csv --model mlp:8 --checkpoint c --limit 800");
    folder
}

/// Refused by `run --resume` and by `inspect`, in the same words.
#[track_caller]
fn refused(folder: &Folder, name: &str) -> String {
    let refusal = folder.refusal(&format!("run --resume {name}"));
    assert_eq!(folder.refusal(&format!("inspect {name}")), refusal);
    refusal
}

#[test]
fn damage_is_noticed_wherever_it_is() {
    let folder = folder();
    let good = folder.read("c");
    let length = good.len();
    for cut in [1, 8, 19, 27, 28, length / 2, length - 8, length - 1] {
        folder.write("d", &good[..cut]);
        let refusal = refused(&folder, "d");
        assert!(
            refusal.starts_with("d: cut short: expected ") && refusal.ends_with(&format!("found {cut}")),
            "{refusal}"
        );
    }
    let flipped = |place: usize| {
        let mut bytes = good.clone();
        bytes[place] ^= 4;
        folder.write("d", bytes);
        refused(&folder, "d")
    };
    assert_eq!(flipped(0), "d: not a checkpoint of thalweg");
    assert_eq!(flipped(8), format!("d: of another version: expected format {VERSION}, found format {}", VERSION ^ 4));
    assert!(flipped(12).starts_with("d: "), "the length");
    for place in [20, 100, length / 3, length / 2, length - 30, length - 9, length - 8, length - 1] {
        assert_eq!(flipped(place), "d: damaged: the checksum does not match", "byte {place}");
    }
    for (bytes, expected) in [
        (&b""[..], "d: not a checkpoint of thalweg"),
        (b"a,b\n1,2\n", "d: not a checkpoint of thalweg"),
        (&[good.as_slice(), b"\n"].concat(), &format!("d: expected {length} bytes, found 1 more after the end")),
    ] {
        folder.write("d", bytes);
        assert_eq!(refused(&folder, "d"), expected);
    }
    assert!(refused(&folder, "missing").starts_with("missing: cannot read the checkpoint: No such file"));
    assert!(refused(&folder, ".").starts_with(".: cannot read the checkpoint: Is a directory"));
    assert!(folder.read("c") == good);
}

#[test]
fn another_version_is_named() {
    let folder = folder();
    let mut bytes = folder.read("c");
    bytes[8..12].copy_from_slice(&99_u32.to_le_bytes());
    folder.write("c", bytes);
    assert_eq!(refused(&folder, "c"), format!("c: of another version: expected format {VERSION}, found format 99"));
}

#[test]
fn a_checkpoint_of_another_run_is_not_continued() {
    let folder = folder();
    let good = folder.read("c");
    for (arguments, held, asked) in [
        ("--model lstm:8", "with --model mlp:8", "--model lstm:8,window=16,last=true"),
        ("--scale robust", "with --scale standard", "--scale robust"),
        (
            "--features lags=3",
            "with --features scale=standard; category=onehot:256; missing=mean",
            "--features scale=standard; category=onehot:256; missing=mean; lags=1..3",
        ),
        ("--optimizer adam", "with --optimizer sgd:0.03", "--optimizer adam:0.001"),
        ("--memory reservoir:5", "with --memory none", "--memory reservoir:5,replays=1"),
        ("--task regress", "with --task classify", "--task regress"),
        ("--seed 7", "with --seed 42", "--seed 7"),
        ("--target sky", "with --target class", "--target sky"),
        ("--header yes", "with --header auto", "--header yes"),
        ("--delimiter ;", "with --delimiter auto", "--delimiter ;"),
        ("--ignore sky,late", "without --ignore", "--ignore sky,late"),
        ("--categorical wind", "without --categorical", "--categorical wind"),
    ] {
        let refusal = folder.refusal(&format!("run --resume c --checkpoint c {arguments}"));
        let expected = format!("c: expected a run {held}, as it was begun, found {asked}: leave it out, or begin anew");
        assert_eq!(refusal, expected);
    }
    assert!(folder.read("c") == good);
    let same = "--task classify --target class --scale standard --features missing=mean --model mlp:8 --optimizer sgd --memory none --seed 42 --header auto --metrics accuracy";
    assert_eq!(folder.json(&format!("run s.csv --resume c {same}"))["rows"], 1500, "what agrees may be said again");
}

#[test]
fn another_stream_is_not_continued() {
    let folder = folder();
    let good = folder.read("c");
    let text = stream(1500);
    let place = "expected the stream that the checkpoint comes from, 800 rows in; found";
    let line = |number: usize| text.lines().nth(number).expect("it has this row");
    for (other, expected) in [
        (text.replacen("pressure", "hectopascal", 1), format!("t.csv: {place} another header")),
        (text.replacen(line(800), "1,rain,,1000,calm", 1), format!("t.csv: {place} other rows")),
        (text.replacen(line(5), "1,rain,,1000,calm", 1), format!("t.csv: {place} other rows")),
        (text.lines().take(701).collect::<Vec<_>>().join("\n"), format!("t.csv: {place} the end after 700 rows")),
        (text.replacen(&format!("{}\n", line(3)), "", 1), format!("t.csv: {place} other rows")),
        (String::new(), "t.csv: expected a header or a row, found an empty file".to_owned()),
    ] {
        folder.write("t.csv", other);
        assert_eq!(folder.refusal("run t.csv --resume c --checkpoint c"), expected);
    }
    assert!(folder.refusal("run phishing --resume c").ends_with(&format!("{place} another header")));
    assert!(folder.read("c") == good);
    assert_eq!(folder.json("run --resume c")["rows"], 1500);
}

#[test]
fn a_path_that_cannot_be_written_is_refused_before_anything_is_learned() {
    let folder = folder();
    std::fs::create_dir(folder.path("folder")).expect("the folder takes a folder");
    #[cfg(unix)]
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("socket")).expect("the folder takes a socket");
    for (path, expected) in [
        ("missing/c", "missing/c: cannot write the checkpoint: No such file or directory"),
        ("folder", "folder: cannot write the checkpoint: is a directory"),
        ("s.csv/c", "s.csv/c: cannot write the checkpoint: Not a directory"),
        ("s.csv", "s.csv: expected a checkpoint or no file yet, found something else: it is not replaced"),
        #[cfg(unix)]
        ("socket", "socket: expected a checkpoint or no file yet, found something else: it is not replaced"),
    ] {
        let done = folder.run(&format!("run s.csv --print-every 1 --checkpoint {path}"));
        assert!(!done.err.contains("Accuracy"), "{path}");
        let refusal = done.refused(path);
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    assert_eq!(folder.read("s.csv"), stream(1500).as_bytes(), "the stream is not replaced by a checkpoint");
}

/// A limit on the size of files stands in for a full disk: writing fails half-way.
#[cfg(unix)]
#[test]
fn a_full_disk_costs_no_checkpoint() {
    let folder = folder();
    let good = folder.read("c");
    assert!(good.len() > 2 * 1024);
    let arguments = "run --resume c --checkpoint c --checkpoint-every 100 --print-every 0 --json";
    let script = r#"trap "" XFSZ; ulimit -f 2; exec "$0" "$@""#;
    let mut command = assert_cmd::Command::new("sh");
    command.current_dir(folder.path("")).args(["-c", script, super::support::THALWEG]);
    let done = super::support::Done::new(command.args(arguments.split_whitespace()));
    let refusal = done.refused("a full disk");
    assert!(refusal.starts_with("c: cannot write the checkpoint: File too large"), "{refusal}");
    assert!(folder.read("c") == good);
    assert_eq!(folder.temporary_files(), 0);
    assert_eq!(folder.json("run --resume c --checkpoint c")["rows"], 1500);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = folder();
    std::os::unix::fs::symlink("c", folder.path("latest")).expect("the folder takes a link");
    let done = folder.run("run --resume latest --checkpoint latest --print-every 0");
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    assert!(folder.path("latest").is_symlink());
    assert_eq!(folder.json("inspect c")["rows"], 1500);
}
