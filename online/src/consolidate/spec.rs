//! How a learner is kept from forgetting, in a line of text.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::NewClasses;
use crate::error::{Error, ErrorKind};
use crate::spec::{Spec, unknown};

/// A method by its name, its strength, and options.
///
/// | specification | penalty | options |
/// |---|---|---|
/// | `none` | | |
/// | `ewc:1000` | `½ λ Σₖ Σᵢ Fₖᵢ (θᵢ − θₖᵢ)²`, a term for each context | `rows=200`: of how many rows of a context F is the mean; `fisher=exact`, `sampled` or `empirical` |
/// | `ewc:1000,gamma=0.9` | online EWC: `F ← γ F + F_new`, held at the last θ | the same |
/// | `si:0.1` | `c Σᵢ Ωᵢ (θᵢ − θ*ᵢ)²` | `xi=0.1`; `gamma=1` |
/// | `mas:1` | `λ Σᵢ Ωᵢ (θᵢ − θ*ᵢ)²` | `rows=200`; `gamma=1` |
/// | `l2:0.01` | `λ Σᵢ (θᵢ − θ*ᵢ)²` | `anchor=start`, where each element began, or `last`, where the last context ended |
/// | `lwf:1` | `λ` times the [distillation](super::distillation) | `temperature=2`; `new=left_out` or `zero` ([`NewClasses`]) |
/// | any | | `every=5000`: a context ends after so many rows, where nobody tells |
/// | any but `lwf` | | `gradient=true`: the gradient of the penalty joins that of the loss, as in the papers; else θ is [pulled back](super::Penalty::pull) behind each step |
///
/// Strengths mean what they mean in the papers: with or without a factor ½. Without its number the strength is the one above.
/// How far θ is pulled depends on η λ Ω, where η is the [rate](crate::optim::AnyOptimizer::rate) that the optimizer goes by; what
/// it makes of that for each element is not known here. Where the rate is 1 (`obgd`, `autostep`, `cocob`, `adadelta`), far more
/// than where it is 0.03: a λ is tuned for its optimizer.
///
/// ```
/// use thalweg_online::ConsolidationSpec;
///
/// let spec: ConsolidationSpec = "ewc:500, gamma=0.95, rows=200, every=1000".parse()?;
/// assert_eq!(spec.to_string(), "ewc:500,gamma=0.95,every=1000");
/// let error = "ewv:500".parse::<ConsolidationSpec>().unwrap_err().to_string();
/// assert!(error.starts_with(r#"unknown consolidation "ewv"; did you mean "ewc"?"#), "{error}");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsolidationSpec {
    method: Method,
    strength: f64,
    every: Option<NonZeroU64>,
    gradient: bool,
}

/// Which method, with its settings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Method {
    /// Nothing is held.
    #[default]
    None,
    /// Elastic weight consolidation.
    Ewc {
        /// γ of online EWC; `None`: a term for each context.
        gamma: Option<f64>,
        /// Of how many rows of a context the Fisher information is the mean.
        rows: usize,
        /// Of which answers.
        fisher: Fisher,
    },
    /// Synaptic intelligence.
    Si {
        /// ξ.
        xi: f64,
        /// How much of the importance before a context is left after it.
        gamma: f64,
    },
    /// Memory aware synapses.
    Mas {
        /// How much of the importance before a context is left after it.
        gamma: f64,
        /// Of how many rows of a context the importance is the mean.
        rows: usize,
    },
    /// L2.
    L2 {
        /// Whether θ is held where the last context ended, and not where it began.
        last: bool,
    },
    /// Learning without forgetting.
    Lwf {
        /// T.
        temperature: f64,
        /// What becomes of classes that the teacher does not know.
        new_classes: NewClasses,
    },
}

/// Of which answers to a row the Fisher information is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fisher {
    /// Of all, each as often as the network expects it.
    #[default]
    Exact,
    /// Of one, drawn from what the network says.
    Sampled,
    /// Of the one that came.
    Empirical,
}

