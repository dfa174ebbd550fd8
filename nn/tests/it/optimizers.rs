//! Laws of every optimizer: refusal, sparse gradients, frozen parameters, denormal numbers, stopping and carrying on.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thalweg_autograd::{Grads, Param, Params, Tape};
use thalweg_nn::{Adadelta, Adagrad, Adam, Adamax, NAdam, Optimizer, RAdam, RmsProp, Sgd, Step};
use thalweg_nn::{Cell, Embedding, Groups, Linear, Lstm, State};
use thalweg_tensor::{Real, Rng};

use crate::support::bits;

/// What the laws ask of an optimizer.
pub(crate) trait Lawful: Optimizer<f32> + Clone + Serialize + DeserializeOwned + Send + Sync {
    fn set_groups(&mut self, groups: Groups);
    fn set_weight_decay(&mut self, weight_decay: f64);
}

macro_rules! lawful {
    ($($optimizer:ident)*) => {$(
        impl Lawful for $optimizer<f32> {
            fn set_groups(&mut self, groups: Groups) {
                self.groups = groups;
            }

            fn set_weight_decay(&mut self, weight_decay: f64) {
                self.weight_decay = weight_decay;
            }
        }
    )*};
}
lawful!(Sgd Adagrad RmsProp Adadelta Adam Adamax NAdam RAdam);

/// Checks a law for every optimizer: `$law(fresh optimizer)`.
macro_rules! for_every_optimizer {
    ($($law:tt)*) => {{
        use thalweg_nn::{Adadelta, Adagrad, Adam, Adamax, NAdam, RAdam, RmsProp, Sgd};
        use crate::optimizers::with;
        ($($law)*)(Sgd::new(0.1));
        ($($law)*)(with(Sgd::with_momentum(0.1, 0.9, false), |sgd| (sgd.weight_decay, sgd.dampening) = (0.01, 0.5)));
        ($($law)*)(with(Sgd::with_momentum(0.1, 0.9, true), |sgd| sgd.weight_decay = 0.01));
        ($($law)*)(Adagrad::new(0.1));
        ($($law)*)(with(Adagrad::new(0.1), |o| (o.learning_rate_decay, o.initial_accumulator) = (0.1, 0.01)));
        ($($law)*)(RmsProp::new(0.1));
        ($($law)*)(with(RmsProp::new(0.1), |o| (o.momentum, o.weight_decay) = (0.9, 0.01)));
        ($($law)*)(with(RmsProp::new(0.1), |o| (o.centered, o.momentum) = (true, 0.5)));
        ($($law)*)(Adadelta::new(1.0));
        ($($law)*)(Adam::new(0.1));
        ($($law)*)(Adam::adamw(0.1));
        ($($law)*)(Adam::amsgrad(0.1));
        ($($law)*)(Adamax::new(0.1));
        ($($law)*)(NAdam::new(0.1));
        ($($law)*)(with(NAdam::new(0.1), |o| (o.decoupled, o.weight_decay) = (true, 0.01)));
        ($($law)*)(RAdam::new(0.1));
        ($($law)*)(with(RAdam::new(0.1), |o| (o.decoupled, o.weight_decay) = (true, 0.01)));
    }};
}
pub(crate) use for_every_optimizer;

mod clipping;
mod laws;
mod paths;
pub(crate) mod spec;
mod surroundings;

/// An optimizer with some of its settings changed.
pub(crate) fn with<O>(mut optimizer: O, change: impl FnOnce(&mut O)) -> O {
    change(&mut optimizer);
    optimizer
}

/// Everything that an optimizer is, as text: equal texts are equal bits.
fn whole(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data")
}

fn reload<V: Serialize + DeserializeOwned>(value: &V) -> V {
    serde_json::from_str(&whole(value)).expect("what was written can be read")
}

/// A vector, a table and their gradients.
fn two_parameters() -> (Params, [Param; 2], Grads) {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let mut add = |name: &str, dims: &[usize]| params.add(name, dims, |_| rng.normal() as f32);
    let handles = [add("vector", &[5]), add("table", &[20, 3])];
    let grads = Grads::like(&params);
    (params, handles, grads)
}

