//! How strange a row is: by an autoencoder that learns from every row.
//!
//! A network is to say its own inputs again, through a layer that is too narrow for all of them. What most rows have in
//! common gets through; a row that breaks it comes out as another one, and the error is its score (Hawkins, He, Williams &
//! Baxter 2002; of streams, Zhou & Paffenroth 2017 and others).
//!
//! ```text
//!   x̂ = W f_θ(x) + b                            f_θ: narrow somewhere                           (1)
//!   e = Σ (x̂ᵢ − xᵢ)² / k                        over the k columns that the row fills           (2)  the score
//!   θ ← θ − η ∇e                                                                                (3)  learning
//!   l = ln max(e, 10⁻¹²)    δ = l − μ    μ ← μ + φ δ    σ² ← (1 − φ)(σ² + φ δ²)                 (4)  what errors are usual
//!   rank = Φ((l − μ) / σ)                                                                       (5)  from 0 to 1
//! ```
//!
//! Columns are those of [`Features`]: scaled, one-hot, flags. A number that is missing is an input of 0 and
//! is no part of (2). New features and categories come with any row; the network grows by an input and an output each.
//!
//! Errors are positive and skewed, and fall while the network learns; so (4) takes their logarithm and lets the past fade
//! (Finch 2009), and (5) is the share of recent rows that would be less strange if the logarithms were normal: a threshold
//! of 0.99 means one row of a hundred, whatever the features are. Where few rows are enough for a decision, set it by the
//! scores of rows of your own.
//!
//! **Sparing.** Whoever learns from every row learns what anomalies look like, if they are many. With
//! [`spared`](Config::spared) = 0.99, rows of a higher rank are not learned from, nor are their features' scales. Their errors
//! do enter (4): when the world changes and everything is strange, the strange soon is usual, and learning goes on. (River's
//! `QuantileFilter` with `protect_anomaly_detector` does the same by a quantile.)
//!
//! # Figures
//!
//! Area under the ROC curve of the score before learning, over 4 500 rows behind the first 500, three seeds. Eight numbers
//! have two hidden causes; an anomaly is of a usual size in each of them:
//!
//! | anomalies | network | area |
//! |---|---|---|
//! | 2 %, each number for itself | `linear:2` | 0.976 to 1.000 |
//! | 2 %, each number for itself | `linear:8 > tanh` | 0.987 to 0.994 |
//! | 10 %, all of them alike | `linear:4`, which has room for both kinds | 0.63 to 0.78 |
//! | the same | the same, `spared: Some(0.9)` | 0.997 to 1.000 |
//!
//! The bundled digits, zeros and ones and 20 others among 380, by the default [`Config`], from the first row on: 0.848.

mod config;
mod saved;
#[cfg(test)]
mod tests;
mod watch;

pub use config::Config;
pub use watch::{Verdict, Watch};

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::{AnyOptimizer, Linear, Mode, Network, Optimizer, State, Step};
use thalweg_tensor::{Real, Rng};

use crate::deep::settle;
use crate::error::{Error, ErrorKind};
use crate::features::{Features, Scale, Scaler};
use crate::row::{Row, weight_of};

/// An autoencoder that learns from every row, and says how strange each is: see the [module](self).
///
/// ```
/// use thalweg_online::Autoencoder;
///
/// // Three numbers that go together; then three that do not, each of a usual size.
/// let mut detector = Autoencoder::new(thalweg_online::anomaly::Config {
///     model: thalweg_online::Model::parse("linear:1")?,
///     ..Default::default()
/// })?;
/// for k in 0..2000 {
///     let t = f64::from(k % 19) - 9.0;
///     detector.learn_one(&[("a", t), ("b", 2.0 * t), ("c", 5.0 - t)])?;
/// }
/// let usual = detector.score_one(&[("a", 6.0), ("b", 12.0), ("c", -1.0)])?;
/// let strange = detector.score_one(&[("a", 6.0), ("b", -12.0), ("c", -1.0)])?;
/// assert!(strange > 20.0 * usual);
/// assert!(detector.rank(strange) > 0.99);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Autoencoder {
    config: Config,
    features: Features,
    params: Params<f32>,
    network: Option<Halves>,
    optimizer: AnyOptimizer,
    /// Of the logarithms of errors.
    errors: Scaler,
    mode: Mode,
    rng: Rng,
    #[serde(deserialize_with = "crate::saved::count")]
    rows: u64,
    #[serde(deserialize_with = "crate::saved::count")]
    spared: u64,
    #[serde(deserialize_with = "crate::saved::count")]
    refused: u64,
    #[serde(skip)]
    scratch: Scratch,
}

/// Handles into θ: columns to the narrow place, and what stands behind it to columns.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Halves {
    body: Network,
    head: Linear,
}

/// Memory that is used again from row to row and means nothing in between.
#[derive(Debug, Default)]
struct Scratch {
    tape: Tape<f32>,
    grads: Grads<f32>,
    raw: Vec<f64>,
    x: Vec<f32>,
    known: Vec<f32>,
}

/// A clone has its own scratch memory, empty at first.
impl Clone for Scratch {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

/// Errors below this count as this: the logarithm of 0 is no number.
const LEAST: f64 = 1e-12;

impl Autoencoder {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    ///
    /// If the network cannot take one row after the other, or carries a state; if features are made of answers, which there
    /// are none of, or categories are to be learned vectors; if `fading` is not above 0 and at most 1, or `spared` is not
    /// from 0.5 to 1.
    pub fn new(config: Config) -> Result<Self, Error> {
        saved::check(&config)?;
        Ok(Autoencoder {
            features: Features::with(config.features.clone()),
            params: Params::new(),
            network: None,
            optimizer: config.optimizer.build(),
            errors: Scale::Adaptive(config.fading).build(),
            mode: Mode::train(Rng::new(config.seed).fork()),
            rng: Rng::new(config.seed),
            rows: 0,
            spared: 0,
            refused: 0,
            scratch: Scratch::default(),
            config,
        })
    }

