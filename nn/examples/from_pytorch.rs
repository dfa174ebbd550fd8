//! 7. From PyTorch and on: weights that Python saved are loaded by name, checked, and learned on with.
//!
//! The layers make θ first, under PyTorch's names; the file fills it, and a report says what was found. The network then
//! gives the numbers that PyTorch gave. Its head grows by one output, which changes none of the others by a bit, and the
//! network learns what the new one is to say while the old ones are held to what they said. θ goes back into a file that
//! `load_state_dict` reads.
//!
//! Run: `cargo run --release -p thalweg-nn --features safetensors --example from_pytorch`
//! Read: `nn/src/weights/safetensors/mod.rs`, and then whatever you need: `nn/src/lib.rs` has the table.

use std::path::Path;

use serde::Deserialize;
use thalweg_nn::weights::safetensors::{self, Loading, Saving};
use thalweg_nn::{Adam, Grads, Linear, Lstm, Mode, Optimizer, Params, Recurrent, RecurrentOptions, Rng, Tape, Tensor};
use thalweg_nn::{Var, network};

const STEPS: usize = 3000;

network! {
    /// In PyTorch: `self.rnn = nn.LSTM(4, 8, num_layers=2, batch_first=True)` and `self.head = nn.Linear(8, outputs)`.
    struct Network(outputs: usize) {
        rnn: Recurrent<Lstm>::with(RecurrentOptions::new(4, 8).layers(2).batch_first(true)),
        head: Linear::new(8, outputs),
    }
}

impl Network {
    /// `[n, t, 4]` → `[n, t, outputs]`.
    fn forward<'p>(&self, x: Var<'p>, mode: &mut Mode) -> Var<'p> {
        self.head.forward(self.rnn.forward_from_start(x, mode).0)
    }
}

/// What PyTorch made of some input.
#[derive(Deserialize)]
struct Known {
    input: Tensor,
    output: Tensor,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let known: Known = serde_json::from_str(&std::fs::read_to_string(fixtures.join("lstm_net.json"))?)?;
    let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
    let net = Network::new(&mut params, "", 3, &mut rng);
    let report = safetensors::load(fixtures.join("lstm_net_f32.safetensors"), &mut params, &Loading::strict())?;
    println!("{report}\n  {}", report.loaded.join("\n  "));

    let outputs = net.forward(tape.pass(&params).input(&known.input), &mut Mode::Eval).to_tensor();
    let difference = (&outputs - &known.output).view().abs().view().max();
    println!("largest difference from PyTorch's outputs: {difference:.0e}");
    assert!(difference < 1e-6);

    // One output more: the mean of the first inputs so far. `old` stays what it was, and says what it said.
    let old = params.clone();
    net.head.grow_outputs(&mut params, 1);
    let (mut grads, mut adam, mut old_tape) = (Grads::like(&params), Adam::new(0.01), Tape::new());
    let mut missed = Vec::new();
    for _ in 0..STEPS {
        let x = Tensor::<f32>::normal([16, 6, 4], 0.0, 1.0, &mut rng);
        let said = net.forward(old_tape.pass(&old).input(&x), &mut Mode::Eval).to_tensor();
        let mean = x.view().slice(2, 0..1).cumsum(1) / Tensor::arange(1.0, 7.0, 1.0).reshape([6, 1]);

        let pass = tape.pass(&params);
        let outputs = net.forward(pass.input(&x), &mut Mode::train(rng.fork()));
        let targets = [&said, &mean].map(|target| pass.input(target));
        let [kept, new] = [outputs.slice(2, 0..3).mse(targets[0]), outputs.slice(2, 3..4).mse(targets[1])];
        (kept * 10.0 + new).backward(&mut grads); // the old ones vary less

        // In units of the variance: 1 is what a constant would miss, 0 is exact.
        missed.push(
            [(kept, &said), (new, &mean)]
                .map(|(error, target)| error.item() / target.view().var_axes(&[0, 1], false, false).view().mean()),
        );
        adam.step(&mut params, &mut grads);
    }
    let late = [0, 1].map(|which| missed[STEPS - 100..].iter().map(|missed| missed[which]).sum::<f32>() / 100.0);
    println!("what is missed of the variance, at first and at last");
    println!("  by the old outputs {:.3} {:.3}", missed[0][0], late[0]);
    println!("  by the new one     {:.3} {:.3}", missed[0][1], late[1]);
    assert_eq!(missed[0][0], 0.0, "growth changes no old output");
    assert!(late.iter().all(|&missed| missed < 0.05), "the new one is learned, and the old ones are kept");

    let path = std::env::temp_dir().join(format!("thalweg-example-{}.safetensors", std::process::id()));
    safetensors::save(&path, &params, &Saving::default())?;
    let mut again = Params::<f32>::new();
    Network::new(&mut again, "", 4, &mut rng);
    safetensors::load(&path, &mut again, &Loading::strict())?;
    std::fs::remove_file(&path)?;
    assert_eq!(again, params, "what was saved is what was learned");
    Ok(())
}
