//! Losses of yes or no: targets in `[0, 1]`, or ±1 for the hinge.

use thalweg_autograd::Var;
use thalweg_tensor::Real;

use super::{Losses, Reduction, numbers, same_shape};

/// Binary cross entropy of probabilities: any shape, one loss for each element. Where there are logits, use
/// [`BceWithLogitsLoss`], which does not lose the small probabilities.
///
/// ```text
/// ℓ = −t ln p − (1 − t) ln(1 − p)          logarithms not below −100
/// ```
///
/// So the loss is finite at probabilities of 0 and 1; the slope divides by no less than 10⁻¹² there, as PyTorch's does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BceLoss {
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl BceLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, probability: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(probability, target).reduce(self.reduction)
    }

    /// Forward `ℓ = −t ln p − (1 − t) ln(1 − p)`; backward `p̄ += ℓ̄ (p − t) / (p (1 − p))`,
    /// `t̄ += ℓ̄ (ln(1 − p) − ln p)`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, probability: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("bce", probability, target);
        Losses::new(probability.pass().record(
            "bce",
            [probability, target],
            probability.shape(),
            |[p, t], y| {
                for ((y, &p), &t) in y.iter_mut().zip(p).zip(t) {
                    let [yes, no] = logarithms(p);
                    *y = (t - T::ONE) * no - t * yes;
                }
            },
            |g| {
                g.each2(|p, t, _y| {
                    let [yes, no] = logarithms(p);
                    [(p - t) / (p * (T::ONE - p)).maximum(T::from_f64(1e-12)), no - yes]
                })
            },
        ))
    }
}

/// `ln p` and `ln(1 − p)`, not below −100.
fn logarithms<T: Real>(p: T) -> [T; 2] {
    [p.ln(), (-p).ln_1p()].map(|log| log.maximum(T::from_f64(-100.0)))
}

/// Binary cross entropy of logits: any shape, one loss for each element.
///
/// ```text
/// ℓ = −w t ln σ(x) − (1 − t) ln σ(−x)          w: the weight of positives
/// ```
///
/// `w = 3` makes each positive count as three: where there are few of them, or where missing one costs more.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BceWithLogitsLoss {
    /// `w`: one number, or one for each entry of the last axis. 1 if there is nothing here.
    pub pos_weight: Option<Vec<f64>>,
    /// How the losses are put together. The mean divides by the number of losses, whatever the positives weigh.
    pub reduction: Reduction,
}

impl BceWithLogitsLoss {
    /// The reduced loss; the mean without weight as one node.
    ///
    /// # Panics
    /// As [`each`](BceWithLogitsLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, logit: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        match (&self.pos_weight, self.reduction) {
            (None, Reduction::Mean) => logit.bce_with_logits(target),
            _ => self.each(logit, target).reduce(self.reduction),
        }
    }

    /// `w t softplus(−x) + (1 − t) softplus(x)`: nothing cancels, nothing overflows.
    ///
    /// # Panics
    /// If the shapes differ, or there are weights of positives, but neither one nor one for each entry of the last axis.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, logit: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("bce_with_logits", logit, target);
        let positive = match self.pos_weight.as_deref() {
            None => target,
            Some(&[weight]) => target * T::from_f64(weight),
            Some(weights) => {
                let (shape, count) = (logit.shape(), weights.len());
                let fits = shape.dims().last() == Some(&count);
                assert!(fits, "bce_with_logits: logits {shape} and {count} weights of positives");
                target * numbers(logit.pass(), weights)
            }
        };
        let negative = -target + T::ONE;
        Losses::new(positive * (-logit).softplus() + negative * logit.softplus())
    }
}

/// The hinge of support vector machines (Cortes & Vapnik 1995) for targets ±1: any shape, one loss for each element. At
/// the hinge the derivative is taken to be 0.
///
/// ```text
/// ℓ = max(0, 1 − t x)          squared if asked for
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HingeLoss {
    /// Whether the losses are squared, which makes them smooth.
    pub squared: bool,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl HingeLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, score: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(score, target).reduce(self.reduction)
    }

    /// `max(0, 1 − t x)`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, score: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("hinge", score, target);
        let hinge = (-(score * target) + T::ONE).relu();
        Losses::new(if self.squared { hinge.square() } else { hinge })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Grads, Params, Tape};

    #[test]
    fn impossible_probabilities_cost_a_hundred() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let pass = tape.pass(&params);
        let (p, t) = (pass.leaf(&[0.0, 1.0, 0.0, 1.0]), pass.input(&[1.0, 0.0, 0.0, 1.0]));
        let losses = BceLoss::default().each(p, t).var();
        assert_eq!(losses.to_tensor().as_slice(), [100.0, 100.0, 0.0, 0.0]);
        losses.sum().backward(&mut Grads::like(&params));
        let mut slope = [9.0; 4];
        p.grad_to(&mut slope);
        assert_eq!(slope, [-1e12, 1e12, 0.0, 0.0]);
        assert!(BceLoss::default().forward(pass.input(&[1.5]), pass.input(&[1.0])).item().is_nan());
    }

    #[test]
    fn a_positive_weight_counts_positives_that_often() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let (x, t) = (pass.input(&[0.3, -1.2, 2.0]), pass.input(&[1.0, 0.0, 1.0]));
        let loss = BceWithLogitsLoss { pos_weight: Some(vec![3.0]), reduction: Reduction::Sum };
        let repeated = BceWithLogitsLoss { pos_weight: None, ..loss.clone() };
        let rows = [0, 0, 0, 1, 2, 2, 2];
        let expected = repeated.forward(x.index_select(0, &rows), t.index_select(0, &rows));
        assert!((loss.forward(x, t).item() - expected.item()).abs() < 1e-12);
        let one_each = BceWithLogitsLoss { pos_weight: Some(vec![3.0; 3]), ..loss.clone() };
        assert_eq!(one_each.forward(x, t).item(), loss.forward(x, t).item());
    }

    #[test]
    #[should_panic(expected = "bce_with_logits: logits [2, 3] and 2 weights of positives")]
    fn weights_of_positives_are_those_of_the_last_axis() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let pass = tape.pass(&params);
        let loss = BceWithLogitsLoss { pos_weight: Some(vec![1.0, 2.0]), ..Default::default() };
        loss.forward(pass.zeros([2, 3]), pass.zeros([2, 3]));
    }
}
