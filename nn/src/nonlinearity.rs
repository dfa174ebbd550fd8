//! Activations as values.

use std::fmt;
use std::mem::discriminant;

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng};

/// A function without parameters, by its name: any shape → the same shape. It can be stored with a network's sizes, and is
/// a [`Module`](crate::Module).
///
/// Equations, sources and slopes at kinks are those of the methods of [`Var`] with the same names.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::Nonlinearity;
///
/// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let pass = tape.pass(&params);
/// let y = Nonlinearity::LeakyRelu(0.1).forward(pass.input(&[-2.0, 3.0]));
/// assert_eq!(y.to_tensor().as_slice(), [-0.2, 3.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Nonlinearity {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// `x` above 0, this much of it below; PyTorch's slope is 0.01.
    LeakyRelu(f64),
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// Exponential below 0, with this scale; PyTorch's is 1.
    Elu(f64),
    /// Self-normalising [`Elu`](Nonlinearity::Elu).
    Selu,
    /// [`Elu`](Nonlinearity::Elu) with a continuous slope, with this scale; PyTorch's is 1.
    Celu(f64),
    /// `x Φ(x)`.
    Gelu,
    /// [`Gelu`](Nonlinearity::Gelu) by way of tanh; PyTorch's `approximate='tanh'`.
    GeluTanh,
    /// `x σ(x)`, also known as swish.
    Silu,
    /// `x tanh(ln(1 + eˣ))`.
    Mish,
    /// `ln(1 + eˣ)`.
    Softplus,
    /// `tanh x`.
    Tanh,
    /// `x − tanh x`.
    Tanhshrink,
    /// `min(max(x, −1), 1)`.
    Hardtanh,
    /// `σ(x)`.
    Sigmoid,
    /// `ln σ(x)`.
    LogSigmoid,
    /// `σ` made of three straight lines.
    Hardsigmoid,
    /// [`Silu`](Nonlinearity::Silu) with a [`Hardsigmoid`](Nonlinearity::Hardsigmoid).
    Hardswish,
    /// Halves of the last axis, the first times the sigmoid of the second: `[…, 2n]` → `[…, n]`.
    Glu,
    /// `eˣ / Σ eˣ` over the last axis.
    Softmax,
    /// The logarithm of [`Softmax`](Nonlinearity::Softmax).
    LogSoftmax,
}

impl Nonlinearity {
    /// Every function by its name, with PyTorch's slope or scale where it has one.
    pub const NAMED: [(&'static str, Nonlinearity); 21] = [
        ("relu", Nonlinearity::Relu),
        ("leaky_relu", Nonlinearity::LeakyRelu(0.01)),
        ("relu6", Nonlinearity::Relu6),
        ("elu", Nonlinearity::Elu(1.0)),
        ("selu", Nonlinearity::Selu),
        ("celu", Nonlinearity::Celu(1.0)),
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
        ("glu", Nonlinearity::Glu),
        ("softmax", Nonlinearity::Softmax),
        ("log_softmax", Nonlinearity::LogSoftmax),
    ];

    /// The slope or the scale, of those that have one.
    pub fn number_mut(&mut self) -> Option<&mut f64> {
        match self {
            Nonlinearity::LeakyRelu(number) | Nonlinearity::Elu(number) | Nonlinearity::Celu(number) => Some(number),
            _ => None,
        }
    }

    /// `f(x)`, any shape.
    ///
    /// # Panics
    /// `Glu`, `Softmax` and `LogSoftmax`: if there is no axis; `Glu`: if the last is odd.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        let number = T::from_f64;
        match *self {
            Nonlinearity::Relu => x.relu(),
            Nonlinearity::LeakyRelu(slope) => x.leaky_relu(number(slope)),
            Nonlinearity::Relu6 => x.relu6(),
            Nonlinearity::Elu(alpha) => x.elu(number(alpha)),
            Nonlinearity::Selu => x.selu(),
            Nonlinearity::Celu(alpha) => x.celu(number(alpha)),
            Nonlinearity::Gelu => x.gelu(),
            Nonlinearity::GeluTanh => x.gelu_tanh(),
            Nonlinearity::Silu => x.silu(),
            Nonlinearity::Mish => x.mish(),
            Nonlinearity::Softplus => x.softplus(),
            Nonlinearity::Tanh => x.tanh(),
            Nonlinearity::Tanhshrink => x.tanhshrink(),
            Nonlinearity::Hardtanh => x.hardtanh(),
            Nonlinearity::Sigmoid => x.sigmoid(),
            Nonlinearity::LogSigmoid => x.log_sigmoid(),
            Nonlinearity::Hardsigmoid => x.hardsigmoid(),
            Nonlinearity::Hardswish => x.hardswish(),
            Nonlinearity::Glu => {
                assert!(x.rank() > 0, "Glu: at least one axis expected, the shape is {}", x.shape());
                x.glu(x.rank() - 1)
            }
            Nonlinearity::Softmax => x.softmax(),
            Nonlinearity::LogSoftmax => x.log_softmax(),
        }
    }
}

/// The name, and what number it has: `gelu`, `leaky_relu:0.01`.
impl fmt::Display for Nonlinearity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(_, function)| discriminant(function) == discriminant(self));
        f.write_str(named.map_or("", |(name, _)| name))?;
        { *self }.number_mut().map_or(Ok(()), |number| write!(f, ":{number}"))
    }
}

/// A leaky rectifier that learns its slope, PyTorch's `nn.PReLU`: any shape → the same shape.
///
/// ```text
/// y = max(x, 0) + a min(x, 0)
/// ```
///
/// One parameter, `name.weight: [1]`, 0.25 at the start. Source: He, Zhang, Ren & Sun 2015.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::PRelu;
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
/// let rectifier = PRelu::new(&mut params, "rectifier", &mut Rng::new(1));
/// let y = rectifier.forward(tape.pass(&params).input(&[-2.0, 3.0])).to_tensor();
/// assert_eq!(y.as_slice(), [-0.5, 3.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PRelu {
    /// a: `[1]`.
    pub weight: Param,
}

impl PRelu {
    /// Adds the slope to θ.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, _rng: &mut Rng) -> Self {
        PRelu { weight: params.add(&format!("{name}.weight"), [1], |_| T::from_f64(0.25)) }
    }

    /// `y = max(x, 0) + a min(x, 0)`.
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        x.prelu(x.pass().param(self.weight))
    }
}
