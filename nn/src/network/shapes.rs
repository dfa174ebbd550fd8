//! What fits behind what.

use thalweg_tensor::{Shape, Window};

use super::state::MOST;
use super::{CellName, LayerSpec, NetworkSpec};
use crate::Nonlinearity;
use crate::spec::SpecError;

/// More is a slip of the keyboard, and would not fit the memory.
const MOST_WEIGHTS: f64 = (1u64 << 32) as f64;

impl LayerSpec {
    /// The shape of what it gives for an example of shape `from`.
    ///
    /// # Errors
    /// If it does not take such examples.
    pub fn output(&self, from: Shape) -> Result<Shape, SpecError> {
        let wrong =
            |expected: &str| SpecError::new(format!("{self}: expected {expected}, found examples of shape {from}"));
        let (rank, first, last) = (from.rank(), from.dims().first(), from.dims().last());
        let first_into = |parts: &usize| first.is_some_and(|size| size.is_multiple_of(*parts));
        match self {
            LayerSpec::Function(Nonlinearity::Glu) => match last {
                Some(&size) if size.is_multiple_of(2) => Ok(from.with(rank - 1, size / 2)),
                _ => Err(wrong("a last axis of even size")),
            },
            LayerSpec::Function(_) | LayerSpec::PRelu | LayerSpec::Dropout { .. } => Ok(from),
            LayerSpec::BatchNorm { .. } if rank > 0 => Ok(from),
            LayerSpec::BatchNorm { .. } => Err(wrong("at least one axis")),
            LayerSpec::GroupNorm { groups } if first_into(groups) => Ok(from),
            LayerSpec::GroupNorm { groups } => Err(wrong(&format!("channels that can be cut into {groups} groups"))),
            LayerSpec::Flatten => Ok([from.len()].into()),
            LayerSpec::View(to) if to.len() == from.len() => Ok(*to),
            LayerSpec::View(to) => Err(wrong(&format!("{} numbers", to.len()))),
            LayerSpec::Embedding { width, .. } if rank <= 3 => Ok(from.inserted(rank, *width)),
            LayerSpec::Embedding { .. } => Err(wrong("at most three axes")),
            LayerSpec::GlobalPool { .. } => match from.dims() {
                [outer @ .., height, width] if height * width > 0 => Ok(outer.into()),
                _ => Err(wrong("images (view?)")),
            },
            LayerSpec::Conv { axes, channels, window, groups, .. } => {
                let [inputs, sizes @ ..] = from.dims() else { return Err(wrong("channels and an image (view?)")) };
                if sizes.len() != *axes {
                    return Err(wrong("channels and an image (view?)"));
                }
                if !inputs.is_multiple_of(*groups) || !channels.is_multiple_of(*groups) {
                    return Err(wrong(&format!("channels that can be cut into {groups} groups")));
                }
                let to = slid(*window, Shape::from(sizes), 0).ok_or_else(|| wrong("a kernel that fits"))?;
                Shape::try_new(to.inserted(0, *channels).dims()).map_err(|_| wrong("an image of a possible size"))
            }
            LayerSpec::Pool { axes, window, .. } => {
                let Window { kernel: [kernel], padding: [padding], dilation: [dilation], .. } = *window;
                let spans = dilation.saturating_mul(kernel.saturating_sub(1)).saturating_add(1);
                // Beyond half of what it spans a window would see nothing but padding.
                let axis = rank.checked_sub(*axes).filter(|_| padding <= spans / 2);
                axis.and_then(|axis| slid(*window, from, axis)).ok_or_else(|| wrong("a window that fits"))
            }
            LayerSpec::Residual(inner) => match inner.chained(from)? {
                to if to == from => Ok(from),
                to => Err(wrong(&format!("layers that keep the shape (they give {to})"))),
            },
            _ if rank != 1 => Err(wrong("examples of one axis (flatten?)")),
            LayerSpec::Linear { width, .. } => Ok([*width].into()),
            LayerSpec::Recurrent { hidden, bidirectional, .. } => Ok([*hidden << u32::from(*bidirectional)].into()),
            LayerSpec::Attention { heads, .. } | LayerSpec::Encoder { heads, .. } if !first_into(heads) => {
                Err(wrong(&format!("features that can be cut into {heads} heads")))
            }
            LayerSpec::Attention { .. } | LayerSpec::Encoder { .. } => Ok(from),
            LayerSpec::SinusoidalPositions | LayerSpec::LearnedPositions { .. } => Ok(from),
            LayerSpec::LayerNorm { .. } | LayerSpec::RmsNorm => Ok(from),
        }
    }

