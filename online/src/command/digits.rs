//! `thalweg` without a command: digits that arrive two classes at a time.
//!
//! The stream changes its subject five times, and never comes back to an old one. What a learner still knows of the
//! first digits when it has seen the last is measured on images that it never learned from.

use std::io::{self, Write};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use thalweg_online::baseline::{LastLabel, Majority};
use thalweg_online::stream::bundled;
use thalweg_online::{
    AccuracyMatrix, Config, Deep, Error, ErrorKind, Learner, MemorySpec, Model, OptimizerSpec, Record, Scores, Target,
    Task,
};

use super::report::{align_right, grouped, number, table};
use super::{Failure, Output};

/// The classes of each phase.
const PHASES: [[&str; 2]; 5] = [["0", "1"], ["2", "3"], ["4", "5"], ["6", "7"], ["8", "9"]];
/// Of each class every fifth image is held out.
const HELD_OUT_EVERY: usize = 5;

/// How to run the bundled job.
#[derive(Debug, Args)]
pub struct Options {
    /// The network
    #[arg(long, value_name = "SPEC", default_value = "mlp:64,64", value_parser = Model::parse)]
    model: Model,
    /// How its parameters move
    #[arg(long, value_name = "SPEC", default_value = "sgd:0.03")]
    optimizer: OptimizerSpec,
    /// The memory of the learner that has one
    #[arg(long, value_name = "SPEC", default_value = "reservoir:200,replays=4", value_parser = MemorySpec::parse)]
    memory: MemorySpec,
    /// Where every random choice begins
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

/// Images, by phase.
#[derive(Default)]
struct Digits {
    train: [Vec<(Record, usize)>; 5],
    held_out: [Vec<(Record, usize)>; 5],
}

/// What became of a learner.
struct Outcome {
    name: String,
    online: Scores,
    matrix: AccuracyMatrix,
    microseconds: f64,
}

/// Runs the job and reports.
pub fn run(options: &Options) -> Result<(), Failure> {
    let digits = Digits::read()?;
    let config = |memory: &MemorySpec| Config {
        model: options.model.clone(),
        optimizer: options.optimizer.clone(),
        memory: memory.clone(),
        seed: options.seed,
        ..Config::new(Task::Classify)
    };
    let outcomes = [
        digits.teach(&format!("{} with {}", options.model, options.memory), &mut Deep::new(config(&options.memory)))?,
        digits.teach(&format!("{} without memory", options.model), &mut Deep::new(config(&MemorySpec::default())))?,
        digits.teach("majority class", &mut Majority::new())?,
        digits.teach("last label", &mut LastLabel::new())?,
    ];
    let out = &mut io::stdout().lock();
    Ok(match options.output.json {
        true => writeln!(out, "{}", as_json(&digits, &outcomes)),
        false => write!(out, "{}", as_text(&digits, &outcomes)),
    }?)
}

impl Digits {
    fn read() -> Result<Self, Error> {
        let bundled = bundled::find("digits");
        let bundled = bundled.ok_or_else(|| Error::new(ErrorKind::Io, "expected the bundled digits, found nothing"))?;
        let (mut stream, mut digits, mut seen) = (bundled.open()?, Digits::default(), [0; 10]);
        loop {
            let mut record = Record::new();
            if !stream.read(&mut record)? {
                return Ok(digits);
            }
            let label = record.target_text().unwrap_or_default();
            let found = PHASES.iter().flatten().position(|class| *class == label);
            let class =
                found.ok_or_else(|| Error::expected(ErrorKind::Value, "a digit", label).at_row(record.row()))?;
            seen[class] += 1;
            let part = if seen[class] % HELD_OUT_EVERY == 0 { &mut digits.held_out } else { &mut digits.train };
            part[class / 2].push((record, class));
        }
    }

