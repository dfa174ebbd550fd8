//! How deep a network should be, learned as it goes: an exit at every depth, and weights that follow their losses.
//!
//! ```text
//!   x ─▶ h⁽¹⁾ ─▶ h⁽²⁾ ─▶ … ─▶ h⁽ᴸ⁾        f⁽⁰⁾ hears x, f⁽ˡ⁾ hears h⁽ˡ⁾
//!   │     │       │             │
//!  f⁽⁰⁾  f⁽¹⁾    f⁽²⁾          f⁽ᴸ⁾       F = Σ α⁽ˡ⁾ f⁽ˡ⁾                          (equation 1)
//!
//!   θ is moved by   ∇ Σ α⁽ˡ⁾ L(f⁽ˡ⁾, y)                                            (equations 3 and 8)
//!   α⁽ˡ⁾ ← α⁽ˡ⁾ β^L(f⁽ˡ⁾, y);   α⁽ˡ⁾ ← max(α⁽ˡ⁾, s/L);   α ← α / Σ α               (equation 6, and below)
//! ```
//!
//! Source: Sahoo, Pham, Lu & Hoi 2018, "Online Deep Learning: Learning Deep Neural Networks on the Fly" (hedge
//! backpropagation), with its β = 0.99 and s = 0.2. An exit that is near to the inputs learns at once, a deeper one later and more:
//! gradients come to each layer from all exits behind it, so that none vanishes on its way. f⁽ᴸ⁾ is the head that a network
//! has without this.
//!
//! **Mixtures** are those of a panel of experts: probabilities of classes and labels, values of numbers. **Losses** count as the
//! row does by its weight, and for α, as within 0 and 10; one that is not finite counts as 10, and that exit teaches nothing by
//! this row. What is replayed moves θ and not α.
//!
//! **When.** Where nobody knows how deep to go, or a stream may come to need more than it does at first. A network that is too deep
//! learns late or never; with exits it learns nearly as soon as a shallow one. Where the right depth is known, a network of that
//! depth is better. Accuracy of all rows, predicted before they were learned, by `sgd:0.03`:
//!
//! | | `phishing` | `digits` | 5000 rows of `sea` |
//! |---|---|---|---|
//! | `linear` | 0.895 | 0.942 | 0.983 |
//! | `mlp:32` | 0.896 | 0.890 | 0.978 |
//! | `mlp:32,32,32,32,32,32` | 0.627 | 0.045 | 0.911 |
//! | the same, `--depth hedge` | 0.873 | 0.929 | 0.956 |
//!
//! **Costs**, for L layers of n units and c outputs: an n × c matrix and a loss for each layer, forward and backward. With six
//! layers of 32 a row takes up to three times as long.
//!
//! **Not with** several optimizers or one that asks for more than the gradient, penalties, replayed outputs (`der`), plasticity of
//! hidden units, or layers that are not plain hidden ones: a [specification](DepthSpec) is refused before a row is read.

mod spec;
#[cfg(test)]
mod tests;

pub use spec::DepthSpec;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Var};
use thalweg_nn::{Linear, Network as Body};
use thalweg_tensor::Rng;

use super::mixture::mix;
use super::objective::{Objective, Truth};
use super::{Config, Deep, Network};
use crate::error::Error;
use crate::learn::Task;
use crate::saved::ensure;

/// The largest loss that a weight is told.
const LARGEST: f64 = 10.0;
/// So many hidden layers may have exits.
const DEEPEST: usize = 64;

/// An exit before the last one, which is the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exit {
    /// The layer whose outputs it hears; `None`: it hears the inputs.
    place: Option<usize>,
    pub linear: Linear,
}

impl Exit {
    /// The names of those that a network can have but its head, from the inputs on; what each hears, and how wide that is.
    fn places(body: &Body, head: Linear, params: &Params<f32>) -> Vec<(String, Option<usize>, usize)> {
        let hidden = body.hidden(Some(head));
        let below = hidden.iter().filter(|hidden| hidden.outgoing != head);
        let units = |linear: &Linear| params.layout().entry(linear.weight).table().0;
        let below = below.map(|hidden| (Some(hidden.place), units(&hidden.incoming)));
        let places = std::iter::once((None, body.input().len())).chain(below).enumerate();
        places.map(|(depth, (place, width))| (format!("exit.{depth}"), place, width)).collect()
    }

