//! [`Lanes`] in the vector registers of x86-64.
//!
//! # Safety
//!
//! The types here are named by [`instruction_sets`](super::dispatch::instruction_sets) alone, as a
//! parameter of a kernel's body that it compiles for, and runs after detecting, the instructions
//! that the type's operations use. That is the reason for every `unsafe` below that states no other.

mod fold;

use super::lanes::{LANES, Lanes};
use fold::{fold_avx2, fold_avx512, fold_stored};
use std::arch::x86_64::*;

/// One register of AVX-512.
#[derive(Clone, Copy, Debug)]
pub struct Avx512F32([__m512; 1]);
/// Two registers of AVX-512.
#[derive(Clone, Copy, Debug)]
pub struct Avx512F64([__m512d; 2]);
/// Two registers of AVX.
#[derive(Clone, Copy, Debug)]
pub struct Avx2F32([__m256; 2]);
/// Four registers of AVX.
#[derive(Clone, Copy, Debug)]
pub struct Avx2F64([__m256d; 4]);

macro_rules! lanes {
    ($name:ident($scalar:ty), $tile:expr, $splat:ident, $load:ident, $store:ident, $multiply_add:ident,
     $mask:ident, $masked_load:ident, $masked_store:ident, $interleave:ident, $fold:ident) => {
        impl Lanes<$scalar> for $name {
            const FMA: bool = true;
            const MASKED: bool = true;
            const TILE: [usize; 2] = $tile;

            #[inline(always)]
            fn splat(value: $scalar) -> Self {
                // SAFETY: the instructions are there, see the head of the file.
                $name([unsafe { $splat(value) }; _])
            }
            #[inline(always)]
            fn load(from: &[$scalar; LANES]) -> Self {
                let mut lanes = Self::splat(0.0);
                let width = LANES / lanes.0.len();
                for (register, from) in lanes.0.iter_mut().zip(from.chunks_exact(width)) {
                    // SAFETY: as above; `from` holds as many numbers as the register.
                    *register = unsafe { $load(from.as_ptr()) };
                }
                lanes
            }
            #[inline(always)]
            fn load_first(from: &[$scalar]) -> Self {
                debug_assert!(from.len() <= LANES);
                let mut lanes = Self::splat(0.0);
                let width = LANES / lanes.0.len();
                for (i, register) in lanes.0.iter_mut().enumerate() {
                    let mask = $mask(from.len(), i * width);
                    // SAFETY: as above; what the mask excludes, beyond the end of `from`, is not read.
                    *register = unsafe { $masked_load(from.as_ptr().wrapping_add(i * width), mask) };
                }
                lanes
            }
            #[inline(always)]
            fn store(self, to: &mut [$scalar; LANES]) {
                let width = LANES / self.0.len();
                for (register, to) in self.0.into_iter().zip(to.chunks_exact_mut(width)) {
                    // SAFETY: as above; `to` holds as many numbers as the register.
                    unsafe { $store(to.as_mut_ptr(), register) };
                }
            }
            #[inline(always)]
            fn store_first(self, to: &mut [$scalar]) {
                debug_assert!(to.len() <= LANES);
                let width = LANES / self.0.len();
                for (i, register) in self.0.into_iter().enumerate() {
                    let mask = $mask(to.len(), i * width);
                    // SAFETY: as above; what the mask excludes, beyond the end of `to`, is not written.
                    unsafe { $masked_store(to.as_mut_ptr().wrapping_add(i * width), mask, register) };
                }
            }
            #[inline(always)]
            fn multiply_add(self, b: Self, c: Self) -> Self {
                let mut lanes = c;
                for ((c, a), b) in lanes.0.iter_mut().zip(self.0).zip(b.0) {
                    // SAFETY: as above.
                    *c = unsafe { $multiply_add(a, b, *c) };
                }
                lanes
            }
            #[inline(always)]
            fn interleave(self, b: Self) -> [Self; 2] {
                // Pairs of registers, of which the first half are the first sixteen numbers.
                let mut pairs = [self.0, b.0];
                let flat = pairs.as_flattened_mut();
                for (i, (a, b)) in self.0.into_iter().zip(b.0).enumerate() {
                    // SAFETY: as above.
                    [flat[2 * i], flat[2 * i + 1]] = unsafe { $interleave(a, b) };
                }
                pairs.map($name)
            }
            #[inline(always)]
            fn fold<const ROWS: usize>(rows: [Self; ROWS]) -> [$scalar; ROWS] {
                $fold(rows)
            }
        }
    };
}

#[rustfmt::skip]
lanes!(
    Avx512F32(f32), [8, 2], _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps,
    mask_of_16, masked_load_16, _mm512_mask_storeu_ps, interleave_16, fold_avx512
);
#[rustfmt::skip]
lanes!(
    Avx512F64(f64), [8, 1], _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd,
    mask_of_8, masked_load_8, _mm512_mask_storeu_pd, interleave_8, fold_stored
);
#[rustfmt::skip]
lanes!(
    Avx2F32(f32), [6, 1], _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps,
    mask_of_i32, _mm256_maskload_ps, _mm256_maskstore_ps, interleave_avx2, fold_avx2
);
#[rustfmt::skip]
lanes!(
    Avx2F64(f64), [3, 1], _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd,
    mask_of_i64, _mm256_maskload_pd, _mm256_maskstore_pd, interleave_avx2_double, fold_stored
);

/// The mask of the lanes below `count`, for the register whose first lane is `first`.
#[inline(always)]
fn mask_of_16(count: usize, first: usize) -> __mmask16 {
    (((1_u32 << count) - 1) >> first) as __mmask16
}

