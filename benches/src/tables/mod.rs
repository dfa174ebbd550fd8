//! Published tables, made again: each prints its figures and ends in a check.
//!
//! | table | what |
//! |---|---|
//! | [`drift`] | change detectors: false alarms, delays and misses |
//! | [`memory`] | recurrent layers by every rule: what must be remembered to be said |
//! | [`no_tuning`] | one setting for all streams, against the best rate of each |
//! | [`plasticity`] | whether networks go on learning: the slowly-changing regression |
//! | [`policies`] | what is done at a drift: accuracy, and rows until it is back |
//! | [`split`] | digits, two after two: task-, domain- and class-incremental learning |
//! | [`tracking`] | rates that are learned: Sutton's drifting target |

mod average;
pub mod drift;
mod gates;
pub mod memory;
pub mod no_tuning;
pub mod plasticity;
mod plot;
pub mod policies;
pub mod split;
pub mod tracking;

use clap::Subcommand;
pub use gates::Gates;

/// Which table.
#[derive(Clone, Debug, Subcommand)]
pub enum Table {
    /// Change detectors: false alarms, delays and misses
    Drift(drift::Arguments),
    /// What recurrent layers learn to remember, by every rule: two symbols far back, and a count
    Memory(memory::Arguments),
    /// One setting of each rule for all streams, against the best learning rate of each stream
    NoTuning(no_tuning::Arguments),
    /// The loss of plasticity, and what is done against it: a regression that changes slowly
    Plasticity(plasticity::Arguments),
    /// What is done at a drift: accuracy, and how many rows it takes to be back
    Policies(policies::Arguments),
    /// MNIST, two digits after two: what is done against forgetting, in three scenarios
    SplitMnist(split::Arguments),
    /// The same of the bundled digits
    SplitDigits(split::Arguments),
    /// The same images as a stream, each once: accuracy, time and memory
    SplitStream(split::stream::Arguments),
    /// Rates that are learned (IDBD, Autostep): a drifting target, inputs that matter and inputs that do not
    Tracking(tracking::Arguments),
}

impl Table {
    /// Prints the table and its check, and says whether all gates were passed.
    #[must_use]
    pub fn run(&self) -> bool {
        match self {
            Table::Drift(arguments) => drift::run(arguments),
            Table::Memory(arguments) => memory::run(arguments),
            Table::NoTuning(arguments) => no_tuning::run(arguments),
            Table::Plasticity(arguments) => plasticity::run(arguments),
            Table::Policies(arguments) => policies::run(arguments),
            Table::SplitMnist(arguments) => split::run(split::Images::Mnist, arguments),
            Table::SplitDigits(arguments) => split::run(split::Images::Digits, arguments),
            Table::SplitStream(arguments) => split::stream::run(arguments),
            Table::Tracking(arguments) => tracking::run(arguments),
        }
        .report()
    }
}
