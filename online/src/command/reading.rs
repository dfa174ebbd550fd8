//! Where rows come from, and how they are read: what `run` and `compare` have in common.

use std::io;

use clap::Args;
use thalweg_online::features::{FeatureSpec, Scale};
use thalweg_online::spec::{nearest, unknown};
use thalweg_online::stream::bundled::{self, Bundled};
use thalweg_online::synth::{Generated, Seed, Synth};
use thalweg_online::{BadRows, Error, ErrorKind, Format, Header, Stream, StreamOptions, Task, stream};

use super::progress::Progress;

/// How streams are read.
#[derive(Debug, Args)]
pub struct Reading {
    /// The column to predict, or several columns of numbers [default: the last one]
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) target: Vec<String>,
    /// What to learn: auto, classify, regress or multilabel (any number of labels a row). auto: regress if the first 1,000 targets are all numbers, and either one
    /// is no whole number or more than 20 differ [default: auto]
    #[arg(long, value_parser = parse_task)]
    pub(super) task: Option<TaskOption>,
    /// How numbers are scaled: standard, minmax, maxabs, robust, adaptive:0.3 or none [default: standard]
    #[arg(long, value_name = "SPEC", value_parser = Scale::parse)]
    pub(super) scale: Option<Scale>,
    /// What becomes of a row's cells, joined by ";": scale=robust; category=onehot:256, target:10 or hash:64; missing=mean,
    /// zero or last, with :flag=false if wanted; all of them for some columns too: scale(temp*)=none. Of the targets known
    /// so far: lags=12, rolling=mean:12,std:12,min:12,max:12 [default: category=onehot:256; missing=mean]
    #[arg(long, value_name = "SPEC", value_parser = FeatureSpec::parse)]
    pub(super) features: Option<FeatureSpec>,
    /// What stands between the labels of a set [default: , in LIBSVM and VW, else |]
    #[arg(long, value_name = "CHAR")]
    pub(super) label_separator: Option<char>,
    /// csv, tsv, jsonl, arff, libsvm or vw [default: by the extension, else by the first line]
    #[arg(long, value_parser = Format::parse)]
    pub(super) format: Option<Format>,
    /// CSV: the character between two fields [default: found in the first line]
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    pub(super) delimiter: Option<u8>,
    /// CSV: whether the first line is a header: auto (it is, if no cell is a number), yes or no [default: auto]
    #[arg(long, value_parser = parse_header)]
    pub(super) header: Option<Header>,
    /// Columns to leave out
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// Columns that are categories even where they look like numbers
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) categorical: Vec<String>,
    /// Columns in which anything but a number is wrong, from the first row on
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) numeric: Vec<String>,
    /// Columns of dates, such as 2024-02-29 or 2024-02-29T12:30:00: each becomes seven numbers
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) date: Vec<String>,
    /// Columns of text: each becomes counts of words and of their parts
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) text: Vec<String>,
    /// Into how many columns a text is hashed [default: 64]
    #[arg(long, value_name = "N")]
    pub(super) text_columns: Option<u32>,
    /// The column that says how much a row counts: for its gradient, its score and the baselines
    #[arg(long, value_name = "COL")]
    pub(super) weight: Option<String>,
    /// The column that names a row
    #[arg(long, value_name = "COL")]
    pub(super) id: Option<String>,
    /// The column that says when a row was measured: seconds since 1970, or a date
    #[arg(long, value_name = "COL")]
    pub(super) time: Option<String>,
    /// What becomes of a row that cannot be read or used: stop, or skip: it is left out and counted [default: stop]
    #[arg(long, value_parser = parse_bad_rows)]
    pub(super) on_bad_row: Option<BadRows>,
}

/// What `--task` says.
#[derive(Clone, Copy, Debug)]
pub enum TaskOption {
    Auto,
    Is(Task),
}

impl Reading {
    /// What becomes of a row's cells.
    pub fn of_features(&self) -> FeatureSpec {
        let features = self.features.clone().unwrap_or_default();
        match self.scale {
            Some(scale) => features.with_scale(scale),
            None => features,
        }
    }

    /// How the stream is to be read.
    pub fn of_stream(&self) -> StreamOptions {
        let defaults = StreamOptions::default();
        StreamOptions {
            format: self.format,
            target: self.target.first().cloned(),
            more_targets: self.target.iter().skip(1).cloned().collect(),
            label_separator: self.label_separator,
            delimiter: self.delimiter,
            header: self.header.unwrap_or_default(),
            ignore: self.ignore.clone(),
            categorical: self.categorical.clone(),
            numeric: self.numeric.clone(),
            text: self.text.clone(),
            text_columns: self.text_columns.unwrap_or(defaults.text_columns),
            date: self.date.clone(),
            weight: self.weight.clone(),
            id: self.id.clone(),
            time: self.time.clone(),
            bad_rows: self.on_bad_row.unwrap_or_default(),
        }
    }

    /// What to learn from a source: what was asked for, or what its targets suggest.
    pub fn task_of(&self, source: &Source) -> Result<Task, Error> {
        match self.task {
            Some(TaskOption::Is(task)) => Ok(task),
            // Looking at the targets uses the rows up: they must be there a second time.
            Some(TaskOption::Auto) | None if !source.can_be_read_again() => {
                let message = "can be read only once: expected --task classify or --task regress, found --task auto";
                Err(Error::new(ErrorKind::Spec, message).in_file(source.name()))
            }
            Some(TaskOption::Auto) | None => source.open(&mut Progress::new(0), Some(0))?.infer_task(),
        }
    }
}

