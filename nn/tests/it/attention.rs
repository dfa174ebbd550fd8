//! Laws of attention.

use proptest::prelude::*;
use thalweg_autograd::{Grads, Params, Tape, gradcheck_params};
use thalweg_nn::attention::TransformerOptions;
use thalweg_nn::{AttentionMask, Dropout, Mode, MultiheadAttention, Nonlinearity, TransformerEncoderLayer};
use thalweg_tensor::{Rng, Tensor};

use crate::support::{assert_close, bits};

/// `n` sequences of `t` elements (and memories of `s`), `heads` heads of `size` features.
#[derive(Clone, Debug)]
struct Sizes {
    n: usize,
    t: usize,
    s: usize,
    heads: usize,
    size: usize,
    seed: u64,
}

fn sizes() -> impl Strategy<Value = Sizes> {
    (1usize..4, 1usize..6, 1usize..6, 1usize..4, 1usize..4, any::<u64>())
        .prop_map(|(n, t, s, heads, size, seed)| Sizes { n, t, s, heads, size, seed })
}

impl Sizes {
    fn width(&self) -> usize {
        self.heads * self.size
    }

    fn input(&self, t: usize, rng: &mut Rng) -> Tensor<f64> {
        Tensor::uniform([self.n, t, self.width()], -1.0, 1.0, rng)
    }

    /// Attention with random biases, too.
    fn attention(&self, rng: &mut Rng) -> (Params<f64>, MultiheadAttention) {
        let mut params = Params::new();
        let attention = MultiheadAttention::new(&mut params, "attention", self.width(), self.heads, rng);
        for bias in attention.in_proj_bias.into_iter().chain(attention.out_proj.bias) {
            params.of_mut(bias).fill_with(|| rng.range(-0.5, 0.5));
        }
        (params, attention)
    }

    fn block(&self, options: TransformerOptions, rng: &mut Rng) -> (Params<f64>, TransformerEncoderLayer) {
        let mut params = Params::new();
        let block = TransformerEncoderLayer::with(&mut params, "block", self.width(), self.heads, options, rng);
        (params, block)
    }
}

