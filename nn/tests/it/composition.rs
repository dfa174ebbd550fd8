//! Laws of lookups, bags, and of networks made of modules.

use proptest::prelude::*;
use thalweg_autograd::{Activation, Grads, Params, Tape, Touched, Var, gradcheck_params};
use thalweg_nn::attention::TransformerOptions;
use thalweg_nn::norm::BatchNormOptions;
use thalweg_nn::{AvgPool2d, BagMode, BatchNorm, Conv2d, Dropout, Embedding, EmbeddingBag, Flatten, GlobalAvgPool2d};
use thalweg_nn::{GroupNorm, LayerNorm, Linear, MaxPool2d, Mode, Module, Nonlinearity, PRelu, Residual, RmsNorm};
use thalweg_nn::{LearnedPositions, SinusoidalPositions, TransformerEncoderLayer};
use thalweg_tensor::{Rng, Tensor};

use crate::support::bits;

const MODES: [BagMode; 3] = [BagMode::Sum, BagMode::Mean, BagMode::Max];

/// Words, and where bags of them begin: some are empty.
fn bag_case() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    prop::collection::vec(prop::collection::vec(0usize..6, 0..4), 0..5).prop_map(|bags| {
        let starts = bags.iter().scan(0, |at, bag| Some(std::mem::replace(at, *at + bag.len())));
        (bags.concat(), starts.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_bag_is_a_reduction_of_lookups((indices, offsets) in bag_case(), which in 0usize..3) {
        let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
        let table = Embedding::new(&mut params, "words", 6, 3, &mut Rng::new(1));
        let bags = EmbeddingBag { table, mode: MODES[which] };
        let pass = tape.pass(&params);
        let y = bags.forward(&pass, &indices, &offsets).to_tensor();
        prop_assert_eq!(y.shape(), [offsets.len(), 3].into());
        for (bag, &start) in offsets.iter().enumerate() {
            let end = offsets.get(bag + 1).copied().unwrap_or(indices.len());
            let rows = table.forward(&pass, &indices[start..end]);
            let expected = match bags.mode {
                _ if start == end => pass.zeros([3]),
                BagMode::Sum => rows.sum_axis(0),
                BagMode::Mean => rows.mean_axis(0),
                BagMode::Max => rows.max_axis(0),
            };
            let error = (expected - pass.input(y.row(bag as isize))).abs().sum().item();
            prop_assert!(error < 1e-12, "bag {}: off by {}", bag, error);
        }
    }

    #[test]
    fn bag_gradients((indices, offsets) in bag_case(), which in 0usize..3, seed: u64) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
        let bags = EmbeddingBag { mode: MODES[which], ..EmbeddingBag::new(&mut params, "words", 6, 3, &mut rng) };
        gradcheck_params(&params, |pass| bags.forward(pass, &indices, &offsets))?;
        let weights = params.add("weights", [indices.len()], |_| rng.range(-1.0, 1.0));
        let sums = EmbeddingBag { mode: BagMode::Sum, ..bags };
        gradcheck_params(&params, |pass| sums.forward_weighted(&indices, &offsets, pass.param(weights)))?;
    }

    /// A bag gives and learns what it does without its padding, whatever stands in the padding's row.
    #[test]
    fn padding_is_no_word_of_a_bag((indices, offsets) in bag_case(), which in 0usize..3, padding in 0usize..6, seed: u64) {
        let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(seed), Tape::new());
        let table = Embedding::with_padding(&mut params, "words", 6, 3, padding, &mut rng);
        params.of_mut(table.weight).fill_with(|| rng.normal());
        let bags = EmbeddingBag { table, mode: MODES[which] };
        let mut run = |bags: EmbeddingBag, indices: &[usize], offsets: &[usize]| {
            let (pass, mut grads) = (tape.pass(&params), Grads::like(&params));
            let y = bags.forward(&pass, indices, offsets);
            (y + 1.0).square().sum().backward(&mut grads);
            (bits(y.to_tensor().as_slice()), bits(grads.as_slice()))
        };
        let with = run(bags, &indices, &offsets);
        let words: Vec<usize> = indices.iter().copied().filter(|&i| i != padding).collect();
        let before = |&at: &usize| indices[..at].iter().filter(|&&i| i != padding).count();
        let offsets: Vec<usize> = offsets.iter().map(before).collect();
        let without = run(EmbeddingBag { table: Embedding { padding: None, ..table }, ..bags }, &words, &offsets);
        prop_assert_eq!(with, without);
    }

    /// The padding reads as zeros and learns nothing; all else is as without.
    #[test]
    fn padding_is_never_touched(indices in prop::collection::vec(0usize..5, 0..9), padding in 0usize..5) {
        let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
        let words = Embedding::with_padding(&mut params, "words", 5, 3, padding, &mut Rng::new(1));
        prop_assert_eq!(&params.of(words.weight)[padding * 3..][..3], [0.0; 3]);
        let mut run = |words: Embedding| {
            let (pass, mut grads) = (tape.pass(&params), Grads::like(&params));
            let y = words.forward(&pass, &indices);
            (y + 1.0).square().sum().backward(&mut grads);
            (y.to_tensor(), grads)
        };
        let ((y, mut with), (same, mut without)) = (run(words), run(Embedding { padding: None, ..words }));
        prop_assert_eq!(y, same);
        if let Touched::Rows(rows) = with.touched(words.weight) {
            prop_assert!(!rows.contains(&(padding as u32)));
        }
        without.of_mut(words.weight)[padding * 3..][..3].fill(0.0);
        prop_assert_eq!(with.of(words.weight), without.of(words.weight));
    }

    /// Images through everything that has kinks in its sizes, but none in its slopes.
    #[test]
    fn gradients_of_a_network_of_images(n in 1usize..3, side in 5usize..7, training: bool, stream: bool, seed: u64) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
        let options = BatchNormOptions { stream, eps: 0.1, ..BatchNormOptions::default() };
        let net = (
            Conv2d::new(&mut params, "conv", 2, 4, [3, 2], &mut rng),
            BatchNorm::with(&mut params, "batch", 4, options, &mut rng),
            Nonlinearity::Gelu,
            AvgPool2d::new([2, 2]),
            Residual((
                GroupNorm { eps: 0.1, ..GroupNorm::new(&mut params, "group", 2, 4, &mut rng) },
                Conv2d::new(&mut params, "mix", 4, 4, [1, 1], &mut rng),
            )),
            (GlobalAvgPool2d, Activation::Tanh),
            Linear::new(&mut params, "head", 4, 3, &mut rng),
        );
        let x = params.add("x", [n, 2, side, side], |_| rng.range(-1.0, 1.0));
        gradcheck_params(&params, |pass| {
            let mut mode = if training { Mode::train(Rng::new(1)) } else { Mode::Eval };
            net.forward(pass.param(x), &mut mode)
        })?;
    }

    /// Whatever else is in a batch, an example gives the same: through every layer but PyTorch's batch norm in training.
    #[test]
    fn examples_of_a_batch_are_independent(n in 2usize..5, training: bool, seed: u64) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
        let stream = BatchNormOptions { stream: true, ..BatchNormOptions::default() };
        let images = (
            Conv2d::new(&mut params, "conv", 1, 4, [2, 2], &mut rng),
            BatchNorm::with(&mut params, "batch", 4, stream, &mut rng),
            PRelu::new(&mut params, "prelu", &mut rng),
            GroupNorm::new(&mut params, "group", 2, 4, &mut rng),
            MaxPool2d::new([2, 2]),
            Flatten { from: 1 },
            Linear::new(&mut params, "linear", 16, 6, &mut rng),
        );
        let options = TransformerOptions { dropout: 0.0, causal: true, ..TransformerOptions::default() };
        let sequences = (
            LayerNorm::new(&mut params, "layer", 3, &mut rng),
            RmsNorm::new(&mut params, "rms", 3, &mut rng),
            (SinusoidalPositions, LearnedPositions::new(&mut params, "positions", 2, 3, &mut rng)),
            TransformerEncoderLayer::with(&mut params, "block", 3, 1, options, &mut rng),
        );
        let x = Tensor::<f64>::uniform([n, 1, 5, 5], -1.0, 1.0, &mut rng);
        let mut tape = Tape::new();
        let mut run = |x: &Tensor<f64>| {
            let mut mode = if training { Mode::train(Rng::new(1)) } else { Mode::Eval };
            let pass = tape.pass(&params);
            let features = images.forward(pass.input(x), &mut mode);
            sequences.forward(features.reshape([x.shape().dims()[0], 2, 3]), &mut mode).to_tensor()
        };
        let together = run(&x);
        for i in 0..n {
            let alone = run(&x.view().slice(0, i..i + 1).to_tensor());
            prop_assert_eq!(bits(alone.as_slice()), bits(together.row(i as isize).to_tensor().as_slice()));
        }
    }
}

