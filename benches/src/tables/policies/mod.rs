//! Policies at a drift: accuracy, and how many rows it takes to be back.
//!
//! Every [policy](thalweg_online::adapt) beside the plain learner, without a detector, on streams whose changes are known by
//! construction. Rows are predicted, then learned; the accuracy is that of all of them. The streams are the library's
//! ([`synth`](thalweg_online::synth)), of four concepts of as many rows:
//!
//! | stream | never | abrupt | gradual or incremental |
//! |---|---|---|---|
//! | SEA, noise 10 % | threshold 8 | 8, 9, 7, 9.5 | the same |
//! | STAGGER | concept 0 | 0, 1, 2, 0 | the same |
//! | Agrawal, perturbation 5 % | function 0 | 0, 1, 2, 3 | the same |
//! | Hyperplane, noise 5 % | a plane | four planes | ten weights that move by 0.001 with every row |
//! | RandomRBF | 50 clouds | four times other clouds | clouds that wander by 0.001 with every row |
//! | Sine | | the classes swapped, and back | |
//!
//! Where a change is gradual, the rows of two concepts are mixed for a fifth of the rows that a concept lasts: see
//! [`Recurring`](thalweg_online::synth::Recurring); its place is the middle.
//!
//! # Recovery
//!
//! How many rows behind a change the accuracy over the last 200 rows, all of them behind it, is for the first time within
//! two points of what can be reached. That is what the best of the six columns has over the last 1000 rows of the concept,
//! which end where the next change begins (of gradual ones a fifth of a concept before its middle). It is asked of all
//! columns alike, so none is helped by having been bad before, and a concept that is harder than the last one is not held
//! against them. Who is not back by then is *censored*: counted with all of those rows, so that the true mean is more. The
//! figure is a mean over the three changes and all seeds; 200 is the least that it can be.
//!
//! # Gates
//!
//! Written down before there were figures, from what the design promises:
//!
//! 1. What `report` says is what the plain learner says, to the bit, in every run.
//! 2. Where nothing changes, no policy loses more than one point of accuracy: a detector that keeps its word gives
//!    at most one false alarm in 16 000 rows, and to begin anew costs a learner some hundred rows.
//! 3. Where nothing changes, `report` declares no more drifts than ADWIN promises for numbers drawn alike: δ / clock of all rows.
//! 4. Where changes are abrupt, some policy is back sooner than none, for every learner, in the mean over the six streams.
//! 5. Each is good for what it is made for: `optimizer` and `background` are back sooner on the abrupt streams where a
//!    schedule has made the rate small; `rate` where it has always been small, and it has more right on the gradual and
//!    incremental ones; with the networks whose rate stays, `head` where classes are swapped (Sine) and `background` where
//!    nothing of the old concept helps (RandomRBF, abrupt).
//! 6. Changes that turn most answers into errors are all found: STAGGER's and Sine's, abrupt, by the networks that learn
//!    them in time (at the usual rates).
//!
//! *Sooner* and *more* mean: by more than two standard errors of the difference, seed by seed.
//!
//! Of the 49 gates 41 hold. The others show where the design promised too much:
//!
//! * At the usual rates (`sgd:0.03`, `adam:0.001`) no policy is back sooner than none in the mean over the six streams, nor
//!   is `head` where classes are swapped: a network that learns from every row does as well.
//! * `background` is later than none on RandomRBF with every network whose rate stays. What a network has learned so far is
//!   a better beginning than nothing, and the new one begins when the old one has already learned from the change.
//! * With `sgd:0.03` 7 of 15 changes of Sine are not found: the network is back before ADWIN is sure.
//!
//! It takes 3 minutes 40 seconds of a processor's time, so some two minutes on two cores; `--quick` a fifth of that.

mod check;
mod recovery;
mod run;
mod stream;

use std::time::Instant;

use clap::Args;
use rayon::prelude::*;
use thalweg_online::adapt::PolicySpec;
use thalweg_online::drift::Detections;
use thalweg_online::{DetectorSpec, Error};

use self::run::{Named, Run, run as run_one};
use self::stream::{CONCEPTS, Change, STREAMS, Stream};
use super::Gates;
use super::average::{mean, summary};

/// How much is learned.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many streams, and networks, are drawn of each kind
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..))]
    seeds: u64,
    /// How many rows a concept lasts
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(2000..))]
    rows: u32,
    /// What watches the error
    #[arg(long, default_value = "adwin")]
    drift: DetectorSpec,
    /// Two seeds and concepts of 2500 rows: for a first look
    #[arg(long)]
    quick: bool,
}

