//! 6. Copying by attention: a small language model that writes what it has read.
//!
//! A line is eight random letters, a bar, and the same letters again. A causal Transformer of two blocks learns to guess each
//! symbol after the bar from all before it. Then it is given the first half of lines it never saw, and writes the second,
//! symbol by symbol, reading what it wrote. There are 16⁸ such lines; to copy one, it must look up the letter that stands
//! eight places back, which is what attention and positions are for.
//!
//! Run: `cargo run --release -p thalweg-nn --example copy_by_attention`
//! Read: `nn/src/attention/multihead.rs`. Next: `from_pytorch.rs`.

use thalweg_nn::attention::TransformerOptions;
use thalweg_nn::{Adam, Embedding, Grads, LayerNorm, LearnedPositions, Linear, Mode, Optimizer, Params, Pass};
use thalweg_nn::{Rng, Schedule, Tape, TransformerEncoderLayer, Var, network};

const LETTERS: usize = 16;
const BAR: usize = LETTERS;
const LENGTH: usize = 8;
const WIDTH: usize = 32;
const BATCH: usize = 32;
const STEPS: u64 = 600;
const CAUSAL: TransformerOptions = TransformerOptions {
    feedforward: None,
    dropout: 0.0,
    activation: thalweg_nn::Nonlinearity::Relu,
    norm_first: true,
    causal: true,
};

network! {
    struct Copyist {
        symbols: Embedding::new(LETTERS + 1, WIDTH),
        positions: LearnedPositions::new(2 * LENGTH, WIDTH),
        first: TransformerEncoderLayer::with(WIDTH, 4, CAUSAL),
        second: TransformerEncoderLayer::with(WIDTH, 4, CAUSAL),
        norm: LayerNorm::new(WIDTH),
        head: Linear::new(WIDTH, LETTERS),
    }
}

impl Copyist {
    /// For `n` texts, one behind the other, a score for each letter to come next after each symbol: `[n, t, letters]`.
    fn forward<'p>(&self, pass: &'p Pass<'p>, texts: &[usize], n: usize, mode: &mut Mode) -> Var<'p> {
        let t = texts.len() / n;
        let x = self.positions.forward(self.symbols.forward(pass, texts).reshape([n, t, WIDTH]));
        let y = self.norm.forward(self.second.forward(self.first.forward(x, mode), mode));
        self.head.forward(y)
    }
}

fn main() {
    let (mut params, mut rng) = (Params::new(), Rng::new(1));
    let net = Copyist::new(&mut params, "", &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.0));
    let (schedule, mut mode) = (Schedule::one_cycle(0.005, STEPS), Mode::train(rng.fork()));
    for step in 0..STEPS {
        let (mut texts, mut copies) = (Vec::new(), Vec::new());
        for _ in 0..BATCH {
            let letters: [usize; LENGTH] = std::array::from_fn(|_| rng.below(LETTERS));
            texts.extend([&letters[..], &[BAR], &letters[..LENGTH - 1]].concat());
            copies.extend(letters);
        }
        let pass = tape.pass(&params);
        let scores = net.forward(&pass, &texts, BATCH, &mut mode).slice(1, LENGTH..2 * LENGTH);
        let loss = scores.reshape([BATCH * LENGTH, LETTERS]).cross_entropy(&copies);
        if step % 100 == 0 {
            println!("step {step}: {:.4} bits per letter", loss.item() / 2f32.ln());
        }
        loss.backward(&mut grads);
        adam.set_learning_rate(schedule.rate(step));
        adam.step(&mut params, &mut grads);
    }

    let name = |letters: &[usize]| letters.iter().map(|&letter| (b'a' + letter as u8) as char).collect::<String>();
    let mut exact = 0;
    for line in 0..200 {
        let letters: [usize; LENGTH] = std::array::from_fn(|_| rng.below(LETTERS));
        let mut text = [&letters[..], &[BAR]].concat();
        for _ in 0..LENGTH {
            let scores = net.forward(&tape.pass(&params), &text, 1, &mut Mode::Eval).to_tensor();
            text.push(scores.row(0).row(-1).argmax(0)[0]);
        }
        exact += usize::from(text.ends_with(&letters));
        if line < 3 {
            println!("read {}, wrote {}", name(&letters), name(&text[LENGTH + 1..]));
        }
    }
    println!("{exact} of 200 new lines are copied without a mistake");
    assert_eq!(exact, 200);
}
