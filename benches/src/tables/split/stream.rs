//! The same digits as a stream: each image comes once, alone, and is learned when it comes.
//!
//! The learners are those of the library and its command: [`Deep`] with one memory or another, and [`Frozen`], whose trunk is a
//! layer of random features and whose head counts. What a user chooses by is what is known in the end, what an image costs,
//! and what has to be kept: the size of the learner's checkpoint. An image costs what it takes to learn it, and no more: SLDA, which
//! solves a system when it is asked, takes some milliseconds more where an answer or the loss is asked for in between.
//!
//! Task-incremental is what those that learn to tell all classes say when the context is told: which of its two classes has the
//! higher probability (so it is with Buzzega et al., "Dark experience for general continual learning", 2020; in the
//! [table of batches](super) the context is told while learning, too).

use std::time::Instant;

use clap::Args;
use rayon::prelude::*;
use thalweg_autograd::Params;
use thalweg_nn::{Network, NetworkSpec};
use thalweg_online::{
    AnyLearner, Config, ConsolidationSpec, Deep, Error, Extractor, FeatureSpec, Features, Frozen, HeadSpec, Learner,
    MemorySpec, Model, Target, Task, checkpoint,
};
use thalweg_tensor::Rng;

use super::data::{CONTEXTS, Contexts, Data};
use super::method::Scenario;
use super::{Images, load};
use crate::tables::Gates;
use crate::tables::average::{mean, summary};

/// Which images, and how much is learned of them.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many orders of the digits and of their images, and networks, are drawn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The bundled digits, and not MNIST
    #[arg(long)]
    digits: bool,
    /// Where MNIST's IDX files are; the folder in THALWEG_DATA, if none is given
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
    /// At most so many images of each context
    #[arg(long, default_value_t = 1000)]
    images: usize,
    /// The network of the deep learners
    #[arg(long, default_value = "mlp:100,100")]
    model: String,
    /// Its optimizer
    #[arg(long, default_value = "sgd:0.02")]
    optimizer: String,
    /// Memories, or what holds θ, each as the command takes it; without any, those of the table
    #[arg(long)]
    memory: Vec<String>,
}

/// What is kept and how it is learned again, or how θ is held, which is told when a context ends; how far above none it must be
/// in the end where all classes are to be told apart.
///
/// A ring of 500 holds the last context alone, if contexts are long: nothing is asked of it. Nor is it of penalties, which were
/// published as no help here. A-GEM keeps a step from doing harm, which is not to learn the old beside the new: no more is
/// asked than that it does none. Of outputs alone, without labels, a quarter of what Buzzega et al. (2020) gain by them.
const MEMORIES: [(&str, Option<f64>); 17] = [
    ("none", None),
    ("ewc:100", None),
    ("si:1", None),
    ("lwf:1", None),
    ("er:100,replays=4", Some(30.0)),
    ("er:500,replays=1", Some(30.0)),
    ("er:500,replays=4", Some(30.0)),
    ("er:500,replays=4,buffer=ring", None),
    ("er:500,replays=4,buffer=balanced", Some(30.0)),
    ("er:500,replays=4,buffer=greedy", Some(30.0)),
    ("er:2000,replays=4", Some(30.0)),
    ("er-ace:500,replays=4", Some(30.0)),
    ("der:500,replays=4,alpha=1", Some(16.0)),
    ("der:500,replays=4,alpha=1,beta=1", Some(30.0)),
    ("a-gem:500,replays=10", Some(0.0)),
    ("mir:500,replays=4", Some(30.0)),
    (SHUFFLED, Some(30.0)),
];
/// No memory, but all contexts at once, in any order: what could be had.
const SHUFFLED: &str = "none, shuffled";
/// Heads that count, and on how many random features: each 30 points above none.
const HEADS: [(&str, usize); 3] = [("ncm", 400), ("slda", 100), ("slda", 400)];

/// As in the table.
fn head((head, features): (&str, usize)) -> String {
    format!("{head} of {features} random features")
}

/// One line of the table.
#[derive(Clone, Debug)]
struct Line {
    name: String,
    /// In percent, one for each seed; of each scenario.
    accuracies: [Vec<f64>; 3],
    microseconds: f64,
    bytes: usize,
}

