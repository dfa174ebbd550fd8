//! `thalweg run`: one pass over a stream.

use std::path::PathBuf;

use clap::Args;
use thalweg_online::session::{ContextScores, HoldOut};
use thalweg_online::{Error, Session, checkpoint};

use super::config::ConfigFile;
use super::learning::{Learning, used};
use super::pass::{Saving, pass, warn_of_absent_classes, warn_of_excess};
use super::progress::Progress;
use super::reading::Reading;
use super::source::Source;
use super::{Failure, Output, report, resume};

/// How to run over a stream.
#[derive(Debug, Args)]
pub struct Options {
    /// A file, plain or compressed with gzip or zstd; - for the standard input; the name of a bundled stream; or a
    /// generator, as for generate: "led:noise=0.28,river" (with --resume: the checkpoint's, if left out)
    pub(super) stream: Option<String>,
    #[command(flatten)]
    pub(super) learning: Learning,
    /// Do not learn every Nth row of each context (--context), but ask for it wherever a context ends: how well each is
    /// known before and after it was learned, and what is forgotten. 5,most=200: at most 200 rows are held out of each,
    /// those of its first time
    #[arg(long, value_name = "N", value_parser = HoldOut::parse)]
    pub(super) hold_out: Option<HoldOut>,
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
    #[arg(long, value_name = "FILE", conflicts_with = "trunk")]
    pub(super) resume: Option<PathBuf>,
    #[command(flatten)]
    pub(super) reading: Reading,
    #[command(flatten)]
    pub(super) file: ConfigFile,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Runs over the stream, and reports.
pub fn run(options: &Options) -> Result<(), Failure> {
    let (mut session, mut source) = match &options.resume {
        Some(checkpoint) => resume::load(options, checkpoint)?,
        None => begin(options)?,
    };
    let hold_out = session.contexts().map(ContextScores::hold_out);
    let hold_out = hold_out.map(|hold_out| ("hold-out", hold_out.to_string()));
    let stream = ("stream", session.stream().to_owned());
    options.file.write(&[used(&session), hold_out.into_iter().chain([stream]).collect()].concat())?;
    if let Some(path) = &options.checkpoint {
        checkpoint::check_writable(path)?;
        checkpoint::sweep(path);
        resume::warn_of_loss(options, path);
    }
    let saving = Saving { checkpoint: options.checkpoint.as_deref(), every: options.checkpoint_every };
    let mut progress = Progress::new(options.print_every);
    let mut stream = source.open(&mut progress, options.limit)?;
    resume::check_target(options, &*stream)?;
    let passed = pass(&mut session, &mut *stream, options.limit, saving, &mut progress)?;
    // What was saved goes on; what is reported has seen all labels.
    session.finish()?;
    warn_of_excess(&session);
    warn_of_absent_classes(&session);
    Ok(report::run(&session, passed.rows_per_second(), options.output.json)?)
}

fn begin(options: &Options) -> Result<(Session, Source), Error> {
    let (session, source) = options.learning.begin(options.stream.as_deref(), &options.reading)?;
    match options.hold_out {
        Some(hold_out) => Ok((session.holding_out(hold_out)?, source)),
        None => Ok((session, source)),
    }
}
