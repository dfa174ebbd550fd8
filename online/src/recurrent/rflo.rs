//! Random feedback local online learning, without the random feedback.

use thalweg_autograd::Params;
use thalweg_nn::LeakyRnn;
use thalweg_nn::recurrent::Weights;
use thalweg_tensor::Real;

use super::snap1::{Linear, Local, Snap1};

/// RFLO (Murray 2019), of a [`LeakyRnn`]: the influence of θ fades with the leak alone.
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
/// use thalweg_nn::{Grads, LeakyRnn, Params, Rng};
/// use thalweg_online::recurrent::{Rflo, Traced};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let cell = LeakyRnn::new(&mut params, "rnn", 1, 4, &mut rng); // α = 0.1
/// let (mut layer, mut grads) = (Rflo::rflo(cell, &params), Grads::like(&params));
/// layer.step(&params, &[1.0]);
/// layer.step(&params, &[0.0]); // the input is gone, its trace is not
/// layer.learn(&params, &[1.0; 4], &mut grads, &mut [0.0]);
/// assert!(grads.of(cell.rnn.weights().weight_ih).iter().all(|&g| g > 0.0));
/// ```
pub type Rflo<T = f32> = Snap1<LeakyRnn, T>;

impl<T: Real> Rflo<T> {
    /// RFLO, from a state of zeros, with the cell's parameters in θ.
    #[track_caller]
    pub fn rflo(cell: LeakyRnn, params: &Params<T>) -> Self {
        Snap1::eprop(cell, params)
    }
}

impl Local for LeakyRnn {
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, assert_near, bptt, learned};
    use super::super::{Rtrl, Traced};
    use super::*;
    use proptest::prelude::*;
    use thalweg_nn::{Activation, CellOptions, LeakyForm};

    fn leaky(case: &Case, recurrent: f64, alpha: f64) -> (Params<f64>, LeakyRnn) {
        let mut params = Params::new();
        let form = LeakyForm { activation: Activation::Tanh, alpha };
        let cell = LeakyRnn::with(&mut params, "rnn", case.options().form(form), &mut case.rng());
        params.of_mut(cell.rnn.weights().weight_hh).iter_mut().for_each(|w| *w *= recurrent);
        (params, cell)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn rflo_is_exact_where_units_hear_inputs_alone(case in Case::any(3, 4, 6), alpha in 0.05..1.0) {
            let (params, cell) = leaky(&case, 0.0, alpha);
            let found = learned(&mut Rflo::rflo(cell, &params), &params, &case);
            assert_near(&found.gradient, &bptt(&cell, &params, &case));
        }

        #[test]
        fn a_leaky_cell_is_one_under_every_rule(case in Case::any(3, 4, 6), alpha in 0.05..1.0) {
            let (params, cell) = leaky(&case, 1.0, alpha);
            let exact = learned(&mut Rtrl::new(cell, &params), &params, &case);
            assert_near(&exact.gradient, &bptt(&cell, &params, &case));
            let found = learned(&mut Rflo::rflo(cell, &params), &params, &case);
            found.outputs.iter().zip(&exact.outputs).for_each(|(found, exact)| assert_near(found, exact));
            found.dx.iter().zip(&exact.dx).for_each(|(found, exact)| assert_near(found, exact));
        }

        #[test]
        fn without_a_leak_rflo_sees_the_newest_step_alone(case in Case::any(3, 4, 6)) {
            let (params, cell) = leaky(&case, 1.0, 1.0);
            let found = learned(&mut Rflo::rflo(cell, &params), &params, &case);
            assert_eq!(found.gradient, learned(&mut Snap1::eprop(cell.rnn, &params), &params, &case).gradient);
        }
    }

    /// By hand: φ the identity, W_ih = 1, W_hh = 0, x = 1, 0, 0: the trace of W_ih is α (1 − α)ᵗ.
    #[test]
    fn a_trace_fades_with_the_leak() {
        let mut params = Params::<f64>::new();
        let form = LeakyForm { activation: Activation::Identity, alpha: 0.25 };
        let options = CellOptions::new(1, 1).form(form).bias(false);
        let cell = LeakyRnn::with(&mut params, "rnn", options, &mut thalweg_tensor::Rng::new(1));
        params.of_mut(cell.rnn.weights().weight_hh).fill(0.0);
        let (mut layer, mut trace) = (Rflo::rflo(cell, &params), 0.25);
        for x in [1.0, 0.0, 0.0] {
            let mut grads = thalweg_autograd::Grads::like(&params);
            layer.step(&params, &[x]);
            layer.learn(&params, &[2.0], &mut grads, &mut [0.0]);
            assert_eq!(grads.of(cell.rnn.weights().weight_ih), [2.0 * trace]);
            trace *= 0.75;
        }
    }
}