const NAMES: [&str; 6] = ["none", "ewc", "si", "mas", "l2", "lwf"];
const ROWS: usize = 200;
const XI: f64 = 0.1;
/// γ and the length of contexts where nobody says when they end.
const FADING: f64 = 0.9;
const EVERY: u64 = 1000;
const TEMPERATURE: f64 = 2.0;
const FISHERS: [(&str, Fisher); 3] =
    [("exact", Fisher::Exact), ("sampled", Fisher::Sampled), ("empirical", Fisher::Empirical)];

impl ConsolidationSpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such method or option (with the nearest match), or a number is out of its bounds: strengths of at most
    /// 10¹², γ from 0 to 1, ξ and T from 10⁻⁶ to 10⁶, 1 to 10⁶ rows that are looked at, contexts of at least one row.
    pub fn parse(text: &str) -> Result<Self, Error> {
        text.parse()
    }

    /// Which method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The number behind the name: c of SI, λ of the others.
    #[must_use]
    pub fn strength(&self) -> f64 {
        self.strength
    }

    /// λ of a [`Penalty`](super::Penalty), which has a factor ½ where SI, MAS and L2 have none.
    #[must_use]
    pub fn penalty_strength(&self) -> f64 {
        match self.method {
            Method::Ewc { .. } => self.strength,
            Method::Si { .. } | Method::Mas { .. } | Method::L2 { .. } => 2.0 * self.strength,
            Method::None | Method::Lwf { .. } => 0.0,
        }
    }

    /// After how many rows a context ends, where nobody tells.
    #[must_use]
    pub fn every(&self) -> Option<NonZeroU64> {
        self.every
    }

    /// The variant that needs nobody to say when a context ends: contexts of 1000 rows unless there is a number, and what
    /// mattered fades by γ = 0.9 with each, where nothing faded (EWC is the online one then).
    #[must_use]
    pub fn without_contexts(mut self) -> Self {
        match &mut self.method {
            Method::None | Method::L2 { last: false } => return self,
            Method::Ewc { gamma, .. } => *gamma = gamma.or(Some(FADING)),
            Method::Si { gamma, .. } | Method::Mas { gamma, .. } if *gamma == 1.0 => *gamma = FADING,
            _ => {}
        }
        self.every = self.every.or(NonZeroU64::new(EVERY));
        self
    }

    /// Whether the gradient of the penalty joins that of the loss. If not, θ is pulled back behind each step.
    #[must_use]
    pub fn by_gradient(&self) -> bool {
        self.gradient
    }

    /// How many rows of a context are to be looked at when it ends.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self.method {
            Method::Ewc { rows, .. } | Method::Mas { rows, .. } => rows,
            _ => 0,
        }
    }

    /// Whether nothing is ever done.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.method == Method::None || self.strength == 0.0
    }
}

