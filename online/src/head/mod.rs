//! Heads: incremental classifiers of feature vectors, to stand on a trunk that no longer moves.
//!
//! | specification | head | learns by | keeps | forgets |
//! |---|---|---|---|---|
//! | `ncm` | [`Ncm`]: the nearest class mean | counting | a mean for each class | nothing |
//! | `ncm:normalised` | the same, by angles | counting | the same | nothing |
//! | `slda:0.0001` | [`Slda`]: streaming linear discriminant analysis, shrunk by ε | counting | the means, and one covariance | nothing |
//! | `softmax:sgd:0.03` | [`Softmax`]: logistic regression, with any optimizer of [`nn`](thalweg_nn::optim) | gradient descent | a weight vector for each class | as networks do |
//!
//! A network that learns new classes by gradient descent unlearns the old ones, for the gradient of a new example asks that
//! *all* old classes become less probable (McCloskey & Cohen 1989: catastrophic interference). What is counted cannot be
//! unlearned: the mean of a class is moved by examples of that class alone. So where features are good, learned elsewhere or
//! before, a head that counts learns any number of classes in any order, each example once: see [`Frozen`](crate::Frozen).
//!
//! Classes are numbered as they come, by the caller, and before the first example there is no class at all. Numbers stay: a
//! new class is appended. Of the heads that count, a class is moved by its own examples alone ([`Slda`]'s covariance, which all
//! share, by those of all), and one without examples has probability 0. [`Softmax`] is not like that: each example moves all
//! classes, and one that was passed over in the numbering has a logit, and so a probability, before its first example.
//!
//! # Figures
//!
//! 1 000 images of MNIST at 16 × 16, a hundred of each class, come two classes after two, each once; then 200 others are
//! asked. Accuracy in percent, for four draws of images; beside it what CapyMOA's tests expect of its own draw and its own
//! `NCM` and `SLDA` (0.15, within 1.5), which are images of the same kind and not the same:
//!
//! | head | here | CapyMOA |
//! |---|---|---|
//! | `ncm` of the pixels | 71.5 to 80.0 | 71.5 |
//! | `slda` of the pixels | 78.0 to 84.0 | 75.5 |
//! | `slda` of 512 random ReLU features of the pixels | 84.5 to 91.0 | 83.5 |
//!
//! Networks that learn these images by gradient descent reach 27 there, with a memory 28.5.
//!
//! # Example
//!
//! ```
//! use thalweg_online::head::HeadSpec;
//!
//! let mut head = HeadSpec::parse("slda")?.build(2);
//! for (z, class) in [([0.0, 0.1], 0), ([0.1, 0.0], 0), ([1.0, 1.1], 1), ([1.1, 0.9], 1)] {
//!     head.learn_one(&z, class, 1.0);
//! }
//! let before = head.predict_one(&[1.0, 1.0]).to_vec();
//! assert!(before[1] > 0.9);
//!
//! // A third class comes: the others keep their numbers.
//! head.learn_one(&[-1.0, 2.0], 2, 1.0);
//! assert!(head.predict_one(&[1.0, 1.0])[1] > 0.9);
//! # Ok::<(), thalweg_online::Error>(())
//! ```

mod cholesky;
mod means;
mod ncm;
mod slda;
mod softmax;

pub use ncm::Ncm;
pub use slda::Slda;
pub use softmax::Softmax;

use std::fmt;

use serde::{Deserialize, Serialize};
use thalweg_nn::{OptimizerSpec, Step};

use crate::error::{Error, ErrorKind};
use crate::optim::single;
use crate::saved::saved_as_text;
use crate::spec::{Spec, unknown};

/// Which head: see the table of the [module](self).
///
/// ```
/// use thalweg_online::head::HeadSpec;
///
/// assert_eq!(HeadSpec::parse("slda")?.to_string(), "slda:0.0001");
/// assert_eq!(HeadSpec::parse("softmax:adam")?.to_string(), "softmax:adam:0.001");
/// let error = HeadSpec::parse("ncn").unwrap_err().to_string();
/// assert!(error.starts_with(r#"unknown head "ncn"; did you mean "ncm"?"#), "{error}");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HeadSpec {
    /// The nearest class mean.
    Ncm {
        /// Whether features and means are brought to length 1.
        normalised: bool,
    },
    /// Streaming linear discriminant analysis.
    Slda {
        /// ε, from 10⁻¹² to 1.
        shrinkage: f64,
    },
    /// Logistic regression.
    Softmax(OptimizerSpec),
}

