//! To PyTorch and back.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use thalweg_autograd::{Params, Tape};
use thalweg_nn::weights::Error;
use thalweg_nn::weights::safetensors::{Dtype, Loading, Saving, from_bytes, save};
use thalweg_nn::{Cell, Linear, Lstm, unroll};
use thalweg_tensor::{Real, Rng, Tensor};

use crate::support::assert_close;

/// An LSTM with a head on it, as PyTorch names its parts.
struct Network {
    layers: Vec<Lstm>,
    head: Linear,
}

impl Network {
    /// Each layer is a cell of its own, named by `names`.
    fn new<T: Real>(params: &mut Params<T>, names: &[&str], [inputs, hidden, outputs]: [usize; 3]) -> Self {
        let rng = &mut Rng::new(1);
        let mut width = inputs;
        let mut layer = |name: &&str| Lstm::new(params, name, std::mem::replace(&mut width, hidden), hidden, rng);
        let layers = names.iter().map(&mut layer).collect();
        Network { layers, head: Linear::new(params, "head", hidden, outputs, &mut Rng::new(2)) }
    }

    /// One sequence: `[t, in]` → `[t, out]`.
    fn run<T: Real>(&self, params: &Params<T>, sequence: &[f64], steps: usize) -> Vec<f64> {
        let mut tape = Tape::new();
        let pass = tape.pass(params);
        let numbers: Vec<T> = sequence.iter().map(|&x| T::from_f64(x)).collect();
        let mut x = pass.input(&numbers).reshape([steps, numbers.len() / steps]);
        for layer in &self.layers {
            (x, _) = unroll(layer, x, layer.enter(&pass, &layer.zero_state(params)));
        }
        self.head.forward(x).to_tensor().as_slice().iter().map(|y| y.to_f64()).collect()
    }
}

#[derive(Deserialize)]
struct Expected {
    input: Tensor<f64>,
    output: Tensor<f64>,
}

/// Loads PyTorch's two-layer network from `file` into two cells, and compares what it makes of PyTorch's input.
fn gives_pytorchs_output<T: Real>(file: &[u8], tolerance: f64) -> Result<(), Error> {
    let text = include_str!("../../fixtures/lstm_net.json");
    let expected: Expected = serde_json::from_str(text).expect("the fixture is well formed");
    let mut params = Params::<T>::new();
    let network = Network::new(&mut params, &["rnn", "second"], [4, 8, 3]);
    // A cell is one layer, so its parts end with `_l0`.
    let loading = Loading::strict().rename(|name| {
        let second = name.strip_prefix("rnn.").and_then(|part| part.strip_suffix("_l1"));
        Some(second.map_or(name.to_owned(), |part| format!("second.{part}_l0")))
    });
    let report = from_bytes(file, &mut params, &loading)?;
    assert_eq!(report.loaded.len(), 10);
    let sequences = expected.input.as_slice().chunks(6 * 4);
    let found: Vec<f64> = sequences.flat_map(|sequence| network.run(&params, sequence, 6)).collect();
    assert_close("output", &found, expected.output.as_slice(), tolerance);
    Ok(())
}

#[test]
fn a_state_dict_loads_by_name_and_gives_pytorchs_output() -> Result<(), Error> {
    let [single, double]: [&[u8]; 2] = [
        include_bytes!("../../fixtures/lstm_net_f32.safetensors"),
        include_bytes!("../../fixtures/lstm_net_f64.safetensors"),
    ];
    gives_pytorchs_output::<f64>(double, 1e-12)?;
    gives_pytorchs_output::<f32>(single, 1e-6)?;
    gives_pytorchs_output::<f32>(double, 1e-6)?;
    gives_pytorchs_output::<f64>(single, 1e-6)
}

#[test]
fn a_state_dict_of_another_network_changes_nothing() {
    let file = include_bytes!("../../fixtures/lstm_net_f64.safetensors");
    let mut params = Params::<f64>::new();
    Network::new(&mut params, &["rnn"], [4, 8, 2]);
    let before = params.clone();
    let error = from_bytes(file, &mut params, &Loading::strict()).expect_err("it has two layers");
    assert_eq!(
        error.to_string(),
        "the tensors are not those of the model
loaded      4
unexpected  rnn.bias_hh_l1
unexpected  rnn.bias_ih_l1
unexpected  rnn.weight_hh_l1
unexpected  rnn.weight_ih_l1
misshaped   head.weight: expected [2, 8], found [3, 8]
misshaped   head.bias: expected [2], found [3]"
    );
    assert_eq!(params, before);
}

/// Runs `to_torch.py`, where there is a Python with torch.
#[test]
fn what_is_saved_here_runs_in_pytorch() -> std::io::Result<()> {
    let python = std::env::var_os("PYTHON").unwrap_or("python3".into());
    if !Command::new(&python).args(["-c", "import torch"]).output().is_ok_and(|done| done.status.success()) {
        println!("skipped: {} has no torch", Path::new(&python).display());
        return Ok(());
    }
    let (folder, sizes, steps) = (tempfile::tempdir()?, [3, 5, 2], 7);
    let mut params = Params::<f64>::new();
    let network = Network::new(&mut params, &["rnn"], sizes);
    // Numbers that single precision holds, so that all files start from the same.
    params = params.cast::<f32>().cast();
    let metadata = BTreeMap::from([("format", "pt"), ("note", "ä \"quoted\"")].map(|(k, v)| (k.into(), v.into())));
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64] {
        let saving = Saving { dtype: Some(dtype), metadata: metadata.clone(), ..Saving::default() };
        save(folder.path().join(format!("{}.safetensors", dtype.name())), &params, &saving).expect("it can be saved");
    }
    let input = Tensor::<f64>::uniform([steps, sizes[0]], -2.0, 2.0, &mut Rng::new(3));
    let output = Tensor::new([steps, sizes[2]], network.run(&params, input.as_slice(), steps));
    let expected = serde_json::json!({"sizes": sizes, "input": input, "output": output});
    std::fs::write(folder.path().join("expected.json"), expected.to_string())?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/to_torch.py");
    let done = Command::new(&python).arg(script).arg(folder.path()).output()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
