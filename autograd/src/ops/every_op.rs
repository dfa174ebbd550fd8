//! The table of every differentiable op: each is differentiated at random inputs of random shapes, and an op that is not
//! in the table fails a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use thalweg_tensor::{ConvOptions, Norm, Rng, Shape, Tensor, Window};

use crate::gradcheck::{GradientMismatch, gradcheck};
use crate::{Activation, RecurrentWeights, Var};

mod dual;

/// Checks one op at inputs that it draws.
type Check = fn(&mut Rng) -> Result<(), GradientMismatch>;

/// Every op by the name of its method, in the order of the files.
const OPS: &[(&str, Check)] = &[
    // arithmetic: operators, whose names are those of the traits' methods
    ("add", |r| gradcheck(pair(r, -2.0, 2.0), |[a, b]| a + b + 1.5)),
    ("sub", |r| gradcheck(pair(r, -2.0, 2.0), |[a, b]| a - b - 1.5)),
    ("mul", |r| gradcheck(pair(r, -2.0, 2.0), |[a, b]| a * b * 1.5)),
    ("div", |r| gradcheck(pair(r, 0.5, 2.0), |[a, b]| a / b / 1.5)),
    ("neg", |r| gradcheck([any_shape(r, -2.0, 2.0)], |[x]| -x)),
    // unary
    ("exp", |r| gradcheck([any_shape(r, -3.0, 3.0)], |[x]| x.exp())),
    ("ln", |r| gradcheck([any_shape(r, 0.2, 4.0)], |[x]| x.ln())),
    ("exp_m1", |r| gradcheck([any_shape(r, -3.0, 3.0)], |[x]| x.exp_m1())),
    ("ln_1p", |r| gradcheck([any_shape(r, -0.8, 4.0)], |[x]| x.ln_1p())),
    ("erf", |r| gradcheck([any_shape(r, -3.0, 3.0)], |[x]| x.erf())),
    ("tanh", |r| gradcheck([any_shape(r, -3.0, 3.0)], |[x]| x.tanh())),
    ("sigmoid", |r| gradcheck([any_shape(r, -5.0, 5.0)], |[x]| x.sigmoid())),
    ("relu", |r| gradcheck([off_zero(r)], |[x]| x.relu())),
    // elementary
    ("abs", |r| gradcheck([off_zero(r)], |[x]| x.abs())),
    ("sin", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.sin())),
    ("cos", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.cos())),
    ("sign", |r| gradcheck([off_zero(r)], |[x]| x.sign())),
    ("floor", |r| gradcheck([any_shape(r, 1.1, 1.9)], |[x]| x.floor())),
    ("clamp", |r| gradcheck([distinct(r)], |[x]| x.clamp(0.25, 1.75))),
    // power
    ("sqrt", |r| gradcheck([any_shape(r, 0.2, 4.0)], |[x]| x.sqrt())),
    ("powi", |r| {
        let n = r.below(8) as i32 - 3;
        gradcheck([any_shape(r, 0.5, 1.5)], |[x]| (-x).powi(n))
    }),
    ("powf", |r| {
        let p = r.range(-2.0, 3.0);
        gradcheck([any_shape(r, 0.5, 2.0)], |[x]| x.powf(p))
    }),
    ("square", |r| gradcheck([any_shape(r, -2.0, 2.0)], |[x]| x.square())),
    ("recip", |r| gradcheck([any_shape(r, 0.5, 2.0)], |[x]| x.recip())),
    ("pow", |r| gradcheck(pair(r, 0.5, 2.0), |[a, b]| a.pow(b))),
    // compare
    ("gt", |r| gradcheck([distinct(r)], |[x]| x * x.gt(x.pass().input(&[0.75])))),
    ("ge", |r| gradcheck([distinct(r)], |[x]| x * x.ge(x.pass().input(&[0.75])))),
    ("lt", |r| gradcheck([distinct(r)], |[x]| x * x.lt(x.pass().input(&[0.75])))),
    ("le", |r| gradcheck([distinct(r)], |[x]| x * x.le(x.pass().input(&[0.75])))),
    ("eq", |r| gradcheck([distinct(r)], |[x]| x * x.eq(x.pass().input(&[0.75])))),
    ("ne", |r| gradcheck([distinct(r)], |[x]| x * x.ne(x.pass().input(&[0.75])))),
    // activation
    ("leaky_relu", |r| gradcheck([off_zero(r)], |[x]| x.leaky_relu(0.1))),
    ("prelu", |r| gradcheck([off_zero(r), of(r, &[1])], |[x, slope]| x.prelu(slope))),
    ("elu", |r| gradcheck([off_zero(r)], |[x]| x.elu(0.7))),
    ("softplus", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.softplus())),
    ("gelu", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.gelu())),
    ("silu", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.silu())),
    ("mish", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.mish())),
    ("gelu_tanh", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.gelu_tanh())),
    ("selu", |r| gradcheck([off_zero(r)], |[x]| x.selu())),
    ("celu", |r| gradcheck([off_zero(r)], |[x]| x.celu(0.7))),
    ("log_sigmoid", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.log_sigmoid())),
    ("tanhshrink", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.tanhshrink())),
    // the kinks of these are at −3, −1, 0, 1, 3 and 6
    ("hardtanh", |r| gradcheck([distinct(r)], |[x]| (x + 0.05).hardtanh())),
    ("relu6", |r| gradcheck([distinct(r)], |[x]| (x + 0.05).relu6())),
    ("hardsigmoid", |r| gradcheck([distinct(r)], |[x]| (x - 3.05).hardsigmoid())),
    ("hardswish", |r| gradcheck([distinct(r)], |[x]| (x - 3.05).hardswish())),
    ("glu", |r| along(r, |x, axis| Var::concat(&[x, x - 1.0], axis).glu(axis))),
    // select
    ("maximum", |r| gradcheck([distinct(r)], |[x]| x.maximum(x.pass().input(&[0.75])) * 2.0)),
    ("minimum", |r| gradcheck([distinct(r)], |[x]| x.minimum(x.pass().input(&[0.75])) * 2.0)),
    ("where_", |r| {
        let ab = pair(r, -2.0, 2.0);
        let mask = Tensor::from_fn(ab[1].shape(), |_| r.below(2) as f64);
        gradcheck(ab, |[a, b]| a.where_(a.pass().input(&mask), b))
    }),
    // affine
    ("affine", |r| {
        let [n, i, o] = sizes(r);
        gradcheck([of(r, &[n, i]), of(r, &[o, i]), of(r, &[o])], |[x, w, b]| x.affine(w, b))
    }),
    ("linear", |r| {
        let [n, i, o] = sizes(r);
        gradcheck([of(r, &[n, i]), of(r, &[o, i])], |[x, w]| x.linear(w))
    }),
    ("affine_with", |r| {
        let ([n, i, o], activation) = (sizes(r), activation(r));
        gradcheck([of(r, &[n, i]), of(r, &[o, i]), of(r, &[o])], |[x, w, b]| x.affine_with(w, Some(b), activation))
    }),
    ("activate", |r| {
        let activation = activation(r);
        gradcheck([off_zero(r)], |[x]| x.activate(activation))
    }),
    // matmul
    ("matmul", |r| {
        let [m, k, n] = sizes(r);
        let s = 1 + r.below(3);
        gradcheck([of(r, &[m, k]), of(r, &[k, n])], |[a, b]| a.matmul(b))?;
        gradcheck([of(r, &[s, m, k]), of(r, &[s, k, n])], |[a, b]| a.matmul(b))
    }),
    ("matmul_transposed", |r| {
        let [m, k, n] = sizes(r);
        gradcheck([of(r, &[2, m, k]), of(r, &[n, k])], |[a, b]| a.matmul_transposed(b))
    }),
    ("transposed_matmul", |r| {
        let [m, k, n] = sizes(r);
        gradcheck([of(r, &[k, m]), of(r, &[2, 3, k, n])], |[a, b]| a.transposed_matmul(b))
    }),
    // conv
    ("conv1d", |r| {
        let [c, o, l] = sizes(r);
        let options = ConvOptions { stride: [2], padding: [1], ..ConvOptions::default() };
        gradcheck([of(r, &[2, c, l]), of(r, &[o, c, 2]), of(r, &[o])], |[x, w, b]| x.conv1d(w, Some(b), options))
    }),
    ("conv2d", |r| {
        let [g, h, w] = sizes(r);
        let options = ConvOptions { stride: [1, 2], padding: [2, 1], dilation: [2, 1], groups: g };
        gradcheck([of(r, &[2, g, h, w]), of(r, &[2 * g, 1, 2, 3])], |[x, w]| x.conv2d(w, None, options))
    }),
    // pool
    ("max_pool1d", |r| along(r, |x, _axis| x.max_pool1d(Window::new([2]).padding([1])))),
    ("max_pool2d", |r| {
        along(r, |x, _axis| x.unsqueeze(0).max_pool2d(Window::new([2, 2]).padding([1, 1]).stride([2, 1])))
    }),
    ("avg_pool1d", |r| along(r, |x, _axis| x.avg_pool1d(Window::new([2]).padding([1])))),
    ("avg_pool2d", |r| {
        along(r, |x, _axis| x.unsqueeze(0).avg_pool2d(Window::new([2, 2]).padding([1, 1]).stride([2, 1])))
    }),
    ("global_avg_pool2d", |r| along(r, |x, _axis| x.unsqueeze(0).global_avg_pool2d())),
    // reduce
    ("sum", |r| gradcheck([any_shape(r, -2.0, 2.0)], |[x]| x.sum())),
    ("mean", |r| gradcheck([any_shape(r, -2.0, 2.0)], |[x]| x.mean())),
    ("sum_axes", |r| along(r, |x, axis| x.sum_axes(&[axis], true))),
    ("mean_axes", |r| along(r, |x, axis| x.mean_axes(&[axis], true))),
    ("var_axes", |r| along(r, |x, axis| x.var_axes(&[axis], false, true))),
    ("norm_axes", |r| along(r, |x, axis| (x + 0.1).norm_axes(Norm::Two, &[axis], true))),
    ("sum_axis", |r| along(r, |x, axis| x.sum_axis(axis))),
    ("mean_axis", |r| along(r, |x, axis| x.mean_axis(axis))),
    ("var_axis", |r| along(r, |x, axis| x.var_axis(axis, x.shape().dims()[axis] > 2))),
    ("norm", |r| gradcheck([any_shape(r, 0.5, 2.0)], |[x]| x.norm())),
    ("cumsum", |r| along(r, |x, axis| x.cumsum(axis))),
    // extremes
    ("max_axes", |r| along(r, |x, axis| x.max_axes(&[axis], true))),
    ("min_axes", |r| along(r, |x, axis| x.min_axes(&[axis], true))),
    ("log_sum_exp_axes", |r| along(r, |x, axis| x.log_sum_exp_axes(&[axis], true))),
    ("max_axis", |r| along(r, |x, axis| x.max_axis(axis))),
    ("min_axis", |r| along(r, |x, axis| x.min_axis(axis))),
    ("log_sum_exp", |r| along(r, |x, _axis| x.log_sum_exp())),
    // shape
    ("reshape", |r| gradcheck([any_shape(r, -2.0, 2.0)], |[x]| x.reshape([x.shape().len()]))),
    ("row", |r| along(r, |x, _axis| x.row(x.shape().dims()[0] - 1))),
    ("rows", |r| {
        let [n, width, k] = sizes(r);
        let indices: Vec<usize> = (0..k).map(|_| r.below(n)).collect();
        gradcheck([of(r, &[n, width])], |[x]| x.rows(&indices))
    }),
    ("slice", |r| along(r, |x, axis| x.slice(axis, x.shape().dims()[axis] / 2..x.shape().dims()[axis]))),
    ("slice_step", |r| along(r, |x, axis| x.slice_step(axis, 0..x.shape().dims()[axis], 2))),
    ("split", |r| along(r, |x, axis| x.pad(axis, x.shape().dims()[axis], 0).split::<2>(axis)[1])),
    ("concat", |r| along(r, |x, axis| Var::concat(&[x, x * 2.0], axis))),
    ("stack", |r| along(r, |x, _axis| Var::stack(&[x, x * 2.0]))),
    ("stack_axis", |r| along(r, |x, axis| Var::stack_axis(&[x, x * 2.0], axis))),
    ("transpose", |r| {
        let [m, n, _] = sizes(r);
        gradcheck([of(r, &[m, n])], |[x]| x.transpose())
    }),
    // rearrange
    ("permute", |r| {
        let axes = r.permutation(3);
        let dims = sizes(r);
        gradcheck([of(r, &dims)], |[x]| x.permute(&axes))
    }),
    ("broadcast_to", |r| {
        let [a, b] = pair(r, -2.0, 2.0);
        let shape = a.shape().broadcast(b.shape()).expect("a pair broadcasts");
        gradcheck([a], |[a]| a.broadcast_to(shape))
    }),
    ("squeeze", |r| along(r, |x, axis| x.slice(axis, 0..1).squeeze(axis))),
    ("unsqueeze", |r| along(r, |x, axis| x.unsqueeze(axis))),
    ("tril", |r| along(r, |x, axis| x.unsqueeze(axis).tril(-1))),
    ("triu", |r| along(r, |x, axis| x.unsqueeze(axis).triu(1))),
    ("pad", |r| along(r, |x, axis| x.pad(axis, 1, 2))),
    // indexing
    ("gather", |r| {
        let [rows, n, k] = sizes(r);
        let indices: Vec<usize> = (0..rows * k).map(|_| r.below(n)).collect();
        gradcheck([of(r, &[rows, n])], |[x]| x.gather(1, &indices))
    }),
    ("index_select", |r| along(r, |x, axis| x.index_select(axis, &[0, x.shape().dims()[axis] - 1, 0]))),
    ("scatter_add", |r| {
        let [n, width, k] = sizes(r);
        let indices: Vec<usize> = (0..k * width).map(|_| r.below(n)).collect();
        gradcheck([of(r, &[n, width]), of(r, &[k, width])], |[x, v]| x.scatter_add(0, &indices, v))
    }),
    ("top_k", |r| along(r, |x, _axis| x.top_k(1, &mut Vec::new()))),
    ("index_add", |r| {
        let [n, width, k] = sizes(r);
        let indices: Vec<usize> = (0..k).map(|_| r.below(n)).collect();
        gradcheck([of(r, &[n, width]), of(r, &[k, width])], |[x, rows]| x.index_add(&indices, rows))
    }),
    // norm
    ("standardize", |r| along(r, |x, _axis| x.standardize(0.1))),
    ("layer_norm", |r| {
        let [rows, n, _] = sizes(r);
        gradcheck([of(r, &[rows, n]), of(r, &[n]), of(r, &[n])], |[x, w, b]| x.layer_norm(w, b, 0.1))
    }),
    // recurrent
    ("rnn_tanh", |r| recurrent(r, 1, |x, h, w| x.rnn_tanh(h, w))),
    ("lstm", |r| {
        recurrent(r, 4, |x, h, w| {
            let (outputs, [last, cell]) = x.lstm([h, h * 0.5], w);
            Var::concat(&[outputs.sum_axis(0), last, cell], 0)
        })
    }),
    ("gru", |r| recurrent(r, 3, |x, h, w| x.gru(h, w))),
    // loss
    ("softmax", |r| along(r, |x, _axis| x.softmax())),
    ("log_softmax", |r| along(r, |x, _axis| x.log_softmax())),
    ("cross_entropy", |r| {
        let [rows, n, _] = sizes(r);
        let classes: Vec<usize> = (0..rows).map(|_| r.below(n)).collect();
        gradcheck([of(r, &[rows, n])], |[x]| x.cross_entropy(&classes))
    }),
    ("bce_with_logits", |r| gradcheck([off_zero(r)], |[x]| x.bce_with_logits(x.sigmoid()))),
    ("mse", |r| gradcheck([any_shape(r, -2.0, 2.0)], |[x]| x.mse(x * x))),
];

