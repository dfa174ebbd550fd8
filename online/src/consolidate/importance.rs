//! How much each element of θ matters to what a network says: the diagonal of the Fisher information (EWC), and the
//! sensitivity of its outputs (MAS). Both are means over examples of something of `Jᵀu`, where `J = ∂z/∂θ` of the outputs z:
//!
//! | importance | mean over examples of | backward passes for one |
//! |---|---|---|
//! | [`add_fisher`](Importance::add_fisher) | `Σᵤ (Jᵀu)²` with `Σᵤ u uᵀ = Cov(y)`, y ~ p(·\|x) | one for each output |
//! | [`add_sampled`](Importance::add_sampled) | `(Jᵀ(y − μ))²`, one y ~ p(·\|x) | 1 |
//! | [`add_empirical`](Importance::add_empirical) | `(Jᵀ(y − μ))²`, the y that came | 1 |
//! | [`add_sensitivity`](Importance::add_sensitivity) | `\|Jᵀ 2z\|`, for `‖z‖²` has the slope 2z | 1 |
//!
//! because for what a [`Task`] predicts, `∂ ln p(y|x) / ∂z = y − μ`:
//!
//! | task | y | μ | the u of the exact Fisher |
//! |---|---|---|---|
//! | classes | one-hot | softmax(z) | `√μₖ (eₖ − μ)` |
//! | labels | 0 or 1 each | σ(z) | `√(μₖ (1 − μₖ)) eₖ` |
//! | numbers, of variance 1 | standardised | z | `eₖ` |

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params, Var};
use thalweg_nn::Step;
use thalweg_tensor::{Real, Rng, kernels};

use crate::learn::Task;

/// A running mean over examples: how much each element of θ matters. See the [module](self).
///
/// Of each example it is given the outputs, `[k]`, and goes back through their pass; the same pass may be used for a loss, too.
/// A gradient that is not finite, or absurdly large, adds nothing, and the example does not count ([`Step::Refused`]).
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_online::{Task, consolidate::Importance};
///
/// let mut params = Params::<f64>::new();
/// let w = params.add("w", [1, 2], |_| 0.5);
/// let (mut tape, mut fisher) = (Tape::new(), Importance::new());
/// for x in [[1.0, 0.0], [3.0, 0.0]] {
///     let pass = tape.pass(&params);
///     fisher.add_fisher(pass.input(&x).linear(pass.param(w)), Task::Regress, 1.0);
/// }
/// assert_eq!(fisher.take(&params).of(w), [5.0, 0.0]); // the mean of x²
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Read<T>")]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Importance<T: Real = f32> {
    sum: Flat<T>,
    /// What the examples weigh together.
    weight: f64,
    #[serde(skip)]
    scratch: Scratch<T>,
}

/// Memory that is used again from example to example and means nothing in between.
#[derive(Clone, Debug, Default)]
struct Scratch<T: Real> {
    grads: Grads<T>,
    mean: Vec<T>,
    cotangent: Vec<T>,
}

impl<T: Real> Default for Importance<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> Importance<T> {
    /// Of no example yet.
    #[must_use]
    pub fn new() -> Self {
        Importance { sum: Flat::default(), weight: 0.0, scratch: Scratch::default() }
    }

    /// Everything in it that is laid out like θ.
    pub(super) fn vectors(&self) -> [&Flat<T>; 1] {
        [&self.sum]
    }

