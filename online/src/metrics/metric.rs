//! Metrics by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thalweg_nn::spec::{Spec, SpecError, unknown};

use crate::error::{Error, ErrorKind};
use crate::learn::Task;

use super::auc::Resolution;
use super::average::{Average, average};
use super::means::Loss;
use super::window::Window;

/// What is computed of the rows of a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Measure {
    /// Of [`Counts`](super::Counts).
    Accuracy,
    BalancedAccuracy,
    Kappa,
    Mcc,
    GeometricMean,
    Precision(Average<String>),
    Recall(Average<String>),
    F1(Average<String>),
    Jaccard(Average<String>),
    /// Of [`Confusion`](super::Confusion).
    AdjustedRand,
    MutualInfo,
    NormalizedMutualInfo,
    Homogeneity,
    Completeness,
    FowlkesMallows,
    /// Accuracy compared with that of another.
    KappaM,
    KappaTemporal,
    /// Of probabilities.
    LogLoss,
    Brier,
    Top(usize),
    Ece(usize),
    Auc(Resolution, Average<String>),
    /// Of numbers.
    Mean(Loss),
    Root(Loss),
    R2,
    Coverage,
    /// Of sets of labels.
    ExactMatch,
    HammingLoss,
    JaccardSamples,
}

/// Those without arguments.
const PLAIN: [(&str, Measure); 28] = [
    ("accuracy", Measure::Accuracy),
    ("balanced_accuracy", Measure::BalancedAccuracy),
    ("kappa", Measure::Kappa),
    ("kappa_m", Measure::KappaM),
    ("kappa_temporal", Measure::KappaTemporal),
    ("mcc", Measure::Mcc),
    ("geometric_mean", Measure::GeometricMean),
    ("log_loss", Measure::LogLoss),
    ("brier", Measure::Brier),
    ("adjusted_rand", Measure::AdjustedRand),
    ("mutual_info", Measure::MutualInfo),
    ("normalized_mutual_info", Measure::NormalizedMutualInfo),
    ("homogeneity", Measure::Homogeneity),
    ("completeness", Measure::Completeness),
    ("fowlkes_mallows", Measure::FowlkesMallows),
    ("mae", Measure::Mean(Loss::Absolute)),
    ("mse", Measure::Mean(Loss::Square)),
    ("rmse", Measure::Root(Loss::Square)),
    ("rmsle", Measure::Root(Loss::SquareLog)),
    ("r2", Measure::R2),
    ("mape", Measure::Mean(Loss::Percentage)),
    ("smape", Measure::Mean(Loss::SymmetricPercentage)),
    ("bias", Measure::Mean(Loss::Bias)),
    ("msle", Measure::Mean(Loss::SquareLog)),
    ("coverage", Measure::Coverage),
    ("exact_match", Measure::ExactMatch),
    ("hamming_loss", Measure::HammingLoss),
    ("jaccard_samples", Measure::JaccardSamples),
];

/// Those with arguments, as they stand in an error.
const OTHERS: [&str; 8] = [
    "f1:micro|macro|weighted|of=LABEL",
    "precision:…",
    "recall:…",
    "jaccard:…",
    "auc:THRESHOLDS|of=LABEL",
    "top:K",
    "ece:BINS",
    "pinball:Q",
];

/// A measure and the rows over which it is computed: `accuracy`, `f1:macro@500`, `mae@0.999`.
///
/// Behind the `@` stands a number of rows or a factor of fading; without it, all rows count. See [`Window`].
///
/// # Example
///
/// ```
/// use thalweg_online::Task;
/// use thalweg_online::metrics::{Metric, Window};
///
/// let metric = Metric::parse("f1@500")?;
/// assert_eq!(metric.to_string(), "f1:macro@500");
/// assert_eq!((metric.task(), metric.window()), (Task::Classify, Window::Rolling(500)));
/// let error = Metric::parse("accuarcy").unwrap_err().to_string();
/// assert!(error.starts_with(r#"unknown metric "accuarcy"; did you mean "accuracy"?"#));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Metric {
    pub(super) measure: Measure,
    window: Window,
}

