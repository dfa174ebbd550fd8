//! The sums behind the metrics: each kind is kept once for a window, however many metrics read it.

use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::learn::Task;

use super::auc::{OneVsRest, Resolution, exact_auc, mean_area};
use super::average::Average;
use super::confusion::Confusion;
use super::counts::{Counts, beyond};
use super::means::{Mean, MeanLoss, RSquared};
use super::metric::Measure;
use super::probability::{Calibration, log_loss};
use super::scored::{ClassFacts, Facts, Scored};
use super::sets::MultiLabel;
use super::window::{Sums, Windowed};

/// Sums of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Tally {
    Counts(Counts),
    Confusion(Confusion),
    /// Our share of right answers and another's.
    Beside(Rival, Mean, Mean),
    Mean(Cost, Mean),
    Calibration(Calibration),
    Auc(OneVsRest),
    MeanLoss(MeanLoss),
    RSquared(RSquared),
    /// The share of targets between the first predicted quantile and the last.
    Coverage(Mean),
    Labels(MultiLabel),
}

/// With whom we are compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Rival {
    Majority,
    LastLabel,
}

/// What a row of probabilities costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Cost {
    Log,
    Brier,
    Top(usize),
}

impl Cost {
    fn of(self, facts: &ClassFacts) -> f64 {
        match self {
            Cost::Log => log_loss(facts.probability),
            Cost::Brier => facts.brier,
            Cost::Top(k) => f64::from(u8::from(facts.rank < k)),
        }
    }
}

impl Tally {
    /// What `measure` reads of answers to `task`, of no rows yet.
    pub fn of(measure: &Measure, task: Task) -> Self {
        let none = Mean::default();
        match measure {
            _ if task == Task::MultiLabel => Tally::Labels(MultiLabel::default()),
            Measure::ExactMatch | Measure::HammingLoss | Measure::JaccardSamples => {
                Tally::Labels(MultiLabel::default())
            }
            Measure::Accuracy
            | Measure::BalancedAccuracy
            | Measure::Kappa
            | Measure::Mcc
            | Measure::GeometricMean
            | Measure::Precision(_)
            | Measure::Recall(_)
            | Measure::F1(_)
            | Measure::Jaccard(_) => Tally::Counts(Counts::default()),
            Measure::AdjustedRand
            | Measure::MutualInfo
            | Measure::NormalizedMutualInfo
            | Measure::Homogeneity
            | Measure::Completeness
            | Measure::FowlkesMallows => Tally::Confusion(Confusion::default()),
            Measure::KappaM => Tally::Beside(Rival::Majority, none, none),
            Measure::KappaTemporal => Tally::Beside(Rival::LastLabel, none, none),
            Measure::LogLoss => Tally::Mean(Cost::Log, none),
            Measure::Brier => Tally::Mean(Cost::Brier, none),
            Measure::Top(k) => Tally::Mean(Cost::Top(*k), none),
            Measure::Ece(bins) => Tally::Calibration(Calibration::new(*bins)),
            Measure::Auc(resolution, _) => Tally::Auc(OneVsRest::new(*resolution)),
            Measure::Mean(loss) | Measure::Root(loss) => Tally::MeanLoss(MeanLoss::new(*loss)),
            Measure::R2 => Tally::RSquared(RSquared::default()),
            Measure::Coverage => Tally::Coverage(none),
        }
    }

    /// The same kind of sums, of no rows.
    pub fn kind(&self) -> Self {
        let none = Mean::default();
        match self {
            Tally::Counts(_) => Tally::Counts(Counts::default()),
            Tally::Confusion(_) => Tally::Confusion(Confusion::default()),
            Tally::Beside(rival, ..) => Tally::Beside(*rival, none, none),
            Tally::Mean(cost, _) => Tally::Mean(*cost, none),
            Tally::Calibration(calibration) => Tally::Calibration(Calibration::new(calibration.bins())),
            Tally::Auc(auc) => Tally::Auc(OneVsRest::new(auc.resolution())),
            Tally::MeanLoss(mean) => Tally::MeanLoss(MeanLoss::new(mean.loss())),
            Tally::RSquared(_) => Tally::RSquared(RSquared::default()),
            Tally::Coverage(_) => Tally::Coverage(none),
            Tally::Labels(_) => Tally::Labels(MultiLabel::default()),
        }
    }