/// A sequence of modules is one after the other, in whichever way it is written.
#[test]
fn sequences_are_compositions() {
    let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
    let [a, b, c] = ["a", "b", "c"].map(|name| Linear::new(&mut params, name, 3, 3, &mut rng));
    let pass = tape.pass(&params);
    let (x, mode) = (pass.input(&[0.5, -1.0, 2.0]), &mut Mode::Eval);
    let expected = c.forward(b.forward(a.forward(x).tanh()).tanh()).to_tensor();
    let tanh = Nonlinearity::Tanh;
    assert_eq!((a, tanh, b, tanh, c).forward(x, mode).to_tensor(), expected);
    assert_eq!(([(a, tanh), (b, tanh)], c).forward(x, mode).to_tensor(), expected);
    assert_eq!((vec![(a, Activation::Tanh), (b, Activation::Tanh)], c).forward(x, mode).to_tensor(), expected);
    let residual = Residual((a, tanh)).forward(x, mode).to_tensor();
    assert_eq!(residual, (x + a.forward(x).tanh()).to_tensor());
}

/// A network is plain data: it is saved as it is, and loaded beside its θ.
#[test]
fn a_network_of_modules_is_saved() -> Result<(), serde_json::Error> {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let net = (
        Conv2d::new(&mut params, "conv", 1, 4, [3, 3], &mut rng),
        (BatchNorm::new(&mut params, "batch", 4, &mut rng), Nonlinearity::LeakyRelu(0.01), MaxPool2d::new([2, 2])),
        Residual((GroupNorm::new(&mut params, "group", 2, 4, &mut rng), Dropout::new(0.5))),
        (Flatten { from: 2 }, LayerNorm::new(&mut params, "layer", 4, &mut rng)),
        TransformerEncoderLayer::new(&mut params, "block", 4, 2, &mut rng),
        EmbeddingBag::new(&mut params, "words", 3, 2, &mut rng),
    );
    let mut loaded = net;
    loaded.2.0.1.p = 0.0;
    assert_ne!(loaded, net);
    loaded = serde_json::from_str(&serde_json::to_string(&net)?)?;
    assert_eq!(loaded, net);
    Ok(())
}

