//! Continuing where a checkpoint stands, and not losing one.

use std::path::Path;

use thalweg_online::session::ContextScores;
use thalweg_online::{BadRows, Error, ErrorKind, Learner, Scores, Session, Stream};

use super::learning::{Learning, seed};
use super::reading::{OnBadRow, Reading, TaskOption};
use super::report::grouped;
use super::run::Options;
use super::say;
use super::source::Source;

/// The session of a checkpoint, and its stream. What the arguments say beside it must agree with it.
pub fn load(options: &Options, checkpoint: &Path) -> Result<(Session, Source), Error> {
    let mut session = Session::load(checkpoint)?;
    agree_on_learner(checkpoint, &session, &options.learning, &options.reading)?;
    agree_on_rows(checkpoint, &session, &options.reading)?;
    let held_out = session.contexts().map(ContextScores::hold_out);
    agree(checkpoint, "--hold-out", said(&options.hold_out).as_deref(), &said(&held_out).unwrap_or_default())?;
    if let Some(name) = &options.stream {
        session.moved_to(name);
    }
    if options.reading.bad_rows.asks_to_skip() {
        session.skip_bad_rows();
    }
    let source = Source::find(session.stream(), session.options().clone(), seed(session.learner()))?;
    Ok((session, source))
}

/// What learns, what becomes of its features, and how it is evaluated are what they were.
pub fn agree_on_learner(
    checkpoint: &Path,
    session: &Session,
    learning: &Learning,
    reading: &Reading,
) -> Result<(), Error> {
    let settings = session.learner().settings();
    let held = |name: &str| settings.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value).to_owned();
    let task = match reading.task {
        Some(TaskOption::Is(task)) => Some(task.to_string()),
        Some(TaskOption::Auto) | None => None,
    };
    let evaluation = session.evaluation();
    // Those that a task always has may be said, too.
    let learner = session.learner();
    let metrics = learning.metrics.as_ref().map(|asked| Scores::with(learner.task(), &learner.metrics(asked)));
    let metrics = metrics.transpose()?.map(|scores| scores.asked().to_string());
    agree_on_all(
        checkpoint,
        [
            ("--task", task, held("task")),
            ("--model", said(&learning.model), held("model")),
            ("--depth", said(&learning.depth), held("depth")),
            ("--gradient", said(&learning.gradient), held("gradient")),
            ("--optimizer", said(&learning.optimizer), held("optimizer")),
            ("--memory", said(&learning.memory), held("memory")),
            (
                "--consolidate",
                said(&learning.consolidation(session.options().context.is_some() || learner.as_adaptive().is_some())),
                held("consolidate"),
            ),
            ("--plasticity", said(&learning.plasticity), held("plasticity")),
            ("--probe", said(&learning.probe), held("probe")),
            ("--loss", said(&learning.loss), held("loss")),
            ("--class-weight", said(&learning.class_weight), held("class_weight")),
            ("--drift", said(&learning.adapting.drift), held("drift")),
            ("--policy", said(&learning.adapting.policy), held("policy")),
            ("--head", said(&learning.head), held("head")),
            ("--metrics", metrics, evaluation.scores().asked().to_string()),
            ("--seed", said(&learning.seed), held("seed")),
            ("--delay", said(&reading.delay(learning.delay)), evaluation.delay().to_string()),
            ("--horizon", said(&learning.horizon), evaluation.horizon().to_string()),
        ],
    )?;
    agree_on_features(checkpoint, session, reading)
}

/// What becomes of the features, and the types of their columns, are what they were.
pub fn agree_on_features(checkpoint: &Path, session: &Session, reading: &Reading) -> Result<(), Error> {
    let (features, held) = (session.learner().features().spec(), session.options());
    let asked = reading.features.is_some().then(|| reading.of_features().to_string());
    agree_on_all(
        checkpoint,
        [
            ("--scale", said(&reading.scale), features.default_scale().to_string()),
            ("--features", asked, features.to_string()),
            ("--ignore", list(&reading.ignore), held.ignore.join(",")),
            ("--categorical", list(&reading.categorical), held.categorical.join(",")),
            ("--numeric", list(&reading.numeric), held.numeric.join(",")),
            ("--date", list(&reading.date), held.date.join(",")),
            ("--text", list(&reading.text), held.text.join(",")),
            ("--text-columns", said(&reading.text_columns), held.text_columns.to_string()),
        ],
    )
}