impl Metric {
    /// Reads a metric.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if its arguments or its window are none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, window) = match text.rsplit_once('@') {
            Some((name, window)) => (name, Window::parse(window.trim())?),
            None => (text, Window::Running),
        };
        let mut spec = Spec::parse(name)?;
        let measure = Measure::read(&mut spec)?;
        spec.finish()?;
        match (&measure, window) {
            (Measure::Auc(Resolution::Thresholds(_), _), Window::Rolling(_)) => {
                let message = "auc over the last rows is exact: expected no thresholds, found";
                Err(Error::new(ErrorKind::Spec, format!("{message} {name:?}")))
            }
            _ => Ok(Metric { measure, window }),
        }
    }

    /// The metrics that a run of `task` always has: `accuracy`, `log_loss`, `kappa`, `kappa_temporal`; `mae`, `rmse`, `r2`;
    /// or `exact_match`, `hamming_loss`, `jaccard_samples`, `f1:micro`, `f1:macro`.
    #[must_use]
    pub fn defaults(task: Task) -> Vec<Self> {
        let measures = match task {
            Task::Classify => vec![Measure::Accuracy, Measure::LogLoss, Measure::Kappa, Measure::KappaTemporal],
            Task::Regress => vec![Measure::Mean(Loss::Absolute), Measure::Root(Loss::Square), Measure::R2],
            Task::MultiLabel => vec![
                Measure::ExactMatch,
                Measure::HammingLoss,
                Measure::JaccardSamples,
                Measure::F1(Average::Micro),
                Measure::F1(Average::Macro),
            ],
        };
        measures.into_iter().map(|measure| Metric { measure, window: Window::Running }).collect()
    }

    /// What is measured, first of all: answers to this task.
    #[must_use]
    pub fn task(&self) -> Task {
        match self.measure {
            Measure::Mean(_) | Measure::Root(_) | Measure::R2 | Measure::Coverage => Task::Regress,
            Measure::ExactMatch | Measure::HammingLoss | Measure::JaccardSamples => Task::MultiLabel,
            _ => Task::Classify,
        }
    }

    /// Whether it measures answers to `task`: `precision`, `recall`, `f1` and `jaccard` are for classes and for sets of labels.
    #[must_use]
    pub fn fits(&self, task: Task) -> bool {
        let of_both = || {
            matches!(self.measure, Measure::Precision(_) | Measure::Recall(_) | Measure::F1(_) | Measure::Jaccard(_))
        };
        self.task() == task || task == Task::MultiLabel && of_both()
    }

    /// The rows over which it is computed.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }
}

