//! What is said before the answer is known.

/// What a learner says before it is told the answer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Prediction<'a> {
    /// The learner has seen too little to say anything.
    Unknown,
    /// How probable each class is.
    Classes {
        /// The labels, in the order in which they first appeared.
        labels: &'a [String],
        /// Their probabilities, one for each label.
        probabilities: &'a [f32],
    },
    /// A number.
    Value(f64),
    /// Quantiles of a number: how probable it is that it lies below each value.
    Quantiles {
        /// Between 0 and 1, in ascending order.
        quantiles: &'a [f64],
        /// One for each quantile, never descending.
        values: &'a [f64],
    },
    /// Several numbers, in the order of the [targets](super::Target::Values).
    Values(&'a [f64]),
    /// How probable each label is, whatever the others. Those above ½ are predicted.
    Labels {
        /// The labels, in the order in which they first appeared.
        labels: &'a [String],
        /// Their probabilities, one for each label.
        probabilities: &'a [f32],
    },
}

impl<'a> Prediction<'a> {
    /// The most probable label, the first of them on ties; `None` where there is none.
    ///
    /// # Example
    ///
    /// ```
    /// use thalweg_online::Prediction;
    ///
    /// let labels = ["dry".to_string(), "rain".to_string()];
    /// let prediction = Prediction::Classes { labels: &labels, probabilities: &[0.3, 0.7] };
    /// assert_eq!(prediction.label(), Some("rain"));
    /// assert_eq!(prediction.probability("snow"), 0.0);
    /// ```
    #[must_use]
    pub fn label(&self) -> Option<&'a str> {
        let Prediction::Classes { labels, probabilities } = *self else { return None };
        let mut best = None;
        let mut highest = f32::NEG_INFINITY;
        for (label, &probability) in labels.iter().zip(probabilities) {
            if probability > highest {
                highest = probability;
                best = Some(label.as_str());
            }
        }
        best
    }

    /// The probability given to `label`; zero for a label that the learner does not know.
    #[must_use]
    pub fn probability(&self, label: &str) -> f64 {
        let (Prediction::Classes { labels, probabilities } | Prediction::Labels { labels, probabilities }) = *self
        else {
            return 0.0;
        };
        let position = labels.iter().position(|known| known == label);
        position.and_then(|index| probabilities.get(index)).map_or(0.0, |&probability| f64::from(probability))
    }

    /// The labels of a set that are predicted: those above ½. Nothing of other predictions.
    pub fn labels(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (labels, probabilities) = match *self {
            Prediction::Labels { labels, probabilities } => (labels, probabilities),
            _ => (&[][..], &[][..]),
        };
        labels.iter().zip(probabilities).filter(|&(_, &p)| p > 0.5).map(|(label, _)| label.as_str())
    }

    /// The number, if the prediction is one; of quantiles, the one nearest to the median (the lower of two).
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match *self.numbers() {
            [value] => Some(value),
            _ => None,
        }
    }

    /// All numbers that it predicts, one for each output: none of classes.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        match self {
            Prediction::Value(value) => std::slice::from_ref(value),
            Prediction::Values(values) => values,
            Prediction::Quantiles { quantiles, values } => match nearest_to_median(quantiles) {
                Some(place) => values.get(place).map_or(&[], std::slice::from_ref),
                None => &[],
            },
            Prediction::Unknown | Prediction::Classes { .. } | Prediction::Labels { .. } => &[],
        }
    }

    /// Whether every number in the prediction is finite. A learner that has diverged says NaN.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        match *self {
            Prediction::Unknown => true,
            Prediction::Classes { probabilities, .. } | Prediction::Labels { probabilities, .. } => {
                probabilities.iter().all(|probability| probability.is_finite())
            }
            Prediction::Value(value) => value.is_finite(),
            Prediction::Quantiles { values, .. } | Prediction::Values(values) => {
                values.iter().all(|value| value.is_finite())
            }
        }
    }
}

/// The place of the quantile nearest to the median, the lower of two.
fn nearest_to_median(quantiles: &[f64]) -> Option<usize> {
    let distance = |place: &usize| (quantiles[*place] - 0.5).abs();
    (0..quantiles.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_of_equally_probable_labels_wins() {
        let labels = labels(&["a", "b", "c"]);
        let prediction = Prediction::Classes { labels: &labels, probabilities: &[0.2, 0.4, 0.4] };
        assert_eq!(prediction.label(), Some("b"));
    }

    #[test]
    fn nan_is_never_the_most_probable() {
        let labels = labels(&["a", "b"]);
        let prediction = Prediction::Classes { labels: &labels, probabilities: &[f32::NAN, 0.1] };
        assert_eq!(prediction.label(), Some("b"));
        assert!(!prediction.is_finite());
    }

    #[test]
    fn a_prediction_without_classes_has_no_label() {
        assert_eq!(Prediction::Unknown.label(), None);
        assert_eq!(Prediction::Value(3.0).label(), None);
        assert_eq!(Prediction::Value(3.0).value(), Some(3.0));
        assert_eq!(Prediction::Classes { labels: &[], probabilities: &[] }.label(), None);
    }

    #[test]
    fn of_quantiles_the_number_is_nearest_to_the_median() {
        let value = |quantiles: &[f64], values: &[f64]| Prediction::Quantiles { quantiles, values }.value();
        assert_eq!(value(&[0.1, 0.5, 0.9], &[1.0, 2.0, 7.0]), Some(2.0));
        assert_eq!(value(&[0.25, 0.75], &[1.0, 3.0]), Some(1.0));
        assert_eq!((value(&[0.9], &[4.0]), value(&[], &[])), (Some(4.0), None));
        assert_eq!((Prediction::Values(&[1.0, 2.0]).value(), Prediction::Values(&[3.0]).value()), (None, Some(3.0)));
    }
}
