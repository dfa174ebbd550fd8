//! Every op over dual numbers: first and second derivatives along a direction against finite differences, and both modes
//! against each other. An op that lost a tangent on the way would fail here.

use super::*;
use crate::{Flat, Params, vjp};
use thalweg_tensor::{Dual, Real};

/// The step of the central differences, and what they may be off by, relative (absolute below 1).
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;

/// An op with dual numbers drawn at random.
type DualCheck = fn(&mut Rng) -> Result<(), String>;

/// As the table of gradients, by the same names.
const DUAL_OPS: &[(&str, DualCheck)] = &[
    ("add", |r| check(r, pair, |[a, b]| a + b + c(1.5))),
    ("sub", |r| check(r, pair, |[a, b]| a - b - c(1.5))),
    ("mul", |r| check(r, pair, |[a, b]| a * b * c(1.5))),
    ("div", |r| check(r, |r| super::pair(r, 0.5, 2.0), |[a, b]| a / b / c(1.5))),
    ("neg", |r| check(r, both_signs, |[x]| -x)),
    ("exp", |r| check(r, both_signs, |[x]| x.exp())),
    ("ln", |r| check(r, positive, |[x]| x.ln())),
    ("tanh", |r| check(r, both_signs, |[x]| x.tanh())),
    ("sigmoid", |r| check(r, both_signs, |[x]| x.sigmoid())),
    ("relu", |r| check(r, kinked, |[x]| x.relu())),
    ("sqrt", |r| check(r, positive, |[x]| x.sqrt())),
    ("abs", |r| check(r, kinked, |[x]| x.abs())),
    ("sin", |r| check(r, both_signs, |[x]| x.sin())),
    ("cos", |r| check(r, both_signs, |[x]| x.cos())),
    ("powi", |r| {
        let n = r.below(8) as i32 - 3;
        check(r, positive, |[x]| (-x).powi(n))
    }),
    ("powf", |r| {
        let p = r.range(-2.0, 3.0);
        check(r, positive, |[x]| x.powf(c(p)))
    }),
    ("square", |r| check(r, both_signs, |[x]| x.square())),
    ("recip", |r| check(r, positive, |[x]| x.recip())),
    ("clamp", |r| check(r, |r| [distinct(r)], |[x]| x.clamp(c(0.25), c(1.75)))),
    ("leaky_relu", |r| check(r, kinked, |[x]| x.leaky_relu(c(0.1)))),
    ("elu", |r| check(r, kinked, |[x]| x.elu(c(1.0)))),
    ("softplus", |r| check(r, both_signs, |[x]| x.softplus())),
    ("silu", |r| check(r, both_signs, |[x]| x.silu())),
    ("gelu", |r| check(r, both_signs, |[x]| x.gelu())),
    ("maximum", |r| check(r, |r| [distinct(r)], |[x]| x.maximum(x.pass().input(&[c(0.75)])))),
    ("minimum", |r| check(r, |r| [distinct(r)], |[x]| x.minimum(x.pass().input(&[c(0.75)])))),
    ("where_", |r| {
        let mask = [c(r.below(2) as f64)];
        check(r, pair, |[a, b]| a.where_(a.pass().input(&mask), b))
    }),
    ("affine", |r| {
        let ([n, i, o], many) = (sizes(r), 17 * r.below(2)); // through GEMM, too
        let draw = |r: &mut Rng| [of(r, &[n + many, i]), of(r, &[o, i]), of(r, &[o])];
        check(r, draw, |[x, w, b]| x.affine(w, b))
    }),
    ("linear", |r| {
        let [n, i, o] = sizes(r);
        check(r, |r| [of(r, &[n, i]), of(r, &[o, i])], |[x, w]| x.linear(w))
    }),
    ("matmul", |r| {
        let ([m, k, n], s) = (sizes(r), 1 + r.below(3));
        check(r, |r| [of(r, &[m, k]), of(r, &[k, n])], |[a, b]| a.matmul(b))?;
        check(r, |r| [of(r, &[s, m, k]), of(r, &[s, k, n])], |[a, b]| a.matmul(b))
    }),
    ("sum", |r| check(r, both_signs, |[x]| x.sum())),
    ("mean", |r| check(r, both_signs, |[x]| x.mean())),
    ("sum_axis", |r| along(r, |x, axis| x.sum_axis(axis))),
    ("mean_axis", |r| along(r, |x, axis| x.mean_axis(axis))),
    ("var_axis", |r| along(r, |x, axis| x.var_axis(axis, false))),
    ("norm", |r| check(r, positive, |[x]| x.norm())),
    ("cumsum", |r| along(r, |x, axis| x.cumsum(axis))),
    ("max_axis", |r| along(r, |x, axis| x.max_axis(axis))),
    ("min_axis", |r| along(r, |x, axis| x.min_axis(axis))),
    ("log_sum_exp", |r| along(r, |x, _axis| x.log_sum_exp())),
    ("reshape", |r| check(r, both_signs, |[x]| x.reshape([x.shape().len()]))),
    ("row", |r| along(r, |x, _axis| x.row(x.shape().dims()[0] - 1))),
    ("rows", |r| {
        let [n, width, k] = sizes(r);
        let indices: Vec<usize> = (0..k).map(|_| r.below(n)).collect();
        check(r, |r| [of(r, &[n, width])], |[x]| x.rows(&indices))
    }),
    ("slice", |r| along(r, |x, axis| x.slice(axis, x.shape().dims()[axis] / 2..x.shape().dims()[axis]))),
    ("split", |r| along(r, |x, axis| x.pad(axis, x.shape().dims()[axis], 0).split::<2>(axis)[1])),
    ("concat", |r| along(r, |x, axis| Var::concat(&[x, x * c(2.0)], axis))),
    ("stack", |r| along(r, |x, _axis| Var::stack(&[x, x * c(2.0)]))),
    ("transpose", |r| {
        let [m, n, _] = sizes(r);
        check(r, |r| [of(r, &[m, n])], |[x]| x.transpose())
    }),
    ("permute", |r| {
        let (axes, dims) = (r.permutation(3), sizes(r));
        check(r, |r| [of(r, &dims)], |[x]| x.permute(&axes))
    }),
    ("broadcast_to", |r| check(r, pair, |[a, b]| a.broadcast_to((a + b).shape()))),
    ("squeeze", |r| along(r, |x, axis| x.slice(axis, 0..1).squeeze(axis))),
    ("unsqueeze", |r| along(r, |x, axis| x.unsqueeze(axis))),
    ("pad", |r| along(r, |x, axis| x.pad(axis, 1, 2))),
    ("gather", |r| {
        let [rows, n, k] = sizes(r);
        let indices: Vec<usize> = (0..rows * k).map(|_| r.below(n)).collect();
        check(r, |r| [of(r, &[rows, n])], |[x]| x.gather(1, &indices))
    }),
    ("index_add", |r| {
        let [n, width, k] = sizes(r);
        let indices: Vec<usize> = (0..k).map(|_| r.below(n)).collect();
        check(r, |r| [of(r, &[n, width]), of(r, &[k, width])], |[x, rows]| x.index_add(&indices, rows))
    }),
    ("standardize", |r| along(r, |x, _axis| x.standardize(c(0.1)))),
    ("layer_norm", |r| {
        let [rows, n, _] = sizes(r);
        check(r, |r| [of(r, &[rows, n]), of(r, &[n]), of(r, &[n])], |[x, w, b]| x.layer_norm(w, b, c(0.1)))
    }),
    ("rnn_tanh", |r| recurrent(r, 1, |x, h, w| x.rnn_tanh(h, w))),
    ("lstm", |r| {
        recurrent(r, 4, |x, h, w| {
            let (outputs, [last, cell]) = x.lstm([h, h * c(0.5)], w);
            Var::concat(&[outputs.sum_axis(0), last, cell], 0)
        })
    }),
    ("gru", |r| recurrent(r, 3, |x, h, w| x.gru(h, w))),
    ("softmax", |r| along(r, |x, _axis| x.softmax())),
    ("log_softmax", |r| along(r, |x, _axis| x.log_softmax())),
    ("cross_entropy", |r| {
        let [rows, n, _] = sizes(r);
        let classes: Vec<usize> = (0..rows).map(|_| r.below(n)).collect();
        check(r, |r| [of(r, &[rows, n])], |[x]| x.cross_entropy(&classes))
    }),
    ("bce_with_logits", |r| check(r, kinked, |[x]| x.bce_with_logits(x.sigmoid()))),
    ("mse", |r| check(r, both_signs, |[x]| x.mse(x * x))),
];

