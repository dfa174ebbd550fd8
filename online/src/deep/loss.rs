//! What a learner of numbers minimises.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thalweg_nn::loss::QuantileLoss;

use crate::error::{Error, ErrorKind};
use crate::metrics::{Metric, Metrics};
use crate::spec::{Spec, unknown};

/// The loss of a number, by its specification. With `u = y − ŷ`, both standardised by the targets so far (so that a `δ` of 1 is
/// one deviation):
///
/// | specification | ℓ | predicts |
/// |---|---|---|
/// | `mse` | `u²` | the mean |
/// | `mae` | `\|u\|` | the median |
/// | `huber:1` | `½ u²` where `\|u\| ≤ δ`, else `δ (\|u\| − ½ δ)` (Huber 1964) | the mean without far outliers |
/// | `quantile:0.1,0.5,0.9` | `Σ max(τ u, (τ − 1) u)` (Koenker & Bassett 1978) | these quantiles |
///
/// **Quantiles** are outputs of one network. What they say is put into ascending order, so that they never cross: of all that
/// one could do about it this can only lower the loss (Chernozhukov, Fernández-Val & Galichon 2010). Where one number is
/// wanted, it is the quantile nearest to the median. A run measures `pinball` at each of them, and the `coverage` of the
/// interval from the first to the last, which should be the difference of the two.
///
/// ```
/// use thalweg_online::{Config, Deep, Learner, LossSpec, Prediction, Target, Task};
///
/// let loss = LossSpec::parse("quantile:0.1,0.5,0.9")?;
/// let mut learner = Deep::new(Config { loss, ..Config::new(Task::Regress) });
/// for k in 0..3000_u32 {
///     let noise = f64::from(k * 7919 % 101) / 50.0 - 1.0; // from −1 to 1
///     learner.learn_one(&[("x", f64::from(k % 5))], Target::Value(10.0 * f64::from(k % 5) + noise))?;
/// }
/// let said = learner.predict_one(&[("x", 2.0)])?;
/// let Prediction::Quantiles { values: &[low, median, high], .. } = said else { panic!("{said:?}") };
/// assert!(low < median && median < high && (median - 20.0).abs() < 1.0, "{low} {median} {high}");
/// assert_eq!(said.value(), Some(median));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum LossSpec {
    /// The squared error.
    #[default]
    Mse,
    /// The absolute error.
    Mae,
    /// Huber's loss, with its `δ` in deviations of the target.
    Huber(f64),
    /// The pinball loss at quantiles between 0 and 1, in ascending order.
    Quantile(Vec<f64>),
}

impl LossSpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such loss (with the nearest match), or its numbers are none that it can have.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let loss = match spec.name() {
            "mse" => LossSpec::Mse,
            "mae" => LossSpec::Mae,
            "huber" => LossSpec::Huber(spec.optional_arg(0, "δ")?.unwrap_or(1.0)),
            "quantile" => LossSpec::Quantile(spec.all_args("a quantile")?),
            other => return Err(unknown("loss", other, &["mse", "mae", "huber:DELTA", "quantile:Q,…"]).into()),
        };
        spec.finish()?;
        loss.check()?;
        Ok(loss)
    }

    /// Whether its numbers are such as it can have.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |expected: &str| Err(Error::expected(ErrorKind::Spec, expected, &self.to_string()));
        match self {
            LossSpec::Huber(delta) if !(*delta > 0.0 && delta.is_finite()) => wrong("a δ above 0"),
            LossSpec::Quantile(quantiles) => {
                let ascend = quantiles.windows(2).all(|pair| pair[0] < pair[1]);
                let between = quantiles.iter().all(|&q| 0.0 < q && q < 1.0);
                if ascend && between && !quantiles.is_empty() {
                    Ok(())
                } else {
                    wrong("quantiles between 0 and 1 in ascending order")
                }
            }
            _ => Ok(()),
        }
    }

    /// How many outputs a number has.
    pub(super) fn outputs(&self) -> usize {
        self.quantiles().map_or(1, <[f64]>::len)
    }

    /// The quantiles that it asks for.
    #[must_use]
    pub fn quantiles(&self) -> Option<&[f64]> {
        if let LossSpec::Quantile(quantiles) = self { Some(quantiles) } else { None }
    }

    /// What measures predictions of this kind: `pinball` at each quantile, and the `coverage` of all; else nothing.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let names = self.quantiles().into_iter().flatten().map(|q| format!("pinball:{q:?}")).chain(["coverage".into()]);
        let metrics: Vec<Metric> = names.filter_map(|name| Metric::parse(&name).ok()).collect();
        if self.quantiles().is_some() { Metrics(metrics) } else { Metrics::default() }
    }

    /// Of this specification, to be called at each step.
    pub(super) fn quantile_loss(&self) -> QuantileLoss {
        QuantileLoss::of(self.quantiles().unwrap_or_default())
    }
}

/// As it is parsed, with defaults written out.
impl fmt::Display for LossSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LossSpec::Mse => f.write_str("mse"),
            LossSpec::Mae => f.write_str("mae"),
            LossSpec::Huber(delta) => write!(f, "huber:{delta}"),
            LossSpec::Quantile(quantiles) => {
                let quantiles: Vec<String> = quantiles.iter().map(f64::to_string).collect();
                write!(f, "quantile:{}", quantiles.join(","))
            }
        }
    }
}

impl FromStr for LossSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        LossSpec::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn specifications_print_as_they_parse() {
        for text in ["mse", "mae", "huber:1", "huber:0.25", "quantile:0.5", "quantile:0.05,0.5,0.95"] {
            assert_eq!(LossSpec::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(LossSpec::parse("huber").unwrap(), LossSpec::Huber(1.0));
        assert_eq!(
            LossSpec::parse("quantile:0.1,0.9").unwrap().metrics().to_string(),
            "pinball:0.1,pinball:0.9,coverage"
        );
        assert_eq!(LossSpec::Mae.metrics(), Metrics::default());
    }

    #[test]
    fn what_is_no_loss_is_refused() {
        let message = |text| LossSpec::parse(text).unwrap_err().to_string();
        assert!(message("hubre:1").starts_with(r#"unknown loss "hubre"; did you mean"#), "{}", message("hubre:1"));
        assert_eq!(message("huber:0"), r#"expected a δ above 0, found "huber:0""#);
        for text in ["quantile:0.9,0.1", "quantile:0.5,0.5", "quantile:1", "quantile:-0.5", "quantile"] {
            assert!(message(text).contains("quantile"), "{}", message(text));
        }
        assert!(message("mse:2").contains("expected at most 0 arguments"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(
            text in "\\PC{0,16}|(mse|mae|huber|quantile)(:[0-9.,e-]{1,12})?"
        ) {
            if let Ok(loss) = LossSpec::parse(&text) {
                prop_assert_eq!(LossSpec::parse(&loss.to_string()).ok(), Some(loss));
            }
        }
    }
}
