//! Optimizers from a line of text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thalweg_nn::optim::configure;
use thalweg_nn::spec::{Spec, SpecError, quoted, unknown};
use thalweg_tensor::Real;

use super::any::Rule;
use super::bound::{self, Bound};
use super::{AnyOptimizer, Informed, Needs, TrustSpec};

/// An optimizer by its name, its learning rate, and options: all of [`nn`](thalweg_nn::OptimizerSpec)'s, and those of
/// [this module](super).
///
/// | specification | options |
/// |---|---|
/// | `obgd:1`, `adaptive-obgd:1` | `kappa`, `trace`, `adaptive`, `beta2`, `eps` |
/// | `idbd:0.01` | `meta_rate` |
/// | `autostep:1` | `meta_rate`, `tau`, `lasting` |
/// | `vw:0.5` | `adaptive`, `rescales` |
/// | `ftrl:0.05` | `beta`, `l1`, `l2` |
/// | `hypergradient:0.03` | `meta_rate`, `multiplicative` |
/// | `schedule-free-sgd:0.1`, `schedule-free-adamw:0.003` | `beta`, `forgetting`, `adaptive`, `beta2`, `eps`, `weight_decay` |
/// | `cocob:1` | `alpha`, `forgetting` |
/// | any but the last three | `bound`: by how large a share of its error a step may move its prediction |
/// | `hedge(sgd\|adam)`, `halving(sgd)` | several of them, at several rates, side by side: see [`TrustSpec`] |
///
/// Without its number the learning rate is the one above.
///
/// ```
/// use thalweg_online::OptimizerSpec;
///
/// let spec: OptimizerSpec = "autostep:1, meta_rate=0.03".parse()?;
/// assert_eq!(spec.to_string(), "autostep:1,meta_rate=0.03");
/// let spec: OptimizerSpec = "sgd:0.1,momentum=0.9,bound=0.5".parse()?;
/// assert_eq!(spec.to_string(), "sgd:0.1,momentum=0.9,bound=0.5");
/// let error = "autosetp".parse::<OptimizerSpec>().unwrap_err().to_string();
/// assert!(error.starts_with(r#"unknown optimizer "autosetp"; did you mean "autostep"?"#), "{error}");
/// # Ok::<(), thalweg_online::spec::SpecError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OptimizerSpec(String);

impl OptimizerSpec {
    /// The names of the optimizers.
    pub fn names() -> impl Iterator<Item = &'static str> {
        thalweg_nn::OptimizerSpec::NAMES.iter().copied().chain(Rule::<f32>::NAMES)
    }

    /// The optimizer, before its first step.
    ///
    /// # Panics
    ///
    /// If there are [several](OptimizerSpec::trust).
    #[must_use]
    #[track_caller]
    pub fn build<T: Real>(&self) -> AnyOptimizer<T> {
        match read(&self.0) {
            Ok((optimizer, _)) => optimizer,
            Err(_) => panic!("build: expected a single optimizer, found {self}"),
        }
    }

    /// Who is trusted among several optimizers; `None` of a single one.
    #[must_use]
    pub fn trust(&self) -> Option<TrustSpec> {
        TrustSpec::parse(&self.0).unwrap_or_else(|error| unreachable!("what was printed parses: {error}"))
    }

    /// The optimizers that learn side by side: itself, if it is a single one.
    #[must_use]
    pub fn experts(&self) -> Vec<OptimizerSpec> {
        self.trust().map_or_else(|| vec![self.clone()], |trust| trust.experts())
    }

    /// What it must be told beside the gradient: of several, what any of them must be told.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.experts().iter().map(|spec| spec.build::<f32>().needs()).fold(Needs::Gradient, Needs::max)
    }

    /// Whether others may move θ between its steps, too: of several, between those of each.
    pub(crate) fn shares(&self) -> bool {
        self.experts().iter().all(|spec| spec.build::<f32>().rule.shares())
    }

    /// Whether it, or any of several, is for linear models alone.
    pub(crate) fn is_for_features(&self) -> bool {
        self.experts().iter().any(|spec| spec.build::<f32>().rule.is_for_features())
    }
}

impl Default for OptimizerSpec {
    /// `sgd:0.03`.
    fn default() -> Self {
        OptimizerSpec("sgd:0.03".to_owned())
    }
}

impl FromStr for OptimizerSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        match TrustSpec::parse(text)? {
            Some(several) => Ok(OptimizerSpec(several.to_string())),
            None => read::<f32>(text).map(|(_, printed)| OptimizerSpec(printed)),
        }
    }
}

impl TryFrom<String> for OptimizerSpec {
    type Error = SpecError;

    fn try_from(text: String) -> Result<Self, SpecError> {
        text.parse()
    }
}

impl From<OptimizerSpec> for String {
    fn from(spec: OptimizerSpec) -> String {
        spec.0
    }
}

impl From<thalweg_nn::OptimizerSpec> for OptimizerSpec {
    fn from(spec: thalweg_nn::OptimizerSpec) -> Self {
        OptimizerSpec(spec.to_string())
    }
}

