//! Predictions of targets that come with a later row.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Arrival, Prequential};
use crate::delay::{KeptRow, MOST_WAITING};
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Prediction};
use crate::metrics::Known;
use crate::saved::ensure;

/// Rows that were predicted and whose answers are the targets of rows to come, so many later.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Forecasts {
    horizon: u32,
    /// In the order of their numbers.
    rows: VecDeque<Forecast>,
    /// Memory to be used again.
    spare: Vec<Forecast>,
}

/// A row, with what the learner saw beside it, and what it and the two baselines said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Forecast {
    row: u64,
    x: KeptRow,
    said: [Said; 3],
}

/// A copy of a prediction, and with what it is to be compared.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Said {
    kind: Kind,
    labels: Vec<String>,
    probabilities: Vec<f32>,
    /// Numbers; of quantiles the values.
    values: Vec<f64>,
    quantiles: Vec<f64>,
    known: Known,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
enum Kind {
    #[default]
    Unknown,
    Classes,
    Labels,
    Value,
    Values,
    Quantiles,
}

impl Said {
    fn keep(&mut self, prediction: &Prediction<'_>, known: Known) {
        self.known = known;
        let labels = if let Prediction::Classes { labels, .. } | Prediction::Labels { labels, .. } = *prediction {
            labels
        } else {
            &[]
        };
        labels.clone_into(&mut self.labels);
        self.probabilities.clear();
        self.values.clear();
        self.quantiles.clear();
        self.kind = match *prediction {
            Prediction::Unknown => Kind::Unknown,
            Prediction::Classes { probabilities, .. } => {
                self.probabilities.extend_from_slice(probabilities);
                Kind::Classes
            }
            Prediction::Labels { probabilities, .. } => {
                self.probabilities.extend_from_slice(probabilities);
                Kind::Labels
            }
            Prediction::Value(value) => {
                self.values.push(value);
                Kind::Value
            }
            Prediction::Values(values) => {
                self.values.extend_from_slice(values);
                Kind::Values
            }
            Prediction::Quantiles { quantiles, values } => {
                self.quantiles.extend_from_slice(quantiles);
                self.values.extend_from_slice(values);
                Kind::Quantiles
            }
        };
    }

    fn prediction(&self) -> Prediction<'_> {
        let Said { labels, probabilities, values, quantiles, .. } = self;
        match (self.kind, &values[..]) {
            (Kind::Classes, _) => Prediction::Classes { labels, probabilities },
            (Kind::Labels, _) => Prediction::Labels { labels, probabilities },
            (Kind::Value, &[value]) => Prediction::Value(value),
            (Kind::Values, _) => Prediction::Values(values),
            (Kind::Quantiles, _) => Prediction::Quantiles { quantiles, values },
            (Kind::Unknown | Kind::Value, _) => Prediction::Unknown,
        }
    }
}

impl Forecasts {
    pub fn new(horizon: u32) -> Self {
        Forecasts { horizon, ..Forecasts::default() }
    }