/// A random gradient: all of the vector, and two rows of the table (by a lookup, as it happens).
fn random_gradient(params: &Params, [vector, table]: [Param; 2], grads: &mut Grads, rng: &mut Rng) {
    let mut tape = Tape::new();
    let pass = tape.pass(params);
    let rows = [rng.below(20), rng.below(20)];
    let cotangent: Vec<f32> = (0..6).map(|_| rng.normal() as f32).collect();
    pass.param(table).rows(&rows).backward_from(&cotangent, grads);
    grads.of_mut(vector).iter_mut().for_each(|g| *g = rng.normal() as f32);
}

fn refuses(mut optimizer: impl Lawful) {
    let (mut params, handles, mut grads) = two_parameters();
    let mut rng = Rng::new(2);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for spoiled in 0..5 + 3 {
            let (before, state) = (params.clone(), whole(&optimizer));
            random_gradient(&params, handles, &mut grads, &mut rng);
            if spoiled < 5 {
                grads.of_mut(handles[0])[spoiled] = bad;
            } else {
                // In one row only, reached by a lookup.
                let mut tape = Tape::new();
                let mut cotangent = [0.0; 3];
                cotangent[spoiled - 5] = bad;
                tape.pass(&params).param(handles[1]).row(spoiled).backward_from(&cotangent, &mut grads);
            }
            assert_eq!(optimizer.step(&mut params, &mut grads), Step::Refused);
            assert_eq!(bits(params.as_slice()), bits(before.as_slice()), "θ moved");
            assert_eq!(whole(&optimizer), state, "the optimizer changed");
            assert_eq!(bits(grads.as_slice()), bits(Grads::like(&params).as_slice()), "the gradient is used up");

            let (mut twin_params, mut twin, mut twin_grads) = (params.clone(), optimizer.clone(), Grads::like(&params));
            let seed = rng.fork();
            random_gradient(&params, handles, &mut grads, &mut seed.clone());
            random_gradient(&params, handles, &mut twin_grads, &mut seed.clone());
            assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
            assert_eq!(twin.step(&mut twin_params, &mut twin_grads), Step::Taken);
            assert_eq!(bits(params.as_slice()), bits(twin_params.as_slice()), "the next good step differs");
            assert_eq!(whole(&optimizer), whole(&twin));
            assert_ne!(bits(params.as_slice()), bits(before.as_slice()), "a good step moves θ");
        }
    }
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    for_every_optimizer!(refuses);
}

#[test]
fn only_touched_rows_of_an_embedding_move() {
    fn law(mut optimizer: impl Optimizer<f32>) {
        let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(3));
        let words = Embedding::new(&mut params, "words", 40, 6, &mut rng);
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        for _ in 0..50 {
            let (before, picks) = (params.clone(), [rng.below(40), rng.below(40), rng.below(40)]);
            let pass = tape.pass(&params);
            let rows = words.forward(&pass, &picks);
            (rows * rows).sum().backward(&mut grads);
            assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
            let rows = before.of(words.weight).chunks(6).zip(params.of(words.weight).chunks(6));
            for (row, (old, new)) in rows.enumerate() {
                assert_eq!(bits(old) != bits(new), picks.contains(&row), "row {row}, touched {picks:?}");
            }
        }
    }
    for_every_optimizer!(law);
}

/// A row first touched at step 30 has Adam's step count 1 then: it moves as under a fresh Adam.
#[test]
fn the_step_count_of_a_row_is_its_own() {
    let (mut params, handles, mut grads) = two_parameters();
    let (mut adam, mut rng) = (Adam::<f32>::new(0.1), Rng::new(4));
    params.grow(handles[1], 0, 1, |_| 0.5);
    for _ in 0..30 {
        random_gradient(&params, handles, &mut grads, &mut rng);
        adam.step(&mut params, &mut grads);
    }
    let (mut fresh_params, mut fresh) = (params.clone(), Adam::<f32>::new(0.1));
    let mut tape = Tape::new();
    tape.pass(&params).param(handles[1]).row(20).backward_from(&[0.3, -2.0, 1e-3], &mut grads);
    fresh.step(&mut fresh_params, &mut grads.clone());
    adam.step(&mut params, &mut grads);
    assert_eq!(bits(params.as_slice()), bits(fresh_params.as_slice()));
    assert!((params.of(handles[1])[60] - 0.4).abs() < 1e-6, "the first step of Adam is η long");
}

