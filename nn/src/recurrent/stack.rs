//! Several layers of cells, in one direction or both.

use thalweg_autograd::{Param, Params, Pass, Var};
use thalweg_tensor::{Real, Rng, Shape, Tensor};

use super::arrange::reversed;
use super::{Carried, Cell, GrowHidden, RecurrentOptions, Stackable, State};
use crate::{Dropout, Mode, init};

/// A recurrent network of several layers, PyTorch's `nn.RNN`, `nn.LSTM` and `nn.GRU`: `[t, in]` → `[t, directions·hidden]`,
/// or `[t, n, in]` → `[t, n, directions·hidden]`.
///
/// The outputs of a layer are the inputs of the next; where both directions run, those of the one that begins at the end
/// stand behind the others'. Names are PyTorch's: `name.weight_ih_l1_reverse`. So is the state: for all layers and
/// directions together, `[layers·directions, hidden]` or `[layers·directions, n, hidden]`, for each of `h` (and `c`).
///
/// It is itself a [`Cell`], whose steps and sequences are those of use, without dropout. What learns by sequences calls
/// [`forward`](Recurrent::forward), what learns by steps [`step_in`](Recurrent::step_in).
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::{Cell, Gru, Mode, Recurrent, RecurrentOptions};
/// use thalweg_tensor::{Rng, Tensor};
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let options = RecurrentOptions::new(3, 8).layers(2).bidirectional(true);
/// let gru = Recurrent::<Gru>::with(&mut params, "gru", options, &mut rng);
///
/// // Two sequences, of 5 and of 3 steps.
/// let pass = tape.pass(&params);
/// let x = pass.input(&Tensor::uniform([5, 2, 3], -1.0, 1.0, &mut rng));
/// let (outputs, last) = gru.forward_of(x, &[5, 3], gru.start(&pass, Some(2)), &mut Mode::Eval);
/// assert_eq!((outputs.shape().dims(), last.shape().dims()), (&[5, 2, 16][..], &[4, 2, 8][..]));
/// assert!(outputs.row(4).row(1).with(|behind_the_end| behind_the_end == [0.0; 16]));
///
/// // Both whole, from zeros.
/// let (whole, _) = gru.forward_from_start(x, &mut Mode::Eval);
/// assert_eq!(whole.row(4).row(0).to_tensor(), outputs.row(4).row(0).to_tensor());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(deserialize = "C: Cell + serde::Deserialize<'de>"), try_from = "Read<C>")
)]
pub struct Recurrent<C> {
    /// Layer by layer; in each the one from the beginning, then the one from the end.
    cells: Vec<C>,
    bidirectional: bool,
    dropout: f64,
    batch_first: bool,
    /// `h0` (and `c0`), where the first state is learned.
    start: Vec<Param>,
}

/// A network as it is read. It is trusted once it could have been [made](Recurrent::with).
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "Recurrent")]
struct Read<C> {
    cells: Vec<C>,
    bidirectional: bool,
    dropout: f64,
    batch_first: bool,
    start: Vec<Param>,
}

#[cfg(feature = "serde")]
impl<C: Cell> TryFrom<Read<C>> for Recurrent<C> {
    type Error = String;

    fn try_from(read: Read<C>) -> Result<Self, String> {
        let Read { cells, bidirectional, dropout, batch_first, start } = read;
        let (parts, directions) = (<C::State<'static, f32>>::PARTS, if bidirectional { 2 } else { 1 });
        if cells.is_empty() || cells.len() % directions != 0 {
            return Err(format!(
                "a recurrent network of {} cells in {directions} directions has no layers",
                cells.len()
            ));
        }
        if !(0.0..=1.0).contains(&dropout) || !(start.is_empty() || start.len() == parts) {
            return Err(format!("a recurrent network with dropout {dropout} and {} of {parts} starts", start.len()));
        }
        Ok(Recurrent { cells, bidirectional, dropout, batch_first, start })
    }
}

impl<C: Stackable> Recurrent<C> {
    /// Adds the parameters of one layer in one direction to θ: PyTorch's defaults.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, RecurrentOptions::new(inputs, hidden), rng)
    }

