//! Matrix-vector products.

use super::dispatch::{InstructionSet, instruction_sets};
use super::dot::{LANES, axpy_body, dot_rows, multiply_add};
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

/// `dx += Wᵀ dy` for row-major `W [dy.len(), dx.len()]`.
///
/// # Panics
///
/// When `W` has another length.
#[track_caller]
pub fn matvec_transposed_add<T: Real>(w: &[T], dy: &[T], dx: &mut [T]) {
    check("matvec_transposed_add", w, dy.len(), dx.len());
    matvec_transposed_add_on(InstructionSet::best(), w, dy, dx);
}

/// `W += dy xᵀ` for row-major `W [dy.len(), x.len()]`.
///
/// # Panics
///
/// When `W` has another length.
#[track_caller]
pub fn outer_add<T: Real>(dy: &[T], x: &[T], w: &mut [T]) {
    check("outer_add", w, dy.len(), x.len());
    outer_add_on(InstructionSet::best(), dy, x, w);
}

#[track_caller]
fn check<T>(operation: &str, w: &[T], rows: usize, columns: usize) {
    assert!(
        rows.checked_mul(columns) == Some(w.len()),
        "{operation}: W holds {} elements, not [{rows}, {columns}]",
        w.len()
    );
}

instruction_sets! { matvec_on(w: &[T], x: &[T], y: &mut [T]) = matvec_body }
instruction_sets! { matvec_add_on(w: &[T], x: &[T], y: &mut [T]) = matvec_add_body }
instruction_sets! { matvec_transposed_add_on(w: &[T], dy: &[T], dx: &mut [T]) = transposed_body }
instruction_sets! { outer_add_on(dy: &[T], x: &[T], w: &mut [T]) = outer_body }

#[inline(always)]
fn matvec_body<T: Real, const FMA: bool, const BLOCK: usize>(w: &[T], x: &[T], y: &mut [T]) {
    each_row::<T, FMA, BLOCK>(w, x, y, |y, product| *y = product);
}

#[inline(always)]
fn matvec_add_body<T: Real, const FMA: bool, const BLOCK: usize>(w: &[T], x: &[T], y: &mut [T]) {
    each_row::<T, FMA, BLOCK>(w, x, y, |y, product| *y += product);
}

/// Hands the inner product of each row with `x` to `write`: `BLOCK` rows at a time, then the
/// remaining rows one by one.
#[inline(always)]
fn each_row<T: Real, const FMA: bool, const BLOCK: usize>(w: &[T], x: &[T], y: &mut [T], write: impl Fn(&mut T, T)) {
    let columns = x.len();
    let (y_blocks, y_rest) = y.as_chunks_mut::<BLOCK>();
    for (block, y) in y_blocks.iter_mut().enumerate() {
        let products = dot_rows::<T, FMA, BLOCK>(&w[block * BLOCK * columns..], x);
        y.iter_mut().zip(products).for_each(|(y, product)| write(y, product));
    }
    let first = y_blocks.len() * BLOCK;
    for (row, y) in y_rest.iter_mut().enumerate() {
        let [product] = dot_rows::<T, FMA, 1>(&w[(first + row) * columns..], x);
        write(y, product);
    }
}

/// As many columns as the registers hold at a time, each time over all rows: `dx` is read and
/// written once. Every element adds its rows in order, however the columns are cut.
#[inline(always)]
fn transposed_body<T: Real, const FMA: bool, const BLOCK: usize>(w: &[T], dy: &[T], dx: &mut [T]) {
    let columns = dx.len();
    let (chunks, tail) = dx.as_chunks_mut::<LANES>();
    let (blocks, singles) = chunks.as_chunks_mut::<4>();
    let mut start = 0;
    for block in blocks {
        transposed_block::<T, FMA, 4>(w, columns, start, dy, block);
        start += 4 * LANES;
    }
    for single in singles {
        transposed_block::<T, FMA, 1>(w, columns, start, dy, std::array::from_mut(single));
        start += LANES;
    }
    if !tail.is_empty() {
        transposed_tail::<T, FMA>(w, columns, start, dy, tail);
    }
}

/// `dx += Wᵀ dy` for the `N · 16` columns of `W [dy.len(), columns]` that begin at `start`.
#[inline(always)]
fn transposed_block<T: Real, const FMA: bool, const N: usize>(
    w: &[T],
    columns: usize,
    start: usize,
    dy: &[T],
    dx: &mut [[T; LANES]; N],
) {
    let mut sums = *dx;
    for (row, &dy) in w.chunks_exact(columns).zip(dy) {
        let (chunks, _) = row[start..start + N * LANES].as_chunks::<LANES>();
        for n in 0..N {
            for lane in 0..LANES {
                sums[n][lane] = multiply_add::<T, FMA>(dy, chunks[n][lane], sums[n][lane]);
            }
        }
    }
    *dx = sums;
}

/// `dx += Wᵀ dy` for the last columns of `W [dy.len(), columns]`, fewer than 16, from `start` on.
#[inline(always)]
fn transposed_tail<T: Real, const FMA: bool>(w: &[T], columns: usize, start: usize, dy: &[T], dx: &mut [T]) {
    let mut sums = [T::ZERO; LANES];
    sums[..dx.len()].copy_from_slice(dx);
    // Lanes beyond the last column add up what follows in memory, and are dropped at the end.
    let room = w.len().checked_sub(start + LANES);
    let reach = room.map_or(0, |room| (room / columns + 1).min(dy.len()));
    for row in 0..reach {
        if let Some(w) = w[row * columns + start..].first_chunk::<LANES>() {
            for lane in 0..LANES {
                sums[lane] = multiply_add::<T, FMA>(dy[row], w[lane], sums[lane]);
            }
        }
    }
    dx.copy_from_slice(&sums[..dx.len()]);
    // The last rows, where a whole chunk would reach beyond W.
    for row in reach..dy.len() {
        let w = &w[row * columns + start..][..dx.len()];
        for (dx, &w) in dx.iter_mut().zip(w) {
            *dx = multiply_add::<T, FMA>(dy[row], w, *dx);
        }
    }
}

