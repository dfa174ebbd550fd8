//! `thalweg learn`: streams into a checkpoint.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use thalweg_online::{Error, ErrorKind, Session, checkpoint};

use super::config::ConfigFile;
use super::learning::{Learning, seed, used};
use super::pass::{Passed, Saving, pass, warn_of_absent_classes, warn_of_excess};
use super::progress::Progress;
use super::reading::Reading;
use super::report::{decimal, grouped, metrics, number};
use super::resume::agree_on_learner;
use super::source::Source;
use super::{Failure, Output, kept, say};

/// What to learn, and where to keep it.
#[derive(Debug, Args)]
pub struct Options {
    /// Files, plain or compressed; - for the standard input; bundled streams or generators: one after the other
    #[arg(value_name = "STREAM", required = true)]
    streams: Vec<String>,
    /// The checkpoint: what is learned goes there, at the end of each stream and on the way
    #[arg(long, value_name = "FILE", required = true)]
    checkpoint: PathBuf,
    /// Save after every N rows; 0: only at the end of each stream
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    checkpoint_every: u64,
    #[command(flatten)]
    learning: Learning,
    /// Stop after this many rows of each stream
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Report after every N rows, where stderr is no terminal; 0: never
    #[arg(long, value_name = "N", default_value_t = 1000)]
    print_every: u64,
    #[command(flatten)]
    pub(super) reading: Reading,
    #[command(flatten)]
    pub(super) file: ConfigFile,
    #[command(flatten)]
    output: Output,
}

/// Learns the streams, and says for each what it was.
pub fn run(options: &Options) -> Result<(), Failure> {
    checkpoint::check_writable(&options.checkpoint)?;
    checkpoint::sweep(&options.checkpoint);
    let mut held = match options.checkpoint.exists() {
        true => Some(loaded(options)?),
        false => None,
    };
    let mut told = Vec::new();
    for name in &options.streams {
        let (session, passed) = learn(options, name, held)?;
        warn_of_excess(&session);
        warn_of_absent_classes(&session);
        let out = &mut io::stdout().lock();
        match options.output.json {
            true => told.push(as_json(&session, passed)),
            false => writeln!(out, "{}", as_text(&session, passed))?,
        }
        held = Some(session);
    }
    if let (true, Some(session)) = (options.output.json, held) {
        let learned = session.learner();
        let mut result = json!({
            "streams": told,
            "checkpoint": options.checkpoint.display().to_string(),
            "learned": learned.rows(),
            "ignored_cells": learned.features().ignored(),
            "metrics": metrics(session.evaluation().scores()),
            "fingerprint": format!("{:016x}", learned.fingerprint()),
        });
        result.as_object_mut().into_iter().for_each(|members| members.extend(kept::as_json(learned)));
        writeln!(io::stdout().lock(), "{result}")?;
    }
    Ok(())
}

/// The learner of a checkpoint that is there already.
fn loaded(options: &Options) -> Result<Session, Error> {
    let session = Session::load(&options.checkpoint)?;
    if let Some(trunk) = &options.learning.trunk {
        let message = format!("expected a new checkpoint beside --trunk {}, found one to go on from", trunk.display());
        return Err(Error::new(ErrorKind::Spec, message).in_file(&options.checkpoint));
    }
    agree_on_learner(&options.checkpoint, &session, &options.learning, &options.reading)?;
    Ok(session)
}

/// Learns one stream, by a learner that is there already or a new one.
fn learn(options: &Options, name: &str, held: Option<Session>) -> Result<(Session, Passed), Error> {
    let (mut session, mut source) = match held {
        None => options.learning.begin(Some(name), &options.reading)?,
        Some(mut session) => {
            let delay = session.evaluation().delay();
            let stream_options = options.reading.of_another_stream(session.options(), session.target(), delay);
            let source = Source::find(name, stream_options.clone(), seed(session.learner()))?;
            warn_of_twice(options, &session, &source.name());
            session.turn_to(source.name(), stream_options)?;
            (session, source)
        }
    };
    options.file.write(&used(&session))?;
    let mut progress = Progress::new(options.print_every);
    let mut stream = source.open(&mut progress, options.limit)?;
    let saving = Saving { checkpoint: Some(&options.checkpoint), every: options.checkpoint_every };
    let passed = pass(&mut session, &mut *stream, options.limit, saving, &mut progress)?;
    Ok((session, passed))
}

/// Rows that are learned a second time were perhaps meant to be gone on from.
fn warn_of_twice(options: &Options, session: &Session, name: &str) {
    if session.stream() == name && name != "-" {
        let (file, rows) = (options.checkpoint.display(), grouped(session.rows()));
        say(&format!(
            "note: {file} has learned {rows} rows of {name} already, and learns them once more; to go on behind them: \
             thalweg run --resume {file} --checkpoint {file}"
        ));
    }
}

fn as_text(session: &Session, passed: Passed) -> String {
    let scores = session.evaluation().scores();
    let (name, figure) = scores.entries()[0];
    let mut notes: Vec<String> = Vec::new();
    notes.extend(passed.rows_per_second().map(|rate| format!("{} rows/s", grouped(rate as u64))));
    let (evaluation, waiting) = (session.evaluation(), session.evaluation().waiting() as u64);
    let unlabelled = if evaluation.horizon() > 0 { "never answered" } else { "without a target" };
    for (count, what) in
        [(session.unlabelled(), unlabelled), (waiting, "waiting for an answer"), (session.skipped(), "left out")]
    {
        notes.extend((count > 0).then(|| format!("{} {what}", grouped(count))));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let rows = grouped(session.rows());
    let (name, figure, scored) = (name.replace('_', " "), decimal(figure), grouped(scores.count()));
    format!("{}: {rows} rows{notes}; {name} {figure} over {scored} rows", session.stream())
}

fn as_json(session: &Session, passed: Passed) -> Value {
    json!({
        "stream": session.stream(),
        "rows": session.rows(),
        "skipped": session.skipped(),
        "non_finite_cells": session.non_finite(),
        "rows_per_second": number(passed.rows_per_second().map_or(f64::NAN, f64::round)),
    })
}
