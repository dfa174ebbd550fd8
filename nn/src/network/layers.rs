//! The layers of a specification: what is written, and what it means.

use std::fmt;

use thalweg_tensor::Shape;

use crate::Nonlinearity;
use crate::spec::{Setting, Spec, SpecError, quoted, unknown};

/// One layer, as a specification says it; see [`Network`](super::Network) for all that can be said.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum LayerSpec {
    /// `linear:64`.
    Linear {
        /// How many outputs.
        width: usize,
        /// Whether there is a bias.
        bias: bool,
    },
    /// `relu`, `leaky_relu:0.01` and so on.
    Function(Nonlinearity),
    /// `dropout:0.5`.
    Dropout {
        /// With which probability a number is dropped.
        p: f64,
    },
    /// `layer_norm`.
    LayerNorm,
    /// `rms_norm`.
    RmsNorm,
    /// `batch_norm`, `batch_norm:stream=true`.
    BatchNorm {
        /// Whether training normalises by the running statistics: the rule for single examples.
        stream: bool,
    },
    /// `lstm:64x2,dropout=0.1`.
    Recurrent {
        /// Which cell.
        cell: CellName,
        /// Hidden units.
        hidden: usize,
        /// Layers, one on top of the other.
        layers: usize,
        /// With which probability an output is dropped between layers.
        dropout: f64,
    },
    /// `conv1d:16x3`, `conv2d:16x3,stride=2,padding=1`.
    Conv {
        /// 1 or 2.
        axes: usize,
        /// Output channels.
        channels: usize,
        /// The size of the (square) kernel.
        kernel: usize,
        /// How far the kernel moves.
        stride: usize,
        /// Zeros around the image.
        padding: usize,
    },
    /// `max_pool1d:2`, `avg_pool2d:2`.
    Pool {
        /// 1 or 2.
        axes: usize,
        /// Whether the largest is taken, or the mean.
        largest: bool,
        /// The size of the windows, side by side.
        kernel: usize,
    },
    /// `flatten`: all axes become one.
    Flatten,
    /// `view:1x8x8`: the numbers of an example as an image.
    View(Shape),
}

/// A recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum CellName {
    /// Elman's, tanh.
    Rnn,
    /// Long short-term memory.
    Lstm,
    /// Long short-term memory with layer normalisation.
    LayerNormLstm,
    /// Gated recurrent unit, PyTorch's equations.
    Gru,
    /// Gated recurrent unit, the equations of Chung et al. 2014.
    GruChung,
}

/// Names of cells, in specifications.
const CELLS: [(&str, CellName); 4] = [
    ("rnn", CellName::Rnn),
    ("lstm", CellName::Lstm),
    ("layer_norm_lstm", CellName::LayerNormLstm),
    ("gru", CellName::Gru),
];

/// Functions without a number, by their names.
const FUNCTIONS: [(&str, Nonlinearity); 17] = [
    ("relu", Nonlinearity::Relu),
    ("relu6", Nonlinearity::Relu6),
    ("selu", Nonlinearity::Selu),
    ("gelu", Nonlinearity::Gelu),
    ("gelu_tanh", Nonlinearity::GeluTanh),
    ("silu", Nonlinearity::Silu),
    ("mish", Nonlinearity::Mish),
    ("softplus", Nonlinearity::Softplus),
    ("tanh", Nonlinearity::Tanh),
    ("tanhshrink", Nonlinearity::Tanhshrink),
    ("hardtanh", Nonlinearity::Hardtanh),
    ("sigmoid", Nonlinearity::Sigmoid),
    ("log_sigmoid", Nonlinearity::LogSigmoid),
    ("hardsigmoid", Nonlinearity::Hardsigmoid),
    ("hardswish", Nonlinearity::Hardswish),
    ("softmax", Nonlinearity::Softmax),
    ("log_softmax", Nonlinearity::LogSoftmax),
];

/// Functions with a number, by their names: PyTorch's default, and how they are made.
type Make = fn(f64) -> Nonlinearity;
const SCALED: [(&str, f64, Make); 3] =
    [("leaky_relu", 0.01, Nonlinearity::LeakyRelu), ("elu", 1.0, Nonlinearity::Elu), ("celu", 1.0, Nonlinearity::Celu)];

