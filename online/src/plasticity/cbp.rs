//! Continual backprop: the least useful of the mature units begin anew, a few at a time, for ever.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Var};
use thalweg_nn::Hidden;
use thalweg_tensor::Rng;

use super::units::{Forget, GAIN, Seen, draws, renew};
use crate::drift::declare::options;
use crate::saved::count;

options! {
    /// Options of [`ContinualBackprop`].
    CbpOptions as "cbp" {
        /// ρ: which share of the mature units is replaced in a step.
        rate: f64 = 1e-4, "from 0 to 1", |rate| (0.0..=1.0).contains(&rate);
        /// m: how many steps a unit may have before it is mature.
        maturity: u64 = 100, "", |_| true;
        /// η, of the means that are kept of a unit.
        decay: f64 = 0.99, "from 0 to below 1", |decay| (0.0..1.0).contains(&decay);
        /// Whether the utility is how far a unit is from its mean, and how little it hears for it: the adaptable contribution.
        adaptable: bool = false, "", |_| true;
        /// New weights are uniform within ±gain √(3 / inputs).
        gain: f64 = GAIN, "from 0 to 1000", |gain| (0.0..=1e3).contains(&gain);
    }
    "", |_| true
}

/// Equations (1) to (3) of the [module](super).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContinualBackprop {
    pub(super) options: CbpOptions,
    layers: Vec<Layer>,
    rng: Rng,
}

/// A layer of hidden units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Layer {
    seen: Seen,
    units: Vec<Unit>,
    /// Σₖ |w_out|, of each unit: what the last step worked with.
    heard: Vec<f32>,
    /// How many units are to be replaced: what is left of the last step, below 1.
    due: f64,
    #[serde(deserialize_with = "count")]
    replaced: u64,
}

/// What is known of a unit. Means are exponential, of decay η.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Unit {
    /// How many steps it is old.
    #[serde(deserialize_with = "count")]
    age: u64,
    /// 1 − η^age, by which the others are to be divided.
    weight: f64,
    /// Of h.
    mean: f64,
    /// Of how much it contributes.
    utility: f64,
}

impl ContinualBackprop {
    /// Before the first step.
    #[must_use]
    pub fn new(options: CbpOptions, hidden: &[Hidden], seed: u64) -> Self {
        let layer = |&hidden: &Hidden| Layer {
            seen: Seen::new(hidden),
            units: Vec::new(),
            heard: Vec::new(),
            due: 0.0,
            replaced: 0,
        };
        ContinualBackprop { options, layers: hidden.iter().map(layer).collect(), rng: draws(seed) }
    }

    /// How many units have begun anew.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.layers.iter().map(|layer| layer.replaced).sum()
    }

    pub(super) fn seen(&mut self) -> impl Iterator<Item = &mut Seen> {
        self.layers.iter_mut().map(|layer| &mut layer.seen)
    }

    pub(super) fn see(&mut self, place: usize, h: Var<'_>) {
        self.seen().filter(|seen| seen.hidden.place == place).for_each(|seen| seen.see(h));
    }

    pub(super) fn fits(&self, hidden: &[Hidden], params: &Params) -> bool {
        let are_numbers = |unit: &Unit| [unit.weight, unit.mean, unit.utility].iter().all(|number| number.is_finite());
        let fits = |(layer, hidden): (&Layer, &Hidden)| {
            let Layer { seen, units, due, .. } = layer;
            seen.fits(hidden, units.len(), params) && units.iter().all(are_numbers) && (0.0..2.0).contains(due)
        };
        self.layers.len() == hidden.len() && self.layers.iter().zip(hidden).all(fits)
    }

    pub(super) fn after_step(&mut self, params: &mut Params, forget: Forget<'_>) {
        for layer in &mut self.layers {
            if layer.seen.rows() > 0 && layer.seen.is_learned(params) {
                layer.update(params, &self.options);
                layer.replace(params, forget, &self.options, &mut self.rng);
            }
            layer.seen.clear();
        }
    }
}

impl Layer {
    /// A step is over: who has said what, and who heard it.
    fn update(&mut self, params: &Params, options: &CbpOptions) {
        let Layer { seen, units, heard, .. } = self;
        let (means, Hidden { incoming, outgoing, .. }) = (seen.means(), seen.hidden);
        units.resize_with(means.len(), Unit::default);
        heard.clear();
        heard.resize(means.len(), 0.0);
        let (into, from) = (params.of(incoming.weight), params.of(outgoing.weight));
        let ((_, inputs), (outputs, width)) =
            (params.layout().entry(incoming.weight).table(), params.layout().entry(outgoing.weight).table());
        for weights in from.chunks_exact(width.max(1)) {
            heard.iter_mut().zip(weights).for_each(|(heard, weight)| *heard += weight.abs());
        }
        let keep = options.decay;
        let follow = |mean: &mut f64, x: f64| *mean = keep * *mean + (1.0 - keep) * x;
        for (i, (unit, [mean, size])) in units.iter_mut().zip(means).enumerate() {
            unit.age += 1;
            follow(&mut unit.weight, 1.0);
            follow(&mut unit.mean, mean);
            let heard = f64::from(heard[i]) / outputs.max(1) as f64;
            let contribution = if options.adaptable {
                let weights = &into[i * inputs..][..inputs];
                let hears = weights.iter().map(|weight| weight.abs()).sum::<f32>() / inputs.max(1) as f32;
                (mean - unit.mean / unit.weight).abs() * heard / f64::from(hears.max(f32::MIN_POSITIVE))
            } else {
                size * heard
            };
            follow(&mut unit.utility, contribution);
        }
    }

    fn replace(&mut self, params: &mut Params, forget: Forget<'_>, options: &CbpOptions, rng: &mut Rng) {
        let is_mature = |unit: &Unit| unit.age > options.maturity;
        self.due += options.rate * self.units.iter().filter(|unit| is_mature(unit)).count() as f64;
        while self.due >= 1.0 {
            let mature = self.units.iter_mut().enumerate().filter(|(_, unit)| is_mature(unit));
            let usefulness = |unit: &Unit| unit.utility / unit.weight;
            let Some((i, unit)) = mature.min_by(|(_, a), (_, b)| usefulness(a).total_cmp(&usefulness(b))) else {
                break;
            };
            let mean = (unit.mean / unit.weight) as f32;
            renew(params, forget, &self.seen.hidden, i, mean, options.gain, rng);
            *unit = Unit::default();
            self.due -= 1.0;
            self.replaced += 1;
        }
    }
}
