//! Measures what learning and its kernels cost, so that the numbers can be laid beside those of other tools.
//!
//! One JSON line a measurement goes to the standard output: the workload, its parameters, and the median and the extremes
//! of the repeated timings. One thread, and for products and batches two as well; pin the process to as many cores, and run
//! what it is compared with in turn, within the same minutes: a shared machine's clock drifts by more than the differences
//! of interest.
//!
//! | | what | unit |
//! |---|---|---|
//! | W1 | `C = A B`, square, f32 | GFLOP/s |
//! | W2 | `y = x Wᵀ`, square weights, a batch of 1, 8 or 32 | µs a product |
//! | W3 | an MLP `d-64-64-1` that learns to classify, one example at a time | µs a step |
//! | W4 | an LSTM or a GRU with a linear head that learns to regress from windows, its state carried on | µs a step, a window |
//! | W5 | networks that learn from batches: MLP `784-256-128-10`, LSTM over 64 steps, two convolutions | items/s |
//! | W7 | running, rolling and fading metrics | updates/s |
//! | | change detectors, beside the most that an update should take | ns an update |
//! | | [`replay`], beside the most that it should take | steps a row |
//! | W8 | a million numbers saved and loaded; a process up to its first prediction | µs |
//! | W9 | [`rules`] of recurrent layers: a learning step, beside the most that it should take | µs a step |

mod batch;
mod data;
mod detectors;
mod files;
mod metrics;
mod mlp;
mod products;
mod recurrent;
mod replay;
mod rules;
mod timing;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use timing::Timer;

/// Measures what learning and its kernels cost: one JSON line a measurement.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// What to measure; everything when nothing is named
    #[arg(value_enum, ignore_case = true)]
    workloads: Vec<Workload>,
    /// How often each measurement is repeated; the median counts
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// The shortest timing, in milliseconds: a batch of calls lasts at least so long
    #[arg(long, default_value_t = 20)]
    min_ms: u32,
    /// Instead of measuring, print the losses that W3 to W5 sum up from given weights (on the standard error)
    #[arg(long)]
    check: bool,
    /// Instead of measuring, predict a row and leave: what W8 starts
    #[arg(long, hide = true)]
    first_prediction: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Workload {
    /// Square matrix products
    W1,
    /// Products of a few vectors with a weight matrix
    W2,
    /// An MLP that learns online
    W3,
    /// An LSTM and a GRU that learn online
    W4,
    /// Networks that learn from batches
    W5,
    /// Metrics, change detectors and replay, one row at a time
    W7,
    /// Files, and the start of a process
    W8,
    /// Recurrent layers that learn at every step, by every rule
    W9,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.first_prediction {
        files::first_prediction();
        return ExitCode::SUCCESS;
    }
    let mut passes = true;
    let timer = Timer::new(arguments.repeats, arguments.min_ms);
    let named = if arguments.workloads.is_empty() { Workload::value_variants() } else { &arguments.workloads };
    for workload in named {
        match (workload, arguments.check) {
            (Workload::W1, false) => products::matrices(&timer),
            (Workload::W2, false) => products::vectors(&timer),
            (Workload::W3, false) => mlp::measure(&timer),
            (Workload::W4, false) => recurrent::measure(&timer),
            (Workload::W5, false) => batch::measure(&timer),
            (Workload::W7, false) => {
                metrics::measure(&timer);
                detectors::measure(&timer);
                replay::measure(&timer);
            }
            (Workload::W8, false) => files::measure(&timer),
            (Workload::W9, false) => passes &= rules::measure(&timer),
            (Workload::W1 | Workload::W2 | Workload::W7 | Workload::W8 | Workload::W9, true) => {} // no sum of losses
            (Workload::W3, true) => mlp::check(),
            (Workload::W4, true) => recurrent::check(),
            (Workload::W5, true) => batch::check(),
        }
    }
    if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn workloads_are_named_in_either_case() -> Result<(), clap::Error> {
        let arguments = Arguments::try_parse_from(["measure", "W3", "w4"])?;
        assert!(matches!(arguments.workloads[..], [Workload::W3, Workload::W4]), "{arguments:?}");
        Ok(())
    }
}
