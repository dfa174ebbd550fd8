//! Losses of classes: a score for each class, `[C]`, `[n, C]` or `[n, C, d…]`, and the number of the right one for each
//! example, row-major; one loss for each: `[]`, `[n]` or `[n, d…]`.
//!
//! As in PyTorch classes are on axis 1, so a sequence `[t, n, C]` is to be given as rows: `x.reshape([t * n, C])`. The
//! plain mean, [`Var::cross_entropy`], has its classes on the last axis and takes such a sequence as it is.

use thalweg_autograd::Var;
use thalweg_tensor::{Real, kernels};

use super::rows::{Rows, check_weights, classes_last};
use super::{Losses, Reduction, numbers, same_shape};

/// Cross entropy of logits.
///
/// ```text
/// ℓ = −Σₖ qₖ ln softmax(x)ₖ       qₖ = wₖ ((1 − ε) [k = class] + ε/C)
/// ```
///
/// with class weights `w` and labels smoothed by `ε` (Szegedy et al. 2016). Logits of −∞ stand for classes that are ruled
/// out; they cost nothing as long as they are not the right one and nothing is smoothed.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::loss::CrossEntropyLoss;
///
/// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let pass = tape.pass(&params);
/// let padded = CrossEntropyLoss { ignore_index: Some(0), ..Default::default() };
/// let loss = padded.forward(pass.zeros([3, 4]), &[2, 0, 0]);
/// assert!((loss.item() - 4.0_f64.ln()).abs() < 1e-15); // of the first example alone
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CrossEntropyLoss {
    /// `w`, one for each class; 1 if there is nothing here.
    pub weight: Option<Vec<f64>>,
    /// The class that stands for "none": such examples cost nothing, have no slope and do not count in the mean.
    pub ignore_index: Option<usize>,
    /// `ε`, between 0 and 1; 0 at first.
    pub label_smoothing: f64,
    /// How the losses are put together. The mean divides by the weights of the right classes.
    pub reduction: Reduction,
}

impl CrossEntropyLoss {
    /// The reduced loss of logits and classes.
    ///
    /// # Panics
    /// As [`each`](CrossEntropyLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, logits: Var<'p, T>, classes: &[usize]) -> Var<'p, T> {
        let plain = self.weight.is_none() && self.ignore_index.is_none() && self.label_smoothing == 0.0;
        match self.reduction {
            Reduction::Mean if plain && (1..3).contains(&logits.rank()) => logits.cross_entropy(classes),
            other => self.each(logits, classes).reduce(other),
        }
    }

    /// One loss for each example.
    ///
    /// # Panics
    /// If there are no logits, the classes are not one for each example, there is no such class, the weights are not one
    /// for each class, or the smoothing is not between 0 and 1.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, logits: Var<'p, T>, classes: &[usize]) -> Losses<'p, T> {
        let smoothing = self.smoothing();
        let rows = Rows::of("cross_entropy", logits, classes, self.ignore_index, self.weight.as_deref());
        let each = rows.record(|x, class, slope| {
            let total = kernels::log_sum_exp(x);
            let (mut loss, mut mass) = (T::ZERO, T::ZERO);
            for (k, (slope, &x)) in slope.iter_mut().zip(x).enumerate() {
                let right = if k == class { 1.0 - smoothing } else { 0.0 };
                let q: T = T::from_f64(rows.weight_of(k) * (right + smoothing / rows.count as f64));
                if q != T::ZERO {
                    loss += q * (total - x);
                }
                mass += q;
                *slope = -q;
            }
            slope.iter_mut().zip(x).for_each(|(slope, &x)| *slope += mass * (x - total).exp());
            loss
        });
        Losses::with_share(each, rows.share())
    }

    /// The reduced loss of logits and a probability for each class, of the same shape. The mean divides by the number of
    /// examples, and `ignore_index` does not apply.
    ///
    /// # Panics
    /// As [`each_of_probabilities`](CrossEntropyLoss::each_of_probabilities).
    #[track_caller]
    pub fn forward_probabilities<'p, T: Real>(&self, logits: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each_of_probabilities(logits, target).reduce(self.reduction)
    }

    /// One loss for each example, of logits and a probability for each class.
    ///
    /// # Panics
    /// If the shapes differ, the weights are not one for each class, or the smoothing is not between 0 and 1.
    #[track_caller]
    pub fn each_of_probabilities<'p, T: Real>(&self, logits: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("cross_entropy", logits, target);
        let smoothing = self.smoothing();
        let [(logits, shape), (target, _)] = [logits, target].map(|x| classes_last("cross_entropy", x));
        let [_, count] = logits.dims();
        let target = match smoothing {
            0.0 => target,
            _ => target * T::from_f64(1.0 - smoothing) + T::from_f64(smoothing / count as f64),
        };
        let weighted = match self.weight.as_deref() {
            None => target,
            Some(weight) => {
                check_weights("cross_entropy", weight, count);
                target * numbers(logits.pass(), weight)
            }
        };
        Losses::new(-(weighted * logits.log_softmax()).sum_axis(1).reshape(shape))
    }

    #[track_caller]
    fn smoothing(&self) -> f64 {
        let smoothing = self.label_smoothing;
        assert!((0.0..=1.0).contains(&smoothing), "cross_entropy: label_smoothing in [0, 1] expected: {smoothing}");
        smoothing
    }
}

