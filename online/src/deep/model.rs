//! What a learner is made of, as specifications say it: `mlp:64,64`, `lstm:32,window=16`.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use thalweg_nn::network::LayerSpec;
use thalweg_nn::{NetworkSpec, Nonlinearity};

use crate::error::{Error, ErrorKind};
use crate::features::FeatureSpec;
use crate::saved::saved_as_text;
use crate::spec::{Spec, nearest, unknown};

/// A network, by its specification: the layers below the head of a [`NetworkSpec`], and how rows go through them.
///
/// | specification | network |
/// |---|---|
/// | `linear` | none: logistic or linear regression |
/// | `mlp:64,64` | hidden layers of these widths, ReLU |
/// | `sparse_mlp:64,64` | the same with few weights and normalised sums, for [ObGD](crate::optim::ObGd) |
/// | `lstm:32`, `gru:32x2`, `rnn:32,form=relu` | a recurrent layer that carries its state from row to row |
/// | `leaky_rnn:32,alpha=0.1` | likewise, of units that fade |
/// | `lru:32`, `rtu:32,form=tanh`, `elstm:32` | likewise, of units that do not hear one another |
/// | `lstm:64x2 > dropout:0.1 > mlp:32` | any layers that take one row after the other |
///
/// Recurrent layers have two options more, `lstm:32,window=16,last=true`, which of several layers stand in a first item
/// `carry`: `carry:window=32,last=false > gru:64 > layer_norm`. `window=16`: the gradient goes back through the last 16 rows
/// (truncated backpropagation). `last=true`: the network sees the last known target beside the features; this is the
/// default, and `last=false` switches it off.
///
/// The first layer with weights must be linear or recurrent, for new features may come at any time; what looks at whole
/// sequences, attention or both directions, cannot be asked row by row. `mlp` alone is `mlp:64,64`, `lstm` is `lstm:32`.
///
/// ```
/// use thalweg_online::Model;
///
/// assert_eq!(Model::parse("lstm:8")?.to_string(), "lstm:8,window=16,last=true");
/// let error = Model::parse("conv1d:16x3").unwrap_err().to_string();
/// assert_eq!(error, "conv1d:16x3: expected channels and an image (view?), found examples of shape [1]");
/// Model::parse("linear:64 > view:4x16 > conv1d:8x3 > relu > flatten")?;
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Model {
    /// The layers below the head.
    pub layers: NetworkSpec,
    /// Through how many rows the gradient goes back, where there are recurrent layers.
    pub window: NonZeroUsize,
    /// Whether the last known target is an input, where there are recurrent layers.
    pub last: bool,
}

/// More rows than this are a slip of the keyboard.
const WIDEST: usize = 16_384;

impl Default for Model {
    fn default() -> Self {
        let mlp = [64, 64].map(hidden).concat();
        Model { layers: NetworkSpec { layers: mlp }, window: const { NonZeroUsize::new(16).unwrap() }, last: true }
    }
}

/// A hidden layer of `mlp`.
fn hidden(width: usize) -> [LayerSpec; 2] {
    [LayerSpec::Linear { width, bias: true, sparse: 0.0 }, LayerSpec::Function(Nonlinearity::Relu)]
}

impl Model {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such layer or option (with the nearest match), the layers do not fit one another, or they cannot take
    /// one row after the other.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (first, rest) = text.split_once('>').map_or((text, None), |(first, rest)| (first, Some(rest)));
        let (settings, layers) = match rest {
            Some(rest) if first.trim_start().starts_with("carry") => {
                let mut carry = Spec::parse(first)?;
                let settings = Settings::take(&mut carry)?;
                carry.finish()?;
                (settings, rest.to_owned())
            }
            None if !text.contains('(') => {
                let mut item = Spec::parse(text)?;
                (Settings::take(&mut item)?, spelled_out(&item))
            }
            _ => (Settings::default(), text.to_owned()),
        };
        let spec: NetworkSpec = layers.parse()?;
        takes_rows(&spec)?;
        let wrong = |expected: &str| Err(Error::expected(ErrorKind::Spec, expected, text.trim()));
        if settings != Settings::default() && !spec.is_recurrent() {
            return wrong("recurrent layers, for there is a window or a last target");
        }
        let usual = Model::default();
        let rows = settings.window.unwrap_or(usual.window.get());
        match NonZeroUsize::new(rows).filter(|_| rows <= WIDEST) {
            Some(window) => Ok(Model { layers: spec, window, last: settings.last.unwrap_or(usual.last) }),
            None => wrong(&format!("a window of 1 to {WIDEST} rows")),
        }
    }

    /// Whether it carries a state from row to row.
    #[must_use]
    pub fn is_recurrent(&self) -> bool {
        self.layers.is_recurrent()
    }
}

/// Whether a network can learn from rows alone: one row after the other, without a state, answers, or vectors of categories.
///
/// # Errors
///
/// If not: what stands in the way.
pub(crate) fn takes_rows_alone(model: &Model, features: &FeatureSpec) -> Result<(), Error> {
    takes_rows(&model.layers)?;
    let wrong = |expected: &str, found: String| Err(Error::expected(ErrorKind::Spec, expected, &found));
    if model.is_recurrent() {
        return wrong("layers that carry nothing from row to row", model.to_string());
    }
    if features.uses_answers() {
        return wrong("features that are not made of answers", features.to_string());
    }
    features.check_no_embeddings()
}

