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
        let n = x.dims::<3>()[0];
        self.head.forward(self.rnn.forward(x, self.rnn.start(x.pass(), Some(n)), mode).0)
    }
}

/// What PyTorch made of some input.
#[derive(Deserialize)]
struct Known {
    input: Tensor<f64>,
    output: Tensor<f64>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let known: Known = serde_json::from_str(&std::fs::read_to_string(fixtures.join("lstm_net.json"))?)?;
    let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
    let net = Network::new(&mut params, "", 3, &mut rng);
    let report = safetensors::load(fixtures.join("lstm_net_f32.safetensors"), &mut params, &Loading::strict())?;
    println!("{report}\n  {}", report.loaded.join("\n  "));

    let x = Tensor::from_fn(known.input.shape(), |i| known.input.as_slice()[i] as f32);
    let outputs = net.forward(tape.pass(&params).input(&x), &mut Mode::Eval).to_tensor();
    let differences =
        outputs.as_slice().iter().zip(known.output.as_slice()).map(|(&y, known)| (f64::from(y) - known).abs());
    let difference = differences.fold(0.0, f64::max);
    println!("largest difference from PyTorch's outputs {difference:.0e}");
    assert!(difference < 1e-6);

    // One output more, for the mean of the first inputs so far. `old` stays what it was, and says what it said.
    let old = params.clone();
    net.head.grow_outputs(&mut params, 1);
    let (mut grads, mut adam, mut old_tape) = (Grads::like(&params), Adam::new(0.01), Tape::new());
    let mut errors = Vec::new();
    for _ in 0..STEPS {
        let x = Tensor::<f32>::normal([16, 6, 4], 0.0, 1.0, &mut rng);
        let said = net.forward(old_tape.pass(&old).input(&x), &mut Mode::Eval).to_tensor();
        let mean = Tensor::from_index([16, 6, 1], |at| {
            (0..=at[1]).map(|t| x[[at[0], t, 0]]).sum::<f32>() / (at[1] + 1) as f32
        });

        let pass = tape.pass(&params);
        let outputs = net.forward(pass.input(&x), &mut Mode::train(rng.fork()));
        let [kept, new] =
            [outputs.slice(2, 0..3).mse(pass.input(&said)), outputs.slice(2, 3..4).mse(pass.input(&mean))];
        errors.push([kept, new].map(Var::item));
        (kept + new).backward(&mut grads);
        adam.step(&mut params, &mut grads);
    }
    assert_eq!(errors[0][0], 0.0, "growth changes no old output");
    let late = &errors[STEPS - 100..];
    let [kept, new] = [0, 1].map(|which| late.iter().map(|error| error[which]).sum::<f32>() / 100.0);
    println!(
        "squared error of the new output: {:.4} at first, {new:.4} at last; of the old ones {kept:.6}",
        errors[0][1]
    );

    let path = std::env::temp_dir().join(format!("thalweg-example-{}.safetensors", std::process::id()));
    safetensors::save(&path, &params, &Saving::default())?;
    let mut again = Params::<f32>::new();
    Network::new(&mut again, "", 4, &mut rng);
    safetensors::load(&path, &mut again, &Loading::strict())?;
    std::fs::remove_file(&path)?;
    assert_eq!(again, params, "what was saved is what was learned");
    Ok(())
}
