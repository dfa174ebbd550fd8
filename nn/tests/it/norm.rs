//! Laws of the norms.

use proptest::prelude::*;
use thalweg_autograd::{Grads, Params, Tape, gradcheck_params};
use thalweg_nn::norm::{BatchNorm, BatchNormOptions, LayerNormOptions};
use thalweg_nn::{LayerNorm, Mode, Network, RmsNorm};
use thalweg_tensor::{Rng, Tensor};

use crate::support::{assert_close, bits};

const STREAM: BatchNormOptions = BatchNormOptions { eps: 1e-5, momentum: Some(0.1), affine: true, stream: true };

/// A norm of one to three channels, its θ with random numbers in it, and an input: `[n, c]`, `[n, c, l]` or `[n, c, h, w]`.
fn case(options: BatchNormOptions, rest: &[usize], seed: u64) -> (Params<f64>, BatchNorm, Tensor<f64>) {
    let (mut params, mut rng) = (Params::new(), Rng::new(seed));
    let channels = 1 + rng.below(3);
    let norm = BatchNorm::with(&mut params, "norm", channels, options, &mut rng);
    for param in norm.affine.into_iter().flatten().chain([norm.running_mean]) {
        params.of_mut(param).fill_with(|| rng.range(-1.0, 1.0));
    }
    params.of_mut(norm.running_var).fill_with(|| rng.range(0.5, 2.0));
    let shape = [&[2 + rng.below(3), channels], rest].concat();
    (params, norm, Tensor::uniform(shape.as_slice(), -2.0, 2.0, &mut rng))
}

