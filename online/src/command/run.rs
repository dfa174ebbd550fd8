//! `thalweg run`: one pass over a stream.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use thalweg_online::stream::bundled;
use thalweg_online::{
    Config, CsvOptions, CsvStream, Error, ErrorKind, Header, MemorySpec, Model, OptimizerSpec, Record, Session, Task,
};

use super::progress::Progress;
use super::{Failure, Output, report};

/// How to run over a stream.
#[derive(Debug, Args)]
pub struct Options {
    /// A CSV file, plain or gzip, or the name of a bundled stream (with --resume: the checkpoint's, if left out)
    stream: Option<String>,
    /// The column to predict [default: the last one]
    #[arg(long, value_name = "COL")]
    target: Option<String>,
    /// What to learn: auto, classify or regress. auto: regress if the first 1,000 targets are all numbers, and either one
    /// is no whole number or more than 20 differ [default: auto]
    #[arg(long, value_parser = parse_task)]
    task: Option<TaskOption>,
    /// linear, mlp:64,64, rnn:32, lstm:32 or gru:32. The recurrent ones take the options window=16 (through how many rows
    /// the gradient goes back) and last=true (whether the last known target is an input) [default: mlp:64,64]
    #[arg(long, value_name = "SPEC", value_parser = Model::parse)]
    model: Option<Model>,
    /// sgd:0.03 (momentum, nesterov, decay, clip), adam:0.001 or adamw:0.001 (decay, clip) [default: sgd:0.03]
    #[arg(long, value_name = "SPEC", value_parser = OptimizerSpec::parse)]
    optimizer: Option<OptimizerSpec>,
    /// none, or reservoir:500,replays=4: keep a sample of 500 rows, learn 4 of them again with each new one
    /// [default: none]
    #[arg(long, value_name = "SPEC", value_parser = MemorySpec::parse)]
    memory: Option<MemorySpec>,
    /// Where every random choice begins [default: 42]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Stop after this many rows of the stream
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Report after every N rows, where stderr is no terminal; 0: never
    #[arg(long, value_name = "N", default_value_t = 1000)]
    print_every: u64,
    /// Save everything there at the end, and on the way
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Save after every N rows; 0: only at the end
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "checkpoint")]
    checkpoint_every: u64,
    /// Continue from a checkpoint, as if there had been no stop
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// The character between two fields [default: found in the first line]
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// Whether the first line is a header: auto (it is, if no cell is a number), yes or no [default: auto]
    #[arg(long, value_parser = parse_header)]
    header: Option<Header>,
    /// Columns to leave out
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Columns that are categories even where they look like numbers
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    categorical: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// What `--task` says.
#[derive(Clone, Copy, Debug)]
pub enum TaskOption {
    Auto,
    Is(Task),
}

/// Runs over the stream, and reports.
pub fn run(options: &Options) -> Result<(), Failure> {
    let mut session = match &options.resume {
        Some(checkpoint) => resumed(options, checkpoint)?,
        None => fresh(options)?,
    };
    if let Some(path) = &options.checkpoint {
        thalweg_online::checkpoint::check_writable(path)?;
    }
    let mut progress = Progress::new(options.print_every);
    let mut stream = open(session.stream(), session.options(), &mut progress, options.limit)?;
    session.follow(&mut stream)?;
    let (clock, before) = (Instant::now(), session.rows());
    let learned = learn(options, &mut session, &mut stream, &mut progress);
    progress.finish();
    let seconds = clock.elapsed().as_secs_f64();
    if let Some(path) = &options.checkpoint {
        session.save(path)?;
    }
    if let Err(error) = learned {
        if let Some(path) = &options.checkpoint {
            eprintln!("{} holds what was learned from the first {} rows", path.display(), session.rows());
        }
        return Err(error.into());
    }
    let speed = (session.rows() - before) as f64 / seconds;
    Ok(report::run(&session, speed, options.output.json)?)
}

/// Row by row, to the end of the stream or the limit.
fn learn(
    options: &Options,
    session: &mut Session,
    stream: &mut CsvStream,
    progress: &mut Progress,
) -> Result<(), Error> {
    let mut record = Record::new();
    let limit = options.limit.unwrap_or(u64::MAX);
    while session.rows() < limit && session.advance(stream, &mut record)? {
        progress.row(session);
        if let Some(path) = &options.checkpoint
            && options.checkpoint_every > 0
            && session.rows().is_multiple_of(options.checkpoint_every)
        {
            session.save(path)?;
        }
    }
    Ok(())
}

