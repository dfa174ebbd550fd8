//! How often one class came, was predicted, and was right.

use serde::{Deserialize, Serialize};

/// How often one class came, was said (predicted), and both at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// How often it came: true positives and false negatives.
    pub came: f64,
    /// How often it was predicted: true positives and false positives.
    pub said: f64,
    /// How often it was predicted when it came: true positives.
    pub hit: f64,
}

impl Count {
    /// The share of its predictions that were right; 0 where it was never predicted.
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(self.hit, self.said)
    }

    /// The share of its rows that were found; 0 where it never came.
    #[must_use]
    pub fn recall(&self) -> f64 {
        share(self.hit, self.came)
    }

    /// The harmonic mean of precision and recall, `2 · hit / (came + said)`; 0 where it neither came nor was predicted.
    #[must_use]
    pub fn f1(&self) -> f64 {
        share(2.0 * self.hit, self.came + self.said)
    }

    /// Intersection over union, `hit / (came + said − hit)`.
    #[must_use]
    pub fn jaccard(&self) -> f64 {
        share(self.hit, self.came + self.said - self.hit)
    }

    pub(super) fn seen(&self) -> bool {
        self.came > 0.0 || self.said > 0.0
    }
}

/// `part / whole`, 0 of nothing.
pub(super) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_class_by_hand() {
        let count = Count { came: 6.0, said: 4.0, hit: 3.0 };
        assert_eq!((count.precision(), count.recall(), count.f1()), (0.75, 0.5, 0.6));
        assert_eq!((count.jaccard(), count.seen()), (3.0 / 7.0, true));
        let never = Count::default();
        assert_eq!((never.precision(), never.recall(), never.f1(), never.jaccard()), (0.0, 0.0, 0.0, 0.0));
        assert!(!never.seen() && Count { said: 1.0, ..never }.seen());
    }
}