const USUAL: Named = Named { model: "mlp:64,64", optimizer: "sgd:0.03" };
const ADAM: Named = Named { model: "mlp:64,64", optimizer: "adam:0.001" };
/// Its rate is small from the beginning.
const SLOW: Named = Named { model: "mlp:64,64", optimizer: "sgd:0.003" };
/// Its rate has become small when the first change comes.
const SCHEDULE: Named = Named { model: "mlp:64,64", optimizer: "sgd:0.05,exponential=0.999" };
const LINEAR: Named = Named { model: "linear", optimizer: "sgd:0.03" };

/// The learners, each with a table of its own.
const LEARNERS: [Named; 5] = [USUAL, ADAM, SLOW, SCHEDULE, LINEAR];

/// The columns: without a detector, and what is done when it has found a drift.
const COLUMNS: [&str; 6] =
    ["none", "report", "optimizer", "head", "rate:10,rows=500", "background:warmup=100,patience=500"];

/// What was measured of a learner on a stream with one policy.
#[derive(Clone, Debug)]
struct Cell {
    /// In per cent, one for each seed.
    accuracies: Vec<f64>,
    /// The mean over the changes, in rows, one for each seed; of a stream whose changes have no place there are none.
    recoveries: Vec<f64>,
    /// Of how many changes, and how many of them it was not back from.
    changes: usize,
    censored: usize,
    /// Drifts that were declared, beside those that there were.
    detections: Detections,
    /// What was said, for each seed.
    said: Vec<u64>,
}

/// A learner on a stream: one cell for each column.
#[derive(Clone, Debug)]
struct Line {
    learner: Named,
    stream: Stream,
    cells: Vec<Cell>,
}

/// Prints the tables.
#[must_use]
pub fn run(arguments: &Arguments) -> Gates {
    let mut gates = Gates::default();
    let start = Instant::now();
    match lines(arguments) {
        Ok(lines) => {
            LEARNERS.iter().for_each(|learner| print(learner, &lines, &arguments.drift));
            println!("\n{:.0} s", start.elapsed().as_secs_f64());
            check::check(&lines, &arguments.drift, &mut gates);
        }
        Err(error) => gates.check(error.to_string(), false),
    }
    gates
}

