//! Losses of predicted numbers: `d = x − t`.

use thalweg_autograd::Var;
use thalweg_tensor::Real;

use super::{Losses, Reduction, numbers, same_shape};

/// Squared error, `ℓ = d²`: any shape, one loss for each element. Its minimum is the mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MseLoss {
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl MseLoss {
    /// The reduced loss; the mean as one node.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        match self.reduction {
            Reduction::Mean => prediction.mse(target),
            other => self.each(prediction, target).reduce(other),
        }
    }

    /// `(x − t)²`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("mse", prediction, target);
        Losses::new((prediction - target).square())
    }
}

/// Absolute error, `ℓ = |d|`: any shape, one loss for each element. Its minimum is the median. The derivative at 0 is
/// taken to be 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct L1Loss {
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl L1Loss {
    /// The reduced loss.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(prediction, target).reduce(self.reduction)
    }

    /// `|x − t|`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("l1", prediction, target);
        Losses::new((prediction - target).abs())
    }
}

/// Huber's loss (Huber 1964): any shape, one loss for each element. Near 0 it is half the square, beyond `δ` it goes on
/// as a line, so that an outlier pulls with a force of at most `δ`.
///
/// ```text
/// ℓ = ½ d²          where |d| ≤ δ
/// ℓ = δ (|d| − ½ δ)  elsewhere
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HuberLoss {
    /// `δ`, where the parabola ends; 1 at first.
    pub delta: f64,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl Default for HuberLoss {
    fn default() -> Self {
        HuberLoss { delta: 1.0, reduction: Reduction::Mean }
    }
}

impl HuberLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// If the shapes differ, or `delta` is not above 0.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(prediction, target).reduce(self.reduction)
    }

    /// Both pieces in one expression: with `c` the difference cut off at `±δ`, `ℓ = c (d − ½ c)`.
    ///
    /// # Panics
    /// If the shapes differ, or `delta` is not above 0.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("huber", prediction, target);
        assert!(self.delta > 0.0, "huber: delta > 0 expected: {}", self.delta);
        Losses::new(huber(prediction - target, self.delta))
    }
}

fn huber<T: Real>(d: Var<'_, T>, delta: f64) -> Var<'_, T> {
    let cut = d.clamp(T::from_f64(-delta), T::from_f64(delta));
    cut * (d - cut * T::from_f64(0.5))
}

/// Smooth absolute error (Girshick 2015), Huber's loss divided by `β`: any shape, one loss for each element.
///
/// ```text
/// ℓ = ½ d² / β       where |d| ≤ β
/// ℓ = |d| − ½ β       elsewhere
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SmoothL1Loss {
    /// `β`, where the parabola ends; 1 at first. 0 makes it the absolute error.
    pub beta: f64,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl Default for SmoothL1Loss {
    fn default() -> Self {
        SmoothL1Loss { beta: 1.0, reduction: Reduction::Mean }
    }
}

impl SmoothL1Loss {
    /// The reduced loss.
    ///
    /// # Panics
    /// If the shapes differ, or `beta` is below 0.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(prediction, target).reduce(self.reduction)
    }

    /// Huber's loss with `δ = β`, divided by it.
    ///
    /// # Panics
    /// If the shapes differ, or `beta` is below 0.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("smooth l1", prediction, target);
        assert!(self.beta >= 0.0, "smooth l1: beta ≥ 0 expected: {}", self.beta);
        let d = prediction - target;
        Losses::new(if self.beta == 0.0 { d.abs() } else { huber(d, self.beta) / T::from_f64(self.beta) })
    }
}

/// The quantile or pinball loss (Koenker & Bassett 1978): predictions `[…, Q]` of Q quantiles, targets `[…]`, one loss for
/// each prediction. Its minimum is the `τ`-quantile: a fraction `τ` of the targets lies below.
///
/// ```text
/// ℓ = max(τ u, (τ − 1) u)      u = t − x
/// ```
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::loss::QuantileLoss;
///
/// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let pass = tape.pass(&params);
/// let band = QuantileLoss::of(&[0.25, 0.5, 0.75]);
/// let losses = band.each(pass.input(&[1.0, 2.0, 3.0]), pass.input(&[4.0]).reshape([])).var();
/// assert_eq!(losses.to_tensor().as_slice(), [0.75, 1.0, 0.75]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QuantileLoss {
    /// `τ`, each between 0 and 1; the median at first.
    pub quantiles: Vec<f64>,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl Default for QuantileLoss {
    fn default() -> Self {
        Self::of(&[0.5])
    }
}

impl QuantileLoss {
    /// The mean over these quantiles.
    pub fn of(quantiles: &[f64]) -> Self {
        QuantileLoss { quantiles: quantiles.to_vec(), reduction: Reduction::Mean }
    }

    /// The reduced loss.
    ///
    /// # Panics
    /// As [`each`](QuantileLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(prediction, target).reduce(self.reduction)
    }

    /// `max(τ (t − x), (τ − 1)(t − x))`, of the prediction's shape.
    ///
    /// # Panics
    /// If the prediction is not the target's shape with an axis for the quantiles behind it, or a quantile is not between
    /// 0 and 1.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, prediction: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        let (shape, rank, count) = (prediction.shape(), target.rank(), self.quantiles.len());
        assert!(
            shape == target.shape().inserted(rank, count),
            "quantile: predictions {shape} of {count} quantiles and target {}",
            target.shape()
        );
        if let Some(bad) = self.quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            panic!("quantile: between 0 and 1 expected: {bad}");
        }
        let above = target.unsqueeze(rank) - prediction;
        let quantiles = numbers(prediction.pass(), &self.quantiles);
        Losses::new((above * quantiles).maximum(above * (quantiles - T::ONE)))
    }
}
