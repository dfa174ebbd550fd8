//! Loss of plasticity: the slowly-changing regression of Dohare et al. (2024), and what is done against it.
//!
//! Inputs are 20 bits, of which 15 stay for 10 000 examples and are then drawn anew; targets are those of a fixed network of
//! 100 thresholds. Five hidden units cannot follow all of it at once, and must go on learning. Published curves are means of
//! 100 runs of a million examples, the error over each 20 000; a run is another target, other inputs and another start. All
//! columns learn the same runs.
//!
//! The published learners are plain gradient descent, on one example at a time. Beside them, all with rectifiers and a rate
//! of 0.01, is what keeps networks plastic, with settings as published for other problems; none was tuned to this one.
//!
//! It takes nine minutes on two cores.
//!
//! # Gates
//!
//! Written down before there were figures:
//!
//! * Every figure that was read off is met by our mean, ±0.06.
//! * Continual backprop has a lower error over the last 200 000 examples than gradient descent over its first 200 000.

use std::time::Instant;

use clap::Args;
use rayon::prelude::*;
use thalweg_autograd::Activation;

use super::Gates;
use super::average::{mean, summary};
use super::plot::{Axis, Curve, Diagram, Drawing, Plot};

mod learner;
mod published;
mod stream;

use learner::Column;
use published::{Figure, PUBLISHED, TOLERANCE};
use stream::Stream;

/// How much is run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many runs the means are of; the published ones are of 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Two runs of 200 000 examples; figures behind those are not checked
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    plot: Plot,
}

/// Examples of one point of a curve.
const STRETCH: usize = 20_000;
const EXAMPLES: usize = 1_000_000;

const fn plain(name: &'static str, activation: Activation, optimizer: &'static str) -> Column {
    Column { name, activation, optimizer, plasticity: "none", consolidation: "none" }
}

const fn rule(name: &'static str, plasticity: &'static str) -> Column {
    Column { plasticity, ..plain(name, Activation::Relu, "sgd:0.01") }
}

/// Every column.
const COLUMNS: [Column; 15] = [
    plain("linear", Activation::Identity, "sgd:0.01"),
    plain("relu, 0.01", Activation::Relu, "sgd:0.01"),
    plain("relu, 0.003", Activation::Relu, "sgd:0.003"),
    plain("relu, 0.001", Activation::Relu, "sgd:0.001"),
    plain("tanh, 0.01", Activation::Tanh, "sgd:0.01"),
    plain("tanh, 0.003", Activation::Tanh, "sgd:0.003"),
    plain("tanh, 0.001", Activation::Tanh, "sgd:0.001"),
    plain("L2", Activation::Relu, "sgd:0.01,weight_decay=0.001"),
    Column { consolidation: "l2:0.001", ..plain("L2 to the start", Activation::Relu, "sgd:0.01") },
    rule("shrink and perturb", "shrink-perturb:shrink=0.99999,sigma=0.0001"),
    rule("continual backprop", "cbp:rate=0.0001,adaptable=true,gain=1.4142"),
    rule("ReDo", "redo:gain=1.4142"),
    rule("UPGD", "upgd"),
    rule("clipping", "clip:kappa=3"),
    plain("ObGD", Activation::Relu, "obgd:1"),
];

/// The columns that the last gate is about.
const DESCENT: &str = "relu, 0.01";
const CONTINUAL: &str = "continual backprop";

/// What is printed of each curve.
const SHOWN: [Figure; 9] = [
    Figure::Mean(0, 20),
    Figure::Mean(20, 40),
    Figure::Mean(40, 60),
    Figure::Mean(80, 100),
    Figure::Mean(180, 200),
    Figure::Mean(380, 400),
    Figure::Mean(580, 600),
    Figure::Mean(780, 800),
    Figure::Mean(980, 1000),
];

/// The curves of a column, one a run.
type Curves = Vec<Vec<f64>>;

/// Prints the table.
#[must_use]
pub fn run(arguments: &Arguments) -> Gates {
    let (runs, examples) = if arguments.quick { (2, EXAMPLES / 5) } else { (arguments.runs, EXAMPLES) };
    let begin = Instant::now();
    let of_run = |seed: u64| -> Curves {
        let stream = Stream::draw(seed, examples);
        COLUMNS.iter().map(|column| column.run(&stream, seed, STRETCH)).collect()
    };
    let found: Vec<Curves> = (0..runs).into_par_iter().map(of_run).collect();
    let columns: Vec<Curves> =
        (0..COLUMNS.len()).map(|column| found.iter().map(|curves| curves[column].clone()).collect()).collect();
    print(&columns, runs, examples);
    println!("\n{runs} runs of {} learners took {:.0} s", COLUMNS.len(), begin.elapsed().as_secs_f64());
    let mut gates = check(&columns);
    arguments.plot.draw(&mut gates, || drawing(&columns));
    gates
}

