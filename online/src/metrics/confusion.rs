//! The confusion matrix, and the measures that need all of it.

use serde::{Deserialize, Serialize};

use super::window::Sums;

/// How often class `j` was predicted where class `i` came.
///
/// `k` classes take `k²` numbers. Measures that need less are in [`Counts`](super::Counts), which takes `3 k`.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::Confusion;
///
/// let mut confusion = Confusion::default();
/// for (truth, predicted) in [(0, 0), (0, 2), (0, 2)] {
///     confusion.update(truth, predicted, 1.0);
/// }
/// assert_eq!(confusion.get(0, 2), 2.0);
/// assert_eq!(confusion.rows().next(), Some(vec![1.0, 0.0, 2.0]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Shell by shell: shell `m` are the cells whose larger index is `m`, so that a new class only adds to the end.
    cells: Vec<f64>,
}

/// Where the cell is: row `m` up to the diagonal, then column `m` above it.
fn place(truth: usize, predicted: usize) -> usize {
    match truth.max(predicted) {
        shell if shell == truth => shell * shell + predicted,
        shell => shell * shell + shell + 1 + truth,
    }
}

impl Confusion {
    /// Takes in one row.
    pub fn update(&mut self, truth: usize, predicted: usize, weight: f64) {
        let needed = (truth.max(predicted) + 1).pow(2);
        if self.cells.len() < needed {
            self.cells.resize(needed, 0.0);
        }
        self.cells[place(truth, predicted)] += weight;
    }

    /// How often `predicted` was said where `truth` came.
    #[must_use]
    pub fn get(&self, truth: usize, predicted: usize) -> f64 {
        self.cells.get(place(truth, predicted)).copied().unwrap_or(0.0)
    }

    /// How many classes it knows.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.cells.len().isqrt()
    }

    /// A row for each class that came, with a column for each that was predicted.
    pub fn rows(&self) -> impl Iterator<Item = Vec<f64>> {
        let classes = 0..self.classes();
        classes.clone().map(move |truth| classes.clone().map(|predicted| self.get(truth, predicted)).collect())
    }

    /// What truth and prediction tell of each other, in nats:
    /// `I = Σ p(i, j) ln (p(i, j) / p(i) p(j))` with `p` the shares of the rows.
    #[must_use]
    pub fn mutual_info(&self) -> f64 {
        self.summary().information
    }

    /// [`mutual_info`](Self::mutual_info) over the mean of both entropies; 1 where neither varies. Also known as V-measure.
    #[must_use]
    pub fn normalized_mutual_info(&self) -> f64 {
        let Summary { information, truth, predicted, .. } = self.summary();
        part(information, f64::midpoint(truth.entropy, predicted.entropy))
    }

    /// The share of the truth's entropy that the prediction explains (Rosenberg & Hirschberg, 2007): 1 if each predicted
    /// class holds rows of one class only.
    #[must_use]
    pub fn homogeneity(&self) -> f64 {
        let Summary { information, truth, .. } = self.summary();
        part(information, truth.entropy)
    }

    /// The share of the prediction's entropy that the truth explains: 1 if all rows of a class are predicted alike.
    #[must_use]
    pub fn completeness(&self) -> f64 {
        let Summary { information, predicted, .. } = self.summary();
        part(information, predicted.entropy)
    }

    /// How far pairs of rows are together in truth and prediction alike, beyond chance (Hubert & Arabie, 1985); 1 where no
    /// other grouping with these sizes is possible.
    #[must_use]
    pub fn adjusted_rand(&self) -> f64 {
        let Summary { total, pairs, truth, predicted, .. } = self.summary();
        let chance = if total > 1.0 { truth.pairs * predicted.pairs / (total * (total - 1.0)) } else { 0.0 };
        let most = f64::midpoint(truth.pairs, predicted.pairs);
        match total {
            0.0 => f64::NAN,
            _ if most == chance => 1.0,
            _ => (pairs - chance) / (most - chance),
        }
    }

    /// The geometric mean of pairwise precision and recall (Fowlkes & Mallows, 1983); 0 where no pair is together in both.
    #[must_use]
    pub fn fowlkes_mallows(&self) -> f64 {
        let Summary { total, pairs, truth, predicted, .. } = self.summary();
        match total {
            0.0 => f64::NAN,
            _ if pairs <= 0.0 => 0.0,
            _ => (pairs / truth.pairs).sqrt() * (pairs / predicted.pairs).sqrt(),
        }
    }

    /// Truth, prediction, and how often.
    fn cells(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        let classes = 0..self.classes();
        classes.clone().flat_map(move |i| classes.clone().map(move |j| (i, j, self.get(i, j))))
    }

    fn summary(&self) -> Summary {
        let (mut came, mut said) = (vec![0.0; self.classes()], vec![0.0; self.classes()]);
        for (i, j, both) in self.cells() {
            came[i] += both;
            said[j] += both;
        }
        let total: f64 = came.iter().sum();
        let (mut information, mut squares) = (0.0_f64, 0.0);
        for (i, j, both) in self.cells().filter(|cell| cell.2 > 0.0) {
            squares += both * both;
            information += both / total * (total / came[i] * both / said[j]).ln();
        }
        let information = if total == 0.0 { f64::NAN } else { information.max(0.0) };
        Summary { total, information, pairs: squares - total, truth: side(&came), predicted: side(&said) }
    }
}

