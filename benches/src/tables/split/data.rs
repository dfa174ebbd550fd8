//! Images of digits, and the contexts that they come in.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use thalweg_online::synth::{Digits, Images as _};
use thalweg_tensor::Rng;

/// How many contexts there are, of two digits each.
pub const CONTEXTS: usize = 5;

/// Images of digits, to be learned and to be asked about.
#[derive(Clone, Debug)]
pub struct Data {
    /// Where they come from, and how many there are.
    pub name: String,
    /// How many grey values an image has.
    pub pixels: usize,
    /// From 0 to 1, image after image.
    x: Vec<f32>,
    digits: Vec<usize>,
    /// Which images are to be learned, and which are held out.
    parts: [Vec<usize>; 2],
}

impl Data {
    /// The bundled digits, 8 × 8; every fourth is held out.
    ///
    /// # Errors
    ///
    /// None in practice.
    pub fn bundled() -> Result<Self, thalweg_online::Error> {
        let digits = Digits::load()?;
        let (mut x, mut of) = (Vec::new(), Vec::new());
        for index in 0..digits.len() {
            let (pixels, digit) = digits.image(index);
            x.extend_from_slice(pixels);
            of.push(digit);
        }
        let parts = parts(of.len(), |index| index % 4 == 3);
        Ok(Data { name: "bundled digits".into(), pixels: 64, x, digits: of, parts })
    }

    /// MNIST from a folder with its files, compressed or not: all of it; or, where there are only the 10 000 images for tests,
    /// of every 20 of them 17 to learn and 3 that are held out.
    ///
    /// # Errors
    ///
    /// If the images for tests are not there, or a file is not what its name says.
    pub fn mnist(folder: &Path) -> io::Result<Self> {
        let (mut x, mut digits) = images(folder, "t10k")?;
        let of_tests = digits.len();
        let (name, parts) = match images(folder, "train") {
            Ok((more, labels)) => {
                x.extend(more);
                digits.extend(labels);
                ("MNIST", parts(digits.len(), |index| index < of_tests))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                ("MNIST's images for tests", parts(of_tests, |index| index % 20 >= 17))
            }
            Err(error) => return Err(error),
        };
        Ok(Data { name: name.into(), pixels: x.len() / digits.len().max(1), x, digits, parts })
    }

    /// Of every six images to learn one is held out, and none of those that were.
    pub fn hold_out_what_is_learned(&mut self) {
        let mut index = 0;
        let (held_out, learned) = self.parts[0].iter().partition(|_| {
            index += 1;
            index % 6 == 0
        });
        self.parts = [learned, held_out];
        self.name.push_str(", some of those to learn held out");
    }

    /// How many images are learned, and how many held out.
    #[must_use]
    pub fn counts(&self) -> [usize; 2] {
        [self.parts[0].len(), self.parts[1].len()]
    }

    /// Whether each digit is among what is learned and what is held out.
    #[must_use]
    pub fn has_all_digits(&self) -> bool {
        let is_in = |part: &[usize], digit| part.iter().any(|&index| self.digits[index] == digit);
        self.parts.iter().all(|part| (0..10).all(|digit| is_in(part, digit)))
    }

    /// The grey values of an image.
    #[must_use]
    pub fn image(&self, index: usize) -> &[f32] {
        &self.x[index * self.pixels..][..self.pixels]
    }
}

fn parts(count: usize, is_held_out: impl Fn(usize) -> bool) -> [Vec<usize>; 2] {
    let (held_out, learned) = (0..count).partition(|&index| is_held_out(index));
    [learned, held_out]
}

/// Grey values and digits of one of MNIST's two pairs of files.
fn images(folder: &Path, which: &str) -> io::Result<(Vec<f32>, Vec<usize>)> {
    let (sizes, pixels) = idx(folder, &format!("{which}-images-idx3-ubyte"), 3)?;
    let (labels, digits) = idx(folder, &format!("{which}-labels-idx1-ubyte"), 1)?;
    if sizes[0] != labels[0] || digits.iter().any(|&digit| digit > 9) {
        return Err(wrong(&format!("{which}: {} images and {} digits", sizes[0], labels[0])));
    }
    Ok((pixels.iter().map(|&grey| f32::from(grey) / 255.0).collect(), digits.into_iter().map(usize::from).collect()))
}

/// The sizes of the axes and the bytes of an IDX file: two zeros, 8 for bytes, the number of axes, their sizes.
fn idx(folder: &Path, name: &str, axes: usize) -> io::Result<(Vec<usize>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let known = [format!("{name}.gz"), format!("mnist-{name}.gz"), name.to_owned()];
    let path = known.iter().map(|name| folder.join(name)).find(|path| path.exists());
    let path = path.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no {name}")))?;
    let file = File::open(&path)?;
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => MultiGzDecoder::new(file).read_to_end(&mut bytes)?,
        false => (&file).read_to_end(&mut bytes)?,
    };
    let header = 4 + 4 * axes;
    if bytes.len() < header || bytes[..4] != [0, 0, 8, axes as u8] {
        return Err(wrong(&format!("{name}: no IDX file of bytes with {axes} axes")));
    }
    let size = |size: &[u8]| size.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
    let sizes: Vec<usize> = bytes[4..header].chunks_exact(4).map(size).collect();
    let numbers = bytes.split_off(header);
    match sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)) == Some(numbers.len()) {
        true => Ok((sizes, numbers)),
        false => Err(wrong(&format!("{name}: {sizes:?} numbers expected, found {}", numbers.len()))),
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The order in which the digits come: two after two, in another order for each seed.
#[derive(Clone, Debug)]
pub struct Contexts<'a> {
    /// The images.
    pub data: &'a Data,
    /// The class of a digit: those of context k are 2k and 2k + 1.
    class_of: [usize; 10],
}

