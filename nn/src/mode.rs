//! What some layers need besides θ and their input: whether the network is being trained.

use thalweg_autograd::{Param, Params};
use thalweg_tensor::{Real, Rng};

use crate::BatchNorm;

/// How a pass is run: PyTorch's `train()` and `eval()`, as a value that is given to the layers that care.
///
/// Layers are handles and hold no state. So what dropout draws from, and what batch normalisation measures during a pass,
/// is kept by the caller, in here: plain data, to clone and to save.
///
/// ```
/// use thalweg_autograd::Params;
/// use thalweg_nn::Mode;
/// use thalweg_tensor::Rng;
///
/// let mut params = Params::<f64>::new();
/// let mean = params.add("norm.running_mean", [2], |_| 0.0);
/// let mut mode = Mode::train(Rng::new(1));
/// mode.track(mean, 0.1, &[1.0, 2.0]); // what a layer does during the pass
/// mode.update_buffers(&mut params); // what a learner does after it
/// assert_eq!(params.of(mean), [0.1, 0.2]);
/// ```
#[derive(Clone, Debug, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub enum Mode<T: Real = f32> {
    /// The network is used: nothing is dropped, running statistics are read.
    #[default]
    Eval,
    /// The network learns.
    Train(Training<T>),
}

/// What training needs besides θ.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(
        bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"),
        try_from = "Read<T>"
    )
)]
pub struct Training<T: Real = f32> {
    /// What random layers draw from.
    pub rng: Rng,
    notes: Vec<Note<T>>,
    /// How many of the notes are of late: the others are kept for their memory.
    pending: usize,
}

/// What training needs, as it is read: what is pending has been noted.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "Training", bound = "T: Real + serde::Deserialize<'de>")]
struct Read<T: Real> {
    rng: Rng,
    notes: Vec<Note<T>>,
    pending: usize,
}

#[cfg(feature = "serde")]
impl<T: Real> TryFrom<Read<T>> for Training<T> {
    type Error = String;

    fn try_from(Read { rng, notes, pending }: Read<T>) -> Result<Self, String> {
        if pending > notes.len() {
            return Err(format!("{pending} of {} notes cannot be pending", notes.len()));
        }
        Ok(Training { rng, notes, pending })
    }
}

/// What was measured during a pass, and what is to be done with it.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
struct Note<T: Real> {
    rule: Rule,
    values: Vec<T>,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Rule {
    /// A buffer moves towards the values, with this momentum.
    Towards(Param, f64),
    /// The running statistics of a norm follow the means and variances of a batch.
    Follow(BatchNorm),
}

impl<T: Real> Mode<T> {
    /// Training, with what random layers draw from.
    pub fn train(rng: Rng) -> Self {
        Mode::Train(Training { rng, notes: Vec::new(), pending: 0 })
    }

    /// Whether the network learns.
    pub fn is_training(&self) -> bool {
        matches!(self, Mode::Train(_))
    }

    /// Notes during a pass that a buffer of θ is to become `(1 − momentum) · buffer + momentum · values` after it. In
    /// [`Eval`](Mode::Eval) nothing is noted.
    pub fn track(&mut self, buffer: Param, momentum: f64, values: &[T]) {
        self.note(Rule::Towards(buffer, momentum), [values]);
    }

    /// Notes the means and variances of the batch that a norm has met.
    pub(crate) fn measured(&mut self, norm: BatchNorm, statistics: [&[T]; 2]) {
        self.note(Rule::Follow(norm), statistics);
    }

    fn note<const N: usize>(&mut self, rule: Rule, parts: [&[T]; N]) {
        let Mode::Train(Training { notes, pending, .. }) = self else { return };
        if *pending == notes.len() {
            notes.push(Note { rule, values: Vec::new() });
        }
        let note = &mut notes[*pending];
        note.rule = rule;
        note.values.clear();
        parts.into_iter().for_each(|values| note.values.extend_from_slice(values));
        *pending += 1;
    }

