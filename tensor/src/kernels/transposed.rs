//! Products with the transpose: what flows back through `y = W x` to its input.

use super::dispatch::{InstructionSet, instruction_sets};
use super::lanes::{LANES, Lanes};
use super::matvec::check;
use crate::Real;

/// From this many columns on, rows lie so far apart that a matrix is cut into panels.
const WIDE: usize = 257;
/// The number of rows in a panel.
const PANEL: usize = 8;

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

instruction_sets! { matvec_transposed_add_on(w: &[T], dy: &[T], dx: &mut [T]) = transposed_body }

/// Columns that fit the registers at a time, each time over all rows, so that `dx` is read and
/// written once; or over a panel of rows where the rows of a column lie far apart. Every element
/// adds its rows in order, however the matrix is cut.
#[inline(always)]
fn transposed_body<T: Real, L: Lanes<T>, const BLOCK: usize>(w: &[T], dy: &[T], dx: &mut [T]) {
    let panel = if dx.len() < WIDE { dy.len() } else { PANEL };
    let (mut w, mut dy) = (w, dy);
    while dy.len() > panel {
        let (first, rest) = dy.split_at(panel);
        transposed_panel::<T, L>(w, first, dx);
        w = &w[panel * dx.len()..];
        dy = rest;
    }
    if !dy.is_empty() {
        transposed_panel::<T, L>(w, dy, dx);
    }
}

/// `dx += Wᵀ dy` for the first `dy.len()` rows of `W`, four chunks of columns at a time and then
/// what is left.
#[inline(always)]
fn transposed_panel<T: Real, L: Lanes<T>>(w: &[T], dy: &[T], dx: &mut [T]) {
    let columns = dx.len();
    let (blocks, rest) = dx.as_chunks_mut::<{ 4 * LANES }>();
    for (block, dx) in blocks.iter_mut().enumerate() {
        transposed_block::<T, L, 4>(&w[block * 4 * LANES..], columns, dy, dx);
    }
    let w = &w[blocks.len() * 4 * LANES..];
    match rest.len() / LANES {
        _ if rest.is_empty() => {}
        0 => transposed_block::<T, L, 0>(w, columns, dy, rest),
        1 => transposed_block::<T, L, 1>(w, columns, dy, rest),
        2 => transposed_block::<T, L, 2>(w, columns, dy, rest),
        _ => transposed_block::<T, L, 3>(w, columns, dy, rest),
    }
}

/// `dx += Wᵀ dy` for the first `dx.len()` columns of `W`: `WHOLE` chunks and a tail.
#[inline(always)]
fn transposed_block<T: Real, L: Lanes<T>, const WHOLE: usize>(w: &[T], columns: usize, dy: &[T], dx: &mut [T]) {
    let (chunks, tail) = dx.as_chunks_mut::<LANES>();
    let mut sums = [L::splat(T::ZERO); WHOLE];
    for (sum, dx) in sums.iter_mut().zip(&*chunks) {
        *sum = L::load(dx);
    }
    let mut tail_sum = L::load_first(tail);
    let width = WHOLE * LANES + tail.len();
    for (row, &dy) in dy.iter().enumerate() {
        let (chunks, rest) = w[row * columns..][..width].as_chunks::<LANES>();
        let dy = L::splat(dy);
        for (sum, w) in sums.iter_mut().zip(chunks) {
            *sum = dy.multiply_add(L::load(w), *sum);
        }
        if !rest.is_empty() {
            tail_sum = dy.multiply_add_first(rest, tail_sum);
        }
    }
    for (sum, dx) in sums.into_iter().zip(chunks) {
        sum.store(dx);
    }
    if !tail.is_empty() {
        tail_sum.store_first(tail);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LENGTHS, assert_close, bits, normal, up_to};
    use super::*;
    use crate::Rng;
    use proptest::prelude::*;

    /// `Wᵀ dy`, one element after another.
    fn transposed_naive(w: &[f32], dy: &[f32], columns: usize) -> Vec<f32> {
        let column = |j: usize| (0..dy.len()).map(move |i| w[i * columns + j] * dy[i]);
        (0..columns).map(|j| column(j).sum()).collect()
    }

    #[test]
    fn products_match_the_naive_loops() {
        let mut rng = Rng::new(1);
        for (rows, columns) in LENGTHS.iter().flat_map(|&r| LENGTHS.into_iter().chain([300]).map(move |c| (r, c))) {
            let (w, dy) = (normal(rows * columns, &mut rng), normal(rows, &mut rng));
            let expected: Vec<f32> = transposed_naive(&w, &dy, columns).iter().map(|dx| 1.0 + dx).collect();
            let sets = InstructionSet::all().into_iter();
            let results: Vec<Vec<f32>> = sets
                .map(|set| {
                    let mut dx = vec![1.0; columns];
                    matvec_transposed_add_on(set, &w, &dy, &mut dx);
                    assert_close(&dx, &expected);
                    dx
                })
                .collect();
            let wide = &results[1..];
            assert!(wide.windows(2).all(|pair| bits(&pair[0]) == bits(&pair[1])), "[{rows}, {columns}]");
        }
    }

    proptest! {
        /// However the columns are cut into chunks, blocks and panels.
        #[test]
        fn each_column_adds_its_rows_in_order(seed: u64, rows in 0_usize..up_to(40), columns in 1_usize..up_to(400)) {
            let mut rng = Rng::new(seed);
            let (w, dy) = (normal(rows * columns, &mut rng), normal(rows, &mut rng));
            let before = normal(columns, &mut rng);
            let mut dx = before.clone();
            matvec_transposed_add(&w, &dy, &mut dx);
            for j in 0..columns {
                let mut alone = [before[j]];
                for i in 0..rows {
                    // A matrix of one element.
                    matvec_transposed_add(&[w[i * columns + j]], &[dy[i]], &mut alone);
                }
                prop_assert_eq!(alone[0].to_bits(), dx[j].to_bits());
            }
        }
    }
}
