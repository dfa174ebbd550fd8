//! The sums of lanes in the vector registers of x86-64. What the head of the folder says of `unsafe` holds here as well.

use super::super::lanes::{LANES, Lanes, fold};
use super::{Avx2F32, Avx512F32};
use crate::Real;
use std::arch::x86_64::*;

/// The numbers themselves.
#[inline(always)]
fn in_memory<L: Lanes<T>, T: Real>(lanes: L) -> [T; LANES] {
    let mut numbers = [T::ZERO; LANES];
    lanes.store(&mut numbers);
    numbers
}

/// [`Lanes::fold`] by way of memory.
#[inline(always)]
pub(super) fn fold_stored<L: Lanes<f64>, const ROWS: usize>(rows: [L; ROWS]) -> [f64; ROWS] {
    let mut lanes = [[0.0; LANES]; ROWS];
    for row in 0..ROWS {
        rows[row].store(&mut lanes[row]);
    }
    fold(&lanes)
}

/// [`Lanes::fold`] of sixteen rows at a time: each stage joins two registers to one. Letters are rows, digits what is left
/// of their lanes in blocks of four numbers, from the third stage on within blocks.
///
/// What a stage adds it gets by one blend and one shuffle, not by two shuffles: those wait for one port.
#[inline(always)]
pub(super) fn fold_avx512<const ROWS: usize>(rows: [Avx512F32; ROWS]) -> [f32; ROWS] {
    let mut sums = [0.0; ROWS];
    let mut first = 0;
    while first < ROWS {
        let mut r = [Avx512F32::splat(0.0).0[0]; 16];
        for i in 0..16 {
            if first + i < ROWS {
                r[i] = rows[first + i].0[0];
            }
        }
        // SAFETY: the instructions are there, see the head of the file.
        let folded = unsafe {
            let (acbd, egfh) =
                (quarter(halve(r[0], r[1]), halve(r[2], r[3])), quarter(halve(r[4], r[5]), halve(r[6], r[7])));
            let (ikjl, monp) =
                (quarter(halve(r[8], r[9]), halve(r[10], r[11])), quarter(halve(r[12], r[13]), halve(r[14], r[15])));
            let sums = single(pair(acbd, egfh), pair(ikjl, monp));
            // Row by row: every stage has set one bit of a row's number, from the lowest to the highest.
            let order = _mm512_setr_epi32(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
            _mm512_add_ps(_mm512_permutexvar_ps(order, sums), _mm512_setzero_ps())
        };
        let folded = in_memory(Avx512F32([folded]));
        for i in 0..16 {
            if first + i < ROWS {
                sums[first + i] = folded[i];
            }
        }
        first += 16;
    }
    sums
}

/// `[a₀ a₁ b₂ b₃] + [a₂ a₃ b₀ b₁]`.
#[inline(always)]
unsafe fn halve(a: __m512, b: __m512) -> __m512 {
    // SAFETY: the caller vouches for the instructions.
    unsafe { _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, a, b), _mm512_shuffle_f32x4::<0x4E>(a, b)) }
}

/// `[a₀ c₁ b₀ d₁] + [a₁ c₀ b₁ d₀]`.
#[inline(always)]
unsafe fn quarter(ab: __m512, cd: __m512) -> __m512 {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let crossed = _mm512_setr_epi32(4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27);
        _mm512_add_ps(_mm512_mask_blend_ps(0xF0F0, ab, cd), _mm512_permutex2var_ps(ab, crossed, cd))
    }
}

/// In each block `(a₀ a₁ e₂ e₃) + (a₂ a₃ e₀ e₁)`.
#[inline(always)]
unsafe fn pair(a: __m512, e: __m512) -> __m512 {
    // SAFETY: the caller vouches for the instructions.
    unsafe { _mm512_add_ps(_mm512_mask_blend_ps(0xCCCC, a, e), _mm512_shuffle_ps::<0x4E>(a, e)) }
}

/// In each block `(a₀ i₁ e₀ m₁) + (a₁ i₀ e₁ m₀)`.
#[inline(always)]
unsafe fn single(ae: __m512, im: __m512) -> __m512 {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let crossed = _mm512_permute_ps::<0xB1>(_mm512_mask_blend_ps(0x5555, ae, im));
        _mm512_add_ps(_mm512_mask_blend_ps(0xAAAA, ae, im), crossed)
    }
}

/// [`Lanes::fold`] of four rows at a time, with the letters and digits of [`fold_avx512`].
#[inline(always)]
pub(super) fn fold_avx2<const ROWS: usize>(rows: [Avx2F32; ROWS]) -> [f32; ROWS] {
    let mut sums = [0.0; ROWS];
    let mut first = 0;
    while first < ROWS {
        let mut r = [Avx2F32::splat(0.0).0[0]; 4];
        for i in 0..4 {
            if first + i < ROWS {
                // SAFETY: the instructions are there, see the head of the file.
                r[i] = unsafe { _mm256_add_ps(rows[first + i].0[0], rows[first + i].0[1]) };
            }
        }
        // SAFETY: as above.
        let folded = unsafe {
            let (ab, cd) = (quarter_avx2(r[0], r[1]), quarter_avx2(r[2], r[3]));
            // In each block: (a₀ a₁ c₀ c₁) + (a₂ a₃ c₂ c₃), then neighbours: (a a c c).
            let pairs = _mm256_add_ps(_mm256_shuffle_ps::<0x44>(ab, cd), _mm256_shuffle_ps::<0xEE>(ab, cd));
            let sums = _mm256_add_ps(pairs, _mm256_permute_ps::<0xB1>(pairs));
            let order = _mm256_setr_epi32(0, 4, 2, 6, 0, 0, 0, 0);
            _mm256_add_ps(_mm256_permutevar8x32_ps(sums, order), _mm256_setzero_ps())
        };
        let folded = in_memory(Avx2F32([folded, folded]));
        for i in 0..4 {
            if first + i < ROWS {
                sums[first + i] = folded[i];
            }
        }
        first += 4;
    }
    sums
}

/// `[a₀ b₀] + [a₁ b₁]`.
#[inline(always)]
unsafe fn quarter_avx2(a: __m256, b: __m256) -> __m256 {
    // SAFETY: the caller vouches for the instructions.
    unsafe { _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b)) }
}
