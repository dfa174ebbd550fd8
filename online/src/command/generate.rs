//! `thalweg generate`: rows from a seeded generator.

use std::io::{self, BufWriter, Write};

use clap::Args;
use thalweg_online::spec::{SpecError, unknown};
use thalweg_online::synth::{Example, Seed, Synth};
use thalweg_online::{Row, Value};

use super::Failure;

/// What to generate.
#[derive(Debug, Args)]
pub struct Options {
    /// sea:variant=0,noise=0.1, stagger, sine, mixed, agrawal, led, hyperplane, rbf, waveform, tree, friedman, planes or mv;
    /// "drift(sea > sea:variant=2; at=5000,width=100)", "recurring(sine > sine:function=1; every=1000)",
    /// "permuted(digits; every=1000)" or "rotated(digits; every=1000,step=15)". With river: River's rows
    #[arg(value_name = "SPEC")]
    generator: String,
    /// How many rows
    #[arg(long, value_name = "N", default_value_t = 1000)]
    rows: u64,
    /// Where every random choice begins
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// csv, with a header, or jsonl: a JSON object on each line
    #[arg(long, default_value = "csv", value_parser = parse_format)]
    format: Format,
}

/// What `--format` says.
#[derive(Clone, Copy, Debug)]
enum Format {
    Csv,
    JsonLines,
}

fn parse_format(text: &str) -> Result<Format, SpecError> {
    match text {
        "csv" => Ok(Format::Csv),
        "jsonl" => Ok(Format::JsonLines),
        other => Err(unknown("format", other, &["csv", "jsonl"])),
    }
}

/// The target's column: the last one. No generator has a feature of this name.
const TARGET: &str = "target";

/// Writes the rows to stdout.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stream = Synth::parse(&options.generator, Seed::new(options.seed))?;
    let out = BufWriter::new(io::stdout().lock());
    match options.format {
        Format::Csv => write_csv(stream, options.rows, out),
        Format::JsonLines => write_json(stream, options.rows, out),
    }
}

fn write_csv(mut stream: Synth, rows: u64, out: impl Write) -> Result<(), Failure> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(stream.features().chain([TARGET])).map_err(printing)?;
    let (mut example, mut text) = (Example::new(), String::new());
    for _ in 0..rows {
        stream.next_row(&mut example);
        for index in 0..example.len() {
            out.write_field(cell(example.cell(index).1, &mut text)).map_err(printing)?;
        }
        out.write_field(cell(Value::Number(example.y()), &mut text)).map_err(printing)?;
        out.write_record(None::<&[u8]>).map_err(printing)?;
    }
    Ok(out.flush()?)
}

/// Why a table cannot be printed. (What `csv` itself makes of it no longer says that the reader has gone.)
pub fn printing(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The text of a cell. Numbers are written so that they are read back bit for bit.
fn cell<'a>(value: Value<'a>, text: &'a mut String) -> &'a str {
    use std::fmt::Write;
    text.clear();
    match value {
        Value::Text(word) => return word,
        // Writing to a string cannot fail.
        Value::Number(number) => drop(write!(text, "{number}")),
        Value::Missing => {}
    }
    text
}

fn write_json(mut stream: Synth, rows: u64, mut out: impl Write) -> Result<(), Failure> {
    let mut example = Example::new();
    for _ in 0..rows {
        stream.next_row(&mut example);
        for index in 0..example.len() {
            let (name, value) = example.cell(index);
            write_member(&mut out, if index == 0 { '{' } else { ',' }, name, value)?;
        }
        write_member(&mut out, ',', TARGET, Value::Number(example.y()))?;
        out.write_all(b"}\n")?;
    }
    Ok(out.flush()?)
}

/// What stands before a member of an object, its name, and its value.
fn write_member(out: &mut impl Write, before: char, name: &str, value: Value<'_>) -> io::Result<()> {
    write!(out, "{before}{}:", serde_json::Value::from(name))?;
    match value {
        Value::Text(word) => write!(out, "{}", serde_json::Value::from(word)),
        // Rust writes a number as JSON does.
        Value::Number(number) if number.is_finite() => write!(out, "{number}"),
        Value::Number(_) | Value::Missing => out.write_all(b"null"),
    }
}
