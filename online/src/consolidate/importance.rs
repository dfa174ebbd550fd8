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

/// A running mean over examples: how much each element of θ matters. See the [module](super).
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
            mean.as_mut_slice().iter_mut().for_each(|sum| *sum = *sum * share);
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_autograd::{Param, Pass, Tape};
    use thalweg_tensor::Rng;

    const X: [f64; 2] = [0.7, -2.0];

    /// Three outputs, `W x + b`, of which the last is far below the others.
    fn linear() -> (Params<f64>, [Param; 2]) {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [3, 2], |i| [0.3, -0.1, 0.5, 0.2, -0.4, 0.6][i]);
        let b = params.add("b", [3], |i| [0.1, 0.0, -0.2][i]);
        (params, [w, b])
    }

    fn outputs<'p>(pass: &'p Pass<'p, f64>, [w, b]: [Param; 2]) -> Var<'p, f64> {
        pass.input(&X).affine(pass.param(w), pass.param(b))
    }

    /// The mean of what `add` has added.
    fn mean(examples: usize, mut add: impl FnMut(&mut Importance<f64>, Var<'_, f64>)) -> [Vec<f64>; 2] {
        let ((params, handles), mut tape, mut importance) = (linear(), Tape::new(), Importance::new());
        for _ in 0..examples {
            add(&mut importance, outputs(&tape.pass(&params), handles));
        }
        assert_eq!(importance.weight(), examples as f64);
        let mean = importance.take(&params);
        assert_eq!(importance.weight(), 0.0, "it begins anew");
        handles.map(|param| mean.of(param).to_vec())
    }

    /// The expected importance of `w[k, j]` and `b[k]`, where that of `b` is known: `x²` times as much, or `|x|` times.
    fn expect(found: &[Vec<f64>; 2], of_bias: impl Fn(usize) -> f64, factor: impl Fn(f64) -> f64, tolerance: f64) {
        for k in 0..3 {
            assert!((found[1][k] - of_bias(k)).abs() < tolerance, "b[{k}]: {} and {}", found[1][k], of_bias(k));
            for j in 0..2 {
                let (found, expected) = (found[0][k * 2 + j], of_bias(k) * factor(X[j]));
                assert!((found - expected).abs() < tolerance * 4.0, "w[{k}, {j}]: {found} and {expected}");
            }
        }
    }

    /// What the three outputs are, and their softmax.
    fn said() -> [[f64; 3]; 2] {
        let ((params, handles), mut tape, mut z) = (linear(), Tape::new(), [0.0; 3]);
        outputs(&tape.pass(&params), handles).copy_to(&mut z);
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        [z, z.map(|z| z.exp() / total)]
    }

    /// The Fisher information of softmax regression is `p (1 − p) x²`; of logistic regression, too; of a number `x²`.
    #[test]
    fn the_exact_fisher_information_has_its_closed_form() {
        let [z, p] = said();
        let sigma = z.map(|z| 1.0 / (1.0 + (-z).exp()));
        let square = |x: f64| x * x;
        let exact = |task| mean(2, |importance, output| _ = importance.add_fisher(output, task, 1.0));
        expect(&exact(Task::Classify), |k| p[k] * (1.0 - p[k]), square, 1e-12);
        expect(&exact(Task::MultiLabel), |k| sigma[k] * (1.0 - sigma[k]), square, 1e-12);
        expect(&exact(Task::Regress), |_| 1.0, square, 1e-12);
    }

    /// Drawn answers give the same on average: 4σ of 20 000 draws.
    #[test]
    fn sampled_answers_are_right_on_average() {
        let [z, p] = said();
        let sigma = z.map(|z| 1.0 / (1.0 + (-z).exp()));
        let (square, mut rng) = (|x: f64| x * x, Rng::new(5));
        let mut sampled =
            |task| mean(20_000, |importance, output| _ = importance.add_sampled(output, task, &mut rng, 1.0));
        expect(&sampled(Task::Classify), |k| p[k] * (1.0 - p[k]), square, 0.012);
        expect(&sampled(Task::MultiLabel), |k| sigma[k] * (1.0 - sigma[k]), square, 0.012);
        expect(&sampled(Task::Regress), |_| 1.0, square, 0.05);
    }

    #[test]
    fn answers_that_came_and_outputs_by_hand() {
        let [z, p] = said();
        let square = |x: f64| x * x;
        let empirical = |task, answer: [f64; 3]| {
            mean(1, |importance, output| _ = importance.add_empirical(output, task, &answer, 1.0))
        };
        expect(&empirical(Task::Classify, [0.0, 1.0, 0.0]), |k| [p[0], 1.0 - p[1], p[2]][k].powi(2), square, 1e-12);
        let unknown = [2.0, f64::NAN, -1.0];
        expect(&empirical(Task::Regress, unknown), |k| [2.0 - z[0], 0.0, -1.0 - z[2]][k].powi(2), square, 1e-12);
        let sensitivity = mean(3, |importance, output| _ = importance.add_sensitivity(output, 1.0));
        expect(&sensitivity, |k| (2.0 * z[k]).abs(), f64::abs, 1e-12);
    }

    #[test]
    fn weights_are_those_of_the_mean_and_what_is_not_finite_is_refused() {
        let (mut tape, mut importance) = (Tape::new(), Importance::<f32>::new());
        let mut params = Params::<f32>::new();
        let w = params.add("w", [1], |_| 0.5);
        let mut add = |x: f32, weight| {
            let pass = tape.pass(&params);
            importance.add_fisher(pass.param(w) * pass.input(&[x]), Task::Regress, weight)
        };
        assert_eq!((add(1.0, 3.0), add(3.0, 1.0)), (Step::Taken, Step::Taken));
        assert_eq!((add(f32::NAN, 1.0), add(1e30, 1.0)), (Step::Refused, Step::Refused));
        let text = serde_json::to_string(&importance).expect("plain data");
        let mut read: Importance = serde_json::from_str(&text).expect("it was written");
        assert_eq!(read.take(&params), importance.take(&params));
        assert!(serde_json::from_str::<Importance>(&text.replace("12.0", "-12.0")).is_err());
        let pass = tape.pass(&params);
        importance.add_fisher(pass.param(w) * pass.input(&[2.0]), Task::Regress, 3.0);
        importance.add_fisher(pass.param(w) * pass.input(&[4.0]), Task::Regress, 1.0);
        assert_eq!(importance.take(&params).of(w), [(3.0 * 4.0 + 16.0) / 4.0]);
        assert_eq!(importance.take(&params).of(w), [0.0], "of no example");
    }

    proptest! {
        /// Through a hidden layer, against the definition: `Σ_y p(y) (∂ ln p(y) / ∂θ)²` with a pass for each y.
        #[test]
        fn the_fisher_information_is_its_definition(seed in 0u64..1000) {
            let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
            let [v, w] = [("v", [4, 2]), ("w", [3, 4])].map(|(name, shape)| params.add(name, shape, |_| rng.normal()));
            let (mut tape, mut importance, mut grads) = (Tape::new(), Importance::new(), Grads::like(&params));
            let pass = tape.pass(&params);
            let logits = pass.input(&X).linear(pass.param(v)).tanh().linear(pass.param(w));
            importance.add_fisher(logits, Task::Classify, 1.0);
            let fisher = importance.take(&params);
            let mut expected = Flat::like(&params);
            for y in 0..3 {
                let log_p = logits.log_softmax().row(y);
                let p = log_p.item().exp();
                log_p.backward(&mut grads);
                for param in [v, w] {
                    expected.of_mut(param).iter_mut().zip(grads.of(param)).for_each(|(sum, g)| *sum += p * g * g);
                }
                grads.zero();
            }
            for param in [v, w] {
                for (found, expected) in fisher.of(param).iter().zip(expected.of(param)) {
                    prop_assert!((found - expected).abs() < 1e-12 * (1.0 + expected));
                }
            }
        }
    }
}
