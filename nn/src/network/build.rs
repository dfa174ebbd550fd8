//! From what is written to handles into θ.

use thalweg_autograd::{Activation, Params};
use thalweg_tensor::{ConvOptions, Real, Rng, Shape, Window};

use super::layers::{CellName, LayerSpec};
use super::{AnyRecurrent, Chain, Layer};
use crate::norm::{BatchNormOptions, LayerNormOptions};
use crate::recurrent::{CellOptions, RecurrentOptions, Stackable};
use crate::spec::SpecError;
use crate::*;

impl Chain {
    /// Adds the layers' parameters to θ.
    #[track_caller]
    pub(super) fn new<T: Real>(
        params: &mut Params<T>,
        name: &str,
        specs: &[LayerSpec],
        input: Shape,
        rng: &mut Rng,
    ) -> Result<Self, SpecError> {
        let (mut layers, mut shape) = (Vec::<(Layer, Shape)>::new(), input);
        for (index, spec) in specs.iter().enumerate() {
            let to = spec.output(shape)?;
            let layer = build(spec, params, &path(name, &index.to_string()), shape, rng)?;
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
        Ok(Chain { input, layers })
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

/// Adds one layer to θ that takes examples of shape `from`, which [fit](LayerSpec::output).
#[track_caller]
fn build<T: Real>(
    spec: &LayerSpec,
    params: &mut Params<T>,
    name: &str,
    from: Shape,
    rng: &mut Rng,
) -> Result<Layer, SpecError> {
    let inputs = from.dims().first().copied().unwrap_or(0);
    Ok(match *spec {
        LayerSpec::Linear { width, bias, sparse } => {
            let new = if bias { Linear::new } else { Linear::without_bias };
            let linear = new(params, name, inputs, width, rng);
            if sparse > 0.0 {
                init::restart(params, linear.weight, |shape| init::sparse_uniform(shape, sparse, rng));
                linear.bias.iter().for_each(|&bias| params.of_mut(bias).fill(T::ZERO));
            }
            Layer::Linear(linear, Activation::Identity)
        }
        LayerSpec::Function(function) => Layer::Function(function),
        LayerSpec::PRelu => Layer::PRelu(PRelu::new(params, name, rng)),
        LayerSpec::Dropout { p } => Layer::Dropout(Dropout { p }),
        LayerSpec::LayerNorm { affine } => {
            let options = LayerNormOptions { weight: affine, bias: affine, ..Default::default() };
            Layer::LayerNorm(LayerNorm::with(params, name, [inputs], options, rng))
        }
        LayerSpec::RmsNorm => Layer::RmsNorm(RmsNorm::new(params, name, inputs, rng)),
        LayerSpec::GroupNorm { groups } => Layer::GroupNorm(GroupNorm::new(params, name, groups, inputs, rng)),
        LayerSpec::BatchNorm { stream } => {
            let options = BatchNormOptions { stream, ..Default::default() };
            Layer::BatchNorm(BatchNorm::with(params, name, inputs, options, rng))
        }
        LayerSpec::Recurrent { cell, hidden, layers, bidirectional, dropout, bias } => {
            let cells = Cells { inputs, hidden, layers, bidirectional, dropout, bias };
            Layer::Recurrent(match cell {
                CellName::Rnn => AnyRecurrent::Rnn(cells.add(params, name, Default::default(), rng)),
                CellName::RnnRelu => AnyRecurrent::Rnn(cells.add(params, name, Activation::Relu.into(), rng)),
                CellName::RnnSigmoid => AnyRecurrent::Rnn(cells.add(params, name, Activation::Sigmoid.into(), rng)),
                CellName::LeakyRnn { alpha } => {
                    let form = LeakyForm { alpha, ..Default::default() };
                    AnyRecurrent::LeakyRnn(cells.add(params, name, form, rng))
                }
                CellName::Lstm => AnyRecurrent::Lstm(cells.add(params, name, Default::default(), rng)),
                CellName::LstmRemembering => AnyRecurrent::Lstm(cells.add(params, name, LstmForm::REMEMBERING, rng)),
                CellName::LayerNormLstm => {
                    AnyRecurrent::LayerNormLstm(cells.add(params, name, Default::default(), rng))
                }
                CellName::Gru => AnyRecurrent::Gru(cells.add(params, name, Default::default(), rng)),
                CellName::GruChung => AnyRecurrent::Gru(cells.add(params, name, GruForm::CHUNG, rng)),
                CellName::Lru => AnyRecurrent::Lru(cells.add(params, name, Default::default(), rng)),
                CellName::Rtu => AnyRecurrent::Rtu(cells.add(params, name, Default::default(), rng)),
                CellName::RtuTanh => AnyRecurrent::Rtu(cells.add(params, name, Activation::Tanh.into(), rng)),
                CellName::RtuRelu => AnyRecurrent::Rtu(cells.add(params, name, Activation::Relu.into(), rng)),
                CellName::Elstm => AnyRecurrent::Elstm(cells.add(params, name, (), rng)),
            })
        }
        LayerSpec::Embedding { words, width, padding } => Layer::Embedding(match padding {
            None => Embedding::new(params, name, words, width, rng),
            Some(padding) => Embedding::with_padding(params, name, words, width, padding, rng),
        }),
        LayerSpec::Attention { heads, causal, dropout, bias } => {
            let attention = MultiheadAttention::with(params, name, inputs, heads, Dropout::new(dropout), bias, rng);
            Layer::Attention(attention, causal)
        }
        LayerSpec::Encoder { heads, options } => {
            Layer::Encoder(TransformerEncoderLayer::with(params, name, inputs, heads, options, rng))
        }
        LayerSpec::SinusoidalPositions => Layer::SinusoidalPositions,
        LayerSpec::LearnedPositions { positions } => {
            Layer::LearnedPositions(LearnedPositions::new(params, name, positions, inputs, rng))
        }
        LayerSpec::Conv { axes: 1, channels, window, groups, bias } => {
            Layer::Conv1d(convolution(params, name, [inputs, channels], window, groups, bias, rng))
        }
        LayerSpec::Conv { channels, window, groups, bias, .. } => {
            Layer::Conv2d(convolution(params, name, [inputs, channels], window, groups, bias, rng))
        }
        LayerSpec::Pool { axes: 1, largest: true, window } => Layer::MaxPool1d(MaxPool1d { window }),
        LayerSpec::Pool { axes: 1, window, .. } => Layer::AvgPool1d(AvgPool1d { window }),
        LayerSpec::Pool { largest: true, window, .. } => Layer::MaxPool2d(MaxPool2d { window: alike(window) }),
        LayerSpec::Pool { window, .. } => Layer::AvgPool2d(AvgPool2d { window: alike(window) }),
        LayerSpec::GlobalPool { largest: true } => Layer::GlobalMaxPool2d,
        LayerSpec::GlobalPool { .. } => Layer::GlobalAvgPool2d,
        LayerSpec::Flatten | LayerSpec::View(_) => Layer::View,
        LayerSpec::Residual(ref inner) => Layer::Residual(Chain::new(params, name, &inner.layers, from, rng)?),
    })
}

/// The sizes of recurrent layers.
struct Cells {
    inputs: usize,
    hidden: usize,
    layers: usize,
    bidirectional: bool,
    dropout: f64,
    bias: bool,
}

impl Cells {
    fn add<T: Real, C: Stackable>(
        self,
        params: &mut Params<T>,
        name: &str,
        form: C::Form,
        rng: &mut Rng,
    ) -> Recurrent<C> {
        let Cells { inputs, hidden, layers, bidirectional, dropout, bias } = self;
        let cell = CellOptions { inputs, hidden, bias, form };
        let options = RecurrentOptions::from(cell).layers(layers).bidirectional(bidirectional).dropout(dropout);
        Recurrent::with(params, name, options, rng)
    }
}

fn convolution<T: Real, const N: usize>(
    params: &mut Params<T>,
    name: &str,
    channels: [usize; 2],
    window: Window<1>,
    groups: usize,
    bias: bool,
    rng: &mut Rng,
) -> Conv<N> {
    let Window { kernel, stride, padding, dilation } = alike(window);
    Conv::with(params, name, channels, kernel, ConvOptions { stride, padding, dilation, groups }, bias, rng)
}

/// The same along each axis.
fn alike<const N: usize>(window: Window<1>) -> Window<N> {
    let Window { kernel, stride, padding, dilation } = window;
    Window { kernel: [kernel[0]; N], stride: [stride[0]; N], padding: [padding[0]; N], dilation: [dilation[0]; N] }
}