    /// What the examples since the last [`take`](Importance::take) weigh together.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// How much memory its numbers take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.sum.as_slice().len() + self.scratch.grads.layout().len()) * T::BYTES
    }

    /// The exact Fisher information of one example: `E_{y ~ p} (∂ ln p(y|x) / ∂θ)²`. One backward pass for each output.
    ///
    /// # Panics
    ///
    /// If these are the outputs of several examples.
    #[track_caller]
    pub fn add_fisher(&mut self, output: Var<'_, T>, task: Task, weight: f64) -> Step {
        self.look(output, task);
        let mut step = Step::Taken;
        for k in 0..self.scratch.mean.len() {
            let Scratch { mean, cotangent, .. } = &mut self.scratch;
            let p = mean[k];
            let scale = match task {
                Task::Classify => p.sqrt(),
                Task::MultiLabel => (p * (T::ONE - p)).sqrt(),
                Task::Regress => T::ONE,
            };
            if scale == T::ZERO {
                continue; // a class that is ruled out
            }
            match task {
                Task::Classify => cotangent.iter_mut().zip(&*mean).for_each(|(u, &p)| *u = -scale * p),
                _ => cotangent.fill(T::ZERO),
            }
            cotangent[k] += scale;
            if self.add(output, weight, |g| g * g) == Step::Refused {
                step = Step::Refused;
            }
        }
        self.count(weight, step)
    }

    /// The Fisher information with one answer drawn from what the network says: right on average.
    ///
    /// # Panics
    ///
    /// As [`add_fisher`](Importance::add_fisher).
    #[track_caller]
    pub fn add_sampled(&mut self, output: Var<'_, T>, task: Task, rng: &mut Rng, weight: f64) -> Step {
        self.look(output, task);
        let Scratch { mean, cotangent, .. } = &mut self.scratch;
        let pairs = cotangent.iter_mut().zip(&*mean);
        match task {
            Task::Classify => {
                let mut left = rng.uniform();
                for (u, &p) in pairs {
                    let drawn = (0.0..p.to_f64()).contains(&left);
                    *u = T::from_f64(f64::from(u8::from(drawn))) - p;
                    left -= p.to_f64();
                }
            }
            Task::MultiLabel => pairs.for_each(|(u, &p)| {
                let drawn = rng.uniform() < p.to_f64();
                *u = T::from_f64(f64::from(u8::from(drawn))) - p;
            }),
            Task::Regress => cotangent.iter_mut().for_each(|u| *u = T::from_f64(rng.normal())),
        }
        let step = self.add(output, weight, |g| g * g);
        self.count(weight, step)
    }

    /// The square of the gradient for the answer that came, the *empirical* Fisher: not the Fisher information, for it
    /// vanishes where the answers are met. The answer has one number for each output: one-hot, 0 or 1 for each label, or
    /// standardised numbers, of which NaN is not known.
    ///
    /// # Panics
    ///
    /// As [`add_fisher`](Importance::add_fisher), or if there are more or fewer answers than outputs.
    #[track_caller]
    pub fn add_empirical(&mut self, output: Var<'_, T>, task: Task, answer: &[T], weight: f64) -> Step {
        self.look(output, task);
        let Scratch { mean, cotangent, .. } = &mut self.scratch;
        let (outputs, answers) = (mean.len(), answer.len());
        assert!(outputs == answers, "importance: {outputs} outputs and {answers} answers");
        for ((u, &mean), &y) in cotangent.iter_mut().zip(&*mean).zip(answer) {
            *u = if y.to_f64().is_nan() { T::ZERO } else { y - mean };
        }
        let step = self.add(output, weight, |g| g * g);
        self.count(weight, step)
    }

    /// How much `‖z‖²`, the square of the length of the outputs (of classes: of the logits), changes with each element of
    /// θ: `|∂‖z‖² / ∂θ|`. No answer is needed.
    ///
    /// # Panics
    ///
    /// As [`add_fisher`](Importance::add_fisher).
    #[track_caller]
    pub fn add_sensitivity(&mut self, output: Var<'_, T>, weight: f64) -> Step {
        self.look(output, Task::Regress);
        let Scratch { mean, cotangent, .. } = &mut self.scratch;
        cotangent.iter_mut().zip(&*mean).for_each(|(u, &z)| *u = z + z);
        let step = self.add(output, weight, T::abs);
        self.count(weight, step)
    }

    /// The mean, laid out like θ; zero of no example. Then it begins anew.
    pub fn take(&mut self, params: &Params<T>) -> Flat<T> {
        let mut mean = std::mem::take(&mut self.sum);
        mean.align(params.layout());
        if self.weight > 0.0 {
            let share = T::from_f64(self.weight.recip());
            mean.as_mut_slice().iter_mut().for_each(|sum| *sum *= share);
        }
        self.weight = 0.0;
        mean
    }

    /// Reads what an answer is expected to be: μ.
    #[track_caller]
    fn look(&mut self, output: Var<'_, T>, task: Task) {
        let (shape, Scratch { mean, cotangent, .. }) = (output.shape(), &mut self.scratch);
        let outputs = shape.dims().last().copied().unwrap_or(1);
        assert!(shape.len() == outputs, "importance: the outputs of one example expected, the shape is {shape}");
        for numbers in [&mut *mean, &mut *cotangent] {
            numbers.clear();
            numbers.resize(outputs, T::ZERO);
        }
        output.with(|z| match task {
            Task::Classify => kernels::softmax(z, mean),
            Task::MultiLabel => mean.iter_mut().zip(z).for_each(|(mean, z)| *mean = z.sigmoid()),
            Task::Regress => mean.copy_from_slice(z),
        });
    }

    /// Goes back through the pass, and adds what is measured of each element of the gradient.
    fn add(&mut self, output: Var<'_, T>, weight: f64, measure: impl Fn(T) -> T) -> Step {
        let Importance { sum, scratch: Scratch { grads, cotangent, .. }, .. } = self;
        output.backward_from(cotangent, grads);
        sum.align(grads.layout());
        // As of optimizers: the square must be far from overflow.
        if !grads.is_within(1e-4 / T::MIN_POSITIVE.to_f64().sqrt()) {
            grads.zero();
            return Step::Refused;
        }
        let (weight, sum) = (T::from_f64(weight), sum.as_mut_slice());
        grads.consume(|_, at, g| {
            let sum = &mut sum[at..at + g.len()];
            kernels::vectorize(
                #[inline(always)]
                || {
                    for (sum, &g) in sum.iter_mut().zip(g) {
                        let more = weight * measure(g);
                        *sum += if more < T::MIN_POSITIVE { T::ZERO } else { more };
                    }
                },
            );
        });
        Step::Taken
    }

    fn count(&mut self, weight: f64, step: Step) -> Step {
        if step == Step::Taken {
            self.weight += weight;
        }
        step
    }
}

/// A mean as it is read: trusted once no number of it is below 0.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Real + Deserialize<'de>"))]
struct Read<T: Real> {
    sum: Flat<T>,
    weight: f64,
}

impl<T: Real> TryFrom<Read<T>> for Importance<T> {
    type Error = &'static str;

    fn try_from(Read { sum, weight }: Read<T>) -> Result<Self, &'static str> {
        let sound =
            weight.is_finite() && weight >= 0.0 && sum.as_slice().iter().all(|x| x.is_finite() && *x >= T::ZERO);
        let importance = Importance { sum, weight, scratch: Scratch::default() };
        if sound { Ok(importance) } else { Err("the importances of parameters contradict themselves") }
    }
}

#[cfg(test)]
mod tests;
