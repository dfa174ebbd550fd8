//! Normalisation over the last axis.

use thalweg_tensor::{Real, Shape, kernels};

use crate::{Back, Op, Var};

impl<T: Real> Var<'_, T> {
    /// Mean 0 and variance 1 over the last axis: layer normalisation (Ba, Kiros & Hinton, 2016) without parameters. Any
    /// shape of at least one axis, which stays.
    ///
    /// Forward `y = (x − μ) / √(σ² + ε)`, with the mean `μ` and the (biased) variance `σ²` of the last axis.
    ///
    /// # Panics
    /// If there is no axis.
    #[track_caller]
    pub fn standardize(self, eps: T) -> Self {
        let shape = self.shape();
        assert!(shape.rank() > 0, "standardize: at least one axis expected, the shape is {shape}");
        let last = shape.rank() - 1;
        let variance = self.var_axis(last, false).unsqueeze(last);
        (self - self.mean_axis(last).unsqueeze(last)) / (variance + eps).sqrt()
    }

    /// Layer normalisation over the last axis (Ba, Kiros & Hinton, 2016), fused: `[…, n]`, weight `[n]`, bias `[n]` →
    /// `[…, n]`. It equals `x.standardize(ε) * weight + bias`.
    ///
    /// Forward `y = w ⊙ x̂ + b` with `x̂ = r (x − μ)`, `r = 1/√(σ² + ε)`. Backward, with `d = ȳ ⊙ w` and means over the
    /// last axis:
    ///
    /// ```text
    /// x̄ += r (d − mean(d) − x̂ mean(d ⊙ x̂))      w̄ += Σ ȳ ⊙ x̂      b̄ += Σ ȳ
    /// ```
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let y = pass.input(&[1.0, 3.0]).layer_norm(pass.input(&[2.0, 2.0]), pass.input(&[0.0, 1.0]), 0.0);
    /// assert_eq!(y.to_tensor().as_slice(), [-2.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no axis, or weight or bias is not as long as the last.
    #[track_caller]
    pub fn layer_norm(self, weight: Self, bias: Self, eps: T) -> Self {
        let (x, w, b) = (self.shape(), weight.shape(), bias.shape());
        assert!(x.rank() > 0, "layer_norm: at least one axis expected, the shape is {x}");
        let [rows, n, _] = x.around(x.rank() - 1);
        let fits = w == Shape::from([n]) && b == w;
        assert!(fits, "layer_norm: weight and bias [{n}] expected for {x}: {w} and {b}");
        self.pass.record(
            Op::new("layer_norm").saving(2 * rows), // μ and r of each row
            [self, weight, bias],
            x,
            |[x, weight, bias], y| {
                let (y, saved) = y.split_at_mut(x.len());
                let rows = y.chunks_exact_mut(n.max(1)).zip(x.chunks_exact(n.max(1)));
                for ((y, x), saved) in rows.zip(saved.chunks_exact_mut(2)) {
                    let [mean, r] = statistics(x, y, eps);
                    saved.copy_from_slice(&[mean, r]);
                    for ((y, &x), (&w, &b)) in y.iter_mut().zip(x).zip(weight.iter().zip(bias)) {
                        *y = w * ((x - mean) * r) + b;
                    }
                }
            },
            layer_norm_backward,
        )
    }
}

/// The mean, and one over the standard deviation, of one row; `room` is overwritten.
fn statistics<T: Real>(x: &[T], room: &mut [T], eps: T) -> [T; 2] {
    let one_nth = T::ONE / T::from_f64(x.len() as f64);
    let mean = kernels::sum(x) * one_nth;
    room.iter_mut().zip(x).for_each(|(centred, &x)| *centred = x - mean);
    let variance = kernels::sum_of_squares(room) * one_nth;
    [mean, T::ONE / (variance + eps).sqrt()]
}

