//! What a learner is after: the one place where an answer becomes a loss, and outputs become a prediction.
//!
//! | task | outputs | loss | prediction |
//! |---|---|---|---|
//! | classes | a logit for each class | cross entropy, in nats | softmax |
//! | a number | one, standardised | squared error, or [another](super::LossSpec) | `mean + deviation · output` |
//! | a number's quantiles | one for each | pinball, their sum | the same, in ascending order |

use serde::{Deserialize, Serialize};
use thalweg_autograd::Var;
use thalweg_nn::loss::{HuberLoss, L1Loss, QuantileLoss, Reduction};
use thalweg_tensor::kernels;

use super::{ClassWeights, Config, LossSpec};
use crate::labels::Labels;
use crate::learn::{Prediction, Target, Task};
use crate::moments::Moments;

/// The answer to a row, as a learner keeps it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Truth {
    /// The numbers of its classes.
    pub classes: Vec<usize>,
    /// Its numbers.
    pub values: Vec<f64>,
}

/// Copying into an old one uses its memory again.
impl Clone for Truth {
    fn clone(&self) -> Self {
        Truth { classes: self.classes.clone(), values: self.values.clone() }
    }

    fn clone_from(&mut self, other: &Self) {
        self.classes.clone_from(&other.classes);
        self.values.clone_from(&other.values);
    }
}

/// What is known of answers: classes, means, deviations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Objective {
    task: Task,
    classes: Labels,
    class_weights: ClassWeights,
    /// What the rows of each class weigh.
    came: Vec<f64>,
    target: Moments,
    loss: LossSpec,
    quantiles: QuantileLoss,
}

/// What was said last: memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Said {
    probabilities: Vec<f32>,
    values: Vec<f64>,
}

impl Objective {
    pub fn new(config: &Config) -> Self {
        Objective {
            task: config.task,
            classes: Labels::new(),
            class_weights: config.class_weights.clone(),
            came: Vec::new(),
            target: Moments::default(),
            loss: config.loss.clone(),
            quantiles: config.loss.quantile_loss(),
        }
    }

    /// The classes seen so far.
    pub fn classes(&self) -> &Labels {
        &self.classes
    }

    /// How many outputs the network needs now.
    pub fn outputs(&self) -> usize {
        match self.task {
            Task::Classify => self.classes.len().max(1),
            Task::Regress => self.loss.outputs(),
        }
    }

    /// Takes in an answer that [fits](Target::check), and writes down what is kept of it.
    pub fn observe(&mut self, y: Target<'_>, weight: f64, truth: &mut Truth) {
        truth.classes.clear();
        truth.values.clear();
        match y {
            Target::Class(label) => {
                let class = self.classes.insert(label);
                self.came.resize(self.classes.len(), 0.0);
                self.came[class] += weight;
                truth.classes.push(class);
            }
            Target::Value(value) => {
                truth.values.push(value);
                if weight > 0.0 {
                    self.target.update(value);
                }
            }
        }
    }

    /// How much an answer counts by its class, today.
    pub fn class_weight(&self, truth: &Truth) -> f64 {
        match (self.task, truth.classes.first()) {
            (Task::Classify, Some(&class)) => self.class_weights.of(class, &self.classes.as_slice()[class], &self.came),
            _ => 1.0,
        }
    }

    /// What the outputs of the network cost where `truth` came.
    pub fn loss<'p>(&self, output: Var<'p>, truth: &Truth) -> Var<'p> {
        match self.task {
            Task::Classify => output.cross_entropy(&truth.classes),
            Task::Regress => {
                let z = truth.values.first().and_then(|&value| self.target.standardise(value)).unwrap_or(0.0);
                let z = output.pass().input(&[z as f32]);
                match &self.loss {
                    LossSpec::Mse => output.mse(z),
                    LossSpec::Mae => L1Loss::default().forward(output, z),
                    &LossSpec::Huber(delta) => HuberLoss { delta, ..HuberLoss::default() }.forward(output, z),
                    LossSpec::Quantile(_) => self.quantiles.each(output, z.reshape([])).reduce(Reduction::Sum),
                }
            }
        }
    }

    /// What the outputs of the network say.
    pub fn predict<'a>(&'a self, output: &[f32], said: &'a mut Said) -> Prediction<'a> {
        match self.task {
            Task::Classify => {
                said.probabilities.clear();
                said.probabilities.resize(output.len(), 0.0);
                kernels::softmax(output, &mut said.probabilities);
                Prediction::Classes { labels: self.classes.as_slice(), probabilities: &said.probabilities }
            }
            Task::Regress => {
                let value = |&z: &f32| self.target.mean() + self.target.deviation() * f64::from(z);
                let Some(quantiles) = self.loss.quantiles() else {
                    return Prediction::Value(value(output.first().unwrap_or(&0.0)));
                };
                said.values.clear();
                said.values.extend(output.iter().map(value));
                said.values.sort_unstable_by(f64::total_cmp);
                Prediction::Quantiles { quantiles, values: &said.values }
            }
        }
    }
}
