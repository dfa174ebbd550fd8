//! DDM: an error rate that has left its lowest.
//!
//! ```text
//!   p = errors / n        s = √(p (1 − p) / n)                                                       (1)
//!   p_min, s_min ← p, s   where p + s ≤ p_min + s_min                                                (2)
//!   p + s > p_min + w s_min: warning        p + s > p_min + d s_min: drift                           (3)
//! ```
//!
//! A learner that learns makes fewer errors as it goes, so the lowest p + s is the last that was good; if p is normal
//! around it, (3) are its 95 % and 99 % points for w = 2, d = 3 (Gama, Medas, Castillo & Rodrigues, Learning with Drift
//! Detection, SBIA 2004). For n ≤ 30 nothing is said. What came between the first warning and the drift is what the paper
//! learns the next model from.
//!
//! (2) begins with the first error. Of no errors p + s is 0, and by (3) the first one of all would be a drift, however
//! rare: MOA and River report it.
//!
//! **Memory** five numbers. **Cost** O(1). **Choose it** to compare others with it, and for abrupt and large changes. It
//! promises no rate of false alarms: p + s of (2) is the lowest of many, and over a long stationary stream some p leaves it.
//! The longer a segment has lasted, the slower p moves, and the later it is.

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};

options! {
    /// Options of [`Ddm`].
    DdmOptions as "ddm" {
        /// How many values come before anything is said (paper, MOA, River: 30).
        warm_start: u64 = 30, "", |_| true;
        /// w, in standard deviations (paper, MOA, River: 2).
        warning_threshold: f64 = 2.0, "above 0 and finite", |w| w > 0.0 && w.is_finite();
        /// d, in standard deviations (paper, MOA, River: 3).
        drift_threshold: f64 = 3.0, "above 0 and finite", |d| d > 0.0 && d.is_finite();
    }
    "a drift_threshold of at least warning_threshold", |ddm| ddm.drift_threshold >= ddm.warning_threshold
}

detector! {
    /// Drift Detection Method: see the [module](self).
    ///
    /// ```
    /// use thalweg_online::drift::{Ddm, Detector, Signal};
    ///
    /// let mut ddm = Ddm::default();
    /// let error = |k: u32| f64::from(k % 5 == 0 || k >= 1000 && k % 5 < 3);
    /// let found = (0..2000).find(|&k| ddm.update(error(k)) == Signal::Drift);
    /// assert!(found.is_some_and(|k| (1000..1100).contains(&k)));
    /// ```
    Ddm, DdmOptions {
        count: u64,
        errors: u64,
        /// p_min and s_min.
        lowest: Option<(f64, f64)>,
    }
}

impl Ddm {
    fn begin(options: DdmOptions) -> Self {
        Ddm { options, tally: Tally::default(), count: 0, errors: 0, lowest: None }
    }

    fn is_sound(&self) -> bool {
        let is_share = |x: f64| (0.0..=1.0).contains(&x);
        self.errors <= self.count && self.lowest.is_none_or(|(p, s)| is_share(p) && is_share(s))
    }

    fn signal(&mut self) -> Signal {
        if self.count <= self.options.warm_start || self.errors == 0 {
            return Signal::Stable;
        }
        let p = self.segment().mean; // (1)
        let s = (p * (1.0 - p) / self.count as f64).sqrt();
        let (p_min, s_min) =
            *self.lowest.insert(self.lowest.filter(|(p_min, s_min)| p + s > p_min + s_min).unwrap_or((p, s)));
        let beyond = |threshold: f64| p + s > p_min + threshold * s_min; // (3)
        match (beyond(self.options.drift_threshold), beyond(self.options.warning_threshold)) {
            (true, _) => Signal::Drift,
            (false, true) => Signal::Warning,
            (false, false) => Signal::Stable,
        }
    }
}

impl Detector for Ddm {
    fn update(&mut self, value: f64) -> Signal {
        let Some(error) = self.domain().admit(value) else { return self.tally.ignore() };
        self.count += 1;
        self.errors += error as u64;
        let signal = self.signal();
        if signal == Signal::Drift {
            *self = Ddm { tally: self.tally, ..Self::begin(self.options) };
        }
        self.tally.say(signal)
    }

    fn reset(&mut self) {
        *self = Self::begin(self.options);
    }

    fn domain(&self) -> Domain {
        Domain::Errors
    }

    fn watches(&self) -> Direction {
        Direction::Up
    }

    fn segment(&self) -> Segment {
        Segment::new(self.count, self.errors as f64 / self.count as f64)
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}
