//! `thalweg run`: one pass over a stream.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use thalweg_online::{
    ClassWeights, Config, Delay, Error, ErrorKind, LossSpec, MemorySpec, Metrics, Model, OptimizerSpec, Record,
    Session, Stream, Task, checkpoint,
};

use super::progress::Progress;
use super::reading::{Reading, Source, bundled_names};
use super::{Failure, Output, report, resume, say};

/// How to run over a stream.
#[derive(Debug, Args)]
pub struct Options {
    /// A file, plain or compressed with gzip or zstd; - for the standard input; the name of a bundled stream; or a
    /// generator, as for generate: "led:noise=0.28,river" (with --resume: the checkpoint's, if left out)
    pub(super) stream: Option<String>,
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
    /// What is minimised where numbers are predicted: mse, mae, huber:1 (in deviations of the target), or
    /// quantile:0.1,0.5,0.9, which predicts these quantiles [default: mse]
    #[arg(long, value_name = "SPEC")]
    pub(super) loss: Option<LossSpec>,
    /// How much each class counts: none, balanced (rare ones more, by the rows so far) or up=2,down=0.5 [default: none]
    #[arg(long, value_name = "SPEC")]
    pub(super) class_weight: Option<ClassWeights>,
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
    #[command(flatten)]
    pub(super) reading: Reading,
    #[command(flatten)]
    pub(super) output: Output,
}

/// More classes than this are worth a warning.
const MANY_CLASSES: usize = 1000;

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
    let source = Source::find(session.stream(), session.options().clone(), session.learner().config().seed)?;
    let mut stream = source.open(&mut progress, options.limit)?;
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
    let mut config = Config::new(Task::Classify);
    config.model = options.model.clone().unwrap_or(config.model);
    config.optimizer = options.optimizer.clone().unwrap_or(config.optimizer);
    config.memory = options.memory.clone().unwrap_or(config.memory);
    config.loss = options.loss.clone().unwrap_or(config.loss);
    config.class_weights = options.class_weight.clone().unwrap_or(config.class_weights);
    config.seed = options.seed.unwrap_or(config.seed);
    let source = Source::find(name, options.reading.of_stream(), config.seed)?;
    config.task = options.reading.task_of(&source)?;
    config.features = options.reading.of_features();
    config.check()?;
    let metrics = options.metrics.clone().unwrap_or_default();
    let session = Session::with_metrics(config, source.name(), source.options, &metrics)?;
    Ok(session.delayed(options.delay.unwrap_or_default()))
}