    /// With layers, directions and all else of choice.
    ///
    /// # Panics
    /// If the names are taken, there is no layer, or the dropout is no probability.
    #[track_caller]
    pub fn with<T: Real>(
        params: &mut Params<T>,
        name: &str,
        options: RecurrentOptions<C::Form>,
        rng: &mut Rng,
    ) -> Self {
        let RecurrentOptions { mut cell, layers, bidirectional, dropout, batch_first, learned_start } = options;
        assert!(layers > 0, "recurrent: at least one layer expected");
        assert!((0.0..=1.0).contains(&dropout), "recurrent: dropout {dropout} is no probability");
        let suffixes = if bidirectional { &["", "_reverse"][..] } else { &[""] };
        let (mut cells, hidden) = (Vec::new(), cell.hidden);
        for layer in 0..layers {
            for suffix in suffixes {
                cells.push(C::layer(params, [name, &format!("l{layer}{suffix}")], &cell, rng));
            }
            cell.inputs = suffixes.len() * hidden;
        }
        let parts = if learned_start { <C::State<'static, T>>::PARTS } else { 0 };
        let mut add = |part: &&str| params.add(&format!("{name}.{part}"), [cells.len(), hidden], init::zeros());
        let start = ["h0", "c0"][..parts].iter().map(&mut add).collect();
        Recurrent { cells, bidirectional, dropout, batch_first, start }
    }
}

impl<C> Recurrent<C> {
    /// Its cells, layer by layer; in each the one from the beginning, then the one from the end.
    pub fn cells(&self) -> &[C] {
        &self.cells
    }
}

impl<C: Cell> Recurrent<C> {
    /// [`forward`](Recurrent::forward) from the [start](Cell::start), as PyTorch's when it is given no state: from zeros, or
    /// from the state that is learned.
    ///
    /// # Panics
    /// As [`forward`](Recurrent::forward).
    #[track_caller]
    pub fn forward_from_start<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> (Var<'p, T>, C::State<'p, T>) {
        let batch = match *x.shape().dims() {
            [n, _, _] if self.batch_first => Some(n),
            [_, n, _] => Some(n),
            _ => None,
        };
        self.forward(x, self.start(x.pass(), batch), mode)
    }

    /// A whole sequence, time first or batch first as chosen: the outputs of the last layer, and the state to carry on. One
    /// fused node for each layer and direction, where the cell has one.
    ///
    /// # Panics
    /// If the sequence is empty, or the shapes do not fit.
    #[track_caller]
    pub fn forward<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        state: C::State<'p, T>,
        mode: &mut Mode<T>,
    ) -> (Var<'p, T>, C::State<'p, T>) {
        self.forward_of(x, &[], state, mode)
    }

    /// [`forward`](Recurrent::forward) of a batch whose sequences have these [lengths](Cell::sequence_of). The direction
    /// that begins at the end begins at each sequence's own.
    ///
    /// # Panics
    /// As [`forward`](Recurrent::forward), and if the lengths do not fit.
    #[track_caller]
    pub fn forward_of<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        lengths: &[usize],
        state: C::State<'p, T>,
        mode: &mut Mode<T>,
    ) -> (Var<'p, T>, C::State<'p, T>) {
        let turned = |x: Var<'p, T>| if self.batch_first && x.rank() == 3 { x.permute(&[1, 0, 2]) } else { x };
        let (outputs, state) = self.sequences(turned(x), lengths, state, mode);
        (turned(outputs), state)
    }

    /// A single [step](Cell::step), with dropout between the layers in training.
    ///
    /// # Panics
    /// If the network runs from the end, too, or the shapes do not fit.
    #[track_caller]
    pub fn step_in<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        state: C::State<'p, T>,
        mode: &mut Mode<T>,
    ) -> (Var<'p, T>, C::State<'p, T>) {
        assert!(!self.bidirectional, "step: a network that also runs from the end has no single steps");
        self.layers(x, state, mode, |cell, _, x, state| cell.step(x, state))
    }

    /// Time first.
    #[track_caller]
    fn sequences<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        lengths: &[usize],
        state: C::State<'p, T>,
        mode: &mut Mode<T>,
    ) -> (Var<'p, T>, C::State<'p, T>) {
        self.layers(x, state, mode, |cell, from_the_end, x, state| {
            if from_the_end {
                let (outputs, state) = cell.sequence_of(reversed(x, lengths), lengths, state);
                (reversed(outputs, lengths), state)
            } else {
                cell.sequence_of(x, lengths, state)
            }
        })
    }

    /// Layer by layer: `run(cell, whether it runs from the end, x, state)`, dropout in between, and all states together.
    #[track_caller]
    fn layers<'p, T: Real>(
        &self,
        mut x: Var<'p, T>,
        state: C::State<'p, T>,
        mode: &mut Mode<T>,
        run: impl Fn(&C, bool, Var<'p, T>, C::State<'p, T>) -> (Var<'p, T>, C::State<'p, T>),
    ) -> (Var<'p, T>, C::State<'p, T>) {
        let (shape, cells) = (state.part(0).shape(), self.cells.len());
        assert!(shape.dims().first() == Some(&cells), "recurrent: state [{cells}, …] expected, found {shape}");
        let mut last = None;
        let directions = if self.bidirectional { 2 } else { 1 };
        for (layer, cells) in self.cells.chunks(directions).enumerate() {
            let input = if layer == 0 { x } else { Dropout { p: self.dropout }.forward(x, mode) };
            for (direction, cell) in cells.iter().enumerate() {
                let start = state.map(|part| part.row(layer * directions + direction));
                let (outputs, end) = run(cell, direction == 1, input, start);
                x = if direction == 0 { outputs } else { Var::concat(&[x, outputs], outputs.rank() - 1) };
                last = Some(appended(last, end));
            }
        }
        (x, last.unwrap_or(state))
    }
}

