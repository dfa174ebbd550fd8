//! Layer normalisation.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng, Shape};

use super::rows_of;
use crate::init;

/// Layer normalisation, PyTorch's `nn.LayerNorm`: `[…, features…]` → the same shape.
///
/// ```text
/// y = w ⊙ (x − μ) / √(σ² + ε) + b        μ, σ² (biased): over the features of one example
/// ```
///
/// Parameters `name.weight`, ones, and `name.bias`, zeros, both of the features' shape.
///
/// It does not grow: μ and σ² are those of *all* features, so a new one changes every output, whatever its weight is. A
/// network whose width should grow normalises by [`BatchNorm`](super::BatchNorm), where features are independent.
///
/// Source: Ba, Kiros & Hinton 2016.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::LayerNorm;
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let norm = LayerNorm::new(&mut params, "norm", 2, &mut Rng::new(1));
/// let y = norm.forward(tape.pass(&params).input(&[1.0, 3.0])).to_tensor();
/// assert!((y.as_slice()[0] + 1.0).abs() < 1e-5 && (y.as_slice()[1] - 1.0).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LayerNorm {
    /// w.
    pub weight: Option<Param>,
    /// b.
    pub bias: Option<Param>,
    /// The axes that are normalised over; PyTorch's `normalized_shape`.
    pub features: Shape,
    /// ε.
    pub eps: f64,
}

/// What a [`LayerNorm`] may have or not: by default everything, and PyTorch's ε.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LayerNormOptions {
    /// ε: 10⁻⁵.
    pub eps: f64,
    /// Whether there is a weight; without it there is no bias either.
    pub weight: bool,
    /// Whether there is a bias.
    pub bias: bool,
}

impl Default for LayerNormOptions {
    fn default() -> Self {
        LayerNormOptions { eps: 1e-5, weight: true, bias: true }
    }
}

impl LayerNorm {
    /// Adds the layer's parameters to θ, for `[…, features]`.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, features: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, [features], LayerNormOptions::default(), rng)
    }

    /// Over one or several axes, with options of choice.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn with<T: Real>(
        params: &mut Params<T>,
        name: &str,
        features: impl Into<Shape>,
        options: LayerNormOptions,
        _rng: &mut Rng,
    ) -> Self {
        let (features, LayerNormOptions { eps, weight, bias }) = (features.into(), options);
        let weight = weight.then(|| params.add(&format!("{name}.weight"), features, |_| T::ONE));
        let bias = (bias && weight.is_some()).then(|| params.add(&format!("{name}.bias"), features, init::zeros()));
        LayerNorm { weight, bias, features, eps }
    }

    /// `y = w ⊙ (x − μ) / √(σ² + ε) + b`.
    ///
    /// # Panics
    /// If the last axes of `x` are not the features.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        let (rows, n, eps) = (rows_of("LayerNorm", x, self.features), self.features.len(), T::from_f64(self.eps));
        let as_row = |param: Param| x.pass().param(param).reshape([n]);
        let y = match self.weight {
            Some(weight) => {
                let bias = self.bias.map_or_else(|| x.pass().zeros([n]), as_row);
                rows.layer_norm(as_row(weight), bias, eps)
            }
            None => rows.standardize(eps),
        };
        y.reshape(x.shape())
    }
}
