//! Backpropagation through time, truncated: how a network learns from a stream without an end.

use thalweg_autograd::{Pass, Var};
use thalweg_tensor::{Real, Shape, View};

use super::{Portable, State};

/// TBPTT(k₁, k₂): every `k₁` steps, the errors of these steps are sent back through the last `k₂ ≥ k₁` steps.
///
/// With `L_s` the loss of step `s`, `t` a multiple of `k₁`, and `∂/∂θ` in which the state before step `t − k₂ + 1` is a
/// constant:
///
/// ```text
/// θ ← θ − η Σ ∂L_s/∂θ,    s = t − k₁ + 1 … t
/// ```
///
/// Each loss counts once. `k₁ = 1` is the most precise, `k₁ = k₂` the cheapest (the stream is cut into pieces), and with `k₂` no
/// shorter than the stream the gradient is the whole one. The window is run again with the present θ each time, and where
/// there is dropout with other masks; the state before it is the one that an earlier run has left.
///
/// Batch normalisation of the batch measures each step as often as it runs, up to `k₂/k₁` times and in pieces, and a piece of
/// a single row makes it panic: take its rule for [streams](crate::norm::BatchNormOptions::stream).
///
/// What runs over it is what the program says: a [`Cell`](super::Cell), layers with dropout, a whole
/// `Network`, an embedding in front of either. It is given what the stream begins with, too, and as long as
/// the window reaches back there, that is part of the pass: a state that is [learned](super::Recurrent) learns.
///
/// Source: Williams & Peng 1990 (their BPTT(h; h')); the notation k₁, k₂: Sutskever 2013.
///
/// ```
/// use thalweg_autograd::{Grads, Params, Tape};
/// use thalweg_nn::{Adam, Cell, Gru, Linear, Mode, Optimizer, Recurrent, RecurrentOptions, Tbptt};
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let options = RecurrentOptions::new(1, 8).layers(2).dropout(0.05).learned_start(true);
/// let gru = Recurrent::<Gru>::with(&mut params, "gru", options, &mut rng);
/// let head = Linear::new(&mut params, "head", 8, 1, &mut rng);
/// let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.01));
///
/// // Predict the next value of a sine: learn every 5 steps, through the last 15.
/// let (mut window, mut targets, mut losses) = (Tbptt::new(5, 15), Vec::new(), Vec::new());
/// let mut mode = Mode::train(rng);
/// for t in 0..2000 {
///     let [x, next] = [t, t + 1].map(|t| (t as f32 * 0.3).sin());
///     targets.push(next);
///     if window.push(&[x]) {
///         let pass = tape.pass(&params);
///         let outputs = window.outputs(&pass, || gru.start(&pass, None), |x, h| gru.forward(x, h, &mut mode));
///         let loss = head.forward(outputs).mse(pass.input(&targets).reshape([5, 1])); // of the last 5 steps
///         loss.backward(&mut grads);
///         losses.push(loss.item());
///         adam.step(&mut params, &mut grads);
///         targets.clear();
///     }
/// }
/// assert!(losses[390..].iter().sum::<f32>() < 0.2 * losses[..10].iter().sum::<f32>());
/// ```
///
/// The inputs of a stream are numbers, or `X`: indices of words, for instance, one for each example of a batch
/// ([`push_items`](Tbptt::push_items)).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(
        bound(
            serialize = "T: Real + serde::Serialize, X: serde::Serialize",
            deserialize = "T: Real + serde::Deserialize<'de>, X: serde::Deserialize<'de>"
        ),
        try_from = "Read<T, X>"
    )
)]
pub struct Tbptt<T: Real = f32, X = T> {
    every: usize,
    back: usize,
    /// Before the first step of the window, if the beginning of the stream lies further back.
    state: State<T>,
    /// Whether the window reaches back to the beginning.
    whole: bool,
    /// Of all steps of the window, one behind the other.
    inputs: Vec<X>,
    /// Of the input of one step.
    shape: Shape,
    steps: usize,
    /// How many of them have not been learned from.
    pending: usize,
}

impl<T: Real, X> Tbptt<T, X> {
    /// Every `every` steps through the last `back`.
    ///
    /// # Panics
    /// Unless `1 ≤ every ≤ back`.
    #[track_caller]
    pub fn new(every: usize, back: usize) -> Self {
        assert!((1..=back).contains(&every), "tbptt: 1 ≤ k₁ ≤ k₂ expected, found {every} and {back}");
        let (state, inputs, shape) = (State::default(), Vec::new(), Shape::scalar());
        Tbptt { every, back, state, whole: true, inputs, shape, steps: 0, pending: 0 }
    }

    /// Takes in the next step: one item, or one for each example of a batch. Whether it is time to learn.
    ///
    /// # Panics
    /// If there is another number of them than before.
    #[track_caller]
    pub fn push_items(&mut self, items: impl IntoIterator<Item = X>) -> bool {
        let from = self.inputs.len();
        self.inputs.extend(items);
        self.pushed([self.inputs.len() - from].into())
    }

