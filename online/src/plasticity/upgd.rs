//! UPGD: a gradient step that is small where θ is useful, and noisy where it is not.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_tensor::{Real, kernels};

use super::noise::Noise;
use crate::drift::declare::options;

options! {
    /// Options of [`Upgd`].
    UpgdOptions as "upgd" {
        /// β, of the mean of utilities.
        beta: f64 = 0.9999, "from 0 to below 1", |beta| (0.0..1.0).contains(&beta);
        /// σ, of the noise.
        sigma: f64 = 0.01, "from 0 to 1000", |sigma| (0.0..=1e3).contains(&sigma);
        /// Whether what is useful is protected from the gradient, and not from the noise alone.
        protect: bool = true, "", |_| true;
    }
    "", |_| true
}

/// Equations (5) and (6) of the [module](super).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upgd {
    pub(super) options: UpgdOptions,
    /// ū, laid out like θ.
    utility: Flat,
    noise: Noise,
}

/// Gradients of a larger norm are refused by optimizers, and teach nothing here.
const LARGEST: f64 = 1e15;

impl Upgd {
    /// Before the first step.
    #[must_use]
    pub fn new(options: UpgdOptions, seed: u64) -> Self {
        Upgd { options, utility: Flat::default(), noise: Noise::new(seed) }
    }

    /// ū: an exponential mean of −g w, laid out like θ.
    #[must_use]
    pub fn utility(&self) -> &Flat {
        &self.utility
    }

    /// A parameter begins anew: of no use yet.
    pub(super) fn begin_anew(&mut self, param: Param) {
        if param.index() < self.utility.layout().entries().len() {
            self.utility.of_mut(param).fill(0.0);
        }
    }

    pub(super) fn fits(&self, params: &Params) -> bool {
        params.layout().descends_from(self.utility.layout()) && self.utility.is_finite()
    }

    /// What the step is made of, in place of the gradient.
    pub(super) fn before_step(&mut self, params: &Params, grads: &mut Grads) {
        let UpgdOptions { beta, sigma, protect } = self.options;
        if !protect && sigma == 0.0 || !grads.is_within(LARGEST) {
            return;
        }
        grads.align(params.layout());
        self.utility.align(params.layout());
        let (beta, sigma, theta, utility) = (beta as f32, sigma as f32, params.as_slice(), self.utility.as_mut_slice());
        grads.for_each(|_, start, g| {
            let (theta, utility) = (&theta[start..][..g.len()], &mut utility[start..][..g.len()]);
            kernels::vectorize(
                #[inline(always)]
                || {
                    for ((u, &g), &w) in utility.iter_mut().zip(&*g).zip(theta) {
                        let new = beta * *u - (1.0 - beta) * g * w;
                        *u = if new.abs() < f32::MIN_POSITIVE { 0.0 } else { new }; // no denormal numbers
                    }
                },
            );
        });
        let largest = utility.iter().fold(0.0f32, |largest, &u| largest.max(u));
        let scale = if largest > 0.0 { largest.recip().min(f32::MAX) } else { 0.0 };
        let noise = &mut self.noise;
        grads.for_each(|_, start, g| {
            let utility = &utility[start..][..g.len()];
            for (g, &u) in g.iter_mut().zip(utility) {
                let free = 1.0 / (1.0 + Real::exp((u * scale).min(1.0))); // 1 − σ(u / max u)
                let xi = if sigma == 0.0 { 0.0 } else { sigma * noise.next() };
                *g = if protect { (*g + xi) * free } else { *g + xi * free };
            }
        });
    }
}
