//! Normalisation by the root of the mean square.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng, Shape};

use super::rows_of;

/// Root mean square normalisation, PyTorch's `nn.RMSNorm`: `[…, features…]` → the same shape.
///
/// ```text
/// y = w ⊙ x / √(mean(x²) + ε)        the mean: over the features of one example
/// ```
///
/// One parameter, `name.weight`, ones, of the features' shape. It does not grow, for the reason that
/// [`LayerNorm`](super::LayerNorm) does not.
///
/// Source: Zhang & Sennrich 2019.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::RmsNorm;
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let norm = RmsNorm::new(&mut params, "norm", 2, &mut Rng::new(1));
/// let y = norm.forward(tape.pass(&params).input(&[1.0, 7.0])).to_tensor();
/// assert!((y.as_slice()[0] - 0.2).abs() < 1e-12 && (y.as_slice()[1] - 1.4).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RmsNorm {
    /// w.
    pub weight: Param,
    /// The axes that are normalised over; PyTorch's `normalized_shape`.
    pub features: Shape,
    /// ε. `None`, PyTorch's default: the distance from 1 to the next number of the type.
    pub eps: Option<f64>,
}

impl RmsNorm {
    /// Adds the layer's parameter to θ, for `[…, features]`.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, features: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, [features], None, rng)
    }

    /// Over one or several axes, with an ε of choice.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn with<T: Real>(
        params: &mut Params<T>,
        name: &str,
        features: impl Into<Shape>,
        eps: Option<f64>,
        _rng: &mut Rng,
    ) -> Self {
        let features = features.into();
        RmsNorm { weight: params.add(&format!("{name}.weight"), features, |_| T::ONE), features, eps }
    }

    /// `y = w ⊙ x / √(mean(x²) + ε)`.
    ///
    /// # Panics
    /// If the last axes of `x` are not the features.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        let (rows, eps) = (rows_of("RmsNorm", x, self.features), self.eps.map_or(T::EPSILON, T::from_f64));
        let normalised = rows / (rows.square().mean_axes(&[1], true) + eps).sqrt();
        (normalised * x.pass().param(self.weight).reshape([self.features.len()])).reshape(x.shape())
    }
}
