//! Networks from a line of text.

mod build;
mod check;
mod forward;
mod hidden;
mod layers;
mod parse;
mod print;
mod recurrent;
mod shapes;
mod state;
mod summary;

pub use hidden::Hidden;
pub use layers::{CellName, LayerSpec};
pub use recurrent::AnyRecurrent;
use recurrent::each;
pub use state::NetworkState;
pub use summary::{Row, Summary};

use std::fmt;

use thalweg_autograd::{Activation, Params};
use thalweg_tensor::{Real, Rng, Shape};

use crate::recurrent::Cell;
use crate::spec::SpecError;
use crate::*;

/// What a network is made of: layers from the input to the output, joined by `>`.
///
/// ```text
/// network = [ layer { ">" layer } ]
/// layer   = name [ ":" item { "," item } ] | "residual(" network ")"
/// item    = size { "x" size } | flag | option "=" value
/// ```
///
/// | layer | is | takes | options and flags |
/// |---|---|---|---|
/// | `linear:64` | [`Linear`] | `[in]` | `bias=false`, `sparse=0.9`: the part of a unit's weights that [begins](crate::init::sparse_uniform) as zero |
/// | `mlp:64,64` | `linear:64 > relu > linear:64 > relu` | `[in]` | |
/// | `sparse_mlp:64` | `linear:64,sparse=0.9 > layer_norm:affine=false > leaky_relu:0.01`: to learn from single examples (Elsayed, Vasan & Mahmood 2024) | `[in]` | |
/// | `relu`, `gelu`, `glu`, … `leaky_relu:0.01` | a [`Nonlinearity`] by its name | any | |
/// | `prelu` | [`PRelu`] | any | |
/// | `rnn:64`, `lstm:64`, `gru:64`, `layer_norm_lstm:64`; `64x2`: two layers | [`Recurrent`] | `[in]` | `bidirectional`, `dropout`, `bias=false`; `form=`: of `rnn` `relu` and `sigmoid`, of `lstm` `remembering`, of `gru` `chung` |
/// | `leaky_rnn:64` | [`Recurrent`] layers of units that fade: [`LeakyRnn`] | `[in]` | as above, without `form`; `alpha`, the part of a state that is new |
/// | `lru:64`, `rtu:64`, `elstm:64`; `64x2` | [`Recurrent`] layers of units that do not hear one another: [`Lru`], [`Rtu`], [`Elstm`] | `[in]` | as those of `rnn`; `form=`: of `rtu` `tanh` and `relu`; `bias=false` of `elstm` alone |
/// | `embedding:1000x32` | [`Embedding`]: first, for it takes indices | any | `padding` |
/// | `attention:heads=4` | [`MultiheadAttention`] of a sequence with itself | `[d]` | `causal`, `dropout`, `bias=false` |
/// | `encoder:heads=4` | [`TransformerEncoderLayer`] | `[d]` | `ff` (hidden units), `causal`, `dropout`, `activation`, `norm_first=false` |
/// | `sinusoidal_positions`, `learned_positions:512` | [`SinusoidalPositions`], [`LearnedPositions`] | `[d]` | |
/// | `dropout:0.5` | [`Dropout`] | any | |
/// | `layer_norm`, `rms_norm` | [`LayerNorm`], [`RmsNorm`] | `[d]` | of `layer_norm` `affine=false`, for neither weights nor biases |
/// | `group_norm:8`, `batch_norm` | [`GroupNorm`] of 8 groups, [`BatchNorm`] | `[c, …]` | of `batch_norm` `stream`, for single examples |
/// | `conv1d:16x3`, `conv2d:16x3` | [`Conv`] to 16 channels by kernels of size 3 | `[c, …]` | `stride`, `padding`, `dilation`, `groups`, `bias=false` |
/// | `max_pool2d:2`, `avg_pool1d:2`, … | windows of size 2, side by side | `[…, h, w]` | `stride`, `padding`, `dilation` |
/// | `global_avg_pool2d`, `global_max_pool2d` | of each image one number | `[…, h, w]` | |
/// | `view:1x8x8`, `flatten` | the numbers of an example in another shape, and in one axis | any | |
/// | `residual(linear:64 > relu)` | `x + f(x)`, [`Residual`]; f keeps the shape | any | |
///
/// Shapes are those of an example, or of one step of a sequence: attention takes steps `[d]`. A flag such as `causal` is
/// short for `causal=true`.
///
/// ```
/// use thalweg_nn::NetworkSpec;
///
/// let spec: NetworkSpec = "lstm:64x2, dropout=0.1 > mlp:32 > linear:10".parse()?;
/// assert_eq!(spec.to_string(), "lstm:64x2,dropout=0.1 > linear:32 > relu > linear:10");
/// let error = "ltsm:64 > linear:10".parse::<NetworkSpec>().unwrap_err().to_string();
/// assert!(error.starts_with(r#"unknown layer "ltsm"; did you mean "lstm"?"#), "{error}");
/// # Ok::<(), thalweg_nn::spec::SpecError>(())
/// ```
///
/// It is saved as this line of text.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct NetworkSpec {
    /// The layers, from the input to the output.
    pub layers: Vec<LayerSpec>,
}