fn rests() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..4, 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn batch_norm_gradient(rest in rests(), stream: bool, training: bool, affine: bool, seed: u64) {
        let (mut params, norm, x) = case(BatchNormOptions { eps: 0.1, stream, affine, ..STREAM }, &rest, seed);
        let x = params.add("x", x.shape(), |i| x.as_slice()[i]);
        gradcheck_params(&params, |pass| {
            let mut mode = if training { Mode::train(Rng::new(1)) } else { Mode::Eval };
            norm.forward(pass.param(x), &mut mode)
        })?;
    }

    /// In training each channel of what comes out, over all examples and places, has mean b and deviation |w|.
    #[test]
    fn a_batch_is_normalised_channel_by_channel(rest in rests(), seed: u64) {
        let (params, norm, x) = case(BatchNormOptions { eps: 0.0, stream: false, ..STREAM }, &rest, seed);
        let mut tape = Tape::new();
        let y = norm.forward(tape.pass(&params).input(&x), &mut Mode::train(Rng::new(1))).to_tensor();
        let [n, channels, places] = y.shape().around(1);
        let [weight, bias] = norm.affine.expect("it is affine");
        for c in 0..channels {
            let values: Vec<f64> =
                (0..n * places).map(|i| y.as_slice()[(i / places * channels + c) * places + i % places]).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / values.len() as f64;
            let expected = [params.of(bias)[c], params.of(weight)[c].abs()];
            assert_close("mean and deviation", &[mean, variance.sqrt()], &expected, 1e-9);
        }
    }

    /// The statistics of a stream are the exponentially weighted moments, computed here from their definition.
    #[test]
    fn a_stream_tracks_weighted_moments(momentum in 0.01..0.9f64, batches in prop::collection::vec(1usize..4, 1..12), seed: u64) {
        let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(seed), Tape::new());
        let norm = BatchNorm::with(&mut params, "norm", 1, BatchNormOptions { momentum: Some(momentum), ..STREAM }, &mut rng);
        let mut mode = Mode::train(Rng::new(1));
        let mut moments = [0.0, 1.0]; // of m = 0 and v = 1
        for &n in &batches {
            let x = Tensor::<f64>::uniform([n, 1], -3.0, 5.0, &mut rng);
            norm.forward(tape.pass(&params).input(&x), &mut mode);
            mode.update_buffers(&mut params);
            for (moment, power) in moments.iter_mut().zip([1, 2]) {
                let measured = x.as_slice().iter().map(|x| x.powi(power)).sum::<f64>() / n as f64;
                *moment += momentum * (measured - *moment);
            }
            let [first, second] = moments;
            assert_close("m", params.of(norm.running_mean), &[first], 1e-12);
            assert_close("v", params.of(norm.running_var), &[second - first * first], 1e-12);
        }
        prop_assert_eq!(params.of(norm.num_batches_tracked), [batches.len() as f64]);
    }

    /// Several passes before an update are as many batches, in their order: θ ends with the same bits as by an update after
    /// each.
    #[test]
    fn every_pass_counts(passes in 1usize..5, momentum in prop::option::of(0.0..=1.0f64), stream: bool, rest in rests(), seed: u64) {
        let (mut params, norm, x) = case(BatchNormOptions { momentum, stream, ..STREAM }, &rest, seed);
        let (mut twin, mut tape, mut mode) = (params.clone(), Tape::new(), Mode::train(Rng::new(1)));
        for pass in 0..passes {
            let mut alone = Mode::train(Rng::new(1));
            let (scale, pass) = (1.0 + pass as f64, tape.pass(&params));
            for mode in [&mut mode, &mut alone] {
                norm.forward(pass.input(&x) * scale, mode);
            }
            alone.update_buffers(&mut twin);
        }
        mode.update_buffers(&mut params);
        prop_assert_eq!(bits(params.as_slice()), bits(twin.as_slice()));
        prop_assert_eq!(params.of(norm.num_batches_tracked), [passes as f64]);
    }

    /// Without momentum all batches weigh the same, and nothing is left of what the statistics began with; of a stream what
    /// they began with counts as one more.
    #[test]
    fn without_momentum_the_statistics_are_means(batches in prop::collection::vec(2usize..5, 1..12), stream: bool, seed: u64) {
        let options = BatchNormOptions { momentum: None, stream, ..STREAM };
        let (mut params, norm, _) = case(options, &[], seed);
        let (mut rng, mut tape, mut mode) = (Rng::new(seed), Tape::new(), Mode::train(Rng::new(1)));
        let [m, v] = [norm.running_mean, norm.running_var].map(|buffer| params.of(buffer)[0]);
        let (mut sums, count) = match stream {
            false => ([0.0; 3], batches.len()), // of means, unbiased variances, mean squares
            true => ([m, 0.0, v + m * m], batches.len() + 1),
        };
        for &n in &batches {
            let x = Tensor::<f64>::uniform([n, params.of(norm.running_mean).len()], -3.0, 5.0, &mut rng);
            norm.forward(tape.pass(&params).input(&x), &mut mode);
            mode.update_buffers(&mut params);
            let first: Vec<f64> = (0..n).map(|i| x.row(i as isize).to_tensor().as_slice()[0]).collect();
            let mean = first.iter().sum::<f64>() / n as f64;
            let squares = first.iter().map(|x| x * x).sum::<f64>() / n as f64;
            let measured = [mean, (squares - mean * mean) * n as f64 / (n as f64 - 1.0), squares];
            sums.iter_mut().zip(measured).for_each(|(sum, x)| *sum += x);
        }
        let [mean, variance, squares] = sums.map(|sum| sum / count as f64);
        let expected = [mean, if stream { squares - mean * mean } else { variance }];
        let found = [norm.running_mean, norm.running_var].map(|buffer| params.of(buffer)[0]);
        assert_close("m and v", &found, &expected, 1e-10);
    }

    /// A network normalises a sequence `[t, n, c]` as one batch of all its steps.
    #[test]
    fn a_sequence_is_one_batch_of_its_steps(t in 1usize..4, n in 2usize..4, stream: bool, seed: u64) {
        let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(seed), Tape::new());
        let spec = format!("batch_norm:stream={stream}").parse().expect("there is such a layer");
        let net = Network::new(&mut params, "net", &spec, [3], &mut rng).expect("three channels");
        let options = BatchNormOptions { stream, ..BatchNormOptions::default() };
        let norm = BatchNorm::with(&mut params, "norm", 3, options, &mut rng);
        let x = Tensor::<f64>::uniform([t, n, 3], -2.0, 2.0, &mut rng);
        let mut mode = Mode::train(Rng::new(1));
        let pass = tape.pass(&params);
        let (y, _) = net.sequence(pass.input(&x), net.enter(&pass, &net.zero_states(&params, n)), &mut mode);
        let rows = norm.forward(pass.input(&x).reshape([t * n, 3]), &mut mode);
        prop_assert_eq!(y.to_tensor().into_vec(), rows.to_tensor().into_vec());
        mode.update_buffers(&mut params);
        for (part, buffer) in [("running_mean", norm.running_mean), ("num_batches_tracked", norm.num_batches_tracked)] {
            let of_the_network = params.find(&format!("net.0.{part}")).expect("PyTorch's name");
            prop_assert_eq!(params.of(of_the_network), params.of(buffer));
        }
        prop_assert_eq!(params.of(norm.num_batches_tracked), [1.0]);
    }

    /// On a stream an example is given the same in training as in use, alone as in a batch.
    #[test]
    fn a_stream_sees_no_batches(rest in rests(), seed: u64) {
        let (params, norm, x) = case(STREAM, &rest, seed);
        let (mut tape, mut mode) = (Tape::new(), Mode::train(Rng::new(1)));
        let together = norm.forward(tape.pass(&params).input(&x), &mut mode).to_tensor();
        let in_use = norm.forward(tape.pass(&params).input(&x), &mut Mode::Eval).to_tensor();
        prop_assert_eq!(bits(together.as_slice()), bits(in_use.as_slice()));
        let n = x.shape().dims()[0];
        for i in 0..n {
            let one = x.view().slice(0, i..i + 1).to_tensor();
            let alone = norm.forward(tape.pass(&params).input(&one), &mut mode).to_tensor();
            prop_assert_eq!(bits(alone.as_slice()), bits(together.row(i as isize).to_tensor().as_slice()));
        }
        if rest.is_empty() {
            let one = x.row(0).to_tensor();
            let alone = norm.forward(tape.pass(&params).input(&one), &mut mode).to_tensor();
            prop_assert_eq!(alone, together.row(0).to_tensor());
        }
    }

    #[test]
    fn batch_norm_grows_without_a_change(rest in rests(), by in 0usize..4, stream: bool, training: bool, seed: u64) {
        let (mut params, norm, x) = case(BatchNormOptions { stream, ..STREAM }, &rest, seed);
        let mut tape = Tape::new();
        let mode = || if training { Mode::train(Rng::new(1)) } else { Mode::Eval };
        let before = norm.forward(tape.pass(&params).input(&x), &mut mode()).to_tensor();
        norm.grow(&mut params, by);
        let news = Tensor::uniform(x.shape().with(1, by), -2.0, 2.0, &mut Rng::new(seed));
        let x = Tensor::concat(&[x.view(), news.view()], 1);
        let mut mode = mode();
        let after = norm.forward(tape.pass(&params).input(&x), &mut mode).to_tensor();
        mode.update_buffers(&mut params);
        let old = after.view().slice(1, 0..before.shape().dims()[1]).to_tensor();
        prop_assert_eq!(bits(before.as_slice()), bits(old.as_slice()));
    }

    /// Neither scale nor offset of the input shows in a layer norm; the scale does not in an RMS norm.
    #[test]
    fn norms_ignore_what_they_should(n in 1usize..4, width in 2usize..6, scale in 0.5..20.0f64, offset in -9.0..9.0f64, seed: u64) {
        let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(seed), Tape::new());
        let options = LayerNormOptions { eps: 0.0, ..LayerNormOptions::default() };
        let layer = LayerNorm::with(&mut params, "layer", [width], options, &mut rng);
        let rms = RmsNorm::with(&mut params, "rms", [width], Some(0.0), &mut rng);
        let pass = tape.pass(&params);
        let x = pass.input(&Tensor::uniform([n, width], -1.0, 1.0, &mut rng));
        let changed = layer.forward(x) - layer.forward(x * scale + offset);
        prop_assert!(changed.abs().sum().item() < 1e-7);
        prop_assert!((rms.forward(x) - rms.forward(x * scale)).abs().sum().item() < 1e-9);
    }

    #[test]
    fn norm_gradients(n in 1usize..4, (a, b) in (1usize..4, 1usize..4), weight: bool, bias: bool, seed: u64) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
        let options = LayerNormOptions { eps: 0.1, weight, bias };
        let layer = LayerNorm::with(&mut params, "layer", [a, b], options, &mut rng);
        let rms = RmsNorm::with(&mut params, "rms", [a, b], Some(0.1), &mut rng);
        let x = params.add("x", [n, a, b], |_| rng.range(-2.0, 2.0));
        gradcheck_params(&params, |pass| rms.forward(layer.forward(pass.param(x)) + pass.param(x)))?;
    }
}

