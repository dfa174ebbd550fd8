//! Products of a matrix with a few vectors.

use super::dispatch::{InstructionSet, instruction_sets};
use super::dot::dot_rows;
use super::lanes::Lanes;
use super::{Matrix, gemm, matvec_add};
use crate::Real;

/// `Y += X Wᵀ` for row-major `X [n, columns]`, `W [m, columns]` and `Y [n, m]`.
///
/// Each product is, to the bit, the [`dot`](super::dot()) of its two rows: a batch gives what its
/// examples give one by one. `W` is read from far memory once, without packing or allocating.
///
/// Neither packing nor adding up lanes at the end weighs much when rows are long; where they are short and there are many
/// of them, [`linear_add`] is faster.
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
        pieces(x, w, columns, y);
    }
}

/// Up to so many rows, a product of matrices is made of products of vectors; beyond, it is a product of blocks.
pub const FEW: usize = 16;

/// `Y += X Wᵀ` as fast as it goes, for `X [n, columns]`, `W [m, columns]` and `Y [n, m]`: a layer on a batch.
///
/// That is [`matvec_add`](super::matvec_add) for one example, and else [`rows_times_transposed`] with the same bits,
/// unless there are more than [`FEW`] examples: for these [`gemm`](super::gemm()) is mostly faster, up to three times, but
/// adds in another order. (The choice depends on nothing but the number of examples, so that inputs and outputs can be
/// added without moving a bit of the old outputs.)
///
/// # Panics
///
/// As [`rows_times_transposed`].
#[track_caller]
pub fn linear_add<T: Real>(x: &[T], w: &[T], columns: usize, y: &mut [T]) {
    let (examples, outputs) = (x.len() / columns.max(1), w.len() / columns.max(1));
    let fits = examples * columns == x.len() && outputs * columns == w.len() && examples * outputs == y.len();
    match examples {
        1 if fits => matvec_add(w, x, y),
        _ if fits && examples > FEW => {
            let (x, w) = (Matrix::new(examples, columns, x), Matrix::new(outputs, columns, w));
            gemm(T::ONE, x, w.t(), T::ONE, y);
        }
        _ => rows_times_transposed(x, w, columns, y),
    }
}

/// The most bytes of `X` that pass before the next rows of `W` are taken: they stay in the second-level cache.
const PIECE_BYTES: usize = 512 * 1024;
/// The fewest multiply-adds of a piece for a thread of its own.
#[cfg(feature = "rayon")]
const LEAST_WORK: usize = 4_000_000;

/// Halves `X` until it is small.
fn pieces<T: Real>(x: &[T], w: &[T], columns: usize, y: &mut [T]) {
    let (examples, outputs) = (x.len() / columns, w.len() / columns);
    let is_large = size_of_val(x) > PIECE_BYTES;
    #[cfg(feature = "rayon")]
    let is_large = is_large || x.len().saturating_mul(outputs) >= 2 * LEAST_WORK;
    if examples < 2 || !is_large {
        return rows_times_transposed_on(InstructionSet::best(), x, w, columns, y);
    }
    let half = (examples / 2).next_multiple_of(ROWS_OF_X).min(examples - 1);
    let ((x, x_rest), (y, y_rest)) = (x.split_at(half * columns), y.split_at_mut(half * outputs));
    let (first, second) = (|| pieces(x, w, columns, y), || pieces(x_rest, w, columns, y_rest));
    #[cfg(feature = "rayon")]
    rayon::join(first, second);
    #[cfg(not(feature = "rayon"))]
    {
        let (mut first, mut second) = (first, second);
        first();
        second();
    }
}

/// How many rows of `X` share what is loaded of `W`.
const ROWS_OF_X: usize = 3;

instruction_sets! { rows_times_transposed_on(x: &[T], w: &[T], columns: usize, y: &mut [T]) = batch_body }

