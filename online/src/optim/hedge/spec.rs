//! Several optimizers, from a line of text.
//!
//! ```text
//! spec = ( "hedge" | "halving" ) "(" optimizer { "|" optimizer } ")" { "," option "=" value }
//! ```

use std::fmt;

use thalweg_nn::optim::Optimizer;
use thalweg_nn::spec::{Spec, SpecError, quoted, unknown};

use super::super::OptimizerSpec;

/// Which experts there are, and how they come to be trusted.
///
/// | option | of | default | |
/// |---|---|---|---|
/// | `eta` | `hedge` | 1 | how fast weights follow losses (in nats) |
/// | `share` | `hedge` | 0.001 | how much of all weight everybody is given after each row: about one in so many rows as there are between changes |
/// | `every` | `halving` | 250 | rows after which the worse half goes |
/// | `delta` | `halving` | 0.002 | of the change detector: how often, at most, it opens again by mistake |
/// | `rates` | both | 7 | 1, 3, 5, 7 or 9 rates of each optimizer |
///
/// ```
/// use thalweg_online::OptimizerSpec;
///
/// let spec: OptimizerSpec = "hedge(sgd | adam:0.01,clip=1), share=0.01, rates=3".parse()?;
/// assert_eq!(spec.to_string(), "hedge(sgd:0.03|adam:0.01,clip=1),share=0.01,rates=3");
/// let names: Vec<String> = spec.experts().iter().map(ToString::to_string).collect();
/// assert_eq!(names[..3], ["sgd:0.009", "sgd:0.03", "sgd:0.09"]);
/// assert_eq!(names[3..], ["adam:0.003,clip=1", "adam:0.01,clip=1", "adam:0.03,clip=1"]);
/// # Ok::<(), thalweg_online::spec::SpecError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TrustSpec {
    how: How,
    optimizers: Vec<OptimizerSpec>,
    rates: usize,
}

/// How experts come to be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// All of them, by weights.
    Hedge {
        /// How fast weights follow losses.
        eta: f64,
        /// The share of all weight that everybody is given.
        share: f64,
    },
    /// Fewer and fewer.
    Halving {
        /// Rows after which the worse half goes.
        every: u64,
        /// δ of the change detector.
        delta: f64,
    },
}

/// What a rate is multiplied by.
const FACTORS: [f64; 9] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
const RATES: usize = 7;
/// One row is enough to trust nobody else.
const MOST_ETA: f64 = 1000.0;
/// More are a slip of the keyboard.
const MOST_OPTIMIZERS: usize = 16;

impl How {
    fn named(name: &str) -> Option<Self> {
        match name {
            "hedge" => Some(How::Hedge { eta: 1.0, share: 0.001 }),
            "halving" => Some(How::Halving { every: 250, delta: 0.002 }),
            _ => None,
        }
    }
}

