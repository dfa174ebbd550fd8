//! What a learner is made of, as specifications say it: `mlp:64,64`, `lstm:32,window=16`, `reservoir:500,replays=4`.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use thalweg_nn::network::{CellName, LayerSpec};
use thalweg_nn::{NetworkSpec, Nonlinearity};

use crate::error::{Error, ErrorKind};
use crate::spec::{Spec, unknown};

/// A network, by its specification.
///
/// | specification | network | options |
/// |---|---|---|
/// | `linear` | logistic or linear regression | |
/// | `mlp:64,64` | hidden layers of these widths, ReLU | |
/// | `rnn:32` | a recurrent cell that carries its state from row to row | `window`, `last` |
/// | `lstm:32` | likewise | `window`, `last` |
/// | `gru:32` | likewise | `window`, `last`, `form` (`pytorch` or `chung`) |
/// | `lstm:64x2 > dropout:0.1 > mlp:32` | layers of choice below the head: a [`NetworkSpec`] | `window`, `last` of a first item `carry` |
///
/// `window=16`: the gradient goes back through the last 16 rows (truncated backpropagation). `last=true`: the network sees
/// the last known target beside the features; this is the default, and `last=false` switches it off. Of layers of choice:
/// `carry:window=32,last=false > gru:64 > layer_norm`. The first layer with weights must be linear or recurrent, for new
/// features may come at any time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Model {
    /// No hidden layer.
    Linear,
    /// Hidden layers, with their widths.
    Mlp(Vec<usize>),
    /// A recurrent cell.
    Recurrent {
        /// Which.
        cell: CellKind,
        /// Hidden units.
        hidden: usize,
        /// Through how many rows the gradient goes back.
        window: NonZeroUsize,
        /// Whether the last known target is an input.
        last: bool,
    },
    /// Layers of choice.
    Network {
        /// The layers below the head.
        spec: NetworkSpec,
        /// Through how many rows the gradient goes back, where there are recurrent layers.
        window: NonZeroUsize,
        /// Whether the last known target is an input, where there are recurrent layers.
        last: bool,
    },
}

/// A recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CellKind {
    /// Elman's, tanh.
    Rnn,
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit, PyTorch's equations.
    Gru,
    /// Gated recurrent unit, the equations of Chung et al. 2014.
    GruChung,
}

const MODELS: [&str; 5] = ["linear", "mlp", "rnn", "lstm", "gru"];

/// More than this is a slip of the keyboard, and would not fit the memory.
const WIDEST: usize = 16_384;

impl Default for Model {
    fn default() -> Self {
        Model::Mlp(vec![64, 64])
    }
}

impl Model {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such model or option (with the nearest match), or a width is not between 1 and 16 384.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_layered = |item: &Spec| item.args().iter().any(|arg| arg.contains('x'));
        if text.contains('>') || Spec::parse(text).as_ref().is_ok_and(is_layered) {
            return Self::parse_network(text);
        }
        let mut spec = Spec::parse(text)?;
        let width = |n: usize| match n {
            1..=WIDEST => Ok(n),
            _ => Err(Error::expected(ErrorKind::Spec, &format!("a width of 1 to {WIDEST} in {text}"), &n.to_string())),
        };
        let model = match spec.name() {
            "linear" => Model::Linear,
            "mlp" => {
                let widths =
                    spec.all_args("the width of a layer")?.into_iter().map(width).collect::<Result<Vec<_>, _>>()?;
                if widths.is_empty() { Model::default() } else { Model::Mlp(widths) }
            }
            name @ ("rnn" | "lstm" | "gru") => {
                let cell = match name {
                    "rnn" => CellKind::Rnn,
                    "lstm" => CellKind::Lstm,
                    _ => match spec.option::<String>("form")?.as_deref() {
                        None | Some("pytorch") => CellKind::Gru,
                        Some("chung") => CellKind::GruChung,
                        Some(other) => return Err(unknown("form of gru", other, &["pytorch", "chung"]).into()),
                    },
                };
                Model::Recurrent {
                    cell,
                    hidden: width(spec.optional_arg(0, "the number of hidden units")?.unwrap_or(32))?,
                    window: NonZeroUsize::new(width(spec.option("window")?.unwrap_or(16))?)
                        .unwrap_or(NonZeroUsize::MIN),
                    last: spec.option("last")?.unwrap_or(true),
                }
            }
            other => return Err(unknown("model", other, &MODELS).into()),
        };
        spec.finish()?;
        Ok(model)
    }

    /// Layers of choice, and perhaps a first item `carry`.
    fn parse_network(text: &str) -> Result<Self, Error> {
        let (mut window, mut last, mut layers) = (None, None, text);
        if let Some((first, rest)) = text.split_once('>').filter(|(first, _)| first.trim_start().starts_with("carry")) {
            let mut carry = Spec::parse(first)?;
            (window, last, layers) = (carry.option("window")?, carry.option("last")?, rest);
            carry.finish()?;
        }
        let spec: NetworkSpec = layers.parse()?;
        let output = spec.output([1])?; // behind the first layer it does not depend on the number of features
        if spec.layers.contains(&LayerSpec::BatchNorm { stream: false }) {
            let expected = "batch_norm:stream=true, for rows come one by one";
            return Err(Error::expected(ErrorKind::Spec, expected, layers.trim()));
        }
        if spec.growing_layer().is_none() || output.rank() != 1 {
            let expected = "a first layer that is linear or recurrent, for new features may come at any time";
            return Err(Error::expected(ErrorKind::Spec, expected, layers.trim()));
        }
        let window = NonZeroUsize::new(window.unwrap_or(16));
        let window = window.ok_or_else(|| Error::expected(ErrorKind::Spec, "a window of at least one row", "0"))?;
        Ok(Model::Network { spec, window, last: last.unwrap_or(true) })
    }

    /// Whether it carries a state from row to row.
    #[must_use]
    pub fn is_recurrent(&self) -> bool {
        self.network().layers.iter().any(|layer| matches!(layer, LayerSpec::Recurrent { .. }))
    }

    /// The layers below the head.
    #[must_use]
    pub fn network(&self) -> NetworkSpec {
        match self {
            Model::Linear => NetworkSpec::default(),
            Model::Mlp(widths) => {
                let relu = LayerSpec::Function(Nonlinearity::Relu);
                let layer = |&width: &usize| [LayerSpec::Linear { width, bias: true }, relu.clone()];
                NetworkSpec { layers: widths.iter().flat_map(layer).collect() }
            }
            &Model::Recurrent { cell, hidden, .. } => {
                let cell = match cell {
                    CellKind::Rnn => CellName::Rnn,
                    CellKind::Lstm => CellName::Lstm,
                    CellKind::Gru => CellName::Gru,
                    CellKind::GruChung => CellName::GruChung,
                };
                NetworkSpec { layers: vec![LayerSpec::Recurrent { cell, hidden, layers: 1, dropout: 0.0 }] }
            }
            Model::Network { spec, .. } => spec.clone(),
        }
    }
}

