//! Layers in a network are the layers made by hand.

use super::super::*;
use super::built;
use crate::attention::TransformerOptions;
use crate::{Grads, Mode, Module, Rng, Tape, Tensor, Var};
use proptest::prelude::*;
use thalweg_autograd::{Touched, gradcheck_params};
use thalweg_tensor::{ConvOptions, Window};

/// A layer that sees time and batch as one axis.
struct Rows<M>(M);

impl<M: Module> Module for Rows<M> {
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        let shape = x.shape();
        let [t, n, example @ ..] = shape.dims() else { panic!("[t, n, …] expected") };
        let y = self.0.forward(x.reshape(Shape::new(example).inserted(0, t * n)), mode);
        y.reshape(y.shape().without(0).inserted(0, *n).inserted(0, *t))
    }
}

/// A layer that takes sequences behind the batch.
struct BatchFirst<M>(M);

impl<M: Module> Module for BatchFirst<M> {
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        self.0.forward(x.permute(&[1, 0, 2]), mode).permute(&[1, 0, 2])
    }
}

impl Module for MultiheadAttention {
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        self.forward(x, x, x, AttentionMask::CAUSAL, mode)
    }
}

impl<C: Cell> Module for Recurrent<C> {
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        self.forward(x, self.start(x.pass(), Some(2)), mode).0
    }
}

/// Three steps of two examples go through the network and through `make`'s layers: θ and outputs are the same.
#[track_caller]
fn is_made_by_hand<M: Module>(spec: &str, input: &[usize], make: impl FnOnce(&mut Params<f64>, &mut Rng) -> M) {
    let (params, net) = built(spec, input, 7);
    let (mut same, mut rng) = (Params::new(), Rng::new(7));
    let layers = make(&mut same, &mut rng);
    assert_eq!(params, same, "{spec}");
    let (mut tape, x) = (Tape::new(), Tensor::normal(&[&[3, 2], input].concat()[..], 0.0, 1.0, &mut rng));
    let (pass, mode) = (tape.pass(&params), &mut Mode::Eval);
    let (y, _) = net.sequence(pass.input(&x), net.enter(&pass, &net.zero_states(&params, 2)), mode);
    let close = y.to_tensor().check_close(layers.forward(pass.input(&x), mode).to_tensor(), 1e-12, 1e-12);
    assert!(close.is_ok(), "{spec}: {close:?}");
}

#[test]
fn layers_in_a_network_are_the_layers() {
    is_made_by_hand("gru:3x2,bidirectional,bias=false", &[4], |params, rng| {
        let options = RecurrentOptions::new(4, 3).layers(2).bidirectional(true).bias(false);
        Recurrent::<Gru>::with(params, "net.0", options, rng)
    });
    is_made_by_hand("rnn:3,form=relu", &[4], |params, rng| {
        Recurrent::<Rnn>::with(params, "net.0", RecurrentOptions::new(4, 3).form(Activation::Relu), rng)
    });
    is_made_by_hand("lstm:3,form=remembering", &[4], |params, rng| {
        Recurrent::<Lstm>::with(params, "net.0", RecurrentOptions::new(4, 3).form(LstmForm::REMEMBERING), rng)
    });
    is_made_by_hand("attention:heads=2,causal", &[4], |params, rng| {
        BatchFirst(MultiheadAttention::new(params, "net.0", 4, 2, rng))
    });
    is_made_by_hand("learned_positions:5 > encoder:heads=2,ff=7,activation=gelu,causal", &[4], |params, rng| {
        let activation = Nonlinearity::Gelu;
        let options = TransformerOptions { feedforward: Some(7), activation, causal: true, ..Default::default() };
        BatchFirst((
            LearnedPositions::new(params, "net.0", 5, 4, rng),
            TransformerEncoderLayer::with(params, "net.1", 4, 2, options, rng),
        ))
    });
    is_made_by_hand("sinusoidal_positions", &[4], |_, _| BatchFirst(SinusoidalPositions));
    is_made_by_hand("prelu > glu > residual(linear:2 > residual(tanh))", &[4], |params, rng| {
        let linear = (PRelu::new(params, "net.0", rng), Nonlinearity::Glu);
        (linear, Residual((Linear::new(params, "net.2.0", 2, 2, rng), Residual(Nonlinearity::Tanh))))
    });
    is_made_by_hand("group_norm:2 > global_max_pool2d", &[4, 3, 2], |params, rng| {
        Rows((GroupNorm::new(params, "net.0", 2, 4, rng), GlobalMaxPool2d))
    });
    let options = ConvOptions { stride: [2; 2], padding: [1; 2], dilation: [2; 2], groups: 2 };
    is_made_by_hand(
        "conv2d:4x2,stride=2,padding=1,dilation=2,groups=2,bias=false > avg_pool2d:2,stride=1 > global_avg_pool2d",
        &[2, 5, 5],
        |params, rng| {
            let conv = Conv2d::with(params, "net.0", [2, 4], [2; 2], options, false, rng);
            Rows((conv, AvgPool2d { window: Window::new([2; 2]) }, GlobalAvgPool2d))
        },
    );
}