#[test]
fn frozen_parameters_do_not_move() {
    fn law(mut optimizer: impl Optimizer<f32>) {
        let (mut params, [vector, table], mut grads) = two_parameters();
        params.set_trainable(table, false);
        let mut step = |params: &mut Params| {
            let before = params.clone();
            for param in [vector, table] {
                grads.of_mut(param).fill(0.7);
            }
            assert_eq!(optimizer.step(params, &mut grads), Step::Taken);
            assert!(grads.as_slice().iter().all(|&g| g == 0.0));
            [vector, table].map(|param| bits(before.of(param)) != bits(params.of(param)))
        };
        assert_eq!(step(&mut params), [true, false]);
        assert_eq!(step(&mut params), [true, false]);
        params.set_trainable(table, true);
        assert_eq!(step(&mut params), [true, true]);
    }
    for_every_optimizer!(law);
}

/// One gradient, then silence: m is zero after some 800 steps, v after some 80 000, and never is either denormal.
#[test]
fn moments_that_fade_reach_zero_and_are_never_denormal() {
    let mut params = Params::<f32>::new();
    let w = params.add("w", [4], |_| 1.0);
    let (mut grads, mut adam) = (Grads::like(&params), Adam::<f32>::new(1e-3));
    grads.of_mut(w).copy_from_slice(&[1.0, -1e-3, 30.0, 1e-18]);
    let mut zero_since = [None; 2];
    for step in 0..100_000 {
        adam.step(&mut params, &mut grads);
        for (moment, zero_since) in adam.moments().into_iter().zip(&mut zero_since) {
            assert!(moment.as_slice().iter().all(|m| !m.is_subnormal()), "step {step}: {moment:?}");
            if zero_since.is_none() && moment.of(w).iter().all(|&m| m == 0.0) {
                *zero_since = Some(step);
            }
        }
        grads.of_mut(w).fill(0.0);
    }
    assert!(matches!(zero_since, [Some(500..1_000), Some(70_000..100_000)]), "{zero_since:?}");
    assert!(params.is_finite());
}

/// A learner, its optimizer and what it carries.
fn learn<T: Real>(
    (words, lstm, head): (Embedding, Lstm, Linear),
    (params, optimizer, carried): (&mut Params<T>, &mut impl Optimizer<T>, &mut State<T>),
    steps: std::ops::Range<usize>,
) {
    let (mut tape, mut grads) = (Tape::new(), Grads::like(params));
    for step in steps {
        if step % 7 == 3 {
            words.grow(params, 1, &mut Rng::new(step as u64));
            head.grow_outputs(params, 1);
        }
        let classes = params.layout().entry(head.weight).shape().dims()[0];
        let pass = tape.pass(params);
        let (h, state) = lstm.step(pass.param(words.weight).row(step % 5), lstm.enter(&pass, carried));
        head.forward(h).cross_entropy(&[step % classes]).backward(&mut grads);
        lstm.leave(state, carried);
        assert_eq!(optimizer.step(params, &mut grads), Step::Taken);
    }
}

fn resumes<T, O>(mut optimizer: O)
where
    T: Real + Serialize + DeserializeOwned,
    O: Optimizer<T> + Serialize + DeserializeOwned,
{
    let (mut params, mut rng) = (Params::<T>::new(), Rng::new(8));
    let words = Embedding::new(&mut params, "words", 5, 6, &mut rng);
    let lstm = Lstm::new(&mut params, "lstm", 6, 9, &mut rng);
    let head = Linear::new(&mut params, "head", 9, 3, &mut rng);
    let (layers, mut carried) = ((words, lstm, head), lstm.zero_state(&params));
    learn(layers, (&mut params, &mut optimizer, &mut carried), 0..20);
    let (mut params2, mut optimizer2, mut carried2) = (reload(&params), reload(&optimizer), reload(&carried));
    let layers2 = reload(&layers);
    learn(layers, (&mut params, &mut optimizer, &mut carried), 20..40);
    learn(layers2, (&mut params2, &mut optimizer2, &mut carried2), 20..40);
    assert_eq!(bits(params.as_slice()), bits(params2.as_slice()));
    assert_eq!(whole(&optimizer), whole(&optimizer2));
    assert_eq!(whole(&carried), whole(&carried2));
}

#[test]
fn stopping_and_carrying_on_is_never_having_stopped() {
    for_every_optimizer!(resumes::<f32, _>);
    resumes(Adam::<f64>::new(0.1));
    resumes(Sgd::<f64>::with_momentum(0.1, 0.9, true));
}
