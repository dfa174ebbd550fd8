//! W1 and W2: the kernels under everything, on memory that exists.

use serde_json::json;
use thalweg_benches::{LAYERS, MATRICES};
use thalweg_tensor::kernels::{self, Buffer, Matrix};

use crate::data::{DATA_SEED, SplitMix};
use crate::timing::{Timer, Unit};

/// W1: `C = A B`, `[n, n]`, row-major.
pub fn matrices(timer: &Timer) {
    for n in MATRICES {
        let mut rng = SplitMix::new(DATA_SEED);
        let (a, b, mut c) = (rng.numbers(n * n, 1.0), rng.numbers(n * n, 1.0), vec![0.0; n * n]);
        let operations = 2.0 * (n as f64).powi(3);
        for threads in [1, 2] {
            timer.report_on(threads, "W1", json!({"n": n}), Unit::Gigaflops(operations), || {
                kernels::gemm(1.0, Matrix::new(n, n, &a), Matrix::new(n, n, &b), 0.0, &mut c);
                std::hint::black_box(&mut c);
            });
        }
    }
}

/// W2: `y = x Wᵀ`, `W: [n, n]`, `x: [batch, n]`.
pub fn vectors(timer: &Timer) {
    for (n, batch) in LAYERS {
        let mut rng = SplitMix::new(DATA_SEED);
        let (w, x) = (rng.numbers(n * n, 1.0), rng.numbers(batch * n, 1.0));
        // Where a model keeps its numbers: on cache lines.
        let (w, x, mut y) = (Buffer::from(&w[..]), Buffer::from(&x[..]), vec![0.0; batch * n]);
        for threads in [1, 2] {
            timer.report_on(threads, "W2", json!({"out": n, "in": n, "batch": batch}), Unit::Microseconds, || {
                product(&w, &x, n, &mut y);
                std::hint::black_box(&mut y);
            });
        }
    }
}

/// `y = x Wᵀ`; the kernel adds to what is there, which in a layer is the bias.
fn product(w: &[f32], x: &[f32], columns: usize, y: &mut [f32]) {
    y.fill(0.0);
    kernels::linear_add(x, w, columns, y);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_is_multiplied() {
        let (outputs, columns) = (3, 2);
        let w = [1.0, 0.0, 0.0, 1.0, 2.0, -1.0];
        for (_n, batch) in LAYERS {
            let x: Vec<f32> = (0..batch * columns).map(|i| i as f32).collect();
            let mut y = vec![f32::NAN; batch * outputs];
            product(&w, &x, columns, &mut y);
            let expected: Vec<f32> = x.chunks(2).flat_map(|x| [x[0], x[1], 2.0 * x[0] - x[1]]).collect();
            assert_eq!(y, expected);
        }
    }
}
