//! Layers from text.

use thalweg_tensor::{Shape, Window};

use super::layers::{CELLS, hidden, sparse_hidden};
use super::{CellName, LayerSpec, NetworkSpec};
use crate::Nonlinearity;
use crate::attention::TransformerOptions;
use crate::spec::{Setting, Spec, SpecError, quoted, unknown};

/// Layers that are neither cells nor functions.
const OTHERS: [&str; 25] = [
    "linear",
    "mlp",
    "sparse_mlp",
    "prelu",
    "dropout",
    "layer_norm",
    "rms_norm",
    "group_norm",
    "batch_norm",
    "embedding",
    "attention",
    "encoder",
    "sinusoidal_positions",
    "learned_positions",
    "conv1d",
    "conv2d",
    "max_pool1d",
    "max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "global_max_pool2d",
    "global_avg_pool2d",
    "flatten",
    "view",
    "residual",
];

/// How many residual connections may stand within each other.
const DEEPEST: usize = 16;

/// More is a slip of the keyboard, and would not fit the memory.
const LARGEST: usize = 65_536;

/// Up to here `f32` counts without gaps.
const MOST_WORDS: usize = 1 << 24;

/// `depth` residual connections stand around the text.
pub(super) fn network(text: &str, depth: usize) -> Result<NetworkSpec, SpecError> {
    if text.trim().is_empty() {
        return Ok(NetworkSpec::default());
    }
    let layers = items(text)?.into_iter().map(|item| layers(item, depth)).collect::<Result<Vec<_>, _>>()?;
    Ok(NetworkSpec { layers: layers.concat() })
}

/// The text, cut at each `>` that does not stand in parentheses.
fn items(text: &str) -> Result<Vec<&str>, SpecError> {
    let wrong = |what: &str| SpecError::new(format!("{}: {what}", quoted(text)));
    let (mut items, mut start, mut open) = (Vec::new(), 0, 0_usize);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => open += 1,
            ')' => open = open.checked_sub(1).ok_or_else(|| wrong("expected ( before )"))?,
            '>' if open == 0 => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&text[start..]);
    if open == 0 { Ok(items) } else { Err(wrong("expected ), found the end")) }
}

/// One item of a specification: one layer; `mlp:64,64` is several.
fn layers(text: &str, depth: usize) -> Result<Vec<LayerSpec>, SpecError> {
    if let Some((name, inner)) = text.trim().strip_suffix(')').and_then(|text| text.split_once('(')) {
        return match name.trim() {
            "residual" if depth == DEEPEST => {
                Err(SpecError::new(format!("expected at most {DEEPEST} residuals within each other")))
            }
            "residual" => Ok(vec![LayerSpec::Residual(network(inner, depth + 1)?)]),
            other => Err(unknown("layer of layers", other, &["residual"])),
        };
    }
    let mut spec = Spec::parse(text)?;
    let layers = match spec.name() {
        name @ ("mlp" | "sparse_mlp") => {
            let hidden = if name == "mlp" { hidden } else { sparse_hidden };
            let example = format!("the width of each layer, as in {name}:64,64");
            let widths: Vec<usize> = spec.all_args("the width of a layer")?;
            if widths.is_empty() {
                return Err(expected(&spec, &example));
            }
            let layer = |width| Ok(hidden(size(&spec, width)?));
            widths.into_iter().map(layer).collect::<Result<Vec<_>, SpecError>>()?.concat()
        }
        _ => vec![layer(&mut spec)?],
    };
    spec.finish()?;
    Ok(layers)
}

