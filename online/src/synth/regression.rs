//! Two regression problems with features of several kinds.

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options};
use super::{Error, Generator};

options! {
    /// Options of [`Planes`].
    PlanesOptions as "planes" {
        /// The standard deviation of the noise.
        noise: f64 = 1.0, in 0.0..;
    }
}

/// Ten discrete features, and one of two planes with noise (Breiman, Friedman, Olshen and Stone, Classification and
/// Regression Trees, 1984, section 8.6): `x₁ = ±1`, the others -1, 0 or 1, all equally likely;
/// `y = 3 + 3x₂ + 2x₃ + x₄ + ε` if `x₁ = 1`, else `y = -3 + 3x₅ + 2x₆ + x₇ + ε`, with `ε` normal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planes {
    options: PlanesOptions,
    seed: Seed,
    random: Random,
}

impl Planes {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range.
    pub fn new(options: PlanesOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        Ok(Planes { options, seed, random: seed.random() })
    }

    /// The target of a row, without noise.
    #[must_use]
    pub fn value(&self, x: &[f64]) -> f64 {
        if x[0] == 1.0 { 3.0 + 3.0 * x[1] + 2.0 * x[2] + x[3] } else { -3.0 + 3.0 * x[4] + 2.0 * x[5] + x[6] }
    }
}

generator!(Planes, PlanesOptions);

impl Generator for Planes {
    fn columns(&self) -> Vec<Column> {
        Column::numbers(&["x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10"])
    }

    fn classes(&self) -> usize {
        0
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let start = x.len();
        x.push(2.0 * self.random.code(2) - 1.0);
        x.extend((0..9).map(|_| self.random.code(3) - 1.0));
        self.value(&x[start..]) + self.options.noise * self.random.normal()
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()
    }
}

options! {
    /// Options of [`Mv`].
    MvOptions as "mv" {
        /// The standard deviation of noise, which the original has not.
        noise: f64 = 0.0, in 0.0..;
    }
}

/// Ten features that depend on each other, numbers and words, and a target by cases (Torgo, Regression data sets, 2001:
/// *MV artificial domain*). `x₁` is uniform in `[-5, 5]`, `x₂` in `[-15, -10]`; `x₃` is green if `x₁ > 0`, else red (0.4) or
/// brown (0.6); `x₄` is `x₁ + 2x₂` if green, else `x₁/2` (0.3) or `x₂/2` (0.7); `x₅` is uniform in `[-1, 1]`; `x₆` is `x₄`
/// times a number uniform in `[0, 5]`; `x₇` is yes (0.3) or no (0.7); `x₈` is normal if `x₅ < 0.5`, else large; `x₉` is uniform
/// in `[100, 500]`; `x₁₀` is a whole number from 1000 to 1200.
///
/// River's `x₁₀` is not whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mv {
    options: MvOptions,
    seed: Seed,
    random: Random,
}

impl Mv {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range.
    pub fn new(options: MvOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        Ok(Mv { options, seed, random: seed.random() })
    }

    /// The target of a row, without noise.
    #[must_use]
    pub fn value(&self, x: &[f64]) -> f64 {
        if x[1] > 2.0 {
            35.0 - 0.5 * x[3]
        } else if (-2.0..=2.0).contains(&x[3]) {
            10.0 - 2.0 * x[0]
        } else if x[6] == 0.0 {
            // Not a division by 0, which the case before has.
            3.0 - x[0] / x[3]
        } else if x[7] == 0.0 {
            x[5] + x[0]
        } else {
            x[0] / 2.0
        }
    }
}

generator!(Mv, MvOptions);

impl Generator for Mv {
    fn columns(&self) -> Vec<Column> {
        let mut columns = Column::numbers(&["x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10"]);
        columns[2].words = &["green", "red", "brown"];
        columns[6].words = &["yes", "no"];
        columns[7].words = &["normal", "large"];
        columns
    }

    fn classes(&self) -> usize {
        0
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let start = x.len();
        let random = &mut self.random;
        let (x1, x2) = (random.range(-5.0, 5.0), random.range(-15.0, -10.0));
        let (x3, x4) = if x1 > 0.0 {
            (0.0, x1 + 2.0 * x2)
        } else {
            let color = if random.uniform() < 0.4 { 1.0 } else { 2.0 };
            (color, if random.uniform() < 0.3 { x1 / 2.0 } else { x2 / 2.0 })
        };
        let x5 = random.range(-1.0, 1.0);
        let x6 = x4 * random.range(0.0, 5.0);
        let x7 = if random.uniform() < 0.3 { 0.0 } else { 1.0 };
        let x8 = if x5 < 0.5 { 0.0 } else { 1.0 };
        let x9 = random.range(100.0, 500.0);
        let x10 = if self.seed.is_river() { random.range(1000.0, 1200.0) } else { 1000.0 + random.code(201) };
        x.extend([x1, x2, x3, x4, x5, x6, x7, x8, x9, x10]);
        let noise = if self.options.noise > 0.0 { self.options.noise * self.random.normal() } else { 0.0 };
        self.value(&x[start..]) + noise
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()
    }
}
