//! Large products in pieces, for several threads.

use super::super::dispatch::InstructionSet;
use super::pack::PANEL;
use super::{Factors, Target, blocks};
use crate::Real;

/// The fewest multiply-adds of a piece: a fork costs some ten microseconds, and this work several times as much.
const LEAST_WORK: usize = 4_000_000;
/// The fewest columns of a piece. Pieces side by side pack different parts of `B`, but each reads all of `A`.
const LEAST_COLS: usize = 4 * PANEL;
/// The fewest rows of a piece. Pieces one above the other pack the same part of `B`, once each.
const LEAST_ROWS: usize = 256;

/// [`blocks::multiply`] on all threads of the `rayon` pool that it is called in, or of the global one.
///
/// The product is halved until its pieces are small; sizes alone decide how. The pieces do not show in the result, and so
/// neither do the threads.
pub(super) fn multiply<T: Real>(set: InstructionSet, factors: Factors<'_, T>, c: Target<'_, T>) {
    let Factors { a, b, .. } = factors;
    let is_large = c.rows.saturating_mul(c.cols).saturating_mul(a.cols) >= 2 * LEAST_WORK;
    let ((first, c_first), (second, c_second)) = if is_large && c.cols >= 2 * LEAST_COLS {
        let half = (c.cols / 2).next_multiple_of(PANEL);
        let (left, right) = (b.block([0, 0], [b.rows, half]), b.block([0, half], [b.rows, b.cols - half]));
        let (c_left, c_right) = c.split_cols(half);
        ((Factors { b: left, ..factors }, c_left), (Factors { b: right, ..factors }, c_right))
    } else if is_large && c.rows >= 2 * LEAST_ROWS {
        let half = c.rows / 2;
        let (upper, lower) = (a.block([0, 0], [half, a.cols]), a.block([half, 0], [a.rows - half, a.cols]));
        let (c_upper, c_lower) = c.split_rows(half);
        ((Factors { a: upper, ..factors }, c_upper), (Factors { a: lower, ..factors }, c_lower))
    } else {
        return blocks::multiply(set, factors, c);
    };
    rayon::join(|| multiply(set, first, c_first), || multiply(set, second, c_second));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::kernels::{Matrix, gemm};
    use rayon::ThreadPoolBuilder;

    #[test]
    #[cfg_attr(miri, ignore = "pieces have millions of products")]
    fn threads_do_not_show() {
        for [m, k, n] in [[600, 70, 600], [1100, 70, 120], [40, 400, 700], [700, 3, 700]] {
            let rng = &mut crate::Rng::new(1);
            let mut random = |shape: [usize; 2]| Tensor::<f32>::normal(shape, 0.0, 1.0, rng).into_vec();
            let (a, b, before) = (random([m, k]), random([n, k]), random([m, n]));
            let (a, b) = (Matrix::new(m, k, &a), Matrix::new(n, k, &b).t());
            let mut alone = before.clone();
            let factors = Factors { alpha: 0.5, a, b, fresh: false };
            blocks::multiply(InstructionSet::best(), factors, Target::new(&mut alone, n));
            for threads in [1, 2, 3, 5] {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
                let mut c = before.clone();
                pool.install(|| gemm(0.5, a, b, 1.0, &mut c));
                assert_eq!(c, alone, "[{m}, {k}] · [{k}, {n}] on {threads} threads");
            }
        }
    }
}
