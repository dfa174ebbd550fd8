//! A learner as it is read: whether its parts belong together.

use thalweg_autograd::Params;
use thalweg_nn::{Embedding, Optimizer, State};

use super::context::Context;
use super::expert::Expert;
use super::inputs::{Inputs, Table};
use super::recurrent::{Lesson, Recurrent};
use super::{Config, Deep, Network, Objective, Truth};
use crate::error::Error;
use crate::features::Features;
use crate::learn::Task;
use crate::plasticity::{PlasticitySpec, Probe};
use crate::saved::{Checked, checked, ensure};

checked!(Deep);

impl Checked for Deep {
    fn check(&self) -> Result<(), Error> {
        let Deep { config, features, objective, expert, panel, .. } = self;
        config.check_objective()?;
        ensure(*features.spec() == config.features, "features as they were asked for")?;
        objective.check_read(config)?;
        ensure(self.rate >= 0.0 && self.rate.is_finite(), "a learning rate")?;
        panel.check_read(config)?;
        let mut experts = std::iter::once(expert).chain(panel.others.iter().map(|seat| &seat.expert));
        ensure(experts.clone().all(|other| other.network.is_some() == expert.network.is_some()), "networks, or none")?;
        experts.try_for_each(|expert| expert.check_read(config, features, objective))
    }
}

impl Expert {
    /// Whether it is that of a learner that is made like this, and has learned these features and answers.
    fn check_read(&self, config: &Config, features: &Features, objective: &Objective) -> Result<(), Error> {
        let Expert {
            params,
            network,
            optimizer,
            depth,
            memory,
            replay,
            context,
            recurrent,
            traced,
            plasticity,
            probe,
            mode,
            ..
        } = self;
        let state = match network {
            Some(network) => {
                network.check(params, config, features, objective.outputs())?;
                network.zero_state(params)
            }
            None => State::default(),
        };
        match (depth, network) {
            (Some(depth), Some(network)) => depth.check_read(config, network)?,
            (depth, network) => {
                let is_one_exit = depth.is_none() && (network.is_none() || config.depth.is_none());
                ensure(is_one_exit, "depths of this network")?;
            }
        }
        ensure(network.is_some() || params.layout().is_empty(), "a network over the parameters")?;
        ensure(optimizer.fits(params), "an optimizer that met these parameters")?;
        ensure(mode.is_training() && mode.is_settled(), "a network that learns, between two rows")?;
        let carries = recurrent.as_ref().is_none_or(|recurrent| recurrent.fits(config, &state));
        ensure(carries && recurrent.is_some() == config.model.is_recurrent(), "the state that the network carries")?;
        let keeps_traces = match (traced, network) {
            (Some(traced), Some(network)) => {
                traced.gradient() == config.gradient && traced.fits(network.body(), params, config.seed)
            }
            (None, Some(_)) => config.gradient.is_tbptt(),
            (traced, None) => traced.is_none(),
        };
        ensure(keeps_traces, "traces of this network")?;
        let hidden = network.as_ref().map_or_else(Vec::new, |network| network.body().hidden(Some(network.head())));
        let rule = network.as_ref().map_or_else(PlasticitySpec::default, |_| config.plasticity);
        ensure(plasticity.spec() == rule && plasticity.fits(&hidden, params), "a rule of plasticity of this network")?;
        let probed = (network.is_some() && config.probe > 0).then_some(config.probe);
        let is_probed = probe.as_ref().map(Probe::rows) == probed;
        ensure(is_probed && probe.as_ref().is_none_or(|probe| probe.fits(&hidden, params)), "a probe of this network")?;
        let most = if recurrent.is_some() { config.window().get() } else { 1 };
        let fits = |lesson: &Lesson| {
            (1..=most).contains(&lesson.rows.len())
                && lesson.state.is_like(&state)
                && objective.knows(&lesson.truth)
                && lesson.said.len() <= objective.outputs()
        };
        ensure(replay.fits(&config.memory, objective.classes().len()), "what the replay knows of these classes")?;
        context.check(config, network.as_ref(), params)?;
        let are_context = context.rows.items().iter().all(fits);
        ensure(are_context && (network.is_some() || context.rows.items().is_empty()), "rows of this context")?;
        let are_lessons = memory.items().is_empty() || network.is_some() && memory.items().iter().all(fits);
        ensure(
            are_lessons && memory.is_of(config.memory.buffer, config.memory.size),
            "examples that this network can learn from",
        )
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
        let Network { inputs, body, head, exits, outputs: known } = self;
        let own = body.check(params)?;
        ensure(*body.spec() == config.model.layers, "the layers that were asked for")?;
        ensure(*inputs == Inputs::of(features, params) && inputs.are_in(params), "the inputs that the features give")?;
        let wide = body.input() == [inputs.width()].into() && head.is_in(params, "head", body.output().len(), outputs);
        let all = own.len() + 2 + 2 * exits.len() + inputs.embeddings().count() == params.layout().entries().len();
        let exits = exits.is_empty() == config.depth.is_none() && self.has_its_exits(params);
        ensure(wide && all && exits && *known == outputs, "a network of these features and answers")
    }
}