impl Measure {
    fn read(spec: &mut Spec) -> Result<Self, SpecError> {
        let name = spec.name().to_owned();
        if let Some((_, measure)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(measure.clone());
        }
        let wrong = |expected: &str| SpecError::new(format!("{name}: expected {expected}"));
        Ok(match name.as_str() {
            "precision" => Measure::Precision(average(spec)?),
            "recall" => Measure::Recall(average(spec)?),
            "f1" => Measure::F1(average(spec)?),
            "jaccard" => Measure::Jaccard(average(spec)?),
            "auc" => {
                let of = spec.option("of")?.map_or(Average::Macro, Average::Of);
                match spec.optional_arg(0, "the number of thresholds")? {
                    None => Measure::Auc(Resolution::LogOdds, of),
                    Some(thresholds @ 2..=1_000_000) => Measure::Auc(Resolution::Thresholds(thresholds), of),
                    Some(_) => return Err(wrong("from 2 to 1,000,000 thresholds")),
                }
            }
            "top" => match spec.arg(0, "how many labels may be named")? {
                0 => return Err(wrong("at least one label")),
                k => Measure::Top(k),
            },
            "ece" => match spec.optional_arg(0, "the number of bins")?.unwrap_or(10) {
                bins @ 1..=1_000_000 => Measure::Ece(bins),
                _ => return Err(wrong("from 1 to 1,000,000 bins")),
            },
            "pinball" => match spec.arg(0, "the quantile")? {
                q if 0.0 < q && q < 1.0 => Measure::Mean(Loss::Pinball(q)),
                _ => return Err(wrong("a quantile between 0 and 1")),
            },
            other => {
                let allowed: Vec<&str> = PLAIN.iter().map(|(name, _)| *name).chain(OTHERS).collect();
                return Err(unknown("metric", other, &allowed));
            }
        })
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measure::Precision(average) => write!(f, "precision{average}"),
            Measure::Recall(average) => write!(f, "recall{average}"),
            Measure::F1(average) => write!(f, "f1{average}"),
            Measure::Jaccard(average) => write!(f, "jaccard{average}"),
            Measure::Auc(Resolution::LogOdds, Average::Of(label)) => write!(f, "auc:of={label}"),
            Measure::Auc(Resolution::LogOdds, _) => f.write_str("auc"),
            Measure::Auc(Resolution::Thresholds(n), Average::Of(label)) => write!(f, "auc:{n},of={label}"),
            Measure::Auc(Resolution::Thresholds(n), _) => write!(f, "auc:{n}"),
            Measure::Top(k) => write!(f, "top:{k}"),
            Measure::Ece(bins) => write!(f, "ece:{bins}"),
            Measure::Mean(Loss::Pinball(q)) => write!(f, "pinball:{q:?}"),
            plain => f.write_str(PLAIN.iter().find(|(_, measure)| measure == plain).map_or("", |(name, _)| name)),
        }
    }
}

/// As it is parsed, with defaults written out.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.measure, self.window)
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Metric::parse(text)
    }
}

impl TryFrom<String> for Metric {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Metric::parse(&text)
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_name_is_read_and_printed() {
        for (name, _) in &PLAIN {
            assert_eq!(Metric::parse(name).map(|metric| metric.to_string()).ok().as_deref(), Some(*name));
        }
        for (text, printed) in [
            ("f1", "f1:macro"),
            (" recall : micro @ 20", "recall:micro@20"),
            ("precision:of=rain", "precision:of=rain"),
            ("auc:10,of=1", "auc:10,of=1"),
            ("auc:of=1@50", "auc:of=1@50"),
            ("ece", "ece:10"),
            ("top:3@0.99", "top:3@0.99"),
            ("pinball:0.9", "pinball:0.9"),
        ] {
            assert_eq!(Metric::parse(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_metric_is_refused() {
        for (text, says) in [
            ("kapa", r#"unknown metric "kapa"; did you mean "kappa"?"#),
            ("f1:makro", r#"unknown average "makro"; did you mean "macro"?"#),
            ("f1:micro,of=a", "expected an average or a label, found both"),
            ("mae:3", "expected at most 0 arguments"),
            ("top", "expected how many labels may be named"),
            ("top:0", "at least one label"),
            ("ece:0", "from 1 to 1,000,000 bins"),
            ("pinball:1", "a quantile between 0 and 1"),
            ("auc:1", "from 2 to 1,000,000 thresholds"),
            ("auc:10@50", "auc over the last rows is exact"),
            ("mae@", "expected the last rows (@500)"),
            ("", "expected a name"),
        ] {
            let error = Metric::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(
            text in "\\PC{0,24}|(f1|auc|top|ece|pinball|mae)(:|:[a-z0-9.=,]{1,9})?(@[0-9.e-]{1,6})?"
        ) {
            if let Ok(metric) = Metric::parse(&text) {
                prop_assert_eq!(Metric::parse(&metric.to_string()).ok(), Some(metric.clone()));
                let json = serde_json::to_string(&metric).unwrap();
                prop_assert_eq!(serde_json::from_str::<Metric>(&json).ok(), Some(metric));
            }
        }
    }
}
