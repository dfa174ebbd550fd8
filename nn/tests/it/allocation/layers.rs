//! Every layer: forward, backward, the optimizer's step, and the buffers'.

use thalweg_autograd::{Activation, Grads, Params, Pass, Tape, Var};
use thalweg_nn::attention::TransformerOptions;
use thalweg_nn::norm::BatchNormOptions;
use thalweg_nn::{Adam, AttentionMask, AvgPool1d, AvgPool2d, BagMode, BatchNorm, Conv1d, Conv2d, Dropout, Embedding};
use thalweg_nn::{EmbeddingBag, Flatten, GlobalAvgPool2d, GlobalMaxPool2d, GroupNorm, LayerNorm, LearnedPositions};
use thalweg_nn::{Linear, MaxPool1d, MaxPool2d, Mode, Module, MultiheadAttention, Nonlinearity, Optimizer, PRelu};
use thalweg_nn::{Residual, RmsNorm, SinusoidalPositions, Step, TransformerEncoderLayer};
use thalweg_tensor::Rng;

use super::only_the_first_steps_allocate;

/// Products of matrices pack into memory that a thread keeps; other processors use a library that allocates.
fn products_keep_their_memory() -> bool {
    #[cfg(target_arch = "x86_64")]
    let keep = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let keep = false;
    keep
}

/// Trains what `build` makes to give small outputs.
fn trains<L>(
    build: impl FnOnce(&mut Params<f32>, &mut Rng) -> L,
    forward: impl for<'p> Fn(&L, &'p Pass<'p>, &mut Mode, usize) -> Var<'p>,
) {
    if !products_keep_their_memory() {
        return println!("skipped: this processor has no AVX2");
    }
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let layers = build(&mut params, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
    let mut mode = Mode::train(rng);
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        forward(&layers, &pass, &mut mode, i).square().mean().backward(&mut grads);
        assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
        mode.update_buffers(&mut params);
    });
}

/// Data of this shape, another at each step.
fn data<'p, const N: usize>(pass: &'p Pass<'p>, shape: [usize; N], step: usize) -> Var<'p> {
    let write = |x: &mut [f32]| x.iter_mut().enumerate().for_each(|(i, x)| *x = ((i * 7 + step) as f32).sin());
    pass.record("data", [], shape, |[], x| write(x), |_| {})
}

#[test]
fn images_allocate_nothing() {
    for n in [1, 3] {
        let build = |params: &mut Params<f32>, rng: &mut Rng| {
            let batch = BatchNorm::with(params, "batch", 4, BatchNormOptions::default(), rng);
            let stream = BatchNormOptions { stream: true, ..BatchNormOptions::default() };
            let images = (
                Conv2d::new(params, "conv", 2, 4, [3, 3], rng),
                (batch, Nonlinearity::Gelu, MaxPool2d::new([2, 2])),
                Residual((GroupNorm::new(params, "group", 2, 4, rng), Dropout::new(0.2))),
                AvgPool2d::new([2, 2]),
                BatchNorm::with(params, "stream", 4, stream, rng),
            );
            (images, Linear::new(params, "head", 16, 2, rng))
        };
        trains(build, |(images, head), pass, mode, i| {
            let x = images.forward(data(pass, [n, 2, 10, 10], i), mode);
            let pooled = (GlobalAvgPool2d.forward(x) + GlobalMaxPool2d.forward(x)).sum();
            (Flatten { from: 1 }, *head, Activation::Tanh).forward(x, mode) + pooled
        });
    }
}

#[test]
fn signals_allocate_nothing() {
    let build = |params: &mut Params<f32>, rng: &mut Rng| {
        (
            Conv1d::new(params, "conv", 2, 4, [3], rng),
            (PRelu::new(params, "prelu", rng), MaxPool1d::new([2])),
            (LayerNorm::new(params, "layer", 7, rng), RmsNorm::new(params, "rms", 7, rng)),
            AvgPool1d::new([2]),
            BatchNorm::new(params, "batch", 4, rng),
        )
    };
    trains(build, |net, pass, mode, i| {
        let y = net.forward(data(pass, [3, 2, 16], i), mode);
        Dropout::new(0.5).forward_along(y, 2, mode)
    });
}

#[test]
fn activations_allocate_nothing() {
    let all = [
        Nonlinearity::Relu,
        Nonlinearity::LeakyRelu(0.01),
        Nonlinearity::Relu6,
        Nonlinearity::Elu(1.0),
        Nonlinearity::Selu,
        Nonlinearity::Celu(1.0),
        Nonlinearity::Gelu,
        Nonlinearity::GeluTanh,
        Nonlinearity::Silu,
        Nonlinearity::Mish,
        Nonlinearity::Softplus,
        Nonlinearity::Tanh,
        Nonlinearity::Tanhshrink,
        Nonlinearity::Hardtanh,
        Nonlinearity::Sigmoid,
        Nonlinearity::LogSigmoid,
        Nonlinearity::Hardsigmoid,
        Nonlinearity::Hardswish,
        Nonlinearity::Softmax,
        Nonlinearity::LogSoftmax,
    ];
    let build = |params: &mut Params<f32>, rng: &mut Rng| Linear::new(params, "linear", 4, 4, rng);
    trains(build, |linear, pass, mode, i| (*linear, all, Nonlinearity::Glu).forward(data(pass, [3, 4], i), mode));
}

#[test]
fn attention_allocates_nothing() {
    for (sequences, steps) in [(1, 1), (1, 5), (3, 20)] {
        let build = |params: &mut Params<f32>, rng: &mut Rng| {
            let options = TransformerOptions { causal: true, ..TransformerOptions::default() };
            let block = TransformerEncoderLayer::with(params, "block", 8, 2, options, rng);
            let positions = (SinusoidalPositions, LearnedPositions::new(params, "positions", 20, 8, rng));
            let cross = MultiheadAttention::with(params, "cross", 8, 2, Dropout::new(0.1), false, rng);
            (positions, block, cross)
        };
        let padding: Vec<bool> = (0..sequences * steps).map(|i| i % 7 == 6).collect();
        trains(build, |(positions, block, cross), pass, mode, i| {
            let x = positions.forward(data(pass, [sequences, steps, 8], i), mode);
            let memory = block.forward_padded(block.forward(x, mode), &padding, mode);
            cross.forward(x, memory, memory, AttentionMask::NONE, mode)
        });
    }
}

#[test]
fn bags_and_padding_allocate_nothing() {
    let build = |params: &mut Params<f32>, rng: &mut Rng| Embedding::with_padding(params, "words", 500, 8, 0, rng);
    trains(build, |&table, pass, _, i| {
        let (indices, offsets) = ([i, 3 * i, 100 - i, 0, 7 * i], [0, 2, 2]);
        let bags = [BagMode::Sum, BagMode::Mean, BagMode::Max].map(|mode| EmbeddingBag { table, mode });
        let [sum, mean, largest] = bags.map(|bags| bags.forward(pass, &indices, &offsets));
        let weighted = bags[0].forward_weighted(&indices, &offsets, data(pass, [5], i));
        sum + mean + largest + weighted + table.forward(pass, &indices[..3])
    });
}