impl std::str::FromStr for NetworkSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        parse::network(text, 0)
    }
}

impl TryFrom<String> for NetworkSpec {
    type Error = SpecError;

    fn try_from(text: String) -> Result<Self, SpecError> {
        text.parse()
    }
}

impl From<NetworkSpec> for String {
    fn from(spec: NetworkSpec) -> String {
        spec.to_string()
    }
}

impl fmt::Display for NetworkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<String> = self.layers.iter().map(LayerSpec::to_string).collect();
        f.write_str(&layers.join(" > "))
    }
}

/// The layers of a [`NetworkSpec`], as handles into θ; parameters are named as those of PyTorch's `nn.Sequential`,
/// `name.0.weight`, by the place of the layer.
///
/// It goes from [step](Network::step) to step, or over whole [sequences](Network::sequence), in both with a carried state
/// where there are recurrent layers; the others do the same with every step. A network that looks at
/// [whole sequences](NetworkSpec::whole_sequences) has no single steps.
///
/// ```
/// use thalweg_nn::{Mode, Network, Params, Rng, State, Tape};
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let net = Network::new(&mut params, "net", &"lstm:64x2 > linear:10".parse()?, [3], &mut rng)?;
/// let mut carried = net.zero_state(&params);
/// for t in 0..5 {
///     let pass = tape.pass(&params);
///     let x = pass.input(&[t as f32, 0.5, 1.0]);
///     let (logits, state) = net.step(x, net.enter(&pass, &carried), &mut Mode::Eval);
///     assert_eq!(logits.dims(), [10]);
///     net.leave(state, &mut carried);
/// }
/// println!("{}", net.summary(&params));
///
/// // A language model: an example is an index, `[]`, a sequence `[t]`.
/// let spec = "embedding:100x8 > sinusoidal_positions > encoder:heads=2,causal > linear:100".parse()?;
/// let net = Network::new(&mut params, "language", &spec, [], &mut rng)?;
/// let pass = tape.pass(&params);
/// let (words, start) = (pass.input(&[3.0, 1.0, 4.0]), net.enter(&pass, &State::default()));
/// let (logits, _) = net.sequence(words, start, &mut Mode::Eval);
/// assert_eq!(logits.dims(), [3, 100]);
/// # Ok::<(), thalweg_nn::spec::SpecError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Network {
    name: String,
    spec: NetworkSpec,
    chain: Chain,
}

/// Layers one behind the other, as handles.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Chain {
    /// The shape of an example.
    input: Shape,
    /// The layers, and the shapes of an example behind each.
    layers: Vec<(Layer, Shape)>,
}

