use super::*;
use crate::deep::{ClassWeights, Deep, LossSpec, Model};
use crate::learn::{Learner, Target};
use crate::memory::MemorySpec;
use crate::row::Weighted;
use serde::{Deserialize, Serialize};

/// A model with one task, which can be run through what is there for learners.
#[derive(Clone, Serialize, Deserialize)]
struct Single(MultiTask, Task);

impl Single {
    fn new(config: Config) -> Self {
        let task = config.task;
        Single(MultiTask::new(config).unwrap(), task)
    }
}

impl Learner for Single {
    fn task(&self) -> Task {
        self.1
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        self.0.predict_one("y", x)
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        self.0.learner("y", self.1).learn_one(x, y)
    }
}

fn configs() -> Vec<Config> {
    let mut configs = Vec::new();
    for task in [Task::Classify, Task::Regress] {
        for model in ["linear", "mlp:7,5", "linear:6 > layer_norm > gelu > dropout:0.2"] {
            for (optimizer, memory) in
                [("sgd:0.03", "none"), ("adamw:0.01,clip=1", "reservoir:6,replays=2"), ("adam:0.01", "none")]
            {
                let usual = Config::new(task);
                let (class_weights, loss) = match task {
                    Task::Classify if memory != "none" => (ClassWeights::Balanced, usual.loss),
                    Task::Regress if memory != "none" => {
                        (usual.class_weights, LossSpec::parse("quantile:0.1,0.9").unwrap())
                    }
                    _ => (usual.class_weights, usual.loss),
                };
                configs.push(Config {
                    model: Model::parse(model).unwrap(),
                    optimizer: optimizer.parse().unwrap(),
                    memory: MemorySpec::parse(memory).unwrap(),
                    class_weights,
                    loss,
                    ..Config::new(task)
                });
            }
        }
    }
    configs
}