/// In use nothing is drawn, dropped or measured.
#[test]
fn use_is_deterministic() {
    let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
    let net = (
        Linear::new(&mut params, "linear", 4, 6, &mut rng),
        BatchNorm::new(&mut params, "norm", 6, &mut rng),
        Dropout::new(0.5),
        TransformerEncoderLayer::new(&mut params, "block", 6, 2, &mut rng),
    );
    let (x, before) = (Tensor::uniform([5, 4], -1.0, 1.0, &mut rng), params.clone());
    let mut run = |mode: &mut Mode<f64>| net.forward(tape.pass(&params).input(&x), mode).to_tensor();
    let (first, trained, second) = (run(&mut Mode::Eval), run(&mut Mode::train(Rng::new(1))), run(&mut Mode::Eval));
    assert_eq!(bits(first.as_slice()), bits(second.as_slice()));
    assert_ne!(first, trained);
    Mode::Eval.update_buffers(&mut params);
    assert_eq!(params, before);
}

/// A table that is read at the start and written to at the end: the gradients of both uses add up.
#[test]
fn tied_weights_share_their_gradient() {
    let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
    let words = Embedding::new(&mut params, "words", 5, 3, &mut rng);
    let tied = Linear { weight: words.weight, bias: None };
    let free = Linear::without_bias(&mut params, "free", 3, 5, &mut rng);
    let copied = params.of(words.weight).to_vec();
    params.of_mut(free.weight).copy_from_slice(&copied);
    let mut gradients = |output: Linear| {
        let (pass, mut grads) = (tape.pass(&params), Grads::like(&params));
        output.forward(words.forward(&pass, &[3, 1]).tanh()).cross_entropy(&[1, 4]).backward(&mut grads);
        [words.weight, free.weight].map(|weight| grads.of(weight).to_vec())
    };
    let ([both, _], [read, written]) = (gradients(tied), gradients(free));
    let sum: Vec<f64> = read.iter().zip(&written).map(|(a, b)| a + b).collect();
    crate::support::assert_close("gradient", &both, &sum, 1e-12);
    gradcheck_params(&params, |pass| tied.forward(words.forward(pass, &[3, 1]).tanh())).expect("of both uses");
    words.grow(&mut params, 1, &mut rng);
    assert_eq!(tied.forward(tape.pass(&params).zeros([3])).dims(), [6], "a new word can be read and written");
}

/// Two elements with the same largest number: the first one learns. A NaN shows.
#[test]
fn the_largest_of_a_bag_is_the_first_of_equals() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let bags = EmbeddingBag { mode: BagMode::Max, ..EmbeddingBag::new(&mut params, "words", 3, 1, &mut Rng::new(1)) };
    params.of_mut(bags.table.weight).copy_from_slice(&[2.0, 2.0, f64::NAN]);
    let (pass, mut grads) = (tape.pass(&params), Grads::like(&params));
    let y = bags.forward(&pass, &[1, 0], &[0]);
    assert_eq!(y.item(), 2.0);
    y.sum().backward(&mut grads);
    assert_eq!(grads.of(bags.table.weight), [0.0, 1.0, 0.0]);
    assert!(bags.forward(&tape.pass(&params), &[0, 2, 1], &[0]).item().is_nan());
}

