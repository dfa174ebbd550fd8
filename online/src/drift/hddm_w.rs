//! HDDM-W: a fading mean that is above its lowest by more than McDiarmid allows.
//!
//! ```text
//!   x̂₁ = x₁     x̂ ← λ x + (1 − λ) x̂                      what fades                                  (1)
//!   D₁ = 1      D ← λ² + (1 − λ)² D                       the sum of the squares of its weights       (2)
//!   ẑ: of all values        ε = √(D ln(1/α) / 2)                                                      (3)
//!   x̂ ← ẑ   where ẑ + ε is the lowest so far; ŷ: of the values after that                             (4)
//!   ŷ − x̂ > √((D_x + D_y) ln(1/α) / 2): drift             the same with a larger α: warning           (5)
//! ```
//!
//! and as in a mirror for a mean that falls, for independent values within 0 to 1 (Frías-Blanco et al. 2015, as
//! [HDDM-A](super::hddm_a): W-test). ε of (3) is that of a drift in both cases.
//!
//! D₁ = 1 is the paper's, whose first weight is (1 − λ)ⁿ⁻¹. River counts the first value as λ² + (1 − λ)² and has bounds
//! that are narrower at first.
//!
//! **Memory** twelve numbers. **Cost** O(1). **Choose it** for errors, or any values within 0 to 1, whose changes are
//! large: a mean of about 1/λ = 20 values must have risen by 0.4 or so, at which it is sooner than HDDM-A. A smaller λ
//! sees smaller changes, later.

use serde::{Deserialize, Serialize};

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};

options! {
    /// Options of [`HddmW`].
    HddmWOptions as "hddm-w" {
        /// α of a drift (paper, MOA, River: 0.001).
        drift_confidence: f64 = 0.001, "above 0 and below 1", |alpha| 0.0 < alpha && alpha < 1.0;
        /// α of a warning (paper, MOA, River: 0.005).
        warning_confidence: f64 = 0.005, "above 0 and below 1", |alpha| 0.0 < alpha && alpha < 1.0;
        /// λ: what the newest value counts (paper, MOA, River: 0.05).
        lambda: f64 = 0.05, "above 0 and at most 1", |lambda| 0.0 < lambda && lambda <= 1.0;
        /// Which changes of the mean are reported (MOA, River: up).
        watch: Direction = Direction::Up, "", |_| true;
    }
    "a warning_confidence of at least drift_confidence", |hddm| hddm.warning_confidence >= hddm.drift_confidence
}

detector! {
    /// Hoeffding's Drift Detection Method by weighted averages: see the [module](self).
    ///
    /// ```
    /// use thalweg_online::drift::{Detector, HddmW, Signal};
    ///
    /// let mut hddm = HddmW::default();
    /// let error = |k: u32| f64::from(k % 5 == 0 || k >= 1000 && k % 5 < 4);
    /// let found = (0..2000).find(|&k| hddm.update(error(k)) == Signal::Drift);
    /// assert!(found.is_some_and(|k| (1000..1050).contains(&k)));
    /// ```
    HddmW, HddmWOptions {
        count: u64,
        all: Option<Faded>,
        /// For a mean that rises.
        rise: Cut,
        /// For a mean that falls: of 1 − x.
        fall: Cut,
    }
}

/// (1) and (2)
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Faded {
    mean: f64,
    squares: f64,
}

impl Faded {
    fn updated(sample: Option<Self>, x: f64, lambda: f64) -> Self {
        let Some(Faded { mean, squares }) = sample else { return Faded { mean: x, squares: 1.0 } };
        let kept = 1.0 - lambda;
        Faded { mean: lambda * x + kept * mean, squares: lambda * lambda + kept * kept * squares }
    }

    /// Of the values 1 − x.
    fn mirrored(self) -> Self {
        Faded { mean: 1.0 - self.mean, ..self }
    }
}

/// What was before the lowest bound, and what came after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cut {
    before: Option<Faded>,
    after: Option<Faded>,
}

impl Cut {
    /// (4), with `log` = ln(1/α).
    fn update(&mut self, all: Faded, x: f64, lambda: f64, log: f64) {
        let bound = |faded: Faded| faded.mean + (faded.squares * log / 2.0).sqrt();
        if self.before.is_none_or(|lowest| bound(all) < bound(lowest)) {
            *self = Cut { before: Some(all), after: None };
        } else {
            self.after = Some(Faded::updated(self.after, x, lambda));
        }
    }

    /// (5)
    fn has_changed(&self, log: f64) -> bool {
        let (Some(before), Some(after)) = (self.before, self.after) else { return false };
        after.mean - before.mean > ((before.squares + after.squares) * log / 2.0).sqrt()
    }
}

impl HddmW {
    fn begin(options: HddmWOptions) -> Self {
        let (rise, fall) = (Cut::default(), Cut::default());
        HddmW { options, tally: Tally::default(), count: 0, all: None, rise, fall }
    }

    fn is_sound(&self) -> bool {
        let is_share = |x: f64| (-1e-9..=1.0 + 1e-9).contains(&x);
        let fits = |faded: &Faded| is_share(faded.mean) && is_share(faded.squares);
        let all = [self.all, self.rise.before, self.rise.after, self.fall.before, self.fall.after];
        let begun = self.count > 0;
        [self.all, self.rise.before, self.fall.before].iter().all(|faded| faded.is_some() == begun)
            && all.iter().flatten().all(fits)
    }

    fn has_changed(&self, alpha: f64) -> bool {
        let (watch, log) = (self.options.watch, -alpha.ln());
        watch.up() && self.rise.has_changed(log) || watch.down() && self.fall.has_changed(log)
    }
}

impl Detector for HddmW {
    fn update(&mut self, value: f64) -> Signal {
        let Some(x) = self.domain().admit(value) else { return self.tally.ignore() };
        let HddmWOptions { lambda, drift_confidence, warning_confidence, .. } = self.options;
        let all = Faded::updated(self.all, x, lambda);
        let log = -drift_confidence.ln();
        self.count += 1;
        self.all = Some(all);
        self.rise.update(all, x, lambda, log);
        self.fall.update(all.mirrored(), 1.0 - x, lambda, log);
        if self.has_changed(drift_confidence) {
            *self = HddmW { tally: self.tally, ..Self::begin(self.options) };
            return self.tally.say(Signal::Drift);
        }
        let warns = self.has_changed(warning_confidence);
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

    /// The mean is the one that fades, ẑ.
    fn segment(&self) -> Segment {
        Segment::new(self.count, self.all.map_or(f64::NAN, |all| all.mean))
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}