/// The name, the rate, and the options that are not the defaults.
impl fmt::Display for OptimizerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an optimizer of [`nn`](thalweg_nn::OptimizerSpec), where one alone can be used that asks for the gradient alone.
///
/// # Errors
///
/// If it is none, or [several](OptimizerSpec::trust).
pub fn single(text: &str) -> Result<thalweg_nn::OptimizerSpec, SpecError> {
    match TrustSpec::parse(text)? {
        Some(several) => Err(SpecError::new(format!("expected a single optimizer here, found {several}"))),
        None => text.parse(),
    }
}

/// The optimizer that a specification describes, and the specification as it is printed.
fn read<T: Real>(text: &str) -> Result<(AnyOptimizer<T>, String), SpecError> {
    let mut spec = Spec::parse(text)?;
    let wrong = |what: &str| SpecError::new(format!("{}: {what}", quoted(text.trim())));
    if !OptimizerSpec::names().any(|name| name == spec.name()) {
        return Err(unknown("optimizer", spec.name(), &OptimizerSpec::names().collect::<Vec<_>>()));
    }
    let most: Option<f64> = spec.take_option("bound")?;
    if most.is_some_and(|most| !bound::is_share(most)) {
        return Err(wrong("bound: a number above 0 expected"));
    }
    let (rule, mut printed) = match Rule::named(spec.name()) {
        Some(mut rule) => {
            let printed = configure(rule.get_mut(), &mut spec)?;
            spec.finish()?;
            (rule, printed)
        }
        None => {
            let spec: thalweg_nn::OptimizerSpec = spec.to_string().parse()?;
            (Rule::Classic(spec.build()), spec.to_string())
        }
    };
    if let Some(most) = most {
        if !rule.can_be_bound() {
            return Err(wrong("bound: expected an optimizer of which part of a step may be taken back"));
        }
        printed += &format!(",bound={most}");
    }
    Ok((AnyOptimizer { rule, bound: most.map(Bound::new) }, printed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> OptimizerSpec {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_name_is_read_and_printed() {
        for name in OptimizerSpec::names() {
            let printed = parsed(name).to_string();
            assert!(printed.starts_with(&format!("{name}:")), "{printed}");
            assert_eq!(parsed(&printed), parsed(name));
        }
        for text in [
            "obgd:1,kappa=3,trace=0.5",
            "adaptive-obgd:0.3,beta2=0.99",
            "autostep:0.01,meta_rate=0.1,tau=100,bound=0.1",
            "autostep:1,lasting=true",
            "vw:0.5,rescales=false",
            "ftrl:0.05,l1=0.01",
            "hypergradient:0.03,multiplicative=true",
            "schedule-free-adamw:0.003,forgetting=0,weight_decay=0.01",
            "cocob:1,forgetting=0",
            "adam:0.001,clip=1,warmup=100,bound=0.5",
        ] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn what_each_needs() {
        for (text, needs) in [
            ("adam", Needs::Gradient),
            ("adam:0.1,bound=1", Needs::Error),
            ("cocob", Needs::Gradient),
            ("obgd", Needs::Error),
            ("vw", Needs::Error),
            ("idbd", Needs::Slopes),
            ("autostep:0.1,bound=1", Needs::Slopes),
        ] {
            assert_eq!(parsed(text).needs(), needs, "{text}");
        }
    }

    #[test]
    fn several_are_not_single() {
        assert_eq!(single("adam:0.01").map(|spec| spec.to_string()), Ok("adam:0.01".to_owned()));
        let message = single("hedge(sgd)").unwrap_err().to_string();
        assert_eq!(message, "expected a single optimizer here, found hedge(sgd:0.03)");
    }

    #[test]
    fn an_error_says_what_is_meant() {
        let message = |text: &str| text.parse::<OptimizerSpec>().unwrap_err().to_string();
        assert!(message("obdg:1").contains(r#"did you mean "obgd"?"#), "{}", message("obdg:1"));
        assert!(message("rmsporp").contains(r#"did you mean "rmsprop"?"#));
        assert!(message("autostep:0.1,meta_rat=1").contains(r#"did you mean "meta_rate"?"#));
        assert!(message("sgd:0.1,momentun=0.9").contains(r#"did you mean "momentum"?"#));
        assert!(message("obgd:-1").contains("learning_rate: a finite number of at least 0 expected, found -1"));
        assert!(message("sgd:0.1,bound=0").ends_with("bound: a number above 0 expected"));
        assert!(message("cocob:bound=1").ends_with("of which part of a step may be taken back"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(
            text in "\\PC{0,16}|(obgd|idbd|autostep|vw|ftrl|hypergradient|schedule-free-sgd|cocob|sgd)(:[0-9.e-]{1,5})?(,(kappa|meta_rate|tau|bound|forgetting|l1)=[0-9.e-]{1,5}){0,2}"
        ) {
            if let Ok(spec) = text.parse::<OptimizerSpec>() {
                prop_assert_eq!(spec.to_string().parse().ok(), Some(spec));
            }
        }
    }
}
