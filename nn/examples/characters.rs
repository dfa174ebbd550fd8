//! 3. A character model: reading a text as one long stream, learning every few characters through a longer past.
//!
//! The text is a nursery rhyme whose every verse says all before it again. The network reads the first ten verses, letter
//! by letter, and guesses each letter from those before it. The eleventh verse is held out: how many bits does a letter of
//! it cost who has read the others? Counts of what follows one, two, three letters are the baselines.
//!
//! `Tbptt` holds the window: every 16 letters the errors of these 16 are sent back through the last 48.
//!
//! Run: `cargo run --release -p thalweg-nn --example characters`
//! Read: `nn/src/recurrent/tbptt.rs`. Next: `digits.rs`.

use std::collections::BTreeMap;

use thalweg_nn::{Adam, Cell, Grads, Gru, Linear, Optimizer, Params, Rng, Tape, Tbptt, clip_norm, network};

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
        gru: Gru::new(letters, 64),
        head: Linear::new(64, letters),
    }
}

fn main() {
    let (read, held_out) = ((1..=10).map(verse).collect::<String>(), verse(11));
    let mut alphabet: Vec<char> = (read.clone() + &held_out).chars().collect();
    alphabet.sort_unstable();
    alphabet.dedup();
    let letters = alphabet.len();
    let encode = |text: &str| -> Vec<usize> { text.chars().map(|c| alphabet.partition_point(|&a| a < c)).collect() };
    let one_hot = |letter: usize| -> Vec<f32> { (0..letters).map(|l| if l == letter { 1.0 } else { 0.0 }).collect() };
    let (read, held_out) = (encode(&read), encode(&held_out));

    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let net = Reader::new(&mut params, "", letters, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.003));
    let start = net.gru.zero_state(&params);
    let (mut window, mut targets) = (Tbptt::new(16, 48, start.clone()), Vec::new());
    for _ in 0..READINGS {
        window.restart(&start);
        targets.clear();
        for pair in read.windows(2) {
            targets.push(pair[1]);
            if window.push(&one_hot(pair[0])) {
                let pass = tape.pass(&params);
                let logits = net.head.forward(window.outputs(&net.gru, &pass));
                logits.cross_entropy(&targets).backward(&mut grads);
                clip_norm(&mut grads, 1.0);
                adam.step(&mut params, &mut grads);
                targets.clear();
            }
        }
    }

    // The new verse, all of it in one sequence.
    let pass = tape.pass(&params);
    let x: Vec<f32> = held_out[..held_out.len() - 1].iter().flat_map(|&letter| one_hot(letter)).collect();
    let (h, _) = net.gru.sequence(pass.input(&x).reshape([x.len() / letters, letters]), net.gru.enter(&pass, &start));
    let bits = f64::from(net.head.forward(h).cross_entropy(&held_out[1..]).item()) / 2f64.ln();
    println!("bits per letter of a new verse\n  {bits:.2}  GRU, after {READINGS} readings of the others");
    let baselines = [0, 1, 2, 3].map(|order| counts(&read, &held_out, order, letters));
    baselines.iter().enumerate().for_each(|(order, bits)| println!("  {bits:.2}  counts, by {order} letters before"));

    // It writes: the likeliest letter, again and again, until a sentence ends.
    let (mut text, mut carried) = (encode("This is the m"), start);
    for t in 0..200 {
        let pass = tape.pass(&params);
        let (h, state) = net.gru.step(pass.input(&one_hot(text[t])), net.gru.enter(&pass, &carried));
        net.gru.leave(state, &mut carried);
        if t + 1 == text.len() {
            text.push(net.head.forward(h).to_tensor().view().argmax(0)[0]);
        }
        if alphabet[text[t]] == '.' {
            break;
        }
    }
    println!("\n{}", text.iter().map(|&letter| alphabet[letter]).collect::<String>());
    assert!(baselines.iter().all(|counted| bits < 0.5 * counted), "it remembers more than three letters");
}

/// Bits per letter of `new`, by what followed the same `order` letters in `old`, each letter counted once more than it was
/// found.
fn counts(old: &[usize], new: &[usize], order: usize, letters: usize) -> f64 {
    let mut found = BTreeMap::<&[usize], Vec<f64>>::new();
    for part in old.windows(order + 1) {
        found.entry(&part[..order]).or_insert_with(|| vec![1.0; letters])[part[order]] += 1.0;
    }
    let bits = new.windows(order + 1).map(|part| match found.get(&part[..order]) {
        Some(counts) => (counts.iter().sum::<f64>() / counts[part[order]]).log2(),
        None => (letters as f64).log2(),
    });
    bits.sum::<f64>() / (new.len() - order) as f64
}
