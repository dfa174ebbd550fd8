//! Sums over the last rows.

use serde::{Deserialize, Serialize};

use super::window::Sums;

/// Sums over the last `n` rows, without a single subtraction.
///
/// The rows are kept, and beside them the sums of blocks of `⌈√n⌉` rows. An update stores the row and adds it to the
/// newest block: O(1). A reading adds up the whole blocks and the rows that are left of the oldest one: O(√n). What has
/// left the window was never taken back out of a sum, so nothing of it can stay behind: neither rounding that builds up over
/// a long stream, nor the digits that one huge number has cost the small ones beside it.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::{Counts, Rolling};
///
/// let mut last_two = Rolling::new(2, Counts::default());
/// for (truth, predicted) in [(0, 1), (1, 1), (0, 0)] {
///     last_two.update(&(truth, predicted), 1.0);
/// }
/// assert_eq!(last_two.sums().accuracy(), 1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved<S>", into = "Saved<S>")]
#[serde(bound(
    serialize = "S: Serialize, S::Row: Serialize",
    deserialize = "S: Deserialize<'de>, S::Row: Deserialize<'de>"
))]
pub struct Rolling<S: Sums> {
    size: usize,
    block_size: usize,
    empty: S,
    /// The rows and their weights; once it is full, `oldest` is the place of the oldest one.
    rows: Vec<(S::Row, f64)>,
    oldest: usize,
    /// The sums of blocks of rows; `newest` is the place of the one that grows, and holds `filled` rows.
    blocks: Vec<S>,
    newest: usize,
    filled: usize,
}

impl<S: Sums> Rolling<S> {
    /// Over the last `size` rows. `empty` are the sums of nothing.
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    #[must_use]
    #[track_caller]
    pub fn new(size: usize, empty: S) -> Self {
        assert!(size > 0, "rolling: 0 < number of rows: 0");
        let block_size = block_size(size);
        let blocks = vec![empty.clone()];
        Rolling { size, block_size, empty, rows: vec![], oldest: 0, blocks, newest: 0, filled: 0 }
    }

    /// Takes in one row, in the place of the oldest one once there are enough.
    pub fn update(&mut self, row: &S::Row, weight: f64) {
        if self.rows.len() < self.size {
            self.rows.push((row.clone(), weight));
        } else {
            let slot = &mut self.rows[self.oldest];
            slot.0.clone_from(row); // keeps the memory of the old one
            slot.1 = weight;
            self.oldest = if self.oldest + 1 == self.size { 0 } else { self.oldest + 1 };
        }
        if self.filled == self.block_size {
            self.begin_block();
        }
        self.blocks[self.newest].add(row, weight);
        self.filled += 1;
    }

    fn begin_block(&mut self) {
        self.filled = 0;
        self.newest += 1;
        if self.newest == self.size.div_ceil(self.block_size) {
            self.newest = 0;
        }
        match self.blocks.get_mut(self.newest) {
            Some(block) => block.clear(),
            None => self.blocks.push(self.empty.clone()),
        }
    }

    /// The sums over the last rows.
    #[must_use]
    pub fn sums(&self) -> S {
        let mut total = self.empty.clone();
        // Behind the newest block stand whole ones, and what is left of the oldest.
        let before = self.rows.len() - self.filled;
        let (whole, left) = (before / self.block_size, before % self.block_size);
        self.rows().take(left).for_each(|(row, weight)| total.add(row, *weight));
        let slots = self.blocks.len();
        for back in (0..=whole).rev() {
            total.merge(&self.blocks[(self.newest + slots - back) % slots]);
        }
        total
    }

    /// The last rows and their weights, the oldest first.
    pub fn rows(&self) -> impl Iterator<Item = &(S::Row, f64)> {
        let (newer, older) = self.rows.split_at(self.oldest);
        older.iter().chain(newer)
    }

    pub(super) fn blocks(&self) -> &[S] {
        &self.blocks
    }

    /// How many rows it holds at most.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Takes in the rows of `other`, which came later.
    pub fn merge(&mut self, other: &Self) {
        other.rows().for_each(|(row, weight)| self.update(row, *weight));
    }
}

fn block_size(size: usize) -> usize {
    size.isqrt() + usize::from(size.isqrt().pow(2) < size)
}

/// The rows alone say nearly everything; the blocks are kept for their rounding.
#[derive(Serialize, Deserialize)]
#[serde(bound(
    serialize = "S: Serialize, S::Row: Serialize",
    deserialize = "S: Deserialize<'de>, S::Row: Deserialize<'de>"
))]
struct Saved<S: Sums> {
    size: usize,
    empty: S,
    rows: Vec<(S::Row, f64)>,
    oldest: usize,
    blocks: Vec<S>,
    newest: usize,
    filled: usize,
}

impl<S: Sums> From<Rolling<S>> for Saved<S> {
    fn from(rolling: Rolling<S>) -> Self {
        let Rolling { size, empty, rows, oldest, blocks, newest, filled, .. } = rolling;
        Saved { size, empty, rows, oldest, blocks, newest, filled }
    }
}

impl<S: Sums> TryFrom<Saved<S>> for Rolling<S> {
    type Error = &'static str;

