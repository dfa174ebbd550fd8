//! Networks from a line of text.

use thalweg_nn::{Adam, Grads, Mode, Network, NetworkSpec, Optimizer, Params, Rng, Step, Tape};
use thalweg_tensor::Tensor;

use super::only_the_first_steps_allocate;

/// Learns from windows of four rows of two examples, carrying the state on.
fn learns_without_allocating(spec: &str) {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let spec: NetworkSpec = spec.parse().expect("the specification is right");
    let net = Network::new(&mut params, "net", &spec, [6], &mut rng).expect("the layers fit");
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    let numbers = |i: usize| if spec.to_string().starts_with("embedding") { (i % 7) as f32 } else { (i as f32).sin() };
    let stream = Tensor::<f32>::from_fn([20, 4, 2, 6], numbers);
    let (mut carried, mut mode) = (net.zero_states(&params, 2), Mode::train(Rng::new(2)));
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        let window = pass.input(stream.row(i as isize));
        let (outputs, mut state) = net.sequence(window, net.enter(&pass, &carried), &mut mode);
        let mut loss = outputs.square().sum();
        if spec.whole_sequences().is_none() {
            let next;
            (next, state) = net.step(window.row(0), state, &mut mode);
            loss = loss + next.square().sum();
        }
        loss.backward(&mut grads);
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
    learns_without_allocating("lru:4 > rtu:6,form=tanh > elstm:5x2 > leaky_rnn:3");
    learns_without_allocating("batch_norm:stream > rnn:5 > rms_norm > leaky_relu:0.1 > linear:2,bias=false");
    learns_without_allocating("view:1x2x3 > conv2d:2x2,padding=1 > relu > max_pool2d:2 > flatten > linear:2");
    learns_without_allocating("group_norm:2 > residual(linear:6 > residual(gru:6 > prelu)) > glu");
    learns_without_allocating(
        "gru:3,bidirectional > attention:heads=2,causal,dropout=0.1 > view:2x3x1 > global_avg_pool2d",
    );
    learns_without_allocating("sinusoidal_positions > encoder:heads=2 > residual(learned_positions:4)");
    learns_without_allocating("embedding:7x3,padding=1 > flatten > linear:2");
}
