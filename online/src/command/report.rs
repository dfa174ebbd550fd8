//! Results, on stdout: tables for people, JSON for programs.

use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};
use thalweg_online::recurrent::GradientSpec;
use thalweg_online::{
    AnyLearner, Config, ConsolidationSpec, Delay, DepthSpec, Learner, PlasticitySpec, Scores, Session, Task,
};

use super::adapting::{drifts_as_json, drifts_as_text};
use super::{contexts, kept};

/// The result of a run.
pub fn run(session: &Session, rows_per_second: Option<f64>, as_json: bool) -> io::Result<()> {
    let out = &mut io::stdout().lock();
    match as_json {
        true => writeln!(out, "{}", run_json(session, rows_per_second)),
        false => write!(out, "{}", run_text(session, rows_per_second)),
    }
}

fn run_json(session: &Session, rows_per_second: Option<f64>) -> Value {
    let (learner, evaluation) = (session.learner(), session.evaluation());
    let baselines = evaluation.baselines().into_iter().map(|(name, scores)| (name.to_owned(), metrics(scores)));
    let result = json!({
        "stream": session.stream(),
        "rows": session.rows(),
        "scored": evaluation.scores().count(),
        "unlabelled": session.unlabelled(),
        "skipped": session.skipped(),
        "first_skipped": session.first_skipped(),
        "non_finite_cells": session.non_finite(),
        "ignored_cells": learner.features().ignored(),
        "model": learner.model(),
        "delay": evaluation.delay().to_string(),
        "horizon": evaluation.horizon(),
        "metrics": metrics(evaluation.scores()),
        "outputs": Value::Object(outputs(session).map(|(name, scores)| (name.to_owned(), metrics(scores))).collect()),
        "baselines": Value::Object(baselines.collect()),
        "contexts": contexts::as_json(session.contexts()),
        "classes": learner.classes(),
        "features": learner.features().len(),
        "feature_spec": learner.features().spec().to_string(),
        "inputs": learner.features().width(),
        "parameters": learner.params().count(),
        "refused_steps": learner.refused(),
        "drifts": drifts_as_json(learner),
        "rows_per_second": number(rows_per_second.map_or(f64::NAN, f64::round)),
        "peak_rss_bytes": peak_rss_bytes(),
        "fingerprint": format!("{:016x}", learner.fingerprint()),
    });
    with_settings(result, learner)
}

/// An object, and in it, around its model, what the learner was made with and what it keeps.
pub fn with_settings(object: Value, learner: &AnyLearner) -> Value {
    let Value::Object(members) = object else { return object };
    let mut whole = Map::new();
    for (name, value) in members {
        if name == "model" {
            whole.extend(learner.settings().into_iter().map(|(name, text)| match (name, text.parse::<u64>()) {
                ("seed" | "probe", Ok(number)) => (name.to_owned(), json!(number)),
                _ => (name.to_owned(), json!(text)),
            }));
        }
        let is_model = name == "model";
        whole.insert(name, value);
        if is_model {
            whole.extend(kept::as_json(learner));
        }
    }
    Value::Object(whole)
}