/// The other layers.
const OTHERS: [&str; 14] = [
    "linear",
    "mlp",
    "dropout",
    "layer_norm",
    "rms_norm",
    "batch_norm",
    "conv1d",
    "conv2d",
    "max_pool1d",
    "max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "flatten",
    "view",
];

/// `64x2`: sizes joined by `x`.
struct Sizes(Vec<usize>);

impl Setting for Sizes {
    const EXPECTED: &'static str = "whole numbers from 1 to 65536 joined by x";

    fn from_text(text: &str) -> Option<Self> {
        let sizes: Option<Vec<usize>> = text.split('x').map(|size| size.trim().parse().ok()).collect();
        sizes.filter(|sizes| sizes.iter().all(|size| (1..=65_536).contains(size))).map(Sizes)
    }
}

/// The first argument: one size, or two where `second` says what the second is when it is left out.
fn sizes(spec: &mut Spec, what: &str, second: Option<usize>) -> Result<[usize; 2], SpecError> {
    let Sizes(sizes) = spec.arg(0, what)?;
    match (sizes[..].as_ref(), second) {
        (&[a, b], _) => Ok([a, b]),
        (&[a], Some(b)) => Ok([a, b]),
        _ => {
            Err(SpecError::new(format!("{}: expected {what}, found {} sizes", quoted(&spec.to_string()), sizes.len())))
        }
    }
}

fn probability(spec: &Spec, p: f64) -> Result<f64, SpecError> {
    let wrong =
        || SpecError::new(format!("{}: expected a probability from 0 to 1, found {p}", quoted(&spec.to_string())));
    if (0.0..=1.0).contains(&p) { Ok(p) } else { Err(wrong()) }
}

impl LayerSpec {
    /// Reads one item of a specification: one layer; `mlp:64,64` is several.
    pub(super) fn parse(text: &str) -> Result<Vec<LayerSpec>, SpecError> {
        let mut spec = Spec::parse(text)?;
        let name = spec.name().to_owned();
        let axes = if name.ends_with("1d") { 1 } else { 2 };
        let one = |width: usize| sizes_are_possible(text, width);
        let layer = if let Some((_, cell)) = CELLS.iter().find(|(known, _)| *known == name) {
            let [hidden, layers] = sizes(&mut spec, "hidden units, and perhaps layers, as in 64x2", Some(1))?;
            let dropout = spec.option("dropout")?.unwrap_or(0.0);
            let cell = match cell {
                CellName::Gru => match spec.option::<String>("form")?.as_deref() {
                    None | Some("pytorch") => CellName::Gru,
                    Some("chung") => CellName::GruChung,
                    Some(other) => return Err(unknown("form of gru", other, &["pytorch", "chung"])),
                },
                other => *other,
            };
            LayerSpec::Recurrent { cell, hidden, layers, dropout: probability(&spec, dropout)? }
        } else if let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
            LayerSpec::Function(*function)
        } else if let Some((_, default, make)) = SCALED.iter().find(|(known, ..)| *known == name) {
            LayerSpec::Function(make(spec.optional_arg(0, "the scale")?.unwrap_or(*default)))
        } else {
            match name.as_str() {
                "mlp" => {
                    let widths: Vec<usize> = spec.all_args("the width of a layer")?;
                    spec.finish()?;
                    let layer = |width| Ok([LayerSpec::Linear { width: one(width)?, bias: true }, RELU]);
                    return widths.into_iter().map(layer).collect::<Result<Vec<_>, _>>().map(|layers| layers.concat());
                }
                "linear" => {
                    let width = one(spec.arg(0, "the number of outputs")?)?;
                    LayerSpec::Linear { width, bias: spec.option("bias")?.unwrap_or(true) }
                }
                "dropout" => {
                    let p = spec.optional_arg(0, "the probability")?.unwrap_or(0.5);
                    LayerSpec::Dropout { p: probability(&spec, p)? }
                }
                "layer_norm" => LayerSpec::LayerNorm,
                "rms_norm" => LayerSpec::RmsNorm,
                "batch_norm" => LayerSpec::BatchNorm { stream: spec.option("stream")?.unwrap_or(false) },
                "conv1d" | "conv2d" => {
                    let [channels, kernel] = sizes(&mut spec, "channels and the size of the kernel, as in 16x3", None)?;
                    let stride = one(spec.option("stride")?.unwrap_or(1))?;
                    let padding = spec.option("padding")?.map_or(Ok(0), one)?;
                    LayerSpec::Conv { axes, channels, kernel, stride, padding }
                }
                "max_pool1d" | "max_pool2d" | "avg_pool1d" | "avg_pool2d" => {
                    let kernel = one(spec.arg(0, "the size of the window")?)?;
                    LayerSpec::Pool { axes, largest: name.starts_with("max"), kernel }
                }
                "flatten" => LayerSpec::Flatten,
                "view" => {
                    let Sizes(dims) = spec.arg(0, "the shape of an example, as in 1x8x8")?;
                    let shape = Shape::try_new(&dims).ok().filter(|shape| shape.rank() <= 4);
                    LayerSpec::View(shape.ok_or_else(|| SpecError::new(format!("{}: too many axes", quoted(text))))?)
                }
                _ => {
                    let cells = CELLS.iter().map(|(name, _)| *name);
                    let functions =
                        FUNCTIONS.iter().map(|(name, _)| *name).chain(SCALED.iter().map(|(name, ..)| *name));
                    let all: Vec<&str> = OTHERS.into_iter().chain(cells).chain(functions).collect();
                    return Err(unknown("layer", &name, &all));
                }
            }
        };
        spec.finish()?;
        Ok(vec![layer])
    }
}

