//! From what is written to handles into θ.

use thalweg_autograd::{Activation, Params};
use thalweg_tensor::{ConvOptions, Real, Rng, Shape, Window};

use super::layers::{CellName, LayerSpec};
use super::{Layer, Stack};
use crate::recurrent::{CellOptions, RecurrentOptions, Stackable};
use crate::spec::SpecError;
use crate::*;

/// Adds one layer to θ that takes examples of shape `from`; the layer, and the shape of what it gives.
pub(super) fn build<T: Real>(
    spec: &LayerSpec,
    params: &mut Params<T>,
    name: &str,
    from: Shape,
    rng: &mut Rng,
) -> Result<(Layer, Shape), SpecError> {
    let wrong = |expected: &str| SpecError::new(format!("{spec}: expected {expected}, found examples of shape {from}"));
    let width = || if let [width] = *from.dims() { Ok(width) } else { Err(wrong("examples of one axis (flatten?)")) };
    Ok(match *spec {
        LayerSpec::Linear { width: outputs, bias } => {
            let new = if bias { Linear::new } else { Linear::without_bias };
            (Layer::Linear(new(params, name, width()?, outputs, rng), Activation::Identity), [outputs].into())
        }
        LayerSpec::Function(function) => (Layer::Function(function), from),
        LayerSpec::Dropout { p } => (Layer::Dropout(Dropout { p }), from),
        LayerSpec::LayerNorm => (Layer::LayerNorm(LayerNorm::new(params, name, width()?, rng)), from),
        LayerSpec::RmsNorm => (Layer::RmsNorm(RmsNorm::new(params, name, width()?, rng)), from),
        LayerSpec::BatchNorm { stream } => {
            let channels = *from.dims().first().ok_or_else(|| wrong("at least one axis"))?;
            let options = norm::BatchNormOptions { stream, ..Default::default() };
            (Layer::BatchNorm(BatchNorm::with(params, name, channels, options, rng)), from)
        }
        LayerSpec::Recurrent { cell, hidden, layers, dropout } => {
            let cells = Cells { inputs: width()?, hidden, layers, dropout };
            let stack = match cell {
                CellName::Rnn => Stack::Rnn(cells.add(params, name, rng)),
                CellName::Lstm => Stack::Lstm(cells.add(params, name, rng)),
                CellName::LayerNormLstm => Stack::LayerNormLstm(cells.add(params, name, rng)),
                CellName::Gru => Stack::Gru(cells.add(params, name, rng)),
                CellName::GruChung => Stack::Gru(cells.add_with(params, name, GruForm::CHUNG, rng)),
            };
            (Layer::Recurrent(stack), [hidden].into())
        }
        LayerSpec::Conv { axes: 1, channels, kernel, stride, padding } => {
            let &[inputs, size] = from.dims() else { return Err(wrong("channels and a length (view?)")) };
            let window = Window::<1>::new([kernel]).stride([stride]).padding([padding]);
            let [size] = window.try_output([size]).ok_or_else(|| wrong("a kernel that fits"))?;
            let options = ConvOptions { stride: [stride], padding: [padding], ..Default::default() };
            let conv = Conv1d::with(params, name, [inputs, channels], [kernel], options, true, rng);
            (Layer::Conv1d(conv), [channels, size].into())
        }
        LayerSpec::Conv { channels, kernel, stride, padding, .. } => {
            let &[inputs, height, width] = from.dims() else { return Err(wrong("channels and an image (view?)")) };
            let window = Window::<2>::new([kernel; 2]).stride([stride; 2]).padding([padding; 2]);
            let [height, width] = window.try_output([height, width]).ok_or_else(|| wrong("a kernel that fits"))?;
            let options = ConvOptions { stride: [stride; 2], padding: [padding; 2], ..Default::default() };
            let conv = Conv2d::with(params, name, [inputs, channels], [kernel; 2], options, true, rng);
            (Layer::Conv2d(conv), [channels, height, width].into())
        }
        LayerSpec::Pool { axes, largest, kernel } => {
            let rank = from.rank();
            let fits = rank >= axes && from.dims()[rank - axes..].iter().all(|&size| size >= kernel);
            let to = (rank.saturating_sub(axes)..rank).fold(from, |to, axis| to.with(axis, to.dims()[axis] / kernel));
            let layer = match (axes, largest) {
                (1, true) => Layer::MaxPool1d(MaxPool1d::new([kernel])),
                (1, false) => Layer::AvgPool1d(AvgPool1d::new([kernel])),
                (_, true) => Layer::MaxPool2d(MaxPool2d::new([kernel; 2])),
                (_, false) => Layer::AvgPool2d(AvgPool2d::new([kernel; 2])),
            };
            if fits { (layer, to) } else { return Err(wrong("a window that fits")) }
        }
        LayerSpec::Flatten => (Layer::View, [from.len()].into()),
        LayerSpec::View(to) if to.len() == from.len() => (Layer::View, to),
        LayerSpec::View(to) => return Err(wrong(&format!("{} numbers", to.len()))),
    })
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
