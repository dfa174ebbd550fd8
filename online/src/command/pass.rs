//! A session goes over a stream: what `run` and `learn` have in common.

use std::path::Path;
use std::time::Instant;

use thalweg_online::{ClassWeights, Deep, Error, ErrorKind, Features, Record, Session, Stream};

use super::progress::{Progress, number_of_drifts};
use super::report::grouped;
use super::say;

/// Where and how often to save.
#[derive(Clone, Copy, Debug)]
pub struct Saving<'a> {
    pub checkpoint: Option<&'a Path>,
    /// After so many rows; 0: only at the end.
    pub every: u64,
}

/// What a pass was.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    pub rows: u64,
    pub seconds: f64,
}

impl Passed {
    /// None where no row was read.
    pub fn rows_per_second(self) -> Option<f64> {
        (self.rows > 0).then(|| self.rows as f64 / self.seconds)
    }
}

/// More classes than this are worth a warning.
const MANY_CLASSES: usize = 1000;

/// From where the session stands to the end of a newly opened stream or the limit, saving on the way and at the end.
pub fn pass(
    session: &mut Session,
    stream: &mut dyn Stream,
    limit: Option<u64>,
    saving: Saving<'_>,
    progress: &mut Progress,
) -> Result<Passed, Error> {
    progress.skip(session.rows());
    session.follow(stream)?;
    let (clock, before) = (Instant::now(), session.rows());
    progress.begin(before, number_of_drifts(session));
    let learned = learn(session, stream, limit.unwrap_or(u64::MAX), saving, progress);
    progress.finish();
    if let Err(error) = learned {
        suggest(&error);
        save_what_was_learned(saving.checkpoint, session.rows(), before, |path| session.save(path));
        return Err(error);
    }
    if let Some(path) = saving.checkpoint {
        session.save(path)?;
    }
    Ok(Passed { rows: session.rows() - before, seconds: clock.elapsed().as_secs_f64() })
}

fn learn(
    session: &mut Session,
    stream: &mut dyn Stream,
    limit: u64,
    saving: Saving<'_>,
    progress: &mut Progress,
) -> Result<(), Error> {
    let (mut record, mut warned) = (Record::new(), session.skipped() > 0);
    while session.rows() < limit && session.advance(stream, &mut record)? {
        progress.row(session);
        if let (1, Some(first), false) = (session.skipped(), session.first_skipped(), warned) {
            say(&format!("warning: a row is left out, as later ones will be: {first}"));
            warned = true;
        }
        if let Some(path) = saving.checkpoint
            && saving.every > 0
            && session.rows().is_multiple_of(saving.every)
        {
            session.save(path)?;
        }
    }
    Ok(())
}

/// What can be done about a row whose values are of another type than those before.
pub fn suggest(error: &Error) {
    if let (ErrorKind::Type, Some(_), Some(column)) = (error.kind(), error.row(), error.column()) {
        say(&format!(
            "note: --categorical {column:?}, from the beginning, takes what stands in the column for categories; --on-bad-row \
             skip, with --resume too, leaves such rows out"
        ));
    }
}

/// After a failure, `rows` in. What has learned nothing new must not take the place of what has.
pub fn save_what_was_learned(
    checkpoint: Option<&Path>,
    rows: u64,
    before: u64,
    save: impl FnOnce(&Path) -> Result<(), Error>,
) {
    match checkpoint {
        _ if rows == before => {}
        Some(path) if save(path).is_ok() => {
            say(&format!("note: {} holds what was learned from the first {rows} rows", path.display()));
        }
        Some(_) => {}
        None => say(&format!("note: what was learned from {} rows is lost; --checkpoint FILE keeps it", rows - before)),
    }
}

/// Says what there was too much of: classes, as a class for every customer number is no classification and costs a row
/// of weights each, and names of features.
pub fn warn_of_excess(session: &Session) {
    warn_of_ignored(session.learner().features());
    let classes = session.learner().classes().len();
    if classes > MANY_CLASSES {
        say(&format!(
            "warning: {classes} classes were seen: is the target an identifier, or a number to --task regress?"
        ));
    }
}

/// A weight of a class that never came was perhaps meant for one that is spelt otherwise.
pub fn warn_of_absent_classes(session: &Session) {
    let (learner, config) = (session.learner(), session.learner().as_deep().map(Deep::config));
    let Some(ClassWeights::Given(weights)) = config.map(|config| &config.class_weights) else { return };
    let classes = learner.classes();
    let absent: Vec<&str> =
        weights.keys().map(String::as_str).filter(|name| !classes.iter().any(|c| c == name)).collect();
    if !absent.is_empty() {
        let came = if classes.is_empty() { "none".to_owned() } else { classes[..classes.len().min(10)].join(", ") };
        let more = if classes.len() > 10 { ", …" } else { "" };
        say(&format!(
            "warning: --class-weight gives weights to what never came: {}; the classes that came: {came}{more}",
            absent.join(", ")
        ));
    }
}

/// Says how much there was of names that came too late.
pub fn warn_of_ignored(features: &Features) {
    if features.ignored() > 0 {
        let (ignored, most) = (grouped(features.ignored()), grouped(features.spec().most() as u64));
        say(&format!(
            "warning: {ignored} cells were left out: their names came when there were {most} features or columns already; \
             --features most=N allows more"
        ));
    }
}
