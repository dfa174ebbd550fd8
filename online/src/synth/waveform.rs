//! Noisy mixtures of two waves.

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options};
use super::{Error, Generator};

options! {
    /// Options of [`Waveform`].
    WaveformOptions as "waveform" {
        /// Whether 19 features that say nothing are added.
        irrelevant: bool = false, in ..;
    }
}

/// 21 readings of a random mixture of two of three triangular waves, with noise: `xᵢ = u·hₐ(i) + (1 - u)·h_b(i) + εᵢ`, `u`
/// uniform, `ε` standard normal, `h₁(i) = max(6 - |i - 11|, 0)`, `h₂(i) = h₁(i - 4)`, `h₃(i) = h₁(i + 4)`, `i = 1 … 21`
/// (Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984, section 2.6.2). The class says which
/// two: 0. `h₁` and `h₂`; 1. `h₁` and `h₃`; 2. `h₂` and `h₃`. The best classifier is right about 86 % of the time.
///
/// River numbers the classes the other way: 2, 1, 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waveform {
    options: WaveformOptions,
    seed: Seed,
    random: Random,
}

/// Where the peaks of `h₁`, `h₂` and `h₃` are, counted from 0.
const PEAKS: [i32; 3] = [10, 14, 6];

impl Waveform {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// None: every choice of options is good.
    pub fn new(options: WaveformOptions, seed: Seed) -> Result<Self, Error> {
        Ok(Waveform { options, seed, random: seed.random() })
    }

    /// The peaks of the two waves that are mixed for a class, counted from 0.
    #[must_use]
    pub fn peaks(&self, class: usize) -> [i32; 2] {
        let [h1, h2, h3] = PEAKS;
        match (self.seed.is_river(), class) {
            (false, 0) => [h1, h2],
            (false, 1) => [h1, h3],
            (false, _) => [h2, h3],
            (true, 0) => [h3, h2],
            (true, 1) => [h3, h1],
            (true, _) => [h2, h1],
        }
    }
}

generator!(Waveform, WaveformOptions);

impl Generator for Waveform {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(if self.options.irrelevant { 40 } else { 21 })
    }

    fn classes(&self) -> usize {
        3
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let class = self.random.below(3);
        let share = self.random.uniform();
        let [a, b] = self.peaks(class);
        let wave = |peak: i32, i: i32| f64::from((6 - (i - peak).abs()).max(0));
        x.extend((0..21).map(|i| share * wave(a, i) + (1.0 - share) * wave(b, i) + self.random.normal()));
        if self.options.irrelevant {
            x.extend((0..19).map(|_| self.random.normal()));
        }
        class as f64
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()
    }
}
