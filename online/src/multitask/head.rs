//! What belongs to one task.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Var};
use thalweg_nn::Linear;
use thalweg_tensor::{Rng, kernels};

use crate::error::Error;
use crate::labels::Labels;
use crate::learn::{Prediction, Target, Task};
use crate::moments::Moments;

/// A task's linear layer on the trunk, and what its answers are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TaskHead {
    pub task: Task,
    pub classes: Labels,
    target: Moments,
    linear: Linear,
    outputs: usize,
    pub rows: u64,
}

/// An answer, as it is learned and remembered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Truth {
    Class(usize),
    Value(f64),
}

impl TaskHead {
    /// Adds the layer to θ, initialised as PyTorch does, with one output.
    pub fn new(params: &mut Params<f32>, name: &str, task: Task, width: usize, rng: &mut Rng) -> Self {
        let linear = Linear::new(params, &format!("head.{name}"), width, 1, rng);
        TaskHead { task, classes: Labels::new(), target: Moments::default(), linear, outputs: 1, rows: 0 }
    }

    /// The trunk gives more numbers.
    pub fn grow_inputs(&self, params: &mut Params<f32>, by: usize) {
        self.linear.grow_inputs(params, by);
    }

    /// Takes in a target, which [`check`] has found good; a new class gets an output with weights of zero.
    pub fn take_in(&mut self, params: &mut Params<f32>, y: Target<'_>) -> Truth {
        self.rows += 1;
        match y {
            Target::Value(value) => {
                self.target.update(value);
                Truth::Value(value)
            }
            Target::Class(label) => {
                let class = self.classes.insert(label);
                if class >= self.outputs {
                    self.linear.grow_outputs(params, class + 1 - self.outputs);
                    self.outputs = class + 1;
                }
                Truth::Class(class)
            }
        }
    }

    /// The raw output for what the trunk says.
    pub fn forward<'p>(&self, z: Var<'p>) -> Var<'p> {
        self.linear.forward(z)
    }

    /// Cross entropy in nats, or the squared error of the standardised target.
    pub fn loss<'p>(&self, z: Var<'p>, truth: Truth) -> Var<'p> {
        let output = self.forward(z);
        match truth {
            Truth::Class(class) => output.cross_entropy(&[class]),
            Truth::Value(value) => {
                let z = self.target.standardise(value).unwrap_or(0.0);
                output.mse(output.pass().input(&[z as f32]))
            }
        }
    }

    /// What an output means.
    pub fn prediction<'a>(&'a self, output: &[f32], probabilities: &'a mut Vec<f32>) -> Prediction<'a> {
        match self.task {
            Task::Classify => {
                probabilities.clear();
                probabilities.resize(output.len(), 0.0);
                kernels::softmax(output, probabilities);
                Prediction::Classes { labels: self.classes.as_slice(), probabilities }
            }
            Task::Regress => {
                let z = output.first().map_or(0.0, |&z| f64::from(z));
                Prediction::Value(self.target.mean() + self.target.deviation() * z)
            }
        }
    }
}

/// Whether a target is one of this task.
pub(super) fn check(task: Task, y: Target<'_>) -> Result<(), Error> {
    match task {
        Task::Classify => y.class().map(drop),
        Task::Regress => y.number().map(drop),
    }
}
