//! Fewer and fewer experts, until one is left; all of them again when it has become worse.
//!
//! ```text
//! Sᵢ ← (1 − 1/m) Sᵢ + ℓᵢ            of those that learn
//! every m rows: the ⌈k/2⌉ of k with the least S go on
//! one left: all learn again, from its θ, when ADWIN finds that its L / (1 + L) has risen
//! ```
//!
//! ADWIN takes numbers from 0 to 1. L / (1 + L) is one however large the loss of many classes, labels or numbers is, and rises
//! where it does.
//!
//! Sources: successive halving, Jamieson & Talwalkar 2016, where the rows between two halvings double; here they are as many each
//! time, for a stream has no end to share out. The detector is [`Adwin`](crate::drift::Adwin). River's
//! `SuccessiveHalving` never opens again.

use serde::{Deserialize, Serialize};

use crate::drift::{AnyDetector, Detector, DetectorSpec, Signal};
use crate::error::Error;
use crate::saved::is_count;

/// Who learns, and how well.
///
/// ```
/// use thalweg_online::optim::{Change, Halving};
///
/// let mut halving = Halving::new(4, 1, 10, 0.002)?;
/// for _ in 0..20 {
///     halving.update(&[1.0, 0.5, 0.0, 0.7], 0.5);
/// }
/// assert_eq!((halving.leader(), halving.learning()), (2, 1));
/// for _ in 0..200 {
///     halving.update(&[0.0; 4], 0.5);
/// }
/// let opened = (0..200).find(|_| halving.update(&[0.0; 4], 2.0) == Change::Reopened);
/// assert!(opened.is_some_and(|row| row < 100) && halving.learning() == 4);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Halving {
    every: u64,
    /// Of each expert: the fading sum of its losses, if it learns.
    losses: Vec<Option<f64>>,
    /// Since the last half went.
    rows: u64,
    leader: usize,
    drift: AnyDetector,
}

/// What became of the experts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The same learn as before.
    None,
    /// Some no longer learn.
    Halved,
    /// All learn again.
    Reopened,
}

impl Halving {
    /// Of so many experts, of which one is trusted at first: half of them go every so many rows, and all learn again when
    /// [`Adwin`](crate::drift::Adwin) with this δ finds that the last one's loss has risen.
    ///
    /// # Errors
    ///
    /// If δ is none that it can have.
    ///
    /// # Panics
    ///
    /// If there is no such expert, or halves go every 0 rows.
    pub fn new(experts: usize, first: usize, every: u64, delta: f64) -> Result<Self, Error> {
        assert!(first < experts && every > 0, "halving: expert {first} of {experts}, every {every} rows");
        Ok(Halving { every, losses: vec![Some(0.0); experts], rows: 0, leader: first, drift: watch(delta)?.build()? })
    }

    /// The best of those that learn.
    #[must_use]
    pub fn leader(&self) -> usize {
        self.leader
    }

    /// Whether an expert learns.
    #[must_use]
    pub fn is_learning(&self, expert: usize) -> bool {
        self.losses[expert].is_some()
    }

    /// How many learn.
    #[must_use]
    pub fn learning(&self) -> usize {
        self.losses.iter().flatten().count()
    }

    /// Takes in the bounded loss of each expert that learns, and the loss of the [leader](Halving::leader) as it is.
    ///
    /// # Panics
    ///
    /// If there are more or fewer losses than experts.
    pub fn update(&mut self, losses: &[f64], of_leader: f64) -> Change {
        assert!(losses.len() == self.losses.len(), "halving: {} losses of {}", losses.len(), self.losses.len());
        if self.learning() == 1 {
            return self.watch(of_leader);
        }
        let kept = 1.0 - 1.0 / self.every as f64;
        for (sum, loss) in self.losses.iter_mut().zip(losses) {
            sum.iter_mut().for_each(|sum| *sum = kept * *sum + loss);
        }
        for (expert, loss) in self.losses.iter().enumerate() {
            if loss.is_some() && *loss < self.losses[self.leader] {
                self.leader = expert;
            }
        }
        self.rows += 1;
        if self.rows < self.every {
            return Change::None;
        }
        self.rows = 0;
        (0..self.learning() / 2).for_each(|_| self.drop_worst());
        Change::Halved
    }

