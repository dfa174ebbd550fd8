//! Random feedback local online learning, without the random feedback.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Param, Params, Var};
use thalweg_nn::recurrent::Weights;
use thalweg_nn::{Cell, Rnn, unroll_of};
use thalweg_tensor::Real;

use super::snap1::{Linear, Local, Snap1};

/// An [`Rnn`] whose units leak: a [`Cell`], over the same weights.
///
/// ```text
///   h' = (1 − α) h + α φ(W_ih x + b_ih + W_hh h + b_hh)        0 < α ≤ 1
/// ```
///
/// With α = 1 it is the [`Rnn`] itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leaky {
    /// φ, and the weights.
    pub rnn: Rnn,
    /// α: which part of the state is new at each step.
    pub alpha: f64,
}

/// RFLO (Murray 2019), of an [`Rnn`] whose units [leak](Leaky): the influence of θ fades with the leak alone.
///
/// ```text
///   T ← (1 − α) T + α φ'(a) uᵀ                  ∇L += diag(∂L/∂h) T
/// ```
///
/// That is [e-prop](Snap1::eprop) of such units, and this is another name of it. Murray sends ∂L/∂h back by fixed random
/// weights; whoever asks for that gives [`learn`](super::Traced::learn) such a `dh`. The gradient is exact where
/// `W_hh = 0`. With α = 1, of the newest step alone.
///
/// ```
/// use thalweg_nn::{Grads, Params, Rng, Rnn};
/// use thalweg_online::recurrent::{Rflo, Traced};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let rnn = Rnn::new(&mut params, "rnn", 1, 4, &mut rng);
/// let (mut layer, mut grads) = (Rflo::rflo(rnn, 0.1, &params), Grads::like(&params));
/// layer.step(&params, &[1.0]);
/// layer.step(&params, &[0.0]); // the input is gone, its trace is not
/// layer.learn(&params, &[1.0; 4], &mut grads, &mut [0.0]);
/// assert!(grads.of(rnn.weights().weight_ih).iter().all(|&g| g > 0.0));
/// ```
pub type Rflo<T = f32> = Snap1<Leaky, T>;

impl<T: Real> Rflo<T> {
    /// RFLO with the leak α, from a state of zeros.
    ///
    /// # Panics
    /// Unless `0 < α ≤ 1`.
    #[track_caller]
    pub fn rflo(rnn: Rnn, alpha: f64, params: &Params<T>) -> Self {
        assert!(alpha > 0.0 && alpha <= 1.0, "rflo: 0 < α ≤ 1 expected, found {alpha}");
        Snap1::eprop(Leaky { rnn, alpha }, params)
    }
}

impl Local for Leaky {
    const GATES: usize = 1;

    fn weights(&self) -> Weights {
        self.rnn.weights()
    }

    /// The gain is `α φ'`, and `κ = (1 − α) + α φ' W_kk`.
    fn linearise<T: Real>(&self, params: &Params<T>, x: &[T], own: T, linear: &mut Linear<T>) {
        self.rnn.linearise(params, x, own, linear);
        let (new, old) = (T::from_f64(self.alpha), T::from_f64(1.0 - self.alpha));
        let Linear { h, h_before, gains, hidden_gains, carry, .. } = linear;
        h.iter_mut().zip(h_before).for_each(|(h, before)| *h = old * *before + new * *h);
        gains.iter_mut().chain(hidden_gains).for_each(|gain| *gain *= new);
        carry.iter_mut().for_each(|carry| *carry = old + new * *carry);
    }
}

impl Cell for Leaky {
    type State<'p, T: Real> = Var<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        let (new, _) = self.rnn.step(x, h);
        let h = h * T::from_f64(1.0 - self.alpha) + new * T::from_f64(self.alpha);
        (h, h)
    }

    fn sequence_of<'p, T: Real>(&self, x: Var<'p, T>, lengths: &[usize], h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        unroll_of(self, x, lengths, h)
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, assert_near, bptt, learned};
    use super::super::{Rtrl, Traced};
    use super::*;
    use proptest::prelude::*;
    use thalweg_nn::Activation;

    fn rnn(case: &Case, recurrent: f64) -> (Params<f64>, Rnn) {
        let mut params = Params::new();
        let rnn = Rnn::with(&mut params, "rnn", case.options().form(Activation::Tanh), &mut case.rng());
        params.of_mut(rnn.weights().weight_hh).iter_mut().for_each(|w| *w *= recurrent);
        (params, rnn)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn rflo_is_exact_where_units_hear_inputs_alone(case in Case::any(3, 4, 6), alpha in 0.05..1.0) {
            let (params, rnn) = rnn(&case, 0.0);
            let found = learned(&mut Rflo::rflo(rnn, alpha, &params), &params, &case);
            assert_near(&found.gradient, &bptt(&Leaky { rnn, alpha }, &params, &case));
        }

        #[test]
        fn a_leaky_cell_is_one_under_every_rule(case in Case::any(3, 4, 6), alpha in 0.05..1.0) {
            let (params, rnn) = rnn(&case, 1.0);
            let leaky = Leaky { rnn, alpha };
            let exact = learned(&mut Rtrl::new(leaky, &params), &params, &case);
            assert_near(&exact.gradient, &bptt(&leaky, &params, &case));
            let found = learned(&mut Rflo::rflo(rnn, alpha, &params), &params, &case);
            found.outputs.iter().zip(&exact.outputs).for_each(|(found, exact)| assert_near(found, exact));
            found.dx.iter().zip(&exact.dx).for_each(|(found, exact)| assert_near(found, exact));
        }

        #[test]
        fn without_a_leak_rflo_sees_the_newest_step_alone(case in Case::any(3, 4, 6)) {
            let (params, rnn) = rnn(&case, 1.0);
            let found = learned(&mut Rflo::rflo(rnn, 1.0, &params), &params, &case);
            assert_eq!(found.gradient, learned(&mut Snap1::eprop(rnn, &params), &params, &case).gradient);
        }
    }

    /// By hand: φ the identity, W_ih = 1, W_hh = 0, x = 1, 0, 0: the trace of W_ih is α (1 − α)ᵗ.
    #[test]
    fn a_trace_fades_with_the_leak() {
        let mut params = Params::<f64>::new();
        let options = thalweg_nn::CellOptions::new(1, 1).form(Activation::Identity).bias(false);
        let rnn = Rnn::with(&mut params, "rnn", options, &mut thalweg_tensor::Rng::new(1));
        params.of_mut(rnn.weights().weight_hh).fill(0.0);
        let (mut layer, mut trace) = (Rflo::rflo(rnn, 0.25, &params), 0.25);
        for x in [1.0, 0.0, 0.0] {
            let mut grads = thalweg_autograd::Grads::like(&params);
            layer.step(&params, &[x]);
            layer.learn(&params, &[2.0], &mut grads, &mut [0.0]);
            assert_eq!(grads.of(rnn.weights().weight_ih), [2.0 * trace]);
            trace *= 0.75;
        }
    }
}
