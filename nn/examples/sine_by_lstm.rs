//! 2. A stream: an LSTM that carries its state and learns from every value, as long as values come.
//!
//! A noisy wave whose frequency drifts is to be predicted one value ahead. There are no epochs, no batches and no test set:
//! each value is predicted first and learned from after. Between two passes the state is a plain value that the program
//! holds; it goes on, the history behind it is cut.
//!
//! Half-way θ is copied. The copy goes on predicting and learns no more; layers are handles without numbers, so the same
//! layers run over both. What the drift costs the copy is what learning on is worth.
//!
//! Run: `cargo run --release -p thalweg-nn --example sine_by_lstm`
//! Read: `nn/src/recurrent/lstm.rs`, a cell as its equations. Next: `characters.rs`.

use thalweg_nn::{Adam, Cell, Grads, Linear, Lstm, Optimizer, Params, Pass, Rng, State, Tape, Var, network};

const STEPS: usize = 24_000;
const NOISE: f64 = 0.1;

network! {
    /// From a value to a guess at the next one.
    struct Predictor {
        lstm: Lstm::new(1, 16),
        head: Linear::new(16, 1),
    }
}

impl Predictor {
    /// The loss of one step; what is carried goes on.
    fn step<'p>(&self, pass: &'p Pass<'p>, x: f32, next: f32, carried: &mut State) -> Var<'p> {
        let (h, state) = self.lstm.step(pass.input(&[x]), self.lstm.enter(pass, carried));
        self.lstm.leave(state, carried);
        self.head.forward(h).mse(pass.input(&[next]))
    }
}

fn main() {
    let (mut params, mut rng) = (Params::new(), Rng::new(1));
    let net = Predictor::new(&mut params, "", &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.002));
    let (mut carried, mut carried_by_copy) = (net.lstm.zero_state(&params), net.lstm.zero_state(&params));
    let mut copy = params.clone();

    // Sums of squared errors within each quarter of the stream: learning on, the copy, and "as it was".
    let mut errors = [[0.0; 3]; 4];
    let (mut phase, mut x) = (0.0_f64, 0.0);
    for t in 0..STEPS {
        phase += 0.2 + 0.4 * t as f64 / STEPS as f64;
        let next = (phase.sin() + NOISE * rng.normal()) as f32;
        if t == STEPS / 2 {
            copy.clone_from(&params);
        }
        let stopped = net.step(&tape.pass(&copy), x, next, &mut carried_by_copy).item();

        let pass = tape.pass(&params);
        let loss = net.step(&pass, x, next, &mut carried);
        let found = [loss.item(), stopped, (next - x).powi(2)];
        loss.backward(&mut grads);
        adam.step(&mut params, &mut grads);

        let quarter = &mut errors[4 * t / STEPS];
        quarter.iter_mut().zip(found).for_each(|(sum, error)| *sum += f64::from(error));
        x = next;
    }

    println!("mean squared error; no guess can have less than the noise, {:.4}", NOISE * NOISE);
    println!("quarter  learning on  stopped half-way  as it was");
    for (quarter, sums) in errors.iter_mut().enumerate() {
        sums.iter_mut().for_each(|sum| *sum /= (STEPS / 4) as f64);
        // The copy becomes one after two quarters.
        let stopped = if quarter < 2 { String::new() } else { format!("{:.4}", sums[1]) };
        println!("{quarter:>7}  {:>11.4}  {stopped:>16}  {:>9.4}", sums[0], sums[2]);
    }
    let [learning, stopped, as_it_was] = errors[3];
    assert!(learning < 0.25 * as_it_was, "it predicts, and does not repeat");
    assert!(learning < 0.25 * stopped, "it keeps up with the drift");
}
