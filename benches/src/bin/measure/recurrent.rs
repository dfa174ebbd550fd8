//! W4: an LSTM and a GRU that learn from windows of a stream, their state carried on.

use serde_json::json;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_benches::Stream;
use thalweg_nn::{Adam, Cell, Gru, Linear, Lstm, Optimizer, State};
use thalweg_tensor::Rng;

use crate::data;
use crate::timing::{Timer, Unit};

/// The number of features.
const INPUTS: usize = 16;

/// How many steps a window has.
const WINDOWS: [usize; 2] = [16, 64];

/// A step of prediction and a window of learning, for both cells.
pub fn measure(timer: &Timer) {
    for hidden in [32, 64, 128, 256] {
        measure_cell(timer, "lstm", Lstm::new, hidden);
        measure_cell(timer, "gru", Gru::new, hidden);
    }
}

/// Prints the sum of the first losses.
pub fn check() {
    for hidden in [32, 64, 96] {
        for window in WINDOWS {
            check_cell("lstm", Lstm::new, hidden, window);
            check_cell("gru", Gru::new, hidden, window);
        }
    }
}

/// Adds a cell's parameters to θ.
type New<C> = fn(&mut Params, &str, usize, usize, &mut Rng) -> C;

fn measure_cell<C: Cell>(timer: &Timer, name: &str, new: New<C>, hidden: usize) {
    let mut learner = Learner::new(new, hidden, 0.001);
    let params = json!({"cell": name, "h": hidden, "input": INPUTS, "op": "predict"});
    timer.report("W4", params, Unit::Microseconds, || learner.predict());
    for window in WINDOWS {
        let mut learner = Learner::new(new, hidden, 0.001);
        let params = json!({"cell": name, "h": hidden, "input": INPUTS, "op": "tbptt", "T": window});
        timer.report("W4", params, Unit::Microseconds, || learner.learn(window));
    }
}

fn check_cell<C: Cell>(name: &str, new: New<C>, hidden: usize, window: usize) {
    const STEPS: usize = 20;
    let mut learner = Learner::new(new, hidden, 0.01);
    let loss: f64 = (0..STEPS).map(|_| f64::from(learner.learn(window))).sum();
    eprintln!("{}", json!({"net": name, "h": hidden, "T": window, "steps": STEPS, "loss": loss}));
}

/// A cell and a linear head to one number, with all that they learn by.
struct Learner<C> {
    cell: C,
    head: Linear,
    params: Params,
    tape: Tape,
    grads: Grads,
    adam: Adam,
    carried: State,
    stream: Stream,
}

impl<C: Cell> Learner<C> {
    fn new(new: New<C>, hidden: usize, learning_rate: f64) -> Self {
        let (mut params, mut rng) = (Params::new(), Rng::new(0));
        let cell = new(&mut params, "cell", INPUTS, hidden, &mut rng);
        let head = Linear::new(&mut params, "head", hidden, 1, &mut rng);
        data::redraw(&mut params, &[1.0 / (hidden as f32).sqrt(); 6]);
        let (carried, grads) = (cell.zero_state(&params), Grads::like(&params));
        let (tape, adam, stream) = (Tape::new(), Adam::new(learning_rate), data::numbers(INPUTS));
        Learner { cell, head, params, tape, grads, adam, carried, stream }
    }

    /// A guess and its squared error at each step of the next window, backward through the window, an update; the mean
    /// error before the update.
    fn learn(&mut self, window: usize) -> f32 {
        let (x, y) = self.stream.next(window);
        let pass = self.tape.pass(&self.params);
        let x = pass.input(x).reshape([window, INPUTS]);
        let (h, last) = self.cell.sequence(x, self.cell.enter(&pass, &self.carried));
        let loss = self.head.forward(h).mse(pass.input(y).reshape([window, 1]));
        loss.backward(&mut self.grads);
        self.cell.leave(last, &mut self.carried);
        let loss = loss.item();
        self.adam.step(&mut self.params, &mut self.grads);
        loss
    }

    /// The guess at the next step.
    fn predict(&mut self) -> f32 {
        let (x, _) = self.stream.next(1);
        let pass = self.tape.pass(&self.params);
        let x = pass.input(x).reshape([1, INPUTS]);
        let (h, next) = self.cell.last(x, self.cell.enter(&pass, &self.carried));
        self.cell.leave(next, &mut self.carried);
        self.head.forward(h).item()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean error falls below half of what it was.
    fn assert_learns<C: Cell>(new: New<C>) {
        let mut learner = Learner::new(new, 32, 0.01);
        let mut mean = |windows: u8| (0..windows).map(|_| learner.learn(16)).sum::<f32>() / f32::from(windows);
        let [first, _, last] = [20, 200, 100].map(&mut mean);
        assert!(last < 0.5 * first, "{first} to {last}");
        // Predicting carries the state on: the same features meet another state.
        learner.stream = data::numbers(INPUTS);
        let before = learner.carried.clone();
        learner.predict();
        assert!(learner.carried != before);
    }

    #[test]
    fn the_loss_falls() {
        assert_learns(Lstm::new);
        assert_learns(Gru::new);
    }
}
