//! How good a detector is where the changes are known.

use serde::{Deserialize, Serialize};

use super::{Detector, Signal};

/// What became of known changes, and of the signals that belong to none.
///
/// Values are counted from 0. A change at `d` means that `d` is the first value of what is new. A drift that is reported at
/// `t` belongs to the last change at or before `t`, if it comes within the window, `t − d ≤ window`:
///
/// * the first one *finds* the change, with a delay of `t − d`;
/// * those after it are false alarms, and are also counted as [`repeats`](Self::repeats);
/// * every other one is a false alarm;
/// * a change that none belongs to is *missed*.
///
/// Warnings are not judged.
///
/// # Example
///
/// ```
/// use thalweg_online::drift::{Adwin, Detections};
///
/// let values = (0..4000).map(|k: u32| f64::from(k % 7 == 0 || k >= 2000 && k % 7 < 5));
/// let found = Detections::run(&mut Adwin::default(), values, &[2000], 1000);
/// assert_eq!((found.found(), found.missed(), found.values()), (1, 0, 4000));
/// assert!(found.mean_delay() < 64.0, "{found:?}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detections {
    delays: Vec<u64>,
    missed: u64,
    false_alarms: u64,
    repeats: u64,
    values: u64,
}

impl Detections {
    /// Judges drifts reported at `signals` among so many `values`, both in ascending order, where changes were at `changes`.
    ///
    /// # Panics
    ///
    /// If `changes` or `signals` do not ascend, or lie beyond the values.
    #[must_use]
    #[track_caller]
    pub fn judge(changes: &[u64], signals: &[u64], values: u64, window: u64) -> Self {
        for places in [changes, signals] {
            let fit = places.is_sorted_by(|a, b| a < b) && places.last().is_none_or(|&last| last < values);
            assert!(fit, "Detections: places ascend below {values}: {places:?}");
        }
        let mut found = Detections { values, ..Detections::default() };
        let mut is_found = vec![false; changes.len()];
        for &signal in signals {
            let before = changes.partition_point(|&change| change <= signal).checked_sub(1);
            let Some(change) = before.filter(|&change| signal - changes[change] <= window) else {
                found.false_alarms += 1;
                continue;
            };
            if std::mem::replace(&mut is_found[change], true) {
                found.false_alarms += 1;
                found.repeats += 1;
            } else {
                found.delays.push(signal - changes[change]);
            }
        }
        found.missed = (changes.len() - found.delays.len()) as u64;
        found
    }

    /// Gives the values to the detector, and judges what it says.
    ///
    /// # Panics
    ///
    /// If `changes` do not ascend, or lie beyond the values.
    #[track_caller]
    pub fn run(
        detector: &mut dyn Detector,
        values: impl IntoIterator<Item = f64>,
        changes: &[u64],
        window: u64,
    ) -> Self {
        let (mut signals, mut count) = (Vec::new(), 0);
        for value in values {
            if detector.update(value) == Signal::Drift {
                signals.push(count);
            }
            count += 1;
        }
        Self::judge(changes, &signals, count, window)
    }

    /// Takes in what was found elsewhere, such as with another seed.
    pub fn merge(&mut self, other: &Self) {
        self.delays.extend(&other.delays);
        self.missed += other.missed;
        self.false_alarms += other.false_alarms;
        self.repeats += other.repeats;
        self.values += other.values;
    }

    /// How many values each found change took, in order.
    #[must_use]
    pub fn delays(&self) -> &[u64] {
        &self.delays
    }

    /// How many changes were found.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.delays.len() as u64
    }

    /// How many changes were not found within the window.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// How many drifts were reported that are no change's first.
    #[must_use]
    pub fn false_alarms(&self) -> u64 {
        self.false_alarms
    }

    /// How many of them report a change again, within its window.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.repeats
    }

    /// How many values there were.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.values
    }

    /// False alarms in a million values; NaN of no values.
    #[must_use]
    pub fn false_alarms_per_million(&self) -> f64 {
        1e6 * self.false_alarms as f64 / self.values as f64
    }

    /// The mean delay of the changes that were found; NaN if there are none.
    #[must_use]
    pub fn mean_delay(&self) -> f64 {
        self.delays.iter().sum::<u64>() as f64 / self.delays.len() as f64
    }

    /// The standard error of the mean delay, √(Σ (dᵢ − d̄)² / (n − 1) / n); NaN of fewer than two.
    #[must_use]
    pub fn delay_error(&self) -> f64 {
        let (n, mean) = (self.delays.len() as f64, self.mean_delay());
        let squares: f64 = self.delays.iter().map(|&delay| (delay as f64 - mean).powi(2)).sum();
        if self.delays.len() < 2 { f64::NAN } else { (squares / (n - 1.0) / n).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of CapyMOA's test of its evaluator: a mean delay of 150.
    #[test]
    fn a_worked_example() {
        let found = Detections::judge(&[1000, 2000], &[500, 1200, 1250, 2100], 3000, 200);
        assert_eq!(found.delays(), [200, 100]);
        assert_eq!((found.missed(), found.false_alarms(), found.repeats()), (0, 2, 0));
        assert_eq!((found.mean_delay(), found.delay_error()), (150.0, 50.0));
        let found = Detections::judge(&[1000, 2000], &[999, 1000, 1001, 1999, 2300], 4000, 250);
        assert_eq!((found.delays(), found.missed()), (&[0][..], 1));
        assert_eq!((found.false_alarms(), found.repeats(), found.false_alarms_per_million()), (4, 1, 1000.0));
    }

    #[test]
    fn nothing_gives_nothing() {
        let nothing = Detections::default();
        assert!(nothing.mean_delay().is_nan() && nothing.delay_error().is_nan());
        assert!(nothing.false_alarms_per_million().is_nan());
        assert_eq!(Detections::judge(&[], &[], 0, 10), nothing);
    }

    proptest! {
        #[test]
        fn every_signal_and_every_change_is_counted_once(
            changes in prop::collection::btree_set(0..500_u64, 0..8),
            signals in prop::collection::btree_set(0..500_u64, 0..30),
            window in 0..200_u64,
        ) {
            let (changes, signals) = (Vec::from_iter(changes), Vec::from_iter(signals));
            let found = Detections::judge(&changes, &signals, 500, window);
            prop_assert_eq!(found.found() + found.missed(), changes.len() as u64);
            prop_assert_eq!(found.found() + found.false_alarms(), signals.len() as u64);
            prop_assert!(found.repeats() <= found.false_alarms());
            prop_assert!(found.delays().iter().all(|&delay| delay <= window));
            let wider = Detections::judge(&changes, &signals, 500, window + 50);
            prop_assert!(wider.missed() <= found.missed());
            let mut twice = found.clone();
            twice.merge(&found);
            prop_assert_eq!((twice.found(), twice.values()), (2 * found.found(), 1000));
        }
    }
}