const RELU: LayerSpec = LayerSpec::Function(Nonlinearity::Relu);

/// More is a slip of the keyboard, and would not fit the memory.
fn sizes_are_possible(text: &str, size: usize) -> Result<usize, SpecError> {
    let wrong = || SpecError::new(format!("{}: expected a size from 1 to 65536, found {size}", quoted(text)));
    if (1..=65_536).contains(&size) { Ok(size) } else { Err(wrong()) }
}

/// As it is written; what has its usual value is left out.
impl fmt::Display for LayerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerSpec::Linear { width, bias } => {
                write!(f, "linear:{width}{}", if *bias { "" } else { ",bias=false" })
            }
            LayerSpec::Function(function) => {
                if let Some((name, _)) = FUNCTIONS.iter().find(|(_, known)| known == function) {
                    return f.write_str(name);
                }
                match function {
                    Nonlinearity::LeakyRelu(scale) => write!(f, "leaky_relu:{scale}"),
                    Nonlinearity::Elu(scale) => write!(f, "elu:{scale}"),
                    Nonlinearity::Celu(scale) => write!(f, "celu:{scale}"),
                    other => write!(f, "{other:?}"),
                }
            }
            LayerSpec::Dropout { p } => write!(f, "dropout:{p}"),
            LayerSpec::LayerNorm => f.write_str("layer_norm"),
            LayerSpec::RmsNorm => f.write_str("rms_norm"),
            LayerSpec::BatchNorm { stream } => write!(f, "batch_norm{}", if *stream { ":stream=true" } else { "" }),
            LayerSpec::Recurrent { cell, hidden, layers, dropout } => {
                let plain = if *cell == CellName::GruChung { CellName::Gru } else { *cell };
                let name = CELLS.iter().find(|(_, known)| *known == plain).map_or("", |(name, _)| name);
                write!(f, "{name}:{hidden}")?;
                if *layers > 1 {
                    write!(f, "x{layers}")?;
                }
                if *dropout > 0.0 {
                    write!(f, ",dropout={dropout}")?;
                }
                f.write_str(if *cell == CellName::GruChung { ",form=chung" } else { "" })
            }
            LayerSpec::Conv { axes, channels, kernel, stride, padding } => {
                write!(f, "conv{axes}d:{channels}x{kernel}")?;
                for (name, value, usual) in [("stride", stride, 1), ("padding", padding, 0)] {
                    if *value != usual {
                        write!(f, ",{name}={value}")?;
                    }
                }
                Ok(())
            }
            LayerSpec::Pool { axes, largest, kernel } => {
                write!(f, "{}_pool{axes}d:{kernel}", if *largest { "max" } else { "avg" })
            }
            LayerSpec::Flatten => f.write_str("flatten"),
            LayerSpec::View(shape) => {
                let sizes: Vec<String> = shape.dims().iter().map(usize::to_string).collect();
                write!(f, "view:{}", sizes.join("x"))
            }
        }
    }
}
