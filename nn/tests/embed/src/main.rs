//! `embed <file> <steps>`: an LSTM that predicts a noisy sine whose frequency drifts. If there is a file, it continues
//! from there as if it had never stopped. Prints the mean squared error of late, and a hash of θ.

use serde::{Deserialize, Serialize};
use thalweg_nn::{Adam, Cell, Grads, Linear, Lstm, Optimizer, Params, Rng, State, Tape, network, weights};

network! {
    #[derive(Serialize, Deserialize)]
    struct Network { lstm: Lstm::new(1, 12), head: Linear::new(12, 1) }
}

/// All that learning depends on.
#[derive(Serialize, Deserialize)]
struct Learner {
    params: Params,
    network: Network,
    adam: Adam,
    carried: State,
    rng: Rng,
    time: f64,
    last: f32,
    error: f32,
}

impl Learner {
    fn new(seed: u64) -> Self {
        let (mut params, mut rng) = (Params::new(), Rng::new(seed));
        let network = Network::new(&mut params, "", &mut rng);
        let carried = network.lstm.zero_state(&params);
        Learner { params, network, adam: Adam::new(0.01), carried, rng, time: 0.0, last: 0.0, error: 1.0 }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [file, steps] = std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "embed <file> <steps>")?;
    let mut learner: Learner = if std::fs::exists(&file)? { weights::load(&file)? } else { Learner::new(1) };
    let Learner { params, network: Network { lstm, head }, adam, carried, rng, time, last, error } = &mut learner;

    let (mut tape, mut grads) = (Tape::new(), Grads::like(params)); // hold nothing between steps
    for _ in 0..steps.parse()? {
        let phase = 0.3 * *time + 5.0 * (0.01 * *time).sin();
        let next = (phase.sin() + 0.05 * rng.normal()) as f32;
        let pass = tape.pass(params);
        let (h, state) = lstm.step(pass.input(&[*last]), lstm.enter(&pass, carried));
        let loss = head.forward(h).mse(pass.input(&[next]));
        *error += 0.03 * (loss.item() - *error);
        loss.backward(&mut grads);
        lstm.leave(state, carried);
        adam.step(params, &mut grads);
        (*time, *last) = (*time + 1.0, next);
    }

    let mix = |hash: u64, x: &f32| (hash ^ u64::from(x.to_bits())).wrapping_mul(0x0100_0000_01b3);
    println!("{error:.4} {:016x}", params.as_slice().iter().fold(0xcbf2_9ce4_8422_2325, mix));
    weights::save(&file, &learner)?;
    Ok(())
}
