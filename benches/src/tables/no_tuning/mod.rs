//! Learning without tuning: one setting of each rule on every stream, against the best rate *of each stream*.
//!
//! An MLP of two layers of 64 learns six streams, each row once, by SGD and by Adam at seven rates each. The best of these
//! fourteen, which nobody knows before the stream has ended, is what a rule is measured by that was given one setting for all of
//! them: how many points of accuracy (of all rows, each predicted before it was learned) it stays behind.
//!
//! # Gates
//!
//! Written down before there were figures: each rule is at most one point behind, on each stream. That asks of them all to know
//! what cannot be known; a rule that fails says by how much.

use std::time::Instant;

use clap::Args;
use rayon::prelude::*;

use super::Gates;
use super::average::{mean, standard_error, summary};
use super::plot::{Axis, Curve, Diagram, Drawing, Plot};

mod run;

use run::{STREAMS, Stream, run_on};

/// How much is run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many first weights each rule begins with
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first so many rows of each stream
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    rows: usize,
    #[command(flatten)]
    plot: Plot,
}

/// By how many points a rule may be behind.
const BEHIND: f64 = 1.0;

/// What is swept, with its rates.
const SWEPT: [(&str, [f64; 7]); 2] = [
    ("sgd", [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]),
    ("adam", [0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03]),
];

/// An optimizer with one setting for all streams, its default, and the network that it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    name: &'static str,
    model: &'static str,
    optimizer: &'static str,
}

/// What all networks are but one.
const MLP: &str = "mlp:64,64";

const fn rule(optimizer: &'static str) -> Rule {
    Rule { name: optimizer, model: MLP, optimizer }
}

const RULES: [Rule; 13] = [
    rule("obgd"),
    Rule { name: "obgd, sparse_mlp", model: "sparse_mlp:64,64", optimizer: "obgd" },
    rule("adaptive-obgd"),
    rule("autostep"),
    rule("hedge(sgd)"),
    rule("hedge(adam)"),
    rule("hedge(sgd|adam)"),
    rule("halving(sgd|adam)"),
    rule("vw"),
    rule("hypergradient"),
    rule("schedule-free-sgd"),
    rule("schedule-free-adamw"),
    rule("cocob"),
];

/// What became of a rule on a stream: the accuracy in per cent, of each seed.
type Accuracies = Vec<f64>;

/// What became of all rules on a stream.
#[derive(Clone, Debug)]
struct Found {
    stream: Stream,
    /// At each rate, of each optimizer.
    swept: Vec<Vec<Accuracies>>,
    /// Of each rule.
    rules: Vec<Accuracies>,
}

impl Found {
    /// The optimizer, the rate and the accuracies of the best.
    fn best(&self) -> (&'static str, f64, &Accuracies) {
        let all = SWEPT.iter().zip(&self.swept).flat_map(|((name, rates), swept)| {
            rates.iter().zip(swept).map(move |(&rate, accuracies)| (*name, rate, accuracies))
        });
        all.max_by(|a, b| mean(a.2).total_cmp(&mean(b.2))).expect("rates were swept")
    }

    /// By how many points a rule is behind, of each seed.
    fn behind(&self, rule: usize) -> Vec<f64> {
        self.best().2.iter().zip(&self.rules[rule]).map(|(best, ours)| best - ours).collect()
    }
}

/// Prints the table.
#[must_use]
pub fn run(arguments: &Arguments) -> Gates {
    let begin = Instant::now();
    let learners: Vec<(&str, String)> = SWEPT
        .iter()
        .flat_map(|(name, rates)| rates.iter().map(move |rate| (MLP, format!("{name}:{rate}"))))
        .chain(RULES.map(|rule| (rule.model, rule.optimizer.to_owned())))
        .collect();
    let jobs: Vec<(Stream, &(&str, String))> =
        STREAMS.iter().flat_map(|&stream| learners.iter().map(move |learner| (stream, learner))).collect();
    let of_seeds = |&(stream, (model, optimizer)): &(Stream, &(&str, String))| -> Accuracies {
        let of_seed = |seed| run_on(stream, model, optimizer, seed, arguments.rows);
        (1..=arguments.seeds).into_par_iter().map(of_seed).collect()
    };
    let all: Vec<Accuracies> = jobs.par_iter().map(of_seeds).collect();
    let found: Vec<Found> = STREAMS
        .iter()
        .zip(all.chunks(learners.len()))
        .map(|(&stream, of_stream)| {
            let (swept, rules) = of_stream.split_at(of_stream.len() - RULES.len());
            Found { stream, swept: swept.chunks(7).map(<[_]>::to_vec).collect(), rules: rules.to_vec() }
        })
        .collect();
    print(&found, arguments.seeds);
    println!("\n{} learners took {:.0} s", jobs.len() as u64 * arguments.seeds, begin.elapsed().as_secs_f64());
    let mut gates = check(&found);
    arguments.plot.draw(&mut gates, || drawing(&found));
    gates
}

