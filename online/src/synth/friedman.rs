//! Friedman's function, and three ways in which it drifts.

use std::f64::consts::PI;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options, wrong};
use super::{Error, Generator};
use crate::spec::Setting;

/// How [`Friedman`] drifts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Serialize, Deserialize)]
pub enum Change {
    /// Not at all.
    #[default]
    None,
    /// Local, expanding, abrupt: two regions get functions of their own, and grow at each of three places.
    Lea,
    /// Global, recurring, abrupt: another function between the first and the second place.
    Gra,
    /// Global, slow, gradual: another function from the first place on and a third one from the second place on, each among
    /// rows of the former one at first.
    Gsg,
}

impl Setting for Change {
    const EXPECTED: &'static str = "none, lea, gra or gsg";

    fn from_text(text: &str) -> Option<Self> {
        [Change::None, Change::Lea, Change::Gra, Change::Gsg].into_iter().find(|change| change.to_string() == text)
    }
}

/// As specifications spell it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Change::None => "none",
            Change::Lea => "lea",
            Change::Gra => "gra",
            Change::Gsg => "gsg",
        })
    }
}

options! {
    /// Options of [`Friedman`].
    FriedmanOptions as "friedman" {
        /// How the function drifts.
        drift: Change = Change::None, in ..;
        /// How many rows come before the first change.
        first: usize = 50_000, in ..;
        /// How many rows come before the second change.
        second: usize = 100_000, in ..;
        /// How many rows come before the third change, which only `lea` has.
        third: usize = 150_000, in ..;
        /// For `gsg`: over how many rows a new function takes the place of an old one.
        window: usize = 10_000, in ..;
        /// The standard deviation of the noise.
        noise: f64 = 1.0, in 0.0..;
    }
}

/// Ten features uniform in `[0, 1]`, of which five matter:
/// `y = 10 sin(πx₀x₁) + 20 (x₂ - ½)² + 10 x₃ + 5 x₄ + ε`, `ε` normal (Friedman, Multivariate adaptive regression splines,
/// Annals of Statistics 19(1), 1991), with the drifts of Ikonomovska, Gama and Džeroski (Learning model trees from
/// evolving data streams, Data Mining and Knowledge Discovery 23(1), 2011).
///
/// River differs in two: `gra` has `x₃x₅` in the place of `x₃x₄`; in the window of `gsg` rows of the new function are as
/// likely as not from the beginning, where here they grow from none to all (linearly).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Friedman {
    options: FriedmanOptions,
    seed: Seed,
    random: Random,
    /// For `gsg`: which function.
    choice: Random,
    row: u64,
}

impl Friedman {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If the changes are not one after the other, or the window of one reaches into the next.
    pub fn new(options: FriedmanOptions, seed: Seed) -> Result<Self, Error> {
        let friedman = Friedman { options, seed, random: seed.random(), choice: seed.part(0).random(), row: 0 };
        friedman.check()?;
        Ok(friedman)
    }

    /// How many rows there were.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.row
    }

    /// The target of the next row, without noise. Its memory is at work in the windows of `gsg`, where either function may
    /// be meant.
    fn value(&mut self, x: &[f64]) -> f64 {
        match self.options.drift {
            Change::None => standard(x),
            Change::Lea => local(x, self.changes()),
            Change::Gra if self.changes() == 1 => {
                let last = if self.seed.is_river() { x[5] } else { x[4] };
                friedman([x[3], last, x[1], x[0], x[2]])
            }
            Change::Gra => standard(x),
            Change::Gsg => self.gradual(x),
        }
    }

    /// How many changes lie behind.
    fn changes(&self) -> usize {
        let places = [self.options.first, self.options.second, self.options.third];
        places.into_iter().filter(|&place| self.row >= place as u64).count()
    }

    fn gradual(&mut self, x: &[f64]) -> f64 {
        let changes = self.changes().min(2);
        let since = self.row.wrapping_sub([0, self.options.first, self.options.second][changes] as u64);
        let window = self.options.window as u64;
        let new = match (changes, self.seed.is_river()) {
            (0, _) => true,
            _ if since >= window => true,
            (_, true) => !self.choice.bit(),
            (_, false) => self.choice.uniform() * (window as f64) < since as f64,
        };
        match if new { changes } else { changes - 1 } {
            0 => standard(x),
            1 => friedman([x[3], x[4], x[1], x[0], x[2]]),
            _ => friedman([x[1], x[4], x[3], x[2], x[0]]),
        }
    }
}

/// Friedman's function of its five arguments.
fn friedman([a, b, c, d, e]: [f64; 5]) -> f64 {
    10.0 * (PI * a * b).sin() + 20.0 * ((c - 0.5) * (c - 0.5)) + 10.0 * d + 5.0 * e
}

/// Of the first five features, in order.
fn standard(x: &[f64]) -> f64 {
    friedman([x[0], x[1], x[2], x[3], x[4]])
}

/// `lea`: after each change one condition less bounds the two regions.
fn local(x: &[f64], changes: usize) -> f64 {
    let low = [x[1] < 0.3, x[2] < 0.3, x[3] > 0.7, x[4] < 0.3];
    let high = [x[1] > 0.7, x[2] > 0.7, x[3] < 0.3, x[4] > 0.7];
    let inside = |region: [bool; 4]| changes > 0 && region[..5 - changes].iter().all(|&holds| holds);
    if inside(low) {
        10.0 * x[0] * x[1] + 20.0 * (x[2] - 0.5) + 10.0 * x[3] + 5.0 * x[4]
    } else if inside(high) {
        10.0 * (x[0] * x[1]).cos() + 20.0 * (x[2] - 0.5) + x[3].exp() + 5.0 * (x[4] * x[4])
    } else {
        standard(x)
    }
}

generator!(Friedman, FriedmanOptions);

impl Generator for Friedman {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(10)
    }

    fn classes(&self) -> usize {
        0
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let start = x.len();
        x.extend((0..10).map(|_| self.random.uniform()));
        let value = self.value(&x[start..]);
        self.row += 1;
        value + self.options.noise * self.random.normal()
    }

    fn check(&self) -> Result<(), Error> {
        let FriedmanOptions { drift, first, second, third, window, .. } = self.options;
        let ordered = first < second && (drift != Change::Lea || second < third);
        if drift != Change::None && !ordered {
            return Err(wrong(
                "friedman",
                format!("expected first < second < third, found {first}, {second}, {third}"),
            ));
        }
        if drift == Change::Gsg && window > second - first {
            let what = format!("expected a window of at most {}, found window={window}", second - first);
            return Err(wrong("friedman", what));
        }
        self.options.check()
    }
}
