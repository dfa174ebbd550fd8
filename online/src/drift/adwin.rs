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
//! n₀ and n₁ in (2); the four less are of its authors' program in MOA, and make short parts speak later. Both test every
//! 32 values here: a change is noticed up to 31 values later, for a small part of the cost.
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

use serde::{Deserialize, Serialize};

use super::declare::{detector, options};
use super::{Detector, Direction, Domain, Segment, Signal, Tally};

options! {
    /// Options of [`Adwin`].
    AdwinOptions as "adwin" {
        /// δ: how probable it is at most that a test reports a change where there is none (paper, MOA, River: 0.002).
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
        /// How long the window is.
        width: u64,
        sum: f64,
        /// The sum of squared differences from the mean.
        squares: f64,
        /// Those of 1, 2, 4, … values.
        rows: Vec<Row>,
    }
}

/// How many buckets of a size there are at most: MOA's and River's M.
const MOST: usize = 5;

/// How long a part is at least.
const SHORTEST: f64 = 5.0;

/// Neighbouring values. How many they are, its row says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Bucket {
    mean: f64,
    squares: f64,
}

/// Buckets of one size, the oldest first; there is place for the one too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Row {
    filled: usize,
    buckets: [Bucket; MOST + 1],
}

impl Row {
    fn buckets(&self) -> &[Bucket] {
        &self.buckets[..self.filled]
    }

    fn push(&mut self, bucket: Bucket) {
        self.buckets[self.filled] = bucket;
        self.filled += 1;
    }

    fn drop_oldest(&mut self) {
        self.buckets.copy_within(1.., 0);
        self.filled -= 1;
    }

    /// (4): the two oldest buckets, of `size` values each, as one.
    fn merge_oldest(&mut self, size: f64) -> Bucket {
        let [older, newer, ..] = self.buckets;
        let difference = older.mean - newer.mean;
        self.buckets.copy_within(2.., 0);
        self.filled -= 2;
        Bucket {
            mean: f64::midpoint(older.mean, newer.mean),
            squares: older.squares + newer.squares + difference * difference * size / 2.0,
        }
    }
}

impl Adwin {
    fn begin(options: AdwinOptions) -> Self {
        let rows = vec![Row::default()];
        Adwin { options, tally: Tally::default(), waiting: 0, width: 0, sum: 0.0, squares: 0.0, rows }
    }

    fn is_sound(&self) -> bool {
        let full = |row: &Row| (MOST - 1..=MOST).contains(&row.filled);
        let is_square = |x: f64| x >= 0.0 && x.is_finite();
        let finite = |bucket: &Bucket| bucket.mean.is_finite() && is_square(bucket.squares);
        let Some((last, others)) = self.rows.split_last() else { return false };
        let is_filled = (1..=MOST).contains(&last.filled) || self.width == 0 && others.is_empty();
        self.rows.len() < 60
            && is_filled
            && others.iter().all(full)
            && self.waiting < self.options.clock
            && self.sum.is_finite()
            && is_square(self.squares)
            && self.width == (0..).zip(&self.rows).map(|(row, buckets)| (buckets.filled as u64) << row).sum::<u64>()
            && self.rows.iter().flat_map(Row::buckets).all(finite)
    }

    /// The variance of the window, σ² = S/n; NaN of nothing.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.squares / self.width as f64
    }

    /// How many buckets the window is kept in.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.rows.iter().map(|row| row.filled).sum()
    }

    fn insert(&mut self, x: f64) {
        let width = self.width as f64;
        if self.width > 0 {
            let difference = x - self.sum / width;
            self.squares += difference * difference * width / (width + 1.0);
        }
        self.width += 1;
        self.sum += x;
        self.rows[0].push(Bucket { mean: x, squares: 0.0 });
        let (mut row, mut size) = (0, 1.0);
        while self.rows[row].filled > MOST {
            let merged = self.rows[row].merge_oldest(size);
            (row, size) = (row + 1, 2.0 * size);
            if row == self.rows.len() {
                self.rows.push(Row::default());
            }
            self.rows[row].push(merged);
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.width as f64
    }

    /// (1) of every cut. With n₀ (μ₀ − μ) = −n₁ (μ₁ − μ), where μ is the mean of all, |μ₀ − μ₁| = n₀ |μ₀ − μ| n / (n₀ n₁); and
    /// with m = c / q, where c = n − 8 and q = (n₀ − 4) (n₁ − 4), (1) times n₀ n₁ q needs no division.
    fn has_two_means(&self) -> bool {
        let AdwinOptions { delta, range, .. } = self.options;
        let (width, mean) = (self.width as f64, self.mean());
        let log = (2.0 * width.ln() / delta).ln();
        let c = width - 2.0 * (SHORTEST - 1.0);
        let (normal, bounded) = ((2.0 * c * self.variance() * log).sqrt(), 2.0 / 3.0 * range * log * c);
        let mut size = (1_u64 << (self.rows.len() - 1)) as f64;
        let (mut older, mut away) = (0.0, 0.0);
        for row in self.rows.iter().rev() {
            for bucket in row.buckets() {
                older += size;
                away += size * (bucket.mean - mean);
                let newer = width - older;
                if older >= SHORTEST && newer >= SHORTEST {
                    let q = (older - SHORTEST + 1.0) * (newer - SHORTEST + 1.0);
                    let excess = away.abs() * width * q - bounded * older * newer;
                    if excess > 0.0 && excess > normal * q.sqrt() * older * newer {
                        return true;
                    }
                }
            }
            size /= 2.0;
        }
        false
    }

    fn drop_oldest(&mut self) {
        let last = self.rows.len() - 1;
        self.rows[last].drop_oldest();
        if self.rows[last].filled == 0 && last > 0 {
            self.rows.pop();
        }
        let (mut width, mut mean, mut squares, mut size) = (0.0, 0.0, 0.0, 1.0);
        for row in &self.rows {
            for bucket in row.buckets() {
                let difference = bucket.mean - mean;
                let together = width + size;
                mean += difference * size / together;
                squares += bucket.squares + difference * difference * width * size / together;
                width = together;
            }
            size *= 2.0;
        }
        (self.width, self.sum, self.squares) = (width as u64, width * mean, squares);
    }

    #[cold]
    fn test(&mut self) -> Signal {
        self.waiting = 0;
        let before = (self.width, self.mean());
        while self.has_two_means() {
            self.drop_oldest();
        }
        let is_watched = if self.mean() > before.1 { self.options.watch.up() } else { self.options.watch.down() };
        if self.width < before.0 && is_watched { Signal::Drift } else { Signal::Stable }
    }
}

