//! The bytes of every type that can be saved are pinned: whoever changes one of them knows that a new version is due.

use serde::Serialize;
use thalweg_autograd::{Flat, Grads, Params, Tape};
use thalweg_nn::attention::TransformerOptions;
use thalweg_nn::init::{Fan, Gain};
use thalweg_nn::norm::{BatchNormOptions, LayerNormOptions};
use thalweg_nn::weights::to_bytes;
use thalweg_nn::{loss::*, *};
use thalweg_tensor::Dual;
use xxhash_rust::xxh3::xxh3_64;

use crate::optimizers::spec::SPECS;

/// Where the types have changed on purpose: raise the version in `weights`, and put the new hashes here.
const HASHES: [(&str, u64); 9] = [
    ("tensors", 0x422d_5028_4b95_20a1),
    ("parameters", 0xe817_603e_09a7_611c),
    ("networks", 0xce8e_6c24_d412_c9db),
    ("layers", 0x92d1_44fd_4bd1_84d9),
    ("recurrent", 0x4e35_1ba7_769f_e847),
    ("optimizers", 0xcb08_bcae_2f71_4254),
    ("around optimizers", 0xdbcb_f317_8eda_2ae8),
    ("losses", 0xe4b5_4618_47cf_944a),
    ("options", 0x67e3_8072_03e3_f2c5),
];

/// Every layer that has a name stands in one of them.
const NETWORKS: [&str; 4] = [
    "batch_norm > linear:4,sparse=0.5 > relu > layer_norm:affine=false > rms_norm > prelu > glu > leaky_relu:0.5 > dropout:0.25 > softmax",
    "rnn:4x2,dropout=0.5 > leaky_rnn:4,alpha=0.5 > lstm:4 > layer_norm_lstm:4,bias=false > gru:4,form=chung > residual(residual(gru:4))",
    "view:4x2 > group_norm:2 > conv1d:2x1 > max_pool1d:2 > avg_pool1d:1 > view:1x2x1 > conv2d:2x1 > max_pool2d:1 > \
     avg_pool2d:1 > global_avg_pool2d > view:1x1x2 > global_max_pool2d > flatten",
    "attention:heads=2,causal > encoder:heads=2,ff=3 > sinusoidal_positions > learned_positions:4 > lstm:2,bidirectional",
];

