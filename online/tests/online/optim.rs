//! Every optimizer, driven by a learner: it learns, grows, resumes, and asks for no memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use allocation_counter::measure;
use flate2::read::GzDecoder;
use thalweg_autograd::{Grads, Params};
use thalweg_nn::Optimizer;
use thalweg_online::optim::{Ftrl, OptimizerSpec};
use thalweg_online::{
    Config, Deep, Learner, MemorySpec, Model, Moments, MultiTask, Prediction, Target, Task, Weighted, checkpoint,
    conformance,
};

/// All but the ones that `nn` tests.
const OPTIMIZERS: [&str; 12] = [
    "obgd",
    "obgd:1,trace=0.3",
    "adaptive-obgd",
    "idbd",
    "autostep",
    "vw:0.5,rescales=false",
    "ftrl",
    "hypergradient",
    "schedule-free-sgd",
    "schedule-free-adamw",
    "cocob",
    "adam:0.01,bound=0.5",
];

fn config(task: Task, model: &str, optimizer: &str) -> Config {
    Config {
        model: Model::parse(model).expect("a model"),
        optimizer: optimizer.parse().expect("an optimizer"),
        ..Config::new(task)
    }
}

/// A row and its answer: a class is whether x and y have one sign, a number is their product.
fn row(k: u32) -> ([(&'static str, f64); 2], f64) {
    let [x, y] = [f64::from(k * 7 % 13) - 6.0, f64::from(k * 5 % 11) - 5.0];
    ([("x", x), ("y", y)], x * y)
}

fn learn(learner: &mut Deep, k: u32) {
    let (x, product) = row(k);
    let y = match learner.task() {
        Task::Regress => Target::Value(product),
        _ => Target::Class(if product > 0.0 { "same" } else { "other" }),
    };
    learner.learn_one(&x, y).expect("the row is good");
}

#[test]
fn each_is_reached_by_its_name() {
    for name in OptimizerSpec::names() {
        assert!(name.parse::<OptimizerSpec>().is_ok(), "{name}");
    }
}

/// No tuning: every one of them, as it is by default, is better than what knows nothing.
#[test]
fn each_learns_a_product() {
    for optimizer in OPTIMIZERS {
        for task in [Task::Classify, Task::Regress] {
            let mut learner = Deep::new(config(task, "mlp:16", optimizer));
            (0..3000).for_each(|k| learn(&mut learner, k));
            let (mut errors, mut of_mean) = (0.0, 0.0);
            for k in 3000..3143 {
                let (x, product) = row(k);
                match learner.predict_one(&x).expect("the row is good") {
                    Prediction::Value(value) => errors += (value - product).powi(2),
                    said => errors += f64::from(said.label() != Some(if product > 0.0 { "same" } else { "other" })),
                }
                of_mean += if task == Task::Regress { product.powi(2) } else { 0.45 };
            }
            assert!(errors < 0.6 * of_mean, "{optimizer}, {task}: {errors}, and {of_mean} of what knows nothing");
        }
    }
}

#[test]
fn each_obeys_the_laws_of_learners() {
    for optimizer in OPTIMIZERS {
        let config = config(Task::Classify, "mlp:6", optimizer);
        assert_eq!(conformance::check(|| Deep::new(config.clone())), Ok(()), "{optimizer}");
    }
}

/// Stopped between any two rows, saved and loaded, with rows that are learned again and features and classes that come.
#[test]
fn each_resumes_to_the_bit() {
    for optimizer in OPTIMIZERS {
        let memory = MemorySpec::parse("reservoir:8,replays=1").expect("a memory");
        let new = || Deep::new(Config { memory: memory.clone(), ..config(Task::Classify, "mlp:5", optimizer) });
        let (mut unbroken, mut stopped) = (new(), new());
        for k in 0..40_u32 {
            let (x, _) = row(k);
            let late = [x[0], x[1], ("late", f64::from(k % 3))];
            let x = if k < 20 { &late[..2] } else { &late[..] };
            let class = ["a", "b", "c"][(k % (2 + k / 20)) as usize];
            for learner in [&mut unbroken, &mut stopped] {
                learner.predict_one(&x).expect("the row is good");
                learner.learn_one(&x, Target::Class(class)).expect("the row is good");
            }
            let bytes = checkpoint::encode(&stopped).expect("it is small");
            assert_eq!(bytes, checkpoint::encode(&unbroken).expect("it is small"), "{optimizer}, row {k}");
            stopped = checkpoint::decode(&bytes).expect("it is whole");
        }
        assert!(unbroken.steps() > 40 && unbroken.refused() == 0, "{optimizer}");
    }
}

#[test]
fn each_learns_without_new_memory() {
    for optimizer in OPTIMIZERS {
        for task in [Task::Classify, Task::Regress] {
            let mut learner = Deep::new(config(task, "mlp:8", optimizer));
            let mut step = |k: u32| {
                learner.predict_one(&row(k).0).expect("the row is good");
                learn(&mut learner, k);
            };
            (0..200).for_each(&mut step);
            let used = measure(|| (200..400).for_each(&mut step));
            assert_eq!(used.count_total, 0, "{optimizer}, {task}");
        }
    }
}

/// Of a linear model and one number, where it can be told what overshoots: whatever the answers are.
#[test]
fn what_is_bound_does_not_overshoot() {
    for optimizer in
        ["obgd:1", "autostep:1", "vw:100,rescales=false", "sgd:10,bound=1", "adam:1,bound=1", "idbd:1,bound=1"]
    {
        let mut learner = Deep::new(config(Task::Regress, "linear", optimizer));
        for k in 0..300_u32 {
            let x = [("a", f64::from(k * 7 % 13) - 6.0), ("b", f64::from(k * 5 % 11) - 5.0)];
            let y = f64::from(k * 37 % 101).powi(3);
            // What is standardised moves with the row, so the network is asked after it was seen once, without weight.
            let seen = Weighted(x, 0.0);
            learner.learn_one(&seen, Target::Value(y)).expect("the row is good");
            let before = output(&mut learner, &x);
            let loss = learner.learn_one(&x, Target::Value(y)).expect("the row is good");
            let after = output(&mut learner, &x);
            if k > 50 {
                // The step went at most to the other side by what the second look at the row has changed.
                assert!((after - before).abs() <= loss.sqrt() * 1.1 + 0.05, "{optimizer} {k}: {before} {after} {loss}");
            }
        }
    }
}

fn output(learner: &mut Deep, x: &[(&'static str, f64); 2]) -> f64 {
    learner.logits_one(x).expect("the row is good").first().map_or(0.0, |&z| f64::from(z))
}

#[test]
fn several_tasks_take_what_asks_for_the_gradient_alone() {
    for optimizer in OPTIMIZERS {
        let spec: OptimizerSpec = optimizer.parse().expect("an optimizer");
        let model = MultiTask::new(config(Task::Classify, "mlp:8", optimizer));
        assert_eq!(model.is_ok(), spec.needs() == thalweg_online::optim::Needs::Gradient, "{optimizer}");
    }
}

/// River's weights after 300 rows of TrumpApproval, standardised as they come; its intercept is learned by gradient descent.
/// River predicts with the weights of the row before (they are worked out when the next gradient is there already).
#[test]
fn ftrl_is_that_of_river() -> Result<(), Box<dyn std::error::Error>> {
    let Ok(data) = std::env::var("THALWEG_DATA") else {
        eprintln!("skipped: THALWEG_DATA does not name the folder of data files");
        return Ok(());
    };
    let mut text = String::new();
    GzDecoder::new(File::open(Path::new(&data).join("trump_approval.csv.gz"))?).read_to_string(&mut text)?;
    let expected: serde_json::Value = serde_json::from_str(include_str!("../fixtures/optim.json"))?;

    let (mut params, mut rule, mut scales) = (Params::<f64>::new(), Ftrl::new(0.05), [Moments::default(); 6]);
    let w = params.add("w", [6], |_| 0.0);
    let (mut grads, mut before, mut intercept) = (Grads::like(&params), [0.0; 6], 0.0);
    for line in text.lines().skip(1).take(300) {
        let cells = line.split(',').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        let (y, mut x) = (cells[1], [cells[0], cells[2], cells[3], cells[4], cells[5], cells[6]]);
        for (x, scale) in x.iter_mut().zip(&mut scales) {
            scale.update(*x);
            *x = scale.standardise(*x).unwrap_or(0.0);
        }
        let predicted = intercept + before.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let slope = 2.0 * (predicted - y);
        before.copy_from_slice(params.of(w));
        grads.of_mut(w).iter_mut().zip(x).for_each(|(g, x)| *g = slope * x);
        rule.step(&mut params, &mut grads);
        intercept -= 0.1 * slope;
    }
    let river: Vec<f64> = serde_json::from_value(expected["weights"].clone())?;
    before.iter().zip(river).for_each(|(ours, river)| assert!((ours - river).abs() < 1e-9, "{ours} {river}"));
    assert!((intercept - expected["intercept"].as_f64().unwrap_or_default()).abs() < 1e-9, "{intercept}");
    Ok(())
}
