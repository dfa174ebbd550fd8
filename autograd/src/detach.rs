//! Where gradients stop.

use thalweg_tensor::{Real, kernels};

use crate::Var;

impl<T: Real> Var<'_, T> {
    /// The same numbers as a constant, any shape: no gradient flows through it (known as `stop_gradient` too), neither
    /// [backward](Var::backward) nor, where numbers carry a tangent, forward.
    ///
    /// Forward `y = x`; backward `x̄ += 0`. It is a copy and not a view: a view has the gradient of what it shows, and ops
    /// write even the gradients that nobody wants.
    ///
    /// A bootstrapped target moves with the parameters, but is not moved by them:
    ///
    /// ```
    /// use thalweg_autograd::{Grads, Params, Tape};
    ///
    /// let mut params = Params::<f64>::new();
    /// let w = params.add("w", [1], |_| 3.0);
    /// let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    /// let pass = tape.pass(&params);
    /// let (value, next) = (pass.param(w) * 2.0, pass.param(w) * 5.0);
    /// let target = (next * 0.9 + 1.0).detach();
    /// let loss = (value - target).square().sum();
    /// loss.backward(&mut grads);
    /// assert_eq!(grads.of(w), [2.0 * (6.0 - 14.5) * 2.0]); // 2 (value − target) · ∂value/∂w
    /// ```
    pub fn detach(self) -> Self {
        // There and back again: exact, and what a number carries besides its value is left behind.
        let constant = |x: T| T::from_f64(x.to_f64());
        let copy = |[x]: [&[T]; 1], y: &mut [T]| {
            kernels::vectorize(
                #[inline(always)]
                || y.iter_mut().zip(x).for_each(|(y, &x)| *y = constant(x)),
            );
        };
        let y = self.pass.record("detach", [self], self.shape(), copy, |_| {});
        self.pass.memory.borrow_mut().nodes[y.id as usize].needs_grad = false;
        y
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::strategies::any_tensor;
    use crate::{Grads, Params, Pass, Tape, Touched, Var};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// The gradient of `f` at `x`: where `x` is a leaf, where it is a parameter, and where it is computed.
    fn gradients(x: &Tensor<f64>, f: impl for<'p> Fn(Var<'p, f64>) -> Var<'p, f64>) -> [Vec<f64>; 3] {
        let mut params = Params::new();
        let param = params.add("x", x.shape(), |i| x.as_slice()[i]);
        let mut tape = Tape::new();
        [0, 1, 2].map(|place| {
            let mut grads = Grads::like(&params);
            let pass = tape.pass(&params);
            let leaf = pass.leaf(x);
            let from = [leaf, pass.param(param), leaf.tanh().reshape(x.shape())][place];
            f(from).sum().backward(&mut grads);
            let mut gradient = grads.of(param).to_vec();
            if place != 1 {
                from.grad_to(&mut gradient);
            }
            gradient
        })
    }

    proptest! {
        /// d/dx (x + c·f(x)) = 1 + c·f'(x), where c is x but a constant, to the bit: whatever the gradients of constants
        /// that ops compute and nobody wants, whoever the parent is.
        #[test]
        fn what_is_detached_is_a_constant(x in any_tensor(-2.0, 2.0)) {
            fn expression<'p>(x: Var<'p, f64>, c: Var<'p, f64>) -> Var<'p, f64> {
                // These write the gradients of both their inputs, wanted or not.
                let noise = x.bce_with_logits(c) + Var::stack(&[x, c]).sum() + c.reshape([c.shape().len()]).sum();
                x + c * x.sin() + noise
            }
            let detached = gradients(&x, |x| expression(x, x.detach()));
            let constant = gradients(&x, |x| expression(x, x.pass().input(&x.to_tensor())));
            prop_assert_eq!(detached, constant);
            for (slope, &x) in gradients(&x, |x| x + x.detach() * x.sin())[0].iter().zip(x.as_slice()) {
                prop_assert!((slope - (1.0 + x * x.cos())).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn nothing_behind_a_detached_value_is_touched() {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [2], |_| f64::NAN);
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let pass: Pass<'_, f64> = tape.pass(&params);
        let y = pass.param(w).exp().detach();
        y.with(|y| assert!(y.iter().all(|y| y.is_nan()), "a NaN does not vanish"));
        y.row(1).backward(&mut grads);
        assert_eq!(grads.touched(w), Touched::Nothing);
    }
}
