//! A task of several, alone.

use super::MultiTask;
use crate::error::Error;
use crate::learn::{Learner, Prediction, Target, Task};
use crate::row::Row;

/// One task of a [`MultiTask`], as a learner.
#[derive(Debug)]
pub struct OneTask<'a> {
    model: &'a mut MultiTask,
    name: &'a str,
    task: Task,
}

impl<'a> OneTask<'a> {
    pub(super) fn new(model: &'a mut MultiTask, name: &'a str, task: Task) -> Self {
        OneTask { model, name, task }
    }
}

impl Learner for OneTask<'_> {
    fn task(&self) -> Task {
        self.task
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        self.model.predict_one(self.name, x)
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        y.check(self.task)?;
        self.model.learn_one(self.name, x, y)
    }
}
