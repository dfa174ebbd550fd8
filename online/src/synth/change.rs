//! Images whose pixels change places, and images that turn.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::images::Images;
use super::random::{Random, Seed};
use super::settings::{Options as _, Written, options, wrong};
use super::{Error, Generator};

options! {
    /// Options of [`Permuted`].
    PermutedOptions as "permuted" {
        /// After how many rows the pixels change places.
        every: usize = 1_000, in 1..;
    }
}

/// Images drawn at random, with their pixels in another random order every so many rows, from the first row on (Goodfellow,
/// Mirza, Xiao, Courville and Bengio, An empirical investigation of catastrophic forgetting in gradient-based neural
/// networks, 2013; as a stream: Dohare et al., Loss of plasticity in deep continual learning, Nature 632, 2024).
///
/// A specification: `permuted(digits; every=1000)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Permuted<I> {
    options: PermutedOptions,
    seed: Seed,
    random: Random,
    images: I,
    /// Which pixel stands at each place.
    order: Vec<usize>,
    row: u64,
}

impl<I: Images> Permuted<I> {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range, or there are no images.
    pub fn new(images: I, options: PermutedOptions, seed: Seed) -> Result<Self, Error> {
        let order = (0..pixels(&images)).collect();
        let permuted = Permuted { options, seed, random: seed.random(), images, order, row: 0 };
        permuted.verify()?;
        Ok(permuted)
    }

    fn verify(&self) -> Result<(), Error> {
        let mut order = self.order.clone();
        order.sort_unstable();
        if self.images.is_empty() || !order.iter().copied().eq(0..pixels(&self.images)) {
            return Err(wrong("permuted", "expected images, and every pixel once".into()));
        }
        self.options.check()
    }
}

fn pixels(images: &impl Images) -> usize {
    images.shape().iter().product()
}

impl<I: Images + fmt::Display> fmt::Display for Permuted<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permuted({}; {})", self.images, Written::new(&self.options, self.seed))
    }
}

impl<I: Images + fmt::Display> Generator for Permuted<I> {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(pixels(&self.images))
    }

    fn classes(&self) -> usize {
        self.images.classes()
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        if self.row.is_multiple_of(self.options.every as u64) {
            self.random.shuffle(&mut self.order);
        }
        self.row += 1;
        let (pixels, class) = self.images.image(self.random.below(self.images.len()));
        x.extend(self.order.iter().map(|&pixel| f64::from(pixels[pixel])));
        class as f64
    }

    fn check(&self) -> Result<(), Error> {
        self.verify()
    }
}

options! {
    /// Options of [`Rotated`].
    RotatedOptions as "rotated" {
        /// After how many rows the images are turned on.
        every: usize = 1_000, in 1..;
        /// By how many degrees, against the clock.
        step: f64 = 15.0, in -360.0..=360.0;
    }
}

/// Images drawn at random and turned about their middle, a little further every so many rows (after Lopez-Paz and Ranzato,
/// Gradient episodic memory for continual learning, NeurIPS 2017). Between pixels grey values are interpolated (bilinearly);
/// what comes from outside is 0. `every=1` turns the images evenly.
///
/// A specification: `rotated(digits; every=1000,step=15)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rotated<I> {
    options: RotatedOptions,
    seed: Seed,
    random: Random,
    images: I,
    row: u64,
}

impl<I: Images> Rotated<I> {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range, or there are no images.
    pub fn new(images: I, options: RotatedOptions, seed: Seed) -> Result<Self, Error> {
        let rotated = Rotated { options, seed, random: seed.random(), images, row: 0 };
        rotated.verify()?;
        Ok(rotated)
    }

    /// By how many degrees the next row is turned.
    #[must_use]
    pub fn angle(&self) -> f64 {
        let steps = self.row / self.options.every as u64;
        (self.options.step * steps as f64) % 360.0
    }

    fn verify(&self) -> Result<(), Error> {
        if self.images.is_empty() {
            return Err(wrong("rotated", "expected images, found none".into()));
        }
        self.options.check()
    }
}

impl<I: Images + fmt::Display> fmt::Display for Rotated<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rotated({}; {})", self.images, Written::new(&self.options, self.seed))
    }
}

