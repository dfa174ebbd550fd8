//! Makes published tables again: `cargo run --release -p thalweg-benches --bin tables -- drift`.
//!
//! Each subcommand prints a table and then its gates, one a line, `pass` or `FAIL`; if one fails, the process does.

use std::process::ExitCode;

use clap::Parser;
use thalweg_benches::tables::Table;

/// Makes published tables again, and checks them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    table: Table,
}

fn main() -> ExitCode {
    if Arguments::parse().table.run() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_is_consistent() {
        Arguments::command().debug_assert();
    }
}