/// Cells, a label and a number.
type Example = (Vec<(String, crate::Value<'static>)>, String, f64);

/// Rows in which features, categories, missing cells and classes come and go.
fn rows(count: usize) -> Vec<Example> {
    let mut rng = Rng::new(5);
    let mut row = |k: usize| {
        let mut x = Vec::new();
        for feature in 0..(1 + k / 6).min(4) {
            let number = if rng.below(7) == 0 { f64::NAN } else { rng.normal() };
            x.push((format!("number {feature}"), crate::Value::Number(number)));
        }
        if k > 9 {
            x.push(("word".to_owned(), crate::Value::Text(["p", "q", "r"][rng.below(3)])));
        }
        (x, format!("class {}", rng.below(1 + (k / 8).min(3))), 10.0 * rng.normal() + 3.0)
    };
    (0..count).map(&mut row).collect()
}

fn bits(prediction: &Prediction<'_>) -> Vec<u64> {
    match prediction {
        Prediction::Unknown => Vec::new(),
        Prediction::Classes { probabilities, .. } | Prediction::Labels { probabilities, .. } => {
            probabilities.iter().map(|p| u64::from(p.to_bits())).collect()
        }
        Prediction::Value(value) => vec![value.to_bits()],
        Prediction::Quantiles { values, .. } | Prediction::Values(values) => {
            values.iter().map(|v| v.to_bits()).collect()
        }
    }
}

#[test]
fn with_one_task_it_is_a_deep_learner_to_the_bit() -> Result<(), Error> {
    for config in configs() {
        let (mut deep, mut single) = (Deep::new(config.clone()), Single::new(config.clone()));
        for (k, (x, label, value)) in rows(80).into_iter().enumerate() {
            let x = Weighted(x, [1.0, 0.0, 3.0, 0.25][k % 4]);
            let y = if config.task == Task::Classify { Target::Class(&label) } else { Target::Value(value) };
            assert_eq!(bits(&single.predict_one(&x)?), bits(&deep.predict_one(&x)?), "{config:?}");
            assert_eq!(single.learn_one(&x, y)?.to_bits(), deep.learn_one(&x, y)?.to_bits(), "{config:?}");
        }
        assert_eq!(single.0.steps(), (deep.steps(), deep.refused()));
    }
    Ok(())
}

#[cfg(feature = "checkpoint")]
#[test]
fn a_task_obeys_the_laws_of_learners() {
    for config in configs() {
        assert_eq!(crate::conformance::check(|| Single::new(config.clone())), Ok(()), "{config:?}");
    }
}

#[test]
fn the_order_of_answers_does_not_matter() -> Result<(), Error> {
    for config in configs() {
        let [mut model, mut other] = [MultiTask::new(config.clone())?, MultiTask::new(config)?];
        for (k, (x, label, value)) in rows(40).into_iter().enumerate() {
            let mut answers = [("label", Target::Class(&label)), ("value", Target::Value(value))];
            let loss = model.learn_tasks(&x, &answers)?;
            answers.rotate_left(k.min(1)); // the first row says which task comes first
            assert_eq!(other.learn_tasks(&x, &answers)?.to_bits(), loss.to_bits());
            assert_eq!(bits(&other.predict_one("value", &x)?), bits(&model.predict_one("value", &x)?));
        }
    }
    Ok(())
}

/// The growth alone, without the step that follows it; and then the step, which moves no other head by a bit.
#[test]
fn a_new_task_changes_nothing_that_is_said_of_the_others() -> Result<(), Error> {
    for config in configs() {
        let mut model = MultiTask::new(config.clone())?;
        for (x, label, value) in rows(30) {
            model.learn_tasks(&x, &[("label", Target::Class(&label)), ("value", Target::Value(value))])?;
        }
        let said = |model: &mut MultiTask| -> Result<Vec<Vec<u64>>, Error> {
            let mut all = Vec::new();
            for (x, ..) in rows(30) {
                for task in ["label", "value"] {
                    all.push(bits(&model.predict_one(task, &x)?));
                }
            }
            Ok(all)
        };
        let heads = |model: &MultiTask| -> Vec<Vec<u32>> {
            let of =
                |name: &str| model.params.of(model.params.find(name).unwrap()).iter().map(|w| w.to_bits()).collect();
            ["head.label.weight", "head.label.bias", "head.value.weight", "head.value.bias"].map(of).to_vec()
        };
        let before = (said(&mut model)?, heads(&model));
        model.scratch.lesson.weight = 1.0;
        model.grow(&[("new", Target::Class("a"))])?;
        assert_eq!((said(&mut model)?, heads(&model)), before, "{config:?}");
        let (x, ..) = &rows(1)[0];
        model.memory = crate::memory::BufferKind::Ring.build(0); // no replays, which are of the old tasks
        model.learn_one("newer", x, Target::Value(1.0))?;
        assert_eq!(heads(&model), before.1, "{config:?}");
        assert_eq!(model.tasks(), ["label", "value", "new", "newer"]);
        assert_eq!(model.task("newer"), Some((Task::Regress, 1)));
    }
    Ok(())
}

#[cfg(feature = "checkpoint")]
#[test]
fn saved_and_loaded_with_several_tasks_it_goes_on() -> Result<(), Error> {
    for config in configs() {
        let mut model = MultiTask::new(config.clone())?;
        let teach = |model: &mut MultiTask, rows: &[Example]| {
            for (k, (x, label, value)) in rows.iter().enumerate() {
                let both = [("label", Target::Class(label)), ("value", Target::Value(*value))];
                model.learn_tasks(x, &both[..1 + k % 2]).unwrap();
                model.learn_one("other", x, Target::Value(-value)).unwrap();
            }
        };
        let rows = rows(60);
        teach(&mut model, &rows[..25]);
        let mut loaded: MultiTask = crate::checkpoint::decode(&crate::checkpoint::encode(&model)?)?;
        teach(&mut model, &rows[25..]);
        teach(&mut loaded, &rows[25..]);
        let [went_on, came_back] = [crate::checkpoint::encode(&model)?, crate::checkpoint::encode(&loaded)?];
        assert!(went_on == came_back, "{config:?}");
    }
    Ok(())
}

#[test]
fn what_is_refused_changes_nothing() -> Result<(), Error> {
    let mut model = MultiTask::new(Config::new(Task::Classify))?;
    let x = [("a", 1.0)];
    model.learn_tasks(&x, &[("label", Target::Class("p")), ("value", Target::Value(2.0))])?;
    let state = |model: &MultiTask| serde_json::to_string(model).unwrap();
    let before = state(&model);
    let new = [("a", 1.0), ("b", 2.0)];
    let message = |error: Result<f64, Error>| error.unwrap_err().to_string();
    let wrong = message(model.learn_tasks(&new, &[("value", Target::Value(1.0)), ("label", Target::Value(1.0))]));
    assert_eq!(wrong, "column \"label\": expected a label, found the number 1");
    let twice = message(model.learn_tasks(&new, &[("z", Target::Value(1.0)), ("z", Target::Value(1.0))]));
    assert_eq!(twice, "expected one answer to each task, found \"z\"");
    assert!(model.learn_one("z", &new, Target::Value(f64::NAN)).is_err());
    assert!(model.learn_one("z", &[("a", "text")], Target::Value(1.0)).is_err());
    assert_eq!(model.learn_tasks(&new, &[])?, 0.0);
    assert!(matches!(model.predict_one("z", &x)?, Prediction::Unknown));
    assert_eq!(state(&model), before);
    for (model, features) in [("lstm:4", "scale=standard"), ("mlp:4", "lags=2")] {
        let features = crate::FeatureSpec::parse(features)?;
        assert!(
            MultiTask::new(Config { model: Model::parse(model)?, features, ..Config::new(Task::Regress) }).is_err()
        );
    }
    Ok(())
}
