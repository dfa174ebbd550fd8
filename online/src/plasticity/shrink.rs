//! Rules for which θ alone is enough: shrink and perturb, and weight clipping.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Layout, Param, Params};

use super::noise::Noise;
use crate::drift::declare::options;
use crate::saved::count;

options! {
    /// Options of [`ShrinkPerturb`].
    ShrinkOptions as "shrink-perturb" {
        /// By what θ is multiplied.
        shrink: f64 = 0.9999, "from 0 to 1", |shrink| (0.0..=1.0).contains(&shrink);
        /// σ, of the noise.
        sigma: f64 = 1e-4, "from 0 to 1000", |sigma| (0.0..=1e3).contains(&sigma);
        /// Once in how many steps.
        every: u64 = 1, "of at least 1", |every| every > 0;
    }
    "", |_| true
}

options! {
    /// Options of [`WeightClipping`].
    ClipOptions as "clip" {
        /// κ: how far from 0 weights may be, in units of 1/√inputs, the most that they are at first.
        kappa: f64 = 2.0, "from 0 to 1000", |kappa| (0.0..=1e3).contains(&kappa);
    }
    "", |_| true
}

/// Equation (7) of the [module](super).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShrinkPerturb {
    pub(super) options: ShrinkOptions,
    /// Since the last time.
    #[serde(deserialize_with = "count")]
    steps: u64,
    noise: Noise,
}

impl ShrinkPerturb {
    /// Before the first step.
    #[must_use]
    pub fn new(options: ShrinkOptions, seed: u64) -> Self {
        ShrinkPerturb { options, steps: 0, noise: Noise::new(seed) }
    }

    pub(super) fn after_step(&mut self, params: &mut Params) {
        self.steps += 1;
        let ShrinkOptions { shrink, sigma, every } = self.options;
        if self.steps < every {
            return;
        }
        self.steps = 0;
        let (shrink, sigma, layout) = (shrink as f32, sigma as f32, Arc::clone(params.layout()));
        for (param, _) in layout.iter().filter(|(_, entry)| entry.trainable()) {
            for theta in params.of_mut(param) {
                *theta = shrink * *theta + if sigma == 0.0 { 0.0 } else { sigma * self.noise.next() };
            }
        }
    }
}

/// Equation (8) of the [module](super).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WeightClipping {
    pub(super) options: ClipOptions,
    /// What is bounded, and how: follows from the layout.
    #[serde(skip)]
    bounds: Vec<(Param, f32)>,
    #[serde(skip)]
    seen: Option<Arc<Layout>>,
}

impl PartialEq for WeightClipping {
    fn eq(&self, other: &Self) -> bool {
        self.options == other.options
    }
}

impl WeightClipping {
    /// Before the first step.
    #[must_use]
    pub fn new(options: ClipOptions) -> Self {
        WeightClipping { options, bounds: Vec::new(), seen: None }
    }

    pub(super) fn after_step(&mut self, params: &mut Params) {
        if !self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, params.layout())) {
            self.follow(params.layout());
        }
        for &(param, bound) in &self.bounds {
            params.of_mut(param).iter_mut().for_each(|theta| *theta = theta.clamp(-bound, bound));
        }
    }

    /// `weight` of at least two axes, and the `bias` that belongs to it. What is named otherwise, as `weight_hh_l0`, begins
    /// within another bound.
    fn follow(&mut self, layout: &Arc<Layout>) {
        self.bounds.clear();
        self.seen = Some(Arc::clone(layout));
        for (bias, entry) in layout.iter() {
            let (path, last) = entry.name().rsplit_once('.').unwrap_or(("", entry.name()));
            let weight = if last == "bias" { layout.find(&thalweg_nn::path(path, "weight")) } else { None };
            let Some(weight) = weight else { continue };
            let table = layout.entry(weight);
            if table.shape().rank() > 1 {
                let bound = (self.options.kappa / (table.table().1.max(1) as f64).sqrt()) as f32;
                let learned = [weight, bias].into_iter().filter(|&param| layout.entry(param).trainable());
                self.bounds.extend(learned.map(|param| (param, bound)));
            }
        }
    }
}