fn lines(arguments: &Arguments) -> Result<Vec<Line>, Error> {
    let (seeds, every) = if arguments.quick { (2, 2500) } else { (arguments.seeds, arguments.rows as usize) };
    println!(
        "{CONCEPTS} concepts of {every} rows, {seeds} seeds; ± is the standard error over them. Drifts are found by `{}`.",
        arguments.drift
    );
    let policies = COLUMNS[1..].iter().map(|text| PolicySpec::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let columns: Vec<Option<&PolicySpec>> = std::iter::once(None).chain(policies.iter().map(Some)).collect();
    let pairs: Vec<(Named, Stream)> =
        LEARNERS.iter().flat_map(|&learner| STREAMS.map(|stream| (learner, stream))).collect();
    let line = |(learner, stream): (Named, Stream)| {
        let of_seed = |seed| {
            let one = |policy: &Option<&PolicySpec>| {
                run_one(learner, policy.map(|policy| (&arguments.drift, policy)), &stream, every, seed)
            };
            columns.par_iter().map(one).collect::<Result<Vec<Run>, Error>>()
        };
        let runs = (1..=seeds).into_par_iter().map(of_seed).collect::<Result<Vec<_>, Error>>()?;
        Ok(Line { learner, stream, cells: cells(&stream, every, &runs) })
    };
    pairs.into_par_iter().map(line).collect()
}

/// `runs`: of each seed, of each column.
fn cells(stream: &Stream, every: usize, runs: &[Vec<Run>]) -> Vec<Cell> {
    let changes = stream.changes(every);
    let (width, values) = (stream.change.width(every), CONCEPTS * every);
    let rows = every - width;
    // Whoever finds a gradual change before its middle has found it.
    let begins: Vec<u64> = changes.iter().map(|&change| (change - width) as u64).collect();
    let cell = |column: usize| {
        let mut cell = Cell {
            accuracies: runs.iter().map(|columns| columns[column].accuracy()).collect(),
            recoveries: Vec::new(),
            changes: changes.len() * runs.len(),
            censored: 0,
            detections: Detections::default(),
            said: runs.iter().map(|columns| columns[column].said).collect(),
        };
        for columns in runs {
            let Run { right, drifts, .. } = &columns[column];
            cell.detections.merge(&Detections::judge(&begins, drifts, values as u64, values as u64));
            let found: Vec<f64> = changes
                .iter()
                .map(|&change| {
                    let all = columns.iter().map(|run| &run.right[..]);
                    let reachable = recovery::reachable(all, change, rows);
                    let found = recovery::recovery(right, change, rows, reachable);
                    cell.censored += usize::from(found.is_none());
                    found.unwrap_or(rows) as f64
                })
                .collect();
            cell.recoveries.extend((!found.is_empty()).then(|| mean(&found)));
        }
        cell
    };
    (0..COLUMNS.len()).map(cell).collect()
}

fn print(learner: &Named, lines: &[Line], drift: &DetectorSpec) {
    let of_learner = || lines.iter().filter(|line| line.learner == *learner);
    let names = COLUMNS.map(|column| if column == "none" { column.to_owned() } else { format!("`{column}`") });
    let head = |what: &str, names: &[String]| {
        println!("\n{what}, `{}`, `{}`\n", learner.model, learner.optimizer);
        println!("| stream | changes | {} |\n|---|---|{}", names.join(" | "), "---|".repeat(names.len()));
    };
    let row = |line: &Line, cells: Vec<String>| {
        println!("| {} | {} | {} |", line.stream.name, line.stream.change.name(), cells.join(" | "));
    };
    head("Accuracy in per cent", &names);
    of_learner().for_each(|line| row(line, line.cells.iter().map(|cell| summary(&cell.accuracies, 1)).collect()));
    head("Recovery in rows (of how many changes it was censored)", &names);
    for line in of_learner().filter(|line| line.cells[0].changes > 0) {
        let text = |cell: &Cell| match cell.censored {
            0 => summary(&cell.recoveries, 0),
            censored => format!("{} ({censored} of {})", summary(&cell.recoveries, 0), cell.changes),
        };
        row(line, line.cells.iter().map(text).collect());
    }
    head(&format!("Drifts that `{drift}` declares: of how many changes, and false alarms"), &names[1..]);
    for line in of_learner() {
        let text = |cell: &Cell| {
            let (found, others) = (cell.detections.found(), cell.detections.false_alarms());
            match line.stream.change {
                Change::Never => format!("{others} false"),
                // Whatever is declared here, something has changed.
                Change::Incremental => format!("{others} declared"),
                Change::Abrupt | Change::Gradual => format!("{found} of {}, {others} false", cell.changes),
            }
        };
        row(line, line.cells[1..].iter().map(text).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4000 rows a concept, of which the first so many are wrong.
    fn run_of(wrong: usize, drifts: &[u64]) -> Run {
        let right = (0..16_000).map(|row| row < 4000 || row % 4000 >= wrong).collect();
        Run { right, drifts: drifts.to_vec(), said: 0 }
    }

    fn stream(change: Change) -> Stream {
        STREAMS.into_iter().find(|stream| stream.change == change).expect("there is one")
    }

    #[test]
    fn a_cell_sums_up_changes_and_seeds() {
        let columns = |wrong: [usize; 6]| wrong.map(|wrong| run_of(wrong, &[4100, 4200, 8300])).to_vec();
        let runs = [columns([4000, 100, 0, 0, 0, 0]), columns([4000, 300, 0, 0, 0, 0])];
        let cells = cells(&stream(Change::Abrupt), 4000, &runs);
        // 196 of 200 are right 196 rows behind the last that is wrong.
        assert_eq!(cells[1].recoveries, [296.0, 496.0]);
        assert_eq!(cells[1].accuracies, [100.0 - 300.0 / 160.0, 100.0 - 900.0 / 160.0]);
        assert_eq!((cells[0].censored, cells[0].changes, &cells[0].recoveries), (6, 6, &vec![4000.0; 2]));
        let found = &cells[0].detections;
        assert_eq!((found.found(), found.false_alarms(), found.missed()), (4, 2, 2));
    }

    #[test]
    fn a_gradual_change_begins_before_its_middle_and_ends_the_concept_before() {
        let columns = vec![run_of(4000, &[3300]); 6].into_iter().chain([run_of(0, &[])]).collect::<Vec<_>>();
        let cells = cells(&stream(Change::Gradual), 4000, &[columns]);
        assert_eq!((cells[0].recoveries[0], cells[0].detections.found()), (3200.0, 1));
    }

    #[test]
    fn where_nothing_changes_every_drift_is_false() {
        let cells = cells(&stream(Change::Never), 4000, &[vec![run_of(10, &[9]); 6]]);
        assert!(cells[0].recoveries.is_empty() && cells[0].censored == 0);
        assert_eq!((cells[0].detections.found(), cells[0].detections.false_alarms()), (0, 1));
    }
}
