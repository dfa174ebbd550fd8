//! The simplest learners: what any other must beat to be worth its cost.
//!
//! On a stream whose neighbouring rows resemble each other, *the same as last time* ([`LastLabel`], [`LastValue`]) is
//! hard to beat; on one with rare classes, *the most frequent class* ([`Majority`]) is (Žliobaitė, Bifet, Read,
//! Pfahringer & Holmes, "Evaluation methods and decision theory for classification of streaming data with temporal
//! dependence", 2015). None of them looks at the features.
//!
//! A row counts as often as its [weight](Row::weight) says; for what came last it does not matter.
//!
//! `learn_one` returns `−ln p` of the class that came ([`log_loss`], so a class never seen costs `−ln 10⁻¹⁵`), or the
//! squared error `(y − ŷ)²` of the number that came (with `ŷ = 0` while there is no prediction), summed over several.

mod classes;
mod labels;
mod numbers;

pub use classes::{LastLabel, Majority};
pub use labels::{LastLabels, MajorityLabels};
pub use numbers::{LastValue, RunningMean};

#[cfg(doc)]
use crate::metrics::log_loss;
#[cfg(doc)]
use crate::row::Row;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::learn::{Learner, Prediction, Target};

    const X: [(&str, f64); 1] = [("x", 0.0)];

    #[test]
    fn before_anything_is_learned_nothing_is_predicted() {
        let learners: [&mut dyn Learner; 4] =
            [&mut Majority::new(), &mut LastLabel::new(), &mut RunningMean::new(), &mut LastValue::new()];
        for learner in learners {
            assert!(matches!(learner.predict_one(&X), Ok(Prediction::Unknown)));
        }
    }

    #[test]
    fn labels_stay_in_order_of_arrival() -> Result<(), Error> {
        let (mut majority, mut last) = (Majority::new(), LastLabel::new());
        for label in ["z", "a", "m", "a", "z"] {
            majority.learn_one(&X, Target::Class(label))?;
            last.learn_one(&X, Target::Class(label))?;
        }
        let Prediction::Classes { labels, probabilities } = majority.predict_one(&X)? else { panic!("no classes") };
        assert_eq!((labels, probabilities), (&["z", "a", "m"].map(String::from)[..], &[0.4, 0.4, 0.2][..]));
        assert_eq!(majority.predict_one(&X)?.label(), Some("z"), "the first of two equally frequent ones");
        let Prediction::Classes { probabilities, .. } = last.predict_one(&X)? else { panic!("no classes") };
        assert_eq!(probabilities, [1.0, 0.0, 0.0]);
        Ok(())
    }

    #[test]
    fn the_loss_is_that_before_the_update() -> Result<(), Error> {
        let mut majority = Majority::new();
        assert_eq!(majority.learn_one(&X, Target::Class("a"))?, -1e-15_f64.ln());
        assert_eq!(majority.learn_one(&X, Target::Class("a"))?, 0.0);
        assert_eq!(majority.learn_one(&X, Target::Class("b"))?, -1e-15_f64.ln());
        assert_eq!(majority.learn_one(&X, Target::Class("b"))?, -(1.0_f64 / 3.0).ln());
        let (mut mean, mut last) = (RunningMean::new(), LastValue::new());
        let losses =
            [3.0, 5.0, 10.0].map(|y| (mean.learn_one(&X, Target::Value(y)), last.learn_one(&X, Target::Value(y))));
        let [first, second, third] = losses.map(|(mean, last)| (mean.ok(), last.ok()));
        assert_eq!(first, (Some(9.0), Some(9.0)));
        assert_eq!(second, (Some(4.0), Some(4.0)));
        assert_eq!(third, (Some(36.0), Some(25.0)));
        Ok(())
    }

    #[test]
    fn a_target_of_the_wrong_type_changes_nothing() -> Result<(), Error> {
        let mut mean = RunningMean::new();
        mean.learn_one(&X, Target::Value(2.0))?;
        assert!(mean.learn_one(&X, Target::Class("two")).is_err());
        assert!(mean.learn_one(&X, Target::Value(f64::NAN)).is_err());
        assert_eq!(mean.predict_one(&X)?.value(), Some(2.0));
        assert!(LastLabel::new().learn_one(&X, Target::Value(1.0)).is_err());
        Ok(())
    }

    #[test]
    fn several_numbers_are_predicted_each_by_itself() -> Result<(), Error> {
        let (mut mean, mut last) = (RunningMean::new(), LastValue::new());
        for (row, values) in [[1.0, f64::NAN], [3.0, 10.0], [f64::NAN, 30.0]].iter().enumerate() {
            let unknown =
                [mean.predict_one(&X)?, last.predict_one(&X)?].map(|said| matches!(said, Prediction::Unknown));
            assert_eq!(unknown, [row < 2; 2], "all must be known");
            mean.learn_one(&X, Target::Values(values))?;
            last.learn_one(&X, Target::Values(values))?;
        }
        assert_eq!(
            (mean.predict_one(&X)?.numbers(), last.predict_one(&X)?.numbers()),
            (&[2.0, 20.0][..], &[3.0, 30.0][..])
        );
        assert_eq!(last.learn_one(&X, Target::Values(&[f64::NAN, 31.0]))?, 1.0);
        assert!(mean.learn_one(&X, Target::Values(&[1.0, 2.0, 3.0])).is_err());
        assert!(last.learn_one(&X, Target::Value(1.0)).is_err());
        Ok(())
    }

    #[test]
    fn labels_are_counted_each_by_itself() -> Result<(), Error> {
        let (mut majority, mut last) = (MajorityLabels::new(), LastLabels::new());
        let (never, half) = (-1e-15_f64.ln(), -0.5_f64.ln());
        // Known at each row: nothing; a in 1 of 1; a in 1 of 2 rows, and b in none.
        for (labels, of_majority, of_last) in
            [(&["a"][..], never, never), (&[], never, never), (&["b", "a", "b"], half + never, 2.0 * never)]
        {
            assert_eq!(majority.learn_one(&X, Target::of_labels(labels))?, of_majority, "{labels:?}");
            assert_eq!(last.learn_one(&X, Target::of_labels(labels))?, of_last, "{labels:?}");
        }
        let said = majority.predict_one(&X)?;
        assert_eq!(["a", "b"].map(|label| said.probability(label)), [2.0, 1.0].map(|n| f64::from((n / 3.0) as f32)));
        assert_eq!(said.labels().collect::<Vec<_>>(), ["a"]);
        assert_eq!(last.predict_one(&X)?.labels().collect::<Vec<_>>(), ["a", "b"]);
        assert!(majority.learn_one(&X, Target::Class("a")).is_err() && last.learn_one(&X, Target::Value(1.0)).is_err());
        Ok(())
    }
}
