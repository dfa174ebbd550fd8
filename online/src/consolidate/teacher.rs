//! What was said before: a frozen copy of a network, and what it costs to say something else (LwF).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Tape, Var};
use thalweg_nn::loss::{BceWithLogitsLoss, Reduction};
use thalweg_tensor::{Real, View};

use crate::error::{Error, ErrorKind};
use crate::learn::Task;

/// A network as it was: its handles and its θ, which no longer move.
///
/// The network that learns may have grown since. The teacher looks at the first columns alone, those that it knew, and has
/// outputs for the classes that it knew: what it says is compared with as many first outputs.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::{Linear, Rng, View};
/// use thalweg_online::consolidate::Teacher;
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let linear = Linear::new(&mut params, "head", 2, 3, &mut rng);
/// let mut teacher = Teacher::new(&linear, &params, 2);
/// linear.grow_inputs(&mut params, 1);
/// linear.grow_outputs(&mut params, 1);
///
/// let x = [0.5, -1.0, 7.0]; // the third column is new
/// let said = teacher.say(View::from(&x), |linear, x| linear.forward(x)).to_vec();
/// let mut tape = Tape::new();
/// let pass = tape.pass(&params);
/// let now = linear.forward(pass.input(&x)).to_tensor();
/// assert_eq!((said.len(), &said[..]), (3, &now.as_slice()[..3])); // what is new weighs nothing yet
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "N: Serialize, T: Real + Serialize"))]
#[serde(bound(deserialize = "N: Deserialize<'de>, T: Real + Deserialize<'de>"))]
pub struct Teacher<N, T: Real = f32> {
    network: N,
    params: Params<T>,
    inputs: usize,
    #[serde(skip)]
    scratch: Scratch<T>,
}

/// Memory that is used again from example to example and means nothing in between.
#[derive(Debug, Default)]
struct Scratch<T: Real> {
    tape: Tape<T>,
    said: Vec<T>,
}

/// A clone has its own scratch memory, empty at first.
impl<N: Clone, T: Real> Clone for Teacher<N, T> {
    fn clone(&self) -> Self {
        Self::new(&self.network, &self.params, self.inputs)
    }
}

impl<N, T: Real> Teacher<N, T> {
    /// A copy of a network that looks at rows of this many columns.
    #[must_use]
    pub fn new(network: &N, params: &Params<T>, inputs: usize) -> Self
    where
        N: Clone,
    {
        Teacher { network: network.clone(), params: params.clone(), inputs, scratch: Scratch::default() }
    }

    /// The network, as it was.
    #[must_use]
    pub fn network(&self) -> &N {
        &self.network
    }

    /// θ, as it was.
    #[must_use]
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    /// How many columns it looks at.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// How much memory its θ takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.params.as_slice().len() * T::BYTES
    }

    /// What it says of rows `[…, columns]`, row-major: the outputs of `forward`, which gets the columns that it knows.
    ///
    /// # Panics
    ///
    /// If there are fewer columns than it knows.
    #[track_caller]
    pub fn say(&mut self, x: View<'_, T>, forward: impl for<'p> FnOnce(&N, Var<'p, T>) -> Var<'p, T>) -> &[T] {
        let Teacher { network, params, inputs, scratch: Scratch { tape, said } } = self;
        let pass = tape.pass(params);
        let x = pass.input(x);
        let (rank, columns) = (x.rank(), x.shape().dims().last().copied().unwrap_or(0));
        assert!(
            rank > 0 && columns >= *inputs,
            "teacher: rows of {inputs} columns expected, the shape is {}",
            x.shape()
        );
        let known = if columns == *inputs { x } else { x.slice(rank - 1, 0..*inputs) };
        said.clear();
        forward(network, known).with(|outputs| said.extend_from_slice(outputs));
        said
    }
}

/// What becomes of classes that the teacher does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewClasses {
    /// The old ones are compared among themselves: new ones are neither likely nor unlikely (Li & Hoiem 2016).
    #[default]
    LeftOut,
    /// The teacher is taken to give them probability 0.
    Zero,
}

impl FromStr for NewClasses {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "left_out" => Ok(NewClasses::LeftOut),
            "zero" => Ok(NewClasses::Zero),
            other => Err(Error::expected(ErrorKind::Spec, "left_out or zero", other)),
        }
    }
}

impl fmt::Display for NewClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NewClasses::LeftOut => "left_out",
            NewClasses::Zero => "zero",
        })
    }
}

