//! PyTorch's losses, as ops or short compositions of ops.

use thalweg_autograd::Var;

use crate::support::{Case, Values, indices, read};

/// The losses in the order of the fixture, which does not name them; each with the reductions mean, sum and none. Last
/// comes CTC, which is not checked: it is no composition of a line or two.
const LOSSES: [&str; 15] = [
    "MSE",
    "L1",
    "SmoothL1",
    "Huber",
    "CrossEntropy",
    "CrossEntropy with weights and smoothed labels",
    "NLL of log_softmax",
    "BCE with logits",
    "BCE of probabilities",
    "KLDiv of log_softmax",
    "PoissonNLL",
    "GaussianNLL",
    "HingeEmbedding",
    "CosineEmbedding",
    "MultiMargin",
];

/// `Σ x` over the last axis of `[n, m]`.
fn rows(x: Var<'_, f64>) -> Var<'_, f64> {
    x.sum_axis(1)
}

/// The loss of each element or example, and what the mean divides by, if not by their number.
fn each<'p>(name: &str, case: &Case, v: &Values<'p>) -> (Var<'p, f64>, Option<f64>) {
    let x = v.get("input").or(v.get("input1")).copied().expect("a loss has an input");
    let fixed = |name: &str| x.pass().input(&case.fixed[name]);
    let number = |name: &str| x.pass().input(&[case.number(name)]);
    let (t, classes) = (fixed("target"), || indices(&case.fixed["target"]));
    let of_class = |x: Var<'p, f64>| x.gather(1, &classes()).reshape([classes().len()]);
    let y = match name {
        "MSE" => (x - t).square(),
        "L1" => (x - t).abs(),
        "SmoothL1" => {
            let (d, beta) = ((x - t).abs(), number("beta"));
            (d.square() / beta * 0.5).where_(d.lt(beta), d - beta * 0.5)
        }
        "Huber" => {
            let (d, delta) = ((x - t).abs(), number("delta"));
            (d.square() * 0.5).where_(d.lt(delta), delta * (d - delta * 0.5))
        }
        "CrossEntropy" | "NLL of log_softmax" => -of_class(x.log_softmax()),
        "CrossEntropy with weights and smoothed labels" => {
            let (weight, smoothing) = (fixed("weight"), case.number("label_smoothing"));
            let weighted = -(x.log_softmax() * weight);
            let of_classes = weight.broadcast_to(x.shape());
            let smoothed = weighted.mean_axis(1) * smoothing;
            return (of_class(weighted) * (1.0 - smoothing) + smoothed, Some(of_class(of_classes).sum().item()));
        }
        "BCE with logits" => x.softplus() - x * t,
        "BCE of probabilities" => -(t * x.ln() + (-t + 1.0) * (-x + 1.0).ln()),
        "KLDiv of log_softmax" => t * (t.ln() - x.log_softmax()),
        "PoissonNLL" => x.exp() - t * x,
        "GaussianNLL" => (v["var"].ln() + (x - t).square() / v["var"]) * 0.5,
        "HingeEmbedding" => x.where_(t.gt(x.pass().zeros([])), (number("margin") - x).relu()),
        "CosineEmbedding" => {
            let other = v["input2"];
            let cosine = rows(x * other) / (rows(x.square()) * rows(other.square())).sqrt();
            (-cosine + 1.0).where_(t.gt(x.pass().zeros([])), (cosine - number("margin")).relu())
        }
        "MultiMargin" => {
            let [n, columns] = x.dims();
            // The class itself would count with its margin of 1.
            rows((x - of_class(x).reshape([n, 1]) + 1.0).relu()) / columns as f64 - 1.0 / columns as f64
        }
        other => panic!("there is no loss {other}"),
    };
    (y, None)
}

#[test]
fn losses_are_pytorchs() {
    let cases = read(include_str!("../fixtures/losses.json"));
    assert_eq!(cases.len(), 3 * LOSSES.len() + 1, "all cases but CTC are checked");
    assert_eq!(cases[3 * LOSSES.len()].attrs["blank"], 0, "the last is CTC");
    for (name, reductions) in LOSSES.iter().zip(cases.chunks_exact(3)) {
        for (case, reduction) in reductions.iter().zip(["mean", "sum", "none"]) {
            assert_eq!(case.attrs["reduction"], reduction, "{name}");
            case.check(&format!("{name}, {reduction}"), |v| {
                let (y, divisor) = each(name, case, v);
                match reduction {
                    "mean" => divisor.map_or(y.mean(), |divisor| y.sum() / divisor),
                    "sum" => y.sum(),
                    _ => y,
                }
            });
        }
    }
}

/// The losses that are one op.
#[test]
fn fused_losses_are_pytorchs() {
    let cases = read(include_str!("../fixtures/losses.json"));
    let mean_of = |name: &str| &cases[3 * LOSSES.iter().position(|loss| *loss == name).expect("a loss of the fixture")];
    let (mse, cross_entropy, bce) = (mean_of("MSE"), mean_of("CrossEntropy"), mean_of("BCE with logits"));
    mse.check("mse", |v| v["input"].mse(v["input"].pass().input(&mse.fixed["target"])));
    cross_entropy.check("cross_entropy", |v| v["input"].cross_entropy(&indices(&cross_entropy.fixed["target"])));
    bce.check("bce_with_logits", |v| v["input"].bce_with_logits(v["input"].pass().input(&bce.fixed["target"])));
}
