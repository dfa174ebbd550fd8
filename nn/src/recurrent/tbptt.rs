//! Backpropagation through time, truncated: how a cell learns from a stream without an end.

use thalweg_autograd::{Pass, Var};
use thalweg_tensor::{Real, Shape, View};

use super::{Cell, State};

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
/// shorter than the stream the gradient is the whole one. The window is run again with the present θ each time; the state
/// before it is the one that an earlier run has left.
///
/// Source: Williams & Peng 1990 (their BPTT(h; h')); the notation k₁, k₂: Sutskever 2013.
///
/// ```
/// use thalweg_autograd::{Grads, Params, Tape};
/// use thalweg_nn::{Adam, Cell, Gru, Linear, Optimizer, Tbptt};
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let gru = Gru::new(&mut params, "gru", 1, 8, &mut rng);
/// let head = Linear::new(&mut params, "head", 8, 1, &mut rng);
/// let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.01));
///
/// // Predict the next value of a sine: learn every 5 steps, through the last 15.
/// let (mut window, mut targets, mut losses) = (Tbptt::new(5, 15, gru.zero_state(&params)), Vec::new(), Vec::new());
/// for t in 0..2000 {
///     let [x, next] = [t, t + 1].map(|t| (t as f32 * 0.3).sin());
///     targets.push(next);
///     if window.push(&[x]) {
///         let pass = tape.pass(&params);
///         let guesses = head.forward(window.outputs(&gru, &pass)); // of the last 5 steps: [5, 1]
///         let loss = guesses.mse(pass.input(&targets).reshape([5, 1]));
///         loss.backward(&mut grads);
///         losses.push(loss.item());
///         adam.step(&mut params, &mut grads);
///         targets.clear();
///     }
/// }
/// assert!(losses[390..].iter().sum::<f32>() < 0.1 * losses[..10].iter().sum::<f32>());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Tbptt<T: Real = f32> {
    every: usize,
    back: usize,
    /// Before the first step of the window. It [grows](State::grow) with the cell.
    pub start: State<T>,
    /// Of all steps of the window, one behind the other.
    inputs: Vec<T>,
    /// Of the input of one step.
    shape: Shape,
    steps: usize,
    /// How many of them have not been learned from.
    pending: usize,
}

impl<T: Real> Tbptt<T> {
    /// Every `every` steps through the last `back`, from a state on.
    ///
    /// # Panics
    /// Unless `1 ≤ every ≤ back`.
    #[track_caller]
    pub fn new(every: usize, back: usize, start: State<T>) -> Self {
        assert!((1..=back).contains(&every), "tbptt: 1 ≤ k₁ ≤ k₂ expected, found {every} and {back}");
        Tbptt { every, back, start, inputs: Vec::new(), shape: Shape::scalar(), steps: 0, pending: 0 }
    }

    /// Takes in the input of the next step, `[in]` or `[n, in]`. Whether it is time to learn.
    ///
    /// # Panics
    /// If it has another shape than those before.
    #[track_caller]
    pub fn push<'x>(&mut self, x: impl Into<View<'x, T>>) -> bool {
        let x = x.into();
        assert!(self.steps == 0 || x.shape() == self.shape, "tbptt: input {} after {}", x.shape(), self.shape);
        self.shape = x.shape();
        self.inputs.extend(x.iter());
        (self.steps, self.pending) = (self.steps + 1, self.pending + 1);
        self.pending >= self.every
    }

    /// The outputs `[k₁, …, hidden]` of the steps since the last call (at the end of a stream, of however many there are),
    /// by the parameters of this pass, with the `k₂` last steps behind them. What is too old for the next time is forgotten.
    ///
    /// # Panics
    /// If there was no step since the last call, or the shapes do not fit the cell.
    #[track_caller]
    pub fn outputs<'p, C: Cell>(&mut self, cell: &C, pass: &'p Pass<'p, T>) -> Var<'p, T> {
        let (steps, pending) = (self.steps, std::mem::take(&mut self.pending));
        assert!(pending > 0, "tbptt: there was no step to learn from");
        let x = pass.input(&self.inputs).reshape(self.shape.inserted(0, steps));
        // Next time the window begins behind the steps that will then be too old.
        let old = (steps + self.every).saturating_sub(self.back);
        let start = cell.enter(pass, &self.start);
        let outputs = if old == 0 {
            cell.sequence(x, start).0
        } else {
            let (outputs, state) = cell.sequence(x.slice(0, 0..old), start);
            cell.leave(state, &mut self.start);
            match old == steps {
                true => outputs,
                false => Var::concat(&[outputs, cell.sequence(x.slice(0, old..steps), state).0], 0),
            }
        };
        self.inputs.drain(..old * self.shape.len());
        self.steps -= old;
        outputs.slice(0, steps - pending..steps)
    }

    /// Another sequence begins, in this state. What has not been learned from is forgotten.
    pub fn restart(&mut self, start: &State<T>) {
        self.start.clone_from(start);
        self.inputs.clear();
        (self.steps, self.pending) = (0, 0);
    }
}
