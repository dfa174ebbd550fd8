//! 5. Labels for each element of a sequence: what needs the future needs both directions.
//!
//! For every letter of a word: does it occur anywhere else in the word? Who reads from left to right can only know whether
//! it occurred before. The same network is built twice, once in one direction and once in both; the words of a batch have
//! different lengths, so the direction that begins at the end begins at each word's own end, and what lies behind it
//! costs nothing.
//!
//! Run: `cargo run --release -p thalweg-nn --example both_directions`
//! Read: `nn/src/recurrent/stack.rs`, layers and directions. Next: `copy_by_attention.rs`.

use thalweg_nn::loss::CrossEntropyLoss;
use thalweg_nn::{
    Adam, Grads, Gru, Linear, Mode, Optimizer, Params, Pass, Recurrent, RecurrentOptions, Rng, Tape, Var,
};
use thalweg_nn::{Cell, Embedding, network};

const LETTERS: usize = 6;
const LONGEST: usize = 8;
const WORDS: usize = 32;
/// The label of what is not part of a word.
const NONE: usize = 2;

network! {
    struct Tagger(directions: usize) {
        letters: Embedding::new(LETTERS, 8),
        gru: Recurrent<Gru>::with(RecurrentOptions::new(8, 24).bidirectional(directions == 2)),
        head: Linear::new(24 * directions, 2),
    }
}

impl Tagger {
    /// Logits of once or more often, of every place: `[LONGEST · WORDS, 2]`.
    fn forward<'p>(&self, pass: &'p Pass<'p>, words: &Words, mode: &mut Mode) -> Var<'p> {
        let x = self.letters.forward(pass, &words.letters).reshape([LONGEST, WORDS, 8]);
        let (h, _) = self.gru.forward_of(x, &words.lengths, self.gru.start(pass, Some(WORDS)), mode);
        self.head.forward(h).reshape([LONGEST * WORDS, 2])
    }
}

/// Words of different lengths, place by place: all first letters, then all second ones, …
struct Words {
    letters: Vec<usize>,
    labels: Vec<usize>,
    lengths: Vec<usize>,
}

impl Words {
    fn draw(rng: &mut Rng) -> Self {
        let lengths: Vec<usize> = (0..WORDS).map(|_| 2 + rng.below(LONGEST - 1)).collect();
        let letters: Vec<usize> = (0..LONGEST * WORDS).map(|_| rng.below(LETTERS)).collect();
        let label = |at: usize| {
            let (place, word) = (at / WORDS, at % WORDS);
            let mut others = (0..lengths[word]).filter(|&other| other != place);
            let repeated = others.any(|other| letters[other * WORDS + word] == letters[at]);
            if place < lengths[word] { usize::from(repeated) } else { NONE }
        };
        Words { labels: (0..letters.len()).map(label).collect(), letters, lengths }
    }
}

/// Learns from words that are drawn at random; the share of right labels among those of new ones.
fn learn(directions: usize) -> f64 {
    let (mut params, mut rng) = (Params::new(), Rng::new(1));
    let net = Tagger::new(&mut params, "", directions, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.01));
    let loss = CrossEntropyLoss { ignore_index: Some(NONE), ..Default::default() };
    let mut mode = Mode::train(rng.fork());
    for _ in 0..1500 {
        let words = Words::draw(&mut rng);
        let pass = tape.pass(&params);
        loss.forward(net.forward(&pass, &words, &mut mode), &words.labels).backward(&mut grads);
        adam.step(&mut params, &mut grads);
    }

    let (mut right, mut all) = (0, 0);
    for _ in 0..50 {
        let words = Words::draw(&mut rng);
        let guesses = net.forward(&tape.pass(&params), &words, &mut Mode::Eval).to_tensor().argmax(1);
        let labelled = guesses.iter().zip(&words.labels).filter(|(_, label)| **label != NONE);
        labelled.for_each(|(guess, label)| (right, all) = (right + usize::from(guess == label), all + 1));
    }
    right as f64 / all as f64
}

fn main() {
    let [one, both] = [1, 2].map(learn);
    println!("letters of new words whose label is right");
    println!("  {:.1} % in one direction\n  {:.1} % in both", 100.0 * one, 100.0 * both);
    assert!(one < 0.9, "nobody knows the future");
    assert!(both > 0.99, "but the direction that comes from there");
}
