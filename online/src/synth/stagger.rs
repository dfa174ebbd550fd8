//! STAGGER concepts.

use serde::{Deserialize, Serialize};

use super::balance::Balance;
use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options};
use super::{Error, Generator};

options! {
    /// Options of [`Stagger`].
    StaggerOptions as "stagger" {
        /// Which concept, from 0.
        function: usize = 0, in 0..=2;
        /// Whether the classes come in turn.
        balance: bool = false, in ..;
    }
}

/// Things with a size, a colour and a shape (Schlimmer and Granger, Incremental learning from noisy data, Machine Learning
/// 1(3), 1986). True is, by the concept: 0. what is small and red; 1. what is green or a circle; 2. what is medium or large.
///
/// River gives the codes 0, 1, 2 as numbers, the papers' rows have words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stagger {
    options: StaggerOptions,
    seed: Seed,
    random: Random,
    balance: Balance,
}

impl Stagger {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range.
    pub fn new(options: StaggerOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        Ok(Stagger { options, seed, random: seed.random(), balance: Balance::new(options.balance) })
    }

    /// The class of a row: size, colour and shape, each as a code from 0.
    #[must_use]
    pub fn label(&self, x: &[f64]) -> usize {
        let (size, color, shape) = (x[0], x[1], x[2]);
        usize::from(match self.options.function {
            0 => size == 0.0 && color == 0.0,
            1 => color == 2.0 || shape == 0.0,
            _ => size == 1.0 || size == 2.0,
        })
    }
}

generator!(Stagger, StaggerOptions);

impl Generator for Stagger {
    fn columns(&self) -> Vec<Column> {
        if self.seed.is_river() {
            return Column::numbers(&["size", "color", "shape"]);
        }
        vec![
            Column::words("size", &["small", "medium", "large"]),
            Column::words("color", &["red", "blue", "green"]),
            Column::words("shape", &["circle", "square", "triangle"]),
        ]
    }

    fn classes(&self) -> usize {
        2
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let mut balance = self.balance.clone();
        let y = balance.pass(x, |x| {
            let start = x.len();
            x.extend((0..3).map(|_| self.random.code(3)));
            self.label(&x[start..])
        });
        self.balance = balance;
        y
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check()
    }
}
