//! A plane that turns.

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options, wrong};
use super::{Error, Generator};

options! {
    /// Options of [`Hyperplane`].
    HyperplaneOptions as "hyperplane" {
        /// How many features.
        features: usize = 10, in 1..=4096;
        /// How many of the weights move.
        drifting: usize = 2, in 0..=4096;
        /// How far each of them moves with every row.
        magnitude: f64 = 0.0, in 0.0..=1.0;
        /// The share of labels that are turned round.
        noise: f64 = 0.05, in 0.0..=1.0;
        /// The probability with which a moving weight turns back, at every row.
        sigma: f64 = 0.1, in 0.0..=1.0;
    }
}

/// Which side of a plane that turns a point of the unit cube lies on: `y = [Σ wᵢxᵢ ≥ ½ Σ wᵢ]`, with weights uniform in
/// `[0, 1]` at first (Hulten, Spencer and Domingos, Mining time-changing data streams, KDD 2001). With every row the first
/// `drifting` weights move, `wᵢ ← wᵢ + sᵢ · magnitude`, and each direction `sᵢ = ±1` is reversed with probability `sigma`.
///
/// River's noise and sigma are less than they say: each happens with the given probability less 0.01.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hyperplane {
    options: HyperplaneOptions,
    seed: Seed,
    random: Random,
    weights: Vec<f64>,
    directions: Vec<f64>,
}

impl Hyperplane {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range, or if more weights are to move than there are.
    pub fn new(options: HyperplaneOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        let mut random = seed.random();
        let weights = (0..options.features).map(|_| random.uniform()).collect();
        let plane = Hyperplane { options, seed, random, weights, directions: vec![1.0; options.drifting] };
        plane.check()?;
        Ok(plane)
    }

    /// The weights as they are now.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The class of a row with the weights as they are now, without noise.
    #[must_use]
    pub fn label(&self, x: &[f64]) -> usize {
        let value = self.weights.iter().zip(x).fold(0.0, |sum, (weight, x)| sum + weight * x);
        usize::from(value >= self.weights.iter().fold(0.0, |sum, weight| sum + weight) * 0.5)
    }

    /// Something that happens with this probability, or with River's.
    fn happens(&mut self, probability: f64) -> bool {
        let drawn = self.random.uniform();
        if self.seed.is_river() { 0.01 + drawn <= probability } else { drawn < probability }
    }
}

generator!(Hyperplane, HyperplaneOptions);

impl Generator for Hyperplane {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(self.options.features)
    }

    fn classes(&self) -> usize {
        2
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let start = x.len();
        x.extend((0..self.options.features).map(|_| self.random.uniform()));
        let label = self.label(&x[start..]);
        let flipped = self.happens(self.options.noise);
        for index in 0..self.directions.len() {
            self.weights[index] += self.directions[index] * self.options.magnitude;
            if self.happens(self.options.sigma) {
                self.directions[index] = -self.directions[index];
            }
        }
        if flipped { (1 - label) as f64 } else { label as f64 }
    }

    fn check(&self) -> Result<(), Error> {
        let (features, drifting) = (self.options.features, self.options.drifting);
        if drifting > features {
            let what = format!("expected at most features={features} to be drifting, found drifting={drifting}");
            return Err(wrong("hyperplane", what));
        }
        if (self.weights.len(), self.directions.len()) != (features, drifting) {
            return Err(wrong("hyperplane", format!("expected {features} weights, found {}", self.weights.len())));
        }
        self.options.check()
    }
}
