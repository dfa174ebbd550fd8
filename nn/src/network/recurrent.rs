//! The recurrent layers of a network, whichever they are.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::Real;

use super::{Chain, Layer, Network, NetworkState};
use crate::recurrent::{Cell, Elstm, Gru, LayerNormLstm, LeakyRnn, Lru, Lstm, Recurrent, Rnn, Rtu};
use crate::{Mode, State};

/// Recurrent layers, of one kind of cell: an item of a [`NetworkSpec`](super::NetworkSpec).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum AnyRecurrent {
    /// `rnn`.
    Rnn(Recurrent<Rnn>),
    /// `leaky_rnn`.
    LeakyRnn(Recurrent<LeakyRnn>),
    /// `lstm`.
    Lstm(Recurrent<Lstm>),
    /// `layer_norm_lstm`.
    LayerNormLstm(Recurrent<LayerNormLstm>),
    /// `gru`.
    Gru(Recurrent<Gru>),
    /// `lru`.
    Lru(Recurrent<Lru>),
    /// `rtu`.
    Rtu(Recurrent<Rtu>),
    /// `elstm`.
    Elstm(Recurrent<Elstm>),
}

/// The same of any recurrent layer.
macro_rules! each {
    ($stack:expr, $cell:ident => $what:expr) => {
        match $stack {
            AnyRecurrent::Rnn($cell) => $what,
            AnyRecurrent::LeakyRnn($cell) => $what,
            AnyRecurrent::Lstm($cell) => $what,
            AnyRecurrent::LayerNormLstm($cell) => $what,
            AnyRecurrent::Gru($cell) => $what,
            AnyRecurrent::Lru($cell) => $what,
            AnyRecurrent::Rtu($cell) => $what,
            AnyRecurrent::Elstm($cell) => $what,
        }
    };
}
pub(super) use each;

impl AnyRecurrent {
    /// Zeros: what they carry before the first step of one example.
    pub fn zero_state<T: Real>(&self, params: &Params<T>) -> State<T> {
        each!(self, cells => cells.zero_state(params))
    }

    /// The handles of their parameters.
    pub fn params(&self) -> Vec<Param> {
        each!(self, cells => cells.params())
    }
}

impl Chain {
    /// The recurrent layers, in order.
    pub(super) fn recurrent<'a>(&'a self, visit: &mut dyn FnMut(&'a AnyRecurrent)) {
        for (layer, _) in &self.layers {
            match layer {
                Layer::Recurrent(stack) => visit(stack),
                Layer::Residual(inner) => inner.recurrent(visit),
                _ => {}
            }
        }
    }
}

impl Network {
    /// Its recurrent layers, from the input to the output, those within residual ones included.
    pub fn recurrent_layers(&self) -> Vec<&AnyRecurrent> {
        let mut found = Vec::new();
        self.chain.recurrent(&mut |stack| found.push(stack));
        found
    }

    /// [`step`](Network::step) with recurrent layers that somebody else runs: `run` is given the place of each among the
    /// [recurrent layers](Network::recurrent_layers), and what comes into it, and says what it gives. Nothing is carried.
    /// `see` is [shown](Network::step_observed) what each layer gives.
    ///
    /// This is for rules that learn without a tape through time: they cut the pass at the layer, by giving a
    /// [leaf](thalweg_autograd::Pass::leaf).
    ///
    /// ```
    /// use thalweg_nn::{Grads, Mode, Network, Params, Rng, Tape};
    ///
    /// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
    /// let net = Network::new(&mut params, "net", &"linear:3 > gru:4 > linear:1".parse()?, [2], &mut rng)?;
    /// let mut grads = Grads::like(&params);
    /// let pass = tape.pass(&params);
    /// let mut cut = None;
    /// let run = &mut |place, x: thalweg_nn::Var<'_>| {
    ///     assert_eq!((place, x.dims()), (0, [3]));
    ///     *cut.insert(pass.leaf(&[0.1, 0.2, 0.3, 0.4])) // what the GRU says
    /// };
    /// let y = net.step_with(pass.input(&[1.0, 2.0]), &mut Mode::Eval, run, &mut |_, _| {});
    /// y.backward(&mut grads);
    /// let mut dh = [0.0; 4];
    /// cut.unwrap().grad_to(&mut dh); // ∂L/∂h, for whoever has run it
    /// assert!(dh.iter().all(|&d| d != 0.0));
    /// # Ok::<(), thalweg_nn::spec::SpecError>(())
    /// ```
    ///
    /// # Panics
    /// As [`step`](Network::step), and if what `run` gives has another shape than the layer's output.
    #[track_caller]
    pub fn step_with<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        mode: &mut Mode<T>,
        run: &mut dyn FnMut(usize, Var<'p, T>) -> Var<'p, T>,
        see: &mut dyn FnMut(usize, Var<'p, T>),
    ) -> Var<'p, T> {
        self.refuse_whole_sequences();
        let nothing: NetworkState<'p, T> = self.enter(x.pass(), &State::default());
        self.run(x, &[0, 1], super::forward::Way::With(run), nothing, mode, see).0
    }
}
