//! Matrix products.
//!
//! One example at a time is the main case: a vector goes through matrix-vector kernels that neither pack nor allocate. A
//! batch goes to GEMM.

use thalweg_tensor::{
    Real, Shape,
    kernels::{self, Matrix, gemm},
};

use crate::{Back, Var};

impl<T: Real> Var<'_, T> {
    /// Affine map, PyTorch's `linear`: `[in]` or `[n, in]`, weight `[out, in]`, bias `[out]` → `[out]` or `[n, out]`.
    ///
    /// Forward `y = W x + b`; backward `x̄ += Wᵀȳ`, `W̄ += ȳ xᵀ`, `b̄ += ȳ`, summed over the rows of a batch.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn affine(self, weight: Self, bias: Self) -> Self {
        let y = self.affine_shape(weight);
        let [out, _] = weight.dims();
        assert!(bias.shape() == Shape::from([out]), "affine: bias {} for weight {}", bias.shape(), weight.shape());
        self.pass.record(
            "affine",
            [self, weight, bias],
            y,
            |[x, w, b], y| {
                y.chunks_exact_mut(b.len().max(1)).for_each(|y| y.copy_from_slice(b));
                times_transposed(x, w, b.len(), y);
            },
            |g| {
                times_transposed_backward(g);
                if g.wants(2) {
                    let dy = g.dy();
                    let db = g.dx(2);
                    dy.chunks_exact(db.len().max(1)).for_each(|dy| kernels::add_assign(dy, db));
                }
            },
        )
    }

    /// [`affine`](Var::affine) without a bias: `x Wᵀ`.
    ///
    /// Forward `y = W x`; backward `x̄ += Wᵀȳ`, `W̄ += ȳ xᵀ`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn linear(self, weight: Self) -> Self {
        let [out, _] = weight.dims();
        self.pass.record(
            "linear",
            [self, weight],
            self.affine_shape(weight),
            |[x, w], y| times_transposed(x, w, out, y),
            times_transposed_backward,
        )
    }

    /// Matrix product: `[m, k] · [k, n] → [m, n]`; a vector on the left counts as a row, on the right as a column, and
    /// its axis is dropped from the result, as in NumPy.
    ///
    /// Forward `Y = A·B`; backward `Ā += Ȳ·Bᵀ`, `B̄ += Aᵀ·Ȳ`.
    ///
    /// # Panics
    /// If an operand has neither one nor two axes, or the inner sizes differ.
    #[track_caller]
    pub fn matmul(self, b: Self) -> Self {
        let (left, right) = (self.shape(), b.shape());
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
            crate::Op::new("matmul").attributes([m, k, n]),
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

    /// The shape of `x Wᵀ`.
    #[track_caller]
    fn affine_shape(self, weight: Self) -> Shape {
        let (x, w) = (self.shape(), weight.shape());
        match (x.dims(), w.dims()) {
            (&[n], &[out, inputs]) if n == inputs => Shape::from([out]),
            (&[rows, n], &[out, inputs]) if n == inputs => Shape::from([rows, out]),
            _ => panic!("affine: [in] or [n, in] and a weight [out, in] expected: {x} and {w}"),
        }
    }
}

/// Below this many rows a batch is done row by row: GEMM packs its operands first, and that does not pay yet.
const FEW: usize = 4;

/// `Y += X Wᵀ`, `x: [n, in]`, `w: [out, in]`.
fn times_transposed<T: Real>(x: &[T], w: &[T], out: usize, y: &mut [T]) {
    let Some(rows) = y.len().checked_div(out) else { return };
    let inputs = x.len().checked_div(rows).unwrap_or(0);
    if rows < FEW {
        for row in 0..rows {
            kernels::matvec_add(w, &x[row * inputs..][..inputs], &mut y[row * out..][..out]);
        }
    } else {
        gemm(T::ONE, Matrix::new(rows, inputs, x), Matrix::new(out, inputs, w).t(), T::ONE, y);
    }
}

/// `X̄ += Ȳ W`, `W̄ += Ȳᵀ X`.
fn times_transposed_backward<T: Real>(g: &mut Back<'_, T>) {
    let (x, w, dy) = (g.x(0), g.x(1), g.dy());
    let (out, inputs) = (g.shape(1).dims()[0], g.shape(1).dims()[1]);
    let Some(rows) = dy.len().checked_div(out) else { return };
    if rows < FEW {
        for row in 0..rows {
            let (x, dy) = (&x[row * inputs..][..inputs], &dy[row * out..][..out]);
            if g.wants(0) {
                kernels::matvec_transposed_add(w, dy, &mut g.dx(0)[row * inputs..][..inputs]);
            }
            if g.wants(1) {
                kernels::outer_add(dy, x, g.dx(1));
            }
        }
        return;
    }
    let dy = Matrix::new(rows, out, dy);
    if g.wants(0) {
        gemm(T::ONE, dy, Matrix::new(out, inputs, w), T::ONE, g.dx(0));
    }
    if g.wants(1) {
        gemm(T::ONE, dy.t(), Matrix::new(rows, inputs, x), T::ONE, g.dx(1));
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::tensor;
    use crate::{Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// `[n, in]` (or `[in]`), `[out, in]`, `[out]`: row by row and through GEMM.
    fn affine_case() -> impl Strategy<Value = [Tensor<f64>; 3]> {
        (0usize..8, 1usize..20, 1usize..6).prop_flat_map(|(n, inputs, out)| {
            let x = if n == 0 { vec![inputs] } else { vec![n, inputs] };
            let parts = (tensor(x, -2.0, 2.0), tensor(vec![out, inputs], -2.0, 2.0), tensor(vec![out], -2.0, 2.0));
            parts.prop_map(|(x, w, b)| [x, w, b])
        })
    }

    fn matmul_case() -> impl Strategy<Value = [Tensor<f64>; 2]> {
        (1usize..5, 1usize..5, 1usize..5, 0usize..4).prop_flat_map(|(m, k, n, ranks)| {
            let a = if ranks & 1 == 0 { vec![m, k] } else { vec![k] };
            let b = if ranks & 2 == 0 { vec![k, n] } else { vec![k] };
            (tensor(a, -2.0, 2.0), tensor(b, -2.0, 2.0)).prop_map(|(a, b)| [a, b])
        })
    }

    proptest! {
        #[test]
        fn affine_gradient(case in affine_case()) { gradcheck(case, |[x, w, b]| x.affine(w, b))?; }
        #[test]
        fn linear_gradient([x, w, _] in affine_case()) { gradcheck([x, w], |[x, w]| x.linear(w))?; }
        #[test]
        fn matmul_gradient(ab in matmul_case()) { gradcheck(ab, |[a, b]| a.matmul(b))?; }

        #[test]
        fn affine_matches_matmul([x, w, b] in affine_case()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let [x, w, b] = [&x, &w, &b].map(|t| pass.input(t));
            let (fused, plain) = (x.affine(w, b).to_tensor(), (x.matmul(w.transpose()) + b).to_tensor());
            prop_assert_eq!(fused.shape(), plain.shape());
            for (a, b) in fused.as_slice().iter().zip(plain.as_slice()) {
                prop_assert!((a - b).abs() < 1e-12);
            }
        }
    }

    #[test]
    #[should_panic(expected = "matmul: inner sizes differ: [2, 3] · [4, 5]")]
    fn matmul_panics_on_inner_sizes() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([2, 3]).matmul(pass.zeros([4, 5]));
    }
}