impl<I: Images + fmt::Display> Generator for Rotated<I> {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(pixels(&self.images))
    }

    fn classes(&self) -> usize {
        self.images.classes()
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let (sin, cos) = self.angle().to_radians().sin_cos();
        self.row += 1;
        let [rows, columns] = self.images.shape();
        let middle = [(rows as f64 - 1.0) / 2.0, (columns as f64 - 1.0) / 2.0];
        let (pixels, class) = self.images.image(self.random.below(self.images.len()));
        for place in 0..rows * columns {
            // Where the pixel comes from: down and right of the middle, turned back.
            let down = (place / columns) as f64 - middle[0];
            let right = (place % columns) as f64 - middle[1];
            let from = [middle[0] + cos * down + sin * right, middle[1] + cos * right - sin * down];
            x.push(grey(pixels, [rows, columns], from));
        }
        class as f64
    }

    fn check(&self) -> Result<(), Error> {
        self.verify()
    }
}

/// The grey value at a point, between the four pixels around it.
fn grey(pixels: &[f32], [rows, columns]: [usize; 2], [row, column]: [f64; 2]) -> f64 {
    let at = |row: f64, column: f64| {
        let inside = (0.0..rows as f64).contains(&row) && (0.0..columns as f64).contains(&column);
        if inside { f64::from(pixels[row as usize * columns + column as usize]) } else { 0.0 }
    };
    let (top, left) = (row.floor(), column.floor());
    let (down, right) = (row - top, column - left);
    let upper = at(top, left) * (1.0 - right) + at(top, left + 1.0) * right;
    let lower = at(top + 1.0, left) * (1.0 - right) + at(top + 1.0, left + 1.0) * right;
    upper * (1.0 - down) + lower * down
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One image, 2 × 3.
    #[derive(Clone, Debug)]
    struct One;

    const ONE: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

    impl Images for One {
        fn shape(&self) -> [usize; 2] {
            [2, 3]
        }

        fn len(&self) -> usize {
            1
        }

        fn classes(&self) -> usize {
            1
        }

        fn image(&self, _: usize) -> (&[f32], usize) {
            (&ONE, 0)
        }
    }

    impl fmt::Display for One {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("one")
        }
    }

    fn rows(mut generator: impl Generator, count: usize) -> Vec<Vec<f64>> {
        let next = |_| {
            let mut x = Vec::new();
            generator.fill(&mut x);
            x
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn pixels_change_places_together_and_in_time() -> Result<(), Error> {
        let mut unchanged = 0;
        for seed in 0..100 {
            let seen = rows(Permuted::new(One, PermutedOptions { every: 3 }, Seed::new(seed))?, 9);
            assert!(seen.chunks(3).all(|task| task.iter().all(|row| row == &task[0])));
            unchanged += usize::from(seen[0] == seen[3]) + usize::from(seen[3] == seen[6]);
            for mut row in seen {
                row.sort_by(f64::total_cmp);
                assert_eq!(row, ONE.map(f64::from));
            }
        }
        assert!(unchanged < 5, "of 200 orders one in 720 is the one before, found {unchanged}");
        Ok(())
    }

    #[test]
    fn images_turn_step_by_step() -> Result<(), Error> {
        let seen = rows(Rotated::new(One, RotatedOptions { every: 2, step: 180.0 }, Seed::new(5))?, 6);
        let upright = ONE.map(f64::from);
        let mut turned = upright;
        turned.reverse();
        for (row, expected) in seen.iter().zip([upright, upright, turned, turned, upright, upright]) {
            assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{row:?}");
        }
        Ok(())
    }

    #[test]
    fn a_quarter_turn_is_against_the_clock() {
        let pixels = [1.0, 2.0, 3.0, 4.0];
        let turned: Vec<f64> = rows(
            Rotated::new(Square(pixels), RotatedOptions { every: 1, step: 90.0 }, Seed::new(1)).expect("good options"),
            2,
        )
        .remove(1);
        // 1 2        2 4
        // 3 4  ->    1 3
        assert!(turned.iter().zip([2.0, 4.0, 1.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-9), "{turned:?}");
    }

    struct Square([f32; 4]);

    impl Images for Square {
        fn shape(&self) -> [usize; 2] {
            [2, 2]
        }

        fn len(&self) -> usize {
            1
        }

        fn classes(&self) -> usize {
            1
        }

        fn image(&self, _: usize) -> (&[f32], usize) {
            (&self.0, 0)
        }
    }

    impl fmt::Display for Square {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("square")
        }
    }
}
