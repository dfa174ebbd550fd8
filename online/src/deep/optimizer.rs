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
    /// If there is no such optimizer or option (with the nearest match), or a number is out of bounds.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let (rule, default_rate, default_decay) = match spec.name() {
            "sgd" => {
                let momentum = spec.option("momentum")?.unwrap_or(0.0);
                (Rule::Sgd { momentum, nesterov: spec.option("nesterov")?.unwrap_or(false) }, 0.03, 0.0)
            }
            "adam" => (Rule::Adam, 1e-3, 0.0),
            "adamw" => (Rule::AdamW, 1e-3, 1e-2),
            other => return Err(unknown("optimizer", other, &["sgd", "adam", "adamw"]).into()),
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
        // Within these bounds no sequence of gradients can make θ overflow: see `thalweg_nn::optim`.
        let wrong = |what: &str, found: f64| Err(Error::expected(ErrorKind::Spec, what, &found.to_string()));
        match (optimizer.rate, momentum, optimizer.decay, optimizer.clip) {
            (rate, ..) if !(0.0..=1e6).contains(&rate) => wrong("a learning rate of 0 to 1,000,000", rate),
            (_, momentum, ..) if !(0.0..=0.999).contains(&momentum) => wrong("a momentum of 0 to 0.999", momentum),
            (rate, _, decay, _) if !(0.0..=1.0).contains(&(rate * decay)) => {
                wrong("a decay of 0 or more, and at most 1 divided by the learning rate", decay)
            }
            (.., Some(clip)) if clip < 0.0 => wrong("a clip of 0 or more", clip),
            _ => Ok(optimizer),
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
        for text in
            ["sgd:-1", "sgd:nan", "adam:inf", "adam:1e7", "sgd:0.1,momentum=1", "adamw:1,decay=2", "sgd:1,clip=inf"]
        {
            assert!(OptimizerSpec::parse(text).is_err(), "{text}");
        }
    }

    fn steps_that_keep_theta_finite(spec: &str) -> usize {
        let mut optimizer = AnyOptimizer::new(&OptimizerSpec::parse(spec).unwrap());
        let mut params = Params::new();
        let weight = params.add("weight", [4], |i| i as f32 - 1.5);
        let (mut grads, mut taken) = (Grads::like(&params), 0);
        for step in 0..2000 {
            let size = [1.0, 1e10, 0.0, 1e-30, 9e18, 3e38, f32::MIN_POSITIVE][step % 7];
            grads.of_mut(weight).iter_mut().zip([-1.0, 1.0, -0.5, 0.0]).for_each(|(g, sign)| *g = size * sign);
            let before = params.clone();
            match optimizer.step(&mut params, &mut grads) {
                Step::Taken => taken += 1,
                Step::Refused => assert_eq!(params, before, "{spec}: a refused step changes nothing"),
            }
            assert!(params.is_finite(), "{spec}: θ is {:?} after step {step}", params.of(weight));
        }
        taken
    }

    /// Gradients of any finite size, rates and decays that only a slip of the keyboard makes, and thousands of steps.
    #[test]
    fn theta_is_finite_after_any_steps() {
        const SGD: [&str; 6] =
            ["", ",momentum=0.9", ",momentum=0.999,nesterov=true", ",decay=1e-7", ",decay=1e-6", ",clip=1e12"];
        const ADAM: [&str; 4] = [",decay=0", ",decay=1e-7", ",decay=1e-6", ",decay=0,clip=1e12"];
        let mut taken = 0;
        for rate in ["1e-3", "1", "1e3", "1e5", "1e6"] {
            for (name, options) in [("sgd", &SGD[..]), ("adam", &ADAM), ("adamw", &ADAM)] {
                for option in options {
                    taken += steps_that_keep_theta_finite(&format!("{name}:{rate}{option}"));
                }
            }
        }
        assert!(taken > 10_000, "{taken} steps were taken");
    }
}
