//! Several optimizers side by side, and which of them is trusted: no learning rate is to be chosen.
//!
//! | specification | who learns | who predicts |
//! |---|---|---|
//! | `hedge(sgd\|adam)` | all experts, always | their mixture, by weights that follow their losses: [`FixedShare`] |
//! | `halving(sgd)` | fewer and fewer, in the end one; all again when the world has changed | the best of them: [`Halving`] |
//!
//! An *expert* is a θ with an optimizer of its own. Each optimizer that is named becomes a grid of experts, whose learning rates
//! are the one that is written (or its default) times 0.03, 0.1, 0.3, 1, 3, 10, 30. All begin with the same θ, see the same
//! rows, and cost as much as so many learners, the reading of rows apart.
//!
//! **Losses.** What trust follows is the loss of each expert *before* it learns the row, multiplied by the row's weight, in nats,
//! as far as it is above the best expert's:
//!
//! ```text
//! ℓᵢ = min((Lᵢ − minⱼ Lⱼ) / s, 4)        s = 1 where classes or labels are predicted
//!                                        s = c · (fading mean of the mixture's L) where numbers are; c = 2 of squares, else 1
//! ```
//!
//! so that ℓᵢ is within 0 and [`MOST`] = 4 nats, whatever comes; a loss that is not finite costs 4. A common shift of all losses
//! changes no weight, and s makes of a squared error the −ln of a normal density, up to a constant: trust does not depend
//! on the units of what is predicted.
//!
//! # Figures
//!
//! Each row predicted and then learned by `mlp:16`, seed 42, at rates of plain gradient descent and by all of them (`thalweg run
//! digits --model mlp:16 --optimizer 'hedge(sgd)'`; `co2` with `--horizon 4 --features lags=8`):
//!
//! | | `sgd:0.009` | `sgd:0.03` | `sgd:0.09` | `sgd:0.3` | `halving(sgd)` | `hedge(sgd)` | `hedge(sgd\|adam)` |
//! |---|---|---|---|---|---|---|---|
//! | `digits`, log loss | 1.2966 | 0.6179 | 1.2332 | 23.427 | 1.2049 | 0.4792 | 0.4233 |
//! | `phishing`, log loss | 0.3915 | 0.3037 | 0.2979 | 0.5224 | 0.2950 | 0.2932 | 0.2879 |
//! | `co2`, mean absolute error | 0.8173 | 0.9119 | 1.1879 | 2.3 · 10²⁶ | 0.8427 | 0.8107 | 0.8144 |
//!
//! Halving takes the rate that is best at first, which need not be the one that is best later: where experts can be afforded, hedge.

mod halving;
mod share;
mod spec;

pub use halving::{Change, Halving};
pub use share::FixedShare;
pub use spec::{How, TrustSpec};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::saved::ensure;

/// By so much, in nats, the loss of an expert counts at most above the best one's.
pub const MOST: f64 = 4.0;

/// How much each expert is trusted, and how that goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Trust {
    /// By weights that follow losses.
    Hedge(FixedShare),
    /// The best of those that are left.
    Halving(Halving),
}

impl Trust {
    /// Before the first row.
    ///
    /// # Errors
    ///
    /// If a number is none that it can have.
    pub fn new(spec: &TrustSpec) -> Result<Self, Error> {
        let (experts, first) = (spec.len(), spec.first());
        Ok(match spec.how() {
            How::Hedge { eta, share } => Trust::Hedge(FixedShare::new(experts, eta, share)),
            How::Halving { every, delta } => Trust::Halving(Halving::new(experts, first, every, delta)?),
        })
    }

    /// The weight of an expert: from 0 to 1, 1 all together.
    #[must_use]
    pub fn weight(&self, expert: usize) -> f64 {
        match self {
            Trust::Hedge(share) => share.weight(expert),
            Trust::Halving(halving) => f64::from(u8::from(halving.leader() == expert)),
        }
    }