/// As [`mask_of_16`].
#[inline(always)]
fn mask_of_8(count: usize, first: usize) -> __mmask8 {
    mask_of_16(count, first) as __mmask8
}

/// As [`mask_of_16`], in the signs of 32-bit numbers.
#[inline(always)]
fn mask_of_i32(count: usize, first: usize) -> __m256i {
    const MASKS: [i32; 2 * LANES] = signs();
    let mask = &MASKS[LANES - count + first..][..8];
    // SAFETY: the instructions are there; the slice holds as many numbers as the register.
    unsafe { _mm256_loadu_si256(mask.as_ptr().cast()) }
}

/// As [`mask_of_16`], in the signs of 64-bit numbers.
#[inline(always)]
fn mask_of_i64(count: usize, first: usize) -> __m256i {
    const MASKS: [i64; 2 * LANES] = {
        let (narrow, mut masks) = (signs(), [0; 2 * LANES]);
        let mut i = 0;
        while i < masks.len() {
            masks[i] = narrow[i] as i64;
            i += 1;
        }
        masks
    };
    let mask = &MASKS[LANES - count + first..][..4];
    // SAFETY: as in `mask_of_i32`.
    unsafe { _mm256_loadu_si256(mask.as_ptr().cast()) }
}

/// −1 sixteen times, then 0: the sixteen from `16 − count` on are the mask of `count` lanes.
const fn signs() -> [i32; 2 * LANES] {
    let mut masks = [0; 2 * LANES];
    let mut i = 0;
    while i < LANES {
        masks[i] = -1;
        i += 1;
    }
    masks
}

/// # Safety
///
/// As for `_mm512_maskz_loadu_ps`.
#[inline(always)]
unsafe fn masked_load_16(from: *const f32, mask: __mmask16) -> __m512 {
    // SAFETY: the caller vouches for it.
    unsafe { _mm512_maskz_loadu_ps(mask, from) }
}

/// # Safety
///
/// As for `_mm512_maskz_loadu_pd`.
#[inline(always)]
unsafe fn masked_load_8(from: *const f64, mask: __mmask8) -> __m512d {
    // SAFETY: the caller vouches for it.
    unsafe { _mm512_maskz_loadu_pd(mask, from) }
}

/// `[a₀ b₀ a₁ b₁ …]` in two registers.
#[inline(always)]
unsafe fn interleave_16(a: __m512, b: __m512) -> [__m512; 2] {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        [_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b)]
    }
}

/// As [`interleave_16`].
#[inline(always)]
unsafe fn interleave_8(a: __m512d, b: __m512d) -> [__m512d; 2] {
    // SAFETY: as above.
    unsafe {
        let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
        let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
        [_mm512_permutex2var_pd(a, low, b), _mm512_permutex2var_pd(a, high, b)]
    }
}

/// As [`interleave_16`].
#[inline(always)]
unsafe fn interleave_avx2(a: __m256, b: __m256) -> [__m256; 2] {
    // SAFETY: as above.
    unsafe {
        let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
    }
}

/// As [`interleave_16`].
#[inline(always)]
unsafe fn interleave_avx2_double(a: __m256d, b: __m256d) -> [__m256d; 2] {
    // SAFETY: as above.
    unsafe {
        let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        [_mm256_permute2f128_pd::<0x20>(low, high), _mm256_permute2f128_pd::<0x31>(low, high)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::{InstructionSet, instruction_sets};
    use super::super::lanes::{Lanes, Plain};
    use super::super::testing::normal;
    use crate::{Real, Rng};
    use proptest::prelude::*;

    /// What nothing should write to.
    const UNTOUCHED: f64 = 7.0;

    instruction_sets! { operate_on(x: &[T], y: &mut [T]) = operate }

    /// Every operation once: `y` is a partial chunk of `2 x + x`, eleven sums of rotations of it
    /// (more than a block of either fold), room that stays as it was, and two of them interleaved.
    #[inline(always)]
    fn operate<T: Real, L: Lanes<T>, const BLOCK: usize>(x: &[T], y: &mut [T]) {
        let chunk = L::load_first(x);
        let chunk = L::splat(T::from_f64(2.0)).multiply_add(chunk, chunk);
        chunk.store_first(&mut y[..x.len()]);
        let mut lanes = [T::ZERO; 16];
        chunk.store(&mut lanes);
        let mut rows = [chunk; 11];
        for row in &mut rows {
            lanes.rotate_left(1);
            *row = L::load(&lanes).multiply_add(chunk, *row);
        }
        y[16..27].copy_from_slice(&L::fold(rows));
        for (interleaved, y) in rows[0].interleave(rows[1]).into_iter().zip(y[40..].as_chunks_mut().0) {
            interleaved.store(y);
        }
    }

    fn check<T: Real>(x: &[T]) -> Result<(), TestCaseError> {
        let mut expected = [T::from_f64(UNTOUCHED); 72];
        operate::<T, Plain<T, true>, 1>(x, &mut expected);
        prop_assert!(expected[x.len()..16].iter().chain(&expected[27..40]).all(|&y| y == T::from_f64(UNTOUCHED)));
        // AVX2 and AVX-512, which round as `Plain<T, true>` does.
        for set in InstructionSet::all().into_iter().skip(1) {
            let mut y = [T::from_f64(UNTOUCHED); 72];
            operate_on(set, x, &mut y);
            prop_assert!(y.iter().zip(&expected).all(|(a, b)| a.bits() == b.bits()), "{:?}: {:?}", set, y);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn registers_give_the_bits_of_plain_lanes(seed: u64, length in 0_usize..=16) {
            let x = normal(length, &mut Rng::new(seed));
            check(&x)?;
            check(&x.iter().map(|&x| f64::from(x) * 1.1).collect::<Vec<_>>())?;
        }
    }
}