/// A constant.
fn c(value: f64) -> Dual {
    Dual::from(value)
}

fn both_signs(rng: &mut Rng) -> [Tensor<f64>; 1] {
    [any_shape(rng, -2.0, 2.0)]
}

fn positive(rng: &mut Rng) -> [Tensor<f64>; 1] {
    [any_shape(rng, 0.5, 2.0)]
}

fn kinked(rng: &mut Rng) -> [Tensor<f64>; 1] {
    [off_zero(rng)]
}

fn pair(rng: &mut Rng) -> [Tensor<f64>; 2] {
    super::pair(rng, -2.0, 2.0)
}

fn along(rng: &mut Rng, op: for<'p> fn(Var<'p, Dual>, usize) -> Var<'p, Dual>) -> Result<(), String> {
    let x = distinct(rng);
    let axis = rng.below(x.shape().rank());
    check(rng, |_| [x], |[x]| op(x, axis))
}

fn recurrent(
    rng: &mut Rng,
    gates: usize,
    op: for<'p> fn(Var<'p, Dual>, Var<'p, Dual>, RecurrentWeights<'p, Dual>) -> Var<'p, Dual>,
) -> Result<(), String> {
    let [steps, inputs, hidden] = sizes(rng);
    let rows = gates * hidden;
    let shapes: [&[usize]; 6] = [&[steps, inputs], &[hidden], &[rows, inputs], &[rows, hidden], &[rows], &[rows]];
    let draw = |rng: &mut Rng| shapes.map(|dims| of(rng, dims));
    check(rng, draw, |[x, h, weight_ih, weight_hh, bias_ih, bias_hh]| {
        op(x, h, RecurrentWeights { weight_ih, weight_hh, bias: Some([bias_ih, bias_hh]) })
    })
}

