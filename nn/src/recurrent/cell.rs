//! What recurrent cells have in common.

use thalweg_autograd::{Param, Params, Pass, Var};
use thalweg_tensor::{Real, Rng, Shape};

use super::{CellOptions, State};

/// A recurrent network that goes from step to step: a single cell, or [layers](super::Recurrent) of them.
pub trait Cell {
    /// What is carried from step to step, as variables of a pass: `h`, or `(h, c)`.
    type State<'p, T: Real>: Carried<'p, T>;

    /// One step, `[in]` or `[n, in]`: the output `h'` and the state to carry on. As one fused node where there is one for
    /// the cell: LSTM, and GRU in PyTorch's form.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn step<'p, T: Real>(&self, x: Var<'p, T>, state: Self::State<'p, T>) -> (Var<'p, T>, Self::State<'p, T>);

    /// [`step`](Cell::step), written as the cell's equations: its readable form.
    ///
    /// # Panics
    /// As [`step`](Cell::step).
    fn equations<'p, T: Real>(&self, x: Var<'p, T>, state: Self::State<'p, T>) -> (Var<'p, T>, Self::State<'p, T>) {
        self.step(x, state)
    }

    /// A whole sequence, time first: `[t, in]` → outputs `[t, hidden]`, or `[t, n, in]` → `[t, n, hidden]`, and the state
    /// to carry on. What `t` single steps give ([`unroll`](super::unroll)), as one fused node where there is one for the
    /// cell: RNN, LSTM, and GRU in PyTorch's form.
    ///
    /// # Panics
    /// If the sequence is empty, or the shapes do not fit.
    fn sequence<'p, T: Real>(&self, x: Var<'p, T>, state: Self::State<'p, T>) -> (Var<'p, T>, Self::State<'p, T>) {
        self.sequence_of(x, &[], state)
    }

    /// [`sequence`](Cell::sequence) of a batch whose sequences have these lengths, from 0 to `t`, in any order. What lies
    /// behind the end of a sequence has no influence, the outputs there are 0, and its last state is that at its own end:
    /// what PyTorch makes of a packed sequence. Of a sequence of length 0, which PyTorch does not take, all outputs are 0 and
    /// the last state is the given one. No lengths: all are whole.
    ///
    /// # Panics
    /// As [`sequence`](Cell::sequence), and if the lengths do not fit.
    fn sequence_of<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        lengths: &[usize],
        state: Self::State<'p, T>,
    ) -> (Var<'p, T>, Self::State<'p, T>);

    /// [`sequence`](Cell::sequence) when only its end is of interest: the last output and the state to carry on. Allocates
    /// nothing once the tape has its size.
    ///
    /// # Panics
    /// As [`sequence`](Cell::sequence).
    fn last<'p, T: Real>(&self, x: Var<'p, T>, state: Self::State<'p, T>) -> (Var<'p, T>, Self::State<'p, T>) {
        let (outputs, state) = self.sequence(x, state);
        (outputs.row(outputs.shape().dims()[0] - 1), state)
    }

    /// The state before the first step, for one example or for a batch of `n`: zeros, or what a
    /// [network](super::Recurrent) has learned of it.
    fn start<'p, T: Real>(&self, pass: &'p Pass<'p, T>, n: Option<usize>) -> Self::State<'p, T> {
        let one = Shape::from([self.hidden(pass.params())]);
        let zeros = pass.zeros(n.map_or(one, |n| one.inserted(0, n)));
        Carried::build(|_| zeros)
    }

    /// The carried state as data of a pass. No gradient flows behind it: this is where history is cut.
    ///
    /// # Panics
    /// If the cell carries another number of tensors.
    #[track_caller]
    fn enter<'p, T: Real>(&self, pass: &'p Pass<'p, T>, state: &State<T>) -> Self::State<'p, T> {
        Portable::enter(pass, state)
    }

    /// Copies the state out of a pass, to carry it on.
    ///
    /// # Panics
    /// If `into` has another shape.
    #[track_caller]
    fn leave<T: Real>(&self, state: Self::State<'_, T>, into: &mut State<T>) {
        into.set(<Self::State<'static, T>>::PARTS, state);
    }

    /// The handles of its parameters, in the order in which they were added to θ.
    ///
    /// ```
    /// use thalweg_nn::{Cell, Lstm, Params, Rng};
    ///
    /// let mut params = Params::<f32>::new();
    /// let lstm = Lstm::new(&mut params, "lstm", 3, 8, &mut Rng::new(1));
    /// lstm.params().into_iter().for_each(|param| params.set_trainable(param, false));
    /// assert!(params.layout().entries().iter().all(|entry| !entry.trainable()));
    /// ```
    fn params(&self) -> Vec<Param>;

    /// How many hidden units there are (in each layer and direction).
    fn hidden<T: Real>(&self, params: &Params<T>) -> usize;

    /// Zeros: the state before the first step of one example.
    fn zero_state<T: Real>(&self, params: &Params<T>) -> State<T> {
        State::zeros(<Self::State<'static, T>>::PARTS, self.hidden(params))
    }

    /// Zeros for a batch of `n` examples.
    fn zero_states<T: Real>(&self, params: &Params<T>, n: usize) -> State<T> {
        self.zero_state(params).batch_of(n)
    }

    /// Adds inputs, with weights of zero: no output changes by a bit, whatever the new inputs are.
    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize);
}