#[inline(always)]
fn outer_body<T: Real, const FMA: bool, const BLOCK: usize>(dy: &[T], x: &[T], w: &mut [T]) {
    if x.is_empty() {
        return;
    }
    for (row, &dy) in w.chunks_exact_mut(x.len()).zip(dy) {
        axpy_body::<T, FMA, BLOCK>(dy, x, row);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, bits, normal};
    use super::*;
    use crate::Rng;
    use crate::kernels::dot;
    use proptest::prelude::*;

    /// `W x`, one element after another.
    fn matvec_naive(w: &[f32], x: &[f32], rows: usize) -> Vec<f32> {
        let row = |i: usize| &w[i * x.len()..(i + 1) * x.len()];
        (0..rows).map(|i| row(i).iter().zip(x).map(|(w, x)| w * x).sum()).collect()
    }

    /// `Wᵀ dy`, one element after another.
    fn transposed_naive(w: &[f32], dy: &[f32], columns: usize) -> Vec<f32> {
        let column = |j: usize| (0..dy.len()).map(move |i| w[i * columns + j] * dy[i]);
        (0..columns).map(|j| column(j).sum()).collect()
    }

    /// Equal up to the rounding of sums of at most 130 terms of size about 1.
    fn assert_close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4), "{a:?}\n{b:?}");
    }

    #[test]
    fn products_match_the_naive_loops() {
        let mut rng = Rng::new(1);
        for (rows, columns) in LENGTHS.iter().flat_map(|&r| LENGTHS.map(|c| (r, c))) {
            let w = normal(rows * columns, &mut rng);
            let (x, dy) = (normal(columns, &mut rng), normal(rows, &mut rng));
            let product = matvec_naive(&w, &x, rows);
            let transposed = transposed_naive(&w, &dy, columns);
            for set in InstructionSet::all() {
                let mut y = vec![f32::NAN; rows];
                matvec_on(set, &w, &x, &mut y);
                assert_close(&y, &product);
                matvec_add_on(set, &w, &x, &mut y);
                assert_close(&y, &product.iter().map(|y| 2.0 * y).collect::<Vec<_>>());
                let mut dx = vec![1.0; columns];
                matvec_transposed_add_on(set, &w, &dy, &mut dx);
                assert_close(&dx, &transposed.iter().map(|dx| 1.0 + dx).collect::<Vec<_>>());
                let mut outer = w.clone();
                outer_add_on(set, &dy, &x, &mut outer);
                let expected = (0..w.len()).map(|k| w[k] + dy[k / columns] * x[k % columns]);
                assert_close(&outer, &expected.collect::<Vec<_>>());
            }
        }
    }

    proptest! {
        #[test]
        fn a_row_does_not_depend_on_the_others(seed: u64, rows in 1_usize..40, columns in 0_usize..90) {
            let mut rng = Rng::new(seed);
            let (w, x) = (normal(rows * columns, &mut rng), normal(columns, &mut rng));
            let mut y = vec![0.0; rows];
            matvec(&w, &x, &mut y);
            let row = |i: usize| dot(&w[i * columns..(i + 1) * columns], &x);
            prop_assert_eq!(bits(&y), bits(&(0..rows).map(row).collect::<Vec<_>>()));
        }

        #[test]
        fn a_column_does_not_depend_on_the_others(seed: u64, rows in 0_usize..20, columns in 1_usize..90) {
            let mut rng = Rng::new(seed);
            let (w, dy) = (normal(rows * columns, &mut rng), normal(rows, &mut rng));
            let mut dx = vec![0.0; columns];
            matvec_transposed_add(&w, &dy, &mut dx);
            for j in 0..columns {
                let column: Vec<f32> = (0..rows).map(|i| w[i * columns + j]).collect();
                let mut alone = [0.0];
                matvec_transposed_add(&column, &dy, &mut alone);
                prop_assert_eq!(alone[0].to_bits(), dx[j].to_bits());
            }
        }

        #[test]
        fn appending_columns_of_zeros_keeps_the_bits(seed: u64, rows in 1_usize..20, columns in 0_usize..70) {
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
    }

    #[test]
    fn wide_instruction_sets_give_the_same_bits() {
        let mut rng = Rng::new(4);
        let (rows, columns) = (37, 83);
        let w = normal(rows * columns, &mut rng);
        let (x, dy) = (normal(columns, &mut rng), normal(rows, &mut rng));
        let results = InstructionSet::all().into_iter().skip(1).map(|set| {
            let (mut y, mut dx, mut outer) = (vec![0.0; rows], x.clone(), w.clone());
            matvec_on(set, &w, &x, &mut y);
            matvec_transposed_add_on(set, &w, &dy, &mut dx);
            outer_add_on(set, &dy, &x, &mut outer);
            [bits(&y), bits(&dx), bits(&outer)]
        });
        let results: Vec<_> = results.collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    #[should_panic(expected = "matvec: W holds 5 elements, not [2, 3]")]
    fn a_wrong_length_panics() {
        matvec(&[0.0_f32; 5], &[0.0; 3], &mut [0.0; 2]);
    }
}