    /// Of several that are as bad it is the last one, and never the leader.
    fn drop_worst(&mut self) {
        let others = self.losses.iter().enumerate().filter(|&(expert, loss)| expert != self.leader && loss.is_some());
        let worst = others.max_by(|(_, a), (_, b)| a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0)));
        if let Some((worst, _)) = worst {
            self.losses[worst] = None;
        }
    }

    /// One is left. What is not finite counts as the largest loss.
    fn watch(&mut self, loss: f64) -> Change {
        let part = if loss.is_finite() { loss.max(0.0) / (1.0 + loss.max(0.0)) } else { 1.0 };
        if self.losses.len() == 1 || self.drift.update(part) != Signal::Drift {
            return Change::None;
        }
        self.drift.reset();
        self.losses.fill(Some(0.0));
        Change::Reopened
    }

    /// Whether it can have become of such a one.
    pub(super) fn fits(&self, experts: usize, every: u64, delta: f64) -> Result<bool, Error> {
        let as_made = (self.losses.len(), self.every, self.drift.spec()) == (experts, every, watch(delta)?);
        let sums = self.losses.iter().flatten().all(|sum| *sum >= 0.0 && sum.is_finite());
        Ok(as_made && sums && is_count(self.rows) && self.losses.get(self.leader).is_some_and(Option::is_some))
    }
}

/// It is told losses from 0 to 1, and says when they have risen.
pub(super) fn watch(delta: f64) -> Result<DetectorSpec, Error> {
    DetectorSpec::parse(&format!("adwin:delta={delta},watch=up"))
}

#[cfg(test)]
mod tests {
    use super::super::MOST;
    use super::*;

    /// Losses of seven experts, of which one is best, and noise.
    fn row(best: usize, k: u64) -> Vec<f64> {
        let noise =
            |i: usize| f64::from((k.wrapping_mul(2_654_435_761).wrapping_add(i as u64 * 97) % 101) as u32) / 100.0;
        (0..7_usize).map(|i| 0.3 * i.abs_diff(best) as f64 + noise(i)).collect()
    }

    #[test]
    fn the_best_of_a_clear_field_is_kept() {
        for best in 0..7 {
            let mut halving = Halving::new(7, 3, 50, 0.002).expect("it is one");
            let mut left = Vec::new();
            for k in 0..150 {
                halving.update(&row(best, k), 1.0);
                left.push(halving.learning());
            }
            assert_eq!([48, 49, 98, 99, 148, 149].map(|k: usize| left[k]), [7, 4, 4, 2, 2, 1], "{best}");
            assert_eq!(halving.leader(), best);
            assert!((0..7).all(|expert| halving.is_learning(expert) == (expert == best)));
        }
    }

    #[test]
    fn it_opens_again_when_the_loss_has_risen_and_not_when_it_has_fallen() {
        let after = |loss: f64| {
            let mut halving = Halving::new(7, 3, 20, 0.002).expect("it is one");
            for k in 0..60 {
                halving.update(&row(1, k), 0.5);
            }
            let noise = |k: u32| f64::from(k * 37 % 11) / 50.0;
            let calm = (0..2000).all(|k| halving.update(&[0.0; 7], 0.5 + noise(k)) == Change::None);
            assert!(calm && halving.learning() == 1);
            let opened = (0..500).find(|&k| halving.update(&[0.0; 7], loss + noise(k)) == Change::Reopened);
            opened.inspect(|_| {
                assert_eq!(
                    (halving.leader(), halving.learning()),
                    (1, 7),
                    "the last one leads until another is better"
                );
                for k in 0..60 {
                    halving.update(&self::row(5, k), 0.5);
                }
                assert_eq!((halving.leader(), halving.learning()), (5, 1));
            })
        };
        assert!(after(1.0).is_some_and(|row| row < 200), "{:?}", after(1.0));
        assert_eq!(after(0.1), None);
    }

    /// Of twenty labels, or several numbers, losses are large before and after.
    #[test]
    fn large_losses_rise_too() {
        let mut halving = Halving::new(2, 0, 1, 0.002).expect("it is one");
        halving.update(&[0.0, 1.0], 5.0);
        let calm = (0..1000).all(|_| halving.update(&[0.0; 2], 5.0) == Change::None);
        let opened = (0..200).any(|_| halving.update(&[0.0; 2], 14.0) == Change::Reopened);
        assert!(calm && opened);
    }

    #[test]
    fn what_is_no_number_is_the_worst() {
        let mut halving = Halving::new(2, 0, 1, 0.002).expect("it is one");
        halving.update(&[MOST, 0.0], f64::NAN);
        assert_eq!((halving.leader(), halving.learning()), (1, 1));
        for _ in 0..200 {
            halving.update(&[0.0; 2], 0.1);
        }
        assert!((0..200).any(|_| halving.update(&[0.0; 2], f64::NAN) == Change::Reopened));
    }
}
