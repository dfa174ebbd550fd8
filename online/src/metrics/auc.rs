//! The area under the ROC curve: how likely a row of a class scores higher than a row of the others, ties counting half
//! (Hanley & McNeil, 1982).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::window::Sums;

/// How scores are told apart where the rows themselves are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    /// By their log odds, in steps of 1/32 from −16 to 16: rare classes and saturated models, whose scores crowd at
    /// either end, are resolved as well as the middle.
    LogOdds,
    /// By so many evenly spaced thresholds from 0 to 1, from 2 to a million, as in River (which has 10).
    Thresholds(#[serde(deserialize_with = "thresholds")] usize),
}

const STEPS: f64 = 32.0;
const FARTHEST: f64 = 16.0;

/// As many as can be asked for.
const MOST_THRESHOLDS: usize = 1_000_000;

fn thresholds<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    let thresholds = usize::deserialize(from)?;
    let wrong = || D::Error::custom(format_args!("expected at most {MOST_THRESHOLDS} thresholds, found {thresholds}"));
    if thresholds <= MOST_THRESHOLDS { Ok(thresholds) } else { Err(wrong()) }
}

impl Resolution {
    fn bins(self) -> usize {
        match self {
            Resolution::LogOdds => (2.0 * FARTHEST * STEPS) as usize + 1,
            // Those below the first threshold and above the last are with their neighbours: a score is a probability.
            Resolution::Thresholds(thresholds) => thresholds.max(2) - 1,
        }
    }

    /// NaN is with the lowest.
    fn bin(self, score: f64) -> usize {
        match self {
            Resolution::LogOdds => {
                let odds = (score / (1.0 - score)).ln().clamp(-FARTHEST, FARTHEST);
                ((odds + FARTHEST) * STEPS).round() as usize
            }
            Resolution::Thresholds(_) => {
                let (bins, last) = (self.bins() as f64, self.bins() - 1);
                // A score that lies on a threshold is not above it.
                ((score * bins).ceil() as usize).saturating_sub(1).min(last)
            }
        }
    }
}

/// The area under the ROC curve of one class against the rest, over any number of rows in bounded memory.
///
/// Scores that fall into one bin count as tied: the error is at most half the share of pairs that do. [`exact_auc`] is
/// without error, where the rows are at hand.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::{Auc, Resolution};
///
/// let mut auc = Auc::new(Resolution::LogOdds);
/// for (positive, score) in [(false, 0.1), (false, 0.4), (true, 0.35), (true, 0.8)] {
///     auc.update(positive, score, 1.0);
/// }
/// assert_eq!(auc.get(), 0.75);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Auc {
    resolution: Resolution,
    /// For each bin: the weight of the rows of the others, and of the class.
    bins: Vec<[f64; 2]>,
}

impl Auc {
    /// Over no rows yet.
    ///
    /// # Panics
    ///
    /// If there are more than a million thresholds.
    #[must_use]
    #[track_caller]
    pub fn new(resolution: Resolution) -> Self {
        if let Resolution::Thresholds(found) = resolution {
            assert!(found <= MOST_THRESHOLDS, "Auc: at most {MOST_THRESHOLDS} thresholds expected, found {found}");
        }
        Auc { resolution, bins: vec![[0.0; 2]; resolution.bins()] }
    }

    /// Takes in the score of one row, and whether it is of the class.
    pub fn update(&mut self, positive: bool, score: f64, weight: f64) {
        self.bins[self.resolution.bin(score)][usize::from(positive)] += weight;
    }

    /// The area so far; NaN while rows of the class or of the others are wanting.
    #[must_use]
    pub fn get(&self) -> f64 {
        area(self.bins.iter().copied())
    }

    /// The weight of all rows.
    fn total(&self) -> f64 {
        self.bins.iter().flatten().sum()
    }
}

/// The area from groups of tied rows in ascending order of their scores: the weights of the others and of the class.
fn area(groups: impl Iterator<Item = [f64; 2]>) -> f64 {
    let (mut below, mut positives, mut pairs) = (0.0, 0.0, 0.0);
    for [negative, positive] in groups {
        pairs += positive * (below + 0.5 * negative);
        below += negative;
        positives += positive;
    }
    pairs / (positives * below)
}

