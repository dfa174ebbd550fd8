//! PyTorch's own answers (2.15, float64): how its fixtures are read and compared.

use std::collections::BTreeMap;

use serde::Deserialize;
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_tensor::Tensor;

/// What the two differ by is rounding, in another order of summation.
const TOLERANCE: f64 = 1e-10;

/// Values by name, as variables of a pass.
pub type Values<'p> = BTreeMap<String, Var<'p, f64>>;

/// The numbers that go in, and what PyTorch made of them. `loss = ⟨output, cotangent⟩`.
#[derive(Deserialize)]
pub struct Case {
    /// The layer's name; the losses have none.
    #[serde(default)]
    pub layer: String,
    #[serde(default)]
    pub attrs: serde_json::Value,
    /// Rows to look up.
    #[serde(default)]
    pub index: Option<Tensor<f64>>,
    /// What a gradient is wanted for.
    pub values: BTreeMap<String, Tensor<f64>>,
    /// What none is wanted for.
    #[serde(default)]
    pub fixed: BTreeMap<String, Tensor<f64>>,
    outputs: Vec<Tensor<f64>>,
    cotangents: Vec<Tensor<f64>>,
    /// The gradient of the loss with respect to each of `values`.
    grads: BTreeMap<String, Tensor<f64>>,
    pub loss: f64,
}

/// The cases of a fixture, as text.
pub fn read(text: &str) -> Vec<Case> {
    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }
    serde_json::from_str::<Fixture>(text).expect("the fixture is well formed").cases
}

/// A tensor of whole numbers, as indices.
pub fn indices(tensor: &Tensor<f64>) -> Vec<usize> {
    tensor.as_slice().iter().map(|&i| i as usize).collect()
}

impl Case {
    /// An attribute that is a number.
    pub fn number(&self, name: &str) -> f64 {
        self.attrs[name].as_f64().expect("the attribute is a number")
    }

    /// An attribute that is a size.
    pub fn size(&self, name: &str) -> usize {
        self.attrs[name].as_u64().expect("the attribute is a whole number") as usize
    }

    /// Runs `f` over the values and compares output, loss and all gradients with PyTorch's.
    pub fn check(&self, name: &str, f: impl for<'p> Fn(&Values<'p>) -> Var<'p, f64>) {
        self.check_within(TOLERANCE, name, f);
    }

    /// As [`check`](Case::check), with another tolerance of the gradients.
    pub fn check_within(&self, tolerance: f64, name: &str, f: impl for<'p> Fn(&Values<'p>) -> Var<'p, f64>) {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let leaves: Values<'_> = self.values.iter().map(|(name, t)| (name.clone(), pass.leaf(t))).collect();
        let y = f(&leaves);
        assert_eq!(self.outputs.len(), 1, "{name}: one output expected");
        assert_eq!(y.shape(), self.outputs[0].shape(), "{name}");
        assert_close(&format!("{name}: output"), y.to_tensor().as_slice(), self.outputs[0].as_slice(), TOLERANCE);
        let loss = (y * pass.input(&self.cotangents[0])).sum();
        assert_close(&format!("{name}: loss"), &[loss.item()], &[self.loss], TOLERANCE);
        loss.backward(&mut Grads::like(&params));
        assert!(self.grads.keys().eq(self.values.keys()), "{name}: a gradient for each value expected");
        for (value, expected) in &self.grads {
            let mut found = vec![f64::NAN; expected.shape().len()];
            leaves[value].grad_to(&mut found);
            assert_close(&format!("{name}: gradient of {value}"), &found, expected.as_slice(), tolerance);
        }
    }
}

/// Panics, naming what differs, unless all numbers agree (relative; absolute below 1).
#[track_caller]
fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths differ");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let error = (f - e).abs() / e.abs().max(1.0);
        assert!(error <= tolerance, "{what}[{i}]: found {f}, expected {e}");
    }
}
