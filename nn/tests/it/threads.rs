//! What may go to other threads, and what may be used by several at once.

use std::thread;

use thalweg_autograd::{Grads, Layout, Param, Params, Tape};
use thalweg_nn::optim::Plateau;
use thalweg_nn::*;
use thalweg_tensor::{Rng, Tensor};

/// Checked by the compiler, for each of these types.
macro_rules! all_are {
    ($bound:path: $($of:ty),+ $(,)?) => {{
        fn is<V: $bound + 'static>() {}
        $(is::<$of>();)+
    }};
}

/// Names what can be sent and shared.
trait Plain: Send + Sync {}
impl<V: Send + Sync> Plain for V {}

#[test]
fn parameters_gradients_states_and_modes_are_sent_and_shared() {
    all_are!(Plain: Param, Params, Params<f64>, Layout, Flat, Grads, Grads<f64>, Tensor, Rng);
    all_are!(Plain: State, State<f64>, Mode, Mode<f64>, Training, Tbptt);
}

#[test]
fn layers_are_sent_and_shared() {
    all_are!(Plain: Linear, Conv1d, Conv2d, Embedding, EmbeddingBag, LayerNorm, RmsNorm, GroupNorm, BatchNorm);
    all_are!(Plain: MultiheadAttention, TransformerEncoderLayer, LearnedPositions, SinusoidalPositions, AttentionMask);
    all_are!(Plain: MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d, GlobalAvgPool2d, GlobalMaxPool2d);
    all_are!(Plain: Dropout, Nonlinearity, PRelu, Flatten, Residual<Linear>, (Linear, Dropout), Vec<Linear>);
    all_are!(Plain: Rnn, Lstm, Gru, LayerNormLstm);
    all_are!(Plain: Recurrent<Rnn>, Recurrent<Lstm>, Recurrent<Gru>, Recurrent<LayerNormLstm>);
}

#[test]
fn optimizers_and_what_surrounds_them_are_sent_and_shared() {
    all_are!(Plain: Sgd, Adagrad, RmsProp, Adadelta, Adam, Adamax, NAdam, RAdam, Adam<f64>, AnyOptimizer, OptimizerSpec);
    all_are!(Plain: Group, Groups, Schedule, Plateau, Average, Step);
}

/// A tape is written to by whoever holds a pass of it, through a shared borrow. So it belongs to one thread at a time; and
/// so does what contains tapes.
#[test]
fn tapes_are_sent() {
    all_are!(Send: Tape, Tape<f64>, Parallel, Parallel<f64>);
}

#[test]
fn errors_are_sent_and_shared() {
    all_are!(Plain: weights::Error, weights::Container);
}

network! {
    struct Network {
        lstm: Lstm::new(3, 8),
        head: Linear::new(8, 2),
    }
}

/// The gradients of some windows of a batch large enough for products of matrices, which keep memory for each thread.
fn gradients(network: &Network, params: &Params, seed: u64) -> Vec<u32> {
    let (mut tape, mut grads, mut rng) = (Tape::new(), Grads::like(params), Rng::new(seed));
    for _ in 0..20 {
        let x = Tensor::uniform([6, 20, 3], -1.0, 1.0, &mut rng);
        let pass = tape.pass(params);
        let (h, _) =
            network.lstm.last(pass.input(&x), network.lstm.enter(&pass, &network.lstm.zero_states(params, 20)));
        network.head.forward(h).square().mean().backward(&mut grads);
    }
    grads.as_slice().iter().map(|g| g.to_bits()).collect()
}

#[test]
fn threads_share_parameters_and_give_the_bits_of_each_alone() {
    let mut params = Params::new();
    let network = &Network::new(&mut params, "", &mut Rng::new(1));
    let params = &params;
    let alone = [2, 3].map(|seed| gradients(network, params, seed));
    assert_ne!(alone[0], alone[1]);
    let together = thread::scope(|scope| {
        let threads = [2, 3].map(|seed| scope.spawn(move || gradients(network, params, seed)));
        threads.map(|thread| thread.join().expect("no panic"))
    });
    assert!(alone == together);
}

/// What was begun in one thread is continued in another.
#[test]
fn a_tape_that_moves_gives_the_same_bits() {
    let mut params = Params::<f32>::new();
    let head = Linear::new(&mut params, "head", 3, 2, &mut Rng::new(1));
    let learn = |tape: &mut Tape, grads: &mut Grads| {
        let pass = tape.pass(&params);
        head.forward(pass.input(&[1.0, 2.0, 3.0])).square().sum().backward(grads);
    };
    let (mut tape, mut grads, mut expected) = (Tape::new(), Grads::like(&params), Grads::like(&params));
    (0..2).for_each(|_| learn(&mut Tape::new(), &mut expected));
    learn(&mut tape, &mut grads);
    let mut grads = thread::scope(|scope| {
        let there = scope.spawn(|| {
            let (mut tape, mut grads) = (tape, grads);
            learn(&mut tape, &mut grads);
            grads
        });
        there.join().expect("no panic")
    });
    assert!(grads.as_slice() == expected.as_slice() && grads.norm() > 0.0);
}
