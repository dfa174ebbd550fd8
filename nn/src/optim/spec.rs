//! Optimizers from a line of text.

use std::fmt;
use std::str::FromStr;

use thalweg_tensor::Real;

use super::any::Rule;
use super::hyperparameters::Hyperparameter;
use super::{AnyOptimizer, HyperparameterError, Optimizer, Schedule};
use crate::spec::{Setting, Spec, SpecError, quoted, unknown};

/// An optimizer by its name, its learning rate per step, and options.
///
/// | specification | options |
/// |---|---|
/// | `sgd:0.03` | `momentum`, `dampening`, `nesterov` |
/// | `adagrad:0.01` | `learning_rate_decay`, `initial_accumulator`, `eps` |
/// | `rmsprop:0.01` | `alpha`, `eps`, `momentum`, `centered` |
/// | `adadelta:1` | `rho`, `eps` |
/// | `adam:0.001`, `adamw:0.001`, `amsgrad:0.001` | `beta1`, `beta2`, `eps`, `decoupled`, `amsgrad` |
/// | `adamax:0.002` | `beta1`, `beta2`, `eps` |
/// | `nadam:0.002` | `beta1`, `beta2`, `eps`, `momentum_decay`, `decoupled` |
/// | `radam:0.001` | `beta1`, `beta2`, `eps`, `decoupled` |
/// | any | `weight_decay`; `clip`: a bound on the norm of the gradient; `warmup`: how many steps lead up to the rate |
/// | any, one of | `cosine`, `linear`: within how many steps the rate falls to 0; `one_cycle`: how many steps there are; `exponential`: by which factor it falls per step |
///
/// Without its number the learning rate is the one above; what is left out is PyTorch's default. Steps that were refused do
/// not count in a [`Schedule`].
///
/// A line of text comes from outside, so bounds are narrower than those of [`check`](super::Optimizer::check): a learning rate η of at
/// most 10⁶, a momentum of at most 0.999, an ε of at least 10⁻¹², and a weight decay of at most 1/η.
///
/// ```
/// use thalweg_nn::{AnyOptimizer, OptimizerSpec};
///
/// let spec: OptimizerSpec = "sgd:0.1, nesterov=true, momentum=0.9, warmup=100, cosine=10000".parse()?;
/// assert_eq!(spec.to_string(), "sgd:0.1,momentum=0.9,nesterov=true,warmup=100,cosine=10000");
/// let optimizer: AnyOptimizer = spec.build();
/// let error = "rmsporp:0.01".parse::<OptimizerSpec>().unwrap_err().to_string();
/// assert!(error.starts_with(r#"unknown optimizer "rmsporp"; did you mean "rmsprop"?"#), "{error}");
/// # Ok::<(), thalweg_nn::spec::SpecError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct OptimizerSpec(String);

impl OptimizerSpec {
    /// The names of the optimizers.
    pub const NAMES: &'static [&'static str] = &Rule::<f32>::NAMES;

    /// The optimizer, before its first step.
    pub fn build<T: Real>(&self) -> AnyOptimizer<T> {
        match read(&self.0) {
            Ok((optimizer, _)) => optimizer,
            Err(error) => unreachable!("what was printed parses: {error}"),
        }
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
        read::<f32>(text).map(|(_, printed)| OptimizerSpec(printed))
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

/// The name, the rate, and the options that are not the defaults.
impl fmt::Display for OptimizerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sets an optimizer by a specification: its first argument is the learning rate, its options are other
/// [hyperparameters](super::Optimizer::hyperparameters). Returns how that is printed: the name, the rate, and what is not as
/// it was. Other options are still to be read, and the specification is to be [finished](Spec::finish): the door for
/// optimizers of one's own.
///
/// ```
/// use thalweg_nn::optim::configure;
/// use thalweg_nn::Adam;
/// use thalweg_nn::spec::Spec;
///
/// let (mut adam, mut spec) = (Adam::<f32>::new(0.001), Spec::parse("mine:0.5,beta1=0.8,beta2=0.999")?);
/// assert_eq!(configure(&mut adam, &mut spec)?, "mine:0.5,beta1=0.8");
/// spec.finish()?;
/// assert_eq!((adam.learning_rate, adam.betas), (0.5, [0.8, 0.999]));
/// # Ok::<(), thalweg_nn::spec::SpecError>(())
/// ```
///
/// # Errors
/// If a number is out of its bounds, or is none.
pub fn configure<T: Real>(optimizer: &mut dyn Optimizer<T>, spec: &mut Spec) -> Result<String, SpecError> {
    let mut reader = Reader { printed: spec.name().to_owned(), spec, rate: 0.0 };
    reader.configure(optimizer)?;
    Ok(reader.printed)
}

/// A specification while it is read, and as it is to be printed.
struct Reader<'a> {
    spec: &'a mut Spec,
    printed: String,
    /// The learning rate.
    rate: f64,
}

