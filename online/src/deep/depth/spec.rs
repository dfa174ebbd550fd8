//! Where a network has exits, in a line of text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thalweg_nn::Nonlinearity;
use thalweg_nn::network::LayerSpec;

use super::super::{Config, Model};
use super::DEEPEST;
use crate::error::{Error, ErrorKind};
use crate::memory::Replay;
use crate::optim::Needs;
use crate::saved::saved_as_text;
use crate::spec::{Spec, unknown};

/// Where a network says what it says.
///
/// | specification | exits | options |
/// |---|---|---|
/// | `none` | behind the last layer | |
/// | `hedge` | at the inputs and behind every hidden layer, mixed by weights that follow their losses | `beta=0.99`, `share=0.2` |
///
/// ```
/// use thalweg_online::DepthSpec;
///
/// let spec: DepthSpec = "hedge:share=0.1, beta=0.99".parse()?;
/// assert_eq!(spec.to_string(), "hedge:share=0.1");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DepthSpec {
    /// Behind the last layer.
    #[default]
    None,
    /// At every depth.
    Hedge {
        /// β: what is left of a weight after a loss of 1.
        beta: f64,
        /// s: the share of all weight that is given to all depths, whatever their losses.
        share: f64,
    },
}

const BETA: f64 = 0.99;
const SHARE: f64 = 0.2;
/// So that no weight is 0 after a loss. With `share=0` an exit that has lost for long may come to 0, and stays there.
const LEAST_BETA: f64 = 0.000_001;

impl DepthSpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such one (with the nearest match), or a number is none that it can have.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let depth = match spec.name() {
            "none" => DepthSpec::None,
            "hedge" => DepthSpec::Hedge {
                beta: spec.option("beta")?.unwrap_or(BETA),
                share: spec.option("share")?.unwrap_or(SHARE),
            },
            other => return Err(unknown("depth", other, &["none", "hedge"]).into()),
        };
        spec.finish()?;
        depth.check_numbers()?;
        Ok(depth)
    }

    /// Whether there is one exit alone.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == DepthSpec::None
    }

    /// Whether a model can have these exits: hidden layers, one behind the other, and nothing else.
    #[must_use]
    pub fn fits(&self, model: &Model) -> bool {
        let layers = &model.layers.layers;
        let hidden = |pair: &[LayerSpec]| match pair {
            [LayerSpec::Linear { .. }, LayerSpec::Function(function)] => is_of_single_numbers(*function),
            _ => false,
        };
        self.is_none() || !layers.is_empty() && layers.chunks(2).all(hidden) && layers.len() <= 2 * DEEPEST
    }

    fn check_numbers(&self) -> Result<(), Error> {
        match *self {
            DepthSpec::Hedge { beta, share } if !((LEAST_BETA..1.0).contains(&beta) && (0.0..1.0).contains(&share)) => {
                let expected = format!("beta from {LEAST_BETA} to below 1, share from 0 to below 1");
                Err(Error::expected(ErrorKind::Spec, &expected, &self.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Whether a learner can be made like this.
    pub(in super::super) fn check(&self, config: &Config) -> Result<(), Error> {
        self.check_numbers()?;
        if self.is_none() {
            return Ok(());
        }
        let wrong = |expected: &str, found: String| {
            let expected = format!("{expected} for depth {self}");
            Err(Error::expected(ErrorKind::Spec, &expected, &found))
        };
        if !self.fits(&config.model) {
            let expected = format!("1 to {DEEPEST} hidden layers and no others, as mlp:64,64,");
            return wrong(&expected, config.model.to_string());
        }
        if config.optimizer.trust().is_some() {
            return wrong("a single optimizer", config.optimizer.to_string());
        }
        if config.optimizer.needs() > Needs::Gradient {
            return wrong("an optimizer that asks for the gradient alone", config.optimizer.to_string());
        }
        if matches!(config.memory.replay, Replay::Der { .. }) {
            return wrong("a memory that replays answers, not outputs,", config.memory.to_string());
        }
        if !config.consolidation.is_none() {
            return wrong("no consolidation", config.consolidation.to_string());
        }
        if config.plasticity.looks_at_units() {
            return wrong(
                "no plasticity of hidden units, which are heard at two places,",
                config.plasticity.to_string(),
            );
        }
        Ok(())
    }
}

fn is_of_single_numbers(function: Nonlinearity) -> bool {
    !matches!(function, Nonlinearity::Glu | Nonlinearity::Softmax | Nonlinearity::LogSoftmax)
}

impl FromStr for DepthSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        DepthSpec::parse(text)
    }
}

/// As it is parsed, without what is the default.
impl fmt::Display for DepthSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DepthSpec::Hedge { beta, share } = *self else { return f.write_str("none") };
        let options = [("beta", beta, BETA), ("share", share, SHARE)];
        let said = options.into_iter().filter(|(_, value, default)| value != default);
        let said: Vec<String> = said.map(|(name, value, _)| format!("{name}={value}")).collect();
        write!(f, "hedge{}{}", if said.is_empty() { "" } else { ":" }, said.join(","))
    }
}

saved_as_text!(DepthSpec);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Task;
    use crate::{Deep, Learner, MemorySpec, Target};

    #[test]
    fn specifications_print_as_they_parse() {
        for text in ["none", "hedge", "hedge:beta=0.9", "hedge:beta=0.5,share=0"] {
            assert_eq!(DepthSpec::parse(text).expect("it is one").to_string(), text);
        }
        let message = |text: &str| DepthSpec::parse(text).unwrap_err().to_string();
        assert!(message("hegde").contains(r#"unknown depth "hegde"; did you mean "hedge"?"#), "{}", message("hegde"));
        assert!(message("hedge:bta=1").contains(r#"did you mean "beta"?"#));
        assert!(
            message("hedge:beta=1").starts_with("expected beta from 0.000001 to below 1"),
            "{}",
            message("hedge:beta=1")
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_learned() {
        let usual = Config { depth: DepthSpec::parse("hedge").expect("it is one"), ..Config::new(Task::Classify) };
        assert!(usual.check().is_ok());
        let model = |text| Model::parse(text).expect("a model");
        let with_model = |text| Config { model: model(text), ..usual.clone() };
        assert!(with_model("linear:4 > tanh > linear:5 > gelu").check().is_ok());
        let of_weights = Config { plasticity: "upgd".parse().expect("one"), ..usual.clone() };
        assert!(of_weights.check().is_ok(), "it looks at no units");
        for (config, says) in [
            (with_model("linear"), "hidden layers and no others, as mlp:64,64, for depth hedge, found"),
            (with_model("lstm:4"), "hidden layers and no others"),
            (with_model("linear:4 > layer_norm > relu"), "hidden layers and no others"),
            (Config { optimizer: "hedge(sgd)".parse().expect("one"), ..usual.clone() }, "a single optimizer"),
            (Config { optimizer: "obgd".parse().expect("one"), ..usual.clone() }, "the gradient alone"),
            (Config { memory: MemorySpec::parse("der:9").expect("one"), ..usual.clone() }, "replays answers"),
            (Config { consolidation: "ewc:1".parse().expect("one"), ..usual.clone() }, "no consolidation"),
            (Config { plasticity: "cbp".parse().expect("one"), ..usual.clone() }, "no plasticity"),
        ] {
            let mut learner = Deep::new(config);
            let error = learner.learn_one(&[("x", 1.0)], Target::Class("a")).unwrap_err().to_string();
            assert!(error.contains(says) && learner.rows() == 0, "{error}");
        }
    }
}