/// Worked by hand along PyTorch's rules: row 1 is padding, and not zero. Bags {0, 1, 2}, {1}, {}, {1, 2}.
#[test]
fn bags_leave_padding_out() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let table = Embedding::with_padding(&mut params, "words", 3, 2, 1, &mut Rng::new(1));
    params.of_mut(table.weight).copy_from_slice(&[-1.0, -4.0, 9.0, 9.0, -3.0, -2.0]);
    let pass = tape.pass(&params);
    let (indices, offsets) = ([0, 1, 2, 1, 1, 2], [0, 3, 4, 4]);
    let expected = [
        (BagMode::Sum, [-4.0, -6.0, 0.0, 0.0, 0.0, 0.0, -3.0, -2.0], [1.0, 1.0, 0.0, 0.0, 2.0, 2.0]),
        (BagMode::Mean, [-2.0, -3.0, 0.0, 0.0, 0.0, 0.0, -3.0, -2.0], [0.5, 0.5, 0.0, 0.0, 1.5, 1.5]),
        (BagMode::Max, [-1.0, -2.0, 0.0, 0.0, 0.0, 0.0, -3.0, -2.0], [1.0, 0.0, 0.0, 0.0, 1.0, 2.0]),
    ];
    for (mode, expected, slope) in expected {
        let (y, mut grads) = (EmbeddingBag { table, mode }.forward(&pass, &indices, &offsets), Grads::like(&params));
        assert_eq!(y.to_tensor().as_slice(), expected, "{mode:?}");
        y.sum().backward(&mut grads);
        assert_eq!(grads.of(table.weight), slope, "{mode:?}");
    }
    let weights = pass.leaf(&[2.0, 5.0, 0.5, 5.0, 5.0, 1.0]);
    let y = EmbeddingBag { table, mode: BagMode::Sum }.forward_weighted(&indices, &offsets, weights);
    assert_eq!(y.to_tensor().as_slice(), [-3.5, -9.0, 0.0, 0.0, 0.0, 0.0, -3.0, -2.0]);
    y.sum().backward(&mut Grads::like(&params));
    let mut slope = [f64::NAN; 6];
    weights.grad_to(&mut slope);
    assert_eq!(slope, [-5.0, 0.0, -5.0, 0.0, 0.0, -5.0]);
}

/// With tied weights the padding's row is the output layer's too, and learns from there.
#[test]
fn tied_weights_move_the_padding() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let words = Embedding::with_padding(&mut params, "words", 3, 2, 1, &mut Rng::new(1));
    let (pass, mut grads) = (tape.pass(&params), Grads::like(&params));
    Linear { weight: words.weight, bias: None }
        .forward(words.forward(&pass, &[0]))
        .cross_entropy(&[2])
        .backward(&mut grads);
    assert!(grads.of(words.weight)[2..4].iter().all(|&g| g != 0.0));
}

#[test]
fn a_bag_touches_its_words_only() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let bags = EmbeddingBag::new(&mut params, "words", 100, 2, &mut Rng::new(1));
    let mut grads = Grads::like(&params);
    bags.forward(&tape.pass(&params), &[7, 3, 7, 9], &[0, 3]).sum().backward(&mut grads);
    assert_eq!(grads.touched(bags.table.weight), Touched::Rows(&[7, 3, 9]));
}

#[test]
#[should_panic(expected = "EmbeddingBag: offsets must ascend from 0 to at most 2, the number of words: [0, 3]")]
fn a_bag_panics_on_offsets_beyond_the_words() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let bags = EmbeddingBag::new(&mut params, "words", 3, 1, &mut Rng::new(1));
    bags.forward(&tape.pass(&params), &[0, 1], &[0, 3]);
}

/// Flattening is a view of any shape.
#[test]
fn flatten_joins_axes() {
    let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    let pass = tape.pass(&params);
    let dims = |from: usize, x: Var<'_, f64>| Flatten { from }.forward(x, &mut Mode::Eval).shape().dims().to_vec();
    assert_eq!(dims(1, pass.zeros([2, 3, 4])), [2, 12]);
    assert_eq!(dims(0, pass.zeros([2, 3, 4])), [24]);
    assert_eq!(dims(1, pass.zeros([2])), [2, 1]);
}
