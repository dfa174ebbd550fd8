//! Streaming linear discriminant analysis.

use serde::{Deserialize, Serialize};
use thalweg_nn::Step;
use thalweg_tensor::kernels;

use super::cholesky::{add_outer, factorise, packed_len, row, solve};
use super::is_usable;
use super::means::{Means, posterior};

/// Streaming linear discriminant analysis: a mean for each class, one covariance for all.
///
/// ```text
///   δ = z − μ_y      S ← S + n_y/(n_y + 1) δδᵀ      μ_y ← μ_y + δ/(n_y + 1)      n_y ← n_y + 1     (1)
///   Σ = S / n                                                                                      (2)
///   Λ = [(1 − ε) Σ + ε I]⁻¹                                                                        (3)
///   w_k = Λ μ_k      b_k = −½ μ_kᵀ Λ μ_k                                                           (4)
///   p(k | z) = softmax_k(w_kᵀ z + b_k)                                                             (5)
/// ```
///
/// This is "Deep SLDA" (Hayes & Kanan, "Lifelong machine learning with deep streaming linear discriminant analysis", 2020):
/// it keeps the means, their counts, Σ and n, and shrinks by ε = 10⁻⁴. (5) is Bayes' rule for normal distributions of one
/// covariance around equally probable classes (Fisher 1936). **What is different here.** They add `n/(n+1) δδᵀ` for the n-th
/// example of all, not of its class, and the mean of a new class is 0, so its first example counts with its whole distance
/// from the origin; (1) is Welford's sum (1962), and Σ is at any time *exactly* the pooled covariance within classes, which
/// Fisher's method asks for. They begin with a batch, and the pseudo-inverse; nothing here needs one.
///
/// **Cost.** With d features, an example takes d²/2 multiply-adds and 4 d² bytes are kept. The first prediction after an
/// example solves (3) and (4) anew in `f64`, by Cholesky's factor and not by an inverse: d³/6 of them, and d² for each class;
/// the next ones take d for each class. At 64 features and ten classes that was measured as 0.6 µs, 83 µs and 0.3 µs; at 512
/// as 29 µs, 9 ms and 2 µs. Those who learn much between questions pay it seldom. A [`Frozen`](crate::Frozen) says the loss of
/// each row before it learns, which is such a question, unless it is [taught](crate::Frozen::teach_one) without. (The factor cannot
/// follow the examples in d², as it could if each changed (3) by a matrix of rank one: `(n/(1 − ε)) Λ⁻¹ = S + n ε/(1 − ε) I`, and
/// the last term grows with n in all directions.)
///
/// The order of examples does not matter but for rounding. A new class moves no mean.
///
/// ```
/// use thalweg_online::head::Slda;
///
/// // Two long, thin clouds side by side: the nearest mean would say the wrong one.
/// let mut head = Slda::new(2, Slda::SHRINKAGE);
/// for k in -50..50 {
///     let along = k as f32 / 10.0;
///     head.learn_one(&[along, along + 0.1 * (k % 3) as f32], 0, 1.0);
///     head.learn_one(&[along + 1.0, along - 1.0 + 0.1 * (k % 3) as f32], 1, 1.0);
/// }
/// assert!(head.predict_one(&[4.0, 4.0])[0] > 0.99);
/// assert!(head.predict_one(&[-3.0, -5.0])[1] > 0.99);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Slda {
    means: Means,
    shrinkage: f64,
    /// S, the lower half.
    scatter: Vec<f64>,
    #[serde(skip)]
    scratch: Scratch,
}

/// Everything in it follows from the rest.
#[derive(Clone, Debug, Default)]
struct Scratch {
    z: Vec<f64>,
    difference: Vec<f64>,
    factor: Vec<f64>,
    /// `[classes, d]`, and b.
    weights: Vec<f64>,
    biases: Vec<f64>,
    /// Whether w and b are those of today.
    is_fresh: bool,
    scores: Vec<f64>,
    probabilities: Vec<f32>,
}

impl Slda {
    /// ε as in the paper.
    pub const SHRINKAGE: f64 = 1e-4;

