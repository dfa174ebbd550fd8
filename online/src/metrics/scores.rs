//! The metrics of a run: the one door through which targets and predictions become figures.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::labels::Labels;
use crate::learn::{Prediction, Target, Task};

use super::list::Metrics;
use super::metric::{Measure, Metric};
use super::reading::Reading;
use super::saved::Saved;
use super::scored::{Before, Facts, Known, Scored, class_facts, number};
use super::tally::{Tallies, Tally, exact_area};
use super::window::{Window, Windowed};

/// Metrics of one task, over the same rows.
///
/// # Example
///
/// ```
/// use thalweg_online::metrics::Metrics;
/// use thalweg_online::{Prediction, Scores, Target, Task};
///
/// let mut scores = Scores::with(Task::Regress, &Metrics::parse("mape,mae@1")?)?;
/// scores.update(&Target::Value(4.0), &Prediction::Value(3.0), 1.0);
/// scores.update(&Target::Value(5.0), &Prediction::Value(5.0), 1.0);
/// assert_eq!(scores.get("mae"), Some(0.5));
/// assert_eq!(scores.get("mae@1"), Some(0.0));
/// let names: Vec<&str> = scores.entries().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["mae", "rmse", "r2", "mape", "mae@1"]);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Scores {
    pub(super) task: Task,
    metrics: Vec<Named>,
    /// One for each window that a metric has.
    pub(super) windows: Vec<Windowed<Tallies>>,
    /// Whether a metric looks at the probabilities of all classes.
    needs_all: bool,
    pub(super) labels: Labels,
    pub(super) before: Before,
    pub(super) scored: u64,
    pub(super) unscored: u64,
    reading: Reading,
    /// Of each of several numbers; there is nothing in the windows then.
    pub(super) outputs: Vec<Scores>,
}

#[derive(Clone, Debug, PartialEq)]
struct Named {
    name: String,
    metric: Metric,
    /// The window, and the sums there; none if the rows themselves are read.
    place: (usize, Option<usize>),
}

impl Scores {
    /// The metrics that `task` always has, over no rows yet; see [`Metric::defaults`].
    #[must_use]
    pub fn new(task: Task) -> Self {
        Self::of(task, Metric::defaults(task))
    }

    /// The metrics that `task` always has, and then those of `asked` that are not among them.
    ///
    /// # Errors
    ///
    /// If one belongs to another task.
    pub fn with(task: Task, asked: &Metrics) -> Result<Self, Error> {
        if let Some(other) = asked.0.iter().find(|metric| !metric.fits(task)) {
            let message = format!("expected metrics to {task}, found {other}, which is one to {}", other.task());
            return Err(Error::new(ErrorKind::Spec, message));
        }
        let mut metrics = Metric::defaults(task);
        for metric in &asked.0 {
            if !metrics.contains(metric) {
                metrics.push(metric.clone());
            }
        }
        Ok(Self::of(task, metrics))
    }

    fn of(task: Task, metrics: Vec<Metric>) -> Self {
        let mut kinds: Vec<(Window, Tallies)> = vec![];
        let mut place = |metric: &Metric| {
            let window = kinds.iter().position(|(window, _)| *window == metric.window()).unwrap_or_else(|| {
                kinds.push((metric.window(), Tallies::default()));
                kinds.len() - 1
            });
            if let (Measure::Auc(..), Window::Rolling(_)) = (&metric.measure, metric.window()) {
                return (window, None);
            }
            let (wanted, tallies) = (Tally::of(&metric.measure, task), &mut kinds[window].1.0);
            let tally = tallies.iter().position(|tally| *tally == wanted).unwrap_or_else(|| {
                tallies.push(wanted);
                tallies.len() - 1
            });
            (window, Some(tally))
        };
        let named = |metric: Metric| Named { name: metric.to_string(), place: place(&metric), metric };
        let metrics: Vec<Named> = metrics.into_iter().map(named).collect();
        Scores {
            task,
            needs_all: metrics.iter().any(|named| matches!(named.metric.measure, Measure::Auc(..))),
            metrics,
            windows: kinds.into_iter().map(|(window, tallies)| Windowed::new(window, tallies)).collect(),
            labels: Labels::new(),
            before: Before::default(),
            scored: 0,
            unscored: 0,
            reading: Reading::default(),
            outputs: Vec::new(),
        }
    }

