//! Elements that depend on their place in a matrix. Of a tensor of more axes, the first one counts the rows and the rest
//! the columns.

use thalweg_tensor::{Real, Rng, Shape, kernels};

use super::default_bound;

/// Rows and columns.
#[track_caller]
fn matrix(name: &str, shape: Shape) -> [usize; 2] {
    assert!(shape.rank() >= 2, "{name}: at least two axes expected, the shape is {shape}");
    let [_, rows, columns] = shape.around(0);
    [rows, columns]
}

/// Ones on the diagonal: what comes in goes out.
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn eye<T: Real>(shape: Shape) -> impl FnMut(usize) -> T {
    let [_, columns] = matrix("eye", shape);
    move |i| if i / columns == i % columns { T::ONE } else { T::ZERO }
}

/// `gain` times a random matrix with orthonormal rows, or columns if it has more rows than columns (Saxe, McClelland &
/// Ganguli 2014): lengths and angles survive any number of such layers.
///
/// Normal vectors are made orthonormal one after another, each twice (Gram & Schmidt; twice is enough, Giraud, Langou &
/// Rozložník 2005). What is divided by is a length and so positive, which makes all such matrices equally likely (Mezzadri
/// 2007).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn orthogonal<T: Real>(shape: Shape, gain: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    let [rows, columns] = matrix("orthogonal", shape);
    let (count, width) = (rows.min(columns), rows.max(columns));
    let mut vectors = Vec::with_capacity(count * width);
    while vectors.len() < count * width {
        let mut vector: Vec<f64> = (0..width).map(|_| rng.normal()).collect();
        let drawn = kernels::sum_of_squares(&vector).sqrt();
        for _ in 0..2 {
            for other in vectors.chunks_exact(width) {
                kernels::axpy(-kernels::dot(other, &vector), other, &mut vector);
            }
        }
        let length = kernels::sum_of_squares(&vector).sqrt();
        // With next to nothing left, what is left is rounding: draw again.
        if length > 1e-8 * drawn {
            vectors.extend(vector.iter().map(|x| x / length));
        }
    }
    move |i| {
        let place = if rows <= columns { i } else { i % columns * width + i / columns };
        T::from_f64(gain * vectors[place])
    }
}

/// Normal with this deviation, but for a fraction `sparsity` of each column (rounded up), which is zero (Martens 2010):
/// each input goes to few units.
///
/// # Panics
/// If the shape has fewer than two axes, or the sparsity is not between 0 and 1.
#[track_caller]
pub fn sparse<T: Real>(shape: Shape, sparsity: f64, deviation: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    let [rows, columns] = matrix("sparse", shape);
    assert!((0.0..=1.0).contains(&sparsity), "sparse: a fraction in [0, 1] expected: {sparsity}");
    let zeros = (sparsity * rows as f64).ceil() as usize;
    let mut values: Vec<f64> = (0..rows * columns).map(|_| deviation * rng.normal()).collect();
    for column in 0..columns {
        rng.permutation(rows)[..zeros].iter().for_each(|row| values[row * columns + column] = 0.0);
    }
    move |i| T::from_f64(values[i])
}

