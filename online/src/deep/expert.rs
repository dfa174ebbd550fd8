//! One way to learn: θ, and all that depends on it.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Tape};
use thalweg_nn::{Mode, State};
use thalweg_tensor::{Rng, View};

use super::context::Context;
use super::depth::{Depth, Exits};
use super::recurrent::{Lesson, Moves, Recurrent};
use super::replay::Rehearsal;
use super::{Config, Network, OptimizerSpec};
use crate::error::Error;
use crate::features::Features;
use crate::memory::Buffer;
use crate::optim::AnyOptimizer;
use crate::plasticity::{Plasticity, Probe};
use crate::recurrent::{GradientSpec, TracedNetwork};

/// What learns from rows that were read, scaled and answered: of what [`Deep`](super::Deep) is, all that another rule for θ
/// would have made otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Expert {
    pub params: Params<f32>,
    /// Handles into θ. `None` before the first row.
    pub network: Option<Network>,
    pub optimizer: AnyOptimizer,
    /// How much each depth is trusted, with the network, where it has exits at every depth.
    pub depth: Option<Depth>,
    pub memory: Buffer<Lesson>,
    pub replay: Rehearsal,
    pub context: Context,
    pub recurrent: Option<Recurrent>,
    /// The recurrent layers by a rule, with the network, where a rule was asked for.
    pub traced: Option<TracedNetwork>,
    /// What keeps it able to learn, and what shows whether it is: with the network.
    pub plasticity: Plasticity,
    pub probe: Option<Probe>,
    pub mode: Mode,
    pub rng: Rng,
    #[serde(deserialize_with = "crate::saved::count")]
    pub steps: u64,
    #[serde(deserialize_with = "crate::saved::count")]
    pub refused: u64,
}

impl Expert {
    /// One that has seen nothing, with an optimizer of its own.
    pub fn new(config: &Config, optimizer: &OptimizerSpec) -> Self {
        Expert {
            params: Params::new(),
            network: None,
            optimizer: optimizer.build(),
            depth: None,
            memory: config.memory.buffer.build(config.memory.size),
            replay: Rehearsal::new(&config.memory),
            context: Context::new(&config.consolidation, config.seed),
            recurrent: config.model.is_recurrent().then(|| Recurrent::new(config)),
            traced: None,
            plasticity: Plasticity::None,
            probe: None,
            mode: Mode::train(Rng::new(config.seed).fork()),
            rng: Rng::new(config.seed),
            steps: 0,
            refused: 0,
        }
    }

    /// Another that begins where this one is, by the θ that it predicts by, with an optimizer that has seen nothing.
    pub fn begin_with(&self, optimizer: &OptimizerSpec) -> Self {
        let mut other = self.clone();
        other.restart_optimizer(optimizer);
        other
    }

    /// Its optimizer has seen nothing, and begins at the θ that it predicts by.
    pub fn restart_optimizer(&mut self, optimizer: &OptimizerSpec) {
        self.optimizer.swap(&mut self.params);
        self.optimizer = optimizer.build();
        self.optimizer.align(&self.params);
    }

    /// Has a network for these features and so many outputs: makes it, or lets it grow.
    ///
    /// # Errors
    ///
    /// If there cannot be one.
    pub fn grow(&mut self, config: &Config, features: &Features, outputs: usize) -> Result<(), Error> {
        match &mut self.network {
            Some(network) => network.grow(&mut self.params, features, outputs, config.seed)?,
            None => {
                // Nothing of it is kept unless all of it can be.
                let (mut params, mut rng) = (Params::new(), self.rng.clone());
                let (layers, has_exits) = (&config.model.layers, !config.depth.is_none());
                let network = Network::new(&mut params, layers, features, outputs, has_exits, &mut rng)?;
                let traced = match config.gradient {
                    GradientSpec::Tbptt => None,
                    rule => Some(TracedNetwork::new(rule, network.body(), &params, config.seed)?),
                };
                let hidden = network.body().hidden(Some(network.head()));
                let plasticity = Plasticity::new(config.plasticity, &hidden, config.seed)?;
                self.depth = Depth::new(config.depth, config.task, &network);
                (self.params, self.rng, self.traced, self.plasticity) = (params, rng, traced, plasticity);
                self.recurrent.iter_mut().for_each(|r| r.begin(network.zero_state(&self.params)));
                self.probe = (config.probe > 0).then(|| Probe::new(&hidden, config.probe));
                self.network = Some(network);
            }
        }
        self.optimizer.align(&self.params);
        Ok(())
    }

    /// A new sequence begins.
    pub fn reset_state(&mut self) {
        self.recurrent.iter_mut().for_each(Recurrent::reset);
        self.traced.iter_mut().for_each(TracedNetwork::reset);
    }

    /// A row of inputs goes by: the state that it carries moves on.
    pub fn pass_by(&mut self, tape: &mut Tape<f32>, x: &[f32], indices: &mut Vec<usize>) {
        let (Some(network), Some(recurrent)) = (&self.network, &mut self.recurrent) else { return };
        let pass = tape.pass(&self.params);
        let input = network.inputs().forward(pass.input(View::new([1, x.len()], x)), indices);
        recurrent.pass_by(|state, carry| {
            network.forward(input, state, Some((carry, Moves::Carried)), &mut Mode::Eval, &mut |_, _| {});
        });
    }

    /// What the network says of a row of inputs, from the state that it carries; nothing before it is there.
    pub fn say(&mut self, tape: &mut Tape<f32>, x: &[f32], indices: &mut Vec<usize>, output: &mut Vec<f32>) {
        output.clear();
        let Some(network) = &self.network else { return };
        self.optimizer.swap(&mut self.params);
        let pass = tape.pass(&self.params);
        let input = network.inputs().forward(pass.input(View::new([1, x.len()], x)), indices);
        match (&self.recurrent, &mut self.depth) {
            (_, Some(depth)) => {
                let mut exits = Exits::new(network, input.row(0));
                let see = &mut |place, h| exits.see(network, place, h);
                let last = network.forward(input, &State::default(), None, &mut Mode::Eval, see);
                depth.mix(&exits, last, output);
            }
            (Some(recurrent), None) => {
                network.say(input, recurrent.carried()).with(|logits| output.extend_from_slice(logits));
            }
            (None, None) => network.say(input, &State::default()).with(|logits| output.extend_from_slice(logits)),
        }
        self.optimizer.swap(&mut self.params);
    }
}
