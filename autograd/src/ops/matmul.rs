//! Matrix products.

use thalweg_tensor::{
    Real, Shape,
    kernels::{Matrix, gemm},
};

use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// Matrix product: `[m, k] · [k, n] → [m, n]`; a vector on the left counts as a row, on the right as a column, and
    /// its axis is dropped from the result, as in NumPy. A batch of matrices, `[s, m, k]`, is multiplied by as many,
    /// `[s, k, n] → [s, m, n]`, or all by one, `[k, n] → [s, m, n]`.
    ///
    /// Forward `Y = A·B`; backward `Ā += Ȳ·Bᵀ`, `B̄ += Aᵀ·Ȳ`, for each matrix of a batch.
    ///
    /// # Panics
    /// If the operands have other axes than these, or the inner sizes or those of the batches differ.
    #[track_caller]
    pub fn matmul(self, b: Self) -> Self {
        let (left, right) = (self.shape(), b.shape());
        match (left.dims(), right.dims()) {
            ([_, _, _], [_, _, _]) => return self.batch_matmul(b),
            (&[s, m, k], &[k2, n]) => {
                assert!(k == k2, "matmul: inner sizes differ: {left} · {right}");
                return self.reshape([s * m, k]).matmul(b).reshape([s, m, n]);
            }
            _ => {}
        }
        let ([m, k], [k2, n]) = match (left.dims(), right.dims()) {
            (&[m, k], &[k2, n]) => ([m, k], [k2, n]),
            (&[k], &[k2, n]) => ([1, k], [k2, n]),
            (&[m, k], &[k2]) => ([m, k], [k2, 1]),
            (&[k], &[k2]) => ([1, k], [k2, 1]),
            _ => panic!("matmul: vectors or matrices expected: {left} · {right}"),
        };
        assert!(k == k2, "matmul: inner sizes differ: {left} · {right}");
        let shape = match (left.rank(), right.rank()) {
            (2, 2) => Shape::from([m, n]),
            (2, _) => Shape::from([m]),
            (_, 2) => Shape::from([n]),
            _ => Shape::scalar(),
        };
        self.pass.record(
            Op::new("matmul").attributes([m, k, n]),
            [self, b],
            shape,
            |[a, b], y| gemm(T::ONE, Matrix::new(m, k, a), Matrix::new(k, n, b), T::ZERO, y),
            |g| {
                let [m, k, n] = g.attributes();
                let (a, b) = (Matrix::new(m, k, g.x(0)), Matrix::new(k, n, g.x(1)));
                let dy = Matrix::new(m, n, g.dy());
                if g.wants(0) {
                    gemm(T::ONE, dy, b.t(), T::ONE, g.dx(0));
                }
                if g.wants(1) {
                    gemm(T::ONE, a.t(), dy, T::ONE, g.dx(1));
                }
            },
        )
    }

    /// `[s, m, k] · [s, k, n] → [s, m, n]`.
    #[track_caller]
    fn batch_matmul(self, b: Self) -> Self {
        let (left, right) = (self.shape(), b.shape());
        let ([s, m, k], [s2, k2, n]) = (self.dims(), b.dims());
        assert!(s == s2, "matmul: sizes of the batches differ: {left} · {right}");
        assert!(k == k2, "matmul: inner sizes differ: {left} · {right}");
        self.pass.record(
            Op::new("matmul").attributes([s, m, k, n]),
            [self, b],
            [s, m, n],
            |[a, b], y| {
                for i in 0..s {
                    let (a, b) = (part(a, i, s), part(b, i, s));
                    let y = &mut y[i * m * n..][..m * n];
                    gemm(T::ONE, Matrix::new(m, k, a), Matrix::new(k, n, b), T::ZERO, y);
                }
            },
            |g| {
                let ([s, m, k, n], a, b, dy) = (g.attributes(), g.x(0), g.x(1), g.dy());
                for i in 0..s {
                    let (a, b) = (Matrix::new(m, k, part(a, i, s)), Matrix::new(k, n, part(b, i, s)));
                    let dy = Matrix::new(m, n, part(dy, i, s));
                    if g.wants(0) {
                        gemm(T::ONE, dy, b.t(), T::ONE, &mut g.dx(0)[i * m * k..][..m * k]);
                    }
                    if g.wants(1) {
                        gemm(T::ONE, a.t(), dy, T::ONE, &mut g.dx(1)[i * k * n..][..k * n]);
                    }
                }
            },
        )
    }
}

/// Part `i` of `s` equal ones.
fn part<T>(x: &[T], i: usize, s: usize) -> &[T] {
    &x[x.len() / s * i..][..x.len() / s]
}

#[cfg(test)]
mod tests {
    use super::super::strategies::tensor;
    use crate::{Params, Tape, Var, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    fn matmul_case() -> impl Strategy<Value = [Tensor<f64>; 2]> {
        (1usize..5, 1usize..5, 1usize..5, 0usize..4).prop_flat_map(|(m, k, n, ranks)| {
            let a = if ranks & 1 == 0 { vec![m, k] } else { vec![k] };
            let b = if ranks & 2 == 0 { vec![k, n] } else { vec![k] };
            (tensor(a, -2.0, 2.0), tensor(b, -2.0, 2.0)).prop_map(|(a, b)| [a, b])
        })
    }

    /// `[s, m, k]` and `[s, k, n]`.
    fn batch_case() -> impl Strategy<Value = [Tensor<f64>; 2]> {
        (1usize..4, 1usize..4, 1usize..4, 1usize..4).prop_flat_map(|(s, m, k, n)| {
            (tensor(vec![s, m, k], -2.0, 2.0), tensor(vec![s, k, n], -2.0, 2.0)).prop_map(|(a, b)| [a, b])
        })
    }

    proptest! {
        #[test]
        fn matmul_gradient(ab in matmul_case()) { gradcheck(ab, |[a, b]| a.matmul(b))?; }

        #[test]
        fn batch_matmul_gradient(ab in batch_case()) {
            gradcheck(ab.clone(), |[a, b]| a.matmul(b))?;
            gradcheck(ab, |[a, b]| a.matmul(b.row(0)))?;
        }

        #[test]
        fn a_batch_of_products_is_the_products_one_by_one([a, b] in batch_case()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let (a, b) = (pass.input(&a), pass.input(&b));
            let s = a.shape().dims()[0];
            let (each, one): (Vec<_>, Vec<_>) =
                (0..s).map(|i| (a.row(i).matmul(b.row(i)), a.row(i).matmul(b.row(0)))).unzip();
            prop_assert_eq!(a.matmul(b).to_tensor(), Var::stack(&each).to_tensor());
            let difference = a.matmul(b.row(0)) - Var::stack(&one);
            prop_assert!(difference.with(|d| d.iter().all(|d| d.abs() < 1e-12)));
        }
    }

    #[test]
    #[should_panic(expected = "matmul: inner sizes differ: [2, 3] · [4, 5]")]
    fn matmul_panics_on_inner_sizes() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([2, 3]).matmul(pass.zeros([4, 5]));
    }

    #[test]
    #[should_panic(expected = "matmul: sizes of the batches differ: [2, 3, 4] · [3, 4, 5]")]
    fn matmul_panics_on_batches_of_different_sizes() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([2, 3, 4]).matmul(pass.zeros([3, 4, 5]));
    }
}
