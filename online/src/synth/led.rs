//! The digits of a display with seven segments.

use serde::{Deserialize, Serialize};

use super::example::Column;
use super::random::{Random, Seed};
use super::settings::{Options as _, generator, options, wrong};
use super::{Error, Generator};

options! {
    /// Options of [`Led`].
    LedOptions as "led" {
        /// The probability with which a segment shows the wrong thing.
        noise: f64 = 0.0, in 0.0..=1.0;
        /// Whether 17 features that say nothing are added.
        irrelevant: bool = false, in ..;
        /// How many segments have changed places with features that say nothing: another concept, to drift to.
        drifting: usize = 0, in 0..=7;
    }
}

/// The segments of the ten digits: top, the upper two from the left, the middle, the lower two, the bottom.
const DIGITS: [[u8; 7]; 10] = [
    [1, 1, 1, 0, 1, 1, 1],
    [0, 0, 1, 0, 0, 1, 0],
    [1, 0, 1, 1, 1, 0, 1],
    [1, 0, 1, 1, 0, 1, 1],
    [0, 1, 1, 1, 0, 1, 0],
    [1, 1, 0, 1, 0, 1, 1],
    [1, 1, 0, 1, 1, 1, 1],
    [1, 0, 1, 0, 0, 1, 0],
    [1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 1, 1],
];

/// A digit is to be told from the seven segments of a display, each of which may be wrong (Breiman, Friedman, Olshen and
/// Stone, Classification and Regression Trees, 1984, section 2.6.1). At 10 % noise no classifier is right more often than
/// 74.0 % of the time: see [`bayes_accuracy`](Led::bayes_accuracy).
///
/// River's noise is less than it says: a segment is wrong with the probability `noise - 0.01`.
///
/// ```
/// use thalweg_online::synth::{Led, LedOptions, Seed};
///
/// let options = LedOptions { noise: 0.1, ..LedOptions::default() };
/// assert!((Led::new(options, Seed::new(1))?.bayes_accuracy() - 0.7400).abs() < 1e-4);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Led {
    options: LedOptions,
    seed: Seed,
    random: Random,
    /// Which feature shows each segment, and each of the 17 others.
    places: Vec<u8>,
}

impl Led {
    /// Starts the generator.
    ///
    /// # Errors
    ///
    /// If an option is out of its range, or if segments are to change places with features that are not there.
    pub fn new(options: LedOptions, seed: Seed) -> Result<Self, Error> {
        options.check()?;
        if options.drifting > 0 && !options.irrelevant {
            return Err(wrong(
                "led",
                format!("expected irrelevant with drifting={}, found led alone", options.drifting),
            ));
        }
        let mut random = seed.random();
        let mut places: Vec<u8> = (0..if options.irrelevant { 24 } else { 7 }).collect();
        if options.drifting > 0 {
            let (segment, other) = (random.below(7), random.below(17));
            for step in 0..options.drifting {
                places.swap((segment + step) % 7, 7 + (other + step) % 17);
            }
        }
        Ok(Led { options, seed, random, places })
    }

    /// The probability with which a segment is wrong.
    #[must_use]
    pub fn flip(&self) -> f64 {
        if self.seed.is_river() { (self.options.noise - 0.01).max(0.0) } else { self.options.noise }
    }

    /// How often the best classifier is right: `Σ_s max_d Π_i P(sᵢ | d) / 10` over all 128 displays `s`.
    #[must_use]
    pub fn bayes_accuracy(&self) -> f64 {
        let flip = self.flip();
        let shows = |display: u32, digit: &[u8; 7]| -> f64 {
            let wrong = (0..7).filter(|&segment| display >> segment & 1 != u32::from(digit[segment])).count() as i32;
            flip.powi(wrong) * (1.0 - flip).powi(7 - wrong)
        };
        let best = |display| DIGITS.iter().map(|digit| shows(display, digit)).fold(0.0, f64::max);
        (0..128).map(best).sum::<f64>() / 10.0
    }

    /// The most likely digit of a row, with any noise under one half; of equally likely ones the first.
    #[must_use]
    pub fn likeliest(&self, x: &[f64]) -> usize {
        let wrong = |digit: &[u8; 7]| {
            digit
                .iter()
                .zip(&self.places)
                .filter(|&(&segment, &place)| x[usize::from(place)] != f64::from(segment))
                .count()
        };
        (0..10).min_by_key(|&digit| wrong(&DIGITS[digit])).unwrap_or(0)
    }
}

generator!(Led, LedOptions);

impl Generator for Led {
    fn columns(&self) -> Vec<Column> {
        Column::numbered(self.places.len())
    }

    fn classes(&self) -> usize {
        10
    }

    fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
        let start = x.len();
        x.resize(start + self.places.len(), 0.0);
        let digit = self.random.below(10);
        let flip = self.options.noise;
        let late = if self.seed.is_river() { 0.01 } else { 0.0 };
        for (index, &place) in self.places.iter().enumerate() {
            x[start + usize::from(place)] = match DIGITS[digit].get(index) {
                Some(&segment) => {
                    let drawn = late + self.random.uniform();
                    // With a share of exactly 0 nothing is wrong.
                    let wrong = if self.seed.is_river() { drawn <= flip } else { drawn < flip };
                    f64::from(if wrong { 1 - segment } else { segment })
                }
                None => self.random.code(2),
            };
        }
        digit as f64
    }

    fn check(&self) -> Result<(), Error> {
        let mut places = self.places.clone();
        places.sort_unstable();
        if places.iter().copied().ne(0..if self.options.irrelevant { 24 } else { 7 }) {
            return Err(wrong("led", format!("expected every place once, found {:?}", self.places)));
        }
        self.options.check()
    }
}
