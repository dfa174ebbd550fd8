//! Products of a matrix with a few vectors.

use super::dispatch::{InstructionSet, instruction_sets};
use super::dot::dot_rows;
use super::lanes::Lanes;
use crate::Real;

/// `Y += X Wᵀ` for row-major `X [n, columns]`, `W [m, columns]` and `Y [n, m]`.
///
/// Each product is, to the bit, the [`dot`](super::dot()) of its two rows: a batch gives what its
/// examples give one by one. `W` is read from far memory once, without packing or allocating.
///
/// It beats [`gemm`](super::gemm()), which packs `W` at each call, as long as `X` has few rows. How
/// many depends on the shape (measured in single precision with AVX-512):
///
/// | `W` | 64 × 8 | 128 × 48 | 64 × 64 | 256 × 256 | 1024 × 1024 | 10 × 64 |
/// |---|---|---|---|---|---|---|
/// | up to `n` ≈ | 9 | 20 | 32 | 100 | beyond 64 | beyond 128 |
///
/// ```
/// use thalweg_tensor::kernels::rows_times_transposed;
///
/// let x = [1.0_f32, 2.0, 3.0, 4.0]; // [2, 2]
/// let w = [1.0, 0.0, 0.0, 1.0, 1.0, -1.0]; // [3, 2]
/// let mut y = [0.0; 6];
/// rows_times_transposed(&x, &w, 2, &mut y);
/// assert_eq!(y, [1.0, 2.0, -1.0, 3.0, 4.0, -1.0]);
/// ```
///
/// # Panics
///
/// When `X` or `W` does not consist of rows of `columns` elements, or `Y` has another length.
#[track_caller]
pub fn rows_times_transposed<T: Real>(x: &[T], w: &[T], columns: usize, y: &mut [T]) {
    let (examples, outputs) = (x.len() / columns.max(1), w.len() / columns.max(1));
    assert!(
        examples * columns == x.len()
            && outputs * columns == w.len()
            && (columns == 0 || examples * outputs == y.len()),
        "rows_times_transposed: [{}] · [{}]ᵀ in rows of {columns} do not make [{}]",
        x.len(),
        w.len(),
        y.len()
    );
    // The blocks below take rows for granted.
    if !x.is_empty() && !w.is_empty() {
        rows_times_transposed_on(InstructionSet::best(), x, w, columns, y);
    }
}

instruction_sets! { rows_times_transposed_on(x: &[T], w: &[T], columns: usize, y: &mut [T]) = batch_body }

/// Blocks of rows of `W`, small enough to stay close while all of `X` passes.
#[inline(always)]
fn batch_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], w: &[T], columns: usize, y: &mut [T]) {
    let outputs = w.len() / columns;
    let mut first = 0;
    while first + BLOCK <= outputs {
        let (w, y) = (&w[first * columns..], &mut y[first..]);
        // Two rows of X share what is loaded of W, where there are registers for the sums.
        if BLOCK >= 8 {
            add_products::<T, L, BLOCK, 2>(x, w, [columns, outputs], y);
        } else {
            add_products::<T, L, BLOCK, 1>(x, w, [columns, outputs], y);
        }
        first += BLOCK;
    }
    while first < outputs {
        add_column::<T, L, BLOCK>(x, &w[first * columns..][..columns], outputs, &mut y[first..]);
        first += 1;
    }
}

/// Adds the products of all rows of `x` with the first `ROWS` rows of `w` to the first `ROWS`
/// columns of `y`; `COUNT` rows of `x` at a time, then one by one.
#[inline(always)]
fn add_products<T: Real, L: Lanes<T>, const ROWS: usize, const COUNT: usize>(
    x: &[T],
    w: &[T],
    [columns, outputs]: [usize; 2],
    y: &mut [T],
) {
    let (mut x, mut start) = (x, 0);
    while x.len() >= COUNT * columns {
        let products = dot_rows::<T, L, ROWS, COUNT>(w, x, columns);
        for products in products {
            add_row(products, &mut y[start..]);
            start += outputs;
        }
        x = &x[COUNT * columns..];
    }
    while !x.is_empty() {
        let [products] = dot_rows::<T, L, ROWS, 1>(w, x, columns);
        add_row(products, &mut y[start..]);
        start += outputs;
        x = &x[columns..];
    }
}

