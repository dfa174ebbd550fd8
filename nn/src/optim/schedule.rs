//! Learning rates as functions of the step.

use std::f64::consts::PI;

/// The learning rate at step t: a value that says the same for the same t, whenever it is asked.
///
/// ```
/// use thalweg_nn::{Adam, Optimizer, Schedule};
///
/// let schedule = Schedule::cosine(0.1, 1000).with_warm_up(10);
/// let mut adam = Adam::<f32>::new(0.0);
/// for t in 0..1010 {
///     adam.set_learning_rate(schedule.rate(t));
///     // adam.step(…)
/// }
/// assert_eq!([0, 9, 10, 510, 1010].map(|t| (schedule.rate(t) * 1e6).round() / 1e6), [0.01, 0.1, 0.1, 0.05, 0.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Schedule {
    /// η.
    Constant {
        /// η.
        rate: f64,
    },
    /// `η γ^⌊t/s⌋`. PyTorch's `StepLR`.
    Step {
        /// η.
        rate: f64,
        /// s: how many steps it stays the same.
        every: u64,
        /// γ.
        factor: f64,
    },
    /// `η γⁿ`, n of the milestones being at or before t. PyTorch's `MultiStepLR`.
    MultiStep {
        /// η.
        rate: f64,
        /// The milestones, in any order.
        milestones: Vec<u64>,
        /// γ.
        factor: f64,
    },
    /// `η γᵗ`. PyTorch's `ExponentialLR`.
    Exponential {
        /// η.
        rate: f64,
        /// γ, per step.
        factor: f64,
    },
    /// In a straight line from one rate to another within `steps` steps, and that one from then on. PyTorch's `LinearLR`.
    Linear {
        /// The rate at step 0.
        from: f64,
        /// The rate at the end.
        to: f64,
        /// How many steps it takes.
        steps: u64,
    },
    /// `η₀ + (η − η₀) (1 + cos(πs/S)) / 2`: half a wave within S steps. Without restarts s is t, and the rate is η₀ from S on
    /// (PyTorch's `CosineAnnealingLR`, whose rate rises again). With them s begins again at 0 after S steps, and each wave is
    /// `stretch` times as long as the one before (`CosineAnnealingWarmRestarts`; Loshchilov & Hutter 2017).
    Cosine {
        /// η.
        rate: f64,
        /// η₀.
        lowest: f64,
        /// S, of the first wave.
        steps: u64,
        /// How much longer each wave is than the one before; `None`: there is one.
        stretch: Option<u64>,
    },
    /// Up from `highest / divisor`, and down to `1 / final_divisor` of where it began, each by half a wave of a cosine.
    /// PyTorch's `OneCycleLR` (Smith & Topin 2018), for the rate alone. After the last step the rate stays.
    OneCycle {
        /// The rate at the top.
        highest: f64,
        /// How many steps there are.
        steps: u64,
        /// Which part of them leads up.
        rise: f64,
        /// How much lower it begins.
        divisor: f64,
        /// How much lower than at the beginning it ends.
        final_divisor: f64,
    },
    /// `η min((t + 1)/w, √(w/(t + 1)))`: up in a straight line for w steps, then down as the inverse square root. The schedule
    /// of Vaswani et al. 2017, equation 3, for a peak η of `1/√(d w)`, d being the model's width.
    InverseSquareRoot {
        /// η, at the end of the warm-up.
        rate: f64,
        /// w.
        warm_up: u64,
    },
    /// Another schedule, after its first rate has been approached in a straight line: `(t + 1)/w` of it at step t. PyTorch's
    /// `LinearLR` with start factor `1/w` before the other one. (More than 16 within each other cannot be read from a file.)
    WarmUp {
        /// w.
        steps: u64,
        /// What comes then, its steps counted from there.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::nested::read"))]
        then: Box<Schedule>,
    },
}

impl Schedule {
    /// A cosine from `rate` to 0 within `steps` steps.
    pub fn cosine(rate: f64, steps: u64) -> Self {
        Schedule::Cosine { rate, lowest: 0.0, steps, stretch: None }
    }