impl Context {
    /// Whether it holds this θ as it was asked to.
    fn check(&self, config: &Config, network: Option<&Network>, params: &Params<f32>) -> Result<(), Error> {
        let Context { held, rows, .. } = self;
        let is_teacher = held.teacher().is_none_or(|then| {
            let now = network.is_some_and(|now| now.inputs.columns() >= then.inputs());
            now && then.network().is_whole(config, then.params()) && then.network().inputs.columns() == then.inputs()
        });
        let asked = *held.spec() == config.consolidation && rows.size() == held.rows_to_look_at();
        ensure(asked && is_teacher && held.fits(params), "what is held of this network")
    }
}

impl Network {
    /// Whether θ is all there, for whatever features and outputs it has.
    fn is_whole(&self, config: &Config, params: &Params<f32>) -> bool {
        let Network { inputs, body, head, outputs, .. } = self;
        *body.spec() == config.model.layers
            && body.check(params).is_ok()
            && body.input() == [inputs.width()].into()
            && inputs.are_in(params)
            && head.is_in(params, "head", body.output().len(), *outputs)
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
            let sized = entry.is_some_and(|entry| entry.shape().dims() == [*rows, *width]);
            sized && *column < self.columns && *rows > 0 && *width > 0 && embedding.padding == Some(0)
        };
        self.tables.iter().all(is_there) && self.tables.is_sorted_by(|one, next| one.column < next.column)
    }
}

