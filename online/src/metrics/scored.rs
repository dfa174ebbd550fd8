//! What is kept of a row: all that any metric needs, and no text.

use serde::{Deserialize, Serialize};

use super::means::Loss;
use crate::labels::Labels;

/// A scored row.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Scored {
    pub facts: Facts,
    /// For each class its probability; only where a metric needs all of them.
    pub probabilities: Vec<f32>,
    /// Predicted quantiles of a number, each with its value.
    pub quantiles: Vec<(f64, f64)>,
    /// Of a set of labels: for each label whether it came, and whether it was predicted.
    pub came: Vec<bool>,
    pub said: Vec<bool>,
}

impl Scored {
    /// Nothing is left of the row before: what waits for its label is saved.
    pub fn clear(&mut self) {
        self.facts = Facts::default();
        self.probabilities.clear();
        self.quantiles.clear();
        self.came.clear();
        self.said.clear();
    }

    /// Whether it is about none but the first labels.
    pub fn is_of(&self, labels: usize) -> bool {
        let class = |facts: &ClassFacts| facts.truth.max(facts.said) < labels;
        !matches!(&self.facts, Facts::Class(facts) if !class(facts))
            && [self.probabilities.len(), self.came.len(), self.said.len()].into_iter().all(|len| len <= labels)
    }

    /// What was predicted for a pinball loss: the quantile that it is least for, if there is one.
    pub fn quantile_for(&self, loss: Loss) -> Option<f64> {
        let Loss::Pinball(wanted) = loss else { return None };
        self.quantiles.iter().find(|(q, _)| *q == wanted).map(|&(_, value)| value)
    }

    /// From the first quantile to the last.
    pub fn interval(&self) -> Option<[f64; 2]> {
        Some([self.quantiles.first()?.1, self.quantiles.last()?.1])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Facts {
    Class(ClassFacts),
    /// The number that came, and the predicted one.
    Value(f64, f64),
    /// A set of labels.
    Labels,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ClassFacts {
    pub truth: usize,
    pub said: usize,
    /// The probability of the class that came.
    pub probability: f64,
    /// The probability of the predicted class.
    pub confidence: f64,
    /// Half the sum of the squared differences between the probabilities and what came.
    pub brier: f64,
    /// How many classes stood before the one that came.
    pub rank: usize,
    /// Whether the class came before, too; and whether it was the most frequent one.
    pub repeated: bool,
    pub majority: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Facts::Value(0.0, 0.0)
    }
}

/// By hand, so that the memory of a row in a window is used again.
impl Clone for Scored {
    fn clone(&self) -> Self {
        let mut clone = Scored::default();
        clone.clone_from(self);
        clone
    }

    fn clone_from(&mut self, source: &Self) {
        self.facts = source.facts;
        self.probabilities.clone_from(&source.probabilities);
        self.quantiles.clone_from(&source.quantiles);
        self.came.clone_from(&source.came);
        self.said.clone_from(&source.said);
    }
}

/// The number of `label`, which is appended if it is new. Learners meet labels in the same order, so that a label mostly has
/// the same number there: that one is tried first.
pub(super) fn number(labels: &mut Labels, label: &str, there: usize) -> usize {
    match labels.as_slice().get(there) {
        Some(known) if known == label => there,
        _ => labels.insert(label),
    }
}

/// What the classes' probabilities say of a row; `None` if they name no class. `said` is left to be numbered.
pub(super) fn class_facts(
    labels: &[String],
    probabilities: &[f32],
    truth: (usize, &str),
) -> Option<(usize, ClassFacts)> {
    let classes = labels.len().min(probabilities.len());
    let (mut best, mut highest, mut squares) = (None, f32::NEG_INFINITY, 0.0);
    for (class, &p) in probabilities[..classes].iter().enumerate() {
        if p > highest {
            (best, highest) = (Some(class), p);
        }
        if !p.is_nan() {
            squares += f64::from(p) * f64::from(p);
        }
    }
    let best = best?;
    let (number, name) = truth;
    let there = match labels.get(number) {
        Some(label) if label == name => Some(number),
        _ => labels.iter().position(|label| label == name),
    };
    let came = there.filter(|&class| class < classes).map(|class| (class, probabilities[class]));
    let probability = came.map_or(0.0, |(_, p)| f64::from(p));
    let rank = came.map_or(usize::MAX, |(class, p)| {
        let before = |(other, &q): (usize, &f32)| q > p || q == p && other < class || p.is_nan() && !q.is_nan();
        probabilities[..classes].iter().enumerate().filter(|&place| before(place)).count()
    });
    let counted = if probability.is_nan() { 0.0 } else { probability };
    let facts = ClassFacts {
        truth: number,
        said: number,
        probability,
        confidence: f64::from(highest),
        brier: 0.5 * (squares - 2.0 * counted + 1.0),
        rank,
        repeated: false,
        majority: false,
    };
    Some((best, facts))
}

/// The last class and the most frequent one, at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    last: Option<usize>,
    majority: Option<usize>,
}

impl Known {
    pub(super) fn right(self, truth: usize) -> (bool, bool) {
        (self.last == Some(truth), self.majority == Some(truth))
    }
}

/// What came before the row: whom to compare with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Before {
    last: Option<usize>,
    /// For each class what its rows weigh, scored or not, and how many had come before it.
    came: Vec<(f64, usize)>,
    classes: usize,
    majority: Option<usize>,
}

impl Before {
    /// Whether repeating the last class, and whether naming the most frequent one, would have been right.
    pub fn right(&self, truth: usize) -> (bool, bool) {
        self.known().right(truth)
    }

    /// Whether none but the first labels came.
    pub fn is_of(&self, labels: usize) -> bool {
        self.came.len() <= labels && self.classes <= self.came.len()
    }

    /// What there is to compare with now.
    pub fn known(&self) -> Known {
        Known { last: self.last, majority: self.majority }
    }

    /// The class of a row that is past.
    pub fn observe(&mut self, truth: usize, weight: f64) {
        self.last = Some(truth);
        if weight == 0.0 {
            return;
        }
        if self.came.len() <= truth {
            self.came.resize(truth + 1, (0.0, 0));
        }
        let (count, order) = &mut self.came[truth];
        if *count == 0.0 {
            *order = self.classes;
            self.classes += 1;
        }
        *count += weight;
        // Of equally frequent ones the first to arrive, as in `baseline::Majority`.
        let key = |class: usize| self.came.get(class).map(|&(count, order)| (count, std::cmp::Reverse(order)));
        if self.majority.is_none_or(|most| key(truth) > key(most)) {
            self.majority = Some(truth);
        }
    }
}
