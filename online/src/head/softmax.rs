//! Logistic regression that learns by gradient descent.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{AnyOptimizer, Linear, Optimizer, OptimizerSpec, Step};
use thalweg_tensor::{Rng, kernels};

use super::is_usable;
use crate::error::Error;
use crate::saved::{Checked, checked, ensure};

/// A linear layer and a softmax, moved by the gradient of the cross entropy: the head of a [`Deep`](crate::Deep), alone.
///
/// ```text
///   p(k | z) = softmax_k(W z + b)                                                     (1)
///   W ← W − η (p − e_y) zᵀ      b ← b − η (p − e_y)                                   (2)  by plain SGD
/// ```
///
/// All weights are 0 at first, and so are those of a new class: no other logit changes when it comes, though probabilities
/// do, for there is one more to share with. Each example moves *all* classes by (2), and so a head that meets one class after
/// the other forgets: what this one is here to be compared with.
///
/// ```
/// use thalweg_online::head::Softmax;
///
/// let mut head = Softmax::new(1, "sgd:0.5".parse()?);
/// for k in 0..100 {
///     let class = k % 2;
///     head.learn_one(&[class as f32], class, 1.0);
/// }
/// assert!(head.predict_one(&[0.0])[0] > 0.9);
/// # Ok::<(), thalweg_online::spec::SpecError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Softmax {
    width: usize,
    classes: usize,
    params: Params<f32>,
    linear: Linear,
    optimizer: AnyOptimizer,
    #[serde(skip)]
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    tape: Tape<f32>,
    grads: Grads<f32>,
    probabilities: Vec<f32>,
}

/// A clone has its own scratch memory, empty at first.
impl Clone for Scratch {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

checked!(Softmax);

impl Checked for Softmax {
    fn check(&self) -> Result<(), Error> {
        let Softmax { width, classes, params, linear, optimizer, .. } = self;
        let alone = params.layout().entries().len() == 2 && linear.is_in(params, "head", *width, *classes);
        ensure(alone && optimizer.fits(params), "the weights of a head and their optimizer")
    }
}

impl Softmax {
    /// A classifier of feature vectors of this width, and how it moves.
    #[must_use]
    pub fn new(width: usize, optimizer: OptimizerSpec) -> Self {
        let mut params = Params::new();
        // There is nothing to draw.
        let linear = Linear::new(&mut params, "head", width, 0, &mut Rng::new(0));
        Softmax { width, classes: 0, params, linear, optimizer: optimizer.build(), scratch: Scratch::default() }
    }

    /// How many numbers a feature vector has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many classes have been seen.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// W, `head.weight [classes, d]`, and b, `head.bias [classes]`.
    #[must_use]
    pub fn params(&self) -> &Params<f32> {
        &self.params
    }

    /// Learns an example `z [d]` that counts `weight` times. Classes are numbered from 0; one that is new is appended. A
    /// feature that is not finite, or a weight that is not above 0 and at most 10¹², is refused: nothing has changed then.
    /// So is a gradient that is not finite; the class is known by then.
    ///
    /// # Panics
    ///
    /// If `z` is of another width.
    #[track_caller]
    pub fn learn_one(&mut self, z: &[f32], class: usize, weight: f64) -> Step {
        if !is_usable("Softmax", z, self.width, weight) {
            return Step::Refused;
        }
        if class >= self.classes {
            self.linear.grow_outputs(&mut self.params, class + 1 - self.classes);
            self.classes = class + 1;
        }
        let Scratch { tape, grads, .. } = &mut self.scratch;
        let pass = tape.pass(&self.params);
        let loss = self.linear.forward(pass.input(z)).cross_entropy(&[class]);
        (loss * weight as f32).backward(grads);
        self.optimizer.step(&mut self.params, grads)
    }

    /// How probable each class is for `z [d]`: `[classes]`.
    ///
    /// # Panics
    ///
    /// If `z` is of another width.
    #[track_caller]
    pub fn predict_one(&mut self, z: &[f32]) -> &[f32] {
        assert_eq!(z.len(), self.width, "Softmax: {} features expected, found {}", self.width, z.len());
        let Scratch { tape, probabilities, .. } = &mut self.scratch;
        let pass = tape.pass(&self.params);
        probabilities.clear();
        probabilities.resize(self.classes, 0.0);
        self.linear.forward(pass.input(z)).with(|logits| kernels::softmax(logits, probabilities));
        probabilities
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved::testing::refuses;
    use crate::{Config, Deep, FeatureSpec, Learner, Model, Target, Task};

    /// A `linear` Deep is this head, but for its first weights.
    #[test]
    fn it_moves_as_the_head_of_a_deep_learner() -> Result<(), crate::Error> {
        let features = FeatureSpec::parse("scale=none")?;
        let mut deep = Deep::new(Config { model: Model::parse("linear")?, features, ..Config::new(Task::Classify) });
        let mut head = Softmax::new(1, OptimizerSpec::default());
        let mut rng = Rng::new(3);
        for k in 0..5000 {
            let (x, class) = (rng.normal() as f32, usize::from(k % 3 == 0));
            deep.learn_one(&[("x", x)], Target::Class(["a", "b"][class]))?;
            head.learn_one(&[x], class, 1.0);
        }
        for x in [-2.0, 0.0, 1.5] {
            let of_deep = deep.predict_one(&[("x", x)])?.probability("a");
            let said = head.predict_one(&[x]);
            assert!((of_deep - f64::from(said[0])).abs() < 1e-2, "{of_deep} {said:?}");
        }
        Ok(())
    }

    #[test]
    fn weights_that_are_not_those_of_the_classes_are_refused() {
        let mut head = Softmax::new(2, "adam".parse().expect("an optimizer"));
        head.learn_one(&[1.0, 2.0], 1, 1.0);
        refuses(
            &head,
            &[
                ("a class too many", |head| head.classes += 1),
                ("any number of classes", |head| head.classes = usize::MAX),
                ("another width", |head| head.width = 3),
                ("a bias for weights", |head| head.linear.weight = head.linear.bias.expect("there is one")),
                ("a parameter too many", |head| {
                    head.params.add("more", [1], |_| 0.0);
                }),
                ("no parameters", |head| head.params = Params::new()),
            ],
        );
    }
}
