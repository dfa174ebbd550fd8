//! How a detector is made.

use serde::{Deserialize, Serialize};
use thalweg_nn::OptimizerSpec;

use crate::deep::Model;
use crate::features::FeatureSpec;

/// How an [`Autoencoder`](super::Autoencoder) is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What becomes of a row's cells.
    pub features: FeatureSpec,
    /// The layers between the columns and the linear layer that says them again. Somewhere in between they must be narrow, or
    /// everything can be said again, and nothing is strange.
    pub model: Model,
    /// How θ moves.
    pub optimizer: OptimizerSpec,
    /// How much the newest error counts in the mean and the deviation of errors, above 0 and at most 1.
    pub fading: f64,
    /// Rows whose rank is above this are not learned from; `None`: all are.
    pub spared: Option<f64>,
    /// Where every random choice begins.
    pub seed: u64,
}

/// Features standardised and one-hot, eight hidden units, plain SGD; errors of about the last hundred rows; every row is
/// learned from.
impl Default for Config {
    fn default() -> Self {
        Config {
            features: FeatureSpec::default(),
            model: Model::parse("linear:8 > tanh").unwrap_or_default(),
            optimizer: OptimizerSpec::default(),
            fading: 0.01,
            spared: None,
            seed: 42,
        }
    }
}
