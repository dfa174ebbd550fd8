//! Tensors: shapes, strided views, elementwise operations and kernels; the numbers under Thalweg.
//!
//! A [`Tensor`] owns its numbers: a [`Shape`] and a vector in row-major order. A [`View`] borrows them with strides of
//! its own, so that a transpose, a slice or a row moves nothing. Operations take views and return tensors; whatever
//! reads as a view (a tensor, a slice, an array, a number) is one where one is asked for ([`AsView`]).
//! Everything is generic over [`Real`], which is `f32` for learning, `f64` for checking, and [`Dual`] for numbers that
//! carry a derivative with them. Nothing here knows of gradients.
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
//! let wet = known.gt(1.0);
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
//! | compare and choose | [`gt`](View::gt), [`le`](View::le), [`eq`](View::eq) and the others of PyTorch's names, [`is_nan`](View::is_nan), [`where_`](View::where_); [`allclose`](View::allclose), [`check_close`](View::check_close) |
//! | activate | [`relu`](View::relu), [`gelu`](View::gelu), [`silu`](View::silu), [`softplus`](View::softplus), [`sigmoid`](View::sigmoid) |
//! | reduce | [`sum`](View::sum), [`mean`](View::mean), [`var`](View::var), [`norm`](View::norm), [`max`](View::max), [`min`](View::min) of all elements; [`sum_axes`](View::sum_axes) and its like over some axes, [`log_sum_exp_axes`](View::log_sum_exp_axes); [`argmax`](View::argmax), [`cumsum`](View::cumsum) along one |
//! | join | [`concat`](Tensor::concat), [`stack`](Tensor::stack), [`pad`](View::pad) |
//! | pick by index | [`index_select`](View::index_select), [`gather`](View::gather), [`scatter_add`](View::scatter_add), [`top_k`](View::top_k), [`one_hot`](Tensor::one_hot) |
//! | multiply matrices | [`matmul`](View::matmul) for batches of them, [`matmul_add`] into a slice; [`tril`](View::tril), [`triu`](View::triu) |
//! | filter and pool images | [`conv2d`](View::conv2d), [`max_pool2d`](View::max_pool2d), [`avg_pool2d`](View::avg_pool2d) and their one-axis forms; a [`Window`] that slides ([`convolution`]) |
//! | read | `{}` in columns, `{:?}` with every digit, [`iter`](View::iter), [`at`](View::at), `x[[i, j]]` |
//! | draw numbers | [`Rng`], the only randomness there is |
//! | save and load | `serde`, and the numbers as [`bytes`](kernels::bytes) |
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
//! | `gt`, `ge`, `lt`, `le`, `eq` | 0 | the order of numbers; infinities of one sign are equal |
//! | `ne` | 1 | as `eq` |
//! | `is_nan`; `is_finite` | 1; 0 | 0; 0 |
//! | `where_` | in the mask: chooses as 1 does; in what is not chosen: no influence | as NaN |
//! | `powi(0)`, `pow(0)`, and `pow` of 1 | 1 | 1 |
//! | `sum`, `mean`, `cumsum` | NaN | as `+` says: `∞ − ∞` is NaN |
//! | `var`; `norm` | NaN | NaN; `∞` |
//! | `max`, `min`; `argmax`, `argmin` | NaN wins; the place of the first | the order of numbers |
//! | `log_sum_exp_axes` | NaN | `∞` at `∞`; `−∞` counts for nothing |
//! | `top_k` | before every number | the order of numbers |
//! | `matmul`, `conv2d` | NaN in every sum it is part of, though multiplied by 0 | as `+` and `*` say |
//! | `max_pool2d`; `avg_pool2d` | NaN wins; NaN | the order of numbers; as `+` says |
//! | views, `concat`, `stack`, `pad`, `gather`, `index_select` | moved as it is | moved as it is |
//! | `tril`, `triu` | 0 in the other triangle | 0 in the other triangle |
//! | `==`, `allclose`, `check_close` | differs from everything | infinities of one sign are equal |
//! | `{}` | `NaN` | `inf`, `-inf` |
//!
//! # Axes of length 0
//!
//! A tensor may have no elements; what is made of nothing is stated here. Tests hold every line.
//!
//! | operation | over nothing |
//! |---|---|
//! | functions, operators, views | nothing, in the shape that the rules give: `[2, 0] + [2, 1]` is `[2, 0]` |
//! | `sum`, `norm` | 0 |
//! | `mean`, `var` | NaN, which is 0 / 0 |
//! | `max`, `min`, `argmax`, `argmin` | panic, for there is none; but over a full axis of an empty tensor there are no results |
//! | `log_sum_exp_axes` | `−∞`, which is `ln 0` |
//! | `matmul` with inner size 0 | zeros |
//! | `concat`, `stack` | of no parts: panic; of empty parts: what the shapes say |
//! | `index_select`, `gather`, `top_k`, `one_hot` | of no indices or `k = 0`: an axis of length 0 |
//! | `scatter_add` | of no indices: a copy |
//! | `conv2d`, `max_pool2d`, `avg_pool2d` | no images of no images; `conv2d` of no channels: the bias |
//! | `global_avg_pool2d` | NaN, as `mean` |
//!
//! # Features
//!
//! `serde` (on by default): tensors, shapes and generators can be saved; loading checks that a shape fits its data.
//!
//! `rayon`: large matrix products run on several threads, with the same results to the bit.