/// What it costs to say something else than the teacher (equation 7 of the [module](super)), the mean over examples: outputs `[k]` or `[n, k]`
/// and what the [teacher said](Teacher::say) of the same examples, of at most k outputs each → `[]`.
///
/// | task | cost of an example |
/// |---|---|
/// | classes | `−Σ softmax(z*/T) ln softmax(z/T)`, without the factor T² of Hinton et al. (2015) |
/// | labels | the binary cross entropy of σ(z/T) and σ(z*/T), their sum over the labels |
/// | numbers | `½ Σ (z − z*)²`; T plays no part |
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_online::Task;
/// use thalweg_online::consolidate::{NewClasses, distillation};
///
/// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let pass = tape.pass(&params);
/// let (now, before) = (pass.input(&[0.0, 0.0, 5.0]), [1.0, 1.0]); // a third class has come
/// let cost = distillation(Task::Classify, now, &before, 2.0, NewClasses::LeftOut);
/// assert!((cost.item() - 2.0_f64.ln()).abs() < 1e-12); // an even choice among the old ones
/// ```
///
/// # Panics
///
/// If the outputs have other axes, what was said is not as much for each example, or T is not a finite number above 0.
#[track_caller]
pub fn distillation<'p, T: Real>(
    task: Task,
    outputs: Var<'p, T>,
    said: &[T],
    temperature: f64,
    new_classes: NewClasses,
) -> Var<'p, T> {
    assert!(temperature.is_finite() && temperature > 0.0, "distillation: T above 0 expected, found {temperature}");
    let (shape, pass) = (outputs.shape(), outputs.pass());
    let (rows, now) = match *shape.dims() {
        [now] => (1, now),
        [rows, now] => (rows, now),
        _ => panic!("distillation: outputs [k] or [n, k] expected, found {shape}"),
    };
    let before = said.len() / rows.max(1);
    assert!(before * rows == said.len() && before <= now, "distillation: outputs {shape} and {} before", said.len());
    if said.is_empty() {
        return pass.zeros([]);
    }
    let axis = shape.rank() - 1;
    let teacher = pass.input(View::new(shape.with(axis, before), said));
    let known = |x: Var<'p, T>| if before == now { x } else { x.slice(axis, 0..before) };
    let cooled = T::from_f64(temperature.recip());
    let cost = match (task, new_classes) {
        (Task::Classify, new_classes) => {
            let log_probabilities = match new_classes {
                NewClasses::LeftOut => (known(outputs) * cooled).log_softmax(),
                NewClasses::Zero => known((outputs * cooled).log_softmax()),
            };
            -((teacher * cooled).softmax() * log_probabilities).sum()
        }
        (Task::MultiLabel, _) => {
            let target = (teacher * cooled).sigmoid();
            BceWithLogitsLoss::default().each(known(outputs) * cooled, target).reduce(Reduction::Sum)
        }
        (Task::Regress, _) => (known(outputs) - teacher).square().sum() * T::from_f64(0.5),
    };
    cost * T::from_f64((rows as f64).recip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::gradcheck;
    use thalweg_tensor::Tensor;

    fn cost(task: Task, now: &[f64], before: &[f64], temperature: f64, new: NewClasses) -> f64 {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        distillation(task, tape.pass(&params).input(now), before, temperature, new).item()
    }

    fn softmax(z: &[f64], t: f64) -> Vec<f64> {
        let total: f64 = z.iter().map(|z| (z / t).exp()).sum();
        z.iter().map(|z| (z / t).exp() / total).collect()
    }

    #[test]
    fn by_hand() {
        let (now, before) = ([0.2, -1.0, 0.7], [1.0, 0.5]);
        let cross = |q: &[f64], p: &[f64]| -q.iter().zip(p).map(|(q, p)| q * p.ln()).sum::<f64>();
        for t in [1.0, 2.0, 5.0] {
            let q = softmax(&before, t);
            let left_out = cost(Task::Classify, &now, &before, t, NewClasses::LeftOut);
            assert!((left_out - cross(&q, &softmax(&now[..2], t))).abs() < 1e-12);
            let zero = cost(Task::Classify, &now, &before, t, NewClasses::Zero);
            assert!((zero - cross(&q, &softmax(&now, t))).abs() < 1e-12 && zero > left_out);
            let sigmoid = |z: f64| 1.0 / (1.0 + (-z / t).exp());
            let labels =
                |i: usize| cross(&[sigmoid(before[i]), sigmoid(-before[i])], &[sigmoid(now[i]), sigmoid(-now[i])]);
            let found = cost(Task::MultiLabel, &now, &before, t, NewClasses::LeftOut);
            assert!((found - labels(0) - labels(1)).abs() < 1e-12);
        }
        let numbers = cost(Task::Regress, &now, &before, 2.0, NewClasses::LeftOut);
        assert!((numbers - 0.5 * (0.64 + 2.25)).abs() < 1e-12);
        assert_eq!(cost(Task::Classify, &now, &[], 2.0, NewClasses::Zero), 0.0, "a teacher of nothing");
    }

    #[test]
    fn the_slope_is_that_of_the_value_and_vanishes_at_the_teacher() {
        let outputs = Tensor::new([2, 3], vec![0.2, -1.0, 0.7, 1.1, 0.0, -0.4]);
        let said = [1.0, 0.5, -0.3, 0.8];
        for task in [Task::Classify, Task::Regress, Task::MultiLabel] {
            for new in [NewClasses::LeftOut, NewClasses::Zero] {
                gradcheck([outputs.clone()], |[z]| distillation(task, z, &said, 2.0, new)).unwrap();
                let (params, mut tape, mut slope) = (Params::<f64>::new(), Tape::new(), [9.0; 2]);
                let pass = tape.pass(&params);
                let z = pass.leaf(&said[..2]);
                distillation(task, z, &said[..2], 2.0, new).backward(&mut thalweg_autograd::Grads::like(&params));
                z.grad_to(&mut slope);
                assert!(slope.iter().all(|slope| slope.abs() < 1e-15), "{task}: {slope:?}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "distillation: outputs [2] and 3 before")]
    fn outputs_do_not_go_away() {
        cost(Task::Classify, &[0.0, 1.0], &[0.0, 1.0, 2.0], 2.0, NewClasses::LeftOut);
    }
}
