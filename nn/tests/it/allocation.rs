//! After the first step of a size, learning allocates nothing.

use allocation_counter::measure;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Activation, Adam, Embedding, Linear, Optimizer, Sgd, Step, clip_norm};
use thalweg_nn::{Gru, LayerNormLstm, Lstm, Rnn};
use thalweg_tensor::{Rng, Tensor};

use crate::support::Testable;

mod layers;
mod losses;
mod network;
mod optimizers;
#[cfg(not(feature = "rayon"))]
mod parallel;
mod recurrent;

/// The first step pays for the memory (or this test could not fail), the later ones for none.
#[track_caller]
pub(crate) fn only_the_first_steps_allocate(mut step: impl FnMut(usize)) {
    assert!(measure(|| step(0)).bytes_total > 0, "the first step allocates: what is counted is the step");
    (1..3).for_each(&mut step);
    let later = measure(|| (3..20).for_each(&mut step));
    assert_eq!((later.count_total, later.bytes_total), (0, 0));
}

/// Batches of this many examples.
fn mlp_step(rows: usize, mut optimizer: impl Optimizer<f32>) {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let sizes = [("first", 8, 64), ("second", 64, 64), ("head", 64, 2)];
    let [first, second, head] =
        sizes.map(|(name, inputs, outputs)| Linear::new(&mut params, name, inputs, outputs, &mut rng));
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let examples = Tensor::<f32>::uniform([20, rows, 8], -1.0, 1.0, &mut rng);
    let classes: Vec<usize> = (0..rows).map(|row| row % 2).collect();
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        let x = pass.input(examples.row(i as isize));
        let hidden = second.forward_with(first.forward(x).relu(), Activation::Tanh);
        head.forward(hidden).cross_entropy(&classes).backward(&mut grads);
        clip_norm(&mut grads, 1.0);
        assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
    });
}

#[test]
fn an_mlp_with_sgd_allocates_nothing() {
    mlp_step(1, Sgd::new(0.01));
    mlp_step(5, Sgd::with_momentum(0.01, 0.9, true));
}

#[test]
fn an_mlp_with_adam_allocates_nothing() {
    mlp_step(1, Adam::new(0.001));
    mlp_step(5, Adam::adamw(0.001));
}

/// Products of matrices pack into memory that a thread keeps; other processors use a library that allocates.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_large_batch_allocates_nothing() {
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        mlp_step(70, Sgd::new(0.01));
        mlp_step(70, Adam::new(0.001));
    } else {
        println!("skipped: this processor has no AVX2");
    }
}

/// Windows of 8 steps from a carried state, a loss at each step.
fn window<C: Testable>(form: usize) {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let cell = C::create(&mut params, "cell", [5, 24], form, true, &mut rng);
    let head = Linear::new(&mut params, "head", 24, 1, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    let stream = Tensor::<f32>::uniform([20, 8, 5], -1.0, 1.0, &mut rng);
    let mut carried = cell.zero_state(&params);
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        let window = pass.input(&stream.as_slice()[i * 40..][..40]).reshape([8, 5]);
        let (mut state, mut loss) = (cell.enter(&pass, &carried), pass.zeros([]));
        for t in 0..8 {
            let (h, next) = cell.step(window.row(t), state);
            loss = loss + head.forward(h).mse(window.row(t).slice(0, 0..1));
            state = next;
        }
        loss.backward(&mut grads);
        cell.leave(state, &mut carried);
        assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
    });
}

#[test]
fn an_rnn_with_carried_state_allocates_nothing() {
    (0..Rnn::FORMS).for_each(window::<Rnn>);
}

#[test]
fn an_lstm_with_carried_state_allocates_nothing() {
    (0..Lstm::FORMS).for_each(window::<Lstm>);
}

#[test]
fn a_gru_with_carried_state_allocates_nothing() {
    (0..Gru::FORMS).for_each(window::<Gru>);
}

#[test]
fn an_lstm_with_layer_normalisation_allocates_nothing() {
    window::<LayerNormLstm>(0);
}

#[test]
fn an_embedding_allocates_nothing() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let words = Embedding::new(&mut params, "words", 1000, 16, &mut rng);
    let head = Linear::new(&mut params, "head", 16, 4, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        let (several, one) = (words.forward(&pass, &[i, 500 - i, 3 * i]), pass.param(words.weight).row(7 * i));
        let logits = head.forward(several.mean_axis(0) + one);
        logits.cross_entropy(&[i % 4]).backward(&mut grads);
        assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
    });
}
