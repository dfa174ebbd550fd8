//! Running means, one for each class.

use serde::{Deserialize, Serialize};

/// The mean of each class, in `f64`, and the weight of what it is the mean of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub(super) struct Means {
    width: usize,
    weights: Vec<f64>,
    /// `[classes, width]`.
    means: Vec<f64>,
}

impl Means {
    pub fn new(width: usize) -> Self {
        Means { width, weights: Vec::new(), means: Vec::new() }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn classes(&self) -> usize {
        self.weights.len()
    }

    /// The weight of all examples.
    pub fn total(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// The weight of a class's examples and their mean, of each class in order.
    pub fn iter(&self) -> impl Iterator<Item = (f64, &[f64])> {
        (0..self.classes()).map(|class| (self.weights[class], self.mean(class)))
    }

    #[track_caller]
    pub fn mean(&self, class: usize) -> &[f64] {
        assert!(class < self.classes(), "mean: class {class} of {}", self.classes());
        &self.means[class * self.width..][..self.width]
    }

    /// Adds an example of weight w to a class of weight n:
    ///
    /// ```text
    /// δ = z − μ    μ ← μ + w/(n + w) δ    n ← n + w
    /// ```
    ///
    /// `difference` becomes δ. The scatter around the mean, `Σ w (z − μ)(z − μ)ᵀ` by the mean of then, grows by
    /// `w n/(n + w) δδᵀ` (Welford 1962, for weights West 1979): that factor is returned.
    pub fn update(&mut self, class: usize, z: &[f64], weight: f64, difference: &mut Vec<f64>) -> f64 {
        if class >= self.classes() {
            self.weights.resize(class + 1, 0.0);
            self.means.resize((class + 1) * self.width, 0.0);
        }
        let (before, mean) = (self.weights[class], &mut self.means[class * self.width..][..self.width]);
        let after = before + weight;
        difference.clear();
        difference.extend(z.iter().zip(&*mean).map(|(z, mean)| z - mean));
        mean.iter_mut().zip(&*difference).for_each(|(mean, difference)| *mean += weight / after * difference);
        self.weights[class] = after;
        weight * before / after
    }
}

#[derive(Deserialize)]
struct Saved {
    width: usize,
    weights: Vec<f64>,
    means: Vec<f64>,
}

impl TryFrom<Saved> for Means {
    type Error = String;

    fn try_from(Saved { width, weights, means }: Saved) -> Result<Self, String> {
        let sound = weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite());
        if !sound || weights.len().checked_mul(width) != Some(means.len()) {
            return Err(format!("expected {} means of {width} numbers, found {} numbers", weights.len(), means.len()));
        }
        Ok(Means { width, weights, means })
    }
}

/// Posterior probabilities of classes by their log-likelihoods, but for a constant: `p(k) = exp(sₖ) / Σ exp(s)`. All are
/// NaN if one of them is.
pub(super) fn posterior(scores: &[f64], probabilities: &mut Vec<f32>) {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (score - highest).exp()).sum();
    probabilities.clear();
    probabilities.extend(scores.iter().map(|score| ((score - highest).exp() / sum) as f32));
}