/// What comes into a pass from a [`State`] and goes back into one: what a cell [carries](Carried), and what a whole
/// network does.
pub trait Portable<'p, T: Real>: Copy {
    /// As data of a pass. No gradient flows behind it.
    ///
    /// # Panics
    /// If it consists of another number of tensors.
    fn enter(pass: &'p Pass<'p, T>, state: &State<T>) -> Self;

    /// Its variables, in the order of the [`State`].
    fn parts(self) -> impl Iterator<Item = Var<'p, T>>;
}

/// What a [`Cell`] carries within a pass: one variable, or several. Those of [layers](super::Recurrent) have an axis more,
/// in front.
pub trait Carried<'p, T: Real>: Portable<'p, T> {
    /// How many variables there are.
    const PARTS: usize;

    /// Made of its variables, in the order in which PyTorch returns them.
    fn build(part: impl FnMut(usize) -> Var<'p, T>) -> Self;

    /// One of its variables.
    ///
    /// # Panics
    /// If there are no more than `index`.
    fn part(self, index: usize) -> Var<'p, T>;

    /// The tensors of a [`State`], as data of a pass.
    ///
    /// # Panics
    /// If there is another number of them.
    #[track_caller]
    fn input(pass: &'p Pass<'p, T>, state: &State<T>) -> Self {
        let found = state.parts.len();
        assert!(found == Self::PARTS, "enter: a state of {} tensors expected, found {found}", Self::PARTS);
        Self::build(|part| pass.input(&state.parts[part]))
    }

    /// The same of each variable.
    fn map(self, mut f: impl FnMut(Var<'p, T>) -> Var<'p, T>) -> Self {
        Self::build(|index| f(self.part(index)))
    }
}

impl<'p, T: Real> Portable<'p, T> for Var<'p, T> {
    #[track_caller]
    fn enter(pass: &'p Pass<'p, T>, state: &State<T>) -> Self {
        Self::input(pass, state)
    }

    fn parts(self) -> impl Iterator<Item = Var<'p, T>> {
        std::iter::once(self)
    }
}

impl<'p, T: Real> Carried<'p, T> for Var<'p, T> {
    const PARTS: usize = 1;

    fn build(mut part: impl FnMut(usize) -> Var<'p, T>) -> Self {
        part(0)
    }

    fn part(self, index: usize) -> Var<'p, T> {
        assert!(index == 0, "part: there is no part {index} in a state of one");
        self
    }
}

/// A cell of which [`Recurrent`](super::Recurrent) makes layers.
pub trait Stackable: Cell + Sized {
    /// What is particular to the cell: see [`CellOptions`].
    type Form: Default;

    /// Adds the parameters of one layer in one direction to θ. Their names begin with the first of the two and end in the
    /// second: `["lstm", "l1_reverse"]` gives `lstm.weight_ih_l1_reverse`.
    ///
    /// # Panics
    /// If the names are taken.
    fn layer<T: Real>(
        params: &mut Params<T>,
        names: [&str; 2],
        options: &CellOptions<Self::Form>,
        rng: &mut Rng,
    ) -> Self;
}

/// A cell that takes in hidden units without changing what it computes.
pub trait GrowHidden: Stackable {
    /// Adds hidden units at the end. They begin as in a new cell, but no old unit hears of them: with the state
    /// [grown](State::grow), every old output is bit-identical right after. Whatever reads the outputs grows with them, with
    /// weights of zero: `head.grow_inputs(params, by)`.
    ///
    /// The new units hear at once, and the gradient of the weights with which they will be heard is not zero: they learn
    /// from the next step on. Net2Net (Chen, Goodfellow & Shlens 2016) asks the same of a net that grows, and splits units,
    /// which is exact up to rounding.
    fn grow_hidden<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng);
}
