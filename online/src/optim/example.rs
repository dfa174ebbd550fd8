//! The second door: what an optimizer may be told of an example beside its gradient.

use thalweg_autograd::{Dense, Grads, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::{Groups, Optimizer, is_accepted};
use thalweg_tensor::Real;

use super::Curve;

/// What an optimizer must be told; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The gradient alone.
    Gradient,
    /// The error δ besides.
    Error,
    /// ∂ŷ/∂θ besides, which costs one more backward pass.
    Slopes,
}

/// What is known of one example beside its gradient.
///
/// Near where it stands, the loss of an example of weight w is `w λ δ²/2`, with δ the error along z = ∂ŷ/∂θ:
///
/// ```text
/// g = −w λ δ z
/// ```
///
/// | loss | δ | λ |
/// |---|---|---|
/// | half the squared error | y − ŷ | 1 |
/// | the squared error | y − ŷ | 2 |
/// | cross entropy of logits | ‖y − p‖₂, p the probabilities | 1 |
/// | any other, of outputs ŷ | ‖∂L/∂ŷ‖₂ | 1 |
///
/// Of several outputs δ is the norm of all their errors, and z points along them: z = Σₖ (δₖ/δ) ∂ŷₖ/∂θ.
#[derive(Debug)]
pub struct Example<'a, T: Real> {
    /// w.
    pub weight: f64,
    /// δ. Where there is one output it has a sign, that of y − ŷ.
    pub error: f64,
    /// λ.
    pub curvature: f64,
    /// Σₖ ±∂ŷₖ/∂θ, with a sign for each output that is drawn anew for each example, without w: the mean of its squares is
    /// Σₖ (∂ŷₖ/∂θ)², and of one output, or of weights that act on one alone, every one of them is. It is used up by the step.
    pub slopes: Option<&'a mut Grads<T>>,
    /// Where there is one output, its loss and ŷ; then λδ is the [pull](Curve::pull) there. Without it the loss goes on as
    /// `λ δ²/2` when ŷ moves.
    pub curve: Option<(Curve, f64)>,
}

impl<T: Real> Default for Example<'_, T> {
    /// Of one of which nothing is known: δ = w = λ = 1, and so z = −g.
    fn default() -> Self {
        Example { weight: 1.0, error: 1.0, curvature: 1.0, slopes: None, curve: None }
    }
}

impl<'a, T: Real> Example<'a, T> {
    /// Of this error, with half its square as the loss.
    pub fn new(error: f64) -> Self {
        Example { error, ..Self::default() }
    }

    /// Of this prediction, and any loss of one output.
    pub fn of(curve: Curve, prediction: f64) -> Self {
        Example { error: curve.pull(prediction), curve: Some((curve, prediction)), ..Self::default() }
    }

    /// With these slopes.
    pub fn with_slopes(self, slopes: &'a mut Grads<T>) -> Self {
        Example { slopes: Some(slopes), ..self }
    }

    /// `√w δ`. An example of weight w is one of weight 1 whose z and δ are √w times as large; that is how rules see it whose
    /// step is a multiple of `δz`.
    pub(super) fn row_error(&self) -> f64 {
        self.weight.sqrt() * self.error
    }

    /// How far ŷ goes along the error within a time of h, if it stands `by` beyond where it was.
    pub(super) fn moved(&self, by: f64, h: f64) -> f64 {
        match self.curve {
            Some((curve, prediction)) => curve.moved(prediction + by, h),
            None => -(self.error - by) * (-self.curvature * h).exp_m1(),
        }
    }

    /// Whether a step can be made of this, and of the gradient: if not, gradient and slopes are thrown away.
    pub(super) fn is_accepted(&mut self, params: &Params<T>, grads: &mut Grads<T>, groups: &mut Groups) -> bool {
        let numbers = [self.weight, self.curvature].into_iter().all(|number| number > 0.0 && number.is_finite());
        let slopes = self.slopes.as_mut().is_none_or(|slopes| is_accepted(params, slopes, groups));
        let accepted = is_accepted(params, grads, groups) && slopes && numbers && self.error.is_finite();
        if !accepted {
            grads.zero();
            self.slopes.iter_mut().for_each(|slopes| slopes.zero());
        }
        accepted
    }

    /// `c = factor · s²`, with `s` the slopes, or the gradient where nobody knows them.
    pub(super) fn squares(&mut self) -> Squares<'_, T> {
        let Example { weight, error, curvature, slopes, .. } = self;
        let from_gradient = (*weight * (*error * *curvature).powi(2)).recip();
        match slopes {
            Some(slopes) => Squares { slopes: Some(slopes.dense()), factor: *weight },
            None if from_gradient < 1e30 => Squares { slopes: None, factor: from_gradient },
            None => Squares { slopes: None, factor: 0.0 }, // there is no error, and so no gradient
        }
    }
}

/// `w Σₖ (∂ŷₖ/∂θ)²`: by how much the outputs answer to each element of θ.
pub(super) struct Squares<'a, T: Real> {
    slopes: Option<Dense<'a, T>>,
    factor: f64,
}

impl<T: Real> Squares<'_, T> {
    /// `(factor, s)` of a stretch of θ whose gradient is `g`.
    pub fn of<'s>(&'s self, range: &std::ops::Range<usize>, g: &'s [T]) -> (T, &'s [T]) {
        let slopes = self.slopes.as_ref().map_or(g, |slopes| &slopes.as_slice()[range.clone()]);
        (T::from_f64(self.factor), slopes)
    }
}

/// An optimizer that does better when it is told of the example than by the gradient alone.
///
/// [`step`](Optimizer::step) tells it nothing: δ is taken for 1, and −g for z.
pub trait Informed<T: Real>: Optimizer<T> {
    /// What it is to be told.
    fn needs(&self) -> Needs;

    /// One step; gradient and slopes are zero afterwards. Refused as [`step`](Optimizer::step) is, and so if what it is told
    /// is not finite, or weight or curvature are not above 0.
    ///
    /// # Panics
    /// As [`step`](Optimizer::step) does.
    #[track_caller]
    fn step_with(&mut self, params: &mut Params<T>, grads: &mut Grads<T>, example: Example<'_, T>) -> Step;
}