    /// Whether an expert learns.
    #[must_use]
    pub fn is_learning(&self, expert: usize) -> bool {
        match self {
            Trust::Hedge(_) => true,
            Trust::Halving(halving) => halving.is_learning(expert),
        }
    }

    /// The expert that is trusted most: `now`, unless another is trusted more.
    #[must_use]
    pub fn leader(&self, experts: usize, now: usize) -> usize {
        (0..experts).fold(now, |best, next| if self.weight(next) > self.weight(best) { next } else { best })
    }

    /// Takes in the [bounded losses](self) of all experts, and the unbounded loss of the one that is trusted most. Of an
    /// expert that does not learn nothing is looked at. Who learns may be others now.
    pub fn update(&mut self, losses: &[f64], of_leader: f64) -> Change {
        match self {
            Trust::Hedge(share) => {
                share.update(losses);
                Change::None
            }
            Trust::Halving(halving) => halving.update(losses, of_leader),
        }
    }

    /// Whether it can have become of such a one.
    pub(crate) fn check_read(&self, spec: &TrustSpec) -> Result<(), Error> {
        let sound = match (self, spec.how()) {
            (Trust::Hedge(read), How::Hedge { eta, share }) => read.fits(spec.len(), eta, share),
            (Trust::Halving(read), How::Halving { every, delta }) => read.fits(spec.len(), every, delta)?,
            _ => false,
        };
        ensure(sound, "experts as they were asked for")
    }
}

/// What losses of numbers are divided by: their fading mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dispersion {
    sum: f64,
    weight: f64,
}

impl Dispersion {
    /// What is left of a loss after one row: the last thousand count.
    const FADING: f64 = 0.999;
    /// The largest loss that is taken in: that of ten deviations.
    const LARGEST: f64 = 100.0;
    /// Nobody is as exact.
    const LEAST: f64 = 1e-12;

    /// `s ← mean`, where the mean fades: `(Σ γᵏ Lₜ₋ₖ) / (Σ γᵏ)`. A loss that is not a number counts as the largest.
    pub fn update(&mut self, loss: f64) {
        let loss = if loss.is_nan() { Self::LARGEST } else { loss.clamp(0.0, Self::LARGEST) };
        self.sum = Self::FADING * self.sum + loss;
        self.weight = Self::FADING * self.weight + 1.0;
    }

    /// The mean; 1 of nothing.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.weight == 0.0 { 1.0 } else { (self.sum / self.weight).max(Self::LEAST) }
    }

    /// Whether it can have become of losses.
    pub(crate) fn is_sound(&self) -> bool {
        self.sum >= 0.0 && self.weight >= 0.0 && self.sum.is_finite() && self.weight.is_finite()
    }
}

/// The [bounded losses](self): `bounded[i] = min((losses[i] − min losses) · scale, MOST)`, and [`MOST`] of what is not finite.
/// Where none is finite, none is worse than another: all are 0.
///
/// ```
/// use thalweg_online::optim::hedge::bound;
///
/// let mut bounded = Vec::new();
/// bound(&[3.0, 2.5, f64::NAN, 90.0], 2.0, &mut bounded);
/// assert_eq!(bounded, [1.0, 0.0, 4.0, 4.0]);
/// bound(&[3.0, 2.5], f64::INFINITY, &mut bounded);
/// assert_eq!(bounded, [4.0, 0.0]);
/// ```
pub fn bound(losses: &[f64], scale: f64, bounded: &mut Vec<f64>) {
    let best = losses.iter().copied().filter(|loss| loss.is_finite()).min_by(f64::total_cmp);
    bounded.clear();
    bounded.extend(losses.iter().map(|loss| match best {
        Some(best) if loss.is_finite() && *loss <= best => 0.0,
        Some(best) if loss.is_finite() => ((loss - best) * scale).clamp(0.0, MOST),
        Some(_) => MOST,
        None => 0.0,
    }));
}