fn print(found: &[Found], seeds: u64) {
    println!("Accuracy in per cent, {seeds} seeds; of rules, by how many points they are behind the best rate\n");
    let row = |head: &str, cells: Vec<String>| println!("| {head} | {} |", cells.join(" | "));
    row("", found.iter().map(|found| found.stream.title.to_owned()).collect());
    println!("|---|{}", "---|".repeat(found.len()));
    row("rows", found.iter().map(|found| found.stream.rows.to_string()).collect());
    for (optimizer, (name, rates)) in SWEPT.iter().enumerate() {
        for (k, rate) in rates.iter().enumerate() {
            let cell = |found: &Found| summary(&found.swept[optimizer][k], 2);
            row(&format!("`{name}:{rate}`"), found.iter().map(cell).collect());
        }
    }
    let best = |found: &Found| {
        let (name, rate, accuracies) = found.best();
        format!("**{:.2}** `{name}:{rate}`", mean(accuracies))
    };
    row("the best", found.iter().map(best).collect());
    for (rule, Rule { name, .. }) in RULES.iter().enumerate() {
        row(&format!("`{name}`, behind"), found.iter().map(|found| summary(&found.behind(rule), 2)).collect());
    }
}

fn check(found: &[Found]) -> Gates {
    let mut gates = Gates::default();
    for (rule, Rule { name, .. }) in RULES.iter().enumerate() {
        for found in found {
            let behind = found.behind(rule);
            let sure = if behind.len() > 1 { format!(" ± {:.2}", standard_error(&behind)) } else { String::new() };
            let what = format!("{name} on {}: at most {BEHIND} behind: {:.2}{sure}", found.stream.title, mean(&behind));
            gates.check(what, mean(&behind) <= BEHIND);
        }
    }
    gates
}

/// Of each stream: accuracy over the rate, and, as levels, what needs none.
fn drawing(found: &[Found]) -> Drawing {
    let diagram = |found: &Found| Diagram {
        title: found.stream.title.to_owned(),
        x: Axis::logarithmic("learning rate"),
        y: Axis::new("accuracy, %"),
        curves: SWEPT
            .iter()
            .zip(&found.swept)
            .map(|((name, rates), swept)| Curve {
                name: (*name).to_owned(),
                points: rates.iter().zip(swept).map(|(&rate, accuracies)| (rate, mean(accuracies))).collect(),
            })
            .collect(),
        levels: RULES
            .iter()
            .zip(&found.rules)
            .filter(|(rule, _)| ["obgd, sparse_mlp", "autostep", "hedge(sgd|adam)"].contains(&rule.name))
            .map(|(rule, accuracies)| (rule.name.to_owned(), mean(accuracies)))
            .collect(),
    };
    let title = "One setting for all streams, and the best rate of each".to_owned();
    Drawing { title, diagrams: found.iter().map(diagram).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(best: f64, ours: f64) -> Found {
        let mut swept = vec![vec![vec![50.0, 52.0]; 7]; 2];
        swept[1][3] = vec![best, best + 2.0];
        Found { stream: STREAMS[0], swept, rules: vec![vec![ours, ours + 2.0]; RULES.len()] }
    }

    #[test]
    fn a_rule_is_behind_the_best_rate_of_the_stream() {
        let found = found(90.0, 89.5);
        assert_eq!(found.best(), ("adam", 0.001, &vec![90.0, 92.0]));
        assert_eq!(found.behind(0), [0.5, 0.5]);
    }

    #[test]
    fn a_rule_that_is_far_behind_on_one_stream_fails() {
        assert!(check(&[found(90.0, 89.5), found(90.0, 95.0)]).report());
        assert!(!check(&[found(90.0, 89.5), found(90.0, 88.5)]).report());
    }
}
