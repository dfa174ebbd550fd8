//! Equation (2).

use thalweg_autograd::Params;
use thalweg_nn::Rnn;
use thalweg_nn::recurrent::Weights;
use thalweg_tensor::Real;

use super::local::{Linear, Local, diagonal, gate_sums, slope};

impl Local for Rnn {
    const GATES: usize = 1;

    fn weights(&self) -> Weights {
        Rnn::weights(self)
    }

    fn linearise<T: Real>(&self, params: &Params<T>, x: &[T], own: T, linear: &mut Linear<T>) {
        let Linear { h, h_before, gates, gains, hidden_gains, carry, .. } = linear;
        gate_sums(params, self.weights(), x, h_before, gates);
        let activation = self.form().activation;
        for (((h, gain), sum), (carry, w)) in
            h.iter_mut().zip(&mut *gains).zip(gates).zip(carry.iter_mut().zip(diagonal(params, self.weights(), 0)))
        {
            (*h, *gain) = slope(activation, *sum);
            *carry = own * *gain * w;
        }
        hidden_gains.copy_from_slice(gains);
    }
}
