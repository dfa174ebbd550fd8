//! The networks and the streams that the benches measure, and the [`tables`] that are made again.
//!
//! They are those that the peers are measured with: an MLP `d-64-64-1` with ReLU that learns to classify, and an LSTM
//! with a linear head that learns to regress, one example (or window) at a time.

pub mod tables;

use thalweg_autograd::{Params, Var};
use thalweg_nn::{Activation, Cell, Linear, Lstm, LstmState};
use thalweg_tensor::Rng;

/// The sizes `n` of the products of matrices that are measured, `[n, n] · [n, n]` (W1).
pub const MATRICES: [usize; 7] = [32, 64, 128, 256, 512, 1024, 2048];

/// The layers whose products are measured, as (`n`, batch): `[batch, n] · [n, n]ᵀ` (W2).
pub const LAYERS: [(usize, usize); 9] =
    [(64, 1), (64, 8), (64, 32), (256, 1), (256, 8), (256, 32), (1024, 1), (1024, 8), (1024, 32)];

/// `d-64-64-1`, ReLU between the layers; the output is a logit.
#[derive(Clone, Copy, Debug)]
pub struct Mlp {
    layers: [Linear; 3],
}

impl Mlp {
    /// Adds the network to θ.
    pub fn new(params: &mut Params, inputs: usize, rng: &mut Rng) -> Self {
        let sizes = [("first", inputs, 64), ("second", 64, 64), ("head", 64, 1)];
        Mlp { layers: sizes.map(|(name, inputs, outputs)| Linear::new(params, name, inputs, outputs, rng)) }
    }

    /// `[d]` → the logit, `[1]`.
    pub fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        let [first, second, head] = self.layers;
        let hidden = first.forward_with(x, Activation::Relu);
        head.forward(second.forward_with(hidden, Activation::Relu))
    }
}

/// An LSTM and a linear head to one number.
#[derive(Clone, Copy, Debug)]
pub struct Regressor {
    /// The cell, whose state the caller carries.
    pub lstm: Lstm,
    head: Linear,
}

impl Regressor {
    /// Adds the network to θ.
    pub fn new(params: &mut Params, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        let lstm = Lstm::new(params, "lstm", inputs, hidden, rng);
        Regressor { lstm, head: Linear::new(params, "head", hidden, 1, rng) }
    }

    /// A window `[t, d]` → a guess at each step, `[t, 1]`, and the state to carry on.
    pub fn forward<'p>(&self, window: Var<'p>, state: LstmState<'p>) -> (Var<'p>, LstmState<'p>) {
        let (h, last) = self.lstm.sequence(window, state);
        (self.head.forward(h), last)
    }

    /// One step without a window: `[d]` → the guess, `[1]`.
    pub fn step<'p>(&self, x: Var<'p>, state: LstmState<'p>) -> (Var<'p>, LstmState<'p>) {
        let (h, next) = self.lstm.last(x.reshape(x.shape().inserted(0, 1)), state);
        (self.head.forward(h), next)
    }
}

/// Examples drawn beforehand and given out in windows, again and again.
#[derive(Clone, Debug)]
pub struct Stream {
    inputs: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    at: usize,
}

impl Stream {
    /// How many examples there are before they repeat.
    pub const LEN: usize = 4096;

    /// These examples: [`LEN`](Self::LEN) rows of `inputs` features one after another, and a target for each.
    ///
    /// # Panics
    /// If there are more or fewer.
    #[track_caller]
    pub fn new(inputs: usize, x: Vec<f32>, y: Vec<f32>) -> Self {
        let (features, targets) = (x.len(), y.len());
        assert!(
            features == Self::LEN * inputs && targets == Self::LEN,
            "stream: {} examples of {inputs} features expected: {features} features and {targets} targets",
            Self::LEN
        );
        Stream { inputs, x, y, at: 0 }
    }

    /// Features uniform with variance 1; labels 0 and 1 drawn from a logistic model of them.
    pub fn of_labels(inputs: usize, rng: &mut Rng) -> Self {
        let x = uniform(Self::LEN * inputs, 3f64.sqrt(), rng);
        let weights = uniform(inputs, 1.5, rng);
        let logit = |x: &[f32]| x.iter().zip(&weights).map(|(x, w)| f64::from(x * w)).sum::<f64>();
        let y = x.chunks(inputs).map(|x| f32::from(u8::from(rng.uniform() < 1.0 / (1.0 + (-logit(x)).exp()))));
        Stream { inputs, y: y.collect(), x, at: 0 }
    }

    /// Features uniform in ±1; the target is a fading sum of their means, with noise.
    pub fn of_numbers(inputs: usize, rng: &mut Rng) -> Self {
        let x = uniform(Self::LEN * inputs, 1.0, rng);
        let mut sum = 0.0;
        let y = x.chunks(inputs).map(|x| {
            sum = 0.9 * sum + x.iter().sum::<f32>() / inputs as f32;
            sum + rng.range(-0.1, 0.1) as f32
        });
        Stream { inputs, y: y.collect(), x, at: 0 }
    }

    /// The next `window` examples: their features one after another, and their targets.
    pub fn next(&mut self, window: usize) -> (&[f32], &[f32]) {
        let at = self.at;
        self.at = (at + window) % Self::LEN;
        (&self.x[at * self.inputs..][..window * self.inputs], &self.y[at..][..window])
    }
}

fn uniform(count: usize, bound: f64, rng: &mut Rng) -> Vec<f32> {
    (0..count).map(|_| rng.range(-bound, bound) as f32).collect()
}
