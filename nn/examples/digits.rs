//! 4. Handwritten digits with convolutions: modules in sequence, batches, and what differs in training.
//!
//! The network is a tuple of layers, which is a module itself. Two of its layers behave differently while it learns: batch
//! norm measures the batch, dropout drops. So the pass is given a `Mode`, which keeps what dropout draws from and what was
//! measured; after the step the measurements move the running statistics in θ.
//!
//! The images are those of the main job, 1797 of 8 × 8 grey values; a fifth of them is held out.
//!
//! Run: `cargo run --release -p thalweg-nn --example digits`
//! Read: `nn/src/module.rs`, layers in sequence. Next: `both_directions.rs`.

use std::fs::File;
use std::io::{self, Read};

use flate2::read::GzDecoder;
use thalweg_nn::{Adam, BatchNorm, Conv2d, Dropout, Flatten, Grads, Linear, MaxPool2d, Mode, Module, Nonlinearity};
use thalweg_nn::{Optimizer, Params, Rng, Schedule, Tape};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../online/data/digits.csv.gz");
const EPOCHS: usize = 6;
const BATCH: usize = 32;

fn main() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let mut images = read(FILE).unwrap_or_else(|error| panic!("{FILE}, which is part of the repository: {error}"));
    rng.shuffle(&mut images);
    let (held_out, mut images) = (images.split_off(images.len() * 4 / 5), images);

    let features = (
        Conv2d::new(&mut params, "conv1", 1, 16, [3, 3], &mut rng), // 8 × 8 → 6 × 6
        BatchNorm::new(&mut params, "norm", 16, &mut rng),
        Nonlinearity::Relu,
        Conv2d::new(&mut params, "conv2", 16, 32, [3, 3], &mut rng), // → 4 × 4
        Nonlinearity::Relu,
        MaxPool2d::new([2, 2]), // → 2 × 2
    );
    let head = (Flatten { from: 1 }, Dropout::new(0.25), Linear::new(&mut params, "head", 32 * 2 * 2, 10, &mut rng));
    let net = (features, head);
    println!(
        "{} parameters, {} images to learn from, {} to be judged by",
        params.count(),
        images.len(),
        held_out.len()
    );

    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.0));
    let schedule = Schedule::one_cycle(0.01, (EPOCHS * images.len().div_ceil(BATCH)) as u64);
    let (mut mode, mut step) = (Mode::train(rng.fork()), 0);
    let mut accuracy = 0.0;
    for epoch in 1..=EPOCHS {
        let mut total = 0.0;
        rng.shuffle(&mut images);
        for batch in images.chunks(BATCH) {
            let (x, classes) = together(batch);
            let pass = tape.pass(&params);
            let logits = net.forward(pass.input(&x).reshape([batch.len(), 1, 8, 8]), &mut mode);
            let loss = logits.cross_entropy(&classes);
            total += f64::from(loss.item()) * batch.len() as f64;
            loss.backward(&mut grads);
            adam.set_learning_rate(schedule.rate(step));
            adam.step(&mut params, &mut grads);
            mode.update_buffers(&mut params);
            step += 1;
        }

        let (x, classes) = together(&held_out);
        let pass = tape.pass(&params);
        let logits = net.forward(pass.input(&x).reshape([held_out.len(), 1, 8, 8]), &mut Mode::Eval);
        let guesses = logits.to_tensor().argmax(1);
        let right = guesses.iter().zip(&classes).filter(|(guess, class)| guess == class).count();
        accuracy = right as f64 / held_out.len() as f64;
        println!("epoch {epoch}: loss {:.3}, {:.1} % right", total / images.len() as f64, 100.0 * accuracy);
    }
    assert!(accuracy >= 0.95, "digits that it never saw are known");
}

type Image = ([f32; 64], usize);

/// The images one behind the other, and their classes.
fn together(images: &[Image]) -> (Vec<f32>, Vec<usize>) {
    (images.iter().flat_map(|(pixels, _)| *pixels).collect(), images.iter().map(|(_, class)| *class).collect())
}

/// Rows of 64 grey values from 0 to 16, and the digit.
fn read(file: &str) -> io::Result<Vec<Image>> {
    let mut text = String::new();
    GzDecoder::new(File::open(file)?).read_to_string(&mut text)?;
    let image = |row: &str| {
        let numbers: Vec<u8> = row.split(',').map(|field| field.parse().ok()).collect::<Option<_>>()?;
        let (&class, pixels) = numbers.split_last()?;
        let pixels: [u8; 64] = pixels.try_into().ok()?;
        Some((pixels.map(|grey| f32::from(grey) / 16.0), usize::from(class)))
    };
    text.lines().map(|row| image(row).ok_or_else(|| io::Error::other(format!("no image: {row}")))).collect()
}