/// What one learner came to.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// In percent; and if the context is told.
    accuracy: f64,
    accuracy_told: f64,
    microseconds: f64,
    bytes: usize,
}

/// Prints the table.
#[must_use]
pub fn run(arguments: &Arguments) -> Gates {
    let mut gates = Gates::default();
    let images = if arguments.digits { Images::Digits } else { Images::Mnist };
    match load(images, arguments.folder.clone()).and_then(|data| table(&data, arguments).map_err(|e| e.to_string())) {
        Ok(lines) => check(&lines, &mut gates),
        Err(error) => gates.check(error, false),
    }
    gates
}

fn table(data: &Data, arguments: &Arguments) -> Result<Vec<Line>, Error> {
    let memories = match arguments.memory.is_empty() {
        true => MEMORIES.map(|(name, _)| name.to_owned()).to_vec(),
        false => arguments.memory.clone(),
    };
    println!(
        "{}, each image once: at most {} of a context, {}, {}, {} seeds. Accuracy in percent on the held-out images of all \
         contexts after the last, ± its standard error; what it costs to learn an image; the size of a checkpoint.\n",
        data.name, arguments.images, arguments.model, arguments.optimizer, arguments.seeds
    );
    println!("| learner | Task-IL | Domain-IL | Class-IL | µs an image | bytes |\n|---|---|---|---|---|---|");
    let mut lines = Vec::new();
    for name in memories.into_iter().chain(HEADS.map(head)) {
        let line = line(data, arguments, name)?;
        let [task, domain, class] = line.accuracies.each_ref().map(|accuracies| summary(accuracies, 2));
        println!("| `{}` | {task} | {domain} | {class} | {:.0} | {} |", line.name, line.microseconds, line.bytes);
        lines.push(line);
    }
    Ok(lines)
}

fn line(data: &Data, arguments: &Arguments, name: String) -> Result<Line, Error> {
    let runs = |scenario| -> Result<Vec<Run>, Error> {
        (1..=arguments.seeds).into_par_iter().map(|seed| one(data, arguments, &name, scenario, seed)).collect()
    };
    let (domain, class) = (runs(Scenario::Domain)?, runs(Scenario::Class)?);
    let percent = |runs: &[Run], of: fn(&Run) -> f64| runs.iter().map(of).collect();
    Ok(Line {
        accuracies: [
            percent(&class, |run| run.accuracy_told),
            percent(&domain, |run| run.accuracy),
            percent(&class, |run| run.accuracy),
        ],
        microseconds: class.iter().map(|run| run.microseconds).sum::<f64>() / class.len() as f64,
        bytes: class.iter().map(|run| run.bytes).max().unwrap_or(0),
        name,
    })
}

/// One learner, from the first image to the last.
fn one(data: &Data, arguments: &Arguments, name: &str, scenario: Scenario, seed: u64) -> Result<Run, Error> {
    let contexts = Contexts::new(data, seed);
    let mut rng = Rng::new(seed);
    let mut phases: Vec<Vec<usize>> = (0..CONTEXTS).map(|context| contexts.learned(context)).collect();
    for images in &mut phases {
        rng.shuffle(images);
        images.truncate(arguments.images);
    }
    if name == SHUFFLED {
        let mut all = phases.concat();
        rng.shuffle(&mut all);
        phases = vec![all];
    }
    let names: Vec<String> = (0..data.pixels).map(|pixel| pixel.to_string()).collect();
    let mut row: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 0.0)).collect();
    let mut learner = learner(arguments, name, &row, seed)?;

    let start = Instant::now();
    for images in &phases {
        for &image in images {
            show(data.image(image), &mut row);
            let target = scenario.target(contexts.class(image)).to_string();
            match &mut learner {
                AnyLearner::Frozen(frozen) => frozen.teach_one(&row, Target::Class(&target))?,
                learner => {
                    learner.learn_one(&row, Target::Class(&target))?;
                }
            }
        }
        learner.end_context();
    }
    let count: usize = phases.iter().map(Vec::len).sum();
    let microseconds = 1e6 * start.elapsed().as_secs_f64() / count as f64;

    let [mut accuracy, mut accuracy_told] = [0.0; 2];
    for context in 0..CONTEXTS {
        let held_out = contexts.held_out(context);
        let percent = 100.0 / (held_out.len() * CONTEXTS) as f64;
        for &image in &held_out {
            show(data.image(image), &mut row);
            let target = scenario.target(contexts.class(image));
            let [target, other] = [target, target ^ 1].map(|output| output.to_string()); // those of its context
            let said = learner.predict_one(&row)?;
            accuracy += if said.label() == Some(target.as_str()) { percent } else { 0.0 };
            accuracy_told += if said.probability(&target) > said.probability(&other) { percent } else { 0.0 };
        }
    }
    Ok(Run { accuracy, accuracy_told, microseconds, bytes: checkpoint::encode(&learner)?.len() })
}

