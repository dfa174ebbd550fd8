//! KSWIN: the newest values beside a draw of older ones, as distributions.
//!
//! ```text
//!   R = the newest r values of a window of w        A = r values drawn from the other w − r          (1)
//!   D = max over v of |share of R up to v − share of A up to v|                                      (2)
//!   P(D ≥ h/r) = 2 Σ_{k ≥ 1} (−1)ᵏ⁻¹ C(2r, r − k h) / C(2r, r)                                       (3)
//!   P(D ≥ the one found) ≤ α and D > 0.1: drift; the window then begins with R                       (4)
//! ```
//!
//! Raab, Heusinger & Schleif, Reactive Soft Prototype Computing for Concept Drift Streams, Neurocomputing 2020. (3) is
//! exact for two samples of r different values without a change (Gnedenko & Korolyuk 1951), and less than exact where
//! values are equal: α is then an upper bound. River computes the same; the paper has the approximation
//! D > √(−ln α / r), which reports twice as much as α says. D > 0.1 in (4) is of the authors' program. What is drawn in (1)
//! comes from a seeded generator that is part of the detector.
//!
//! **Memory** 8 bytes for each value of the window, and the same for a test. **Cost** O(w + r log r) for each value.
//! **Choose it** for numbers whose distribution may change while the mean stays, or whose mean may jump and come back.
//! Neighbouring tests share most of their values, but there is a test for each value: at α = 0.005 a stream of numbers that
//! does not change is reported every 750 values. Set α to the rate that you can bear, such as 0.00001.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use thalweg_tensor::Rng;

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};

options! {
    /// Options of [`Kswin`].
    KswinOptions as "kswin" {
        /// α: how probable it is at most that a test reports a change where there is none (River: 0.005).
        alpha: f64 = 0.005, "above 0 and below 1", |alpha| 0.0 < alpha && alpha < 1.0;
        /// w: how many values are kept (River: 100).
        window_size: usize = 100, "of at most 1000000", |values| values <= 1_000_000;
        /// r: how many of them are new (River: 30).
        stat_size: usize = 30, "of at least 2", |values| values >= 2;
        /// Where the draws of (1) begin.
        seed: u64 = 42, "", |_| true;
    }
    "a window_size of at least twice stat_size, which are enough values to show alpha",
    |kswin| kswin.window_size / 2 >= kswin.stat_size && probability(kswin.stat_size, kswin.stat_size) <= kswin.alpha
}

detector! {
    /// Kolmogorov and Smirnov's test in a sliding WINdow: see the [module](self).
    ///
    /// ```
    /// use thalweg_online::drift::{Detector, Kswin, Signal};
    ///
    /// // From 1000 on the mean is what it was, but numbers are far from it.
    /// let mut kswin = Kswin::default();
    /// let value = |k: u32| if k < 1000 { f64::from(k * 7 % 10) } else { f64::from(k % 2) * 20.0 - 5.5 };
    /// let found = (0..2000).find(|&k| kswin.update(value(k)) == Signal::Drift);
    /// assert!(found.is_some_and(|k| (1000..1050).contains(&k)));
    /// ```
    Kswin, KswinOptions {
        /// The oldest first.
        window: VecDeque<f64>,
        rng: Rng,
        /// From which h on a test says that there was a change.
        critical: usize,
        scratch: Scratch,
    }
}

/// Room for a test, which carries nothing from one to the next.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Scratch {
    #[serde(skip)]
    older: Vec<f64>,
    #[serde(skip)]
    newer: Vec<f64>,
}

impl PartialEq for Scratch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Kswin {
    fn begin(options: KswinOptions) -> Self {
        Kswin {
            options,
            tally: Tally::default(),
            window: VecDeque::with_capacity(options.window_size),
            rng: Rng::new(options.seed),
            critical: critical(&options),
            scratch: Scratch::default(),
        }
    }

    fn is_sound(&self) -> bool {
        let finite = self.window.iter().all(|x| x.is_finite());
        finite && self.window.len() <= self.options.window_size && self.critical == critical(&self.options)
    }

