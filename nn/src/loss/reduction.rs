//! From one loss for each example to what is differentiated.

use thalweg_autograd::Var;
use thalweg_tensor::Real;

/// What becomes of the losses of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reduction {
    /// Their mean, `Σ wℓ / Σ w`; `w = 1` where nothing else is said. NaN if there are none.
    #[default]
    Mean,
    /// Their sum divided by the size of the first axis, PyTorch's `batchmean`; with sample weights, by their sum.
    BatchMean,
    /// Their sum, `Σ wℓ`.
    Sum,
    /// Nothing: one loss `wℓ` for each element or example.
    None,
}

/// The losses of a batch before they are reduced, and what each counts in their mean.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::loss::{MseLoss, Reduction};
///
/// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
/// let pass = tape.pass(&params);
/// let losses = MseLoss::default().each(pass.input(&[1.0, 3.0]), pass.zeros([2]));
/// assert_eq!(losses.reduce(Reduction::Sum).item(), 10.0);
/// assert_eq!(losses.weighted(pass.input(&[3.0, 1.0])).reduce(Reduction::Mean).item(), 3.0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Losses<'p, T: Real = f32> {
    each: Var<'p, T>,
    /// `w`: what each counts in the mean. 1 if there is nothing here.
    share: Option<Var<'p, T>>,
    /// What the mean divides each by before anything else: the lengths of label sequences.
    length: Option<Var<'p, T>>,
}

impl<'p, T: Real> Losses<'p, T> {
    /// Losses of any shape, each of which counts the same: a loss of one's own.
    pub fn new(each: Var<'p, T>) -> Self {
        Losses { each, share: None, length: None }
    }

    /// Losses that are multiplied by their share already.
    pub(super) fn with_share(each: Var<'p, T>, share: Option<Var<'p, T>>) -> Self {
        Losses { each, share, length: None }
    }

    /// Losses that the mean divides by these lengths.
    pub(super) fn with_length(each: Var<'p, T>, length: Var<'p, T>) -> Self {
        Losses { each, share: None, length: Some(length) }
    }

    /// One loss for each element or example, multiplied by its weights.
    pub fn var(self) -> Var<'p, T> {
        self.each
    }

    /// Sample weights: `[n]`, one for each example, or more axes, up to one for each element. A sample of weight `w` then
    /// counts as `w` samples: the mean is `Σ wℓ / Σ w`. (PyTorch's `weight` of `BCELoss` divides by their number instead.)
    ///
    /// # Panics
    /// If the first axes of the losses are not those of the weights.
    #[track_caller]
    pub fn weighted(self, weight: Var<'p, T>) -> Self {
        let (shape, given) = (self.each.shape(), weight.shape());
        assert!(shape.dims().starts_with(given.dims()), "weighted: losses {shape} and weights {given}");
        let weight = (given.rank()..shape.rank()).fold(weight, |weight, axis| weight.unsqueeze(axis));
        let share = self.share.map_or(weight, |share| share * weight);
        Losses { each: self.each * weight, share: Some(share), ..self }
    }

    /// The mean, the sum, or the losses themselves.
    ///
    /// # Panics
    /// For [`BatchMean`](Reduction::BatchMean) if the weights are not one for each example.
    #[track_caller]
    pub fn reduce(self, reduction: Reduction) -> Var<'p, T> {
        match reduction {
            Reduction::None => self.each,
            Reduction::Sum => self.each.sum(),
            Reduction::Mean => {
                let each = self.length.map_or(self.each, |length| self.each / length);
                match self.share {
                    None => each.mean(),
                    Some(share) => {
                        // Where one weight stands for several losses, it counts for each of them.
                        let repeats = each.shape().len() as f64 / share.shape().len() as f64;
                        each.sum() / (share.sum() * T::from_f64(repeats))
                    }
                }
            }
            Reduction::BatchMean => {
                let shape = self.each.shape();
                let examples = shape.dims().first().copied().unwrap_or(1);
                match self.share {
                    None => self.each.sum() / T::from_f64(examples as f64),
                    Some(share) => {
                        let weights = share.shape();
                        assert!(weights.len() == examples, "batch mean: losses {shape} and weights {weights}");
                        self.each.sum() / share.sum()
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Params, Tape};
    use thalweg_tensor::Tensor;

    #[test]
    fn reductions_divide_by_what_they_say() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let losses = Losses::new(pass.input(&Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 9.0])));
        let all = [Reduction::Mean, Reduction::BatchMean, Reduction::Sum];
        assert_eq!(all.map(|r| losses.reduce(r).item()), [4.0, 12.0, 24.0]);
        let weighted = losses.weighted(pass.input(&[3.0, 0.5]));
        assert_eq!(all.map(|r| weighted.reduce(r).item()), [27.0 / 10.5, 27.0 / 3.5, 27.0]);
        assert_eq!(weighted.var().to_tensor().as_slice(), [3.0, 6.0, 9.0, 2.0, 2.5, 4.5]);
        // Twice weighted is weighted by the product.
        let twice = losses.weighted(pass.input(&[3.0, 0.25])).weighted(pass.input(&[1.0, 2.0]));
        assert_eq!(all.map(|r| twice.reduce(r).item()), all.map(|r| weighted.reduce(r).item()));
    }

    #[test]
    fn means_of_nothing_are_nan() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let none = Losses::new(pass.zeros([0, 3]));
        let unheard = Losses::new(pass.zeros([2])).weighted(pass.zeros([2]));
        for losses in [none, none.weighted(pass.zeros([0])), unheard] {
            assert!(losses.reduce(Reduction::Mean).item().is_nan());
            assert!(losses.reduce(Reduction::BatchMean).item().is_nan());
            assert_eq!(losses.reduce(Reduction::Sum).item(), 0.0);
        }
    }

    #[test]
    #[should_panic(expected = "weighted: losses [2, 3] and weights [3]")]
    fn weights_belong_to_the_first_axes() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let pass = tape.pass(&params);
        Losses::new(pass.zeros([2, 3])).weighted(pass.zeros([3]));
    }
}
