//! Networks from a line of text.

mod build;
mod forward;
mod layers;
mod shapes;
mod state;
mod summary;

pub use layers::{CellName, LayerSpec};
pub use state::NetworkState;
pub use summary::{Row, Summary};

use std::fmt;

use thalweg_autograd::{Activation, Params};
use thalweg_tensor::{Real, Rng, Shape};

use crate::recurrent::{Cell, Gru, LayerNormLstm, Lstm, Recurrent, Rnn};
use crate::spec::SpecError;
use crate::*;

/// What a network is made of: layers from the input to the output, joined by `>`.
///
/// ```text
/// network = [ layer { ">" layer } ]
/// ```
///
/// | layer | is |
/// |---|---|
/// | `linear:64`, `linear:64,bias=false` | [`Linear`] |
/// | `mlp:64,64` | `linear:64 > relu > linear:64 > relu` |
/// | `relu`, `gelu`, `tanh`, … `leaky_relu:0.01` | a [`Nonlinearity`] by its name |
/// | `rnn:64`, `lstm:64`, `gru:64`, `layer_norm_lstm:64` | a [`Recurrent`] network; `64x2`: of two layers; options `dropout`, of `gru` `form` (`pytorch` or `chung`) |
/// | `dropout:0.5` | [`Dropout`] |
/// | `layer_norm`, `rms_norm`, `batch_norm` | norms; `batch_norm:stream=true` for single examples |
/// | `conv1d:16x3`, `conv2d:16x3` | 16 channels by kernels of size 3; options `stride`, `padding` |
/// | `max_pool2d:2`, `avg_pool1d:2`, … | windows of size 2 side by side |
/// | `view:1x8x8`, `flatten` | the numbers of an example in another shape, and in one axis |
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
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NetworkSpec {
    /// The layers, from the input to the output.
    pub layers: Vec<LayerSpec>,
}

impl std::str::FromStr for NetworkSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let layers = text.split('>').map(LayerSpec::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(NetworkSpec { layers: layers.concat() })
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
/// where there are recurrent layers; the others do the same with every step.
///
/// ```
/// use thalweg_nn::{Mode, Network, Params, Rng, Tape};
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
/// # Ok::<(), thalweg_nn::spec::SpecError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Network {
    name: String,
    spec: NetworkSpec,
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
    Dropout(Dropout),
    LayerNorm(LayerNorm),
    RmsNorm(RmsNorm),
    BatchNorm(BatchNorm),
    Recurrent(Stack),
    Conv1d(Conv1d),
    Conv2d(Conv2d),
    MaxPool1d(MaxPool1d),
    MaxPool2d(MaxPool2d),
    AvgPool1d(AvgPool1d),
    AvgPool2d(AvgPool2d),
    /// Another shape.
    View,
    /// A function that the layer before has computed.
    Done,
}

/// Recurrent layers, of one kind of cell.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Stack {
    Rnn(Recurrent<Rnn>),
    Lstm(Recurrent<Lstm>),
    LayerNormLstm(Recurrent<LayerNormLstm>),
    Gru(Recurrent<Gru>),
}

/// The same of any recurrent layer.
macro_rules! each {
    ($stack:expr, $cell:ident => $what:expr) => {
        match $stack {
            Stack::Rnn($cell) => $what,
            Stack::Lstm($cell) => $what,
            Stack::LayerNormLstm($cell) => $what,
            Stack::Gru($cell) => $what,
        }
    };
}
use each;

impl Network {
    /// Adds the layers' parameters to θ, for examples (single steps) of this shape.
    ///
    /// Where there are no inputs yet, and the first layer is linear, its biases are uniform in ±1: zeros would be dead for
    /// ever behind a rectifier.
    ///
    /// # Errors
    /// If a layer does not fit what the one before gives, or more than eight tensors would have to be carried.
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
        let (input, mut layers) = (input.into(), Vec::<(Layer, Shape)>::new());
        spec.output(input)?; // all that can be wrong, before θ is touched
        let mut shape = input;
        for (index, layer) in spec.layers.iter().enumerate() {
            let to = layer.output(shape)?;
            let layer = build::build(layer, params, &path(name, &index.to_string()), shape, rng);
            match (layers.last_mut(), &layer) {
                (Some((Layer::Linear(_, activation), _)), Layer::Function(function))
                    if is_free(*activation, function) =>
                {
                    *activation = fused(function).unwrap_or_default();
                    layers.push((Layer::Done, to));
                }
                _ => layers.push((layer, to)),
            }
            shape = to;
        }
        if let Some((Layer::Linear(Linear { bias: Some(bias), .. }, _), _)) =
            spec.growing_layer().and_then(|first| layers.get(first)).filter(|_| input.is_empty())
        {
            params.of_mut(*bias).iter_mut().for_each(|bias| *bias = T::from_f64(rng.range(-1.0, 1.0)));
        }
        Ok(Network { name: name.to_owned(), spec: spec.clone(), input, layers })
    }

    /// What it was made of.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// The shape of an example, or of one step.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape of what an example gives.
    pub fn output(&self) -> Shape {
        self.layers.last().map_or(self.input, |(_, shape)| *shape)
    }

    /// Whether it carries a state from step to step.
    pub fn is_recurrent(&self) -> bool {
        self.stacks().next().is_some()
    }

    /// Adds inputs to the first layer that has weights, with weights of zero: no output changes by a bit. `false`, and
    /// nothing happens, where it cannot take more: it sees images, or numbers that are normalised together.
    pub fn grow_inputs<T: Real>(&mut self, params: &mut Params<T>, by: usize) -> bool {
        let Some(first) = self.spec.growing_layer().filter(|_| self.input.rank() == 1) else { return false };
        match self.layers.get(first) {
            Some((Layer::Linear(linear, _), _)) => linear.grow_inputs(params, by),
            Some((Layer::Recurrent(stack), _)) => each!(stack, c => c.grow_inputs(params, by)),
            _ => {}
        }
        let shapes = self.layers[..first].iter_mut().map(|(_, shape)| shape);
        shapes.chain([&mut self.input]).for_each(|shape| *shape = shape.with(0, shape.len() + by));
        true
    }
}

/// Whether a function can become part of the layer before.
fn is_free(activation: Activation, function: &Nonlinearity) -> bool {
    activation == Activation::Identity && fused(function).is_some()
}

/// The function as one that [`Linear::forward_with`] computes.
fn fused(function: &Nonlinearity) -> Option<Activation> {
    match function {
        Nonlinearity::Relu => Some(Activation::Relu),
        Nonlinearity::Tanh => Some(Activation::Tanh),
        Nonlinearity::Sigmoid => Some(Activation::Sigmoid),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
