//! A folder to work in, the command, and streams to give it.

use std::path::PathBuf;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

/// Where the command is.
pub const THALWEG: &str = env!("CARGO_BIN_EXE_thalweg");

/// A folder of its own for each test; the command runs in it, so that messages name files as they were given.
pub struct Folder(tempfile::TempDir);

/// What the command did.
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).expect("the folder takes a file");
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("the file is there")
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("the file is there");
    }

    /// How many files are called like a temporary one.
    pub fn temporary_files(&self) -> usize {
        let files = std::fs::read_dir(self.0.path()).expect("the folder is there");
        let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(".thalweg-") && name.ends_with(".tmp")).count()
    }

    /// The command with these arguments, separated by spaces.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(THALWEG);
        command.current_dir(self.0.path()).args(arguments.split_whitespace()).timeout(Duration::from_secs(120));
        command
    }

    pub fn run(&self, arguments: &str) -> Done {
        Done::new(&mut self.command(arguments))
    }

    /// What it prints when all goes well.
    pub fn text(&self, arguments: &str) -> String {
        self.run(arguments).succeeded(arguments)
    }

    /// The one object that it prints when all goes well.
    pub fn json(&self, arguments: &str) -> Value {
        let arguments = format!("{arguments} --json");
        serde_json::from_str(&self.text(&arguments)).expect("stdout is one JSON value and nothing else")
    }

    /// The one line that it says when it refuses: without `error: `.
    #[track_caller]
    pub fn refusal(&self, arguments: &str) -> String {
        self.run(arguments).refused(arguments)
    }
}

impl Done {
    pub fn new(command: &mut Command) -> Self {
        let output = command.output().expect("the command starts");
        let text = |bytes| String::from_utf8(bytes).expect("the command speaks UTF-8");
        Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub fn succeeded(self, what: &str) -> String {
        assert_eq!(self.code, Some(0), "{what}: {}", self.err);
        self.out
    }

    /// Exit code 2, nothing on stdout, and one line that says why: the last on stderr.
    #[track_caller]
    pub fn refused(self, what: &str) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(2), ""), "{what}: {}", self.err);
        let last = self.err.lines().last().unwrap_or_default();
        assert_eq!(self.err.matches("error: ").count(), 1, "{what}: one line says why: {}", self.err);
        last.strip_prefix("error: ").unwrap_or_else(|| panic!("{what}: {last}")).to_owned()
    }
}

/// The result without what depends on the clock and the machine.
pub fn timeless(mut result: Value) -> Value {
    let object = result.as_object_mut().expect("a result is an object");
    for key in ["rows_per_second", "peak_rss_bytes"] {
        assert!(object.remove(key).is_some(), "{key}");
    }
    result
}

/// The names in an object, in order.
pub fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// A result over a stream that has been moved.
pub fn nameless(result: Value) -> Value {
    let mut result = timeless(result);
    assert!(result.as_object_mut().expect("a result is an object").remove("stream").is_some());
    result
}

/// A stream with all that makes a learner grow: categories (one late), missing, NaN and infinite cells, a column that is
/// empty in the first half, rows without a target, and a class that is first seen after two thirds.
pub fn stream(rows: usize) -> String {
    let mut text = "wind,sky,late,pressure,class\n".to_owned();
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: u64| {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        (bits >> 11) % below
    };
    for row in 0..rows {
        let (wind, pressure) = (next(2000) as f64 / 100.0, 1000.0 + next(500) as f64 / 10.0);
        let sky = ["clear", "cloud", "rain", "fog"][next(if row > rows / 3 { 4 } else { 3 }) as usize];
        let class = match (wind > 12.0, pressure > 1025.0) {
            _ if row % 97 == 96 => "",
            (true, true) if row > 2 * rows / 3 => "gale",
            (true, _) => "storm",
            (_, true) => "calm",
            _ if sky == "rain" => "storm",
            _ => "calm",
        };
        let cell = match next(40) {
            0 => String::new(),
            1 => "NaN".to_owned(),
            2 => "-inf".to_owned(),
            _ => wind.to_string(),
        };
        let late = if row < rows / 2 { String::new() } else { format!("{}", next(100) as f64 + wind) };
        text += &format!("{cell},{sky},{late},{pressure},{class}\n");
    }
    text
}

/// The bytes of a gzip file.
pub fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).expect("memory takes all bytes")
}
