//! A trunk that stands still, out of a checkpoint.

use std::path::Path;

use thalweg_online::{Delay, Error, ErrorKind, Extractor, Frozen, HeadSpec, Session, Task};

use super::learning::seed;
use super::reading::{Reading, TaskOption};
use super::resume::agree_on_features;
use super::source::Source;

/// A new head on the network of a checkpoint, and the stream that it is to learn.
pub fn open(
    trunk: &Path,
    head: &HeadSpec,
    name: &str,
    reading: &Reading,
    delay: Delay,
) -> Result<(Frozen, Source), Error> {
    let session = Session::load(trunk)?;
    agree_on_features(trunk, &session, reading)?;
    if let Some(TaskOption::Is(task @ (Task::Regress | Task::MultiLabel))) = reading.task {
        return Err(Error::expected(ErrorKind::Spec, "to classify, on a trunk", &task.to_string()));
    }
    let learner = session.learner();
    let Some(deep) = learner.as_deep() else {
        let expected = "a network that learns, to take the trunk of";
        return Err(Error::expected(ErrorKind::Checkpoint, expected, &learner.model()).in_file(trunk));
    };
    let extractor = Extractor::of(deep).map_err(|error| error.in_file(trunk))?;
    let options = reading.of_another_stream(session.options(), session.target(), delay);
    let source = Source::find(name, options, seed(learner))?;
    Ok((Frozen::new(extractor, head), source))
}
