//! Where a generator's randomness comes from: a seed, and which generator of random numbers it starts.

use serde::{Deserialize, Serialize};
use thalweg_tensor::Rng;

use super::python::Python;

/// Whose rows a generator makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Compat {
    /// By the papers.
    #[default]
    Papers,
    /// The very rows of River 0.26.1 (Montiel et al., 2021), on CPython 3.11 and earlier: its generator of random numbers
    /// and its deviations from the papers, which each generator lists.
    River,
}

/// What starts a generator: a number, and whose rows it makes.
///
/// ```
/// use thalweg_online::synth::{Compat, Seed};
///
/// assert_eq!(Seed::new(42), Seed { number: 42, compat: Compat::Papers });
/// assert_eq!(Seed::river(42), Seed { number: 42, compat: Compat::River });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seed {
    /// Equal numbers give equal rows.
    pub number: u64,
    /// Whose rows.
    pub compat: Compat,
}

impl Seed {
    /// For rows by the papers.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Seed { number, compat: Compat::Papers }
    }

    /// For River's rows.
    #[must_use]
    pub fn river(number: u64) -> Self {
        Seed { number, compat: Compat::River }
    }

    pub(super) fn is_river(self) -> bool {
        self.compat == Compat::River
    }

    pub(super) fn random(self) -> Random {
        match self.compat {
            Compat::Papers => Random::Portable(Rng::new(self.number)),
            Compat::River => Random::Python(Python::new(self.number)),
        }
    }

    /// The seed of a part that draws on its own, where none is given. River knows no derived seeds: the same number.
    pub(super) fn part(self, index: usize) -> Self {
        match self.compat {
            Compat::Papers => {
                let mut rng = Rng::new(self.number);
                (0..index).for_each(|_| _ = rng.next_u64());
                Seed::new(rng.next_u64())
            }
            Compat::River => self,
        }
    }
}

/// Random numbers, from one of two generators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Random {
    Portable(Rng),
    Python(Python),
}

impl Random {
    /// Uniform in `[0, 1)`.
    pub(super) fn uniform(&mut self) -> f64 {
        match self {
            Random::Portable(rng) => rng.uniform(),
            Random::Python(python) => python.uniform(),
        }
    }

    /// Uniform between two numbers.
    pub(super) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in `0..n`, where `n` is not 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        match self {
            Random::Portable(rng) => rng.below(n),
            Random::Python(python) => python.below(n),
        }
    }

    /// Uniform in `0..n`, as a feature.
    pub(super) fn code(&mut self, n: usize) -> f64 {
        self.below(n) as f64
    }

    /// Standard normal.
    pub(super) fn normal(&mut self) -> f64 {
        match self {
            Random::Portable(rng) => rng.normal(),
            Random::Python(python) => python.normal(),
        }
    }

    /// Heads or tails.
    pub(super) fn bit(&mut self) -> bool {
        match self {
            Random::Portable(rng) => rng.next_u64() >> 63 == 1,
            Random::Python(python) => python.bits(1) == 1,
        }
    }

    /// In random order.
    pub(super) fn shuffle<X>(&mut self, items: &mut [X]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// A random direction: a vector of length 1, no direction likelier than another.
    pub(super) fn direction(&mut self, into: &mut [f64]) {
        into.fill_with(|| self.normal());
        let length = into.iter().map(|x| x * x).sum::<f64>().sqrt();
        into.iter_mut().for_each(|x| *x /= length);
    }
}