impl<'a> Contexts<'a> {
    /// The contexts of a seed.
    #[must_use]
    pub fn new(data: &'a Data, seed: u64) -> Self {
        let mut class_of = std::array::from_fn(|digit| digit);
        Rng::new(seed).shuffle(&mut class_of);
        Contexts { data, class_of }
    }

    /// The class of an image.
    #[must_use]
    pub fn class(&self, index: usize) -> usize {
        self.class_of[self.data.digits[index]]
    }

    /// The images of a context that are to be learned.
    #[must_use]
    pub fn learned(&self, context: usize) -> Vec<usize> {
        self.of(context, &self.data.parts[0])
    }

    /// The images of a context that are held out.
    #[must_use]
    pub fn held_out(&self, context: usize) -> Vec<usize> {
        self.of(context, &self.data.parts[1])
    }

    /// All images that are to be learned.
    #[must_use]
    pub fn all(&self) -> Vec<usize> {
        self.data.parts[0].clone()
    }

    fn of(&self, context: usize, part: &[usize]) -> Vec<usize> {
        part.iter().copied().filter(|&index| self.class(index) / 2 == context).collect()
    }
}

/// Batches of some images, reshuffled when they have been seen; what is left of them then is dropped.
#[derive(Clone, Debug)]
pub struct Batches {
    order: Vec<usize>,
    at: usize,
    size: usize,
}

impl Batches {
    /// Of these images, at most so many at once.
    #[must_use]
    pub fn new(images: Vec<usize>, size: usize) -> Self {
        Batches { at: images.len(), size: size.min(images.len()), order: images }
    }

    /// The next batch.
    pub fn draw(&mut self, rng: &mut Rng) -> &[usize] {
        if self.at + self.size > self.order.len() {
            rng.shuffle(&mut self.order);
            self.at = 0;
        }
        self.at += self.size;
        &self.order[self.at - self.size..self.at]
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Ten images of each digit that a linear model can tell apart, half of them held out.
    pub fn easy() -> Data {
        let digits: Vec<usize> = (0..200).map(|index| index % 10).collect();
        let grey = |(index, digit): (usize, &usize)| -> Vec<f32> {
            (0..10).map(|pixel| if pixel == *digit { 1.0 } else { 0.02 * (index % 7) as f32 }).collect()
        };
        let x = digits.iter().enumerate().flat_map(grey).collect();
        Data { name: "easy".into(), pixels: 10, x, parts: parts(200, |index| index / 10 % 2 == 1), digits }
    }

    #[test]
    fn contexts_partition_the_digits_and_the_images_in_an_order_of_the_seed() {
        let data = easy();
        for seed in 0..20 {
            let contexts = Contexts::new(&data, seed);
            let classes: BTreeSet<usize> = contexts.class_of.into_iter().collect();
            assert_eq!(classes, (0..10).collect());
            for of in [Contexts::learned, Contexts::held_out] {
                let all: Vec<usize> = (0..CONTEXTS).flat_map(|context| of(&contexts, context)).collect();
                assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (100, 100));
                assert!((0..CONTEXTS).all(|k| of(&contexts, k).iter().all(|&image| contexts.class(image) / 2 == k)));
            }
        }
        assert_ne!(Contexts::new(&data, 0).class_of, Contexts::new(&data, 1).class_of);
    }

    #[test]
    fn batches_show_each_image_once_before_they_repeat() {
        let (mut batches, mut rng) = (Batches::new((0..10).collect(), 5), Rng::new(1));
        for _ in 0..3 {
            let pass: BTreeSet<usize> = (0..2).flat_map(|_| batches.draw(&mut rng).to_vec()).collect();
            assert_eq!(pass.len(), 10);
        }
        assert_eq!(Batches::new(vec![1, 2], 5).draw(&mut rng).len(), 2, "fewer than a batch");
    }

    #[test]
    fn the_bundled_digits_are_in_two_parts() -> Result<(), thalweg_online::Error> {
        let data = Data::bundled()?;
        assert_eq!(data.counts(), [1348, 449]);
        assert!(data.has_all_digits() && data.image(1796).len() == 64);
        Ok(())
    }

    #[test]
    fn mnist_is_read_from_its_files() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes);
        write("t10k-images-idx3-ubyte", &[&[0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 2][..], &[51; 40]].concat())?;
        write("t10k-labels-idx1-ubyte", &[&[0, 0, 8, 1, 0, 0, 0, 20][..], &[7; 20]].concat())?;
        let data = Data::mnist(folder.path())?;
        assert_eq!((data.counts(), data.image(19), data.digits[19]), ([17, 3], &[0.2, 0.2][..], 7));
        assert!(!data.has_all_digits());
        write("train-images-idx3-ubyte", &[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255])?;
        write("train-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 1, 4])?;
        let data = Data::mnist(folder.path())?;
        assert_eq!((data.counts(), data.image(20), data.digits[20]), ([1, 20], &[0.0, 1.0][..], 4));
        write("train-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 2, 4])?;
        assert!(Data::mnist(folder.path()).is_err(), "numbers are missing");
        Ok(())
    }
}
