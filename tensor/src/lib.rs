//! Tensors: shapes, strided views, elementwise operations and kernels; the numbers under Thalweg.
//!
//! A [`Tensor`] owns its numbers: a [`Shape`] and a vector in row-major order. A [`View`] borrows them with strides of
//! its own, so that a transpose, a slice or a row moves nothing. Operations take views and return tensors; whatever
//! reads as a view (a tensor, a slice, an array, a number) is one where one is asked for ([`AsView`]).
//! Everything is generic over [`Real`], which is `f32` for learning and `f64` for checking. Nothing here knows of
//! gradients.
//!
//! # A first walk
//!
//! ```
//! use thalweg_tensor::Tensor;
//!
//! // Rain in millimetres: two towns, four days. The last measurement is missing.
//! let rain = Tensor::new([2, 4], vec![0.0_f32, 12.5, 3.0, 0.5, 8.0, 0.0, 1.5, f32::NAN]);
//! assert_eq!(rain[[0, 1]], 12.5);
//!
//! // Views: the second town, the last two days, the days as rows. Nothing is copied.
//! assert_eq!(rain.row(1).at(&[0]), 8.0);
//! assert_eq!(rain.slice(1, -2..).shape().dims(), [2, 2]);
//! let days = rain.transpose();
//! assert_eq!(days.step_by(0, 2).to_string(), "\
//! [[0.0, 8.0],
//!  [3.0, 1.5]]");
//!
//! // Masks are tensors of 0 and 1. What is missing counts as dry; what is not chosen has no influence.
//! let known = rain.where_(rain.is_finite(), 0.0);
//! let wet = known.greater(1.0);
//! assert_eq!(wet.as_slice(), [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
//!
//! // Shapes are stretched from the last axis backwards, where a size is 1 or missing: a gauge for each town.
//! let gauges = Tensor::from_slice(&[1.0_f32, 0.5]);
//! let corrected = &known * gauges.unsqueeze(1);
//! assert_eq!(corrected.row(1).to_tensor().as_slice(), [4.0, 0.0, 0.75, 0.0]);
//! assert_eq!(format!("{:.1}", (corrected + 1.0).ln()), "\
//! [[0.0, 2.6, 1.4, 0.4],
//!  [1.6, 0.0, 0.6, 0.0]]");
//! ```
//!
//! # Where things are
//!
//! | to | there is |
//! |---|---|
//! | make a tensor | [`new`](Tensor::new), [`zeros`](Tensor::zeros), [`full`](Tensor::full), [`arange`](Tensor::arange), [`linspace`](Tensor::linspace), [`eye`](Tensor::eye), [`from_fn`](Tensor::from_fn), [`normal`](Tensor::normal), [`uniform`](Tensor::uniform), [`permutation`](Tensor::permutation); `try_` forms for sizes from outside |
//! | see it along other axes | [`transpose`](View::transpose), [`permute`](View::permute), [`swap_axes`](View::swap_axes), [`reshape`](View::reshape), [`broadcast_to`](View::broadcast_to), [`squeeze`](View::squeeze), [`unsqueeze`](View::unsqueeze) |
//! | see a part | [`slice`](View::slice), [`step_by`](View::step_by), [`row`](View::row), [`select`](View::select), [`split`](View::split), [`split_at`](View::split_at) |
//! | calculate | `+ - * /`, [`exp`](View::exp), [`sqrt`](View::sqrt), [`maximum`](View::maximum), [`clamp`](View::clamp) and more; [`map`](View::map) and [`zip_with`](View::zip_with) for what is missing; `+=` and [`map_in_place`](Tensor::map_in_place) |
//! | compare and choose | [`greater`](View::greater), [`less_equal`](View::less_equal), [`equal`](View::equal), [`is_nan`](View::is_nan), [`where_`](View::where_); [`allclose`](View::allclose), [`check_close`](View::check_close) |
//! | activate | [`relu`](View::relu), [`gelu`](View::gelu), [`silu`](View::silu), [`softplus`](View::softplus), [`sigmoid`](View::sigmoid) |
//! | filter and pool images | [`conv2d`](View::conv2d), [`max_pool2d`](View::max_pool2d), [`avg_pool2d`](View::avg_pool2d) and their one-axis forms; a [`Window`] that slides ([`convolution`]) |
//! | read | `{}` in columns, `{:?}` with every digit, [`iter`](View::iter), [`at`](View::at), `x[[i, j]]` |
//! | draw numbers | [`Rng`], the only randomness there is |
//! | write a loop of one's own | [`kernels`], functions over slices for several instruction sets; [`walk`], several shapes side by side |
//!
//! # NaN and infinity
//!
//! A NaN does not vanish: what is computed from it is NaN, unless this table says otherwise. Tests hold every line.
//!
//! | operation | NaN | infinity |
//! |---|---|---|
//! | `+ - * /`, functions | NaN | as IEEE 754 says: `∞ − ∞`, `0 · ∞`, `∞ / ∞` are NaN; `1 / 0 = ∞`, `ln 0 = −∞`, `√−1` and `ln −1` are NaN |
//! | `maximum`, `minimum` | NaN where either is | the order of numbers |
//! | `clamp`, `relu`, `leaky_relu`, `elu`, `softplus` | NaN | their limits: `relu(−∞) = 0`, `elu(−∞) = −1`, `clamp(∞) = high` |
//! | `silu`, `gelu`, `gelu_tanh` | NaN | `∞` at `∞`; NaN at `−∞`, which is multiplied by 0 |
//! | `greater`, `greater_equal`, `less`, `less_equal`, `equal` | 0 | the order of numbers; infinities of one sign are equal |
//! | `not_equal` | 1 | as `equal` |
//! | `is_nan`; `is_finite` | 1; 0 | 0; 0 |
//! | `where_` | in the mask: chooses as 1 does; in what is not chosen: no influence | as NaN |
//! | `powi(0)`, `pow(0)`, and `pow` of 1 | 1 | 1 |
//! | `==`, `allclose`, `check_close` | differs from everything | infinities of one sign are equal |
//! | `{}` | `NaN` | `inf`, `-inf` |
//!
//! # Features
//!
//! `serde` (on by default): tensors, shapes and generators can be saved; loading checks that a shape fits its data.