/// What training normalises by is what use will normalise by, once it has seen the whole of the data.
#[test]
fn batch_norm_over_the_whole_data_is_the_norm_by_hand() {
    let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
    let options = BatchNormOptions { momentum: Some(1.0), ..BatchNormOptions::default() };
    let norm = BatchNorm::with(&mut params, "norm", 3, options, &mut rng);
    let x = Tensor::<f64>::uniform([50, 3], -1.0, 7.0, &mut rng);
    let mut mode = Mode::train(Rng::new(2));
    norm.forward(tape.pass(&params).input(&x), &mut mode);
    mode.update_buffers(&mut params);
    let y = norm.forward(tape.pass(&params).input(&x), &mut Mode::Eval).to_tensor();
    for c in 0..3 {
        let column: Vec<f64> = x.as_slice().iter().skip(c).step_by(3).copied().collect();
        let mean = column.iter().sum::<f64>() / 50.0;
        let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 49.0;
        let expected: Vec<f64> = column.iter().map(|x| (x - mean) / (variance + 1e-5).sqrt()).collect();
        let found: Vec<f64> = y.as_slice().iter().skip(c).step_by(3).copied().collect();
        assert_close("y", &found, &expected, 1e-12);
    }
}

#[test]
fn buffers_are_frozen_and_named_as_pytorchs() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let norm = BatchNorm::new(&mut params, "bn", 2, &mut Rng::new(1));
    let names: Vec<_> = params.layout().iter().map(|(_, entry)| (entry.name().to_owned(), entry.trainable())).collect();
    let expected = [("weight", true), ("bias", true), ("running_mean", false), ("running_var", false)];
    assert_eq!(names[..4], expected.map(|(name, trainable)| (format!("bn.{name}"), trainable)));
    assert_eq!(names[4], ("bn.num_batches_tracked".to_owned(), false));
    let mut grads = Grads::like(&params);
    let pass = tape.pass(&params);
    norm.forward(pass.input(&Tensor::ones([3, 2])), &mut Mode::Eval).sum().backward(&mut grads);
    assert_eq!([norm.running_mean, norm.running_var].map(|buffer| grads.of(buffer).to_vec()), [[0.0; 2]; 2]);
}

