//! What the accuracies say in a number: see the [module](super).

use super::{ContextScores, Phase};

impl ContextScores {
    /// ACC: how well the contexts so far were known when the last phase ended. NaN before one has.
    #[must_use]
    pub fn average_accuracy(&self) -> f64 {
        self.phases.last().map_or(f64::NAN, |last| mean(last.accuracies.iter().copied()))
    }

    /// How well the contexts so far were known, all the time.
    #[must_use]
    pub fn anytime_accuracy(&self) -> f64 {
        mean(self.phases.iter().map(|phase| mean(phase.accuracies.iter().copied())))
    }

    /// BWT: how much the phases since its own have changed the accuracy on a context. NaN while there is only one.
    #[must_use]
    pub fn backward_transfer(&self) -> f64 {
        self.mean_over_old_contexts(|last, context| {
            let own = self.phases.iter().rev().find(|phase| phase.context == context);
            own.map_or(f64::NAN, |own| last[context] - own.accuracies[context])
        })
    }

    /// FWT: how well a context was known before anything of it was learned, all but the first. NaN while there is only one.
    #[must_use]
    pub fn forward_transfer(&self) -> f64 {
        mean(self.contexts.iter().skip(1).map(|context| context.before))
    }

    /// How far below its best the accuracy on a context has ended. NaN while there is only one.
    #[must_use]
    pub fn forgetting(&self) -> f64 {
        self.mean_over_old_contexts(|last, context| {
            // Before the first context nothing was known at all; a NaN is passed over by `max`.
            let before = if context > 0 { self.contexts[context].before } else { f64::NAN };
            let earlier = self.phases[..self.phases.len() - 1].iter().filter_map(|phase| phase.accuracies.get(context));
            earlier.copied().fold(before, f64::max) - last[context]
        })
    }

    /// The mean of something over all contexts but that of the last phase.
    fn mean_over_old_contexts(&self, of: impl Fn(&[f64], usize) -> f64) -> f64 {
        let Some(Phase { context: current, accuracies: last }) = self.phases.last() else { return f64::NAN };
        mean((0..last.len()).filter(|context| context != current).map(|context| of(last, context)))
    }
}

/// The mean of the numbers that were measured. NaN if none was.
fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers.filter(|number| !number.is_nan()) {
        sum += number;
        count += 1.0;
    }
    sum / count
}

#[cfg(test)]
mod tests {
    use super::super::{Context, HoldOut};
    use super::*;
    use crate::AccuracyMatrix;
    use crate::saved::testing::refuses;
    use proptest::prelude::*;

    /// Contexts with their b, and phases.
    fn scores(before: &[f64], phases: &[(usize, &[f64])]) -> ContextScores {
        let mut scores = ContextScores::new(HoldOut::parse("5").expect("a specification"));
        let context = |before: &f64| Context { name: format!("context {before}"), rows: Vec::new(), before: *before };
        scores.contexts = before.iter().map(context).collect();
        let phase = |&(context, accuracies): &(usize, &[f64])| Phase { context, accuracies: accuracies.to_vec() };
        scores.phases = phases.iter().map(phase).collect();
        scores
    }

    /// 0, 1, 0 again, 2.
    fn with_a_return() -> ContextScores {
        scores(&[0.0, 0.25, 0.5], &[(0, &[0.75]), (1, &[0.25, 0.5]), (0, &[1.0, 0.25]), (2, &[0.5, 0.375, 1.0])])
    }

    #[test]
    fn a_context_that_returns_is_compared_with_its_last_phase() {
        let scores = with_a_return();
        assert_eq!(scores.average_accuracy(), (0.5 + 0.375 + 1.0) / 3.0);
        assert_eq!(scores.anytime_accuracy(), (0.75 + 0.375 + 0.625 + 0.625) / 4.0);
        assert_eq!(scores.backward_transfer(), ((0.5 - 1.0) + (0.375 - 0.5)) / 2.0);
        assert_eq!(scores.forgetting(), ((1.0 - 0.5) + (0.5 - 0.375)) / 2.0);
        assert_eq!(scores.forward_transfer(), 0.375);
        let first = self::scores(&[0.0], &[(0, &[0.75])]);
        assert!(first.backward_transfer().is_nan() && first.forgetting().is_nan() && first.forward_transfer().is_nan());
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        refuses(
            &with_a_return(),
            &[
                ("a context that never came", |scores| scores.phases[3].context = 3),
                ("accuracies on more than came", |scores| scores.phases[3].accuracies.push(1.0)),
                ("a context that goes on and never came", |scores| scores.current = Some(3)),
                ("more rows than there may be", |scores| scores.contexts[0].rows = vec![Default::default(); 201]),
                ("phases without end", |scores| scores.phases = vec![scores.phases[0].clone(); 1001]),
            ],
        );
    }

    proptest! {
        #[test]
        fn without_a_return_they_are_those_of_the_accuracy_matrix(
            rows in (2..6_usize).prop_flat_map(|n| prop::collection::vec(prop::collection::vec(0.0..1.0, n + 1), n))
        ) {
            let mut before = vec![0.0];
            before.extend(rows.iter().skip(1).map(|row| row[0]));
            let phases: Vec<_> = rows.iter().enumerate().map(|(i, row)| (i, &row[1..][..=i])).collect();
            let (scores, mut matrix) = (scores(&before, &phases), AccuracyMatrix::default());
            for (i, row) in phases {
                // What comes next was asked before it came, what comes later never.
                let later = (i + 1..rows.len()).map(|j| if j == i + 1 { before[j] } else { f64::NAN });
                matrix.push(row.iter().copied().chain(later).collect());
            }
            prop_assert_eq!(scores.average_accuracy(), matrix.average_accuracy());
            prop_assert_eq!(scores.anytime_accuracy(), matrix.anytime_accuracy());
            prop_assert_eq!(scores.backward_transfer(), matrix.backward_transfer());
            prop_assert_eq!(scores.forward_transfer(), matrix.forward_transfer(&vec![0.0; rows.len()]));
            prop_assert_eq!(scores.forgetting(), matrix.forgetting());
        }
    }
}
