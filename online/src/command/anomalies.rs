//! `thalweg anomalies`: how strange each row is, one line for each, as they come.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use thalweg_nn::OptimizerSpec;
use thalweg_online::anomaly::{Config, Verdict, Watch};
use thalweg_online::optim::single;
use thalweg_online::{Autoencoder, Delay, Error, ErrorKind, Model, Record, Stream, StreamOptions, checkpoint};

use super::config::ConfigFile;
use super::generate::printing;
use super::pass::{save_what_was_learned, suggest, warn_of_ignored};
use super::progress::Progress;
use super::reading::{FIXED, Reading, columns_used};
use super::report::{decimal, grouped};
use super::resume::agree_on_bad_rows;
use super::source::Source;
use super::{Failure, say};

/// What to watch, and how.
#[derive(Debug, Args)]
pub struct Options {
    /// A file, plain or compressed, - for the standard input, a bundled stream, or a generator (with --resume: the
    /// checkpoint's)
    #[arg(required_unless_present = "resume")]
    stream: Option<String>,
    /// The layers between the columns and their copy; narrow somewhere, or nothing is strange (default: linear:8 > tanh)
    #[arg(long, value_name = "SPEC", value_parser = Model::parse)]
    model: Option<Model>,
    /// How the parameters move: sgd:0.03, adam:0.001 and the others that need the gradient alone [default: sgd:0.03]
    #[arg(long, value_name = "SPEC", value_parser = single)]
    optimizer: Option<OptimizerSpec>,
    /// Rows of a higher rank than this are not learned from, from 0.5, such as 0.99 [default: all are]
    #[arg(long, value_name = "RANK")]
    spare: Option<f64>,
    /// How much the newest error counts in what is usual [default: 0.01]
    #[arg(long, value_name = "SHARE")]
    fading: Option<f64>,
    /// Where every random choice begins [default: 42]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Stop after this many rows of the stream
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Save the detector and its place there at the end, and on the way
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Save after every N rows; 0: only at the end
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "checkpoint")]
    checkpoint_every: u64,
    /// Go on behind the last row of a checkpoint; everything is as it was then, but --on-bad-row skip may be said anew
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["stream", "model", "optimizer", "spare", "fading", "seed"],
        conflicts_with_all = FIXED
    )]
    resume: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) file: ConfigFile,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
}

/// Scores the rows, prints each as soon as it is read, and learns it.
pub fn run(options: &Options) -> Result<(), Failure> {
    if let Some(path) = &options.checkpoint {
        Watch::check_writable(path)?;
        checkpoint::sweep(path);
    }
    let (mut watch, mut source) = begin(options)?;
    write_config(options, &watch)?;
    let mut stream = source.open(&mut Progress::new(0), options.limit)?;
    watch.follow(&mut *stream)?;
    let mut lines = Lines::new(options.json, watch.rows() > 0);
    let before = watch.rows();
    let passed = pass(options, &mut watch, &mut *stream, &mut lines);
    if let Err(Failure::Outside(error)) = &passed {
        suggest(error);
        save_what_was_learned(options.checkpoint.as_deref(), watch.rows(), before, |path| watch.save(path));
    }
    passed?;
    if let Some(path) = &options.checkpoint {
        watch.save(path)?;
    }
    if watch.skipped().0 > 1 {
        say(&format!("note: {} rows were left out", grouped(watch.skipped().0)));
    }
    warn_of_ignored(watch.detector().features());
    if watch.options().labelled {
        let (auc, anomalies) = (decimal(watch.auc()), grouped(watch.anomalies()));
        say(&format!("ROC AUC {auc} over {} rows, {anomalies} of them anomalies", grouped(watch.rows())));
    }
    Ok(())
}

