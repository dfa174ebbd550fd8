//! W7: metrics, one row at a time; the values of 4,096 rows over and over.

use serde_json::json;
use thalweg_online::metrics::{
    Auc, Average, Confusion, Counts, Fading, Loss, Mean, MeanLoss, Metrics, RSquared, Resolution, Rolling, Sums,
    log_loss,
};
use thalweg_online::{Prediction, Scores, Target, Task};

use crate::data::{DATA_SEED, SplitMix};
use crate::timing::{Timer, Unit};

const ROWS: usize = 4096;

/// Updates a second.
pub fn measure(timer: &Timer) {
    let mut rng = SplitMix::new(DATA_SEED);
    let labels: Vec<(usize, usize)> = rng.classes(ROWS, 2).into_iter().zip(rng.classes(ROWS, 2)).collect();
    let mut numbers = || -> Vec<f64> { rng.numbers(ROWS, 1.0).into_iter().map(f64::from).collect() };
    let values: Vec<(f64, f64)> = numbers().into_iter().zip(numbers()).collect();
    let scores: Vec<(bool, f64)> = values.iter().map(|&(y, x)| (y > 0.0, f64::midpoint(x, 1.0))).collect();
    let given: Vec<f64> = scores.iter().map(|&(y, p)| if y { p } else { 1.0 - p }).collect();

    let report = Report { timer };
    report.running("Accuracy", Counts::default(), &labels, Counts::accuracy);
    report.running("F1", Counts::default(), &labels, |counts| counts.f1(Average::Of(1)));
    report.running("Confusion", Confusion::default(), &labels, Confusion::adjusted_rand);
    let mut mean = Mean::default();
    report.rows("LogLoss", &given, |&p| mean.update(log_loss(p), 1.0));
    std::hint::black_box(mean.get());
    report.running("ROCAUC", Auc::new(Resolution::LogOdds), &scores, Auc::get);
    report.running("ROCAUC, 10 thresholds", Auc::new(Resolution::Thresholds(10)), &scores, Auc::get);
    report.running("MAE", MeanLoss::new(Loss::Absolute), &values, MeanLoss::get);
    report.running("RMSE", MeanLoss::new(Loss::Square), &values, MeanLoss::get);
    report.running("R2", RSquared::default(), &values, RSquared::get);
    let mut rolling = Rolling::new(1000, Counts::default());
    report.rows("Rolling(Accuracy,1000)", &labels, |row| rolling.update(row, 1.0));
    report.rows("Rolling(Accuracy,1000), read at each", &labels, |row| {
        rolling.update(row, 1.0);
        std::hint::black_box(rolling.sums().accuracy());
    });
    let mut rolling = Rolling::new(1000, MeanLoss::new(Loss::Absolute));
    report.rows("Rolling(MAE,1000)", &values, |row| rolling.update(row, 1.0));
    let mut rolling = Rolling::new(1000, Kept);
    report.rows("RollingROCAUC", &scores, |row| rolling.update(row, 1.0));
    let mut fading = Fading::new(0.999, Counts::default());
    report.rows("Fading(Accuracy,0.999)", &labels, |row| fading.update(row, 1.0));
    report.doors(&labels, &scores, &values);
}

/// Rows that are only kept: all that an exact area needs before it is read.
#[derive(Clone, Debug)]
struct Kept;

impl Sums for Kept {
    type Row = (bool, f64);

    fn add(&mut self, _: &(bool, f64), _: f64) {}

    fn merge(&mut self, _: &Self) {}

    fn scale(&mut self, _: f64) {}

    fn clear(&mut self) {}
}

struct Report<'a> {
    timer: &'a Timer,
}

impl Report<'_> {
    fn rows<R>(&self, what: &str, rows: &[R], mut update: impl FnMut(&R)) {
        let unit = Unit::Items(rows.len() as f64);
        self.timer.report("W7", json!({"what": what}), unit, || {
            rows.iter().for_each(|row| update(std::hint::black_box(row)))
        });
    }

    fn running<S: Sums>(&self, what: &str, mut sums: S, rows: &[S::Row], get: impl Fn(&S) -> f64) {
        self.rows(what, rows, |row| sums.add(row, 1.0));
        std::hint::black_box(get(&sums));
    }

    /// Through the door of a run, labels as text.
    fn doors(&self, labels: &[(usize, usize)], scores: &[(bool, f64)], values: &[(f64, f64)]) {
        let names = ["no".to_owned(), "yes".to_owned()];
        let rows: Vec<(&str, [f32; 2])> = labels
            .iter()
            .zip(scores)
            .map(|(&(y, _), &(_, p))| (["no", "yes"][y], [1.0 - p as f32, p as f32]))
            .collect();
        for asked in ["accuracy", "f1,brier,top:1,ece", "accuracy@1000", "auc", "auc@1000"] {
            let mut door = door(Task::Classify, asked);
            self.rows(&format!("Scores, {asked}"), &rows, |(truth, probabilities)| {
                door.update(&Target::Class(truth), &Prediction::Classes { labels: &names, probabilities }, 1.0);
            });
        }
        for asked in ["mae", "mape,smape,bias", "mae@1000", "mae@0.999"] {
            let mut door = door(Task::Regress, asked);
            self.rows(&format!("Scores, {asked}"), values, |&(truth, predicted)| {
                door.update(&Target::Value(truth), &Prediction::Value(predicted), 1.0);
            });
        }
    }
}

/// The usual metrics, and these.
fn door(task: Task, asked: &str) -> Scores {
    let made = Metrics::parse(asked).and_then(|metrics| Scores::with(task, &metrics));
    made.unwrap_or_else(|error| panic!("{asked}: {error}"))
}