    /// About how many weights its matrices, kernels and norms hold: no fewer are there.
    fn weights(&self, from: Shape) -> f64 {
        let inputs = from.dims().first().map_or(1.0, |&inputs| inputs as f64);
        match *self {
            LayerSpec::Linear { width, .. } => inputs * width as f64,
            LayerSpec::Recurrent { cell, hidden, layers, bidirectional, .. } => {
                use CellName::{Elstm, Gru, GruChung, LeakyRnn, Lru, Rnn, RnnRelu, RnnSigmoid, Rtu, RtuRelu, RtuTanh};
                // For each unit: how many weights for each input, and for each unit.
                let [by_input, by_unit] = match cell {
                    Rnn | RnnRelu | RnnSigmoid | LeakyRnn { .. } => [1.0, 1.0],
                    Gru | GruChung => [3.0, 3.0],
                    Lru => [3.0, 2.0],
                    Rtu | RtuTanh | RtuRelu => [1.0, 0.0],
                    Elstm => [3.0, 1.0],
                    _ => [4.0, 4.0],
                };
                let (hidden, layers, directions) =
                    (hidden as f64, layers as f64, f64::from(1 + u8::from(bidirectional)));
                let heard = by_input * (inputs + (layers - 1.0) * directions * hidden);
                directions * hidden * (heard + by_unit * layers * hidden)
            }
            LayerSpec::Embedding { words, width, .. } => words as f64 * width as f64,
            LayerSpec::Attention { .. } => 4.0 * inputs * inputs,
            LayerSpec::Encoder { options, .. } => {
                let feedforward = options.feedforward.map_or(4.0 * inputs, |width| width as f64);
                4.0 * inputs * inputs + 2.0 * inputs * feedforward
            }
            LayerSpec::LearnedPositions { positions } => positions as f64 * inputs,
            LayerSpec::Conv { axes, channels, window, groups, .. } => {
                inputs / groups as f64 * channels as f64 * (window.kernel[0] as f64).powf(axes as f64)
            }
            LayerSpec::Residual(ref inner) => inner.weights(from),
            LayerSpec::LayerNorm { affine: true }
            | LayerSpec::RmsNorm
            | LayerSpec::GroupNorm { .. }
            | LayerSpec::BatchNorm { .. } => inputs,
            _ => 0.0,
        }
    }

    /// How many tensors it carries from step to step.
    fn carried(&self) -> usize {
        use CellName::{LayerNormLstm, Lru, Lstm, LstmRemembering};
        match self {
            LayerSpec::Recurrent { cell: Lstm | LstmRemembering | LayerNormLstm | Lru, .. } => 2,
            LayerSpec::Recurrent { .. } => 1,
            LayerSpec::Residual(inner) => inner.carried(),
            _ => 0,
        }
    }
}

/// The shape whose axes from `axis` on a window slides over.
fn slid(window: Window<1>, from: Shape, axis: usize) -> Option<Shape> {
    (axis..from.rank()).try_fold(from, |to, axis| Some(to.with(axis, window.try_output([to.dims()[axis]])?[0])))
}