/// Adds the products of all rows of `x` with the vector `w` to the first column of `y`: as
/// [`matvec_add`](super::matvec_add), but the results lie `outputs` apart.
#[inline(always)]
fn add_column<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], w: &[T], outputs: usize, y: &mut [T]) {
    let (mut x, mut start) = (x, 0);
    while x.len() >= BLOCK * w.len() {
        let [products] = dot_rows::<T, L, BLOCK, 1>(x, w, w.len());
        for product in products {
            y[start] += product;
            start += outputs;
        }
        x = &x[BLOCK * w.len()..];
    }
    while !x.is_empty() {
        let [[product]] = dot_rows::<T, L, 1, 1>(x, w, w.len());
        y[start] += product;
        start += outputs;
        x = &x[w.len()..];
    }
}

#[inline(always)]
fn add_row<T: Real, const ROWS: usize>(products: [T; ROWS], y: &mut [T]) {
    for (y, product) in y[..ROWS].iter_mut().zip(products) {
        *y += product;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{bits, normal};
    use super::*;
    use crate::Rng;
    use crate::kernels::{Matrix, gemm, matvec_add};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_batch_gives_the_bits_of_its_examples(
            seed: u64, examples in 1_usize..20, outputs in 1_usize..20, columns in 1_usize..70,
        ) {
            let mut rng = Rng::new(seed);
            let (x, w) = (normal(examples * columns, &mut rng), normal(outputs * columns, &mut rng));
            let y = normal(examples * outputs, &mut rng);
            let mut one_by_one = y.clone();
            for (x, y) in x.chunks_exact(columns).zip(one_by_one.chunks_exact_mut(outputs)) {
                matvec_add(&w, x, y);
            }
            // AVX2 and AVX-512; the portable version rounds differently.
            for set in InstructionSet::all().into_iter().skip(1) {
                let mut together = y.clone();
                rows_times_transposed_on(set, &x, &w, columns, &mut together);
                prop_assert_eq!(bits(&together), bits(&one_by_one), "{:?}", set);
            }
        }

        #[test]
        fn products_match_gemm(examples in 1_usize..20, outputs in 1_usize..20, columns in 1_usize..70) {
            // Small integers, so that every sum is exact.
            let count = |length: usize| (0..length).map(|i| (i % 7) as f64 - 3.0).collect::<Vec<_>>();
            let (x, w, mut expected) = (count(examples * columns), count(outputs * columns), count(examples * outputs));
            let y = expected.clone();
            let (a, b) = (Matrix::new(examples, columns, &x), Matrix::new(outputs, columns, &w));
            gemm(1.0, a, b.t(), 1.0, &mut expected);
            for set in InstructionSet::all() {
                let mut product = y.clone();
                rows_times_transposed_on(set, &x, &w, columns, &mut product);
                prop_assert_eq!(&product, &expected, "{:?}", set);
            }
        }
    }

    #[test]
    fn empty_matrices_add_nothing() {
        let mut y = [1.0_f32; 6];
        rows_times_transposed(&[], &[], 0, &mut y);
        assert_eq!(y, [1.0; 6]);
        rows_times_transposed(&[], &[1.0; 6], 3, &mut []);
        rows_times_transposed(&[1.0; 6], &[], 3, &mut []);
    }

    #[test]
    #[should_panic(expected = "rows_times_transposed: [4] · [6]ᵀ in rows of 2 do not make [5]")]
    fn a_wrong_length_panics() {
        rows_times_transposed(&[0.0_f32; 4], &[0.0; 6], 2, &mut [0.0; 5]);
    }
}
