//! What a network carries from step to step.

use thalweg_autograd::{Params, Pass, Var};
use thalweg_tensor::Real;

use super::{AnyRecurrent, Network, each};
use crate::recurrent::{Carried, Cell, Portable, State};

/// The most tensors that a network carries: `h` of a recurrent layer, or its `h` and `c`.
pub(super) const MOST: usize = 8;

/// What a [`Network`] carries from step to step, as variables of a pass. Nothing where no layer is recurrent.
#[derive(Clone, Copy, Debug)]
pub struct NetworkState<'p, T: Real = f32> {
    pub(super) parts: [Option<Var<'p, T>>; MOST],
}

impl Network {
    /// Zeros: what is carried before the first step of one example.
    pub fn zero_state<T: Real>(&self, params: &Params<T>) -> State<T> {
        let mut state = State::default();
        self.chain.recurrent(&mut |stack| state.parts.extend(stack.zero_state(params).parts));
        state
    }

    /// Zeros for a batch of `n` examples.
    pub fn zero_states<T: Real>(&self, params: &Params<T>, n: usize) -> State<T> {
        let mut state = State::default();
        self.chain.recurrent(&mut |stack| state.parts.extend(each!(stack, c => c.zero_states(params, n)).parts));
        state
    }

    /// What is carried, as data of a pass. No gradient flows behind it.
    ///
    /// # Panics
    /// If there are more tensors than any network carries.
    #[track_caller]
    pub fn enter<'p, T: Real>(&self, pass: &'p Pass<'p, T>, state: &State<T>) -> NetworkState<'p, T> {
        Portable::enter(pass, state)
    }

    /// Copies what is carried out of a pass.
    ///
    /// # Panics
    /// If `into` has other shapes.
    #[track_caller]
    pub fn leave<T: Real>(&self, state: NetworkState<'_, T>, into: &mut State<T>) {
        into.set(state.parts().count(), state);
    }
}

impl<'p, T: Real> Portable<'p, T> for NetworkState<'p, T> {
    #[track_caller]
    fn enter(pass: &'p Pass<'p, T>, state: &State<T>) -> Self {
        assert!(state.parts.len() <= MOST, "enter: at most {MOST} tensors expected, found {}", state.parts.len());
        NetworkState { parts: std::array::from_fn(|part| state.parts.get(part).map(|part| pass.input(part))) }
    }

    fn parts(self) -> impl Iterator<Item = Var<'p, T>> {
        self.parts.into_iter().flatten()
    }
}

/// The carried tensors, which the recurrent layers take one after the other.
pub(super) struct Parts<'a, 'p, T: Real> {
    pub(super) parts: &'a mut [Option<Var<'p, T>>; MOST],
    pub(super) at: usize,
}

impl<'p, T: Real> Parts<'_, 'p, T> {
    /// Gives the next layer what it carries, and puts what it gives back in its place.
    #[track_caller]
    pub(super) fn through<S: Carried<'p, T>>(&mut self, layer: impl FnOnce(S) -> (Var<'p, T>, S)) -> Var<'p, T> {
        let at = self.at;
        let (y, next) = layer(S::build(|part| match self.parts.get(at + part) {
            Some(&Some(part)) => part,
            _ => panic!("network: a state of more than {} tensors expected", at + part),
        }));
        (0..S::PARTS).for_each(|part| self.parts[at + part] = Some(next.part(part)));
        self.at += S::PARTS;
        y
    }
}