fn layer(spec: &mut Spec) -> Result<LayerSpec, SpecError> {
    if let Some(function) = function(spec)? {
        return Ok(LayerSpec::Function(function));
    }
    let name = spec.name().to_owned();
    let axes = if name.ends_with("1d") { 1 } else { 2 };
    Ok(match name.as_str() {
        "linear" => {
            let (width, bias) = (one(spec, "the number of outputs")?, bias(spec)?);
            let sparse = spec.option("sparse")?.unwrap_or(0.0);
            LayerSpec::Linear { width, bias, sparse: probability(spec, sparse)? }
        }
        "prelu" => LayerSpec::PRelu,
        "dropout" => {
            let p = spec.optional_arg(0, "the probability")?.unwrap_or(0.5);
            LayerSpec::Dropout { p: probability(spec, p)? }
        }
        "layer_norm" => LayerSpec::LayerNorm { affine: spec.option("affine")?.unwrap_or(true) },
        "rms_norm" => LayerSpec::RmsNorm,
        "group_norm" => LayerSpec::GroupNorm { groups: one(spec, "the number of groups")? },
        "batch_norm" => LayerSpec::BatchNorm { stream: spec.flag("stream")? },
        "embedding" => {
            let [words, width] = two(spec, "words and the size of their vectors, as in 1000x32", None, MOST_WORDS)?;
            let padding = spec.option("padding")?;
            if padding.is_some_and(|padding| padding >= words) {
                return Err(expected(spec, &format!("padding below {words}")));
            }
            LayerSpec::Embedding { words, width: size(spec, width)?, padding }
        }
        "attention" => LayerSpec::Attention {
            causal: spec.flag("causal")?,
            heads: heads(spec)?,
            dropout: dropout(spec, 0.0)?,
            bias: bias(spec)?,
        },
        "encoder" => encoder(spec)?,
        "sinusoidal_positions" => LayerSpec::SinusoidalPositions,
        "learned_positions" => {
            LayerSpec::LearnedPositions { positions: one(spec, "the length of the longest sequence")? }
        }
        "conv1d" | "conv2d" => {
            let [channels, kernel] = two(spec, "channels and the size of the kernel, as in 16x3", None, LARGEST)?;
            let window = window(spec, Window::new([kernel]))?;
            let groups = spec.option("groups")?.unwrap_or(1);
            LayerSpec::Conv { axes, channels, window, groups: size(spec, groups)?, bias: bias(spec)? }
        }
        "max_pool1d" | "max_pool2d" | "avg_pool1d" | "avg_pool2d" => {
            let kernel = one(spec, "the size of the window")?;
            let window = window(spec, Window::tiling([kernel]))?;
            LayerSpec::Pool { axes, largest: name.starts_with("max"), window }
        }
        "global_max_pool2d" | "global_avg_pool2d" => LayerSpec::GlobalPool { largest: name.contains("max") },
        "flatten" => LayerSpec::Flatten,
        "view" => {
            let Sizes(dims) = spec.arg(0, "the shape of an example, as in 1x8x8")?;
            let shape = Shape::try_new(&dims).ok().filter(|shape| shape.rank() <= 4);
            LayerSpec::View(shape.ok_or_else(|| expected(spec, "at most four axes, and not too many numbers"))?)
        }
        "residual" => return Err(expected(spec, "layers in parentheses, as in residual(linear:64 > relu)")),
        _ => return cell(spec),
    })
}

/// A recurrent layer, by the name of its cell.
fn cell(spec: &mut Spec) -> Result<LayerSpec, SpecError> {
    let name = spec.name().to_owned();
    let forms: Vec<_> = CELLS.iter().filter(|(known, ..)| *known == name).collect();
    let Some(&&(_, usual, _)) = forms.first() else {
        let functions = Nonlinearity::NAMED.iter().map(|(name, _)| *name);
        let mut cells: Vec<&str> = CELLS.iter().map(|(name, ..)| *name).collect();
        cells.dedup();
        let all: Vec<&str> = cells.into_iter().chain(OTHERS).chain(functions).collect();
        return Err(unknown("layer", &name, &all));
    };
    let bidirectional = spec.flag("bidirectional")?;
    let [hidden, layers] = two(spec, "hidden units, and perhaps layers, as in 64x2", Some(1), LARGEST)?;
    let form = spec.option::<String>("form")?.unwrap_or(usual.to_owned());
    let Some(&&(_, _, mut cell)) = forms.iter().find(|(_, known, _)| *known == form) else {
        let allowed: Vec<&str> = forms.iter().map(|(_, form, _)| *form).collect();
        return Err(unknown(&format!("form of {name}"), &form, &allowed));
    };
    if let CellName::LeakyRnn { alpha } = &mut cell {
        *alpha = spec.option("alpha")?.unwrap_or(*alpha);
        if !(*alpha > 0.0 && *alpha <= 1.0) {
            return Err(expected(spec, "alpha above 0 and at most 1"));
        }
    }
    let (dropout, bias) = (dropout(spec, 0.0)?, bias(spec)?);
    if cell == CellName::LstmRemembering && !bias {
        return Err(expected(spec, "biases, for one of them remembers"));
    }
    if ["lru", "rtu"].contains(&name.as_str()) && !bias {
        return Err(expected(spec, "no word on biases, for there are none"));
    }
    if name == "rtu" && hidden % 2 == 1 {
        return Err(expected(spec, "an even number of units, for they are pairs"));
    }
    Ok(LayerSpec::Recurrent { cell, hidden, layers, bidirectional, dropout, bias })
}

