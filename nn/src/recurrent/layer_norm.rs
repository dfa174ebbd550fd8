//! Long short-term memory whose sums are normalised.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use super::lstm::FORGET;
use super::sequence::{unroll_last, unroll_of};
use super::weights::Weights;
use super::{Cell, CellOptions, LstmForm, LstmState, Stackable};

/// Long short-term memory with layer normalisation: `(x, (h, c)) → (h', c')`.
///
/// ```text
/// [i f g o] = LN(W_ih x; γ_ih, β_ih) + LN(W_hh h; γ_hh, β_hh)
/// c' = σ(f) ⊙ c + σ(i) ⊙ tanh(g)
/// h' = σ(o) ⊙ tanh(LN(c'; γ_c, β_c))
///
/// LN(z; γ, β) = γ ⊙ (z − mean z) / √(var z + ε) + β        over all numbers of z, ε = 10⁻⁵
///
/// x: [in] or [n, in]      h, c: [hidden] or [n, hidden]
/// W_ih: [4·hidden, in]    W_hh: [4·hidden, hidden]    γ_ih, β_ih, γ_hh, β_hh: [4·hidden]    γ_c, β_c: [hidden]
/// ```
///
/// Source: Ba, Kiros & Hinton 2016, equations 20 to 22; their bias b is in β_ih + β_hh. Parameters `weight_ih_l0` and
/// `weight_hh_l0` as those of [`Lstm`](super::Lstm), γ `norm_ih_weight_l0` (`norm_hh_…`, `norm_c_…`), ones at the start, and
/// β `norm_ih_bias_l0`, zeros at the start, none without biases.
///
/// New hidden units would change the mean and the deviation of what the old ones see, so it does not
/// [take in](super::GrowHidden) any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LayerNormLstm {
    weights: Weights,
    of_input: Norm,
    of_hidden: Norm,
    of_cell: Norm,
}

/// γ and β.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Norm {
    weight: Param,
    bias: Option<Param>,
}

impl LayerNormLstm {
    /// Adds the cell's parameters to θ, with biases.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, CellOptions::new(inputs, hidden), rng)
    }

    /// With or without β, and with a forget gate that begins as asked for.
    ///
    /// # Panics
    /// If the names are taken, or a forget bias is asked for without β.
    #[track_caller]
    pub fn with<T: Real>(params: &mut Params<T>, name: &str, options: CellOptions<LstmForm>, rng: &mut Rng) -> Self {
        Self::layer(params, [name, "l0"], &options, rng)
    }
}

impl Stackable for LayerNormLstm {
    type Form = LstmForm;

    fn layer<T: Real>(
        params: &mut Params<T>,
        [name, place]: [&str; 2],
        options: &CellOptions<LstmForm>,
        rng: &mut Rng,
    ) -> Self {
        let weights = Weights::new(params, [name, place], 4, &options.bias(false), rng);
        let mut norm = |of: &str, gates: usize| {
            let mut add = |part: &str, value: f64| {
                let (name, size) = (format!("{name}.norm_{of}_{part}_{place}"), gates * options.hidden);
                params.add_stacked(&name, gates, [size], |_| T::from_f64(value))
            };
            Norm { weight: add("weight", 1.0), bias: options.bias.then(|| add("bias", 0.0)) }
        };
        let (of_input, of_hidden, of_cell) = (norm("ih", 4), norm("hh", 4), norm("c", 1));
        if let Some(value) = options.form.forget_bias {
            let Some(bias) = of_input.bias else {
                panic!("recurrent: a bias of {value} asked for of a cell without biases")
            };
            params.of_mut(bias)[FORGET * options.hidden..][..options.hidden].fill(T::from_f64(value));
        }
        LayerNormLstm { weights, of_input, of_hidden, of_cell }
    }
}

impl Norm {
    /// `LN(z; γ, β)`.
    #[track_caller]
    fn forward<'p, T: Real>(&self, z: Var<'p, T>) -> Var<'p, T> {
        let (pass, eps) = (z.pass(), T::from_f64(1e-5));
        match self.bias {
            Some(bias) => z.layer_norm(pass.param(self.weight), pass.param(bias), eps),
            None => z.standardize(eps) * pass.param(self.weight),
        }
    }
}

impl Cell for LayerNormLstm {
    type State<'p, T: Real> = LstmState<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, state: LstmState<'p, T>) -> (Var<'p, T>, LstmState<'p, T>) {
        let of_input = self.of_input.forward(self.weights.of_input(x));
        let gates = of_input + self.of_hidden.forward(self.weights.of_hidden(state.h));
        let [i, f, g, o] = gates.split(gates.shape().rank() - 1);
        let c = f.sigmoid() * state.c + i.sigmoid() * g.tanh();
        let h = o.sigmoid() * self.of_cell.forward(c).tanh();
        (h, LstmState { h, c })
    }

    fn sequence_of<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        lengths: &[usize],
        state: LstmState<'p, T>,
    ) -> (Var<'p, T>, LstmState<'p, T>) {
        unroll_of(self, x, lengths, state)
    }

    fn last<'p, T: Real>(&self, x: Var<'p, T>, state: LstmState<'p, T>) -> (Var<'p, T>, LstmState<'p, T>) {
        unroll_last(self, x, state)
    }

    fn params(&self) -> Vec<Param> {
        let norms = [self.of_input, self.of_hidden, self.of_cell].into_iter();
        self.weights.params().chain(norms.flat_map(|norm| [Some(norm.weight), norm.bias]).flatten()).collect()
    }

    fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        self.weights.hidden(params)
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        self.weights.grow_inputs(params, by);
    }
}
