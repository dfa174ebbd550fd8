//! `thalweg run`: one pass over a stream.

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use thalweg_online::features::{FeatureSpec, Scale};
use thalweg_online::spec::{nearest, unknown};
use thalweg_online::stream::bundled;
use thalweg_online::{
    BadRows, Config, Delay, Error, ErrorKind, Format, Header, MemorySpec, Metrics, Model, OptimizerSpec, Record, Session,
    Stream, StreamOptions, Task, checkpoint, stream,
};

use super::progress::Progress;
use super::{Failure, Output, report, resume, say};

/// How to run over a stream.
#[derive(Debug, Args)]
pub struct Options {
    /// A file, plain or compressed with gzip or zstd; - for the standard input; or the name of a bundled stream (with
    /// --resume: the checkpoint's, if left out)
    pub(super) stream: Option<String>,
    /// The column to predict [default: the last one]
    #[arg(long, value_name = "COL")]
    pub(super) target: Option<String>,
    /// What to learn: auto, classify or regress. auto: regress if the first 1,000 targets are all numbers, and either one
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
    /// linear, mlp:64,64, rnn:32, lstm:32 or gru:32, or any layers joined by >, as in "lstm:64x2 > mlp:32". The
    /// recurrent ones take the options window=16 (through how many rows the gradient goes back) and last=true (whether the
    /// last known target is an input): "lstm:32,window=8", "carry:window=8 > lstm:64x2" [default: mlp:64,64]
    #[arg(long, value_name = "SPEC", value_parser = Model::parse)]
    pub(super) model: Option<Model>,
    /// sgd:0.03, adagrad:0.01, rmsprop:0.01, adadelta:1, adam:0.001, adamw:0.001, amsgrad:0.001, adamax:0.002,
    /// nadam:0.002 or radam:0.001, with options such as momentum=0.9, nesterov=true, weight_decay=0.01, clip=1, and a
    /// schedule: warmup=100, and cosine, linear or one_cycle=10000 [default: sgd:0.03]
    #[arg(long, value_name = "SPEC")]
    pub(super) optimizer: Option<OptimizerSpec>,
    /// none, or reservoir:500,replays=4: keep a sample of 500 rows, learn 4 of them again with each new one
    /// [default: none]
    #[arg(long, value_name = "SPEC", value_parser = MemorySpec::parse)]
    pub(super) memory: Option<MemorySpec>,
    /// More metrics than the usual ones: accuracy, f1:macro, auc, mae, pinball:0.9 and others. With @500 behind it, a metric
    /// is that of the last 500 rows; with @0.999, each row counts 0.999 times as much as the next
    #[arg(long, value_name = "LIST", value_parser = Metrics::parse)]
    pub(super) metrics: Option<Metrics>,
    /// How much later than its row each label comes: after so many rows, 50, or a time, 3600s, 90m, 2h or 1d, by the
    /// column that --time names [default: 0]
    #[arg(long, value_name = "N|TIME", value_parser = Delay::parse)]
    pub(super) delay: Option<Delay>,
    /// Where every random choice begins [default: 42]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Stop after this many rows of the stream
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
    /// Report after every N rows, where stderr is no terminal; 0: never
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(super) print_every: u64,
    /// Save everything there at the end, and on the way
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
    /// Save after every N rows; 0: only at the end
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "checkpoint")]
    pub(super) checkpoint_every: u64,
    /// Continue from a checkpoint, as if there had been no stop
    #[arg(long, value_name = "FILE")]
    pub(super) resume: Option<PathBuf>,
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
    /// The column that says how much a row counts
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
    #[command(flatten)]
    pub(super) output: Output,
}

/// More classes than this are worth a warning.
const MANY_CLASSES: usize = 1000;

/// What `--task` says.
#[derive(Clone, Copy, Debug)]
pub enum TaskOption {
    Auto,
    Is(Task),
}

/// Runs over the stream, and reports.
pub fn run(options: &Options) -> Result<(), Failure> {
    let mut session = match &options.resume {
        Some(checkpoint) => resume::load(options, checkpoint)?,
        None => fresh(options)?,
    };
    if let Some(path) = &options.checkpoint {
        checkpoint::check_writable(path)?;
        checkpoint::sweep(path);
        resume::warn_of_loss(options, path);
    }
    let mut progress = Progress::new(options.print_every);
    let mut stream = open(session.stream(), session.options(), &mut progress, options.limit)?;
    resume::check_target(options, &*stream)?;
    progress.skip(session.rows());
    session.follow(&mut *stream)?;
    let (clock, before) = (Instant::now(), session.rows());
    progress.begin(before);
    let learned = learn(options, &mut session, &mut *stream, &mut progress);
    progress.finish();
    if let Err(error) = learned {
        suggest(&error);
        save_what_was_learned(options, &session, before);
        return Err(error.into());
    }
    if let Some(path) = &options.checkpoint {
        session.save(path)?;
    }
    // What was saved goes on; what is reported has seen all labels.
    session.finish()?;
    let seconds = clock.elapsed().as_secs_f64();
    warn_of_many_classes(&session);
    let speed = (session.rows() - before) as f64 / seconds;
    Ok(report::run(&session, speed, options.output.json)?)
}

