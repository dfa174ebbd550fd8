//! A sum of outer products: the gradient of a matrix that was used many times.

use super::dispatch::{InstructionSet, instruction_sets};
use super::dot::{LANES, multiply_add};
use crate::Real;

/// `W += Σᵣ dyᵣ xᵣᵀ` for `dy [r, m]`, `x [r, n]` and row-major `W [m, n]`.
///
/// Each element adds its products in the order of the rows, so the bits are those of
/// [`outer_add`](super::outer_add) for one row after the other; but `W` is read and written once.
///
/// # Panics
///
/// When the lengths do not fit.
#[track_caller]
pub fn outer_sum_add<T: Real>(rows: usize, dy: &[T], x: &[T], w: &mut [T]) {
    let (m, n) = (dy.len().checked_div(rows).unwrap_or(0), x.len().checked_div(rows).unwrap_or(0));
    let fits = dy.len() == rows * m && x.len() == rows * n && (rows == 0 || w.len() == m * n);
    assert!(fits, "outer_sum_add: {rows} rows of dy ({}) and x ({}), W holds {}", dy.len(), x.len(), w.len());
    if rows > 0 {
        outer_sum_on(InstructionSet::best(), rows, dy, x, w);
    }
}

instruction_sets! { outer_sum_on(rows: usize, dy: &[T], x: &[T], w: &mut [T]) = outer_sum_body }

/// Two chunks of columns and as many rows of `W` as the registers hold, each time over all rows of `dy` and `x`.
#[inline(always)]
fn outer_sum_body<T: Real, const FMA: bool, const BLOCK: usize>(rows: usize, dy: &[T], x: &[T], w: &mut [T]) {
    let (m, n) = (dy.len() / rows, x.len() / rows);
    let mut first = 0;
    while first < m {
        let taken = match m - first {
            4.. if BLOCK >= 8 => panel::<T, FMA, 4>(m, n, first, dy, x, w),
            2.. if BLOCK >= 4 => panel::<T, FMA, 2>(m, n, first, dy, x, w),
            _ => panel::<T, FMA, 1>(m, n, first, dy, x, w),
        };
        first += taken;
    }
}

/// `ROWS` rows of `W`, from `first` on. Returns `ROWS`.
#[inline(always)]
fn panel<T: Real, const FMA: bool, const ROWS: usize>(
    m: usize,
    n: usize,
    first: usize,
    dy: &[T],
    x: &[T],
    w: &mut [T],
) -> usize {
    let mut column = 0;
    while column + 2 * LANES <= n {
        tile::<T, FMA, ROWS, 2>([m, n, first, column], dy, x, w);
        column += 2 * LANES;
    }
    if column + LANES <= n {
        tile::<T, FMA, ROWS, 1>([m, n, first, column], dy, x, w);
        column += LANES;
    }
    if column < n {
        for row in first..first + ROWS {
            let w = &mut w[row * n + column..(row + 1) * n];
            for (dy, x) in dy.chunks_exact(m).zip(x.chunks_exact(n)) {
                let dy = dy[row];
                w.iter_mut().zip(&x[column..]).for_each(|(w, &x)| *w = multiply_add::<T, FMA>(dy, x, *w));
            }
        }
    }
    ROWS
}

/// `ROWS` rows and `CHUNKS · 16` columns of `W`, held in registers.
#[inline(always)]
fn tile<T: Real, const FMA: bool, const ROWS: usize, const CHUNKS: usize>(
    [m, n, first, column]: [usize; 4],
    dy: &[T],
    x: &[T],
    w: &mut [T],
) {
    let mut sums = [[[T::ZERO; LANES]; CHUNKS]; ROWS];
    for (row, sums) in sums.iter_mut().enumerate() {
        sums.as_flattened_mut().copy_from_slice(&w[(first + row) * n + column..][..CHUNKS * LANES]);
    }
    for (dy, x) in dy.chunks_exact(m).zip(x.chunks_exact(n)) {
        let (dy, x) = (&dy[first..first + ROWS], &x[column..column + CHUNKS * LANES]);
        for row in 0..ROWS {
            for chunk in 0..CHUNKS {
                for lane in 0..LANES {
                    let sum = &mut sums[row][chunk][lane];
                    *sum = multiply_add::<T, FMA>(dy[row], x[chunk * LANES + lane], *sum);
                }
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        w[(first + row) * n + column..][..CHUNKS * LANES].copy_from_slice(sums.as_flattened());
    }
}

#[cfg(test)]
mod tests {
    use super::super::outer_add;
    use super::*;
    use crate::Tensor;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_sweep_has_the_bits_of_one_product_after_the_other(
            rows in 0usize..20, m in 0usize..20, n in 0usize..70, seed in any::<u64>()
        ) {
            let mut rng = crate::Rng::new(seed);
            let mut random = |n: usize| Tensor::<f32>::normal([n], 0.0, 1.0, &mut rng).into_vec();
            let (dy, x, w) = (random(rows * m), random(rows * n), random(m * n));
            for set in InstructionSet::all() {
                let (mut swept, mut naive) = (w.clone(), w.clone());
                if rows > 0 {
                    outer_sum_on(set, rows, &dy, &x, &mut swept);
                }
                if set == InstructionSet::best() {
                    (0..rows).for_each(|r| outer_add(&dy[r * m..][..m], &x[r * n..][..n], &mut naive));
                    prop_assert_eq!(&swept, &naive);
                }
            }
            let mut through_the_door = w.clone();
            outer_sum_add(rows, &dy, &x, &mut through_the_door);
            let plain = |i: usize| (0..rows).map(|r| dy[r * m + i / n] * x[r * n + i % n]).sum::<f32>() + w[i];
            prop_assert!(through_the_door.iter().enumerate().all(|(i, v)| (v - plain(i)).abs() < 1e-4));
        }
    }
}
