//! What a cell carries between passes.

use thalweg_tensor::{Real, Tensor};

use super::Portable;

/// What a recurrent cell carries from step to step, outside of any pass: plain data.
///
/// `[h]` for RNN and GRU, `[h, c]` for LSTM; each `[hidden]`, or `[n, hidden]` for a batch. Those of
/// [`Recurrent`](super::Recurrent) are PyTorch's: `[layers·directions, …, hidden]`.
#[derive(Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(
        bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"),
        try_from = "Read<T>"
    )
)]
pub struct State<T: Real = f32> {
    /// The tensors, in the order in which PyTorch returns them.
    pub parts: Vec<Tensor<T>>,
}

/// A state as it is read: each of its tensors has hidden units.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "State", bound = "T: Real + serde::Deserialize<'de>")]
struct Read<T: Real> {
    parts: Vec<Tensor<T>>,
}

#[cfg(feature = "serde")]
impl<T: Real> TryFrom<Read<T>> for State<T> {
    type Error = &'static str;

    fn try_from(Read { parts }: Read<T>) -> Result<Self, &'static str> {
        if parts.iter().any(|part| part.shape().rank() == 0) {
            Err("a state without hidden units")
        } else {
            Ok(State { parts })
        }
    }
}

/// Without parts: what a network carries that is not recurrent.
impl<T: Real> Default for State<T> {
    fn default() -> Self {
        State { parts: Vec::new() }
    }
}

/// `clone_from` a state of the same shapes allocates nothing.
impl<T: Real> Clone for State<T> {
    fn clone(&self) -> Self {
        State { parts: self.parts.clone() }
    }

    fn clone_from(&mut self, other: &Self) {
        if self.is_like(other) {
            let pairs = self.parts.iter_mut().zip(&other.parts);
            pairs.for_each(|(to, from)| to.as_mut_slice().copy_from_slice(from.as_slice()));
        } else {
            *self = other.clone();
        }
    }
}

impl<T: Real> State<T> {
    /// `count` tensors of zeros, each `[hidden]`.
    pub fn zeros(count: usize, hidden: usize) -> Self {
        State { parts: vec![Tensor::zeros([hidden]); count] }
    }

    /// Whether both hold tensors of the same shapes.
    pub fn is_like(&self, other: &Self) -> bool {
        self.parts.iter().map(Tensor::shape).eq(other.parts.iter().map(Tensor::shape))
    }

    /// Back to zeros: a sequence begins.
    pub fn reset(&mut self) {
        self.parts.iter_mut().for_each(|part| part.as_mut_slice().fill(T::ZERO));
    }

    /// Adds units at the end of the last axis of each tensor, with zeros, as hidden units are
    /// [added](super::GrowHidden::grow_hidden).
    pub fn grow(&mut self, by: usize) {
        for part in &mut self.parts {
            let (last, old) = (part.shape().rank() - 1, part.shape().dims()[part.shape().rank() - 1]);
            let new = old + by;
            let element = |i: usize| if i % new < old { part.as_slice()[i / new * old + i % new] } else { T::ZERO };
            *part = Tensor::from_fn(part.shape().with(last, new), element);
        }
    }

    /// Takes on these tensors of a pass, which have its shapes.
    #[track_caller]
    pub(crate) fn set<'p>(&mut self, parts: usize, carried: impl Portable<'p, T>) {
        assert!(self.parts.len() == parts, "leave: a state of {parts} tensors expected, found {}", self.parts.len());
        for (into, part) in self.parts.iter_mut().zip(carried.parts()) {
            let (expected, found) = (part.shape(), into.shape());
            assert!(found == expected, "leave: a state {expected} expected, found {found}");
            part.copy_to(into.as_mut_slice());
        }
    }

    /// Takes on what a pass carries, whatever it was before. Of the same shapes this allocates nothing.
    pub(super) fn take<'p>(&mut self, carried: impl Portable<'p, T>) {
        let mut count = 0;
        for part in carried.parts() {
            match self.parts.get_mut(count) {
                Some(into) if into.shape() == part.shape() => part.copy_to(into.as_mut_slice()),
                Some(into) => *into = part.to_tensor(),
                None => self.parts.push(part.to_tensor()),
            }
            count += 1;
        }
        self.parts.truncate(count);
    }

    /// The state of one example, for each of `n`.
    pub(crate) fn batch_of(self, n: usize) -> Self {
        let repeat = |part: &Tensor<T>| Tensor::new([n, part.as_slice().len()], part.as_slice().repeat(n));
        State { parts: self.parts.iter().map(repeat).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_parts() -> State {
        State { parts: vec![Tensor::from_slice(&[1.0, 2.0]), Tensor::from_slice(&[3.0, 4.0])] }
    }

    #[test]
    fn reset_forgets() {
        let mut state = two_parts();
        state.reset();
        assert_eq!(state, State::zeros(2, 2));
    }

    #[test]
    fn clone_from_copies_whatever_the_shapes_and_reuses_what_fits() {
        for mut state in [State::zeros(2, 2), State::zeros(1, 2), State::zeros(2, 3), State::default()] {
            let fits = state.parts.len() == 2 && state.parts[0].shape().len() == 2;
            let used = allocation_counter::measure(|| state.clone_from(&two_parts())).bytes_total;
            let anew = allocation_counter::measure(|| drop(two_parts())).bytes_total;
            assert_eq!(state, two_parts());
            assert_eq!(used == anew, fits, "two_parts itself took {anew} bytes of {used}");
        }
    }

    #[test]
    fn new_units_come_behind_the_old_ones_of_each_row() {
        let mut state = State { parts: vec![Tensor::new([2, 2], vec![1.0, 2.0, 3.0, 4.0])] };
        state.grow(1);
        assert_eq!(state.parts, [Tensor::new([2, 3], vec![1.0, 2.0, 0.0, 3.0, 4.0, 0.0])]);
    }

    #[test]
    fn a_batch_repeats_the_state_for_each_example() {
        let batch = State { parts: vec![Tensor::from_slice(&[1.0, 2.0])] }.batch_of(3);
        assert_eq!(batch.parts, [Tensor::new([3, 2], vec![1.0, 2.0, 1.0, 2.0, 1.0, 2.0])]);
    }
}