/// Any activation.
fn activation(rng: &mut Rng) -> Activation {
    [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid][rng.below(4)]
}

/// A tensor of this shape with elements in −2..2.
fn of(rng: &mut Rng, dims: &[usize]) -> Tensor<f64> {
    Tensor::uniform(dims, -2.0, 2.0, rng)
}

/// Three sizes of 1 to 4.
fn sizes(rng: &mut Rng) -> [usize; 3] {
    std::array::from_fn(|_| 1 + rng.below(4))
}

/// A shape of up to three axes, at least as many as asked for, of 1 to 4.
fn shape(rng: &mut Rng, at_least: usize) -> Shape {
    let rank = at_least + rng.below(4 - at_least);
    Shape::from(&sizes(rng)[..rank])
}

/// A tensor of any shape.
fn any_shape(rng: &mut Rng, low: f64, high: f64) -> Tensor<f64> {
    Tensor::uniform(shape(rng, 0), low, high, rng)
}

/// A tensor of any shape, of both signs, away from 0.
fn off_zero(rng: &mut Rng) -> Tensor<f64> {
    let x = any_shape(rng, -2.0, 2.0);
    Tensor::from_fn(x.shape(), |i| x.as_slice()[i] + x.as_slice()[i].signum() * 0.1)
}

/// A tensor of any shape of at least one axis, whose elements are different tenths, 0 to 6.3.
fn distinct(rng: &mut Rng) -> Tensor<f64> {
    let shape = shape(rng, 1);
    let order = rng.permutation(shape.len());
    Tensor::from_fn(shape, |i| order[i] as f64 / 10.0)
}

