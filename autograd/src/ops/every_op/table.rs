//! The table itself.

use thalweg_tensor::{ConvOptions, Dual, Norm, Real, Rng, Tensor, Window};

use super::check::check;
use super::draw::*;
use crate::{RecurrentWeights, Var};

/// Draws inputs of one op and checks it there.
type Check = fn(&mut Rng) -> Result<(), String>;

/// `"name"(attributes = drawn): inputs => |variables| value`, where `r` is the generator, and `c(1.5)` in the value a
/// constant. The value is written once and compiled twice: over `f64` and over dual numbers.
macro_rules! table {
    (|$rng:ident, $constant:ident|
     $($name:literal $(($($attribute:pat_param = $drawn:expr),+))?: $inputs:expr => |$variables:pat_param| $value:expr,)*
    ) => {
        pub const OPS: &[(&str, Check)] = &[$(($name, |$rng| {
            $($(let $attribute = $drawn;)+)?
            let inputs = $inputs;
            #[allow(unused_variables, reason = "few values have constants")]
            check(
                $rng,
                inputs,
                &|$variables| { let $constant = <f64 as Real>::from_f64; $value },
                &|$variables| { let $constant = <Dual as Real>::from_f64; $value },
            )
        })),*];
    };
}

// Every op by the name of its method (an operator by that of its trait's), in the order of the files.
table! { |r, c|
    // arithmetic
    "add": pair(r, -2.0, 2.0) => |[a, b]| a + b + c(1.5),
    "sub": pair(r, -2.0, 2.0) => |[a, b]| a - b - c(1.5),
    "mul": pair(r, -2.0, 2.0) => |[a, b]| a * b * c(1.5),
    "div": pair(r, 0.5, 2.0) => |[a, b]| a / b / c(1.5),
    "neg": [any(r, -2.0, 2.0)] => |[x]| -x,
    // unary
    "exp": [any(r, -3.0, 3.0)] => |[x]| x.exp(),
    "ln": [any(r, 0.2, 4.0)] => |[x]| x.ln(),
    "exp_m1": [any(r, -3.0, 3.0)] => |[x]| x.exp_m1(),
    "ln_1p": [any(r, -0.8, 4.0)] => |[x]| x.ln_1p(),
    "erf": [any(r, -3.0, 3.0)] => |[x]| x.erf(),
    "tanh": [any(r, -3.0, 3.0)] => |[x]| x.tanh(),
    "sigmoid": [any(r, -5.0, 5.0)] => |[x]| x.sigmoid(),
    "relu": [off_zero(r)] => |[x]| x.relu(),
    // elementary: two are steps, and flat where they do not step
    "abs": [off_zero(r)] => |[x]| x.abs(),
    "sin": [any(r, -4.0, 4.0)] => |[x]| x.sin(),
    "cos": [any(r, -4.0, 4.0)] => |[x]| x.cos(),
    "sign": [off_zero(r)] => |[x]| x.sign(),
    "floor": [any(r, 1.1, 1.9)] => |[x]| x.floor(),
    "clamp": [distinct(r)] => |[x]| x.clamp(c(0.25), c(1.75)),
    // power
    "sqrt": [any(r, 0.2, 4.0)] => |[x]| x.sqrt(),
    "powi"(n = r.below(8) as i32 - 3): [any(r, 0.5, 1.5)] => |[x]| (-x).powi(n),
    "powf"(p = r.range(-2.0, 3.0)): [any(r, 0.5, 2.0)] => |[x]| x.powf(c(p)),
    "square": [any(r, -2.0, 2.0)] => |[x]| x.square(),
    "recip": [any(r, 0.5, 2.0)] => |[x]| x.recip(),
    "pow": pair(r, 0.5, 2.0) => |[a, b]| a.pow(b),
    // compare: steps, too
    "gt": apart(r) => |[a, b]| a * b * a.gt(b),
    "ge": apart(r) => |[a, b]| a * b * a.ge(b),
    "lt": apart(r) => |[a, b]| a * b * a.lt(b),
    "le": apart(r) => |[a, b]| a * b * a.le(b),
    "eq": apart(r) => |[a, b]| a * b * a.eq(b),
    "ne": apart(r) => |[a, b]| a * b * a.ne(b),
    // activation
    "leaky_relu": [off_zero(r)] => |[x]| x.leaky_relu(c(0.1)),
    "prelu": [off_zero(r), of(r, &[1])] => |[x, slope]| x.prelu(slope),
    "elu": [off_zero(r)] => |[x]| x.elu(c(0.7)),
    "softplus": [any(r, -4.0, 4.0)] => |[x]| x.softplus(),
    "gelu": [any(r, -4.0, 4.0)] => |[x]| x.gelu(),
    "silu": [any(r, -4.0, 4.0)] => |[x]| x.silu(),
    "mish": [any(r, -4.0, 4.0)] => |[x]| x.mish(),
    "gelu_tanh": [any(r, -4.0, 4.0)] => |[x]| x.gelu_tanh(),
    "selu": [off_zero(r)] => |[x]| x.selu(),
    "celu": [off_zero(r)] => |[x]| x.celu(c(0.7)),
    "log_sigmoid": [any(r, -4.0, 4.0)] => |[x]| x.log_sigmoid(),
    "tanhshrink": [any(r, -4.0, 4.0)] => |[x]| x.tanhshrink(),
    // the kinks of these are at −3, −1, 0, 1, 3 and 6
    "hardtanh": [distinct(r)] => |[x]| (x - c(2.05)).hardtanh(),
    "relu6": [distinct(r)] => |[x]| (x - c(0.05)).relu6(),
    "hardsigmoid": [distinct(r)] => |[x]| (x - c(3.05)).hardsigmoid(),
    "hardswish": [distinct(r)] => |[x]| (x - c(3.05)).hardswish(),
    "glu"((x, axis) = along(r)): [x] => |[x]| Var::concat(&[x, x - c(1.0)], axis).glu(axis),
    // select
    "maximum": apart(r) => |[a, b]| a.maximum(b) * c(2.0),
    "minimum": apart(r) => |[a, b]| a.minimum(b) * c(2.0),
    "where_"([a, b] = pair(r, -2.0, 2.0), mask = Tensor::from_fn(b.shape(), |_| r.below(2) as f64)):
        [a, b] => |[a, b]| a.where_(data(a, &mask), b),
    // affine; the many rows go through matrix products
    "affine"([n, i, o] = lengths(r), many = 17 * r.below(2)):
        [of(r, &[n + many, i]), of(r, &[o, i]), of(r, &[o])] => |[x, w, b]| x.affine(w, b),
    "linear"([n, i, o] = lengths(r)): [of(r, &[n, i]), of(r, &[o, i])] => |[x, w]| x.linear(w),
    "affine_with"([n, i, o] = lengths(r), activation = activation(r)):
        [of(r, &[n, i]), of(r, &[o, i]), of(r, &[o])] => |[x, w, b]| x.affine_with(w, Some(b), activation),
    "activate"(activation = activation(r)): [off_zero(r)] => |[x]| x.activate(activation),
    // matmul; with or without stacks
    "matmul"([m, k, n] = lengths(r), s = 1 + r.below(3), from = r.below(2)):
        [of(r, &[s, m, k][from..]), of(r, &[s, k, n][from..])] => |[a, b]| a.matmul(b),
    "matmul_transposed"([m, k, n] = lengths(r)):
        [of(r, &[2, m, k]), of(r, &[n, k])] => |[a, b]| a.matmul_transposed(b),
    "transposed_matmul"([m, k, n] = lengths(r)):
        [of(r, &[k, m]), of(r, &[2, 3, k, n])] => |[a, b]| a.transposed_matmul(b),
    // conv
    "conv1d"(
        [i, o, l] = sizes(r),
        [n, ..] = lengths(r),
        options = ConvOptions { stride: [2], padding: [1], ..ConvOptions::default() }
    ):
        [of(r, &[n, i, l]), of(r, &[o, i, 2]), of(r, &[o])] => |[x, w, b]| x.conv1d(w, Some(b), options),
    "conv2d"(
        [groups, h, w] = sizes(r),
        [n, ..] = lengths(r),
        options = ConvOptions { stride: [1, 2], padding: [2, 1], dilation: [2, 1], groups }
    ): [of(r, &[n, groups, h, w]), of(r, &[2 * groups, 1, 2, 3])] => |[x, w]| x.conv2d(w, None, options),
    // pool
    "max_pool1d": [filled(r, distinct)] => |[x]| x.max_pool1d(Window::new([2]).padding([1])),
    "max_pool2d": [filled(r, distinct)] =>
        |[x]| x.unsqueeze(0).max_pool2d(Window::new([2, 2]).padding([1, 1]).stride([2, 1])),
    "avg_pool1d": [filled(r, distinct)] => |[x]| x.avg_pool1d(Window::new([2]).padding([1])),
    "avg_pool2d": [filled(r, distinct)] =>
        |[x]| x.unsqueeze(0).avg_pool2d(Window::new([2, 2]).padding([1, 1]).stride([2, 1])),
    "global_avg_pool2d": [filled(r, distinct)] => |[x]| x.unsqueeze(0).global_avg_pool2d(),
    // reduce
    "sum": [any(r, -2.0, 2.0)] => |[x]| x.sum(),
    "mean": [filled(r, |r| any(r, -2.0, 2.0))] => |[x]| x.mean(),
    "sum_axes"((x, axis) = along(r)): [x] => |[x]| x.sum_axes(&[axis], true),
    "mean_axes"((x, axis) = filled_along(r)): [x] => |[x]| x.mean_axes(&[axis], true),
    "var_axes"((x, axis) = filled_along(r)): [x] => |[x]| x.var_axes(&[axis], false, true),
    "norm_axes"((x, axis) = filled_along(r), norm = [Norm::One, Norm::Two, Norm::Infinity][r.below(3)]):
        [x] => |[x]| (x + c(0.1)).norm_axes(norm, &[axis], true),
    "sum_axis"((x, axis) = along(r)): [x] => |[x]| x.sum_axis(axis),
    "mean_axis"((x, axis) = filled_along(r)): [x] => |[x]| x.mean_axis(axis),
    "var_axis"((x, axis) = filled_along(r)): [x] => |[x]| x.var_axis(axis, size(x, axis) > 2),
    "norm": [any(r, 0.5, 2.0)] => |[x]| x.norm(),
    "cumsum"((x, axis) = along(r)): [x] => |[x]| x.cumsum(axis),
    // extremes
    "max_axes"((x, axis) = filled_along(r)): [x] => |[x]| x.max_axes(&[axis], true),
    "min_axes"((x, axis) = filled_along(r)): [x] => |[x]| x.min_axes(&[axis], true),
    "log_sum_exp_axes"((x, axis) = filled_along(r)): [x] => |[x]| x.log_sum_exp_axes(&[axis], true),
    "max_axis"((x, axis) = filled_along(r)): [x] => |[x]| x.max_axis(axis),
    "min_axis"((x, axis) = filled_along(r)): [x] => |[x]| x.min_axis(axis),
    "log_sum_exp": [filled(r, distinct)] => |[x]| x.log_sum_exp(),
    // shape
    "reshape": [any(r, -2.0, 2.0)] => |[x]| x.reshape([x.shape().len()]),
    "row": [filled(r, distinct)] => |[x]| x.row(size(x, 0) - 1),
    "rows"([n, ..] = sizes(r), [width, k, _] = lengths(r), indices = indices(r, k, n)):
        [of(r, &[n, width])] => |[x]| x.rows(&indices),
    "slice"((x, axis) = along(r)): [x] => |[x]| x.slice(axis, size(x, axis) / 2..size(x, axis)),
    "slice_step"((x, axis) = along(r)): [x] => |[x]| x.slice_step(axis, 0..size(x, axis), 2),
    "split"((x, axis) = along(r)): [x] => |[x]| x.pad(axis, size(x, axis), 0).split::<2>(axis)[1],
    "concat"((x, axis) = along(r)): [x] => |[x]| Var::concat(&[x, x * c(2.0)], axis),
    "stack": [any(r, -2.0, 2.0)] => |[x]| Var::stack(&[x, x * c(2.0)]),
    "stack_axis"((x, axis) = along(r)): [x] => |[x]| Var::stack_axis(&[x, x * c(2.0)], axis),
    "transpose"([m, n, _] = lengths(r)): [of(r, &[m, n])] => |[x]| x.transpose(),
    // rearrange
    "permute"(axes = r.permutation(3), dims = lengths(r)): [of(r, &dims)] => |[x]| x.permute(&axes),
    "broadcast_to": pair(r, -2.0, 2.0) => |[a, b]| a.broadcast_to((a + b).shape()) + b,
    "squeeze"((x, axis) = filled_along(r)): [x] => |[x]| x.slice(axis, 0..1).squeeze(axis),
    "unsqueeze"((x, axis) = along(r)): [x] => |[x]| x.unsqueeze(axis),
    "tril"((x, axis) = along(r)): [x] => |[x]| x.unsqueeze(axis).tril(-1),
    "triu"((x, axis) = along(r)): [x] => |[x]| x.unsqueeze(axis).triu(1),
    "pad"((x, axis) = along(r)): [x] => |[x]| x.pad(axis, 1, 2),
    // indexing
    "gather"([n, ..] = sizes(r), [rows, k, _] = lengths(r), indices = indices(r, rows * k, n)):
        [of(r, &[rows, n])] => |[x]| x.gather(1, &indices),
    "index_select"((x, axis) = filled_along(r)): [x] => |[x]| x.index_select(axis, &[0, size(x, axis) - 1, 0]),
    "scatter_add"([n, width, _] = sizes(r), [k, ..] = lengths(r), indices = indices(r, k * width, n)):
        [of(r, &[n, width]), of(r, &[k, width])] => |[x, values]| x.scatter_add(0, &indices, values),
    "top_k": [filled(r, distinct)] => |[x]| x.top_k(1, &mut Vec::new()),
    "index_add"([n, ..] = sizes(r), [width, k, _] = lengths(r), indices = indices(r, k, n)):
        [of(r, &[n, width]), of(r, &[k, width])] => |[x, rows]| x.index_add(&indices, rows),
    // norm
    "standardize": [distinct(r)] => |[x]| x.standardize(c(0.1)),
    "layer_norm"([rows, n, _] = lengths(r)):
        [of(r, &[rows, n]), of(r, &[n]), of(r, &[n])] => |[x, w, b]| x.layer_norm(w, b, c(0.1)),
    // recurrent
    "rnn"(activation = smooth_activation(r), (inputs, lengths) = cell(r, 1)):
        inputs => |[x, h, weights @ ..]| x.rnn(h, recurrent(weights), activation, &lengths),
    "lstm"((inputs, lengths) = cell(r, 4)): inputs => |[x, h, weights @ ..]| {
        let (outputs, [last, cell]) = x.lstm([h, h * c(0.5)], recurrent(weights), &lengths);
        Var::concat(&[outputs.sum_axis(0), last, cell], 0)
    },
    "gru"((inputs, lengths) = cell(r, 3)): inputs => |[x, h, weights @ ..]| x.gru(h, recurrent(weights), &lengths),
    // loss
    "softmax": [distinct(r)] => |[x]| x.softmax(),
    "log_softmax": [distinct(r)] => |[x]| x.log_softmax(),
    "cross_entropy"([rows, n, _] = sizes(r), classes = indices(r, rows, n)):
        [of(r, &[rows, n])] => |[x]| x.cross_entropy(&classes),
    "bce_with_logits": [filled(r, off_zero)] => |[x]| x.bce_with_logits(x.sigmoid()),
    "mse": [filled(r, |r| any(r, -2.0, 2.0))] => |[x]| x.mse(x * x),
}

/// The size of an axis.
fn size<T: Real>(x: Var<'_, T>, axis: usize) -> usize {
    x.shape().dims()[axis]
}

/// Numbers without gradient, on the tape of `like`.
fn data<'p, T: Real>(like: Var<'p, T>, numbers: &Tensor<f64>) -> Var<'p, T> {
    like.pass().input(&Tensor::from_fn(numbers.shape(), |i| T::from_f64(numbers.as_slice()[i])))
}

/// The weights of a cell.
fn recurrent<T: Real>([weight_ih, weight_hh, bias_ih, bias_hh]: [Var<'_, T>; 4]) -> RecurrentWeights<'_, T> {
    RecurrentWeights { weight_ih, weight_hh, bias: Some([bias_ih, bias_hh]) }
}