/// Whether layers can learn from one row after the other, whatever features come.
///
/// # Errors
///
/// If not: why.
pub(crate) fn takes_rows(spec: &NetworkSpec) -> Result<(), Error> {
    let wrong = |expected: &str| Err(Error::expected(ErrorKind::Spec, expected, &spec.to_string()));
    let output = spec.output([1])?; // behind the first layer it does not depend on the number of features
    if spec.find(|layer| matches!(layer, LayerSpec::BatchNorm { stream: false })).is_some() {
        return wrong("batch_norm:stream, for rows come one by one");
    }
    if let Some(layer) = spec.whole_sequences() {
        return wrong(&format!("layers that take one row after the other, not {layer}"));
    }
    if spec.growing_layer().is_none() {
        return wrong("a first layer that is linear or recurrent, for new features may come at any time");
    }
    if output.rank() != 1 { wrong("layers that give one axis (flatten?)") } else { Ok(()) }
}

/// How rows go through recurrent layers, as far as it is said.
#[derive(Debug, Default, PartialEq)]
struct Settings {
    window: Option<usize>,
    last: Option<bool>,
}

impl Settings {
    fn take(item: &mut Spec) -> Result<Self, Error> {
        const NAMES: [&str; 2] = ["window", "last"];
        let settings = Settings { window: item.take_option(NAMES[0])?, last: item.take_option(NAMES[1])? };
        match item.options().iter().find(|(key, _)| nearest(key, &NAMES).is_some()) {
            Some((key, _)) => Err(unknown(&format!("option of {}", item.name()), key, &NAMES).into()),
            None => Ok(settings),
        }
    }
}

/// A single item, with the sizes that it may leave out.
fn spelled_out(item: &Spec) -> String {
    let text = item.to_string();
    match item.name() {
        "linear" if text == "linear" => String::new(),
        "mlp" if text == "mlp" => Model::default().layers.to_string(),
        "rnn" | "leaky_rnn" | "lstm" | "gru" | "lru" | "rtu" | "elstm" if item.args().is_empty() => {
            match text.split_once(':') {
                Some((name, options)) => format!("{name}:32,{options}"),
                None => format!("{text}:32"),
            }
        }
        _ => text,
    }
}

/// The full specification: what was left out is spelled out.
impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Model { layers, window, last } = self;
        let widths = layers.layers.chunks(2).map(|pair| match pair {
            [LayerSpec::Linear { width, .. }, _] if *pair == hidden(*width) => Some(width.to_string()),
            _ => None,
        });
        match (&layers.layers[..], widths.collect::<Option<Vec<_>>>()) {
            ([], _) => f.write_str("linear"),
            (_, Some(widths)) => write!(f, "mlp:{}", widths.join(",")),
            ([layer @ LayerSpec::Recurrent { .. }], _) => write!(f, "{layer},window={window},last={last}"),
            _ if self.is_recurrent() => write!(f, "carry:window={window},last={last} > {layers}"),
            _ => write!(f, "{layers}"),
        }
    }
}

saved_as_text!(Model);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_print_as_they_parse() {
        let models = ["linear", "mlp:64,64", "rnn:8,window=4,last=false", "lstm:32,window=16,last=true"];
        for text in models.into_iter().chain(["gru:7,form=chung,window=16,last=true", "lstm:8x2,window=1,last=true"]) {
            assert_eq!(Model::parse(text).unwrap().to_string(), text);
        }
        let layered =
            ["carry:window=4,last=false > lstm:8x2 > linear:4 > tanh", "linear:4 > layer_norm > gelu", "linear:4"];
        for text in layered.into_iter().chain(["carry:window=16,last=true > linear:4 > residual(gru:4)", "relu"]) {
            assert_eq!(Model::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Model::parse("gru:8x2").unwrap(), Model::parse("carry:window=16,last=true > gru:8x2").unwrap());
        assert_eq!(Model::parse("lstm").unwrap(), Model::parse("lstm:32,window=16").unwrap());
        assert_eq!(Model::parse("gru:form=chung").unwrap().to_string(), "gru:32,form=chung,window=16,last=true");
        assert_eq!(Model::parse("mlp").unwrap(), Model::default());
    }

    #[test]
    fn a_wrong_specification_is_answered_with_what_is_allowed() {
        let message = |text| Model::parse(text).unwrap_err().to_string();
        assert!(message("ltsm:32").starts_with(r#"unknown layer "ltsm"; did you mean "lstm"?"#));
        assert!(message("lstm:32,windw=3").contains(r#"did you mean "window"?"#));
        assert!(message("mlp:64,0").contains("expected a size from 1 to 65536, found 0"));
        assert!(message("lstm:8,window=0").contains("expected a window of 1 to 16384 rows"));
        assert!(message("mlp:8,window=4").contains("expected recurrent layers"));
        assert!(message("").contains("expected a name"));
        assert!(message("lstm:8,bidirectional").contains("one row after the other, not lstm:8,bidirectional"));
        assert!(message("linear:8 > residual(attention:heads=2)").contains("not attention:heads=2"));
        assert!(message("linear:8 > residual(batch_norm)").contains("expected batch_norm:stream"));
        assert!(message("embedding:8x2 > flatten").contains("expected a first layer that is linear or recurrent"));
        assert!(message("conv1d:4x3").contains("conv1d:4x3: expected channels and an image (view?)"));
        assert!(message("lstm:8 > linaer:4").contains(r#"did you mean "linear"?"#));
        assert!(
            message("view:1x1x1 > conv2d:1x1 > flatten").contains("expected a first layer that is linear or recurrent")
        );
        assert!(message("linear:8 > batch_norm").contains("expected batch_norm:stream"));
        assert!(
            message("lstm:2>lstm:2>lstm:2>lstm:2>lstm:2").contains("expected at most 8 tensors to carry, found 10")
        );
        assert!(message("lstm:8 > conv2d:4x3").contains("expected channels and an image"));
        assert!(message("carry:windw=3 > lstm:8").contains(r#"did you mean "window"?"#));
    }
}
