//! EDDM: errors that come closer together.
//!
//! ```text
//!   d = values from an error to the next        p, s: their mean and deviation (n − 1)               (1)
//!   m ← max(m, p + 2 s)                                                                              (2)
//!   (p + 2 s) / m < α: warning        < β: drift                                                     (3)
//! ```
//!
//! A learner that learns errs more and more rarely, so distances between errors grow; when they shrink, it has met
//! something new (Baena-García, del Campo-Ávila, Fidalgo, Bifet, Gavaldà & Morales-Bueno, Early Drift Detection Method,
//! 2006). (2) looks at errors after the first 30 values; before 30 errors nothing is said. Between two errors the last
//! word stands: a warning lasts until an error takes it back.
//!
//! The paper leaves open which deviation s is, of the sample as here and in River, or of the population as in MOA.
//!
//! **Memory** seven numbers. **Cost** O(1). **Choose it** for slow changes of a small error rate, and where a false alarm
//! costs little: α and β are shares of a maximum, not of a deviation, and on a stationary stream m is soon an exception
//! that (3) is measured by. Of the detectors of errors it has the most false alarms.

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};
use crate::moments::Moments;

options! {
    /// Options of [`Eddm`].
    EddmOptions as "eddm" {
        /// How many values come before (2), and how many errors before (3) (paper, MOA, River: 30).
        warm_start: u64 = 30, "", |_| true;
        /// α, a share of m (paper, MOA, River: 0.95).
        alpha: f64 = 0.95, "above 0 and at most 1", |alpha| 0.0 < alpha && alpha <= 1.0;
        /// β, a share of m (paper, MOA, River: 0.9).
        beta: f64 = 0.9, "above 0 and at most 1", |beta| 0.0 < beta && beta <= 1.0;
    }
    "an alpha of at least beta", |eddm| eddm.alpha >= eddm.beta
}

detector! {
    /// Early Drift Detection Method: see the [module](self).
    ///
    /// ```
    /// use thalweg_online::drift::{Detector, Eddm, Signal};
    ///
    /// let mut eddm = Eddm::default();
    /// let error = |k: u32| f64::from(k * k % 11 == 3 || k >= 1000 && [4, 5].contains(&(k * k % 11)));
    /// let found = (0..2000).find(|&k| eddm.update(error(k)) == Signal::Drift);
    /// assert!(found.is_some_and(|k| (1000..1200).contains(&k)));
    /// ```
    Eddm, EddmOptions {
        count: u64,
        /// Which value was the last error, counted from 1.
        last: u64,
        /// Of (1).
        distances: Moments,
        /// m.
        largest: f64,
    }
}

impl Eddm {
    fn begin(options: EddmOptions) -> Self {
        Eddm { options, tally: Tally::default(), count: 0, last: 0, distances: Moments::default(), largest: 0.0 }
    }

    fn is_sound(&self) -> bool {
        let errors = self.distances.count();
        self.last <= self.count && errors <= self.last && self.largest.is_finite() && self.largest >= 0.0
    }

    /// At an error.
    fn signal(&mut self) -> Signal {
        let errors = self.distances.count();
        if self.count <= self.options.warm_start {
            return Signal::Stable;
        }
        // S/n of all distances, as S/(n − 1) of a sample.
        let sample = (errors as f64 / errors.saturating_sub(1).max(1) as f64).sqrt();
        let reach = self.distances.mean() + 2.0 * self.distances.deviation() * sample;
        if reach > self.largest {
            self.largest = reach; // (2)
            return Signal::Stable;
        }
        match reach / self.largest {
            _ if errors <= self.options.warm_start => Signal::Stable,
            level if level < self.options.beta => Signal::Drift,
            level if level < self.options.alpha => Signal::Warning,
            _ => Signal::Stable,
        }
    }
}

impl Detector for Eddm {
    fn update(&mut self, value: f64) -> Signal {
        let Some(error) = self.domain().admit(value) else { return self.tally.ignore() };
        self.count += 1;
        if error == 0.0 {
            return self.tally.unchanged();
        }
        self.distances.update((self.count - self.last) as f64); // (1)
        self.last = self.count;
        let signal = self.signal();
        if signal == Signal::Drift {
            *self = Eddm { tally: self.tally, ..Self::begin(self.options) };
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

    /// The mean is the share of errors.
    fn segment(&self) -> Segment {
        Segment::new(self.count, self.distances.count() as f64 / self.count as f64)
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}
