//! What is known of the answers so far: their means, and the last of them as features.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::setting::{Rolling, Statistic};
use super::spec::FeatureSpec;
use crate::labels::Labels;
use crate::learn::Target;
use crate::moments::Moments;
use crate::row::{Row, Value};

/// An answer: a class by its number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    Class(usize),
    Value(f64),
}

/// Answers in the order in which they became known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Answers {
    pub classes: Labels,
    /// Of all answers.
    pub all: Tally,
    /// The newest first, as many as are needed.
    newest: VecDeque<Answer>,
    /// Lags and rolling statistics: names, and what they are now.
    pub cells: Vec<(String, Option<Answer>)>,
}

impl Answers {
    pub fn new(spec: &FeatureSpec) -> Self {
        let lags = lags(spec).map(|lag| format!("(lag {lag})"));
        let rolling = spec.rolling().iter().map(|rolling| format!("({})", rolling.to_string().replace(':', " ")));
        Answers { cells: lags.chain(rolling).map(|name| (name, None)).collect(), ..Answers::default() }
    }

    /// The answer, if there is something to learn from it: a label with its number.
    pub fn number(&mut self, target: Target<'_>) -> Option<Answer> {
        match target {
            Target::Class(label) => Some(Answer::Class(self.classes.insert(label))),
            Target::Value(value) | Target::Values(&[value]) => value.is_finite().then_some(Answer::Value(value)),
            Target::Values(_) | Target::Labels(_) => None,
        }
    }

    /// Takes in the next answer.
    pub fn update(&mut self, spec: &FeatureSpec, answer: Answer) {
        self.all.update(answer);
        if self.cells.is_empty() {
            return;
        }
        let windows = spec.rolling().iter().map(|rolling| rolling.window);
        let longest = lags(spec).chain(windows).max().unwrap_or(0);
        self.newest.truncate(longest - 1);
        self.newest.push_front(answer);
        let newest = &self.newest;
        let lags = lags(spec).map(|lag| newest.get(lag - 1).copied());
        let rolling = spec.rolling().iter().map(|rolling| statistic(rolling, newest));
        for ((_, cell), now) in self.cells.iter_mut().zip(lags.chain(rolling)) {
            *cell = now;
        }
    }

    /// A new sequence begins: nothing is known of its past.
    pub fn new_sequence(&mut self) {
        self.newest.clear();
        self.cells.iter_mut().for_each(|(_, cell)| *cell = None);
    }

    /// A row with lags and rolling statistics behind its cells: those of now, unless it has those of an earlier time.
    pub fn beside<'a>(&'a self, row: &'a dyn Row) -> Beside<'a> {
        let now = if row.beside().is_some() { &[][..] } else { &self.cells };
        Beside { row, len: row.len(), own: row.len() - row.beside().unwrap_or(0), now, classes: &self.classes }
    }
}

/// The column of the last known target, which recurrent networks see.
pub(crate) const LAST_TARGET: &str = "(last target)";

/// The same of several numbers: of the first it is called as if it were alone.
pub(crate) fn last_target(index: usize) -> String {
    if index == 0 { LAST_TARGET.to_owned() } else { format!("(last target {})", index + 1) }
}

/// Whether a column is one of those. A stream whose names imitate them gains a bounded number of them.
pub(super) fn is_last_target(name: &str) -> bool {
    let number =
        || name.strip_prefix("(last target ")?.strip_suffix(')').filter(|digits| !digits.starts_with(['0', '+']));
    name == LAST_TARGET || number().is_some_and(|digits| digits.parse::<u16>().is_ok_and(|number| number > 1))
}

fn lags(spec: &FeatureSpec) -> impl Iterator<Item = usize> {
    spec.lags().into_iter().flat_map(|(first, last)| first..=last)
}

/// `None` of nothing, and of classes.
fn statistic(rolling: &Rolling, newest: &VecDeque<Answer>) -> Option<Answer> {
    let value = |answer: &Answer| if let Answer::Value(value) = answer { Some(*value) } else { None };
    let values = || newest.iter().take(rolling.window).filter_map(value);
    let moments = || {
        let mut moments = Moments::default();
        values().for_each(|value| moments.update(value));
        (moments.count() > 0).then_some(moments)
    };
    let statistic = match rolling.statistic {
        Statistic::Mean => moments().map(|moments| moments.mean()),
        Statistic::Std => moments().map(|moments| moments.deviation()),
        Statistic::Min => values().reduce(f64::min),
        Statistic::Max => values().reduce(f64::max),
    };
    statistic.map(Answer::Value)
}

/// See [`Answers::beside`].
pub(super) struct Beside<'a> {
    row: &'a dyn Row,
    len: usize,
    own: usize,
    now: &'a [(String, Option<Answer>)],
    classes: &'a Labels,
}

impl Beside<'_> {
    /// How many cells are the row's own.
    pub fn own(&self) -> usize {
        self.own
    }
}