/// What the measures need of the matrix. Pairs are ordered: each counts twice.
struct Summary {
    total: f64,
    information: f64,
    pairs: f64,
    truth: Side,
    predicted: Side,
}

struct Side {
    entropy: f64,
    pairs: f64,
}

fn side(sizes: &[f64]) -> Side {
    let total: f64 = sizes.iter().sum();
    let shares = sizes.iter().filter(|&&size| size > 0.0).map(|size| size / total);
    let entropy = 0.0 - shares.map(|p| p * p.ln()).sum::<f64>();
    Side { entropy, pairs: sizes.iter().map(|size| size * size).sum::<f64>() - total }
}

/// `information / entropy`, at most 1; 1 where there is nothing to know.
fn part(information: f64, entropy: f64) -> f64 {
    if entropy == 0.0 && !information.is_nan() { 1.0 } else { information / entropy }
}

impl Sums for Confusion {
    /// The classes that came and was predicted.
    type Row = (usize, usize);

    fn add(&mut self, &(truth, predicted): &(usize, usize), weight: f64) {
        self.update(truth, predicted, weight);
    }

    fn merge(&mut self, other: &Self) {
        if self.cells.len() < other.cells.len() {
            self.cells.resize(other.cells.len(), 0.0);
        }
        self.cells.iter_mut().zip(&other.cells).for_each(|(cell, more)| *cell += more);
    }

    fn scale(&mut self, factor: f64) {
        self.cells.iter_mut().for_each(|cell| *cell *= factor);
    }

    fn clear(&mut self) {
        self.cells.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(rows: &[(usize, usize)]) -> Confusion {
        let mut confusion = Confusion::default();
        rows.iter().for_each(|row| confusion.add(row, 1.0));
        confusion
    }

    #[test]
    fn every_cell_has_a_place_of_its_own() {
        let mut places: Vec<usize> = (0..9).flat_map(|i| (0..9).map(move |j| place(i, j))).collect();
        places.sort_unstable();
        assert!(places.into_iter().eq(0..81));
    }

    #[test]
    fn a_worked_example() {
        // Truth aabb, predicted xxxy: pairs together in truth 2, predicted 3, both 1; of 6, 1 is expected.
        let confusion = counted(&[(0, 0), (0, 0), (1, 0), (1, 1)]);
        assert_eq!(confusion.adjusted_rand(), 0.0);
        assert!((confusion.fowlkes_mallows() - (1.0 / 6.0_f64).sqrt()).abs() < 1e-15);
        let ln2 = 2.0_f64.ln();
        let information = 0.5 * (4.0 / 3.0_f64).ln() + 0.25 * (2.0 / 3.0_f64).ln() + 0.25 * ln2;
        assert!((confusion.mutual_info() - information).abs() < 1e-15);
        assert!((confusion.homogeneity() - information / ln2).abs() < 1e-15);
    }

    #[test]
    fn nothing_counted_is_not_a_number() {
        let none = Confusion::default();
        let figures = [
            none.mutual_info(),
            none.homogeneity(),
            none.completeness(),
            none.normalized_mutual_info(),
            none.adjusted_rand(),
        ];
        assert!(figures.iter().all(|figure| figure.is_nan()) && none.fowlkes_mallows().is_nan(), "{figures:?}");
    }

    proptest! {
        #[test]
        fn two_halves_merge_to_the_whole(rows in prop::collection::vec((0..5_usize, 0..5_usize), 0..60), cut in 0..60_usize) {
            let (head, tail) = rows.split_at(cut.min(rows.len()));
            let mut merged = counted(head);
            merged.merge(&counted(tail));
            prop_assert_eq!(merged, counted(&rows));
        }

        #[test]
        fn names_of_the_classes_do_not_matter(rows in prop::collection::vec((0..4_usize, 0..4_usize), 1..60)) {
            let (confusion, renamed) = (counted(&rows), counted(&rows.iter().map(|&(i, j)| (i, 3 - j)).collect::<Vec<_>>()));
            for (a, b) in [
                (confusion.adjusted_rand(), renamed.adjusted_rand()),
                (confusion.normalized_mutual_info(), renamed.normalized_mutual_info()),
                (confusion.fowlkes_mallows(), renamed.fowlkes_mallows()),
            ] {
                prop_assert!((a - b).abs() < 1e-12 && a <= 1.0 + 1e-12);
            }
        }
    }
}
