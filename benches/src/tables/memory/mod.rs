//! Memory: what recurrent layers learn to remember, by every rule, and beside it what they could.
//!
//! Two streams of symbols, one at a time and each once, of which the best loss is known exactly:
//!
//! * **add** (Pitis 2016; Marschall, Cho & Savin 2020): x is a coin, and y another one, which x of a and of b steps ago have
//!   bent. Lags (a, b) of (4, 6), (6, 10) and (10, 15). A layer that does not learn is an echo of the last symbols, which a head can
//!   read: long lags tell rules apart.
//! * **aⁿbⁿ** (Tallec & Ollivier 2018): as many b as there were a, 1 to 32. Count up, count down, 70 symbols back.
//!
//! Under each table stand the losses of the best predictors that know only a part of what there is to know.
//!
//! All learn by Adam, one step a symbol, with a rate of γ / (1 + 0.03 √t), as Tallec & Ollivier; TBPTT(k) goes back through the last
//! k symbols at each. γ of each line was searched for (`--search`, ten minutes), of the add task at its first lags. Inputs of RNN, GRU, LSTM and eLSTM begin
//! with normal weights, and the RNN with an orthogonal matrix, as in Marschall et al.; λ of LRU and RTU between 0.9 and 0.999. These
//! two are linear, and read through 32 rectifiers.
//!
//! aⁿbⁿ is 300 000 symbols long, and for three lines with exact gradients 2 000 000: they were still learning when the others had
//! learned, which was seen before they were given the time. RTRL of an RNN stands there twice, the second time with 4 000 000, for
//! the same reason. All runs take eighteen minutes on two cores. `--symbols 10000000` goes as far as what is published.
//!
//! # Gates
//!
//! Written down before the table was run; those of LRU and RTU at long lags after trials with one seed:
//!
//! * No loss is below what can be known.
//! * add (4, 6): exact gradients (RTRL, and the traces of LRU, RTU and eLSTM) come to 0.47 nats, where 0.4545 is the least; every
//!   rule to 0.5192, that of knowing the first lag. LRU and RTU come to 0.47 at every lag.
//! * add: RTRL is better than TBPTT(1), at every lag and for every layer. At (10, 15) a head without a layer that learns knows nothing.
//! * aⁿbⁿ: exact gradients come to 0.155 bits a symbol. UORO and TBPTT of a GRU and an LSTM come to the published figures, which are
//!   those at the end of 10⁷ symbols.
//!
//! 14 of 46 are not passed:
//!
//! * An eLSTM has no units that turn: it can only let a symbol fade, and two lags are hard to tell in what has faded. It learns them
//!   all the same, but slowly: in the last quarter of 2·10⁶ symbols 64 units come to 0.497 (γ = 0.01), in that of 6·10⁶ to 0.490
//!   (0.006), and behind rectifiers 128 of them to 0.480 (0.01), still falling; two seeds each. It can count.
//! * Rules that are not exact do not all come to the first lag of (4, 6), least of all those of small GRUs and LSTMs; nor does RFLO,
//!   whose units leak.
//! * RTRL of an RNN at (6, 10): one of five runs jumps away, which no run of TBPTT(16) does with the same γ. The other four are far
//!   below TBPTT(1).
//! * RTRL of an RNN at counting: 0.202 ± 0.016 bits after 300 000 symbols, the best of all rules of RNNs, and still falling. With
//!   4 000 000 it passes.
//! * No published figure of aⁿbⁿ is met, though SnAp-1 and RTRL of an LSTM are near the least that is possible. For an LSTM it
//!   is for want of symbols, for the most part: UORO comes to 0.26 bits after 300 000, as in the logs that lie beside its authors'
//!   program, but to 0.172 ± 0.013 in the last quarter of 10⁷; TBPTT by γ = 0.001 to 0.194 ± 0.013, 0.167 ± 0.020 and 0.169 ± 0.004
//!   through 1, 2 and 16 symbols, after 0.152 on its way there (two seeds each). For a GRU it is not: TBPTT comes to 0.240 and 0.206
//!   through 1 and 2. What those who published did otherwise is not known.

use std::time::Instant;

use clap::Args;
use rayon::prelude::*;

use super::Gates;
use super::average::{mean, summary};
use super::plot::{Axis, Curve, Diagram, Drawing, Plot};

mod check;
mod learner;
mod method;
mod task;

use method::{Layer, Method, RATES, TABLES};
use task::Task;