/// The nearest class mean.
impl Default for HeadSpec {
    fn default() -> Self {
        HeadSpec::Ncm { normalised: false }
    }
}

saved_as_text!(HeadSpec);

impl HeadSpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such head, option or optimizer (with the nearest match), or ε is not from 10⁻¹² to 1.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, rest) = text.split_once(':').map_or((text.trim(), ""), |(name, rest)| (name.trim(), rest.trim()));
        if name == "softmax" {
            let optimizer = if rest.is_empty() { OptimizerSpec::default() } else { single(rest)? };
            return Ok(HeadSpec::Softmax(optimizer));
        }
        let mut spec = Spec::parse(text)?;
        let head = match spec.name() {
            "ncm" => HeadSpec::Ncm { normalised: spec.flag("normalised")? },
            "slda" => match spec.optional_arg(0, "ε")?.unwrap_or(Slda::SHRINKAGE) {
                shrinkage if (1e-12..=1.0).contains(&shrinkage) => HeadSpec::Slda { shrinkage },
                _ => return Err(Error::expected(ErrorKind::Spec, "an ε from 1e-12 to 1", text)),
            },
            other => return Err(unknown("head", other, &["ncm", "slda", "softmax"]).into()),
        };
        spec.finish()?;
        Ok(head)
    }

    /// A head that has seen nothing, for feature vectors of this width.
    ///
    /// # Panics
    ///
    /// If an ε that did not come from a text is not from 10⁻¹² to 1.
    #[must_use]
    #[track_caller]
    pub fn build(&self, width: usize) -> Head {
        match self {
            HeadSpec::Ncm { normalised: false } => Head::Ncm(Ncm::new(width)),
            HeadSpec::Ncm { normalised: true } => Head::Ncm(Ncm::normalised(width)),
            HeadSpec::Slda { shrinkage } => Head::Slda(Slda::new(width, *shrinkage)),
            HeadSpec::Softmax(optimizer) => Head::Softmax(Box::new(Softmax::new(width, optimizer.clone()))),
        }
    }
}

/// The full specification.
impl fmt::Display for HeadSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeadSpec::Ncm { normalised: false } => f.write_str("ncm"),
            HeadSpec::Ncm { normalised: true } => f.write_str("ncm:normalised=true"),
            HeadSpec::Slda { shrinkage } => write!(f, "slda:{shrinkage}"),
            HeadSpec::Softmax(optimizer) => write!(f, "softmax:{optimizer}"),
        }
    }
}

/// Any of the heads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Head {
    /// The nearest class mean.
    Ncm(Ncm),
    /// Streaming linear discriminant analysis.
    Slda(Slda),
    /// Logistic regression.
    Softmax(Box<Softmax>),
}

/// The same of any head.
macro_rules! each {
    ($head:expr, $one:ident => $what:expr) => {
        match $head {
            Head::Ncm($one) => $what,
            Head::Slda($one) => $what,
            Head::Softmax($one) => $what,
        }
    };
}

impl Head {
    /// How many numbers a feature vector has.
    #[must_use]
    pub fn width(&self) -> usize {
        each!(self, head => head.width())
    }

    /// How many classes have been seen.
    #[must_use]
    pub fn classes(&self) -> usize {
        each!(self, head => head.classes())
    }

    /// Learns an example `z [d]` that counts `weight` times. Classes are numbered from 0; one that is new is appended. A
    /// feature that is not finite, or a weight that is not above 0 and at most 10¹², is refused: nothing has changed then.
    ///
    /// # Panics
    ///
    /// If `z` is of another width.
    #[track_caller]
    pub fn learn_one(&mut self, z: &[f32], class: usize, weight: f64) -> Step {
        each!(self, head => head.learn_one(z, class, weight))
    }

    /// How probable each class is for `z [d]`: `[classes]`. NaN for features that are not finite.
    ///
    /// # Panics
    ///
    /// If `z` is of another width.
    #[track_caller]
    pub fn predict_one(&mut self, z: &[f32]) -> &[f32] {
        each!(self, head => head.predict_one(z))
    }
}

/// Whether there is something to learn from.
#[track_caller]
fn is_usable(name: &str, z: &[f32], width: usize, weight: f64) -> bool {
    assert_eq!(z.len(), width, "{name}: {width} features expected, found {}", z.len());
    z.iter().all(|z| z.is_finite()) && weight > 0.0 && weight <= 1e12
}

#[cfg(test)]
mod tests;