/// Smooth, so that differences may be compared with slopes.
const SMOOTH: TransformerOptions = TransformerOptions {
    feedforward: Some(3),
    dropout: 0.0,
    activation: Nonlinearity::Tanh,
    norm_first: true,
    causal: false,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn attention_gradient(s in sizes(), causal: bool, padded: bool) {
        let mut rng = Rng::new(s.seed);
        let (mut params, attention) = s.attention(&mut rng);
        let padding: Vec<bool> = (0..s.n * s.s).map(|_| rng.uniform() < 0.3).collect();
        let [query, key, value] = [("query", s.t), ("key", s.s), ("value", s.s)].map(|(name, t)| {
            let x = s.input(t, &mut rng);
            params.add(name, x.shape(), |i| x.as_slice()[i])
        });
        gradcheck_params(&params, |pass| {
            let mask = AttentionMask { causal, key_padding: padded.then_some(&padding) };
            let [q, k, v] = [query, key, value].map(|x| pass.param(x));
            attention.forward(q, k, v, mask, &mut Mode::Eval)
        })?;
    }

    /// One product instead of three gives the same bits.
    #[test]
    fn self_attention_is_attention_to_oneself(s in sizes(), causal: bool) {
        let mut rng = Rng::new(s.seed);
        let (params, attention) = s.attention(&mut rng);
        let (x, mut tape) = (s.input(s.t, &mut rng), Tape::new());
        let pass = tape.pass(&params);
        let (x, mask) = (pass.input(&x), AttentionMask { causal, key_padding: None });
        let short = attention.self_attention(x, mask, &mut Mode::Eval).to_tensor();
        let long = attention.forward(x, x, x, mask, &mut Mode::Eval).to_tensor();
        prop_assert_eq!(bits(short.as_slice()), bits(long.as_slice()));
    }

    /// What comes later changes no bit of what was before.
    #[test]
    fn a_causal_block_does_not_see_the_future(s in sizes(), cut in 0usize..6, norm_first: bool) {
        let mut rng = Rng::new(s.seed);
        let (params, block) = s.block(TransformerOptions { causal: true, norm_first, ..SMOOTH }, &mut rng);
        let (cut, mut tape) = (cut.min(s.t), Tape::new());
        let x = s.input(s.t, &mut rng);
        let other = Tensor::concat(&[x.view().slice(1, 0..cut), s.input(s.t - cut, &mut rng).view()], 1);
        let mut past = |x: &Tensor<f64>| {
            let pass = tape.pass(&params);
            bits(block.forward(pass.input(x), &mut Mode::Eval).slice(1, 0..cut).to_tensor().as_slice())
        };
        prop_assert_eq!(past(&x), past(&other));
    }

    /// Without positions, a sequence in another order gives the outputs in that order.
    #[test]
    fn attention_does_not_know_the_order(s in sizes()) {
        let mut rng = Rng::new(s.seed);
        let (params, block) = s.block(SMOOTH, &mut rng);
        let (x, order, mut tape) = (s.input(s.t, &mut rng), rng.permutation(s.t), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.input(&x);
        let ordered_last = block.forward(x, &mut Mode::Eval).index_select(1, &order).to_tensor();
        let ordered_first = block.forward(x.index_select(1, &order), &mut Mode::Eval).to_tensor();
        assert_close("outputs", ordered_first.as_slice(), ordered_last.as_slice(), 1e-12);
    }

    /// Padding has no influence, whatever stands there; and a sequence alone is as it is in a batch.
    #[test]
    fn padding_changes_nothing(s in sizes(), more in 1usize..4, causal: bool) {
        let mut rng = Rng::new(s.seed);
        let (params, block) = s.block(TransformerOptions { causal, ..SMOOTH }, &mut rng);
        let (x, mut tape) = (s.input(s.t, &mut rng), Tape::new());
        let longer = Tensor::concat(&[x.view(), (&s.input(more, &mut rng) * 9.0).view()], 1);
        let padding: Vec<bool> = (0..s.n * (s.t + more)).map(|i| i % (s.t + more) >= s.t).collect();
        let pass = tape.pass(&params);
        let y = block.forward(pass.input(&x), &mut Mode::Eval);
        let padded = block.forward_padded(pass.input(&longer), &padding, &mut Mode::Eval).slice(1, 0..s.t);
        assert_close("outputs", padded.to_tensor().as_slice(), y.to_tensor().as_slice(), 1e-12);
        let alone = block.forward(pass.input(x.row(0)), &mut Mode::Eval).to_tensor();
        assert_close("alone", alone.as_slice(), y.row(0).to_tensor().as_slice(), 1e-12);
    }

    #[test]
    fn transformer_gradient(s in sizes(), causal: bool, norm_first: bool) {
        let mut rng = Rng::new(s.seed);
        let (mut params, mut block) = s.block(TransformerOptions { causal, norm_first, ..SMOOTH }, &mut rng);
        (block.norm1.eps, block.norm2.eps) = (0.1, 0.1); // of few features the slope is steep
        let x = s.input(s.t, &mut rng);
        let x = params.add("x", x.shape(), |i| x.as_slice()[i]);
        gradcheck_params(&params, |pass| block.forward(pass.param(x), &mut Mode::Eval))?;
    }

    #[test]
    fn the_network_of_a_block_grows_without_a_change(s in sizes(), by in 0usize..20) {
        let mut rng = Rng::new(s.seed);
        let (mut params, block) = s.block(SMOOTH, &mut rng);
        let (x, mut tape) = (s.input(s.t, &mut rng), Tape::new());
        let before = block.forward(tape.pass(&params).input(&x), &mut Mode::Eval).to_tensor();
        block.grow_feedforward(&mut params, by, &mut rng);
        let after = block.forward(tape.pass(&params).input(&x), &mut Mode::Eval).to_tensor();
        prop_assert_eq!(before.as_slice(), after.as_slice());
    }
}

#[test]
fn a_block_computes_its_equations() {
    let s = Sizes { n: 2, t: 3, s: 3, heads: 2, size: 2, seed: 1 };
    for norm_first in [true, false] {
        let mut rng = Rng::new(1);
        let (params, block) = s.block(TransformerOptions { norm_first, ..SMOOTH }, &mut rng);
        let (x, mut tape) = (s.input(3, &mut rng), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.input(&x);
        let TransformerEncoderLayer { self_attn, linear1, linear2, norm1, norm2, .. } = block;
        let attention = |x| self_attn.forward(x, x, x, AttentionMask::NONE, &mut Mode::Eval);
        let network = |x| linear2.forward(linear1.forward(x).tanh());
        let expected = if norm_first {
            let h = x + attention(norm1.forward(x));
            h + network(norm2.forward(h))
        } else {
            let h = norm1.forward(x + attention(x));
            norm2.forward(h + network(h))
        };
        let found = block.forward(x, &mut Mode::Eval).to_tensor();
        assert_close("y", found.as_slice(), expected.to_tensor().as_slice(), 1e-12);
    }
}

/// Branches that end in zeros leave a block with its norms first the identity: depth costs nothing at the start.
#[test]
fn a_block_without_branches_is_the_identity() {
    let s = Sizes { n: 2, t: 3, s: 3, heads: 2, size: 2, seed: 1 };
    let mut rng = Rng::new(1);
    let (mut params, block) = s.block(SMOOTH, &mut rng);
    for linear in [block.self_attn.out_proj, block.linear2] {
        params.of_mut(linear.weight).fill(0.0);
        linear.bias.into_iter().for_each(|bias| params.of_mut(bias).fill(0.0));
    }
    let (x, mut tape) = (s.input(3, &mut rng), Tape::new());
    assert_eq!(block.forward(tape.pass(&params).input(&x), &mut Mode::Eval).to_tensor(), x);
}

/// Growing a network whose new units had no way in and no way out would leave them dead.
#[test]
fn new_units_of_a_block_learn_at_once() {
    let s = Sizes { n: 2, t: 3, s: 3, heads: 2, size: 2, seed: 1 };
    let mut rng = Rng::new(1);
    let (mut params, block) = s.block(SMOOTH, &mut rng);
    block.grow_feedforward(&mut params, 2, &mut rng);
    let (x, mut tape, mut grads) = (s.input(3, &mut rng), Tape::new(), Grads::like(&params));
    block.forward(tape.pass(&params).input(&x), &mut Mode::Eval).square().sum().backward(&mut grads);
    assert!(grads.of(block.linear2.weight).iter().all(|&g| g != 0.0));
}

/// Who may look at nothing takes nothing: of the layer its last bias is left.
#[test]
fn nothing_to_look_at_gives_zeros() {
    let s = Sizes { n: 1, t: 2, s: 3, heads: 2, size: 2, seed: 1 };
    let mut rng = Rng::new(1);
    let (params, attention) = s.attention(&mut rng);
    let mut tape = Tape::new();
    let pass = tape.pass(&params);
    let (query, memory) = (pass.leaf(&s.input(2, &mut rng)), pass.leaf(&s.input(3, &mut rng)));
    let hidden = AttentionMask { key_padding: Some(&[true; 3]), ..AttentionMask::NONE };
    let y = attention.forward(query, memory, memory, hidden, &mut Mode::Eval);
    let bias = params.of(attention.out_proj.bias.expect("a bias"));
    assert_eq!(y.to_tensor().as_slice(), [bias, bias].concat());
    y.sum().backward(&mut Grads::like(&params));
    let mut gradient = vec![f64::NAN; 12];
    memory.grad_to(&mut gradient);
    assert_eq!(gradient, [0.0; 12]);
    let none = pass.zeros([1, 0, 4]);
    let y = attention.forward(query, none, none, AttentionMask::CAUSAL, &mut Mode::Eval).to_tensor();
    assert_eq!(y.as_slice(), [bias, bias].concat(), "there are no keys at all");
}

/// Attention weights are dropped in training only, and the generator decides which.
#[test]
fn dropout_acts_on_the_weights() {
    let s = Sizes { n: 1, t: 4, s: 4, heads: 2, size: 2, seed: 1 };
    let mut rng = Rng::new(1);
    let (params, mut attention) = s.attention(&mut rng);
    attention.dropout = Dropout::new(0.5);
    let (x, mut tape) = (s.input(4, &mut rng), Tape::new());
    let mut run = |mut mode: Mode<f64>| {
        attention.self_attention(tape.pass(&params).input(&x), AttentionMask::NONE, &mut mode).to_tensor()
    };
    assert_eq!(run(Mode::Eval), run(Mode::Eval));
    assert_eq!(run(Mode::train(Rng::new(3))), run(Mode::train(Rng::new(3))));
    assert_ne!(run(Mode::train(Rng::new(3))), run(Mode::Eval));
    assert_ne!(run(Mode::train(Rng::new(3))), run(Mode::train(Rng::new(4))));
}

#[test]
fn names_and_shapes_are_pytorchs() {
    let mut params = Params::<f64>::new();
    TransformerEncoderLayer::new(&mut params, "layers.0", 4, 2, &mut Rng::new(1));
    let found: Vec<_> = params.layout().iter().map(|(_, e)| (e.name(), e.shape().dims().to_vec())).collect();
    let expected = [
        ("layers.0.self_attn.in_proj_weight", vec![12, 4]),
        ("layers.0.self_attn.in_proj_bias", vec![12]),
        ("layers.0.self_attn.out_proj.weight", vec![4, 4]),
        ("layers.0.self_attn.out_proj.bias", vec![4]),
        ("layers.0.linear1.weight", vec![16, 4]),
        ("layers.0.linear1.bias", vec![16]),
        ("layers.0.linear2.weight", vec![4, 16]),
        ("layers.0.linear2.bias", vec![4]),
        ("layers.0.norm1.weight", vec![4]),
        ("layers.0.norm1.bias", vec![4]),
        ("layers.0.norm2.weight", vec![4]),
        ("layers.0.norm2.bias", vec![4]),
    ];
    assert_eq!(found, expected);
}

#[test]
#[should_panic(expected = "AttentionMask: key padding [1, 3] expected, found 2 elements")]
fn a_mask_panics_on_padding_of_another_size() {
    let s = Sizes { n: 1, t: 3, s: 3, heads: 2, size: 2, seed: 1 };
    let (params, attention) = s.attention(&mut Rng::new(1));
    let mask = AttentionMask { key_padding: Some(&[true; 2]), ..AttentionMask::NONE };
    attention.self_attention(Tape::new().pass(&params).zeros([3, 4]), mask, &mut Mode::Eval);
}

#[test]
#[should_panic(expected = "MultiheadAttention: 4 features cannot be cut into 0 heads")]
fn attention_panics_without_heads() {
    let s = Sizes { n: 1, t: 3, s: 3, heads: 2, size: 2, seed: 1 };
    let (params, attention) = s.attention(&mut Rng::new(1));
    let attention = MultiheadAttention { heads: 0, ..attention };
    attention.self_attention(Tape::new().pass(&params).zeros([3, 4]), AttentionMask::NONE, &mut Mode::Eval);
}
