//! Laws of exits: θ's gradient is that of Σ α L, and weights and mixture are as by hand.

use thalweg_autograd::{Params, Tape};
use thalweg_nn::{Mode, State};

use super::super::learn::Look;
use super::super::recurrent::Moves;
use super::*;
use crate::{FeatureSpec, Learner, MemorySpec, Model, Prediction, Target};

fn learner(task: Task, model: &str, memory: &str) -> Deep {
    Deep::new(Config {
        model: Model::parse(model).expect("a model"),
        depth: "hedge:beta=0.8,share=0.3".parse().expect("exits"),
        features: FeatureSpec::parse("scale=none").expect("features"),
        memory: MemorySpec::parse(memory).expect("a memory"),
        optimizer: "sgd:0.05".parse().expect("an optimizer"),
        ..Config::new(task)
    })
}

fn row(k: u32) -> [f64; 2] {
    [f64::from(k * 7 % 11) / 5.0 - 1.0, f64::from(k * 5 % 13) / 6.0 - 1.0]
}

fn target(task: Task, k: u32) -> Target<'static> {
    let [a, b] = row(k);
    match task {
        Task::Classify => Target::Class(["p", "q", "r"][(a > 0.0) as usize + (a * b > 0.0) as usize]),
        Task::Regress => Target::Value(3.0 * a * b + 1.0),
        Task::MultiLabel => Target::of_labels(&["p", "q"][..(a > 0.0) as usize + (b > 0.2) as usize]),
    }
}

fn learn(learner: &mut Deep, k: u32) -> f64 {
    let [a, b] = row(k);
    let y = target(learner.task(), k);
    learner.learn_one(&[("a", a), ("b", b)], y).expect("the row is good")
}

fn learn_rows(learner: &mut Deep, rows: std::ops::Range<u32>) {
    for k in rows {
        learn(learner, k);
    }
}

/// What each exit says in f64, from the inputs on.
fn outputs(network: &Network, params: &Params<f64>, [a, b]: [f64; 2]) -> Vec<Vec<f64>> {
    let mut tape = Tape::<f64>::new();
    let pass = tape.pass(params);
    let mut hears = vec![pass.input(&[a, b][..])];
    let start = network.body().enter(&pass, &State::default());
    network.body().step_observed(hears[0], start, &mut Mode::Eval, &mut |place, h| {
        if place % 2 == 1 {
            hears.push(h);
        }
    });
    network.heads().zip(hears).map(|(head, h)| head.forward(h).to_tensor().as_slice().to_vec()).collect()
}

/// The loss of one exit, in f64.
fn loss(learner: &Deep, z: &[f64], truth: &Truth) -> f64 {
    match learner.task() {
        Task::Classify => z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[truth.classes[0]],
        Task::Regress => {
            let standardised = learner.objective.targets[0].standardise(truth.values[0]).unwrap_or(0.0);
            (z[0] - f64::from(standardised as f32)).powi(2)
        }
        Task::MultiLabel => {
            let of = |(class, z): (usize, &f64)| {
                let is = f64::from(u8::from(truth.classes.contains(&class)));
                (1.0 + z.exp()).ln() - is * z
            };
            z.iter().take(learner.classes().len()).enumerate().map(of).sum()
        }
    }
}

#[test]
fn the_gradient_is_that_of_the_weighed_losses() {
    for task in [Task::Classify, Task::Regress, Task::MultiLabel] {
        for model in ["mlp:4", "linear:5 > tanh > linear:4 > tanh > linear:3 > tanh"] {
            let mut learner = learner(task, model, "none");
            learn_rows(&mut learner, 0..30);
            let alpha = learner.depths().to_vec();
            assert!(alpha.iter().any(|a| (a - alpha[0]).abs() > 1e-3), "depths differ: {alpha:?}");
            learner.look(Look::New(Moves::Both)); // the row in scratch is the last one
            let truth = learner.scratch.lesson.truth.clone();
            let gradient = learner.scratch.grads.as_slice().to_vec();
            let network = learner.expert.network.clone().expect("it has learned");
            let mut params = learner.params().cast::<f64>();
            let x = row(29).map(|x| f64::from(x as f32));
            let total = |params: &Params<f64>| -> f64 {
                let said = outputs(&network, params, x);
                said.iter().zip(&alpha).map(|(z, alpha)| alpha * loss(&learner, z, &truth)).sum()
            };
            let step = 1e-5;
            for (param, entry) in learner.params().layout().iter() {
                for index in 0..entry.shape().len() {
                    let at = entry.range().start + index;
                    let mut moved = |by: f64| {
                        params.of_mut(param)[index] += by;
                        let loss = total(&params);
                        params.of_mut(param)[index] -= by;
                        loss
                    };
                    let slope = (moved(step) - moved(-step)) / (2.0 * step);
                    let found = f64::from(gradient[at]);
                    let name = entry.name();
                    assert!(
                        (found - slope).abs() < 1e-4 * slope.abs().max(0.1),
                        "{task} {model} {name}: {found} {slope}"
                    );
                }
            }
        }
    }
}

