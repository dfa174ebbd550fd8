//! CUSUM: deviations from what is usual that add up, in units of what is usual.
//!
//! ```text
//!   z = (x − μ) / σ                                                                                  (1)
//!   S ← max(0, S + z − k)        S > h: the mean has risen                                           (2)
//!   T ← max(0, T − z − k)        T > h: the mean has fallen                                          (3)
//! ```
//!
//! Page, Continuous Inspection Schemes, Biometrika 1954. k is half of the change that is to be found, h how much must add
//! up, both in standard deviations. For normal values and known μ and σ, how long it takes to the next report is tabled:
//!
//! | k = 0.5, both directions | no change | 0.5 σ | 1 σ | 2 σ |
//! |---|---|---|---|---|
//! | h = 4 | 168 values | 26.6 | 8.38 | 3.34 |
//! | h = 5 | 465 | 38.0 | 10.4 | 4.01 |
//!
//! (Montgomery, Introduction to Statistical Quality Control, after Lucas & Crosier, Technometrics 1982.) Those are charts
//! that people look at; of a stream that has no end the default h = 12 lets pass some hundred thousand values. Where μ and
//! σ are not given they are those of the segment's values before x, and the first values are not judged.
//!
//! **Memory** five numbers. **Cost** O(1). **Choose it** for numbers whose noise is near normal and whose scale you do not
//! know, or whose usual mean and deviation you do. Of rare errors (2) is no fair test: each of them is many σ.

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};
use crate::moments::Moments;

options! {
    /// Options of [`Cusum`].
    CusumOptions as "cusum" {
        /// k, in standard deviations: half the change that is to be found (usual: 0.5).
        slack: f64 = 0.5, "finite and at least 0", |slack| (0.0..=1e100).contains(&slack);
        /// h, in standard deviations (charts: 4 or 5; here, for streams: 12).
        threshold: f64 = 12.0, "above 0 and finite", |threshold| threshold > 0.0 && threshold <= 1e100;
        /// How many values of a segment are not judged, unless μ and σ are given.
        warm_start: u64 = 100, "of at least 2", |warm_start| warm_start >= 2;
        /// μ, where it is known, together with σ.
        mean: Option<f64> = None, "finite", |mean| mean.is_none_or(|mean| mean.abs() <= 1e100);
        /// σ, where it is known, together with μ.
        deviation: Option<f64> = None, "above 0 and finite", |known| known.is_none_or(|d| (1e-100..=1e100).contains(&d));
        /// Which changes of the mean are reported.
        watch: Direction = Direction::Both, "", |_| true;
    }
    "a mean and a deviation, or neither", |cusum| cusum.mean.is_some() == cusum.deviation.is_some()
}

detector! {
    /// Cumulative sums: see the [module](self).
    ///
    /// ```
    /// use thalweg_online::drift::{Cusum, Detector, Signal};
    ///
    /// let mut cusum = Cusum::default();
    /// let value = |k: u32| f64::from(k * 7 % 10) + if k < 1000 { 0.0 } else { 6.0 };
    /// let found = (0..2000).find(|&k| cusum.update(value(k)) == Signal::Drift);
    /// assert!(found.is_some_and(|k| (1000..1020).contains(&k)));
    /// ```
    Cusum, CusumOptions {
        values: Moments,
        /// S.
        rise: f64,
        /// T.
        fall: f64,
    }
}

impl Cusum {
    fn begin(options: CusumOptions) -> Self {
        Cusum { options, tally: Tally::default(), values: Moments::default(), rise: 0.0, fall: 0.0 }
    }

    fn is_sound(&self) -> bool {
        let sums = [self.rise, self.fall].iter().all(|sum| (0.0..=self.options.threshold).contains(sum));
        sums && self.values.mean().is_finite() && self.values.deviation().is_finite()
    }

    /// (1), of the values before this one; `None` while they are too few.
    fn standardised(&self, x: f64) -> Option<f64> {
        match (self.options.mean, self.options.deviation) {
            (Some(mean), Some(deviation)) => Some((x - mean) / deviation),
            _ if self.values.count() < self.options.warm_start => None,
            _ => self.values.standardise(x),
        }
    }
}

impl Detector for Cusum {
    fn update(&mut self, value: f64) -> Signal {
        let Some(x) = self.domain().admit(value) else { return self.tally.ignore() };
        let CusumOptions { slack, threshold, watch, .. } = self.options;
        let z = self.standardised(x);
        self.values.update(x);
        let Some(z) = z else { return self.tally.say(Signal::Stable) };
        let (rise, fall) = (self.rise + z - slack, self.fall - z - slack);
        if watch.up() && rise > threshold || watch.down() && fall > threshold {
            *self = Cusum { tally: self.tally, ..Self::begin(self.options) };
            return self.tally.say(Signal::Drift);
        }
        // What is not watched may not grow without end.
        (self.rise, self.fall) = (rise.clamp(0.0, threshold), fall.clamp(0.0, threshold));
        self.tally.say(Signal::Stable)
    }

    fn reset(&mut self) {
        *self = Self::begin(self.options);
    }

    fn domain(&self) -> Domain {
        Domain::Numbers
    }

    fn watches(&self) -> Direction {
        self.options.watch
    }

    fn segment(&self) -> Segment {
        Segment::new(self.values.count(), self.values.mean())
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}