    /// The value of a measure that reads this kind of sums; NaN for others, and where nothing was measured.
    pub fn read(&self, measure: &Measure, labels: &Labels) -> f64 {
        let average = |average: &Average<String>| number(average, labels);
        match (self, measure) {
            (Tally::Counts(counts), measure) => match measure {
                Measure::BalancedAccuracy => counts.balanced_accuracy(),
                Measure::Kappa => counts.kappa(),
                Measure::Mcc => counts.mcc(),
                Measure::GeometricMean => counts.geometric_mean(),
                Measure::Precision(of) => counts.precision(average(of)),
                Measure::Recall(of) => counts.recall(average(of)),
                Measure::F1(of) => counts.f1(average(of)),
                Measure::Jaccard(of) => counts.jaccard(average(of)),
                _ => counts.accuracy(),
            },
            (Tally::Labels(sets), measure) => match measure {
                Measure::HammingLoss => sets.hamming_loss(),
                Measure::JaccardSamples => sets.jaccard(),
                Measure::Precision(of) => sets.counts().precision(average(of)),
                Measure::Recall(of) => sets.counts().recall(average(of)),
                Measure::F1(of) => sets.counts().f1(average(of)),
                Measure::Jaccard(of) => sets.counts().jaccard(average(of)),
                _ => sets.exact_match(),
            },
            (Tally::Confusion(confusion), measure) => match measure {
                Measure::AdjustedRand => confusion.adjusted_rand(),
                Measure::NormalizedMutualInfo => confusion.normalized_mutual_info(),
                Measure::Homogeneity => confusion.homogeneity(),
                Measure::Completeness => confusion.completeness(),
                Measure::FowlkesMallows => confusion.fowlkes_mallows(),
                _ => confusion.mutual_info(),
            },
            (Tally::Beside(_, ours, theirs), _) => beyond(theirs.get(), ours.get()),
            (Tally::Mean(_, mean) | Tally::Coverage(mean), _) => mean.get(),
            (Tally::Calibration(calibration), _) => calibration.get(),
            (Tally::Auc(auc), Measure::Auc(_, of)) => match average(of) {
                Average::Of(class) => auc.of(class),
                _ => auc.mean(),
            },
            (Tally::MeanLoss(mean), Measure::Root(_)) => mean.get().sqrt(),
            (Tally::MeanLoss(mean), _) => mean.get(),
            (Tally::RSquared(r2), _) => r2.get(),
            (Tally::Auc(_), _) => f64::NAN,
        }
    }

