//! The sine concepts, and the mixed ones.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::balance::Balance;
use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options};
use super::{Error, Generator};

options! {
    /// Options of [`Sine`].
    SineOptions as "sine" {
        /// Which concept, from 0.
        function: usize = 0, in 0..=3;
        /// Whether the classes come in turn.
        balance: bool = false, in ..;
        /// Whether two features that say nothing are added.
        irrelevant: bool = false, in ..;
    }
}

/// Points of the unit square under a curve (Gama, Medas, Castillo and Rodrigues, Learning with drift detection, SBIA 2004):
///
/// 0. class 1 if `x₁ < sin(x₀)`; 1. the reverse;
/// 2. class 1 if `x₁ < 0.5 + 0.3 sin(3πx₀)`; 3. the reverse.
///
/// River takes the features in the other order: `x₀ < sin(x₁)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sine {
    options: SineOptions,
    seed: Seed,
    random: Random,
    balance: Balance,
}

impl Sine {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range.
    pub fn new(options: SineOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        Ok(Sine { options, seed, random: seed.random(), balance: Balance::new(options.balance) })
    }

    /// The class of a row.
    #[must_use]
    pub fn label(&self, x: &[f64]) -> usize {
        let (x, y) = if self.seed.is_river() { (x[1], x[0]) } else { (x[0], x[1]) };
        let below = if self.options.function < 2 { y < x.sin() } else { below_wave(x, y) };
        usize::from(below == self.options.function.is_multiple_of(2))
    }
}

/// Whether the point lies under the wave of both papers' second curve.
fn below_wave(x: f64, y: f64) -> bool {
    y < 0.5 + 0.3 * (3.0 * PI * x).sin()
}

generator!(Sine, SineOptions);

impl Generator for Sine {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(if self.options.irrelevant { 4 } else { 2 })
    }

    fn classes(&self) -> usize {
        2
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let mut balance = self.balance.clone();
        let y = balance.pass(x, |x| {
            let start = x.len();
            x.extend((0..2).map(|_| self.random.uniform()));
            self.label(&x[start..])
        });
        self.balance = balance;
        if self.options.irrelevant {
            x.extend((0..2).map(|_| self.random.uniform()));
        }
        y
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()
    }
}

options! {
    /// Options of [`Mixed`].
    MixedOptions as "mixed" {
        /// Which concept, from 0.
        function: usize = 0, in 0..=1;
        /// Whether the classes come in turn.
        balance: bool = false, in ..;
    }
}

/// Two truth values `v`, `w` and a point `x`, `y` of the unit square (Gama et al., SBIA 2004): class 1 if at least two of
/// `v`, `w` and `y < 0.5 + 0.3 sin(3πx)` hold (function 0), or the reverse (function 1).
///
/// River numbers the two functions the other way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixed {
    options: MixedOptions,
    seed: Seed,
    random: Random,
    balance: Balance,
}

impl Mixed {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range.
    pub fn new(options: MixedOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        Ok(Mixed { options, seed, random: seed.random(), balance: Balance::new(options.balance) })
    }

    /// The class of a row: `v`, `w`, `x`, `y`.
    #[must_use]
    pub fn label(&self, x: &[f64]) -> usize {
        let hold = [x[0] == 1.0, x[1] == 1.0, below_wave(x[2], x[3])];
        let most = hold.into_iter().filter(|&holds| holds).count() >= 2;
        let reverse = (self.options.function == 1) != self.seed.is_river();
        usize::from(most != reverse)
    }
}

generator!(Mixed, MixedOptions);

impl Generator for Mixed {
    fn columns(&self) -> Vec<Column> {
        Column::numbers(&["v", "w", "x", "y"])
    }

    fn classes(&self) -> usize {
        2
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let mut balance = self.balance.clone();
        let y = balance.pass(x, |x| {
            let start = x.len();
            x.extend((0..2).map(|_| f64::from(u8::from(self.random.uniform() >= 0.5))));
            x.extend((0..2).map(|_| self.random.uniform()));
            self.label(&x[start..])
        });
        self.balance = balance;
        y
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()
    }
}
