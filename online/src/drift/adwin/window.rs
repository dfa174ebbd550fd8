//! The window of ADWIN, in buckets.

use serde::{Deserialize, Serialize};

use super::AdwinOptions;

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

/// What came last, in buckets of 1, 2, 4, … values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) width: u64,
    sum: f64,
    /// The sum of squared differences from the mean.
    squares: f64,
    rows: Vec<Row>,
}

impl Window {
    /// Of nothing.
    pub(super) fn new() -> Self {
        Window { width: 0, sum: 0.0, squares: 0.0, rows: vec![Row::default()] }
    }

    pub(super) fn is_sound(&self) -> bool {
        let is_square = |x: f64| x >= 0.0 && x.is_finite();
        let is_bucket = |bucket: &Bucket| bucket.mean.is_finite() && is_square(bucket.squares);
        let is_full = |row: &Row| (MOST - 1..=MOST).contains(&row.filled);
        let Some((last, others)) = self.rows.split_last() else { return false };
        self.rows.len() < 60
            && others.iter().all(is_full)
            && ((1..=MOST).contains(&last.filled) || self.width == 0 && others.is_empty())
            && self.width == (0..).zip(&self.rows).map(|(row, buckets)| (buckets.filled as u64) << row).sum::<u64>()
            && self.rows.iter().flat_map(Row::buckets).all(is_bucket)
            && self.sum.is_finite()
            && is_square(self.squares)
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.width as f64
    }

    pub(super) fn variance(&self) -> f64 {
        self.squares / self.width as f64
    }

    pub(super) fn buckets(&self) -> usize {
        self.rows.iter().map(|row| row.filled).sum()
    }

    pub(super) fn insert(&mut self, x: f64) {
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

    /// Equation (1) of every cut. With n₀ (μ₀ − μ) = −n₁ (μ₁ − μ), where μ is the mean of all, |μ₀ − μ₁| = n₀ |μ₀ − μ| n / (n₀ n₁); and
    /// with m = c / q, where c = n − 8 and q = (n₀ − 4) (n₁ − 4), (1) times n₀ n₁ q needs no division.
    pub(super) fn has_two_means(&self, options: &AdwinOptions) -> bool {
        let AdwinOptions { delta, range, .. } = *options;
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

    /// Without its oldest bucket.
    pub(super) fn drop_oldest(&mut self) {
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
}

#[cfg(test)]
mod tests {
    use super::super::{Adwin, Detector};
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    /// The window value by value, the newest last, and where its buckets end.
    fn brute_force(window: &Window, values: &[f64]) -> (Vec<f64>, Vec<usize>) {
        let newest = values[values.len() - window.width as usize..].to_vec();
        let mut ends = Vec::new();
        for (row, buckets) in window.rows.iter().enumerate().rev() {
            for _ in buckets.buckets() {
                ends.push(ends.last().copied().unwrap_or(0) + (1 << row));
            }
        }
        (newest, ends)
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
            let mut window = Window::new();
            values.iter().for_each(|&x| window.insert(x));
            let (newest, ends) = brute_force(&window, &values);
            prop_assert_eq!(ends.last(), Some(&newest.len()));
            let mut start = 0;
            for (bucket, &end) in window.rows.iter().rev().flat_map(Row::buckets).zip(&ends) {
                prop_assert!((bucket.mean - mean(&newest[start..end])).abs() < 1e-12);
                prop_assert!((bucket.squares - squares(&newest[start..end])).abs() < 1e-12);
                start = end;
            }
            let n = length as f64;
            let log = (2.0 * n.ln() / 0.002).ln();
            let is_cut = |&cut: &usize| {
                let (n0, n1) = (cut as f64, n - cut as f64);
                let m = 1.0 / (n0 - 4.0) + 1.0 / (n1 - 4.0);
                let bound = (2.0 * m * squares(&newest) / n * log).sqrt() + 2.0 / 3.0 * m * log;
                n0 >= 5.0 && n1 >= 5.0 && (mean(&newest[..cut]) - mean(&newest[cut..])).abs() > bound
            };
            prop_assert_eq!(window.has_two_means(&AdwinOptions::default()), ends.iter().any(is_cut));
        }

        #[test]
        fn what_is_left_after_drifts_is_the_end_of_the_stream(seed in 0..1000_u64) {
            let mut rng = Rng::new(seed);
            let values: Vec<f64> = (0..3000).map(|k| rng.uniform() / 2.0 + f64::from(k / 1000 % 2) / 2.0).collect();
            let mut adwin = Adwin::default();
            prop_assert!(adwin.update_many(&values).len() >= 2);
            let (newest, _) = brute_force(&adwin.window, &values);
            prop_assert!((adwin.segment().mean - mean(&newest)).abs() < 1e-12 && newest.len() < 1100);
            prop_assert!((adwin.variance() - squares(&newest) / newest.len() as f64).abs() < 1e-12);
        }
    }

    #[test]
    fn the_window_is_kept_in_a_logarithm_of_its_length() {
        let (mut adwin, mut rng) = (Adwin::default(), Rng::new(1));
        for _ in 0..200_000 {
            adwin.update(rng.uniform());
            let width = adwin.window.width as f64;
            assert!(adwin.buckets() as f64 <= 5.0 * (width.log2() + 1.0));
        }
        assert!(adwin.window.width > 100_000 && (50..90).contains(&adwin.buckets()), "{}", adwin.buckets());
    }

    #[test]
    fn a_window_that_cannot_be_is_refused() {
        let mut window = Window::new();
        (0..100).for_each(|k| window.insert(f64::from(k)));
        assert!(window.is_sound() && Window::new().is_sound());
        let is_sound = |spoil: fn(&mut Window)| {
            let mut spoilt = window.clone();
            spoil(&mut spoilt);
            spoilt.is_sound()
        };
        assert!(!is_sound(|window| window.width += 1));
        assert!(!is_sound(|window| window.sum = f64::NAN));
        assert!(!is_sound(|window| window.squares = -1.0));
        assert!(!is_sound(|window| window.rows.clear()));
        assert!(!is_sound(|window| window.rows.push(Row::default())));
        assert!(!is_sound(|window| window.rows[0].filled = MOST + 1));
        assert!(!is_sound(|window| window.rows[1].buckets[0].mean = f64::INFINITY));
    }
}