mod activation;
mod as_view;
mod axis_range;
mod close;
mod combine;
mod compare;
pub mod convolution;
mod create;
mod elementary;
mod elements;
mod elementwise;
mod error;
mod index;
mod join;
pub mod kernels;
mod operators;
mod print;
mod product;
mod real;
mod rearrange;
mod reduce;
mod rng;
mod shape;
mod slice;
mod strides;
mod tensor;
#[cfg(test)]
mod testing;
mod view;
mod walk;
mod whole;

pub use as_view::AsView;
pub use axis_range::{AxisIndex, AxisRange};
pub use close::NotClose;
pub use convolution::{ConvOptions, Convolution, Window};
pub use elements::Elements;
pub use error::ShapeError;
pub use product::matmul_add;
pub use real::Real;
pub use reduce::Norm;
pub use rng::Rng;
pub use shape::{MAX_RANK, Shape};
pub use tensor::Tensor;
pub use view::View;
pub use walk::walk;

#[cfg(test)]
mod tests {
    use super::*;

    const INFINITY: f64 = f64::INFINITY;

    /// The table of NaN and infinity in the crate's docs, its lines in order.
    #[test]
    fn nan_and_infinity_behave_as_the_table_says() {
        let x = Tensor::from_slice(&[f64::NAN, INFINITY, -INFINITY]);
        // NaN is written as a number that no line yields.
        let is = |y: Tensor<f64>, expected: [f64; 3]| assert_eq!(y.where_(1.0 - y.is_nan(), 99.0).as_slice(), expected);
        for y in [&x - &x, &x * 0.0, &x / &x] {
            is(y, [99.0; 3]);
        }
        is(x.sqrt(), [99.0, INFINITY, 99.0]);
        is(x.ln(), [99.0, INFINITY, 99.0]);
        assert_eq!(Tensor::scalar(0.0_f64).ln().item(), -INFINITY);
        assert_eq!(Tensor::scalar(0.0_f64).recip().item(), INFINITY);
        is(x.exp(), [99.0, INFINITY, 0.0]);
        is(x.tanh(), [99.0, 1.0, -1.0]);
        is(x.sigmoid(), [99.0, 1.0, 0.0]);
        is(x.maximum(1.0), [99.0, INFINITY, 1.0]);
        is(Tensor::scalar(1.0).minimum(&x), [99.0, 1.0, -INFINITY]);
        is(x.clamp(-2.0, 2.0), [99.0, 2.0, -2.0]);
        is(x.relu(), [99.0, INFINITY, 0.0]);
        is(x.leaky_relu(0.1), [99.0, INFINITY, -INFINITY]);
        is(x.elu(), [99.0, INFINITY, -1.0]);
        is(x.softplus(), [99.0, INFINITY, 0.0]);
        is(x.silu(), [99.0, INFINITY, 99.0]);
        is(x.gelu(), [99.0, INFINITY, 99.0]);
        is(x.gelu_tanh(), [99.0, INFINITY, 99.0]);
        is(x.erf(), [99.0, 1.0, -1.0]);
        is(x.sign(), [99.0, 1.0, -1.0]);
        is(x.sin(), [99.0; 3]);
        is(x.cos(), [99.0; 3]);
        is(x.pow(0.0), [1.0; 3]);
        is(Tensor::scalar(1.0).pow(&x), [1.0; 3]);
        is(x.greater(0.0), [0.0, 1.0, 0.0]);
        is(x.greater_equal(&x), [0.0, 1.0, 1.0]);
        is(x.less(0.0), [0.0, 0.0, 1.0]);
        is(x.less_equal(&x), [0.0, 1.0, 1.0]);
        is(x.equal(&x), [0.0, 1.0, 1.0]);
        is(x.not_equal(&x), [1.0, 0.0, 0.0]);
        is(x.is_nan(), [1.0, 0.0, 0.0]);
        is(x.is_finite(), [0.0, 0.0, 0.0]);
        is(Tensor::scalar(1.0).where_(&x, 2.0), [1.0; 3]);
        is(x.where_(0.0, 2.0), [2.0; 3]);
        is(x.powi(0), [1.0; 3]);
        assert!(x != x && x.slice(0, 1..) == x.slice(0, 1..));
        assert!(!x.allclose(&x, 1.0, INFINITY) && x.slice(0, 1..).allclose(x.slice(0, 1..), 0.0, 0.0));
        assert_eq!(x.to_string(), "[ NaN,  inf, -inf]");
    }
}
