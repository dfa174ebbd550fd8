//! From what is written to handles into θ.

use thalweg_autograd::{Activation, Params};
use thalweg_tensor::{ConvOptions, Real, Rng, Shape};

use super::layers::{CellName, LayerSpec};
use super::{Layer, Stack};
use crate::norm::BatchNormOptions;
use crate::recurrent::{CellOptions, RecurrentOptions, Stackable};
use crate::*;

/// Adds one layer to θ that takes examples of shape `from`, which [fit](LayerSpec::output).
pub(super) fn build<T: Real>(
    spec: &LayerSpec,
    params: &mut Params<T>,
    name: &str,
    from: Shape,
    rng: &mut Rng,
) -> Layer {
    let inputs = from.dims().first().copied().unwrap_or(0);
    match *spec {
        LayerSpec::Linear { width, bias } => {
            let new = if bias { Linear::new } else { Linear::without_bias };
            Layer::Linear(new(params, name, inputs, width, rng), Activation::Identity)
        }
        LayerSpec::Function(function) => Layer::Function(function),
        LayerSpec::Dropout { p } => Layer::Dropout(Dropout { p }),
        LayerSpec::LayerNorm => Layer::LayerNorm(LayerNorm::new(params, name, inputs, rng)),
        LayerSpec::RmsNorm => Layer::RmsNorm(RmsNorm::new(params, name, inputs, rng)),
        LayerSpec::BatchNorm { stream } => {
            let options = BatchNormOptions { stream, ..Default::default() };
            Layer::BatchNorm(BatchNorm::with(params, name, inputs, options, rng))
        }
        LayerSpec::Recurrent { cell, hidden, layers, dropout } => {
            let cells = Cells { inputs, hidden, layers, dropout };
            Layer::Recurrent(match cell {
                CellName::Rnn => Stack::Rnn(cells.add(params, name, rng)),
                CellName::Lstm => Stack::Lstm(cells.add(params, name, rng)),
                CellName::LayerNormLstm => Stack::LayerNormLstm(cells.add(params, name, rng)),
                CellName::Gru => Stack::Gru(cells.add(params, name, rng)),
                CellName::GruChung => Stack::Gru(cells.add_with(params, name, GruForm::CHUNG, rng)),
            })
        }
        LayerSpec::Conv { axes: 1, channels, kernel, stride, padding } => {
            let options = ConvOptions { stride: [stride], padding: [padding], ..Default::default() };
            Layer::Conv1d(Conv1d::with(params, name, [inputs, channels], [kernel], options, true, rng))
        }
        LayerSpec::Conv { channels, kernel, stride, padding, .. } => {
            let options = ConvOptions { stride: [stride; 2], padding: [padding; 2], ..Default::default() };
            Layer::Conv2d(Conv2d::with(params, name, [inputs, channels], [kernel; 2], options, true, rng))
        }
        LayerSpec::Pool { axes: 1, largest: true, kernel } => Layer::MaxPool1d(MaxPool1d::new([kernel])),
        LayerSpec::Pool { axes: 1, kernel, .. } => Layer::AvgPool1d(AvgPool1d::new([kernel])),
        LayerSpec::Pool { largest: true, kernel, .. } => Layer::MaxPool2d(MaxPool2d::new([kernel; 2])),
        LayerSpec::Pool { kernel, .. } => Layer::AvgPool2d(AvgPool2d::new([kernel; 2])),
        LayerSpec::Flatten | LayerSpec::View(_) => Layer::View,
    }
}

/// The sizes of a recurrent layer.
struct Cells {
    inputs: usize,
    hidden: usize,
    layers: usize,
    dropout: f64,
}

impl Cells {
    fn add<T: Real, C: Stackable>(self, params: &mut Params<T>, name: &str, rng: &mut Rng) -> Recurrent<C> {
        self.add_with(params, name, C::Form::default(), rng)
    }

    fn add_with<T: Real, C: Stackable>(
        self,
        params: &mut Params<T>,
        name: &str,
        form: C::Form,
        rng: &mut Rng,
    ) -> Recurrent<C> {
        let cell = CellOptions { inputs: self.inputs, hidden: self.hidden, bias: true, form };
        let options = RecurrentOptions::from(cell).layers(self.layers).dropout(self.dropout);
        Recurrent::with(params, name, options, rng)
    }
}
