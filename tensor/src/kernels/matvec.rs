//! Matrix-vector products.

use super::dispatch::{InstructionSet, instruction_sets};
use super::dot::dot_rows;
use super::lanes::{LANES, Lanes};
use crate::Real;

/// `y = W x` for row-major `W [y.len(), x.len()]`.
///
/// # Panics
///
/// When `W` has another length.
#[track_caller]
pub fn matvec<T: Real>(w: &[T], x: &[T], y: &mut [T]) {
    check("matvec", w, y.len(), x.len());
    matvec_on(InstructionSet::best(), w, x, y);
}

/// `y += W x` for row-major `W [y.len(), x.len()]`.
///
/// # Panics
///
/// When `W` has another length.
#[track_caller]
pub fn matvec_add<T: Real>(w: &[T], x: &[T], y: &mut [T]) {
    check("matvec_add", w, y.len(), x.len());
    matvec_add_on(InstructionSet::best(), w, x, y);
}

/// Panics unless `w` is a matrix `[rows, columns]`.
#[track_caller]
pub(super) fn check<T>(operation: &str, w: &[T], rows: usize, columns: usize) {
    assert!(
        rows.checked_mul(columns) == Some(w.len()),
        "{operation}: W holds {} elements, not [{rows}, {columns}]",
        w.len()
    );
}

instruction_sets! { matvec_on(w: &[T], x: &[T], y: &mut [T]) = matvec_body }
instruction_sets! { matvec_add_on(w: &[T], x: &[T], y: &mut [T]) = matvec_add_body }

#[inline(always)]
fn matvec_body<T: Real, L: Lanes<T>, const BLOCK: usize>(w: &[T], x: &[T], y: &mut [T]) {
    each_row::<T, L, BLOCK>(
        w,
        x,
        y,
        #[inline(always)]
        |y, product| *y = product,
    );
}

#[inline(always)]
fn matvec_add_body<T: Real, L: Lanes<T>, const BLOCK: usize>(w: &[T], x: &[T], y: &mut [T]) {
    each_row::<T, L, BLOCK>(
        w,
        x,
        y,
        #[inline(always)]
        |y, product| *y += product,
    );
}

/// Hands the inner product of each row with `x` to `write`: as many rows at a time as the registers
/// hold and no more than fill one with their sums, then `BLOCK`, then pairs, then the last.
#[inline(always)]
fn each_row<T: Real, L: Lanes<T>, const BLOCK: usize>(w: &[T], x: &[T], y: &mut [T], write: impl Fn(&mut T, T)) {
    let (mut w, mut y) = (w, y);
    if BLOCK >= 8 && T::BYTES == 4 {
        (w, y) = blocks_of_rows::<T, L, LANES>(w, x, y, &write);
    }
    (w, y) = blocks_of_rows::<T, L, BLOCK>(w, x, y, &write);
    (w, y) = blocks_of_rows::<T, L, 2>(w, x, y, &write);
    blocks_of_rows::<T, L, 1>(w, x, y, &write);
}

