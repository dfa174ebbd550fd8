//! What a recurrent network is made of.

/// The sizes of a [`Cell`](super::Cell), and its form: an activation for [`Rnn`](super::Rnn), equations for
/// [`Gru`](super::Gru).
///
/// ```
/// use thalweg_autograd::{Activation, Params};
/// use thalweg_nn::{CellOptions, Gru, GruForm, Lstm, LstmForm, Rnn};
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let rnn = Rnn::with(&mut params, "rnn", CellOptions::new(3, 8).form(Activation::Relu).bias(false), &mut rng);
/// let gru = Gru::with(&mut params, "gru", CellOptions::new(8, 8).form(GruForm::CHUNG), &mut rng);
/// let lstm = Lstm::with(&mut params, "lstm", CellOptions::new(8, 8).form(LstmForm::REMEMBERING), &mut rng);
/// assert_eq!(params.find("rnn.bias_ih_l0"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CellOptions<F> {
    /// The number of inputs.
    pub inputs: usize,
    /// The number of hidden units.
    pub hidden: usize,
    /// Whether there are biases.
    pub bias: bool,
    /// What is particular to the cell.
    pub form: F,
}

impl<F: Default> CellOptions<F> {
    /// PyTorch's form, with biases.
    pub fn new(inputs: usize, hidden: usize) -> Self {
        CellOptions { inputs, hidden, bias: true, form: F::default() }
    }
}

impl<F> CellOptions<F> {
    /// With or without biases.
    pub fn bias(self, bias: bool) -> Self {
        CellOptions { bias, ..self }
    }

    /// In this form.
    pub fn form(self, form: impl Into<F>) -> Self {
        CellOptions { form: form.into(), ..self }
    }
}

/// What a [`Recurrent`](super::Recurrent) network is made of: the options of PyTorch's `nn.RNN`, `nn.LSTM` and `nn.GRU`.
///
/// ```
/// use thalweg_autograd::Params;
/// use thalweg_nn::{Lstm, Recurrent, RecurrentOptions};
/// use thalweg_tensor::Rng;
///
/// let mut params = Params::<f32>::new();
/// let options = RecurrentOptions::new(3, 8).layers(2).bidirectional(true).dropout(0.2);
/// let lstm = Recurrent::<Lstm>::with(&mut params, "lstm", options, &mut Rng::new(1));
/// let second = params.find("lstm.weight_ih_l1_reverse").expect("PyTorch's name");
/// assert_eq!(params.view(second).shape().dims(), [4 * 8, 2 * 8]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RecurrentOptions<F> {
    /// The cells of the first layer. Those of later layers have as many inputs as the layer before has outputs.
    pub cell: CellOptions<F>,
    /// How many layers, one on top of the other.
    pub layers: usize,
    /// Whether each layer runs from the end to the beginning, too.
    pub bidirectional: bool,
    /// With which probability an output is dropped between layers, in training.
    pub dropout: f64,
    /// Whether [`forward`](super::Recurrent::forward) takes and gives `[n, t, …]`, not `[t, n, …]`.
    pub batch_first: bool,
    /// Whether the state before the first step is learned: parameters `h0` (and `c0`), `[layers·directions, hidden]`, zeros
    /// at first. Else it is zero.
    pub learned_start: bool,
}

impl<F: Default> RecurrentOptions<F> {
    /// PyTorch's defaults: one layer in one direction, time first.
    pub fn new(inputs: usize, hidden: usize) -> Self {
        CellOptions::new(inputs, hidden).into()
    }
}

impl<F> From<CellOptions<F>> for RecurrentOptions<F> {
    fn from(cell: CellOptions<F>) -> Self {
        let (bidirectional, batch_first, learned_start) = (false, false, false);
        RecurrentOptions { cell, layers: 1, bidirectional, dropout: 0.0, batch_first, learned_start }
    }
}

impl<F> RecurrentOptions<F> {
    /// With or without biases.
    pub fn bias(self, bias: bool) -> Self {
        RecurrentOptions { cell: self.cell.bias(bias), ..self }
    }

    /// With cells in this form.
    pub fn form(self, form: impl Into<F>) -> Self {
        RecurrentOptions { cell: self.cell.form(form), ..self }
    }

    /// This many layers.
    pub fn layers(self, layers: usize) -> Self {
        RecurrentOptions { layers, ..self }
    }

    /// In both directions, or in one.
    pub fn bidirectional(self, bidirectional: bool) -> Self {
        RecurrentOptions { bidirectional, ..self }
    }

    /// With dropout between layers.
    pub fn dropout(self, dropout: f64) -> Self {
        RecurrentOptions { dropout, ..self }
    }

    /// Batch first, or time first.
    pub fn batch_first(self, batch_first: bool) -> Self {
        RecurrentOptions { batch_first, ..self }
    }

    /// Beginning with a state that is learned, or with zeros.
    pub fn learned_start(self, learned_start: bool) -> Self {
        RecurrentOptions { learned_start, ..self }
    }
}
