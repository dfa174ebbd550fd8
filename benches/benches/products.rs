//! What products of matrices cost, on one thread: the sizes of W1 and W2 of `measure`.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rayon::{ThreadPool, ThreadPoolBuilder};
use thalweg_benches::{LAYERS, MATRICES};
use thalweg_tensor::kernels::{Matrix, gemm, linear_add};
use thalweg_tensor::{Rng, Tensor};

/// `A B`, `Aᵀ B` and `A Bᵀ`, square: forward, and backward to a weight and to an input.
fn square(c: &mut Criterion) {
    let (mut group, pool) = (group(c, "gemm"), one_thread());
    for n in MATRICES {
        let (a, b, mut product) = (random([n, n], 1), random([n, n], 2), vec![0.0; n * n]);
        let (a, b) = (Matrix::new(n, n, a.as_slice()), Matrix::new(n, n, b.as_slice()));
        group.throughput(Throughput::Elements(2 * (n * n * n) as u64));
        for (name, a, b) in [("plain", a, b), ("left_turned", a.t(), b), ("right_turned", a, b.t())] {
            group.bench_function(BenchmarkId::new(name, n), |bencher| {
                pool.install(|| bencher.iter(|| gemm(1.0, a, b, 0.0, &mut product)));
            });
        }
    }
}

/// A layer on a batch: `Y += X Wᵀ`.
fn layer(c: &mut Criterion) {
    let (mut group, pool) = (group(c, "linear_add"), one_thread());
    for (n, batch) in LAYERS {
        let (x, w, mut y) = (random([batch, n], 1), random([n, n], 2), vec![0.0; batch * n]);
        group.throughput(Throughput::Elements(2 * (batch * n * n) as u64));
        group.bench_function(format!("{batch}x{n}x{n}"), |bencher| {
            pool.install(|| bencher.iter(|| linear_add(x.as_slice(), w.as_slice(), n, &mut y)));
        });
    }
}

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    group
}

fn one_thread() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(1).build().expect("a thread starts")
}

fn random(shape: [usize; 2], seed: u64) -> Tensor {
    Tensor::normal(shape, 0.0, 1.0, &mut Rng::new(seed))
}

criterion_group!(benches, square, layer);
criterion_main!(benches);
