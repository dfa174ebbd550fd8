//! The affine layer.

use thalweg_autograd::{Activation, Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use crate::{init, path};

/// Affine map, PyTorch's `nn.Linear`: `[…, in]` → `[…, out]`.
///
/// ```text
/// y = W x + b        W: [out, in]   b: [out]
/// ```
///
/// Parameters `name.weight` and `name.bias`, both uniform in ±1/√in at the start.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::Linear;
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
/// let head = Linear::new(&mut params, "head", 3, 2, &mut Rng::new(1));
/// let x = [0.5, -1.0, 2.0];
/// let before = head.forward(tape.pass(&params).input(&x)).to_tensor();
///
/// // A new class and a new feature: the old outputs do not move by a bit.
/// head.grow_outputs(&mut params, 1);
/// head.grow_inputs(&mut params, 1);
/// let after = head.forward(tape.pass(&params).input(&[0.5, -1.0, 2.0, 9.0])).to_tensor();
/// assert_eq!(after.as_slice(), [before.as_slice(), &[0.0]].concat());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param,
    /// `[out]`.
    pub bias: Option<Param>,
}

impl Linear {
    /// Adds the layer's parameters to θ.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, outputs: usize, rng: &mut Rng) -> Self {
        let weight = Self::without_bias(params, name, inputs, outputs, rng).weight;
        let bound = init::default_bound(inputs);
        let bias = params.add(&format!("{name}.bias"), [outputs], init::uniform(bound, rng));
        Linear { weight, bias: Some(bias) }
    }

    /// The layer without `b`.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn without_bias<T: Real>(
        params: &mut Params<T>,
        name: &str,
        inputs: usize,
        outputs: usize,
        rng: &mut Rng,
    ) -> Self {
        let bound = init::default_bound(inputs);
        let weight = params.add(&format!("{name}.weight"), [outputs, inputs], init::uniform(bound, rng));
        Linear { weight, bias: None }
    }

    /// `y = W x + b`.
    ///
    /// # Panics
    /// If the last axis of `x` is not as long as the layer has inputs.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        self.forward_with(x, Activation::Identity)
    }

    /// `y = f(W x + b)`, as one node: what `forward` and then the activation give, with less to do.
    ///
    /// # Panics
    /// If the last axis of `x` is not as long as the layer has inputs.
    #[track_caller]
    pub fn forward_with<'p, T: Real>(&self, x: Var<'p, T>, activation: Activation) -> Var<'p, T> {
        let pass = x.pass();
        let affine =
            |x: Var<'p, T>| x.affine_with(pass.param(self.weight), self.bias.map(|b| pass.param(b)), activation);
        if x.rank() <= 2 {
            return affine(x);
        }
        let shape = x.shape();
        let last = shape.rank() - 1;
        let y = affine(x.reshape([shape.without(last).len(), shape.dims()[last]]));
        y.reshape(shape.with(last, y.shape().dims()[1]))
    }

    /// Whether `params` hold it as [`new`](Linear::new) adds it: to be asked of both where they come from outside.
    pub fn is_in<T: Real>(&self, params: &Params<T>, name: &str, inputs: usize, outputs: usize) -> bool {
        let there = |param: Param, part: &str, dims: &[usize]| {
            let entry = params.layout().entries().get(param.index());
            entry.is_some_and(|e| e.name() == path(name, part) && e.shape().dims() == dims && e.blocks() == 1)
        };
        there(self.weight, "weight", &[outputs, inputs])
            && self.bias.is_some_and(|bias| there(bias, "bias", &[outputs]))
    }

    /// Adds inputs, with weights of zero: no output changes by a bit, whatever the new inputs are.
    pub fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        params.grow(self.weight, 1, by, init::zeros());
    }

    /// Adds outputs, with weights and bias of zero. The old outputs do not change by a bit. For a head: hidden units that
    /// neither hear nor are heard would never learn; see [`grow_hidden`](Linear::grow_hidden).
    pub fn grow_outputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        params.grow(self.weight, 0, by, init::zeros());
        if let Some(bias) = self.bias {
            params.grow(bias, 0, by, init::zeros());
        }
    }
}