/// It is the same file, read in the same way.
fn agree_on_rows(checkpoint: &Path, session: &Session, reading: &Reading) -> Result<(), Error> {
    let held = session.options();
    let or_none = |held: &Option<String>| held.clone().unwrap_or_default();
    let delimiter = held.delimiter.map_or_else(|| "auto".to_owned(), character);
    let format = said(&held.format).unwrap_or_else(|| "found by its name or content".to_owned());
    agree_on_all(
        checkpoint,
        [
            ("--label-separator", said(&reading.label_separator), said(&held.label_separator).unwrap_or_default()),
            ("--delimiter", reading.delimiter.map(character), delimiter),
            ("--header", said(&reading.header), held.header.to_string()),
            ("--weight", reading.weight.clone(), or_none(&held.weight)),
            ("--id", reading.id.clone(), or_none(&held.id)),
            ("--time", reading.time.clone(), or_none(&held.time)),
            ("--delay-until", reading.delay_until.clone(), or_none(&held.known)),
            ("--context", reading.context.clone(), or_none(&held.context)),
            ("--format", said(&reading.format), format),
        ],
    )?;
    agree_on_bad_rows(checkpoint, reading.bad_rows, held.bad_rows)
}

/// What has left rows out goes on to do so.
pub fn agree_on_bad_rows(checkpoint: &Path, asked: OnBadRow, held: BadRows) -> Result<(), Error> {
    let asked = asked.on_bad_row.filter(|_| held == BadRows::Skip);
    agree(checkpoint, "--on-bad-row", said(&asked).as_deref(), &held.to_string())
}

/// Each is a flag, what was asked for, if anything, and what the checkpoint holds.
fn agree_on_all<const N: usize>(checkpoint: &Path, flags: [(&str, Option<String>, String); N]) -> Result<(), Error> {
    flags.into_iter().try_for_each(|(flag, asked, held)| agree(checkpoint, flag, asked.as_deref(), &held))
}

/// As it was said, if it was.
fn said<T: ToString>(asked: &Option<T>) -> Option<String> {
    asked.as_ref().map(T::to_string)
}

/// The target can be compared once the stream is open: only then is it known which column is the last one.
pub fn check_target(options: &Options, stream: &dyn Stream) -> Result<(), Error> {
    match &options.resume {
        Some(checkpoint) => agree(checkpoint, "--target", list(&options.reading.target).as_deref(), stream.target()),
        None => Ok(()),
    }
}

fn agree(checkpoint: &Path, flag: &str, asked: Option<&str>, held: &str) -> Result<(), Error> {
    match asked {
        Some(asked) if asked != held => {
            let held = if held.is_empty() { format!("without {flag}") } else { format!("with {flag} {held}") };
            let message =
                format!("expected a run {held}, as it was begun, found {flag} {asked}: leave it out, or begin anew");
            Err(Error::new(ErrorKind::Checkpoint, message).in_file(checkpoint))
        }
        _ => Ok(()),
    }
}

/// A run that does not go on from the checkpoint at `path` will replace it: that must not go unnoticed.
pub fn warn_of_loss(options: &Options, path: &Path) {
    let file = |path: &Path| path.canonicalize().ok();
    if file(path).is_none() || options.resume.as_deref().and_then(file) == file(path) {
        return;
    }
    let name = path.display();
    say(&match Session::load(path) {
        Ok(old) => format!(
            "warning: {name} holds a run of {} over {} rows of {}, which this run replaces; to go on from it: --resume {name}",
            old.learner().model(),
            grouped(old.rows()),
            old.stream(),
        ),
        Err(error) => format!("warning: this run replaces {error}"),
    });
}

fn character(byte: u8) -> String {
    char::from(byte).to_string()
}

/// A list as it was given; `None` if it was not.
fn list(columns: &[String]) -> Option<String> {
    (!columns.is_empty()).then(|| columns.join(","))
}