/// With `θ(s) = θ + s v + ε v`, a cotangent `u`, and `f`: the tangent of `f` and that of `Jᵀu` at `s = 0` against the
/// differences of their values, and `⟨u, J v⟩` against `⟨Jᵀu, v⟩`.
fn check<const N: usize>(
    rng: &mut Rng,
    draw: impl FnOnce(&mut Rng) -> [Tensor<f64>; N],
    f: impl for<'p> Fn([Var<'p, Dual>; N]) -> Var<'p, Dual>,
) -> Result<(), String> {
    let inputs = draw(rng);
    let directions = inputs.each_ref().map(|x| Tensor::<f64>::uniform(x.shape(), -1.0, 1.0, rng));
    let mut cotangent: Vec<Dual> = Vec::new();
    let mut at = |shift: f64| -> (Tensor<Dual>, Flat<Dual>) {
        let (mut params, mut index) = (Params::<Dual>::new(), 0);
        let handles = inputs.each_ref().map(|x| {
            let v = directions[index].as_slice();
            index += 1;
            let dual = |i: usize| Dual::new(x.as_slice()[i] + shift * v[i], v[i]);
            params.add(&format!("x{index}"), x.shape(), dual)
        });
        if cotangent.is_empty() {
            let len = length(&params, |pass| f(handles.map(|p| pass.param(p))));
            cotangent.extend((0..len).map(|_| c(rng.range(-1.0, 1.0))));
        }
        vjp(&params, &cotangent, |pass| f(handles.map(|p| pass.param(p) * Dual::ONE)))
    };
    let ((y, back), (above, back_above), (below, back_below)) = (at(0.0), at(STEP), at(-STEP));
    compare("J v", y.as_slice(), above.as_slice(), below.as_slice())?;
    compare("the derivative of Jᵀu", back.as_slice(), back_above.as_slice(), back_below.as_slice())?;
    let forward: f64 = y.as_slice().iter().zip(&cotangent).map(|(y, u)| y.tangent * u.value).sum();
    let mut reverse = 0.0;
    for ((param, _), v) in back.layout().iter().zip(&directions) {
        reverse += back.of(param).iter().zip(v.as_slice()).map(|(g, v)| g.value * v).sum::<f64>();
    }
    let far = (forward - reverse).abs() > 1e-11 * forward.abs().max(1.0);
    if far { Err(format!("⟨u, J v⟩ = {forward}, ⟨Jᵀu, v⟩ = {reverse}")) } else { Ok(()) }
}

