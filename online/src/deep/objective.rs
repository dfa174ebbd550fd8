//! What a learner is after: the one place where an answer becomes a loss, and outputs become a prediction.
//!
//! | task | outputs | loss | prediction |
//! |---|---|---|---|
//! | classes | a logit for each class | cross entropy, in nats | softmax |
//! | a number | one, standardised | squared error, or [another](super::LossSpec) | `mean + deviation · output` |
//! | a number's quantiles | one for each | pinball, their sum | the same, in ascending order |
//! | several numbers | one for each, standardised by itself | the sum over those that are known | the same for each |
//! | a set of labels | a logit for each label | binary cross entropy, its sum over the labels | a sigmoid each |
//!
//! Losses of several outputs are *summed*: what one of them learns does not depend on how many others there are.

use serde::{Deserialize, Serialize};
use thalweg_autograd::Var;
use thalweg_nn::loss::{BceWithLogitsLoss, HuberLoss, L1Loss, MseLoss, QuantileLoss, Reduction};
use thalweg_tensor::{Real, kernels};

use super::{ClassWeights, Config, LossSpec};
use crate::error::{Error, ErrorKind};
use crate::labels::Labels;
use crate::learn::{Prediction, Target, Task};
use crate::moments::Moments;

/// The answer to a row, as a learner keeps it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Truth {
    /// The numbers of its classes.
    pub classes: Vec<usize>,
    /// Its numbers; NaN where one is not known.
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
pub(crate) struct Objective {
    pub(super) task: Task,
    pub(super) classes: Labels,
    pub(super) class_weights: ClassWeights,
    /// What the rows of each class weigh.
    pub(super) came: Vec<f64>,
    /// Of each number.
    pub(super) targets: Vec<Moments>,
    pub(super) loss: LossSpec,
    pub(super) quantiles: QuantileLoss,
}

