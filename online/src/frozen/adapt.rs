//! What a drift does to a head on a trunk that stands still.

use super::Frozen;
use crate::adapt::{Adapt, PolicySpec};

/// The drift can be reported, and the head can begin anew. There is no optimizer or rate that all heads have, and a new trunk
/// would be the same one.
///
/// ```
/// use thalweg_online::{Adaptive, Config, Deep, Extractor, Frozen, HeadSpec, Learner, PolicySpec, Target, Task};
///
/// let mut deep = Deep::new(Config::new(Task::Classify));
/// deep.learn_one(&[("a", 0.0), ("b", 0.0)], Target::Class("up"))?;
/// let frozen = Frozen::new(Extractor::of(&deep)?, &HeadSpec::parse("ncm")?).with_running_scales();
/// let mut learner = Adaptive::new(frozen, "adwin".parse()?, PolicySpec::parse("head")?)?;
/// for k in 0..4000_u32 {
///     let is_up = (k * 7 % 11 > 5) == (k < 2000); // from row 2000 on everything is the other way round
///     learner.learn_one(&[("a", k * 7 % 11), ("b", k % 3)], Target::Class(if is_up { "up" } else { "down" }))?;
/// }
/// assert!(learner.history().last().any(|row| (2000..2200).contains(&row)));
/// assert_eq!(learner.predict_one(&[("a", 10), ("b", 1)])?.label(), Some("down"));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
impl Adapt for Frozen {
    fn can(&self, policy: &PolicySpec) -> bool {
        matches!(policy, PolicySpec::Report | PolicySpec::Head)
    }

    /// Until a class comes again it has no probability.
    fn reset_head(&mut self) {
        self.head = self.head_spec.build(self.extractor.width());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapt::Adaptive;
    use crate::deep::{Config, Deep};
    use crate::frozen::Extractor;
    use crate::head::HeadSpec;
    use crate::learn::{Learner, Target, Task};

    #[test]
    fn a_head_begins_anew_and_knows_its_classes() {
        let mut deep = Deep::new(Config::new(Task::Classify));
        deep.learn_one(&[("x", 1.0)], Target::Class("a")).expect("the row is good");
        for text in ["ncm", "slda", "softmax:sgd"] {
            let head = HeadSpec::parse(text).expect("a head");
            let new = Frozen::new(Extractor::of(&deep).expect("it has seen a row"), &head);
            let mut frozen = new.clone();
            for (x, label) in [(1.0, "a"), (2.0, "b"), (5.0, "c")] {
                frozen.learn_one(&[("x", x)], Target::Class(label)).expect("the row is good");
            }
            frozen.reset_head();
            let bytes = |head| bincode::serialize(head).expect("it can be written");
            assert!(bytes(frozen.head()) == bytes(new.head()), "{text}");
            assert_eq!((frozen.classes().len(), frozen.rows()), (3, 3));
            frozen.learn_one(&[("x", 2.0)], Target::Class("b")).expect("the row is good");
            assert_eq!((frozen.classes().len(), frozen.rows()), (3, 4));
            let refused = |policy: &str| {
                let policy = PolicySpec::parse(policy).expect("a policy");
                Adaptive::new(frozen.clone(), Default::default(), policy).is_err()
            };
            assert!(!refused("report") && !refused("head") && refused("optimizer") && refused("background"), "{text}");
        }
    }
}