    /// One cycle of `steps` steps, as PyTorch's by default: 30 % of them lead up, from 1/25 of the highest rate; it ends 10⁴ times
    /// lower than it began.
    pub fn one_cycle(highest: f64, steps: u64) -> Self {
        Schedule::OneCycle { highest, steps, rise: 0.3, divisor: 25.0, final_divisor: 1e4 }
    }

    /// This schedule after `steps` steps of warm-up.
    pub fn with_warm_up(self, steps: u64) -> Self {
        Schedule::WarmUp { steps, then: Box::new(self) }
    }

    /// The rate of step t, counted from 0.
    pub fn rate(&self, t: u64) -> f64 {
        match *self {
            Schedule::Constant { rate } => rate,
            Schedule::Step { rate, every, factor } => rate * power(factor, t.checked_div(every).unwrap_or(t)),
            Schedule::MultiStep { rate, ref milestones, factor } => {
                rate * power(factor, milestones.iter().filter(|&&milestone| milestone <= t).count() as u64)
            }
            Schedule::Exponential { rate, factor } => rate * power(factor, t),
            Schedule::Linear { from, to, steps } => from + (to - from) * part(t, steps),
            Schedule::Cosine { rate, lowest, steps, stretch } => {
                let (t, steps) = stretch.map_or((t, steps), |stretch| in_its_wave(t, steps, stretch));
                half_wave(rate, lowest, part(t, steps))
            }
            Schedule::OneCycle { highest, steps, rise, divisor, final_divisor } => {
                let (first, t) = (highest / divisor, t as f64);
                let (top, end) = ((rise * steps as f64 - 1.0).max(0.0), steps.saturating_sub(1) as f64);
                if t < top {
                    half_wave(first, highest, t / top)
                } else {
                    let past = if end > top { (t - top) / (end - top) } else { t };
                    half_wave(highest, first / final_divisor, past.min(1.0))
                }
            }
            Schedule::InverseSquareRoot { rate, warm_up } => {
                let (t, warm_up) = (t as f64 + 1.0, warm_up.max(1) as f64);
                rate * (t / warm_up).min((warm_up / t).sqrt())
            }
            Schedule::WarmUp { steps, ref then } => match t.checked_sub(steps) {
                Some(t) => then.rate(t),
                None => then.rate(0) * part(t + 1, steps),
            },
        }
    }
}

/// `factorⁿ`.
fn power(factor: f64, n: u64) -> f64 {
    factor.powf(n as f64)
}

/// Which part of `steps` is over, at most 1.
fn part(t: u64, steps: u64) -> f64 {
    if t < steps { t as f64 / steps as f64 } else { 1.0 }
}

/// From one number to another along half a wave of a cosine, of which this part is over.
fn half_wave(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * part).cos()) / 2.0
}

