//! What a scalar brings along for products.

use std::cell::Cell;
use std::thread::LocalKey;

use super::super::Buffer;
use super::super::dispatch::PORTABLE_FMA;
use super::super::lanes::{Lanes, Plain};
use super::Matrix;
use crate::{Dual, Real};

/// A scalar with [`Lanes`] for each instruction set. Out of reach from outside, so it seals `Real`.
pub trait Product: Sized + Copy + 'static {
    /// Its lanes on processors with AVX-512.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Lanes<Self>;
    /// Its lanes on processors with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Lanes<Self>;
    /// Its lanes on every processor.
    type Portable: Lanes<Self>;

    /// The memory that this thread packs into. It grows to about a MiB and is kept.
    fn room() -> &'static LocalKey<Cell<Buffer<Self>>>;

    /// `C ← α A B + β C` by the `matrixmultiply` crate, for `C` whose rows begin `c_stride` apart.
    ///
    /// # Safety
    ///
    /// `a` and `b` lie within their data, `a` has as many columns as `b` has rows, and all of `c` is there to be written.
    unsafe fn multiply(
        alpha: Self,
        a: Matrix<'_, Self>,
        b: Matrix<'_, Self>,
        beta: Self,
        c: *mut Self,
        c_stride: usize,
    );
}

macro_rules! product {
    ($type:ty, $gemm:path, $avx512:ident, $avx2:ident) => {
        impl Product for $type {
            #[cfg(target_arch = "x86_64")]
            type Avx512 = super::super::lanes_x86::$avx512;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = super::super::lanes_x86::$avx2;
            type Portable = Plain<$type, PORTABLE_FMA>;

            fn room() -> &'static LocalKey<Cell<Buffer<Self>>> {
                thread_local! {
                    static ROOM: Cell<Buffer<$type>> = const { Cell::new(Buffer::new()) };
                }
                &ROOM
            }

            unsafe fn multiply(
                alpha: Self,
                a: Matrix<'_, Self>,
                b: Matrix<'_, Self>,
                beta: Self,
                c: *mut Self,
                c_stride: usize,
            ) {
                let (m, k, n) = (a.rows, a.cols, b.cols);
                let (a_row, a_col) = (a.row_stride as isize, a.col_stride as isize);
                let (b_row, b_col) = (b.row_stride as isize, b.col_stride as isize);
                let (a, b) = (a.data.as_ptr(), b.data.as_ptr());
                // SAFETY: the caller vouches for the bounds; rows of C do not overlap.
                unsafe { $gemm(m, k, n, alpha, a, a_row, a_col, b, b_row, b_col, beta, c, c_stride as isize, 1) }
            }
        }
    };
}

product!(f32, matrixmultiply::sgemm, Avx512F32, Avx2F32);
product!(f64, matrixmultiply::dgemm, Avx512F64, Avx2F64);

/// Plain loops: dual numbers are for checking and for second derivatives.
impl Product for Dual {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = Plain<Dual, false>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = Plain<Dual, false>;
    type Portable = Plain<Dual, false>;

    fn room() -> &'static LocalKey<Cell<Buffer<Self>>> {
        thread_local! {
            static ROOM: Cell<Buffer<Dual>> = const { Cell::new(Buffer::new()) };
        }
        &ROOM
    }

    unsafe fn multiply(
        alpha: Self,
        a: Matrix<'_, Self>,
        b: Matrix<'_, Self>,
        beta: Self,
        c: *mut Self,
        c_stride: usize,
    ) {
        for (i, j) in (0..a.rows).flat_map(|i| (0..b.cols).map(move |j| (i, j))) {
            let term = |k| a.data[i * a.row_stride + k * a.col_stride] * b.data[k * b.row_stride + j * b.col_stride];
            let product = alpha * (0..a.cols).map(term).sum::<Dual>();
            // SAFETY: the caller vouches for all of C.
            let c = unsafe { &mut *c.add(i * c_stride + j) };
            *c = if beta == Dual::ZERO { product } else { product + beta * *c };
        }
    }
}
