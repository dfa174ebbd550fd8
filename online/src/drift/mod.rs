//! Change detectors: has a stream of values become another one?
//!
//! | specification | detector | takes | finds | memory | cost of a value | promises |
//! |---|---|---|---|---|---|---|
//! | `adwin` | [`Adwin`] | any numbers, best within 0 to 1 | another mean | 16 B · 5 log₂ n | O(1), every 32nd O(log n) | at most δ false alarms a test |
//! | `ddm` | [`Ddm`] | errors | more of them | O(1) | O(1) | |
//! | `eddm` | [`Eddm`] | errors | errors closer together | O(1) | O(1) | |
//! | `hddm-a` | [`HddmA`] | 0 to 1 | a higher mean (or lower, or both) | O(1) | O(1) | at most α false alarms a test |
//! | `hddm-w` | [`HddmW`] | 0 to 1 | a higher fading mean (or lower, or both) | O(1) | O(1) | at most α false alarms a test |
//! | `page-hinkley` | [`PageHinkley`] | any numbers | another mean | O(1) | O(1) | |
//! | `kswin` | [`Kswin`] | any numbers | another distribution | 8 B a value of its window | O(w + r log r) | at most α false alarms a test |
//! | `cusum` | [`Cusum`] | any numbers, near normal | another mean | O(1) | O(1) | tabled run lengths, for known mean and deviation |
//!
//! **Which one?** [`Adwin`] if nothing speaks for another. Of errors of a classifier [`HddmA`] is as good, in a few numbers
//! of memory; [`HddmW`] is sooner where the rate of errors becomes large. Of numbers in units of their own [`Cusum`]; if
//! you can say in these units what matters, [`PageHinkley`]. If the mean may stay while the rest changes, [`Kswin`]. [`Ddm`]
//! and [`Eddm`] are what others are compared with.
//!
//! An update takes some 20 ns for `adwin`, 30 for `hddm-a`, 1 600 for `kswin`, and 8 to 19 for the others
//! (`measure w7` of the benches).
//!
//! The files begin with the equations, the sources of all defaults, and when to choose it.
//!
//! An *error* is 1 where a model was wrong, 0 where it was right. What a detector [cannot take](Detector::domain) changes
//! nothing and is [counted](Tally::ignored): NaN and infinity for all of them, for some also numbers outside 0 to 1, or
//! all but 0 and 1. Numbers beyond ±10¹⁴⁰ count as ±10¹⁴⁰, whose squares are still finite, as in
//! [`Moments`](crate::Moments).
//!
//! After a [drift](Signal::Drift) a new [segment](Detector::segment) begins at once. Detectors are plain values: saved, they
//! go on to the bit.
//!
//! [`Detections`] judges a detector where the changes are known; [`adapt`](crate::adapt) acts on what one says of a learner's
//! errors.
//!
//! # Figures
//!
//! With default options: false alarms in a million values without a change (promised: 62 for `adwin`, 1 000 for `hddm-a` and
//! `hddm-w`, 5 000 for `kswin`); then the mean delay ± its standard error over 100 seeds, of a change that comes after 5 000
//! values, and how many in 100 were missed in the 5 000 after it. Errors are Bernoulli, numbers normal with σ = 0.1 about 0.5.
//!
//! | | errors 1 % | 10 % | 50 % | normal | errors 10 % to 30 % | the same, within 1 000 | errors 20 % to 25 % | mean + 1 σ | mean + σ/4 | σ doubled |
//! |---|---|---|---|---|---|---|---|---|---|---|
//! | `adwin` | 0 | 0 | 0 | 0 | 114 ± 3 | 607 ± 9 | 1864 ± 98, 5 missed | 127 ± 2 | 829 ± 20 | all missed |
//! | `ddm` | 35 | 27 | 3 | | 621 ± 69 | 1139 ± 80 | 1853 ± 143, 34 missed | | | |
//! | `eddm` | 187 | 448 | 242 | | 108 ± 11 | 292 ± 24 | 1021 ± 110, 3 missed | | | |
//! | `hddm-a` | 0 | 2 | 11 | 0 | 129 ± 7 | 689 ± 11 | 1763 ± 98, 6 missed | 425 ± 5 | all missed | all missed |
//! | `hddm-w` | 0 | 0 | 777 | 0 | 188 ± 16 | 904 ± 20 | 1486 ± 135, 8 missed | all missed | all missed | all missed |
//! | `page-hinkley` | 0 | 25 | 94 | 0 | 224 ± 5 | 675 ± 9 | 976 ± 44, 2 missed | 549 ± 3 | 3609 ± 57, 14 missed | all missed |
//! | `kswin` | 0 | 0 | 264 | 1343 | 1922 ± 219, 52 missed | 2742 ± 219, 72 missed | 2674 ± 393, 85 missed | 71 ± 27 | 576 ± 63 | 634 ± 77 |
//! | `cusum` | 1544 | 95 | 0 | 2 | 34 ± 3, 1 missed | 537 ± 21, 1 missed | 1631 ± 216, 65 missed | 22 ± 1 | 1372 ± 253, 80 missed | 147 ± 17 |
//!
//! `cargo run --release -p thalweg-benches --bin tables -- drift` makes them again, with more columns. A delay says little
//! where there are many false alarms: whoever always cries is never late.
//!
//! # Example
//!
//! A stream of errors: from row 2 000 on the model is wrong three times as often.
//!
//! ```
//! use thalweg_online::drift::{AnyDetector, Detector, Signal};
//!
//! let mut detector: AnyDetector = "adwin:delta=0.002,watch=up".parse()?;
//! let mut rng = thalweg_tensor::Rng::new(1);
//! for row in 0..4000 {
//!     let is_wrong = rng.uniform() < if row < 2000 { 0.1 } else { 0.3 };
//!     if detector.update(f64::from(u8::from(is_wrong))) == Signal::Drift {
//!         println!("row {row}: errors are now {:.2}", detector.segment().mean);
//!     }
//! }
//! assert!(detector.tally().drifts() >= 1);
//! assert!((detector.segment().mean - 0.3).abs() < 0.05);
//! # Ok::<(), thalweg_online::Error>(())
//! ```