    /// A classifier of feature vectors of this width, with ε.
    ///
    /// # Panics
    ///
    /// If ε is not from 10⁻¹² to 1.
    #[must_use]
    #[track_caller]
    pub fn new(width: usize, shrinkage: f64) -> Self {
        assert!((LEAST..=1.0).contains(&shrinkage), "Slda: 1e-12 ≤ ε ≤ 1: {shrinkage}");
        let (means, scatter) = (Means::new(width), vec![0.0; packed_len(width)]);
        Slda { means, shrinkage, scatter, scratch: Scratch::default() }
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

    /// μ of a class, `[d]`.
    ///
    /// # Panics
    ///
    /// If there is no such class.
    #[must_use]
    #[track_caller]
    pub fn mean(&self, class: usize) -> &[f64] {
        self.means.mean(class)
    }

    /// Σ between two features, before it is shrunk; 0 before the first example.
    ///
    /// # Panics
    ///
    /// If there are no such features.
    #[must_use]
    #[track_caller]
    pub fn covariance(&self, i: usize, j: usize) -> f64 {
        let (low, high) = (i.min(j), i.max(j));
        assert!(high < self.width(), "covariance: feature {high} of {}", self.width());
        let total = self.means.total();
        if total > 0.0 { row(&self.scatter, high)[low] / total } else { 0.0 }
    }

    /// Learns an example `z [d]` that counts `weight` times. Classes are numbered from 0; one that is new is appended. A
    /// feature that is not finite, or a weight that is not above 0 and at most 10¹², is refused: nothing has changed then.
    ///
    /// # Panics
    ///
    /// If `z` is of another width.
    #[track_caller]
    pub fn learn_one(&mut self, z: &[f32], class: usize, weight: f64) -> Step {
        if !is_usable("Slda", z, self.width(), weight) {
            return Step::Refused;
        }
        let Scratch { z: wide, difference, is_fresh, .. } = &mut self.scratch;
        wide.clear();
        wide.extend(z.iter().map(|&z| f64::from(z)));
        let factor = self.means.update(class, wide, weight, difference);
        add_outer(&mut self.scatter, factor, difference);
        *is_fresh = false;
        Step::Taken
    }

    /// How probable each class is for `z [d]`: `[classes]`.
    ///
    /// # Panics
    ///
    /// If `z` is of another width.
    #[track_caller]
    pub fn predict_one(&mut self, z: &[f32]) -> &[f32] {
        assert_eq!(z.len(), self.width(), "Slda: {} features expected, found {}", self.width(), z.len());
        if !self.scratch.is_fresh {
            self.refresh();
        }
        let Scratch { z: wide, weights, biases, scores, probabilities, .. } = &mut self.scratch;
        wide.clear();
        wide.extend(z.iter().map(|&z| f64::from(z)));
        scores.clear();
        for (class, ((weight, _), bias)) in self.means.iter().zip(&*biases).enumerate() {
            let score = kernels::dot(&weights[class * wide.len()..][..wide.len()], wide) + bias;
            scores.push(if weight > 0.0 { score } else { f64::NEG_INFINITY });
        }
        posterior(scores, probabilities);
        probabilities
    }

    /// (3) and (4).
    fn refresh(&mut self) {
        let (width, total) = (self.width(), self.means.total());
        let Scratch { factor, weights, biases, is_fresh, .. } = &mut self.scratch;
        let scale = if total > 0.0 { (1.0 - self.shrinkage) / total } else { 0.0 };
        factor.clear();
        factor.extend(self.scatter.iter().map(|s| scale * s));
        (0..width).for_each(|i| factor[packed_len(i) + i] += self.shrinkage);
        factorise(factor, width, self.shrinkage);
        weights.clear();
        biases.clear();
        for (_, mean) in self.means.iter() {
            let start = weights.len();
            weights.extend_from_slice(mean);
            solve(factor, &mut weights[start..]);
            biases.push(-0.5 * kernels::dot(mean, &weights[start..]));
        }
        *is_fresh = true;
    }
}

/// The smallest ε.
const LEAST: f64 = 1e-12;

#[derive(Deserialize)]
struct Saved {
    means: Means,
    shrinkage: f64,
    scatter: Vec<f64>,
}

impl TryFrom<Saved> for Slda {
    type Error = String;

