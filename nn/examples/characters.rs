//! 3. A character model: reading a text as one long stream, learning every few characters through a longer past.
//!
//! The text is a nursery rhyme whose every verse says all before it again. The network reads the first ten verses, letter
//! by letter, and guesses each letter from those before it. The eleventh verse is held out: how many bits does a letter of
//! it cost who has read the others? Counts of what follows one, two, three letters are the baselines.
//!
//! `Tbptt` holds the window: every 16 letters the errors of these 16 are sent back through the last 48, down to the
//! embedding that turns letters into numbers.
//!
//! Run: `cargo run --release -p thalweg-nn --example characters`
//! Read: `nn/src/recurrent/tbptt.rs`. Next: `digits.rs`.

use std::f64::consts::LN_2;

use thalweg_nn::{Adam, Cell, Embedding, Grads, Gru, Linear, Optimizer, Params, Pass, Rng, Tape, Tbptt, Var};
use thalweg_nn::{clip_norm, network};

const READINGS: usize = 20;
/// An English nursery rhyme of the 18th century. The first verse is the last line, and each verse begins a line earlier.
const LINES: [&str; 11] = [
    "the farmer sowing his corn\nthat kept ",
    "the cock that crowed in the morn\nthat waked ",
    "the priest all shaven and shorn\nthat married ",
    "the man all tattered and torn\nthat kissed ",
    "the maiden all forlorn\nthat milked ",
    "the cow with the crumpled horn\nthat tossed ",
    "the dog\nthat worried ",
    "the cat\nthat killed ",
    "the rat\nthat ate ",
    "the malt\nthat lay in ",
    "the house that Jack built.\n",
];

fn verse(number: usize) -> String {
    format!("This is {}", LINES[LINES.len() - number..].concat())
}

network! {
    struct Reader(letters: usize) {
        letters: Embedding::new(letters, 32),
        gru: Gru::new(32, 64),
        head: Linear::new(64, letters),
    }
}

impl Reader {
    /// A piece of text, and the state before it → what may come after each letter, `[t, letters]`, and the state behind it.
    fn forward<'p>(&self, pass: &'p Pass<'p>, text: &[usize], state: Var<'p>) -> (Var<'p>, Var<'p>) {
        let (outputs, state) = self.gru.sequence(self.letters.forward(pass, text), state);
        (self.head.forward(outputs), state)
    }

    /// Of a text from its beginning.
    fn read<'p>(&self, pass: &'p Pass<'p>, text: &[usize]) -> Var<'p> {
        self.forward(pass, text, self.gru.start(pass, None)).0
    }
}

fn main() {
    let (read, held_out) = ((1..=10).map(verse).collect::<String>(), verse(11));
    let mut alphabet: Vec<char> = (read.clone() + &held_out).chars().collect();
    alphabet.sort_unstable();
    alphabet.dedup();
    let encode = |text: &str| -> Vec<usize> { text.chars().map(|c| alphabet.partition_point(|&a| a < c)).collect() };
    let (read, held_out) = (encode(&read), encode(&held_out));

    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let net = Reader::new(&mut params, "", alphabet.len(), &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.003));
    let (mut window, mut targets) = (Tbptt::new(16, 48), Vec::new());
    for _ in 0..READINGS {
        window.restart();
        targets.clear();
        for pair in read.windows(2) {
            targets.push(pair[1]);
            if window.push_items([pair[0]]) {
                let pass = tape.pass(&params);
                let run = |text: &[usize], state| net.forward(&pass, text, state);
                let logits = window.outputs_of_items(&pass, || net.gru.start(&pass, None), run);
                logits.cross_entropy(&targets).backward(&mut grads);
                clip_norm(&mut grads, 1.0);
                adam.step(&mut params, &mut grads);
                targets.clear();
            }
        }
    }

    // The new verse, all of it in one sequence.
    let pass = tape.pass(&params);
    let loss = net.read(&pass, &held_out[..held_out.len() - 1]).cross_entropy(&held_out[1..]).item();
    let bits = f64::from(loss) / LN_2;
    println!("bits per letter of a new verse\n  {bits:.2}  GRU, after {READINGS} readings of the others");
    let baselines = [0, 1, 2, 3].map(|order| counts(&read, &held_out, order, alphabet.len()));
    baselines.iter().enumerate().for_each(|(order, bits)| println!("  {bits:.2}  counts, by {order} letters before"));

    // It writes: the likeliest letter, again and again, until a sentence ends.
    let mut text = encode("This is the m");
    while text.len() < 400 && alphabet[text[text.len() - 1]] != '.' {
        let scores = net.read(&tape.pass(&params), &text).to_tensor();
        text.push(scores.row(-1).argmax(0)[0]);
    }
    println!("\n{}", text.iter().map(|&letter| alphabet[letter]).collect::<String>());
    assert!(baselines.iter().all(|counted| bits < 0.5 * counted), "it remembers more than three letters");
}

/// Bits per letter of `new`, by how often it followed the same `order` letters in `old`, and once more.
fn counts(old: &[usize], new: &[usize], order: usize, letters: usize) -> f64 {
    let bits = new.windows(order + 1).map(|part| {
        let alike = || old.windows(order + 1).filter(|seen| seen[..order] == part[..order]);
        let [all, this] = [alike().count(), alike().filter(|seen| *seen == part).count()];
        ((all + letters) as f64 / (this + 1) as f64).log2()
    });
    bits.sum::<f64>() / (new.len() - order) as f64
}