/// Two tensors that broadcast: some sizes of each are 1, and some leading axes are missing.
fn pair(rng: &mut Rng, low: f64, high: f64) -> [Tensor<f64>; 2] {
    let whole = sizes(rng);
    [(); 2].map(|()| {
        let dims = whole.map(|size| if rng.below(3) == 0 { 1 } else { size });
        let missing = rng.below(4);
        Tensor::uniform(&dims[missing..], low, high, rng)
    })
}

/// Checks an op that works along an axis.
fn along(rng: &mut Rng, op: for<'p> fn(Var<'p, f64>, usize) -> Var<'p, f64>) -> Result<(), GradientMismatch> {
    let x = distinct(rng);
    let axis = rng.below(x.shape().rank());
    gradcheck([x], |[x]| op(x, axis))
}

/// Checks a recurrent cell with this many gates, over a random number of steps.
fn recurrent(
    rng: &mut Rng,
    gates: usize,
    op: for<'p> fn(Var<'p, f64>, Var<'p, f64>, RecurrentWeights<'p, f64>) -> Var<'p, f64>,
) -> Result<(), GradientMismatch> {
    let [steps, inputs, hidden] = sizes(rng);
    let rows = gates * hidden;
    let shapes: [&[usize]; 6] = [&[steps, inputs], &[hidden], &[rows, inputs], &[rows, hidden], &[rows], &[rows]];
    gradcheck(shapes.map(|dims| of(rng, dims)), |[x, h, weight_ih, weight_hh, bias_ih, bias_hh]| {
        op(x, h, RecurrentWeights { weight_ih, weight_hh, bias: Some([bias_ih, bias_hh]) })
    })
}

