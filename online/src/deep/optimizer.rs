//! Optimizers by their specification.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params};
use thalweg_nn::{Adam, Optimizer, Sgd, Step, clip_norm};
use thalweg_tensor::kernels;

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
    /// If there is no such optimizer or option (with the nearest match), or a number is negative or not finite.
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

/// No element of θ moves further than this in one step. An `f32` near 10³⁸ does not notice a step of 10³⁰, which is less
/// than half of its last digit: so θ never overflows, however many steps there are.
const FARTHEST: f64 = 1e30;

/// An optimizer with its state. It refuses a step that would put a number into θ, or into its own state, that is not finite.
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
        if !self.keeps_finite(params, grads) {
            grads.zero();
            return Step::Refused;
        }
        match &mut self.rule {
            AnyRule::Sgd(sgd) => sgd.step(params, grads),
            AnyRule::Adam(adam) => adam.step(params, grads),
        }
    }

    /// Whether the step leaves θ and the optimizer's own numbers finite, by bounds that cost a few norms.
    ///
    /// `direction` bounds every number that a step computes before the learning rate comes in: g + λθ, v, m.
    fn keeps_finite(&self, params: &Params<f32>, grads: &Grads<f32>) -> bool {
        let times_norm = |factor: f64, of: &Flat<f32>| if factor == 0.0 { 0.0 } else { factor * (1.0 + norm(of)) };
        let (rate, direction) = match &self.rule {
            AnyRule::Sgd(sgd) => {
                let gradient = grads.norm() + times_norm(sgd.weight_decay, params);
                let velocity = gradient + times_norm(sgd.momentum, sgd.velocity());
                (sgd.learning_rate, gradient + (1.0 + sgd.momentum) * velocity)
            }
            AnyRule::Adam(adam) => {
                let gradient = grads.norm() + times_norm(adam.weight_decay, params);
                // 10: the largest 1 / (1 − β₁ᵗ). It also bounds |m̂| / √v̂, which is at most
                // (1 − β₁) / √((1 − β₂)(1 − β₁²/β₂)) = 7.3 by the inequality of Cauchy and Schwarz.
                let square_fits = gradient * gradient <= f64::from(f32::MAX);
                let direction = 10.0 * (gradient + norm(adam.moments()[0]));
                (adam.learning_rate, if square_fits { direction } else { f64::INFINITY })
            }
        };
        (1.0 + rate) * (10.0 + direction) <= FARTHEST
    }

    pub fn moments(&self) -> Option<[&Flat<f32>; 2]> {
        match &self.rule {
            AnyRule::Adam(adam) => Some(adam.moments()),
            AnyRule::Sgd(_) => None,
        }
    }
}

fn norm(of: &Flat<f32>) -> f64 {
    f64::from(kernels::dot(of.as_slice(), of.as_slice())).sqrt()
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
        for text in ["sgd:-1", "sgd:nan", "adam:inf", "sgd:0.1,momentum=-1", "adamw:1,decay=nan", "sgd:1,clip=inf"] {
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
            ["", ",momentum=0.9", ",momentum=2,nesterov=true", ",decay=0.1", ",decay=1e9", ",clip=1e12"];
        const ADAM: [&str; 4] = ["", ",decay=0.1", ",decay=1e9", ",clip=1e12"];
        let mut taken = 0;
        for rate in ["1e-3", "1", "1e12", "1e29", "1e30", "1e38", "1e300"] {
            for (name, options) in [("sgd", &SGD[..]), ("adam", &ADAM), ("adamw", &ADAM)] {
                for option in options {
                    taken += steps_that_keep_theta_finite(&format!("{name}:{rate}{option}"));
                }
            }
        }
        assert!(taken > 10_000, "{taken} steps were taken");
    }
}
