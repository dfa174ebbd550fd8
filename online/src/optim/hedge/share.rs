//! Weights of experts that follow their losses, and the best of them when it changes.
//!
//! ```text
//! vᵢ = wᵢ e^(−η ℓᵢ) / Σⱼ wⱼ e^(−η ℓⱼ)        (loss update)
//! wᵢ ← (1 − α) vᵢ + α / n                    (fixed share)
//! ```
//!
//! Source: Herbster & Warmuth 1998, "Tracking the best expert"; α = 0 is Hedge (Freund & Schapire 1997). With
//! `m = −(1/η) ln Σ wᵢ e^(−η ℓᵢ)` and any sequence of experts that changes k times in T rows,
//!
//! ```text
//! Σ m ≤ Σ ℓ(of that sequence) + (1/η) [ln n + k ln(n/α) − (T − 1 − k) ln(1 − α + α/n)]
//! Σ w·ℓ ≤ Σ m + η T B² / 8            where 0 ≤ ℓ ≤ B (Hoeffding)
//! ```
//!
//! Where ℓ is the −ln of a probability and η = 1, m is that of the mixture: the second line is not needed.

use serde::{Deserialize, Serialize};

/// A weight for each of n experts, which start alike.
///
/// They are kept as logarithms: however large the losses, and however many rows, no weight is lost to rounding.
///
/// ```
/// use thalweg_online::optim::FixedShare;
///
/// let mut trust = FixedShare::new(2, 1.0, 0.1);
/// trust.update(&[0.0, 3_f64.ln()]); // the second one was right with a third of the probability
/// assert!((trust.weight(0) - (0.9 * 0.75 + 0.05)).abs() < 1e-12);
/// assert!((trust.weight(0) + trust.weight(1) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedShare {
    eta: f64,
    share: f64,
    /// ln w.
    logs: Vec<f64>,
}

impl FixedShare {
    /// Of so many experts, with the rate η at which weights follow losses, and the share α of all weight that is given to
    /// everybody after each row.
    ///
    /// # Panics
    ///
    /// If there are none, η is not a number above 0, or α is not within 0 and 1.
    #[must_use]
    pub fn new(experts: usize, eta: f64, share: f64) -> Self {
        assert!(experts > 0, "fixed share: one expert at least");
        assert!(eta > 0.0 && eta.is_finite(), "fixed share: η > 0: {eta}");
        assert!((0.0..1.0).contains(&share), "fixed share: 0 ≤ α < 1: {share}");
        FixedShare { eta, share, logs: vec![-(experts as f64).ln(); experts] }
    }

    /// How many experts there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.logs.len()
    }

    /// The weight of an expert.
    ///
    /// # Panics
    ///
    /// If there is no such expert.
    #[must_use]
    pub fn weight(&self, expert: usize) -> f64 {
        self.logs[expert].exp()
    }

    /// Takes in the loss of each expert. Returns m, the loss of their mixture where losses are −ln of probabilities.
    ///
    /// # Panics
    ///
    /// If there are more or fewer losses than experts.
    pub fn update(&mut self, losses: &[f64]) -> f64 {
        let &mut FixedShare { eta, share, ref mut logs } = self;
        assert!(losses.len() == logs.len(), "fixed share: {} losses of {} experts", losses.len(), logs.len());
        logs.iter_mut().zip(losses).for_each(|(log, loss)| *log -= eta * loss);
        let total = log_sum_exp(logs);
        let each = share / logs.len() as f64;
        for log in logs {
            *log -= total;
            if share > 0.0 {
                *log = ((1.0 - share) * log.exp() + each).ln();
            }
        }
        -total / eta
    }

    /// Whether it can have become of such a one.
    pub(super) fn fits(&self, experts: usize, eta: f64, share: f64) -> bool {
        let all: f64 = (0..self.len()).map(|expert| self.weight(expert)).sum();
        (self.len(), self.eta, self.share) == (experts, eta, share) && (all - 1.0).abs() < 1e-6
    }
}