impl Detector for Adwin {
    fn update(&mut self, value: f64) -> Signal {
        let Some(x) = self.domain().admit(value) else { return self.tally.ignore() };
        self.insert(x);
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
        Segment::new(self.width, self.mean())
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    /// The window value by value, the newest last, and where its buckets end.
    fn brute_force(adwin: &Adwin, values: &[f64]) -> (Vec<f64>, Vec<usize>) {
        let window = values[values.len() - adwin.width as usize..].to_vec();
        let mut ends = Vec::new();
        for (row, buckets) in adwin.rows.iter().enumerate().rev() {
            for _ in buckets.buckets() {
                ends.push(ends.last().copied().unwrap_or(0) + (1 << row));
            }
        }
        (window, ends)
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn squares(values: &[f64]) -> f64 {
        values.iter().map(|x| (x - mean(values)).powi(2)).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Of every bucket its mean and squares, and (1) at every cut between two of them, the newest among them (River 0.26
        /// passes over the newest bucket of each size).
        #[test]
        fn buckets_and_cuts_are_those_of_the_window(seed in 0..1000_u64, length in 10..400_usize, to in 0.0..1.0_f64) {
            let mut rng = Rng::new(seed);
            let values: Vec<f64> =
                (0..length).map(|k| if k < length / 2 { rng.uniform() } else { rng.range(to, to + 0.2) }).collect();
            let mut adwin = Adwin::default();
            values.iter().for_each(|&x| { adwin.insert(x); });
            let (window, ends) = brute_force(&adwin, &values);
            prop_assert_eq!(ends.last(), Some(&window.len()));
            let mut start = 0;
            for (bucket, &end) in adwin.rows.iter().rev().flat_map(Row::buckets).zip(&ends) {
                prop_assert!((bucket.mean - mean(&window[start..end])).abs() < 1e-12);
                prop_assert!((bucket.squares - squares(&window[start..end])).abs() < 1e-12);
                start = end;
            }
            let n = length as f64;
            let log = (2.0 * n.ln() / 0.002).ln();
            let is_cut = |&cut: &usize| {
                let (n0, n1) = (cut as f64, n - cut as f64);
                let m = 1.0 / (n0 - 4.0) + 1.0 / (n1 - 4.0);
                let bound = (2.0 * m * squares(&window) / n * log).sqrt() + 2.0 / 3.0 * m * log;
                n0 >= 5.0 && n1 >= 5.0 && (mean(&window[..cut]) - mean(&window[cut..])).abs() > bound
            };
            prop_assert_eq!(adwin.has_two_means(), ends.iter().any(is_cut));
        }

        #[test]
        fn what_is_left_after_drifts_is_the_end_of_the_stream(seed in 0..1000_u64) {
            let mut rng = Rng::new(seed);
            let values: Vec<f64> = (0..3000).map(|k| rng.uniform() / 2.0 + f64::from(k / 1000 % 2) / 2.0).collect();
            let mut adwin = Adwin::default();
            prop_assert!(adwin.update_many(&values).len() >= 2);
            let (window, _) = brute_force(&adwin, &values);
            prop_assert!((adwin.mean() - mean(&window)).abs() < 1e-12 && window.len() < 1100);
            prop_assert!((adwin.variance() - squares(&window) / window.len() as f64).abs() < 1e-12);
        }
    }

    #[test]
    fn the_window_is_kept_in_a_logarithm_of_its_length() {
        let (mut adwin, mut rng) = (Adwin::default(), Rng::new(1));
        for _ in 0..200_000 {
            adwin.update(rng.uniform());
            let width = adwin.width as f64;
            assert!(adwin.buckets() as f64 <= 5.0 * (width.log2() + 1.0));
        }
        assert!(adwin.width > 100_000 && (50..90).contains(&adwin.buckets()), "{} {}", adwin.width, adwin.buckets());
    }
}