/// How much is run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many streams, and layers, are drawn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..))]
    seeds: u64,
    /// How many symbols of aⁿbⁿ, instead of 300 000, and of 2 000 000 or 4 000 000 for what learns for longer
    #[arg(long, value_parser = clap::value_parser!(u64).range(40..))]
    symbols: Option<u64>,
    /// Two seeds, and a tenth of the symbols: to see it run
    #[arg(long)]
    quick: bool,
    /// Only the lines in whose names this stands: "RNN", or "LSTM 64, UORO"
    #[arg(long)]
    only: Option<String>,
    /// Instead of the table, the losses by rate: the best are those of the table
    #[arg(long)]
    search: bool,
    #[command(flatten)]
    plot: Plot,
}

/// The lags that rates are searched with.
const FIRST: Task = Task::Add([4, 6]);
/// How many symbols a rate is searched with, of the add task and of aⁿbⁿ.
const SEARCHED: [usize; 2] = [50_000, 100_000];
/// How many points a curve has.
const POINTS: usize = 40;
/// How many of them, at the end, make the loss of a run.
const LAST: usize = 10;
/// After how many points the curve is shown.
const SHOWN: [usize; 4] = [2, 5, 10, 20];

/// What came of a line.
#[derive(Clone, Debug)]
pub struct Found {
    method: Method,
    /// Of each seed.
    curves: Vec<Vec<f64>>,
    /// The loss at the end, of each seed.
    last: Vec<f64>,
}

impl Found {
    /// Of a line that was not run yet.
    fn of(method: Method) -> Self {
        Found { method, curves: Vec::new(), last: Vec::new() }
    }
}

/// A task, how long it is, and what came of it.
struct Table {
    task: Task,
    symbols: usize,
    found: Vec<Found>,
}

/// Prints the tables.
#[must_use]
pub fn run(arguments: &Arguments) -> Gates {
    let (seeds, part) = if arguments.quick { (2, 10) } else { (arguments.seeds, 1) };
    let is_asked_for = |method: &&Method| arguments.only.as_ref().is_none_or(|only| method.to_string().contains(only));
    let tables = TABLES.into_iter().map(|(task, methods, symbols)| {
        let asked = arguments.symbols.filter(|_| task == Task::AnBn);
        let symbols = (asked.map_or(symbols, |symbols| symbols as usize) / part).max(POINTS);
        let found = methods.iter().filter(is_asked_for).map(|&method| Found::of(method));
        Table { task, symbols, found: found.collect() }
    });
    let tables: Vec<Table> = tables.filter(|table| !table.found.is_empty()).collect();
    if arguments.search {
        return search(&tables, part);
    }
    let begin = Instant::now();
    let mut jobs: Vec<(Task, usize, Method, u64)> = Vec::new();
    for Table { task, symbols, found } in &tables {
        jobs.extend(found.iter().flat_map(|one| (0..seeds).map(|seed| (*task, *symbols, one.method, seed))));
    }
    let of = |&(task, symbols, method, seed): &(Task, usize, Method, u64)| {
        learner::run(&method, method.rate, task, seed, symbols, symbols / POINTS)
    };
    let mut curves = jobs.par_iter().with_max_len(1).map(of).collect::<Vec<_>>().into_iter();
    let (mut gates, mut diagrams) = (Gates::default(), Vec::new());
    for mut table in tables {
        for one in &mut table.found {
            one.curves = curves.by_ref().take(seeds as usize).collect();
            one.last = one.curves.iter().map(|curve| mean(&curve[POINTS - LAST..])).collect();
        }
        table.print();
        diagrams.extend(table.diagrams());
        check::check(table.task, &table.found, &mut gates);
    }
    println!("\n{} runs took {:.0} s", jobs.len(), begin.elapsed().as_secs_f64());
    arguments.plot.draw(&mut gates, || Drawing {
        title: "What recurrent layers learn to remember, by every rule".to_owned(),
        diagrams,
        across: KINDS.len(),
    });
    gates
}

/// What stands together in a diagram.
const KINDS: [&str; 4] = ["RNN", "GRU", "LSTM", "units that do not hear one another"];

fn kind_of(method: Method) -> &'static str {
    match method.layer {
        Layer::Rnn => KINDS[0],
        Layer::Gru => KINDS[1],
        Layer::Lstm => KINDS[2],
        Layer::Lru | Layer::Rtu | Layer::Elstm => KINDS[3],
    }
}

impl Table {
    /// The learning curve of a line: symbols that have gone by, and the mean loss over all seeds of those since the point before.
    fn curve(&self, found: &Found) -> Curve {
        let loss = |point: usize| mean(&found.curves.iter().map(|curve| curve[point - 1]).collect::<Vec<f64>>());
        let symbols = |point: usize| (point * (self.symbols / POINTS)) as f64;
        let points = (1..=POINTS).map(|point| (symbols(point), loss(point))).collect();
        Curve { name: found.method.to_string(), points }
    }

