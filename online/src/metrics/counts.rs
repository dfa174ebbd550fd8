//! How often each class came, was predicted, and was right: all that most measures of labels need.

use serde::{Deserialize, Serialize};

use super::average::Average;
use super::count::{Count, share};
use super::window::Sums;

/// How often each class came, was predicted and was right. Classes are numbers from 0.
///
/// NaN where no row has been counted.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::{Average, Counts};
///
/// let mut counts = Counts::default();
/// for (truth, predicted) in [(0, 0), (1, 1), (0, 1)] {
///     counts.update(truth, predicted, 1.0);
/// }
/// assert_eq!(counts.accuracy(), 2.0 / 3.0);
/// assert_eq!(counts.precision(Average::Of(1)), 0.5);
/// assert_eq!(counts.recall(Average::Macro), 0.75);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    classes: Vec<Count>,
    total: f64,
}

impl Counts {
    /// Takes in one row.
    pub fn update(&mut self, truth: usize, predicted: usize, weight: f64) {
        self.grow(truth.max(predicted) + 1);
        self.classes[truth].came += weight;
        self.classes[predicted].said += weight;
        if truth == predicted {
            self.classes[truth].hit += weight;
        }
        self.total += weight;
    }

    /// Takes in one row with any number of labels: label `i` came if `truth[i]`, and was predicted if `predicted[i]`. What
    /// lies beyond the end of either did not.
    pub fn update_set(&mut self, truth: &[bool], predicted: &[bool], weight: f64) {
        let labels = truth.len().max(predicted.len());
        self.grow(labels);
        let at = |set: &[bool], label: usize| if set.get(label) == Some(&true) { weight } else { 0.0 };
        for (label, count) in self.classes[..labels].iter_mut().enumerate() {
            let (came, said) = (at(truth, label), at(predicted, label));
            count.came += came;
            count.said += said;
            count.hit += came.min(said);
        }
        self.total += weight;
    }

    fn grow(&mut self, classes: usize) {
        if self.classes.len() < classes {
            self.classes.resize(classes, Count::default());
        }
    }

