//! Matrix products through the `matrixmultiply` crate, which packs its operands into memory that
//! it allocates at each call; for a single vector, [`matvec`](super::matvec()) is several times
//! faster, and for a few, [`rows_times_transposed`](super::rows_times_transposed) is.

use super::dispatch::PORTABLE_FMA;
use super::lanes::{Lanes, Plain};
use crate::{Dual, Real};

/// A borrowed matrix whose elements lie at strides: element `(i, j)` is
/// `data[i · row_stride + j · column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// The number of rows.
    pub rows: usize,
    /// The number of columns.
    pub cols: usize,
    /// How far apart the elements of a column lie.
    pub row_stride: usize,
    /// How far apart the elements of a row lie.
    pub col_stride: usize,
    /// The elements.
    pub data: &'a [T],
}

impl<'a, T> Matrix<'a, T> {
    /// The matrix of row-major data.
    ///
    /// # Panics
    ///
    /// When `data` has another length than `rows · cols`.
    #[track_caller]
    pub fn new(rows: usize, cols: usize, data: &'a [T]) -> Self {
        assert!(
            rows.checked_mul(cols) == Some(data.len()),
            "matrix: {} elements do not make [{rows}, {cols}]",
            data.len()
        );
        Matrix { rows, cols, row_stride: cols, col_stride: 1, data }
    }

    /// The transpose; moves no data.
    pub fn t(self) -> Self {
        Matrix {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            data: self.data,
        }
    }

    /// Whether every element lies within `data`.
    fn is_within_bounds(&self) -> bool {
        if self.rows == 0 || self.cols == 0 {
            return true;
        }
        let last_row = (self.rows - 1).checked_mul(self.row_stride);
        let last_col = (self.cols - 1).checked_mul(self.col_stride);
        let last = last_row.zip(last_col).and_then(|(row, col)| row.checked_add(col));
        last.is_some_and(|last| last < self.data.len())
    }
}

/// `C ← α A B + β C` for row-major `C [a.rows, b.cols]`. When β is 0, `C` is not read.
///
/// ```
/// use thalweg_tensor::kernels::{Matrix, gemm};
///
/// let a = Matrix::new(1, 2, &[1.0_f32, 2.0]);
/// let mut c = [0.0; 4];
/// gemm(1.0, a.t(), a, 0.0, &mut c); // an outer product
/// assert_eq!(c, [1.0, 2.0, 2.0, 4.0]);
/// ```
///
/// # Panics
///
/// When the inner sizes differ, `C` has another length, or a matrix reaches beyond its data.
#[track_caller]
pub fn gemm<T: Real>(alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, c: &mut [T]) {
    assert!(a.cols == b.rows, "gemm: inner sizes differ: [{}, {}] · [{}, {}]", a.rows, a.cols, b.rows, b.cols);
    assert!(
        a.rows.checked_mul(b.cols) == Some(c.len()),
        "gemm: C holds {} elements, not [{}, {}]",
        c.len(),
        a.rows,
        b.cols
    );
    assert!(a.is_within_bounds(), "gemm: A reaches beyond its data");
    assert!(b.is_within_bounds(), "gemm: B reaches beyond its data");
    if c.is_empty() {
        return;
    }
    if a.cols == 0 {
        let scale = |c: &mut T| *c = if beta == T::ZERO { T::ZERO } else { beta * *c };
        c.iter_mut().for_each(scale);
        return;
    }
    // SAFETY: the assertions above hold every index of A, B and C within its slice, and C is
    // borrowed exclusively, so it overlaps neither A nor B.
    unsafe { T::multiply(alpha, a, b, beta, c) }
}

/// A scalar with a matrix product of its own. Out of reach from outside, so it seals `Real`.
pub trait Product: Sized + Copy {
    /// Its lanes on processors with AVX-512.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Lanes<Self>;
    /// Its lanes on processors with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Lanes<Self>;
    /// Its lanes on every processor.
    type Portable: Lanes<Self>;

    /// `C ← α A B + β C` for row-major `C`.
    ///
    /// # Safety
    ///
    /// Every element of `a` and `b` lies within its data, `a.cols` equals `b.rows`, and `c` holds
    /// `a.rows · b.cols` elements.
    unsafe fn multiply(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: &mut [Self]);
}

