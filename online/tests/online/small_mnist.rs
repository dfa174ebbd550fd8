//! Small images of MNIST, two classes after two, under heads that count: the figures in the docs of `head`.
//!
//! The images are not part of the project. They are read from the folder that `THALWEG_DATA` names.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use flate2::read::GzDecoder;
use thalweg_online::HeadSpec;
use thalweg_tensor::Rng;

const SIDE: usize = 28;
const SMALL: usize = 16;
const PIXELS: usize = SMALL * SMALL;
const RANDOM: usize = 512;

type Labelled = Vec<(Vec<f32>, usize)>;

/// How much of each pixel lies under each of the larger ones, along one axis.
fn overlap(large: usize, small: usize) -> f32 {
    let size = SIDE as f32 / SMALL as f32;
    let [low, high] = [large as f32 * size, (large + 1) as f32 * size];
    (high.min(small as f32 + 1.0) - low.max(small as f32)).max(0.0) / size
}

/// The mean grey value under each larger pixel, from 0 to 1.
fn smaller(image: &[u8]) -> Vec<f32> {
    let grey = |row: usize, column: usize| f32::from(image[row * SIDE + column]) / 255.0;
    let down = |i: usize| (0..SIDE).map(|row| overlap(i / SIDE, row) * grey(row, i % SIDE)).sum();
    let narrow: Vec<f32> = (0..SMALL * SIDE).map(down).collect();
    let along = |i: usize| (0..SIDE).map(|column| overlap(i % SMALL, column) * narrow[i / SMALL * SIDE + column]).sum();
    (0..PIXELS).map(along).collect()
}

/// The first hundred images of each class, in the order of classes, and the next twenty.
fn images() -> io::Result<Option<[Labelled; 2]>> {
    let Some(folder) = std::env::var_os("THALWEG_DATA").map(PathBuf::from) else {
        eprintln!("skipped: MNIST is not here; THALWEG_DATA is not set");
        return Ok(None);
    };
    let read = |name: &str, header: usize| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        GzDecoder::new(File::open(folder.join(name))?).read_to_end(&mut bytes)?;
        Ok(bytes.split_off(header))
    };
    let pixels = read("mnist-t10k-images-idx3-ubyte.gz", 16)?;
    let labels = read("mnist-t10k-labels-idx1-ubyte.gz", 8)?;
    let (mut train, mut test, mut seen) = (Vec::new(), Vec::new(), [0; 10]);
    for (image, label) in pixels.chunks_exact(SIDE * SIDE).zip(labels) {
        let class = usize::from(label);
        seen[class] += 1;
        match seen[class] {
            1..=100 => train.push((smaller(image), class)),
            101..=120 => test.push((smaller(image), class)),
            _ => {}
        }
    }
    train.sort_by_key(|(_, class)| class / 2);
    Ok(Some([train, test]))
}

/// The share of the test images that are recognised when each training image was learned once.
fn accuracy(head: &str, [train, test]: &[Labelled; 2], width: usize, features: impl Fn(&[f32]) -> Vec<f32>) -> f64 {
    let mut head = HeadSpec::parse(head).expect("there is such a head").build(width);
    for (image, class) in train {
        head.learn_one(&features(image), *class, 1.0);
    }
    let mut is_right = |(image, class): &(Vec<f32>, usize)| {
        let said = head.predict_one(&features(image));
        said.iter().enumerate().all(|(other, p)| other == *class || *p < said[*class])
    };
    test.iter().filter(|example| is_right(example)).count() as f64 / test.len() as f64
}

#[test]
fn small_mnist_by_heads_that_count() -> io::Result<()> {
    let Some(images) = images()? else { return Ok(()) };
    let mut rng = Rng::new(1);
    let mut draw = |count: usize| -> Vec<f32> { (0..count).map(|_| rng.range(-1.0, 1.0) as f32 / 16.0).collect() };
    let (weights, biases) = (draw(RANDOM * PIXELS), draw(RANDOM));
    let random = |x: &[f32]| -> Vec<f32> {
        let units = weights.chunks_exact(PIXELS).zip(&biases);
        units.map(|(w, b)| (w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b).max(0.0)).collect()
    };
    let ncm = accuracy("ncm", &images, PIXELS, <[f32]>::to_vec);
    let slda = accuracy("slda", &images, PIXELS, <[f32]>::to_vec);
    let on_random = accuracy("slda", &images, RANDOM, random);
    assert!((0.68..0.82).contains(&ncm) && slda > 0.76 && on_random > 0.80, "{ncm} {slda} {on_random}");
    Ok(())
}
