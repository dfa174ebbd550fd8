//! The run-time choice of instruction set.

use std::sync::atomic::{AtomicU8, Ordering};

/// The instruction sets that each kernel is compiled for.
///
/// A value other than `Portable` is the proof that this processor has the instructions:
/// [`InstructionSet::best`] and [`InstructionSet::all`] are the only places that make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum InstructionSet {
    Portable = 1,
    #[cfg(target_arch = "x86_64")]
    Avx2 = 2,
    #[cfg(target_arch = "x86_64")]
    Avx512 = 3,
}

/// Whether the portable version multiplies and adds in one instruction: every aarch64 processor
/// has it, and x86-64 without AVX2 would call a slow function instead.
pub(super) const PORTABLE_FMA: bool = cfg!(target_arch = "aarch64");

impl InstructionSet {
    /// The widest set that this processor has; detected once, then a single load.
    #[inline(always)]
    pub(super) fn best() -> InstructionSet {
        static BEST: AtomicU8 = AtomicU8::new(0);
        match BEST.load(Ordering::Relaxed) {
            1 => InstructionSet::Portable,
            #[cfg(target_arch = "x86_64")]
            2 => InstructionSet::Avx2,
            #[cfg(target_arch = "x86_64")]
            3 => InstructionSet::Avx512,
            _ => {
                let best = InstructionSet::detect();
                BEST.store(best as u8, Ordering::Relaxed);
                best
            }
        }
    }

    #[cold]
    fn detect() -> InstructionSet {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq");
            return if wide { InstructionSet::Avx512 } else { InstructionSet::Avx2 };
        }
        InstructionSet::Portable
    }

    /// Every set that this processor has, narrowest first.
    #[cfg(test)]
    pub(super) fn all() -> Vec<InstructionSet> {
        // Each set is a subset of the next.
        let sets = [
            InstructionSet::Portable,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512,
        ];
        let best = InstructionSet::best() as u8;
        sets.into_iter().filter(|&set| set as u8 <= best).collect()
    }
}

/// Compiles a kernel's body once for each instruction set.
///
/// `instruction_sets! { name(arguments) -> result = body }` defines `name(set, arguments)`. The
/// body is an `#[inline(always)]` function generic over the scalar, over its [`Lanes`](super::lanes::Lanes)
/// and over `BLOCK` (how many of them fit the registers with room to spare), so the compiler
/// vectorises its plain loops anew in each version.
macro_rules! instruction_sets {
    ($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $body:ident) => {
        #[inline(always)]
        fn $name<T: $crate::Real>(
            set: $crate::kernels::dispatch::InstructionSet,
            $($argument: $type),*
        ) $(-> $result)? {
            use $crate::kernels::dispatch::InstructionSet;

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            fn avx512<T: $crate::Real>($($argument: $type),*) $(-> $result)? {
                $body::<T, T::Avx512, 8>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<T: $crate::Real>($($argument: $type),*) $(-> $result)? {
                $body::<T, T::Avx2, 4>($($argument),*)
            }

            match set {
                // SAFETY: a value of this variant proves that the instructions were detected.
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512 => unsafe { avx512::<T>($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx2 => unsafe { avx2::<T>($($argument),*) },
                InstructionSet::Portable => $body::<T, T::Portable, 2>($($argument),*),
            }
        }
    };
}
pub(super) use instruction_sets;
