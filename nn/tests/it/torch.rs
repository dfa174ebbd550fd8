//! PyTorch's own answers (2.15, float64), to ten digits.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::{Carried, Gru, Lstm, Mode, Recurrent, RecurrentOptions, Rnn};
use thalweg_tensor::{Rng, Tensor};

use crate::support::{Testable, assert_close};

/// What the two differ by is rounding, in another order of summation.
const TOLERANCE: f64 = 1e-10;

#[derive(Deserialize)]
struct Fixture<C> {
    cases: Vec<C>,
}

fn read<C: DeserializeOwned>(text: &str) -> Vec<C> {
    serde_json::from_str::<Fixture<C>>(text).expect("the fixture is well formed").cases
}

/// A recurrent network, the numbers in it, and what PyTorch made of them. `loss = Σᵢ ⟨outputsᵢ, cotangentsᵢ⟩`.
#[derive(Deserialize)]
struct Network {
    kind: String,
    layers: usize,
    bidirectional: bool,
    bias: bool,
    /// "TBD": time, batch, features.
    layout: String,
    /// `input`, `h0`, for LSTM `c0`, and the parameters.
    values: BTreeMap<String, Tensor<f64>>,
    /// The outputs of the last layer, and the last `h` (and `c`) of every layer and direction.
    outputs: Vec<Tensor<f64>>,
    cotangents: Vec<Tensor<f64>>,
    loss: f64,
    /// The gradient of the loss with respect to each of `values`.
    grads: BTreeMap<String, Tensor<f64>>,
}

impl Network {
    /// Builds the network, runs it, and compares everything with PyTorch.
    fn check<C: Testable>(&self, form: usize) {
        assert_eq!(self.layout, "TBD");
        let (mut params, [inputs, hidden]) =
            (Params::<f64>::new(), ["input", "h0"].map(|v| self.values[v].shape().dims()[2]));
        let options = RecurrentOptions::new(inputs, hidden).layers(self.layers).bidirectional(self.bidirectional);
        let options = options.bias(self.bias).form(C::form(form));
        let network = Recurrent::<C>::with(&mut params, "net", options, &mut Rng::new(0));
        let handles: Vec<_> = params.layout().iter().map(|(param, entry)| (param, entry.clone())).collect();
        let torch_name = |ours: &str| ours.strip_prefix("net.").expect("the network is called net").to_owned();
        for (param, entry) in &handles {
            let value = &self.values[&torch_name(entry.name())];
            assert_eq!(value.shape(), entry.shape(), "{}", entry.name());
            params.of_mut(*param).copy_from_slice(value.as_slice());
        }

        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let pass = tape.pass(&params);
        let data: BTreeMap<&str, Var<'_, f64>> =
            ["input", "h0", "c0"][..1 + C::PARTS].iter().map(|&name| (name, pass.leaf(&self.values[name]))).collect();
        let start = Carried::build(|part| data[["h0", "c0"][part]]);
        let (outputs, last) = network.forward(data["input"], start, &mut Mode::Eval);
        let results = [&[outputs], C::parts(last).as_slice()].concat();

        let mut loss = pass.zeros([]);
        assert_eq!(results.len(), self.outputs.len());
        for (i, (result, cotangent)) in results.iter().zip(&self.cotangents).enumerate() {
            assert_eq!(result.shape(), self.outputs[i].shape());
            assert_close(&format!("output {i}"), result.to_tensor().as_slice(), self.outputs[i].as_slice(), TOLERANCE);
            loss = loss + (*result * pass.input(cotangent)).sum();
        }
        assert_close("loss", &[loss.item()], &[self.loss], TOLERANCE);

        loss.backward(&mut grads);
        let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (param, entry) in &handles {
            found.insert(torch_name(entry.name()), grads.of(*param).to_vec());
        }
        for (name, leaf) in &data {
            let mut gradient = vec![f64::NAN; leaf.shape().len()];
            leaf.grad_to(&mut gradient);
            found.insert((*name).to_owned(), gradient);
        }
        assert!(found.keys().eq(self.grads.keys()), "{:?} and {:?}", found.keys(), self.grads.keys());
        for (name, expected) in &self.grads {
            assert_close(&format!("gradient of {name}"), &found[name], expected.as_slice(), TOLERANCE);
        }
    }
}

/// Checks the cases of one kind: 1 and 2 layers, one and both directions, with and without bias.
fn check_all<C: Testable>(kind: &str, form: usize) {
    let cases = read::<Network>(include_str!("../fixtures/recurrent.json"));
    assert_eq!(cases.len(), 20);
    let cases: Vec<_> = cases.into_iter().filter(|case| case.kind == kind).collect();
    assert_eq!(cases.len(), 5);
    cases.iter().for_each(|case| case.check::<C>(form));
}

#[test]
fn rnn_with_tanh_is_pytorchs() {
    check_all::<Rnn>("RNN_TANH", 0);
}

#[test]
fn rnn_with_relu_is_pytorchs() {
    check_all::<Rnn>("RNN_RELU", 1);
}

#[test]
fn lstm_is_pytorchs() {
    check_all::<Lstm>("LSTM", 0);
}

#[test]
fn gru_is_pytorchs() {
    check_all::<Gru>("GRU", 0);
}
