//! `thalweg predict`: what a learner says of rows, one line for each, as they come.

use std::path::PathBuf;

use clap::Args;
use thalweg_online::{
    AnyLearner, BadRows, Error, Format, Header, Learner, Record, Row, Session, Stream, StreamOptions, stream,
};

use super::printer::Printer;
use super::reading::{parse_bad_rows, parse_delimiter, parse_header};
use super::report::grouped;
use super::{Failure, say};

/// What to predict, and by what.
#[derive(Debug, Args)]
pub struct Options {
    /// The checkpoint
    checkpoint: PathBuf,
    /// The rows: a file, plain or compressed, or - for the standard input
    rows: String,
    /// The column that names a row [default: that of the rows that were learned, if it is there; else rows are numbered,
    /// unless the format itself names them]
    #[arg(long, value_name = "COL")]
    id: Option<String>,
    /// csv, tsv, jsonl, arff, libsvm or vw [default: by the extension, else by the first line]
    #[arg(long, value_parser = Format::parse)]
    format: Option<Format>,
    /// CSV: the character between two fields [default: found in the first line]
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// CSV: whether the first line is a header: auto (it is, if no cell is a number), yes or no [default: auto]
    #[arg(long, value_parser = parse_header)]
    header: Option<Header>,
    /// What becomes of a row that cannot be read or used: stop, or skip: it has no line [default: stop]
    #[arg(long, value_parser = parse_bad_rows)]
    on_bad_row: Option<BadRows>,
    /// Stop after this many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Begin with the state before the first row that was ever learned: the rows are another sequence
    #[arg(long)]
    new_sequence: bool,
    /// Print JSON Lines, with the probabilities of all classes
    #[arg(long)]
    json: bool,
}

/// Rows, and what predicts them.
struct Predicting<'a> {
    name: &'a str,
    learner: AnyLearner,
    rows: Box<dyn Stream>,
    record: Record,
    printer: Printer,
}

/// Predicts the rows, and prints each as soon as it is read.
pub fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::load(&options.checkpoint)?;
    let learned = session.options().unlabelled();
    let columns = StreamOptions {
        // A column that is asked for must be there.
        optional: if options.id.is_some() { Vec::new() } else { learned.optional.clone() },
        id: options.id.clone().or_else(|| learned.id.clone()),
        format: options.format,
        delimiter: options.delimiter,
        header: options.header.unwrap_or_default(),
        ..learned
    };
    let targets = session.target().to_owned();
    let mut learner = session.into_learner();
    if options.new_sequence {
        learner.reset_state();
    }
    let rows = stream::open(&options.rows, &columns)?;
    let printer = Printer::new(options.json, targets);
    let mut predicting = Predicting { name: &options.rows, learner, rows, record: Record::new(), printer };
    let (limit, mut skipped) = (options.limit.unwrap_or(u64::MAX), 0);
    while predicting.rows.row() < limit {
        match predicting.next() {
            Ok(true) => {}
            Ok(false) => break,
            Err(Failure::Outside(error)) if error.row().is_some() && options.on_bad_row == Some(BadRows::Skip) => {
                if skipped == 0 {
                    say(&format!("warning: a row is left out, as later ones will be: {error}"));
                }
                skipped += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
    if skipped > 1 {
        say(&format!("note: {} rows were left out", grouped(skipped)));
    }
    Ok(())
}

impl Predicting<'_> {
    /// Reads, predicts and prints a row; `false` at the end.
    fn next(&mut self) -> Result<bool, Failure> {
        let Predicting { name, learner, rows, record, printer } = self;
        if !rows.read(record)? {
            return Ok(false);
        }
        if record.row() == 1 {
            compare(learner, record);
        }
        let here = |error: Error| error.at_row(record.row()).in_file(*name);
        let prediction = learner.predict_one(record).map_err(here)?;
        if !prediction.is_finite() {
            return Err(here(Error::diverged()).into());
        }
        printer.print(record, &prediction)?;
        learner.pass_one(record).map_err(here)?;
        Ok(true)
    }
}

/// A slip in the names of columns would give predictions, too: says what the first row lacks.
fn compare(learner: &AnyLearner, row: &Record) {
    let has = |name: &str| (0..row.len()).any(|index| row.cell(index).0 == name);
    // What is no column stands in brackets: lags, the last target.
    let columns = || learner.features().names().iter().filter(|name| !name.starts_with('('));
    let absent: Vec<&str> = columns().map(String::as_str).filter(|name| !has(name)).take(5).collect();
    let all = columns().count() > 0 && columns().all(|name| !has(name));
    let names = absent.join(", ");
    if all {
        say(&format!("warning: the first row has none of the columns that were learned, such as {names}"));
    } else if !absent.is_empty() && !row.absent_is_zero() {
        say(&format!("note: the first row has no {names}: what is not there counts as missing"));
    }
}
