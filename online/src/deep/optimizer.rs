//! Optimizers by their specification.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params};
use thalweg_nn::{Adam, Optimizer, Sgd, Step, clip_norm};

use crate::error::{Error, ErrorKind};
use crate::spec::{Spec, unknown};

/// An optimizer, by its specification.
///
/// | specification | options |
/// |---|---|
/// | `sgd:0.03` | `momentum`, `nesterov`, `decay`, `clip` |
/// | `adam:0.001` | `decay`, `clip` |
/// | `adamw:0.001` | `decay` (default 0.01), `clip` |
///
/// The argument is the learning rate per example; `clip` bounds the norm of the gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSpec {
    rule: Rule,
    rate: f64,
    decay: f64,
    clip: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Rule {
    Sgd { momentum: f64, nesterov: bool },
    Adam,
    AdamW,
}

impl Default for OptimizerSpec {
    /// `sgd:0.03`.
    fn default() -> Self {
        OptimizerSpec { rule: Rule::Sgd { momentum: 0.0, nesterov: false }, rate: 0.03, decay: 0.0, clip: None }
    }
}

impl OptimizerSpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such optimizer or option (with the nearest match), or a number is negative.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let (rule, default_rate, default_decay) = match spec.name() {
            "sgd" => {
                let momentum = spec.option("momentum")?.unwrap_or(0.0);
                (Rule::Sgd { momentum, nesterov: spec.option("nesterov")?.unwrap_or(false) }, 0.03, 0.0)
            }
            "adam" => (Rule::Adam, 1e-3, 0.0),
            "adamw" => (Rule::AdamW, 1e-3, 1e-2),
            other => return Err(unknown("optimizer", other, &["sgd", "adam", "adamw"])),
        };
        let optimizer = OptimizerSpec {
            rate: spec.optional_arg(0, "the learning rate")?.unwrap_or(default_rate),
            decay: spec.option("decay")?.unwrap_or(default_decay),
            clip: spec.option("clip")?,
            rule,
        };
        spec.finish()?;
        let momentum = match optimizer.rule {
            Rule::Sgd { momentum, .. } => momentum,
            _ => 0.0,
        };
        match [optimizer.rate, optimizer.decay, momentum, optimizer.clip.unwrap_or(0.0)].iter().find(|n| **n < 0.0) {
            Some(n) => {
                Err(Error::expected(ErrorKind::Spec, &format!("numbers of 0 or more in {text}"), &n.to_string()))
            }
            None => Ok(optimizer),
        }
    }
}

/// The full specification: what was left out is spelled out.
impl std::fmt::Display for OptimizerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, momentum, nesterov) = match self.rule {
            Rule::Sgd { momentum, nesterov } => ("sgd", momentum, nesterov),
            Rule::Adam => ("adam", 0.0, false),
            Rule::AdamW => ("adamw", 0.0, false),
        };
        write!(f, "{name}:{}", self.rate)?;
        if momentum != 0.0 {
            write!(f, ",momentum={momentum}")?;
        }
        if nesterov {
            write!(f, ",nesterov=true")?;
        }
        if self.decay != 0.0 || self.rule == Rule::AdamW {
            write!(f, ",decay={}", self.decay)?;
        }
        self.clip.map_or(Ok(()), |clip| write!(f, ",clip={clip}"))
    }
}

/// An optimizer with its state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AnyOptimizer {
    clip: Option<f64>,
    rule: AnyRule,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum AnyRule {
    Sgd(Sgd<f32>),
    Adam(Adam<f32>),
}

impl AnyOptimizer {
    pub fn new(spec: &OptimizerSpec) -> Self {
        let rule = match spec.rule {
            Rule::Sgd { momentum, nesterov } => {
                let mut sgd = Sgd::with_momentum(spec.rate, momentum, nesterov);
                sgd.weight_decay = spec.decay;
                AnyRule::Sgd(sgd)
            }
            Rule::Adam | Rule::AdamW => {
                let mut adam = if spec.rule == Rule::Adam { Adam::new(spec.rate) } else { Adam::adamw(spec.rate) };
                adam.weight_decay = spec.decay;
                AnyRule::Adam(adam)
            }
        };
        AnyOptimizer { clip: spec.clip, rule }
    }

    pub fn step(&mut self, params: &mut Params<f32>, grads: &mut Grads<f32>) -> Step {
        if let Some(max) = self.clip {
            clip_norm(grads, max);
        }
        match &mut self.rule {
            AnyRule::Sgd(sgd) => sgd.step(params, grads),
            AnyRule::Adam(adam) => adam.step(params, grads),
        }
    }

    pub fn moments(&self) -> Option<[&Flat<f32>; 2]> {
        match &self.rule {
            AnyRule::Adam(adam) => Some(adam.moments()),
            AnyRule::Sgd(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_print_as_they_parse() {
        for text in ["sgd:0.03", "sgd:0.1,momentum=0.9,nesterov=true,clip=1", "adam:0.001", "adamw:0.002,decay=0.01"] {
            assert_eq!(OptimizerSpec::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(OptimizerSpec::parse("sgd").unwrap(), OptimizerSpec::default());
        assert!(OptimizerSpec::parse("adma").unwrap_err().to_string().contains(r#"did you mean "adam"?"#));
        assert!(OptimizerSpec::parse("sgd:-1").is_err());
    }
}