fn layer_norm_backward<T: Real>(g: &mut Back<'_, T>) {
    let (x, weight, dy, saved) = (g.x(0), g.x(1), g.dy(), g.saved());
    let n = weight.len();
    if n == 0 {
        return;
    }
    let rows = || x.chunks_exact(n).zip(dy.chunks_exact(n)).zip(saved.chunks_exact(2));
    if g.wants(0) {
        let one_nth = T::ONE / T::from_f64(n as f64);
        for (dx, ((x, dy), saved)) in g.dx(0).chunks_exact_mut(n).zip(rows()) {
            let (mean, r) = (saved[0], saved[1]);
            let (mut mean_d, mut mean_dx_hat) = (T::ZERO, T::ZERO);
            for ((&x, &dy), &w) in x.iter().zip(dy).zip(weight) {
                mean_d += dy * w * one_nth;
                mean_dx_hat += dy * w * (x - mean) * r * one_nth;
            }
            for (dx, ((&x, &dy), &w)) in dx.iter_mut().zip(x.iter().zip(dy).zip(weight)) {
                *dx += r * (dy * w - mean_d - (x - mean) * r * mean_dx_hat);
            }
        }
    }
    if g.wants(1) {
        let dw = g.dx(1);
        for ((x, dy), saved) in rows() {
            let (mean, r) = (saved[0], saved[1]);
            dw.iter_mut().zip(x).zip(dy).for_each(|((dw, &x), &dy)| *dw += dy * ((x - mean) * r));
        }
    }
    if g.wants(2) {
        let db = g.dx(2);
        dy.chunks_exact(n).for_each(|dy| kernels::add_assign(dy, db));
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{any_shape, tensor};
    use crate::{Grads, Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// The ε of the tests: large enough that a row of one element, or of equal ones, has no steep gradient.
    const EPSILON: f64 = 0.1;

    fn case() -> impl Strategy<Value = [Tensor<f64>; 3]> {
        any_shape().prop_filter("needs an axis", |dims| !dims.is_empty()).prop_flat_map(|dims| {
            let n = vec![dims[dims.len() - 1]];
            let parts = (tensor(dims, -2.0, 2.0), tensor(n.clone(), -2.0, 2.0), tensor(n, -2.0, 2.0));
            parts.prop_map(|(x, weight, bias)| [x, weight, bias])
        })
    }

    proptest! {
        #[test]
        fn standardize_gradient([x, ..] in case()) { gradcheck([x], |[x]| x.standardize(EPSILON))?; }
        #[test]
        fn layer_norm_gradient(case in case()) { gradcheck(case, |[x, w, b]| x.layer_norm(w, b, EPSILON))?; }

        /// Fused ≡ readable, in value and in every gradient.
        #[test]
        fn layer_norm_is_its_readable_form(case in case()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let cotangent: Vec<f64> = (0..case[0].shape().len()).map(|i| (i as f64).sin()).collect();
            let mut run = |fused: bool| {
                let pass = tape.pass(&params);
                let [x, w, b] = case.each_ref().map(|t| pass.leaf(t));
                let y = if fused { x.layer_norm(w, b, EPSILON) } else { x.standardize(EPSILON) * w + b };
                y.backward_from(&cotangent, &mut Grads::like(&params));
                let mut all = y.to_tensor().into_vec();
                for v in [x, w, b] {
                    let mut gradient = vec![0.0; v.shape().len()];
                    v.grad_to(&mut gradient);
                    all.extend(gradient);
                }
                all
            };
            let (fused, readable) = (run(true), run(false));
            for (a, b) in fused.iter().zip(&readable) {
                prop_assert!((a - b).abs() < 1e-12, "{fused:?}\n{readable:?}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "layer_norm: weight and bias [3] expected for [2, 3]: [2] and [3]")]
    fn layer_norm_panics_on_a_weight_of_another_length() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([2, 3]).layer_norm(pass.zeros([2]), pass.zeros([3]), 1e-5);
    }
}