    fn try_from(Saved { means, shrinkage, scatter }: Saved) -> Result<Self, String> {
        let expected =
            means.width().checked_add(1).and_then(|next| next.checked_mul(means.width())).map(|twice| twice / 2);
        if expected != Some(scatter.len()) || !(LEAST..=1.0).contains(&shrinkage) {
            return Err(format!("expected the scatter of {} features, found {}", means.width(), scatter.len()));
        }
        Ok(Slda { means, shrinkage, scatter, scratch: Scratch::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Cloud, cloud};
    use super::*;
    use proptest::prelude::*;

    fn taught(examples: &[(Vec<f32>, usize)], width: usize) -> Slda {
        let mut head = Slda::new(width, 1e-2);
        examples.iter().for_each(|(z, class)| assert_eq!(head.learn_one(z, *class, 1.0), Step::Taken));
        head
    }

    /// Of all examples at once: the means, the pooled covariance within classes.
    fn batch(examples: &[(Vec<f32>, usize)], width: usize) -> (Vec<Option<Vec<f64>>>, Vec<Vec<f64>>) {
        let classes = examples.iter().map(|(_, class)| class + 1).max().unwrap_or(0);
        let mean = |k: usize| -> Option<Vec<f64>> {
            let of_class: Vec<_> = examples.iter().filter(|(_, class)| *class == k).collect();
            let n = of_class.len() as f64;
            let mean = (0..width).map(|i| of_class.iter().map(|(z, _)| f64::from(z[i])).sum::<f64>() / n).collect();
            (!of_class.is_empty()).then_some(mean)
        };
        let means: Vec<_> = (0..classes).map(mean).collect();
        let apart = |(z, class): &(Vec<f32>, usize), i: usize| {
            f64::from(z[i]) - means[*class].as_ref().map_or(f64::NAN, |mean| mean[i])
        };
        let covariance = |i: usize, j: usize| {
            examples.iter().map(|example| apart(example, i) * apart(example, j)).sum::<f64>() / examples.len() as f64
        };
        let covariances = (0..width).map(|i| (0..width).map(|j| covariance(i, j)).collect()).collect();
        (means, covariances)
    }

    /// Gauss and Jordan, with pivots: another way than Cholesky's.
    fn inverse(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        let n = a.len();
        for (i, row) in a.iter_mut().enumerate() {
            row.extend((0..n).map(|j| f64::from(u8::from(i == j))));
        }
        for column in 0..n {
            let pivot =
                (column..n).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs())).unwrap_or(column);
            a.swap(column, pivot);
            let scaled: Vec<f64> = a[column].iter().map(|x| x / a[column][column]).collect();
            for (i, row) in a.iter_mut().enumerate() {
                let factor = if i == column { 0.0 } else { row[column] };
                row.iter_mut().zip(&scaled).for_each(|(x, s)| *x -= factor * s);
            }
            a[column] = scaled;
        }
        a.into_iter().map(|row| row[n..].to_vec()).collect()
    }

    proptest! {
        #[test]
        fn the_streamed_covariance_is_that_of_the_batch(Cloud { width, examples } in cloud()) {
            let (head, (means, covariance)) = (taught(&examples, width), batch(&examples, width));
            for (class, mean) in means.iter().enumerate() {
                for (streamed, mean) in head.mean(class).iter().zip(mean.iter().flatten()) {
                    prop_assert!((streamed - mean).abs() < 1e-9);
                }
            }
            for (i, row) in covariance.iter().enumerate() {
                for (j, expected) in row.iter().enumerate() {
                    prop_assert!((head.covariance(i, j) - expected).abs() < 1e-9, "{i} {j}");
                }
            }
        }

        /// Fisher's discriminant, computed from all examples at once by an inverse.
        #[test]
        fn predictions_are_those_of_batch_lda(Cloud { width, examples } in cloud()) {
            let (mut head, (means, mut covariance)) = (taught(&examples, width), batch(&examples, width));
            for (i, row) in covariance.iter_mut().enumerate() {
                row.iter_mut().for_each(|c| *c *= 1.0 - 1e-2);
                row[i] += 1e-2;
            }
            let precision = inverse(covariance);
            for (z, _) in &examples {
                let score = |mean: &Option<Vec<f64>>| -> f64 {
                    let Some(mean) = mean else { return f64::NEG_INFINITY };
                    let w = |i: usize| (0..width).map(|j| precision[i][j] * mean[j]).sum::<f64>();
                    (0..width).map(|i| w(i) * (f64::from(z[i]) - 0.5 * mean[i])).sum()
                };
                let mut expected = Vec::new();
                posterior(&means.iter().map(score).collect::<Vec<_>>(), &mut expected);
                for (found, expected) in head.predict_one(z).iter().zip(&expected) {
                    prop_assert!((found - expected).abs() < 1e-4, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn what_is_saved_must_fit_together() {
        let head = taught(&[(vec![1.0, 2.0], 0), (vec![3.0, 4.0], 1)], 2);
        let text = serde_json::to_string(&head).unwrap();
        assert!(serde_json::from_str::<Slda>(&text).is_ok());
        assert!(serde_json::from_str::<Slda>(&text.replace("\"width\":2", "\"width\":1")).is_err());
        assert!(serde_json::from_str::<Slda>(&text.replace("0.01", "0.0")).is_err());
        assert!(serde_json::from_str::<Slda>(&text.replace("\"scatter\":[", "\"scatter\":[1.0,")).is_err());
    }
}