/// Gradient descent by itself, and what is done for it to go on learning: the mean curves.
fn drawing(columns: &[Curves]) -> Drawing {
    let curve = |(column, curves): (&Column, &Curves)| Curve {
        name: column.name.to_owned(),
        points: mean_curve(curves).into_iter().enumerate().map(|(k, error)| (at(k + 1), error)).collect(),
    };
    let is_plain =
        |column: &Column| column.plasticity == "none" && !column.name.contains("L2") && column.name != "ObGD";
    let diagram = |title: &str, shows: &dyn Fn(&Column) -> bool| Diagram {
        title: title.to_owned(),
        x: Axis::new("thousands of examples"),
        y: Axis::new("mean squared error"),
        curves: COLUMNS.iter().zip(columns).filter(|(column, _)| shows(column)).map(curve).collect(),
        levels: Vec::new(),
    };
    Drawing {
        title: "The slowly-changing regression (Dohare et al. 2024)".to_owned(),
        diagrams: vec![
            diagram("gradient descent", &is_plain),
            diagram("and what keeps it able to learn", &|column| !is_plain(column) || column.name == DESCENT),
        ],
        across: 2,
    }
}

/// Where so many stretches end, in thousands of examples.
fn at(stretches: usize) -> f64 {
    (stretches * STRETCH) as f64 / 1000.0
}

fn figures(curves: &[Vec<f64>], figure: Figure) -> Option<Vec<f64>> {
    curves.iter().map(|errors| figure.of(errors, STRETCH)).collect()
}

/// The figure of the mean of all curves, as published ones are.
fn of_mean(columns: &[Curves], name: &str, figure: Figure) -> Option<f64> {
    figure.of(&mean_curve(of_column(columns, name)?), STRETCH)
}

fn mean_curve(curves: &Curves) -> Vec<f64> {
    let points = curves.first().map_or(0, Vec::len);
    (0..points).map(|k| mean(&curves.iter().map(|errors| errors[k]).collect::<Vec<f64>>())).collect()
}

fn of_column<'a>(columns: &'a [Curves], name: &str) -> Option<&'a Curves> {
    COLUMNS.iter().position(|column| column.name == name).map(|place| &columns[place])
}

fn print(columns: &[Curves], runs: u64, examples: usize) {
    let shown = || SHOWN.into_iter().filter(|figure| figures(&columns[0], *figure).is_some());
    println!(
        "Mean squared error, {runs} runs of {examples} examples, in stretches of {STRETCH} that end at so many thousand\n"
    );
    let heads: Vec<String> = shown()
        .map(|figure| if let Figure::Mean(_, to) = figure { to.to_string() } else { figure.to_string() })
        .collect();
    println!("| learner | what | {} |\n|---|---|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for (column, curves) in COLUMNS.iter().zip(columns) {
        let Column { optimizer, plasticity, consolidation, .. } = column;
        let what = [*optimizer, *plasticity, *consolidation].into_iter().filter(|&text| text != "none");
        let what: Vec<String> = what.map(|text| format!("`{text}`")).collect();
        let cells: Vec<String> = shown().filter_map(|figure| Some(summary(&figures(curves, figure)?, 2))).collect();
        println!("| {} | {} | {} |", column.name, what.join(" "), cells.join(" | "));
    }
    println!("\n| learner | thousands of examples | published | ours |\n|---|---|---|---|");
    for one in &PUBLISHED {
        if let Some(ours) = of_mean(columns, one.column, one.figure) {
            println!("| {} | {} | {} | {ours:.2} |", one.column, one.figure, one.text());
        }
    }
}

fn check(columns: &[Curves]) -> Gates {
    let mut gates = Gates::default();
    for one in &PUBLISHED {
        if let Some(ours) = of_mean(columns, one.column, one.figure) {
            let what = format!("{}, {}: {}, ± {TOLERANCE}: {ours:.3}", one.column, one.figure, one.text());
            gates.check(what, one.accepted().contains(&ours));
        }
    }
    let of = |name: &str, figure: Figure| of_mean(columns, name, figure);
    if let (Some(first), Some(last)) = (of(DESCENT, Figure::Mean(0, 200)), of(CONTINUAL, Figure::Mean(800, 1000))) {
        let what = "continual backprop: its last 200 thousand are below the first of gradient descent";
        gates.check(format!("{what}: {last:.3} and {first:.3}"), last < first);
    }
    gates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_figure_is_of_a_column() {
        let names = || PUBLISHED.iter().map(|one| one.column).chain([DESCENT, CONTINUAL]);
        assert!(names().all(|name| COLUMNS.iter().any(|column| column.name == name)));
    }

    #[test]
    fn a_curve_that_is_off_fails_and_one_that_is_not_reached_is_not_asked_for() {
        let of = |error: f64| -> Vec<Curves> { vec![vec![vec![error; 50]; 2]; COLUMNS.len()] };
        assert!(!check(&of(0.9)).report());
        let mut short = of(0.62);
        for (column, curves) in COLUMNS.iter().zip(&mut short) {
            curves.iter_mut().for_each(|curve| curve.truncate(usize::from(column.name == DESCENT)));
        }
        assert!(check(&short).report(), "one figure, which is met");
    }

    #[test]
    fn all_columns_learn() {
        let stream = Stream::draw(1, 4000);
        let spread = stream.targets.iter().map(|target| f64::from(target * target)).sum::<f64>() / 4000.0;
        for column in COLUMNS {
            let errors = column.run(&stream, 1, 2000);
            assert!(errors.len() == 2 && errors[1] < spread, "{}: {errors:?}, {spread}", column.name);
        }
    }
}
