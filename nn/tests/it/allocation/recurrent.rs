//! Layers of cells: whole sequences, and single steps with carried state.

use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Adam, Cell, Gru, LayerNormLstm, Linear, Lstm, Mode, Optimizer, Recurrent, RecurrentOptions, Rnn};
use thalweg_nn::{Step, Tbptt};
use thalweg_tensor::{Rng, Tensor};

use super::only_the_first_steps_allocate;
use crate::support::Testable;

/// Both directions, dropout, a learned start, sequences of different lengths, batch first.
fn sequences<C: Testable>(form: usize) {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let options = RecurrentOptions::new(5, 12).layers(2).bidirectional(true).dropout(0.3);
    let options = options.form(C::form(form)).learned_start(true).batch_first(true);
    let network = Recurrent::<C>::with(&mut params, "network", options, &mut rng);
    let head = Linear::new(&mut params, "head", 24, 1, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    let stream = Tensor::<f32>::uniform([20, 3, 8, 5], -1.0, 1.0, &mut rng);
    let mut mode = Mode::train(Rng::new(2));
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        let x = pass.input(stream.row(i as isize));
        let (outputs, _) = network.forward_of(x, &[8, 0, 5], network.start(&pass, Some(3)), &mut mode);
        let loss = head.forward(outputs.reshape([24, 24])).square().mean();
        loss.backward(&mut grads);
        assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
    });
}

#[test]
fn layers_in_both_directions_allocate_nothing() {
    (0..Rnn::FORMS).for_each(sequences::<Rnn>);
    sequences::<Lstm>(0);
    (0..Gru::FORMS).for_each(sequences::<Gru>);
    sequences::<LayerNormLstm>(0);
}

/// A step through layers with carried state, and its gradient.
fn steps<C: Testable>() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let options = RecurrentOptions::new(5, 12).layers(3).dropout(0.3);
    let network = Recurrent::<C>::with(&mut params, "network", options, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    let stream = Tensor::<f32>::uniform([20, 2, 5], -1.0, 1.0, &mut rng);
    let (mut carried, mut mode) = (network.zero_states(&params, 2), Mode::train(Rng::new(2)));
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        let x = pass.input(stream.row(i as isize));
        let (output, state) = network.step_in(x, network.enter(&pass, &carried), &mut mode);
        output.square().mean().backward(&mut grads);
        network.leave(state, &mut carried);
        assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
    });
}

#[test]
fn single_steps_through_layers_allocate_nothing() {
    steps::<Rnn>();
    steps::<Lstm>();
    steps::<Gru>();
    steps::<LayerNormLstm>();
}

#[test]
fn truncated_backpropagation_allocates_nothing() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let options = RecurrentOptions::new(5, 12).layers(2).dropout(0.3).learned_start(true);
    let lstm = Recurrent::<Lstm>::with(&mut params, "lstm", options, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    let stream = Tensor::<f32>::uniform([20, 4, 5], -1.0, 1.0, &mut rng);
    let (mut window, mut mode) = (Tbptt::new(2, 3), Mode::train(Rng::new(2)));
    only_the_first_steps_allocate(|i| {
        if i % 2 == 0 {
            window.restart();
        }
        for t in 0..4 {
            if window.push(stream.row(i as isize).row(t)) {
                let pass = tape.pass(&params);
                let run = |x, state| lstm.forward(x, state, &mut mode);
                window.outputs(&pass, || lstm.start(&pass, None), run).square().mean().backward(&mut grads);
                assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
            }
        }
    });
}
