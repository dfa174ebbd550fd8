//! Sums in which older rows count less.

use serde::{Deserialize, Serialize};

use super::window::Sums;

/// Sums over all rows, each of which counts `α` times as much as the next one: `S ← α S + s` (Gama, Sebastião &
/// Rodrigues, "On evaluating stream learning algorithms", 2013). About the last `1 / (1 − α)` rows matter.
///
/// The old rows are not made lighter at every step, the new ones are made heavier: by `1/α` each time, until the unit is
/// large and everything is scaled back. So an update costs no more than one of running sums.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved<S>", into = "Saved<S>")]
#[serde(bound(serialize = "S: Serialize", deserialize = "S: Deserialize<'de>"))]
pub struct Fading<S: Sums> {
    decay: f64,
    /// What the last row counts.
    unit: f64,
    rows: u64,
    sums: S,
}

/// The unit is scaled back from here: far from where squares could overflow.
const LARGEST_UNIT: f64 = (1_u64 << 32) as f64;

impl<S: Sums> Fading<S> {
    /// Each row counts `decay` times as much as the next. `empty` are the sums of nothing.
    ///
    /// # Panics
    ///
    /// Unless `0 < decay ≤ 1`.
    #[must_use]
    #[track_caller]
    pub fn new(decay: f64, empty: S) -> Self {
        assert!(can_fade(decay), "fading: 0 < factor ≤ 1: {decay}");
        Fading { decay, unit: 1.0, rows: 0, sums: empty }
    }

    /// Takes in one row.
    pub fn update(&mut self, row: &S::Row, weight: f64) {
        self.unit /= self.decay;
        if self.unit > LARGEST_UNIT {
            self.sums.scale(1.0 / self.unit);
            self.unit = 1.0;
        }
        self.sums.add(row, weight * self.unit);
        self.rows += 1;
    }

    /// The sums now: the last row counts its weight.
    #[must_use]
    pub fn sums(&self) -> S {
        let mut sums = self.sums.clone();
        sums.scale(1.0 / self.unit);
        sums
    }

    /// How many times as much as the next row each one counts.
    #[must_use]
    pub fn decay(&self) -> f64 {
        self.decay
    }

    /// Takes in the rows of `other`, which came later.
    pub fn merge(&mut self, other: &Self) {
        self.sums.scale(self.decay.powf(other.rows as f64) / self.unit);
        self.sums.merge(&other.sums());
        self.unit = 1.0;
        self.rows += other.rows;
    }
}

fn can_fade(decay: f64) -> bool {
    0.0 < decay && decay <= 1.0
}

#[derive(Serialize, Deserialize)]
struct Saved<S> {
    decay: f64,
    unit: f64,
    #[serde(deserialize_with = "crate::saved::count")]
    rows: u64,
    sums: S,
}

impl<S: Sums> From<Fading<S>> for Saved<S> {
    fn from(Fading { decay, unit, rows, sums }: Fading<S>) -> Self {
        Saved { decay, unit, rows, sums }
    }
}

impl<S: Sums> TryFrom<Saved<S>> for Fading<S> {
    type Error = String;

    fn try_from(Saved { decay, unit, rows, sums }: Saved<S>) -> Result<Self, String> {
        match can_fade(decay) && (1.0..=LARGEST_UNIT).contains(&unit) {
            true => Ok(Fading { decay, unit, rows, sums }),
            false => Err(format!("expected a factor in (0, 1] and a unit of at least 1, found {decay} and {unit}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Loss, MeanLoss, RSquared};
    use super::*;
    use proptest::prelude::*;

    fn faded<S: Sums<Row = (f64, f64)>>(decay: f64, empty: S, rows: &[(f64, f64)]) -> Fading<S> {
        let mut fading = Fading::new(decay, empty);
        rows.iter().for_each(|row| fading.update(row, 1.0));
        fading
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * (1.0 + b.abs())
    }

    proptest! {
        #[test]
        fn fading_is_what_its_definition_says(
            decay in prop::sample::select(vec![0.999, 0.9, 0.5, 0.01, 1e-200]),
            rows in prop::collection::vec((-9.0..9.0_f64, -9.0..9.0_f64), 1..120),
            cut in 0..120_usize,
        ) {
            let (mut sum, mut weight) = (0.0, 0.0);
            for (truth, said) in &rows {
                sum = decay * sum + (truth - said).abs();
                weight = decay * weight + 1.0;
            }
            let fading = faded(decay, MeanLoss::new(Loss::Absolute), &rows);
            prop_assert!(close(fading.sums().get(), sum / weight));
            let (head, tail) = rows.split_at(cut.min(rows.len()));
            let mut merged = faded(decay, MeanLoss::new(Loss::Absolute), head);
            merged.merge(&faded(decay, MeanLoss::new(Loss::Absolute), tail));
            prop_assert!(close(merged.sums().get(), sum / weight));
        }

        #[test]
        fn what_does_not_fade_is_a_running_sum(rows in prop::collection::vec((-9.0..9.0_f64, -9.0..9.0_f64), 0..80)) {
            let mut running = RSquared::default();
            rows.iter().for_each(|row| running.add(row, 1.0));
            prop_assert_eq!(faded(1.0, RSquared::default(), &rows).sums(), running);
        }
    }

    #[test]
    fn a_long_stream_stays_within_bounds() {
        let mut fading = Fading::new(0.9, MeanLoss::new(Loss::Square));
        (0..100_000).for_each(|_| fading.update(&(1e140, 0.0), 1.0));
        assert!(close(fading.sums().get() / 1e280, 1.0));
        (0..300).for_each(|_| fading.update(&(3.0, 0.0), 1.0));
        assert!(fading.sums().get() > 1e200, "0.9³⁰⁰ of 10²⁸⁰ is still much");
    }
}