/// Row by row, to the end of the stream or the limit.
fn learn(
    options: &Options,
    session: &mut Session,
    stream: &mut dyn Stream,
    progress: &mut Progress,
) -> Result<(), Error> {
    let mut record = Record::new();
    let (limit, mut warned) = (options.limit.unwrap_or(u64::MAX), session.skipped() > 0);
    while session.rows() < limit && session.advance(stream, &mut record)? {
        progress.row(session);
        if let (1, Some(first), false) = (session.skipped(), session.first_skipped(), warned) {
            say(&format!("warning: a row is left out, as later ones will be: {first}"));
            warned = true;
        }
        if let Some(path) = &options.checkpoint
            && options.checkpoint_every > 0
            && session.rows().is_multiple_of(options.checkpoint_every)
        {
            session.save(path)?;
        }
    }
    Ok(())
}

/// What can be done about a row whose values are of another type than those before.
fn suggest(error: &Error) {
    if let (ErrorKind::Type, Some(_), Some(column)) = (error.kind(), error.row(), error.column()) {
        say(&format!(
            "note: --categorical {column:?} takes what stands in the column for categories, --on-bad-row skip leaves such \
             rows out"
        ));
    }
}

/// After a failure. A session that has learned nothing new must not take the place of one that has.
fn save_what_was_learned(options: &Options, session: &Session, before: u64) {
    let rows = session.rows();
    match &options.checkpoint {
        _ if rows == before => {}
        Some(path) if session.save(path).is_ok() => {
            say(&format!("note: {} holds what was learned from the first {rows} rows", path.display()));
        }
        Some(_) => {}
        None => say(&format!("note: what was learned from {} rows is lost; --checkpoint FILE keeps it", rows - before)),
    }
}

/// A class for every customer number is no classification, and costs a row of weights each.
fn warn_of_many_classes(session: &Session) {
    let classes = session.learner().classes().len();
    if classes > MANY_CLASSES {
        say(&format!(
            "warning: {classes} classes were seen: is the target an identifier, or a number to --task regress?"
        ));
    }
}

/// A session at the beginning of a stream.
fn fresh(options: &Options) -> Result<Session, Error> {
    let Some(name) = &options.stream else {
        let message = format!("expected a file or a bundled stream ({}), found nothing", bundled_names().join(", "));
        return Err(Error::new(ErrorKind::Spec, message));
    };
    let reading = options.of_stream();
    let task = match options.task {
        Some(TaskOption::Is(task)) => task,
        // Looking at the targets uses the rows up: they must be there a second time.
        Some(TaskOption::Auto) | None
            if name == "-" || std::fs::metadata(name).is_ok_and(|found| !found.is_file() && !found.is_dir()) =>
        {
            let message = "can be read only once: expected --task classify or --task regress, found --task auto";
            return Err(Error::new(ErrorKind::Spec, message).in_file(name));
        }
        Some(TaskOption::Auto) | None => open(name, &reading, &mut Progress::new(0), None)?.infer_task()?,
    };
    let mut config = Config::new(task);
    config.features = options.of_features();
    config.features.check(task)?;
    config.model = options.model.clone().unwrap_or(config.model);
    config.optimizer = options.optimizer.clone().unwrap_or(config.optimizer);
    config.memory = options.memory.clone().unwrap_or(config.memory);
    config.seed = options.seed.unwrap_or(config.seed);
    let metrics = options.metrics.clone().unwrap_or_default();
    let session = Session::with_metrics(config, name, reading, &metrics)?;
    Ok(session.delayed(options.delay.unwrap_or_default()))
}

impl Options {
    /// What becomes of a row's cells.
    pub(super) fn of_features(&self) -> FeatureSpec {
        let features = self.features.clone().unwrap_or_default();
        match self.scale {
            Some(scale) => features.with_scale(scale),
            None => features,
        }
    }

    /// How the stream is to be read.
    fn of_stream(&self) -> StreamOptions {
        let defaults = StreamOptions::default();
        StreamOptions {
            format: self.format,
            target: self.target.clone(),
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
}

/// Opens a file, the standard input, or a bundled stream if there is no file of that name.
fn open(
    name: &str,
    options: &StreamOptions,
    progress: &mut Progress,
    limit: Option<u64>,
) -> Result<Box<dyn Stream>, Error> {
    let found = std::fs::metadata(name);
    if let Some(stream) = bundled::find(name).filter(|_| !found.as_ref().is_ok_and(|found| !found.is_dir())) {
        progress.expect_rows(limit.unwrap_or(u64::MAX).min(stream.rows));
        return stream.open_with(options);
    }
    if name != "-" && found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Err(not_found(name));
    }
    match limit {
        Some(rows) => {
            progress.expect_rows(rows);
            stream::open(name, options)
        }
        None if name == "-" => stream::open(name, options),
        None => stream::open_through(name, options, |file| progress.watch(file)),
    }
}

fn not_found(name: &str) -> Error {
    let names = bundled_names();
    let near = nearest(name, &names).map_or(String::new(), |near| format!(" did you mean {near:?}?"));
    let message = format!("expected a file or a bundled stream, found neither;{near} bundled: {}", names.join(", "));
    Error::new(ErrorKind::Io, message).in_file(name)
}

fn bundled_names() -> Vec<&'static str> {
    bundled::all().iter().map(|stream| stream.name).collect()
}

fn parse_task(text: &str) -> Result<TaskOption, Error> {
    match text {
        "auto" => Ok(TaskOption::Auto),
        "classify" => Ok(TaskOption::Is(Task::Classify)),
        "regress" => Ok(TaskOption::Is(Task::Regress)),
        other => Err(unknown("task", other, &["auto", "classify", "regress"]).into()),
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
