//! Scalers: numbers of any size to numbers around zero or one, by what is known of them so far.
//!
//! | notation | `transform(x)` | known so far |
//! |---|---|---|
//! | `standard` | (x − mean) / deviation | [`Moments`] of all values |
//! | `minmax` | (x − min) / (max − min) | least and greatest |
//! | `maxabs` | x / max \|x\| | greatest size |
//! | `robust` | (x − median) / (third − first quartile) | three [`Quantile`]s (P²) |
//! | `adaptive:0.3` | (x − mean) / deviation | both fading: each value counts 0.7 times as much as the next |
//! | `none` | x | nothing |
//!
//! Where the denominator is zero nothing is known of the scale yet, and the result is 0 (of `maxabs` too).
//!
//! These are River's `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler`, `RobustScaler` and `AdaptiveStandardScaler`, with two
//! differences in the last. River takes the variance as a mean of squares less the square of a mean, which cancels where
//! values lie far from zero: here it is a sum of squares that never does. And there a mean of exactly 0 begins anew.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::quantile::Quantile;
use crate::error::{Error, ErrorKind};
use crate::moments::Moments;
use crate::spec::{Spec, unknown};

/// How numbers are scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Scale {
    /// By mean and deviation.
    #[default]
    Standard,
    /// The least to 0, the greatest to 1.
    MinMax,
    /// The greatest size to 1.
    MaxAbs,
    /// By median and quartiles, which a few wild values do not move.
    Robust,
    /// By mean and deviation of the recent past: how much the newest value counts, above 0 and at most 1.
    Adaptive(f64),
    /// Not at all.
    None,
}

impl Scale {
    /// Reads `standard`, `minmax`, `maxabs`, `robust`, `adaptive:0.3` or `none`.
    ///
    /// # Errors
    ///
    /// If there is no such scaler (with the nearest match), or a fading factor is not above 0 and at most 1.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let scale = match spec.name() {
            "standard" => Scale::Standard,
            "minmax" => Scale::MinMax,
            "maxabs" => Scale::MaxAbs,
            "robust" => Scale::Robust,
            "none" => Scale::None,
            "adaptive" => match spec.optional_arg(0, "the fading factor")?.unwrap_or(0.3) {
                fading if fading > 0.0 && fading <= 1.0 => Scale::Adaptive(fading),
                _ => return Err(Error::expected(ErrorKind::Spec, "a fading factor above 0 and at most 1", text)),
            },
            other => {
                let all = ["standard", "minmax", "maxabs", "robust", "adaptive", "none"];
                return Err(unknown("scaler", other, &all).into());
            }
        };
        spec.finish()?;
        Ok(scale)
    }

    /// A scaler that has seen nothing.
    #[must_use]
    pub fn build(self) -> Scaler {
        self.of_zeros(0)
    }

    /// A scaler that has seen so many zeros.
    #[must_use]
    pub fn of_zeros(self, count: u64) -> Scaler {
        match self {
            Scale::Standard => Scaler::Standard(Moments::of_zeros(count)),
            Scale::MinMax if count == 0 => Scaler::MinMax { min: f64::INFINITY, max: f64::NEG_INFINITY },
            Scale::MinMax => Scaler::MinMax { min: 0.0, max: 0.0 },
            Scale::MaxAbs => Scaler::MaxAbs { max: 0.0 },
            Scale::Robust => Scaler::Robust(Box::new([0.25, 0.5, 0.75].map(|q| Quantile::of_zeros(q, count)))),
            Scale::Adaptive(fading) => Scaler::Adaptive { fading, mean: (count > 0).then_some(0.0), variance: 0.0 },
            Scale::None => Scaler::None,
        }
    }
}

/// As it is parsed.
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scale::Standard => f.write_str("standard"),
            Scale::MinMax => f.write_str("minmax"),
            Scale::MaxAbs => f.write_str("maxabs"),
            Scale::Robust => f.write_str("robust"),
            Scale::Adaptive(fading) => write!(f, "adaptive:{fading}"),
            Scale::None => f.write_str("none"),
        }
    }
}

/// A scaler and what it knows: see the table of [`Scale`]s.
///
/// ```
/// use thalweg_online::features::Scale;
///
/// let mut scaler = Scale::parse("minmax")?.build();
/// [1.0, 5.0].into_iter().for_each(|x| scaler.update(x));
/// assert_eq!((scaler.transform(3.0), scaler.transform(7.0)), (0.5, 1.5));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scaler {
    /// Mean and deviation of all values.
    Standard(Moments),
    /// The range of all values.
    MinMax {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// The sizes of all values.
    MaxAbs {
        /// The greatest.
        max: f64,
    },
    /// The quartiles of all values.
    Robust(Box<[Quantile; 3]>),
    /// Mean and variance that fade: `δ = x − μ`, `μ ← μ + f δ`, `σ² ← (1 − f) (σ² + f δ²)` (Finch 2009).
    Adaptive {
        /// f.
        fading: f64,
        /// μ; the first value, at first.
        mean: Option<f64>,
        /// σ².
        variance: f64,
    },
    /// Nothing.
    None,
}

