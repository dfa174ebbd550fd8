//! A learner as it is read: whether its parts belong together.

use thalweg_autograd::Params;
use thalweg_nn::{Embedding, Optimizer, State};

use super::inputs::{Inputs, Table};
use super::recurrent::{Lesson, Recurrent};
use super::{Config, Deep, Network, Objective, Truth};
use crate::error::Error;
use crate::features::Features;
use crate::learn::Task;
use crate::saved::{Checked, checked, ensure};

checked!(Deep);

impl Checked for Deep {
    fn check(&self) -> Result<(), Error> {
        let Deep { config, features, objective, params, network, optimizer, memory, recurrent, mode, .. } = self;
        config.check_objective()?;
        ensure(*features.spec() == config.features, "features as they were asked for")?;
        objective.check_read(config)?;
        let state = match network {
            Some(network) => {
                network.check(params, config, features, objective.outputs())?;
                network.zero_state(params)
            }
            None => State::default(),
        };
        ensure(network.is_some() || params.layout().is_empty(), "a network over the parameters")?;
        ensure(optimizer.fits(params), "an optimizer that met these parameters")?;
        ensure(mode.is_training() && mode.is_settled(), "a network that learns, between two rows")?;
        let carries = recurrent.as_ref().is_none_or(|recurrent| recurrent.fits(config, &state));
        ensure(carries && recurrent.is_some() == config.model.is_recurrent(), "the state that the network carries")?;
        let most = if recurrent.is_some() { config.model.window.get() } else { 1 };
        let fits = |lesson: &Lesson| {
            (1..=most).contains(&lesson.rows.len()) && lesson.state.is_like(&state) && objective.knows(&lesson.truth)
        };
        let are_lessons = memory.items().is_empty() || network.is_some() && memory.items().iter().all(fits);
        ensure(are_lessons && memory.is_of(config.memory.size), "examples that this network can learn from")
    }
}

impl Objective {
    /// Whether it is that of a learner that is made like this.
    pub(crate) fn check_read(&self, config: &Config) -> Result<(), Error> {
        let new = Objective::new(config);
        let as_made = (self.task, &self.class_weights, &self.loss, &self.quantiles)
            == (new.task, &new.class_weights, &new.loss, &new.quantiles);
        let counted = match self.task {
            Task::Classify => self.came.len() == self.classes.len() && self.targets.is_empty(),
            Task::MultiLabel => self.came.is_empty() && self.targets.is_empty(),
            Task::Regress => self.came.is_empty() && (self.targets.len() <= 1 || self.loss.quantiles().is_none()),
        };
        ensure(as_made && counted, "answers as they were asked for")
    }

    /// Whether it has met this answer.
    pub(crate) fn knows(&self, truth: &Truth) -> bool {
        let Truth { classes, values } = truth;
        classes.iter().all(|&class| class < self.classes.len())
            && match self.task {
                Task::Classify => classes.len() == 1,
                Task::MultiLabel => true,
                Task::Regress => !values.is_empty() && values.len() == self.targets.len(),
            }
    }
}

impl Network {
    /// Whether it is that of these features and so many outputs, and θ is its own and nothing else.
    fn check(&self, params: &Params<f32>, config: &Config, features: &Features, outputs: usize) -> Result<(), Error> {
        let Network { inputs, body, head, outputs: known } = self;
        let own = body.check(params)?;
        ensure(*body.spec() == config.model.layers, "the layers that were asked for")?;
        ensure(*inputs == Inputs::of(features, params) && inputs.are_in(params), "the inputs that the features give")?;
        let wide = body.input() == [inputs.width()].into() && head.is_in(params, "head", body.output().len(), outputs);
        let all = own.len() + 2 + inputs.embeddings().count() == params.layout().entries().len();
        ensure(wide && all && *known == outputs, "a network of these features and answers")
    }
}

impl Inputs {
    /// Those that features ask for, by their names in θ.
    fn of(features: &Features, params: &Params<f32>) -> Self {
        let table = |(name, embedded): (&str, crate::features::Embedded)| {
            let weight = params.find(&Self::name(name))?;
            let (column, rows, width) = (embedded.column, embedded.rows, embedded.width);
            Some(Table { column, embedding: Embedding { weight, padding: Some(0) }, rows, width })
        };
        Inputs { columns: features.width(), tables: features.embedded().filter_map(table).collect() }
    }

    /// Whether its tables are there, and each has a column of its own.
    pub(crate) fn are_in(&self, params: &Params<f32>) -> bool {
        let is_there = |table: &Table| {
            let Table { column, embedding, rows, width } = table;
            let entry = params.layout().entries().get(embedding.weight.index());
            let sized = entry.is_some_and(|entry| entry.shape() == [*rows, *width].into());
            sized && *column < self.columns && *rows > 0 && *width > 0 && embedding.padding == Some(0)
        };
        self.tables.iter().all(is_there) && self.tables.is_sorted_by(|one, next| one.column < next.column)
    }
}

impl Recurrent {
    fn fits(&self, config: &Config, state: &State) -> bool {
        (self.window, self.sees_last) == (config.model.window, config.model.last)
            && self.rows.len() <= self.window.get()
            && [&self.start, &self.after_first, &self.carried].into_iter().all(|carried| carried.is_like(state))
    }
}