/// Predictions, losses and α from what each exit says in f64; what is replayed does not move α.
#[test]
fn weights_and_mixture_by_hand() {
    for task in [Task::Classify, Task::Regress] {
        for memory in ["none", "reservoir:5,replays=2"] {
            let mut learner = learner(task, "mlp:6,5,4", memory);
            learn_rows(&mut learner, 0..20);
            let mut alpha = learner.depths().to_vec();
            for k in 20..80 {
                let name = format!("{task} {memory}, row {k}");
                let [a, b] = row(k);
                let network = learner.expert.network.clone().expect("it has learned");
                let x = [a, b].map(|x| f64::from(x as f32));
                let said = outputs(&network, &learner.params().cast(), x);
                let mixed = |of: &dyn Fn(&[f64]) -> f64| -> f64 {
                    said.iter().zip(&alpha).map(|(z, alpha)| alpha * of(z)).sum()
                };
                let probability = |z: &[f64], class: usize| z[class].exp() / z.iter().map(|z| z.exp()).sum::<f64>();
                let moments = learner.objective.targets.first().copied().unwrap_or_default();
                match learner.predict_one(&[("a", a), ("b", b)]).expect("the row is good") {
                    Prediction::Classes { probabilities, .. } => {
                        for (class, &p) in probabilities.iter().enumerate() {
                            let expected = mixed(&|z| probability(z, class));
                            assert!((f64::from(p) - expected).abs() < 1e-5, "{name}: {p} {expected}");
                        }
                    }
                    Prediction::Value(value) => {
                        let expected = moments.mean() + moments.deviation() * mixed(&|z| z[0]);
                        assert!((value - expected).abs() < 1e-4, "{name}: {value} {expected}");
                    }
                    other => panic!("{name}: {other:?}"),
                }
                let found = learn(&mut learner, k);
                let truth = &learner.scratch.lesson.truth;
                let expected = match task {
                    Task::Classify => -mixed(&|z| probability(z, truth.classes[0])).ln(),
                    _ => loss(&learner, &[mixed(&|z| z[0])], truth),
                };
                assert!((found - expected).abs() < 1e-4 * expected.max(1.0), "{name}: {found} {expected}");
                let losses = said.iter().map(|z| loss(&learner, z, truth));
                let next = losses.zip(&alpha).map(|(loss, alpha)| (alpha * 0.8_f64.powf(loss)).max(0.3 / 3.0));
                let next: Vec<f64> = next.collect();
                let all: f64 = next.iter().sum();
                alpha = next.into_iter().map(|next| next / all).collect();
                for (found, expected) in learner.depths().iter().zip(&alpha) {
                    assert!((found - expected).abs() < 1e-4, "{name}: {:?} {alpha:?}", learner.depths());
                }
                alpha.copy_from_slice(learner.depths());
            }
        }
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let mut good = learner(Task::Classify, "mlp:4,3", "none");
    learn_rows(&mut good, 0..9);
    crate::saved::testing::refuses(
        &good,
        &[
            ("one exit alone", |deep| deep.config.depth = DepthSpec::None),
            ("other weights", |deep| deep.config.depth = "hedge".parse().expect("exits")),
            ("no weights", |deep| deep.expert.depth = None),
            ("a depth too few", |deep| {
                deep.expert.depth.iter_mut().for_each(|depth| depth.alpha.truncate(1));
            }),
            ("weights that do not add up", |deep| deep.expert.depth.iter_mut().for_each(|depth| depth.alpha[0] += 1.0)),
            ("an exit that is another", |deep| {
                deep.expert.network.iter_mut().for_each(|network| network.exits[1] = network.exits[0]);
            }),
            ("an exit too few", |deep| {
                deep.expert.network.iter_mut().for_each(|network| network.exits.truncate(1));
            }),
        ],
    );
}

/// What an exit says that has diverged is not a number; the others go on learning, and are trusted instead.
#[test]
fn an_exit_that_has_diverged_stops_no_other() {
    let mut learner = learner(Task::Regress, "mlp:6,5", "none");
    learn_rows(&mut learner, 0..20);
    let first = learner.network().and_then(|network| network.heads().next()).expect("an exit at the inputs");
    learner.expert.params.of_mut(first.weight).fill(f32::MAX);
    let (before, refused) = (learner.fingerprint(), learner.refused());
    learn_rows(&mut learner, 20..60);
    assert!(learner.fingerprint() != before && learner.refused() == refused, "{}", learner.refused());
    assert!(learner.depths()[0] < learner.depths()[2], "{:?}", learner.depths());
}
