//! What learning from one example costs, and predicting from one: batch 1, one thread.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_benches::{Mlp, Regressor, Stream};
use thalweg_nn::{Adam, Cell, Optimizer, Sgd};
use thalweg_tensor::Rng;

fn learning(c: &mut Criterion) {
    let mut group = group(c, "learning_step");
    for inputs in [8, 32] {
        learn_mlp(&mut group, inputs, "sgd", Sgd::new(0.01));
        learn_mlp(&mut group, inputs, "adam", Adam::new(0.001));
    }
    learn_lstm(&mut group, 64, 16);
}

fn predicting(c: &mut Criterion) {
    let mut group = group(c, "predict");
    for inputs in [8, 32] {
        predict_mlp(&mut group, inputs);
    }
    predict_lstm(&mut group, 64);
}

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(40);
    group
}

/// Forward, binary cross entropy of the logit, backward, update.
fn learn_mlp(group: &mut BenchmarkGroup<'_, WallTime>, inputs: usize, name: &str, mut optimizer: impl Optimizer<f32>) {
    let (mut params, mut rng) = (Params::new(), Rng::new(1));
    let (network, mut stream) = (Mlp::new(&mut params, inputs, &mut rng), Stream::of_labels(inputs, &mut rng));
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    group.bench_function(format!("mlp_{inputs}_64_64_1_{name}"), |b| {
        b.iter(|| {
            let (x, y) = stream.next(1);
            let pass = tape.pass(&params);
            let loss = network.forward(pass.input(x)).bce_with_logits(pass.input(y));
            loss.backward(&mut grads);
            let loss = loss.item();
            optimizer.step(&mut params, &mut grads);
            loss
        });
    });
}

fn predict_mlp(group: &mut BenchmarkGroup<'_, WallTime>, inputs: usize) {
    let (mut params, mut rng, mut tape) = (Params::new(), Rng::new(1), Tape::new());
    let (network, mut stream) = (Mlp::new(&mut params, inputs, &mut rng), Stream::of_labels(inputs, &mut rng));
    group.bench_function(format!("mlp_{inputs}_64_64_1"), |b| {
        b.iter(|| {
            let pass = tape.pass(&params);
            network.forward(pass.input(stream.next(1).0)).item()
        });
    });
}

/// A window of steps from the carried state, a guess and its squared error at each, backward through the window, Adam.
fn learn_lstm(group: &mut BenchmarkGroup<'_, WallTime>, hidden: usize, window: usize) {
    const INPUTS: usize = 16;
    let (mut params, mut rng) = (Params::new(), Rng::new(1));
    let network = Regressor::new(&mut params, INPUTS, hidden, &mut rng);
    let mut stream = Stream::of_numbers(INPUTS, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    let mut carried = network.lstm.zero_state(&params);
    group.bench_function(format!("lstm_{hidden}_window_{window}_adam"), |b| {
        b.iter(|| {
            let (x, y) = stream.next(window);
            let pass = tape.pass(&params);
            let x = pass.input(x).reshape([window, INPUTS]);
            let (guesses, last) = network.forward(x, network.lstm.enter(&pass, &carried));
            let loss = guesses.mse(pass.input(y).reshape([window, 1]));
            loss.backward(&mut grads);
            network.lstm.leave(last, &mut carried);
            let loss = loss.item();
            adam.step(&mut params, &mut grads);
            loss
        });
    });
}

fn predict_lstm(group: &mut BenchmarkGroup<'_, WallTime>, hidden: usize) {
    const INPUTS: usize = 16;
    let (mut params, mut rng, mut tape) = (Params::new(), Rng::new(1), Tape::new());
    let network = Regressor::new(&mut params, INPUTS, hidden, &mut rng);
    let mut stream = Stream::of_numbers(INPUTS, &mut rng);
    let mut carried = network.lstm.zero_state(&params);
    group.bench_function(format!("lstm_{hidden}_step"), |b| {
        b.iter(|| {
            let pass = tape.pass(&params);
            let (guess, next) = network.step(pass.input(stream.next(1).0), network.lstm.enter(&pass, &carried));
            network.lstm.leave(next, &mut carried);
            black_box(guess.item())
        });
    });
}

criterion_group!(benches, learning, predicting);
criterion_main!(benches);
