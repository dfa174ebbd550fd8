//! How much each class counts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// How much a row counts for its class, beside the [weight](crate::Row::weight) that it has of its own: the loss is multiplied
/// by both.
///
/// | specification | weight of class c |
/// |---|---|
/// | `none` | 1 |
/// | `balanced` | `n / (k · n_c)` |
/// | `up=2,down=0.5` | as it says, and 1 where nothing is said |
///
/// In `balanced`, `n_c` is what the rows of class c have weighed so far, the one that is learned now included, `n` is the sum
/// of all `n_c`, and `k` the number of classes among them (the rule of King & Zeng 2001, over the rows so far): each class
/// counts as much as any other. A replayed row has the weight that its class has *today*. The first row of a class that comes
/// late weighs much, 100.5 after 200 rows of one other class: an optimizer with `clip=1` bears that better.
///
/// ```
/// use thalweg_online::{ClassWeights, Config, Deep, Learner, Target, Task};
///
/// let class_weights = ClassWeights::parse("fraud=20,refund=2")?;
/// assert_eq!(class_weights.to_string(), "fraud=20,refund=2");
/// let mut learner = Deep::new(Config { class_weights, ..Config::new(Task::Classify) });
/// learner.learn_one(&[("amount", 12.0)], Target::Class("fraud"))?; // as if it had come 20 times
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ClassWeights {
    /// All classes count the same.
    #[default]
    None,
    /// Rare classes count more.
    Balanced,
    /// By label: 0 or more.
    Given(BTreeMap<String, f64>),
}

impl ClassWeights {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If it is none: a weight is negative or not finite, a label stands twice.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |found: &str| Error::expected(ErrorKind::Spec, "none, balanced or LABEL=WEIGHT,…", found);
        match text.trim() {
            "none" => return Ok(ClassWeights::None),
            "balanced" => return Ok(ClassWeights::Balanced),
            _ => {}
        }
        let mut weights = BTreeMap::new();
        for piece in text.split(',') {
            let (label, weight) = piece.rsplit_once('=').ok_or_else(|| wrong(piece))?;
            let weight = weight.trim().parse().map_err(|_| wrong(piece))?;
            if weights.insert(label.trim().to_owned(), weight).is_some() {
                return Err(Error::expected(ErrorKind::Spec, "each class once", label.trim()));
            }
        }
        let given = ClassWeights::Given(weights);
        given.check()?;
        Ok(given)
    }

    /// Whether all weights are numbers of 0 or more.
    pub(super) fn check(&self) -> Result<(), Error> {
        let ClassWeights::Given(weights) = self else { return Ok(()) };
        match weights.iter().find(|(_, weight)| !(weight.is_finite() && **weight >= 0.0)) {
            Some((label, weight)) => {
                Err(Error::expected(ErrorKind::Spec, "a weight of 0 or more", &format!("{label}={weight}")))
            }
            None => Ok(()),
        }
    }

    /// The weight of a class, by what the rows of each class have weighed.
    pub(super) fn of(&self, class: usize, label: &str, came: &[f64]) -> f64 {
        match self {
            ClassWeights::None => 1.0,
            ClassWeights::Balanced => {
                let (all, classes) = (came.iter().sum::<f64>(), came.iter().filter(|&&came| came > 0.0).count());
                if came[class] > 0.0 { all / (classes as f64 * came[class]) } else { 1.0 }
            }
            ClassWeights::Given(weights) => weights.get(label).copied().unwrap_or(1.0),
        }
    }
}

/// As it is parsed.
impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClassWeights::None => f.write_str("none"),
            ClassWeights::Balanced => f.write_str("balanced"),
            ClassWeights::Given(weights) => {
                let weights: Vec<String> = weights.iter().map(|(label, weight)| format!("{label}={weight}")).collect();
                f.write_str(&weights.join(","))
            }
        }
    }
}

impl FromStr for ClassWeights {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        ClassWeights::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_weight_is_refused() {
        for (text, says) in [
            ("balance", r#"expected none, balanced or LABEL=WEIGHT,…, found "balance""#),
            ("up=2,down", r#"expected none, balanced or LABEL=WEIGHT,…, found "down""#),
            ("up=-1", r#"expected a weight of 0 or more, found "up=-1""#),
            ("up=NaN", r#"expected a weight of 0 or more, found "up=NaN""#),
            ("up=1,up=2", r#"expected each class once, found "up""#),
        ] {
            assert_eq!(ClassWeights::parse(text).unwrap_err().to_string(), says);
        }
        assert_eq!(ClassWeights::parse(" a = 2 , b=c=1e3").unwrap().to_string(), "a=2,b=c=1000");
    }

    proptest! {
        #[test]
        fn balanced_classes_count_the_same_together(came in prop::collection::vec(0.0..9.0_f64, 1..6)) {
            prop_assume!(came.iter().sum::<f64>() > 1.0);
            let of = |class: usize| came[class] * ClassWeights::Balanced.of(class, "", &came);
            let seen: Vec<f64> = (0..came.len()).filter(|&class| came[class] > 0.0).map(of).collect();
            let all: f64 = came.iter().sum();
            for share in &seen {
                prop_assert!((share - all / seen.len() as f64).abs() < 1e-9 * all, "{share} of {all}");
            }
        }

        #[test]
        fn printing_parses_back(weights in prop::collection::btree_map("[a-z =<]{1,6}", 0.0..1e9_f64, 1..4)) {
            let trimmed = weights.into_iter().map(|(label, weight)| (label.trim().to_owned(), weight)).collect();
            let given = ClassWeights::Given(trimmed);
            prop_assert_eq!(ClassWeights::parse(&given.to_string()).ok(), Some(given));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,24}|[a-c]=[0-9.e-]{1,5}(,[a-c]=[0-9.e-]{1,5})?") {
            if let Ok(weights) = ClassWeights::parse(&text) {
                prop_assert_eq!(ClassWeights::parse(&weights.to_string()).ok(), Some(weights));
            }
        }
    }
}