    /// Adds their parameters to θ.
    pub fn add(params: &mut Params<f32>, body: &Body, head: Linear, outputs: usize, rng: &mut Rng) -> Vec<Self> {
        let places = Exit::places(body, head, params).into_iter();
        places
            .map(|(name, place, width)| Exit { place, linear: Linear::new(params, &name, width, outputs, rng) })
            .collect()
    }
}

impl Network {
    /// Whether its exits are there, as far as there are any, and are those that it can have.
    pub(super) fn has_its_exits(&self, params: &Params<f32>) -> bool {
        let Network { body, head, exits, outputs, .. } = self;
        if exits.is_empty() {
            return true;
        }
        let places = Exit::places(body, *head, params);
        let is_there = |(exit, (name, place, width)): (&Exit, &(String, Option<usize>, usize))| {
            exit.place == *place && exit.linear.is_in(params, name, *width, *outputs)
        };
        exits.len() == places.len() && exits.iter().zip(&places).all(is_there)
    }

    /// All that makes outputs, from the inputs to the last layer.
    pub(super) fn heads(&self) -> impl Iterator<Item = Linear> {
        self.exits.iter().map(|exit| exit.linear).chain([self.head])
    }
}

/// What the exits of a pass are to hear, and then what they say.
pub(super) struct Exits<'p> {
    said: [Option<Var<'p>>; DEEPEST],
}

impl<'p> Exits<'p> {
    /// Before the pass: the first one hears the inputs.
    pub fn new(network: &Network, x: Var<'p>) -> Self {
        let mut exits = Exits { said: [None; DEEPEST] };
        if let Some(first) = network.exits.first() {
            exits.said[0] = Some(first.linear.forward(x));
        }
        exits
    }

    /// A layer gives h.
    pub fn see(&mut self, network: &Network, place: usize, h: Var<'p>) {
        let exit = network.exits.iter().position(|exit| exit.place == Some(place));
        if let Some(depth) = exit {
            self.said[depth] = Some(network.exits[depth].linear.forward(h));
        }
    }

    /// What they say, from the inputs on; the head says `last`.
    fn outputs(&self, last: Var<'p>) -> impl Iterator<Item = Var<'p>> {
        self.said.iter().map_while(|said| *said).chain([last])
    }
}

/// How much each depth is trusted: α.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Depth {
    spec: DepthSpec,
    task: Task,
    alpha: Vec<f64>,
    #[serde(skip)]
    said: Vec<Vec<f32>>,
    #[serde(skip)]
    losses: Vec<f64>,
    #[serde(skip)]
    mixed: Vec<f32>,
}

impl Depth {
    /// Of a network with exits at every depth: all are trusted alike. `None` of one without.
    pub fn new(spec: DepthSpec, task: Task, network: &Network) -> Option<Self> {
        let exits = network.exits.len() + 1;
        let alpha = vec![1.0 / exits as f64; exits];
        (!spec.is_none()).then(|| Depth { spec, task, alpha, said: Vec::new(), losses: Vec::new(), mixed: Vec::new() })
    }

    /// α, from the inputs to the last layer.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }

    /// F = Σ α⁽ˡ⁾ f⁽ˡ⁾, as outputs that mean it.
    pub fn mix<'p>(&mut self, exits: &Exits<'p>, last: Var<'p>, mixed: &mut Vec<f32>) {
        let Depth { task, alpha, said, .. } = self;
        said.resize_with(alpha.len(), Vec::new);
        for (said, output) in said.iter_mut().zip(exits.outputs(last)) {
            said.clear();
            output.with(|output| said.extend_from_slice(output));
        }
        mix(*task, |depth| alpha[depth], said, mixed);
    }

    /// The loss of F, and `Σ α⁽ˡ⁾ L⁽ˡ⁾`, by which θ is moved, each L⁽ˡ⁾ being what `teach` makes of an exit's output and loss.
    /// `z` is scratch memory.
    pub fn loss<'p>(
        &mut self,
        exits: &Exits<'p>,
        last: Var<'p>,
        (objective, truth): (&Objective, &Truth),
        z: &mut Vec<f32>,
        mut teach: impl FnMut(Var<'p>, Var<'p>, &mut Vec<f32>) -> Var<'p>,
    ) -> (f64, Var<'p>) {
        let mut mixed = std::mem::take(&mut self.mixed);
        self.mix(exits, last, &mut mixed);
        let value = f64::from(objective.loss(last.pass().input(&mixed[..]), truth, z).item());
        self.mixed = mixed;
        self.losses.clear();
        let mut all: Option<Var<'p>> = None;
        for (output, alpha) in exits.outputs(last).zip(&self.alpha) {
            let loss = objective.loss(output, truth, z);
            self.losses.push(f64::from(loss.item()));
            let part = teach(output, loss, z) * *alpha as f32;
            // One that has diverged teaches nothing, or none would learn any more.
            let sound = all.is_none_or(|all| all.item().is_finite());
            all = match all {
                Some(all) if sound && part.item().is_finite() => Some(all + part),
                Some(all) if sound => Some(all),
                _ => Some(part),
            };
        }
        (value, all.unwrap_or(last))
    }

    /// What was mixed last.
    pub fn mixed(&self) -> &[f32] {
        &self.mixed
    }

    /// α follows the losses that were heard last, each as far as its row counts.
    pub fn follow(&mut self, weight: f64) {
        let Depth { spec: DepthSpec::Hedge { beta, share }, alpha, losses, .. } = self else { return };
        let deepest = (alpha.len() - 1) as f64;
        for (alpha, loss) in alpha.iter_mut().zip(losses) {
            let loss = if loss.is_nan() { LARGEST } else { (*loss * weight).clamp(0.0, LARGEST) };
            *alpha = (*alpha * beta.powf(loss)).max(*share / deepest);
        }
        let all: f64 = alpha.iter().sum();
        alpha.iter_mut().for_each(|alpha| *alpha /= all);
    }

    /// Exits have begun anew: all are trusted alike.
    pub fn begin_anew(&mut self) {
        let exits = self.alpha.len() as f64;
        self.alpha.fill(exits.recip());
    }

    /// Whether it is that of a learner that is made like this, with this network.
    pub fn check_read(&self, config: &Config, network: &Network) -> Result<(), Error> {
        let as_made = (self.spec, self.task, self.alpha.len()) == (config.depth, config.task, network.exits.len() + 1);
        let all: f64 = self.alpha.iter().sum();
        let weights = self.alpha.iter().all(|alpha| *alpha >= 0.0) && (all - 1.0).abs() < 1e-6;
        ensure(as_made && weights, "depths of this network")
    }
}

impl Deep {
    /// How much each depth is trusted, from the inputs to the last layer: from 0 to 1, 1 all together. Nothing where there is
    /// [one exit](DepthSpec::None) alone, or no row was learned.
    ///
    /// ```
    /// use thalweg_online::{Config, Deep, Learner, Model, Target, Task};
    ///
    /// let (model, depth) = (Model::parse("mlp:8,8,8")?, "hedge".parse()?);
    /// let mut learner = Deep::new(Config { model, depth, ..Config::new(Task::Classify) });
    /// for k in 0..300_u32 {
    ///     let (a, b) = (f64::from(k * 7 % 11), f64::from(k * 5 % 13));
    ///     learner.learn_one(&[("a", a), ("b", b)], Target::Class(if a > b { "more" } else { "less" }))?;
    /// }
    /// let alpha = learner.depths();
    /// assert!(alpha.len() == 4 && alpha[0] > alpha[3], "what is linear needs no depth: {alpha:?}");
    /// # Ok::<(), thalweg_online::Error>(())
    /// ```
    #[must_use]
    pub fn depths(&self) -> &[f64] {
        self.expert.depth.as_ref().map_or(&[], Depth::alpha)
    }
}