/// Uniform in ±1/√fan in, but for a fraction `sparsity` of each unit's weights (rounded up, and not the last one), which is
/// zero: each unit hears few inputs. With `sparsity = 0`, how linear layers begin.
///
/// Source: Elsayed, Vasan & Mahmood 2024, SparseInit, where a unit may be left without any.
///
/// # Panics
/// If the shape has fewer than two axes, or the sparsity is not between 0 and 1.
#[track_caller]
pub fn sparse_uniform<T: Real>(shape: Shape, sparsity: f64, rng: &mut Rng) -> impl FnMut(usize) -> T {
    let [rows, columns] = matrix("sparse_uniform", shape);
    assert!((0.0..=1.0).contains(&sparsity), "sparse_uniform: a fraction in [0, 1] expected: {sparsity}");
    let (zeros, bound) = ((sparsity * columns as f64).ceil() as usize, default_bound(columns));
    let mut values: Vec<f64> = (0..rows * columns).map(|_| rng.range(-bound, bound)).collect();
    for row in values.chunks_exact_mut(columns.max(1)) {
        let silent = rng.permutation(columns).into_iter().take(zeros.min(columns - 1));
        silent.for_each(|column| row[column] = 0.0);
    }
    move |i| T::from_f64(values[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    proptest! {
        /// `W Wᵀ = gain² I`, or `Wᵀ W` of a tall matrix; of convolutions too.
        #[test]
        fn orthogonal_matrices_are_orthonormal(rows in 0usize..9, inputs in 0usize..9, kernel in 1usize..4, seed: u64) {
            let shape = Shape::new(&[rows, inputs, kernel]);
            let columns = inputs * kernel;
            let w: Vec<f64> = (0..shape.len()).map(orthogonal(shape, 3.0, &mut Rng::new(seed))).collect();
            let along_rows = rows <= columns;
            let at = |i: usize, k: usize| if along_rows { w[i * columns + k] } else { w[k * columns + i] };
            for (i, j) in (0..rows.min(columns)).flat_map(|i| (0..=i).map(move |j| (i, j))) {
                let product: f64 = (0..rows.max(columns)).map(|k| at(i, k) * at(j, k)).sum();
                let expected = if i == j { 9.0 } else { 0.0 };
                prop_assert!((product - expected).abs() < 1e-12, "{i} {j}: {product}");
            }
        }

        #[test]
        fn sparse_units_hear_few_inputs(rows in 0usize..9, columns in 0usize..9, sparsity in 0.0..1.0, seed: u64) {
            let (shape, bound) = (Shape::new(&[rows, columns]), (columns as f64).sqrt().recip());
            let w: Vec<f64> = (0..shape.len()).map(sparse_uniform(shape, sparsity, &mut Rng::new(seed))).collect();
            for row in w.chunks(columns.max(1)) {
                let zeros = row.iter().filter(|&&w| w == 0.0).count();
                prop_assert_eq!(zeros, ((sparsity * columns as f64).ceil() as usize).min(columns - 1));
                prop_assert!(row.iter().all(|w| w.abs() <= bound));
            }
        }

        #[test]
        fn sparse_columns_have_their_zeros(rows in 0usize..9, columns in 0usize..9, sparsity in 0.0..1.0, seed: u64) {
            let shape = Shape::new(&[rows, columns]);
            let w: Vec<f64> = (0..shape.len()).map(sparse(shape, sparsity, 0.1, &mut Rng::new(seed))).collect();
            for column in 0..columns {
                let zeros = (0..rows).filter(|row| w[row * columns + column] == 0.0).count();
                prop_assert_eq!(zeros, (sparsity * rows as f64).ceil() as usize);
            }
        }
    }

    /// Each element of a random rotation of `n` axes has variance `1/n`, and both signs are as likely.
    #[test]
    fn orthogonal_matrices_prefer_no_direction() {
        let (mut rng, shape) = (Rng::new(4), Shape::new(&[4, 4]));
        let mut moments = [[0.0; 2]; 16];
        for _ in 0..2000 {
            for (i, x) in (0..16).map(orthogonal::<f64>(shape, 1.0, &mut rng)).enumerate() {
                moments[i][0] += x / 2000.0;
                moments[i][1] += x * x / 2000.0;
            }
        }
        assert!(moments.iter().all(|[mean, square]| mean.abs() < 0.05 && (square - 0.25).abs() < 0.03), "{moments:?}");
    }

    #[test]
    fn large_orthogonal_matrices_are_orthonormal() {
        let n = 200;
        let w: Vec<f64> = (0..n * n).map(orthogonal(Shape::new(&[n, n]), 1.0, &mut Rng::new(5))).collect();
        for (i, a) in w.chunks_exact(n).enumerate() {
            for (j, b) in w.chunks_exact(n).enumerate().take(i + 1) {
                assert!((kernels::dot(a, b) - if i == j { 1.0 } else { 0.0 }).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn sparse_elements_have_their_deviation() {
        let shape = Shape::new(&[100, 100]);
        let w: Vec<f64> = (0..shape.len()).map(sparse(shape, 0.75, 2.0, &mut Rng::new(6))).collect();
        let square = w.iter().map(|x| x * x).sum::<f64>() / 2500.0;
        assert!((square.sqrt() - 2.0).abs() < 0.1, "{square}");
    }

    #[test]
    fn the_identity_is_square_or_cut_off() {
        let w: Vec<f32> = (0..6).map(eye(Shape::new(&[2, 3]))).collect();
        assert_eq!(w, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    }
}
