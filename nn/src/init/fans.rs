//! Elements whose size depends on how many of them meet in one sum, so that signals neither grow nor fade from layer to
//! layer.

use thalweg_tensor::{Real, Rng, Shape};

use super::{normal, uniform};

/// How many terms an output is the sum of, and how many outputs an input goes to: `[fan in, fan out]` of a weight
/// `[out, in]`, or of a convolution `[out, in / groups, k…]`, where each counts once for each place of the kernel.
///
/// ```
/// use thalweg_nn::init::fans;
/// use thalweg_tensor::Shape;
/// assert_eq!(fans(Shape::new(&[20, 10])), [10, 20]);
/// assert_eq!(fans(Shape::new(&[20, 10, 3, 3])), [90, 180]);
/// ```
///
/// # Panics
/// If there are fewer than two axes.
#[track_caller]
pub fn fans(shape: Shape) -> [usize; 2] {
    match *shape.dims() {
        [outputs, inputs, ref kernel @ ..] => [inputs, outputs].map(|n| n * kernel.iter().product::<usize>()),
        _ => panic!("fans: at least two axes expected, the shape is {shape}"),
    }
}

/// Which fan [`kaiming_uniform`] and [`kaiming_normal`] go by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Fan {
    /// Signals keep their size on the way forward.
    #[default]
    In,
    /// Gradients keep theirs on the way back.
    Out,
}

impl Fan {
    #[track_caller]
    fn of(self, shape: Shape) -> f64 {
        fans(shape)[self as usize] as f64
    }
}

/// How much a layer has to make up for, by what follows it; PyTorch's `nonlinearity`.
///
/// ```
/// use thalweg_nn::init::Gain;
/// assert_eq!(Gain::Relu.value(), 2.0_f64.sqrt());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Gain {
    /// Nothing.
    Linear,
    /// Logistic function.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// Rectifier, which lets half of the variance through.
    Relu,
    /// Rectifier with this slope below 0.
    LeakyRelu(f64),
    /// Scaled exponential unit.
    Selu,
}

impl Gain {
    /// The factor; PyTorch's `calculate_gain`.
    pub fn value(self) -> f64 {
        match self {
            Gain::Linear | Gain::Sigmoid => 1.0,
            Gain::Tanh => 5.0 / 3.0,
            Gain::Relu => 2.0_f64.sqrt(),
            Gain::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
            Gain::Selu => 0.75,
        }
    }
}

/// Uniform with deviation `gain √(2 / (fan in + fan out))` (Glorot & Bengio 2010).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn xavier_uniform<T: Real>(shape: Shape, gain: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    uniform(xavier(shape, gain) * 3.0_f64.sqrt(), rng)
}

/// Normal with deviation `gain √(2 / (fan in + fan out))` (Glorot & Bengio 2010).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn xavier_normal<T: Real>(shape: Shape, gain: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    normal(xavier(shape, gain), rng)
}

/// Uniform with deviation `gain / √fan` (He, Zhang, Ren & Sun 2015).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn kaiming_uniform<T: Real>(shape: Shape, fan: Fan, gain: Gain, rng: &mut Rng) -> impl FnMut(usize) -> T {
    uniform(gain.value() * over_root(fan.of(shape)) * 3.0_f64.sqrt(), rng)
}

/// Normal with deviation `gain / √fan` (He, Zhang, Ren & Sun 2015).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn kaiming_normal<T: Real>(shape: Shape, fan: Fan, gain: Gain, rng: &mut Rng) -> impl FnMut(usize) -> T {
    normal(gain.value() * over_root(fan.of(shape)), rng)
}

/// The bound of PyTorch's default for affine and recurrent layers: `1/√n` with n inputs (recurrent: n hidden units).
/// It is Kaiming's uniform bound (He et al. 2015) with gain `√(1/3)`. 0 for a layer without inputs.
pub fn default_bound(n: usize) -> f64 {
    over_root(n as f64)
}

#[track_caller]
fn xavier(shape: Shape, gain: f64) -> f64 {
    let [inputs, outputs] = fans(shape).map(|fan| fan as f64);
    gain * 2.0_f64.sqrt() * over_root(inputs + outputs)
}

/// `1/√n`; 0 of 0, where there is nothing to begin with.
fn over_root(n: f64) -> f64 {
    if n == 0.0 { 0.0 } else { n.sqrt().recip() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 4] = [32, 16, 3, 5];

    /// The deviation that was asked for, and for uniform elements the bound `√3` times as large.
    #[test]
    fn deviations_follow_from_the_fans() {
        let (shape, leaky) = (Shape::new(&SHAPE), Gain::LeakyRelu(0.5));
        let [fan_in, fan_out] = [16.0 * 15.0, 32.0 * 15.0_f64];
        let xavier = 1.5 * (2.0 / (fan_in + fan_out)).sqrt();
        let forward = 2.0_f64.sqrt() / fan_in.sqrt();
        let back = (2.0_f64 / 1.25).sqrt() / fan_out.sqrt();
        type Fill = fn(Shape, &mut Rng) -> Vec<f64>;
        let draw: [(f64, bool, Fill); 6] = [
            (xavier, true, |s, rng| (0..s.len()).map(xavier_uniform(s, 1.5, rng)).collect()),
            (xavier, false, |s, rng| (0..s.len()).map(xavier_normal(s, 1.5, rng)).collect()),
            (forward, true, |s, rng| (0..s.len()).map(kaiming_uniform(s, Fan::In, Gain::Relu, rng)).collect()),
            (forward, false, |s, rng| (0..s.len()).map(kaiming_normal(s, Fan::In, Gain::Relu, rng)).collect()),
            (back, true, |s, rng| (0..s.len()).map(kaiming_uniform(s, Fan::Out, Gain::LeakyRelu(0.5), rng)).collect()),
            (back, false, |s, rng| (0..s.len()).map(kaiming_normal(s, Fan::Out, Gain::LeakyRelu(0.5), rng)).collect()),
        ];
        assert_eq!(leaky.value(), (2.0_f64 / 1.25).sqrt());
        for (deviation, bounded, draw) in draw {
            let drawn = draw(shape, &mut Rng::new(3));
            let (n, bound) = (drawn.len() as f64, deviation * 3.0_f64.sqrt());
            let mean = drawn.iter().sum::<f64>() / n;
            let found = (drawn.iter().map(|x| x * x).sum::<f64>() / n).sqrt();
            assert!(mean.abs() < 0.05 * deviation, "{mean}");
            assert!((found / deviation - 1.0).abs() < 0.03, "{found} and {deviation}");
            assert_eq!(drawn.iter().all(|x| x.abs() <= bound), bounded);
            assert!(drawn.iter().any(|x| x.abs() > 0.99 * bound));
        }
    }

    #[test]
    fn the_default_bound_is_kaimings_and_defined_without_inputs() {
        assert_eq!([0, 1, 16].map(default_bound), [0.0, 1.0, 0.25]);
        let gain = Gain::LeakyRelu(5.0_f64.sqrt()).value();
        assert!((gain * 3.0_f64.sqrt() / 7.0_f64.sqrt() - default_bound(7)).abs() < 1e-15);
        assert_eq!(xavier_uniform::<f64>(Shape::new(&[0, 0]), 1.0, &mut Rng::new(1))(0), 0.0);
    }

    #[test]
    #[should_panic(expected = "fans: at least two axes expected, the shape is [4]")]
    fn a_bias_has_no_fans() {
        fans(Shape::new(&[4]));
    }
}