    /// The weight of all rows: how many there are, if each counts once.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.total
    }

    /// The counts of one class.
    #[must_use]
    pub fn get(&self, class: usize) -> Count {
        self.classes.get(class).copied().unwrap_or_default()
    }

    /// The counts of all classes together.
    #[must_use]
    pub fn sum(&self) -> Count {
        self.classes.iter().fold(Count::default(), |sum, count| Count {
            came: sum.came + count.came,
            said: sum.said + count.said,
            hit: sum.hit + count.hit,
        })
    }

    /// The share of rows whose label was predicted.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.sum().hit / self.total
    }

    /// The mean recall of the classes that came (Brodersen et al., 2010).
    #[must_use]
    pub fn balanced_accuracy(&self) -> f64 {
        mean(self.came().map(|count| count.recall()))
    }

    /// The geometric mean of the recalls of the classes that came: 0 if one of them was never found.
    #[must_use]
    pub fn geometric_mean(&self) -> f64 {
        mean(self.came().map(|count| count.recall().ln())).exp()
    }

    /// Agreement beyond what two independent raters with these frequencies would reach by chance (Cohen, 1960).
    ///
    /// `κ = (pₒ − pₑ) / (1 − pₑ)` with `pₒ` the accuracy and `pₑ = Σ_c came(c) · said(c) / n²`. 0 is chance, 1 is
    /// perfect; where `pₑ = 1` (a single class in both) it is 0 by convention.
    #[must_use]
    pub fn kappa(&self) -> f64 {
        let chance = self.classes.iter().map(|count| (count.came / self.total) * (count.said / self.total)).sum();
        beyond(chance, self.accuracy())
    }

    /// Matthews' correlation of truth and prediction, for any number of classes (Gorodkin, 2004):
    /// `(h n − Σ came · said) / √((n² − Σ said²) (n² − Σ came²))` with `h` the right rows among `n`. 0 by convention where
    /// either is always the same class.
    #[must_use]
    pub fn mcc(&self) -> f64 {
        // Shares, not counts: their squares stay small.
        let (mut products, mut came, mut said) = (0.0, 0.0, 0.0);
        for count in &self.classes {
            let (c, s) = (count.came / self.total, count.said / self.total);
            products += c * s;
            came += c * c;
            said += s * s;
        }
        match (came, said) {
            _ if self.total == 0.0 => f64::NAN,
            (1.0, _) | (_, 1.0) => 0.0,
            _ => (self.accuracy() - products) / ((1.0 - said) * (1.0 - came)).sqrt(),
        }
    }

    /// See [`Count::precision`].
    #[must_use]
    pub fn precision(&self, average: Average<usize>) -> f64 {
        self.averaged(average, Count::precision)
    }

    /// See [`Count::recall`].
    #[must_use]
    pub fn recall(&self, average: Average<usize>) -> f64 {
        self.averaged(average, Count::recall)
    }

    /// See [`Count::f1`]. The macro average is the mean of the classes' F1.
    #[must_use]
    pub fn f1(&self, average: Average<usize>) -> f64 {
        self.averaged(average, Count::f1)
    }

    /// See [`Count::jaccard`].
    #[must_use]
    pub fn jaccard(&self, average: Average<usize>) -> f64 {
        self.averaged(average, Count::jaccard)
    }

    fn averaged(&self, average: Average<usize>, figure: impl Fn(&Count) -> f64) -> f64 {
        match average {
            _ if self.total == 0.0 => f64::NAN,
            Average::Micro => figure(&self.sum()),
            Average::Macro => mean(self.classes.iter().filter(|count| count.seen()).map(figure)),
            Average::Weighted => {
                share(self.classes.iter().map(|count| count.came * figure(count)).sum(), self.sum().came)
            }
            Average::Of(class) => figure(&self.get(class)),
        }
    }

    fn came(&self) -> impl Iterator<Item = &Count> {
        self.classes.iter().filter(|count| count.came > 0.0)
    }
}

/// NaN of nothing.
fn mean(figures: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = figures.fold((0.0, 0.0), |(sum, count), figure| (sum + figure, count + 1.0));
    sum / count
}

/// How much better than `chance` the share `p` of right answers is: `(p − chance) / (1 − chance)`.
///
/// Where chance is always right nothing can be better, and the result is 0 by convention.
pub(super) fn beyond(chance: f64, p: f64) -> f64 {
    if chance == 1.0 { 0.0 } else { (p - chance) / (1.0 - chance) }
}

impl Sums for Counts {
    /// The classes that came and was predicted.
    type Row = (usize, usize);

    fn add(&mut self, &(truth, predicted): &(usize, usize), weight: f64) {
        self.update(truth, predicted, weight);
    }

    fn merge(&mut self, other: &Self) {
        self.grow(other.classes.len());
        for (count, more) in self.classes.iter_mut().zip(&other.classes) {
            count.came += more.came;
            count.said += more.said;
            count.hit += more.hit;
        }
        self.total += other.total;
    }

    fn scale(&mut self, factor: f64) {
        for count in &mut self.classes {
            *count = Count { came: count.came * factor, said: count.said * factor, hit: count.hit * factor };
        }
        self.total *= factor;
    }