    /// The task that is measured.
    #[must_use]
    pub fn task(&self) -> Task {
        self.task
    }

    /// The metrics that were asked for, beside those that the task always has.
    #[must_use]
    pub fn asked(&self) -> Metrics {
        let defaults = Metric::defaults(self.task).len();
        Metrics(self.metrics[defaults..].iter().map(|named| named.metric.clone()).collect())
    }

    /// Takes in what was predicted for a row, and its target. The row counts `weight` times: 1, as a rule.
    ///
    /// A prediction that says nothing, or a number that is not finite, is not scored.
    ///
    /// # Panics
    ///
    /// If the target belongs to another task, or the weight is negative or not finite.
    #[track_caller]
    pub fn update(&mut self, target: &Target<'_>, prediction: &Prediction<'_>, weight: f64) {
        self.read(target, prediction);
        self.record(weight);
    }

    /// Keeps what the metrics need of a prediction, which may be gone when it is time to [`record`](Self::record) it.
    #[track_caller]
    pub(crate) fn read(&mut self, target: &Target<'_>, prediction: &Prediction<'_>) {
        if target.numbers().len() > 1 {
            return self.read_outputs(target.numbers(), prediction.numbers());
        }
        let Scores { labels, before, reading, .. } = self;
        reading.outputs.clear();
        (reading.labels, reading.scored, reading.class) = (labels.len(), false, None);
        reading.row.clear();
        match (self.task, target) {
            (Task::Classify, Target::Class(truth)) => {
                let class = labels.insert(truth);
                reading.class = Some(class);
                let Prediction::Classes { labels: theirs, probabilities } = *prediction else { return };
                let Some((best, mut facts)) = class_facts(theirs, probabilities, (class, truth)) else { return };
                facts.said = number(labels, &theirs[best], best);
                (facts.repeated, facts.majority) = before.right(class);
                reading.row.facts = Facts::Class(facts);
                reading.scored = true;
                if self.needs_all {
                    let all = &mut reading.row.probabilities;
                    for (class, (label, &probability)) in theirs.iter().zip(probabilities).enumerate() {
                        let number = number(labels, label, class);
                        all.resize(labels.len(), 0.0);
                        all[number] = if probability.is_nan() { 0.0 } else { probability };
                    }
                }
            }
            (Task::Regress, &Target::Value(_) | &Target::Values(&[_])) => {
                let truth = target.numbers()[0];
                if let Some(value) = prediction.value().filter(|_| prediction.is_finite()) {
                    reading.row.facts = Facts::Value(truth, value);
                    reading.scored = true;
                }
                if let Prediction::Quantiles { quantiles, values } = *prediction {
                    reading.row.quantiles.extend(quantiles.iter().copied().zip(values.iter().copied()));
                }
            }
            (Task::MultiLabel, Target::Labels(truth)) => {
                let Scored { facts, came, said, .. } = &mut reading.row;
                truth.iter().for_each(|label| mark(came, labels.insert(label)));
                if let Prediction::Labels { labels: theirs, .. } = prediction {
                    prediction.labels().for_each(|label| mark(said, labels.insert(label)));
                    for label in *theirs {
                        labels.insert(label);
                    }
                    [came, said].into_iter().for_each(|set| set.resize(labels.len(), false));
                    (*facts, reading.scored) = (Facts::Labels, true);
                }
            }
            (task, target) => panic!("update: task of the scores = task of the target: {task} ≠ {}", target.task()),
        }
    }

    /// Each number is read by scores of its own; one that is not known is passed over.
    fn read_outputs(&mut self, truths: &[f64], predicted: &[f64]) {
        while self.outputs.len() < truths.len() {
            self.outputs.push(Self::of(self.task, self.metrics.iter().map(|named| named.metric.clone()).collect()));
        }
        let Scores { reading, outputs, .. } = self;
        reading.outputs.resize_with(truths.len(), Reading::default);
        let said = predicted.iter().map(|&number| Prediction::Value(number));
        let said = said.chain(std::iter::repeat(Prediction::Unknown));
        let places = outputs.iter_mut().zip(&mut reading.outputs);
        for ((scores, reading), (&truth, said)) in places.zip(truths.iter().zip(said)) {
            scores.read(&Target::Value(truth), if truth.is_nan() { &Prediction::Unknown } else { &said });
            scores.exchange(reading);
        }
        reading.scored = reading.outputs.iter().any(|reading| reading.scored);
    }