    fn add(&mut self, row: &Scored, weight: f64) {
        match (self, &row.facts) {
            (Tally::Counts(counts), Facts::Class(facts)) => counts.update(facts.truth, facts.said, weight),
            (Tally::Confusion(confusion), Facts::Class(facts)) => confusion.update(facts.truth, facts.said, weight),
            (Tally::Beside(rival, ours, theirs), Facts::Class(facts)) => {
                let right = match rival {
                    Rival::Majority => facts.majority,
                    Rival::LastLabel => facts.repeated,
                };
                ours.update(f64::from(u8::from(facts.truth == facts.said)), weight);
                theirs.update(f64::from(u8::from(right)), weight);
            }
            (Tally::Mean(cost, mean), Facts::Class(facts)) => mean.update(cost.of(facts), weight),
            (Tally::Calibration(calibration), Facts::Class(facts)) => {
                calibration.update(facts.confidence, facts.truth == facts.said, weight);
            }
            (Tally::Auc(auc), Facts::Class(facts)) => auc.update(facts.truth, &row.probabilities, weight),
            (Tally::MeanLoss(mean), &Facts::Value(truth, said)) => {
                mean.update(truth, row.quantile_for(mean.loss()).unwrap_or(said), weight);
            }
            (Tally::Coverage(mean), &Facts::Value(truth, said)) => {
                let [low, high] = row.interval().unwrap_or([said; 2]);
                mean.update(f64::from(u8::from(low <= truth && truth <= high)), weight);
            }
            (Tally::RSquared(r2), &Facts::Value(truth, said)) => r2.update(truth, said, weight),
            (Tally::Labels(sets), Facts::Labels) => sets.update(&row.came, &row.said, weight),
            _ => {} // Scores has no sums of another task
        }
    }

    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Tally::Counts(counts), Tally::Counts(more)) => counts.merge(more),
            (Tally::Confusion(confusion), Tally::Confusion(more)) => confusion.merge(more),
            (Tally::Beside(_, ours, theirs), Tally::Beside(_, more, more_of_theirs)) => {
                ours.merge(more);
                theirs.merge(more_of_theirs);
            }
            (Tally::Mean(_, mean), Tally::Mean(_, more)) => mean.merge(more),
            (Tally::Calibration(calibration), Tally::Calibration(more)) => calibration.merge(more),
            (Tally::Auc(auc), Tally::Auc(more)) => auc.merge(more),
            (Tally::MeanLoss(mean), Tally::MeanLoss(more)) => mean.merge(more),
            (Tally::RSquared(r2), Tally::RSquared(more)) => r2.merge(more),
            (Tally::Coverage(mean), Tally::Coverage(more)) => mean.merge(more),
            (Tally::Labels(sets), Tally::Labels(more)) => sets.merge(more),
            _ => {}
        }
    }

    fn scale(&mut self, factor: f64) {
        match self {
            Tally::Counts(counts) => counts.scale(factor),
            Tally::Confusion(confusion) => confusion.scale(factor),
            Tally::Beside(_, ours, theirs) => [ours, theirs].into_iter().for_each(|mean| mean.scale(factor)),
            Tally::Mean(_, mean) | Tally::Coverage(mean) => mean.scale(factor),
            Tally::Calibration(calibration) => calibration.scale(factor),
            Tally::Auc(auc) => auc.scale(factor),
            Tally::MeanLoss(mean) => mean.scale(factor),
            Tally::RSquared(r2) => r2.scale(factor),
            Tally::Labels(sets) => sets.scale(factor),
        }
    }

    fn clear(&mut self) {
        match self {
            Tally::Counts(counts) => counts.clear(),
            Tally::Confusion(confusion) => confusion.clear(),
            Tally::Beside(_, ours, theirs) => [ours, theirs].into_iter().for_each(Mean::clear),
            Tally::Mean(_, mean) | Tally::Coverage(mean) => mean.clear(),
            Tally::Calibration(calibration) => calibration.clear(),
            Tally::Auc(auc) => auc.clear(),
            Tally::MeanLoss(mean) => mean.clear(),
            Tally::RSquared(r2) => r2.clear(),
            Tally::Labels(sets) => sets.clear(),
        }
    }
}

/// A label as its number; one that never came has a number that no class has.
fn number(average: &Average<String>, labels: &Labels) -> Average<usize> {
    match average {
        Average::Micro => Average::Micro,
        Average::Macro => Average::Macro,
        Average::Weighted => Average::Weighted,
        Average::Of(label) => Average::Of(labels.position(label).unwrap_or(usize::MAX)),
    }
}

/// All sums of a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tallies(pub Vec<Tally>);

impl Tallies {
    /// What is summed, and nothing yet.
    pub fn kinds(&self) -> Self {
        Tallies(self.0.iter().map(Tally::kind).collect())
    }
}

impl Sums for Tallies {
    type Row = Scored;

    fn add(&mut self, row: &Scored, weight: f64) {
        self.0.iter_mut().for_each(|tally| tally.add(row, weight));
    }

    fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(tally, more)| tally.merge(more));
    }

    fn scale(&mut self, factor: f64) {
        self.0.iter_mut().for_each(|tally| tally.scale(factor));
    }

    fn clear(&mut self) {
        self.0.iter_mut().for_each(Tally::clear);
    }
}

/// The area under the curve of the rows of a window, if it keeps them: nothing is rounded then.
pub(super) fn exact_area(window: &Windowed<Tallies>, measure: &Measure, labels: &Labels) -> Option<f64> {
    let (Windowed::Rolling(rolling), Measure::Auc(Resolution::LogOdds, of)) = (window, measure) else { return None };
    let area = |class: usize| {
        let mut rows: Vec<(f64, bool, f64)> = vec![];
        for (row, weight) in rolling.rows() {
            if let Facts::Class(facts) = row.facts {
                let score = row.probabilities.get(class).copied().unwrap_or(0.0);
                rows.push((f64::from(score), facts.truth == class, *weight));
            }
        }
        exact_auc(&mut rows)
    };
    Some(match number(of, labels) {
        Average::Of(class) => area(class),
        _ => mean_area((0..labels.len()).map(area)),
    })
}
