//! W5: networks that learn from batches: an MLP, an LSTM over sequences, and a convolutional network.
//!
//! One batch is used again and again; zeroing the gradient, forward, loss, backward and update count. On one thread a pass
//! is one batch; on two, each takes one half ([`Parallel`]).

use std::ops::Range;

use serde_json::json;
use thalweg_autograd::{Activation, Grads, Params, Pass, Tape, Var};
use thalweg_nn::loss::{CrossEntropyLoss, MseLoss};
use thalweg_nn::{Adam, Carried, Cell, Conv2d, Linear, Lstm, LstmState, MaxPool2d, Mode, Optimizer, Parallel};
use thalweg_tensor::{ConvOptions, Rng, Tensor};

use crate::data::{self, DATA_SEED, SplitMix};
use crate::timing::{Timer, Unit};

/// The number of classes that the MLP and the convolutional network tell apart.
const CLASSES: usize = 10;

/// A step of learning of each network, on one thread and on two.
pub fn measure(timer: &Timer) {
    measure_network::<Mlp>(timer);
    measure_network::<Sequences>(timer);
    measure_network::<Images>(timer);
}

/// Prints the sum of the first losses.
pub fn check() {
    check_network::<Mlp>();
    check_network::<Sequences>();
    check_network::<Images>();
}

fn measure_network<N: Network>(timer: &Timer) {
    for threads in [1, 2] {
        let mut learner = Learner::<N>::new(threads);
        let params = json!({"net": N::NAME, "batch": N::BATCH});
        timer.report_on(threads, "W5", params, Unit::Items(N::BATCH as f64), || learner.learn());
    }
}

fn check_network<N: Network>() {
    const STEPS: usize = 10;
    let mut learner = Learner::<N>::new(1);
    let loss: f64 = (0..STEPS).map(|_| learner.learn()).sum();
    eprintln!("{}", json!({"net": format!("batch-{}", N::NAME), "steps": STEPS, "loss": loss}));
}

/// Layers and the batch that they learn from.
trait Network: Send + Sync {
    const NAME: &'static str;
    const BATCH: usize;

    /// Adds the layers to θ, draws θ, and draws the batch.
    fn new(params: &mut Params) -> Self;

    /// The mean loss of some of the examples.
    fn loss<'p>(&self, pass: &'p Pass<'p>, examples: Range<usize>) -> Var<'p>;
}

/// A network with all that it learns by.
struct Learner<N> {
    network: N,
    params: Params,
    tape: Tape,
    parallel: Option<Parallel>,
    grads: Grads,
    adam: Adam,
}

impl<N: Network> Learner<N> {
    fn new(threads: usize) -> Self {
        let mut params = Params::new();
        let network = N::new(&mut params);
        let (tape, grads, adam) = (Tape::new(), Grads::like(&params), Adam::new(0.001));
        let parallel = (threads > 1).then(|| Parallel::new(N::BATCH.div_ceil(threads)));
        Learner { network, params, tape, parallel, grads, adam }
    }

    /// Forward, loss, backward, update; the loss before the update.
    fn learn(&mut self) -> f64 {
        let Learner { network, params, tape, parallel, grads, adam } = self;
        let loss = match parallel {
            Some(parallel) => parallel.backward(params, N::BATCH, grads, &mut Mode::Eval, |pass, part, _| {
                let share = part.len() as f32 / N::BATCH as f32;
                network.loss(pass, part) * share
            }),
            None => {
                let pass = tape.pass(params);
                let loss = network.loss(&pass, 0..N::BATCH);
                loss.backward(grads);
                loss.item().into()
            }
        };
        adam.step(params, grads);
        loss
    }
}

/// `784-256-128-10`, ReLU between the layers.
struct Mlp {
    layers: [Linear; 3],
    x: Tensor,
    classes: Vec<usize>,
}

impl Network for Mlp {
    const NAME: &'static str = "mlp";
    const BATCH: usize = 128;

    fn new(params: &mut Params) -> Self {
        let sizes = [("first", 784, 256), ("second", 256, 128), ("head", 128, CLASSES)];
        let layers = sizes.map(|(name, inputs, outputs)| Linear::new(params, name, inputs, outputs, &mut Rng::new(0)));
        draw(params, [784, 256, 128]);
        let mut rng = SplitMix::new(DATA_SEED);
        let x = Tensor::new([Self::BATCH, 784], rng.numbers(Self::BATCH * 784, 1.0));
        Mlp { layers, x, classes: rng.classes(Self::BATCH, CLASSES) }
    }

