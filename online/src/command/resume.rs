//! Continuing where a checkpoint stands, and not losing one.

use std::path::Path;

use thalweg_online::{
    BadRows, ClassWeights, Error, ErrorKind, Format, Header, LossSpec, MemorySpec, Model, OptimizerSpec, Session,
    Stream,
};

use super::reading::TaskOption;
use super::report::grouped;
use super::run::Options;
use super::say;

/// The session of a checkpoint. What the arguments say beside it must agree with it.
pub fn load(options: &Options, checkpoint: &Path) -> Result<Session, Error> {
    let mut session = Session::load(checkpoint)?;
    let (config, held) = (session.learner().config(), session.options());
    let task = match options.reading.task {
        Some(TaskOption::Is(task)) => Some(task.to_string()),
        Some(TaskOption::Auto) | None => None,
    };
    let or_none = |held: &Option<String>| held.clone().unwrap_or_default();
    let metrics = session.evaluation().scores().asked().to_string();
    let delimiter = held.delimiter.map_or_else(|| "auto".to_owned(), character);
    for (flag, asked, held) in [
        ("--task", task, config.task.to_string()),
        ("--scale", options.reading.scale.map(|scale| scale.to_string()), config.features.default_scale().to_string()),
        (
            "--features",
            options.reading.features.is_some().then(|| options.reading.of_features().to_string()),
            config.features.to_string(),
        ),
        ("--model", options.model.as_ref().map(Model::to_string), config.model.to_string()),
        ("--optimizer", options.optimizer.as_ref().map(OptimizerSpec::to_string), config.optimizer.to_string()),
        ("--memory", options.memory.as_ref().map(MemorySpec::to_string), config.memory.to_string()),
        ("--loss", options.loss.as_ref().map(LossSpec::to_string), config.loss.to_string()),
        (
            "--class-weight",
            options.class_weight.as_ref().map(ClassWeights::to_string),
            config.class_weights.to_string(),
        ),
        ("--metrics", options.metrics.as_ref().map(|asked| config.metrics(asked).to_string()), metrics),
        ("--seed", options.seed.map(|seed| seed.to_string()), config.seed.to_string()),
        ("--delay", options.delay.map(|delay| delay.to_string()), session.evaluation().delay().to_string()),
        (
            "--label-separator",
            options.reading.label_separator.map(String::from),
            held.label_separator.map(String::from).unwrap_or_default(),
        ),
        ("--delimiter", options.reading.delimiter.map(character), delimiter),
        ("--header", options.reading.header.as_ref().map(Header::to_string), held.header.to_string()),
        ("--ignore", list(&options.reading.ignore), held.ignore.join(",")),
        ("--categorical", list(&options.reading.categorical), held.categorical.join(",")),
        ("--numeric", list(&options.reading.numeric), held.numeric.join(",")),
        ("--date", list(&options.reading.date), held.date.join(",")),
        ("--text", list(&options.reading.text), held.text.join(",")),
        (
            "--text-columns",
            options.reading.text_columns.map(|columns| columns.to_string()),
            held.text_columns.to_string(),
        ),
        ("--weight", options.reading.weight.clone(), or_none(&held.weight)),
        ("--id", options.reading.id.clone(), or_none(&held.id)),
        ("--time", options.reading.time.clone(), or_none(&held.time)),
        (
            "--format",
            options.reading.format.as_ref().map(Format::to_string),
            held.format.as_ref().map_or_else(|| "found by its name or content".to_owned(), Format::to_string),
        ),
        ("--on-bad-row", options.reading.on_bad_row.as_ref().map(BadRows::to_string), held.bad_rows.to_string()),
    ] {
        agree(checkpoint, flag, asked.as_deref(), &held)?;
    }
    if let Some(name) = &options.stream {
        session.moved_to(name);
    }
    Ok(session)
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
            old.learner().config().model,
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