    /// One pass: every image is predicted, scored, learned. After each phase: what is known of all digits.
    fn teach(&self, name: &str, learner: &mut dyn Learner) -> Result<Outcome, Error> {
        let (mut online, mut matrix, clock) = (Scores::new(Task::Classify), AccuracyMatrix::default(), Instant::now());
        let mut learning = 0.0;
        for phase in &self.train {
            let start = clock.elapsed();
            for (record, class) in phase {
                let target = Target::Class(PHASES.as_flattened()[*class]);
                online.update(&target, &learner.predict_one(record)?, 1.0);
                learner.learn_one(record, target)?;
            }
            learning += (clock.elapsed() - start).as_secs_f64();
            matrix.push(self.held_out.iter().map(|group| accuracy(learner, group)).collect::<Result<_, _>>()?);
        }
        let images = self.train.iter().map(Vec::len).sum::<usize>();
        Ok(Outcome { name: name.to_owned(), online, matrix, microseconds: 1e6 * learning / images as f64 })
    }
}

/// The share of images whose most probable class is the right one.
fn accuracy(learner: &mut dyn Learner, images: &[(Record, usize)]) -> Result<f64, Error> {
    let mut right = 0;
    for (record, class) in images {
        right += usize::from(learner.predict_one(record)?.label() == Some(PHASES.as_flattened()[*class]));
    }
    Ok(right as f64 / images.len() as f64)
}

fn as_text(digits: &Digits, outcomes: &[Outcome; 4]) -> String {
    let count = |part: &[Vec<_>; 5]| part.iter().map(Vec::len).sum::<usize>();
    let mut text = format!(
        "{} images of handwritten digits arrive two classes at a time, each once; {} others are held out.\n",
        grouped(count(&digits.train) as u64),
        grouped(count(&digits.held_out) as u64)
    );
    for Outcome { name, matrix, .. } in &outcomes[..2] {
        let mut table = table();
        let groups = PHASES.map(|[a, b]| format!("{a} and {b}"));
        table.set_header(std::iter::once("accuracy on".to_owned()).chain(groups));
        for ([a, b], row) in PHASES.iter().zip(matrix.rows()) {
            table.add_row(std::iter::once(format!("after {a} and {b}")).chain(row.iter().map(|r| percent(*r))));
        }
        align_right(&mut table);
        text += &format!("\n{name}\n{}\n", table.trim_fmt());
    }
    let mut summary = table();
    summary.set_header(["", "while learning", "average accuracy", "forgetting", "backward transfer", "µs per image"]);
    for Outcome { name, online, matrix, microseconds } in outcomes {
        let online = online.get("accuracy").unwrap_or(f64::NAN);
        summary.add_row([
            name,
            &percent(online),
            &percent(matrix.average_accuracy()),
            &percent(matrix.forgetting()),
            &percent(matrix.backward_transfer()),
            &format!("{microseconds:.1}"),
        ]);
    }
    align_right(&mut summary);
    text + &format!(
        "\n{}\n\n\
         while learning     each image predicted before it was learned (test-then-train)\n\
         average accuracy   mean over the five groups of held-out images, at the end (Lopez-Paz & Ranzato 2017)\n\
         forgetting         mean loss since a group was known best (Chaudhry et al. 2018)\n\
         backward transfer  mean change since a group's own phase (Lopez-Paz & Ranzato 2017)\n\n{}\n",
        summary.trim_fmt(),
        in_plain_words(outcomes)
    )
}

/// What the reader sees.
fn in_plain_words([with, without, ..]: &[Outcome; 4]) -> String {
    let first = |outcome: &Outcome| outcome.matrix.rows().last().map_or(f64::NAN, |last| last[0]);
    let (kept, lost, [a, b]) = (first(with), first(without), PHASES[0]);
    let work = with.microseconds / without.microseconds;
    let lesson = match kept > lost {
        true => format!(
            "Old examples replayed beside the new ones keep the old digits alive, for {work:.1} times the work."
        ),
        false => "This memory does not help.".to_owned(),
    };
    format!(
        "In plain words: after the last digits the learner with a memory still knows {} of the first ones, {a} and {b}; \
         without it, {}. {lesson}",
        percent(kept),
        percent(lost),
    )
}

fn as_json(digits: &Digits, outcomes: &[Outcome; 4]) -> Value {
    let count = |part: &[Vec<_>; 5]| part.iter().map(Vec::len).sum::<usize>();
    let outcome = |outcome: &Outcome| {
        json!({
            "name": outcome.name,
            "online_accuracy": number(outcome.online.get("accuracy").unwrap_or(f64::NAN)),
            "accuracy_matrix": outcome.matrix.rows(),
            "average_accuracy": number(outcome.matrix.average_accuracy()),
            "forgetting": number(outcome.matrix.forgetting()),
            "backward_transfer": number(outcome.matrix.backward_transfer()),
            "microseconds_per_image": number(outcome.microseconds),
        })
    };
    json!({
        "stream": "digits",
        "rows": count(&digits.train),
        "held_out": count(&digits.held_out),
        "phases": PHASES,
        "learners": outcomes.iter().map(outcome).collect::<Vec<_>>(),
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