impl TrustSpec {
    /// Their names.
    pub const NAMES: [&'static str; 2] = ["hedge", "halving"];

    /// Reads a specification; `None` if it is that of a single optimizer.
    ///
    /// # Errors
    ///
    /// If it is none: an unknown name or option (with the nearest match), or a number that it cannot have.
    pub fn parse(text: &str) -> Result<Option<Self>, SpecError> {
        let Some((name, rest)) = text.split_once('(') else {
            let name = text.split_once(':').map_or(text, |(name, _)| name).trim();
            return match How::named(name) {
                Some(_) => Err(wrong(text, &format!("expected optimizers in parentheses, {name}(sgd|adam)"))),
                None => Ok(None),
            };
        };
        let name = name.trim();
        let mut how = How::named(name).ok_or_else(|| unknown("way to trust", name, &Self::NAMES))?;
        let Some((inside, behind)) = rest.rsplit_once(')') else { return Err(wrong(text, "expected a )")) };
        let behind = behind.trim();
        let options = match behind.strip_prefix(',') {
            Some(options) => format!("{name}:{options}"),
            None if behind.is_empty() => name.to_owned(),
            None => return Err(wrong(text, &format!("expected options behind a comma, found {}", quoted(behind)))),
        };
        let mut options = Spec::parse(&options)?;
        match &mut how {
            How::Hedge { eta, share } => {
                *eta = options.option("eta")?.unwrap_or(*eta);
                *share = options.option("share")?.unwrap_or(*share);
                if !(*eta > 0.0 && *eta <= MOST_ETA && (0.0..1.0).contains(share)) {
                    let expected = format!("expected eta above 0 and at most {MOST_ETA}, and share from 0 to below 1");
                    return Err(wrong(text, &expected));
                }
            }
            How::Halving { every, delta } => {
                *every = options.option("every")?.unwrap_or(*every);
                *delta = options.option("delta")?.unwrap_or(*delta);
                if *every == 0 || super::halving::watch(*delta).is_err() {
                    return Err(wrong(text, "expected every above 0 and delta between 0 and 1"));
                }
            }
        }
        let rates = options.option("rates")?.unwrap_or(RATES);
        options.finish()?;
        if rates % 2 == 0 || rates > FACTORS.len() {
            return Err(wrong(text, "expected rates to be 1, 3, 5, 7 or 9"));
        }
        let optimizers = inside.split('|').map(one).collect::<Result<Vec<_>, _>>()?;
        if optimizers.len() > MOST_OPTIMIZERS {
            return Err(wrong(text, &format!("expected at most {MOST_OPTIMIZERS} optimizers")));
        }
        let spec = TrustSpec { how, optimizers, rates };
        spec.grid()?; // rates may become too large
        Ok(Some(spec))
    }

    /// How experts come to be trusted.
    #[must_use]
    pub fn how(&self) -> How {
        self.how
    }

    /// How many experts there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.optimizers.len() * self.rates
    }

    /// The expert that is trusted before the first row: the first optimizer, as it is written.
    #[must_use]
    pub fn first(&self) -> usize {
        self.rates / 2
    }

    /// The optimizer of each expert.
    #[must_use]
    pub fn experts(&self) -> Vec<OptimizerSpec> {
        self.grid().unwrap_or_else(|error| unreachable!("the grid was made before: {error}"))
    }

    fn grid(&self) -> Result<Vec<OptimizerSpec>, SpecError> {
        let unused = (FACTORS.len() - self.rates) / 2;
        let factors = &FACTORS[unused..][..self.rates];
        self.optimizers.iter().flat_map(|spec| factors.iter().map(|&factor| at(spec, factor))).collect()
    }
}

/// The specification of one optimizer in the parentheses.
fn one(text: &str) -> Result<OptimizerSpec, SpecError> {
    if text.contains('(') {
        return Err(wrong(text, "expected optimizers in parentheses that are single"));
    }
    let spec: OptimizerSpec = text.parse()?;
    match spec.build::<f32>().learning_rate() > 0.0 {
        true => Ok(spec),
        false => Err(wrong(text, "expected a learning rate above 0, for others are made of it")),
    }
}

/// The same optimizer with another rate, of three digits.
fn at(spec: &OptimizerSpec, factor: f64) -> Result<OptimizerSpec, SpecError> {
    let rate = spec.build::<f32>().learning_rate();
    let rounded = format!("{:.2e}", rate * factor);
    let rate = if factor == 1.0 { rate } else { rounded.parse().unwrap_or(f64::NAN) };
    let known = Spec::parse(&spec.to_string())?;
    let options: String = known.options().iter().map(|(key, value)| format!(",{key}={value}")).collect();
    format!("{}:{rate}{options}", known.name()).parse()
}

fn wrong(text: &str, what: &str) -> SpecError {
    SpecError::new(format!("{}: {what}", quoted(text.trim())))
}