    fn loss<'p>(&self, pass: &'p Pass<'p>, examples: Range<usize>) -> Var<'p> {
        let [first, second, head] = self.layers;
        let x = pass.input(self.x.slice(0, signed(&examples)));
        let hidden = first.forward_with(x, Activation::Relu);
        let logits = head.forward(second.forward_with(hidden, Activation::Relu));
        CrossEntropyLoss::default().forward(logits, &self.classes[examples])
    }
}

/// An LSTM over 64 steps, and a linear head that reads its last state.
struct Sequences {
    lstm: Lstm,
    head: Linear,
    x: Tensor,
    y: Tensor,
}

impl Sequences {
    const STEPS: usize = 64;
    const INPUTS: usize = 64;
    const HIDDEN: usize = 128;
}

impl Network for Sequences {
    const NAME: &'static str = "lstm";
    const BATCH: usize = 32;

    fn new(params: &mut Params) -> Self {
        let mut rng = Rng::new(0);
        let lstm = Lstm::new(params, "lstm", Self::INPUTS, Self::HIDDEN, &mut rng);
        let head = Linear::new(params, "head", Self::HIDDEN, 1, &mut rng);
        draw(params, [Self::HIDDEN; 3]);
        let (mut rng, shape) = (SplitMix::new(DATA_SEED), [Self::STEPS, Self::BATCH, Self::INPUTS]);
        let x = Tensor::new(shape, rng.numbers(shape.iter().product(), 1.0));
        Sequences { lstm, head, x, y: Tensor::new([Self::BATCH, 1], rng.numbers(Self::BATCH, 1.0)) }
    }

    fn loss<'p>(&self, pass: &'p Pass<'p>, examples: Range<usize>) -> Var<'p> {
        let (x, y) = (self.x.slice(1, signed(&examples)), self.y.slice(0, signed(&examples)));
        let start = LstmState::build(|_| pass.zeros([examples.len(), Self::HIDDEN]));
        let (h, _) = self.lstm.last(pass.input(x), start);
        MseLoss::default().forward(self.head.forward(h), pass.input(y))
    }
}

/// Two convolutions, each with ReLU and pooling, and a linear layer.
struct Images {
    convolutions: [Conv2d; 2],
    head: Linear,
    x: Tensor,
    classes: Vec<usize>,
}

impl Network for Images {
    const NAME: &'static str = "conv";
    const BATCH: usize = 64;

    fn new(params: &mut Params) -> Self {
        let (mut rng, same) = (Rng::new(0), ConvOptions { padding: [1, 1], ..ConvOptions::default() });
        let convolutions = [("first", [1, 16]), ("second", [16, 32])]
            .map(|(name, channels)| Conv2d::with(params, name, channels, [3, 3], same, true, &mut rng));
        let head = Linear::new(params, "head", 32 * 7 * 7, CLASSES, &mut rng);
        draw(params, [9, 16 * 9, 32 * 7 * 7]);
        let mut rng = SplitMix::new(DATA_SEED);
        let x = Tensor::new([Self::BATCH, 1, 28, 28], rng.numbers(Self::BATCH * 28 * 28, 1.0));
        Images { convolutions, head, x, classes: rng.classes(Self::BATCH, CLASSES) }
    }

    fn loss<'p>(&self, pass: &'p Pass<'p>, examples: Range<usize>) -> Var<'p> {
        let pool = MaxPool2d::new([2, 2]);
        let mut x = pass.input(self.x.slice(0, signed(&examples)));
        for convolution in self.convolutions {
            x = pool.forward(convolution.forward(x).relu());
        }
        let logits = self.head.forward(x.reshape([examples.len(), 32 * 7 * 7]));
        CrossEntropyLoss::default().forward(logits, &self.classes[examples])
    }
}

/// Draws the weights and biases of three layers, uniform in ±1/√(numbers that each output sums up).
fn draw(params: &mut Params, sums: [usize; 3]) {
    let bounds = sums.map(|sum| 1.0 / (sum as f32).sqrt());
    let [first, second, head] = bounds;
    data::redraw(params, &[first, first, second, second, head, head]);
}

fn signed(examples: &Range<usize>) -> Range<isize> {
    examples.start as isize..examples.end as isize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_learns<N: Network>() {
        let (mut whole, mut halves) = (Learner::<N>::new(1), Learner::<N>::new(2));
        let first = whole.learn();
        assert!((halves.learn() - first).abs() < 1e-5 * first, "{}: {first}", N::NAME);
        for _ in 0..30 {
            whole.learn();
        }
        let last = whole.learn();
        assert!(last < 0.8 * first, "{}: {first} to {last}", N::NAME);
    }

    #[test]
    fn the_loss_falls_and_is_that_of_two_halves() {
        assert_learns::<Mlp>();
        assert_learns::<Sequences>();
        assert_learns::<Images>();
    }
}
