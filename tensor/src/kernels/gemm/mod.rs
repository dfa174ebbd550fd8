//! Matrix products, and how they come close to what a processor can do.
//!
//! `C = A B` for matrices of size `n` takes `n³` multiply-adds on `3 n²` numbers. A processor begins two vectors of
//! multiply-adds per cycle, but loads no more than two vectors from its nearest cache in that time, and from memory a
//! small part of one. So every number that was loaded must be used many times before it is let go, at each level:
//!
//! | level | holds | each number serves |
//! |---|---|---|
//! | registers | a [tile](tile) of `C`, 8 × 32 | all steps of a block of `k` |
//! | first cache | a strip of `A`, 8 × 512 | all panels of a block of `B` |
//! | second cache | a [block](blocks) of `B`, 512 × 512 | all strips of `A` |
//! | memory | the matrices | |
//!
//! (Rows × columns for AVX-512 in single precision; the others have smaller tiles.)
//!
//! The tile is the heart: eight numbers of a column of `A`, each in all lanes of a register, times two registers of a row
//! of `B`, added to sixteen registers of sums. The loops around it only choose which tile comes next.
//!
//! # Packing
//!
//! Vectors of `B` should lie one after the other as the tile reads them; in rows that are far apart, each would begin a
//! new page, and in columns they would not be vectors at all. So a block of `B` is first [packed](pack), copied into
//! panels of 32 columns. `A` is read number by number, which is as good along its rows as from a copy; columns are packed,
//! a strip at a time. And a matrix that fits the first-level cache is packed only when it must be: there, moving costs
//! more than it saves. For the tile, packing is nothing but other strides.
//!
//! Each thread keeps the memory that it packs into (about a MiB at most), so products allocate nothing after the first.
//!
//! # Other processors
//!
//! Without AVX2 or AVX-512 the product is left to the `matrixmultiply` crate, which knows the vectors of aarch64. It
//! allocates what it packs into.
//!
//! Sources: Goto & van de Geijn 2008 (blocks and packing), Van Zee & van de Geijn 2015 (the loops around a small kernel).

mod blocks;
mod matrix;
mod pack;
mod product;
mod target;
#[cfg(feature = "rayon")]
mod threads;
mod tile;

#[cfg(not(feature = "rayon"))]
use blocks as threads;
use target::Target;

use super::dispatch::InstructionSet;
use crate::Real;

pub use matrix::Matrix;
pub use product::Product;

/// `C ← α A B + β C` for row-major `C [a.rows, b.cols]`. When β is 0, `C` is not read.
///
/// An element of `C` begins as `β c` and adds its products `(α a) b` in the order of `k`, each rounded once, on processors
/// with AVX2 or AVX-512. So it depends on its row of `A` and its column of `B` alone, and neither on the sizes nor on the
/// number of threads. Matrices of a single row or column go faster through [`matvec`](super::matvec()) and
/// [`matvec_transposed_add`](super::matvec_transposed_add), and `A Bᵀ` of few rows through
/// [`rows_times_transposed`](super::rows_times_transposed).
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
    gemm_on(InstructionSet::best(), alpha, a, b, beta, c);
}

/// [`gemm`] after its checks.
fn gemm_on<T: Real>(set: InstructionSet, alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, c: &mut [T]) {
    let fresh = beta == T::ZERO;
    if a.cols == 0 && fresh {
        c.fill(T::ZERO);
    } else if !fresh && beta != T::ONE {
        c.iter_mut().for_each(|c| *c = beta * *c);
    }
    if a.cols > 0 && !c.is_empty() {
        threads::multiply(set, Factors { alpha, a, b, fresh }, Target::new(c, b.cols));
    }
}

