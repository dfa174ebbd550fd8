//! The inner loops: plain functions over slices.
//!
//! Vectors are slices, matrices are row-major slices whose sizes follow from the vectors beside
//! them. The output comes last, is written in place and never read unless the name says `add`.
//! Nothing allocates, except that a thread's first [`gemm`] of a size makes the memory that it packs
//! into, and keeps it (without AVX2 each one allocates anew, in the `matrixmultiply` crate). Lengths are checked; a wrong one panics.
//!
//! # Instruction sets
//!
//! A kernel's body is one generic function of loops over chunks of sixteen numbers: plain loops,
//! which the compiler turns into vector instructions, or for products the operations of a `Lanes`
//! type, which are written out for each instruction set. It is compiled three times on x86-64
//! (AVX-512, AVX2 with FMA, and what every processor has), and the best version is chosen at run
//! time. The AVX2 and AVX-512 versions give the same bits, since they lay numbers out in the same
//! lanes; without FMA a product is rounded before it is added, which shows in the last digits.
//! [`vectorize`] does the same for loops of other crates.
//!
//! # Undefined behaviour
//!
//! What is `unsafe` here runs under Miri in some minutes, on small sizes, as plain loops and with AVX2 (it has no AVX-512):
//!
//! ```sh
//! PROPTEST_CASES=2 RUSTFLAGS="-Ctarget-feature=+avx2,+fma" \
//!     MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-deterministic-floats" \
//!     cargo +nightly miri test -p thalweg-tensor --features rayon --lib kernels
//! ```
//!
//! # Growth
//!
//! Element `j` of an inner product is added to lane `j mod 16`, and the sixteen lanes are folded
//! in a fixed tree. The tail of a row is a partial chunk that goes to its own lanes. Hence
//!
//! * appending zeros to both operands leaves every bit of [`dot`], [`matvec()`] and [`sum`] as it was;
//! * a row's result does not depend on how many rows there are, and equals [`dot`] of that row;
//! * [`rows_times_transposed`] gives a batch the bits that its examples get one by one;
//! * [`matvec_transposed_add`] adds rows in order, so a column does not depend on the others.
//!
//! A model that grows by new inputs (with weights of zero) or new outputs therefore repeats its
//! old outputs exactly.
//!
//! [`gemm`] adds to an element its products in the order of the inner index, on processors with AVX2
//! or AVX-512. Hence
//!
//! * an element depends neither on the other rows and columns, nor on blocks or threads;
//! * appending zeros to the inner axis leaves every element equal (a −0 may turn into 0);
//! * `Ȳᵀ X` has the bits of [`outer_sum_add`] and of [`outer_add`] for one example after the other,
//!   and each row of `Ȳ W` those of [`matvec_transposed_add`];
//! * `X Wᵀ` has *not* the bits of [`rows_times_transposed`], which adds in sixteen lanes.
//!
//! ```
//! use thalweg_tensor::kernels;
//!
//! let w = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]; // [2, 3]
//! let mut y = [0.0; 2];
//! kernels::matvec(&w, &[1.0, 0.0, -1.0], &mut y);
//! assert_eq!(y, [-2.0, -2.0]);
//! ```

// The only unsafe code of the workspace: calls of functions compiled for an instruction set that
// was detected, the instructions that those functions use, reading of matrices after their bounds
// were checked, blocks of a product that are written side by side, matrixmultiply's entry points,
// the view of a buffer's grains as numbers, and that of numbers as bytes.
#![allow(unsafe_code)]

mod batch;
mod buffer;
pub mod bytes;
mod dispatch;
mod dot;
mod gemm;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod lanes_x86;
mod matvec;
mod multiply;
mod outer;
mod outer_sum;
mod reduce;
mod softmax;
mod transposed;
mod unary;
mod vectorize;

pub use batch::{FEW, linear_add, rows_times_transposed};
pub use buffer::{Buffer, GRAIN};
pub use dot::{add_assign, axpy, dot};
pub(crate) use gemm::Product;
pub use gemm::{Matrix, gemm};
pub use matvec::{matvec, matvec_add};
pub use multiply::{BLOCK_ROWS, multiply_add};
pub use outer::outer_add;
pub use outer_sum::outer_sum_add;
pub(crate) use reduce::{CHUNK, Pairwise, TILE, fold_chunk, fold_columns};
pub use reduce::{sum, sum_of_squares};
pub use softmax::{log_softmax, log_sum_exp, softmax};
pub use transposed::matvec_transposed_add;
pub use unary::{cos, erf, exp, exp_m1, ln, ln_1p, sigmoid, sin, tanh};
pub use vectorize::{vectorize, vectorize_over};

/// What the tests of several kernels share.
#[cfg(test)]
mod testing {
    use crate::Rng;

    /// Lengths around the sizes of chunks and blocks.
    #[cfg(not(miri))]
    pub(super) const LENGTHS: [usize; 12] = [0, 1, 2, 7, 15, 16, 17, 31, 63, 64, 65, 130];
    #[cfg(miri)]
    pub(super) const LENGTHS: [usize; 4] = [0, 1, 7, 17];

    /// A size, or the bound of one; under Miri, which is thousands of times slower, no more than a chunk and a half.
    pub(super) const fn up_to(size: usize) -> usize {
        if cfg!(miri) && size > 24 { 24 } else { size }
    }

    /// Normal random numbers.
    pub(super) fn normal(length: usize, rng: &mut Rng) -> Vec<f32> {
        (0..length).map(|_| rng.normal() as f32).collect()
    }

    /// The bit patterns.
    pub(super) fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// Equal up to the rounding of sums of at most 130 terms of size about 1.
    #[track_caller]
    pub(super) fn assert_close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4), "{a:?}\n{b:?}");
    }
}