    /// Makes `part` the mode of a part of this pass: what it draws is its own, and nothing is noted yet.
    pub(crate) fn fork_into(&mut self, part: &mut Mode<T>) {
        match (self, part) {
            (Mode::Train(whole), Mode::Train(part)) => (part.rng, part.pending) = (whole.rng.fork(), 0),
            (Mode::Train(whole), part) => *part = Mode::train(whole.rng.fork()),
            (Mode::Eval, part) => *part = Mode::Eval,
        }
    }

    /// Takes over what was noted during a part of the pass, behind what was noted so far.
    pub(crate) fn absorb(&mut self, part: &mut Mode<T>) {
        let Mode::Train(Training { notes, pending, .. }) = part else { return };
        notes[..std::mem::take(pending)].iter().for_each(|note| self.note(note.rule, [&note.values]));
    }

    /// Moves the buffers of θ by what was noted since the last call, in the order in which it was: after several passes
    /// each of them counts, as if this had been called after each. If any of it is not finite, none is taken: as in an
    /// optimizer's step, one broken example does not undo what was learned.
    ///
    /// # Panics
    /// If a buffer has another length than what was measured for it.
    #[track_caller]
    pub fn update_buffers(&mut self, params: &mut Params<T>) {
        let Mode::Train(Training { notes, pending, .. }) = self else { return };
        let notes = &notes[..std::mem::take(pending)];
        if notes.iter().any(|note| note.values.iter().any(|value| !value.is_finite())) {
            return;
        }
        for Note { rule, values } in notes {
            match *rule {
                Rule::Follow(norm) => norm.follow(params, values),
                Rule::Towards(buffer, momentum) => {
                    let (buffer, momentum) = (params.of_mut(buffer), T::from_f64(momentum));
                    assert_eq!(
                        buffer.len(),
                        values.len(),
                        "update_buffers: another number of values than the buffer has"
                    );
                    for (old, &new) in buffer.iter_mut().zip(values) {
                        *old = (T::ONE - momentum) * *old + momentum * new;
                    }
                }
            }
        }
    }

    /// Whether nothing was noted since the last call of [`update_buffers`](Mode::update_buffers).
    pub fn is_settled(&self) -> bool {
        !matches!(self, Mode::Train(Training { pending: 1.., .. }))
    }

    /// Forgets what was noted since the last call of [`update_buffers`](Mode::update_buffers): of a pass whose step the
    /// optimizer refused.
    pub fn discard(&mut self) {
        if let Mode::Train(training) = self {
            training.pending = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_acts_once_and_in_order() {
        let mut params = Params::<f64>::new();
        let [a, b] = ["a", "b"].map(|name| params.add(name, [1], |_| 8.0));
        let mut mode = Mode::train(Rng::new(1));
        for _ in 0..2 {
            mode.track(a, 0.5, &[0.0]);
            mode.track(b, 1.0, &[3.0]);
            mode.track(a, 0.5, &[4.0]);
            mode.update_buffers(&mut params);
            mode.update_buffers(&mut params);
        }
        assert_eq!([params.of(a), params.of(b)], [[3.0], [3.0]]); // 8 → 4 → 4 → 2 → 3
    }

    #[test]
    fn what_is_not_finite_or_discarded_is_not_taken() {
        let mut params = Params::<f64>::new();
        let a = params.add("a", [2], |_| 8.0);
        let mut mode = Mode::train(Rng::new(1));
        mode.track(a, 0.5, &[4.0, 0.0]);
        mode.track(a, 0.5, &[0.0, f64::NAN]);
        mode.update_buffers(&mut params);
        mode.track(a, 0.5, &[0.0, 0.0]);
        mode.discard();
        mode.update_buffers(&mut params);
        assert_eq!(params.of(a), [8.0, 8.0]);
        mode.track(a, 0.5, &[4.0, 0.0]);
        mode.update_buffers(&mut params);
        assert_eq!(params.of(a), [6.0, 4.0]);
    }

    #[test]
    fn evaluation_notes_nothing() {
        let mut params = Params::<f64>::new();
        let a = params.add("a", [1], |_| 8.0);
        let mut mode = Mode::Eval;
        mode.track(a, 0.5, &[0.0]);
        mode.update_buffers(&mut params);
        assert_eq!(params.of(a), [8.0]);
        assert!(!mode.is_training() && Mode::<f32>::train(Rng::new(1)).is_training());
    }
}
