//! PyTorch's own answers (2.15, float64), to ten digits: every case of the fixture.

use std::collections::BTreeMap;

use serde::Deserialize;
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::loss::*;
use thalweg_tensor::Tensor;

use crate::support::assert_close;

/// What the two differ by is rounding, in another order of summation.
const TOLERANCE: f64 = 1e-10;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

/// `loss = ⟨output, cotangent⟩`.
#[derive(Deserialize)]
struct Case {
    attrs: serde_json::Value,
    /// What a gradient is wanted for.
    values: BTreeMap<String, Tensor<f64>>,
    /// What none is wanted for.
    #[serde(default)]
    fixed: BTreeMap<String, Tensor<f64>>,
    outputs: Vec<Tensor<f64>>,
    cotangents: Vec<Tensor<f64>>,
    grads: BTreeMap<String, Tensor<f64>>,
    loss: f64,
}

/// In the order of the fixture, which does not name them. Each has three reductions, but CTC one.
const LOSSES: [&str; 16] = [
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
    "CTC of log_softmax",
];

impl Case {
    fn number(&self, name: &str) -> f64 {
        self.attrs[name].as_f64().expect("the attribute is a number")
    }

    fn indices(&self, name: &str) -> Vec<usize> {
        self.fixed[name].as_slice().iter().map(|&i| i as usize).collect()
    }

    fn reduction(&self) -> Reduction {
        match self.attrs["reduction"].as_str() {
            Some("mean") => Reduction::Mean,
            Some("sum") => Reduction::Sum,
            Some("none") => Reduction::None,
            other => panic!("there is no reduction {other:?}"),
        }
    }

    fn forward<'p>(&self, name: &str, v: &BTreeMap<&str, Var<'p, f64>>) -> Var<'p, f64> {
        let (x, reduction) = (v[if name == "CosineEmbedding" { "input1" } else { "input" }], self.reduction());
        let target = || x.pass().input(&self.fixed["target"]);
        let classes = || self.indices("target");
        match name {
            "MSE" => MseLoss { reduction }.forward(x, target()),
            "L1" => L1Loss { reduction }.forward(x, target()),
            "SmoothL1" => SmoothL1Loss { beta: self.number("beta"), reduction }.forward(x, target()),
            "Huber" => HuberLoss { delta: self.number("delta"), reduction }.forward(x, target()),
            "CrossEntropy" => CrossEntropyLoss { reduction, ..Default::default() }.forward(x, &classes()),
            "CrossEntropy with weights and smoothed labels" => CrossEntropyLoss {
                weight: Some(self.fixed["weight"].as_slice().to_vec()),
                label_smoothing: self.number("label_smoothing"),
                reduction,
                ..Default::default()
            }
            .forward(x, &classes()),
            "NLL of log_softmax" => NllLoss { reduction, ..Default::default() }.forward(x.log_softmax(), &classes()),
            "BCE with logits" => BceWithLogitsLoss { pos_weight: None, reduction }.forward(x, target()),
            "BCE of probabilities" => BceLoss { reduction }.forward(x, target()),
            "KLDiv of log_softmax" => KlDivLoss { log_target: false, reduction }.forward(x.log_softmax(), target()),
            "PoissonNLL" => PoissonNllLoss { reduction, ..Default::default() }.forward(x, target()),
            "GaussianNLL" => GaussianNllLoss { reduction, ..Default::default() }.forward(x, v["var"], target()),
            "HingeEmbedding" => HingeEmbeddingLoss { margin: self.number("margin"), reduction }.forward(x, target()),
            "CosineEmbedding" => {
                CosineEmbeddingLoss { margin: self.number("margin"), reduction }.forward(x, v["input2"], target())
            }
            "MultiMargin" => MultiMarginLoss { reduction, ..Default::default() }.forward(x, &classes()),
            "CTC of log_softmax" => {
                // There, labels are padded to the longest.
                let (padded, [inputs, targets]) =
                    (classes(), ["input_lengths", "target_lengths"].map(|name| self.indices(name)));
                let width = padded.len() / targets.len();
                let labels: Vec<usize> =
                    padded.chunks(width).zip(&targets).flat_map(|(row, &own)| row[..own].to_vec()).collect();
                CtcLoss { reduction, ..Default::default() }.forward(x.log_softmax(), &labels, &inputs, &targets)
            }
            other => panic!("there is no loss {other}"),
        }
    }

    fn check(&self, name: &str) {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let leaves: BTreeMap<&str, Var<'_, f64>> =
            self.values.iter().map(|(name, t)| (name.as_str(), pass.leaf(t))).collect();
        let (y, [expected]) = (self.forward(name, &leaves), self.outputs.as_slice()) else {
            panic!("{name}: one output expected")
        };
        assert_eq!(y.shape(), expected.shape(), "{name}");
        assert_close(&format!("{name}: output"), y.to_tensor().as_slice(), expected.as_slice(), TOLERANCE);
        let loss = (y * pass.input(&self.cotangents[0])).sum();
        assert_close(&format!("{name}: loss"), &[loss.item()], &[self.loss], TOLERANCE);
        loss.backward(&mut Grads::like(&params));
        assert!(self.grads.keys().eq(self.values.keys()), "{name}: a gradient for each value expected");
        for (value, expected) in &self.grads {
            let mut found = vec![f64::NAN; expected.shape().len()];
            leaves[value.as_str()].grad_to(&mut found);
            assert_close(&format!("{name}: gradient of {value}"), &found, expected.as_slice(), TOLERANCE);
        }
    }
}

#[test]
fn losses_are_pytorchs() {
    let cases = serde_json::from_str::<Fixture>(include_str!("../../fixtures/losses.json")).expect("well formed").cases;
    assert_eq!(cases.len(), 46);
    for (i, case) in cases.iter().enumerate() {
        case.check(LOSSES[i / 3]);
    }
}