pub mod adwin;
pub mod cusum;
pub mod ddm;
pub(crate) mod declare;
pub mod eddm;
mod evaluate;
pub mod hddm_a;
pub mod hddm_w;
pub mod kswin;
pub mod page_hinkley;
mod spec;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use adwin::{Adwin, AdwinOptions};
pub use cusum::{Cusum, CusumOptions};
pub use ddm::{Ddm, DdmOptions};
pub use eddm::{Eddm, EddmOptions};
pub use evaluate::Detections;
pub use hddm_a::{HddmA, HddmAOptions};
pub use hddm_w::{HddmW, HddmWOptions};
pub use kswin::{Kswin, KswinOptions};
pub use page_hinkley::{PageHinkley, PageHinkleyOptions};
use serde::{Deserialize, Serialize};
pub use spec::{AnyDetector, DetectorSpec};

use crate::error::Error;
use crate::spec::{Setting, unknown};

/// What a detector says of a value, after all those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Signal {
    /// Nothing has changed that could be shown.
    #[default]
    Stable,
    /// Something may be changing: what comes now may be the first of what is new. Only [`Ddm`], [`Eddm`], [`HddmA`] and
    /// [`HddmW`] warn.
    Warning,
    /// Something has changed; the detector has begun a new segment.
    Drift,
}

/// Which values a detector takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// 0 for right and 1 for wrong.
    Errors,
    /// Numbers from 0 to 1, such as errors or probabilities.
    Unit,
    /// Finite numbers.
    Numbers,
}

impl Domain {
    /// The value as it is taken, if it can be.
    fn admit(self, value: f64) -> Option<f64> {
        const LARGEST: f64 = 1e140;
        let is_admitted = match self {
            Domain::Errors => value == 0.0 || value == 1.0,
            Domain::Unit => (0.0..=1.0).contains(&value),
            Domain::Numbers => value.is_finite(),
        };
        is_admitted.then(|| value.clamp(-LARGEST, LARGEST))
    }
}

/// Which changes of a mean are reported: `up`, `down` or `both`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// It rises.
    Up,
    /// It falls.
    Down,
    /// It rises or falls.
    Both,
}

impl Direction {
    const ALL: [(&'static str, Self); 3] =
        [("up", Direction::Up), ("down", Direction::Down), ("both", Direction::Both)];

    /// Whether a rise is reported.
    #[must_use]
    pub fn up(self) -> bool {
        self != Direction::Down
    }

    /// Whether a fall is reported.
    #[must_use]
    pub fn down(self) -> bool {
        self != Direction::Up
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [up, down, both] = Self::ALL.map(|(name, _)| name);
        f.write_str(match self {
            Direction::Up => up,
            Direction::Down => down,
            Direction::Both => both,
        })
    }
}

impl FromStr for Direction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_text(text).ok_or_else(|| unknown("direction", text, &Self::ALL.map(|(name, _)| name)).into())
    }
}

impl Setting for Direction {
    const EXPECTED: &'static str = "up, down or both";

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, direction)| *direction)
    }
}

/// The values since the last change that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// How many there are.
    pub width: u64,
    /// Their mean, as the detector estimates it; NaN of none.
    pub mean: f64,
}

impl Segment {
    fn new(width: u64, mean: f64) -> Self {
        Segment { width, mean: if width == 0 { f64::NAN } else { mean } }
    }
}

/// What every detector counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    drifts: u64,
    ignored: u64,
    /// Whether the last word was a warning.
    warned: bool,
}

impl Tally {
    /// How many drifts were reported.
    #[must_use]
    pub fn drifts(self) -> u64 {
        self.drifts
    }

    /// How many values could not be taken, and changed nothing.
    #[must_use]
    pub fn ignored(self) -> u64 {
        self.ignored
    }

    #[cold]
    fn ignore(&mut self) -> Signal {
        self.ignored += 1;
        self.unchanged()
    }

    /// What is said of a value that tells nothing new.
    fn unchanged(self) -> Signal {
        if self.warned { Signal::Warning } else { Signal::Stable }
    }

    fn say(&mut self, signal: Signal) -> Signal {
        self.drifts += u64::from(signal == Signal::Drift);
        self.warned = signal == Signal::Warning;
        signal
    }
}

/// Something that is told values, one by one, and says when they have changed.
pub trait Detector: fmt::Debug {
    /// Takes in one value. One that it cannot take changes nothing but the [tally](Tally::ignored): what was said last stands,
    /// a drift as [`Signal::Stable`].
    fn update(&mut self, value: f64) -> Signal;

    /// Takes in many values, as one by one, and says at which of them (counted from 0) a drift was reported.
    fn update_many(&mut self, values: &[f64]) -> Vec<usize> {
        let mut drifts = Vec::new();
        for (place, &value) in values.iter().enumerate() {
            if self.update(value) == Signal::Drift {
                drifts.push(place);
            }
        }
        drifts
    }

    /// Forgets everything but how it was made.
    fn reset(&mut self);

    /// Which values it takes.
    fn domain(&self) -> Domain;

    /// Which changes it reports. What looks at whole distributions watches both directions.
    fn watches(&self) -> Direction;

    /// What is known since the last change.
    fn segment(&self) -> Segment;

    /// How many drifts were reported, and values ignored.
    fn tally(&self) -> Tally;
}
