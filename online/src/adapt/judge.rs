//! How wrong a prediction was, as a detector takes it.

use serde::{Deserialize, Serialize};

use crate::drift::Domain;
use crate::learn::{Prediction, Target};
use crate::moments::Moments;

/// What is known of targets: the unit in which errors of numbers are measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Judge {
    /// Of each number.
    targets: Vec<Moments>,
}

/// From here on a number is wrong where a detector knows only right and wrong: half a deviation.
const WRONG: f64 = 0.5;

impl Judge {
    /// The error of a prediction, from 0 to 1, see the [module](super#the-error). `None` if nothing was said, or it cannot be
    /// measured yet.
    pub fn error(&self, said: &Prediction<'_>, y: &Target<'_>, domain: Domain) -> Option<f64> {
        let is_wrong = |wrong: bool| f64::from(u8::from(wrong));
        let (error, right_up_to) = match (said, y) {
            (Prediction::Unknown, _) => return None,
            (_, &Target::Class(label)) => (is_wrong(said.label() != Some(label)), 0.0),
            (_, Target::Labels(_)) => (wrong_labels(said, y)?, 0.0),
            (_, Target::Value(_) | Target::Values(_)) => (self.error_of_numbers(said, y)?, WRONG),
        };
        Some(if domain == Domain::Errors { is_wrong(error > right_up_to) } else { error })
    }

    /// The mean over the numbers that are known and have a deviation.
    fn error_of_numbers(&self, said: &Prediction<'_>, y: &Target<'_>) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0.0);
        for ((moments, &said), &y) in self.targets.iter().zip(said.numbers()).zip(y.numbers()) {
            let deviation = moments.deviation();
            if deviation > 0.0 && !y.is_nan() {
                let error = (y - said).abs() / deviation;
                // What is no number is as wrong as can be.
                sum += if error < 1.0 { error } else { 1.0 };
                count += 1.0;
            }
        }
        (count > 0.0).then(|| sum / count)
    }

    /// A target was learned.
    pub fn observe(&mut self, y: &Target<'_>) {
        let values = y.numbers();
        self.targets.resize(values.len(), Moments::default());
        self.targets.iter_mut().zip(values).for_each(|(moments, &value)| moments.update(value));
    }
}

/// The share of labels that are wrong, of those that are known or came.
fn wrong_labels(said: &Prediction<'_>, y: &Target<'_>) -> Option<f64> {
    let (Prediction::Labels { labels, probabilities }, Target::Labels(came)) = (said, y) else { return None };
    let wrong = |(label, &p): (&String, &f32)| (p > 0.5) != came.iter().any(|came| came == label);
    let known = labels.iter().zip(*probabilities).filter(|&pair| wrong(pair)).count();
    let is_first = |place: usize, label: &str| came.iter().position(|other| other == label) == Some(place);
    let new = came.iter().enumerate().filter(|&(place, label)| is_first(place, label));
    let new = new.filter(|(_, label)| !labels.iter().any(|known| known == label)).count();
    Some((known + new) as f64 / (labels.len() + new).max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_right_or_wrong() {
        let labels = ["dry".to_owned(), "rain".to_owned()];
        let said = Prediction::Classes { labels: &labels, probabilities: &[0.3, 0.7] };
        let error = |label| Judge::default().error(&said, &Target::Class(label), Domain::Numbers);
        assert_eq!(["rain", "dry", "new"].map(error), [Some(0.0), Some(1.0), Some(1.0)]);
        assert_eq!(Judge::default().error(&Prediction::Unknown, &Target::Class("dry"), Domain::Errors), None);
    }

    #[test]
    fn of_labels_the_share_counts_that_is_wrong() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        let said = Prediction::Labels { labels: &labels, probabilities: &[0.9, 0.1, 0.2] };
        let error =
            |labels: &[&str], domain| Judge::default().error(&said, &Target::of_labels(labels), domain).expect("it is");
        assert_eq!(error(&["a"], Domain::Unit), 0.0);
        assert_eq!(error(&["b", "b"], Domain::Unit), 2.0 / 3.0);
        assert_eq!(error(&["a", "new", "new"], Domain::Unit), 0.25);
        assert_eq!([error(&["a"], Domain::Errors), error(&["a", "b"], Domain::Errors)], [0.0, 1.0]);
    }

    #[test]
    fn numbers_are_measured_in_deviations_of_the_targets() {
        let mut judge = Judge::default();
        let error = |judge: &Judge, said, domain| judge.error(&Prediction::Value(said), &Target::Value(7.0), domain);
        judge.observe(&Target::Value(3.0));
        assert_eq!(error(&judge, 7.5, Domain::Numbers), None, "one target has no deviation");
        judge.observe(&Target::Value(7.0)); // deviation 2
        assert_eq!(error(&judge, 7.5, Domain::Numbers), Some(0.25));
        assert_eq!([99.0, f64::NAN].map(|said| error(&judge, said, Domain::Unit)), [Some(1.0); 2]);
        assert_eq!([7.5, 9.0].map(|said| error(&judge, said, Domain::Errors)), [Some(0.0), Some(1.0)]);
    }

    #[test]
    fn of_several_numbers_the_mean_counts_of_those_that_are_known() {
        let mut judge = Judge::default();
        [[0.0, 10.0], [2.0, 30.0]].iter().for_each(|values| judge.observe(&Target::Values(values)));
        let error = |y: &[f64]| judge.error(&Prediction::Values(&[1.0, 20.0]), &Target::Values(y), Domain::Unit);
        assert_eq!([error(&[1.5, 22.0]), error(&[f64::NAN, 22.0])], [Some(0.35), Some(0.2)]);
    }
}
