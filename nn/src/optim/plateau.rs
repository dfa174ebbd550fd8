//! A rate that falls when a metric stalls.

/// Lowers the learning rate when a metric has stopped improving: PyTorch's `ReduceLROnPlateau`, with its rules and defaults.
///
/// The one schedule that must remember something: the best value so far, and for how long it has not been beaten.
///
/// ```
/// use thalweg_nn::Plateau;
///
/// let mut plateau = Plateau::new(0.1);
/// plateau.patience = 2;
/// let rates = [3.0, 2.0, 2.1, 2.0, 2.2, 1.0].map(|loss| plateau.observe(loss)); // optimizer.set_learning_rate(…)
/// assert_eq!(rates[..4], [0.1; 4]); // two without improvement are borne
/// assert!((rates[4] - 0.01).abs() < 1e-12 && rates[5] == rates[4]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Plateau {
    /// The rate now.
    pub rate: f64,
    /// What the rate is multiplied with.
    pub factor: f64,
    /// How many values without improvement are borne: the next one lowers the rate.
    pub patience: u64,
    /// By how much a value must be better than the best so far.
    pub threshold: f64,
    /// Whether the threshold is a fraction of the best so far.
    pub relative: bool,
    /// Whether larger is better, as of an accuracy.
    pub maximize: bool,
    /// How many values after a change of the rate count neither for nor against another one.
    pub cooldown: u64,
    /// The rate does not fall below this.
    pub lowest: f64,
    /// The rate is left alone where it would change by no more than this.
    pub eps: f64,
    best: Option<f64>,
    without_improvement: u64,
    cooling: u64,
}

impl Plateau {
    /// For a metric that is to fall, from this rate: factor 0.1, patience 10, threshold 10⁻⁴ of the best, no cooldown.
    pub fn new(rate: f64) -> Self {
        Plateau {
            rate,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            relative: true,
            maximize: false,
            cooldown: 0,
            lowest: 0.0,
            eps: 1e-8,
            best: None,
            without_improvement: 0,
            cooling: 0,
        }
    }

    /// Takes in the metric's next value and says the rate from now on. NaN is no improvement.
    pub fn observe(&mut self, metric: f64) -> f64 {
        if self.is_better(metric) {
            self.best = Some(metric);
            self.without_improvement = 0;
        } else {
            self.without_improvement = self.without_improvement.saturating_add(1);
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.without_improvement = 0;
        }
        if self.without_improvement > self.patience {
            let lowered = (self.rate * self.factor).max(self.lowest);
            if self.rate - lowered > self.eps {
                self.rate = lowered;
            }
            self.cooling = self.cooldown;
            self.without_improvement = 0;
        }
        self.rate
    }

    /// The best value so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    fn is_better(&self, metric: f64) -> bool {
        let Some(best) = self.best else {
            // The worst there is cannot be the best so far: the threshold would be infinite, too.
            return if self.maximize { metric > f64::NEG_INFINITY } else { metric < f64::INFINITY };
        };
        let margin = if self.relative { self.threshold * best } else { self.threshold };
        if self.maximize { metric > best + margin } else { metric < best - margin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand along PyTorch's rules.
    #[test]
    fn patience_cooldown_and_threshold_act_as_pytorchs() {
        let mut plateau = Plateau { factor: 0.5, patience: 1, cooldown: 2, lowest: 0.2, ..Plateau::new(1.0) };
        let mut seen = |metrics: &[f64]| metrics.iter().map(|&m| plateau.observe(m)).collect::<Vec<_>>();
        // Best 10; 9.9995 is within the threshold of 0.001: twice without improvement is once too often.
        assert_eq!(seen(&[10.0, 9.9995, 9.9995]), [1.0, 1.0, 0.5]);
        // Two cool down, two more are counted; even a better value counts as an improvement while cooling.
        assert_eq!(seen(&[9.9995, 9.0, 9.0, 9.0]), [0.5, 0.5, 0.5, 0.25]);
        // NaN is no improvement; the rate stops at the lowest.
        assert_eq!(seen(&[9.0, 9.0, f64::NAN, f64::NAN]), [0.25, 0.25, 0.25, 0.2]);
        assert_eq!(seen(&[9.0; 4]), [0.2; 4]);
        assert_eq!(plateau.best(), Some(9.0));
    }

    #[test]
    fn a_metric_that_begins_infinite_may_still_improve() {
        for sign in [1.0, -1.0] {
            let mut plateau = Plateau { maximize: sign < 0.0, patience: 1, ..Plateau::new(1.0) };
            let rates = [f64::INFINITY, 5.0, 4.0, 3.0, 2.0, 1.0].map(|metric| plateau.observe(sign * metric));
            assert_eq!((rates, plateau.best()), ([1.0; 6], Some(sign)));
        }
    }

    #[test]
    fn a_metric_may_be_to_rise_and_a_threshold_absolute() {
        let rising = Plateau { maximize: true, patience: 0, ..Plateau::new(1.0) };
        let mut absolute = Plateau { relative: false, threshold: 0.5, ..rising.clone() };
        let mut rising = Plateau { threshold: 0.5, ..rising };
        assert_eq!([2.0, 3.1, 4.6, 7.0].map(|m| rising.observe(m)), [1.0, 1.0, 0.1, 0.1]); // best 2, 3.1; needs 4.65
        assert_eq!([2.0, 3.1, 3.5, 3.61].map(|m| absolute.observe(m)), [1.0, 1.0, 0.1, 0.1]); // needs 3.6
        assert_eq!([rising.best(), absolute.best()], [Some(7.0), Some(3.61)]);
    }
}