    /// What a prediction that is made now is to be compared with.
    pub(crate) fn known(&self) -> Known {
        self.before.known()
    }

    /// [`read`](Self::read) of a prediction that was made when less was known.
    #[track_caller]
    pub(crate) fn read_late(&mut self, target: &Target<'_>, prediction: &Prediction<'_>, known: Known) {
        self.read(target, prediction);
        if let Facts::Class(facts) = &mut self.reading.row.facts {
            (facts.repeated, facts.majority) = known.right(facts.truth);
        }
    }

    /// Takes in the row that was read.
    #[track_caller]
    pub(crate) fn record(&mut self, weight: f64) {
        assert!(weight >= 0.0 && weight.is_finite(), "update: 0 ≤ weight < ∞: {weight}");
        for (scores, reading) in self.outputs.iter_mut().zip(&mut self.reading.outputs).filter(|(_, r)| r.scored) {
            scores.exchange(reading);
            scores.record(weight);
            scores.exchange(reading);
        }
        if self.reading.scored && self.outputs.is_empty() {
            self.windows.iter_mut().for_each(|window| window.update(&self.reading.row, weight));
        }
        if self.reading.scored {
            self.scored += 1;
        } else {
            self.unscored += 1;
        }
        if let Some(class) = self.reading.class {
            self.before.observe(class, weight);
        }
    }

    /// Whether a reading is about labels that are known here.
    pub(crate) fn can_record(&self, reading: &Reading) -> bool {
        let labels = self.labels.len();
        let outputs = self.outputs.iter().zip(&reading.outputs);
        reading.row.is_of(labels)
            && reading.class.is_none_or(|class| class < labels)
            && outputs.into_iter().all(|(scores, reading)| scores.can_record(reading))
    }

    /// The row that was read is recorded later: gives it away, against another. To be recorded it must be given back.
    pub(crate) fn exchange(&mut self, reading: &mut Reading) {
        std::mem::swap(&mut self.reading, reading);
    }

    /// The row that was read.
    pub(crate) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The row that was read is not to be recorded: everything is as it was before.
    pub(crate) fn forget(&mut self) {
        self.labels.truncate(self.reading.labels);
    }

    /// How many rows were scored.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.scored
    }

    /// How many rows were not scored, because nothing was predicted.
    #[must_use]
    pub fn unscored(&self) -> u64 {
        self.unscored
    }

    /// The scores of each of several numbers that are predicted together; empty if it is one, or classes. The metrics of all
    /// are the means of theirs, of those in which something has been measured.
    #[must_use]
    pub fn outputs(&self) -> &[Scores] {
        &self.outputs
    }

    /// Name and value of each metric: those that the task always has, then those that were asked for. NaN where nothing
    /// has been measured.
    #[must_use]
    pub fn entries(&self) -> Vec<(&str, f64)> {
        if !self.outputs.is_empty() {
            let mean = |named: &Named| mean(self.outputs.iter().filter_map(|output| output.get(&named.name)));
            return self.metrics.iter().map(|named| (named.name.as_str(), mean(named))).collect();
        }
        let sums: Vec<_> = self.windows.iter().map(Windowed::sums).collect();
        self.metrics.iter().map(|named| (named.name.as_str(), self.value(named, |window| &sums[window]))).collect()
    }

    /// The value of the metric called `name`, if it is among those that are measured.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        let named = self.metrics.iter().find(|named| named.name == name)?;
        if !self.outputs.is_empty() {
            return Some(mean(self.outputs.iter().filter_map(|output| output.get(name))));
        }
        let sums = self.windows[named.place.0].sums();
        Some(self.value(named, |_| &sums))
    }

    fn value<'a>(&self, named: &Named, sums: impl Fn(usize) -> &'a Tallies) -> f64 {
        let (window, measure) = (named.place.0, &named.metric.measure);
        match named.place.1 {
            Some(tally) => sums(window).0[tally].read(measure, &self.labels),
            None => exact_area(&self.windows[window], measure, &self.labels).unwrap_or(f64::NAN),
        }
    }
}

/// A label is in a set.
fn mark(set: &mut Vec<bool>, label: usize) {
    set.resize(set.len().max(label + 1), false);
    set[label] = true;
}

/// Of those values that were measured; NaN if none was.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let measured = values.filter(|value| !value.is_nan());
    let (sum, count) = measured.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}