mod activation;
mod as_view;
mod axis_range;
mod close;
mod combine;
mod compare;
pub mod convolution;
mod create;
mod dual;
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
pub use dual::Dual;
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
        is(x.elu(1.0), [99.0, INFINITY, -1.0]);
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
        is(x.gt(0.0), [0.0, 1.0, 0.0]);
        is(x.ge(&x), [0.0, 1.0, 1.0]);
        is(x.lt(0.0), [0.0, 0.0, 1.0]);
        is(x.le(&x), [0.0, 1.0, 1.0]);
        is(x.eq(&x), [0.0, 1.0, 1.0]);
        is(x.ne(&x), [1.0, 0.0, 0.0]);
        is(x.is_nan(), [1.0, 0.0, 0.0]);
        is(x.is_finite(), [0.0, 0.0, 0.0]);
        is(Tensor::scalar(1.0).where_(&x, 2.0), [1.0; 3]);
        is(x.where_(0.0, 2.0), [2.0; 3]);
        is(x.powi(0), [1.0; 3]);
        assert!(x != x && x.slice(0, 1..) == x.slice(0, 1..));
        assert!(!x.allclose(&x, 1.0, INFINITY) && x.slice(0, 1..).allclose(x.slice(0, 1..), 0.0, 0.0));
        assert_eq!(x.to_string(), "[ NaN,  inf, -inf]");
    }

    /// The lines of that table about reductions, indices and products, in order.
    #[test]
    fn nan_and_infinity_reach_what_they_are_part_of() {
        const NAN: f64 = f64::NAN;
        let assert_is = |y: &Tensor<f64>, expected: &[f64]| {
            testing::assert_same(&y.clone().reshape([expected.len()]), &Tensor::from_slice(expected));
        };
        let reduced = |x: [f64; 3]| {
            let x = Tensor::from_slice(&x);
            [x.sum(), x.mean(), x.var(false), x.norm(), x.max(), x.min(), x.log_sum_exp_axes(&[0], false).item()]
        };
        let cases = [
            ([1.0, NAN, INFINITY], [NAN; 7]),
            ([1.0, INFINITY, 2.0], [INFINITY, INFINITY, NAN, INFINITY, INFINITY, 1.0, INFINITY]),
            ([0.0, -INFINITY, -INFINITY], [-INFINITY, -INFINITY, NAN, INFINITY, 0.0, -INFINITY, 0.0]),
            ([INFINITY, -INFINITY, 0.0], [NAN, NAN, NAN, INFINITY, INFINITY, -INFINITY, INFINITY]),
        ];
        for (x, expected) in cases {
            assert_is(&Tensor::from_slice(&reduced(x)), &expected);
        }
        let x = Tensor::from_slice(&[1.0, INFINITY, NAN, -INFINITY]);
        assert_is(&x.cumsum(0), &[1.0, INFINITY, NAN, NAN]);
        assert_eq!([x.argmax(0), x.argmin(0)], [[2], [2]]);
        assert_eq!([x.slice(0, ..2).argmax(0), x.slice(0, 1..2).argmin(0)], [[1], [0]]);
        assert_eq!(x.top_k(4).1, [2, 1, 0, 3]);
        assert_is(&Tensor::new([2, 2], vec![0.0, 1.0, 1.0, 0.0]).matmul([NAN, 1.0]), &[NAN, NAN]);
        assert_is(&Tensor::new([2, 2], vec![0.0, 1.0, 1.0, 1.0]).matmul([INFINITY, 1.0]), &[NAN, INFINITY]);
        let image = x.clone().reshape([1, 4]);
        let kernel = Tensor::new([1, 1, 2], vec![1.0, 0.0]);
        assert_is(&image.conv1d(&kernel, None, ConvOptions::default()), &[NAN, NAN, NAN]);
        assert_is(&image.max_pool1d(Window::tiling([2])), &[INFINITY, NAN]);
        assert_is(&image.avg_pool1d(Window::tiling([2])), &[INFINITY, NAN]);
        let moved = [1.0, INFINITY, NAN, -INFINITY];
        assert_is(&Tensor::concat(&[x.slice(0, ..2), x.slice(0, 2..)], 0), &moved);
        assert_is(&Tensor::stack(&[&x], 0), &moved);
        assert_is(&x.slice(0, ..-1).to_tensor().pad(0, 0, 1, -INFINITY), &moved);
        assert_is(&x.gather(0, &[0, 1, 2, 3]), &moved);
        assert_is(&x.index_select(0, &[0, 1, 2, 3]), &moved);
        let matrix = x.reshape([2, 2]);
        assert_is(&matrix.tril(-1), &[0.0, 0.0, NAN, 0.0]);
        assert_is(&matrix.triu(1), &[0.0, INFINITY, 0.0, 0.0]);
    }

    /// The table of axes of length 0 in the crate's docs, its lines in order.
    #[test]
    fn what_is_made_of_nothing_is_what_the_table_says() {
        let empty = |sizes: &[usize]| Tensor::<f64>::zeros(sizes);
        let x = empty(&[2, 0]);
        assert_eq!((&x + Tensor::ones([2, 1])).shape().dims(), [2, 0]);
        assert_eq!(x.exp().transpose().shape().dims(), [0, 2]);
        assert_eq!((x.sum(), x.norm()), (0.0, 0.0));
        assert_eq!(x.sum_axes(&[1], false).as_slice(), [0.0; 2]);
        assert_eq!(x.norm_axes(Norm::Infinity, &[1], false).as_slice(), [0.0; 2]);
        assert!(x.mean().is_nan() && x.var(false).is_nan() && x.var(true).is_nan());
        assert_eq!(x.mean_axes(&[1], false).is_nan().sum(), 2.0);
        let panics = |work: fn(Tensor<f64>)| std::panic::catch_unwind(|| work(empty(&[2, 0]))).is_err();
        assert!(panics(|x| _ = x.max()) && panics(|x| _ = x.min()));
        assert!(panics(|x| drop(x.max_axes(&[1], false))) && panics(|x| drop(x.min_axes(&[1], false))));
        assert!(panics(|x| drop(x.argmax(1))) && panics(|x| drop(x.argmin(1))));
        assert!(x.max_axes(&[0], false).shape().dims() == [0] && x.argmin(0).is_empty());
        assert_eq!(x.log_sum_exp_axes(&[1], false).as_slice(), [-INFINITY; 2]);
        assert_eq!(x.matmul(empty(&[0, 3])), Tensor::zeros([2, 3]));
        assert!(panics(|_| drop(Tensor::<f64>::concat(&[0.0; 0], 0))) && panics(|_| drop(Tensor::stack(&[0.0; 0], 0))));
        assert_eq!(Tensor::concat(&[&x, &x], 0).shape().dims(), [4, 0]);
        assert_eq!(Tensor::stack(&[&x, &x, &x], 0).shape().dims(), [3, 2, 0]);
        let full = Tensor::<f64>::ones([2, 3]);
        assert_eq!(full.index_select(1, &[]).shape().dims(), [2, 0]);
        assert_eq!(full.gather(0, &[]).shape().dims(), [0, 3]);
        assert_eq!(full.top_k(0).0.shape().dims(), [2, 0]);
        assert_eq!(Tensor::<f64>::one_hot(&[], 3).shape().dims(), [0, 3]);
        assert_eq!(full.scatter_add(1, &[], &x), full);
        let [images, kernel] = [empty(&[0, 1, 4, 4]), Tensor::ones([5, 1, 2, 2])];
        assert_eq!(images.conv2d(&kernel, None, ConvOptions::default()).shape().dims(), [0, 5, 3, 3]);
        assert_eq!(images.max_pool2d(Window::tiling([2, 2])).shape().dims(), [0, 1, 2, 2]);
        assert_eq!(images.avg_pool2d(Window::tiling([2, 2])).shape().dims(), [0, 1, 2, 2]);
        let bias = Tensor::from_slice(&[7.0, 8.0]);
        let y = empty(&[0, 1, 1]).conv2d(empty(&[2, 0, 1, 1]), Some(bias.view()), ConvOptions::default());
        assert_eq!(y.as_slice(), [7.0, 8.0]);
        assert!(empty(&[1, 0, 2]).global_avg_pool2d().item().is_nan());
    }
}