impl Reader<'_> {
    /// All settings of the optimizer.
    fn configure<T: Real>(&mut self, optimizer: &mut dyn Optimizer<T>) -> Result<(), SpecError> {
        let mut settings = Ok(());
        optimizer.hyperparameters(&mut |name, setting| {
            if settings.is_ok() {
                settings = self.set(name, setting);
            }
        });
        settings
    }

    /// An option, which is printed unless it says what would hold without it.
    fn option<S: Setting + PartialEq + fmt::Display>(
        &mut self,
        name: &str,
        default: Option<S>,
    ) -> Result<Option<S>, SpecError> {
        let found = self.spec.option(name)?;
        if let Some(value) = found.as_ref().filter(|&value| Some(value) != default.as_ref()) {
            self.printed += &format!(",{name}={value}");
        }
        Ok(found.or(default))
    }

    /// A setting of the optimizer.
    fn set(&mut self, name: &'static str, setting: Hyperparameter<'_>) -> Result<(), SpecError> {
        match setting {
            Hyperparameter::Switch(switch) => *switch = self.option(name, Some(*switch))?.unwrap_or(*switch),
            Hyperparameter::Number(number, bounds) => {
                if name == "learning_rate" {
                    *number = self.spec.optional_arg(0, "the learning rate")?.unwrap_or(*number);
                    self.printed += &format!(":{number}");
                    self.rate = *number;
                } else {
                    *number = self.option(name, Some(*number))?.unwrap_or(*number);
                }
                HyperparameterError::unless_within(bounds, name, *number).map_err(|error| self.wrong(error))?;
                let limits = match name {
                    "learning_rate" => 0.0..=1e6,
                    "momentum" => 0.0..=0.999,
                    "eps" => 1e-12..=1e6,
                    "weight_decay" => 0.0..=self.rate.recip(),
                    _ => return Ok(()),
                };
                if !limits.contains(number) {
                    let (least, most) = limits.into_inner();
                    return Err(self.wrong(format!("{name}: a number from {least} to {most} expected, found {number}")));
                }
            }
        }
        Ok(())
    }

    /// The schedule.
    fn schedule(&mut self) -> Result<Option<Schedule>, SpecError> {
        let (warm_up, rate) = (self.option("warmup", None)?, self.rate);
        let shapes = [
            self.option("cosine", None)?.map(|steps| Schedule::cosine(rate, steps)),
            self.option("linear", None)?.map(|steps| Schedule::Linear { from: rate, to: 0.0, steps }),
            self.option("one_cycle", None)?.map(|steps| Schedule::one_cycle(rate, steps)),
            self.option("exponential", None)?.map(|factor| Schedule::Exponential { rate, factor }),
        ];
        let mut shapes = shapes.into_iter().flatten();
        let shape = shapes.next();
        if shapes.next().is_some() {
            return Err(self.wrong("one of cosine, linear, one_cycle and exponential expected, found more"));
        }
        if let Some(Schedule::Exponential { factor, .. }) = shape
            && !(0.0..=1.0).contains(&factor)
        {
            return Err(self.wrong(format!("exponential: a number from 0 to 1 expected, found {factor}")));
        }
        Ok(match warm_up {
            Some(steps) => Some(shape.unwrap_or(Schedule::Constant { rate }).with_warm_up(steps)),
            None => shape,
        })
    }

    fn wrong(&self, what: impl fmt::Display) -> SpecError {
        SpecError::new(format!("{}: {what}", quoted(&self.spec.to_string())))
    }
}

/// The optimizer that a specification describes, and the specification as it is printed.
fn read<T: Real>(text: &str) -> Result<(AnyOptimizer<T>, String), SpecError> {
    let mut spec = Spec::parse(text)?;
    let Some(mut rule) = Rule::<T>::named(spec.name()) else {
        return Err(unknown("optimizer", spec.name(), &Rule::<T>::NAMES));
    };
    let mut reader = Reader { printed: spec.name().to_owned(), spec: &mut spec, rate: 0.0 };
    reader.configure(rule.get_mut())?;
    let clip = reader.option("clip", None)?;
    if let Some(max) = clip.filter(|max| *max < 0.0) {
        return Err(reader.wrong(format!("clip: a number of at least 0 expected, found {max}")));
    }
    let schedule = reader.schedule()?;
    let printed = reader.printed;
    spec.finish()?;
    if let Some(schedule) = &schedule {
        rule.get_mut().set_learning_rate(schedule.rate(0));
    }
    Ok((AnyOptimizer { rule, schedule, clip, taken: 0 }, printed))
}