impl FromStr for ConsolidationSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let number = |name: &str, number: f64, least: f64, most: f64| match (least..=most).contains(&number) {
            true => Ok(number),
            false => {
                let expected = format!("{name} from {least} to {most}");
                Err(Error::expected(ErrorKind::Spec, &expected, &number.to_string()))
            }
        };
        let option = |spec: &mut Spec, name: &str, default: f64, least: f64, most: f64| {
            number(name, spec.option(name)?.unwrap_or(default), least, most)
        };
        let rows = |spec: &mut Spec| match spec.option("rows")?.unwrap_or(ROWS) {
            rows @ 1..=1_000_000 => Ok(rows),
            other => Err(Error::expected(ErrorKind::Spec, "rows from 1 to 1000000", &other.to_string())),
        };
        let (usual, method) = match spec.name() {
            "none" => (0.0, Method::None),
            "ewc" => {
                let gamma: Option<f64> = spec.option("gamma")?;
                let gamma = gamma.map(|gamma| number("gamma", gamma, 0.0, 1.0)).transpose()?;
                let fisher = match spec.option::<String>("fisher")? {
                    None => Fisher::default(),
                    Some(found) => match FISHERS.iter().find(|(name, _)| *name == found) {
                        Some((_, fisher)) => *fisher,
                        None => return Err(unknown("fisher", &found, &FISHERS.map(|(name, _)| name)).into()),
                    },
                };
                (1000.0, Method::Ewc { gamma, rows: rows(&mut spec)?, fisher })
            }
            "si" => {
                let xi = option(&mut spec, "xi", XI, 1e-6, 1e6)?;
                (0.1, Method::Si { xi, gamma: option(&mut spec, "gamma", 1.0, 0.0, 1.0)? })
            }
            "mas" => {
                let gamma = option(&mut spec, "gamma", 1.0, 0.0, 1.0)?;
                (1.0, Method::Mas { gamma, rows: rows(&mut spec)? })
            }
            "l2" => {
                let last = match spec.option::<String>("anchor")?.as_deref() {
                    None | Some("start") => false,
                    Some("last") => true,
                    Some(other) => return Err(Error::expected(ErrorKind::Spec, "anchor=start or last", other)),
                };
                (0.01, Method::L2 { last })
            }
            "lwf" => {
                let temperature = option(&mut spec, "temperature", TEMPERATURE, 1e-6, 1e6)?;
                let new_classes = spec.option::<String>("new")?.map_or(Ok(NewClasses::default()), |new| new.parse())?;
                (1.0, Method::Lwf { temperature, new_classes })
            }
            other => return Err(unknown("consolidation", other, &NAMES).into()),
        };
        let (mut strength, mut every, mut gradient) = (usual, None, false);
        if method != Method::None {
            // A flag is read before the argument.
            gradient = !matches!(method, Method::Lwf { .. }) && spec.flag("gradient")?;
            strength = number("a strength", spec.optional_arg(0, "the strength")?.unwrap_or(usual), 0.0, 1e12)?;
            every = match spec.option::<u64>("every")? {
                Some(0) => return Err(Error::expected(ErrorKind::Spec, "every=1 or more rows", "0")),
                rows => rows.and_then(NonZeroU64::new),
            };
        }
        spec.finish()?;
        Ok(ConsolidationSpec { method, strength, every, gradient })
    }
}

impl TryFrom<String> for ConsolidationSpec {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ConsolidationSpec> for String {
    fn from(spec: ConsolidationSpec) -> String {
        spec.to_string()
    }
}

/// The name, the strength, and the options that are not the defaults.
impl fmt::Display for ConsolidationSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConsolidationSpec { method, strength, every, gradient } = self;
        match *method {
            Method::None => return f.write_str("none"),
            Method::Ewc { gamma, rows, fisher } => {
                write!(f, "ewc:{strength}")?;
                gamma.map_or(Ok(()), |gamma| write!(f, ",gamma={gamma}"))?;
                unless(f, "rows", rows, ROWS)?;
                if let Some((name, _)) = FISHERS.iter().find(|(_, one)| *one == fisher) {
                    unless(f, "fisher", *name, "exact")?;
                }
            }
            Method::Si { xi, gamma } => {
                write!(f, "si:{strength}")?;
                unless(f, "xi", xi, XI)?;
                unless(f, "gamma", gamma, 1.0)?;
            }
            Method::Mas { gamma, rows } => {
                write!(f, "mas:{strength}")?;
                unless(f, "gamma", gamma, 1.0)?;
                unless(f, "rows", rows, ROWS)?;
            }
            Method::L2 { last } => {
                write!(f, "l2:{strength}")?;
                unless(f, "anchor", if last { "last" } else { "start" }, "start")?;
            }
            Method::Lwf { temperature, new_classes } => {
                write!(f, "lwf:{strength}")?;
                unless(f, "temperature", temperature, TEMPERATURE)?;
                unless(f, "new", new_classes, NewClasses::default())?;
            }
        }
        every.map_or(Ok(()), |rows| write!(f, ",every={rows}"))?;
        unless(f, "gradient", *gradient, false)
    }
}

/// An option that is not the default.
fn unless<V: PartialEq + fmt::Display>(f: &mut fmt::Formatter<'_>, name: &str, value: V, default: V) -> fmt::Result {
    if value == default { Ok(()) } else { write!(f, ",{name}={value}") }
}

#[cfg(test)]
mod tests;
