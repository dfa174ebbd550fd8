//! Softmax and the losses.
//!
//! Losses are means over the examples of a batch; one example is a batch of one.

use thalweg_tensor::{Real, Shape, kernels};

use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// Softmax over the last axis.
    ///
    /// Forward `y = eˣ / Σ eˣ`; backward `x̄ += y ⊙ (ȳ − ⟨ȳ, y⟩)`.
    ///
    /// # Panics
    /// If there is no axis.
    #[track_caller]
    pub fn softmax(self) -> Self {
        let n = self.last_axis("softmax");
        self.pass.record(
            "softmax",
            [self],
            self.shape(),
            |[x], y| x.chunks_exact(n).zip(y.chunks_exact_mut(n)).for_each(|(x, y)| kernels::softmax(x, y)),
            |g| {
                let n = g.y_shape().dims()[g.y_shape().rank() - 1].max(1);
                let (y, dy) = (g.y(), g.dy());
                for ((dx, y), dy) in g.dx(0).chunks_exact_mut(n).zip(y.chunks_exact(n)).zip(dy.chunks_exact(n)) {
                    let mean = kernels::dot(y, dy);
                    dx.iter_mut().zip(y).zip(dy).for_each(|((dx, &y), &dy)| *dx += y * (dy - mean));
                }
            },
        )
    }

    /// The logarithm of softmax over the last axis, without under- or overflow.
    ///
    /// Forward `y = x − ln Σ eˣ`; backward `x̄ += ȳ − eʸ Σ ȳ`.
    ///
    /// # Panics
    /// If there is no axis.
    #[track_caller]
    pub fn log_softmax(self) -> Self {
        let n = self.last_axis("log_softmax");
        self.pass.record(
            "log_softmax",
            [self],
            self.shape(),
            |[x], y| x.chunks_exact(n).zip(y.chunks_exact_mut(n)).for_each(|(x, y)| kernels::log_softmax(x, y)),
            |g| {
                let n = g.y_shape().dims()[g.y_shape().rank() - 1].max(1);
                let (y, dy) = (g.y(), g.dy());
                for ((dx, y), dy) in g.dx(0).chunks_exact_mut(n).zip(y.chunks_exact(n)).zip(dy.chunks_exact(n)) {
                    let sum = kernels::sum(dy);
                    dx.iter_mut().zip(y).zip(dy).for_each(|((dx, &y), &dy)| *dx += dy - y.exp() * sum);
                }
            },
        )
    }

    /// Cross entropy of logits against classes: `[…, C]` and one class for each row, in row-major order → `[]`, the mean.
    /// Whatever stands in front, classes are on the last axis: `[C]`, `[n, C]`, sequences `[t, n, C]`.
    ///
    /// Forward `L = −1/n Σ ln softmax(x)[class]`; backward `x̄ += L̄/n (softmax(x) − onehot(class))`.
    ///
    /// # Panics
    /// If the logits have no axis, the classes are not one for each row, or there is no such class.
    #[track_caller]
    pub fn cross_entropy(self, classes: &[usize]) -> Self {
        let shape = self.shape();
        let Some((&n, leading)) = shape.dims().split_last() else {
            panic!("cross_entropy: logits […, C] expected, found {shape}")
        };
        let rows: usize = leading.iter().product();
        assert!(rows == classes.len(), "cross_entropy: logits {shape} and {} classes", classes.len());
        if let Some(bad) = classes.iter().find(|&&c| c >= n) {
            panic!("cross_entropy: there is no class {bad} in logits {shape}");
        }
        self.pass.record(
            Op::new("cross_entropy").indices(classes).saving(rows * n),
            [self],
            Shape::scalar(),
            |[x], y| {
                let (y, probabilities) = y.split_at_mut(1);
                for ((x, p), &class) in
                    x.chunks_exact(n.max(1)).zip(probabilities.chunks_exact_mut(n.max(1))).zip(classes)
                {
                    let total = kernels::log_sum_exp(x);
                    y[0] += total - x[class];
                    p.iter_mut().zip(x).for_each(|(p, &x)| *p = (x - total).exp());
                }
                y[0] = y[0] / T::from_f64(rows as f64);
            },
            |g| {
                let (p, classes) = (g.saved(), g.indices());
                let n = p.len() / classes.len().max(1);
                let scale = g.dy()[0] / T::from_f64(classes.len() as f64);
                let dx = g.dx(0);
                kernels::axpy(scale, p, dx);
                classes.iter().enumerate().for_each(|(row, &class)| dx[row * n + class] -= scale);
            },
        )
    }

    /// Binary cross entropy of logits against targets in `[0, 1]`, same shapes → `[]`, the mean.
    ///
    /// Forward `L = 1/n Σ max(x, 0) − x t + ln(1 + e^−|x|)`; backward `x̄ += L̄/n (σ(x) − t)`, and `t̄ −= L̄/n x`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn bce_with_logits(self, target: Self) -> Self {
        self.same_shape("bce_with_logits", target);
        self.pass.record(
            "bce_with_logits",
            [self, target],
            Shape::scalar(),
            |[x, t], y| {
                let terms = x.iter().zip(t).map(|(&x, &t)| x.maximum(T::ZERO) - x * t + (-x.abs()).exp().ln_1p());
                y[0] = terms.sum::<T>() / T::from_f64(x.len() as f64);
            },
            |g| {
                let (x, t) = (g.x(0), g.x(1));
                let scale = g.dy()[0] / T::from_f64(x.len() as f64);
                g.dx(0).iter_mut().zip(x).zip(t).for_each(|((dx, &x), &t)| *dx += scale * (x.sigmoid() - t));
                if g.wants(1) {
                    kernels::axpy(-scale, x, g.dx(1));
                }
            },
        )
    }

    /// Mean squared error, same shapes → `[]`.
    ///
    /// Forward `L = 1/n Σ (x − t)²`; backward `x̄ += 2L̄/n (x − t)`, `t̄ −= 2L̄/n (x − t)`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn mse(self, target: Self) -> Self {
        self.same_shape("mse", target);
        self.pass.record(
            "mse",
            [self, target],
            Shape::scalar(),
            |[x, t], y| {
                let squares = x.iter().zip(t).map(|(&x, &t)| (x - t) * (x - t));
                y[0] = squares.sum::<T>() / T::from_f64(x.len() as f64);
            },
            |g| {
                let (x, t) = (g.x(0), g.x(1));
                let scale = T::from_f64(2.0) * g.dy()[0] / T::from_f64(x.len() as f64);
                for (i, scale) in [scale, -scale].into_iter().enumerate() {
                    if g.wants(i) {
                        g.dx(i).iter_mut().zip(x).zip(t).for_each(|((dx, &x), &t)| *dx += scale * (x - t));
                    }
                }
            },
        )
    }

    #[track_caller]
    fn same_shape(self, op: &str, target: Self) {
        let (x, t) = (self.shape(), target.shape());
        assert!(x == t, "{op}: shapes differ: {x} and target {t}");
    }

    /// The size of the last axis; 1 where it is 0, so that it can be divided by.
    #[track_caller]
    fn last_axis(self, op: &str) -> usize {
        let shape = self.shape();
        assert!(shape.rank() > 0, "{op}: at least one axis expected, the shape is {shape}");
        shape.dims()[shape.rank() - 1].max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{any_shape, tensor};
    use crate::{Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    fn rows() -> impl Strategy<Value = Tensor<f64>> {
        (0usize..4, 1usize..6).prop_flat_map(|(n, c)| tensor(if n == 0 { vec![c] } else { vec![n, c] }, -4.0, 4.0))
    }

    /// Two tensors of one shape, with elements in these ranges.
    fn alike(first: [f64; 2], second: [f64; 2]) -> impl Strategy<Value = (Tensor<f64>, Tensor<f64>)> {
        any_shape()
            .prop_flat_map(move |dims| (tensor(dims.clone(), first[0], first[1]), tensor(dims, second[0], second[1])))
    }

    /// Logits and a class for each row.
    fn logits() -> impl Strategy<Value = (Tensor<f64>, Vec<usize>)> {
        rows().prop_flat_map(|x| {
            let (n, c) = match *x.shape().dims() {
                [c] => (1, c),
                [n, c] => (n, c),
                _ => unreachable!("one or two axes"),
            };
            (Just(x), prop::collection::vec(0..c, n))
        })
    }

    proptest! {
        #[test]
        fn softmax_gradient(x in rows()) { gradcheck([x], |[x]| x.softmax())?; }
        #[test]
        fn log_softmax_gradient(x in rows()) { gradcheck([x], |[x]| x.log_softmax())?; }
        #[test]
        fn cross_entropy_gradient((x, classes) in logits()) { gradcheck([x], |[x]| x.cross_entropy(&classes))?; }
        #[test]
        fn bce_with_logits_gradient((x, t) in alike([-4.0, 4.0], [0.0, 1.0])) {
            gradcheck([x, t], |[x, t]| x.bce_with_logits(t))?;
        }
        #[test]
        fn mse_gradient((x, t) in alike([-4.0, 4.0], [-4.0, 4.0])) {
            gradcheck([x, t], |[x, t]| x.mse(t))?;
        }

        /// Fused ≡ readable: the losses against their definitions in primitives.
        #[test]
        fn fused_losses_match_primitives((x, classes) in logits(), t in tensor(vec![4], 0.0, 1.0), z in tensor(vec![4], -6.0, 6.0)) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let (x, z, t) = (pass.input(&x), pass.input(&z), pass.input(&t));
            let columns = *x.shape().dims().last().unwrap();
            let logs = x.log_softmax().reshape([classes.len(), columns]);
            let chosen = classes.iter().enumerate().map(|(i, &c)| logs.row(i).with(|l| l[c])).sum::<f64>();
            prop_assert!((x.cross_entropy(&classes).item() + chosen / classes.len() as f64).abs() < 1e-12);
            prop_assert!(x.softmax().with(|s| logs.with(|l| s.iter().zip(l).all(|(s, l)| (s - l.exp()).abs() < 1e-12))));
            let p = z.sigmoid();
            let plain = -(t * p.ln() + (-t + 1.0) * (-p + 1.0).ln()).mean();
            prop_assert!((z.bce_with_logits(t).item() - plain.item()).abs() < 1e-10);
            prop_assert!((z.mse(t).item() - ((z - t) * (z - t)).mean().item()).abs() < 1e-12);
        }
    }

    proptest! {
        /// A sequence's loss is that of its rows, and so is its gradient.
        #[test]
        fn cross_entropy_sees_rows_of_any_shape((t, n, c) in (0usize..4, 1usize..4, 1usize..5), seed in 0usize..99) {
            let x = Tensor::<f64>::uniform([t, n, c], -4.0, 4.0, &mut thalweg_tensor::Rng::new(seed as u64));
            let classes: Vec<usize> = (0..t * n).map(|row| (row + seed) % c).collect();
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let run = |sequence: bool, tape: &mut Tape<f64>| {
                let pass = tape.pass(&params);
                let x = pass.leaf(&x);
                let loss = if sequence { x } else { x.reshape([t * n, c]) }.cross_entropy(&classes);
                loss.backward(&mut crate::Grads::like(&params));
                let mut slope = vec![f64::NAN; t * n * c];
                x.grad_to(&mut slope);
                (loss.item().to_bits(), slope.iter().map(|s| s.to_bits()).collect::<Vec<_>>())
            };
            prop_assert_eq!(run(true, &mut tape), run(false, &mut tape));
        }
    }

    #[test]
    fn losses_are_finite_for_extreme_logits() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.input(&[1e4, -1e4]);
        assert_eq!(x.cross_entropy(&[1]).item(), 2e4);
        assert_eq!(x.bce_with_logits(pass.input(&[0.0, 1.0])).item(), 1e4);
        assert_eq!(x.log_softmax().to_tensor().as_slice(), [0.0, -2e4]);
    }

    #[test]
    fn the_mean_loss_of_no_examples_is_nan() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let mut grads = crate::Grads::like(&params);
        let pass = tape.pass(&params);
        for classes in [0, 3] {
            let loss = pass.leaf(&Tensor::zeros([0, classes])).cross_entropy(&[]);
            assert!(loss.item().is_nan());
            loss.backward(&mut grads);
        }
    }

    #[test]
    #[should_panic(expected = "cross_entropy: there is no class 3 in logits [3]")]
    fn cross_entropy_panics_on_an_unknown_class() {
        let (params, mut tape) = (Params::<f32>::new(), Tape::new());
        tape.pass(&params).zeros([3]).cross_entropy(&[3]);
    }
}