/// Indices that are held as numbers find the rows of these indices, also in a batch, and touch no other.
#[test]
fn an_embedding_takes_indices() {
    let (params, net) = built("embedding:9x3,padding=2", &[], 7);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let weight = params.find("net.0.weight").expect("the table");
    let pass = tape.pass(&params);
    let x = pass.input(&[1.0, 2.0, 7.0, 1.0]);
    let (y, _) = net.sequence(x, net.enter(&pass, &State::default()), &mut Mode::Eval);
    let expected = Embedding { weight, padding: Some(2) }.forward(&pass, &[1, 2, 7, 1]);
    assert_eq!(y.to_tensor(), expected.to_tensor());
    let (batched, _) = net.sequence(x.reshape([2, 2]), net.enter(&pass, &State::default()), &mut Mode::Eval);
    assert_eq!(batched.to_tensor(), expected.reshape([2, 2, 3]).to_tensor());
    y.sum().backward(&mut grads);
    assert_eq!(grads.touched(weight), Touched::Rows(&[1, 7]), "the padding learns nothing");
    assert_eq!(grads.of(weight)[3..6], [2.0; 3], "index 1 stands twice");
}

#[test]
fn what_is_no_index_panics() {
    for bad in [9.0, -1.0, 0.5, f64::NAN] {
        let (params, net) = built("embedding:9x3", &[], 7);
        let found = std::panic::catch_unwind(|| {
            let mut tape = Tape::new();
            let pass = tape.pass(&params);
            net.step(pass.input(&[bad]), net.enter(&pass, &State::default()), &mut Mode::Eval);
        });
        let message = found.expect_err("it is no index").downcast::<String>().expect("a message");
        assert_eq!(*message, format!("Embedding: an index below 9 expected, found {bad}"));
    }
}

#[test]
fn there_are_no_steps_where_sequences_are_whole() {
    for layer in ["gru:4,bidirectional", "attention:heads=2", "encoder:heads=2", "sinusoidal_positions"] {
        let (params, net) =
            built(&format!("linear:4 > residual(residual({}))", layer.replace("gru:4", "gru:2")), &[3], 7);
        assert!(net.spec().whole_sequences().is_some());
        let found = std::panic::catch_unwind(|| {
            let mut tape = Tape::new();
            let pass = tape.pass(&params);
            net.step(pass.zeros([3]), net.enter(&pass, &net.zero_state(&params)), &mut Mode::Eval);
        });
        let message = found.expect_err("there are no steps").downcast::<String>().expect("a message");
        assert!(
            message.starts_with("step: there are no steps where ") && message.ends_with("call sequence"),
            "{message}"
        );
    }
}

/// Layers, examples, parameters, and multiply-adds of a sequence of five steps, counted by hand.
const COUNTED: [(&str, &[usize], usize, usize); 15] = [
    ("linear:3", &[4], 15, 5 * 12),
    ("lstm:3x2,bidirectional", &[4], 2 * (4 * 3 * (4 + 3) + 24) + 2 * (4 * 3 * (6 + 3) + 24), 5 * 2 * (84 + 108)),
    ("layer_norm_lstm:3,bias=false", &[4], 4 * 3 * (4 + 3) + 2 * 12 + 3, 5 * 84),
    ("lru:3", &[4], 3 * 3 + 2 * 12 + 2 * 9 + 12, 5 * (36 + 18)),
    ("rtu:6x2,form=relu", &[4], 2 * (3 + 3) + 24 + 36, 5 * 60),
    ("leaky_rnn:3", &[4], 3 * (4 + 3) + 6, 5 * 21),
    ("elstm:3", &[4], 36 + 6 + 9 + 9, 5 * 45),
    ("embedding:9x4", &[], 36, 0),
    ("learned_positions:9 > sinusoidal_positions", &[4], 36, 0),
    // Projections of each step, and each step with each, twice.
    ("attention:heads=2,bias=false", &[4], 64, 5 * 64 + 2 * 25 * 4),
    ("encoder:heads=2,ff=3", &[4], 64 + 16 + (12 + 3) + (12 + 4) + 16, 5 * (64 + 24) + 2 * 25 * 4),
    ("group_norm:2 > prelu > glu", &[4, 2], 9, 0),
    ("conv1d:6x2,groups=2,padding=1 > max_pool1d:2", &[4, 3], 6 * 2 * 2 + 6, 5 * 24 * 4),
    ("conv2d:3x2 > global_avg_pool2d > batch_norm", &[1, 4, 4], 12 + 3 + 4 * 3 + 1, 5 * 12 * 9),
    ("residual(linear:4 > residual(gru:4,bias=false) > relu)", &[4], 20 + 3 * 32, 5 * (16 + 96)),
];