impl Linear {
    /// Adds hidden units between this layer and the `next`, function-preserving: they begin as in a new layer, and nobody
    /// hears of them yet, so no output of the next layer changes by a bit, and they learn from the next step on. The idea is
    /// that of Net2Net (Chen, Goodfellow & Shlens 2016), without its split, which rounding does not survive.
    pub fn grow_hidden<T: Real>(&self, params: &mut Params<T>, by: usize, next: &Linear, rng: &mut Rng) {
        let bound = init::default_bound(params.view(self.weight).shape().dims()[1]);
        params.grow(self.weight, 0, by, init::uniform(bound, rng));
        if let Some(bias) = self.bias {
            params.grow(bias, 0, by, init::uniform(bound, rng));
        }
        next.grow_inputs(params, by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Grads, Tape};
    use thalweg_tensor::Tensor;

    /// What a stream without any feature yet is learned with: the bias, until features come.
    #[test]
    fn a_layer_may_begin_without_inputs() {
        for rows in [None, Some(1), Some(9)] {
            let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
            let linear = Linear::new(&mut params, "linear", 0, 2, &mut rng);
            let bias = linear.bias.expect("it has a bias");
            params.of_mut(bias).copy_from_slice(&[0.5, -0.5]);
            let mut grads = Grads::like(&params);
            for features in [0, 3] {
                let dims: Vec<usize> = rows.into_iter().chain([features]).collect();
                let x = Tensor::ones(dims.as_slice());
                let y = linear.forward(tape.pass(&params).input(&x)).to_tensor();
                assert!(y.as_slice().chunks(2).all(|row| row == [0.5, -0.5]), "{y:?}");
                linear.forward(tape.pass(&params).input(&x)).sum().backward(&mut grads);
                assert_eq!(grads.of(bias), [rows.unwrap_or(1) as f64; 2]);
                assert_eq!(grads.of(linear.weight), vec![rows.unwrap_or(1) as f64; 2 * features]);
                grads.zero();
                linear.grow_inputs(&mut params, 3);
            }
        }
    }

    #[test]
    #[should_panic(expected = "[in] or [n, in] and a weight [out, in] expected: [2] and [4, 3]")]
    fn forward_panics_on_another_number_of_inputs() {
        let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
        let linear = Linear::new(&mut params, "linear", 3, 4, &mut Rng::new(1));
        linear.forward(tape.pass(&params).input(&[1.0, 2.0]));
    }

    #[test]
    fn hidden_units_that_grow_change_nothing_and_learn() {
        for rows in [1, 3, 40] {
            let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
            let hidden = Linear::new(&mut params, "hidden", 3, 5, &mut rng);
            let head = Linear::new(&mut params, "head", 5, 2, &mut rng);
            let x = Tensor::normal([rows, 3], 0.0, 1.0, &mut rng);
            let mut outputs = |params: &Params<f32>| {
                head.forward(hidden.forward_with(tape.pass(params).input(&x), Activation::Relu)).to_tensor()
            };
            let before = outputs(&params);
            hidden.grow_hidden(&mut params, 4, &head, &mut rng);
            assert_eq!(outputs(&params), before);
            let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
            let pass = tape.pass(&params);
            head.forward(hidden.forward(pass.input(&x))).square().sum().backward(&mut grads);
            let slopes = grads.of(head.weight).chunks(9).flat_map(|row| &row[5..]);
            assert!(slopes.clone().all(|&slope| slope != 0.0), "they are heard from the next step on");
        }
    }

    #[test]
    fn names_are_pytorchs() {
        let mut params = Params::<f32>::new();
        let linear = Linear::new(&mut params, "net.head", 3, 4, &mut Rng::new(1));
        assert_eq!(params.find("net.head.weight"), Some(linear.weight));
        assert_eq!(params.find("net.head.bias"), linear.bias);
    }
}
