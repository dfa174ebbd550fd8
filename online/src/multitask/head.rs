//! What belongs to one task.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Var};
use thalweg_nn::Linear;
use thalweg_tensor::Rng;

use crate::deep::{Config, Objective, Said, Truth};
use crate::error::Error;
use crate::learn::{Prediction, Target, Task};

/// A task's linear layer on the trunk, and what is known of its answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TaskHead {
    pub task: Task,
    pub objective: Objective,
    /// Handles, and how many outputs there are; none before the first answer.
    pub linear: Option<(Linear, usize)>,
    #[serde(deserialize_with = "crate::saved::count")]
    pub rows: u64,
}

impl TaskHead {
    /// A head without a layer yet.
    pub fn new(config: &Config, task: Task) -> Self {
        TaskHead { task, objective: Objective::new(&of_task(config, task)), linear: None, rows: 0 }
    }

    /// Whether an answer can be learned.
    pub fn check(&self, y: &Target<'_>) -> Result<(), Error> {
        self.objective.check(y)
    }

    /// The trunk gives more numbers.
    pub fn grow_inputs(&self, params: &mut Params<f32>, by: usize) {
        self.linear.iter().for_each(|(linear, _)| linear.grow_inputs(params, by));
    }

    /// Takes in an answer that was [found good](TaskHead::check) and writes down what is kept of it. The first adds the layer
    /// to θ, initialised as PyTorch does; new outputs have weights of zero.
    pub fn observe(&mut self, y: Target<'_>, weight: f64, answer: &mut Answer, growth: Growth<'_>) {
        self.rows += 1;
        self.objective.observe(y, weight, &mut answer.truth);
        answer.is_known = true;
        let (outputs, Growth { params, name, width, rng }) = (self.objective.outputs(), growth);
        match &mut self.linear {
            None => self.linear = Some((Linear::new(params, &format!("head.{name}"), width, outputs, rng), outputs)),
            Some((linear, known)) if outputs > *known => {
                linear.grow_outputs(params, outputs - *known);
                *known = outputs;
            }
            Some(_) => {}
        }
    }

    /// How much an answer counts, today.
    pub fn weight(&self, answer: &Answer) -> f64 {
        self.objective.class_weight(&answer.truth)
    }

    /// What it costs that `answer` came; `z` is what the trunk says, `scratch` memory.
    pub fn loss<'p>(&self, z: Var<'p>, answer: &Answer, scratch: &mut Vec<f32>) -> Option<Var<'p>> {
        let (linear, _) = self.linear.as_ref()?;
        Some(self.objective.loss(linear.forward(z), &answer.truth, scratch))
    }

    /// The raw output for what the trunk says; empty before the first answer.
    pub fn forward(&self, z: Var<'_>, output: &mut Vec<f32>) {
        output.clear();
        if let Some((linear, _)) = &self.linear {
            linear.forward(z).with(|y| output.extend_from_slice(y));
        }
    }

    /// What an output means.
    pub fn prediction<'a>(&'a self, output: &[f32], said: &'a mut Said) -> Prediction<'a> {
        self.objective.predict(output, said)
    }
}

/// What a head needs to grow: θ, its name, the width of the trunk, a generator.
pub(super) struct Growth<'a> {
    pub params: &'a mut Params<f32>,
    pub name: &'a str,
    pub width: usize,
    pub rng: &'a mut Rng,
}

/// The answer of a row to one task, if it has one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Answer {
    pub is_known: bool,
    pub truth: Truth,
}

impl Answer {
    /// There is none; its memory is kept.
    pub fn clear(&mut self) {
        self.is_known = false;
        self.truth.classes.clear();
        self.truth.values.clear();
    }
}

/// Copying into an old one uses its memory again.
impl Clone for Answer {
    fn clone(&self) -> Self {
        Answer { is_known: self.is_known, truth: self.truth.clone() }
    }

    fn clone_from(&mut self, other: &Self) {
        self.is_known = other.is_known;
        self.truth.clone_from(&other.truth);
    }
}

/// The config of one task: weights of classes are for those that have classes, losses of numbers for the others.
pub(super) fn of_task(config: &Config, task: Task) -> Config {
    let mut own = Config { task, ..config.clone() };
    let usual = Config::new(task);
    if task != Task::Classify {
        own.class_weights = usual.class_weights;
    }
    if task != Task::Regress {
        own.loss = usual.loss;
    }
    own
}
