//! `thalweg inspect`: what a checkpoint holds.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use thalweg_autograd::Entry;
use thalweg_online::session::Earlier;
use thalweg_online::{Learner, Session, Task, checkpoint};

use super::adapting::{drifts_as_json, drifts_as_text};
use super::report::{align_right, counted, grouped, table, with_settings};
use super::{Failure, Output, contexts, kept};

/// Which checkpoint.
#[derive(Debug, Args)]
pub struct Options {
    /// The checkpoint
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Shows a checkpoint.
pub fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::load(&options.file)?;
    let out = &mut io::stdout().lock();
    Ok(match options.output.json {
        true => writeln!(out, "{}", as_json(&session)),
        false => write!(out, "{}", as_text(&session)),
    }?)
}

fn as_json(session: &Session) -> Value {
    let learner = session.learner();
    let tensor = |entry: &Entry| {
        let (name, shape) = (entry.name(), entry.shape());
        json!({"name": name, "shape": shape.dims(), "trainable": entry.trainable()})
    };
    let result = json!({
        "version": checkpoint::VERSION,
        "stream": session.stream(),
        "rows": session.rows(),
        "earlier_streams": session.earlier().streams,
        "earlier_rows": session.earlier().rows,
        "target": session.target(),
        "delay": session.evaluation().delay().to_string(),
        "horizon": session.evaluation().horizon(),
        "waiting": session.evaluation().waiting(),
        "model": learner.model(),
        "contexts": contexts::as_json(session.contexts()),
        "classes": learner.classes(),
        "features": learner.features().len(),
        "feature_spec": learner.features().spec().to_string(),
        "ignored_cells": learner.features().ignored(),
        "inputs": learner.features().columns().collect::<Vec<_>>(),
        "parameters": learner.params().layout().entries().iter().map(tensor).collect::<Vec<_>>(),
        "refused_steps": learner.refused(),
        "drifts": drifts_as_json(learner),
        "fingerprint": format!("{:016x}", learner.fingerprint()),
    });
    with_settings(result, learner)
}

fn as_text(session: &Session) -> String {
    let learner = session.learner();
    let task = learner.task();
    let mut facts = table();
    let mut fact = |name: &str, value: String| {
        facts.add_row([name, &value]);
    };
    fact("version", checkpoint::VERSION.to_string());
    fact("stream", session.stream().to_owned());
    fact("target", session.target().to_owned());
    fact("rows seen", grouped(session.rows()));
    if session.earlier().streams > 0 {
        let Earlier { streams, rows } = session.earlier();
        let others = if streams == 1 { "stream" } else { "streams" };
        fact("before them", format!("{} rows of {} other {others}", grouped(rows), grouped(streams)));
    }
    for (name, value) in learner.settings() {
        let says_nothing = name == "loss" && task != Task::Regress
            || name == "class_weight" && task != Task::Classify
            || matches!(name, "consolidate" | "plasticity") && value == "none"
            || name == "gradient" && value == "tbptt"
            || name == "depth" && value == "none"
            || name == "probe" && value == "0";
        if !says_nothing {
            fact(&name.replace('_', " "), value);
        }
    }
    fact("features", learner.features().spec().to_string());
    kept::memory(learner, usize::MAX).into_iter().for_each(|memory| fact("in memory", memory));
    kept::held(learner).into_iter().for_each(|held| fact("held", held));
    kept::trusted(learner, usize::MAX).into_iter().for_each(|trusted| fact("trusted", trusted));
    kept::depths(learner).into_iter().for_each(|depths| fact("depths", depths));
    kept::traces(learner).into_iter().for_each(|traces| fact("traces", traces));
    kept::health(learner).into_iter().for_each(|health| fact("health", health));
    let evaluation = session.evaluation();
    if !evaluation.delay().is_none() {
        let waiting = grouped(evaluation.waiting() as u64);
        fact("delay", format!("{}, {waiting} rows wait for their labels", evaluation.delay()));
    }
    if evaluation.horizon() > 0 {
        fact("horizon", format!("the target of {} rows later", grouped(evaluation.horizon().into())));
    }
    if let Some(scores) = session.contexts() {
        let rows = counted(scores.held_out() as u64, "row", "rows");
        let contexts = counted(scores.contexts().len() as u64, "context", "contexts");
        fact("held out", format!("{rows} of {contexts}"));
    }
    if task != Task::Regress {
        fact("classes", learner.classes().join(", "));
    }
    fact("inputs", learner.features().columns().collect::<Vec<_>>().join(", "));
    if learner.features().ignored() > 0 {
        fact("cells left out", format!("{}, of names that came too late", grouped(learner.features().ignored())));
    }
    fact("steps refused", learner.refused().to_string());
    drifts_as_text(learner).into_iter().for_each(|drifts| fact("drifts", drifts));
    fact("fingerprint", format!("{:016x}", learner.fingerprint()));

    let mut tensors = table();
    tensors.set_header(["parameter", "shape", "numbers", ""]);
    for entry in learner.params().layout().entries() {
        let (shape, count) = (entry.shape().to_string(), grouped(entry.shape().len() as u64));
        tensors.add_row([entry.name(), &shape, &count, if entry.trainable() { "" } else { "frozen" }]);
    }
    align_right(&mut tensors);
    format!("{}\n\n{}\n", facts.trim_fmt(), tensors.trim_fmt())
}