/// A layer, as handles.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Layer {
    /// With the function behind it, as one node.
    Linear(Linear, Activation),
    Function(Nonlinearity),
    PRelu(PRelu),
    Dropout(Dropout),
    LayerNorm(LayerNorm),
    RmsNorm(RmsNorm),
    GroupNorm(GroupNorm),
    BatchNorm(BatchNorm),
    Recurrent(AnyRecurrent),
    Embedding(Embedding),
    /// And whether nobody looks at the future.
    Attention(MultiheadAttention, bool),
    Encoder(TransformerEncoderLayer),
    SinusoidalPositions,
    LearnedPositions(LearnedPositions),
    Conv1d(Conv1d),
    Conv2d(Conv2d),
    MaxPool1d(MaxPool1d),
    MaxPool2d(MaxPool2d),
    AvgPool1d(AvgPool1d),
    AvgPool2d(AvgPool2d),
    GlobalMaxPool2d,
    GlobalAvgPool2d,
    /// Another shape.
    View,
    Residual(#[cfg_attr(feature = "serde", serde(deserialize_with = "crate::nested::read"))] Chain),
    /// A function that the layer before has computed.
    Done,
}

impl Network {
    /// Adds the layers' parameters to θ, for examples (single steps) of this shape.
    ///
    /// Where there are no inputs yet, and the first layer is linear, its biases are uniform in ±1: zeros would be dead for
    /// ever behind a rectifier.
    ///
    /// # Errors
    /// As [`NetworkSpec::output`].
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(
        params: &mut Params<T>,
        name: &str,
        spec: &NetworkSpec,
        input: impl Into<Shape>,
        rng: &mut Rng,
    ) -> Result<Self, SpecError> {
        let input = input.into();
        spec.output(input)?; // all that can be wrong, before θ is touched
        let chain = Chain::new(params, name, &spec.layers, input, rng)?;
        if let Some((Layer::Linear(Linear { bias: Some(bias), .. }, _), _)) =
            spec.growing_layer().and_then(|first| chain.layers.get(first)).filter(|_| input.is_empty())
        {
            params.of_mut(*bias).iter_mut().for_each(|bias| *bias = T::from_f64(rng.range(-1.0, 1.0)));
        }
        Ok(Network { name: name.to_owned(), spec: spec.clone(), chain })
    }

    /// What it was made of.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// The shape of an example, or of one step.
    pub fn input(&self) -> Shape {
        self.chain.input
    }

    /// The shape of what an example gives.
    pub fn output(&self) -> Shape {
        self.chain.layers.last().map_or(self.chain.input, |(_, shape)| *shape)
    }

    /// Whether it carries a state from step to step.
    pub fn is_recurrent(&self) -> bool {
        self.spec.is_recurrent()
    }

    /// Adds inputs to the first layer that has weights, with weights of zero: no output changes by a bit. What stands before
    /// it and knows its channels, batch normalisation, grows along. `false`, and nothing happens, where it cannot take more:
    /// it sees images, or numbers that are normalised together, as by layer normalisation.
    pub fn grow_inputs<T: Real>(&mut self, params: &mut Params<T>, by: usize) -> bool {
        let Some(first) = self.spec.growing_layer().filter(|_| self.chain.input.rank() == 1) else { return false };
        let Chain { input, layers } = &mut self.chain;
        for (layer, _) in &layers[..first] {
            if let Layer::BatchNorm(norm) = layer {
                norm.grow(params, by);
            }
        }
        match layers.get(first) {
            Some((Layer::Linear(linear, _), _)) => linear.grow_inputs(params, by),
            Some((Layer::Recurrent(stack), _)) => each!(stack, c => c.grow_inputs(params, by)),
            _ => {}
        }
        let shapes = layers[..first].iter_mut().map(|(_, shape)| shape);
        shapes.chain([input]).for_each(|shape| *shape = shape.with(0, shape.len() + by));
        true
    }

    /// Adds outputs to the last layer, with weights of zero: no old output changes by a bit. `false`, and nothing happens,
    /// where the last layer is not linear, or would be wider than can be [said](NetworkSpec).
    pub fn grow_outputs<T: Real>(&mut self, params: &mut Params<T>, by: usize) -> bool {
        let mut spec = self.spec.clone();
        let (Some(LayerSpec::Linear { width, .. }), Some((Layer::Linear(linear, _), shape))) =
            (spec.layers.last_mut(), self.chain.layers.last_mut())
        else {
            return false;
        };
        *width = width.saturating_add(by);
        let Ok(output) = spec.output(self.chain.input) else { return false };
        linear.grow_outputs(params, by);
        (*shape, self.spec) = (output, spec);
        true
    }
}

#[cfg(test)]
mod tests;
