//! Arguments in, results out, exit codes: 0 when all went well, 2 when something that came from outside was wrong.

mod compare;
mod digits;
mod generate;
mod inspect;
mod progress;
mod published;
mod reading;
mod report;
mod resume;
mod run;
mod streams;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use thalweg_online::Error;

/// Deep models that learn from every row of a stream, forever, on a CPU.
///
/// Without a command: the bundled job. Digits arrive two classes at a time; a network with a memory of old examples learns
/// them beside the same network without one, and each is asked after every phase what it still knows.
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

/// Runs the command that the arguments ask for.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
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