macro_rules! product {
    ($type:ty, $gemm:path, $avx512:ident, $avx2:ident) => {
        impl Product for $type {
            #[cfg(target_arch = "x86_64")]
            type Avx512 = super::lanes_x86::$avx512;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = super::lanes_x86::$avx2;
            type Portable = Plain<$type, PORTABLE_FMA>;

            unsafe fn multiply(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: &mut [Self]) {
                let (m, k, n) = (a.rows, a.cols, b.cols);
                let (a_row, a_col) = (a.row_stride as isize, a.col_stride as isize);
                let (b_row, b_col) = (b.row_stride as isize, b.col_stride as isize);
                let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
                // SAFETY: the caller vouches for the bounds; rows of C do not overlap.
                unsafe { $gemm(m, k, n, alpha, a, a_row, a_col, b, b_row, b_col, beta, c, n as isize, 1) }
            }
        }
    };
}

product!(f32, matrixmultiply::sgemm, Avx512F32, Avx2F32);
product!(f64, matrixmultiply::dgemm, Avx512F64, Avx2F64);

/// Plain loops: dual numbers are for checking and for second derivatives.
impl Product for Dual {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = Plain<Dual, false>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = Plain<Dual, false>;
    type Portable = Plain<Dual, false>;

    unsafe fn multiply(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: &mut [Self]) {
        for (i, row) in c.chunks_exact_mut(b.cols).enumerate() {
            for (j, c) in row.iter_mut().enumerate() {
                let term =
                    |k| a.data[i * a.row_stride + k * a.col_stride] * b.data[k * b.row_stride + j * b.col_stride];
                let product = alpha * (0..a.cols).map(term).sum::<Dual>();
                *c = if beta == Dual::ZERO { product } else { product + beta * *c };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use crate::kernels::testing::normal;

    /// `α A B + β C`, one element after another, in double precision.
    fn gemm_naive(alpha: f32, a: Matrix<f32>, b: Matrix<f32>, beta: f32, c: &[f32]) -> Vec<f32> {
        let at = |m: Matrix<f32>, i: usize, j: usize| f64::from(m.data[i * m.row_stride + j * m.col_stride]);
        let element = |index: usize| {
            let (i, j) = (index / b.cols, index % b.cols);
            let product: f64 = (0..a.cols).map(|k| at(a, i, k) * at(b, k, j)).sum();
            let before = if beta == 0.0 { 0.0 } else { f64::from(beta) * f64::from(c[index]) };
            (f64::from(alpha) * product + before) as f32
        };
        (0..a.rows * b.cols).map(element).collect()
    }

    #[test]
    fn gemm_matches_the_naive_loops() {
        const SIZES: [usize; 7] = [0, 1, 2, 15, 16, 17, 33];
        let mut rng = Rng::new(1);
        for (m, k, n) in SIZES.iter().flat_map(|&m| SIZES.iter().flat_map(move |&k| SIZES.map(|n| (m, k, n)))) {
            let (a, b) = (normal(m * k, &mut rng), normal(k * n, &mut rng));
            let (plain, turned) = (Matrix::new(m, k, &a), Matrix::new(k, m, &a).t());
            let (right, right_turned) = (Matrix::new(k, n, &b), Matrix::new(n, k, &b).t());
            for (a, b) in [(plain, right), (turned, right), (plain, right_turned)] {
                for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (-1.0, 0.25)] {
                    let before = if beta == 0.0 { vec![f32::NAN; m * n] } else { normal(m * n, &mut rng) };
                    let mut c = before.clone();
                    gemm(alpha, a, b, beta, &mut c);
                    let expected = gemm_naive(alpha, a, b, beta, &before);
                    assert!(c.iter().zip(&expected).all(|(c, e)| (c - e).abs() < 1e-4), "{m} {k} {n}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "gemm: inner sizes differ: [2, 3] · [2, 2]")]
    fn different_inner_sizes_panic() {
        gemm(1.0, Matrix::new(2, 3, &[0.0_f32; 6]), Matrix::new(2, 2, &[0.0; 4]), 0.0, &mut [0.0; 4]);
    }

    #[test]
    #[should_panic(expected = "gemm: A reaches beyond its data")]
    fn strides_beyond_the_data_panic() {
        let a = Matrix { rows: 2, cols: 2, row_stride: 3, col_stride: 1, data: &[0.0_f32; 4] };
        gemm(1.0, a, Matrix::new(2, 1, &[0.0; 2]), 0.0, &mut [0.0; 2]);
    }
}
