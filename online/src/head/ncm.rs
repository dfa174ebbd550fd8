//! The nearest class mean.

use serde::{Deserialize, Serialize};
use thalweg_nn::Step;
use thalweg_tensor::kernels;

use super::is_usable;
use super::means::{Means, posterior};

/// Says the class whose mean is nearest.
///
/// ```text
///   δ = z − μ_y      μ_y ← μ_y + δ / n_y                                              (1)  learning: n_y counts y too
///   y(z) = argmin_k ‖z − μ_k‖                                                         (2)  saying which class
///   p(k | z) = exp(−‖z − μ_k‖² / 2σ²) / Σ_j exp(−‖z − μ_j‖² / 2σ²)                    (3)  and how surely
///   σ² = Σᵢ ‖zᵢ − μ_yᵢ‖² / (n d)                                                      (4)
/// ```
///
/// (2) is the classifier of Mensink, Verbeek, Perronnin & Csurka, "Distance-based image classification: generalizing to new
/// classes at near-zero cost" (2013), with the Euclidean distance; [`normalised`](Ncm::normalised) it is that of iCaRL
/// (Rebuffi, Kolesnikov, Sperl & Lampert 2017), where z and the means are brought to length 1 first. (3) is theirs too, as
/// the likelihood of a normal distribution around each mean, all classes being equally probable; they take σ = 1 and learn a
/// metric, which here would be too sure of itself in many dimensions. (4) is one number more to keep: the mean variance
/// within classes over the d features; while classes do not vary but by what `f32` rounds, 1 stands for it.
///
/// An example costs `d` operations to learn and `classes × d` to predict. The order of examples does not matter but for
/// rounding, and no class knows of another but for σ, by which no class comes before another.
///
/// ```
/// use thalweg_online::head::Ncm;
///
/// let mut head = Ncm::new(2);
/// for (z, class) in [([0.0, 0.0], 0), ([2.0, 0.0], 0), ([9.0, 9.0], 1), ([9.0, 7.0], 1)] {
///     head.learn_one(&z, class, 1.0);
/// }
/// assert_eq!((head.mean(0), head.mean(1)), (&[1.0, 0.0][..], &[9.0, 8.0][..]));
/// assert!(head.predict_one(&[3.0, 1.0])[0] > 0.99);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ncm {
    means: Means,
    normalised: bool,
    /// Σ ‖z − μ‖², each by the mean of its class.
    squares: f64,
    #[serde(skip)]
    scratch: Scratch,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    z: Vec<f64>,
    difference: Vec<f64>,
    scores: Vec<f64>,
    probabilities: Vec<f32>,
}

impl Ncm {
    /// A classifier of feature vectors of this width, by their distance.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Ncm { means: Means::new(width), normalised: false, squares: 0.0, scratch: Scratch::default() }
    }

    /// The same of features and means that are brought to length 1: by their angle.
    #[must_use]
    pub fn normalised(width: usize) -> Self {
        Ncm { normalised: true, ..Self::new(width) }
    }

    /// How many numbers a feature vector has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.means.width()
    }

    /// How many classes have been seen.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.means.classes()
    }

    /// μ of a class, `[d]`: the mean of the features, which are brought to length 1 where they are normalised.
    ///
    /// # Panics
    ///
    /// If there is no such class.
    #[must_use]
    #[track_caller]
    pub fn mean(&self, class: usize) -> &[f64] {
        self.means.mean(class)
    }

    /// Learns an example `z [d]` that counts `weight` times. Classes are numbered from 0; one that is new is appended. A
    /// feature that is not finite, or a weight that is not above 0 and at most 10¹², is refused: nothing has changed then.
    ///
    /// # Panics
    ///
    /// If `z` is of another width.
    #[track_caller]
    pub fn learn_one(&mut self, z: &[f32], class: usize, weight: f64) -> Step {
        if !is_usable("Ncm", z, self.width(), weight) {
            return Step::Refused;
        }
        let Scratch { z: wide, difference, .. } = &mut self.scratch;
        widened(z, self.normalised, wide);
        let factor = self.means.update(class, wide, weight, difference);
        self.squares += factor * kernels::dot(difference, difference);
        Step::Taken
    }

    /// How probable each class is for `z [d]`: `[classes]`.
    ///
    /// # Panics
    ///
    /// If `z` is of another width.
    #[track_caller]
    pub fn predict_one(&mut self, z: &[f32]) -> &[f32] {
        assert_eq!(z.len(), self.width(), "Ncm: {} features expected, found {}", self.width(), z.len());
        let Scratch { z: wide, difference, scores, probabilities } = &mut self.scratch;
        widened(z, self.normalised, wide);
        scores.clear();
        let mut size = 0.0; // Σ n ‖μ‖²
        for (weight, mean) in self.means.iter() {
            let square = kernels::dot(mean, mean);
            size += weight * square;
            let scale = if self.normalised && square > NO_DIRECTION { 1.0 / square.sqrt() } else { 1.0 };
            difference.clear();
            difference.extend(wide.iter().zip(mean).map(|(z, mean)| z - scale * mean));
            let distance = kernels::dot(difference, difference);
            scores.push(if weight > 0.0 { distance } else { f64::INFINITY });
        }
        let varies = self.squares > f64::from(f32::EPSILON).powi(2) * size;
        let variance = if varies { self.squares / (self.means.total() * wide.len() as f64) } else { 1.0 };
        // Differences first: divided by a small variance each of them may be infinite, and then no two differ.
        let nearest = scores.iter().copied().fold(f64::INFINITY, f64::min);
        scores.iter_mut().for_each(|score| *score = (nearest - *score) / (2.0 * variance));
        posterior(scores, probabilities);
        probabilities
    }
}