/// The area under the ROC curve of these rows: the score, whether it is of the class, and the weight. They are sorted
/// by score. NaN if there are no rows of the class, or no others; a score of NaN is above all others.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::exact_auc;
///
/// let mut rows = [(0.1, false, 1.0), (0.4, false, 1.0), (0.4, true, 1.0), (0.8, true, 1.0)];
/// assert_eq!(exact_auc(&mut rows), 3.5 / 4.0);
/// ```
#[must_use]
pub fn exact_auc(rows: &mut [(f64, bool, f64)]) -> f64 {
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2)));
    area(rows.chunk_by(|a, b| a.0 == b.0).map(|tied| {
        let mut group = [0.0; 2];
        tied.iter().for_each(|&(_, positive, weight)| group[usize::from(positive)] += weight);
        group
    }))
}

#[derive(Serialize, Deserialize)]
struct Saved(Resolution, Vec<[f64; 2]>);

impl TryFrom<Saved> for Auc {
    type Error = String;

    fn try_from(Saved(resolution, bins): Saved) -> Result<Self, String> {
        match bins.len() {
            found if found == resolution.bins() => Ok(Auc { resolution, bins }),
            found => Err(format!("expected {} bins, found {found}", resolution.bins())),
        }
    }
}

impl From<Auc> for Saved {
    fn from(Auc { resolution, bins }: Auc) -> Self {
        Saved(resolution, bins)
    }
}

impl Sums for Auc {
    /// Whether the row is of the class, and its score.
    type Row = (bool, f64);

    fn add(&mut self, &(positive, score): &(bool, f64), weight: f64) {
        self.update(positive, score, weight);
    }

    fn merge(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            *bin = [bin[0] + more[0], bin[1] + more[1]];
        }
    }

    fn scale(&mut self, factor: f64) {
        self.bins.iter_mut().flatten().for_each(|weight| *weight *= factor);
    }

    fn clear(&mut self) {
        self.bins.fill([0.0; 2]);
    }
}

/// The areas of all classes, each against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneVsRest {
    resolution: Resolution,
    classes: Vec<Auc>,
}

impl OneVsRest {
    /// Over no rows yet.
    #[must_use]
    pub fn new(resolution: Resolution) -> Self {
        OneVsRest { resolution, classes: vec![] }
    }

    /// How scores are told apart.
    #[must_use]
    pub fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// Takes in one row: the class that came, and the probability that was given to each.
    pub fn update(&mut self, truth: usize, probabilities: &[f32], weight: f64) {
        self.grow(probabilities.len().max(truth + 1));
        for (class, auc) in self.classes.iter_mut().enumerate() {
            let score = probabilities.get(class).copied().unwrap_or(0.0);
            auc.update(class == truth, f64::from(score), weight);
        }
    }

    /// Nobody gave a class a chance before it was known: all rows so far are negative ones with a score of 0.
    fn grow(&mut self, classes: usize) {
        if self.classes.len() < classes {
            let mut fresh = Auc::new(self.resolution);
            fresh.update(false, 0.0, self.classes.first().map_or(0.0, Auc::total));
            self.classes.resize(classes, fresh);
        }
    }

    /// The area of one class against the rest.
    #[must_use]
    pub fn of(&self, class: usize) -> f64 {
        self.classes.get(class).map_or(f64::NAN, Auc::get)
    }

    /// The mean over the classes that came, but not in every row; NaN if there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        mean_area(self.classes.iter().map(Auc::get))
    }
}

/// The mean of the areas that exist.
pub(super) fn mean_area(areas: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = areas.filter(|area| !area.is_nan()).fold((0.0, 0.0), |(sum, n), area| (sum + area, n + 1.0));
    sum / count
}

impl OneVsRest {
    pub(super) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        let classes = self.classes.len().max(other.classes.len());
        self.grow(classes);
        other.grow(classes);
        self.classes.iter_mut().zip(&other.classes).for_each(|(auc, more)| auc.merge(more));
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.classes.iter_mut().for_each(|auc| auc.scale(factor));
    }

    pub(super) fn clear(&mut self) {
        self.classes.iter_mut().for_each(Auc::clear);
    }
}

#[cfg(test)]
mod tests;
