//! Clouds of points, which may wander.

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options, wrong};
use super::{Error, Generator};

options! {
    /// Options of [`Rbf`].
    RbfOptions as "rbf" {
        /// How many classes.
        classes: usize = 2, in 1..=4096;
        /// How many features.
        features: usize = 10, in 1..=4096;
        /// How many clouds.
        centroids: usize = 50, in 1..=4096;
        /// How far a cloud wanders with every row.
        speed: f64 = 0.0, in 0.0..=1.0;
        /// How many of the clouds wander; by default all.
        drifting: Option<usize> = None, in ..=Some(4096);
        /// The seed of the clouds, so that other rows can be drawn from the same ones; by default one derived from the seed
        /// of the rows (River's rows: the same).
        model: Option<u64> = None, in ..;
    }
}

/// Clouds of points around random centres of the unit cube, each with a class, a width and a weight (radial basis
/// functions; Bifet, Holmes, Kirkby and Pfahringer, MOA: massive online analysis, JMLR 11, 2010). A row picks a cloud by
/// its weight and lies at the distance `N(0, 1) · width` from its centre, in a random direction. With a speed the centres
/// wander, and bounce off the sides of the cube.
///
/// River differs: the direction is a point of a cube, scaled, so that the diagonals are likelier; the wandering begins in
/// directions of which no component is negative, drawn with the very numbers that placed the centres.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rbf {
    options: RbfOptions,
    seed: Seed,
    random: Random,
    centroids: Vec<Centroid>,
    /// The sum of all weights.
    weight: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Centroid {
    centre: Vec<f64>,
    class: usize,
    width: f64,
    weight: f64,
    /// Of length 1; empty if the cloud stays where it is.
    direction: Vec<f64>,
}

impl Rbf {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range, or if more clouds are to wander than there are.
    pub fn new(options: RbfOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        let model = options.model.map_or(seed.part(0), |number| Seed { number, ..seed });
        let mut random = model.random();
        let mut centroids: Vec<Centroid> = (0..options.centroids)
            .map(|_| Centroid {
                centre: (0..options.features).map(|_| random.uniform()).collect(),
                class: random.below(options.classes),
                width: random.uniform(),
                weight: random.uniform(),
                direction: Vec::new(),
            })
            .collect();
        if seed.is_river() {
            random = model.random();
        }
        let drifting = if options.speed > 0.0 { options.drifting.unwrap_or(options.centroids) } else { 0 };
        for centroid in centroids.iter_mut().take(drifting) {
            let mut direction = vec![0.0; options.features];
            if seed.is_river() {
                direction.fill_with(|| random.uniform());
                let length = river_root(direction.iter().fold(0.0, |sum, x| sum + x * x));
                direction.iter_mut().for_each(|x| *x /= length);
            } else {
                random.direction(&mut direction);
            }
            centroid.direction = direction;
        }
        let weight = centroids.iter().fold(0.0, |sum, centroid| sum + centroid.weight);
        let rbf = Rbf { options, seed, random: seed.random(), centroids, weight };
        rbf.check()?;
        Ok(rbf)
    }

    /// The centres as they are now, one for each cloud.
    pub fn centres(&self) -> impl Iterator<Item = &[f64]> {
        self.centroids.iter().map(|centroid| centroid.centre.as_slice())
    }

    /// The cloud that a number in `[0, 1)` picks.
    fn pick(&self, drawn: f64) -> usize {
        let wanted = drawn * self.weight;
        let mut sum = 0.0;
        let found = self.centroids.iter().position(|centroid| {
            sum += centroid.weight;
            sum > wanted
        });
        // Rounding may leave the sum a little short.
        found.unwrap_or(self.centroids.len() - 1)
    }
}

impl Centroid {
    /// A step, and back from the side where it would leave the cube.
    fn wander(&mut self, speed: f64) {
        for (x, direction) in self.centre.iter_mut().zip(&mut self.direction) {
            *x += *direction * speed;
            if *x > 1.0 || *x < 0.0 {
                *x = if *x > 1.0 { 1.0 } else { 0.0 };
                *direction = -*direction;
            }
        }
    }
}

/// The root as River takes it, `x ** 0.5`: a power, which now and then is off in the last bit. The exponent is hidden from
/// the compiler, which knows that a root is better.
fn river_root(x: f64) -> f64 {
    x.powf(std::hint::black_box(0.5))
}

generator!(Rbf, RbfOptions);

impl Generator for Rbf {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(self.options.features)
    }

    fn classes(&self) -> usize {
        self.options.classes
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        self.centroids.iter_mut().for_each(|centroid| centroid.wander(self.options.speed));
        let drawn = self.random.uniform();
        let centroid = &self.centroids[self.pick(drawn)];
        let start = x.len();
        x.resize(start + self.options.features, 0.0);
        let offset = &mut x[start..];
        if self.seed.is_river() {
            offset.fill_with(|| self.random.uniform() * 2.0 - 1.0);
        } else {
            self.random.direction(offset);
        }
        let square = offset.iter().fold(0.0, |sum, x| sum + x * x);
        let length = if self.seed.is_river() { river_root(square) } else { square.sqrt() };
        let scale = self.random.normal() * centroid.width / length;
        offset.iter_mut().zip(&centroid.centre).for_each(|(x, centre)| *x = centre + *x * scale);
        centroid.class as f64
    }

    fn check(&self) -> Result<(), Error> {
        let RbfOptions { classes, features, centroids, drifting, .. } = self.options;
        if drifting.is_some_and(|drifting| drifting > centroids) {
            let drifting = drifting.unwrap_or(0);
            let what = format!("expected at most centroids={centroids} to be drifting, found drifting={drifting}");
            return Err(wrong("rbf", what));
        }
        let fits = |centroid: &Centroid| centroid.centre.len() == features && centroid.class < classes;
        if self.centroids.len() != centroids || !self.centroids.iter().all(fits) {
            return Err(wrong("rbf", format!("expected {centroids} centroids of {features} features, found others")));
        }
        self.options.check()
    }
}