/// The names of the ops in one source file: public methods of `Var`, and the methods of operators on it.
fn ops_in(source: &str) -> impl Iterator<Item = String> {
    let mut start = None;
    source.lines().filter_map(move |line| {
        if line.starts_with("impl") {
            start = match (line.contains(" for Var<"), line.contains("Var<")) {
                (true, _) => Some("    fn "),
                (false, true) => Some("    pub fn "),
                (false, false) => None,
            };
        } else if line == "}" {
            start = None;
        }
        let signature = line.strip_prefix(start?)?;
        signature.split(['(', '<']).next().map(str::to_owned)
    })
}

/// The names of the ops in every source file under a directory.
fn ops_under(directory: &Path, found: &mut BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            ops_under(&path, found)?;
        } else {
            found.extend(ops_in(&fs::read_to_string(path)?));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_op_has_the_gradient_that_finite_differences_give(seed in any::<u64>()) {
        for (i, (name, check)) in OPS.iter().enumerate() {
            let result = check(&mut Rng::new(seed.wrapping_add(i as u64)));
            prop_assert!(result.is_ok(), "{name}: {}", result.unwrap_err());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn every_op_is_in_the_table() -> std::io::Result<()> {
    let mut found = BTreeSet::new();
    ops_under(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops"), &mut found)?;
    let table: BTreeSet<String> = OPS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<&String> = found.difference(&table).collect();
    let gone: Vec<&String> = table.difference(&found).collect();
    assert!(missing.is_empty(), "not in the table of every_op.rs: {missing:?}");
    assert!(gone.is_empty(), "in the table of every_op.rs, but not an op: {gone:?}");
    assert_eq!(table.len(), OPS.len(), "an op is in the table of every_op.rs twice");
    Ok(())
}

#[test]
fn the_scan_finds_methods_and_operators_only() {
    let source = "impl<T: Real> Var<'_, T> {\n    pub fn a<const N: usize>(self) {\n    }\n    fn hidden() {}\n}\n\
                  pub fn free() {}\nimpl Neg for Var<'_, T> {\n    fn neg(self) {}\n}\nimpl Other {\n    pub fn b() {}\n}\n";
    assert_eq!(ops_in(source).collect::<Vec<_>>(), ["a", "neg"]);
}
