//! A sum of outer products: the gradient of a matrix that was used many times.

use super::dispatch::{InstructionSet, instruction_sets};
use super::dot::axpy_body;
use super::lanes::{LANES, Lanes};
use crate::Real;

/// The number of columns of the wider tile.
const WIDTH: usize = 2 * LANES;

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
fn outer_sum_body<T: Real, L: Lanes<T>, const BLOCK: usize>(rows: usize, dy: &[T], x: &[T], w: &mut [T]) {
    let (m, n) = (dy.len() / rows, x.len() / rows);
    let mut first = 0;
    while first < m {
        let taken = match m - first {
            4.. if BLOCK >= 8 => panel::<T, L, 4>([m, n], first, dy, x, w),
            2.. if BLOCK >= 4 => panel::<T, L, 2>([m, n], first, dy, x, w),
            _ => panel::<T, L, 1>([m, n], first, dy, x, w),
        };
        first += taken;
    }
}

/// `ROWS` rows of `W`, from `first` on. Returns `ROWS`.
#[inline(always)]
fn panel<T: Real, L: Lanes<T>, const ROWS: usize>(
    [m, n]: [usize; 2],
    first: usize,
    dy: &[T],
    x: &[T],
    w: &mut [T],
) -> usize {
    let mut column = 0;
    while column < n {
        let at = [first, column];
        column += match n - column {
            1..LANES if !L::MASKED => rest::<T, L, ROWS>([m, n], at, dy, x, w),
            WIDTH.. => tile::<T, L, ROWS, 2, true>([m, n], at, dy, x, w),
            LANES.. => tile::<T, L, ROWS, 1, true>([m, n], at, dy, x, w),
            _ => tile::<T, L, ROWS, 1, false>([m, n], at, dy, x, w),
        };
    }
    ROWS
}

/// `ROWS` rows of `W` and `CHUNKS · 16` columns, held in registers; only the columns that are left,
/// unless `WHOLE`. Returns how many columns.
#[inline(always)]
fn tile<T: Real, L: Lanes<T>, const ROWS: usize, const CHUNKS: usize, const WHOLE: bool>(
    [m, n]: [usize; 2],
    [first, column]: [usize; 2],
    dy: &[T],
    x: &[T],
    w: &mut [T],
) -> usize {
    let width = if WHOLE { CHUNKS * LANES } else { n - column };
    let mut sums = [[L::splat(T::ZERO); CHUNKS]; ROWS];
    for i in 0..ROWS {
        sums[i] = load(&w[(first + i) * n + column..][..width]);
    }
    for (dy, x) in dy.chunks_exact(m).zip(x.chunks_exact(n)) {
        let (dy, x): (_, [L; CHUNKS]) = (&dy[first..first + ROWS], load(&x[column..column + width]));
        for i in 0..ROWS {
            for chunk in 0..CHUNKS {
                sums[i][chunk] = L::splat(dy[i]).multiply_add(x[chunk], sums[i][chunk]);
            }
        }
    }
    for i in 0..ROWS {
        let (whole, rest) = w[(first + i) * n + column..][..width].as_chunks_mut();
        for (w, sum) in whole.iter_mut().zip(sums[i]) {
            sum.store(w);
        }
        if !WHOLE {
            sums[i][CHUNKS - 1].store_first(rest);
        }
    }
    width
}

/// `ROWS` rows of `W` and the columns from `column` on, number by number. Returns how many columns.
#[inline(always)]
fn rest<T: Real, L: Lanes<T>, const ROWS: usize>(
    [m, n]: [usize; 2],
    [first, column]: [usize; 2],
    dy: &[T],
    x: &[T],
    w: &mut [T],
) -> usize {
    for row in first..first + ROWS {
        let w = &mut w[row * n + column..(row + 1) * n];
        for (dy, x) in dy.chunks_exact(m).zip(x.chunks_exact(n)) {
            axpy_body::<T, L, 1>(dy[row], &x[column..], w);
        }
    }
    n - column
}

/// Chunks, of which the last may be a partial one.
#[inline(always)]
fn load<T: Real, L: Lanes<T>, const CHUNKS: usize>(from: &[T]) -> [L; CHUNKS] {
    let (whole, rest) = from.as_chunks();
    let mut lanes = [L::splat(T::ZERO); CHUNKS];
    for (lanes, from) in lanes.iter_mut().zip(whole) {
        *lanes = L::load(from);
    }
    if !rest.is_empty() {
        lanes[CHUNKS - 1] = L::load_first(rest);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::super::outer_add;
    use super::super::testing::up_to;
    use super::*;
    use crate::Tensor;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_sweep_has_the_bits_of_one_product_after_the_other(
            rows in 0usize..20, m in 0usize..20, n in 0usize..up_to(70), seed in any::<u64>()
        ) {
            let mut rng = crate::Rng::new(seed);
            let mut random = |n: usize| Tensor::<f32>::normal([n], 0.0, 1.0, &mut rng).into_vec();
            let (dy, x, w) = (random(rows * m), random(rows * n), random(m * n));
            for set in InstructionSet::all() {
                let (mut swept, mut naive) = (w.clone(), w.clone());
                if rows > 0 {
                    outer_sum_on(set, rows, &dy, &x, &mut swept);
                }
                (0..rows).for_each(|r| outer_add(&dy[r * m..][..m], &x[r * n..][..n], &mut naive));
                if set == InstructionSet::best() {
                    prop_assert_eq!(&swept, &naive);
                }
                // Another set may round a product before it is added: twenty of them, of numbers of a few units.
                for (swept, naive) in swept.iter().zip(&naive) {
                    prop_assert!((swept - naive).abs() <= 1e-4, "{swept} {naive} on {set:?}");
                }
            }
            let mut through_the_door = w.clone();
            outer_sum_add(rows, &dy, &x, &mut through_the_door);
            let plain = |i: usize| (0..rows).map(|r| dy[r * m + i / n] * x[r * n + i % n]).sum::<f32>() + w[i];
            prop_assert!(through_the_door.iter().enumerate().all(|(i, v)| (v - plain(i)).abs() < 1e-4));
        }
    }
}
