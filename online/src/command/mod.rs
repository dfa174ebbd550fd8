//! Arguments in, results out, exit codes: 0 when all went well, 2 when something that came from outside was wrong.

mod adapting;
mod anomalies;
mod compare;
mod config;
mod contexts;
mod digits;
mod generate;
mod inspect;
mod kept;
mod learn;
mod learning;
mod pass;
mod predict;
mod printer;
mod progress;
mod published;
mod reading;
mod report;
mod resume;
mod run;
mod source;
mod streams;
mod trunk;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use thalweg_online::Error;

use config::ConfigFile;

/// Deep models that learn from every row of a stream, forever, on a CPU.
///
/// Without a command: the bundled job. Digits arrive two classes at a time; a network with a memory of old examples
/// learns them beside the same network without one, and each is asked after every phase what it still knows.
#[derive(Debug, Parser)]
#[command(name = "thalweg", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    digits: digits::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Predict, score and learn every row of a stream, in order
    Run(Box<run::Options>),
    /// Learn streams into a checkpoint, a new one or one that is there already
    ///
    /// A checkpoint that is there already goes on learning, from the beginning of these streams: its model, optimizer
    /// and features are what they were, and so are the types of the columns. The target is the column of the same name,
    /// unless another is said. Each stream is a new sequence for recurrent models. To go on in the middle of a stream
    /// that was broken off: thalweg run --resume FILE --checkpoint FILE.
    Learn(Box<learn::Options>),
    /// Predict rows with the learner of a checkpoint, one line for each
    ///
    /// The checkpoint stays as it is. The rows may be in another format than those that were learned, and have a target
    /// or none: it is not looked at. Columns have the types that they were learned with; those that were not learned
    /// are passed over, and those that are not there count as missing.
    ///
    /// The rows follow the last one that came while learning, with a label or without. The state of a recurrent model
    /// moves on from row to row, by their features; the last known target, and those behind lags, stay the last that
    /// were learned. A model that was learned with a horizon says the target so many rows later.
    Predict(predict::Options),
    /// How strange each row is, one line for each, by an autoencoder that learns it afterwards
    ///
    /// A line is the id of a row, its score (the error of the autoencoder, before it learned the row) and its rank: the
    /// share of recent rows that are less strange, from 0 to 1. All columns are features, unless --target names one
    /// that says what a row is, 1 or true for an anomaly, 0 or false for a usual row: it is compared with the scores,
    /// never learned.
    Anomalies(Box<anomalies::Options>),
    /// Several models on the same rows, with a paired test
    Compare(Box<compare::Options>),
    /// List the bundled streams
    Streams(Output),
    /// Write rows of a seeded generator to stdout
    Generate(generate::Options),
    /// Show what a checkpoint holds
    Inspect(inspect::Options),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Args)]
struct Output {
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// What can go wrong in a command.
#[derive(Debug)]
enum Failure {
    Outside(Error),
    Printing(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Outside(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Printing(error)
    }
}

impl Command {
    /// Where its options may be read from and written to.
    fn config_file(&mut self) -> Option<&mut ConfigFile> {
        match self {
            Command::Run(options) => Some(&mut options.file),
            Command::Learn(options) => Some(&mut options.file),
            Command::Anomalies(options) => Some(&mut options.file),
            Command::Compare(options) => Some(&mut options.file),
            _ => None,
        }
    }
}

/// What the arguments say, and the file that they name.
fn parse(declared: &mut clap::Command, arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let matches: ArgMatches = declared.try_get_matches_from_mut(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Some((name, matches)) = matches.subcommand()
        && let Some(declared) = declared.find_subcommand(name)
        && let Some(file) = cli.command.as_mut().and_then(Command::config_file)
    {
        file.said = config::said(declared, matches);
    }
    Ok(cli)
}

/// Runs the command that the arguments ask for.
pub fn main() -> ExitCode {
    let mut declared = Cli::command();
    declared.build();
    let arguments = match config::with_file(&declared, std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(error) => return fail(&error.to_string()),
    };
    let cli = match parse(&mut declared, arguments) {
        Ok(cli) => cli,
        // Our own messages say what is allowed: one line is enough.
        Err(error) if error.kind() == clap::error::ErrorKind::ValueValidation => {
            say(error.to_string().lines().next().unwrap_or_default());
            return ExitCode::from(2);
        }
        Err(error) => error.exit(),
    };
    let done = match cli.command {
        None => digits::run(&cli.digits),
        Some(Command::Run(options)) => run::run(&options),
        Some(Command::Learn(options)) => learn::run(&options),
        Some(Command::Predict(options)) => predict::run(&options),
        Some(Command::Anomalies(options)) => anomalies::run(&options),
        Some(Command::Compare(options)) => compare::run(&options),
        Some(Command::Streams(output)) => streams::run(output),
        Some(Command::Generate(options)) => generate::run(&options),
        Some(Command::Inspect(options)) => inspect::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough (`thalweg … | head`): that is no failure.
        Err(Failure::Printing(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Printing(error)) => fail(&format!("the result cannot be printed: {error}")),
        Err(Failure::Outside(error)) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> ExitCode {
    say(&format!("error: {message}"));
    ExitCode::from(2)
}

/// A line on stderr. If nobody reads it (`thalweg … 2>&1 | head`), the work goes on.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
