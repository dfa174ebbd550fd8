//! How many directions the rows of a matrix really use.

/// The effective rank of a matrix (Roy & Vetterli 2007), given row by row: `exp(−Σ pᵢ ln pᵢ)`, where `pᵢ = σᵢ / Σ σ` are its
/// singular values. From 1, where all rows are multiples of one, to the smaller of its sizes; 0 where all is 0, or nothing
/// there; NaN of numbers that are not finite.
///
/// ```
/// use thalweg_online::plasticity::effective_rank;
///
/// assert_eq!(effective_rank(2, &[1.0, 0.0, 0.0, 1.0]), 2.0);
/// assert_eq!(effective_rank(2, &[1.0, 2.0, 2.0, 4.0, 3.0, 6.0]), 1.0);
/// ```
///
/// # Panics
///
/// If the numbers are no whole number of rows.
#[must_use]
#[track_caller]
pub fn effective_rank(columns: usize, numbers: &[f32]) -> f64 {
    let rows = numbers.len().checked_div(columns).unwrap_or(0);
    assert!(rows * columns == numbers.len(), "effective_rank: rows of {columns} expected, found {}", numbers.len());
    let number = |row: usize, column: usize| f64::from(numbers[row * columns + column]);
    // The singular values of a matrix are those of its transpose: as few vectors as possible.
    let mut vectors: Vec<Vec<f64>> = match rows <= columns {
        true => (0..rows).map(|row| (0..columns).map(|column| number(row, column)).collect()).collect(),
        false => (0..columns).map(|column| (0..rows).map(|row| number(row, column)).collect()).collect(),
    };
    if numbers.iter().any(|number| !number.is_finite()) {
        return f64::NAN;
    }
    make_orthogonal(&mut vectors);
    let lengths: Vec<f64> = vectors.iter().map(|vector| dot(vector, vector).sqrt()).collect();
    let sum: f64 = lengths.iter().sum();
    if sum == 0.0 {
        return 0.0;
    }
    let shares = lengths.iter().map(|length| length / sum).filter(|&share| share > 1e-12);
    shares.map(|share| -share * share.ln()).sum::<f64>().exp()
}

/// Turns pairs of vectors in their plane until all are orthogonal: then their lengths are the singular values (one-sided
/// Jacobi; Hestenes 1958).
fn make_orthogonal(vectors: &mut [Vec<f64>]) {
    for _ in 0..30 {
        let mut is_done = true;
        for j in 1..vectors.len() {
            let (before, rest) = vectors.split_at_mut(j);
            for a in before {
                is_done &= !turn(a, &mut rest[0]);
            }
        }
        if is_done {
            return;
        }
    }
}

/// Whether the two were not orthogonal yet. The angle φ between them and what they become: tan 2φ = 2 a·b / (a·a − b·b).
fn turn(a: &mut [f64], b: &mut [f64]) -> bool {
    let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
    if ab.abs() <= 1e-12 * (aa * bb).sqrt() {
        return false;
    }
    let (sin, cos) = (0.5 * (2.0 * ab).atan2(aa - bb)).sin_cos();
    for (a, b) in a.iter_mut().zip(b) {
        (*a, *b) = (cos * *a + sin * *b, cos * *b - sin * *a);
    }
    true
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    #[test]
    fn known_matrices_have_known_ranks() {
        let diagonal = |values: &[f32]| -> Vec<f32> {
            let n = values.len();
            (0..n * n).map(|i| if i / n == i % n { values[i / n] } else { 0.0 }).collect()
        };
        assert!((effective_rank(5, &diagonal(&[3.0; 5])) - 5.0).abs() < 1e-9);
        // Shares ½, ¼, ¼: an entropy of 1.5 ln 2.
        assert!((effective_rank(3, &diagonal(&[2.0, 1.0, -1.0])) - 2.0f64.powf(1.5)).abs() < 1e-9);
        // [[3, 0], [4, 5]] has the singular values √45 and √5: shares ¾ and ¼.
        let entropy = -(0.75 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        assert!((effective_rank(2, &[3.0, 0.0, 4.0, 5.0]) - entropy.exp()).abs() < 1e-9);
        assert_eq!([effective_rank(3, &[0.0; 6]), effective_rank(3, &[]), effective_rank(0, &[])], [0.0; 3]);
        assert!(effective_rank(1, &[1.0, f32::NAN]).is_nan());
    }

    proptest! {
        #[test]
        fn it_is_that_of_the_transpose_and_of_any_multiple(rows in 1usize..7, columns in 1usize..7, seed: u64) {
            let mut rng = Rng::new(seed);
            let matrix: Vec<f32> = (0..rows * columns).map(|_| rng.normal() as f32).collect();
            let transposed: Vec<f32> = (0..rows * columns).map(|i| matrix[i % rows * columns + i / rows]).collect();
            let tripled: Vec<f32> = matrix.iter().map(|x| 3.0 * x).collect();
            let rank = effective_rank(columns, &matrix);
            prop_assert!(rank > 0.999 && rank < rows.min(columns) as f64 + 1e-6);
            prop_assert!((effective_rank(rows, &transposed) - rank).abs() < 1e-6);
            prop_assert!((effective_rank(columns, &tripled) - rank).abs() < 1e-6);
        }
    }
}