/// Of one example the variance is 0: what comes next must not be divided by that.
#[test]
fn a_stream_without_momentum_stands_its_second_example() {
    let (mut params, mut tape, mut mode) = (Params::<f64>::new(), Tape::new(), Mode::train(Rng::new(1)));
    let options = BatchNormOptions { momentum: None, ..STREAM };
    let norm = BatchNorm::with(&mut params, "bn", 1, options, &mut Rng::new(1));
    for x in [1.0, 2.0, 1.5, 0.5] {
        let y = norm.forward(tape.pass(&params).input(&[x]), &mut mode).item();
        mode.update_buffers(&mut params);
        assert!(y.abs() < 3.0, "{x} gives {y}");
    }
}

/// A batch without values has no mean: it changes nothing, by either rule.
#[test]
fn an_empty_batch_changes_nothing() {
    for stream in [false, true] {
        let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
        let norm = BatchNorm::with(&mut params, "bn", 2, BatchNormOptions { stream, ..STREAM }, &mut Rng::new(1));
        let (before, mut mode) = (params.clone(), Mode::train(Rng::new(1)));
        assert_eq!(norm.forward(tape.pass(&params).zeros([0, 2, 3]), &mut mode).dims(), [0, 2, 3]);
        mode.update_buffers(&mut params);
        assert_eq!(params, before);
    }
}

#[test]
#[should_panic(expected = "BatchNorm: more than one value for each channel expected in training")]
fn pytorchs_rule_panics_on_a_single_example() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let norm = BatchNorm::new(&mut params, "bn", 2, &mut Rng::new(1));
    norm.forward(tape.pass(&params).zeros([1, 2]), &mut Mode::train(Rng::new(1)));
}

#[test]
#[should_panic(expected = "BatchNorm: [n, 2, …] or [2] expected, the shape is [2, 3]")]
fn batch_norm_panics_on_other_channels() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let norm = BatchNorm::new(&mut params, "bn", 2, &mut Rng::new(1));
    norm.forward(tape.pass(&params).zeros([2, 3]), &mut Mode::Eval);
}

#[test]
#[should_panic(expected = "LayerNorm: the last axes must be [3], the shape is [3, 2]")]
fn layer_norm_panics_on_other_features() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let norm = LayerNorm::new(&mut params, "norm", 3, &mut Rng::new(1));
    norm.forward(tape.pass(&params).zeros([3, 2]));
}