fn run_text(session: &Session, rows_per_second: Option<f64>) -> String {
    let (learner, evaluation) = (session.learner(), session.evaluation());
    let mut table = table();
    let names = evaluation.scores().entries().into_iter().map(|(name, _)| name.replace('_', " "));
    table.set_header(std::iter::once(String::new()).chain(names));
    let mut row = |name: String, scores: &Scores| {
        table.add_row(std::iter::once(name).chain(scores.entries().into_iter().map(|(_, value)| decimal(value))));
    };
    row(learner.model(), evaluation.scores());
    outputs(session).for_each(|(name, scores)| row(format!("  {name}"), scores));
    evaluation.baselines().into_iter().for_each(|(name, scores)| row(name.replace('_', " "), scores));
    align_right(&mut table);

    let (features, inputs) = (learner.features().len() as u64, learner.features().width() as u64);
    let mut notes = vec![counted(session.rows(), "row", "rows")];
    notes.extend(rows_per_second.map(|rate| format!("{} rows/s", grouped(rate as u64))));
    notes.push(format!("{} in {}", counted(features, "feature", "features"), counted(inputs, "column", "columns")));
    match (learner.task(), learner.classes().len() as u64) {
        (Task::Classify, classes) => notes.push(counted(classes, "class", "classes")),
        (Task::MultiLabel, labels) => notes.push(counted(labels, "label", "labels")),
        (Task::Regress, _) => {}
    }
    notes.push(counted(learner.params().count() as u64, "parameter", "parameters"));
    let unlabelled = match evaluation.horizon() {
        0 => "rows without a target, predicted and not learned",
        _ => "rows whose answer, a later target, never came, predicted and not learned",
    };
    notes.extend(peak_rss_bytes().map(|bytes| format!("peak memory {} MiB", bytes.div_ceil(1 << 20))));
    for (count, what) in [
        (session.unlabelled(), unlabelled),
        (session.skipped(), "rows left out because they could not be read or used"),
        (session.non_finite(), "NaN or infinite cells taken as missing"),
        (learner.features().ignored(), "cells left out because there were as many features as there may be"),
        (learner.refused(), "steps refused because their gradient was not finite"),
    ] {
        notes.extend((count > 0).then(|| format!("{what}: {}", grouped(count))));
    }
    let heading = format!(
        "{}: {}, {}. Every row was {} first and learned after{}.",
        session.stream(),
        learner.task(),
        match learner {
            AnyLearner::Deep(deep) => made(deep.config()),
            AnyLearner::Frozen(_) => "on a trunk that stands still".to_owned(),
            AnyLearner::Adaptive(adaptive) => {
                format!(
                    "{}, at a drift by {} {}",
                    made(adaptive.learner().config()),
                    adaptive.drift(),
                    adaptive.policy()
                )
            }
        },
        match evaluation.horizon() {
            0 => "predicted".to_owned(),
            rows => format!("asked for the target {} later", counted(rows.into(), "row", "rows")),
        },
        match evaluation.delay() {
            delay if delay.is_none() => String::new(),
            Delay::Rows(rows) => format!(", {} later", counted(rows.into(), "row", "rows")),
            Delay::Column => ", when its label became known".to_owned(),
            delay => format!(", {delay} later"),
        }
    );
    notes.extend(kept::notes(learner));
    notes.extend(drifts_as_text(learner));
    let contexts = session.contexts().map_or_else(String::new, |scores| contexts::as_text(scores) + "\n\n");
    let fingerprint = learner.fingerprint();
    format!(
        "{heading}\n\n{}\n\n{contexts}{}\nfingerprint of the parameters: {fingerprint:016x}\n",
        table.trim_fmt(),
        notes.join(" · ")
    )
}

/// How a network learns.
fn made(Config { gradient, depth, optimizer, memory, consolidation, plasticity, seed, .. }: &Config) -> String {
    let (gradient, held) = (by_gradient(*gradient), held_by(consolidation, *plasticity));
    format!("{gradient}{optimizer}{}, memory {memory}{held}, seed {seed}", at_depth(*depth))
}

/// Where there are exits, if there is more than one.
pub fn at_depth(depth: DepthSpec) -> String {
    if depth.is_none() { String::new() } else { format!(", depth {depth}") }
}

/// Where a gradient comes from, if it is no window of rows.
pub fn by_gradient(gradient: GradientSpec) -> String {
    if gradient.is_tbptt() { String::new() } else { format!("{gradient} > ") }
}

/// What holds θ, and what keeps it able to learn, where it was asked for.
pub fn held_by(consolidation: &ConsolidationSpec, plasticity: PlasticitySpec) -> String {
    let held = if consolidation.is_none() { String::new() } else { format!(", consolidate {consolidation}") };
    if plasticity.is_none() { held } else { format!("{held}, plasticity {plasticity}") }
}

/// Of several numbers that are predicted together, each by the name of its column.
fn outputs(session: &Session) -> impl Iterator<Item = (&str, &Scores)> {
    session.options().targets().zip(session.evaluation().scores().outputs())
}

/// Its figures by name.
pub fn metrics(scores: &Scores) -> Value {
    Value::Object(
        scores.entries().into_iter().map(|(name, value)| (name.to_owned(), number(value))).collect::<Map<_, _>>(),
    )
}

/// JSON has no NaN: what was never measured is null.
pub fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

/// A number for people: of any size it can be told how large it is.
pub fn decimal(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".to_owned(),
        1e9.. => format!("{value:.3e}"),
        100.0.. => format!("{value:.2}"),
        0.0 | 1e-3.. => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

/// `12345` as `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// An empty table in the command's style.
pub fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}

/// Numbers stand under each other: all columns but the first are aligned to the right.
pub fn align_right(table: &mut Table) {
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
}

/// The most memory that the process has held so far, where the system tells (Linux).
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let texts = [0, 12, 999, 1000, 45312, 1234567].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1,000", "45,312", "1,234,567"]);
    }

    #[test]
    fn what_was_never_measured_is_null_or_a_dash() {
        assert_eq!(number(f64::NAN), Value::Null);
        assert_eq!([decimal(f64::NAN), decimal(0.5), decimal(1234.567)], ["-", "0.5000", "1234.57"]);
        assert_eq!([0.0, 0.03125, -1e-7, 2.5e9].map(decimal), ["0.0000", "0.0312", "-1.00e-7", "2.500e9"]);
        assert_eq!(decimal(f64::INFINITY), "inf");
    }
}
