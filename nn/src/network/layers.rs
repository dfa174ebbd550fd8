//! The layers of a specification: what can be said.

use std::mem::discriminant;

use thalweg_tensor::{Shape, Window};

use super::NetworkSpec;
use crate::Nonlinearity;
use crate::attention::TransformerOptions;

/// One layer, as a specification says it; see [`NetworkSpec`] for all that can be said.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LayerSpec {
    /// `linear:64`.
    Linear {
        /// How many outputs.
        width: usize,
        /// Whether there is a bias.
        bias: bool,
        /// Which fraction of a unit's weights [begins](crate::init::sparse_uniform) as zero; above 0, biases do, too.
        sparse: f64,
    },
    /// `relu`, `leaky_relu:0.01` and so on.
    Function(Nonlinearity),
    /// `prelu`.
    PRelu,
    /// `dropout:0.5`.
    Dropout {
        /// With which probability a number is dropped.
        p: f64,
    },
    /// `layer_norm`, `layer_norm:affine=false`.
    LayerNorm {
        /// Whether there are weights and biases.
        affine: bool,
    },
    /// `rms_norm`.
    RmsNorm,
    /// `group_norm:8`.
    GroupNorm {
        /// Into how many groups the channels are cut.
        groups: usize,
    },
    /// `batch_norm`, `batch_norm:stream`.
    BatchNorm {
        /// Whether training normalises by the running statistics: the rule for single examples.
        stream: bool,
    },
    /// `lstm:64x2,bidirectional,dropout=0.1`.
    Recurrent {
        /// Which cell.
        cell: CellName,
        /// Hidden units.
        hidden: usize,
        /// Layers, one on top of the other.
        layers: usize,
        /// Whether each layer runs from the end to the beginning, too.
        bidirectional: bool,
        /// With which probability an output is dropped between layers.
        dropout: f64,
        /// Whether there are biases.
        bias: bool,
    },
    /// `embedding:1000x32`.
    Embedding {
        /// How many indices there are.
        words: usize,
        /// The size of each vector.
        width: usize,
        /// An index that stands for no word.
        padding: Option<usize>,
    },
    /// `attention:heads=4,causal`.
    Attention {
        /// Into how many heads the features are cut.
        heads: usize,
        /// Whether nobody looks at the future.
        causal: bool,
        /// With which probability an attention weight is dropped.
        dropout: f64,
        /// Whether there are biases.
        bias: bool,
    },
    /// `encoder:heads=4,ff=128,causal,dropout=0.1`.
    Encoder {
        /// Into how many heads the features are cut.
        heads: usize,
        /// All else.
        options: TransformerOptions,
    },
    /// `sinusoidal_positions`.
    SinusoidalPositions,
    /// `learned_positions:512`.
    LearnedPositions {
        /// The length of the longest sequence.
        positions: usize,
    },
    /// `conv1d:16x3`, `conv2d:16x3,stride=2,padding=1`.
    Conv {
        /// 1 or 2.
        axes: usize,
        /// Output channels.
        channels: usize,
        /// The kernel and how it moves, along each axis.
        window: Window<1>,
        /// Into how many groups the channels are cut.
        groups: usize,
        /// Whether there is a bias.
        bias: bool,
    },
    /// `max_pool1d:2`, `avg_pool2d:2`.
    Pool {
        /// 1 or 2.
        axes: usize,
        /// Whether the largest is taken, or the mean.
        largest: bool,
        /// The window and how it moves, along each axis.
        window: Window<1>,
    },
    /// `global_max_pool2d`, `global_avg_pool2d`: of each image one number.
    GlobalPool {
        /// Whether the largest is taken, or the mean.
        largest: bool,
    },
    /// `flatten`: all axes become one.
    Flatten,
    /// `view:1x8x8`: the numbers of an example as an image.
    View(Shape),
    /// `residual(linear:64 > relu)`: `x + f(x)`.
    Residual(NetworkSpec),
}

/// A recurrent cell, in one of its forms.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum CellName {
    /// Elman's, tanh.
    Rnn,
    /// Elman's with a rectifier.
    RnnRelu,
    /// Elman's with the logistic function.
    RnnSigmoid,
    /// Elman's, tanh, of units that leak.
    LeakyRnn {
        /// α: which part of the state is new at each step.
        alpha: f64,
    },
    /// Long short-term memory.
    Lstm,
    /// Long short-term memory whose forget gates begin [open](crate::LstmForm::REMEMBERING).
    LstmRemembering,
    /// Long short-term memory with layer normalisation.
    LayerNormLstm,
    /// Gated recurrent unit, PyTorch's equations.
    Gru,
    /// Gated recurrent unit, the equations of Chung et al. 2014.
    GruChung,
    /// Linear recurrent unit.
    Lru,
    /// Recurrent trace unit, linear.
    Rtu,
    /// Recurrent trace unit, tanh.
    RtuTanh,
    /// Recurrent trace unit with a rectifier.
    RtuRelu,
    /// Elementwise LSTM.
    Elstm,
}

impl CellName {
    /// The name of the cell, whatever its form: `rnn`, `lstm`.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// Its name and its form, whatever its numbers.
    pub(super) fn names(self) -> [&'static str; 2] {
        let is_its = |cell: CellName| discriminant(&cell) == discriminant(&self);
        CELLS.iter().find(|(.., cell)| is_its(*cell)).map_or([""; 2], |(name, form, _)| [name, form])
    }
}

/// Cells by name and form; the first form of a name is the usual one.
pub(super) const CELLS: [(&str, &str, CellName); 14] = [
    ("rnn", "tanh", CellName::Rnn),
    ("rnn", "relu", CellName::RnnRelu),
    ("rnn", "sigmoid", CellName::RnnSigmoid),
    ("leaky_rnn", "tanh", CellName::LeakyRnn { alpha: 0.1 }),
    ("lstm", "pytorch", CellName::Lstm),
    ("lstm", "remembering", CellName::LstmRemembering),
    ("layer_norm_lstm", "pytorch", CellName::LayerNormLstm),
    ("gru", "pytorch", CellName::Gru),
    ("gru", "chung", CellName::GruChung),
    ("lru", "usual", CellName::Lru),
    ("rtu", "linear", CellName::Rtu),
    ("rtu", "tanh", CellName::RtuTanh),
    ("rtu", "relu", CellName::RtuRelu),
    ("elstm", "usual", CellName::Elstm),
];

/// A layer of `mlp`.
pub(super) fn hidden(width: usize) -> Vec<LayerSpec> {
    vec![LayerSpec::Linear { width, bias: true, sparse: 0.0 }, LayerSpec::Function(Nonlinearity::Relu)]
}

/// A layer of `sparse_mlp` (Elsayed, Vasan & Mahmood 2024): few weights, sums of one size, no unit that cannot learn.
pub(super) fn sparse_hidden(width: usize) -> Vec<LayerSpec> {
    let norm = LayerSpec::LayerNorm { affine: false };
    let function = LayerSpec::Function(Nonlinearity::LeakyRelu(0.01));
    vec![LayerSpec::Linear { width, bias: true, sparse: 0.9 }, norm, function]
}