/// The full specification: what was left out is spelled out.
impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Model::Linear => f.write_str("linear"),
            Model::Mlp(widths) => {
                let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
                write!(f, "mlp:{}", widths.join(","))
            }
            Model::Recurrent { cell, hidden, window, last } => {
                let (name, form) = match cell {
                    CellKind::Rnn => ("rnn", ""),
                    CellKind::Lstm => ("lstm", ""),
                    CellKind::Gru => ("gru", ""),
                    CellKind::GruChung => ("gru", ",form=chung"),
                };
                write!(f, "{name}:{hidden},window={window},last={last}{form}")
            }
            Model::Network { spec, window, last } if self.is_recurrent() => {
                write!(f, "carry:window={window},last={last} > {spec}")
            }
            Model::Network { spec, .. } => write!(f, "{spec}"),
        }
    }
}

/// What is kept of the past and replayed: `none`, or `reservoir:500,replays=4`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySpec {
    /// How many examples are kept: a uniform sample of all. 0: none.
    pub size: usize,
    /// How many of them are replayed for each new one.
    pub replays: usize,
}

impl MemorySpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such memory or option (with the nearest match), or a size is missing.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let memory = match spec.name() {
            "none" => MemorySpec::default(),
            "reservoir" => {
                let bounded = |what: &str, n: usize, most: usize| match n {
                    n if n <= most => Ok(n),
                    _ => Err(Error::expected(ErrorKind::Spec, &format!("{what} of at most {most}"), &n.to_string())),
                };
                MemorySpec {
                    size: bounded("a memory", spec.arg(0, "how many examples are kept")?, 100_000_000)?,
                    replays: bounded("replays", spec.option("replays")?.unwrap_or(1), 10_000)?,
                }
            }
            other => return Err(unknown("memory", other, &["none", "reservoir"]).into()),
        };
        spec.finish()?;
        Ok(memory)
    }
}

impl std::fmt::Display for MemorySpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MemorySpec { size: 0, .. } => f.write_str("none"),
            MemorySpec { size, replays } => write!(f, "reservoir:{size},replays={replays}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_print_as_they_parse() {
        let models = ["linear", "mlp:64,64", "rnn:8,window=4,last=false", "lstm:32,window=16,last=true"];
        for text in models.into_iter().chain(["gru:7,window=16,last=true,form=chung"]) {
            assert_eq!(Model::parse(text).unwrap().to_string(), text);
        }
        for text in ["none", "reservoir:500,replays=4"] {
            assert_eq!(MemorySpec::parse(text).unwrap().to_string(), text);
        }
        for text in ["carry:window=4,last=false > lstm:8x2 > linear:4 > tanh", "linear:4 > layer_norm > gelu"] {
            assert_eq!(Model::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Model::parse("gru:8x2").unwrap(), Model::parse("carry:window=16,last=true > gru:8x2").unwrap());
        assert_eq!(Model::parse("lstm").unwrap(), Model::parse("lstm:32,window=16").unwrap());
    }

    #[test]
    fn a_wrong_specification_is_answered_with_what_is_allowed() {
        let message = |text| Model::parse(text).unwrap_err().to_string();
        assert_eq!(
            message("ltsm:32"),
            r#"unknown model "ltsm"; did you mean "lstm"? allowed: linear, mlp, rnn, lstm, gru"#
        );
        assert!(message("lstm:32,windw=3").contains(r#"did you mean "window"?"#));
        assert!(message("mlp:64,0").contains("expected a width of 1 to 16384"));
        assert!(message("lstm:8 > linaer:4").contains(r#"did you mean "linear"?"#));
        assert!(
            message("view:1x1x1 > conv2d:1x1 > flatten").contains("expected a first layer that is linear or recurrent")
        );
        assert!(message("linear:8 > batch_norm").contains("expected batch_norm:stream=true"));
        assert!(
            message("lstm:2>lstm:2>lstm:2>lstm:2>lstm:2").contains("expected at most 8 tensors to carry, found 10")
        );
        assert!(message("lstm:8 > conv2d:4x3").contains("expected channels and an image"));
        assert!(message("carry:windw=3 > lstm:8").contains(r#"did you mean "window"?"#));
        assert!(MemorySpec::parse("reservoir").unwrap_err().to_string().contains("how many examples are kept"));
    }
}
