//! How parameters begin: functions that [`Params::add`](thalweg_autograd::Params::add) calls for each element.
//!
//! | function | elements | of |
//! |---|---|---|
//! | [`zeros`], [`ones`], [`constant`], [`eye`] | no chance in it | biases, gains, what must not change anything |
//! | [`uniform`], [`normal`], [`truncated_normal`] | drawn from one distribution | embeddings |
//! | [`xavier_uniform`], [`xavier_normal`] | variance `2 / (fan in + fan out)` | layers before tanh or σ |
//! | [`kaiming_uniform`], [`kaiming_normal`] | variance `gain² / fan` | layers before ReLU and its like |
//! | [`orthogonal`] | orthonormal rows or columns | recurrent and very deep nets |
//! | [`sparse`], [`sparse_uniform`] | few that are not zero | recurrent nets; nets that learn from single examples |
//!
//! Layers begin as PyTorch's do. One that is built already begins anew, element by element in place, with [`restart`]:
//!
//! ```
//! use thalweg_autograd::Params;
//! use thalweg_nn::{Linear, Lstm, init};
//! use thalweg_tensor::Rng;
//!
//! let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
//! Lstm::new(&mut params, "lstm", 8, 16, &mut rng);
//! let head = Linear::new(&mut params, "head", 16, 2, &mut rng);
//!
//! init::restart(&mut params, head.weight, |shape| init::xavier_uniform(shape, 1.0, &mut rng));
//! let [recurrent, bias] = ["lstm.weight_hh_l0", "lstm.bias_ih_l0"].map(|name| params.find(name).unwrap());
//! init::restart(&mut params, recurrent, |shape| init::orthogonal(shape, 1.0, &mut rng));
//! init::forget_gate_bias(&mut params, bias, 1.0);
//! assert!(params.of(head.weight).iter().all(|w| w.abs() <= (6.0_f32 / 18.0).sqrt()));
//! ```

mod distributions;
mod fans;
mod matrices;

pub use distributions::{constant, normal, ones, truncated_normal, uniform, zeros};
pub use fans::{Fan, Gain, default_bound, fans, kaiming_normal, kaiming_uniform, xavier_normal, xavier_uniform};
pub use matrices::{eye, orthogonal, sparse, sparse_uniform};

use thalweg_autograd::{Param, Params};
use thalweg_tensor::{Real, Shape};

/// Begins a parameter anew, in place; `init` makes from its shape what gives the elements.
///
/// # Panics
/// If the handle is not of this layout.
#[track_caller]
pub fn restart<T: Real, F: FnMut(usize) -> T>(params: &mut Params<T>, param: Param, init: impl FnOnce(Shape) -> F) {
    let element = init(params.layout().entry(param).shape());
    let values = params.of_mut(param);
    values.iter_mut().zip((0..).map(element)).for_each(|(slot, value)| *slot = value);
}

/// Sets the bias of an LSTM's forget gate, the second of its four (i f g o), and leaves the others alone. Above 0 a cell
/// remembers until it has learnt to forget (Gers, Schmidhuber & Cummins 2000; Jozefowicz, Zaremba & Sutskever 2015 advise
/// 1). PyTorch's layout has two biases, which are added: set one of them.
///
/// # Panics
/// If the parameter is no vector of four gates.
#[track_caller]
pub fn forget_gate_bias<T: Real>(params: &mut Params<T>, bias: Param, value: f64) {
    let shape = params.layout().entry(bias).shape();
    let hidden = shape.len() / 4;
    assert!(shape.dims() == [4 * hidden], "forget_gate_bias: a bias [4 hidden] expected, found {shape}");
    params.of_mut(bias)[hidden..2 * hidden].fill(T::from_f64(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarting_writes_one_parameter_in_place() {
        let mut params = Params::<f64>::new();
        let [before, matrix, after] = ["before", "matrix", "after"].map(|name| params.add(name, [2, 3], |_| 7.0));
        restart(&mut params, matrix, |shape| {
            assert_eq!(shape.dims(), [2, 3]);
            |i| i as f64
        });
        assert_eq!(params.of(matrix), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!([before, after].iter().all(|&other| params.of(other) == [7.0; 6]));
    }

    #[test]
    fn the_forget_gate_is_the_second() {
        let mut params = Params::<f32>::new();
        let bias = params.add_stacked("bias", 4, [8], |_| 0.5);
        forget_gate_bias(&mut params, bias, 1.0);
        assert_eq!(params.of(bias), [0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]);
    }

    #[test]
    #[should_panic(expected = "forget_gate_bias: a bias [4 hidden] expected, found [6]")]
    fn another_number_of_gates_is_refused() {
        let mut params = Params::<f32>::new();
        let bias = params.add("bias", [6], |_| 0.5);
        forget_gate_bias(&mut params, bias, 1.0);
    }
}
