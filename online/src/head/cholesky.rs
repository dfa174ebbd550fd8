//! Cholesky's factor of a symmetric matrix, of which only the lower half is kept, row after row: `a₀₀ a₁₀ a₁₁ a₂₀ …`.

use thalweg_tensor::kernels;

/// How many numbers the half of a matrix of this size is.
pub(super) fn packed_len(size: usize) -> usize {
    size * (size + 1) / 2
}

/// The rows of a half, from the diagonal on to the left.
pub(super) fn row(half: &[f64], index: usize) -> &[f64] {
    &half[packed_len(index)..][..index + 1]
}

/// `A + α x xᵀ`.
pub(super) fn add_outer(half: &mut [f64], alpha: f64, x: &[f64]) {
    let mut rest = half;
    for index in 0..x.len() {
        let (row, after) = rest.split_at_mut(index + 1);
        kernels::axpy(alpha * x[index], &x[..=index], row);
        rest = after;
    }
}

/// `A = L Lᵀ` in place: A becomes L.
///
/// ```text
/// lᵢⱼ = (aᵢⱼ − Σₖ lᵢₖ lⱼₖ) / lⱼⱼ      lᵢᵢ² = aᵢᵢ − Σₖ lᵢₖ²      k < j
/// ```
///
/// A is `least` · I and something that is not negative, so no `lᵢᵢ²` is smaller than `least`: where rounding says otherwise,
/// `least` is taken, or what rounding alone makes of `aᵢᵢ` if that is more.
pub(super) fn factorise(half: &mut [f64], size: usize, least: f64) {
    for i in 0..size {
        let (above, below) = half.split_at_mut(packed_len(i));
        let current = &mut below[..=i];
        for j in 0..i {
            let other = row(above, j);
            current[j] = (current[j] - kernels::dot(&current[..j], &other[..j])) / other[j];
        }
        let (known, diagonal) = current.split_at_mut(i);
        let noise = size as f64 * f64::EPSILON * diagonal[0];
        diagonal[0] = (diagonal[0] - kernels::dot(known, known)).max(least).max(noise).sqrt();
    }
}

/// Solves `L Lᵀ x = b` in place: b becomes x.
pub(super) fn solve(factor: &[f64], b: &mut [f64]) {
    for i in 0..b.len() {
        let row = row(factor, i);
        b[i] = (b[i] - kernels::dot(&row[..i], &b[..i])) / row[i];
    }
    for i in (0..b.len()).rev() {
        let row = row(factor, i);
        b[i] /= row[i];
        let (before, known) = b.split_at_mut(i);
        kernels::axpy(-known[0], &row[..i], before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A = Σ v vᵀ + I, so there is a solution.
        #[test]
        fn what_is_solved_for_gives_what_was_asked(
            vectors in prop::collection::vec(prop::collection::vec(-3.0..3.0, 7), 0..9),
            b in prop::collection::vec(-5.0..5.0, 0..7usize),
        ) {
            let n = b.len();
            let mut half = vec![0.0; packed_len(n)];
            (0..n).for_each(|i| half[packed_len(i) + i] = 1.0);
            vectors.iter().for_each(|v: &Vec<f64>| add_outer(&mut half, 2.0, &v[..n]));
            let at = |i: usize, j: usize| row(&half, i.max(j))[i.min(j)];
            for i in 0..n {
                for j in 0..n {
                    let direct = vectors.iter().map(|v| 2.0 * v[i] * v[j]).sum::<f64>() + f64::from(u8::from(i == j));
                    prop_assert!((at(i, j) - direct).abs() < 1e-9);
                }
            }
            let (mut factor, mut x) = (half.clone(), b.clone());
            factorise(&mut factor, n, 1.0);
            solve(&factor, &mut x);
            for (i, asked) in b.iter().enumerate() {
                let found: f64 = x.iter().enumerate().map(|(j, x)| at(i, j) * x).sum();
                prop_assert!((found - asked).abs() < 1e-8, "{found} {asked}");
            }
        }
    }
}