#[test]
fn a_summary_counts_what_is_there() {
    for (spec, input, parameters, multiply_adds) in COUNTED {
        let (params, net) = built(spec, input, 7);
        let summary = net.summary_of(&params, 5);
        assert_eq!(summary.parameters(), params.count(), "{spec}");
        assert_eq!((summary.parameters(), summary.bytes()), (parameters, 8 * parameters), "{spec}");
        assert_eq!(summary.multiply_adds(), multiply_adds, "{spec}");
        assert_eq!(summary.rows.last().map(|row| row.output), Some(net.output()));
        assert_eq!(ParamsSummary::of(&params).parameters(), parameters, "{spec}");
    }
}

const SMOOTH: [(&str, &[usize]); 10] = [
    ("lstm:2,bidirectional > linear:1", &[3]),
    ("attention:heads=2,causal", &[4]),
    ("learned_positions:3 > encoder:heads=1,ff=2,activation=tanh,norm_first=false", &[3]),
    ("glu > residual(gru:2 > prelu)", &[4]),
    ("lru:2,bidirectional > rtu:2", &[3]),
    ("rtu:2,form=tanh > elstm:3 > leaky_rnn:2,alpha=0.4", &[2]),
    ("group_norm:2 > global_max_pool2d", &[4, 2, 2]),
    ("conv1d:2x2,dilation=2,groups=2 > avg_pool1d:2,stride=1 > flatten", &[4, 5]),
    ("embedding:5x3 > rnn:2", &[]),
    ("embedding:5x2 > flatten > residual(linear:4 > tanh)", &[2]),
];

/// What fits can be built, and gives what was announced; the parts are of all kinds.
const PARTS: [&str; 30] = [
    "linear:4",
    "glu",
    "prelu",
    "group_norm:2",
    "layer_norm",
    "rms_norm",
    "batch_norm",
    "lstm:2",
    "gru:4x2,bidirectional",
    "lru:2",
    "rtu:4x2",
    "leaky_rnn:4x2",
    "elstm:2,bidirectional",
    "attention:heads=2,causal",
    "encoder:heads=2",
    "sinusoidal_positions",
    "learned_positions:3",
    "conv1d:4x2,groups=2",
    "conv2d:2x2,padding=1,dilation=2",
    "max_pool1d:2,stride=1",
    "avg_pool2d:2",
    "global_avg_pool2d",
    "global_max_pool2d",
    "flatten",
    "view:2x2",
    "view:1x2x2",
    "dropout:0.3",
    "residual(tanh)",
    "residual(linear:4 > gru:4)",
    "residual(encoder:heads=2 > residual(relu))",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gradients_are_right(which in 0..SMOOTH.len(), seed in 0..1000_u64) {
        let (spec, input) = SMOOTH[which];
        let (mut params, net) = built(spec, input, seed);
        let (shape, mut rng) = (Shape::new(&[&[3, 2], input].concat()), Rng::new(seed));
        let indices = Tensor::from_fn(shape, |i| (i * 3 % 5) as f64);
        let x = (!spec.starts_with("embedding")).then(|| params.add("x", shape, |_| rng.range(-2.0, 2.0)));
        gradcheck_params(&params, |pass| {
            let x = x.map_or_else(|| pass.input(&indices), |x| pass.param(x));
            net.sequence(x, net.enter(pass, &net.zero_states(pass.params(), 2)), &mut Mode::Eval).0
        })?;
    }

    #[test]
    fn what_fits_can_be_built_and_run(items in prop::collection::vec(0..PARTS.len(), 1..40), seed: u64) {
        let mut spec = NetworkSpec::default();
        for item in items {
            let longer = format!("{spec}{}{}", if spec.layers.is_empty() { "" } else { " > " }, PARTS[item]);
            let longer: NetworkSpec = longer.parse().expect("it is right");
            spec = if longer.output([4]).is_ok() { longer } else { spec };
        }
        let (params, net) = built(&spec.to_string(), &[4], seed);
        prop_assert_eq!(net.summary(&params).parameters(), params.count());
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let (pass, mode) = (tape.pass(&params), &mut Mode::train(Rng::new(seed)));
        let x = pass.input(&Tensor::uniform([3, 2, 4], -1.0, 1.0, &mut Rng::new(seed)));
        let (y, state) = net.sequence(x, net.enter(&pass, &net.zero_states(&params, 2)), mode);
        prop_assert_eq!(y.shape(), net.output().inserted(0, 2).inserted(0, 3));
        net.leave(state, &mut net.zero_states(&params, 2));
        y.square().sum().backward(&mut grads);
    }
}