    /// h of (1) and (2): D in units of 1/r.
    fn distance(&mut self) -> usize {
        let Scratch { older, newer } = &mut self.scratch;
        let r = self.options.stat_size;
        let others = self.window.len() - r;
        older.clear();
        older.extend(self.window.range(..others));
        for drawn in 0..r {
            older.swap(drawn, drawn + self.rng.below(others - drawn));
        }
        older.truncate(r);
        newer.clear();
        newer.extend(self.window.range(others..));
        largest_distance(older, newer)
    }
}

/// How far apart the numbers of values up to any one are. Both are put in order.
fn largest_distance(a: &mut [f64], b: &mut [f64]) -> usize {
    a.sort_unstable_by(f64::total_cmp);
    b.sort_unstable_by(f64::total_cmp);
    let (mut i, mut j, mut largest) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        i += a[i..].iter().take_while(|&&x| x <= value).count();
        j += b[j..].iter().take_while(|&&x| x <= value).count();
        largest = largest.max(i.abs_diff(j));
    }
    largest
}

/// (3): how probable it is that two samples of r values are h/r or more apart. Falls with h.
fn probability(r: usize, h: usize) -> f64 {
    if h == 0 {
        return 1.0;
    }
    let term = |apart: usize| -> f64 {
        (1..=apart).map(|i| (r - apart + i) as f64 / (r + i) as f64).product() // C(2r, r − apart) / C(2r, r)
    };
    let terms = (1..=r / h).map(|k| if k % 2 == 1 { term(k * h) } else { -term(k * h) });
    (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0)
}

/// The least h that (4) calls a drift.
fn critical(options: &KswinOptions) -> usize {
    let KswinOptions { alpha, stat_size, .. } = *options;
    let (mut low, mut high) = (0, stat_size); // not enough, and enough
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if probability(stat_size, middle) <= alpha {
            high = middle;
        } else {
            low = middle;
        }
    }
    high.max(stat_size / 10 + 1)
}

impl Detector for Kswin {
    fn update(&mut self, value: f64) -> Signal {
        let Some(x) = self.domain().admit(value) else { return self.tally.ignore() };
        let KswinOptions { window_size, stat_size, .. } = self.options;
        if self.window.len() == window_size {
            self.window.pop_front();
        }
        self.window.push_back(x);
        if self.window.len() < window_size || self.distance() < self.critical {
            return self.tally.say(Signal::Stable);
        }
        self.window.drain(..window_size - stat_size);
        self.tally.say(Signal::Drift)
    }

    fn reset(&mut self) {
        *self = Self::begin(self.options);
    }

    fn domain(&self) -> Domain {
        Domain::Numbers
    }

    fn watches(&self) -> Direction {
        Direction::Both
    }

    /// The window.
    fn segment(&self) -> Segment {
        Segment::new(self.window.len() as u64, self.window.iter().sum::<f64>() / self.window.len() as f64)
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// P-values of SciPy 1.17 (`ks_2samp`, exact).
    #[test]
    fn probabilities_are_those_of_scipy() {
        for (r, h, expected) in
            [(30, 13, 0.006548396368058784), (30, 14, 0.0025300622362698397), (100, 43, 1.1151678185620634e-8)]
        {
            let found = probability(r, h);
            assert!((found / expected - 1.0).abs() < 1e-9, "{r} {h}: {found}");
        }
        assert_eq!(probability(30, 0), 1.0);
    }

    proptest! {
        /// Against (2) at every value, equal ones among them.
        #[test]
        fn the_distance_is_the_largest_of_all(values in prop::collection::vec((-4..4_i8, -4..4_i8), 1..40)) {
            let (mut a, mut b): (Vec<f64>, Vec<f64>) = values.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip();
            let up_to = |sample: &[f64], v: f64| sample.iter().filter(|&&x| x <= v).count();
            let expected = a.iter().chain(&b).map(|&v| up_to(&a, v).abs_diff(up_to(&b, v))).max();
            prop_assert_eq!(Some(largest_distance(&mut a, &mut b)), expected);
        }

        #[test]
        fn the_critical_distance_is_the_least_of_its_probability(r in 5..200_usize, alpha in 0.01..0.5_f64) {
            let options = KswinOptions { alpha, window_size: 2 * r, stat_size: r, seed: 1 };
            let h = critical(&options);
            prop_assert!(probability(r, h) <= alpha && (10 * h > r));
            prop_assert!(probability(r, h - 1) > alpha || 10 * (h - 1) <= r);
        }
    }
}