/// How many numbers `f` gives.
fn length(params: &Params<Dual>, f: impl for<'p> Fn(&'p crate::Pass<'p, Dual>) -> Var<'p, Dual>) -> usize {
    f(&crate::Tape::new().pass(params)).shape().len()
}

/// The tangents of `middle` against the difference of the values on both sides.
fn compare(what: &str, middle: &[Dual], above: &[Dual], below: &[Dual]) -> Result<(), String> {
    for (i, ((middle, above), below)) in middle.iter().zip(above).zip(below).enumerate() {
        let (expected, found) = ((above.value - below.value) / (2.0 * STEP), middle.tangent);
        let error = (expected - found).abs() / expected.abs().max(found.abs()).max(1.0);
        if error.is_nan() || error > TOLERANCE {
            return Err(format!("{what}, element {i}: differences give {expected}, the tangent is {found}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_op_carries_tangents_forward_and_backward(seed: u64) {
        for (i, (name, check)) in DUAL_OPS.iter().enumerate() {
            let result = check(&mut Rng::new(seed.wrapping_add(i as u64)));
            prop_assert!(result.is_ok(), "{name}: {}", result.unwrap_err());
        }
    }
}

#[test]
fn the_tester_of_tangents_catches_one_that_is_lost() {
    let mut rng = Rng::new(1);
    let forgetful = |x: Dual| Dual::from(x.to_f64().sin());
    let lost_forward = check(&mut rng, positive, |[x]| {
        let forward = |[x]: [&[Dual]; 1], y: &mut [Dual]| y.iter_mut().zip(x).for_each(|(y, &x)| *y = forgetful(x));
        x.pass().record("sin", [x], x.shape(), forward, |g| g.each(|x, _y| x.cos()))
    });
    assert!(lost_forward.unwrap_err().starts_with("J v"));
    let lost_backward = check(&mut rng, positive, |[x]| {
        let forward = |[x]: [&[Dual]; 1], y: &mut [Dual]| y.iter_mut().zip(x).for_each(|(y, &x)| *y = x.sin());
        x.pass().record("sin", [x], x.shape(), forward, |g| g.each(|x, _y| Dual::from(x.to_f64().cos())))
    });
    assert!(lost_backward.unwrap_err().starts_with("the derivative of Jᵀu"));
}

/// A number leaves its tangent behind in `to_f64`: ops may do so with attributes only, never with data.
#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn ops_turn_attributes_only_into_plain_numbers() -> std::io::Result<()> {
    fn scan(directory: &Path) -> std::io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            match path.is_dir() {
                true if !path.ends_with("every_op") => scan(&path)?,
                true => {}
                false => {
                    let source = fs::read_to_string(&path)?;
                    let lines = source.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
                    for line in lines.filter(|line| line.contains("to_f64()")) {
                        assert!(line.contains(".scalar("), "{}: {}", path.display(), line.trim());
                    }
                }
            }
        }
        Ok(())
    }
    scan(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops"))?;
    let known: BTreeSet<&str> = OPS.iter().map(|(name, _)| *name).collect();
    assert!(DUAL_OPS.iter().all(|(name, _)| known.contains(name)));
    Ok(())
}