/// The values in bytes, of which no number depends on how a platform rounds.
fn values() -> [(&'static str, Vec<u8>); 9] {
    fn bytes(value: &impl Serialize) -> Vec<u8> {
        let file = to_bytes(value).expect("it can be saved");
        file[20..file.len() - 8].to_vec()
    }
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let networks = NETWORKS.map(|spec| {
        let spec: NetworkSpec = spec.parse().expect("a network");
        let net = Network::new(&mut Params::<f32>::new(), "net", &spec, [8], &mut Rng::new(1)).expect("it fits");
        (spec, net)
    });
    let lstm = Recurrent::<Lstm>::with(
        &mut params,
        "lstm",
        RecurrentOptions::new(2, 3).layers(2).learned_start(true),
        &mut rng,
    );
    let gru = Gru::new(&mut params, "gru", 2, 3, &mut rng);
    let words = Embedding::with_padding(&mut params, "words", 5, 2, 1, &mut rng);
    let bag = EmbeddingBag { table: words, mode: BagMode::Mean };
    let norm = BatchNorm::with(
        &mut params,
        "norm",
        2,
        BatchNormOptions { stream: true, momentum: None, ..Default::default() },
        &mut rng,
    );
    let mut mode = Mode::train(Rng::new(1));
    norm.forward(Tape::new().pass(&params).input(&[1.0, 2.0]), &mut mode);
    let mut window = Tbptt::<f32>::new(2, 3);
    window.push(&[1.0, 0.5]);

    let mut theta = Params::<f32>::new();
    let w = theta.add_stacked("w", 2, [2, 3], |i| i as f32);
    theta.grow(w, 1, 1, |_| 0.5);
    let mut average = Average::uniform();
    average.update(&theta);
    let optimizers = SPECS.map(|spec| {
        let mut optimizer: AnyOptimizer = spec.parse::<OptimizerSpec>().expect("an optimizer").build();
        *Optimizer::<f32>::groups_mut(&mut optimizer) =
            [Group::of("w*").rate(0.5).weight_decay(0.25), Group::vectors().frozen()].into();
        let (mut theta, mut grads) = (theta.clone(), Grads::like(&theta));
        grads.of_mut(w).fill(0.25);
        optimizer.step(&mut theta, &mut grads);
        optimizer
    });
    let schedules = [
        Schedule::Constant { rate: 0.5 },
        Schedule::Step { rate: 0.5, every: 3, factor: 0.25 },
        Schedule::MultiStep { rate: 0.5, milestones: vec![3, 5], factor: 0.25 },
        Schedule::Exponential { rate: 0.5, factor: 0.25 },
        Schedule::Linear { from: 0.5, to: 0.25, steps: 3 },
        Schedule::Cosine { rate: 0.5, lowest: 0.25, steps: 3, stretch: Some(2) },
        Schedule::one_cycle(0.5, 9),
        Schedule::InverseSquareRoot { rate: 0.5, warm_up: 3 }.with_warm_up(3),
    ];
    let mut plateau = Plateau::new(0.5);
    plateau.observe(2.0);
    let numbers = Tensor::<f64>::from_fn([2, 3], |i| i as f64);
    let window_of = Window::new([3, 2]).stride([2, 1]);
    let losses = (
        (BceLoss::default(), BceWithLogitsLoss::default(), HingeLoss::default(), CtcLoss::default()),
        (CrossEntropyLoss::default(), MultiMarginLoss::default(), NllLoss::default(), KlDivLoss::default()),
        (GaussianNllLoss::default(), PoissonNllLoss::default(), CosineEmbeddingLoss::default()),
        (HingeEmbeddingLoss::default(), NegativeSamplingLoss::default(), Reduction::Sum),
        (HuberLoss::default(), L1Loss::default(), MseLoss::default(), SmoothL1Loss::default(), QuantileLoss::default()),
    );
    let options = (
        CellOptions::<LstmForm>::new(2, 3).form(LstmForm::REMEMBERING),
        (CellOptions::<GruForm>::new(2, 3).bias(false), CellOptions::<RnnForm>::new(2, 3)),
        RecurrentOptions::<GruForm>::new(2, 3).layers(2),
        (TransformerOptions::default(), BatchNormOptions::default(), LayerNormOptions::default()),
        (Fan::Out, Gain::LeakyRelu(0.5), ConvOptions::<2>::default(), window_of),
    );
    [
        ("tensors", bytes(&(&numbers, numbers.shape(), Rng::new(1), Dual { value: 1.0, tangent: 2.0 }))),
        ("parameters", bytes(&(&theta, Flat::like(&theta), w))),
        ("networks", bytes(&networks)),
        (
            "layers",
            bytes(&((bag, norm, mode), Residual(Flatten { from: 1 }), (AvgPool2d::new([2, 1]), GlobalAvgPool2d))),
        ),
        ("recurrent", bytes(&(lstm.zero_state(&params), &lstm, gru, window))),
        ("optimizers", bytes(&(optimizers, SPECS.map(|spec| spec.parse::<OptimizerSpec>().expect("an optimizer"))))),
        ("around optimizers", bytes(&(schedules, plateau, (average, Average::<f32>::corrected(0.5))))),
        ("losses", bytes(&losses)),
        ("options", bytes(&options)),
    ]
}

#[test]
fn the_bytes_of_every_type_are_pinned() {
    let found = values().map(|(name, bytes)| (name, xxh3_64(&bytes)));
    assert_eq!(
        found.map(|(name, hash)| format!("{name} {hash:#x}")),
        HASHES.map(|(name, hash)| format!("{name} {hash:#x}")),
        "the format has changed: a new version is due"
    );
}
