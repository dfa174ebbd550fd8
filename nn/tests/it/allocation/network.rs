//! Networks from a line of text.

use thalweg_nn::{Adam, Grads, Mode, Network, Optimizer, Params, Rng, Step, Tape};
use thalweg_tensor::Tensor;

use super::only_the_first_steps_allocate;

/// Learns from windows of four rows, carrying the state on.
fn learns_without_allocating(spec: &str) {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let spec = spec.parse().expect("the specification is right");
    let net = Network::new(&mut params, "net", &spec, [6], &mut rng).expect("the layers fit");
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    let stream = Tensor::<f32>::uniform([20, 4, 6], -1.0, 1.0, &mut rng);
    let (mut carried, mut mode) = (net.zero_state(&params), Mode::train(Rng::new(2)));
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        let window = pass.input(stream.row(i as isize));
        let (outputs, state) = net.sequence(window, net.enter(&pass, &carried), &mut mode);
        let (next, state) = net.step(window.row(0), state, &mut mode);
        (outputs.square().sum() + next.square().sum()).backward(&mut grads);
        net.leave(state, &mut carried);
        assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
        mode.update_buffers(&mut params);
    });
}

#[test]
fn a_network_of_any_layers_allocates_nothing() {
    learns_without_allocating("mlp:8,8 > dropout:0.1 > linear:2");
    learns_without_allocating("lstm:5x2,dropout=0.1 > layer_norm > gru:4 > gelu > linear:3");
    learns_without_allocating("layer_norm_lstm:4 > gru:5,form=chung");
    learns_without_allocating("batch_norm:stream=true > rnn:5 > rms_norm > leaky_relu:0.1 > linear:2,bias=false");
    learns_without_allocating("view:1x2x3 > conv2d:2x2,padding=1 > relu > max_pool2d:2 > flatten > linear:2");
}
