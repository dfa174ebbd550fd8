//! Rank-one updates: the gradient of the weights of `y = W x`.

use super::dispatch::{InstructionSet, instruction_sets};
use super::dot::axpy_body;
use super::lanes::{LANES, Lanes};
use super::matvec::check;
use crate::Real;

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

instruction_sets! { outer_add_on(dy: &[T], x: &[T], w: &mut [T]) = outer_body }

#[inline(always)]
fn outer_body<T: Real, L: Lanes<T>, const BLOCK: usize>(dy: &[T], x: &[T], w: &mut [T]) {
    match x {
        [] => {}
        // A single column is contiguous.
        &[x] => axpy_body::<T, L, BLOCK>(x, dy, w),
        _ if x.len() < LANES && L::MASKED => outer_narrow::<T, L, BLOCK>(dy, x, w),
        _ if x.len() < LANES => outer_rows::<T, L, BLOCK>(dy, x, w),
        _ => outer_wide::<T, L>(dy, x, w),
    }
}

/// `W += dy xᵀ` for rows of at least sixteen numbers. What is left of a row after its whole chunks
/// is done with the chunk that ends the row, computed before the row changes: where it overlaps
/// another, both write the same number.
#[inline(always)]
fn outer_wide<T: Real, L: Lanes<T>>(dy: &[T], x: &[T], w: &mut [T]) {
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let mut rows = w;
    for &dy in dy {
        let (w, next) = rows.split_at_mut(x.len());
        rows = next;
        let dy = L::splat(dy);
        if x_rest.is_empty() {
            add_chunks::<T, L>(dy, x_chunks, w.as_chunks_mut().0);
        } else if let Some((x, last)) = x.last_chunk().zip(w.last_chunk()) {
            let last = dy.multiply_add(L::load(x), L::load(last));
            add_chunks::<T, L>(dy, x_chunks, w.as_chunks_mut().0);
            if let Some(w) = w.last_chunk_mut() {
                last.store(w);
            }
        }
    }
}

/// `w += dy x`, four chunks at a time.
#[inline(always)]
fn add_chunks<T: Real, L: Lanes<T>>(dy: L, x: &[[T; LANES]], w: &mut [[T; LANES]]) {
    let ((x_blocks, x), (w_blocks, w)) = (x.as_chunks::<4>(), w.as_chunks_mut::<4>());
    for (w, x) in w_blocks.iter_mut().zip(x_blocks) {
        let mut sums = [dy; 4];
        for i in 0..4 {
            sums[i] = dy.multiply_add(L::load(&x[i]), L::load(&w[i]));
        }
        for i in 0..4 {
            sums[i].store(&mut w[i]);
        }
    }
    for (w, x) in w.iter_mut().zip(x) {
        dy.multiply_add(L::load(x), L::load(w)).store(w);
    }
}

/// `W += dy xᵀ` for rows of fewer than sixteen numbers.
///
/// A processor takes a load to depend on an earlier store if the whole registers would overlap,
/// even where only masked lanes do, and waits. So a block of rows is loaded before the block
/// before it is stored.
#[inline(always)]
fn outer_narrow<T: Real, L: Lanes<T>, const BLOCK: usize>(dy: &[T], x: &[T], w: &mut [T]) {
    let columns = x.len();
    let (blocks, rest) = dy.as_chunks::<BLOCK>();
    let x_lanes = L::load_first(x);
    let mut ahead = [L::splat(T::ZERO); BLOCK];
    load_rows(&mut ahead, w, columns);
    let mut w = w;
    for dy in blocks {
        let rows = ahead;
        let (block, next) = w.split_at_mut(BLOCK * columns);
        load_rows(&mut ahead, next, columns);
        for row in 0..BLOCK {
            let row_lanes = L::splat(dy[row]).multiply_add(x_lanes, rows[row]);
            row_lanes.store_first(&mut block[row * columns..][..columns]);
        }
        w = next;
    }
    outer_rows::<T, L, BLOCK>(rest, x, w);
}

/// `W += dy xᵀ` row by row, for any length of `x` but 0.
#[inline(always)]
fn outer_rows<T: Real, L: Lanes<T>, const BLOCK: usize>(dy: &[T], x: &[T], w: &mut [T]) {
    for (row, &dy) in dy.iter().enumerate() {
        axpy_body::<T, L, BLOCK>(dy, x, &mut w[row * x.len()..][..x.len()]);
    }
}

/// Loads the first rows of `w`, if it has as many.
#[inline(always)]
fn load_rows<T: Real, L: Lanes<T>, const BLOCK: usize>(rows: &mut [L; BLOCK], w: &[T], columns: usize) {
    if w.len() >= BLOCK * columns {
        for row in 0..BLOCK {
            rows[row] = L::load_first(&w[row * columns..][..columns]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, bits, normal, up_to};
    use super::*;
    use crate::Rng;
    use crate::kernels::axpy;
    use proptest::prelude::*;

    #[test]
    fn updates_match_the_naive_loops() {
        let mut rng = Rng::new(1);
        for (rows, columns) in LENGTHS.iter().flat_map(|&r| LENGTHS.map(|c| (r, c))) {
            let (w, dy, x) = (normal(rows * columns, &mut rng), normal(rows, &mut rng), normal(columns, &mut rng));
            for set in InstructionSet::all() {
                let mut updated = w.clone();
                outer_add_on(set, &dy, &x, &mut updated);
                for k in 0..w.len() {
                    let expected = w[k] + dy[k / columns] * x[k % columns];
                    assert!((updated[k] - expected).abs() < 1e-5, "{set:?}, [{rows}, {columns}]");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn each_row_is_an_axpy(seed: u64, rows in 0_usize..up_to(40), columns in 1_usize..up_to(150)) {
            let mut rng = Rng::new(seed);
            let (w, dy, x) = (normal(rows * columns, &mut rng), normal(rows, &mut rng), normal(columns, &mut rng));
            let mut by_rows = w.clone();
            by_rows.chunks_exact_mut(columns).zip(&dy).for_each(|(row, &dy)| axpy(dy, &x, row));
            // AVX2 and AVX-512; the portable version rounds differently.
            for set in InstructionSet::all().into_iter().skip(1) {
                let mut updated = w.clone();
                outer_add_on(set, &dy, &x, &mut updated);
                prop_assert_eq!(bits(&updated), bits(&by_rows));
            }
        }

        #[test]
        fn double_precision_is_exact_on_small_integers(rows in 0_usize..30, columns in 1_usize..40) {
            let count = |length: usize| (0..length).map(|i| (i % 7) as f64 - 3.0).collect::<Vec<_>>();
            let (w, dy, x) = (count(rows * columns), count(rows), count(columns));
            let expected: Vec<f64> = (0..w.len()).map(|k| w[k] + dy[k / columns] * x[k % columns]).collect();
            for set in InstructionSet::all() {
                let mut updated = w.clone();
                outer_add_on(set, &dy, &x, &mut updated);
                prop_assert_eq!(&updated, &expected);
            }
        }
    }
}