/// What a product is made of: `α A B` is added to `C`, or becomes it if `fresh`.
///
/// `A` and `B` lie within their data, `A` has as many columns as `B` has rows, and no size is 0.
#[derive(Clone, Copy, Debug)]
struct Factors<'a, T> {
    alpha: T,
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    fresh: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::up_to;
    use crate::kernels::{matvec_transposed_add, outer_sum_add};
    use crate::{Rng, Tensor};
    use proptest::prelude::*;

    /// Sizes around those of tiles, and now and then around those of blocks.
    fn size() -> impl Strategy<Value = usize> {
        prop_oneof![8 => 0_usize..40, 1 => 60_usize..70, 1 => 250_usize..270].prop_map(up_to)
    }

    fn scale() -> impl Strategy<Value = f64> {
        prop::sample::select(vec![1.0, 0.0, -1.0, 0.5])
    }

    /// A matrix at strides: of rows or of columns, with gaps between them and between their numbers.
    fn strided<T>([rows, cols]: [usize; 2], [turned, gap, spread]: [usize; 3], data: &[T]) -> Matrix<'_, T> {
        let (outer, inner) = if turned == 1 { (cols, rows) } else { (rows, cols) };
        let stride = inner * (1 + spread) + gap;
        assert!(outer * stride <= data.len());
        let plain = Matrix { rows: outer, cols: inner, row_stride: stride, col_stride: 1 + spread, data };
        if turned == 1 { plain.t() } else { plain }
    }

    /// Enough numbers for [`strided`].
    fn numbers<T: Real>([rows, cols]: [usize; 2], rng: &mut Rng) -> Vec<T> {
        Tensor::uniform([2 * (rows + 2) * (cols + 2)], -1.0, 1.0, rng).into_vec()
    }

    /// The definition, one element after another.
    fn gemm_naive<T: Real>(alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, c: &mut [T]) {
        for (index, c) in c.iter_mut().enumerate() {
            let (i, j) = (index / b.cols, index % b.cols);
            *c = if beta == T::ZERO { T::ZERO } else { beta * *c };
            for k in 0..a.cols {
                let a = alpha * a.data[i * a.row_stride + k * a.col_stride];
                *c = a.mul_add(b.data[k * b.row_stride + j * b.col_stride], *c);
            }
        }
    }

    /// The bits of the definition where products are added unrounded, and close to them elsewhere.
    fn check<T: Real>(
        [m, k, n]: [usize; 3],
        forms: [[usize; 3]; 2],
        [alpha, beta]: [f64; 2],
        seed: u64,
    ) -> Result<(), TestCaseError> {
        let (rng, [alpha, beta]) = (&mut Rng::new(seed), [alpha, beta].map(T::from_f64));
        let (a, b): (Vec<T>, Vec<T>) = (numbers([m, k], rng), numbers([k, n], rng));
        let (a, b) = (strided([m, k], forms[0], &a), strided([k, n], forms[1], &b));
        let unread = T::from_f64(f64::NAN);
        let before: Vec<T> =
            (0..m * n).map(|_| if beta == T::ZERO { unread } else { T::from_f64(rng.normal()) }).collect();
        let mut expected = before.clone();
        gemm_naive(alpha, a, b, beta, &mut expected);
        for set in InstructionSet::all() {
            let mut c = before.clone();
            gemm_on(set, alpha, a, b, beta, &mut c);
            if set == InstructionSet::Portable {
                let near = T::EPSILON.to_f64() * 8.0 * (k as f64 + 1.0);
                prop_assert!(c.iter().zip(&expected).all(|(c, e)| (*c - *e).abs().to_f64() <= near));
            } else {
                prop_assert!(c.iter().zip(&expected).all(|(c, e)| c.bits() == e.bits()), "{set:?}");
            }
        }
        Ok(())
    }

    fn form() -> impl Strategy<Value = [usize; 3]> {
        [0..2_usize, 0..3, 0..2]
    }

    proptest! {
        #[test]
        fn products_match_the_naive_loops(
            sizes in [size(), size(), size()], forms in [form(), form()], scales in [scale(), scale()], seed: u64,
        ) {
            check::<f32>(sizes, forms, scales, seed)?;
            check::<f64>(sizes, forms, scales, seed)?;
        }

        /// Sums over many examples at once have the bits of one after the other.
        #[test]
        fn a_sum_of_outer_products_is_a_product(
            rows in 1_usize..up_to(70), m in 1_usize..up_to(70), n in 1_usize..up_to(70), seed: u64
        ) {
            let rng = &mut Rng::new(seed);
            let mut random = |shape: [usize; 2]| Tensor::<f32>::normal(shape, 0.0, 1.0, rng).into_vec();
            let (dy, x, mut w) = (random([rows, m]), random([rows, n]), random([m, n]));
            let mut product = w.clone();
            outer_sum_add(rows, &dy, &x, &mut w);
            gemm(1.0, Matrix::new(rows, m, &dy).t(), Matrix::new(rows, n, &x), 1.0, &mut product);
            if InstructionSet::best() == InstructionSet::Portable {
                return Ok(()); // matrixmultiply adds in an order of its own
            }
            prop_assert_eq!(product, w);
        }

        #[test]
        fn a_row_of_a_product_is_a_product_with_the_transpose(
            rows in 1_usize..up_to(40), m in 1_usize..up_to(70), n in 1_usize..up_to(70), seed: u64
        ) {
            let rng = &mut Rng::new(seed);
            let mut random = |shape: [usize; 2]| Tensor::<f32>::normal(shape, 0.0, 1.0, rng).into_vec();
            let (dy, w, mut dx) = (random([rows, m]), random([m, n]), random([rows, n]));
            let mut product = dx.clone();
            dy.chunks_exact(m).zip(dx.chunks_exact_mut(n)).for_each(|(dy, dx)| matvec_transposed_add(&w, dy, dx));
            gemm(1.0, Matrix::new(rows, m, &dy), Matrix::new(m, n, &w), 1.0, &mut product);
            if InstructionSet::best() == InstructionSet::Portable {
                return Ok(()); // matrixmultiply adds in an order of its own
            }
            prop_assert_eq!(product, dx);
        }
    }

    #[test]
    fn blocks_do_not_show() -> Result<(), TestCaseError> {
        // More than a block of columns and of depth, packed and not.
        let small = [([1, 514, 2], 1), ([1, 2, 514], 1)];
        let large = [([20, 530, 40], 0), ([20, 20, 1100], 0), ([19, 300, 530], 1), ([9, 530, 530], 0)];
        for (sizes, turned) in small.into_iter().chain(large.into_iter().filter(|_| !cfg!(miri))) {
            check::<f32>(sizes, [[turned, 0, 0], [turned, 0, 0]], [1.0, 1.0], 1)?;
            check::<f64>(sizes, [[0; 3], [turned, 0, 0]], [1.0, 0.0], 1)?;
        }
        Ok(())
    }

    #[test]
    fn nan_in_a_row_stays_in_its_row_and_does_not_vanish() {
        for (m, k, n) in [(11, 5, 37), (40, up_to(70), up_to(300))] {
            let (mut a, b) = (vec![1.0_f32; m * k], vec![0.0; k * n]);
            a[3 * k + 2] = f32::NAN;
            let mut c = vec![1.0; m * n];
            gemm(1.0, Matrix::new(m, k, &a), Matrix::new(k, n, &b), 1.0, &mut c);
            assert!(c.iter().enumerate().all(|(i, c)| c.is_nan() == (i / n == 3)));
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