/// A file, the standard input, a bundled stream, or a generator.
#[derive(Debug)]
pub struct Source {
    name: String,
    kind: Kind,
    pub options: StreamOptions,
}

#[derive(Debug)]
enum Kind {
    File,
    Bundled(&'static Bundled),
    Generator(Box<Synth>),
}

impl Source {
    /// What the name stands for: a file, if there is one; else a bundled stream, else a generator. `seed` is for a
    /// generator that names none.
    pub fn find(name: &str, options: StreamOptions, seed: u64) -> Result<Self, Error> {
        let found = std::fs::metadata(name);
        let is_folder = found.as_ref().is_ok_and(|found| found.is_dir());
        let is_missing = found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        let kind = match bundled::find(name).filter(|_| is_folder || is_missing) {
            Some(bundled) => Kind::Bundled(bundled),
            None if name == "-" || !is_missing => Kind::File,
            None if is_generator(name) => {
                if options != (StreamOptions { bad_rows: options.bad_rows, ..StreamOptions::default() }) {
                    let message = "is a generator: expected nothing said of formats or columns, found such options";
                    return Err(Error::new(ErrorKind::Spec, message).in_file(name));
                }
                Kind::Generator(Box::new(Synth::parse(name, Seed::new(seed)).map_err(|error| error.in_file(name))?))
            }
            None => return Err(not_found(name)),
        };
        Ok(Source { name: name.to_owned(), kind, options })
    }

    /// The name by which it is found again: a generator's has all its seeds.
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Generator(synth) => synth.to_string(),
            Kind::File | Kind::Bundled(_) => self.name.clone(),
        }
    }

    /// Opens it. It is read up to `limit`, without which a generator has no end.
    pub fn open(&self, progress: &mut Progress, limit: Option<u64>) -> Result<Box<dyn Stream>, Error> {
        match (&self.kind, limit) {
            (Kind::Bundled(bundled), limit) => {
                progress.expect_rows(limit.unwrap_or(u64::MAX).min(bundled.rows));
                bundled.open_with(&self.options)
            }
            (Kind::Generator(synth), Some(rows)) => {
                progress.expect_rows(rows);
                Ok(Box::new(Generated::new(Synth::clone(synth))))
            }
            (Kind::Generator(_), None) => {
                let message = "a generator has no end: expected --limit N, found nothing";
                Err(Error::new(ErrorKind::Spec, message).in_file(&self.name))
            }
            (Kind::File, Some(rows)) => {
                progress.expect_rows(rows);
                stream::open(&self.name, &self.options)
            }
            (Kind::File, None) if self.name == "-" => stream::open(&self.name, &self.options),
            (Kind::File, None) => stream::open_through(&self.name, &self.options, |file| progress.watch(file)),
        }
    }

    /// Whether it can be opened a second time: not the standard input, nor a pipe.
    pub fn can_be_read_again(&self) -> bool {
        let is_pipe = || std::fs::metadata(&self.name).is_ok_and(|found| !found.is_file() && !found.is_dir());
        !matches!(self.kind, Kind::File) || self.name != "-" && !is_pipe()
    }
}

/// Whether a name begins as a generator's does.
fn is_generator(name: &str) -> bool {
    let end = name.find([':', '(']).unwrap_or(name.len());
    let (head, rest) = name.split_at(end);
    match rest.starts_with('(') {
        true => ["drift", "recurring", "permuted", "rotated"].contains(&head.trim()),
        false => Synth::parse(head, Seed::new(0)).is_ok(),
    }
}

fn not_found(name: &str) -> Error {
    let names = bundled_names();
    let near = nearest(name, &names).map_or(String::new(), |near| format!(" did you mean {near:?}?"));
    let message = format!("expected a file or a bundled stream, found neither;{near} bundled: {}", names.join(", "));
    Error::new(ErrorKind::Io, message).in_file(name)
}

/// The names of the bundled streams.
pub fn bundled_names() -> Vec<&'static str> {
    bundled::all().iter().map(|stream| stream.name).collect()
}

fn parse_task(text: &str) -> Result<TaskOption, Error> {
    match text {
        "auto" => Ok(TaskOption::Auto),
        "classify" => Ok(TaskOption::Is(Task::Classify)),
        "regress" => Ok(TaskOption::Is(Task::Regress)),
        "multilabel" => Ok(TaskOption::Is(Task::MultiLabel)),
        other => Err(unknown("task", other, &["auto", "classify", "regress", "multilabel"]).into()),
    }
}

fn parse_header(text: &str) -> Result<Header, Error> {
    match text {
        "auto" => Ok(Header::Auto),
        "yes" => Ok(Header::Yes),
        "no" => Ok(Header::No),
        other => Err(unknown("header", other, &["auto", "yes", "no"]).into()),
    }
}

fn parse_bad_rows(text: &str) -> Result<BadRows, Error> {
    match text {
        "stop" => Ok(BadRows::Stop),
        "skip" => Ok(BadRows::Skip),
        other => Err(unknown("answer to a bad row", other, &["stop", "skip"]).into()),
    }
}

fn parse_delimiter(text: &str) -> Result<u8, Error> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        &[byte] => Ok(byte),
        _ => Err(Error::expected(ErrorKind::Spec, "one character of ASCII, or \\t", text)),
    }
}
