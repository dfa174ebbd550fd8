mod layers;
mod text;

use super::*;
use crate::{Grads, Module, Rng, Tape, Tensor};
use proptest::prelude::*;

fn built(spec: &str, input: &[usize], seed: u64) -> (Params<f64>, Network) {
    let mut params = Params::new();
    let spec = spec.parse().expect("the specification is right");
    let net = Network::new(&mut params, "net", &spec, Shape::new(input), &mut Rng::new(seed)).expect("it fits");
    (params, net)
}

const RECURRENT: [&str; 10] = [
    "view:1x3x4 > conv2d:3x2 > batch_norm > relu > flatten > batch_norm > lstm:2",
    "lstm:4",
    "linear:3 > tanh > gru:4x2 > gelu > rnn:3,form=sigmoid > linear:2",
    "layer_norm > layer_norm_lstm:3 > lstm:2x3 > linear:5",
    "gru:4,form=chung > layer_norm > elu:0.5 > linear:2,bias=false",
    "view:3x4 > conv1d:2x2,padding=1 > relu > max_pool1d:2 > flatten > gru:3",
    "dropout:0.3 > rms_norm > lstm:3,dropout=0.2 > softmax",
    "residual(lstm:12 > residual(gru:12x2)) > prelu > glu > rnn:3,form=relu",
    "view:4x3 > group_norm:2 > conv1d:4x2,groups=2,bias=false > flatten > lstm:4,form=remembering",
    "lru:3 > rtu:4x2,form=tanh > residual(elstm:4 > leaky_rnn:4)",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Step by step, or the sequence at once, cut anywhere; alone, or in a batch.
    #[test]
    fn a_sequence_is_its_steps(which in 0..RECURRENT.len(), steps in 2_usize..5, cut in 1_usize..4, seed: u64) {
        let (params, net) = built(RECURRENT[which], &[12], seed);
        let (mut tape, mut rng, mode, cut) = (Tape::new(), Rng::new(seed), &mut Mode::Eval, cut.min(steps - 1));
        let x = Tensor::<f64>::normal([steps, 2, 12], 0.0, 1.0, &mut rng);
        let pass = tape.pass(&params);
        let x = pass.input(&x);
        let state = || net.enter(&pass, &net.zero_states(&params, 2));
        let (whole, _) = net.sequence(x, state(), mode);
        let (first, carried) = net.sequence(x.slice(0, 0..cut), state(), mode);
        let (second, _) = net.sequence(x.slice(0, cut..steps), carried, mode);
        let (mut by_step, mut alone) = (state(), net.enter(&pass, &net.zero_state(&params)));
        for t in 0..steps {
            let (y, next) = net.step(x.row(t), by_step, mode);
            by_step = next;
            let piece = if t < cut { first.row(t) } else { second.row(t - cut) };
            let (single, next) = net.step(x.row(t).row(1), alone, mode);
            alone = next;
            for (found, expected) in [(y, whole.row(t)), (piece, whole.row(t)), (single, whole.row(t).row(1))] {
                prop_assert_eq!(found.shape(), expected.shape());
                let close = found.to_tensor().check_close(expected.to_tensor(), 1e-12, 1e-12);
                prop_assert!(close.is_ok(), "{close:?} at {t}");
            }
        }
    }

    /// New inputs change no output by a bit, whatever they are.
    #[test]
    fn growth_is_not_seen(which in 0..7_usize, seed: u64) {
        let specs = ["lstm:4 > linear:2", "linear:3 > relu", "dropout:0.1 > tanh > gru:3x2", "relu", "prelu > linear:4 > glu",
            "batch_norm:stream > linear:3", "prelu > batch_norm"];
        let spec = specs[which];
        let (mut params, mut net) = built(spec, &[2], seed);
        let (mut tape, rng) = (Tape::new(), &mut Rng::new(seed));
        let x = Tensor::<f64>::normal([5], 0.0, 1.0, rng);
        let mut output = |params: &Params<f64>, net: &Network, inputs: usize| {
            let pass = tape.pass(params);
            let (y, _) = net.step(pass.input(&x.as_slice()[..inputs]), net.enter(&pass, &net.zero_state(params)), &mut Mode::Eval);
            y.to_tensor()
        };
        let before = output(&params, &net, 2);
        prop_assert!(net.grow_inputs(&mut params, 3));
        let after = output(&params, &net, 5);
        let width = before.as_slice().len(); // what passes its inputs on gives more of them
        prop_assert_eq!(&after.as_slice()[..width], before.as_slice());
        prop_assert_eq!(net.input(), Shape::from([5]));
    }
}

