//! Losses of vectors that are to be near each other, or far apart.

use thalweg_autograd::Var;
use thalweg_tensor::Real;

use super::{Losses, Reduction, same_shape};

/// Loss of distances `x` (Hadsell, Chopra & LeCun 2006) with targets 1 for alike and −1 for not: any shape, one loss for
/// each element.
///
/// ```text
/// ℓ = x                     where t = 1
/// ℓ = max(0, margin − x)    where t = −1
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HingeEmbeddingLoss {
    /// How far apart is far enough; 1 at first.
    pub margin: f64,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl Default for HingeEmbeddingLoss {
    fn default() -> Self {
        HingeEmbeddingLoss { margin: 1.0, reduction: Reduction::Mean }
    }
}

impl HingeEmbeddingLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, distance: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(distance, target).reduce(self.reduction)
    }

    /// `x` or `max(0, margin − x)`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, distance: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        same_shape("hinge_embedding", distance, target);
        Losses::new(alike_or_not(target, distance, (-distance + T::from_f64(self.margin)).relu()))
    }
}

/// Loss of the angle between two vectors with targets 1 for alike and −1 for not: `[n, m]`, `[n, m]` and `[n]`, or `[m]`,
/// `[m]` and `[]`, one loss for each pair.
///
/// ```text
/// ℓ = 1 − cos(a, b)                  where t = 1
/// ℓ = max(0, cos(a, b) − margin)     where t = −1
/// ```
///
/// 10⁻¹² is added to the squared lengths, so that a vector of length 0 is at right angles to all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CosineEmbeddingLoss {
    /// The cosine at which vectors are apart enough; 0 at first.
    pub margin: f64,
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl CosineEmbeddingLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// As [`each`](CosineEmbeddingLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, a: Var<'p, T>, b: Var<'p, T>, target: Var<'p, T>) -> Var<'p, T> {
        self.each(a, b, target).reduce(self.reduction)
    }

    /// `1 − cos(a, b)` or `max(0, cos(a, b) − margin)`.
    ///
    /// # Panics
    /// If the shapes of the vectors differ, or the targets are not one for each pair.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, a: Var<'p, T>, b: Var<'p, T>, target: Var<'p, T>) -> Losses<'p, T> {
        let (shape, pairs) = (a.shape(), target.shape());
        assert!(
            shape.rank() > 0 && shape == b.shape() && shape.without(shape.rank() - 1) == pairs,
            "cosine_embedding: vectors {shape} and {}, and target {pairs}",
            b.shape()
        );
        let inner = |a: Var<'p, T>, b: Var<'p, T>| (a * b).sum_axis(shape.rank() - 1);
        let [aa, bb] = [a, b].map(|v| inner(v, v) + T::from_f64(1e-12));
        let cosine = inner(a, b) / (aa.sqrt() * bb.sqrt());
        Losses::new(alike_or_not(target, -cosine + T::ONE, (cosine - T::from_f64(self.margin)).relu()))
    }
}

/// The first where the target is 1, the second where it is −1. By weights and not by a choice, so that a NaN stays NaN.
fn alike_or_not<'p, T: Real>(target: Var<'p, T>, alike: Var<'p, T>, apart: Var<'p, T>) -> Var<'p, T> {
    let half = T::from_f64(0.5);
    alike * (target * half + half) + apart * (-target * half + half)
}

/// Negative sampling for word vectors (Mikolov, Sutskever, Chen, Corrado & Dean 2013, eq. 4, with the sign of a loss): a
/// centre word `[m]`, its context word `[m]` and `k` words drawn from noise `[k, m]`, one loss; or `[n, m]`, `[n, m]` and
/// `[n, k, m]`, one loss for each pair.
///
/// ```text
/// ℓ = −ln σ(⟨c, o⟩) − Σₖ ln σ(−⟨c, nₖ⟩)
/// ```
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::loss::NegativeSamplingLoss;
///
/// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let pass = tape.pass(&params);
/// let (centre, context, noise) = (pass.input(&[1.0, 0.0]), pass.input(&[0.0, 2.0]), pass.zeros([5, 2]));
/// let loss = NegativeSamplingLoss::default().forward(centre, context, noise);
/// assert!((loss.item() - 6.0 * 2.0_f64.ln()).abs() < 1e-15); // six coins
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NegativeSamplingLoss {
    /// How the losses are put together.
    pub reduction: Reduction,
}

impl NegativeSamplingLoss {
    /// The reduced loss.
    ///
    /// # Panics
    /// As [`each`](NegativeSamplingLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, centre: Var<'p, T>, context: Var<'p, T>, noise: Var<'p, T>) -> Var<'p, T> {
        self.each(centre, context, noise).reduce(self.reduction)
    }

    /// Equation 4, of each pair.
    ///
    /// # Panics
    /// If the shapes are none of those above.
    #[track_caller]
    pub fn each<'p, T: Real>(&self, centre: Var<'p, T>, context: Var<'p, T>, noise: Var<'p, T>) -> Losses<'p, T> {
        let (shape, rank, drawn) = (centre.shape(), centre.rank(), noise.shape());
        assert!(
            (1..3).contains(&rank)
                && shape == context.shape()
                && drawn.rank() == rank + 1
                && drawn.without(rank - 1) == shape,
            "negative_sampling: centre {shape}, context {} and noise {drawn}",
            context.shape()
        );
        let related = (centre * context).sum_axis(rank - 1);
        let unrelated = (centre.unsqueeze(rank - 1) * noise).sum_axis(rank);
        Losses::new((-related).softplus() + unrelated.softplus().sum_axis(rank - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Params, Tape};
    use thalweg_tensor::{Rng, Tensor};

    #[test]
    fn a_batch_of_pairs_is_its_pairs() {
        let (params, mut tape, mut rng) = (Params::<f64>::new(), Tape::new(), Rng::new(1));
        let mut draw = |shape: &[usize]| Tensor::<f64>::uniform(shape, -1.0, 1.0, &mut rng);
        let (a, b, noise) = (draw(&[2, 3]), draw(&[2, 3]), draw(&[2, 4, 3]));
        let pass = tape.pass(&params);
        let (a, b, noise) = (pass.input(&a), pass.input(&b), pass.input(&noise));
        let target = pass.input(&[1.0, -1.0]);
        let (sampling, cosine) = (NegativeSamplingLoss::default(), CosineEmbeddingLoss::default());
        let (sampled, compared) = (sampling.each(a, b, noise).var(), cosine.each(a, b, target).var());
        for row in 0..2 {
            let one = sampling.forward(a.row(row), b.row(row), noise.row(row));
            assert_eq!(sampled.row(row).item(), one.item());
            let one = cosine.forward(a.row(row), b.row(row), target.row(row));
            assert_eq!(compared.row(row).item(), one.item());
        }
    }

    #[test]
    fn nothing_is_at_right_angles_to_everything() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let pass = tape.pass(&params);
        let (zero, one) = (pass.zeros([3]), pass.zeros([3]) + 1.0);
        let alike = CosineEmbeddingLoss::default().forward(zero, one, pass.zeros([]) + 1.0);
        assert_eq!(alike.item(), 1.0);
    }

    #[test]
    #[should_panic(expected = "cosine_embedding: vectors [2, 3] and [2, 3], and target [3]")]
    fn targets_are_one_for_each_pair() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let x = tape.pass(&params);
        CosineEmbeddingLoss::default().forward(x.zeros([2, 3]), x.zeros([2, 3]), x.zeros([3]));
    }
}
