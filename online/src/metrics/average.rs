//! How the figures of several classes become one.

use std::fmt;

use thalweg_nn::spec::{Spec, SpecError, unknown};

/// How the figures of several classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average<C> {
    /// The figure of all counts together. For one label a row, precision, recall and F1 are then all the accuracy.
    Micro,
    /// The mean over the classes that came or were predicted.
    Macro,
    /// The mean over the classes, each as often as it came.
    Weighted,
    /// The figure of one class alone.
    Of(C),
}

/// What the arguments of a metric say: `micro`, `macro` (if nothing is said), `weighted` or `of=LABEL`.
pub(super) fn average(spec: &mut Spec) -> Result<Average<String>, SpecError> {
    let of = spec.option("of")?;
    match (spec.optional_arg::<String>(0, "the average")?, of) {
        (None, Some(label)) => Ok(Average::Of(label)),
        (None, None) => Ok(Average::Macro),
        (Some(_), Some(_)) => Err(SpecError::new(format!("{spec}: expected an average or a label, found both"))),
        (Some(name), None) => match name.as_str() {
            "micro" => Ok(Average::Micro),
            "macro" => Ok(Average::Macro),
            "weighted" => Ok(Average::Weighted),
            other => Err(unknown("average", other, &["micro", "macro", "weighted", "of=LABEL"])),
        },
    }
}

impl fmt::Display for Average<String> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Average::Micro => f.write_str(":micro"),
            Average::Macro => f.write_str(":macro"),
            Average::Weighted => f.write_str(":weighted"),
            Average::Of(label) => write!(f, ":of={label}"),
        }
    }
}