fn show(pixels: &[f32], row: &mut [(&str, f64)]) {
    row.iter_mut().zip(pixels).for_each(|((_, cell), &grey)| *cell = f64::from(grey));
}

fn learner(arguments: &Arguments, name: &str, row: &[(&str, f64)], seed: u64) -> Result<AnyLearner, Error> {
    let features = FeatureSpec::parse("scale=none")?;
    if let Some((kind, random)) = HEADS.into_iter().find(|&each| head(each) == name) {
        let mut features = Features::with(features);
        features.observe(&row)?;
        let (mut params, mut rng) = (Params::new(), Rng::new(seed));
        let spec: NetworkSpec = format!("linear:{random} > relu").parse()?;
        let network = Network::new(&mut params, "random", &spec, [row.len()], &mut rng)?;
        let trunk = Extractor::new(features, params, network)?;
        return Ok(AnyLearner::from(Frozen::new(trunk, &HeadSpec::parse(kind)?)));
    }
    let held = name.parse::<ConsolidationSpec>().unwrap_or_default();
    let memory = if name == SHUFFLED || !held.is_none() { "none" } else { name };
    Ok(AnyLearner::from(Deep::new(Config {
        features,
        model: Model::parse(&arguments.model)?,
        optimizer: arguments.optimizer.parse()?,
        memory: MemorySpec::parse(memory)?,
        consolidation: held,
        seed,
        ..Config::new(Task::Classify)
    })))
}

/// What a stream forgets without a memory, and what it keeps with one.
fn check(lines: &[Line], gates: &mut Gates) {
    let class = |line: &Line| mean(&line.accuracies[2]);
    let Some(none) = lines.iter().find(|line| line.name == "none").map(class) else {
        return gates.check("there is a learner without a memory", false);
    };
    gates.check(format!("Class-IL: none at most 30: {none:.1}"), none <= 30.0);
    for line in lines {
        let of_memory = MEMORIES.iter().find(|(name, _)| *name == line.name).and_then(|(_, least)| *least);
        let least = of_memory.or(HEADS.into_iter().any(|each| head(each) == line.name).then_some(30.0));
        if let Some(least) = least {
            let above = class(line) - none;
            gates.check(format!("Class-IL: {} above none by at least {least}: {above:.1}", line.name), above >= least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::easy;
    use super::*;

    fn accuracy(name: &str, scenario: Scenario) -> f64 {
        let arguments = Arguments {
            seeds: 1,
            digits: false,
            folder: None,
            images: 100,
            model: "mlp:20".into(),
            optimizer: "sgd:0.2".into(),
            memory: Vec::new(),
        };
        one(&easy(), &arguments, name, scenario, 1).expect("all of it is right").accuracy
    }

    #[test]
    fn a_stream_forgets_and_a_memory_or_a_head_that_counts_does_not() {
        let [none, memory, head] =
            ["none", "er:50,replays=4", "ncm of 400 random features"].map(|name| accuracy(name, Scenario::Class));
        assert!(none < 50.0 && memory > 70.0 && head > 70.0, "{none} {memory} {head}");
    }

    #[test]
    fn every_line_of_the_table_is_a_learner() {
        for name in MEMORIES.map(|(name, _)| name.to_owned()).into_iter().chain(HEADS.map(head)) {
            assert!((0.0..=100.0).contains(&accuracy(&name, Scenario::Domain)), "{name}");
        }
    }
}
