//! HDDM-A: a mean that is above its lowest by more than Hoeffding allows.
//!
//! ```text
//!   z̄, n: the mean of all values and their number        ε(n) = √(ln(1/α) / 2n)                      (1)
//!   x̄, k ← z̄, n   where z̄ + ε(n) ≤ x̄ + ε(k)              the cut, after which the mean may have risen (2)
//!   z̄ − x̄ ≥ √((1/k − 1/n) ln(2/α) / 2): drift            the same with a larger α: warning           (3)
//! ```
//!
//! and as in a mirror for a mean that falls. The bounds hold for independent values within 0 to 1, whatever their
//! distribution is: α is how probable (3) is at most for a given cut without a change (Frías-Blanco, del Campo-Ávila,
//! Ramos-Jiménez, Morales-Bueno, Ortiz-Díaz & Caballero-Mota, Online and Non-Parametric Drift Detection Methods Based on
//! Hoeffding's Bounds, IEEE Transactions on Knowledge and Data Engineering, 2015: A-test). ε of (1) is that of a drift in
//! both cases.
//!
//! **Memory** six numbers. **Cost** O(1). **Choose it** for changes of errors, or of any values within 0 to 1, with few
//! false alarms, no thought and no memory to speak of. It knows nothing of the variance: of values that differ little within
//! 0 to 1, such as small losses, it sees no small change; [ADWIN](super::adwin) does.

use serde::{Deserialize, Serialize};

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};

options! {
    /// Options of [`HddmA`].
    HddmAOptions as "hddm-a" {
        /// α of a drift (paper, MOA, River: 0.001).
        drift_confidence: f64 = 0.001, "above 0 and below 1", |alpha| 0.0 < alpha && alpha < 1.0;
        /// α of a warning (paper, MOA, River: 0.005).
        warning_confidence: f64 = 0.005, "above 0 and below 1", |alpha| 0.0 < alpha && alpha < 1.0;
        /// Which changes of the mean are reported (River: up; MOA: both).
        watch: Direction = Direction::Up, "", |_| true;
    }
    "a warning_confidence of at least drift_confidence", |hddm| hddm.warning_confidence >= hddm.drift_confidence
}

detector! {
    /// Hoeffding's Drift Detection Method by averages: see the [module](self).
    ///
    /// ```
    /// use thalweg_online::drift::{Detector, HddmA, Signal};
    ///
    /// let mut hddm = HddmA::default();
    /// let error = |k: u32| f64::from(k % 5 == 0 || k >= 1000 && k % 5 < 3);
    /// let found = (0..2000).find(|&k| hddm.update(error(k)) == Signal::Drift);
    /// assert!(found.is_some_and(|k| (1000..1100).contains(&k)));
    /// ```
    HddmA, HddmAOptions {
        all: Sample,
        /// Up to the cut after which the mean may have risen.
        low: Sample,
        /// Up to the cut after which it may have fallen.
        high: Sample,
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sample {
    count: u64,
    sum: f64,
}

impl Sample {
    fn mean(self) -> f64 {
        self.sum / self.count as f64
    }

    /// √(ln(1/α) / 2n), with `log` = ln(1/α); infinite of nothing.
    fn bound(self, log: f64) -> f64 {
        (log / (2.0 * self.count as f64)).sqrt()
    }
}

impl HddmA {
    fn begin(options: HddmAOptions) -> Self {
        let nothing = Sample::default();
        HddmA { options, tally: Tally::default(), all: nothing, low: nothing, high: nothing }
    }

    fn is_sound(&self) -> bool {
        let fits =
            |sample: &Sample| sample.count <= self.all.count && (0.0..=sample.count as f64).contains(&sample.sum);
        [self.all, self.low, self.high].iter().all(fits)
    }

    /// (2)
    fn cut(&mut self) {
        let log = -self.options.drift_confidence.ln();
        let (mean, bound) = (self.all.mean(), self.all.bound(log));
        let (low, high) = (self.low, self.high);
        if low.count == 0 || low.mean() + low.bound(log) >= mean + bound {
            self.low = self.all;
        }
        if high.count == 0 || high.mean() - high.bound(log) <= mean - bound {
            self.high = self.all;
        }
    }

    /// (3)
    fn has_changed(&self, alpha: f64) -> bool {
        let beyond = |sample: Sample, difference: f64| {
            let m = 1.0 / sample.count as f64 - 1.0 / self.all.count as f64;
            sample.count < self.all.count && difference >= (m * (2.0 / alpha).ln() / 2.0).sqrt()
        };
        let mean = self.all.mean();
        let watch = self.options.watch;
        watch.up() && beyond(self.low, mean - self.low.mean())
            || watch.down() && beyond(self.high, self.high.mean() - mean)
    }
}

impl Detector for HddmA {
    fn update(&mut self, value: f64) -> Signal {
        let Some(x) = self.domain().admit(value) else { return self.tally.ignore() };
        self.all.count += 1;
        self.all.sum += x;
        self.cut();
        if self.has_changed(self.options.drift_confidence) {
            *self = HddmA { tally: self.tally, ..Self::begin(self.options) };
            return self.tally.say(Signal::Drift);
        }
        let warns = self.has_changed(self.options.warning_confidence);
        self.tally.say(if warns { Signal::Warning } else { Signal::Stable })
    }

    fn reset(&mut self) {
        *self = Self::begin(self.options);
    }

    fn domain(&self) -> Domain {
        Domain::Unit
    }

    fn watches(&self) -> Direction {
        self.options.watch
    }

    fn segment(&self) -> Segment {
        Segment::new(self.all.count, self.all.mean())
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}
