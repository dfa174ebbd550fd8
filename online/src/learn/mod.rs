//! The contract between a stream and whatever learns from it.
//!
//! A [`Learner`] is asked for a [`Prediction`] before it is told the [`Target`], and learns from every example once.

mod label_set;
mod prediction;
mod target;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::delay::KeptRow;
use crate::error::Error;
use crate::row::Row;

pub use label_set::LabelSet;
pub(crate) use label_set::SEPARATOR;
pub use prediction::Prediction;
pub use target::Target;

/// What is to be learned: a class, a number or several, or a set of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// The target is one of several labels; new ones may appear at any time.
    Classify,
    /// The target is a number, or several.
    Regress,
    /// The target is any number of labels, none included; new ones may appear at any time.
    MultiLabel,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Task::Classify => "classify",
            Task::Regress => "regress",
            Task::MultiLabel => "multilabel",
        })
    }
}

/// Something that learns from a stream, one example at a time.
///
/// **Weights.** A row counts as often as its [weight](Row::weight) says, 1 as a rule: its loss, its answer in a mean. What
/// "counts" means beyond that is each learner's to say. A weight that is negative or not finite is an
/// [error](crate::row::weight_of).
pub trait Learner {
    /// What it learns.
    fn task(&self) -> Task;

    /// What it says about `x` now. Nothing that learning relies on changes; `&mut` is for scratch memory only.
    ///
    /// # Errors
    ///
    /// If `x` cannot be used.
    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error>;

    /// A row goes by whose target is not known, or not yet: a recurrent state moves on past it, so that the next row is
    /// predicted from behind it. There is nothing to do for a learner that carries no state.
    ///
    /// What moves the state are the row's features. The last known target, which the learner may see beside them, and the
    /// targets behind lags stay those that are known: a guess of the learner's own never takes their place. Nothing is
    /// learned, and no row is ever learned from a state that has passed it. When next a row is learned by
    /// [`learn_one`](Learner::learn_one), the state is that after the rows that were learned, as if this one had not been;
    /// [`learn_late`](Learner::learn_late) leaves it where it is.
    ///
    /// # Errors
    ///
    /// If the row cannot be used. The state has not moved then.
    ///
    /// ```
    /// use thalweg_online::{Config, Deep, Learner, Model, Target, Task};
    ///
    /// let mut learner = Deep::new(Config { model: Model::parse("gru:4,last=false")?, ..Config::new(Task::Regress) });
    /// for k in 0..50 {
    ///     learner.learn_one(&[("x", k % 3)], Target::Value(f64::from((k + 2) % 3)))?; // the x of the row before
    /// }
    /// let from_here = learner.predict_one(&[("x", 0)])?.value();
    /// learner.pass_one(&[("x", 2)])?;
    /// assert_ne!(learner.predict_one(&[("x", 0)])?.value(), from_here);
    /// # Ok::<(), thalweg_online::Error>(())
    /// ```
    fn pass_one(&mut self, x: &dyn Row) -> Result<(), Error> {
        let _ = x;
        Ok(())
    }

    /// Copies `x`, and beside it what the learner sees there now: lags, the last known target. Learned later, the copy is the
    /// row as it was predicted: see [forecasts](crate::evaluate#forecasts).
    fn keep(&self, x: &dyn Row, kept: &mut KeptRow) {
        kept.keep(x);
    }

    /// Learns that `y` is the answer to `x`, and returns the loss *before* the update.
    ///
    /// # Errors
    ///
    /// If `x` or `y` cannot be used; the learner is then as it was before.
    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error>;

    /// Learns that `y` is the answer to `x`, a row that was [kept](Learner::keep) and has gone [by](Learner::pass_one), as have
    /// others since: what is predicted next is predicted from behind those, as before. All that is learned, and the loss, are
    /// those of [`learn_one`](Learner::learn_one); for a learner that carries no state, there is no difference.
    ///
    /// Rows are learned as a sequence of their own, in the order in which they are learned: so when their labels overtake
    /// each other, each follows upon the one whose label came before its own, and a row that is never learned is not in it.
    ///
    /// # Errors
    ///
    /// As [`learn_one`](Learner::learn_one).
    ///
    /// ```
    /// use thalweg_online::{Config, Deep, Learner, Model, Target, Task, delay::KeptRow};
    ///
    /// let mut learner = Deep::new(Config { model: Model::parse("gru:4")?, ..Config::new(Task::Regress) });
    /// let mut kept = [KeptRow::new(), KeptRow::new()];
    /// for k in 0..50 {
    ///     if k >= 2 {
    ///         learner.learn_late(&kept[k % 2], Target::Value((k % 3) as f64))?; // of the row before the last
    ///     }
    ///     let x = [("x", (k % 5) as f64)];
    ///     let said = learner.predict_one(&x)?.value(); // from behind the last row
    ///     learner.keep(&x, &mut kept[k % 2]);
    ///     learner.pass_one(&x)?;
    /// }
    /// # Ok::<(), thalweg_online::Error>(())
    /// ```
    fn learn_late(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        self.learn_one(x, y)
    }

    /// Learns from several examples in their order, to the bit as [`learn_one`](Learner::learn_one) for each of them does,
    /// and returns the mean of their losses; 0 for none.
    ///
    /// # Errors
    ///
    /// At the first example that cannot be used; the error counts from 1 which [row](Error::row) it is. What stands before
    /// it was learned, nothing after it.
    fn learn_many(&mut self, examples: &[(&dyn Row, Target<'_>)]) -> Result<f64, Error> {
        let mut sum = 0.0;
        for (row, &(x, y)) in (1..).zip(examples) {
            sum += self.learn_one(x, y).map_err(|error| error.at_row(row))?;
        }
        Ok(sum / examples.len().max(1) as f64)
    }
}
