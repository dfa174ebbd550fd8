//! What the laws need: every kind of learner, streams in which everything can happen, bits.

use thalweg_autograd::Flat;
use thalweg_online::{
    AsValue, Config, Deep, Error, LabelSet, Learner, MemorySpec, Model, Target, Task, Value, checkpoint,
};
use thalweg_tensor::Rng;

pub const TASKS: [Task; 3] = [Task::Classify, Task::Regress, Task::MultiLabel];
pub const MODELS: [&str; 7] = [
    "linear",
    "mlp:7,5",
    "rnn:5,window=5",
    "rnn:4,window=1,last=false",
    "lstm:4,window=7",
    "gru:4,window=2",
    "gru:4,window=3,form=chung",
];
pub const OPTIMIZERS: [&str; 8] = [
    "sgd:0.03",
    "sgd:0.01,momentum=0.9",
    "adam:0.01",
    "adamw:0.01",
    "adam:0.01,clip=1",
    "rmsprop:0.001,centered=true",
    "nadam:0.002,warmup=9,cosine=60",
    "adagrad:0.01",
];
pub const MEMORIES: [&str; 2] = ["none", "reservoir:6,replays=2"];
/// All kinds of memory; the first needs classes.
pub const ALL_MEMORIES: [&str; 8] = [
    "er-ace:6,replays=2,window=3",
    "ring:6,replays=2",
    "balanced:6,replays=2",
    "greedy:6,replays=2",
    "der:6,replays=2,buffer=balanced",
    "der:6,replays=2,beta=1",
    "a-gem:6,replays=2",
    "mir:6,replays=2,candidates=4",
];

pub fn config(task: Task, model: &str, optimizer: &str, memory: &str) -> Config {
    Config {
        model: Model::parse(model).expect("there is such a model"),
        optimizer: optimizer.parse().expect("there is such an optimizer"),
        memory: MemorySpec::parse(memory).expect("there is such a memory"),
        ..Config::new(task)
    }
}

/// Every combination of task, model, optimizer and memory, with a text that names it.
pub fn every_learner(optimizers: &[&str], mut law: impl FnMut(Deep, &str)) {
    for task in TASKS {
        for model in MODELS {
            for optimizer in optimizers {
                for memory in MEMORIES {
                    let name = format!("{task} {model} {optimizer} {memory}");
                    law(Deep::new(config(task, model, optimizer, memory)), &name);
                }
            }
        }
    }
}

/// A cell that owns its text.
#[derive(Clone, Debug)]
pub enum Cell {
    Number(f64),
    Text(String),
    Missing,
}

impl AsValue for Cell {
    fn as_value(&self) -> Value<'_> {
        match self {
            Cell::Number(number) => Value::Number(*number),
            Cell::Text(text) => Value::Text(text),
            Cell::Missing => Value::Missing,
        }
    }
}

pub type Cells = Vec<(String, Cell)>;

/// A row and both kinds of answer to it.
#[derive(Clone, Debug)]
pub struct Example {
    pub x: Cells,
    pub label: String,
    /// Any number of labels, joined by `|`.
    pub labels: String,
    pub value: f64,
}

impl Example {
    pub fn target(&self, task: Task) -> Target<'_> {
        match task {
            Task::Classify => Target::Class(&self.label),
            Task::Regress => Target::Value(self.value),
            Task::MultiLabel => Target::Labels(LabelSet::joined(&self.labels, '|')),
        }
    }
}

pub const NUMBERS: usize = 4;
pub const WORDS: usize = 2;
const CATEGORIES: usize = 4;

fn word(feature: usize, category: usize) -> (String, Cell) {
    (format!("word {feature}"), Cell::Text(format!("category {category}")))
}

/// Rows in which features, categories, classes and missing cells appear as time goes on, and cells come and go.
pub fn stream(seed: u64, rows: usize) -> Vec<Example> {
    let mut rng = Rng::new(seed);
    let mut cells = |row: usize| -> Cells {
        let mut cells = Vec::new();
        for feature in (0..NUMBERS).filter(|feature| row >= 5 * feature) {
            match rng.below(8) {
                0 => {}
                1 if row > 7 => cells.push((format!("number {feature}"), Cell::Missing)),
                _ => cells.push((format!("number {feature}"), Cell::Number(3.0 + 2.0 * rng.normal()))),
            }
        }
        for feature in (0..WORDS).filter(|feature| row >= 3 + 9 * feature) {
            let category = rng.below(1 + (row / 4).min(CATEGORIES - 1));
            if rng.below(5) > 0 {
                cells.push(word(feature, category));
            }
        }
        cells
    };
    let example = |row| {
        let x = cells(row);
        let sum: f64 = x.iter().map(|(_, cell)| if let Cell::Number(number) = cell { *number } else { -2.0 }).sum();
        let class = (sum.abs() as usize) % (1 + row / 6).min(4);
        let set = (0..=class).filter(|bit| (sum.abs() as usize) >> bit & 1 == 1).map(|label| format!("class {label}|"));
        Example { x, label: format!("class {class}"), labels: set.collect(), value: sum * 10.0 - 3.0 }
    };
    (0..rows).map(example).collect()
}

/// Rows after which nothing that [`stream`] can show is new: every feature, every category, every flag.
pub fn everything() -> Vec<Example> {
    let full = |category| -> Cells {
        let numbers = (0..NUMBERS).map(|f| (format!("number {f}"), Cell::Number((f * f + 3 * category) as f64)));
        numbers.chain((0..WORDS).map(|feature| word(feature, category))).collect()
    };
    let missing = || (0..NUMBERS).map(|f| (format!("number {f}"), Cell::Missing)).collect();
    let xs = (0..CATEGORIES).map(full).chain([missing(), full(0)]);
    let labels = |i: usize| format!("class {}|class {}", i % 4, (i + 1) % 4);
    xs.enumerate()
        .map(|(i, x)| Example { x, label: format!("class {}", i % 4), labels: labels(i), value: i as f64 })
        .collect()
}

/// Learns a row; returns the bits of what it said before, and of the loss.
pub fn advance(learner: &mut Deep, example: &Example) -> Vec<u64> {
    let task = learner.task();
    let logits = learner.logits_one(&example.x).expect("the row is good").iter().map(|z| u64::from(z.to_bits()));
    let mut said: Vec<u64> = logits.collect();
    said.push(learner.predict_one(&example.x).expect("the row is good").value().unwrap_or(0.0).to_bits());
    said.push(learner.learn_one(&example.x, example.target(task)).expect("the row is good").to_bits());
    said
}

pub fn learn(learner: &mut Deep, examples: &[Example]) {
    examples.iter().for_each(|example| drop(advance(learner, example)));
}

/// Everything that a learner is.
pub fn whole(learner: &Deep) -> Vec<u8> {
    checkpoint::encode(learner).expect("the learner is small")
}

pub fn reloaded(learner: &Deep) -> Result<Deep, Error> {
    checkpoint::decode(&whole(learner))
}

pub fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// The numbers of a vector laid out like θ, by the name of their tensor and their row and column.
pub fn elements(vector: &Flat<f32>) -> Vec<(String, [usize; 2], u32)> {
    let mut elements = Vec::new();
    for (param, entry) in vector.layout().iter() {
        let (_, width) = entry.table();
        for (index, number) in vector.of(param).iter().enumerate() {
            elements.push((entry.name().to_owned(), [index / width, index % width], number.to_bits()));
        }
    }
    elements
}
