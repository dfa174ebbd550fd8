//! Measures of predicted probabilities.

use serde::{Deserialize, Serialize};

use super::window::Sums;

/// `−ln p` of the probability given to the class that came, with `p` clipped to `[10⁻¹⁵, 1]`; NaN counts as 0.
#[must_use]
pub fn log_loss(probability: f64) -> f64 {
    // NaN is not greater than anything. `0 −` and not `−`: the loss of a certain, right answer is 0, not −0.
    0.0 - if probability > 1e-15 { probability.min(1.0).ln() } else { 1e-15_f64.ln() }
}

/// Whether what was predicted with 80 % came true in 80 % of the rows: the expected calibration error (Naeini, Cooper &
/// Hauskrecht, 2015).
///
/// `ECE = Σ_b (n_b / n) · |right_b / n_b − confidence_b|` over bins of equal width; the confidence is the probability that
/// was given to the predicted class.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::Calibration;
///
/// let mut calibration = Calibration::new(10);
/// for right in [true, true, true, false] {
///     calibration.update(0.75, right, 1.0);
/// }
/// assert_eq!(calibration.get(), 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Bin>", into = "Vec<Bin>")]
pub struct Calibration {
    bins: Vec<Bin>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Bin {
    weight: f64,
    confidence: f64,
    right: f64,
}

impl Calibration {
    /// Over no rows yet.
    ///
    /// # Panics
    ///
    /// If there are no bins.
    #[must_use]
    #[track_caller]
    pub fn new(bins: usize) -> Self {
        assert!(bins > 0, "calibration: 0 < number of bins: 0");
        Calibration { bins: vec![Bin::default(); bins] }
    }

    /// How many bins there are.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.bins.len()
    }

    /// Takes in one row.
    pub fn update(&mut self, confidence: f64, right: bool, weight: f64) {
        let last = self.bins.len() - 1;
        // The cast makes 0 of NaN and of what lies below.
        let bin = &mut self.bins[((confidence * (last + 1) as f64) as usize).min(last)];
        bin.weight += weight;
        bin.confidence += weight * confidence;
        bin.right += weight * f64::from(u8::from(right));
    }

    /// The error so far, in `[0, 1]`; NaN of nothing.
    #[must_use]
    pub fn get(&self) -> f64 {
        let gaps: f64 = self.bins.iter().map(|bin| (bin.right - bin.confidence).abs()).sum();
        gaps / self.bins.iter().map(|bin| bin.weight).sum::<f64>()
    }
}

impl TryFrom<Vec<Bin>> for Calibration {
    type Error = &'static str;

    fn try_from(bins: Vec<Bin>) -> Result<Self, Self::Error> {
        if bins.is_empty() { Err("expected bins, found none") } else { Ok(Calibration { bins }) }
    }
}

impl From<Calibration> for Vec<Bin> {
    fn from(calibration: Calibration) -> Self {
        calibration.bins
    }
}

impl Sums for Calibration {
    /// The probability that was given to the predicted class, and whether it came.
    type Row = (f64, bool);

    fn add(&mut self, &(confidence, right): &(f64, bool), weight: f64) {
        self.update(confidence, right, weight);
    }

    fn merge(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.weight += more.weight;
            bin.confidence += more.confidence;
            bin.right += more.right;
        }
    }

    fn scale(&mut self, factor: f64) {
        for bin in &mut self.bins {
            bin.weight *= factor;
            bin.confidence *= factor;
            bin.right *= factor;
        }
    }

    fn clear(&mut self) {
        self.bins.fill(Bin::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_loss_is_clipped_at_both_ends() {
        assert_eq!(log_loss(1.0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(log_loss(1.0 + 1e-7), 0.0);
        for hopeless in [0.0, -1.0, 1e-20, f64::NAN] {
            assert_eq!(log_loss(hopeless), -(1e-15_f64.ln()));
        }
    }

    #[test]
    fn calibration_by_hand() {
        let mut calibration = Calibration::new(2);
        assert!(calibration.get().is_nan());
        // Below one half: 0.25 on average, never right. From one half on: (0.5 + 1)/2, right in one of two.
        for (confidence, right) in [(0.25, false), (0.25, false), (0.5, false), (1.0, true)] {
            calibration.update(confidence, right, 1.0);
        }
        assert_eq!(calibration.get(), 0.5 * 0.25 + 0.5 * 0.25);
        let (mut left, mut right) = (Calibration::new(2), Calibration::new(2));
        left.update(0.25, false, 2.0);
        right.update(0.5, false, 1.0);
        right.update(1.0, true, 1.0);
        left.merge(&right);
        assert_eq!(left, calibration);
    }
}
