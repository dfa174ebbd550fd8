//! The gated recurrent unit, in its two published forms.

use thalweg_autograd::{Param, Params, Pass, Var};
use thalweg_tensor::{Real, Rng};

use super::sequence::{fused, unroll_last, unroll_of};
use super::weights::Weights;
use super::{Cell, CellOptions, GrowHidden, Stackable};

/// Where the reset gate acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reset {
    /// On the product: `r ⊙ (W_hn h + b_hn)`. PyTorch's, and cuDNN's.
    #[default]
    After,
    /// On the state: `W_hn (r ⊙ h) + b_hn`. Cho et al. 2014.
    Before,
}

/// What the update gate weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Update {
    /// The old state: `h' = z ⊙ h + (1 − z) ⊙ n`. PyTorch's; Cho et al. 2014.
    #[default]
    Keeps,
    /// The new one: `h' = (1 − z) ⊙ h + z ⊙ n`. Chung et al. 2014.
    Takes,
}

/// Which of the published equations a [`Gru`] computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GruForm {
    /// Where the reset gate acts.
    pub reset: Reset,
    /// What the update gate weighs.
    pub update: Update,
}

impl GruForm {
    /// PyTorch's equations: the default.
    pub const PYTORCH: GruForm = GruForm { reset: Reset::After, update: Update::Keeps };
    /// The equations of Chung, Gulcehre, Cho & Bengio 2014, which many texts print: the reset gate inside the product,
    /// and z weighing the new state.
    pub const CHUNG: GruForm = GruForm { reset: Reset::Before, update: Update::Takes };
}

/// Gated recurrent unit, one layer of PyTorch's `nn.GRU`: `(x, h) → h'`.
///
/// ```text
/// r = σ(W_ir x + b_ir + W_hr h + b_hr)
/// z = σ(W_iz x + b_iz + W_hz h + b_hz)
/// n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))       Reset::After
///     tanh(W_in x + b_in + W_hn (r ⊙ h) + b_hn)       Reset::Before
/// h' = z ⊙ h + (1 − z) ⊙ n                            Update::Keeps
///      (1 − z) ⊙ h + z ⊙ n                            Update::Takes
///
/// x: [in] or [n, in]      h: [hidden] or [n, hidden]
/// W_ih: [3·hidden, in]    W_hh: [3·hidden, hidden]    b_ih, b_hh: [3·hidden]    gates in the order r z n
/// ```
///
/// [`GruForm::PYTORCH`], the default, is `After` and `Keeps`. Many texts print the unit as
///
/// ```text
/// z = σ(W_xz x + W_hz h + b_z)        r = σ(W_xr x + W_hr h + b_r)
/// h̃ = tanh(W_xh̃ x + W_hh̃ (r ⊙ h) + b_h̃)
/// h' = (1 − z) ⊙ h + z ⊙ h̃
/// ```
///
/// which is [`GruForm::CHUNG`], `Before` and `Takes`, with `b = b_i + b_h` for each gate:
/// `Gru::with(params, name, CellOptions::new(inputs, hidden).form(GruForm::CHUNG), rng)`.
///
/// Source: Cho et al. 2014; Chung et al. 2014.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gru {
    weights: Weights,
    form: GruForm,
}

impl Gru {
    /// Adds the cell's parameters to θ: PyTorch's form, with biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, CellOptions::new(inputs, hidden), rng)
    }

    /// In a form of choice, with or without biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn with<T: Real>(params: &mut Params<T>, name: &str, options: CellOptions<GruForm>, rng: &mut Rng) -> Self {
        Self::layer(params, [name, "l0"], &options, rng)
    }

    /// The handles of its parameters.
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// Which equations it computes.
    pub fn form(&self) -> GruForm {
        self.form
    }
}

impl Stackable for Gru {
    type Form = GruForm;

    fn layer<T: Real>(params: &mut Params<T>, names: [&str; 2], options: &CellOptions<GruForm>, rng: &mut Rng) -> Self {
        Gru { weights: Weights::new(params, names, 3, options, rng), form: options.form }
    }
}

impl Gru {
    /// For each gate its own `h ↦ W_h h + b_h`: views of the stacked parameters.
    fn hidden_gates<'p, T: Real>(&self, pass: &'p Pass<'p, T>) -> [impl Fn(Var<'p, T>) -> Var<'p, T>; 3] {
        let weights = pass.param(self.weights.weight_hh).split::<3>(0);
        let biases = self.weights.bias.map(|[_, bias]| pass.param(bias).split::<3>(0));
        std::array::from_fn(|gate| {
            move |h: Var<'p, T>| match biases {
                Some(biases) => h.affine(weights[gate], biases[gate]),
                None => h.linear(weights[gate]),
            }
        })
    }
}

impl Cell for Gru {
    type State<'p, T: Real> = Var<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        match self.form {
            GruForm::PYTORCH => self.last(x.unsqueeze(0), h),
            _ => self.equations(x, h),
        }
    }

    fn equations<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        let axis = x.shape().rank() - 1;
        let [x_r, x_z, x_n] = self.weights.of_input(x).split(axis);
        let (z, n) = match self.form.reset {
            Reset::After => {
                let [h_r, h_z, h_n] = self.weights.of_hidden(h).split(axis);
                let r = (x_r + h_r).sigmoid();
                ((x_z + h_z).sigmoid(), (x_n + r * h_n).tanh())
            }
            Reset::Before => {
                let [w_r, w_z, w_n] = self.hidden_gates(x.pass());
                let r = (x_r + w_r(h)).sigmoid();
                ((x_z + w_z(h)).sigmoid(), (x_n + w_n(r * h)).tanh())
            }
        };
        let h = match self.form.update {
            Update::Keeps => n + z * (h - n),
            Update::Takes => h + z * (n - h),
        };
        (h, h)
    }

    fn sequence_of<'p, T: Real>(&self, x: Var<'p, T>, lengths: &[usize], h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        match self.form {
            GruForm::PYTORCH => fused(x, lengths, |x| x.gru(h, self.weights.vars(x.pass()), lengths)),
            _ => unroll_of(self, x, lengths, h),
        }
    }

    fn last<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        match self.form {
            GruForm::PYTORCH => {
                let (_, h) = self.sequence(x, h);
                (h, h)
            }
            _ => unroll_last(self, x, h),
        }
    }

    fn params(&self) -> Vec<Param> {
        self.weights.params().collect()
    }

    fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        self.weights.hidden(params)
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        self.weights.grow_inputs(params, by);
    }
}

impl GrowHidden for Gru {
    fn grow_hidden<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        self.weights.grow_hidden(params, by, rng);
    }
}