/// As it is parsed, without options that are the defaults.
impl fmt::Display for TrustSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optimizers: Vec<String> = self.optimizers.iter().map(ToString::to_string).collect();
        let optimizers = optimizers.join("|");
        match self.how {
            How::Hedge { eta, share } => {
                write!(f, "hedge({optimizers})")?;
                write_unless(f, "eta", eta, 1.0)?;
                write_unless(f, "share", share, 0.001)?;
            }
            How::Halving { every, delta } => {
                write!(f, "halving({optimizers})")?;
                write_unless(f, "every", every, 250)?;
                write_unless(f, "delta", delta, 0.002)?;
            }
        }
        write_unless(f, "rates", self.rates, RATES)
    }
}

/// An option that is not the default.
fn write_unless<V: fmt::Display + PartialEq>(
    f: &mut fmt::Formatter<'_>,
    key: &str,
    value: V,
    default: V,
) -> fmt::Result {
    if value == default { Ok(()) } else { write!(f, ",{key}={value}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_printed_parses_and_leaves_the_defaults_out() {
        for (text, printed, first) in [
            ("hedge(sgd)", "hedge(sgd:0.03)", "sgd:0.03"),
            (
                "hedge( sgd:0.5, momentum=0.9 | obgd ) , eta=1, share=0",
                "hedge(sgd:0.5,momentum=0.9|obgd:1),share=0",
                "",
            ),
            (
                "halving(adam),every=100,delta=0.01,rates=9",
                "halving(adam:0.001),every=100,delta=0.01,rates=9",
                "adam:0.001",
            ),
        ] {
            let spec: OptimizerSpec = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(spec.to_string(), printed);
            assert_eq!(printed.parse(), Ok(spec.clone()));
            let trust = spec.trust().expect("there are several");
            assert_eq!(spec.experts().len(), trust.len());
            let middle = spec.experts()[trust.first()].to_string();
            assert!(printed.contains(&middle) && (first.is_empty() || middle == first), "{middle}");
        }
    }

    #[test]
    fn an_error_says_what_is_meant() {
        let message = |text: &str| text.parse::<OptimizerSpec>().unwrap_err().to_string();
        for (text, says) in [
            ("hegde(sgd)", r#"did you mean "hedge"?"#),
            ("hedge", "expected optimizers in parentheses, hedge(sgd|adam)"),
            ("halving:sgd", "expected optimizers in parentheses, halving(sgd|adam)"),
            ("hedge(sdg)", r#"unknown optimizer "sdg"; did you mean "sgd"?"#),
            ("hedge(sgd),et=1", r#"unknown option of hedge "et"; did you mean "eta"?"#),
            ("hedge(sgd),every=1", r#"unknown option of hedge "every""#),
            ("hedge(sgd),rates=4", "expected rates to be 1, 3, 5, 7 or 9"),
            ("hedge(sgd),share=1", "share from 0 to below 1"),
            ("halving(sgd),delta=2", "delta between 0 and 1"),
            ("hedge(sgd", "expected a )"),
            ("hedge(sgd)adam", r#"expected options behind a comma, found "adam""#),
            ("hedge(halving(sgd))", "single"),
            ("hedge(sgd),eta=1e300", "eta above 0 and at most 1000"),
            ("hedge(sgd:0)", "expected a learning rate above 0"),
            ("hedge()", "expected a name"),
        ] {
            assert!(message(text).contains(says), "{text}: {}", message(text));
        }
    }

    #[test]
    fn what_is_nested_without_end_is_an_error() {
        let depth = 100_000;
        let text = format!("{}sgd{}", "hedge(".repeat(depth), ")".repeat(depth));
        assert!(text.parse::<OptimizerSpec>().is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(
            text in "\\PC{0,16}|(hedge|halving)\\((sgd|adam|cocob)(:[0-9.e-]{1,5})?(\\|vw)?\\)?(,(eta|share|every|delta|rates)=[0-9.e-]{1,4}){0,2}"
        ) {
            if let Ok(spec) = text.parse::<OptimizerSpec>() {
                prop_assert_eq!(spec.to_string().parse().ok(), Some(spec));
            }
        }
    }
}