/// `ln Σ e^xᵢ`, for the largest xᵢ finite.
fn log_sum_exp(logs: &[f64]) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The least loss of a sequence of experts that changes at most k times, for each k: by dynamic programming.
    fn best_with_shifts(rows: &[Vec<f64>], shifts: usize) -> Vec<f64> {
        let n = rows[0].len();
        let mut best = vec![vec![0.0; n]; shifts + 1];
        for row in rows {
            for k in (0..=shifts).rev() {
                let from =
                    if k == 0 { f64::INFINITY } else { best[k - 1].iter().copied().fold(f64::INFINITY, f64::min) };
                for (expert, loss) in row.iter().enumerate() {
                    best[k][expert] = best[k][expert].min(from) + loss;
                }
            }
        }
        best.iter().map(|row| row.iter().copied().fold(f64::INFINITY, f64::min)).collect()
    }

    /// What the theorem promises, in the module's words.
    fn promised(n: usize, rows: usize, k: usize, eta: f64, share: f64) -> f64 {
        let n = n as f64;
        let stays = (1.0 - share + share / n).ln();
        let changes = if k == 0 { 0.0 } else { k as f64 * (n / share).ln() };
        (n.ln() + changes - (rows - 1 - k) as f64 * stays) / eta
    }

    /// The adversary raises the loss of whoever is trusted most, and every 40 rows that of all but another one.
    fn adversary(trust: &mut FixedShare, rows: usize, seed: u64) -> (Vec<Vec<f64>>, f64, f64) {
        let (n, mut rng) = (trust.len(), thalweg_tensor::Rng::new(seed));
        let (mut seen, mut mixed, mut mean) = (Vec::new(), 0.0, 0.0);
        for t in 0..rows {
            let weights: Vec<f64> = (0..n).map(|i| trust.weight(i)).collect();
            let losses: Vec<f64> = (0..n)
                .map(|i| {
                    let most = weights.iter().all(|w| *w <= weights[i]);
                    if t % 3 == 0 {
                        f64::from(u8::from(most))
                    } else if i == t / 40 % n {
                        0.1
                    } else {
                        rng.uniform()
                    }
                })
                .collect();
            mean += weights.iter().zip(&losses).map(|(w, l)| w * l).sum::<f64>();
            mixed += trust.update(&losses);
            seen.push(losses);
        }
        (seen, mixed, mean)
    }

    #[test]
    fn the_regret_is_within_its_bound_whatever_an_adversary_does() {
        for (n, eta, share) in [(7, 1.0, 0.02), (3, 0.3, 0.1), (14, 2.0, 0.001)] {
            for seed in 0..5 {
                let (rows, k) = (400, 10);
                let (seen, mixed, mean) = adversary(&mut FixedShare::new(n, eta, share), rows, seed);
                for (k, best) in best_with_shifts(&seen, k).into_iter().enumerate() {
                    let bound = promised(n, rows, k, eta, share);
                    assert!(mixed <= best + bound + 1e-9, "{n} {eta} {share}, {k} shifts: {mixed} {best} {bound}");
                    assert!(mean <= best + bound + eta * rows as f64 / 8.0 + 1e-9, "{n} {k}: {mean} {best} {bound}");
                }
            }
        }
    }

    /// The bound is no empty one: without a share, one that was trusted for long is trusted for as long again.
    #[test]
    fn without_a_share_a_change_is_followed_late() {
        let late = |share: f64| {
            let mut trust = FixedShare::new(2, 1.0, share);
            for _ in 0..500 {
                trust.update(&[0.0, 1.0]);
            }
            (0..).take_while(|_| trust.update(&[1.0, 0.0]) > 0.0 && trust.weight(1) < 0.5).count()
        };
        assert_eq!(late(0.0), 499);
        assert!(late(0.001) < 10, "{}", late(0.001));
    }

    #[test]
    fn weights_by_hand() {
        let mut trust = FixedShare::new(3, 2.0, 0.3);
        trust.update(&[0.5, 0.0, 1.0]);
        let v = [(-1.0_f64).exp(), 1.0, (-2.0_f64).exp()];
        let all: f64 = v.iter().sum();
        v.iter().enumerate().for_each(|(i, v)| assert!((trust.weight(i) - (0.7 * v / all + 0.1)).abs() < 1e-15));
    }

    proptest! {
        #[test]
        fn weights_add_up_whatever_the_losses(
            rows in prop::collection::vec(prop::collection::vec(0.0..1e6_f64, 4), 1..40), share in 0.0..0.9_f64
        ) {
            let mut trust = FixedShare::new(4, 1.0, share);
            for row in &rows {
                trust.update(row);
                prop_assert!(trust.fits(4, 1.0, share), "{trust:?}");
                prop_assert!((0..4).all(|i| trust.weight(i) >= share / 4.0 * (1.0 - 1e-9)));
            }
        }
    }
}
