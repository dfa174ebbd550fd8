//! W3: an MLP that learns from one example at a time.

use serde_json::json;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_benches::{Mlp, Stream};
use thalweg_nn::{Adam, Optimizer, Sgd};
use thalweg_tensor::Rng;

use crate::data;
use crate::timing::{Timer, Unit};

/// The numbers of features.
const INPUTS: [usize; 2] = [8, 32];

/// A step of learning with each optimizer, and a prediction.
pub fn measure(timer: &Timer) {
    for inputs in INPUTS {
        for (name, optimizer) in optimizers() {
            let mut learner = Learner::new(inputs, optimizer);
            let params = json!({"d": inputs, "opt": name, "op": "learn"});
            timer.report("W3", params, Unit::Microseconds, || learner.learn());
        }
        let mut learner = Learner::new(inputs, Box::new(Sgd::new(0.0)));
        timer.report("W3", json!({"d": inputs, "op": "predict"}), Unit::Microseconds, || learner.predict());
    }
}

/// Prints the sum of the first losses.
pub fn check() {
    const STEPS: usize = 500;
    for inputs in INPUTS {
        for (name, optimizer) in optimizers() {
            let mut learner = Learner::new(inputs, optimizer);
            let loss: f64 = (0..STEPS).map(|_| f64::from(learner.learn())).sum();
            eprintln!("{}", json!({"net": "mlp", "d": inputs, "opt": name, "steps": STEPS, "loss": loss}));
        }
    }
}

fn optimizers() -> [(&'static str, Box<dyn Optimizer<f32>>); 2] {
    [("sgd", Box::new(Sgd::new(0.01))), ("adam", Box::new(Adam::new(0.001)))]
}

/// The network with all that it learns by.
struct Learner {
    network: Mlp,
    params: Params,
    tape: Tape,
    grads: Grads,
    optimizer: Box<dyn Optimizer<f32>>,
    stream: Stream,
}

impl Learner {
    fn new(inputs: usize, optimizer: Box<dyn Optimizer<f32>>) -> Self {
        let mut params = Params::new();
        let network = Mlp::new(&mut params, inputs, &mut Rng::new(0));
        let [first, hidden] = [inputs, 64].map(|inputs| 1.0 / (inputs as f32).sqrt());
        data::redraw(&mut params, &[first, first, hidden, hidden, hidden, hidden]);
        let (tape, grads, stream) = (Tape::new(), Grads::like(&params), data::labels(inputs));
        Learner { network, params, tape, grads, optimizer, stream }
    }

    /// Forward, binary cross entropy of the logit, backward, update; the loss before the update.
    fn learn(&mut self) -> f32 {
        let (x, y) = self.stream.next(1);
        let pass = self.tape.pass(&self.params);
        let loss = self.network.forward(pass.input(x)).bce_with_logits(pass.input(y));
        loss.backward(&mut self.grads);
        let loss = loss.item();
        self.optimizer.step(&mut self.params, &mut self.grads);
        loss
    }

    /// The logit of the next example.
    fn predict(&mut self) -> f32 {
        let (x, _) = self.stream.next(1);
        let pass = self.tape.pass(&self.params);
        self.network.forward(pass.input(x)).item()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_falls() {
        for (name, optimizer) in optimizers() {
            let mut learner = Learner::new(8, optimizer);
            let mut mean = || (0..1000).map(|_| learner.learn()).sum::<f32>() / 1000.0;
            let [first, _, last] = [0; 3].map(|_| mean());
            assert!(last < 0.9 * first, "{name}: {first} to {last}");
        }
    }
}