/// To the end of the stream, or the limit.
fn pass(options: &Options, watch: &mut Watch, stream: &mut dyn Stream, lines: &mut Lines) -> Result<(), Failure> {
    let (limit, mut record) = (options.limit.unwrap_or(u64::MAX), Record::new());
    while watch.rows() < limit && watch.advance(stream, &mut record)? {
        match (watch.verdict(), watch.skipped()) {
            (Some(verdict), _) => lines.print(&record, verdict)?,
            (None, (1, Some(first))) => say(&format!("warning: a row is left out, as later ones will be: {first}")),
            _ => {}
        }
        if let Some(path) = &options.checkpoint
            && options.checkpoint_every > 0
            && watch.rows().is_multiple_of(options.checkpoint_every)
        {
            watch.save(path)?;
        }
    }
    Ok(())
}

/// A detector that goes on, or a new one, and its stream.
fn begin(options: &Options) -> Result<(Watch, Source), Error> {
    let Reading { task, target, delay_until, .. } = &options.reading;
    if task.is_some() || delay_until.is_some() || target.len() > 1 {
        let message = "expected no --task, no --delay-until and at most one --target to tell anomalies, found them";
        return Err(Error::new(ErrorKind::Spec, message));
    }
    if let Some(path) = &options.resume {
        let mut watch = Watch::load(path)?;
        agree_on_bad_rows(path, options.reading.bad_rows, watch.options().bad_rows)?;
        if options.reading.bad_rows.asks_to_skip() {
            watch.skip_bad_rows();
        }
        let source = Source::find(watch.stream(), watch.options().clone(), watch.detector().config().seed)?;
        return Ok((watch, source));
    }
    let usual = Config::default();
    let config = Config {
        features: options.reading.of_features(),
        model: options.model.clone().unwrap_or(usual.model),
        optimizer: options.optimizer.clone().unwrap_or(usual.optimizer),
        fading: options.fading.unwrap_or(usual.fading),
        spared: options.spare,
        seed: options.seed.unwrap_or(usual.seed),
    };
    let seed = config.seed;
    let detector = Autoencoder::new(config)?;
    let columns = StreamOptions { labelled: !target.is_empty(), ..options.reading.of_stream() };
    let source = Source::find(options.stream.as_deref().unwrap_or_default(), columns, seed)?;
    Ok((Watch::new(detector, source.name(), source.options().clone()), source))
}

/// What was used, from the beginning of the stream: with a checkpoint to go on from nothing else can be said.
fn write_config(options: &Options, watch: &Watch) -> Result<(), Error> {
    let Config { features, model, optimizer, fading, spared, seed } = watch.detector().config();
    let mut used = vec![
        ("stream", watch.stream().to_owned()),
        ("features", features.to_string()),
        ("model", model.to_string()),
        ("optimizer", optimizer.to_string()),
        ("fading", fading.to_string()),
        ("spare", spared.map_or(String::new(), |rank| rank.to_string())),
        ("seed", seed.to_string()),
    ];
    used.extend(columns_used(watch.options(), Delay::default()));
    used.retain(|(_, value)| !value.is_empty());
    let mut file = options.file.clone();
    file.said.remove("resume");
    file.write(&used)
}

/// `id,score,rank` on stdout. Each line is there at once.
enum Lines {
    Csv(Box<csv::Writer<io::Stdout>>, bool),
    Json(io::Stdout),
}

impl Lines {
    /// One that goes on has no header.
    fn new(json: bool, goes_on: bool) -> Self {
        match json {
            true => Lines::Json(io::stdout()),
            false => Lines::Csv(Box::new(csv::Writer::from_writer(io::stdout())), goes_on),
        }
    }

    fn print(&mut self, row: &Record, Verdict { score, rank }: Verdict) -> io::Result<()> {
        match self {
            Lines::Csv(out, has_header) => {
                if !std::mem::replace(has_header, true) {
                    out.write_record(["id", "score", "rank"]).map_err(printing)?;
                }
                let id = row.id().map_or_else(|| row.row().to_string(), str::to_owned);
                out.write_record([id, score.to_string(), rank.to_string()]).map_err(printing)?;
                out.flush()
            }
            Lines::Json(out) => {
                let id = row.id().map_or_else(|| json!(row.row()), |name| json!(name));
                writeln!(out, "{}", json!({"id": id, "score": score, "rank": rank}))?;
                out.flush()
            }
        }
    }
}
