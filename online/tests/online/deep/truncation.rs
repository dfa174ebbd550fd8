//! Truncated backpropagation against its definition: double precision, single steps of the cells' equations, states from the formula.

use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Cell, CellOptions, Gru, GruForm, Linear, Lstm, Optimizer, Rnn, Sgd, State};
use thalweg_online::{Deep, Features, Learner, Moments, Row, Target, Task};
use thalweg_tensor::{Rng, Tensor};

use crate::deep::support::config;

const TASKS: [Task; 2] = [Task::Classify, Task::Regress];
const HIDDEN: usize = 5;
const SEED: u64 = 42;
const RATE: f64 = 0.1;
/// What 60 rows in single precision may differ by from the same in double precision.
const TOLERANCE: f64 = 1e-5;

type Cells = [(&'static str, f64); 2];

/// Rows whose answers depend on the rows before.
fn rows() -> Vec<(Cells, f64)> {
    let mut rng = Rng::new(9);
    let mut past = [0.0; 3];
    let mut row = || {
        let (a, b) = (rng.normal(), rng.range(-2.0, 5.0));
        past = [a, past[0], past[1]];
        ([("a", a), ("b", b)], past[0] - 2.0 * past[1] + past[2] * b + 4.0)
    };
    (0..60).map(|_| row()).collect()
}

fn target(task: Task, y: f64) -> Target<'static> {
    match task {
        Task::Classify => Target::Class(if y > 4.0 { "high" } else { "low" }),
        _ => Target::Value(y),
    }
}

/// TBPTT(1, k): θ after each row.
///
/// The state before the window is s₁ of the pass before: by the weights, and the scaling, of that pass.
fn reference<C: Cell>(task: Task, k: usize, make: impl Fn(&mut Params<f64>, &mut Rng) -> C) -> Vec<Params<f64>> {
    let (mut params, mut rng, rows) = (Params::new(), Rng::new(SEED), rows());
    let cell = make(&mut params, &mut rng);
    let head = Linear::new(&mut params, "head", HIDDEN, 1, &mut rng);
    let (mut features, mut moments, mut classes) = (Features::new(), Moments::default(), Vec::new());
    let (mut sgd, mut grads, mut tape) = (Sgd::new(RATE), Grads::like(&params), Tape::new());
    let mut start = cell.zero_state(&params);
    let mut after_first: Option<State<f64>> = None;
    let mut thetas = Vec::new();
    for t in 0..rows.len() {
        features.observe(&rows[t].0).expect("numbers");
        let window = &rows[(t + 1).saturating_sub(k)..=t];
        if let Some(after_first) = after_first.take().filter(|_| t >= k) {
            start = after_first;
        }
        let y = target(task, rows[t].1);
        match y {
            Target::Value(y) => moments.update(y),
            Target::Class(class) if !classes.contains(&class) => {
                classes.push(class);
                if classes.len() > 1 {
                    head.grow_outputs(&mut params, 1);
                }
            }
            _ => {}
        }
        let scaled = |(x, _): &(Cells, f64)| -> Vec<f64> {
            let (mut raw, mut scaled) = (Vec::new(), Vec::new());
            features.read(x as &dyn Row, &mut raw).expect("numbers");
            features.scale(&raw, &mut scaled);
            scaled.into_iter().map(f64::from).collect()
        };
        let x = Tensor::new([window.len(), 2], window.iter().flat_map(scaled).collect::<Vec<f64>>());
        let pass = tape.pass(&params);
        let x = pass.input(&x);
        let (mut output, mut state) = cell.step(x.row(0), cell.enter(&pass, &start));
        cell.leave(state, after_first.insert(cell.zero_state(&params)));
        for t in 1..window.len() {
            (output, state) = cell.step(x.row(t), state);
        }
        let logits = head.forward(output);
        let loss = match y {
            Target::Value(y) => {
                let error = logits - pass.input(&[moments.standardise(y).expect("a number")]);
                (error * error).sum()
            }
            Target::Class(class) => {
                let class = classes.iter().position(|known| *known == class).expect("it was added");
                -logits.log_softmax().reshape([classes.len(), 1]).row(class).sum()
            }
            other => panic!("a class or a number expected, found {other:?}"),
        };
        loss.backward(&mut grads);
        sgd.step(&mut params, &mut grads);
        thetas.push(params.clone());
    }
    thetas
}

/// The largest difference of the two θ.
fn difference(learner: &Deep, reference: &Params<f64>) -> f64 {
    let mut largest: f64 = 0.0;
    for (param, entry) in reference.layout().iter() {
        let other = learner.params().find(entry.name()).expect("the names are those of the learner's network");
        let (found, expected) = (learner.params().of(other), reference.of(param));
        assert_eq!(found.len(), expected.len(), "{}", entry.name());
        for (&found, &expected) in found.iter().zip(expected) {
            largest = largest.max((f64::from(found) - expected).abs());
        }
    }
    largest
}

fn follows_the_definition<C: Cell>(model: &str, make: impl Fn(&mut Params<f64>, &mut Rng) -> C + Copy) {
    for task in TASKS {
        for k in [1, 2, 4] {
            let model = format!("{model}:{HIDDEN},window={k},last=false");
            let mut learner = Deep::new(config(task, &model, &format!("sgd:{RATE}"), "none"));
            let (expected, other) = (reference(task, k, make), reference(task, k + 1, make));
            let mut largest: f64 = 0.0;
            for (t, ((x, y), expected)) in rows().iter().zip(&expected).enumerate() {
                learner.learn_one(x, target(task, *y)).expect("the row is good");
                largest = largest.max(difference(&learner, expected));
                assert!(largest < TOLERANCE, "{task} {model}: θ differs by {largest} after row {t}");
            }
            let difference = difference(&learner, &other[other.len() - 1]);
            assert!(difference > 10.0 * TOLERANCE, "{task} {model}: one more row in the window shows: {difference}");
        }
    }
}

#[test]
fn the_gradient_goes_back_through_the_window() {
    follows_the_definition("rnn", |params, rng| Rnn::new(params, "body.0", 2, HIDDEN, rng));
    follows_the_definition("lstm", |params, rng| Lstm::new(params, "body.0", 2, HIDDEN, rng));
    follows_the_definition("gru", |params, rng| Gru::new(params, "body.0", 2, HIDDEN, rng));
}

#[test]
fn the_gradient_goes_back_through_the_window_in_the_other_form_of_gru() {
    for task in TASKS {
        let model = format!("gru:{HIDDEN},window=3,last=false,form=chung");
        let mut learner = Deep::new(config(task, &model, &format!("sgd:{RATE}"), "none"));
        let expected =
            reference(task, 3, |p, rng| Gru::with(p, "body.0", CellOptions::new(2, HIDDEN).form(GruForm::CHUNG), rng));
        for ((x, y), expected) in rows().iter().zip(&expected) {
            learner.learn_one(x, target(task, *y)).expect("the row is good");
            assert!(difference(&learner, expected) < TOLERANCE, "{task}");
        }
    }
}

/// `last=true` is the model without it, over rows to which the answer of the row before is added by hand.
#[test]
fn the_last_target_is_a_feature_like_any_other() {
    for model in ["rnn:5,window=3", "lstm:4,window=2", "gru:4,window=4"] {
        let mut seeing = Deep::new(config(Task::Regress, model, "adam:0.01", "reservoir:5,replays=1"));
        let model = format!("{model},last=false");
        let mut told = Deep::new(config(Task::Regress, &model, "adam:0.01", "reservoir:5,replays=1"));
        let mut last = None;
        for (x, y) in rows() {
            let x = x.map(|(name, value)| (name, Some(value)));
            let by_hand = [x[0], x[1], ("answer before", last)];
            assert_eq!(seeing.logits_one(&x).expect("numbers"), told.logits_one(&by_hand).expect("numbers"));
            let loss =
                |learner: &mut Deep, x: &dyn Row| learner.learn_one(x, Target::Value(y)).expect("numbers").to_bits();
            assert_eq!(loss(&mut seeing, &x), loss(&mut told, &by_hand));
            last = Some(y);
        }
        assert_eq!(seeing.fingerprint(), told.fingerprint(), "{model}");
    }
}
