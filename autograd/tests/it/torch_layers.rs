//! PyTorch's layers, as ops or short compositions of ops.

use thalweg_autograd::Var;

use crate::support::{Case, Values, indices, read};

/// What is no op, and why it is not checked here.
const ELSEWHERE: [(&str, &str); 9] = [
    ("BatchNorm1d", "a layer of nn: it keeps running statistics"),
    ("BatchNorm2d", "a layer of nn: it keeps running statistics"),
    ("GroupNorm", "a layer of nn"),
    ("MultiheadAttention", "a layer of nn"),
    ("Conv1d", "checked with the convolutions"),
    ("Conv2d", "checked with the convolutions"),
    ("MaxPool2d", "checked with the convolutions"),
    ("AvgPool2d", "checked with the convolutions"),
    ("Softsign", "left as an exercise"),
];

/// `[…, n]` as a table `[rows, n]`.
fn table(x: Var<'_, f64>, columns: usize) -> Var<'_, f64> {
    x.reshape([x.shape().len() / columns, columns])
}

fn linear<'p>(v: &Values<'p>) -> Var<'p, f64> {
    let (x, weight) = (v["input"], v["weight"]);
    let [outputs, inputs] = weight.dims();
    let rows = table(x, inputs);
    let y = match v.get("bias") {
        Some(&bias) => rows.affine(weight, bias),
        None => rows.linear(weight),
    };
    let mut shape = x.shape().dims().to_vec();
    shape.pop();
    shape.push(outputs);
    y.reshape(shape.as_slice())
}

fn layer_norm<'p>(v: &Values<'p>) -> Var<'p, f64> {
    let (x, n) = (v["input"], v["weight"].shape().len());
    table(x, n).layer_norm(v["weight"].reshape([n]), v["bias"].reshape([n]), 1e-5).reshape(x.shape())
}

fn rms_norm<'p>(v: &Values<'p>) -> Var<'p, f64> {
    let (x, last) = (v["input"], v["input"].shape().rank() - 1);
    x / (x.square().mean_axis(last).unsqueeze(last) + f64::EPSILON).sqrt() * v["weight"]
}

/// The layer of a case.
fn run<'p>(case: &Case, v: &Values<'p>) -> Var<'p, f64> {
    if case.layer == "Embedding" {
        let index = case.index.as_ref().expect("an embedding has an index");
        let shape = [index.shape().dims(), &v["weight"].shape().dims()[1..]].concat();
        return v["weight"].rows(&indices(index)).reshape(shape.as_slice());
    }
    let x = v["input"];
    match case.layer.as_str() {
        "Linear" => linear(v),
        "LayerNorm" => layer_norm(v),
        "RMSNorm" => rms_norm(v),
        "ReLU" => x.relu(),
        "LeakyReLU" => x.leaky_relu(0.01),
        "PReLU" => x.prelu(v["weight"]),
        "ELU" => x.elu(1.0),
        "SELU" => x.selu(),
        "CELU" => x.celu(1.0),
        "GELU" if case.attrs["approximate"] == "tanh" => x.gelu_tanh(),
        "GELU" => x.gelu(),
        "SiLU" => x.silu(),
        "Mish" => x.mish(),
        "Softplus" => x.softplus(),
        "Hardtanh" => x.hardtanh(),
        "Hardsigmoid" => x.hardsigmoid(),
        "Hardswish" => x.hardswish(),
        "ReLU6" => x.relu6(),
        "Tanh" => x.tanh(),
        "Tanhshrink" => x.tanhshrink(),
        "Sigmoid" => x.sigmoid(),
        "LogSigmoid" => x.log_sigmoid(),
        "GLU" => x.glu(x.shape().rank() - 1),
        "Softmax" => x.softmax(),
        "LogSoftmax" => x.log_softmax(),
        other => panic!("the layer {other} is neither checked nor named as one that is elsewhere"),
    }
}

#[test]
fn layers_are_pytorchs() {
    let (elsewhere, here): (Vec<_>, Vec<_>) = read(include_str!("../fixtures/layers.json"))
        .into_iter()
        .partition(|case| ELSEWHERE.iter().any(|(name, _why)| *name == case.layer));
    for case in &here {
        // PyTorch's own gradient has the 1/6 of this one in single precision.
        let rounded = case.layer == "Hardsigmoid";
        case.check_within(if rounded { 1e-7 } else { 1e-10 }, &case.layer, |v| run(case, v));
    }
    assert_eq!((here.len(), elsewhere.len()), (28, 17));
}
