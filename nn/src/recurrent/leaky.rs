//! The simple recurrent cell, of units that leak.

use thalweg_autograd::{Activation, Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use super::sequence::{unroll_last, unroll_of};
use super::{Cell, CellOptions, GrowHidden, Rnn, RnnForm, Stackable};

/// A leaky [`Rnn`]: `(x, h) → h'`, units that move a part of the way to what they hear.
///
/// ```text
/// h' = (1 − α) h + α φ(W_ih x + b_ih + W_hh h + b_hh)        0 < α ≤ 1
///
/// x: [in] or [n, in]    h: [hidden] or [n, hidden]
/// W_ih: [hidden, in]    W_hh: [hidden, hidden]    b_ih, b_hh: [hidden]
/// ```
///
/// What a unit said fades by 1 − α a step, with a time constant of 1/α steps; with α = 1 it is the [`Rnn`] itself. Weights and
/// names are the same.
///
/// Source: Jaeger, Lukoševičius, Popovici & Siewert 2007; Murray 2019, with α = 1/τ.
///
/// ```
/// use thalweg_nn::{Cell, CellOptions, LeakyForm, LeakyRnn, Params, Rng, Tape};
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let form = LeakyForm { alpha: 0.25, ..LeakyForm::default() };
/// let cell = LeakyRnn::with(&mut params, "rnn", CellOptions::new(1, 4).form(form), &mut rng);
/// cell.params().into_iter().for_each(|param| params.of_mut(param).fill(0.0)); // nobody says anything
/// let pass = tape.pass(&params);
/// let (h, _) = cell.step(pass.input(&[1.0]), pass.input(&[1.0; 4]));
/// assert_eq!(h.to_tensor().as_slice(), [0.75; 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LeakyRnn {
    /// φ, and the weights.
    pub rnn: Rnn,
    /// α: which part of the state is new at each step.
    pub alpha: f64,
}

/// The form of a [`LeakyRnn`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LeakyForm {
    /// φ.
    pub activation: Activation,
    /// α.
    pub alpha: f64,
}

/// tanh, and α = 0.1: a time constant of ten steps.
impl Default for LeakyForm {
    fn default() -> Self {
        LeakyForm { activation: Activation::Tanh, alpha: 0.1 }
    }
}

impl LeakyRnn {
    /// Adds the cell's parameters to θ, with biases, tanh and α = 0.1.
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
    /// If the names are taken, or unless `0 < α ≤ 1`.
    #[track_caller]
    pub fn with<T: Real>(params: &mut Params<T>, name: &str, options: CellOptions<LeakyForm>, rng: &mut Rng) -> Self {
        Self::layer(params, [name, "l0"], &options, rng)
    }
}

impl Stackable for LeakyRnn {
    type Form = LeakyForm;

    fn layer<T: Real>(
        params: &mut Params<T>,
        names: [&str; 2],
        options: &CellOptions<LeakyForm>,
        rng: &mut Rng,
    ) -> Self {
        let CellOptions { inputs, hidden, bias, form: LeakyForm { activation, alpha } } = *options;
        assert!(alpha > 0.0 && alpha <= 1.0, "leaky_rnn: 0 < α ≤ 1 expected, found {alpha}");
        let options = CellOptions { inputs, hidden, bias, form: RnnForm { activation } };
        LeakyRnn { rnn: Rnn::layer(params, names, &options, rng), alpha }
    }
}

impl Cell for LeakyRnn {
    type State<'p, T: Real> = Var<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        let (new, _) = self.rnn.step(x, h);
        let h = h * T::from_f64(1.0 - self.alpha) + new * T::from_f64(self.alpha);
        (h, h)
    }

    fn sequence_of<'p, T: Real>(&self, x: Var<'p, T>, lengths: &[usize], h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        unroll_of(self, x, lengths, h)
    }

    fn last<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        unroll_last(self, x, h)
    }

    fn params(&self) -> Vec<Param> {
        self.rnn.params()
    }

    fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        self.rnn.hidden(params)
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        self.rnn.grow_inputs(params, by);
    }
}

impl GrowHidden for LeakyRnn {
    fn grow_hidden<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        self.rnn.grow_hidden(params, by, rng);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recurrent::unroll;
    use thalweg_autograd::{Tape, gradcheck_params};
    use thalweg_tensor::Tensor;

    fn cells(alpha: f64) -> (Params<f64>, LeakyRnn, Tensor<f64>) {
        let (mut params, mut rng) = (Params::new(), Rng::new(1));
        let form = LeakyForm { alpha, ..LeakyForm::default() };
        let cell = LeakyRnn::with(&mut params, "rnn", CellOptions::new(2, 3).form(form), &mut rng);
        (params, cell, Tensor::normal([5, 2], 0.0, 1.0, &mut rng))
    }

    #[test]
    fn without_a_leak_it_is_an_rnn() {
        let (params, cell, x) = cells(1.0);
        let mut tape = Tape::new();
        let pass = tape.pass(&params);
        let [leaky, plain] = [
            unroll(&cell, pass.input(&x), cell.start(&pass, None)).0,
            unroll(&cell.rnn, pass.input(&x), cell.rnn.start(&pass, None)).0,
        ];
        assert_eq!(leaky.to_tensor(), plain.to_tensor());
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let (params, cell, x) = cells(0.3);
        gradcheck_params(&params, |pass| unroll(&cell, pass.input(&x), cell.start(pass, None)).0.square().sum())
            .expect("the gradient");
    }

    #[test]
    #[should_panic(expected = "leaky_rnn: 0 < α ≤ 1 expected, found 0")]
    fn units_that_hear_nothing_are_refused() {
        cells(0.0);
    }
}