impl Row for Beside<'_> {
    fn len(&self) -> usize {
        self.len + self.now.len()
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        if index < self.len {
            return self.row.cell(index);
        }
        let (name, answer) = &self.now[index - self.len];
        let value = match *answer {
            Some(Answer::Value(value)) => Value::Number(value),
            Some(Answer::Class(class)) => {
                self.classes.as_slice().get(class).map_or(Value::Missing, |label| Value::Text(label))
            }
            None => Value::Missing,
        };
        (name, value)
    }

    fn absent_is_zero(&self) -> bool {
        self.row.absent_is_zero()
    }

    fn weight(&self) -> f64 {
        self.row.weight()
    }
}

/// How many answers there were, and their sum; of classes, how many there were of each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    count: f64,
    sums: Vec<f64>,
}

/// Answers are limited to ± this, so that no sum is infinite.
const LARGEST: f64 = 1e140;

impl Tally {
    pub fn update(&mut self, answer: Answer) {
        let (part, value) = match answer {
            Answer::Class(class) => (class, 1.0),
            Answer::Value(value) => (0, value.clamp(-LARGEST, LARGEST)),
        };
        self.sums.resize(self.sums.len().max(part + 1), 0.0);
        self.count += 1.0;
        self.sums[part] += value;
    }

    /// One for numbers, and one for each class.
    pub fn parts(&self) -> usize {
        self.sums.len()
    }

    /// The mean of a part, or the share of a class; 0 of no answers.
    pub fn mean(&self, part: usize) -> f64 {
        self.sum(part) / self.count.max(1.0)
    }

    /// The mean of a part, as if `smoothing` answers more had been like those of `all` (Micci-Barreca 2001).
    pub fn smoothed_mean(&self, part: usize, smoothing: f64, all: &Tally) -> f64 {
        let count = self.count + smoothing;
        if count > 0.0 { (self.sum(part) + smoothing * all.mean(part)) / count } else { all.mean(part) }
    }

    fn sum(&self, part: usize) -> f64 {
        self.sums.get(part).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(answers: &Answers) -> Vec<(String, Value<'_>)> {
        let cells = answers.cells.len();
        let nothing: &'static [(&str, f64); 0] = &[];
        let beside = answers.beside(nothing);
        // The names and values outlive the row that shows them.
        let names = answers.cells.iter().map(|(name, _)| name.clone());
        let value = |index: usize| match beside.cell(index).1 {
            Value::Number(number) => Value::Number(number),
            Value::Text(_) => Value::Text("a label"),
            Value::Missing => Value::Missing,
        };
        names.zip((0..cells).map(value)).collect()
    }

    #[test]
    fn lags_and_statistics_are_those_of_the_answers_that_are_known() {
        let spec = FeatureSpec::parse("lags=2..3; rolling=mean:2,std:4,min:3,max:1").unwrap();
        let mut answers = Answers::new(&spec);
        let mut known: Vec<f64> = Vec::new();
        for y in [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0] {
            answers.update(&spec, Answer::Value(y));
            known.insert(0, y);
            let last = |window: usize| &known[..window.min(known.len())];
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let four = last(4);
            let variance = mean(&four.iter().map(|y| (y - mean(four)).powi(2)).collect::<Vec<_>>());
            let expected = [
                known.get(1).copied(),
                known.get(2).copied(),
                Some(mean(last(2))),
                Some(variance.sqrt()),
                last(3).iter().copied().reduce(f64::min),
                Some(y),
            ];
            let names = ["(lag 2)", "(lag 3)", "(mean 2)", "(std 4)", "(min 3)", "(max 1)"];
            for ((name, cell), (expected_name, expected)) in cells(&answers).iter().zip(names.iter().zip(expected)) {
                assert_eq!(name, expected_name);
                match (*cell, expected) {
                    (Value::Number(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{name}"),
                    (found, expected) => assert_eq!((found, expected), (Value::Missing, None), "{name}"),
                }
            }
        }
        assert_eq!(answers.newest.len(), 4);
        answers.new_sequence();
        assert!(cells(&answers).iter().all(|(_, cell)| *cell == Value::Missing));
    }

    #[test]
    fn a_small_tally_leans_to_the_mean_of_all() {
        let (mut all, mut few) = (Tally::default(), Tally::default());
        [1.0, 2.0, 3.0, 6.0].into_iter().for_each(|y| all.update(Answer::Value(y)));
        assert_eq!([few.smoothed_mean(0, 2.0, &all), few.smoothed_mean(0, 0.0, &all)], [3.0, 3.0]);
        few.update(Answer::Value(6.0));
        assert_eq!([few.smoothed_mean(0, 2.0, &all), few.smoothed_mean(0, 0.0, &all)], [4.0, 6.0]);
        let mut classes = Tally::default();
        [2, 0, 2, 2].into_iter().for_each(|class| classes.update(Answer::Class(class)));
        assert_eq!([0, 1, 2, 3].map(|class| classes.mean(class)), [0.25, 0.0, 0.75, 0.0]);
        assert_eq!((classes.parts(), Tally::default().mean(0)), (3, 0.0));
    }
}
