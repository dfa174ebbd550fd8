//! ReDo: units that say next to nothing begin anew.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Var};
use thalweg_nn::Hidden;
use thalweg_tensor::Rng;

use super::units::{Forget, GAIN, Seen, draws, renew};
use crate::drift::declare::options;
use crate::saved::count;

options! {
    /// Options of [`ReDo`].
    RedoOptions as "redo" {
        /// τ: which part of what the units of the layer say on average one must say.
        threshold: f64 = 0.1, "from 0 to 1", |threshold| (0.0..=1.0).contains(&threshold);
        /// Once in how many steps.
        every: u64 = 1000, "of at least 1", |every| every > 0;
        /// New weights are uniform within ±gain √(3 / inputs).
        gain: f64 = GAIN, "from 0 to 1000", |gain| (0.0..=1e3).contains(&gain);
    }
    "", |_| true
}

/// Equation (4) of the [module](super).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReDo {
    pub(super) options: RedoOptions,
    layers: Vec<Layer>,
    /// Since the last look.
    #[serde(deserialize_with = "count")]
    steps: u64,
    #[serde(deserialize_with = "count")]
    replaced: u64,
    rng: Rng,
}

/// A layer of hidden units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Layer {
    /// In the passes of the step that is being made: of one that is refused it does not count.
    now: Seen,
    /// Since the last look.
    all: Seen,
}

impl ReDo {
    /// Before the first step.
    #[must_use]
    pub fn new(options: RedoOptions, hidden: &[Hidden], seed: u64) -> Self {
        let layers = hidden.iter().map(|&hidden| Layer { now: Seen::new(hidden), all: Seen::new(hidden) }).collect();
        ReDo { options, layers, steps: 0, replaced: 0, rng: draws(seed) }
    }

    /// How many units have begun anew.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    pub(super) fn seen(&mut self) -> impl Iterator<Item = &mut Seen> {
        self.layers.iter_mut().map(|layer| &mut layer.now)
    }

    pub(super) fn see(&mut self, place: usize, h: Var<'_>) {
        self.seen().filter(|seen| seen.hidden.place == place).for_each(|seen| seen.see(h));
    }

    pub(super) fn fits(&self, hidden: &[Hidden], params: &Params) -> bool {
        let fits =
            |(Layer { now, all }, hidden): (&Layer, &Hidden)| [now, all].iter().all(|it| it.fits(hidden, 0, params));
        self.layers.len() == hidden.len() && self.layers.iter().zip(hidden).all(fits)
    }

    pub(super) fn after_step(&mut self, params: &mut Params, forget: Forget<'_>) {
        self.steps += 1;
        self.layers.iter_mut().for_each(|Layer { now, all }| all.take(now));
        if self.steps < self.options.every {
            return;
        }
        self.steps = 0;
        for Layer { all: seen, .. } in &mut self.layers {
            if seen.is_learned(params) {
                let average = seen.means().map(|[_, size]| size).sum::<f64>() / seen.means().len() as f64;
                for (unit, [mean, size]) in seen.means().enumerate() {
                    if size <= self.options.threshold * average {
                        let gain = self.options.gain;
                        renew(params, forget, &seen.hidden, unit, mean as f32, gain, &mut self.rng);
                        self.replaced += 1;
                    }
                }
            }
            seen.clear();
        }
    }
}
