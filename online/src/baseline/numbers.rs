//! Baselines of numbers.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Prediction, Target, Task};
use crate::row::{Row, weight_of};
use crate::saved::{Checked, checked, ensure};

/// Predicts the mean of all targets so far: `μ ← μ + w (y − μ) / Σw`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RunningMean {
    /// One for each number that is predicted.
    means: Vec<f64>,
    /// What the rows of each weigh.
    totals: Vec<f64>,
}

checked!(RunningMean);

impl Checked for RunningMean {
    fn check(&self) -> Result<(), Error> {
        ensure(self.means.len() == self.totals.len(), "what the rows of each mean weigh")
    }
}

impl RunningMean {
    /// Has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Learner for RunningMean {
    fn task(&self) -> Task {
        Task::Regress
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        Ok(if self.totals.contains(&0.0) { Prediction::Unknown } else { numbers(&self.means) })
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        let weight = weight_of(x)?;
        check(&y, self.means.len())?;
        self.means.resize(y.numbers().len(), 0.0);
        self.totals.resize(y.numbers().len(), 0.0);
        let mut loss = 0.0;
        let known = self.means.iter_mut().zip(&mut self.totals).zip(y.numbers()).filter(|(_, value)| !value.is_nan());
        for ((mean, total), value) in known {
            let deviation = value - *mean;
            loss += deviation * deviation;
            if weight > 0.0 {
                *total += weight;
                *mean += weight * deviation / *total;
            }
        }
        Ok(loss)
    }
}

/// Predicts the last target again; of several numbers, the last that was known of each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LastValue {
    /// NaN where none was known yet.
    last: Vec<f64>,
}

impl LastValue {
    /// Has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Learner for LastValue {
    fn task(&self) -> Task {
        Task::Regress
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        Ok(if self.last.iter().any(|last| last.is_nan()) { Prediction::Unknown } else { numbers(&self.last) })
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        weight_of(x)?;
        check(&y, self.last.len())?;
        self.last.resize(y.numbers().len(), f64::NAN);
        let mut loss = 0.0;
        for (last, &value) in self.last.iter_mut().zip(y.numbers()).filter(|(_, value)| !value.is_nan()) {
            let error = value - if last.is_nan() { 0.0 } else { *last };
            loss += error * error;
            *last = value;
        }
        Ok(loss)
    }
}

/// As many numbers as before, which are some.
fn check(y: &Target<'_>, known: usize) -> Result<(), Error> {
    y.check(Task::Regress)?;
    match y.numbers().len() {
        found if known == 0 || known == found => Ok(()),
        found => Err(Error::new(ErrorKind::Value, format!("expected {known} numbers, as before, found {found}"))),
    }
}

/// One number, or several; of none, nothing is known.
fn numbers(numbers: &[f64]) -> Prediction<'_> {
    match numbers {
        [] => Prediction::Unknown,
        &[number] => Prediction::Value(number),
        numbers => Prediction::Values(numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved::testing::refuses;

    #[test]
    fn each_mean_has_its_weight() {
        refuses(&RunningMean::new(), &[("a mean of nothing", |mean| mean.means.push(1.0))]);
    }
}