/// A state, one more in front of which others may stand: `[k, …]` and `[…]` → `[k + 1, …]`.
fn appended<'p, T: Real, S: Carried<'p, T>>(before: Option<S>, next: S) -> S {
    let next = next.map(|part| part.unsqueeze(0));
    match before {
        None => next,
        Some(before) => S::build(|part| Var::concat(&[before.part(part), next.part(part)], 0)),
    }
}

impl<C: Cell> Cell for Recurrent<C> {
    type State<'p, T: Real> = C::State<'p, T>;

    /// What is learned of it, or zeros.
    fn start<'p, T: Real>(&self, pass: &'p Pass<'p, T>, n: Option<usize>) -> C::State<'p, T> {
        let one = Shape::from([self.cells.len(), self.hidden(pass.params())]);
        let shape = n.map_or(one, |n| one.inserted(1, n));
        Carried::build(|part| match (self.start.get(part), n) {
            (None, _) => pass.zeros(shape),
            (Some(&learned), None) => pass.param(learned),
            (Some(&learned), Some(_)) => pass.param(learned).unsqueeze(1).broadcast_to(shape),
        })
    }

    /// Without dropout. Panics if the network runs from the end, too.
    fn step<'p, T: Real>(&self, x: Var<'p, T>, state: C::State<'p, T>) -> (Var<'p, T>, C::State<'p, T>) {
        self.step_in(x, state, &mut Mode::Eval)
    }

    fn equations<'p, T: Real>(&self, x: Var<'p, T>, state: C::State<'p, T>) -> (Var<'p, T>, C::State<'p, T>) {
        assert!(!self.bidirectional, "step: a network that also runs from the end has no single steps");
        self.layers(x, state, &mut Mode::Eval, |cell, _, x, state| cell.equations(x, state))
    }

    /// Time first, without dropout.
    fn sequence_of<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        lengths: &[usize],
        state: C::State<'p, T>,
    ) -> (Var<'p, T>, C::State<'p, T>) {
        self.sequences(x, lengths, state, &mut Mode::Eval)
    }

    fn params(&self) -> Vec<Param> {
        self.cells.iter().flat_map(Cell::params).chain(self.start.iter().copied()).collect()
    }

    fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        self.cells[0].hidden(params)
    }

    fn zero_state<T: Real>(&self, params: &Params<T>) -> State<T> {
        self.cells[0].zero_state(params).batch_of(self.cells.len())
    }

    fn zero_states<T: Real>(&self, params: &Params<T>, n: usize) -> State<T> {
        let spread = |part: &Tensor<T>| Tensor::zeros([self.cells.len(), n, part.shape().dims()[1]]);
        State { parts: self.zero_state(params).parts.iter().map(spread).collect() }
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        let first = if self.bidirectional { 2 } else { 1 };
        self.cells[..first].iter().for_each(|cell| cell.grow_inputs(params, by));
    }
}

impl<C: GrowHidden> Recurrent<C> {
    /// Adds hidden units to every layer, which do not change any [old output](GrowHidden::grow_hidden) by a bit.
    ///
    /// # Panics
    /// If the network runs from the end, too: the outputs of both directions lie one behind the other, and growth keeps
    /// everything old at its index.
    #[track_caller]
    pub fn grow_hidden<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        assert!(!self.bidirectional, "grow_hidden: the outputs of two directions cannot grow in place");
        for (layer, cell) in self.cells.iter().enumerate() {
            cell.grow_hidden(params, by, rng);
            if layer > 0 {
                cell.grow_inputs(params, by);
            }
        }
        for &start in &self.start {
            params.grow(start, 1, by, init::zeros());
        }
    }
}