/// `ROWS` rows at a time; returns what is left of `w` and `y`.
#[inline(always)]
fn blocks_of_rows<'a, T: Real, L: Lanes<T>, const ROWS: usize>(
    w: &'a [T],
    x: &[T],
    y: &'a mut [T],
    write: &impl Fn(&mut T, T),
) -> (&'a [T], &'a mut [T]) {
    let (blocks, rest) = y.as_chunks_mut::<ROWS>();
    let mut w = w;
    for y in blocks {
        let (rows, next) = w.split_at(ROWS * x.len());
        let [products] = dot_rows::<T, L, ROWS, 1>(rows, x, x.len());
        y.iter_mut().zip(products).for_each(|(y, product)| write(y, product));
        w = next;
    }
    (w, rest)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, assert_close, bits, normal, up_to};
    use super::*;
    use crate::Rng;
    use crate::kernels::dot;
    use proptest::prelude::*;

    /// `W x`, one element after another.
    fn matvec_naive(w: &[f32], x: &[f32], rows: usize) -> Vec<f32> {
        let row = |i: usize| &w[i * x.len()..(i + 1) * x.len()];
        (0..rows).map(|i| row(i).iter().zip(x).map(|(w, x)| w * x).sum()).collect()
    }

    #[test]
    fn products_match_the_naive_loops() {
        let mut rng = Rng::new(1);
        for (rows, columns) in LENGTHS.iter().flat_map(|&r| LENGTHS.map(|c| (r, c))) {
            let (w, x) = (normal(rows * columns, &mut rng), normal(columns, &mut rng));
            let product = matvec_naive(&w, &x, rows);
            for set in InstructionSet::all() {
                let mut y = vec![f32::NAN; rows];
                matvec_on(set, &w, &x, &mut y);
                assert_close(&y, &product);
                matvec_add_on(set, &w, &x, &mut y);
                assert_close(&y, &product.iter().map(|y| 2.0 * y).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn double_precision_is_exact_on_small_integers() {
        for (rows, columns) in LENGTHS.iter().flat_map(|&r| LENGTHS.map(|c| (r, c))) {
            let count = |length: usize| (0..length).map(|i| (i % 7) as f64 - 3.0).collect::<Vec<_>>();
            let (w, x) = (count(rows * columns), count(columns));
            let row = |i: usize| (0..columns).map(|j| w[i * columns + j] * x[j]).sum::<f64>();
            for set in InstructionSet::all() {
                let mut y = vec![f64::NAN; rows];
                matvec_on(set, &w, &x, &mut y);
                assert_eq!(y, (0..rows).map(row).collect::<Vec<_>>(), "{set:?}, [{rows}, {columns}]");
            }
        }
    }

    proptest! {
        #[test]
        fn a_row_does_not_depend_on_the_others(seed: u64, rows in 1_usize..up_to(40), columns in 0_usize..up_to(90)) {
            let mut rng = Rng::new(seed);
            let (w, x) = (normal(rows * columns, &mut rng), normal(columns, &mut rng));
            let mut y = vec![0.0; rows];
            matvec(&w, &x, &mut y);
            let row = |i: usize| dot(&w[i * columns..(i + 1) * columns], &x);
            prop_assert_eq!(bits(&y), bits(&(0..rows).map(row).collect::<Vec<_>>()));
        }

        #[test]
        fn nan_in_a_row_stays_in_its_row(rows in 1_usize..20, columns in 1_usize..up_to(40), place: prop::sample::Index) {
            let place = place.index(rows * columns);
            for not_finite in [f32::NAN, f32::INFINITY] {
                let mut w = vec![1.0; rows * columns];
                w[place] = not_finite;
                for set in InstructionSet::all() {
                    let mut y = vec![0.0; rows];
                    matvec_on(set, &w, &vec![1.0; columns], &mut y);
                    let is_right = |(i, &y): (usize, &f32)| (y == columns as f32) == (i != place / columns);
                    prop_assert!(y.iter().enumerate().all(is_right), "{:?}: {:?}", set, y);
                }
            }
        }

        #[test]
        fn appending_columns_of_zeros_keeps_the_bits(seed: u64, rows in 1_usize..20, columns in 0_usize..up_to(70)) {
            let mut rng = Rng::new(seed);
            let (w, x) = (normal(rows * columns, &mut rng), normal(columns, &mut rng));
            let wider = columns + 5;
            let grown = |k: usize| (k % wider < columns).then(|| w[k / wider * columns + k % wider]);
            let w_grown: Vec<f32> = (0..rows * wider).map(|k| grown(k).unwrap_or(0.0)).collect();
            // The weights are zero: what the new inputs are does not matter.
            let x_grown = [&x[..], &[3.0, -1.0, 0.5, 1e9, 7.0]].concat();
            let (mut y, mut y_grown) = (vec![0.0; rows], vec![0.0; rows]);
            matvec(&w, &x, &mut y);
            matvec(&w_grown, &x_grown, &mut y_grown);
            prop_assert_eq!(bits(&y), bits(&y_grown));
        }

        #[test]
        fn wide_instruction_sets_give_the_same_bits(seed: u64, rows in 1_usize..up_to(40), columns in 0_usize..up_to(90)) {
            let mut rng = Rng::new(seed);
            let (w, x) = (normal(rows * columns, &mut rng), normal(columns, &mut rng));
            let mut y = vec![0.0; rows];
            matvec(&w, &x, &mut y);
            for set in InstructionSet::all().into_iter().skip(1) {
                let mut again = vec![0.0; rows];
                matvec_on(set, &w, &x, &mut again);
                prop_assert_eq!(bits(&y), bits(&again));
            }
        }
    }

    #[test]
    #[should_panic(expected = "matvec: W holds 5 elements, not [2, 3]")]
    fn a_wrong_length_panics() {
        matvec(&[0.0_f32; 5], &[0.0; 3], &mut [0.0; 2]);
    }
}
