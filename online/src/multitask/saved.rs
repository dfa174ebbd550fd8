//! A model of several tasks as it is read: whether its parts belong together.

use thalweg_autograd::Params;
use thalweg_nn::Optimizer;

use super::head::{Answer, TaskHead, of_task};
use super::{Lesson, MultiTask, check};
use crate::deep::Config;
use crate::error::Error;
use crate::saved::{Checked, checked, ensure};

checked!(MultiTask);

impl Checked for MultiTask {
    fn check(&self) -> Result<(), Error> {
        let MultiTask { config, features, params, trunk, names, heads, optimizer, memory, mode, .. } = self;
        check(config)?;
        ensure(*features.spec() == config.features, "features as they were asked for")?;
        ensure(mode.is_training() && mode.is_settled(), "a network that learns, between two rows")?;
        let mut entries = 0;
        let mut width = 0;
        if let Some(trunk) = trunk {
            entries += trunk.check(params)?.len();
            width = trunk.output().len();
            let as_asked = *trunk.spec() == config.model.layers && trunk.input() == [features.width()].into();
            ensure(as_asked, "a trunk of these features")?;
        }
        ensure(names.len() == heads.len() && (trunk.is_some() || heads.is_empty()), "a head for each task")?;
        for (name, head) in names.as_slice().iter().zip(heads) {
            entries += head.check_read(config, params, name, width)?;
        }
        ensure(entries == params.layout().entries().len() && optimizer.fits(params), "the parameters of all heads")?;
        let knows = |(index, answer): (usize, &Answer)| heads.get(index).is_some_and(|head| head.knows(answer));
        let fits = |lesson: &Lesson| lesson.answers.iter().enumerate().all(knows);
        let sound = memory.is_of(config.memory.buffer, config.memory.size) && memory.items().iter().all(fits);
        ensure(sound, "examples that this model can learn from")
    }
}

impl TaskHead {
    /// How many entries of θ are its own.
    fn check_read(&self, config: &Config, params: &Params<f32>, name: &str, width: usize) -> Result<usize, Error> {
        self.objective.check_read(&of_task(config, self.task))?;
        let Some((linear, outputs)) = &self.linear else { return Ok(0) };
        let fits = *outputs == self.objective.outputs();
        ensure(fits && linear.is_in(params, &format!("head.{name}"), width, *outputs), "the head of its task")?;
        Ok(2)
    }

    fn knows(&self, answer: &Answer) -> bool {
        !answer.is_known || self.objective.knows(&answer.truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deep::Model;
    use crate::features::Features;
    use crate::learn::{Target, Task};
    use crate::memory::MemorySpec;
    use crate::saved::testing::refuses;

    fn taught() -> MultiTask {
        let (model, memory) = (Model::parse("mlp:3"), MemorySpec::parse("reservoir:3"));
        let made = (model.expect("a model"), memory.expect("a memory"));
        let config = Config { model: made.0, memory: made.1, ..Config::new(Task::Classify) };
        let mut tasks = MultiTask::new(config).expect("they fit");
        for k in 0..6_u8 {
            let answers = [("a", Target::Class("up")), ("b", Target::Value(f64::from(k)))];
            tasks.learn_tasks(&[("x", f64::from(k))], &answers).expect("the row is good");
        }
        tasks
    }

    #[test]
    fn a_model_whose_parts_do_not_fit_is_refused() {
        refuses(
            &taught(),
            &[
                ("a head too few", |tasks| drop(tasks.heads.pop())),
                ("no trunk", |tasks| tasks.trunk = None),
                ("a head without weights", |tasks| tasks.heads[1].linear = None),
                ("more outputs than weights", |tasks| {
                    tasks.heads[0].linear.iter_mut().for_each(|(_, known)| *known += 1)
                }),
                ("the head of another", |tasks| tasks.heads[1].linear = tasks.heads[0].linear),
                ("another task", |tasks| tasks.heads[1].task = Task::Classify),
                ("an answer of none", |tasks| {
                    let answer = tasks.memory.items()[0].answers[0].clone();
                    tasks.memory.items_mut()[0].answers.resize(3, answer);
                }),
                ("an answer that is not known", |tasks| {
                    tasks.memory.items_mut()[0].answers[0].truth.classes = vec![1];
                }),
                ("other features", |tasks| tasks.features = Features::with(tasks.config.features.clone())),
                ("lags", |tasks| {
                    tasks.config.features = crate::features::FeatureSpec::parse("lags=1").expect("features")
                }),
                ("a parameter too many", |tasks| {
                    tasks.params.add("head.c.bias", [2], |_| 0.0);
                }),
            ],
        );
    }
}