impl Recurrent {
    fn fits(&self, config: &Config, state: &State) -> bool {
        (self.window, self.sees_last) == (config.window(), config.model.last)
            && self.rows.len() <= self.window.get()
            && [&self.start, &self.after_first, &self.carried].into_iter().all(|carried| carried.is_like(state))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use thalweg_nn::Mode;

    use super::*;
    use crate::deep::replay::Rehearsal;
    use crate::deep::{LossSpec, Model};
    use crate::features::FeatureSpec;
    use crate::learn::{Learner, Target};
    use crate::memory::MemorySpec;
    use crate::row::Value;
    use crate::saved::testing::{Change, refuses};

    fn config(task: Task, model: &str) -> Config {
        Config {
            model: Model::parse(model).expect("a model"),
            features: FeatureSpec::parse("category=embed:2").expect("features"),
            memory: MemorySpec::parse("reservoir:4").expect("a memory"),
            optimizer: "adam".parse().expect("an optimizer"),
            ..Config::new(task)
        }
    }

    fn taught(task: Task, model: &str) -> Deep {
        let mut deep = Deep::new(config(task, model));
        for k in 0..9_u8 {
            let x = [("x", Value::Number(f64::from(k))), ("word", Value::Text(["a", "b"][usize::from(k % 2)]))];
            let labels = ["up", "down"];
            let y = match task {
                Task::Classify => Target::Class(labels[usize::from(k % 2)]),
                Task::Regress => Target::Value(f64::from(k)),
                Task::MultiLabel => Target::of_labels(&labels[..usize::from(k % 3)]),
            };
            deep.learn_one(&x, y).expect("the row is good");
        }
        deep
    }

    fn lesson(deep: &mut Deep) -> &mut Lesson {
        let lesson = deep.expert.memory.items_mut().first_mut();
        lesson.expect("there is one")
    }

    fn network(deep: &mut Deep) -> &mut Network {
        deep.expert.network.as_mut().expect("it has learned")
    }

    fn recurrent(deep: &mut Deep) -> &mut Recurrent {
        deep.expert.recurrent.as_mut().expect("it is recurrent")
    }

    #[test]
    fn a_learner_whose_parts_do_not_fit_is_refused() {
        let changes: &[Change<Deep>] = &[
            ("a lesson without rows", |deep| lesson(deep).rows.clear()),
            ("a lesson longer than the window", |deep| lesson(deep).rows.resize(17, Vec::new())),
            ("a lesson that begins elsewhere", |deep| lesson(deep).state = State::zeros(2, 4)),
            ("a lesson of a class that is not known", |deep| lesson(deep).truth.classes = vec![2]),
            ("a lesson of which too much was said", |deep| lesson(deep).said = vec![0.0; 3]),
            ("another replay", |deep| deep.expert.replay = Rehearsal::new(&MemorySpec::default())),
            ("rows of a context that is not there", |deep| {
                deep.expert.context = Context::new(&"ewc:1".parse().unwrap(), 1)
            }),
            ("a lesson without a class", |deep| lesson(deep).truth.classes.clear()),
            ("a memory that is too full", |deep| deep.config.memory.size = 3),
            ("another window", |deep| recurrent(deep).window = NonZeroUsize::MIN),
            ("a window that is too full", |deep| recurrent(deep).rows.resize(17, Vec::new())),
            ("a state that is not carried", |deep| recurrent(deep).carried = State::default()),
            ("no state", |deep| deep.expert.recurrent = None),
            ("no network", |deep| deep.expert.network = None),
            ("a network that does not learn", |deep| deep.expert.mode = Mode::Eval),
            ("more outputs than weights", |deep| network(deep).outputs += 1),
            ("more classes than outputs", |deep| {
                deep.objective.came.push(1.0);
                deep.objective.classes.insert("new");
            }),
            ("fewer counts than classes", |deep| deep.objective.came.clear()),
            ("another loss", |deep| deep.objective.loss = LossSpec::Mae),
            ("more columns than features", |deep| network(deep).inputs.columns += 1),
            ("more categories than vectors", |deep| network(deep).inputs.tables[0].rows += 1),
            ("vectors that are weights", |deep| {
                network(deep).inputs.tables[0].embedding.weight = network(deep).head.weight;
            }),
            ("a head that is a bias", |deep| {
                network(deep).head.weight = network(deep).head.bias.expect("there is one");
            }),
            ("another body", |deep| *deep = Deep { config: config(Task::Classify, "lstm:4"), ..deep.clone() }),
            ("other features", |deep| deep.features = Features::with(deep.config.features.clone())),
            ("features that were not asked for", |deep| deep.config.features = FeatureSpec::default()),
            ("a parameter too many", |deep| {
                deep.expert.params.add("embedding.new.weight", [3, 2], |_| 0.0);
            }),
            ("moments of another network", |deep| {
                deep.expert.optimizer = taught(Task::Classify, "lstm:4").expert.optimizer
            }),
            ("a count that cannot go on", |deep| deep.rows = u64::MAX),
        ];
        refuses(&taught(Task::Classify, "lstm:3"), changes);
    }

    #[test]
    fn what_is_held_of_another_network_is_refused() {
        let holding = |model: &str, consolidation: &str| {
            let mut config = config(Task::Classify, model);
            config.consolidation = consolidation.parse().expect("it is one");
            let mut deep = Deep::new(config);
            for k in 0..9_u8 {
                deep.learn_one(&[("x", f64::from(k))], Target::Class(["up", "down"][usize::from(k % 2)]))
                    .expect("it is good");
            }
            assert!(deep.end_context());
            deep.learn_one(&[("x", 1), ("new", 2)], Target::Class("new")).expect("it is good");
            deep
        };
        for consolidation in ["ewc:1,rows=5", "si:1", "mas:1", "lwf:1", "l2:1"] {
            let (good, other) = (holding("mlp:3", consolidation), holding("mlp:4", consolidation));
            refuses(&good, &[("another strength", |deep| deep.config.consolidation = "ewc:3".parse().unwrap())]);
            let mut wrong = good.clone();
            wrong.expert.context = other.expert.context;
            let bytes = bincode::serialize(&wrong).expect("it can be written");
            assert!(bincode::deserialize::<Deep>(&bytes).is_err(), "{consolidation}");
        }
    }

    #[test]
    fn lessons_have_as_many_numbers_as_the_answers() {
        let changes: &[Change<Deep>] = &[
            ("two numbers", |deep| lesson(deep).truth.values.push(1.0)),
            ("none", |deep| lesson(deep).truth.values.clear()),
            ("two rows", |deep| lesson(deep).rows.push(Vec::new())),
            ("a state", |deep| lesson(deep).state = State::zeros(1, 3)),
        ];
        refuses(&taught(Task::Regress, "mlp:3"), changes);
        refuses(
            &taught(Task::MultiLabel, "mlp:3"),
            &[("a label that is not known", |deep| lesson(deep).truth.classes = vec![2])],
        );
    }

    /// They are compared and not made into a shape, which may be larger than any memory.
    #[test]
    fn vectors_of_any_size_are_not_there() {
        let mut deep = taught(Task::Classify, "mlp:3");
        assert!(network(&mut deep).inputs.clone().are_in(&deep.expert.params));
        network(&mut deep).inputs.tables[0].rows = usize::MAX;
        assert!(!network(&mut deep).inputs.clone().are_in(&deep.expert.params));
    }

    #[test]
    fn what_has_learned_nothing_is_read_again() {
        refuses(
            &Deep::new(config(Task::Classify, "lstm:3")),
            &[
                ("lessons", |deep| deep.expert.memory = taught(Task::Classify, "lstm:3").expert.memory),
                ("parameters", |deep| deep.expert.params = taught(Task::Classify, "lstm:3").expert.params),
                ("moments", |deep| deep.expert.optimizer = taught(Task::Classify, "lstm:3").expert.optimizer),
            ],
        );
    }

    #[test]
    fn specifications_are_read_as_strictly_as_they_are_parsed() {
        let read = |text: &str| {
            let bytes = bincode::serialize(text).expect("it can be written");
            (bincode::deserialize::<MemorySpec>(&bytes).is_ok(), bincode::deserialize::<Model>(&bytes).is_ok())
        };
        assert_eq!(read("reservoir:5,replays=10000"), (true, false));
        assert_eq!(read("reservoir:5,replays=10001"), (false, false));
        assert_eq!(read("reservoir:100000001"), (false, false));
        assert_eq!(read("lstm:3,window=16384"), (false, true));
        assert_eq!(read("lstm:3,window=16385"), (false, false));
        assert_eq!(read("linear:65536 > linear:65536 > linear:65536"), (false, false));
    }
}
