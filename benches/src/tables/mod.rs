//! Published tables, made again: each prints its figures and ends in a check.
//!
//! | table | what |
//! |---|---|
//! | [`drift`] | change detectors: false alarms, delays and misses |

pub mod drift;
mod gates;

use clap::Subcommand;
pub use gates::Gates;

/// Which table.
#[derive(Clone, Debug, Subcommand)]
pub enum Table {
    /// Change detectors: false alarms, delays and misses
    Drift(drift::Arguments),
}

impl Table {
    /// Prints the table and its check, and says whether all gates were passed.
    #[must_use]
    pub fn run(&self) -> bool {
        match self {
            Table::Drift(arguments) => drift::run(arguments),
        }
        .report()
    }
}