/// Blocks of rows of `W`, small enough to stay close while all of `X` passes.
#[inline(always)]
fn batch_body<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], w: &[T], columns: usize, y: &mut [T]) {
    let outputs = w.len() / columns;
    let mut first = 0;
    while first + BLOCK <= outputs {
        let (w, y) = (&w[first * columns..], &mut y[first..]);
        // Rows of X share what is loaded of W, where there are registers for the sums.
        if BLOCK >= 8 {
            add_products::<T, L, BLOCK, ROWS_OF_X>(x, w, [columns, outputs], y);
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
/// columns of `y`; `COUNT` rows of `x` at a time (at most three), then what is left.
#[inline(always)]
fn add_products<T: Real, L: Lanes<T>, const ROWS: usize, const COUNT: usize>(
    x: &[T],
    w: &[T],
    [columns, outputs]: [usize; 2],
    y: &mut [T],
) {
    let (mut x, mut start) = (x, 0);
    while x.len() >= COUNT * columns {
        add_rows::<T, L, ROWS, COUNT>(x, w, columns, outputs, &mut y[start..]);
        (x, start) = (&x[COUNT * columns..], start + COUNT * outputs);
    }
    match x.len() / columns {
        0 => {}
        1 => add_rows::<T, L, ROWS, 1>(x, w, columns, outputs, &mut y[start..]),
        _ => add_rows::<T, L, ROWS, 2>(x, w, columns, outputs, &mut y[start..]),
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

/// Adds the products of the first `COUNT` rows of `x` with the first `ROWS` rows of `w`.
#[inline(always)]
fn add_rows<T: Real, L: Lanes<T>, const ROWS: usize, const COUNT: usize>(
    x: &[T],
    w: &[T],
    columns: usize,
    outputs: usize,
    y: &mut [T],
) {
    for (row, products) in dot_rows::<T, L, ROWS, COUNT>(w, x, columns).into_iter().enumerate() {
        for (y, product) in y[row * outputs..][..ROWS].iter_mut().zip(products) {
            *y += product;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{bits, normal, up_to};
    use super::*;
    use crate::Rng;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_batch_gives_the_bits_of_its_examples(
            seed: u64, examples in 1_usize..20, outputs in 1_usize..20, columns in 1_usize..up_to(70),
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

        /// Whichever kernel is chosen, it depends on the number of examples alone.
        #[test]
        fn appending_columns_of_zeros_keeps_the_bits_of_a_layer(
            seed: u64, examples in 1_usize..24, outputs in 1_usize..5, columns in up_to(240)..up_to(240) + 20,
        ) {
            let mut rng = Rng::new(seed);
            let (x, w) = (normal(examples * columns, &mut rng), normal(outputs * columns, &mut rng));
            let wider = |numbers: &[f32]| numbers.chunks(columns).flat_map(|row| [row, &[0.0; 7]].concat()).collect::<Vec<_>>();
            let (mut y, mut grown) = (vec![0.5; examples * outputs], vec![0.5; examples * outputs]);
            linear_add(&x, &w, columns, &mut y);
            linear_add(&wider(&x), &wider(&w), columns + 7, &mut grown);
            prop_assert_eq!(bits(&y), bits(&grown));
        }

        #[test]
        fn products_match_gemm(examples in 1_usize..20, outputs in 1_usize..20, columns in 1_usize..up_to(70)) {
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
    #[cfg_attr(miri, ignore = "pieces have hundreds of KiB")]
    fn pieces_do_not_show() {
        let mut rng = Rng::new(1);
        for (examples, outputs, columns) in [(67, 200, 700), (300, 20, 900)] {
            let (x, w) = (normal(examples * columns, &mut rng), normal(outputs * columns, &mut rng));
            let (mut whole, mut cut) = (vec![0.0; examples * outputs], vec![0.0; examples * outputs]);
            rows_times_transposed_on(InstructionSet::best(), &x, &w, columns, &mut whole);
            rows_times_transposed(&x, &w, columns, &mut cut);
            assert_eq!(bits(&cut), bits(&whole));
        }
    }

    #[test]
    fn a_layer_is_the_same_product_by_every_way() {
        for (examples, outputs, columns) in
            [(0, 3, 4), (1, 3, 4), (16, 3, 4), (17, 3, 4), (17, 3, up_to(260)), (4, 0, 3)]
        {
            let count = |length: usize| (0..length).map(|i| (i % 7) as f64 - 3.0).collect::<Vec<_>>();
            let (x, w) = (count(examples * columns), count(outputs * columns));
            let (mut y, mut expected) = (count(examples * outputs), count(examples * outputs));
            linear_add(&x, &w, columns, &mut y);
            rows_times_transposed(&x, &w, columns, &mut expected);
            assert_eq!(y, expected);
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