    /// How it was made.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// θ.
    #[must_use]
    pub fn params(&self) -> &Params<f32> {
        &self.params
    }

    /// The features seen so far.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// How many rows were given to learn from.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many of them were too strange to be learned from.
    #[must_use]
    pub fn spared(&self) -> u64 {
        self.spared
    }

    /// How many steps were refused because a gradient was not finite.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How strange a row is: the mean squared error (2) of what it fills, in squares of the scaled features; 0 before the
    /// first row. Features that have not been learned yet say nothing. Nothing that learning relies on changes.
    ///
    /// # Errors
    ///
    /// If the row cannot be used.
    pub fn score_one(&mut self, x: &dyn Row) -> Result<f64, Error> {
        self.read(x)?;
        let Scratch { tape, x, known, .. } = &mut self.scratch;
        let Some(network) = &self.network else { return Ok(0.0) };
        let pass = tape.pass(&self.params);
        Ok(f64::from(network.error(pass.input(&x[..]), known, &mut Mode::Eval).item()))
    }

    /// Where an error stands among those of recent rows, (5): from 0 to 1, and ½ while nothing is known of them.
    #[must_use]
    pub fn rank(&self, error: f64) -> f64 {
        let deviations = self.errors.transform(error.max(LEAST).ln());
        if error.is_nan() { error } else { 0.5 * (1.0 + Real::erf(deviations / std::f64::consts::SQRT_2)) }
    }

    /// [`rank`](Autoencoder::rank) of [`score_one`](Autoencoder::score_one).
    ///
    /// # Errors
    ///
    /// If the row cannot be used.
    pub fn rank_one(&mut self, x: &dyn Row) -> Result<f64, Error> {
        self.score_one(x).map(|error| self.rank(error))
    }

    /// Learns a row, unless it is to be [spared](Config::spared), and returns its error before that. A row of
    /// [weight](Row::weight) *w* has a gradient *w* times as long; of one that weighs nothing only features and their scales
    /// are learned.
    ///
    /// # Errors
    ///
    /// If the row cannot be used; nothing has changed then.
    pub fn learn_one(&mut self, x: &dyn Row) -> Result<f64, Error> {
        let weight = weight_of(x)?;
        if let Some(limit) = self.config.spared {
            let error = self.score_one(x)?;
            if self.rank(error) > limit {
                self.note(error, weight);
                self.spared += 1;
                return Ok(error);
            }
        }
        self.features.observe(x)?;
        self.grow()?;
        self.read(x)?;
        let error = self.step(weight);
        self.note(error, weight);
        Ok(error)
    }

    /// The row as inputs, and 1 for each column that it fills.
    fn read(&mut self, x: &dyn Row) -> Result<(), Error> {
        let Scratch { raw, x: input, known, .. } = &mut self.scratch;
        self.features.read(x, raw)?;
        self.features.scale(raw, input);
        known.clear();
        known.extend(raw.iter().map(|raw| f32::from(u8::from(!raw.is_nan()))));
        Ok(())
    }

    fn grow(&mut self) -> Result<(), Error> {
        let columns = self.features.width();
        let Some(Halves { body, head }) = &mut self.network else {
            let body = Network::new(&mut self.params, "body", &self.config.model.layers, [columns], &mut self.rng)?;
            let head = Linear::new(&mut self.params, "head", body.output().len(), columns, &mut self.rng);
            self.network = Some(Halves { body, head });
            return Ok(());
        };
        let [known, width] = [body.input().len(), body.output().len()];
        if columns == known {
            return Ok(());
        }
        if !body.grow_inputs(&mut self.params, columns - known) {
            let expected = format!("{known} inputs, as before");
            return Err(Error::expected(ErrorKind::Spec, &expected, &columns.to_string()));
        }
        // What passes its inputs on gives more of them.
        head.grow_inputs(&mut self.params, body.output().len() - width);
        head.grow_outputs(&mut self.params, columns - known);
        Ok(())
    }

    /// One gradient step on the row that was read; its error before.
    fn step(&mut self, weight: f64) -> f64 {
        let Scratch { tape, grads, x, known, .. } = &mut self.scratch;
        let Some(network) = &self.network else { return 0.0 };
        let pass = tape.pass(&self.params);
        let error = network.error(pass.input(&x[..]), known, &mut self.mode);
        let value = f64::from(error.item());
        if weight == 0.0 {
            self.mode.discard();
            return value;
        }
        (error * weight as f32).backward(grads);
        if settle(self.optimizer.step(&mut self.params, grads), &mut self.params, &mut self.mode) == Step::Refused {
            self.refused += 1;
        }
        value
    }

    /// (4).
    fn note(&mut self, error: f64, weight: f64) {
        self.rows += 1;
        if !error.is_nan() && weight > 0.0 {
            self.errors.update(error.max(LEAST).ln());
        }
    }
}

impl Halves {
    /// (1) and (2).
    fn error<'p>(&self, x: Var<'p>, known: &[f32], mode: &mut Mode) -> Var<'p> {
        let pass = x.pass();
        let (z, _) = self.body.step(x, self.body.enter(pass, &State::default()), mode);
        let apart = (self.head.forward(z) - x) * pass.input(known);
        apart.square().sum() * (1.0 / known.iter().sum::<f32>().max(1.0))
    }
}
