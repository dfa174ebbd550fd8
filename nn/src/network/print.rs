//! Layers as text.

use std::fmt;

use thalweg_tensor::Window;

use super::CellName;
use super::LayerSpec;
use super::layers::CELLS;
use crate::LeakyForm;
use crate::attention::TransformerOptions;

/// An item of a specification while it is written.
struct Item {
    text: String,
    /// What stands before the next argument.
    mark: char,
}

impl Item {
    fn new(name: impl fmt::Display) -> Self {
        Item { text: name.to_string(), mark: ':' }
    }

    fn arg(self, arg: impl fmt::Display) -> Self {
        Item { text: format!("{}{}{arg}", self.text, self.mark), mark: ',' }
    }

    /// The word, if it is so.
    fn flag(self, name: &str, on: bool) -> Self {
        if on { self.arg(name) } else { self }
    }

    /// The option, unless it has its usual value.
    fn option<V: fmt::Display + PartialEq>(self, name: &str, value: V, usual: V) -> Self {
        if value == usual { self } else { self.arg(format_args!("{name}={value}")) }
    }

    /// The option, if there is one.
    fn some(self, name: &str, value: Option<usize>) -> Self {
        match value {
            Some(value) => self.arg(format_args!("{name}={value}")),
            None => self,
        }
    }

    /// How a kernel moves.
    fn window(self, window: Window<1>, usual: Window<1>) -> Self {
        self.option("stride", window.stride[0], usual.stride[0]).option("padding", window.padding[0], 0).option(
            "dilation",
            window.dilation[0],
            1,
        )
    }
}

/// As it is written; what has its usual value is left out.
impl fmt::Display for LayerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pool = |largest| if largest { "max_pool" } else { "avg_pool" };
        let item = match *self {
            LayerSpec::Linear { width, bias, sparse } => {
                Item::new("linear").arg(width).option("bias", bias, true).option("sparse", sparse, 0.0)
            }
            LayerSpec::Function(function) => Item::new(function),
            LayerSpec::PRelu => Item::new("prelu"),
            LayerSpec::Dropout { p } => Item::new("dropout").arg(p),
            LayerSpec::LayerNorm { affine } => Item::new("layer_norm").option("affine", affine, true),
            LayerSpec::RmsNorm => Item::new("rms_norm"),
            LayerSpec::GroupNorm { groups } => Item::new("group_norm").arg(groups),
            LayerSpec::BatchNorm { stream } => Item::new("batch_norm").flag("stream", stream),
            LayerSpec::Recurrent { cell, hidden, layers, bidirectional, dropout, bias } => {
                let [name, form] = cell.names();
                let usual = CELLS.iter().find(|(known, ..)| *known == name).map_or("", |(_, form, _)| *form);
                let item = match layers {
                    1 => Item::new(name).arg(hidden),
                    _ => Item::new(name).arg(format_args!("{hidden}x{layers}")),
                };
                let item = item.flag("bidirectional", bidirectional).option("dropout", dropout, 0.0);
                let item = item.option("bias", bias, true).option("form", form, usual);
                match cell {
                    CellName::LeakyRnn { alpha } => item.option("alpha", alpha, LeakyForm::default().alpha),
                    _ => item,
                }
            }
            LayerSpec::Embedding { words, width, padding } => {
                Item::new("embedding").arg(format_args!("{words}x{width}")).some("padding", padding)
            }
            LayerSpec::Attention { heads, causal, dropout, bias } => {
                let item = Item::new("attention").some("heads", Some(heads)).flag("causal", causal);
                item.option("dropout", dropout, 0.0).option("bias", bias, true)
            }
            LayerSpec::Encoder { heads, options } => {
                let usual = TransformerOptions::default();
                let item = Item::new("encoder").some("heads", Some(heads)).some("ff", options.feedforward);
                item.flag("causal", options.causal)
                    .option("dropout", options.dropout, usual.dropout)
                    .option("activation", options.activation, usual.activation)
                    .option("norm_first", options.norm_first, usual.norm_first)
            }
            LayerSpec::SinusoidalPositions => Item::new("sinusoidal_positions"),
            LayerSpec::LearnedPositions { positions } => Item::new("learned_positions").arg(positions),
            LayerSpec::Conv { axes, channels, window, groups, bias } => {
                let item = Item::new(format_args!("conv{axes}d"));
                let item = item.arg(format_args!("{channels}x{}", window.kernel[0]));
                item.window(window, Window::new(window.kernel)).option("groups", groups, 1).option("bias", bias, true)
            }
            LayerSpec::Pool { axes, largest, window } => {
                let item = Item::new(format_args!("{}{axes}d", pool(largest))).arg(window.kernel[0]);
                item.window(window, Window::tiling(window.kernel))
            }
            LayerSpec::GlobalPool { largest } => Item::new(format_args!("global_{}2d", pool(largest))),
            LayerSpec::Flatten => Item::new("flatten"),
            LayerSpec::View(shape) => {
                let sizes: Vec<String> = shape.dims().iter().map(usize::to_string).collect();
                Item::new("view").arg(sizes.join("x"))
            }
            LayerSpec::Residual(ref layers) => Item::new(format_args!("residual({layers})")),
        };
        f.write_str(&item.text)
    }
}