    /// The learning curves, a diagram for each kind of layer.
    fn diagrams(&self) -> Vec<Diagram> {
        let (unit, _) = self.task.unit();
        let floors: Vec<(String, f64)> =
            self.task.floors().iter().map(|(what, loss)| (what.to_string(), *loss)).collect();
        let of = |kind: &&str| Diagram {
            title: format!("{}, {} symbols: {kind}", self.task, self.symbols),
            x: Axis::new("symbols"),
            y: Axis::new(&format!("{unit} a symbol")),
            curves: self
                .found
                .iter()
                .filter(|found| kind_of(found.method) == *kind)
                .map(|found| self.curve(found))
                .collect(),
            levels: floors.clone(),
        };
        let is_there = |kind: &&&str| self.found.iter().any(|found| kind_of(found.method) == **kind);
        KINDS.iter().filter(is_there).map(of).collect()
    }

    fn print(&self) {
        let Table { task, symbols, found } = self;
        let (unit, _) = task.unit();
        println!("\n{task}: {unit} a symbol, {symbols} symbols\n");
        let heads: Vec<String> =
            SHOWN.iter().map(|&point| format!("after {}", (point + 1) * (symbols / POINTS))).collect();
        println!("| learner | γ | {} | the last quarter | published |", heads.join(" | "));
        println!("|---|---|{}---|---|", "---|".repeat(heads.len()));
        for found in found {
            let curve = self.curve(found);
            let cells: Vec<String> = SHOWN.iter().map(|&point| format!("{:.3}", curve.points[point].1)).collect();
            let published = check::published(*task, found.method).map_or_else(String::new, |bits| bits.to_string());
            let Method { rate, .. } = found.method;
            println!(
                "| {} | {rate} | {} | {} | {published} |",
                found.method,
                cells.join(" | "),
                summary(&found.last, 4)
            );
        }
        for (what, loss) in task.floors() {
            println!("| *who knows {what}* |  |{} {loss:.4} |  |", "  |".repeat(heads.len()));
        }
    }
}

/// The losses at the end by rate, of two seeds that no table draws. The gates: every γ is the best.
fn search(tables: &[Table], part: usize) -> Gates {
    const SEEDS: [u64; 2] = [100, 101];
    let mut gates = Gates::default();
    // The rates of the add task are those of its first lags.
    for Table { task, found, .. } in tables.iter().filter(|table| matches!(table.task, FIRST | Task::AnBn)) {
        let symbols = (SEARCHED[usize::from(*task == Task::AnBn)] / part).max(POINTS);
        let of = |method: &Method, rate: f64, seed: u64| {
            mean(&learner::run(method, rate, *task, seed, symbols, symbols / POINTS)[POINTS - LAST..])
        };
        let by_rate = |one: &Found| RATES.map(|rate| mean(&SEEDS.map(|seed| of(&one.method, rate, seed))));
        let losses: Vec<[f64; RATES.len()]> = found.par_iter().with_max_len(1).map(by_rate).collect();
        println!("\n{task}, by γ\n\n| learner | {} | best |", RATES.map(|rate| rate.to_string()).join(" | "));
        println!("|---|{}---|", "---|".repeat(RATES.len()));
        for (Found { method, .. }, losses) in found.iter().zip(losses) {
            let best = losses.iter().zip(RATES).min_by(|a, b| a.0.total_cmp(b.0)).map_or(f64::NAN, |(_, rate)| rate);
            println!("| {method} | {} | {best} |", losses.map(|loss| format!("{loss:.4}")).join(" | "));
            gates.check(
                format!("{task}, {method}: {} is the best γ of those that are tried", method.rate),
                best == method.rate,
            );
        }
    }
    gates
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line learns something within few symbols, and says the same twice.
    #[test]
    fn all_lines_learn() {
        for (task, methods, _) in TABLES.into_iter().filter(|(task, ..)| matches!(*task, FIRST | Task::AnBn)) {
            for method in methods {
                let run = || learner::run(method, method.rate, task, 1, 1600, 160);
                let losses = run();
                assert!(losses[9] < losses[0] && losses == run(), "{task}, {method}: {losses:?}");
            }
        }
    }

    #[test]
    fn curves_are_means_over_seeds() {
        let method = TABLES[5].1[0];
        let curves = vec![vec![1.0; POINTS], vec![3.0; POINTS]];
        let table =
            Table { task: Task::AnBn, symbols: 400, found: vec![Found { method, curves, last: vec![1.0, 3.0] }] };
        let [diagram] = &table.diagrams()[..] else { panic!("one kind of layer") };
        let [curve] = &diagram.curves[..] else { panic!("one line") };
        assert!(diagram.title == "aⁿbⁿ, 400 symbols: RNN" && curve.name == "RNN 16, RTRL");
        assert_eq!((&curve.points[..2], curve.points[POINTS - 1]), (&[(10.0, 2.0), (20.0, 2.0)][..], (400.0, 2.0)));
    }
}
