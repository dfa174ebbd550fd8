//! SEA concepts.

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options};
use super::{Error, Generator};

options! {
    /// Options of [`Sea`].
    SeaOptions as "sea" {
        /// Which threshold, from 0: 8, 9, 7 or 9.5.
        variant: usize = 0, in 0..=3;
        /// The share of labels that are turned round.
        noise: f64 = 0.0, in 0.0..=1.0;
    }
}

/// Three features uniform in `[0, 10]`, two of them relevant: `y = [x₀ + x₁ > θ]`, `θ ∈ {8, 9, 7, 9.5}`
/// (Street and Kim, A streaming ensemble algorithm for large-scale classification, KDD 2001, who have 10 % noise).
///
/// ```
/// use thalweg_online::synth::{Example, Sea, SeaOptions, Seed, Synth};
///
/// let sea = Sea::new(SeaOptions { variant: 2, ..SeaOptions::default() }, Seed::new(42))?;
/// let mut stream = Synth::from(sea.clone());
/// let mut example = Example::new();
/// stream.next_row(&mut example);
/// assert_eq!(example.y(), sea.label(example.x()) as f64);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sea {
    options: SeaOptions,
    seed: Seed,
    random: Random,
}

impl Sea {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range.
    pub fn new(options: SeaOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        Ok(Sea { options, seed, random: seed.random() })
    }

    /// The class of a row, without noise.
    #[must_use]
    pub fn label(&self, x: &[f64]) -> usize {
        let threshold = [8.0, 9.0, 7.0, 9.5][self.options.variant];
        usize::from(x[0] + x[1] > threshold)
    }
}

generator!(Sea, SeaOptions);

impl Generator for Sea {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(3)
    }

    fn classes(&self) -> usize {
        2
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let start = x.len();
        x.extend((0..3).map(|_| self.random.range(0.0, 10.0)));
        let label = self.label(&x[start..]);
        let flipped = self.options.noise > 0.0 && self.random.uniform() < self.options.noise;
        if flipped { (1 - label) as f64 } else { label as f64 }
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()
    }
}
