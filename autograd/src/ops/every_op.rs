//! The table of every differentiable op: each is differentiated at random inputs of random shapes, and an op that is not
//! in the table fails a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use thalweg_tensor::{Rng, Shape, Tensor};

use crate::gradcheck::{GradientMismatch, gradcheck};
use crate::{RecurrentWeights, Var};

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
    ("tanh", |r| gradcheck([any_shape(r, -3.0, 3.0)], |[x]| x.tanh())),
    ("sigmoid", |r| gradcheck([any_shape(r, -5.0, 5.0)], |[x]| x.sigmoid())),
    ("relu", |r| gradcheck([off_zero(r)], |[x]| x.relu())),
    // elementary
    ("sqrt", |r| gradcheck([any_shape(r, 0.2, 4.0)], |[x]| x.sqrt())),
    ("abs", |r| gradcheck([off_zero(r)], |[x]| x.abs())),
    ("sin", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.sin())),
    ("cos", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.cos())),
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
    ("clamp", |r| gradcheck([distinct(r)], |[x]| x.clamp(0.25, 1.75))),
    // activation
    ("leaky_relu", |r| gradcheck([off_zero(r)], |[x]| x.leaky_relu(0.1))),
    ("elu", |r| gradcheck([off_zero(r)], |[x]| x.elu())),
    ("softplus", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.softplus())),
    ("silu", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.silu())),
    ("gelu", |r| gradcheck([any_shape(r, -4.0, 4.0)], |[x]| x.gelu())),
    // select
    ("maximum", |r| gradcheck([distinct(r)], |[x]| x.maximum(x.pass().input(&[0.75])) * 2.0)),
    ("minimum", |r| gradcheck([distinct(r)], |[x]| x.minimum(x.pass().input(&[0.75])) * 2.0)),
    ("where_", |r| {
        let ab = pair(r, -2.0, 2.0);
        let mask = Tensor::from_fn(ab[1].shape(), |_| r.below(2) as f64);
        gradcheck(ab, |[a, b]| a.where_(a.pass().input(&mask), b))
    }),
    // matmul
    ("affine", |r| {
        let [n, i, o] = sizes(r);
        gradcheck([of(r, &[n, i]), of(r, &[o, i]), of(r, &[o])], |[x, w, b]| x.affine(w, b))
    }),
    ("linear", |r| {
        let [n, i, o] = sizes(r);
        gradcheck([of(r, &[n, i]), of(r, &[o, i])], |[x, w]| x.linear(w))
    }),
    ("matmul", |r| {
        let [m, k, n] = sizes(r);
        let s = 1 + r.below(3);
        gradcheck([of(r, &[m, k]), of(r, &[k, n])], |[a, b]| a.matmul(b))?;
        gradcheck([of(r, &[s, m, k]), of(r, &[s, k, n])], |[a, b]| a.matmul(b))
    }),
    // reduce
    ("sum", |r| gradcheck([any_shape(r, -2.0, 2.0)], |[x]| x.sum())),
    ("mean", |r| gradcheck([any_shape(r, -2.0, 2.0)], |[x]| x.mean())),
    ("sum_axis", |r| along(r, |x, axis| x.sum_axis(axis))),
    ("mean_axis", |r| along(r, |x, axis| x.mean_axis(axis))),
    ("var_axis", |r| along(r, |x, axis| x.var_axis(axis, x.shape().dims()[axis] > 2))),
    ("norm", |r| gradcheck([any_shape(r, 0.5, 2.0)], |[x]| x.norm())),
    ("cumsum", |r| along(r, |x, axis| x.cumsum(axis))),
    // extremes
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
    ("split", |r| along(r, |x, axis| x.pad(axis, x.shape().dims()[axis], 0).split::<2>(axis)[1])),
    ("concat", |r| along(r, |x, axis| Var::concat(&[x, x * 2.0], axis))),
    ("stack", |r| along(r, |x, _axis| Var::stack(&[x, x * 2.0]))),
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
    ("pad", |r| along(r, |x, axis| x.pad(axis, 1, 2))),
    // indexing
    ("gather", |r| {
        let [rows, n, k] = sizes(r);
        let indices: Vec<usize> = (0..rows * k).map(|_| r.below(n)).collect();
        gradcheck([of(r, &[rows, n])], |[x]| x.gather(&indices))
    }),
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
