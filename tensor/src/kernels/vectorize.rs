//! Plain loops of other crates, compiled for the widest vectors.

use super::dispatch::InstructionSet;

/// Runs `work`, compiled for the widest vectors that this processor has.
///
/// The kernels of this module choose their instruction set by themselves; this is the door for
/// every other elementwise loop (an optimizer's update, a new activation), so that it needs no
/// `unsafe` to use the whole width.
///
/// ```
/// use thalweg_tensor::kernels::vectorize;
///
/// /// θ ← θ − η g / √(v + ε), where v is a running mean of g².
/// fn step(theta: &mut [f32], g: &[f32], v: &mut [f32], rate: f32) {
///     vectorize(
///         #[inline(always)]
///         || {
///             for ((theta, &g), v) in theta.iter_mut().zip(g).zip(v) {
///                 *v += 0.1 * (g * g - *v);
///                 *theta -= rate * g / (*v + 1e-8).sqrt();
///             }
///         },
///     );
/// }
///
/// let (mut theta, mut v) = ([0.0; 3], [4.0; 3]);
/// step(&mut theta, &[2.0, -2.0, 0.0], &mut v, 0.5);
/// assert_eq!(theta, [-0.5, 0.5, 0.0]);
/// ```
///
/// # How to write the work
///
/// Only what is inlined into the compiled copy profits from it: what stays a call runs as slowly as
/// without `vectorize`, and no warning says so. Therefore
///
/// * put `#[inline(always)]` on the closure, as above, and on every function that it calls for each
///   element (the methods of [`Real`](crate::Real) have it);
/// * walk slices of one length with `zip`, or [`as_chunks`](slice::as_chunks): an index that may be
///   out of bounds keeps the loop scalar;
/// * choose by `if` between values, not between actions, and leave the loop only at its end;
/// * a sum into one variable is not vectorised, since the order of additions is kept: use
///   [`sum`](super::sum) or [`dot`](super::dot());
/// * give it work: a call costs about two nanoseconds, and copies of the loop for each set.
///
/// # Results
///
/// The compiler never fuses `a * b + c` into one rounding by itself, nor reorders additions, so the
/// same closure gives the same bits on every instruction set. A written `mul_add` is rounded once on
/// all of them as well, but is a slow call on the portable one.
///
/// Builds with debug assertions run the plain loop: the bits are the same, and every closure is compiled once instead
/// of three times.
#[inline(always)]
pub fn vectorize<R>(work: impl FnOnce() -> R) -> R {
    if cfg!(debug_assertions) { work() } else { vectorize_on(InstructionSet::best(), work) }
}

/// [`vectorize`] for a loop over so many elements: fewer than eight are done sooner as they are than an instruction set is chosen.
#[inline(always)]
pub fn vectorize_over<R>(elements: usize, work: impl FnOnce() -> R) -> R {
    if elements < 8 { work() } else { vectorize(work) }
}

#[inline(always)]
fn vectorize_on<R>(set: InstructionSet, work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    fn avx512<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    match set {
        // SAFETY: a value of this variant proves that the instructions were detected.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => unsafe { avx512(work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => unsafe { avx2(work) },
        InstructionSet::Portable => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::normal;
    use super::*;
    use crate::{Real, Rng};
    use proptest::prelude::*;

    /// A loop with everything that may be rounded: products and sums, a quotient, a root, `exp`.
    #[inline(always)]
    fn blend<T: Real>(x: &[T], y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (x * *y + x.exp()) / (x * x + T::ONE).sqrt();
        }
    }

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_bits_of_the_plain_loop(seed: u64, length in 0_usize..200) {
            let mut rng = Rng::new(seed);
            let (x, y) = (normal(length, &mut rng), normal(length, &mut rng));
            let double = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let (mut single, mut exact) = (y.clone(), double(&y));
            blend(&x, &mut single);
            blend(&double(&x), &mut exact);
            for set in InstructionSet::all() {
                let (mut wide, mut wide_exact) = (y.clone(), double(&y));
                vectorize_on(set, #[inline(always)] || blend(&x, &mut wide));
                vectorize_on(set, #[inline(always)] || blend(&double(&x), &mut wide_exact));
                let same = |a: u64, b: u64| a == b;
                prop_assert!(wide.iter().zip(&single).all(|(a, b)| same(a.bits(), b.bits())), "{set:?}");
                prop_assert!(wide_exact.iter().zip(&exact).all(|(a, b)| same(a.bits(), b.bits())), "{set:?}");
            }
        }
    }

    #[test]
    fn the_result_of_the_work_comes_back() {
        assert_eq!(vectorize(|| String::from("done")), "done");
    }

    #[test]
    #[should_panic(expected = "out of work")]
    fn a_panic_passes_through() {
        vectorize(|| panic!("out of work"));
    }
}