/// What was said last: memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Said {
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
            targets: Vec::new(),
            loss: config.loss.clone(),
            quantiles: config.loss.quantile_loss(),
        }
    }

    /// The classes seen so far.
    pub fn classes(&self) -> &Labels {
        &self.classes
    }

    /// These classes will come, in this order: none of them has.
    pub fn expect_classes(&mut self, classes: &Labels) {
        self.classes = classes.clone();
        if self.task == Task::Classify {
            self.came.resize(classes.len(), 0.0);
        }
    }

    /// How many outputs the network needs now.
    pub fn outputs(&self) -> usize {
        match self.task {
            Task::Classify | Task::MultiLabel => self.classes.len().max(1),
            Task::Regress => self.targets.len().max(1) * self.loss.outputs(),
        }
    }

    /// Whether an answer can be learned.
    pub fn check(&self, y: &Target<'_>) -> Result<(), Error> {
        y.check(self.task)?;
        let (known, found) = (self.targets.len(), y.numbers().len());
        if known > 0 && known != found {
            let message = format!("expected numbers to predict as before, {known}, found {found}");
            return Err(Error::new(ErrorKind::Value, message));
        }
        if found > 1 && self.loss.quantiles().is_some() {
            let message = format!("expected one number a row for the loss {}, found {found}", self.loss);
            return Err(Error::new(ErrorKind::Spec, message));
        }
        Ok(())
    }

    /// Takes in an answer that [fits](Objective::check), and writes down what is kept of it.
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
            Target::Labels(labels) => {
                for label in labels.iter() {
                    let class = self.classes.insert(label);
                    if !truth.classes.contains(&class) {
                        truth.classes.push(class);
                    }
                }
            }
            Target::Value(_) | Target::Values(_) => {
                truth.values.extend_from_slice(y.numbers());
                self.targets.resize(truth.values.len(), Moments::default());
                if weight > 0.0 {
                    // NaN is passed over.
                    self.targets.iter_mut().zip(&truth.values).for_each(|(moments, &value)| moments.update(value));
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

    /// What the outputs of the network cost where `truth` came. `z` is scratch memory.
    pub fn loss<'p>(&self, output: Var<'p>, truth: &Truth, z: &mut Vec<f32>) -> Var<'p> {
        match self.task {
            Task::Classify => output.cross_entropy(&truth.classes),
            Task::Regress => self.loss_of_numbers(output, &truth.values, z),
            Task::MultiLabel => {
                self.answer(truth, z);
                BceWithLogitsLoss::default()
                    .each(self.known(output), output.pass().input(&z[..]))
                    .reduce(Reduction::Sum)
            }
        }
    }

    /// By how much the slope of the loss changes with an output, at most: 2 of squares, which are not halved.
    pub fn curvature(&self) -> f64 {
        if self.task == Task::Regress && self.loss == LossSpec::Mse { 2.0 } else { 1.0 }
    }

    /// The outputs that mean something: before the first label the network has one that does not.
    pub fn known<'p>(&self, output: Var<'p>) -> Var<'p> {
        if self.task == Task::MultiLabel { output.slice(0, 0..self.classes.len()) } else { output }
    }

    /// What the outputs should be, one for each: 1 for each class that came, else 0; or standardised numbers, of which NaN is
    /// not known.
    pub fn answer(&self, truth: &Truth, z: &mut Vec<f32>) {
        z.clear();
        if self.task == Task::Regress {
            let standardised =
                self.targets.iter().zip(&truth.values).map(|(moments, &value)| moments.standardise(value));
            let numbers = standardised.map(|z| z.map_or(f32::NAN, |z| z as f32));
            z.extend(numbers.flat_map(|z| std::iter::repeat_n(z, self.loss.outputs())));
        } else {
            z.resize(self.classes.len(), 0.0);
            truth.classes.iter().for_each(|&class| z[class] = 1.0);
        }
    }

    fn loss_of_numbers<'p>(&self, output: Var<'p>, values: &[f64], z: &mut Vec<f32>) -> Var<'p> {
        z.clear();
        let standardised = self.targets.iter().zip(values).map(|(moments, &value)| moments.standardise(value));
        z.extend(standardised.map(|z| z.unwrap_or(0.0) as f32));
        let target = output.pass().input(&z[..]);
        let losses = match &self.loss {
            LossSpec::Mse if values.len() == 1 => return output.mse(target),
            LossSpec::Mse => MseLoss::default().each(output, target),
            LossSpec::Mae => L1Loss::default().each(output, target),
            &LossSpec::Huber(delta) => HuberLoss { delta, ..HuberLoss::default() }.each(output, target),
            LossSpec::Quantile(_) => self.quantiles.each(output, target.reshape([])),
        };
        if !values.iter().any(|value| value.is_nan()) {
            return losses.reduce(Reduction::Sum);
        }
        // What is not known costs nothing.
        z.iter_mut().zip(values).for_each(|(known, value)| *known = f32::from(u8::from(!value.is_nan())));
        losses.weighted(output.pass().input(&z[..])).reduce(Reduction::Sum)
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
            Task::MultiLabel => {
                said.probabilities.clear();
                said.probabilities.extend(output[..self.classes.len()].iter().map(|logit| logit.sigmoid()));
                Prediction::Labels { labels: self.classes.as_slice(), probabilities: &said.probabilities }
            }
            Task::Regress => {
                let (moments, quantiles) = (self.targets.iter(), self.loss.outputs());
                let moments = moments.flat_map(|moments| std::iter::repeat_n(moments, quantiles));
                said.values.clear();
                let numbers = moments.zip(output).map(|(m, &z)| m.mean() + m.deviation() * f64::from(z));
                said.values.extend(numbers);
                let Some(quantiles) = self.loss.quantiles() else {
                    return match *said.values {
                        [value] => Prediction::Value(value),
                        _ => Prediction::Values(&said.values),
                    };
                };
                said.values.sort_unstable_by(f64::total_cmp);
                Prediction::Quantiles { quantiles, values: &said.values }
            }
        }
    }
}