/// Nor new outputs the old ones; they begin at zero, and the text says how many there are.
#[test]
fn a_linear_layer_at_the_end_grows() {
    let (mut params, mut net) = built("gru:3 > linear:2", &[2], 1);
    let mut tape = Tape::new();
    let mut output = |params: &Params<f64>, net: &Network| {
        let pass = tape.pass(params);
        net.step(pass.input(&[0.5, -1.0]), net.enter(&pass, &net.zero_state(params)), &mut Mode::Eval).0.to_tensor()
    };
    let before = output(&params, &net);
    assert!(net.grow_outputs(&mut params, 2));
    assert_eq!(output(&params, &net).as_slice(), [before.as_slice(), &[0.0, 0.0]].concat());
    assert_eq!((net.output(), net.spec().to_string().as_str()), ([4].into(), "gru:3 > linear:4"));
    assert!(!net.grow_outputs(&mut params, 65_536), "it could not be written");
    assert!(!built("gru:3", &[2], 1).1.grow_outputs(&mut params, 1));
    assert_eq!(net.output(), [4].into());
}

#[test]
#[should_panic(expected = "network: a state of 1 tensors expected, found 2")]
fn a_state_with_a_tensor_too_many_panics() {
    let (params, net) = built("gru:3", &[2], 1);
    let (mut tape, state) = (Tape::new(), State { parts: vec![Tensor::zeros([1, 3]); 2] });
    let pass = tape.pass(&params);
    net.step(pass.zeros([2]), net.enter(&pass, &state), &mut Mode::Eval);
}

/// The same numbers as the layers made by hand, with PyTorch's names for a sequence of them.
#[test]
fn a_network_is_its_layers() {
    let (params, net) =
        built("view:1x8x8 > conv2d:3x3,padding=1 > relu > max_pool2d:2 > flatten > linear:5 > tanh", &[64], 7);
    let (mut by_hand, mut rng) = (Params::<f64>::new(), Rng::new(7));
    let same = thalweg_tensor::ConvOptions { padding: [1, 1], ..Default::default() };
    let layers = (
        Conv2d::with(&mut by_hand, "net.1", [1, 3], [3, 3], same, true, &mut rng),
        Nonlinearity::Relu,
        MaxPool2d::new([2, 2]),
        Flatten { from: 1 },
        Linear::new(&mut by_hand, "net.5", 48, 5, &mut rng),
        Nonlinearity::Tanh,
    );
    assert_eq!(params, by_hand);
    let (mut tape, x) = (Tape::new(), Tensor::<f64>::normal([2, 64], 0.0, 1.0, &mut rng));
    let pass = tape.pass(&params);
    let (y, _) = net.step(pass.input(&x), net.enter(&pass, &State::default()), &mut Mode::Eval);
    let expected = layers.forward(pass.input(&x).reshape([2, 1, 8, 8]), &mut Mode::Eval);
    assert_eq!(y.to_tensor(), expected.to_tensor());
    let summary = net.summary(&params);
    assert_eq!((summary.parameters(), summary.bytes()), (275, 8 * 275));
    assert_eq!(summary.multiply_adds(), 27 * 64 + 240, "the kernel at each of 64 places, and the matrix");
}

#[test]
#[should_panic(expected = "network: examples of shape [3] expected, with [0, 1] axes in front, found [4]")]
fn another_number_of_inputs_panics() {
    let (params, net) = built("linear:4", &[3], 1);
    let mut tape = Tape::new();
    let pass = tape.pass(&params);
    net.step(pass.zeros([4]), net.enter(&pass, &State::default()), &mut Mode::Eval);
}

/// Units without inputs are not dead: their biases differ, and they learn.
#[test]
fn a_network_may_begin_without_inputs() {
    let (params, net) = built("mlp:8 > linear:1", &[0], 1);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let pass = tape.pass(&params);
    let (y, _) = net.step(pass.zeros([0]), net.enter(&pass, &State::default()), &mut Mode::Eval);
    y.sum().backward(&mut grads);
    let bias = params.find("net.0.bias").expect("it has one");
    assert!(grads.of(bias).iter().any(|&slope| slope != 0.0));
}
