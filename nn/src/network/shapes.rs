//! What fits behind what.

use thalweg_tensor::{Shape, Window};

use super::state::MOST;
use super::{CellName, LayerSpec, NetworkSpec};
use crate::Nonlinearity;
use crate::spec::SpecError;

impl LayerSpec {
    /// The shape of what it gives for an example of shape `from`.
    ///
    /// # Errors
    /// If it does not take such examples.
    pub fn output(&self, from: Shape) -> Result<Shape, SpecError> {
        let wrong =
            |expected: &str| SpecError::new(format!("{self}: expected {expected}, found examples of shape {from}"));
        match *self {
            LayerSpec::Function(Nonlinearity::Glu) => Err(wrong("a function that keeps the shape")),
            LayerSpec::Function(_) | LayerSpec::Dropout { .. } => Ok(from),
            LayerSpec::BatchNorm { .. } if from.rank() > 0 => Ok(from),
            LayerSpec::BatchNorm { .. } => Err(wrong("at least one axis")),
            LayerSpec::Flatten => Ok([from.len()].into()),
            LayerSpec::View(to) if to.len() == from.len() => Ok(to),
            LayerSpec::View(to) => Err(wrong(&format!("{} numbers", to.len()))),
            LayerSpec::LayerNorm | LayerSpec::RmsNorm if from.rank() == 1 => Ok(from),
            LayerSpec::Linear { width, .. } if from.rank() == 1 => Ok([width].into()),
            LayerSpec::Recurrent { hidden, .. } if from.rank() == 1 => Ok([hidden].into()),
            LayerSpec::LayerNorm | LayerSpec::RmsNorm | LayerSpec::Linear { .. } | LayerSpec::Recurrent { .. } => {
                Err(wrong("examples of one axis (flatten?)"))
            }
            LayerSpec::Conv { axes, channels, kernel, stride, padding } => {
                let moves = Window::<1>::new([kernel]).stride([stride]).padding([padding]);
                let [_, sizes @ ..] = from.dims() else { return Err(wrong("channels and an image (view?)")) };
                if sizes.len() != axes {
                    return Err(wrong("channels and an image (view?)"));
                }
                let mut to = vec![channels];
                for &size in sizes {
                    to.extend(moves.try_output([size]).ok_or_else(|| wrong("a kernel that fits"))?);
                }
                Shape::try_new(&to).map_err(|_| wrong("an image of a possible size"))
            }
            LayerSpec::Pool { axes, kernel, .. } => {
                let rank = from.rank();
                if rank < axes || from.dims()[rank - axes..].iter().any(|&size| size < kernel) {
                    return Err(wrong("a window that fits"));
                }
                Ok((rank - axes..rank).fold(from, |to, axis| to.with(axis, to.dims()[axis] / kernel)))
            }
        }
    }
}

impl LayerSpec {
    /// How many tensors it carries from step to step.
    fn carried(&self) -> usize {
        match self {
            LayerSpec::Recurrent { cell: CellName::Lstm | CellName::LayerNormLstm, .. } => 2,
            LayerSpec::Recurrent { .. } => 1,
            _ => 0,
        }
    }
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
    /// If a layer does not fit what the one before gives, or more than eight tensors would have to be carried.
    pub fn output(&self, from: impl Into<Shape>) -> Result<Shape, SpecError> {
        let shape = self.layers.iter().try_fold(from.into(), |shape, layer| layer.output(shape))?;
        match self.layers.iter().map(LayerSpec::carried).sum() {
            ..=MOST => Ok(shape),
            more => Err(SpecError::new(format!("{self}: expected at most {MOST} tensors to carry, found {more}"))),
        }
    }

    /// The layer that takes in new inputs: the first that does not work number by number; behind the last, if all do.
    /// `None` if that layer cannot take more: it sees images, or numbers that are normalised together.
    pub fn growing_layer(&self) -> Option<usize> {
        let passes = |layer: &LayerSpec| match layer {
            LayerSpec::Function(function) => !matches!(function, Nonlinearity::Softmax | Nonlinearity::LogSoftmax),
            layer => matches!(layer, LayerSpec::Dropout { .. }),
        };
        let first = self.layers.iter().position(|layer| !passes(layer)).unwrap_or(self.layers.len());
        let grows = |layer: &LayerSpec| matches!(layer, LayerSpec::Linear { .. } | LayerSpec::Recurrent { .. });
        self.layers.get(first).is_none_or(grows).then_some(first)
    }
}