/// Values are limited to ± this, so that neither a difference nor a square is infinite.
const LARGEST: f64 = 1e140;

impl Scaler {
    /// Takes in one value. NaN is none, and is passed over.
    pub fn update(&mut self, x: f64) {
        if x.is_nan() {
            return;
        }
        let limited = x.clamp(-LARGEST, LARGEST);
        match self {
            Scaler::Standard(moments) => moments.update(x),
            Scaler::MinMax { min, max } => (*min, *max) = (min.min(limited), max.max(limited)),
            Scaler::MaxAbs { max } => *max = max.max(limited.abs()),
            Scaler::Robust(quartiles) => quartiles.iter_mut().for_each(|quartile| quartile.update(limited)),
            Scaler::Adaptive { fading, mean, variance } => {
                let known = mean.get_or_insert(limited);
                let difference = limited - *known;
                *known += *fading * difference;
                *variance = (1.0 - *fading) * (*variance + *fading * difference * difference);
            }
            Scaler::None => {}
        }
    }

    /// The scaled value; NaN of NaN. Nothing is limited here, but what is not scaled lies within the range of an `f32`.
    #[must_use]
    pub fn transform(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        let limited = x.clamp(-LARGEST, LARGEST);
        match self {
            Scaler::Standard(moments) => moments.standardise(x).unwrap_or(f64::NAN),
            Scaler::MinMax { min, max } => ratio(limited - min, max - min),
            Scaler::MaxAbs { max } => ratio(limited, *max),
            Scaler::Robust(quartiles) => {
                let [first, median, third] = (**quartiles).map(|quartile| quartile.get());
                ratio(limited - median, third - first)
            }
            Scaler::Adaptive { mean, variance, .. } => ratio(limited - mean.unwrap_or(limited), variance.sqrt()),
            Scaler::None => x.clamp(f64::from(f32::MIN), f64::from(f32::MAX)),
        }
    }

    /// Whether it is of this scale.
    pub(super) fn is_of(&self, scale: Scale) -> bool {
        match (self, scale) {
            (Scaler::Standard(_), Scale::Standard)
            | (Scaler::MinMax { .. }, Scale::MinMax)
            | (Scaler::MaxAbs { .. }, Scale::MaxAbs)
            | (Scaler::Robust(_), Scale::Robust)
            | (Scaler::None, Scale::None) => true,
            (Scaler::Adaptive { fading, .. }, Scale::Adaptive(asked)) => *fading == asked,
            _ => false,
        }
    }

    /// `transform`, limited to ± `clip` where there is a scale at all.
    pub(super) fn clipped(&self, x: f64, clip: f64) -> f64 {
        match self {
            Scaler::None => self.transform(x),
            _ => self.transform(x).clamp(-clip, clip),
        }
    }
}

fn ratio(difference: f64, scale: f64) -> f64 {
    if scale > 0.0 { difference / scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [&str; 6] = ["standard", "minmax", "maxabs", "robust", "adaptive:0.3", "none"];

    proptest! {
        #[test]
        fn whatever_comes_nothing_but_nan_gives_nan(values in prop::collection::vec(0usize..9, 0..60), x in 0usize..8) {
            let extremes = [0.0, -1.0, f64::MAX, f64::MIN, 5e-324, f64::INFINITY, f64::NEG_INFINITY, 1e-300, f64::NAN];
            for text in ALL {
                let mut scaler = Scale::parse(text).unwrap().build();
                values.iter().for_each(|&value| scaler.update(extremes[value]));
                prop_assert!(!scaler.transform(extremes[x]).is_nan(), "{text}: {scaler:?}");
                prop_assert!((scaler.clipped(extremes[x], 4.0) as f32).is_finite(), "{text}");
                prop_assert!(scaler.transform(f64::NAN).is_nan());
            }
        }

        /// Robust is one only by about a place.
        #[test]
        fn of_zeros_is_what_zeros_give(count in 0u64..30) {
            for text in ALL.into_iter().filter(|&text| text != "robust") {
                let scale = Scale::parse(text).unwrap();
                let mut scaler = scale.build();
                (0..count).for_each(|_| scaler.update(0.0));
                prop_assert_eq!(scaler, scale.of_zeros(count));
            }
        }
    }

    #[test]
    fn the_notation_prints_as_it_parses() {
        for text in ALL {
            assert_eq!(Scale::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Scale::parse("adaptive").unwrap(), Scale::Adaptive(0.3));
        let message = |text| Scale::parse(text).unwrap_err().to_string();
        assert!(message("robst").contains(r#"did you mean "robust"?"#), "{}", message("robst"));
        assert!(message("adaptive:0").contains("a fading factor above 0 and at most 1"));
        assert!(message("standard:3").contains("expected at most 0 arguments"));
    }
}