/// A session at the beginning of a stream.
fn fresh(options: &Options) -> Result<Session, Error> {
    let Some(name) = &options.stream else {
        let names: Vec<&str> = bundled::all().iter().map(|stream| stream.name).collect();
        let message = format!("expected a CSV file or a bundled stream ({}), found nothing", names.join(", "));
        return Err(Error::new(ErrorKind::Spec, message));
    };
    let csv = CsvOptions {
        target: options.target.clone(),
        delimiter: options.delimiter,
        header: options.header.unwrap_or_default(),
        ignore: options.ignore.clone(),
        categorical: options.categorical.clone(),
    };
    let task = match options.task {
        Some(TaskOption::Is(task)) => task,
        Some(TaskOption::Auto) | None => open(name, &csv, &mut Progress::new(0), None)?.infer_task()?,
    };
    let mut config = Config::new(task);
    config.model = options.model.clone().unwrap_or(config.model);
    config.optimizer = options.optimizer.clone().unwrap_or(config.optimizer);
    config.memory = options.memory.clone().unwrap_or(config.memory);
    config.seed = options.seed.unwrap_or(config.seed);
    Ok(Session::new(config, name, csv))
}

/// The session of a checkpoint. What the arguments say beside it must agree with it.
fn resumed(options: &Options, checkpoint: &Path) -> Result<Session, Error> {
    let mut session = Session::load(checkpoint)?;
    let (config, csv) = (session.learner().config(), session.options());
    let task = match options.task {
        Some(TaskOption::Is(task)) => Some(task.to_string()),
        Some(TaskOption::Auto) | None => None,
    };
    let asked = [
        ("--task", task, config.task.to_string()),
        ("--model", options.model.as_ref().map(Model::to_string), config.model.to_string()),
        ("--optimizer", options.optimizer.as_ref().map(OptimizerSpec::to_string), config.optimizer.to_string()),
        ("--memory", options.memory.as_ref().map(MemorySpec::to_string), config.memory.to_string()),
        ("--seed", options.seed.map(|seed| seed.to_string()), config.seed.to_string()),
        ("--target", options.target.clone(), csv.target.clone().unwrap_or_else(|| "the last column".to_owned())),
        ("--delimiter", options.delimiter.map(|byte| char::from(byte).to_string()), csv.delimiter.map_or_else(|| "found in the first line".to_owned(), |byte| char::from(byte).to_string())),
        ("--header", options.header.map(|header| format!("{header:?}")), format!("{:?}", csv.header)),
        ("--ignore", list(&options.ignore), csv.ignore.join(",")),
        ("--categorical", list(&options.categorical), csv.categorical.join(",")),
    ];
    for (flag, asked, held) in asked {
        if let Some(asked) = asked.filter(|asked| *asked != held) {
            let message = format!("holds a run with {flag} {held}, found {flag} {asked}: leave it out, or begin anew");
            return Err(Error::new(ErrorKind::Checkpoint, message).in_file(checkpoint));
        }
    }
    if let Some(name) = &options.stream {
        session.moved_to(name);
    }
    Ok(session)
}

/// A list as it was given; `None` if it was not.
fn list(columns: &[String]) -> Option<String> {
    (!columns.is_empty()).then(|| columns.join(","))
}

/// Opens a file, or a bundled stream if there is no file of that name.
fn open(name: &str, csv: &CsvOptions, progress: &mut Progress, limit: Option<u64>) -> Result<CsvStream, Error> {
    match bundled::find(name).filter(|_| !Path::new(name).exists()) {
        Some(stream) => {
            progress.expect_rows(limit.unwrap_or(u64::MAX).min(stream.rows));
            stream.open_with(csv)
        }
        None if limit.is_some() => {
            limit.into_iter().for_each(|rows| progress.expect_rows(rows));
            CsvStream::open(name, csv)
        }
        None => CsvStream::open_through(name, csv, |file| progress.watch(file)),
    }
}

fn parse_task(text: &str) -> Result<TaskOption, Error> {
    match text {
        "auto" => Ok(TaskOption::Auto),
        "classify" => Ok(TaskOption::Is(Task::Classify)),
        "regress" => Ok(TaskOption::Is(Task::Regress)),
        other => Err(thalweg_online::spec::unknown("task", other, &["auto", "classify", "regress"])),
    }
}

fn parse_header(text: &str) -> Result<Header, Error> {
    match text {
        "auto" => Ok(Header::Auto),
        "yes" => Ok(Header::Yes),
        "no" => Ok(Header::No),
        other => Err(thalweg_online::spec::unknown("header", other, &["auto", "yes", "no"])),
    }
}

fn parse_delimiter(text: &str) -> Result<u8, Error> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        &[byte] => Ok(byte),
        _ => Err(Error::expected(ErrorKind::Spec, "one character of ASCII, or \\t", text)),
    }
}