    fn try_from(saved: Saved<S>) -> Result<Self, Self::Error> {
        let Saved { size, empty, rows, oldest, blocks, newest, filled } = saved;
        let block_size = block_size(size);
        let sound = size > 0
            && rows.len() <= size
            && (oldest == 0 || rows.len() == size && oldest < size)
            && (newest < blocks.len() && blocks.len() <= size.div_ceil(block_size))
            && (filled <= block_size && filled <= rows.len() && (rows.len() - filled) / block_size < blocks.len());
        match sound {
            true => Ok(Rolling { size, block_size, empty, rows, oldest, blocks, newest, filled }),
            false => Err("expected a window of rows and the sums of its blocks"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counts, Loss, MeanLoss};
    use super::*;
    use proptest::prelude::*;

    fn over<S: Sums>(empty: &S, rows: &[(S::Row, f64)]) -> S {
        let mut sums = empty.clone();
        rows.iter().for_each(|(row, weight)| sums.add(row, *weight));
        sums
    }

    fn last<T>(rows: &[T], size: usize) -> &[T] {
        &rows[rows.len().saturating_sub(size)..]
    }

    proptest! {
        #[test]
        fn counts_are_exactly_those_of_the_last_rows(
            size in 1..40_usize,
            rows in prop::collection::vec(((0..3_usize, 0..3_usize), (0..3_u8).prop_map(f64::from)), 0..200),
        ) {
            let mut rolling = Rolling::new(size, Counts::default());
            for (seen, (row, weight)) in rows.iter().enumerate() {
                rolling.update(row, *weight);
                let expected = over(&Counts::default(), last(&rows[..=seen], size));
                prop_assert_eq!(rolling.sums().get(2), expected.get(2));
                prop_assert_eq!(rolling.sums().total(), expected.total());
            }
            prop_assert!(rolling.rows().eq(last(&rows, size)));
        }

        #[cfg(feature = "checkpoint")]
        #[test]
        fn what_is_saved_goes_on_as_if_nothing_had_happened(size in 1..20_usize, cut in 0..60_usize) {
            let row = |i: usize| (f64::from(i as u32).sin(), 0.1);
            let mut rolling = Rolling::new(size, MeanLoss::new(Loss::Absolute));
            (0..cut).for_each(|i| rolling.update(&row(i), 0.3));
            let bytes = crate::checkpoint::encode(&rolling).unwrap();
            let mut read: Rolling<MeanLoss> = crate::checkpoint::decode(&bytes).unwrap();
            prop_assert_eq!(&read, &rolling);
            (cut..cut + 30).for_each(|i| { rolling.update(&row(i), 0.3); read.update(&row(i), 0.3); });
            prop_assert_eq!(read.sums().get().to_bits(), rolling.sums().get().to_bits());
        }

        #[test]
        fn merging_what_came_later_is_the_whole(cut in 0..50_usize, size in 1..20_usize) {
            let rows: Vec<_> = (0..50_usize).map(|i| ((i % 3, i % 2), 1.0)).collect();
            let roll = |rows: &[((usize, usize), f64)]| {
                let mut rolling = Rolling::new(size, Counts::default());
                rows.iter().for_each(|(row, weight)| rolling.update(row, *weight));
                rolling
            };
            let mut first = roll(&rows[..cut]);
            first.merge(&roll(&rows[cut..]));
            let (merged, whole) = (first.sums(), roll(&rows).sums());
            // A class that has left the window may still have its place, with nothing in it.
            prop_assert_eq!([0, 1, 2].map(|class| merged.get(class)), [0, 1, 2].map(|class| whole.get(class)));
            prop_assert!(first.rows().eq(roll(&rows).rows()));
        }
    }

    #[test]
    fn a_sum_of_fractions_does_not_drift_in_100_000_updates() {
        let (size, rows) = (700, 100_000_u64);
        // From 10⁻³ to 10¹², so that rounding would stay behind if anything were subtracted.
        let row = |i: u64| (0.0, (1.0 + i as f64 * 0.7).sin() * 10_f64.powi((i * 7919 % 16) as i32 - 3));
        let mut rolling = Rolling::new(size, MeanLoss::new(Loss::Absolute));
        for i in 0..rows {
            rolling.update(&row(i), 1.0);
            if i % 997 == 0 || i + 1 == rows {
                let recomputed: Vec<_> = (0..=i).rev().take(size).map(|i| (row(i), 1.0)).collect();
                let expected = over(&MeanLoss::new(Loss::Absolute), &recomputed).get();
                assert!((rolling.sums().get() / expected - 1.0).abs() < 1e-13, "row {i}");
            }
        }
        // Small numbers after huge ones are as if the huge ones had never been.
        (0..size).for_each(|_| rolling.update(&(0.0, 0.1), 1.0));
        assert!((rolling.sums().get() - 0.1).abs() < 1e-14);
    }

    #[test]
    fn saved_windows_that_cannot_be_are_refused() {
        let mut rolling = Rolling::new(4, Counts::default());
        (0..7).for_each(|_| rolling.update(&(0, 0), 1.0));
        let good = serde_json::to_value(&rolling).unwrap();
        for (key, bad) in [("size", 0), ("size", 3), ("oldest", 4), ("newest", 9), ("filled", 3)] {
            let mut value = good.clone();
            value[key] = bad.into();
            assert!(serde_json::from_value::<Rolling<Counts>>(value).is_err(), "{key} {bad}");
        }
    }
}