fn encoder(spec: &mut Spec) -> Result<LayerSpec, SpecError> {
    let usual = TransformerOptions::default();
    let feedforward: Option<usize> = spec.option("ff")?;
    let options = TransformerOptions {
        feedforward: feedforward.map(|width| size(spec, width)).transpose()?,
        dropout: dropout(spec, usual.dropout)?,
        activation: spec.option("activation")?.unwrap_or(usual.activation),
        norm_first: spec.option("norm_first")?.unwrap_or(usual.norm_first),
        causal: spec.flag("causal")?,
    };
    match options.activation {
        Nonlinearity::Glu => Err(expected(spec, "an activation that keeps the shape")),
        _ => Ok(LayerSpec::Encoder { heads: heads(spec)?, options }),
    }
}

/// A function, if it has this name.
fn function(spec: &mut Spec) -> Result<Option<Nonlinearity>, SpecError> {
    let known = Nonlinearity::NAMED.iter().find(|(name, _)| *name == spec.name());
    let Some(mut function) = known.map(|(_, function)| *function) else { return Ok(None) };
    if let Some(number) = function.number_mut() {
        *number = spec.optional_arg(0, "the slope or scale")?.unwrap_or(*number);
    }
    Ok(Some(function))
}

impl Setting for Nonlinearity {
    const EXPECTED: &'static str = "a function, such as gelu";

    fn from_text(text: &str) -> Option<Self> {
        let mut spec = Spec::parse(text).ok()?;
        let function = function(&mut spec).ok()?;
        spec.finish().ok().and(function)
    }
}

/// How a kernel moves.
fn window(spec: &mut Spec, usual: Window<1>) -> Result<Window<1>, SpecError> {
    let [stride, dilation] = [("stride", usual.stride[0]), ("dilation", 1)]
        .map(|(name, usual)| spec.option(name).and_then(|found| size(spec, found.unwrap_or(usual))));
    let padding = spec.option("padding")?.filter(|&padding| padding > 0).map_or(Ok(0), |padding| size(spec, padding));
    Ok(usual.stride([stride?]).dilation([dilation?]).padding([padding?]))
}

/// `64x2`: sizes joined by `x`.
struct Sizes(Vec<usize>);

impl Setting for Sizes {
    const EXPECTED: &'static str = "whole numbers from 1 joined by x";

    fn from_text(text: &str) -> Option<Self> {
        let sizes: Option<Vec<usize>> = text.split('x').map(|size| size.trim().parse().ok()).collect();
        sizes.filter(|sizes| !sizes.contains(&0)).map(Sizes)
    }
}

/// The first argument, as two sizes, or as one where `second` says what the second is when it is left out.
fn two(spec: &mut Spec, what: &str, second: Option<usize>, largest: usize) -> Result<[usize; 2], SpecError> {
    let Sizes(sizes) = spec.arg(0, what)?;
    let sizes = match (&sizes[..], second) {
        (&[a, b], _) => [a, b],
        (&[a], Some(b)) => [a, b],
        _ => return Err(expected(spec, &format!("{what}, found {} sizes", sizes.len()))),
    };
    let possible = sizes[0] <= largest && sizes[1] <= LARGEST;
    if possible { Ok(sizes) } else { Err(expected(spec, &format!("sizes up to {largest} and {LARGEST}"))) }
}

/// The first argument, as one size.
fn one(spec: &mut Spec, what: &str) -> Result<usize, SpecError> {
    let found = spec.arg(0, what)?;
    size(spec, found)
}

fn size(spec: &Spec, size: usize) -> Result<usize, SpecError> {
    let possible = (1..=LARGEST).contains(&size);
    if possible { Ok(size) } else { Err(expected(spec, &format!("a size from 1 to {LARGEST}, found {size}"))) }
}

fn heads(spec: &mut Spec) -> Result<usize, SpecError> {
    let found = spec.option("heads")?.ok_or_else(|| expected(spec, "heads=…"))?;
    size(spec, found)
}

fn bias(spec: &mut Spec) -> Result<bool, SpecError> {
    Ok(spec.option("bias")?.unwrap_or(true))
}

fn dropout(spec: &mut Spec, usual: f64) -> Result<f64, SpecError> {
    let found = spec.option("dropout")?.unwrap_or(usual);
    probability(spec, found)
}

fn probability(spec: &Spec, p: f64) -> Result<f64, SpecError> {
    let possible = (0.0..=1.0).contains(&p);
    if possible { Ok(p) } else { Err(expected(spec, &format!("a probability from 0 to 1, found {p}"))) }
}

fn expected(spec: &Spec, what: &str) -> SpecError {
    SpecError::new(format!("{}: expected {what}", quoted(&spec.to_string())))
}