/// Negative log-likelihood of log-probabilities, `ℓ = −w x[class]`: what [`CrossEntropyLoss`] is after `log_softmax`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NllLoss {
    /// `w`, one for each class; 1 if there is nothing here.
    pub weight: Option<Vec<f64>>,
    /// The class that stands for "none": such examples cost nothing, have no slope and do not count in the mean.
    pub ignore_index: Option<usize>,
    /// How the losses are put together. The mean divides by the weights of the right classes.
    pub reduction: Reduction,
}

impl NllLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// As [`each`](NllLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, log_probabilities: Var<'p, T>, classes: &[usize]) -> Var<'p, T> {
        self.each(log_probabilities, classes).reduce(self.reduction)
    }

    /// One loss for each example.
    ///
    /// # Panics
    /// If there are no log-probabilities, the classes are not one for each example, there is no such class, or the weights
    /// are not one for each class.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, log_probabilities: Var<'p, T>, classes: &[usize]) -> Losses<'p, T> {
        let rows = Rows::of("nll", log_probabilities, classes, self.ignore_index, self.weight.as_deref());
        let each = rows.record(|x, class, slope| {
            let weight: T = T::from_f64(rows.weight_of(class));
            slope[class] = -weight;
            -weight * x[class]
        });
        Losses::with_share(each, rows.share())
    }
}

/// The hinge for several classes (Crammer & Singer 2001; Weston & Watkins 1999), PyTorch's `MultiMarginLoss`: the right
/// class must stand above each other one by a margin.
///
/// ```text
/// ℓ = w[class]/C Σₖ max(0, margin − x[class] + xₖ)ᵖ       k ≠ class
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MultiMarginLoss {
    /// `p`: 1 at first; 2 makes it smooth.
    pub p: i32,
    /// How far above is enough; 1 at first.
    pub margin: f64,
    /// `w`, one for each class; 1 if there is nothing here.
    pub weight: Option<Vec<f64>>,
    /// How the losses are put together. The mean divides by the number of examples.
    pub reduction: Reduction,
}

impl Default for MultiMarginLoss {
    fn default() -> Self {
        MultiMarginLoss { p: 1, margin: 1.0, weight: None, reduction: Reduction::Mean }
    }
}

impl MultiMarginLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// As [`each`](MultiMarginLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, scores: Var<'p, T>, classes: &[usize]) -> Var<'p, T> {
        self.each(scores, classes).reduce(self.reduction)
    }

    /// One loss for each example. Where a class stands exactly at the margin, the slope is 0.
    ///
    /// # Panics
    /// If there are no scores, the classes are not one for each example, there is no such class, the weights are not one
    /// for each class, or `p` is neither 1 nor 2.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, scores: Var<'p, T>, classes: &[usize]) -> Losses<'p, T> {
        assert!([1, 2].contains(&self.p), "multi_margin: p of 1 or 2 expected: {}", self.p);
        let rows = Rows::of("multi_margin", scores, classes, None, self.weight.as_deref());
        let (power, margin): (T, T) = (T::from_f64(f64::from(self.p)), T::from_f64(self.margin));
        Losses::new(rows.record(|x, class, slope| {
            let scale: T = T::from_f64(rows.weight_of(class) / rows.count as f64);
            let mut loss = T::ZERO;
            for k in (0..x.len()).filter(|&k| k != class) {
                let short = margin - x[class] + x[k];
                if short <= T::ZERO {
                    continue; // NaN goes on
                }
                let pull = scale * power * short.powi(self.p - 1);
                loss += scale * short.powi(self.p);
                slope[k] += pull;
                slope[class] -= pull;
            }
            loss
        }))
    }
}
