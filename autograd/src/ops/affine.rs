//! Affine maps: a matrix product with a weight, and a bias.
//!
//! One example at a time is the main case: a vector, or a few, go through kernels that neither pack nor allocate. Larger
//! batches go to GEMM, which does both.

use thalweg_tensor::{
    Real, Shape,
    kernels::{self, Matrix, gemm},
};

use crate::{Back, Op, Var};

impl<T: Real> Var<'_, T> {
    /// Affine map, PyTorch's `linear`: `[in]` or `[n, in]`, weight `[out, in]`, bias `[out]` → `[out]` or `[n, out]`.
    ///
    /// Forward `y = W x + b`; backward `x̄ += Wᵀȳ`, `W̄ += ȳ xᵀ`, `b̄ += ȳ`, summed over the rows of a batch.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn affine(self, weight: Self, bias: Self) -> Self {
        let (shape, sizes) = self.affine_sizes("affine", weight);
        let [_, _, out] = sizes;
        assert!(bias.shape() == Shape::from([out]), "affine: bias {} for weight {}", bias.shape(), weight.shape());
        self.pass.record(
            Op::new("affine").attributes(sizes),
            [self, weight, bias],
            shape,
            |[x, w, b], y| {
                y.chunks_exact_mut(out.max(1)).for_each(|y| y.copy_from_slice(b));
                affine_forward(x, w, sizes, y);
            },
            |g| {
                affine_backward(g);
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
        let (shape, sizes) = self.affine_sizes("linear", weight);
        let op = Op::new("linear").attributes(sizes);
        self.pass.record(op, [self, weight], shape, |[x, w], y| affine_forward(x, w, sizes, y), affine_backward)
    }

    /// The shape of `x Wᵀ`, and \[rows, inputs, outputs\].
    #[track_caller]
    fn affine_sizes(self, op: &str, weight: Self) -> (Shape, [usize; 3]) {
        let (x, w) = (self.shape(), weight.shape());
        match (x.dims(), w.dims()) {
            (&[n], &[out, inputs]) if n == inputs => (Shape::from([out]), [1, inputs, out]),
            (&[rows, n], &[out, inputs]) if n == inputs => (Shape::from([rows, out]), [rows, inputs, out]),
            _ => panic!("{op}: [in] or [n, in] and a weight [out, in] expected: {x} and {w}"),
        }
    }
}

/// Above this many rows GEMM pays, although it packs its operands (and allocates) first.
const MANY: usize = 16;

/// `Y += X Wᵀ` for `x: [rows, in]`, `w: [out, in]`. Each row gives the bits that it gives alone.
pub(super) fn rows_times_transposed<T: Real>(x: &[T], w: &[T], rows: usize, y: &mut [T]) {
    match rows {
        0 => {}
        1 => kernels::matvec_add(w, x, y),
        _ => kernels::rows_times_transposed(x, w, x.len() / rows, y),
    }
}

/// `X̄ += Ȳ W` for `dy: [rows, out]`, `w: [out, in]`, `dx: [rows, in]`.
pub(super) fn rows_times<T: Real>(dy: &[T], w: &[T], rows: usize, dx: &mut [T]) {
    let (inputs, outputs) = (dx.len() / rows.max(1), dy.len() / rows.max(1));
    for row in 0..rows {
        let (dy, dx) = (&dy[row * outputs..][..outputs], &mut dx[row * inputs..][..inputs]);
        kernels::matvec_transposed_add(w, dy, dx);
    }
}

/// `W̄ += Ȳᵀ X` for `dy: [rows, out]`, `x: [rows, in]`, `dw: [out, in]`.
pub(super) fn transposed_times<T: Real>(dy: &[T], x: &[T], rows: usize, dw: &mut [T]) {
    match rows {
        1 => kernels::outer_add(dy, x, dw),
        _ => kernels::outer_sum_add(rows, dy, x, dw),
    }
}

/// `Y += X Wᵀ`, `x: [in]` or `[rows, in]`.
fn affine_forward<T: Real>(x: &[T], w: &[T], [rows, inputs, outputs]: [usize; 3], y: &mut [T]) {
    match rows {
        ..=MANY => rows_times_transposed(x, w, rows, y),
        _ => gemm(T::ONE, Matrix::new(rows, inputs, x), Matrix::new(outputs, inputs, w).t(), T::ONE, y),
    }
}

/// `X̄ += Ȳ W`, `W̄ += Ȳᵀ X`.
fn affine_backward<T: Real>(g: &mut Back<'_, T>) {
    let (x, w, dy, [rows, inputs, outputs]) = (g.x(0), g.x(1), g.dy(), g.attributes());
    if g.wants(0) {
        match rows {
            ..=MANY => rows_times(dy, w, rows, g.dx(0)),
            _ => gemm(T::ONE, Matrix::new(rows, outputs, dy), Matrix::new(outputs, inputs, w), T::ONE, g.dx(0)),
        }
    }
    if g.wants(1) {
        match rows {
            ..=MANY => transposed_times(dy, x, rows, g.dx(1)),
            _ => gemm(T::ONE, Matrix::new(rows, outputs, dy).t(), Matrix::new(rows, inputs, x), T::ONE, g.dx(1)),
        }
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
        (0usize..24, 1usize..20, 1usize..6).prop_flat_map(|(n, inputs, out)| {
            let x = if n == 0 { vec![inputs] } else { vec![n, inputs] };
            let parts = (tensor(x, -2.0, 2.0), tensor(vec![out, inputs], -2.0, 2.0), tensor(vec![out], -2.0, 2.0));
            parts.prop_map(|(x, w, b)| [x, w, b])
        })
    }

    proptest! {
        #[test]
        fn affine_gradient(case in affine_case()) { gradcheck(case, |[x, w, b]| x.affine(w, b))?; }
        #[test]
        fn linear_gradient([x, w, _] in affine_case()) { gradcheck([x, w], |[x, w]| x.linear(w))?; }

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
}