/// Where step t is in its wave, and how long that is: waves of `steps`, `steps · stretch`, `steps · stretch²` … steps.
fn in_its_wave(mut t: u64, mut steps: u64, stretch: u64) -> (u64, u64) {
    if stretch <= 1 {
        return (t.checked_rem(steps).unwrap_or(t), steps);
    }
    while steps > 0 && t >= steps {
        t -= steps;
        steps = steps.saturating_mul(stretch);
    }
    (t, steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(schedule: &Schedule, known: &[(u64, f64)]) {
        for &(t, rate) in known {
            assert!(
                (schedule.rate(t) - rate).abs() < 1e-12,
                "{schedule:?} at {t}: {}, expected {rate}",
                schedule.rate(t)
            );
        }
    }

    /// Worked by hand from the formulas.
    #[test]
    fn rates_are_what_the_formulas_say() {
        let half = 0.5f64;
        check(&Schedule::Constant { rate: 0.3 }, &[(0, 0.3), (u64::MAX, 0.3)]);
        check(
            &Schedule::Step { rate: 1.0, every: 3, factor: 0.5 },
            &[(0, 1.0), (2, 1.0), (3, 0.5), (5, 0.5), (6, 0.25)],
        );
        let milestones = vec![4, 2];
        check(&Schedule::MultiStep { rate: 1.0, milestones, factor: 0.1 }, &[(1, 1.0), (2, 0.1), (3, 0.1), (4, 0.01)]);
        check(&Schedule::Exponential { rate: 2.0, factor: 0.5 }, &[(0, 2.0), (1, 1.0), (3, 0.25)]);
        check(&Schedule::Linear { from: 1.0, to: 0.2, steps: 4 }, &[(0, 1.0), (1, 0.8), (4, 0.2), (9, 0.2)]);
        check(
            &Schedule::Cosine { rate: 1.1, lowest: 0.1, steps: 4, stretch: None },
            &[(0, 1.1), (1, 0.6 + half.sqrt() / 2.0), (2, 0.6), (4, 0.1), (100, 0.1)],
        );
        check(
            &Schedule::Cosine { rate: 1.0, lowest: 0.0, steps: 2, stretch: Some(2) }, // waves of 2, 4, 8
            &[(0, 1.0), (1, 0.5), (2, 1.0), (4, 0.5), (6, 1.0), (10, 0.5), (14, 1.0)],
        );
        check(
            &Schedule::Cosine { rate: 1.0, lowest: 0.0, steps: 2, stretch: Some(1) },
            &[(1, 0.5), (2, 1.0), (3, 0.5), (4, 1.0)],
        );
        // Up over the first 0.3 · 10 − 1 = 2 steps, down over the other 7.
        check(&Schedule::one_cycle(1.0, 10), &[(0, 0.04), (1, 0.52), (2, 1.0), (9, 4e-6), (50, 4e-6)]);
        check(
            &Schedule::OneCycle { highest: 1.0, steps: 9, rise: 1.0 / 3.0, divisor: 2.0, final_divisor: 5.0 },
            &[(0, 0.5), (1, 0.75), (2, 1.0), (5, 0.55), (8, 0.1)],
        );
        check(&Schedule::InverseSquareRoot { rate: 1.0, warm_up: 4 }, &[(0, 0.25), (3, 1.0), (15, 0.5), (63, 0.25)]);
        // Width 512, 4000 steps of warm-up: d^−½ · min(n^−½, n · w^−3/2) at n = 4000 and n = 100 000.
        let paper = Schedule::InverseSquareRoot { rate: (512.0f64 * 4000.0).sqrt().recip(), warm_up: 4000 };
        check(&paper, &[(3999, 6.987712429686843e-4), (99_999, 1.3975424859373687e-4)]);
        check(
            &Schedule::Exponential { rate: 1.0, factor: 0.5 }.with_warm_up(4),
            &[(0, 0.25), (2, 0.75), (3, 1.0), (4, 1.0), (5, 0.5)],
        );
    }

    proptest! {
        /// Whatever the settings, zeros included: a rate is finite and between the lowest and the highest.
        #[test]
        fn rates_stay_in_their_bounds(
            t in prop_oneof![0u64..100, any::<u64>()], steps in 0u64..50, warm_up in 0u64..20, stretch in prop::option::of(0u64..4)
        ) {
            let schedules = [
                Schedule::Step { rate: 1.0, every: steps, factor: 0.9 },
                Schedule::MultiStep { rate: 1.0, milestones: vec![steps, warm_up], factor: 0.9 },
                Schedule::Linear { from: 0.0, to: 1.0, steps },
                Schedule::Cosine { rate: 1.0, lowest: 0.1, steps, stretch },
                Schedule::one_cycle(1.0, steps),
                Schedule::InverseSquareRoot { rate: 1.0, warm_up },
            ];
            for schedule in schedules {
                for schedule in [schedule.clone(), schedule.with_warm_up(warm_up)] {
                    let rate = schedule.rate(t);
                    prop_assert!((0.0..=1.0).contains(&rate), "{schedule:?} at {t}: {rate}");
                }
            }
        }
    }
}
