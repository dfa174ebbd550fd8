//! Page-Hinkley: deviations from the mean that add up.
//!
//! ```text
//!   x̄: the mean of the values so far, x among them                                                   (1)
//!   S ← α S + x − x̄ − δ        m ← min(m, S)        S − m > λ: the mean has risen                    (2)
//!   T ← α T + x − x̄ + δ        M ← max(M, T)        M − T > λ: the mean has fallen                   (3)
//! ```
//!
//! Page's cumulative sums (Continuous Inspection Schemes, Biometrika 1954) for a mean that is not known (Hinkley, Inference
//! about the change-point from cumulative sum tests, Biometrika 1971). δ is a change too small to speak of, in the
//! units of the values, and λ how much must add up. α < 1 forgets, as MOA and River do; 1 is Page's own.
//!
//! **Memory** six numbers. **Cost** O(1). **Choose it** for values in units that you know, when you can say what δ and λ
//! should be: a rise of the mean by Δ is noticed after about λ / (Δ − δ) values, if the segment was much longer before. The
//! defaults are for values of about 1. It promises no rate of false alarms: the noisier the values, the more.

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};

options! {
    /// Options of [`PageHinkley`].
    PageHinkleyOptions as "page-hinkley" {
        /// How many values come before anything is said (MOA, River: 30).
        min_instances: u64 = 30, "", |_| true;
        /// δ, in the units of the values (MOA, River: 0.005).
        delta: f64 = 0.005, "finite and at least 0", |delta| (0.0..=1e100).contains(&delta);
        /// λ, in the units of the values (MOA, River: 50).
        threshold: f64 = 50.0, "above 0 and finite", |threshold| threshold > 0.0 && threshold <= 1e100;
        /// α: what a sum counts at the next value (MOA, River: 0.9999).
        alpha: f64 = 0.9999, "above 0 and at most 1", |alpha| 0.0 < alpha && alpha <= 1.0;
        /// Which changes of the mean are reported (River: both; MOA: up).
        watch: Direction = Direction::Both, "", |_| true;
    }
    "", |_| true
}

detector! {
    /// The test of Page and Hinkley: see the [module](self).
    ///
    /// ```
    /// use thalweg_online::drift::{Detector, PageHinkley, Signal};
    ///
    /// let mut test = PageHinkley::default();
    /// let value = |k: u32| f64::from(k % 5) + if k < 1000 { 0.0 } else { 2.0 };
    /// let found = (0..2000).find(|&k| test.update(value(k)) == Signal::Drift);
    /// assert!(found.is_some_and(|k| (1020..1035).contains(&k))); // λ / Δ = 25
    /// ```
    PageHinkley, PageHinkleyOptions {
        count: u64,
        mean: f64,
        /// S and m of (2).
        rise: f64,
        lowest: f64,
        /// T and M of (3).
        fall: f64,
        highest: f64,
    }
}

impl PageHinkley {
    fn begin(options: PageHinkleyOptions) -> Self {
        let tally = Tally::default();
        let (lowest, highest) = (f64::INFINITY, f64::NEG_INFINITY);
        PageHinkley { options, tally, count: 0, mean: 0.0, rise: 0.0, lowest, fall: 0.0, highest }
    }

    fn is_sound(&self) -> bool {
        let begun = self.count > 0;
        let numbers = [self.mean, self.rise, self.fall].iter().all(|x| x.is_finite());
        let extremes = [self.lowest, self.highest].iter().all(|x| x.is_finite() == begun && !x.is_nan());
        numbers && extremes && (!begun || self.lowest <= self.rise && self.highest >= self.fall)
    }
}

impl Detector for PageHinkley {
    fn update(&mut self, value: f64) -> Signal {
        let Some(x) = self.domain().admit(value) else { return self.tally.ignore() };
        let PageHinkleyOptions { min_instances, delta, threshold, alpha, watch } = self.options;
        self.count += 1;
        self.mean += (x - self.mean) / self.count as f64; // (1)
        let difference = x - self.mean;
        self.rise = alpha * self.rise + difference - delta; // (2)
        self.lowest = self.lowest.min(self.rise);
        self.fall = alpha * self.fall + difference + delta; // (3)
        self.highest = self.highest.max(self.fall);
        let has_risen = watch.up() && self.rise - self.lowest > threshold;
        let has_fallen = watch.down() && self.highest - self.fall > threshold;
        if self.count < min_instances || !(has_risen || has_fallen) {
            return self.tally.say(Signal::Stable);
        }
        *self = PageHinkley { tally: self.tally, ..Self::begin(self.options) };
        self.tally.say(Signal::Drift)
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
        Segment::new(self.count, self.mean)
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}