    /// [`outputs`](Tbptt::outputs) of a stream of [items](Tbptt::push_items): `run` is given those of all its steps, one step
    /// behind the other.
    ///
    /// ```
    /// use thalweg_nn::{Cell, Embedding, Gru, Params, Rng, Tape, Tbptt};
    ///
    /// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
    /// let words = Embedding::new(&mut params, "words", 100, 4, &mut rng);
    /// let gru = Gru::new(&mut params, "gru", 4, 8, &mut rng);
    /// let mut window = Tbptt::new(2, 3);
    /// for word in [17, 4, 99, 4] {
    ///     if window.push_items([word]) {
    ///         let pass = tape.pass(&params);
    ///         let run = |seen: &[usize], h| gru.sequence(words.forward(&pass, seen), h);
    ///         assert_eq!(window.outputs_of_items(&pass, || gru.start(&pass, None), run).dims(), [2, 8]);
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    /// As [`outputs`](Tbptt::outputs).
    #[track_caller]
    pub fn outputs_of_items<'p, S: Portable<'p, T>>(
        &mut self,
        pass: &'p Pass<'p, T>,
        start: impl FnOnce() -> S,
        mut run: impl FnMut(&[X], S) -> (Var<'p, T>, S),
    ) -> Var<'p, T> {
        self.outputs_by(pass, start, |inputs, _, state| run(inputs, state))
    }

    /// Another stream begins. What has not been learned from is forgotten; the inputs may have another shape.
    pub fn restart(&mut self) {
        self.inputs.clear();
        (self.steps, self.pending, self.whole) = (0, 0, true);
    }

    /// The state before the window, if the beginning of the stream lies further back: it [grows](State::grow) with the
    /// network.
    pub fn state_mut(&mut self) -> Option<&mut State<T>> {
        if self.whole { None } else { Some(&mut self.state) }
    }

    #[track_caller]
    fn pushed(&mut self, shape: Shape) -> bool {
        assert!(self.steps == 0 || shape == self.shape, "tbptt: input {shape} after {}", self.shape);
        (self.shape, self.steps, self.pending) = (shape, self.steps + 1, self.pending + 1);
        self.pending >= self.every
    }

    /// `run(inputs, how many steps, state)`.
    #[track_caller]
    fn outputs_by<'p, S: Portable<'p, T>>(
        &mut self,
        pass: &'p Pass<'p, T>,
        start: impl FnOnce() -> S,
        mut run: impl FnMut(&[X], usize, S) -> (Var<'p, T>, S),
    ) -> Var<'p, T> {
        let (steps, pending) = (self.steps, std::mem::take(&mut self.pending));
        assert!(pending > 0, "tbptt: there was no step to learn from");
        let state = if self.whole { start() } else { S::enter(pass, &self.state) };
        // Next time the window begins behind the steps that will then be too old.
        let old = steps.saturating_add(self.every).saturating_sub(self.back);
        let (first, second) = self.inputs.split_at(old * self.shape.len());
        let outputs = if old == 0 {
            run(second, steps, state).0
        } else {
            let (outputs, state) = run(first, old, state);
            self.state.take(state);
            self.whole = false;
            match old == steps {
                true => outputs,
                false => Var::concat(&[outputs, run(second, steps - old, state).0], 0),
            }
        };
        self.inputs.drain(..old * self.shape.len());
        self.steps -= old;
        outputs.slice(0, steps - pending..steps)
    }
}

impl<T: Real> Tbptt<T> {
    /// Takes in the input of the next step, `[in]` or `[n, in]`. Whether it is time to learn.
    ///
    /// # Panics
    /// If it has another shape than those before.
    #[track_caller]
    pub fn push<'x>(&mut self, x: impl Into<View<'x, T>>) -> bool {
        let x = x.into();
        self.inputs.extend(x.iter());
        self.pushed(x.shape())
    }

    /// The outputs `[k₁, …]` of the steps since the last call (at the end of a stream, of however many there are), by the
    /// parameters of this pass, with the `k₂` last steps behind them. What is too old for the next time is forgotten.
    ///
    /// `start` is what the stream begins with, for as long as the window reaches back there. `run` goes over a sequence, time
    /// first, also where layers are `batch_first` otherwise: `([t, …], state) → ([t, …], state)`. It is called for what will
    /// be forgotten, and for the rest.
    ///
    /// # Panics
    /// If there was no step since the last call, or the shapes do not fit.
    #[track_caller]
    pub fn outputs<'p, S: Portable<'p, T>>(
        &mut self,
        pass: &'p Pass<'p, T>,
        start: impl FnOnce() -> S,
        mut run: impl FnMut(Var<'p, T>, S) -> (Var<'p, T>, S),
    ) -> Var<'p, T> {
        let shape = self.shape;
        let sequence = |inputs: &[T], steps: usize| pass.input(inputs).reshape(shape.inserted(0, steps));
        self.outputs_by(pass, start, |inputs, steps, state| run(sequence(inputs, steps), state))
    }
}

/// A window as it is read. It is trusted once its numbers fit each other.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "Tbptt", bound = "T: Real + serde::Deserialize<'de>, X: serde::Deserialize<'de>")]
struct Read<T: Real, X> {
    every: usize,
    back: usize,
    state: State<T>,
    whole: bool,
    inputs: Vec<X>,
    shape: Shape,
    steps: usize,
    pending: usize,
}

#[cfg(feature = "serde")]
impl<T: Real, X> TryFrom<Read<T, X>> for Tbptt<T, X> {
    type Error = String;

    fn try_from(read: Read<T, X>) -> Result<Self, String> {
        let Read { every, back, state, whole, inputs, shape, steps, pending } = read;
        let fits = (1..=back).contains(&every)
            && shape.len().checked_mul(steps) == Some(inputs.len())
            && steps <= if shape.is_empty() { 1 << 16 } else { u32::MAX as usize } // what costs no byte orders no work
            && steps.checked_sub(pending).is_some_and(|learned| learned <= back - every);
        if !fits {
            let found = inputs.len();
            return Err(format!(
                "{found} inputs cannot be {pending} of {steps} steps {shape} of TBPTT({every}, {back})"
            ));
        }
        Ok(Tbptt { every, back, state, whole, inputs, shape, steps, pending })
    }
}