    fn clear(&mut self) {
        self.classes.fill(Count::default());
        self.total = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(rows: &[(usize, usize)]) -> Counts {
        let mut counts = Counts::default();
        rows.iter().for_each(|row| counts.add(row, 1.0));
        counts
    }

    /// River's and scikit-learn's case: a class that never came, only was predicted, has no recall to average.
    #[test]
    fn balanced_accuracy_is_over_the_classes_that_came() {
        assert_eq!(counted(&[(0, 0), (0, 2), (1, 1), (1, 1)]).balanced_accuracy(), 0.75);
    }

    #[test]
    fn three_classes_by_hand() {
        let counts = counted(&[(0, 0), (0, 0), (0, 1), (1, 1), (1, 2), (2, 2)]);
        assert_eq!(counts.accuracy(), 4.0 / 6.0);
        // Precision 1, 1/2, 1/2; recall 2/3, 1/2, 1; F1 4/5, 1/2, 2/3.
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} {b}");
        close(counts.precision(Average::Macro), 2.0 / 3.0);
        close(counts.recall(Average::Weighted), 4.0 / 6.0);
        close(counts.f1(Average::Macro), (0.8 + 0.5 + 2.0 / 3.0) / 3.0);
        close(counts.f1(Average::Weighted), (3.0 * 0.8 + 2.0 * 0.5 + 2.0 / 3.0) / 6.0);
        close(counts.jaccard(Average::Of(0)), 2.0 / 3.0);
        close(counts.geometric_mean(), (2.0 / 3.0 * 0.5_f64).cbrt());
        // came 3, 2, 1; said 2, 2, 2: (6·4 − 12) / √((36 − 12)(36 − 14)).
        close(counts.mcc(), 12.0 / (24.0_f64 * 22.0).sqrt());
        close(counts.kappa(), (4.0 / 6.0 - 1.0 / 3.0) / (2.0 / 3.0));
    }

    #[test]
    fn nothing_counted_is_not_a_number() {
        let counts = Counts::default();
        let figures = [
            counts.accuracy(),
            counts.balanced_accuracy(),
            counts.geometric_mean(),
            counts.kappa(),
            counts.mcc(),
            counts.f1(Average::Micro),
            counts.precision(Average::Of(0)),
        ];
        assert!(figures.iter().all(|figure| figure.is_nan()), "{figures:?}");
    }

    #[test]
    fn where_there_is_nothing_to_agree_on_kappa_and_mcc_are_zero() {
        let counts = counted(&[(1, 1), (1, 1)]);
        assert_eq!((counts.kappa(), counts.mcc(), counts.accuracy()), (0.0, 0.0, 1.0));
        assert_eq!(counted(&[(0, 1), (1, 1)]).mcc(), 0.0);
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
        fn a_weight_is_as_many_rows(rows in prop::collection::vec((0..4_usize, 0..4_usize, 1..4_u8), 1..30)) {
            let (mut weighted, mut repeated) = (Counts::default(), Counts::default());
            for &(truth, said, times) in &rows {
                weighted.update(truth, said, f64::from(times));
                (0..times).for_each(|_| repeated.update(truth, said, 1.0));
            }
            prop_assert_eq!(weighted, repeated);
        }

        #[test]
        fn one_label_is_a_set_of_one(rows in prop::collection::vec((0..4_usize, 0..4_usize), 1..30)) {
            let mut sets = Counts::default();
            let set = |label: usize| [0, 1, 2, 3].map(|other| other == label);
            rows.iter().for_each(|&(truth, said)| sets.update_set(&set(truth), &set(said), 1.0));
            let counts = counted(&rows);
            for average in [Average::Micro, Average::Macro, Average::Weighted, Average::Of(2)] {
                prop_assert_eq!(sets.f1(average), counts.f1(average));
            }
            prop_assert_eq!(counts.f1(Average::Micro), counts.accuracy());
            prop_assert!((counts.recall(Average::Weighted) - counts.accuracy()).abs() < 1e-15);
            prop_assert!(counts.kappa() <= 1.0 + 1e-12 && counts.mcc().abs() <= 1.0 + 1e-12);
        }

        #[test]
        fn rare_or_common_scale_does_not_matter(rows in prop::collection::vec((0..3_usize, 0..3_usize), 1..30)) {
            let (counts, mut scaled) = (counted(&rows), counted(&rows));
            scaled.scale(0.125);
            prop_assert_eq!(scaled.kappa(), counts.kappa());
            prop_assert_eq!(scaled.mcc(), counts.mcc());
            prop_assert_eq!(scaled.f1(Average::Macro), counts.f1(Average::Macro));
        }
    }
}
