//! A matrix product by the kernel that fits its layout.

use super::{FEW, Matrix, gemm, matvec_add, matvec_transposed_add, outer_add, outer_sum_add, rows_times_transposed};
use crate::Real;

/// From so many rows of `A` on, a product with a row-major `B` is one of blocks: it reads a number of `B` once for several
/// rows of `A`, and need not pack it.
pub const BLOCK_ROWS: usize = 4;

/// `C += A B` for row-major `C [a.rows, b.cols]`.
///
/// A product with a vector, of two vectors, or of a few rows goes to the kernel that reads its
/// operands as they lie, without packing; the others go to [`gemm`](super::gemm()).
/// No layout is copied.
///
/// | `A` | `B` | kernel |
/// |---|---|---|
/// | a row | row-major | [`matvec_transposed_add`] |
/// | a row | transposed | [`matvec_add`](super::matvec_add) |
/// | row-major | a column | [`matvec_add`](super::matvec_add) |
/// | transposed | a column | [`matvec_transposed_add`] |
/// | a column | a row | [`outer_add`] |
/// | up to 3 rows | row-major | [`matvec_transposed_add`] for each |
/// | up to 16 rows | transposed | [`rows_times_transposed`] |
/// | transposed, up to 16 columns | row-major | [`outer_sum_add`] |
///
/// ```
/// use thalweg_tensor::kernels::{Matrix, multiply_add};
///
/// let a = Matrix::new(2, 2, &[1.0_f32, 2.0, 3.0, 4.0]);
/// let mut c = [0.0; 4];
/// multiply_add(a, a.t(), &mut c);
/// assert_eq!(c, [5.0, 11.0, 11.0, 25.0]);
/// ```
///
/// # Panics
///
/// When the inner sizes differ, `C` has another length, or a matrix reaches beyond its data.
#[track_caller]
pub fn multiply_add<T: Real>(a: Matrix<T>, b: Matrix<T>, c: &mut [T]) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    let fits = a.cols == b.rows && m.checked_mul(n) == Some(c.len());
    let rows = (row_major(a), row_major(b), row_major(a.t()), row_major(b.t()));
    match rows {
        _ if !fits || k == 0 || c.is_empty() => gemm(T::ONE, a, b, T::ONE, c),
        (Some(a), _, _, Some(b)) if m == 1 => matvec_add(b, a, c),
        (Some(a), _, _, Some(b)) if n == 1 => matvec_add(a, b, c),
        (Some(a), Some(b), _, _) if m == 1 => matvec_transposed_add(b, a, c),
        (_, Some(b), Some(a), _) if n == 1 => matvec_transposed_add(a, b, c),
        (_, Some(b), Some(a), _) if k == 1 => outer_add(a, b, c),
        (Some(a), _, _, Some(b)) if m <= FEW => rows_times_transposed(a, b, k, c),
        (Some(a), Some(b), _, _) if m < BLOCK_ROWS => {
            a.chunks_exact(k).zip(c.chunks_exact_mut(n)).for_each(|(a, c)| matvec_transposed_add(b, a, c));
        }
        (_, Some(b), Some(a), _) if k <= FEW => outer_sum_add(k, a, b, c),
        _ => gemm(T::ONE, a, b, T::ONE, c),
    }
}

/// The elements, when they lie in row-major order without gaps.
fn row_major<'a, T>(matrix: Matrix<'a, T>) -> Option<&'a [T]> {
    let Matrix { rows, cols, row_stride, col_stride, data } = matrix;
    let in_order = (cols <= 1 || col_stride == 1) && (rows <= 1 || row_stride == cols);
    rows.checked_mul(cols).filter(|_| in_order).and_then(|len| data.get(..len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use crate::kernels::testing::normal;
    use proptest::prelude::*;

    /// A matrix of this size in one of four layouts: row-major, transposed, with gaps, every element the same.
    fn laid_out(rows: usize, cols: usize, layout: usize, data: &[f32]) -> Matrix<'_, f32> {
        let [row_stride, col_stride] = [[cols, 1], [1, rows], [2 * cols + 1, 2], [0, 0]][layout];
        Matrix { rows, cols, row_stride, col_stride, data }
    }

    proptest! {
        #[test]
        fn every_layout_gives_the_naive_product(
            (m, k, n) in (0_usize..20, 0_usize..20, 0_usize..20),
            one in 0_usize..4,
            layouts in [0_usize..4, 0_usize..4],
            seed: u64,
        ) {
            let [m, k, n] = [(m, 0), (k, 1), (n, 2)].map(|(size, place)| if place == one { 1 } else { size });
            let mut rng = Rng::new(seed);
            let data = [(); 2].map(|()| normal(2000, &mut rng));
            let (a, b) = (laid_out(m, k, layouts[0], &data[0]), laid_out(k, n, layouts[1], &data[1]));
            let mut c = normal(m * n, &mut rng);
            let at = |m: Matrix<f32>, i: usize, j: usize| f64::from(m.data[i * m.row_stride + j * m.col_stride]);
            let product = |i: usize, j: usize| (0..k).map(|l| at(a, i, l) * at(b, l, j)).sum::<f64>();
            let exact = (0..m * n).map(|at| f64::from(c[at]) + product(at / n, at % n)).collect::<Vec<_>>();
            multiply_add(a, b, &mut c);
            prop_assert!(c.iter().zip(exact).all(|(&c, exact)| (f64::from(c) - exact).abs() < 1e-4));
        }
    }

    #[test]
    #[should_panic(expected = "gemm: inner sizes differ: [1, 2] · [3, 1]")]
    fn different_inner_sizes_panic() {
        multiply_add(Matrix::new(1, 2, &[0.0; 2]), Matrix::new(3, 1, &[0.0; 3]), &mut [0.0_f32]);
    }
}