/// A mean of vectors of length 1 whose square is smaller than this is 0 but for rounding, and has no direction.
const NO_DIRECTION: f64 = 1e-18;

fn widened(z: &[f32], normalised: bool, wide: &mut Vec<f64>) {
    wide.clear();
    wide.extend(z.iter().map(|&z| f64::from(z)));
    if normalised {
        let length = kernels::dot(wide, wide).sqrt();
        wide.iter_mut().filter(|_| length > 0.0).for_each(|z| *z /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Cloud, cloud};
    use super::*;
    use proptest::prelude::*;

    fn taught(examples: &[(Vec<f32>, usize)], width: usize, normalised: bool) -> Ncm {
        let mut head = if normalised { Ncm::normalised(width) } else { Ncm::new(width) };
        examples.iter().for_each(|(z, class)| assert_eq!(head.learn_one(z, *class, 1.0), Step::Taken));
        head
    }

    proptest! {
        #[test]
        fn the_nearest_mean_is_the_most_probable(Cloud { width, examples } in cloud()) {
            let mut head = taught(&examples, width, false);
            for (z, _) in &examples {
                let distance = |k: usize| -> f64 {
                    let of_class = examples.iter().filter(|(_, class)| *class == k);
                    let n = of_class.clone().count() as f64;
                    (0..width).map(|i| {
                        let mean = of_class.clone().map(|(z, _)| f64::from(z[i])).sum::<f64>() / n;
                        (f64::from(z[i]) - mean).powi(2)
                    }).sum()
                };
                let seen = |k: &usize| examples.iter().any(|(_, class)| class == k);
                let nearest = (0..head.classes()).filter(seen).map(distance).fold(f64::INFINITY, f64::min);
                let said = head.predict_one(z).to_vec();
                prop_assert!((said.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                let best = (0..said.len()).fold(0, |best, k| if said[k] > said[best] { k } else { best });
                prop_assert!(distance(best) <= nearest + 1e-6, "{said:?}");
            }
        }

        #[test]
        fn a_scale_of_one_sphere_does_not_matter_when_normalised(Cloud { width, examples } in cloud(), scale in 0.1_f32..10.0) {
            let scaled: Vec<_> = examples.iter().map(|(z, k)| (z.iter().map(|z| scale * z).collect(), *k)).collect();
            let (mut plain, mut of_scaled) = (taught(&examples, width, true), taught(&scaled, width, true));
            for (z, _) in &examples {
                for (a, b) in plain.predict_one(z).iter().zip(of_scaled.predict_one(z)) {
                    prop_assert!((a - b).abs() < 1e-3, "{a} {b}");
                }
            }
        }
    }
}
