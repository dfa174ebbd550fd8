//! PyTorch's own answers (2.15, float64) for convolution and pooling, to ten digits.

use std::collections::BTreeMap;

use serde::Deserialize;
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_tensor::{ConvOptions, Tensor, Window};

/// What the two differ by is rounding, in another order of summation.
const TOLERANCE: f64 = 1e-10;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<serde_json::Value>,
}

/// A layer, the numbers that go in, and what PyTorch made of them. `loss = ⟨output, cotangent⟩`.
#[derive(Deserialize)]
struct Case {
    attrs: BTreeMap<String, usize>,
    /// `input`, and the parameters.
    values: BTreeMap<String, Tensor<f64>>,
    outputs: [Tensor<f64>; 1],
    cotangents: [Tensor<f64>; 1],
    loss: f64,
    /// The gradient of the loss with respect to each of `values`.
    grads: BTreeMap<String, Tensor<f64>>,
}

/// The cases of one layer, of which there are so many.
fn cases(layer: &str, count: usize) -> Vec<Case> {
    let fixture: Fixture = serde_json::from_str(include_str!("../fixtures/layers.json")).expect("the fixture is JSON");
    let of_layer = fixture.cases.into_iter().filter(|case| case["layer"] == layer);
    let cases: Vec<Case> =
        of_layer.map(|case| serde_json::from_value(case).expect("the case is well formed")).collect();
    assert_eq!(cases.len(), count, "{layer}");
    cases
}

impl Case {
    fn attr(&self, name: &str) -> usize {
        self.attrs[name]
    }

    /// Runs the layer and compares output, loss and all gradients with PyTorch's.
    fn check(&self, layer: impl for<'p> Fn(&BTreeMap<&str, Var<'p, f64>>) -> Var<'p, f64>) {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let values: BTreeMap<&str, _> = self.values.iter().map(|(name, t)| (name.as_str(), pass.leaf(t))).collect();
        let y = layer(&values);
        assert_eq!(y.shape(), self.outputs[0].shape());
        assert_close("output", y.to_tensor().as_slice(), self.outputs[0].as_slice());
        let loss = (y * pass.input(&self.cotangents[0])).sum();
        assert_close("loss", &[loss.item()], &[self.loss]);
        loss.backward(&mut Grads::like(&params));
        assert!(self.grads.keys().eq(self.values.keys()));
        for (name, expected) in &self.grads {
            let mut found = vec![f64::NAN; expected.shape().len()];
            values[name.as_str()].grad_to(&mut found);
            assert_close(name, &found, expected.as_slice());
        }
    }

    fn conv_options<const N: usize>(&self) -> ConvOptions<N> {
        ConvOptions {
            stride: [self.attr("stride"); N],
            padding: [self.attr("padding"); N],
            dilation: [self.attr("dilation"); N],
            groups: self.attr("groups"),
        }
    }

    fn window(&self) -> Window<2> {
        let padding = self.attrs.get("padding").copied().unwrap_or(0);
        Window::new([self.attr("kernel"); 2]).stride([self.attr("stride"); 2]).padding([padding; 2])
    }
}

/// Panics, naming what differs, unless all numbers agree (relative; absolute below 1).
#[track_caller]
fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths differ");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let error = (f - e).abs() / e.abs().max(1.0);
        assert!(error <= TOLERANCE, "{what}[{i}]: found {f}, expected {e}");
    }
}

#[test]
fn conv1d_is_pytorchs() {
    for case in cases("Conv1d", 4) {
        case.check(|v| v["input"].conv1d(v["weight"], Some(v["bias"]), case.conv_options()));
    }
}

#[test]
fn conv2d_is_pytorchs() {
    for case in cases("Conv2d", 4) {
        case.check(|v| v["input"].conv2d(v["weight"], Some(v["bias"]), case.conv_options()));
    }
}

#[test]
fn max_pool2d_is_pytorchs() {
    for case in cases("MaxPool2d", 2) {
        case.check(|v| v["input"].max_pool2d(case.window()));
    }
}

#[test]
fn avg_pool2d_is_pytorchs() {
    for case in cases("AvgPool2d", 1) {
        case.check(|v| v["input"].avg_pool2d(case.window()));
    }
}
