//! ADWIN: a window that is as long as its mean is one mean.
//!
//! ```text
//!   W = W₀ W₁                                     every cut of the window into an older and a newer part
//!   |μ₀ − μ₁| > √(2 m σ² ℓ) + ⅔ R m ℓ             then its oldest values are dropped, and again      (1)
//!   m = 1/(n₀ − 4) + 1/(n₁ − 4)                   n₀, n₁ ≥ 5: how long the parts are                 (2)
//!   ℓ = ln(2 ln n / δ)                            n: how long the window is; σ²: its variance        (3)
//! ```
//!
//! (1) is Bernstein's inequality, in the normal approximation of the paper (Bifet & Gavaldà, Learning from Time-Changing
//! Data with Adaptive Windowing, SDM 2007, section 3: ADWIN2), for values within an interval of length R. The paper has
//! n₀ and n₁ in (2); the four less are of its authors' program in MOA, and make short parts speak later. As there, (1) is
//! tested at every 32nd value: a change is noticed up to 31 values later, for a small part of the cost.
//!
//! The window is not kept value by value but in buckets of 1, 2, 4, … values, at most five of each size, each with its mean
//! and its sum of squared differences: a cut is tried wherever a bucket ends. When a sixth one of a size comes, the two
//! oldest become one of twice the size:
//!
//! ```text
//!   μ = (μ₁ + μ₂) / 2        S = S₁ + S₂ + (μ₁ − μ₂)² 2ʳ / 2                                         (4)
//! ```
//!
//! What the window has in all is added up as values come, and made anew from the buckets when some are dropped: nothing
//! is ever subtracted, so rounding does not pile up.
//!
//! **Memory** 16 bytes for each of at most 5 log₂ n buckets: a kilobyte for a million values. **Cost** of a value O(1), and
//! O(log n) for every 32nd. **Choose it** if you do not know what to choose: its only number is δ, which is what it
//! promises, and its window is an estimate of the mean now. It is late if values differ little within a wide R: give
//! [`range`](AdwinOptions::range) what it is.
//!
//! A change that is gradual, or large, is reported several times: at each test the window loses what is proved to be old.
//! Where one report is wanted, take the first, or [reset](super::Detector::reset) it.

mod window;

use window::Window;

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};

options! {
    /// Options of [`Adwin`].
    AdwinOptions as "adwin" {
        /// δ: how probable it is at most that a test reports a change where there is none (MOA, River: 0.002).
        delta: f64 = 0.002, "above 0 and below 1", |delta| 0.0 < delta && delta < 1.0;
        /// How many values come between two tests (MOA, River: 32).
        clock: u64 = 32, "of at least 1", |clock| clock > 0;
        /// R: the length of the interval in which values lie (the paper supposes 1).
        range: f64 = 1.0, "above 0 and at most 1e100", |range| 0.0 < range && range <= 1e100;
        /// Which changes of the mean are reported; the window follows all of them.
        watch: Direction = Direction::Both, "", |_| true;
    }
    "", |_| true
}

detector! {
    /// ADaptive WINdowing: see the [module](self).
    ///
    /// ```
    /// use thalweg_online::drift::{Adwin, Detector, Signal};
    ///
    /// let mut adwin = Adwin::default();
    /// let value = |k: u32| f64::from(k % 5 == 0 || k >= 1000 && k % 5 < 3);
    /// let found = (0..2000).find(|&k| adwin.update(value(k)) == Signal::Drift);
    /// assert!(found.is_some_and(|k| (1000..1100).contains(&k)));
    /// ```
    Adwin, AdwinOptions {
        /// How many values came since the last test.
        waiting: u64,
        window: Window,
    }
}

impl Adwin {
    fn begin(options: AdwinOptions) -> Self {
        Adwin { options, tally: Tally::default(), waiting: 0, window: Window::new() }
    }

    fn is_sound(&self) -> bool {
        self.waiting < self.options.clock && self.window.is_sound()
    }

    /// The variance of the window, σ² = S/n; NaN of nothing.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.window.variance()
    }

    /// How many buckets the window is kept in.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.window.buckets()
    }

    #[cold]
    fn test(&mut self) -> Signal {
        self.waiting = 0;
        let (width, mean) = (self.window.width, self.window.mean());
        while self.window.has_two_means(&self.options) {
            self.window.drop_oldest();
        }
        let watch = self.options.watch;
        let is_watched = if self.window.mean() > mean { watch.up() } else { watch.down() };
        if self.window.width < width && is_watched { Signal::Drift } else { Signal::Stable }
    }
}

impl Detector for Adwin {
    fn update(&mut self, value: f64) -> Signal {
        let Some(x) = self.domain().admit(value) else { return self.tally.ignore() };
        self.window.insert(x);
        self.waiting += 1;
        if self.waiting < self.options.clock {
            return Signal::Stable;
        }
        let signal = self.test();
        self.tally.say(signal)
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

    /// The window.
    fn segment(&self) -> Segment {
        Segment::new(self.window.width, self.window.mean())
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}