impl NetworkSpec {
    /// The shape of what the network gives for an example of shape `from`.
    ///
    /// ```
    /// use thalweg_nn::NetworkSpec;
    ///
    /// let spec: NetworkSpec = "view:1x8x8 > conv2d:4x3 > relu > flatten".parse()?;
    /// assert_eq!(spec.output([64])?.dims(), [144]);
    /// let error = spec.output([60]).unwrap_err().to_string();
    /// assert_eq!(error, "view:1x8x8: expected 64 numbers, found examples of shape [60]");
    /// # Ok::<(), thalweg_nn::spec::SpecError>(())
    /// ```
    ///
    /// # Errors
    /// If a layer does not fit what the one before gives, an embedding does not come first, more than eight tensors would
    /// have to be carried, or there would be more than 2³² weights. If it was made in code and cannot be written: the
    /// grammar has no such number, or no place for it.
    pub fn output(&self, from: impl Into<Shape>) -> Result<Shape, SpecError> {
        let from = from.into();
        if self.to_string().parse::<NetworkSpec>()? != *self {
            return Err(SpecError::new(format!("{self}: expected layers that can be written as a text")));
        }
        let shape = self.chained(from)?;
        let weights = self.weights(from);
        if weights > MOST_WEIGHTS {
            return Err(SpecError::new(format!("{self}: expected at most 2³² weights, found some {weights:.0}")));
        }
        let of_indices = |layer: &&LayerSpec| matches!(layer, LayerSpec::View(_) | LayerSpec::Flatten);
        let mut behind = self.layers.iter().skip_while(of_indices).skip(1);
        if let Some(layer) = behind.find(|layer| matches!(layer, LayerSpec::Embedding { .. })) {
            return Err(SpecError::new(format!("{layer}: expected to come first, for it takes indices")));
        }
        match self.carried() {
            ..=MOST => Ok(shape),
            more => Err(SpecError::new(format!("{self}: expected at most {MOST} tensors to carry, found {more}"))),
        }
    }

    fn chained(&self, from: Shape) -> Result<Shape, SpecError> {
        self.layers.iter().try_fold(from, |shape, layer| layer.output(shape))
    }

    /// About how many weights its layers hold, no fewer; as a number that cannot overflow.
    pub(super) fn weights(&self, mut from: Shape) -> f64 {
        let of_layer = |layer: &LayerSpec| {
            let weights = layer.weights(from);
            from = layer.output(from).unwrap_or(from);
            weights
        };
        self.layers.iter().map(of_layer).sum()
    }

    fn carried(&self) -> usize {
        self.layers.iter().map(LayerSpec::carried).sum()
    }

    /// Whether the network carries a state from step to step.
    pub fn is_recurrent(&self) -> bool {
        self.carried() > 0
    }

    /// The first layer that looks at whole sequences: attention, positions, both directions. Where there is one, there are
    /// no [steps](super::Network::step), and a sequence cannot be cut into pieces.
    pub fn whole_sequences(&self) -> Option<&LayerSpec> {
        self.find(|layer| {
            matches!(
                layer,
                LayerSpec::Recurrent { bidirectional: true, .. }
                    | LayerSpec::Attention { .. }
                    | LayerSpec::Encoder { .. }
                    | LayerSpec::SinusoidalPositions
                    | LayerSpec::LearnedPositions { .. }
            )
        })
    }

    /// The first layer of which this is true, also within residual connections.
    pub fn find(&self, is_it: impl Fn(&LayerSpec) -> bool) -> Option<&LayerSpec> {
        self.search(&is_it)
    }

    fn search(&self, is_it: &dyn Fn(&LayerSpec) -> bool) -> Option<&LayerSpec> {
        self.layers.iter().find_map(|layer| match layer {
            layer if is_it(layer) => Some(layer),
            LayerSpec::Residual(inner) => inner.search(is_it),
            _ => None,
        })
    }

    /// The layer that takes in new inputs: the first that does not work number by number; behind the last, if all do.
    /// `None` if that layer cannot take more: it sees images, or numbers that are normalised together.
    pub fn growing_layer(&self) -> Option<usize> {
        use Nonlinearity::{Glu, LogSoftmax, Softmax};
        let passes = |layer: &LayerSpec| match layer {
            LayerSpec::Function(function) => !matches!(function, Softmax | LogSoftmax | Glu),
            layer => matches!(layer, LayerSpec::Dropout { .. } | LayerSpec::PRelu | LayerSpec::BatchNorm { .. }),
        };
        let first = self.layers.iter().position(|layer| !passes(layer)).unwrap_or(self.layers.len());
        let grows = |layer: &LayerSpec| matches!(layer, LayerSpec::Linear { .. } | LayerSpec::Recurrent { .. });
        self.layers.get(first).is_none_or(grows).then_some(first)
    }
}
