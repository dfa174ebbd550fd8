//! Connectionist temporal classification (Graves, Fernández, Gomez & Schmidhuber 2006): sequences of labels without times.
//!
//! A network gives, at each of T frames, log-probabilities of C classes, one of which is the *blank*. An *alignment* picks
//! a class for each frame; it stands for the labels that remain when repeats are merged and then blanks dropped:
//! `−−aa−abb → aab`. The probability of labels is the sum over all alignments that stand for them. There are
//! exponentially many, and [`alignment`] sums them in `O(T · labels)`.

mod alignment;

use thalweg_autograd::{Op, Var};
use thalweg_tensor::{Real, Shape, kernels};

use self::alignment::Alignments;
use super::{Losses, Reduction};

/// `ℓ = −ln p(labels | frames)`: log-probabilities `[T, n, C]` of `n` sequences → one loss for each, `[n]`; or of one,
/// `[T, C]` → `[]`.
///
/// The labels of all sequences follow one another in one slice. A sequence may be shorter than the longest: what comes
/// after its end has no slope.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::loss::CtcLoss;
///
/// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let pass = tape.pass(&params);
/// // Two frames, in which blank and label 1 are equally likely: 1−, −1 and 11 of four alignments stand for [1].
/// let frames = pass.zeros([2, 2]).log_softmax();
/// let loss = CtcLoss::default().forward(frames, &[1], &[2], &[1]);
/// assert!((loss.item() + 0.75_f64.ln()).abs() < 1e-15);
/// ```
///
/// The slope is that of this formula, for any log-probabilities. (PyTorch's is that of the formula after `log_softmax`
/// with respect to its input; behind `log_softmax` the two are the same.)
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CtcLoss {
    /// The class that stands for no label; 0 at first.
    pub blank: usize,
    /// Whether a sequence that is too short for its labels, so that its loss is infinite and its slope NaN, counts as a
    /// loss of 0 without slope.
    pub zero_infinity: bool,
    /// How the losses are put together. The mean divides each loss by the number of its labels, or 1 if it has none, and
    /// then by the number of sequences.
    pub reduction: Reduction,
}

impl CtcLoss {
    /// The reduced loss of log-probabilities, the labels of all sequences, and for each sequence how many of the frames
    /// and how many of the labels are its own.
    ///
    /// # Panics
    /// As [`each`](CtcLoss::each).
    #[track_caller]
    pub fn forward<'p, T: Real>(
        &self,
        log_probabilities: Var<'p, T>,
        labels: &[usize],
        input_lengths: &[usize],
        target_lengths: &[usize],
    ) -> Var<'p, T> {
        self.each(log_probabilities, labels, input_lengths, target_lengths).reduce(self.reduction)
    }

    /// One loss for each sequence.
    ///
    /// Forward `ℓ = −ln p`, with `p` the sum over alignments; backward `x̄ₜₖ −= ℓ̄ γₜₖ`, with `γₜₖ` the share of `p` of the
    /// alignments that pick class `k` at frame `t`.
    ///
    /// # Panics
    /// If the log-probabilities have neither two nor three axes, the lengths are not one of each kind for each sequence, a
    /// sequence has more frames than there are, the labels are not as many as their lengths say, or a label is the blank
    /// or no class.
    #[track_caller]
    pub fn each<'p, T: Real>(
        &self,
        log_probabilities: Var<'p, T>,
        labels: &[usize],
        input_lengths: &[usize],
        target_lengths: &[usize],
    ) -> Losses<'p, T> {
        let shape = log_probabilities.shape();
        let (frames, sequences, classes, each) = match *shape.dims() {
            [frames, classes] => (frames, 1, classes, Shape::scalar()),
            [frames, sequences, classes] => (frames, sequences, classes, Shape::new(&[sequences])),
            _ => panic!("ctc: log-probabilities [T, C] or [T, n, C] expected, found {shape}"),
        };
        assert!(self.blank < classes, "ctc: there is no class {} for the blank in {shape}", self.blank);
        self.check(shape, [frames, sequences, classes], labels, input_lengths, target_lengths);

        let longest = target_lengths.iter().copied().max().unwrap_or(0);
        let work = Alignments::<T>::work(frames, longest);
        let forward = |[x]: [&[T]; 1], y: &mut [T]| {
            let (losses, rest) = y.split_at_mut(sequences);
            let (slopes, work) = rest.split_at_mut(x.len());
            slopes.fill(T::ZERO);
            let mut labels = labels;
            for (n, loss) in losses.iter_mut().enumerate() {
                let (own, others) = labels.split_at(target_lengths[n]);
                labels = others;
                let alignments = Alignments {
                    x,
                    start: n * classes,
                    stride: sequences * classes,
                    frames: input_lengths[n],
                    labels: own,
                    blank: self.blank,
                };
                let log_probability = alignments.forward(work);
                if log_probability == T::NEG_INFINITY && self.zero_infinity {
                    continue; // both are zero
                }
                *loss = -log_probability;
                alignments.backward(log_probability, work, slopes);
            }
        };
        let op = Op::new("ctc").attributes([sequences, classes]).saving(shape.len() + work);
        let losses = log_probabilities.pass().record(op, [log_probabilities], each, forward, |g| {
            let ([sequences, classes], slopes, dy) = (g.attributes(), g.saved(), g.dy());
            let dx = g.dx(0).chunks_exact_mut(classes);
            for (i, (dx, slope)) in dx.zip(slopes.chunks_exact(classes)).enumerate() {
                kernels::axpy(dy[i % sequences], slope, dx);
            }
        });
        let fill = |[]: [&[T]; 0], y: &mut [T]| {
            y.iter_mut().zip(target_lengths).for_each(|(y, &length)| *y = T::from_f64(length.max(1) as f64));
        };
        let lengths = log_probabilities.pass().record("target_lengths", [], each, fill, |_| {});
        Losses::with_length(losses, lengths)
    }

    #[track_caller]
    fn check(&self, shape: Shape, dims: [usize; 3], labels: &[usize], inputs: &[usize], targets: &[usize]) {
        let [frames, sequences, classes] = dims;
        assert!(
            inputs.len() == sequences && targets.len() == sequences,
            "ctc: log-probabilities {shape}, {} input lengths and {} target lengths",
            inputs.len(),
            targets.len()
        );
        if let Some(bad) = inputs.iter().find(|&&length| length > frames) {
            panic!("ctc: an input length of {bad} in log-probabilities {shape}");
        }
        let expected: usize = targets.iter().sum();
        assert!(labels.len() == expected, "ctc: {} labels, but the target lengths sum to {expected}", labels.len());
        if let Some(bad) = labels.iter().find(|&&label| label >= classes || label == self.blank) {
            panic!("ctc: there is no label {bad} in log-probabilities {shape} with blank {}", self.blank);
        }
    }
}

#[cfg(test)]
mod tests;
