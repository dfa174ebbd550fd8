//! What learns the stream: five hidden units, example by example.

use thalweg_autograd::{Activation, Grads, Params, Tape, Var};
use thalweg_nn::{Hidden, Linear, Optimizer, Step};
use thalweg_online::consolidate::Consolidation;
use thalweg_online::optim::{AnyOptimizer, Example, Informed};
use thalweg_online::plasticity::Plasticity;
use thalweg_online::{ConsolidationSpec, OptimizerSpec, PlasticitySpec};
use thalweg_tensor::Rng;

use super::stream::{BITS, Stream};

const UNITS: usize = 5;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    pub name: &'static str,
    /// Of the hidden units; `Identity` for none: a linear learner.
    pub activation: Activation,
    pub optimizer: &'static str,
    pub plasticity: &'static str,
    pub consolidation: &'static str,
}

/// The layers: two, or one.
#[derive(Clone, Copy, Debug)]
struct Layers {
    hidden: Option<Linear>,
    head: Linear,
}

impl Layers {
    /// Kaiming's uniform weights, of the gain of what is behind them, and biases of 0.
    fn new(params: &mut Params, activation: Activation, rng: &mut Rng) -> Self {
        let gain = match activation {
            Activation::Identity => None,
            Activation::Relu => Some(2.0f64.sqrt()),
            _ => Some(5.0 / 3.0),
        };
        let mut layer = |name: &str, inputs: usize, outputs: usize, gain: f64| {
            let layer = Linear::new(params, name, inputs, outputs, rng);
            let bound = gain * (3.0 / inputs as f64).sqrt();
            params.of_mut(layer.weight).iter_mut().for_each(|weight| *weight = rng.range(-bound, bound) as f32);
            layer.bias.iter().for_each(|&bias| params.of_mut(bias).fill(0.0));
            layer
        };
        let hidden = gain.map(|gain| layer("hidden", BITS, UNITS, gain));
        Layers { hidden, head: layer("head", if hidden.is_some() { UNITS } else { BITS }, 1, 1.0) }
    }

    fn units(&self) -> Vec<Hidden> {
        self.hidden.iter().map(|&incoming| Hidden { place: 0, incoming, outgoing: self.head }).collect()
    }
}

impl Column {
    /// The mean squared errors, over stretches of so many examples, each predicted before it is learned.
    ///
    /// # Panics
    ///
    /// If a specification is none.
    pub fn run(&self, stream: &Stream, seed: u64, stretch: usize) -> Vec<f64> {
        let (mut params, mut rng) = (Params::new(), Rng::new(seed));
        let layers = Layers::new(&mut params, self.activation, &mut rng);
        let no_spec = |error: &dyn std::fmt::Display| -> ! { panic!("{}: {error}", self.name) };
        let spec = self.optimizer.parse::<OptimizerSpec>().unwrap_or_else(|error| no_spec(&error));
        let mut optimizer: AnyOptimizer = spec.build();
        let rule = self.plasticity.parse::<PlasticitySpec>().unwrap_or_else(|error| no_spec(&error));
        let mut plasticity = Plasticity::new(rule, &layers.units(), seed).unwrap_or_else(|error| no_spec(&error));
        let held = self.consolidation.parse::<ConsolidationSpec>().unwrap_or_else(|error| no_spec(&error));
        let mut held = Consolidation::<()>::new(held, seed);
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let mut x = [0.0; BITS];
        let mut errors = vec![0.0; stream.inputs.len() / stretch];
        for (k, (&bits, &target)) in stream.inputs.iter().zip(&stream.targets).enumerate() {
            x.iter_mut().enumerate().for_each(|(j, x)| *x = (bits >> j & 1) as f32);
            let pass = tape.pass(&params);
            let input: Var<'_> = pass.input(&x);
            let h = match layers.hidden {
                Some(hidden) => hidden.forward_with(input, self.activation),
                None => input,
            };
            if plasticity.spec().looks_at_units() {
                plasticity.see(0, h);
            }
            let output = layers.head.forward(h);
            let error = f64::from(target - output.item());
            let loss = output.mse(pass.input(&[target])); // of which the slope is 2 (output − target)
            if let Some(sum) = errors.get_mut(k / stretch) {
                *sum += f64::from(loss.item());
            }
            loss.backward(&mut grads);
            plasticity.before_step(&params, &mut grads);
            held.before_step(&params, &mut grads);
            match optimizer.step_with(&mut params, &mut grads, Example { curvature: 2.0, ..Example::new(error) }) {
                Step::Taken => {
                    held.after_step(&mut params, optimizer.rate());
                    plasticity
                        .after_step(&mut params, &mut |_, param, axis, index| optimizer.forget(param, axis, index));
                }
                Step::Refused => plasticity.discard(),
            }
        }
        errors.iter_mut().for_each(|sum| *sum /= stretch as f64);
        errors
    }
}