    pub fn horizon(&self) -> u32 {
        self.horizon
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The forecast to which the target of row number `row` is the answer, and how many were dropped before it because the
    /// row with their answer never came.
    fn take(&mut self, row: u64) -> (Option<Forecast>, u64) {
        let horizon = u64::from(self.horizon);
        let mut dropped = 0;
        while let Some(first) = self.rows.front()
            && first.row.saturating_add(horizon) <= row
            && let Some(forecast) = self.rows.pop_front()
        {
            if forecast.row.saturating_add(horizon) == row {
                return (Some(forecast), dropped);
            }
            self.spare.push(forecast);
            dropped += 1;
        }
        (None, dropped)
    }

    /// The least number that the next row may have.
    pub fn next_row(&self) -> u64 {
        self.rows.back().map_or(0, |last| last.row.saturating_add(1))
    }

    /// Room for one more, in memory that is used again.
    fn place(&mut self) -> &mut Forecast {
        let spare = self.spare.pop().unwrap_or_default();
        self.rows.push_back(spare);
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    /// The last one turned out to be none.
    fn take_back(&mut self) {
        self.spare.extend(self.rows.pop_back());
    }

    /// The stream is over: their answers will not come. Returns how many there were.
    pub fn clear(&mut self) -> u64 {
        let rows = self.rows.len() as u64;
        self.spare.extend(self.rows.drain(..));
        rows
    }
}

impl Prequential {
    /// The same, but each row is asked for the target of the row `horizon` rows later: see [evaluation](super#forecasts).
    ///
    /// # Panics
    ///
    /// If rows have come already, or the horizon is more than [`MOST_WAITING`].
    #[track_caller]
    #[must_use]
    pub fn forecasting(mut self, horizon: u32) -> Self {
        assert!(horizon as usize <= MOST_WAITING, "forecasting: horizon ≤ {MOST_WAITING}: {horizon}");
        assert!(
            self.rows + self.unlabelled + self.waiting() as u64 == 0,
            "forecasting: expected no row yet, found some"
        );
        self.forecasts = Forecasts::new(horizon);
        self
    }

    /// How many rows later than the row the target comes that it is asked for; 0: with the row itself.
    #[must_use]
    pub fn horizon(&self) -> u32 {
        self.forecasts.horizon()
    }

    /// The target of a row that comes is the answer to an earlier one, which waits from `now` until it is known. If the
    /// target cannot be used, that is the error of the row that comes: see [`arrive`](Self::arrive).
    pub(super) fn answer(&mut self, arrival: &Arrival<'_>, now: i64) {
        let (due, room) = (self.waiting.due(now, arrival), self.waiting.check_room());
        let y = match (arrival.y, due, room) {
            (None, ..) => None,
            (Some(y), Ok(due), Ok(())) if y.check(self.task()).is_ok() => Some((y, due)),
            _ => return,
        };
        let (forecast, dropped) = self.forecasts.take(arrival.row);
        self.unlabelled += dropped;
        match (forecast, y) {
            (None, _) => {}
            (Some(forecast), None) => {
                self.unlabelled += 1;
                self.forecasts.spare.push(forecast);
            }
            (Some(mut forecast), Some((y, due))) => {
                let waits = self.waiting.place(forecast.row, due);
                std::mem::swap(&mut waits.x, &mut forecast.x);
                waits.expect(y);
                let scores = std::iter::once(&mut self.scores).chain(&mut self.baseline_scores);
                for ((scores, said), reading) in scores.zip(&forecast.said).zip(&mut waits.readings) {
                    scores.read_late(&y, &said.prediction(), said.known);
                    scores.exchange(reading);
                }
                self.forecasts.spare.push(forecast);
            }
        }
    }

    /// What the learner and the baselines say of a row now waits for its answer.
    pub(super) fn foresee(&mut self, learner: &mut dyn Learner, arrival: &Arrival<'_>) -> Result<(), Error> {
        let (x, next) = (arrival.x, self.forecasts.next_row());
        if arrival.row < next {
            let message = format!("expected rows in their order, row {next} or a later one, found row {}", arrival.row);
            return Err(Error::new(ErrorKind::Value, message));
        }
        let prediction = learner.predict_one(x)?;
        if !prediction.is_finite() {
            return Err(Error::diverged());
        }
        let forecast = self.forecasts.place();
        forecast.row = arrival.row;
        let [of_learner, of_baselines @ ..] = &mut forecast.said;
        of_learner.keep(&prediction, self.scores.known());
        learner.keep(x, &mut forecast.x);
        for ((baseline, scores), said) in
            self.baselines.learners().into_iter().zip(&self.baseline_scores).zip(of_baselines)
        {
            said.keep(&baseline.predict_one(x)?, scores.known());
        }
        learner.pass_one(x).inspect_err(|_| self.forecasts.take_back())
    }
}

/// Without the spare memory.
#[derive(Serialize, Deserialize)]
struct Saved {
    horizon: u32,
    rows: VecDeque<Forecast>,
}

impl From<Forecasts> for Saved {
    fn from(Forecasts { horizon, rows, .. }: Forecasts) -> Self {
        Saved { horizon, rows }
    }
}

impl TryFrom<Saved> for Forecasts {
    type Error = Error;

    fn try_from(Saved { horizon, rows }: Saved) -> Result<Self, Error> {
        let sorted = rows.iter().zip(rows.iter().skip(1)).all(|(one, next)| one.row < next.row);
        let few = horizon as usize <= MOST_WAITING && rows.len() <= horizon as usize;
        ensure(few && sorted, "at most as many forecasts as the horizon, in order")?;
        Ok(Forecasts { horizon, rows, spare: Vec::new() })
    }
}
